//! Source paths that are those of no workspace file in, the files that they mean, as far as symbols agree, and the rest out.
//!
//! `--remap-path-prefix` with a prefix inside the workspace (`src=`) leaves paths that no workspace path ends in.

use std::collections::{BTreeMap, HashMap};

use super::files::{Files, Match};
use super::index::Meaning;
use crate::model::{Frame, Item};

/// Frames of the workspace's functions whose source path is that of no workspace file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Such frames.
    pub frames: u32,
    /// Frames of the workspace's functions that have a source path.
    pub of: u32,
    /// The first of the paths.
    pub path: String,
}

impl Unplaced {
    /// True if it is more than what macros and generated code leave.
    pub fn too_much(&self) -> bool {
        self.frames >= 5 && self.frames * 4 > self.of
    }
}

/// What a path's frames say of one file of that name.
#[derive(Clone, Copy, Default)]
struct Votes {
    inside: u32,
    all: u32,
}

/// For each frame whose path is found nowhere the file that it means: the one workspace file of its last name in which the lines of
/// such frames lie within the functions that their symbols name. And what is left.
pub fn place<'a>(
    frames: &[Frame],
    meanings: &[Meaning],
    written: &[Match],
    files: &Files<'a>,
    items: &'a [Item],
) -> (Vec<Option<&'a str>>, Unplaced) {
    let lacking = |at: usize| match &meanings[at] {
        Meaning::Item(item) if frames[at].line > 0 && !frames[at].file.is_empty() => Some(*item),
        _ => None,
    };
    let mut found: Vec<Option<&'a str>> = vec![None; frames.len()];
    let nowhere = (0..frames.len()).filter(|at| written[*at] == Match::None);
    let voters = nowhere.filter_map(|at| Some((&frames[at], lacking(at)?)));
    let vote = |item, file: &'a str, frame: &Frame| {
        let is_named = files.has_last_name_of(&frame.file, file);
        is_named.then(|| files.holds(item, file, frame.line))
    };
    let meant = meant_by(voters, items, vote);
    let mut unplaced = Unplaced::default();
    for at in 0..frames.len() {
        if written[at] == Match::None && frames[at].line > 0 {
            found[at] = meant.get(frames[at].file.as_str()).copied();
        }
        let is_placed = written[at] != Match::None || found[at].is_some();
        if lacking(at).is_some() && (is_placed || !files.is_foreign(&frames[at].file)) {
            unplaced.of += 1;
            if !is_placed {
                unplaced.frames += 1;
                if unplaced.path.is_empty() {
                    unplaced.path.clone_from(&frames[at].file);
                }
            }
        }
    }
    (found, unplaced)
}

/// For each path the file that it means. Frames vote for the file of the function that their symbol names: `vote` says whether
/// their line lies in it, and nothing where the file cannot be meant.
pub fn meant_by<'f, 'a>(
    voters: impl Iterator<Item = (&'f Frame, u32)>,
    items: &'a [Item],
    vote: impl Fn(u32, &'a str, &Frame) -> Option<bool>,
) -> HashMap<&'f str, &'a str> {
    let mut votes: HashMap<&str, BTreeMap<&'a str, Votes>> = HashMap::new();
    for (frame, item) in voters {
        let file = items[item as usize].file.as_str();
        if let Some(is_inside) = vote(item, file, frame) {
            let vote = votes.entry(&frame.file).or_default().entry(file).or_default();
            vote.all += 1;
            vote.inside += u32::from(is_inside);
        }
    }
    votes.into_iter().filter_map(|(path, votes)| Some((path, meant(&votes)?))).collect()
}

/// The one file for which most lines speak; none where two are left.
fn meant<'a>(votes: &BTreeMap<&'a str, Votes>) -> Option<&'a str> {
    let mut likely = votes.iter().filter(|(_, v)| v.inside > 0 && v.inside * 4 >= v.all * 3);
    match (likely.next(), likely.next()) {
        (Some((file, _)), None) => Some(file),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionId, TextRange};

    fn item(file: &str, name: &str, line: u32) -> Item {
        Item {
            id: FunctionId(format!("gw::{name}")),
            krate: "gw".into(),
            name: name.into(),
            file: file.into(),
            range: TextRange::new(line as usize * 10, line as usize * 10 + 90),
            line,
            end_line: line + 9,
            ..Item::default()
        }
    }

    /// Frames by path, line and the item that their symbol names, -1 for none; where they are found, and how many are not.
    #[track_caller]
    fn check(frames: &[(&str, u32, i32)], expected: &[&str], unplaced: (u32, u32)) {
        let items = [
            item("src/risk.rs", "score", 1),
            item("src/risk.rs", "weigh", 20),
            item("a/src/lib.rs", "a", 1),
            item("b/src/lib.rs", "b", 40),
        ];
        let files = Files::new(&items);
        let meanings: Vec<Meaning> =
            frames.iter().map(|(_, _, item)| u32::try_from(*item).map_or(Meaning::Outside, Meaning::Item)).collect();
        let frames: Vec<Frame> = frames
            .iter()
            .map(|(file, line, _)| Frame { file: (*file).into(), line: *line, ..Frame::default() })
            .collect();
        let written: Vec<Match> = frames.iter().map(|f| files.find(&f.file)).collect();
        let (meant, left) = place(&frames, &meanings, &written, &files, &items);
        let shown = written.iter().zip(meant).map(|(found, meant)| match (found, meant) {
            (Match::Whole { file, .. }, None) => (*file).to_owned(),
            (Match::None, Some(file)) => format!("..{file}"),
            (Match::None, None) => "-".into(),
            other => format!("{other:?}"),
        });
        assert_eq!(
            (shown.collect::<Vec<_>>(), (left.frames, left.of)),
            (expected.iter().map(|e| (*e).to_owned()).collect(), unplaced)
        );
    }

    #[test]
    fn a_path_means_the_file_of_its_name_in_which_its_lines_are_those_of_its_functions() {
        check(
            &[("/ws/risk.rs", 5, 0), ("/ws/risk.rs", 25, 1), ("/ws/risk.rs", 7, -1)],
            &["..src/risk.rs", "..src/risk.rs", "..src/risk.rs"],
            (0, 2),
        );
        check(&[("/ws/a/lib.rs", 5, 2), ("/ws/b/lib.rs", 44, 3)], &["..a/src/lib.rs", "..b/src/lib.rs"], (0, 2));
    }

    #[test]
    fn look_alikes_stay_without_a_file() {
        check(&[("/ws/risk.rs", 5, -1)], &["-"], (0, 0));
        check(&[("/ws/risk.rs", 15, 0)], &["-"], (1, 1));
        check(&[("/ws/lib.rs", 5, 2), ("/ws/lib.rs", 44, 3)], &["-", "-"], (2, 2));
        check(&[("/ws/risks.rs", 5, 0)], &["-"], (1, 1));
        check(&[("/rustc/abc/library/core/src/risk.rs", 5, 0)], &["-"], (0, 0));
        check(&[("/ws/src/risk.rs", 5, 0), ("/ws/src/risk.rs", 0, 1)], &["src/risk.rs", "src/risk.rs"], (0, 1));
    }
}
