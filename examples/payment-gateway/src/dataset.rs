//! The data that the service works with until it is connected to the real sources: always the same.

use crate::catalogue::Product;
use crate::fraud::FraudLists;
use crate::risk::{FEATURES, RiskModel, SupportVector};
use crate::rules::Rule;
use crate::tax::TaxRate;

pub const PRODUCTS: usize = 6_000;
pub const CATEGORIES: usize = 600;
const RESTRICTED: usize = 3_200;
const DOMAINS: usize = 300;
const STOLEN: usize = 2_000;
const VECTORS: usize = 48_000;

/// Everything that is loaded at the start.
pub struct Dataset {
    pub catalogue: Vec<Product>,
    pub tax_rates: Vec<TaxRate>,
    pub lists: FraudLists,
    pub rules: Vec<Rule>,
    pub model: RiskModel,
}

impl Dataset {
    pub fn load() -> Self {
        let mut random = Random::new(20);
        Dataset {
            catalogue: (0..PRODUCTS).map(|number| product(number, &mut random)).collect(),
            tax_rates: (0..CATEGORIES).map(|number| tax_rate(number, &mut random)).collect(),
            lists: lists(&mut random),
            rules: rules(),
            model: model(&mut random),
        }
    }
}

/// The SKU of the article with this number; no two numbers below a million share one.
pub fn sku(number: usize) -> String {
    let letter = |power: usize| char::from(b'A' + (number * 31 / 26usize.pow(power as u32) % 26) as u8);
    format!("{}{}{}-{:06}", letter(0), letter(1), letter(2), number * 7_919 % 1_000_000)
}

/// The name of the category with this number.
pub fn category(number: usize) -> String {
    format!("C{number:04}")
}

fn product(number: usize, random: &mut Random) -> Product {
    let weight_grams = 20 + random.below(4_000);
    Product { sku: sku(number), weight_grams, customs_code: 1_000 + random.below(90) as u32 }
}

fn tax_rate(number: usize, random: &mut Random) -> TaxRate {
    let basis_points = [1_900, 700, 0, 550][random.below(4) as usize];
    TaxRate { category: category(number), basis_points }
}

fn lists(random: &mut Random) -> FraudLists {
    FraudLists {
        restricted_skus: (0..RESTRICTED).map(|number| sku(100_000 + number)).collect(),
        stolen_cards: (0..STOLEN).map(|_| random.next() as u32).collect(),
        throwaway_domains: (0..DOMAINS).map(|number| format!("minutes-{number}.example")).collect(),
    }
}

fn rules() -> Vec<Rule> {
    let rule = |name: &str, keyword: &str, threshold, penalty| Rule {
        name: name.to_owned(),
        keyword: keyword.to_owned(),
        threshold,
        penalty,
    };
    let mut rules = vec![
        rule("large order", "", 50_000_000, 40),
        rule("gift cards", "gift card", 20_000, 90),
        rule("prepaid phones", "prepaid", 15_000, 80),
        rule("crypto vouchers", "voucher", 10_000, 150),
        rule("game credits", "credits", 30_000, 60),
        rule("jewellery", "gold", 400_000, 50),
    ];
    for region in 1..=14 {
        rules.push(rule(&format!("region {region}"), &format!("(region {region})"), 900_000, 20));
    }
    rules
}

fn model(random: &mut Random) -> RiskModel {
    let vectors = (0..VECTORS).map(|_| {
        let mut at = [0.0; FEATURES];
        at.fill_with(|| random.fraction() as f32);
        SupportVector { at, weight: 0.05 * (random.fraction() - 0.5) as f32 }
    });
    RiskModel::new(vectors.collect(), 1.5, -2.2)
}

/// SplitMix64: small, fast and the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn skus_are_well_formed_and_distinct() {
        assert_eq!(sku(0), "AAA-000000");
        assert_eq!(sku(1), "FBA-007919");
        let skus: HashSet<String> = (0..PRODUCTS).chain(100_000..100_000 + RESTRICTED).map(sku).collect();
        assert_eq!(skus.len(), PRODUCTS + RESTRICTED);
    }

    #[test]
    fn the_data_is_the_same_each_time() {
        let (one, two) = (Dataset::load(), Dataset::load());
        assert_eq!(one.catalogue, two.catalogue);
        assert_eq!(one.tax_rates, two.tax_rates);
        assert_eq!(one.rules, two.rules);
        assert_eq!(one.catalogue.len(), PRODUCTS);
        assert_eq!(one.lists.stolen_cards.len(), STOLEN);
    }

    #[test]
    fn the_rules_of_the_fraud_team_are_pinned() {
        let rules = rules();
        let pinned = [
            ("large order", "", 50_000_000, 40),
            ("gift cards", "gift card", 20_000, 90),
            ("prepaid phones", "prepaid", 15_000, 80),
            ("crypto vouchers", "voucher", 10_000, 150),
            ("game credits", "credits", 30_000, 60),
            ("jewellery", "gold", 400_000, 50),
            ("region 1", "(region 1)", 900_000, 20),
        ];
        for (rule, pinned) in rules.iter().zip(pinned) {
            assert_eq!((rule.name.as_str(), rule.keyword.as_str(), rule.threshold, rule.penalty), pinned);
        }
        assert_eq!((rules.len(), rules[19].name.as_str()), (20, "region 14"));
    }

    #[test]
    fn the_tables_have_their_sizes() {
        let data = Dataset::load();
        assert_eq!((data.catalogue.len(), data.tax_rates.len()), (6_000, 600));
        assert_eq!((data.lists.restricted_skus.len(), data.lists.throwaway_domains.len()), (3_200, 300));
        assert_eq!(data.tax_rates[599].category, "C0599");
        let rates: HashSet<u64> = data.tax_rates.iter().map(|rate| rate.basis_points).collect();
        assert_eq!(rates, HashSet::from([1_900, 700, 0, 550]));
        assert!(data.catalogue.iter().all(|product| (20..4_020).contains(&product.weight_grams)));
        assert!(data.catalogue.iter().all(|product| (1_000..1_090).contains(&product.customs_code)));
    }

    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert!((0..100).all(|_| random.below(7) < 7));
        assert!((0..100).all(|_| (0.0..1.0).contains(&random.fraction())));
    }
}
