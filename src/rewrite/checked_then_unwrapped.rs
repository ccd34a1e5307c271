//! An option that is checked and then unwrapped in; an `if let` out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short, std_types};
use crate::model::{Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("checked-then-unwrapped"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let (variant, checked) = match (finding.capture("some"), finding.capture("ok")) {
        (Some(range), _) => ("Some", range),
        (_, Some(range)) => ("Ok", range),
        _ => return Err("the finding has no checked place".to_owned()),
    };
    let by_reference = finding.capture("by-reference").is_some();
    let shown = file.on_one_line(checked);
    let name = place::fresh_name(file, finding.range, &format!("{}_value", place::base_name(&shown)));
    let sign = if by_reference { "&" } else { "" };
    let before = TextRange { start: finding.range.start, end: checked.start };
    let after = TextRange { start: checked.end, end: finding.range.end };
    let mut edits = vec![
        TextEdit { range: before, text: format!("let {variant}({name}) = {sign}") },
        TextEdit { range: after, text: String::new() },
    ];
    for (_, unwrap) in finding.captures.iter().filter(|(n, _)| *n == "unwrap") {
        source::expr_at(file, *unwrap).ok_or("an unwrap is no longer where it was found")?;
        edits.push(TextEdit { range: *unwrap, text: name.clone() });
    }
    let mut preconditions = vec![
        holds(format!("nothing changes `{shown}` between the check and the unwrap")),
        type_of(file, variant, checked, &shown, by_reference),
        borrow("what was unwrapped may be named instead"),
    ];
    if !by_reference {
        let what = format!("`{shown}` holds plain data, so that nobody sees where in the branch it is dropped");
        preconditions.push(probe(file, what, checked, ProbeQuestion::PlainClone));
    }
    Ok(Draft {
        title: format!("look at {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

/// Without `as_ref()` the place must be the option itself: through a reference the name would be one, too.
fn type_of(file: &SourceFile, variant: &str, place: TextRange, shown: &str, by_reference: bool) -> Precondition {
    if by_reference && variant == "Some" {
        return std_types::is_one(file, place, &std_types::OPTION);
    }
    let ty = if variant == "Some" { "std::option::Option<_>" } else { "std::result::Result<_, _>" };
    probe(file, format!("`{shown}` is of the type `{ty}`"), place, ProbeQuestion::IsType(ty.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "checked-then-unwrapped";

    #[test]
    fn the_value_gets_a_name() {
        check(
            RULE,
            "fn f(order: &Order) -> u64 {
    if order.limit.is_some() {
        // Both ways.
        g(order.limit.unwrap(), order.limit.expect(\"checked\"))
    } else {
        0
    }
}
",
            "fn f(order: &Order) -> u64 {
    if let Some(limit_value) = order.limit {
        // Both ways.
        g(limit_value, limit_value)
    } else {
        0
    }
}
",
        );
    }

    #[test]
    fn a_look_through_as_ref_stays_a_reference() {
        check(
            RULE,
            "fn f(name: Option<String>, name_value: u8) {
    if name.is_some() {
        g(name.as_ref().unwrap(), name_value);
    }
    h(name);
}
",
            "fn f(name: Option<String>, name_value: u8) {
    if let Some(name_value_2) = &name {
        g(name_value_2, name_value);
    }
    h(name);
}
",
        );
        check(
            RULE,
            "fn f(read: Result<String, E>) {
    if read.is_ok() {
        g(read.unwrap());
    }
}
",
            "fn f(read: Result<String, E>) {
    if let Ok(read_value) = read {
        g(read_value);
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(x: Option<u8>) { if x.is_some(/* by now */) { g(x.unwrap()); } }",
            "the comment \"/* by now */\" would be lost (line 1)",
        );
    }
}
