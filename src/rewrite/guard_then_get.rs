//! A check for a key and the look-ups behind it in; a `let … else` that looks once out.

use super::contains_then_get::{named, one_of, preconditions};
use super::{Draft, Recipe, file_of, hoist, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("guard-then-get"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, key, whole, block) = (captured("map")?, captured("key")?, captured("whole")?, captured("block")?);
    place::require_rust(file, 65, "`let … else`")?;
    let get = ["get_mut", "remove"].into_iter().find(|way| finding.capture(way).is_some()).unwrap_or("get");
    let shown = file.on_one_line(map);
    let (name, rest) = bound(file, finding, &shown);
    let head = Template::new(file, TextRange { start: whole.start, end: block.start })
        .text(format!("let Some({name}) = "))
        .keep(map)
        .text(format!(".{get}("))
        .keep(key)
        .text(") else ");
    let mut edits = head.edits();
    if finding.capture("semicolon").is_none() {
        edits.push(TextEdit { range: TextRange::at(block.end as usize), text: ";".to_owned() });
    }
    edits.extend(rest);
    Ok(Draft {
        title: format!("look into {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: preconditions(file, finding, map, &shown),
        ..Draft::default()
    })
}

/// What the value is bound to, and the edits behind the check: the `let` of the next line, or a name for all look-ups.
fn bound(file: &SourceFile, finding: &Finding, shown: &str) -> (String, Vec<TextEdit>) {
    if let (Some(name), Some(statement)) = (finding.capture("bound"), finding.capture("let")) {
        let sign = if finding.capture("value").is_some() { "&" } else { "" };
        let sign = if finding.capture("mut").is_some() { "mut " } else { sign };
        let gone = TextEdit { range: hoist::whole_lines(file, statement), text: String::new() };
        return (format!("{sign}{}", file.slice(name)), vec![gone]);
    }
    let name = place::fresh_name(file, finding.range, &one_of(shown));
    let rest = named(finding, &name);
    (name, rest)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "guard-then-get";

    #[test]
    fn the_check_becomes_the_binding_of_the_next_line() {
        check(
            RULE,
            "fn f(rates: &HashMap<u8, Rate>, k: u8) -> u64 {
    // Known ones only.
    if !rates.contains_key(&k) {
        log(); // seldom
        return 0;
    }
    // In minor units.
    let rate = rates.get(&k).unwrap();
    rate.cents
}
",
            "fn f(rates: &HashMap<u8, Rate>, k: u8) -> u64 {
    // Known ones only.
    let Some(rate) = rates.get(&k) else {
        log(); // seldom
        return 0;
    };
    // In minor units.
    rate.cents
}
",
        );
        check(
            RULE,
            "fn f(m: &BTreeMap<u8, u64>, k: u8) -> u64 {
    if m.get(&k).is_none() {
        return 0;
    }
    let v = m[&k];
    v + 1
}
",
            "fn f(m: &BTreeMap<u8, u64>, k: u8) -> u64 {
    let Some(&v) = m.get(&k) else {
        return 0;
    };
    v + 1
}
",
        );
    }

    #[test]
    fn several_look_ups_share_one_name() {
        check(
            RULE,
            "fn f(s: &S, merchant: &str, floor: u32) -> u32 {
    if s.fees.get(merchant).is_none() {
        return floor;
    }
    if *s.fees.get(merchant).unwrap() < floor {
        return floor;
    }
    *s.fees.get(merchant).unwrap()
}
",
            "fn f(s: &S, merchant: &str, floor: u32) -> u32 {
    let Some(fee) = s.fees.get(merchant) else {
        return floor;
    };
    if *fee < floor {
        return floor;
    }
    *fee
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(/* all */ &k) { return 0; } m[&k] }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
