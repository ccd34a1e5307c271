//! A thread blocked on a future in async code in; the future awaited out.

use super::{Draft, Recipe, borrow, file_of, holds, runtime, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, expr_at, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("block-on-in-async"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let future = finding.capture("future").ok_or("the finding has no \"future\"")?;
    runtime::refuse_held_guards(file, finding.range)?;
    let kept = lexer::comments(file.slice(future)).len();
    if lexer::comments(file.slice(finding.range)).len() != kept {
        return Err("a comment stands in the call that blocks".to_owned());
    }
    let text = file.slice(future);
    let is_postfix = matches!(
        expr_at(file, future),
        Some(
            syn::Expr::Call(_)
                | syn::Expr::MethodCall(_)
                | syn::Expr::Path(_)
                | syn::Expr::Async(_)
                | syn::Expr::Field(_)
        )
    );
    let awaited = if is_postfix { format!("{text}.await") } else { format!("({text}).await") };
    let mut preconditions = vec![
        holds("it stands in async code, and no guard is held while it waits"),
        borrow("the future may wait here: what lives across the wait may be sent where the task goes"),
    ];
    let mut obligations =
        vec!["cancellation: the task may be dropped while it waits, and other tasks run meanwhile".to_owned()];
    if let Some(handle) = finding.capture("handle") {
        preconditions.push(std_types::is_one(file, handle, &std_types::HANDLE));
        obligations
            .push(format!("the future runs on the runtime of the task, not on that of `{}`", file.slice(handle)));
    }
    Ok(Draft {
        title: format!("await instead of blocking the thread in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), vec![TextEdit { range: finding.range, text: awaited }])],
        preconditions,
        obligations,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "block-on-in-async";

    #[test]
    fn the_future_is_awaited() {
        let rewrite = check(
            RULE,
            "async fn f(amount: u64) -> u16 {
    // Of the bank.
    let outcome = tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(authorise(amount))
    });
    code(outcome) // for the caller
}
",
            "async fn f(amount: u64) -> u16 {
    // Of the bank.
    let outcome = authorise(amount).await;
    code(outcome) // for the caller
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_comment_and_a_guard_refuse() {
        check_refuses(
            RULE,
            "async fn f() { block_in_place(|| /* wait */ Handle::current().block_on(g())); }",
            "a comment stands in the call that blocks",
        );
        check_refuses(
            RULE,
            "async fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); Handle::current().block_on(h()); }",
            "the guard `g` may be held while the task waits: others would wait for it, too",
        );
    }
}
