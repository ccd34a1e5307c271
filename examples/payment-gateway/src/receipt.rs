//! The receipt: a text that the buyer sees, sealed so that it cannot be altered.

use crate::api::Order;
use crate::basket::Basket;
use crate::crypto;

/// How many times the seal is hashed.
const SEAL_ROUNDS: u32 = 600;

/// What a receipt says besides the order itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    pub amount: u64,
    pub tax: u64,
    pub fee: u64,
}

/// Renders and seals a receipt; the result is safe in a URL.
pub fn sealed(payment: &str, order: &Order, basket: &Basket, totals: Totals) -> String {
    let text = render(payment, order, basket, totals);
    let seal = seal(&text);
    format!("{}.{}", crypto::base64(text.as_bytes()), crypto::hex(&seal[..8]))
}

fn seal(text: &str) -> [u8; 32] {
    let mut digest = crypto::sha256(text.as_bytes());
    for _ in 0..SEAL_ROUNDS {
        digest = crypto::sha256(&digest);
    }
    digest
}

/// The text of a receipt, with one line per country of origin.
pub fn render(payment: &str, order: &Order, basket: &Basket, totals: Totals) -> String {
    let mut text = format!("{payment}\n{}\n", order.order_id);
    for origin in &basket.origins {
        let heading = format!("{} {}", order.merchant.to_uppercase(), order.currency);
        text.push_str(&heading);
        text.push_str(&format!(" {} x{} {}\n", origin.country, origin.lines, origin.amount));
    }
    text.push_str(&format!("total {} tax {} fee {}\n", totals.amount, totals.tax, totals.fee));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};
    use crate::basket::summarise;

    const TOTALS: Totals = Totals { amount: 250, tax: 40, fee: 34 };

    fn sample() -> Order {
        let mut order = order(vec![item("AAA-000001", "C0001", 2, 100), item("AAA-000002", "C0001", 1, 50)]);
        order.items[1].origin = "CH".to_owned();
        order
    }

    #[test]
    fn a_receipt_has_a_line_per_country() {
        let order = sample();
        assert_eq!(
            render("p-1", &order, &summarise(&order), TOTALS),
            "p-1\nORD-00000001\nM-100 EUR DE x1 200\nM-100 EUR CH x1 50\ntotal 250 tax 40 fee 34\n"
        );
    }

    #[test]
    fn the_seal_depends_on_every_byte() {
        assert_ne!(seal("total 250"), seal("total 251"));
        let mut digest = crypto::sha256(b"total 250");
        for _ in 0..600 {
            digest = crypto::sha256(&digest);
        }
        assert_eq!(seal("total 250"), digest);
    }

    #[test]
    fn a_sealed_receipt_is_text_and_seal() {
        let order = sample();
        let basket = summarise(&order);
        let sealed = sealed("p-1", &order, &basket, TOTALS);
        let (text, seal_text) = sealed.split_once('.').unwrap();
        let plain = render("p-1", &order, &basket, TOTALS);
        assert_eq!(text, crypto::base64(plain.as_bytes()));
        assert_eq!(seal_text, crypto::hex(&seal(&plain)[..8]));
        assert_eq!(seal_text.len(), 16);
    }
}
