//! A guard over a loop that waits in; the loop over a copy made under the lock out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("guard-over-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, end, next) = (captured("name")?, captured("end")?, captured("next")?);
    let shown = file.slice(name);
    Ok(Draft {
        title: format!("unlock {shown} before the loop of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), vec![TextEdit { range: end, text: ".clone()".to_owned() }])],
        preconditions: vec![
            holds(format!("`{shown}` is used for nothing but the loop, which only looks at it")),
            std_types::is_one_at(file, name, next.start, &std_types::GUARD),
            borrow("what the lock guards can be cloned"),
        ],
        obligations: vec![
            "lock scope: the loop goes over a copy, and does not see what changes meanwhile".to_owned(),
            "the copy is cheap beside what the loop waits for".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "guard-over-loop";

    #[test]
    fn the_loop_goes_over_a_copy() {
        let rewrite = check(
            RULE,
            "async fn broadcast(subs: &Mutex<Vec<Sender<String>>>, text: &str) {
    // All of them.
    let subs = subs.lock().await; // now
    for tx in subs.iter() {
        let _ = tx.send(text.to_string()).await;
    }
}
",
            "async fn broadcast(subs: &Mutex<Vec<Sender<String>>>, text: &str) {
    // All of them.
    let subs = subs.lock().await.clone(); // now
    for tx in subs.iter() {
        let _ = tx.send(text.to_string()).await;
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (2, 3));
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); for x in g.iter() { println!(\"{x}\"); } }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
