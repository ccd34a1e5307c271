//! An edited file in; the wrong versions that can be made of its new code out, as insertions that a number chooses.
//!
//! What is changed follows the list of cargo-mutants (<https://mutants.rs/mutants.html>): values for a function's
//! result, binary and unary operators, match arms and their guards; and adds what iterators, loops and statements can
//! get wrong: constants, conditions, ends of ranges, first elements, calls left out.

mod operators;
mod results;

use std::collections::BTreeSet;

use super::change::{self, Change, Function};
use crate::model::TextRange;
use crate::source::{FileRole, SourceFile};

/// Stands for the question whether the mutant runs in [`Mutant::before`] and [`Mutant::after`].
pub const ASKED: &str = "\u{1}";

/// A wrong version of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its number, from 1, unique over all files of a proposal.
    pub number: usize,
    /// File relative to the project root.
    pub file: String,
    /// Line of the new text, from 1.
    pub line: u32,
    /// What was changed: `` `<=` for `<` ``.
    pub what: String,
    /// True if it stands in new code, false if beside it in the same function.
    pub is_new: bool,
    /// 0 for the first that is made of a place, 1 for another one.
    pub rank: usize,
    /// What it stands around (bytes of the new text); empty if it stands between.
    pub range: TextRange,
    /// What stands before the range, with [`ASKED`] for the question.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// Modules around it inside of the file.
    pub depth: usize,
}

/// What can be made of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutants {
    /// In the order of the text, outer ones first.
    pub all: Vec<Mutant>,
    /// Where the functions begin that hold them.
    pub functions: Vec<u32>,
    /// Why there are none of other touched functions.
    pub left_out: Vec<String>,
}

/// Calls that a wrong argument could turn against files and programs that are not the test's own.
const HARMFUL: &[&str] = &[
    "remove_file",
    "remove_dir",
    "remove_dir_all",
    "rename",
    "set_len",
    "truncate",
    "Command",
    "kill",
    "unlink",
    "set_permissions",
];

/// All mutants of the functions that a change touches.
pub fn mutants(change: &Change, first_number: usize) -> Mutants {
    let mut found = Mutants::default();
    let Ok(file) = SourceFile::parse(&change.file, &change.new, &FileRole::default()) else { return found };
    let news: Vec<TextRange> = change.own_places().map(|(_, new)| *new).collect();
    for function in touched(change, &news) {
        if let Some(why) = obstacle(&function, &change.new) {
            found.left_out.push(format!("{} {why}", function.name));
            continue;
        }
        let before = found.all.len();
        let made = operators::of(&file, function.body).into_iter().chain(results::of(&file, &function));
        for draft in made {
            let (line, _) = file.line_column(draft.range.start);
            found.all.push(Mutant {
                number: first_number + found.all.len(),
                file: change.file.clone(),
                line,
                what: draft.what,
                is_new: draft.is_whole || news.iter().any(|n| n.intersects(draft.range) || n.contains(draft.range)),
                rank: draft.rank,
                range: draft.range,
                before: draft.before,
                after: draft.after,
                depth: function.depth,
            });
        }
        if found.all.len() > before {
            found.functions.push(function.whole.start);
        }
    }
    found
}

/// A mutant before it has a number.
struct Draft {
    range: TextRange,
    what: String,
    before: String,
    after: String,
    rank: usize,
    /// True if it stands for the function as a whole.
    is_whole: bool,
}

impl Draft {
    /// The place or `other` in its stead.
    fn instead(range: TextRange, other: &str, what: String) -> Draft {
        Draft::around(range, format!("(if {ASKED} {{ {other} }} else {{ "), " })", what)
    }

    fn around(range: TextRange, before: impl Into<String>, after: impl Into<String>, what: String) -> Draft {
        Draft { range, what, before: before.into(), after: after.into(), rank: 0, is_whole: false }
    }
}

/// The innermost functions around the new code.
fn touched(change: &Change, news: &[TextRange]) -> Vec<Function> {
    let functions = change::functions(&change.file, &change.new).unwrap_or_default();
    let around = |new: &TextRange| {
        let inside = functions.iter().enumerate().filter(|(_, f)| f.body.contains(*new));
        inside.min_by_key(|(_, f)| f.body.len()).map(|(i, _)| i)
    };
    let found: BTreeSet<usize> = news.iter().filter_map(around).collect();
    // Of a function in a function the outer one holds the mutants of both.
    let is_inner = |i: &usize| found.iter().any(|o| o != i && functions[*o].body.contains(functions[*i].whole));
    found.iter().filter(|i| !is_inner(i)).map(|i| functions[*i].clone()).collect()
}

/// Why a function is left as it is.
fn obstacle(function: &Function, text: &str) -> Option<String> {
    if function.is_const {
        return Some(String::from("is a const fn, in which nothing can be chosen while it runs"));
    }
    if function.is_unsafe {
        return Some(String::from("is unsafe: what a wrong version does is undefined"));
    }
    let mut words = text[function.body.bytes()].split(|c: char| !c.is_alphanumeric() && c != '_');
    let harmful = words.find(|w| HARMFUL.contains(w))?;
    Some(format!("names `{harmful}`: a wrong version could do harm outside of its tests"))
}

/// A piece of code for people.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
