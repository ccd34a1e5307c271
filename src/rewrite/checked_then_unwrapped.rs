//! An option that is checked and then unwrapped in; an `if let` out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short, std_types};
use crate::model::{Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("checked-then-unwrapped"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let variants = [("some", "Some"), ("ok", "Ok"), ("err", "Err")];
    let found = variants.iter().find_map(|(name, variant)| Some((*variant, finding.capture(name)?)));
    let (variant, checked) = found.ok_or("the finding has no checked place")?;
    let is_by = |way| finding.capture(way).is_some();
    let shown = file.on_one_line(checked);
    let base = if variant == "Err" { "error" } else { "value" };
    let name = place::fresh_name(file, finding.range, &format!("{}_{base}", place::base_name(&shown)));
    let sign = if is_by("by-reference") { "&" } else { "" };
    let ends = [("by-mutable", ".as_mut()"), ("by-deref", ".as_deref()")];
    let end = ends.into_iter().find(|(way, _)| finding.capture(way).is_some()).map_or("", |(_, end)| end);
    let mut inside = Vec::new();
    for (how, range) in finding.captures.iter().filter(|(n, _)| ["unwrap", "cloned"].contains(n)) {
        source::expr_at(file, *range).ok_or("an unwrap is no longer where it was found")?;
        let text = if *how == "cloned" { format!("{name}.clone()") } else { name.clone() };
        inside.push(TextEdit { range: *range, text });
    }
    let head = format!("let {variant}({name}) = {sign}");
    let edits = match (finding.capture("whole"), finding.capture("first"), finding.capture("second")) {
        (Some(whole), Some(first), Some(second)) => {
            vec![place::turned(
                file,
                whole,
                &format!("{head}{shown}{end}"),
                place::edited(file, second, &inside),
                first,
            )?]
        }
        _ => {
            let before = TextRange { start: finding.range.start, end: checked.start };
            let after = TextRange { start: checked.end, end: finding.range.end };
            inside.push(TextEdit { range: before, text: head });
            inside.push(TextEdit { range: after, text: end.to_owned() });
            inside
        }
    };
    let mut preconditions = vec![
        holds(format!("nothing changes `{shown}` between the check and the unwrap")),
        type_of(file, variant, checked, &shown, finding),
        borrow("what was unwrapped may be named instead"),
    ];
    if is_by("by-value") {
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

/// By value, the place must be the option itself: through a reference the name would be one, too.
fn type_of(file: &SourceFile, variant: &str, place: TextRange, shown: &str, finding: &Finding) -> Precondition {
    let family = if variant == "Some" { &std_types::OPTION } else { &std_types::RESULT };
    let is_through = ["by-mutable", "by-deref"].iter().any(|way| finding.capture(way).is_some());
    if is_through || (variant == "Some" && finding.capture("by-reference").is_some()) {
        return std_types::is_one(file, place, family);
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
    fn other_conditions_stay_beside_it() {
        check(
            RULE,
            "fn f(posting: &Posting) -> String {
    if posting.memo.is_some() && posting.amount != 0 {
        let memo = posting.memo.as_ref().unwrap();
        format!(\"{} {memo}\", posting.account)
    } else {
        String::new()
    }
}
",
            "fn f(posting: &Posting) -> String {
    if let Some(memo_value) = &posting.memo && posting.amount != 0 {
        let memo = memo_value;
        format!(\"{} {memo}\", posting.account)
    } else {
        String::new()
    }
}
",
        );
    }

    #[test]
    fn a_check_for_none_is_turned_with_its_blocks() {
        check(
            RULE,
            "fn f(limit: Option<u64>) -> u64 {
    if limit.is_none() {
        0 // none
    } else {
        // Some.
        limit.unwrap() + 1
    }
}
",
            "fn f(limit: Option<u64>) -> u64 {
    if let Some(limit_value) = limit {
        // Some.
        limit_value + 1
    } else {
        0 // none
    }
}
",
        );
    }

    #[test]
    fn errors_changes_and_clones_are_named_too() {
        check(
            RULE,
            "fn f(s: &mut S, r: Result<u8, String>) {
    if r.is_err() {
        g(r.unwrap_err());
    }
}
",
            "fn f(s: &mut S, r: Result<u8, String>) {
    if let Err(r_error) = r {
        g(r_error);
    }
}
",
        );
        check(
            RULE,
            "fn f(s: &mut S) {
    if s.last.is_some() {
        s.last.as_mut().unwrap().n += 1;
    }
}
",
            "fn f(s: &mut S) {
    if let Some(last_value) = s.last.as_mut() {
        last_value.n += 1;
    }
}
",
        );
        check(
            RULE,
            "fn f(s: &S) {
    if s.name.is_some() {
        g(s.name.clone().unwrap());
    }
}
",
            "fn f(s: &S) {
    if let Some(name_value) = &s.name {
        g(name_value.clone());
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
