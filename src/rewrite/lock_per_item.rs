//! A loop that locks for each item in; the loop under one lock out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("lock-per-item"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (lock, around, before) = (captured("lock")?, captured("loop")?, captured("before")?);
    let shown = file.on_one_line(lock);
    let (name, edits) = match finding.capture("guard").zip(finding.capture("statement")) {
        Some((guard, statement)) => (file.slice(guard).to_owned(), moved(file, before, statement)?),
        None => named(file, finding, lock, before),
    };
    let mut edits = edits;
    let family = match finding.capture("shared") {
        _ if file.slice(finding.range).ends_with("await") => &std_types::TASK_LOCK,
        Some(_) => &std_types::RW_LOCK,
        None => &std_types::MUTEX,
    };
    edits.extend(place::insert_after(file, before, &format!("drop({name});")));
    let mut preconditions = vec![
        holds("the rounds call nothing that may wait, lock or take long"),
        holds(format!("`{shown}` is the same lock in each round")),
        std_types::is_one_at(file, lock, around.start, family),
    ];
    let list = finding.capture("list");
    preconditions.extend(list.map(|list| std_types::is_one_at(file, list, around.start, &std_types::COUNTED)));
    preconditions.push(borrow("the guard may live as long as the loop"));
    Ok(Draft {
        title: format!("lock {shown} once for the loop of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        obligations: vec![
            "lock scope: others wait for the whole loop instead of getting in between two items".to_owned(),
            "the lock is taken even where there is nothing to loop over".to_owned(),
        ],
        ..Draft::default()
    })
}

/// The `let` of the round, moved before the loop.
fn moved(file: &SourceFile, before: TextRange, statement: TextRange) -> Result<Vec<TextEdit>, String> {
    let text = file.slice(statement);
    if !lexer::comments(text).is_empty() {
        return Err("a comment stands inside the `let`".to_owned());
    }
    let mut edits = place::insert_before(file, before, text);
    edits.push(TextEdit { range: hoist::whole_lines(file, statement), text: String::new() });
    Ok(edits)
}

/// The guard under a new name before the loop, and the name where it was taken.
fn named(file: &SourceFile, finding: &Finding, lock: TextRange, before: TextRange) -> (String, Vec<TextEdit>) {
    let name = place::fresh_name(file, finding.range, &format!("{}_guard", place::base_name(file.slice(lock))));
    let mutable = if finding.capture("changed").is_some() { "mut " } else { "" };
    let made = format!("let {mutable}{name} = {};", file.on_one_line(finding.range));
    let mut edits = place::insert_before(file, before, &made);
    edits.push(TextEdit { range: finding.range, text: name.clone() });
    (name, edits)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "lock-per-item";

    #[test]
    fn a_guard_without_a_name_gets_one() {
        let rewrite = check(
            RULE,
            "impl S {
    fn f(&self, orders: &[Order]) {
        // All of them.
        for order in orders {
            self.totals.lock().unwrap().push(order.amount); // minor units
        }
    }
}
",
            "impl S {
    fn f(&self, orders: &[Order]) {
        let mut totals_guard = self.totals.lock().unwrap();
        // All of them.
        for order in orders {
            totals_guard.push(order.amount); // minor units
        }
        drop(totals_guard);
    }
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
        check(
            RULE,
            "fn f(m: &Mutex<HashSet<u8>>, xs: &[u8]) -> bool {
    for x in xs {
        if m.lock().unwrap().contains(x) {
            return true;
        }
    }
    false
}
",
            "fn f(m: &Mutex<HashSet<u8>>, xs: &[u8]) -> bool {
    let m_guard = m.lock().unwrap();
    for x in xs {
        if m_guard.contains(x) {
            return true;
        }
    }
    drop(m_guard);
    false
}
",
        );
    }

    #[test]
    fn a_guard_with_a_name_moves_before_the_loop() {
        check(
            RULE,
            "fn f(m: &Mutex<Vec<u8>>, xs: &[u8]) {
    for x in xs {
        let mut all = m.lock().unwrap();
        all.push(*x);
    }
    done();
}
",
            "fn f(m: &Mutex<Vec<u8>>, xs: &[u8]) {
    let mut all = m.lock().unwrap();
    for x in xs {
        all.push(*x);
    }
    drop(all);
    done();
}
",
        );
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { let mut g = m /* all */ .lock().unwrap(); g.push(*x); } }",
            "a comment stands inside the `let`",
        );
    }
}
