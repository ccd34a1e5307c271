//! Frames and spans with the lines of an older version of the source in; the same with the lines of today out.

use std::collections::{BTreeMap, HashMap};

use super::files::{self, Files, Match};
use super::index::{Index, Meaning};
use super::remapped;
use super::symbol::Symbol;
use crate::model::{Frame, Item, MovedLines, Problem, Profile, Since, Span};

/// Puts the lines of frames and spans where they stand now, and says what that came to; a line that was changed becomes 0,
/// unknown.
///
/// A recording may have been made of changes that no commit has, so that its lines need no moving. Symbols tell: a file's
/// lines are moved where more of them then lie in the function that the symbol names. Where both are equally many, the
/// commit decides if somebody named it. A file that has another name now has only the old lines.
pub fn move_lines(profile: &mut Profile, items: &[Item], since: &Since) -> Option<Problem> {
    let (index, files) = (Index::new(items), Files::new(items));
    let moved: BTreeMap<&str, &MovedLines> = since.moved.iter().map(|m| (m.file.as_str(), m)).collect();
    let meant = meant(&profile.frames, items, &moved, (&index, &files));
    // Line tables alone tell no crate of an inlined function, which is placed by its line as others are.
    let may_be_ours = |symbol: &Symbol| symbol.is_bare() || index.may_be_ours(symbol);
    let frames = profile.frames.iter_mut().filter(|f| may_be_ours(&Symbol::parse(&f.symbol))).map(Written::frame);
    let spans = profile.spans.iter_mut().map(Written::span);
    let mut of_file: BTreeMap<&str, Vec<Written>> = BTreeMap::new();
    for mut place in frames.chain(spans).filter(|place| *place.line > 0) {
        if let Some(file) = place.file_now(&files, since, &meant).filter(|file| moved.contains_key(file)) {
            of_file.entry(file).or_default().push(place);
        }
    }
    let mut told = Told::default();
    for (file, places) in of_file {
        let lines = moved[file];
        let votes = places.iter().map(|place| place.vote(file, lines, &index, &files));
        let (now, before) = votes.fold((0, 0), |(n, b), (now, before)| (n + u32::from(now), b + u32::from(before)));
        if lines.was.is_empty() && (now < before || (now == before && !since.is_certain)) {
            continue;
        }
        told.files += 1;
        for place in places {
            let line = lines.now(*place.line).unwrap_or(0);
            told.lines += u32::from(line != *place.line || !lines.was.is_empty());
            told.changed += u32::from(line == 0);
            *place.line = line;
        }
    }
    told.problem(since)
}

/// The files that paths mean which are those of no workspace file, because a prefix was remapped: lines count where they stood
/// and where they stand now.
fn meant<'a>(
    frames: &[Frame],
    items: &'a [Item],
    moved: &BTreeMap<&str, &MovedLines>,
    (index, files): (&Index, &Files<'a>),
) -> HashMap<String, &'a str> {
    let nowhere = frames.iter().filter(|f| f.line > 0 && !f.file.is_empty() && files.find(&f.file) == Match::None);
    let voters = nowhere.filter_map(|frame| match index.resolve(&Symbol::parse(&frame.symbol)) {
        Meaning::Item(item) => Some((frame, item)),
        _ => None,
    });
    let vote = |item, file: &'a str, frame: &Frame| {
        let lines = moved.get(file);
        let was = lines.map_or("", |lines| lines.was.as_str());
        let named = if was.is_empty() { file } else { was };
        if !files.has_last_name_of(&frame.file, named) {
            return None;
        }
        let stays = was.is_empty() && files.holds(item, file, frame.line);
        match lines.map(|lines| lines.now(frame.line)) {
            Some(Some(now)) => Some(stays || files.holds(item, file, now)),
            // What was changed since says nothing.
            Some(None) => stays.then_some(true),
            None => Some(stays),
        }
    };
    let meant = remapped::meant_by(voters, items, vote);
    meant.into_iter().map(|(path, file)| (path.to_owned(), file)).collect()
}

/// A place in the source as the recording has it.
struct Written<'a> {
    file: &'a mut String,
    line: &'a mut u32,
    /// The symbol, or the function that a span names.
    symbol: &'a str,
    is_span: bool,
}

