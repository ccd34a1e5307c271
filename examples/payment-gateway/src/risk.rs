//! The risk model: features of an order in, a score from 0 (harmless) to 1,000 out.

use crate::api::Order;
use crate::basket::Basket;
use crate::rules::RuleHit;

/// How many numbers describe an order.
pub const FEATURES: usize = 16;

/// A support vector machine with a radial kernel, as trained offline.
pub struct RiskModel {
    vectors: Vec<SupportVector>,
    gamma: f32,
    bias: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupportVector {
    pub at: [f32; FEATURES],
    pub weight: f32,
}

/// An order and what is known of it from elsewhere.
pub struct Evidence<'a> {
    pub order: &'a Order,
    pub basket: &'a Basket,
    pub restricted: usize,
    pub velocity: u32,
    pub hits: &'a [RuleHit],
}

impl RiskModel {
    pub fn new(vectors: Vec<SupportVector>, gamma: f32, bias: f32) -> Self {
        RiskModel { vectors, gamma, bias }
    }

    /// The score of an order.
    pub fn score(&self, evidence: &Evidence<'_>) -> u32 {
        let margin = self.margin(&features(evidence));
        let penalty = evidence.hits.iter().map(|hit| hit.penalty).sum::<u32>() + 120 * evidence.restricted as u32;
        (logistic(margin) + penalty).min(1_000)
    }

    /// The signed distance from the border between harmless and fraudulent.
    fn margin(&self, features: &[f32; FEATURES]) -> f32 {
        let sum: f32 = self.vectors.iter().map(|vector| vector.weight * kernel(&vector.at, features, self.gamma)).sum();
        sum + self.bias
    }
}

fn kernel(left: &[f32; FEATURES], right: &[f32; FEATURES], gamma: f32) -> f32 {
    let squared: f32 = left.iter().zip(right).map(|(a, b)| (a - b) * (a - b)).sum();
    (-gamma * squared).exp()
}

fn logistic(margin: f32) -> u32 {
    (1_000.0 / (1.0 + (-margin).exp())).round() as u32
}

/// The numbers that the model was trained on, each scaled to about 0 to 1.
fn features(evidence: &Evidence<'_>) -> [f32; FEATURES] {
    let (order, basket) = (evidence.order, evidence.basket);
    let amount = order.amount() as f32;
    let mut features = [0.0; FEATURES];
    features[0] = (1.0 + amount).ln() / 20.0;
    features[1] = (1.0 + basket.pieces as f32).ln() / 10.0;
    features[2] = basket.skus.len() as f32 / order.items.len().max(1) as f32;
    features[3] = (basket.categories.len() as f32 / 50.0).min(1.0);
    features[4] = (basket.origins.len() as f32 / 10.0).min(1.0);
    features[5] = if order.currency == order.settle_currency { 0.0 } else { 1.0 };
    features[6] = order.instalments as f32 / 24.0;
    features[7] = (evidence.velocity as f32 / 20.0).min(1.0);
    features[8] = digits_in(&order.email);
    features[9] = if order.card.pan.starts_with('4') { 0.3 } else { 0.6 };
    for (feature, byte) in features[10..].iter_mut().zip(order.device.bytes().rev()) {
        *feature = f32::from(byte & 15) / 16.0;
    }
    features
}

/// The share of digits in a text.
fn digits_in(text: &str) -> f32 {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits as f32 / text.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};
    use crate::basket::summarise;

    fn vector(first: f32, weight: f32) -> SupportVector {
        let mut at = [0.0; FEATURES];
        at[0] = first;
        SupportVector { at, weight }
    }

    fn score(model: &RiskModel, restricted: usize, hits: &[RuleHit]) -> u32 {
        let order = order(vec![item("AAA-000001", "C0001", 1, 100)]);
        let basket = summarise(&order);
        model.score(&Evidence { order: &order, basket: &basket, restricted, velocity: 0, hits })
    }

    #[test]
    fn an_empty_model_is_undecided() {
        assert_eq!(score(&RiskModel::new(vec![], 1.0, 0.0), 0, &[]), 500);
        assert_eq!(score(&RiskModel::new(vec![], 1.0, -2.0), 0, &[]), 119);
        assert_eq!(score(&RiskModel::new(vec![], 1.0, 2.0), 0, &[]), 881);
    }

    #[test]
    fn the_kernel_is_one_at_the_vector_and_falls_with_distance() {
        let (near, far) = (vector(0.0, 1.0), vector(2.0, 1.0));
        assert!((kernel(&near.at, &near.at, 0.5) - 1.0).abs() < 1e-6);
        assert!((kernel(&near.at, &far.at, 0.5) - (-2.0f32).exp()).abs() < 1e-6);
    }

    #[test]
    fn the_margin_is_the_weighted_sum_of_kernels_and_the_bias() {
        let model = RiskModel::new(vec![vector(0.0, 2.0), vector(0.0, -0.5)], 1.0, 0.25);
        assert!((model.margin(&[0.0; FEATURES]) - 1.75).abs() < 1e-6);
    }

    #[test]
    fn rule_hits_and_restricted_articles_add_to_the_score() {
        let model = RiskModel::new(vec![], 1.0, -2.0);
        let hits = [RuleHit { rule: "bulk".into(), penalty: 30 }, RuleHit { rule: "gift".into(), penalty: 12 }];
        assert_eq!(score(&model, 0, &hits), 161);
        assert_eq!(score(&model, 2, &hits), 401);
        assert_eq!(score(&model, 50, &hits), 1_000);
    }

    #[test]
    fn the_features_of_an_order_are_pinned() {
        let mut order = order(vec![item("AAA-000001", "C0001", 3, 100), item("AAA-000001", "C0001", 1, 100)]);
        order.instalments = 12;
        order.settle_currency = "USD".to_owned();
        order.email = "a1@b.example".to_owned();
        let basket = summarise(&order);
        let evidence = Evidence { order: &order, basket: &basket, restricted: 0, velocity: 5, hits: &[] };
        let features = features(&evidence);
        let expected = [
            401f32.ln() / 20.0,
            5f32.ln() / 10.0,
            0.5,
            0.02,
            0.1,
            1.0,
            0.5,
            0.25,
            1.0 / 12.0,
            0.3,
            1.0 / 16.0,
            13.0 / 16.0,
            5.0 / 16.0,
            3.0 / 16.0,
            9.0 / 16.0,
            6.0 / 16.0,
        ];
        for (at, (feature, expected)) in features.iter().zip(expected).enumerate() {
            assert!((feature - expected).abs() < 1e-6, "feature {at}: {feature} and {expected}");
        }
    }
}
