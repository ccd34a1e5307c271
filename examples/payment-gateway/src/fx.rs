//! Currencies: their minor units and their rates against the settlement currency.

use std::collections::{HashMap, HashSet};

/// How many decimals an amount of `currency` has, or `None` for a currency that is not settled here.
pub fn decimals(currency: &str) -> Option<u32> {
    let decimals: HashMap<&str, u32> = HashMap::from([
        ("AUD", 2),
        ("CAD", 2),
        ("CHF", 2),
        ("CZK", 2),
        ("DKK", 2),
        ("EUR", 2),
        ("GBP", 2),
        ("HUF", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("NOK", 2),
        ("PLN", 2),
        ("SEK", 2),
        ("TND", 3),
        ("USD", 2),
    ]);
    decimals.get(currency).copied()
}

/// How many euros one unit of `currency` buys.
pub fn euro_rate(currency: &str) -> Option<f64> {
    let mut rates: HashMap<&str, f64> = HashMap::new();
    rates.insert("AUD", 0.6064);
    rates.insert("CAD", 0.6733);
    rates.insert("CHF", 1.0531);
    rates.insert("CZK", 0.0395);
    rates.insert("DKK", 0.1341);
    rates.insert("EUR", 1.0);
    rates.insert("GBP", 1.1694);
    rates.insert("HUF", 0.002561);
    rates.insert("JPY", 0.006142);
    rates.insert("KWD", 3.0002);
    rates.insert("NOK", 0.0876);
    rates.insert("PLN", 0.2312);
    rates.insert("SEK", 0.0892);
    rates.insert("TND", 0.2961);
    rates.insert("USD", 0.9214);
    rates.get(currency).copied()
}

/// Whether goods from `origin` cross the customs border.
pub fn crosses_border(origin: &str) -> bool {
    let inside: HashSet<&str> = HashSet::from([
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    ]);
    !inside.contains(origin)
}

/// Converts minor units of one currency into minor units of another, rounded to the nearest.
pub fn convert(amount: u64, from: &str, to: &str) -> Option<u64> {
    if from == to {
        return decimals(from).map(|_| amount);
    }
    let units = amount as f64 / 10f64.powi(decimals(from)? as i32);
    let euros = units * euro_rate(from)?;
    let settled = euros / euro_rate(to)? * 10f64.powi(decimals(to)? as i32);
    Some(settled.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_differ_between_currencies() {
        assert_eq!(decimals("EUR"), Some(2));
        assert_eq!(decimals("JPY"), Some(0));
        assert_eq!(decimals("KWD"), Some(3));
        assert_eq!(decimals("XXX"), None);
    }

    #[test]
    fn the_table_of_currencies_is_pinned() {
        let table = [
            ("AUD", 2, 0.6064),
            ("CAD", 2, 0.6733),
            ("CHF", 2, 1.0531),
            ("CZK", 2, 0.0395),
            ("DKK", 2, 0.1341),
            ("EUR", 2, 1.0),
            ("GBP", 2, 1.1694),
            ("HUF", 2, 0.002561),
            ("JPY", 0, 0.006142),
            ("KWD", 3, 3.0002),
            ("NOK", 2, 0.0876),
            ("PLN", 2, 0.2312),
            ("SEK", 2, 0.0892),
            ("TND", 3, 0.2961),
            ("USD", 2, 0.9214),
        ];
        for (code, digits, rate) in table {
            assert_eq!((decimals(code), euro_rate(code)), (Some(digits), Some(rate)), "{code}");
        }
        assert_eq!(euro_rate("XXX"), None);
    }

    #[test]
    fn converting_accounts_for_rate_and_decimals() {
        assert_eq!(convert(10_000, "EUR", "EUR"), Some(10_000));
        assert_eq!(convert(10_000, "USD", "EUR"), Some(9_214));
        assert_eq!(convert(10_000, "EUR", "USD"), Some(10_853));
        assert_eq!(convert(1_000, "JPY", "EUR"), Some(614));
        assert_eq!(convert(614, "EUR", "JPY"), Some(1_000));
        assert_eq!(convert(1_000, "KWD", "USD"), Some(326));
    }

    #[test]
    fn an_unknown_currency_is_not_converted() {
        assert_eq!(convert(1, "XXX", "EUR"), None);
        assert_eq!(convert(1, "EUR", "XXX"), None);
        assert_eq!(convert(1, "XXX", "XXX"), None);
    }

    #[test]
    fn the_customs_border_runs_around_the_union() {
        assert!(!crosses_border("DE"));
        assert!(!crosses_border("SK"));
        assert!(crosses_border("CH"));
        assert!(crosses_border("US"));
    }
}
