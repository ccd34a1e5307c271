//! Texts that are copied into a local collection in; texts that are lent to it out.

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("copied-keys"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let mut edits = Vec::new();
    edits.extend(finding.capture("key").map(|range| TextEdit { range, text: "&str".to_owned() }));
    for copy in finding.captures_named("copy") {
        if !lexer::comments(file.slice(copy)).is_empty() {
            return Err("a comment stands in the copy".to_owned());
        }
        let inside = |name: &str| finding.captures_named(name).into_iter().find(|place| copy.contains(*place));
        let text = match (inside("text"), inside("string")) {
            (Some(text), _) => file.slice(text).to_owned(),
            (None, Some(string)) => format!("{}.as_str()", file.slice(string)),
            (None, None) => return Err("the copy changed".to_owned()),
        };
        edits.push(TextEdit { range: copy, text });
    }
    Ok(Draft {
        title: format!("lend texts instead of copying them in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the collection is only asked, sorted and counted, and all that comes into it are copies of texts"),
            borrow("the texts live, and stay as they are, as long as the collection does"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "copied-keys";

    #[test]
    fn the_texts_are_lent() {
        let rewrite = check(
            RULE,
            "struct Book {
    author: String,
}
fn authors(books: &[Book]) -> usize {
    let mut authors: Vec<String> = Vec::with_capacity(books.len());
    for book in books {
        authors.push(book.author.clone()); // each
    }
    authors.sort();
    authors.dedup();
    authors.len()
}
",
            "struct Book {
    author: String,
}
fn authors(books: &[Book]) -> usize {
    let mut authors: Vec<&str> = Vec::with_capacity(books.len());
    for book in books {
        authors.push(book.author.as_str()); // each
    }
    authors.sort();
    authors.dedup();
    authors.len()
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 2));
        check(
            RULE,
            "fn f(t: &str) -> usize {\n    let mut seen = HashSet::new();\n    for w in t.split(' ') {\n        seen.insert(w.to_string());\n    }\n    seen.len()\n}\n",
            "fn f(t: &str) -> usize {\n    let mut seen = HashSet::new();\n    for w in t.split(' ') {\n        seen.insert(w);\n    }\n    seen.len()\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(t: &str) -> usize { let mut seen = HashSet::new(); for w in t.split(' ') { seen.insert(w.to_string(/* own */)); } seen.len() }",
            "a comment stands in the copy",
        );
    }
}
