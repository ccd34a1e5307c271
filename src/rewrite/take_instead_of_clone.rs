//! A copy of what is emptied next in; the value taken out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("take-instead-of-clone"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (place, emptied) = (captured("place")?, captured("emptied")?);
    let shown = file.on_one_line(place);
    let before = TextRange { start: finding.range.start, end: place.start };
    let after = TextRange { start: place.end, end: finding.range.end };
    let sign = match source_is_mutable_reference(file, place) {
        true => "",
        false => "&mut ",
    };
    let edits = vec![
        TextEdit { range: before, text: format!("std::mem::take({sign}") },
        TextEdit { range: after, text: ")".to_owned() },
        TextEdit { range: hoist::whole_lines(file, emptied), text: String::new() },
    ];
    Ok(Draft {
        title: format!("take {shown} instead of copying it in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is emptied by the next statement")),
            std_types::is_one(file, place, &std_types::EMPTIED),
            probe(file, format!("cloning `{shown}` copies plain data"), place, ProbeQuestion::PlainClone),
            borrow(format!("`{shown}` may be borrowed mutably one line earlier")),
        ],
        ..Draft::default()
    })
}

/// True for a parameter that is a `&mut` by its own type: it is handed on as it is.
fn source_is_mutable_reference(file: &SourceFile, place: TextRange) -> bool {
    let expr = crate::source::expr_at(file, place);
    let ty = expr.and_then(|expr| crate::source::types::type_of(file, expr));
    matches!(ty, Some(syn::Type::Reference(r)) if r.mutability.is_some())
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "take-instead-of-clone";

    #[test]
    fn the_value_is_taken() {
        check(
            RULE,
            "impl S {
    fn flush(&mut self) {
        // All of them.
        let batch = self.pending.clone(); // by value
        self.pending.clear();
        send(batch);
    }
}
",
            "impl S {
    fn flush(&mut self) {
        // All of them.
        let batch = std::mem::take(&mut self.pending); // by value
        send(batch);
    }
}
",
        );
        check(
            RULE,
            "fn f(v: &mut Vec<u8>) {
    let w = v.clone();
    v.clear();
    g(w);
}
",
            "fn f(v: &mut Vec<u8>) {
    let w = std::mem::take(v);
    g(w);
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &mut S) { let t = s.all/* of them */.clone(); s.all.clear(); g(t); }",
            "the comment \"/* of them */\" would be lost (line 1)",
        );
    }
}
