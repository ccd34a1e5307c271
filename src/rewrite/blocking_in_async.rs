//! A blocking call of the file system in async code in; the call of `tokio::fs` out.

use super::{Draft, Recipe, borrow, file_of, holds, runtime, short, std_types};
use crate::model::{Finding, Precondition, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("blocking-in-async"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    runtime::require_tokio(files, file)?;
    runtime::refuse_held_guards(file, finding.range)?;
    let mut preconditions = vec![
        holds("the crate uses tokio, and no guard is held meanwhile"),
        borrow("`tokio::fs` is compiled in, and what lives across the call may be sent where the future goes"),
    ];
    if let Some(path) = finding.capture("path") {
        preconditions.push(std_types::is_one(file, path, &std_types::PATH));
        // A path that cannot be asked for is one that is not there, as before.
        let asked = Template::new(file, finding.range).text("tokio::fs::try_exists(&").keep(path);
        return Ok(draft(file, finding, asked.text(").await.unwrap_or(false)").edits(), preconditions));
    }
    let callee = finding.capture("callee").ok_or("the finding has no \"callee\"")?;
    let path = file.slice(callee);
    let name = path.rsplit("::").next().unwrap_or(path).trim();
    let end = TextRange { start: finding.range.end, end: finding.range.end };
    let edits = vec![
        TextEdit { range: callee, text: format!("tokio::fs::{name}") },
        TextEdit { range: end, text: ".await".to_owned() },
    ];
    Ok(draft(file, finding, edits, preconditions))
}

fn draft(file: &SourceFile, finding: &Finding, edits: Vec<TextEdit>, preconditions: Vec<Precondition>) -> Draft {
    Draft {
        title: format!("leave the executor while the disk works in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        obligations: vec![
            "cancellation: the task may be dropped while the call goes on, and other tasks run meanwhile".to_owned(),
            "it always runs on a tokio runtime".to_owned(),
        ],
        ..Draft::default()
    }
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
    fn a_path_is_asked_for_by_tokio() {
        check(
            RULE,
            "async fn f(path: &Path) -> bool {\n    tokio::spawn(g());\n    !path.exists() // yet\n}\n",
            "async fn f(path: &Path) -> bool {\n    tokio::spawn(g());\n    !tokio::fs::try_exists(&path).await.unwrap_or(false) // yet\n}\n",
        );
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