impl<'a> Written<'a> {
    fn frame(frame: &'a mut Frame) -> Written<'a> {
        Written { file: &mut frame.file, line: &mut frame.line, symbol: &frame.symbol, is_span: false }
    }

    /// A span is often called as its function is.
    fn span(span: &'a mut Span) -> Written<'a> {
        let symbol = if span.function.is_empty() { &span.name } else { &span.function };
        Written { file: &mut span.file, line: &mut span.line, symbol, is_span: true }
    }

    /// The file of the workspace that is meant; one that has another name now gets it.
    fn file_now<'f>(
        &mut self,
        files: &Files<'f>,
        since: &'f Since,
        meant: &HashMap<String, &'f str>,
    ) -> Option<&'f str> {
        let was = |m: &&MovedLines| !m.was.is_empty() && files::ends_in(self.file, &m.was);
        if let Some(renamed) = since.moved.iter().filter(was).max_by_key(|m| m.was.len()) {
            let before = self.file.len() - renamed.was.len();
            self.file.replace_range(before.., &renamed.file);
        }
        match files.find(self.file) {
            Match::Tail(_) if !self.is_span && Symbol::parse(self.symbol).is_bare() => None,
            Match::Whole { file, .. } | Match::Tail(file) => Some(file),
            Match::None => {
                let file = *meant.get(self.file.as_str())?;
                // Nobody finds a file by the last name that it had before.
                if since.moved.iter().any(|m| m.file == file && !m.was.is_empty()) {
                    file.clone_into(self.file);
                }
                Some(file)
            }
        }
    }

    /// Whether the function that is named holds the line where it stands now, and where it stood (of a span: which of them is
    /// nearer to its beginning); a changed line has no vote.
    fn vote(&self, file: &str, lines: &MovedLines, index: &Index, files: &Files) -> (bool, bool) {
        let Some(now) = lines.now(*self.line) else { return (false, false) };
        if self.is_span {
            let name = self.symbol.rsplit("::").next().unwrap_or(self.symbol);
            let away = |line| files.distance_to(name, file, line).unwrap_or(u32::MAX);
            let (now, before) = (away(now), away(*self.line));
            return (now < before, before < now);
        }
        match index.resolve(&Symbol::parse(self.symbol)) {
            Meaning::Item(item) => (files.holds(item, file, now), files.holds(item, file, *self.line)),
            _ => (false, false),
        }
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
        Since {
            commit: "0123456789".into(),
            is_certain,
            moved: vec![MovedLines { file: "src/lib.rs".into(), was: String::new(), same }],
        }
    }

    fn frame(symbol: &str, line: u32) -> Frame {
        Frame { symbol: symbol.into(), file: "/build/gw/src/lib.rs".into(), line, ..Frame::default() }
    }

