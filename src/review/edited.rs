//! A text and what a person made of it in, the edits from one to the other out.

use crate::model::{HunkLine, LineMark, TextEdit, TextRange};
use crate::source;

/// The smallest edits, in whole characters, that turn `old` into `new`: one per run of changed lines.
pub fn edits_between(file: &str, old: &str, new: &str) -> Vec<TextEdit> {
    let (old_at, new_at) = (offsets(old), offsets(new));
    let mut edits = Vec::new();
    for hunk in source::hunks(file, old, new) {
        // Counted from 0; a side without lines starts after the line that its header names.
        let mut at = (first(hunk.old_start, hunk.old_lines), first(hunk.new_start, hunk.new_lines));
        for run in hunk.lines.chunk_by(|a, b| is_change(a) == is_change(b)) {
            let (removed, added) = (count(run, LineMark::Removed), count(run, LineMark::Added));
            if is_change(&run[0]) {
                let from = (old_at[at.0], old_at[at.0 + removed]);
                let to = (new_at[at.1], new_at[at.1 + added]);
                edits.push(trimmed(&old[from.0..from.1], &new[to.0..to.1], from.0));
            }
            let same = count(run, LineMark::Context);
            at = (at.0 + removed + same, at.1 + added + same);
        }
    }
    edits
}

fn first(start: u32, lines: u32) -> usize {
    if lines == 0 { start as usize } else { start as usize - 1 }
}

fn is_change(line: &HunkLine) -> bool {
    line.mark != LineMark::Context
}

fn count(lines: &[HunkLine], mark: LineMark) -> usize {
    lines.iter().filter(|l| l.mark == mark).count()
}

/// Where each line begins, and where the text ends.
fn offsets(text: &str) -> Vec<usize> {
    let mut at = 0;
    let ends = text.split_inclusive('\n').map(|line| {
        at += line.len();
        at
    });
    std::iter::once(0).chain(ends).collect()
}

/// Leaves out what both sides begin and end with: comments beside the change stay outside of the edit.
fn trimmed(old: &str, new: &str, at: usize) -> TextEdit {
    let same = |(a, b): &(char, char)| a == b;
    let head: usize = old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old, new) = (&old[head..], &new[head..]);
    let tail: usize = old.chars().rev().zip(new.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let range = TextRange::new(at + head, at + head + old.len() - tail);
    TextEdit { range, text: new[..new.len() - tail].to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(edits: &[TextEdit], old: &str) -> String {
        let mut out = String::new();
        let mut at = 0;
        for edit in edits {
            out.push_str(&old[at..edit.range.start as usize]);
            out.push_str(&edit.text);
            at = edit.range.end as usize;
        }
        out + &old[at..]
    }

    #[test]
    fn a_changed_word_is_an_edit_of_that_word() {
        let edits = edits_between("a.rs", "one\nlet a = x; // why\nend\n", "one\nlet a = y; // why\nend\n");
        assert_eq!(edits, [TextEdit { range: TextRange::new(12, 13), text: "y".into() }]);
    }

    #[test]
    fn texts_without_lines_and_without_final_line_end_are_reached() {
        for (old, new) in [("", "a\n"), ("a\n", ""), ("a", "a\n"), ("a\r\nb", "a\nb\r\n"), ("ä\nö", "ö\nä")] {
            assert_eq!(apply(&edits_between("a.rs", old, new), old), new, "{old:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn the_edits_lead_from_one_text_to_the_other(old in "([aäb\\r ]{0,3}\n){0,8}[ab]{0,2}", new in "([aäb\\r ]{0,3}\n){0,8}[ab]{0,2}") {
            let edits = edits_between("a.rs", &old, &new);
            prop_assert_eq!(apply(&edits, &old), new);
            prop_assert!(edits.windows(2).all(|w| w[0].range.end <= w[1].range.start));
        }
    }
}
