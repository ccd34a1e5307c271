//! Two loops that walk a table across its rows in; the same two swapped out.

use super::{Draft, Recipe, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;
use crate::source::walks::walks;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("walk-across-rows"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = walks(file);
    let walk = all.iter().find(|w| file.range(w.outer) == finding.range).ok_or("the loops are gone")?;
    let [outer, inner] = walk.heads(file);
    let swapped = |(from, to)| TextEdit { range: to, text: file.slice(from).to_owned() };
    let pairs = [(inner.0, outer.0), (inner.1, outer.1), (outer.0, inner.0), (outer.1, inner.1)];
    let mut preconditions = vec![
        holds("each sum gets the same parts in the same order, and nothing else is done"),
        holds("neither range depends on the other loop"),
    ];
    for list in &walk.indexed {
        preconditions.push(std_types::is_one(file, file.range(*list), &std_types::SLICE));
    }
    Ok(Draft {
        title: format!("walk the table of {} along its rows", short(&finding.function)),
        edits: vec![(file.path.clone(), pairs.into_iter().map(swapped).collect())],
        preconditions,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, proposals};

    const RULE: &str = "walk-across-rows";

    #[test]
    fn the_loops_are_swapped() {
        let rewrite = check(
            RULE,
            "impl Matrix {
    fn totals(&self) -> Vec<u64> {
        let mut totals = vec![0u64; self.fields];
        for field in 0..self.fields {
            // One field of all rows.
            for row in 0..self.rows {
                totals[field] += u64::from(self.cells[row * self.fields + field]); // widened
            }
        }
        totals
    }
}
",
            "impl Matrix {
    fn totals(&self) -> Vec<u64> {
        let mut totals = vec![0u64; self.fields];
        for row in 0..self.rows {
            // One field of all rows.
            for field in 0..self.fields {
                totals[field] += u64::from(self.cells[row * self.fields + field]); // widened
            }
        }
        totals
    }
}
",
        );
        assert_eq!(rewrite.preconditions.len(), 4);
    }

    #[test]
    fn a_table_of_its_own_kind_is_asked_about() {
        let text = "fn f(t: &mut [u64], c: &Grid) { for x in 0..4 { for y in 0..4 { t[x] += c[y * 4 + x]; } } }";
        let asked = &proposals(RULE, text).1[0].preconditions;
        assert!(asked.iter().any(|p| p.text == "`c` is a vector, slice or array of std" && p.probe.is_some()));
    }
}
