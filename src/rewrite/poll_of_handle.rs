//! A loop that polls a handle in front of its wait; the wait alone out.

use super::{Draft, Recipe, file_of, hoist, holds, short, std_types, unused_import};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("poll-of-handle"), derive };

/// Imports that only the sleep may have needed.
const IMPORTS: &[(&[&str], &[&str])] = &[
    (&["std", "thread"], &["thread"]),
    (&["std", "thread", "sleep"], &["sleep"]),
    (&["std", "time", "Duration"], &["Duration"]),
    (&["tokio", "time", "sleep"], &["sleep"]),
    (&["tokio", "time", "Duration"], &["Duration"]),
];

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let handle = finding.capture("handle").ok_or("the finding has no \"handle\"")?;
    let inside = file.slice(finding.range);
    if !lexer::comments(inside).is_empty() {
        return Err("a comment in the loop would go with it".to_owned());
    }
    let mut edits = vec![TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() }];
    for (path, words) in IMPORTS {
        edits.extend(unused_import::dropped(file, finding.range, path, words, &[finding.range]));
    }
    Ok(Draft {
        title: format!("wait for {} at once in {}", file.slice(handle), short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the loop does nothing but ask and sleep, and the next thing that happens is the wait"),
            std_types::is_one(file, handle, &std_types::JOIN_HANDLE),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "poll-of-handle";

    #[test]
    fn the_wait_is_left_alone() {
        check(
            RULE,
            "use std::time::Duration;
async fn f(work: Work) -> Option<Vec<u8>> {
    let handle = tokio::task::spawn_blocking(work); // heavy
    loop {
        if handle.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    handle.await.ok()
}
",
            "async fn f(work: Work) -> Option<Vec<u8>> {
    let handle = tokio::task::spawn_blocking(work); // heavy
    handle.await.ok()
}
",
        );
        check(
            RULE,
            "use std::{thread, time::Duration};
fn f() -> u8 {
    let handle = thread::spawn(|| 1);
    while !handle.is_finished() {
        thread::sleep(Duration::from_millis(1));
    }
    handle.join().unwrap()
}
fn g(d: Duration) {}
",
            "use std::{thread, time::Duration};
fn f() -> u8 {
    let handle = thread::spawn(|| 1);
    handle.join().unwrap()
}
fn g(d: Duration) {}
",
        );
    }

    #[test]
    fn a_comment_in_the_loop_is_kept() {
        check_refuses(
            RULE,
            "fn f(h: JoinHandle<()>) { while !h.is_finished() { /* let others run */ std::thread::sleep(D); } h.join().unwrap() }",
            "a comment in the loop would go with it",
        );
    }
}
