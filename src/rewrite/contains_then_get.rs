//! A map that is asked for a key twice in; an `if let` that asks once out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::Template;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("contains-then-get"), derive };

fn derive(files: &[crate::source::SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, key) = (captured("map")?, captured("key")?);
    let get = ["get_mut", "remove"].into_iter().find(|way| finding.capture(way).is_some()).unwrap_or("get");
    let shown = file.on_one_line(map);
    let base = place::base_name(&shown);
    let name = place::fresh_name(file, finding.range, base.strip_suffix('s').unwrap_or("entry"));
    let condition = Template::new(file, finding.range)
        .text(format!("let Some({name}) = "))
        .keep(map)
        .text(format!(".{get}("))
        .keep(key)
        .text(")");
    let mut edits = condition.edits();
    let uses =
        [("reference", name.clone()), ("value", format!("*{name}")), ("value in brackets", format!("(*{name})"))];
    for (how, text) in uses {
        edits.extend(finding.capture(how).map(|range| TextEdit { range, text }));
    }
    Ok(Draft {
        title: format!("ask {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("neither `{shown}` nor the key changes between the two look-ups")),
            std_types::is_one(file, map, &std_types::MAP),
            borrow("the value may be borrowed for the whole block"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "contains-then-get";

    #[test]
    fn the_map_is_asked_once() {
        check(
            RULE,
            "fn f(rates: &HashMap<Currency, u64>, order: &Order) -> u64 {
    let rate = 1;
    if rates.contains_key(&order.currency) {
        // In minor units.
        rates[&order.currency] * rate
    } else {
        0
    }
}
",
            "fn f(rates: &HashMap<Currency, u64>, order: &Order) -> u64 {
    let rate = 1;
    if let Some(rate_2) = rates.get(&order.currency) {
        // In minor units.
        *rate_2 * rate
    } else {
        0
    }
}
",
        );
    }

    #[test]
    fn references_and_changes_keep_their_form() {
        check(
            RULE,
            "impl S {
    fn f(&mut self, key: &str) {
        if self.open.contains_key(key) {
            self.open.get_mut(key).unwrap().count += 1;
        }
    }
}
",
            "impl S {
    fn f(&mut self, key: &str) {
        if let Some(entry) = self.open.get_mut(key) {
            entry.count += 1;
        }
    }
}
",
        );
        check(
            RULE,
            "fn f(m: &HashMap<u8, S>, k: u8) {
    if m.contains_key(&k) {
        g(&m[&k], k);
    }
}
",
            "fn f(m: &HashMap<u8, S>, k: u8) {
    if let Some(entry) = m.get(&k) {
        g(entry, k);
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &M, k: u8) { if m /* all */ .contains_key(&k) { g(m[&k]); } }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
