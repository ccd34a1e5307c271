//! The linked lists of a file in; rings of elements out.

use super::{Draft, Recipe, borrow, file_of, holds, place, unused_import};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer, names};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("linked-list"), derive };

/// Words that say that the file uses what only a list does well, or may keep addresses of elements.
const NEEDS_A_LIST: &[&str] =
    &["append", "split_off", "unsafe", "NonNull", "cursor_front", "cursor_back", "Cursor", "CursorMut"];

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    if let Some(field) = finding.capture("field") {
        return own_ring(files, file, finding, field);
    }
    let words = |file: &SourceFile, word: &str| -> Vec<TextRange> {
        let is_it = |t: &&lexer::Token| !t.is_comment() && t.text(&file.text) == word;
        file.tokens.iter().filter(is_it).map(|t| t.range).collect()
    };
    if let Some(word) = NEEDS_A_LIST.iter().find(|word| !words(file, word).is_empty()) {
        return Err(format!("`{word}` stands in the file: a list may be what it needs"));
    }
    let mentions = words(file, "LinkedList");
    let is_imported = names::imports(file, "VecDeque") == ["std::collections::VecDeque"];
    let mut edits = Vec::new();
    let mut gone = mentions.clone();
    if is_imported {
        gone.retain(|range| !is_in_use(file, *range));
        let path = ["std", "collections", "LinkedList"];
        edits = unused_import::dropped(file, finding.range, &path, &["LinkedList"], &gone);
        if edits.is_empty() && gone.len() != mentions.len() {
            return Err("`LinkedList` is imported in a way that is not known".to_owned());
        }
    }
    edits.extend(gone.iter().map(|range| TextEdit { range: *range, text: "VecDeque".to_owned() }));
    Ok(Draft {
        title: format!("keep the elements of {} side by side instead of in a list", file.path),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("no public item names the list, and nothing is joined or cut"),
            borrow("`VecDeque` has every method that is called"),
        ],
        obligations: vec![
            "a push that fills the room moves all elements once: no single push must be short".to_owned(),
        ],
        ..Draft::default()
    })
}

/// One field alone.
fn own_ring(files: &[SourceFile], file: &SourceFile, finding: &Finding, field: TextRange) -> Result<Draft, String> {
    let name = file.slice(field);
    place::refuse_other_users(files, file, name)?;
    let words: Vec<TextRange> = finding.captures_named("word").into_iter().filter(|r| r.start < r.end).collect();
    Ok(Draft {
        title: format!("keep the elements of {name} side by side instead of in a list"),
        edits: vec![(
            file.path.clone(),
            place::renamed(file, finding.range, &["std", "collections"], ["LinkedList", "VecDeque"], &words),
        )],
        preconditions: vec![
            holds(format!("`{name}` is private, and only added to, taken from and walked")),
            borrow("`VecDeque` has every method that is called"),
        ],
        obligations: vec![
            "a push that fills the room moves all elements once: no single push must be short".to_owned(),
        ],
        ..Draft::default()
    })
}

fn is_in_use(file: &SourceFile, range: TextRange) -> bool {
    file.ast.items.iter().any(|item| matches!(item, syn::Item::Use(_)) && file.range(item).contains(range))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "linked-list";

    #[test]
    fn the_list_becomes_a_ring() {
        check(
            RULE,
            "use std::collections::{HashMap, LinkedList};
struct Pile {
    boxes: LinkedList<u64>, // from the ground
    seen: HashMap<u8, u8>,
}
impl Pile {
    fn new() -> Pile {
        Pile { boxes: LinkedList::new(), seen: HashMap::new() }
    }
    fn lift(&mut self) -> Option<u64> {
        self.boxes.pop_back()
    }
}
",
            "use std::collections::{HashMap, VecDeque};
struct Pile {
    boxes: VecDeque<u64>, // from the ground
    seen: HashMap<u8, u8>,
}
impl Pile {
    fn new() -> Pile {
        Pile { boxes: VecDeque::new(), seen: HashMap::new() }
    }
    fn lift(&mut self) -> Option<u64> {
        self.boxes.pop_back()
    }
}
",
        );
        check(
            RULE,
            "use std::collections::{LinkedList, VecDeque};
struct Pile {
    boxes: LinkedList<u64>,
    ring: VecDeque<u64>,
}
",
            "use std::collections::VecDeque;
struct Pile {
    boxes: VecDeque<u64>,
    ring: VecDeque<u64>,
}
",
        );
    }

    #[test]
    fn one_field_becomes_a_ring() {
        check(
            RULE,
            "use std::collections::LinkedList;
pub struct Pile {
    pub boxes: LinkedList<u64>,
}
struct Log {
    hits: LinkedList<u8>, // the last
}
fn log() -> Log {
    Log { hits: LinkedList::new() }
}
fn put(log: &mut Log) {
    log.hits.push_back(1);
}
",
            "use std::collections::LinkedList;
pub struct Pile {
    pub boxes: LinkedList<u64>,
}
struct Log {
    hits: std::collections::VecDeque<u8>, // the last
}
fn log() -> Log {
    Log { hits: std::collections::VecDeque::new() }
}
fn put(log: &mut Log) {
    log.hits.push_back(1);
}
",
        );
    }

    #[test]
    fn what_only_a_list_does_is_refused() {
        check_refuses(
            RULE,
            "use std::collections::LinkedList; struct P { a: LinkedList<u8> } impl P { fn f(&mut self, o: &mut P) { self.a.append(&mut o.a); } }",
            "`append` stands in the file: a list may be what it needs",
        );
        check_refuses(
            RULE,
            "use std::collections::LinkedList; struct P { a: LinkedList<u8> } impl P { fn f(&mut self) { unsafe { keep(self.a.front()) } } }",
            "`unsafe` stands in the file: a list may be what it needs",
        );
    }
}
