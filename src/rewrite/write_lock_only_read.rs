//! A write lock through which nothing is written in; a read lock out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("write-lock-only-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (lock, method) = (captured("lock")?, captured("method")?);
    let shown = file.on_one_line(lock);
    Ok(Draft {
        title: format!("lock {shown} for reading in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), vec![TextEdit { range: method, text: "read".to_owned() }])],
        preconditions: vec![
            holds("the guard is not `mut`, and is only looked at"),
            std_types::is_one(file, lock, &std_types::RW_LOCK),
            borrow("the value may be shared between threads"),
        ],
        obligations: vec![
            "lock scope: several threads may be in this place at once; nothing beside the lock relied on its being exclusive"
                .to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "write-lock-only-read";

    #[test]
    fn the_lock_is_taken_for_reading() {
        let rewrite = check(
            RULE,
            "fn f(rates: &RwLock<HashMap<u8, u64>>, key: u8) -> u64 {
    let rates = rates
        .write() // all of them
        .unwrap();
    rates.get(&key).copied().unwrap_or(1)
}
",
            "fn f(rates: &RwLock<HashMap<u8, u64>>, key: u8) -> u64 {
    let rates = rates
        .read() // all of them
        .unwrap();
    rates.get(&key).copied().unwrap_or(1)
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(l: &RwLock<V>) -> usize { let g = l.write().unwrap(); g.len() }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
