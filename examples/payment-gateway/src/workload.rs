//! The orders that the load generator sends: the same for the same seed.

use crate::api::{Card, LineItem, Order};
use crate::dataset::{self, Random};

/// One order in so many is a large one.
pub const LARGE_EVERY: u64 = 25;

const MERCHANTS: u64 = 12;
const CURRENCIES: [&str; 5] = ["EUR", "USD", "GBP", "PLN", "JPY"];
const COUNTRIES: [&str; 10] = ["DE", "FR", "AT", "NL", "PL", "CH", "US", "CN", "GB", "IT"];
const WORDS: [&str; 8] = ["cable", "lamp", "chair", "screw set", "paper", "adapter", "tool box", "paint"];
const CARDS: [&str; 6] = [
    "4111111111111111",
    "5500005555555559",
    "4012888888881881",
    "340000000000009",
    "30000000000004",
    "6011000990139424",
];

/// What the load generator sends as one request.
pub struct Sent {
    pub request: String,
    pub merchant: String,
    pub key: String,
    pub order: Order,
}

/// The request with this number.
pub fn request(seed: u64, number: u64) -> Sent {
    let mut random = Random::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(number));
    random.next();
    let lines = match number % LARGE_EVERY {
        12 => 1_600 + random.below(450),
        _ => 10 + random.below(30),
    };
    let merchant = format!("m-{}", 100 + random.below(MERCHANTS));
    let order = order(&mut random, &merchant, number, lines);
    Sent { request: format!("r-{seed}-{number}"), merchant, key: format!("k-{seed}-{number}"), order }
}

fn order(random: &mut Random, merchant: &str, number: u64, lines: u64) -> Order {
    let currency = CURRENCIES[random.below(5) as usize];
    let domestic = random.below(3) > 0;
    Order {
        merchant: merchant.to_owned(),
        order_id: format!("ORD-{number:08}"),
        currency: currency.to_owned(),
        settle_currency: if domestic { currency.to_owned() } else { "EUR".to_owned() },
        card: Card {
            pan: CARDS[random.below(6) as usize].to_owned(),
            expiry: format!("{:02}/{}", 1 + random.below(12), 27 + random.below(5)),
            holder: "CARD HOLDER".to_owned(),
        },
        email: format!("buyer.{}@shop-{}.example", random.below(100_000), random.below(50)),
        device: format!("device-{:08x}", random.below(1 << 32)),
        country: COUNTRIES[random.below(3) as usize].to_owned(),
        instalments: [1, 3, 3, 6, 12, 24][random.below(6) as usize],
        items: (0..lines).map(|_| item(random)).collect(),
    }
}

fn item(random: &mut Random) -> LineItem {
    let word = WORDS[random.below(8) as usize];
    LineItem {
        sku: dataset::sku(random.below(dataset::PRODUCTS as u64) as usize),
        category: dataset::category(random.below(dataset::CATEGORIES as u64) as usize),
        description: format!("{word}, model {}", random.below(500)),
        origin: COUNTRIES[random.below(10) as usize].to_owned(),
        quantity: 1 + random.below(4) as u32,
        unit_price: 99 + random.below(4_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::check_order;

    #[test]
    fn the_same_seed_gives_the_same_orders() {
        assert_eq!(request(1, 5).order, request(1, 5).order);
        assert_ne!(request(1, 5).order, request(2, 5).order);
        assert_ne!(request(1, 5).order, request(1, 6).order);
        assert_eq!(request(1, 5).request, "r-1-5");
        assert_eq!(request(3, 5).key, "k-3-5");
    }

    #[test]
    fn one_order_in_twenty_five_is_large() {
        let large = (0..200).filter(|number| request(1, *number).order.items.len() > 1_000).count();
        assert_eq!(large, 8);
        assert!((0..12).all(|number| (10..=39).contains(&request(1, number).order.items.len())));
    }

    #[test]
    fn every_order_is_valid() {
        for number in 0..10 {
            assert_eq!(check_order(&request(7, number).order), Ok(()));
        }
    }
}
