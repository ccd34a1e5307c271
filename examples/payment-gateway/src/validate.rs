//! Checks an order against the rules of the API before any money is involved.

use std::fmt;

use regex::Regex;

use crate::api::{Card, LineItem, Order};

/// The largest basket that is accepted.
pub const MAX_LINES: usize = 5_000;

/// The first rule that an order breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValidationError {
    Empty,
    TooManyLines { lines: usize },
    OrderId(String),
    Email(String),
    CardNumber,
    CardExpiry(String),
    CardHolder,
    Sku { line: usize, sku: String },
    Category { line: usize, category: String },
    Quantity { line: usize },
    Amount,
    Instalments(u32),
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValidationError::Empty => write!(f, "the order has no lines"),
            ValidationError::TooManyLines { lines } => {
                write!(f, "the order has {lines} lines, at most {MAX_LINES} are accepted")
            }
            ValidationError::OrderId(id) => write!(f, "order id {id:?} is not of the form ORD-00000000"),
            ValidationError::Email(email) => write!(f, "{email:?} is not an email address"),
            ValidationError::CardNumber => write!(f, "the card number fails its check digit"),
            ValidationError::CardExpiry(expiry) => write!(f, "card expiry {expiry:?} is not of the form MM/YY"),
            ValidationError::CardHolder => write!(f, "the card holder's name has characters that no card carries"),
            ValidationError::Sku { line, sku } => write!(f, "line {line}: {sku:?} is not a SKU"),
            ValidationError::Category { line, category } => write!(f, "line {line}: {category:?} is not a category"),
            ValidationError::Quantity { line } => write!(f, "line {line}: the quantity is zero"),
            ValidationError::Amount => write!(f, "the total does not fit"),
            ValidationError::Instalments(count) => write!(f, "{count} instalments are not offered"),
        }
    }
}

impl std::error::Error for ValidationError {}

/// Checks a whole order and reports the first rule that it breaks.
pub fn check_order(order: &Order) -> Result<(), ValidationError> {
    check_size(order)?;
    check_order_id(&order.order_id)?;
    check_email(&order.email)?;
    check_card(&order.card)?;
    check_instalments(order.instalments)?;
    check_lines(&order.items)?;
    if order.amount() == u64::MAX {
        return Err(ValidationError::Amount);
    }
    Ok(())
}

fn check_size(order: &Order) -> Result<(), ValidationError> {
    match order.items.len() {
        0 => Err(ValidationError::Empty),
        lines if lines > MAX_LINES => Err(ValidationError::TooManyLines { lines }),
        _ => Ok(()),
    }
}

fn check_order_id(id: &str) -> Result<(), ValidationError> {
    let pattern = Regex::new(r"^ORD-[0-9]{8}$").unwrap();
    if !pattern.is_match(id) {
        return Err(ValidationError::OrderId(id.to_owned()));
    }
    Ok(())
}

fn check_email(email: &str) -> Result<(), ValidationError> {
    let pattern = Regex::new(r"^[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$").unwrap();
    if !pattern.is_match(&email.to_lowercase()) {
        return Err(ValidationError::Email(email.to_owned()));
    }
    Ok(())
}

fn check_card(card: &Card) -> Result<(), ValidationError> {
    if !passes_luhn(&card.pan) {
        return Err(ValidationError::CardNumber);
    }
    let expiry = Regex::new(r"^(0[1-9]|1[0-2])/[0-9]{2}$").unwrap();
    if !expiry.is_match(&card.expiry) {
        return Err(ValidationError::CardExpiry(card.expiry.clone()));
    }
    if card.holder.is_empty() || !card.holder.bytes().all(|b| b.is_ascii_uppercase() || b" .-'".contains(&b)) {
        return Err(ValidationError::CardHolder);
    }
    Ok(())
}

/// The check digit of ISO/IEC 7812-1.
fn passes_luhn(pan: &str) -> bool {
    if !(12..=19).contains(&pan.len()) || !pan.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let mut sum = 0;
    for (position, byte) in pan.bytes().rev().enumerate() {
        let digit = u32::from(byte - b'0');
        sum += match (position % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        };
    }
    sum % 10 == 0
}

fn check_instalments(count: u32) -> Result<(), ValidationError> {
    if !(1..=24).contains(&count) {
        return Err(ValidationError::Instalments(count));
    }
    Ok(())
}

fn check_lines(items: &[LineItem]) -> Result<(), ValidationError> {
    for (index, item) in items.iter().enumerate() {
        let line = index + 1;
        let sku = Regex::new(r"^[A-Z]{3}-[0-9]{6}$").unwrap();
        if !sku.is_match(&item.sku) {
            return Err(ValidationError::Sku { line, sku: item.sku.clone() });
        }
        if !is_category(&item.category) {
            return Err(ValidationError::Category { line, category: item.category.clone() });
        }
        if item.quantity == 0 {
            return Err(ValidationError::Quantity { line });
        }
    }
    Ok(())
}

