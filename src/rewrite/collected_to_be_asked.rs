//! A vector that is collected to be asked one question in; the question to its iterator out.

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("collected-to-be-asked"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (head, name, collect) = (captured("head")?, captured("name")?, captured("collect")?);
    if [head, collect].iter().any(|range| !lexer::comments(file.slice(*range)).is_empty()) {
        return Err("a comment stands in the `let`".to_owned());
    }
    let shown = file.slice(name);
    let (new, behind) = if finding.capture("filter").is_some() {
        (format!("any_{shown}"), String::new())
    } else if finding.capture("next").is_some() {
        (format!("any_{shown}"), ".next().is_some()".to_owned())
    } else {
        (format!("{shown}_count"), ".count()".to_owned())
    };
    let mut edits =
        vec![TextEdit { range: head, text: format!("let {new} = ") }, TextEdit { range: collect, text: behind }];
    edits.extend(finding.capture("filter").map(|range| TextEdit { range, text: "any".to_owned() }));
    for asked in finding.captures_named("asked") {
        edits.push(answer(file, asked, &new, finding.capture("count").is_some()));
    }
    Ok(Draft {
        title: format!("ask for {shown} without collecting it in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is a `Vec` of which nothing but the answer is used")),
            holds("the chain only computes: nobody notices where it stops"),
            borrow("the closure takes an element as it takes a reference to one"),
        ],
        ..Draft::default()
    })
}

/// `!any_late` for `late.is_empty()`, `any_late` for `!late.is_empty()`.
fn answer(file: &SourceFile, asked: TextRange, new: &str, is_count: bool) -> TextEdit {
    if is_count {
        return TextEdit { range: asked, text: new.to_owned() };
    }
    match file.text[..asked.start as usize].ends_with('!') {
        true => TextEdit { range: TextRange { start: asked.start - 1, ..asked }, text: new.to_owned() },
        false => TextEdit { range: asked, text: format!("!{new}") },
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "collected-to-be-asked";

    #[test]
    fn the_iterator_is_asked() {
        let rewrite = check(
            RULE,
            "fn f(xs: &[T], n: u32) -> bool {
    let late: Vec<&T> = xs
        .iter()
        // Those over the limit.
        .filter(|t| t.n > n)
        .collect();
    if late.is_empty() {
        return false;
    }
    !late.is_empty() // any
}
",
            "fn f(xs: &[T], n: u32) -> bool {
    let any_late = xs
        .iter()
        // Those over the limit.
        .any(|t| t.n > n);
    if !any_late {
        return false;
    }
    any_late // any
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 3));
        check(
            RULE,
            "fn f(t: &str) -> usize {\n    let words: Vec<&str> = t.split(' ').collect();\n    words.len()\n}\n",
            "fn f(t: &str) -> usize {\n    let words_count = t.split(' ').count();\n    words_count\n}\n",
        );
        check(
            RULE,
            "fn f(t: &str) -> bool {\n    let words: Vec<&str> = t.split_whitespace().collect();\n    words.is_empty()\n}\n",
            "fn f(t: &str) -> bool {\n    let any_words = t.split_whitespace().next().is_some();\n    !any_words\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(t: &str) -> bool {\n    let words: Vec<&str> = t.split(' ').collect(/* all */);\n    words.is_empty()\n}\n",
            "a comment stands in the `let`",
        );
    }
}
