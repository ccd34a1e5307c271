//! A question for emptiness and the taking behind it in; the taking alone, as `while let`, `if let` or `let … else`, out.

use super::contains_then_get::one_of;
use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("empty-then-taken"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (of, value) = (captured("place")?, captured("value")?);
    if !lexer::comments(file.slice(value)).is_empty() {
        return Err("a comment stands in what is taken".to_owned());
    }
    let shown = file.on_one_line(of);
    let (name, mut edits) = bound(file, finding, &shown);
    let condition = format!("let Some({name}) = {}", file.on_one_line(value));
    match (finding.capture("guard"), finding.capture("leaves"), finding.capture("whole")) {
        (Some(guard), Some(leaves), _) => {
            place::require_rust(file, 65, "`let … else`")?;
            let head = TextRange { start: guard.start, end: leaves.start };
            edits.push(TextEdit { range: head, text: format!("{condition} else ") });
            if finding.capture("semicolon").is_none() {
                edits.push(TextEdit { range: TextRange::at(leaves.end as usize), text: ";".to_owned() });
            }
        }
        (_, _, Some(whole)) => {
            let new = Template::new(file, whole).text(format!("while {condition} "));
            edits = new.keep_moved(captured("block")?, -1).edits();
        }
        _ => edits.push(TextEdit { range: finding.range, text: condition }),
    }
    Ok(Draft {
        title: format!("take from {shown} without asking first in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("the value is taken first, and is none exactly where `{shown}` is empty")),
            std_types::is_one(file, of, &std_types::TAKEN_FROM),
            borrow("what is taken may be bound where it was unwrapped"),
        ],
        ..Draft::default()
    })
}

/// What the value is bound to, and what becomes of the place where it was.
fn bound(file: &SourceFile, finding: &Finding, shown: &str) -> (String, Vec<TextEdit>) {
    if let Some(pattern) = finding.capture("pattern") {
        let gone = finding.capture("let").map(|statement| hoist::whole_lines(file, statement));
        let edits = gone.map(|range| TextEdit { range, text: String::new() });
        return (file.on_one_line(pattern), edits.into_iter().collect());
    }
    let name = place::fresh_name(file, finding.range, &one_of(shown));
    let edits = finding.capture("taken").map(|range| TextEdit { range, text: name.clone() });
    (name, edits.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "empty-then-taken";

    #[test]
    fn a_loop_takes_as_long_as_there_is_something() {
        check(
            RULE,
            "fn f(outbox: &mut VecDeque<(u8, String)>, mut left: u8) {
    // In order.
    while !outbox.is_empty() {
        let (user, text) = outbox.pop_front().unwrap();
        g(user, &text); // sent
    }
}
",
            "fn f(outbox: &mut VecDeque<(u8, String)>, mut left: u8) {
    // In order.
    while let Some((user, text)) = outbox.pop_front() {
        g(user, &text); // sent
    }
}
",
        );
        check(
            RULE,
            "fn f(jobs: &mut Vec<Job>, left: u8) {
    while left > 0 && jobs.len() > 0 {
        run(jobs.pop().unwrap(), left);
    }
}
",
            "fn f(jobs: &mut Vec<Job>, left: u8) {
    while left > 0 && let Some(job) = jobs.pop() {
        run(job, left);
    }
}
",
        );
    }

    #[test]
    fn a_loop_around_an_if_let_becomes_one() {
        check(
            RULE,
            "fn f(q: &mut VecDeque<u8>) {
    while !q.is_empty() {
        if let Some(x) = q.pop_front() {
            // Each.
            g(x);
        }
    }
}
",
            "fn f(q: &mut VecDeque<u8>) {
    while let Some(x) = q.pop_front() {
        // Each.
        g(x);
    }
}
",
        );
    }

    #[test]
    fn a_check_that_leaves_becomes_a_let_else() {
        check(
            RULE,
            "fn f(prices: &[u64]) -> Option<u64> {
    if prices.is_empty() {
        return None; // nothing
    }
    // The highest.
    let top = prices.iter().copied().max().unwrap();
    Some(top)
}
",
            "fn f(prices: &[u64]) -> Option<u64> {
    let Some(top) = prices.iter().copied().max() else {
        return None; // nothing
    };
    // The highest.
    Some(top)
}
",
        );
        check(
            RULE,
            "fn f(v: &[u64]) -> u64 {
    if v.len() == 0 {
        return 0;
    }
    *v.last().unwrap() + 1
}
",
            "fn f(v: &[u64]) -> u64 {
    let Some(entry) = v.last() else {
        return 0;
    };
    *entry + 1
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(v: &mut Vec<u8>) { while !v.is_empty(/* yet */) { let x = v.pop().unwrap(); g(x); } }",
            "the comment \"/* yet */\" would be lost (line 1)",
        );
    }
}