fn is_category(category: &str) -> bool {
    category.len() == 5 && category.starts_with('C') && category.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};

    fn check(change: impl FnOnce(&mut Order)) -> Result<(), ValidationError> {
        let mut order = order(vec![item("AAA-000001", "C0001", 1, 100), item("AAB-000002", "C0002", 1, 100)]);
        change(&mut order);
        check_order(&order)
    }

    #[test]
    fn a_plain_order_passes() {
        assert_eq!(check(|_| {}), Ok(()));
    }

    #[test]
    fn an_order_without_lines_is_refused() {
        assert_eq!(check(|order| order.items.clear()), Err(ValidationError::Empty));
    }

    #[test]
    fn a_basket_may_have_as_many_lines_as_documented_and_no_more() {
        let line = item("AAA-000001", "C0001", 1, 1);
        assert_eq!(check_size(&order(vec![line.clone(); MAX_LINES])), Ok(()));
        assert_eq!(
            check_size(&order(vec![line; MAX_LINES + 1])),
            Err(ValidationError::TooManyLines { lines: MAX_LINES + 1 })
        );
    }

    #[test]
    fn order_ids_have_eight_digits() {
        assert_eq!(check_order_id("ORD-12345678"), Ok(()));
        for id in ["ORD-1234567", "ORD-123456789", "ord-12345678", "xORD-12345678", ""] {
            assert_eq!(check_order_id(id), Err(ValidationError::OrderId(id.to_owned())));
        }
    }

    #[test]
    fn an_email_is_checked_without_regard_to_case() {
        for email in ["a@b.example", "First.Last+tag@Mail.Shop.EXAMPLE"] {
            assert_eq!(check_email(email), Ok(()), "{email}");
        }
        for email in ["a@b", "a b@c.example", "@b.example", "a@b..example", "a@b.example "] {
            assert_eq!(check_email(email), Err(ValidationError::Email(email.to_owned())));
        }
    }

    #[test]
    fn card_numbers_need_a_valid_check_digit() {
        for pan in ["4111111111111111", "5500005555555559", "340000000000009", "30000000000004"] {
            assert!(passes_luhn(pan), "{pan}");
        }
        for pan in ["4111111111111112", "411111111111111x", "0", "", "41111111111", "00000000000000000000"] {
            assert!(!passes_luhn(pan), "{pan}");
        }
    }

    #[test]
    fn a_bad_card_is_refused_for_its_own_reason() {
        assert_eq!(check(|order| order.card.pan = "4".into()), Err(ValidationError::CardNumber));
        assert_eq!(check(|order| order.card.expiry = "13/29".into()), Err(ValidationError::CardExpiry("13/29".into())));
        assert_eq!(check(|order| order.card.expiry = "1/29".into()), Err(ValidationError::CardExpiry("1/29".into())));
        assert_eq!(check(|order| order.card.holder = String::new()), Err(ValidationError::CardHolder));
        assert_eq!(check(|order| order.card.holder = "Holder 1".into()), Err(ValidationError::CardHolder));
        assert_eq!(check(|order| order.card.holder = "O'HOLDER-X JR.".into()), Ok(()));
    }

    #[test]
    fn between_one_and_twenty_four_instalments_are_offered() {
        assert_eq!(check(|order| order.instalments = 0), Err(ValidationError::Instalments(0)));
        assert_eq!(check(|order| order.instalments = 25), Err(ValidationError::Instalments(25)));
        assert_eq!(check(|order| order.instalments = 24), Ok(()));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        assert_eq!(
            check(|order| order.items[1].sku = "AA-000001".into()),
            Err(ValidationError::Sku { line: 2, sku: "AA-000001".into() })
        );
        assert_eq!(
            check(|order| order.items[0].category = "C01".into()),
            Err(ValidationError::Category { line: 1, category: "C01".into() })
        );
        assert_eq!(
            check(|order| order.items[0].category = "X0001".into()),
            Err(ValidationError::Category { line: 1, category: "X0001".into() })
        );
        assert_eq!(
            check(|order| order.items[0].category = "C00x1".into()),
            Err(ValidationError::Category { line: 1, category: "C00x1".into() })
        );
        assert_eq!(check(|order| order.items[1].quantity = 0), Err(ValidationError::Quantity { line: 2 }));
    }

    #[test]
    fn a_total_that_overflows_is_refused() {
        assert_eq!(check(|order| order.items[0].unit_price = u64::MAX), Err(ValidationError::Amount));
    }

    #[test]
    fn the_first_broken_rule_is_the_one_reported() {
        let broken = check(|order| {
            order.email = "nobody".into();
            order.items[0].sku = "?".into();
        });
        assert_eq!(broken, Err(ValidationError::Email("nobody".into())));
    }

    #[test]
    fn messages_name_the_line_and_the_value() {
        let error = ValidationError::Sku { line: 3, sku: "x".into() };
        assert_eq!(error.to_string(), "line 3: \"x\" is not a SKU");
        let error = ValidationError::TooManyLines { lines: 6_000 };
        assert_eq!(error.to_string(), "the order has 6000 lines, at most 5000 are accepted");
        assert_eq!(ValidationError::Instalments(30).to_string(), "30 instalments are not offered");
    }
}