    #[track_caller]
    fn check(frames: &[(&str, u32)], since: &Since, expected: &[u32], said: Option<&str>) {
        let role = FileRole { krate: "gw".into(), ..FileRole::default() };
        let items = SourceFile::parse("src/lib.rs", NOW, &role).unwrap().items;
        let frames = frames.iter().map(|(symbol, line)| frame(symbol, *line)).collect();
        let mut profile = Profile { frames, ..Profile::default() };
        let problem = move_lines(&mut profile, &items, since);
        assert_eq!(profile.frames.iter().map(|f| f.line).collect::<Vec<_>>(), expected);
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
    fn an_inlined_function_of_which_line_tables_tell_no_crate_moves_with_the_others() {
        let frames = [("gw::first", 2), ("helper", 6), ("{async_fn#0}", 5)];
        let said = "recorded at 0123456: lines in 1 file are shown where they stand now; 1 in lines that were changed count for \
                    their function alone";
        check(&frames, &since(false), &[4, 8, 0], Some(said));
        let also = |path| [("/build/gw/src/lib.rs", "gw::first", 2), (path, "helper", 6)];
        check_paths(&also("/ws/lib.rs"), &since(false), &[("/build/gw/src/lib.rs", 4), ("/ws/lib.rs", 6)]);
        check_paths(&also("lib.rs"), &since(false), &[("/build/gw/src/lib.rs", 4), ("lib.rs", 6)]);
        let std = "/rustc/abc/library/core/src/lib.rs";
        check_paths(&also(std), &since(false), &[("/build/gw/src/lib.rs", 4), (std, 6)]);
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

    fn items() -> Vec<Item> {
        let role = FileRole { krate: "gw".into(), ..FileRole::default() };
        SourceFile::parse("src/lib.rs", NOW, &role).unwrap().items
    }

    #[test]
    fn spans_move_with_the_functions_they_stand_above() {
        let span = |name: &str, function: &str, line| Span {
            name: name.into(),
            function: function.into(),
            file: "src/lib.rs".into(),
            line,
            ..Span::default()
        };
        let spans = vec![span("first", "", 1), span("work", "gw::second", 4), span("first", "", 1)];
        let mut profile = Profile { spans: spans.clone(), ..Profile::default() };
        assert!(move_lines(&mut profile, &items(), &since(false)).is_some());
        assert_eq!(profile.spans.iter().map(|s| s.line).collect::<Vec<_>>(), [3, 6, 3]);
        let recorded_later = vec![span("first", "", 3), span("second", "", 6)];
        let mut profile = Profile { spans: recorded_later.clone(), ..Profile::default() };
        assert_eq!((move_lines(&mut profile, &items(), &since(false)), profile.spans), (None, recorded_later));
    }

    /// Frames by path, symbol and line; where they are afterwards.
    #[track_caller]
    fn check_paths(frames: &[(&str, &str, u32)], since: &Since, expected: &[(&str, u32)]) {
        let role = FileRole { krate: "b".into(), ..FileRole::default() };
        let other = SourceFile::parse("b/src/lib.rs", "fn third() {\n    a();\n    b();\n}\n", &role).unwrap();
        let items: Vec<Item> = items().into_iter().chain(other.items).collect();
        let frames = frames.iter().map(|(file, symbol, line)| Frame { file: (*file).into(), ..frame(symbol, *line) });
        let mut profile = Profile { frames: frames.collect(), ..Profile::default() };
        move_lines(&mut profile, &items, since);
        let places: Vec<(&str, u32)> = profile.frames.iter().map(|f| (f.file.as_str(), f.line)).collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn a_path_whose_prefix_was_remapped_moves_as_the_file_that_it_means() {
        check_paths(
            &[("/ws/lib.rs", "gw::first", 2), ("/ws/lib.rs", "gw::second", 6), ("/ws/lib.rs", "gw::second", 5)],
            &since(false),
            &[("/ws/lib.rs", 4), ("/ws/lib.rs", 8), ("/ws/lib.rs", 0)],
        );
        let mut renamed = since(false);
        renamed.moved[0].was = "src/old.rs".into();
        check_paths(&[("/ws/old.rs", "gw::first", 2)], &renamed, &[("src/lib.rs", 4)]);
    }

    #[test]
    fn look_alikes_of_remapped_paths_keep_their_lines() {
        for path in ["/rustc/abc/library/core/src/lib.rs", "/ws/main.rs"] {
            check_paths(&[(path, "gw::first", 2)], &since(true), &[(path, 2)]);
        }
        // Functions of two files speak for it.
        let both = [("/ws/lib.rs", "gw::first", 2), ("/ws/lib.rs", "b::third", 2)];
        check_paths(&both, &since(true), &both.map(|(path, _, line)| (path, line)));
        // Recorded of what no commit has.
        let now = [("/ws/lib.rs", "gw::first", 4), ("/ws/lib.rs", "gw::second", 8)];
        check_paths(&now, &since(false), &now.map(|(path, _, line)| (path, line)));
    }

    #[test]
    fn a_file_that_has_another_name_now_gets_it() {
        let mut since = since(false);
        since.moved[0].was = "src/old.rs".into();
        let old = |symbol: &str, line| Frame { file: "/build/gw/src/old.rs".into(), ..frame(symbol, line) };
        let mut profile = Profile { frames: vec![old("gw::first", 2), old("gw::second", 5)], ..Profile::default() };
        let told = move_lines(&mut profile, &items(), &since).expect("it is said");
        assert!(told.what.contains("lines in 1 file are shown where they stand now"), "{told:?}");
        let places: Vec<(&str, u32)> = profile.frames.iter().map(|f| (f.file.as_str(), f.line)).collect();
        assert_eq!(places, [("/build/gw/src/lib.rs", 4), ("/build/gw/src/lib.rs", 0)]);
    }
}
