//! A map that is asked for a key twice in; an `if let` that asks once out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, Precondition, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("contains-then-get"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, key) = (captured("map")?, captured("key")?);
    let get = ["get_mut", "remove"].into_iter().find(|way| finding.capture(way).is_some()).unwrap_or("get");
    let shown = file.on_one_line(map);
    let name = place::fresh_name(file, finding.range, &one_of(&shown));
    let inside = named(finding, &name);
    let edits = match (finding.capture("whole"), finding.capture("missing"), finding.capture("there")) {
        (Some(whole), Some(missing), Some(there)) => {
            let condition = format!("let Some({name}) = {shown}.{get}({})", file.on_one_line(key));
            vec![place::turned(file, whole, &condition, place::edited(file, there, &inside), missing)?]
        }
        _ => {
            let condition = Template::new(file, finding.range)
                .text(format!("let Some({name}) = "))
                .keep(map)
                .text(format!(".{get}("))
                .keep(key)
                .text(")");
            condition.edits().into_iter().chain(inside).collect()
        }
    };
    Ok(Draft {
        title: format!("ask {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: preconditions(file, finding, map, &shown),
        ..Draft::default()
    })
}

/// What a value of the collection is called: `rate` for one of `rates`.
pub(super) fn one_of(shown: &str) -> String {
    place::base_name(shown).strip_suffix('s').filter(|name| name.len() > 1).unwrap_or("entry").to_owned()
}

/// The name in place of each look-up.
pub(super) fn named(finding: &Finding, name: &str) -> Vec<TextEdit> {
    let text = |how: &str| match how {
        "reference" => Some(name.to_owned()),
        "value" => Some(format!("*{name}")),
        "value in brackets" => Some(format!("(*{name})")),
        "clone" => Some(format!("{name}.clone()")),
        _ => None,
    };
    finding.captures.iter().filter_map(|(how, range)| Some(TextEdit { range: *range, text: text(how)? })).collect()
}

pub(super) fn preconditions(file: &SourceFile, finding: &Finding, map: TextRange, shown: &str) -> Vec<Precondition> {
    let family = if finding.capture("by get").is_some() { &std_types::KEYED } else { &std_types::MAP };
    vec![
        holds(format!("neither `{shown}` nor the key changes between the look-ups")),
        std_types::is_one(file, map, family),
        borrow("the value may be borrowed for the whole block"),
    ]
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
    fn several_look_ups_and_other_conditions_share_the_name() {
        check(
            RULE,
            "fn f(prices: &HashMap<u8, Price>, k: u8) -> u64 {
    if k > 1 && prices.get(&k).is_some() && prices[&k].open {
        prices.get(&k).unwrap().cents + prices.get(&k).cloned().unwrap().fee
    } else {
        0
    }
}
",
            "fn f(prices: &HashMap<u8, Price>, k: u8) -> u64 {
    if k > 1 && let Some(price) = prices.get(&k) && price.open {
        price.cents + price.clone().fee
    } else {
        0
    }
}
",
        );
    }

    #[test]
    fn the_opposite_question_is_turned_with_its_blocks() {
        check(
            RULE,
            "fn f(m: &mut HashMap<u8, Vec<u8>>, k: u8) {
    if !m.contains_key(&k) {
        // The first.
        m.insert(k, vec![1]);
    } else {
        m.get_mut(&k).unwrap().push(1); // one more
    }
}
",
            "fn f(m: &mut HashMap<u8, Vec<u8>>, k: u8) {
    if let Some(entry) = m.get_mut(&k) {
        entry.push(1); // one more
    } else {
        // The first.
        m.insert(k, vec![1]);
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
