//! A thread that async code blocks on in; a task for blocking work that it awaits out.

use super::{Draft, Recipe, borrow, file_of, holds, runtime, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("thread-joined-in-async"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let join = finding.capture("join").ok_or("the finding has no \"join\"")?;
    runtime::require_tokio(files, file)?;
    // Where the call begins a line, it stays there.
    let text = file.slice(join).replace("join()", "await");
    Ok(Draft {
        title: format!("await the blocking work of {}", short(&finding.function)),
        edits: vec![(
            file.path.clone(),
            vec![
                TextEdit { range: finding.range, text: "tokio::task::spawn_blocking".to_owned() },
                TextEdit { range: join, text },
            ],
        )],
        preconditions: vec![
            holds("the handle is joined and used for nothing else, and its failure is not looked at"),
            borrow("tokio is at hand, and what is awaited may stand there"),
        ],
        obligations: vec![
            "the work runs on tokio's threads for blocking work, of which there are at most 512, and inside its runtime".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "thread-joined-in-async";

    #[test]
    fn the_work_is_awaited() {
        check(
            RULE,
            "use tokio::sync::Mutex;
async fn f(a: Vec<u8>) -> Result<u8> {
    let worker = std::thread::spawn(move || merge(&a)); // heavy
    let merged = worker
        .join() // may panic
        .map_err(|_| Error::Closed)?;
    Ok(merged)
}
",
            "use tokio::sync::Mutex;
async fn f(a: Vec<u8>) -> Result<u8> {
    let worker = tokio::task::spawn_blocking(move || merge(&a)); // heavy
    let merged = worker
        .await // may panic
        .map_err(|_| Error::Closed)?;
    Ok(merged)
}
",
        );
    }

    #[test]
    fn without_tokio_it_is_refused() {
        check_refuses(
            RULE,
            "async fn f() { std::thread::spawn(work).join().unwrap(); }",
            "nothing in the crate speaks of tokio, whose timer would be used",
        );
    }
}
