//! A guard that is held across a wait in; the guard dropped before it and taken again after it out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("guard-idle-between"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, lock) = (captured("name")?, captured("lock")?);
    let (looked, changes) = (captured("looked")?, captured("changes")?);
    let text = file.slice(finding.range);
    if !lexer::comments(text).is_empty() || text.contains('\n') {
        return Err("the `let` spans lines, or a comment stands in it".to_owned());
    }
    let (guard, shown) = (file.slice(name), file.on_one_line(lock));
    let mut edits = place::insert_after(file, looked, &format!("drop({guard});"));
    edits.extend(place::insert_before(file, changes, text));
    // Before the wait it is only looked at.
    if let Some(at) = text.strip_prefix("let mut ").map(|_| finding.range.start + "let ".len() as u32) {
        let range = TextRange { start: at, end: at + "mut ".len() as u32 };
        edits.push(TextEdit { range, text: String::new() });
    }
    Ok(Draft {
        title: format!("unlock {shown} for the wait of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("before the wait something is copied under the lock, and nothing is decided or changed"),
            holds("what is changed after it does not hang on what was copied"),
            std_types::is_one(file, lock, &std_types::LOCK),
            borrow("the lock can be taken again"),
        ],
        obligations: vec![
            "lock scope: others may change what the lock guards while it waits, and the change is made to what is there then"
                .to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check_refuses, proposals};

    const RULE: &str = "guard-idle-between";

    #[test]
    fn the_lock_is_taken_again_after_the_wait() {
        let before = "async fn probe(upstream: Arc<Mutex<Upstream>>) -> bool {
    let mut guard = upstream.lock().await;
    let addr = guard.addr.clone(); // now
    // Of the network.
    let alive = connect(addr).await;
    match alive {
        Ok(_) => guard.failures = 0,
        Err(_) => guard.failures += 1,
    }
    alive.is_ok()
}
";
        let (_, rewrites, refusals) = proposals(RULE, before);
        assert_eq!(refusals, []);
        let diff = &rewrites[0].diff;
        assert!(
            diff.contains("-    let mut guard = upstream.lock().await;\n+    let guard = upstream.lock().await;\n"),
            "{diff}"
        );
        assert!(diff.contains("+    drop(guard);\n     // Of the network.\n"), "{diff}");
        assert!(diff.contains("+    let mut guard = upstream.lock().await;\n     match alive {\n"), "{diff}");
        assert_eq!((rewrites[0].obligations.len(), rewrites[0].preconditions.len()), (1, 4));
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "async fn f(m: &Mutex<P>) { let mut g = m /* all */ .lock().await; let a = g.a.clone(); ping(a).await; g.n += 1; }",
            "the `let` spans lines, or a comment stands in it",
        );
    }
}
