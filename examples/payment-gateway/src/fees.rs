//! Fees: the merchant's commission, customs handling, and the effective rate of payment by instalments.

use crate::api::LineItem;
use crate::fx;

/// What a merchant pays, in minor units of the order's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    pub commission: u64,
    pub customs: u64,
}

impl Fees {
    pub fn total(&self) -> u64 {
        self.commission + self.customs
    }
}

/// 1.4 % and 25 minor units a payment; 2.9 % where the card is foreign.
pub fn fees(amount: u64, domestic: bool, items: &[LineItem]) -> Fees {
    let basis_points = if domestic { 140 } else { 290 };
    let commission = amount.saturating_mul(basis_points).div_ceil(10_000) + 25;
    Fees { commission, customs: customs(items) }
}

/// Five minor units for each line that crosses the customs border.
fn customs(items: &[LineItem]) -> u64 {
    let mut total = 0;
    for item in items {
        if fx::crosses_border(&item.origin) {
            total += 5;
        }
    }
    total
}

/// The longest plan that is offered.
pub const LONGEST_PLAN: u32 = 24;

/// The effective annual rate of every plan from two instalments on, in basis points.
pub fn plan_rates(amount: u64, longest: u32) -> Vec<u32> {
    (2..=longest).map(|count| annual_rate(amount, count)).collect()
}

/// The rate of the chosen plan, but never less than that of a longer one: the buyer is told the dearest rate
/// that the contract allows. Payment at once has no rate.
pub fn chosen_rate(amount: u64, count: u32) -> u32 {
    if count < 2 {
        return 0;
    }
    let rates = plan_rates(amount, LONGEST_PLAN);
    rates.iter().skip(count as usize - 2).copied().max().unwrap_or_default()
}

/// Finds the annual rate at which the payments are worth the amount, by bisection.
fn annual_rate(amount: u64, count: u32) -> u32 {
    let amount = amount.max(1) as f64;
    let instalment = amount * (1.0 + surcharge(count)) / f64::from(count);
    let (mut low, mut high) = (0.0, 5.0);
    for _ in 0..48 {
        let middle: f64 = (low + high) / 2.0;
        if present_value(instalment, count, middle) > amount {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * 10_000.0f64).round() as u32
}

/// What the plan costs in total, as a fraction of the amount.
fn surcharge(count: u32) -> f64 {
    0.004 + 0.0045 * f64::from(count)
}

/// What `count` monthly payments are worth today at an annual rate.
fn present_value(instalment: f64, count: u32, rate: f64) -> f64 {
    (1..=count).map(|month| instalment / (1.0 + rate).powf(f64::from(month) / 12.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::item;

    #[test]
    fn domestic_cards_cost_less() {
        assert_eq!(fees(10_000, true, &[]).commission, 165);
        assert_eq!(fees(10_000, false, &[]).commission, 315);
        assert_eq!(fees(0, true, &[]).commission, 25);
    }

    #[test]
    fn the_commission_is_rounded_up() {
        assert_eq!(fees(1, true, &[]).commission, 26);
        assert_eq!(fees(10_001, true, &[]).commission, 166);
    }

    #[test]
    fn each_line_from_abroad_is_handled_for_five() {
        let mut items = vec![item("AAA-000001", "C0001", 9, 1); 3];
        items[1].origin = "US".to_owned();
        items[2].origin = "CN".to_owned();
        let fees = fees(10_000, true, &items);
        assert_eq!(fees.customs, 10);
        assert_eq!(fees.total(), 175);
    }

    #[test]
    fn plans_run_from_two_to_the_longest() {
        assert_eq!(plan_rates(100_000, 1).len(), 0);
        assert_eq!(plan_rates(100_000, 2).len(), 1);
        assert_eq!(plan_rates(100_000, 24).len(), 23);
    }

    #[test]
    fn the_rates_of_plans_are_pinned() {
        assert_eq!(plan_rates(100_000, 6), [1089, 1099, 1104, 1106, 1108]);
    }

    #[test]
    fn the_buyer_is_told_the_dearest_rate_from_the_chosen_plan_on() {
        let rates = plan_rates(100_000, 24);
        assert_eq!(chosen_rate(100_000, 1), 0);
        assert_eq!(chosen_rate(100_000, 2), *rates.iter().max().unwrap());
        assert_eq!(chosen_rate(100_000, 24), rates[22]);
        assert_eq!(chosen_rate(100_000, 23), rates[21].max(rates[22]));
    }

    #[test]
    fn the_rate_does_not_depend_on_the_amount() {
        assert_eq!(plan_rates(100, 4), plan_rates(1_000_000, 4));
        assert_eq!(plan_rates(0, 3), plan_rates(5, 3));
    }

    #[test]
    fn a_rate_of_zero_leaves_payments_at_their_face() {
        assert!((present_value(10.0, 12, 0.0) - 120.0).abs() < 1e-9);
        assert!((present_value(100.0, 1, 0.5) - 100.0 / 1.5f64.powf(1.0 / 12.0)).abs() < 1e-9);
    }
}
