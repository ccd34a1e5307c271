//! Fraud lists and velocity: restricted articles, stolen cards, and how often a card was seen lately.

use crate::api::{LineItem, Order};
use crate::crypto;

/// The lists that the fraud team keeps.
#[derive(Debug, Clone, Default)]
pub struct FraudLists {
    pub restricted_skus: Vec<String>,
    pub stolen_cards: Vec<u32>,
    pub throwaway_domains: Vec<String>,
}

/// What the lists say about an order.
#[derive(Debug, Clone, PartialEq)]
pub struct FraudCheck {
    pub restricted: Vec<String>,
    pub stolen: bool,
    pub throwaway: bool,
}

impl FraudLists {
    /// Looks an order up in all lists.
    pub fn check(&self, order: &Order) -> FraudCheck {
        FraudCheck {
            restricted: restricted_lines(&order.items, &self.restricted_skus),
            stolen: self.stolen_cards.contains(&fingerprint(&order.card.pan)),
            throwaway: is_throwaway(&order.email, &self.throwaway_domains),
        }
    }
}

/// The SKUs of a basket that may not be paid by card, in basket order.
pub fn restricted_lines(items: &[LineItem], restricted: &[String]) -> Vec<String> {
    let mut hits = Vec::new();
    for item in items {
        if restricted.contains(&item.sku) {
            hits.push(item.sku.clone());
        }
    }
    hits
}

/// Whether the address belongs to a domain that hands out addresses for minutes.
pub fn is_throwaway(email: &str, domains: &[String]) -> bool {
    for domain in domains {
        let address = email.to_lowercase();
        if address.ends_with(&format!("@{domain}")) {
            return true;
        }
    }
    false
}

/// Identifies a card without keeping its number.
pub fn fingerprint(pan: &str) -> u32 {
    crypto::crc32(pan.as_bytes())
}

/// One cell of the velocity table.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    used: bool,
    last_seen: u64,
    flagged: bool,
    card: u32,
    strikes: u16,
    count: u32,
}

/// Counts how often each card was seen within a window. The table has a fixed size; a newer card takes the cell
/// of an older one.
pub struct Velocity {
    cells: Vec<Cell>,
    window: u64,
}

impl Velocity {
    /// A table of `size` cells and a window of so many seconds.
    pub fn new(size: usize, window: u64) -> Self {
        Velocity { cells: vec![Cell::default(); size.max(1)], window }
    }

    /// Notes that a card was seen at `now` and returns how often it was seen within the window.
    pub fn seen(&mut self, card: u32, now: u64) -> u32 {
        let at = card as usize % self.cells.len();
        let window = self.window;
        let cell = &mut self.cells[at];
        let current = cell.used && cell.card == card && now.saturating_sub(cell.last_seen) <= window;
        if !current {
            *cell = Cell { used: true, card, ..Cell::default() };
        }
        cell.count += 1;
        cell.last_seen = now;
        if cell.count > 10 {
            cell.strikes = cell.strikes.saturating_add(1);
            cell.flagged = true;
        }
        cell.count
    }

    /// How many cards were flagged since the last sweep, and how many strikes they have together.
    pub fn flagged(&self) -> (usize, u64) {
        let flagged = self.cells.iter().filter(|cell| cell.flagged);
        flagged.fold((0, 0), |(cards, strikes), cell| (cards + 1, strikes + u64::from(cell.strikes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};

    fn lists() -> FraudLists {
        FraudLists {
            restricted_skus: vec!["XXX-000001".into(), "XXX-000002".into()],
            stolen_cards: vec![fingerprint("5500005555555559")],
            throwaway_domains: vec!["minutes.example".into(), "gone.example".into()],
        }
    }

    #[test]
    fn restricted_articles_are_listed_in_basket_order() {
        let skus = ["XXX-000002", "AAA-000001", "XXX-000001", "XXX-000002"];
        let items = skus.map(|sku| item(sku, "C0001", 1, 1));
        assert_eq!(restricted_lines(&items, &lists().restricted_skus), ["XXX-000002", "XXX-000001", "XXX-000002"]);
        assert!(restricted_lines(&items, &[]).is_empty());
    }

    #[test]
    fn a_stolen_card_is_recognised_by_its_fingerprint() {
        let mut order = order(vec![]);
        assert!(!lists().check(&order).stolen);
        order.card.pan = "5500005555555559".to_owned();
        assert!(lists().check(&order).stolen);
    }

    #[test]
    fn throwaway_domains_are_compared_without_regard_to_case() {
        let domains = lists().throwaway_domains;
        assert!(is_throwaway("A@Gone.Example", &domains));
        assert!(!is_throwaway("a@notgone.example", &domains));
        assert!(!is_throwaway("gone.example", &domains));
        assert!(!is_throwaway("a@gone.example", &[]));
    }

    #[test]
    fn a_check_gathers_all_lists() {
        let mut order = order(vec![item("XXX-000001", "C0001", 1, 1)]);
        order.email = "a@minutes.example".to_owned();
        let check = lists().check(&order);
        assert_eq!(check, FraudCheck { restricted: vec!["XXX-000001".into()], stolen: false, throwaway: true });
    }

    #[test]
    fn a_card_is_counted_within_the_window() {
        let mut velocity = Velocity::new(8, 60);
        assert_eq!(velocity.seen(1, 100), 1);
        assert_eq!(velocity.seen(1, 160), 2);
        assert_eq!(velocity.seen(1, 221), 1);
    }

    #[test]
    fn cards_that_share_a_cell_do_not_share_a_count() {
        let mut velocity = Velocity::new(8, 60);
        assert_eq!(velocity.seen(1, 100), 1);
        assert_eq!(velocity.seen(9, 100), 1);
        assert_eq!(velocity.seen(1, 100), 1);
        assert_eq!(velocity.seen(2, 100), 1);
    }

    #[test]
    fn a_card_is_flagged_after_ten_uses() {
        let mut velocity = Velocity::new(8, 60);
        for _ in 0..10 {
            velocity.seen(3, 100);
        }
        assert_eq!(velocity.flagged(), (0, 0));
        velocity.seen(3, 100);
        velocity.seen(3, 100);
        assert_eq!(velocity.flagged(), (1, 2));
    }
}
