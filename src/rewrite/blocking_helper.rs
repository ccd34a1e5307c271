//! A function that blocks and that async code alone calls in; the function as `async`, awaited by its callers, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, runtime};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("blocking-helper"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let keyword = finding.capture("fn").ok_or("the finding has no \"fn\"")?;
    let name = file.slice(finding.range);
    runtime::require_tokio(files, file)?;
    let (callees, blocks) = (finding.captures_named("callee"), finding.captures_named("blocks"));
    let calls = finding.captures_named("call");
    for place in blocks.iter().chain(&calls) {
        runtime::refuse_held_guards(file, *place)?;
    }
    place::refuse_other_users(files, file, name)?;
    let mut edits = vec![TextEdit { range: keyword, text: "async ".to_owned() }];
    for callee in callees {
        let path = file.slice(callee);
        let last = path.rsplit("::").next().unwrap_or(path).trim();
        let owner = if last == "sleep" { "time" } else { "fs" };
        edits.push(TextEdit { range: callee, text: format!("tokio::{owner}::{last}") });
    }
    let ends = blocks.iter().chain(&calls).map(|range| TextRange { start: range.end, end: range.end });
    edits.extend(ends.map(|range| TextEdit { range, text: ".await".to_owned() }));
    Ok(Draft {
        title: format!("let {name} wait without its thread"),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{name}` is private, and all its callers are async")),
            holds("the crate uses tokio, and no guard is held meanwhile"),
            borrow("the futures may wait here: what lives across the calls may be sent where they go"),
        ],
        obligations: vec![
            "cancellation: the tasks may be dropped while they wait, and other tasks run meanwhile".to_owned(),
            "they always run on a tokio runtime whose timer is enabled".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "blocking-helper";

    #[test]
    fn the_function_waits_as_a_task() {
        let rewrite = check(
            RULE,
            "use tokio::task;
impl Link {
    /// Longer each time.
    fn back_off(&self, attempt: u32) {
        let pause = self.base * attempt;
        std::thread::sleep(pause); // enough
    }
    async fn send(&self) -> R {
        loop {
            match self.once().await {
                Ok(r) => return Ok(r),
                Err(_) => self.back_off(1),
            }
        }
    }
}
",
            "use tokio::task;
impl Link {
    /// Longer each time.
    async fn back_off(&self, attempt: u32) {
        let pause = self.base * attempt;
        tokio::time::sleep(pause).await; // enough
    }
    async fn send(&self) -> R {
        loop {
            match self.once().await {
                Ok(r) => return Ok(r),
                Err(_) => self.back_off(1).await,
            }
        }
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (2, 3));
        check(
            RULE,
            "use std::fs;\nuse tokio::task;\nfn load(p: &Path) -> R {\n    let b = fs::read(p)?;\n    Ok(b)\n}\nasync fn f(p: &Path) -> R {\n    Ok(load(p)?.len())\n}\n",
            "use std::fs;\nuse tokio::task;\nasync fn load(p: &Path) -> R {\n    let b = tokio::fs::read(p).await?;\n    Ok(b)\n}\nasync fn f(p: &Path) -> R {\n    Ok(load(p).await?.len())\n}\n",
        );
    }

    #[test]
    fn a_test_that_calls_it_refuses() {
        check_refuses(
            RULE,
            "use tokio::task;\nfn nap() { std::thread::sleep(D); }\nasync fn f() { nap(); }\n#[test]\nfn t() { nap(); }\n",
            "a test names `nap`",
        );
    }

    #[test]
    fn a_guard_held_meanwhile_refuses() {
        check_refuses(
            RULE,
            "use tokio::task;\nfn nap() { std::thread::sleep(D); }\nasync fn f(m: &tokio::sync::Mutex<u8>) { let g = m.lock().await; nap(); h(&g); }\n",
            "the guard `g` may be held while the task waits: others would wait for it, too",
        );
    }
}
