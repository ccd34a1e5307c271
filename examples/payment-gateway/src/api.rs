//! The JSON that merchants send and receive, as Rust types.

use serde::{Deserialize, Serialize};

/// The body of `POST /authorize`. Amounts are in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub merchant: String,
    pub order_id: String,
    pub currency: String,
    pub settle_currency: String,
    pub card: Card,
    pub email: String,
    pub device: String,
    pub country: String,
    #[serde(default = "one_instalment")]
    pub instalments: u32,
    pub items: Vec<LineItem>,
}

fn one_instalment() -> u32 {
    1
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub pan: String,
    pub expiry: String,
    pub holder: String,
}

/// One line of the basket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineItem {
    pub sku: String,
    pub category: String,
    pub description: String,
    pub origin: String,
    pub quantity: u32,
    pub unit_price: u64,
}

impl LineItem {
    /// Quantity times unit price; a basket that overflows is refused by validation.
    pub fn amount(&self) -> u64 {
        self.unit_price.saturating_mul(u64::from(self.quantity))
    }
}

impl Order {
    /// The sum of all lines.
    pub fn amount(&self) -> u64 {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.amount()))
    }
}

/// What the gateway decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Approved,
    Declined,
}

/// The answer to `POST /authorize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Authorization {
    pub payment_id: String,
    pub order_id: String,
    pub decision: Decision,
    pub reason: String,
    pub amount: u64,
    pub tax: u64,
    pub fee: u64,
    pub settle_amount: u64,
    pub risk_score: u32,
    pub rate_bp: u32,
    pub weight_grams: u64,
    pub distinct_skus: usize,
    pub confirmed_lines: usize,
    pub receipt: String,
}

/// The answer when something went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub error: String,
    pub message: String,
}

#[cfg(test)]
pub mod fixtures {
    //! Orders that the tests of all modules start from.

    use super::*;

    pub fn item(sku: &str, category: &str, quantity: u32, unit_price: u64) -> LineItem {
        LineItem {
            sku: sku.to_owned(),
            category: category.to_owned(),
            description: format!("Article {sku}"),
            origin: "DE".to_owned(),
            quantity,
            unit_price,
        }
    }

    pub fn order(items: Vec<LineItem>) -> Order {
        Order {
            merchant: "m-100".to_owned(),
            order_id: "ORD-00000001".to_owned(),
            currency: "EUR".to_owned(),
            settle_currency: "EUR".to_owned(),
            card: Card {
                pan: "4111111111111111".to_owned(),
                expiry: "12/29".to_owned(),
                holder: "CARD HOLDER".to_owned(),
            },
            email: "buyer@shop.example".to_owned(),
            device: "device-1".to_owned(),
            country: "DE".to_owned(),
            instalments: 1,
            items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{item, order};
    use super::*;

    #[test]
    fn the_amount_is_quantity_times_price_over_all_lines() {
        let order = order(vec![item("AAA-000001", "C0001", 2, 150), item("AAA-000002", "C0002", 3, 10)]);
        assert_eq!(order.items[0].amount(), 300);
        assert_eq!(order.amount(), 330);
    }

    #[test]
    fn an_overflowing_amount_saturates() {
        let order = order(vec![item("AAA-000001", "C0001", 2, u64::MAX), item("AAA-000002", "C0002", 1, 5)]);
        assert_eq!(order.amount(), u64::MAX);
    }

    #[test]
    fn instalments_default_to_one() {
        let mut json = serde_json::to_value(order(vec![])).unwrap();
        json.as_object_mut().unwrap().remove("instalments");
        let order: Order = serde_json::from_value(json).unwrap();
        assert_eq!(order.instalments, 1);
    }

    #[test]
    fn a_decision_is_written_in_lower_case() {
        assert_eq!(serde_json::to_string(&Decision::Approved).unwrap(), "\"approved\"");
        assert_eq!(serde_json::to_string(&Decision::Declined).unwrap(), "\"declined\"");
    }
}
