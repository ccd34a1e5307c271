//! A copy of a large value that is only looked at in; a reference to where it stands out.

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("large-copy-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let mut edits = Vec::new();
    if let Some(cut) = finding.capture("cut") {
        if !lexer::comments(file.slice(cut)).is_empty() {
            return Err("a comment stands in the call that copies".to_owned());
        }
        edits.push(TextEdit { range: cut, text: String::new() });
    }
    edits.extend(finding.captures_named("lend").into_iter().map(|range| TextEdit { range, text: "&".to_owned() }));
    Ok(Draft {
        title: format!("look at a large value where it stands in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the value is `Copy`, and the copy is only looked at"),
            borrow("nothing changes the original as long as the copy is in use"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "large-copy-read";

    const GRID: &str = "#[derive(Clone, Copy)]\nstruct Grid {\n    cells: [u32; 64],\n}\n";

    #[track_caller]
    fn check_fn(before: &str, after: &str) {
        check(RULE, &format!("{GRID}{before}"), &format!("{GRID}{after}"));
    }

    #[test]
    fn items_are_looked_at_where_they_stand() {
        check_fn(
            "fn f(grids: &[Grid]) -> u32 {
    let mut n = 0;
    for grid in grids.iter().copied() {
        n += grid.cells[0]; // first
    }
    n
}
",
            "fn f(grids: &[Grid]) -> u32 {
    let mut n = 0;
    for grid in grids.iter() {
        n += grid.cells[0]; // first
    }
    n
}
",
        );
        check_fn(
            "fn f(grids: &[Grid]) -> u32 {\n    grids.iter().copied().map(|g| g.cells[0]).sum()\n}\n",
            "fn f(grids: &[Grid]) -> u32 {\n    grids.iter().map(|g| g.cells[0]).sum()\n}\n",
        );
        check_fn(
            "fn f(grids: &[Grid]) {\n    for &g in grids {\n        h(g.cells[0]);\n    }\n}\n",
            "fn f(grids: &[Grid]) {\n    for g in grids {\n        h(g.cells[0]);\n    }\n}\n",
        );
    }

    #[test]
    fn locals_become_references() {
        check_fn(
            "fn f(own: &Own, other: &Grid) -> u32 {\n    let a: Grid = own.grid;\n    a.cells[0]\n}\n",
            "fn f(own: &Own, other: &Grid) -> u32 {\n    let a: &Grid = &own.grid;\n    a.cells[0]\n}\n",
        );
        check_fn(
            "fn f(other: &Grid) -> u32 {\n    let b = *other;\n    b.cells[0]\n}\n",
            "fn f(other: &Grid) -> u32 {\n    let b = other;\n    b.cells[0]\n}\n",
        );
        check_fn(
            "fn f(grids: &[Grid]) -> Option<u32> {\n    let b = grids.get(1).copied()?;\n    Some(b.cells[0])\n}\n",
            "fn f(grids: &[Grid]) -> Option<u32> {\n    let b = grids.get(1)?;\n    Some(b.cells[0])\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_call_is_not_lost() {
        check_refuses(
            RULE,
            &format!("{GRID}fn f(gs: &[Grid]) {{ for g in gs.iter() /* all */ .copied() {{ h(g.cells[0]); }} }}"),
            "a comment stands in the call that copies",
        );
    }
}
