//! A blocking call of the file system in async code in; the call of `tokio::fs` out.

use super::{Draft, Recipe, borrow, file_of, holds, runtime, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("blocking-in-async"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let callee = finding.capture("callee").ok_or("the finding has no \"callee\"")?;
    runtime::require_tokio(files, file)?;
    runtime::refuse_held_guards(file, finding.range)?;
    let path = file.slice(callee);
    let name = path.rsplit("::").next().unwrap_or(path).trim();
    let end = TextRange { start: finding.range.end, end: finding.range.end };
    let edits = vec![
        TextEdit { range: callee, text: format!("tokio::fs::{name}") },
        TextEdit { range: end, text: ".await".to_owned() },
    ];
    Ok(Draft {
        title: format!("leave the executor while the disk works in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the crate uses tokio, and no guard is held meanwhile"),
            borrow("`tokio::fs` is compiled in, and what lives across the call may be sent where the future goes"),
        ],
        obligations: vec![
            "cancellation: the task may be dropped while the call goes on, and other tasks run meanwhile".to_owned(),
            "it always runs on a tokio runtime".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "blocking-in-async";

    #[test]
    fn the_call_goes_to_tokio() {
        let rewrite = check(
            RULE,
            "use std::fs;
async fn f(path: &Path) -> io::Result<String> {
    tokio::spawn(g());
    let text = fs::read_to_string(
        path, // relative
    )?;
    Ok(text)
}
",
            "use std::fs;
async fn f(path: &Path) -> io::Result<String> {
    tokio::spawn(g());
    let text = tokio::fs::read_to_string(
        path, // relative
    ).await?;
    Ok(text)
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_guard_held_meanwhile_refuses() {
        check_refuses(
            RULE,
            "async fn f(m: &tokio::sync::Mutex<u8>, p: &Path) { if let Some(g) = m.lock().await.get() { std::fs::read(p); } }",
            "the guard of the `if` may be held while the task waits: others would wait for it, too",
        );
    }
}
