//! A guard over a loop that waits in; the loop over a copy made under the lock out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("guard-over-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, next) = (captured("name")?, captured("next")?);
    let shown = file.slice(name);
    if finding.capture("value").is_some() {
        return emptied(file, finding, shown, next);
    }
    let end = captured("end")?;
    Ok(Draft {
        title: format!("unlock {shown} before the loop of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), vec![TextEdit { range: end, text: ".clone()".to_owned() }])],
        preconditions: vec![
            holds(format!("`{shown}` is only looked at, in the loop and beside it")),
            std_types::is_one_at(file, name, next.start, &std_types::GUARD),
            borrow("what the lock guards can be cloned"),
        ],
        obligations: vec![
            "lock scope: the loop goes over a copy, and does not see what changes meanwhile".to_owned(),
            "the copy is cheap beside what the loop waits for".to_owned(),
        ],
        ..Draft::default()
    })
}

/// What a loop empties is taken out under the lock: all at once, or one after the other.
fn emptied(file: &SourceFile, finding: &Finding, shown: &str, next: TextRange) -> Result<Draft, String> {
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, value) = (captured("name")?, captured("value")?);
    let (edits, seen) = match finding.capture("loop") {
        None => {
            let at = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
            let edits = vec![at(value.start, "std::mem::take(&mut *"), at(value.end, ")")];
            (edits, "lock scope: the loop works off what was there when it began")
        }
        Some(around) => {
            place::require_rust(file, 65, "`let … else`")?;
            let head = TextRange { start: finding.range.start, end: around.end };
            if !lexer::comments(file.slice(head)).is_empty() {
                return Err("a comment stands between the lock and the loop".to_owned());
            }
            let (pattern, taken, receiver) = (captured("pattern")?, captured("taken")?, captured("receiver")?);
            let behind = file.on_one_line(TextRange { start: receiver.end, end: taken.end });
            let (pattern, value) = (file.slice(pattern), file.on_one_line(value));
            let text = format!("loop {{\n    let {pattern} = {value}{behind} else {{ break }};");
            let mut edits = Template::new(file, around).text(text).edits();
            edits.push(TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() });
            (edits, "lock scope: others get in between two items, and the loop sees what they add")
        }
    };
    Ok(Draft {
        title: format!("take {shown} out of its lock before the slow part of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is used for nothing but the loop, which empties it")),
            std_types::is_one_at(file, name, next.start, &std_types::GUARD),
            borrow("what the lock guards can be taken out"),
        ],
        obligations: vec![seen.to_owned()],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "guard-over-loop";

    #[test]
    fn the_loop_goes_over_a_copy() {
        let rewrite = check(
            RULE,
            "async fn broadcast(subs: &Mutex<Vec<Sender<String>>>, text: &str) {
    // All of them.
    let subs = subs.lock().await; // now
    for tx in subs.iter() {
        let _ = tx.send(text.to_string()).await;
    }
}
",
            "async fn broadcast(subs: &Mutex<Vec<Sender<String>>>, text: &str) {
    // All of them.
    let subs = subs.lock().await.clone(); // now
    for tx in subs.iter() {
        let _ = tx.send(text.to_string()).await;
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (2, 3));
    }

    #[test]
    fn what_is_emptied_is_taken_out() {
        check(
            RULE,
            "fn f(outbox: &Mutex<Vec<String>>) {\n    let mut pending = outbox.lock();\n    for message in pending.drain(..) {\n        std::fs::write(\"a\", message);\n    }\n}\n",
            "fn f(outbox: &Mutex<Vec<String>>) {\n    let mut pending = std::mem::take(&mut *outbox.lock());\n    for message in pending.drain(..) {\n        std::fs::write(\"a\", message);\n    }\n}\n",
        );
        check(
            RULE,
            "impl S {\n    async fn f(&self) {\n        let mut jobs = self.jobs.lock().await;\n        while let Some(job) = jobs.pop_front() {\n            // One.\n            post(job).await;\n        }\n    }\n}\n",
            "impl S {\n    async fn f(&self) {\n        loop {\n            let Some(job) = self.jobs.lock().await.pop_front() else { break };\n            // One.\n            post(job).await;\n        }\n    }\n}\n",
        );
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); for x in g.iter() { println!(\"{x}\"); } }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
