//! What a basket consists of: its distinct articles, its totals by category and by origin.

use crate::api::{LineItem, Order};

/// The figures that pricing, risk and receipt share.
#[derive(Debug, Clone, PartialEq)]
pub struct Basket {
    pub skus: Vec<String>,
    pub categories: Vec<CategoryTotal>,
    pub origins: Vec<OriginTotal>,
    pub pieces: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CategoryTotal {
    pub category: String,
    pub amount: u64,
}

/// What comes from one country.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginTotal {
    pub country: String,
    pub lines: u32,
    pub amount: u64,
}

/// Summarises an order.
pub fn summarise(order: &Order) -> Basket {
    let skus = distinct_skus(&order.items);
    let categories = category_totals(&order.items);
    let origins = origin_totals(order);
    let pieces = order.items.iter().map(|item| u64::from(item.quantity)).sum();
    Basket { skus, categories, origins, pieces }
}

/// The distinct SKUs of a basket, in the order in which they first appear.
pub fn distinct_skus(items: &[LineItem]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for item in items {
        if !seen.contains(&item.sku) {
            seen.push(item.sku.clone());
        }
    }
    seen
}

/// The distinct categories of a basket, in the order in which they first appear.
fn distinct_categories(items: &[LineItem]) -> Vec<String> {
    let mut categories: Vec<String> = Vec::new();
    for item in items {
        if !categories.contains(&item.category) {
            categories.push(item.category.clone());
        }
    }
    categories
}

/// The amount per category, in the order of first appearance.
pub fn category_totals(items: &[LineItem]) -> Vec<CategoryTotal> {
    let mut totals = Vec::new();
    for category in distinct_categories(items) {
        totals.push(CategoryTotal { category, amount: 0 });
    }
    totals.sort_by(|a, b| a.category.cmp(&b.category));
    for item in items {
        if let Ok(found) = totals.binary_search_by(|total| total.category.as_str().cmp(&item.category)) {
            totals[found].amount += item.amount();
        }
    }
    totals
}

/// The amount per country of origin, domestic goods first, then by amount.
pub fn origin_totals(order: &Order) -> Vec<OriginTotal> {
    let mut totals: Vec<OriginTotal> = Vec::new();
    for item in order.items.clone() {
        let found = totals.binary_search_by(|total| total.country.cmp(&item.origin));
        match found {
            Ok(at) => {
                totals[at].lines += 1;
                totals[at].amount += item.amount();
            }
            Err(at) => {
                let amount = item.amount();
                totals.insert(at, OriginTotal { country: item.origin.clone(), lines: 1, amount });
            }
        }
    }
    totals.sort_by_key(|total| (total.country != order.country, u64::MAX - total.amount));
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};

    fn items() -> Vec<LineItem> {
        let mut items = vec![
            item("BBB-000001", "C0002", 1, 100),
            item("AAA-000001", "C0001", 2, 50),
            item("BBB-000001", "C0002", 3, 100),
            item("CCC-000001", "C0001", 1, 7),
        ];
        items[1].origin = "FR".to_owned();
        items[3].origin = "AT".to_owned();
        items
    }

    #[test]
    fn distinct_skus_keep_the_order_of_first_appearance() {
        assert_eq!(distinct_skus(&items()), ["BBB-000001", "AAA-000001", "CCC-000001"]);
        assert!(distinct_skus(&[]).is_empty());
    }

    #[test]
    fn distinct_categories_keep_the_order_of_first_appearance() {
        assert_eq!(distinct_categories(&items()), ["C0002", "C0001"]);
    }

    #[test]
    fn category_totals_are_sorted_by_category() {
        let totals = category_totals(&items());
        assert_eq!(
            totals,
            [
                CategoryTotal { category: "C0001".into(), amount: 107 },
                CategoryTotal { category: "C0002".into(), amount: 400 },
            ]
        );
    }

    #[test]
    fn domestic_goods_come_first_then_the_largest_amount() {
        let totals = origin_totals(&order(items()));
        assert_eq!(
            totals,
            [
                OriginTotal { country: "DE".into(), lines: 2, amount: 400 },
                OriginTotal { country: "FR".into(), lines: 1, amount: 100 },
                OriginTotal { country: "AT".into(), lines: 1, amount: 7 },
            ]
        );
    }

    #[test]
    fn origins_without_domestic_goods_are_sorted_by_amount() {
        let mut order = order(items());
        order.country = "US".to_owned();
        order.items[3].unit_price = 1_000;
        let countries: Vec<String> = origin_totals(&order).into_iter().map(|total| total.country).collect();
        assert_eq!(countries, ["AT", "DE", "FR"]);
    }

    #[test]
    fn a_summary_counts_pieces() {
        let basket = summarise(&order(items()));
        assert_eq!(basket.pieces, 7);
        assert_eq!(basket.skus.len(), 3);
        assert_eq!(basket.categories.len(), 2);
        assert_eq!(basket.origins.len(), 3);
    }
}
