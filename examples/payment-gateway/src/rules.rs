//! Hand-written fraud rules: each looks at the lines of an order and may add a penalty.

use crate::api::{LineItem, Order};

/// One rule, as the fraud team configures it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: String,
    /// Only lines whose description contains this word count; an empty word counts all.
    pub keyword: String,
    /// The amount in minor units from which the rule applies.
    pub threshold: u64,
    pub penalty: u32,
}

/// A rule that applied to an order.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleHit {
    pub rule: String,
    pub penalty: u32,
}

/// Evaluates all rules and returns those that apply, in the order of the rules.
pub fn evaluate(order: &Order, rules: &[Rule]) -> Vec<RuleHit> {
    let mut hits = Vec::new();
    for rule in rules {
        let lines = order.items.to_vec();
        if matching_amount(&lines, rule) >= rule.threshold {
            let name = rule.name.clone();
            hits.push(RuleHit { rule: name, penalty: rule.penalty });
        }
    }
    hits
}

/// The amount of the lines that a rule looks at.
fn matching_amount(lines: &[LineItem], rule: &Rule) -> u64 {
    lines.iter().filter(|line| line.description.contains(&rule.keyword)).map(LineItem::amount).sum()
}

/// The names of the rules that applied, as they are shown to the merchant.
pub fn reason(hits: &[RuleHit]) -> String {
    let mut reason = String::new();
    for hit in hits.to_vec() {
        if !reason.is_empty() {
            reason.push_str(", ");
        }
        reason.push_str(&hit.rule);
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};

    fn rule(name: &str, keyword: &str, threshold: u64, penalty: u32) -> Rule {
        Rule { name: name.to_owned(), keyword: keyword.to_owned(), threshold, penalty }
    }

    fn gift_order() -> Order {
        let mut order = order(vec![item("AAA-000001", "C0001", 2, 100), item("AAA-000002", "C0001", 1, 50)]);
        order.items[0].description = "gift card".to_owned();
        order
    }

    #[test]
    fn a_rule_counts_only_lines_with_its_keyword() {
        let order = gift_order();
        assert_eq!(matching_amount(&order.items, &rule("gift", "gift", 0, 1)), 200);
        assert_eq!(matching_amount(&order.items, &rule("all", "", 0, 1)), 250);
        assert_eq!(matching_amount(&order.items, &rule("none", "phone", 0, 1)), 0);
    }

    #[test]
    fn a_rule_applies_from_its_threshold_on() {
        let rules = [rule("at", "", 250, 1), rule("above", "", 251, 2)];
        assert_eq!(evaluate(&gift_order(), &rules), [RuleHit { rule: "at".into(), penalty: 1 }]);
    }

    #[test]
    fn hits_keep_the_order_of_the_rules() {
        let rules = [rule("z", "", 1, 1), rule("a", "gift", 1, 2)];
        let hits = evaluate(&gift_order(), &rules);
        assert_eq!(reason(&hits), "z, a");
        assert_eq!(hits[1].penalty, 2);
        assert_eq!(reason(&[]), "");
    }
}
