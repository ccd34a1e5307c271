//! A private function that makes an error nobody looks at in; the function with an error that holds nothing out.

use super::{Draft, Recipe, borrow, file_of, holds, place};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("unread-error"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let item = file.item_around(finding.range).ok_or("the function is gone")?;
    place::refuse_other_users(files, file, &item.name)?;
    let made = finding.captures_named("made");
    if made.iter().any(|range| !lexer::comments(file.slice(*range)).is_empty()) {
        return Err("a comment stands in the error".to_owned());
    }
    let all = std::iter::once(finding.range).chain(made);
    let edits = all.map(|range| TextEdit { range, text: "()".to_owned() }).collect();
    Ok(Draft {
        title: format!("make no error in {} that nobody reads", item.name),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{}` is private, and its callers only ask whether it succeeded", item.name)),
            holds("making the errors only computes"),
            borrow("no failure of another function is passed on"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "unread-error";

    #[test]
    fn the_error_holds_nothing() {
        let rewrite = check(
            RULE,
            "/// Whether it may be sold.
fn check(n: u32, known: &Known) -> Result<(), String> {
    match known.get(&n) {
        // Not ours.
        None => Err(format!(\"{n} is not among the {} known\", known.len())),
        Some(_) => Ok(()),
    }
}
pub fn sellable(ns: &[u32], known: &Known) -> Vec<u32> {
    ns.iter().copied().filter(|n| check(*n, known).is_ok()).collect()
}
",
            "/// Whether it may be sold.
fn check(n: u32, known: &Known) -> Result<(), ()> {
    match known.get(&n) {
        // Not ours.
        None => Err(()),
        Some(_) => Ok(()),
    }
}
pub fn sellable(ns: &[u32], known: &Known) -> Vec<u32> {
    ns.iter().copied().filter(|n| check(*n, known).is_ok()).collect()
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 3));
    }

    #[test]
    fn a_comment_in_the_error_is_not_lost() {
        check_refuses(
            RULE,
            "fn check(n: u8) -> Result<(), String> { if n > 3 { return Err(format!(\"{n}\", /* how many */)); } Ok(()) }\nfn f() -> bool { check(1).is_ok() }\n",
            "a comment stands in the error",
        );
    }
}
