//! A thread put to sleep in async code in; a task put to sleep out.

use super::{Draft, Recipe, borrow, file_of, holds, runtime, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("sleep-in-async"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let callee = finding.capture("callee").ok_or("the finding has no \"callee\"")?;
    runtime::require_tokio(files, file)?;
    runtime::refuse_held_guards(file, finding.range)?;
    let end = TextRange { start: finding.range.end, end: finding.range.end };
    let edits = vec![
        TextEdit { range: callee, text: "tokio::time::sleep".to_owned() },
        TextEdit { range: end, text: ".await".to_owned() },
    ];
    Ok(Draft {
        title: format!("let the task sleep instead of its thread in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the crate uses tokio, and no guard is held while it sleeps"),
            borrow("the future may wait here: what lives across the sleep may be sent where the future goes"),
        ],
        obligations: vec![
            "cancellation: the task may be dropped while it sleeps, and other tasks run meanwhile".to_owned(),
            "it always runs on a tokio runtime whose timer is enabled".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "sleep-in-async";

    #[test]
    fn the_task_sleeps_instead_of_the_thread() {
        let rewrite = check(
            RULE,
            "use std::thread;
async fn f(pause: Duration) {
    tokio::spawn(g());
    thread::sleep(pause /* short */); // twice
}
",
            "use std::thread;
async fn f(pause: Duration) {
    tokio::spawn(g());
    tokio::time::sleep(pause /* short */).await; // twice
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_guard_held_meanwhile_refuses() {
        check_refuses(
            RULE,
            "async fn f(m: &tokio::sync::Mutex<u8>) { let g = m.lock().await; std::thread::sleep(D); h(&g); }",
            "the guard `g` may be held while the task waits: others would wait for it, too",
        );
        check_refuses(
            RULE,
            "async fn f(c: &RefCell<u8>) { tokio::spawn(h()); { let g = c.borrow_mut(); if a { std::thread::sleep(D); } } }",
            "the guard `g` may be held while the task waits: others would wait for it, too",
        );
    }

    #[test]
    fn another_runtime_refuses() {
        check_refuses(
            RULE,
            "async fn f() { smol::spawn(g()); std::thread::sleep(D); }",
            "nothing in the crate speaks of tokio, whose timer would be used",
        );
    }
}
