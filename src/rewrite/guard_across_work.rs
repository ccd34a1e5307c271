//! A guard that outlives its last use in; the guard dropped after it out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextRange};
use crate::source::{self, SourceFile};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("guard-across-work"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, next) = (captured("name")?, captured("next")?);
    let shown = file.slice(name);
    let dropped = format!("drop({shown});");
    let edits = match finding.capture("first") {
        Some(first) => place::insert_before(file, first, &dropped),
        None => place::insert_after(file, captured("last")?, &dropped),
    };
    let behind =
        finding.capture("first").map_or_else(|| captured("last").map(|last| last.end), |first| Ok(first.start))?;
    if let Some(comment) = comment_of_locks(file, finding.range, behind) {
        return Err(format!("a comment behind it speaks of a lock: {comment}"));
    }
    Ok(Draft {
        title: format!("unlock {shown} before the slow part of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is not used, moved or captured afterwards")),
            std_types::is_one_at(file, name, next.start, &std_types::GUARD),
            borrow(format!("nothing borrowed through `{shown}` is still in use")),
        ],
        obligations: vec![
            "lock scope: what follows runs without the lock, so that others may change what it guards in between"
                .to_owned(),
            "a panic in what follows no longer poisons the lock".to_owned(),
        ],
        ..Draft::default()
    })
}

/// The comment in the rest of the function that says until when a lock is held, or why.
fn comment_of_locks(file: &SourceFile, site: TextRange, behind: u32) -> Option<&str> {
    const WORDS: &[&str] = &["guard", "held", "hold", "lock", "locked", "locks", "release", "unlock", "unlocked"];
    let end = file.range(source::function_body(file, site)?).end;
    let comments = file.tokens.iter().filter(|t| t.is_comment() && t.range.start >= behind && t.range.end <= end);
    comments.map(|t| t.text(&file.text)).find(|text| {
        let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        words.into_iter().any(|word| WORDS.contains(&word.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "guard-across-work";

    #[test]
    fn the_guard_is_dropped_after_its_last_use() {
        let rewrite = check(
            RULE,
            "impl S {
    fn f(&self, entry: &Entry) -> io::Result<()> {
        let mut ledger = self.ledger.lock().unwrap();
        // In order.
        ledger.push(entry.clone()); // kept
        self.audit.write_all(entry.line())?;
        Ok(())
    }
}
",
            "impl S {
    fn f(&self, entry: &Entry) -> io::Result<()> {
        let mut ledger = self.ledger.lock().unwrap();
        // In order.
        ledger.push(entry.clone()); // kept
        drop(ledger);
        self.audit.write_all(entry.line())?;
        Ok(())
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (2, 3));
        check(
            RULE,
            "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); let n = g.len(); println!(\"{n}\"); }\n",
            "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); let n = g.len();\ndrop(g); println!(\"{n}\"); }\n",
        );
    }

    #[test]
    fn what_a_comment_says_of_the_lock_is_believed() {
        check_refuses(
            RULE,
            "fn f(m: &Mutex<V>) {
    let mut g = m.lock().unwrap();
    g.push(1);
    println!(\"kept\");
    // The lock will be unlocked here.
}
",
            "a comment behind it speaks of a lock: // The lock will be unlocked here.",
        );
    }

    #[test]
    fn the_guard_is_dropped_inside_of_the_branch_that_waits() {
        check(
            RULE,
            "impl S {
    async fn f(&self, index: usize) -> R {
        let entries = self.log.lock().await;
        if let Some(entry) = entries.get(index) {
            let text = entry.clone();
            // Out.
            push(&text).await?;
        }
        Ok(())
    }
}
",
            "impl S {
    async fn f(&self, index: usize) -> R {
        let entries = self.log.lock().await;
        if let Some(entry) = entries.get(index) {
            let text = entry.clone();
            drop(entries);
            // Out.
            push(&text).await?;
        }
        Ok(())
    }
}
",
        );
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); let n = g.len(); println!(\"{n}\"); }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
