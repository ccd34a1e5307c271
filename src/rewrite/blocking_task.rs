//! A task that only blocks in; the same on a thread for blocking work out.

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("blocking-task"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (callee, head) = (captured("callee")?, captured("head")?);
    if !lexer::comments(file.slice(head)).is_empty() {
        return Err("a comment stands before the block".to_owned());
    }
    let edits = vec![
        TextEdit { range: callee, text: "tokio::task::spawn_blocking".to_owned() },
        TextEdit { range: head, text: "move || ".to_owned() },
    ];
    Ok(Draft {
        title: format!("block on a thread for that in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the task awaits nothing and starts no other"),
            borrow("what the task gives back is known without the `async` block"),
        ],
        obligations: vec![
            "once it runs, the task can no longer be aborted, and it waits for a thread of the pool".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "blocking-task";

    #[test]
    fn the_task_gets_a_thread_for_blocking() {
        let rewrite = check(
            RULE,
            "fn f(path: PathBuf) -> JoinHandle<io::Result<usize>> {
    tokio::spawn(async move {
        let mut file = std::fs::File::open(&path)?; // whole
        file.read_to_end(&mut Vec::new())
    })
}
",
            "fn f(path: PathBuf) -> JoinHandle<io::Result<usize>> {
    tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::open(&path)?; // whole
        file.read_to_end(&mut Vec::new())
    })
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_comment_before_the_block_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(p: P) { tokio::spawn(async move /* now */ { std::fs::read(p) }); }",
            "a comment stands before the block",
        );
    }
}
