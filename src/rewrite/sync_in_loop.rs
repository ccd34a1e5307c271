//! A loop that syncs in each round in; the loop with one sync after it out.

use super::{Draft, Recipe, file_of, flush_after_loop, holds, short, std_types};
use crate::model::{Finding, RuleId};
use crate::source::SourceFile;
use crate::source::names::{bound_by, mentions};
use crate::source::syncs::syncs;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("sync-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = syncs(file);
    let found = all.iter().find(|s| file.range(s.flush.stmt) == finding.range).ok_or("the sync is gone")?;
    let mut bound = bound_by(&found.around.pat);
    for stmt in &found.around.body.stmts {
        if let syn::Stmt::Local(local) = stmt {
            bound.extend(bound_by(&local.pat));
        }
    }
    if let Some(name) = bound.iter().find(|name| mentions(found.flush.stmt, name)) {
        return Err(format!("the sync speaks of `{name}`, which the loop binds"));
    }
    let around = file.range(found.around);
    Ok(Draft {
        title: format!("sync once after the loop of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), flush_after_loop::moved(file, around, finding.range))],
        preconditions: vec![
            holds("the rounds write, compute and change what is their own: nobody is told that one is done"),
            std_types::is_one_at(file, file.range(found.flush.place), around.start, &std_types::FILE),
        ],
        obligations: vec![
            "durability: if the machine loses power while the loop runs, the rounds that had ended may be lost"
                .to_owned(),
            "if the loop fails half way, what it wrote before is not synced".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "sync-in-loop";

    #[test]
    fn the_sync_stands_behind_the_loop() {
        check(
            RULE,
            "fn import(file: &mut File, entries: &[Entry]) -> io::Result<u64> {
    let mut written = 0;
    for entry in entries {
        file.write_all(entry.line.as_bytes())?;
        file.sync_all()?;
        written += 1;
    }
    Ok(written)
}
",
            "fn import(file: &mut File, entries: &[Entry]) -> io::Result<u64> {
    let mut written = 0;
    for entry in entries {
        file.write_all(entry.line.as_bytes())?;
        written += 1;
    }
    file.sync_all()?;
    Ok(written)
}
",
        );
    }

    #[test]
    fn a_sync_that_speaks_of_the_round_is_refused() {
        check_refuses(
            RULE,
            "fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all().map_err(|e| E::At(x.n, e))?; } Ok(()) }",
            "the sync speaks of `x`, which the loop binds",
        );
    }
}
