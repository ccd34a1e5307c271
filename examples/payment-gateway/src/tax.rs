//! Sales tax: the lines of an order joined with the tax table of the country.

use crate::api::LineItem;

/// The tax of one category, in hundredths of a per cent.
#[derive(Debug, Clone, PartialEq)]
pub struct TaxRate {
    pub category: String,
    pub basis_points: u64,
}

/// The tax of one line, in minor units.
#[derive(Debug, Clone, PartialEq)]
pub struct TaxLine {
    pub sku: String,
    pub basis_points: u64,
    pub tax: u64,
}

/// Pairs each line with its rate. A category without a rate is not taxed and has no line in the result.
pub fn tax_lines(items: &[LineItem], rates: &[TaxRate]) -> Vec<TaxLine> {
    let mut lines = Vec::new();
    for item in items {
        for rate in rates {
            if item.category == rate.category {
                let tax = rounded(item.amount(), rate.basis_points);
                lines.push(TaxLine { sku: item.sku.clone(), basis_points: rate.basis_points, tax });
            }
        }
    }
    lines
}

/// The tax of the whole order.
pub fn total(lines: &[TaxLine]) -> u64 {
    lines.iter().map(|line| line.tax).sum()
}

/// The part of `amount` that is tax when prices include it, rounded half up.
fn rounded(amount: u64, basis_points: u64) -> u64 {
    let net = 10_000 + basis_points;
    (amount.saturating_mul(basis_points) + net / 2) / net
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::item;

    fn rate(category: &str, basis_points: u64) -> TaxRate {
        TaxRate { category: category.to_owned(), basis_points }
    }

    #[test]
    fn each_line_is_taxed_at_the_rate_of_its_category() {
        let items = [item("AAA-000001", "C0002", 1, 11_900), item("AAA-000002", "C0001", 2, 5_350)];
        let lines = tax_lines(&items, &[rate("C0001", 700), rate("C0002", 1_900)]);
        assert_eq!(
            lines,
            [
                TaxLine { sku: "AAA-000001".into(), basis_points: 1_900, tax: 1_900 },
                TaxLine { sku: "AAA-000002".into(), basis_points: 700, tax: 700 },
            ]
        );
        assert_eq!(total(&lines), 2_600);
    }

    #[test]
    fn a_category_without_a_rate_is_not_taxed() {
        assert!(tax_lines(&[item("AAA-000001", "C0009", 1, 100)], &[rate("C0001", 700)]).is_empty());
    }

    #[test]
    fn two_rates_of_one_category_both_apply_in_the_order_of_the_table() {
        let rates = [rate("C0001", 1_900), rate("C0002", 1), rate("C0001", 100)];
        let lines = tax_lines(&[item("AAA-000001", "C0001", 1, 10_000)], &rates);
        let points: Vec<u64> = lines.iter().map(|line| line.basis_points).collect();
        assert_eq!(points, [1_900, 100]);
    }

    #[test]
    fn tax_is_rounded_half_up() {
        assert_eq!(rounded(100, 1_900), 16);
        assert_eq!(rounded(3, 2_000), 1);
        assert_eq!(rounded(2, 2_000), 0);
        assert_eq!(rounded(0, 1_900), 0);
    }
}
