//! Edits of several proposals for one file in; one set that holds them all out.

use super::{FileRole, SourceFile};
use crate::model::{EditSet, Problem, TextEdit};

/// Joins the edits of several proposals. An import or an item that several of them add at the same place in the same
/// words stands once: it is the same helper.
///
/// # Errors
/// Edits that overlap otherwise; sets of different texts.
pub fn join(sets: &[&EditSet], text: &str) -> Result<EditSet, Problem> {
    let Some(first) = sets.first() else { return Err(Problem::error("there are no edits to join")) };
    let mut all: Vec<TextEdit> = sets.iter().flat_map(|s| s.edits().iter().cloned()).collect();
    all.sort();
    let has_double = all.windows(2).any(|pair| pair[0] == pair[1]);
    if has_double && let Ok(file) = SourceFile::parse(first.file(), text, &FileRole::default()) {
        // Inside of a function the same words twice are two statements.
        all.dedup_by(|a, b| a == b && file.item_around(a.range).is_none());
    }
    EditSet::new(first.file(), first.base().clone(), all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextRange;
    use crate::source::{apply, hash};

    const TEXT: &str = "use a::B;\nfn f() { g(); }\n";

    fn set(edits: &[(&str, &str)]) -> EditSet {
        let edit = |(before, text): &(&str, &str)| TextEdit {
            range: TextRange::at(TEXT.find(before).unwrap()),
            text: (*text).to_owned(),
        };
        EditSet::new("a.rs", hash(TEXT), edits.iter().map(edit).collect()).unwrap()
    }

    #[test]
    fn a_helper_that_two_proposals_add_stands_once() {
        let one = set(&[("use a", "use std::sync::LazyLock;\n"), ("g();", "h(); ")]);
        let other = set(&[("use a", "use std::sync::LazyLock;\n"), ("fn f", "struct S;\n")]);
        let joined = join(&[&one, &other], TEXT).unwrap();
        let new = apply(&joined, TEXT).unwrap();
        assert_eq!(new, "use std::sync::LazyLock;\nuse a::B;\nstruct S;\nfn f() { h(); g(); }\n");
    }

    #[test]
    fn the_same_words_inside_of_a_function_and_other_words_at_one_place_overlap() {
        assert!(join(&[&set(&[("g();", "h(); ")]), &set(&[("g();", "h(); ")])], TEXT).is_err());
        assert!(join(&[&set(&[("use a", "use x::Y;\n")]), &set(&[("use a", "use x::Z;\n")])], TEXT).is_err());
    }
}
