//! A set that is collected to be asked once in; the question to the iterator out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, unused_import};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("set-for-one-question"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (chain, asked) = (captured("chain")?, captured("asked")?);
    if !lexer::comments(file.slice(finding.range)).is_empty() || !hoist::stands_alone(file, finding.range) {
        return Err("a comment stands in the `let`, or other code on its line".to_owned());
    }
    let item = place::fresh_name(file, finding.range, "item");
    let wanted = match (finding.capture("same"), finding.capture("behind")) {
        (Some(same), _) => file.slice(same).to_owned(),
        (None, Some(behind)) => format!("*{}", file.slice(behind)),
        (None, None) => return Err("the question changed".to_owned()),
    };
    let text = format!("{}.any(|{item}| {item} == {wanted})", file.on_one_line(chain));
    let mut edits = vec![
        TextEdit { range: asked, text },
        TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() },
    ];
    let gone = [finding.range];
    for name in ["HashSet", "BTreeSet"] {
        edits.extend(unused_import::dropped(file, finding.range, &["std", "collections", name], &[name], &gone));
    }
    Ok(Draft {
        title: format!("ask the elements instead of a set of them in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the set is asked once, and used for nothing else"),
            holds("the chain only computes, from what does not change before the question"),
            borrow("the elements compare with what is asked for"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "set-for-one-question";

    #[test]
    fn the_elements_are_asked() {
        let rewrite = check(
            RULE,
            "use std::collections::HashSet;

fn permits(hosts: &[String], host: &str) -> bool {
    // In any order.
    let allowed: HashSet<&str> = hosts.iter().map(|h| h.as_str()).collect();
    !allowed.contains(host) // not ours
}
",
            "
fn permits(hosts: &[String], host: &str) -> bool {
    // In any order.
    !hosts.iter().map(|h| h.as_str()).any(|item| item == host) // not ours
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 3));
        check(
            RULE,
            "fn f(xs: &[u32], x: u32, y: &u32) -> bool {\n    let known: HashSet<u32> = xs.iter().copied().collect();\n    known.contains(&x)\n}\n",
            "fn f(xs: &[u32], x: u32, y: &u32) -> bool {\n    xs.iter().copied().any(|item| item == x)\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[u32], x: u32) -> bool {\n    let known: HashSet<u32> = xs.iter().copied().collect(); // all\n    known.contains(&x)\n}\n",
            "a comment stands in the `let`, or other code on its line",
        );
    }
}
