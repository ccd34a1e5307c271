//! A check for none and the unwrap behind it in; a `let … else` out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("guard-then-unwrap"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (option, name, block) = (captured("place")?, captured("name")?, captured("block")?);
    place::require_rust(file, 65, "`let … else`")?;
    let sign = if finding.capture("by-reference").is_some() { "&" } else { "" };
    let mutable = if finding.capture("mut").is_some() { "mut " } else { "" };
    let (shown, name) = (file.on_one_line(option), file.slice(name));
    let new = Template::new(file, finding.range)
        .text(format!("let Some({mutable}{name}) = {sign}"))
        .keep(option)
        .text(" else ")
        .keep(block)
        .text(";");
    let ty = "std::option::Option<_>";
    let mut preconditions = vec![
        holds(format!("the block leaves, and does not look at `{shown}`")),
        probe(file, format!("`{shown}` is of the type `{ty}`"), option, ProbeQuestion::IsType(ty.to_owned())),
        borrow("what was unwrapped may be bound instead"),
    ];
    if sign.is_empty() {
        let what = format!("`{shown}` holds plain data, so that nobody sees when it is moved");
        preconditions.push(probe(file, what, option, ProbeQuestion::PlainClone));
    }
    Ok(Draft {
        title: format!("look at {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.edits())],
        preconditions,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "guard-then-unwrap";

    #[test]
    fn the_check_becomes_the_binding() {
        check(
            RULE,
            "fn f(order: &Order) -> Result<u64, E> {
    // At most that.
    if order.limit.is_none() {
        log(); // seldom
        return Ok(0);
    }
    let limit = order.limit.unwrap(); // known
    Ok(limit)
}
",
            "fn f(order: &Order) -> Result<u64, E> {
    // At most that.
    let Some(limit) = order.limit else {
        log(); // seldom
        return Ok(0);
    }; // known
    Ok(limit)
}
",
        );
        check(
            RULE,
            "fn f(x: Option<String>) {
    if x.is_none() {
        return;
    }
    let mut y = x.as_ref().expect(\"checked\");
    g(&mut y);
}
",
            "fn f(x: Option<String>) {
    let Some(mut y) = &x else {
        return;
    };
    g(&mut y);
}
",
        );
    }

    #[test]
    fn a_comment_between_the_two_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(x: Option<u8>) -> u8 {\n    if x.is_none() {\n        return 0;\n    }\n    // There it is.\n    let v = x.unwrap();\n    v\n}\n",
            "the comment \"// There it is.\" would be lost (line 5)",
        );
    }
}
