//! The same closure at several failures in; one name for it out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("same-map-err"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let before = finding.capture("before").ok_or("the finding has no \"before\"")?;
    let closures = finding.captures_named("closure");
    let said = file.slice(finding.range);
    if said.contains('\n') {
        return Err("the closure spans lines".to_owned());
    }
    let name = place::fresh_name(file, finding.range, "to_error");
    let mut edits = place::insert_before(file, before, &format!("let {name} = {said};"));
    edits.extend(closures.iter().map(|range| TextEdit { range: *range, text: name.clone() }));
    Ok(Draft {
        title: format!("say once what becomes of {} failures in {}", closures.len(), short(&finding.function)),
        edits: vec![(file.path.clone(), place::merged(edits))],
        preconditions: vec![
            holds("the closures are the same to the word, and name nothing that is bound between them"),
            borrow("all errors are of one type, and nothing changes what the closure looks at"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "same-map-err";

    #[test]
    fn the_closure_gets_a_name() {
        check(
            RULE,
            "async fn head(b: &mut B) -> Result<Head> {
    // In the order of the wire.
    let version = b.read_u8().await.map_err(|e| E::Parse(format!(\"head: {e}\")))?;
    let source = b.read_u32().await.map_err(|e| E::Parse(format!(\"head: {e}\")))?; // who
    let count = b.read_u16().await.map_err(|e| E::Parse(format!(\"head: {e}\")))?;
    Ok(Head { version, source, count })
}
",
            "async fn head(b: &mut B) -> Result<Head> {
    let to_error = |e| E::Parse(format!(\"head: {e}\"));
    // In the order of the wire.
    let version = b.read_u8().await.map_err(to_error)?;
    let source = b.read_u32().await.map_err(to_error)?; // who
    let count = b.read_u16().await.map_err(to_error)?;
    Ok(Head { version, source, count })
}
",
        );
    }

    #[test]
    fn a_closure_over_lines_is_refused() {
        check_refuses(
            RULE,
            "fn f(b: B) -> R { b.a().map_err(|_| E(format!(\n\"a\")))?; b.b().map_err(|_| E(format!(\n\"a\")))?; b.c().map_err(|_| E(format!(\n\"a\")))?; Ok(()) }",
            "the closure spans lines",
        );
    }
}
