//! Frames with the lines of an older version of the source in; the same frames with the lines of today out.

use std::collections::BTreeMap;

use super::files::{Files, Match};
use super::index::{Index, Meaning};
use super::symbol::Symbol;
use crate::model::{Frame, Item, MovedLines, Problem, Since};

/// Puts the lines of frames where they stand now, and says what that came to; a line that was changed becomes 0, unknown.
///
/// A recording may have been made of changes that no commit has, so that its lines need no moving. Symbols tell: a file's
/// lines are moved where more of them then lie in the function that the symbol names. Where both are equally many, the
/// commit decides if somebody named it.
pub fn move_lines(frames: &mut [Frame], items: &[Item], since: &Since) -> Option<Problem> {
    let (index, files) = (Index::new(items), Files::new(items));
    let moved: BTreeMap<&str, &MovedLines> = since.moved.iter().map(|m| (m.file.as_str(), m)).collect();
    let mut of_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, frame) in frames.iter().enumerate().filter(|(_, f)| f.line > 0) {
        let (Match::Whole { file, .. } | Match::Tail(file)) = files.find(&frame.file) else { continue };
        if moved.contains_key(file) && index.may_be_ours(&Symbol::parse(&frame.symbol)) {
            of_file.entry(file).or_default().push(at);
        }
    }
    let mut told = Told::default();
    for (file, places) in of_file {
        let lines = moved[file];
        let votes = places.iter().map(|at| vote(&frames[*at], file, lines, &index, &files));
        let (now, before) = votes.fold((0, 0), |(n, b), (now, before)| (n + u32::from(now), b + u32::from(before)));
        if now < before || (now == before && !since.is_certain) {
            continue;
        }
        told.files += 1;
        for at in places {
            let line = lines.now(frames[at].line).unwrap_or(0);
            told.lines += u32::from(line != frames[at].line);
            told.changed += u32::from(line == 0);
            frames[at].line = line;
        }
    }
    told.problem(since)
}

/// Whether the function that the symbol names holds the line where it stands now, and where it stood; a changed line has
/// no vote.
fn vote(frame: &Frame, file: &str, lines: &MovedLines, index: &Index, files: &Files) -> (bool, bool) {
    match (index.resolve(&Symbol::parse(&frame.symbol)), lines.now(frame.line)) {
        (Meaning::Item(item), Some(now)) => (files.holds(item, file, now), files.holds(item, file, frame.line)),
        _ => (false, false),
    }
}

#[derive(Default)]
struct Told {
    files: u32,
    lines: u32,
    changed: u32,
}

impl Told {
    fn problem(&self, since: &Since) -> Option<Problem> {
        let commit: String = since.commit.chars().take(7).collect();
        let files = if self.files == 1 { String::from("1 file") } else { format!("{} files", self.files) };
        let changed = match self.changed {
            0 => String::new(),
            n => format!("; {n} in lines that were changed count for their function alone"),
        };
        let what = format!("recorded at {commit}: lines in {files} are shown where they stand now{changed}");
        (self.lines > 0).then(|| Problem::note(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SameLines;
    use crate::source::{FileRole, SourceFile};

    const NOW: &str =
        "use std::fmt;\nuse std::io;\nfn first() {\n    work();\n}\nfn second() {\n    new_work();\n    rest();\n}\n";

    /// Three lines shorter at the top, and another call in `second`.
    fn since(is_certain: bool) -> Since {
        let same = vec![SameLines { old: 1, new: 3, count: 4 }, SameLines { old: 6, new: 8, count: 2 }];
        Since { commit: "0123456789".into(), is_certain, moved: vec![MovedLines { file: "src/lib.rs".into(), same }] }
    }

    fn frame(symbol: &str, line: u32) -> Frame {
        Frame { symbol: symbol.into(), file: "/build/gw/src/lib.rs".into(), line, ..Frame::default() }
    }

    #[track_caller]
    fn check(frames: &[(&str, u32)], since: &Since, expected: &[u32], said: Option<&str>) {
        let role = FileRole { krate: "gw".into(), ..FileRole::default() };
        let items = SourceFile::parse("src/lib.rs", NOW, &role).unwrap().items;
        let mut frames: Vec<Frame> = frames.iter().map(|(symbol, line)| frame(symbol, *line)).collect();
        let problem = move_lines(&mut frames, &items, since);
        assert_eq!(frames.iter().map(|f| f.line).collect::<Vec<_>>(), expected);
        assert_eq!(problem.map(|p| p.what).as_deref(), said);
    }

    #[test]
    fn lines_go_where_their_text_went_and_changed_ones_are_unknown() {
        check(
            &[("gw::first", 2), ("gw::second", 5), ("gw::second", 6), ("std::rt::lang_start", 7), ("gw::second", 0)],
            &since(false),
            &[4, 0, 8, 7, 0],
            Some(
                "recorded at 0123456: lines in 1 file are shown where they stand now; 1 in lines that were changed count for their function alone",
            ),
        );
    }

    #[test]
    fn a_recording_of_uncommitted_changes_keeps_its_lines() {
        check(&[("gw::first", 4), ("gw::second", 8)], &since(true), &[4, 8], None);
    }

    #[test]
    fn where_symbols_cannot_tell_a_named_commit_decides() {
        check(&[("gw::{impl#0}::gone", 2)], &since(false), &[2], None);
        check(
            &[("gw::{impl#0}::gone", 2)],
            &since(true),
            &[4],
            Some("recorded at 0123456: lines in 1 file are shown where they stand now"),
        );
    }
}
