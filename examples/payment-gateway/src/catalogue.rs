//! The article catalogue: weights and customs codes, looked up for the lines of an order.

use crate::api::LineItem;

/// An article that some merchant sells.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    pub sku: String,
    pub weight_grams: u64,
    pub customs_code: u32,
}

/// What the catalogue knows about a basket.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shipment {
    pub weight_grams: u64,
    pub customs_codes: Vec<u32>,
    pub unknown: Vec<String>,
}

/// Adds up weights and customs codes; articles that the catalogue does not have are listed.
pub fn shipment(items: &[LineItem], catalogue: &[Product]) -> Shipment {
    let mut weight_grams = 0;
    let mut codes: Vec<u32> = Vec::new();
    let mut unknown = Vec::new();
    for item in items {
        match catalogue.iter().find(|product| product.sku == item.sku) {
            Some(product) => {
                weight_grams += product.weight_grams * u64::from(item.quantity);
                codes.push(product.customs_code);
            }
            None => unknown.push(item.sku.clone()),
        }
    }
    Shipment { weight_grams, customs_codes: distinct_codes(&codes), unknown }
}

/// The distinct customs codes in the order in which they first appear.
fn distinct_codes(codes: &[u32]) -> Vec<u32> {
    let mut distinct: Vec<u32> = Vec::new();
    for code in codes {
        if !distinct.contains(code) {
            distinct.push(*code);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::item;

    fn product(sku: &str, weight_grams: u64, customs_code: u32) -> Product {
        Product { sku: sku.to_owned(), weight_grams, customs_code }
    }

    #[test]
    fn weights_count_every_piece() {
        let catalogue = [product("AAA-000001", 100, 7), product("AAA-000002", 30, 8)];
        let items = [item("AAA-000002", "C0001", 2, 1), item("AAA-000001", "C0001", 3, 1)];
        let shipment = shipment(&items, &catalogue);
        assert_eq!(shipment.weight_grams, 360);
        assert_eq!(shipment.customs_codes, [8, 7]);
        assert!(shipment.unknown.is_empty());
    }

    #[test]
    fn customs_codes_are_listed_once() {
        let catalogue = [product("AAA-000001", 1, 7), product("AAA-000002", 1, 9), product("AAA-000003", 1, 7)];
        let items = ["AAA-000003", "AAA-000002", "AAA-000001"].map(|sku| item(sku, "C0001", 1, 1));
        assert_eq!(shipment(&items, &catalogue).customs_codes, [7, 9]);
    }

    #[test]
    fn unknown_articles_are_listed_in_order_and_weigh_nothing() {
        let items = [item("ZZZ-000002", "C0001", 1, 1), item("ZZZ-000001", "C0001", 1, 1)];
        let shipment = shipment(&items, &[]);
        assert_eq!(shipment.weight_grams, 0);
        assert_eq!(shipment.unknown, ["ZZZ-000002", "ZZZ-000001"]);
    }

    #[test]
    fn the_first_of_two_products_with_one_sku_counts() {
        let catalogue = [product("AAA-000001", 5, 1), product("AAA-000001", 500, 2)];
        let shipment = shipment(&[item("AAA-000001", "C0001", 1, 1)], &catalogue);
        assert_eq!((shipment.weight_grams, shipment.customs_codes), (5, vec![1]));
    }
}
