//! Statements that take one lock after the other in; the statements under one guard out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("lock-taken-twice"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (lock, before, last) = (captured("lock")?, captured("before")?, captured("last")?);
    let shown = file.on_one_line(lock);
    let mut edits = Vec::new();
    let name = match finding.capture("guard").zip(finding.capture("statement")) {
        Some((guard, statement)) => {
            let text = file.slice(statement);
            if !lexer::comments(text).is_empty() {
                return Err("a comment stands inside the `let`".to_owned());
            }
            edits.extend(place::insert_before(file, before, text));
            edits.push(TextEdit { range: hoist::whole_lines(file, statement), text: String::new() });
            file.slice(guard).to_owned()
        }
        None => {
            let name = place::fresh_name(file, finding.range, &format!("{}_guard", place::base_name(file.slice(lock))));
            let mutable = if finding.capture("changed").is_some() { "mut " } else { "" };
            let made = format!("let {mutable}{name} = {};", file.on_one_line(finding.range));
            edits.extend(place::insert_before(file, before, &made));
            if finding.capture("tail").is_none() {
                edits.extend(place::insert_after(file, last, &format!("drop({name});")));
            }
            name
        }
    };
    for taken in finding.captures_named("taken") {
        edits.push(TextEdit { range: taken, text: name.clone() });
    }
    let family = match finding.capture("shared") {
        _ if file.slice(finding.range).ends_with("await") => &std_types::TASK_LOCK,
        Some(_) => &std_types::RW_LOCK,
        None => &std_types::MUTEX,
    };
    Ok(Draft {
        title: format!("lock {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the statements call nothing that may wait, lock or take long"),
            std_types::is_one_at(file, lock, before.start, family),
            borrow("the guard may live until the last of the statements"),
        ],
        obligations: vec!["lock scope: nobody gets in between the statements any more".to_owned()],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "lock-taken-twice";

    #[test]
    fn two_looks_share_a_guard() {
        check(
            RULE,
            "impl S {
    fn rate(&self) -> u64 {
        // Both.
        let hits = self.stats.lock().unwrap().0;
        let misses = self.stats.lock().unwrap().1; // missed
        hits + misses
    }
}
",
            "impl S {
    fn rate(&self) -> u64 {
        let stats_guard = self.stats.lock().unwrap();
        // Both.
        let hits = stats_guard.0;
        let misses = stats_guard.1; // missed
        drop(stats_guard);
        hits + misses
    }
}
",
        );
        check(
            RULE,
            "fn f(m: &Mutex<Vec<u8>>) -> usize {\n    m.lock().push(1);\n    m.lock().len()\n}\n",
            "fn f(m: &Mutex<Vec<u8>>) -> usize {\n    let mut m_guard = m.lock();\n    m_guard.push(1);\n    m_guard.len()\n}\n",
        );
    }

    #[test]
    fn the_guard_of_the_change_moves_before_the_check() {
        let rewrite = check(
            RULE,
            "impl S {
    fn touch(&self, token: &str) -> Option<u64> {
        if self.sessions.lock().get(token).is_none() {
            return None;
        }
        let mut sessions = self.sessions.lock();
        let session = sessions.get_mut(token)?;
        session.hits += 1;
        Some(session.hits)
    }
}
",
            "impl S {
    fn touch(&self, token: &str) -> Option<u64> {
        let mut sessions = self.sessions.lock();
        if sessions.get(token).is_none() {
            return None;
        }
        let session = sessions.get_mut(token)?;
        session.hits += 1;
        Some(session.hits)
    }
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &Mutex<V>) { m.lock().unwrap().pop(); let mut g = m /* all */ .lock().unwrap(); g.push(1); }",
            "a comment stands inside the `let`",
        );
    }
}
