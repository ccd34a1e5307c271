//! The rate limiter: one token bucket per merchant in a table of fixed size.

use crate::crypto;

/// The bucket of one merchant.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: u8,
    refilled_ns: u64,
    tier: u8,
    merchant: u32,
    refused: u16,
    tokens: f64,
}

/// Token buckets, found by the merchant's fingerprint with linear probing.
pub struct Limiter {
    buckets: Vec<Bucket>,
    rate: f64,
    burst: f64,
}

impl Limiter {
    /// A limiter that lets `rate` requests a second through, and `burst` at once.
    pub fn new(rate: f64, burst: f64) -> Self {
        let empty = Bucket { used: 0, refilled_ns: 0, tier: 0, merchant: 0, refused: 0, tokens: 0.0 };
        Limiter { buckets: vec![empty; 1_024], rate, burst }
    }

    /// Takes one token of a merchant; false means that none was left.
    pub fn take(&mut self, merchant: &str, now_ns: u64) -> bool {
        let (rate, burst) = (self.rate, self.burst);
        let bucket = self.bucket(merchant, now_ns);
        let share = f64::from(1 + u32::from(bucket.tier));
        let seconds = now_ns.saturating_sub(bucket.refilled_ns) as f64 / 1e9;
        bucket.tokens = (bucket.tokens + seconds * rate * share).min(burst * share);
        bucket.refilled_ns = now_ns;
        if bucket.tokens < 1.0 {
            bucket.refused = bucket.refused.saturating_add(1);
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }

    /// Gives a merchant a higher tier, which multiplies its rate and burst.
    pub fn promote(&mut self, merchant: &str, tier: u8, now_ns: u64) {
        let burst = self.burst;
        let bucket = self.bucket(merchant, now_ns);
        bucket.tier = tier;
        bucket.tokens = burst * f64::from(1 + u32::from(tier));
    }

    /// How many requests of all merchants were refused.
    pub fn refused(&self) -> u64 {
        self.buckets.iter().map(|bucket| u64::from(bucket.refused)).sum()
    }

    fn bucket(&mut self, merchant: &str, now_ns: u64) -> &mut Bucket {
        let key = crypto::crc32(merchant.as_bytes());
        let size = self.buckets.len();
        let start = key as usize % size;
        let free = |bucket: &Bucket| bucket.used == 0 || bucket.merchant == key;
        let at = (start..start + size).map(|at| at % size).find(|at| free(&self.buckets[*at])).unwrap_or(start);
        let burst = self.burst;
        let bucket = &mut self.buckets[at];
        if bucket.used == 0 || bucket.merchant != key {
            *bucket = Bucket { used: 1, refilled_ns: now_ns, tier: 0, merchant: key, refused: 0, tokens: burst };
        }
        bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_passes_and_the_next_request_does_not() {
        let mut limiter = Limiter::new(1.0, 3.0);
        let taken: Vec<bool> = (0..4).map(|_| limiter.take("m-1", SECOND)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert_eq!(limiter.refused(), 1);
    }

    #[test]
    fn tokens_come_back_at_the_agreed_rate() {
        let mut limiter = Limiter::new(2.0, 1.0);
        assert!(limiter.take("m-1", SECOND));
        assert!(!limiter.take("m-1", SECOND + SECOND / 4));
        assert!(limiter.take("m-1", SECOND + SECOND / 2));
    }

    #[test]
    fn a_long_rest_fills_no_more_than_the_burst() {
        let mut limiter = Limiter::new(10.0, 2.0);
        assert!(limiter.take("m-1", 0));
        let taken: Vec<bool> = (0..3).map(|_| limiter.take("m-1", 100 * SECOND)).collect();
        assert_eq!(taken, [true, true, false]);
    }

    #[test]
    fn merchants_do_not_share_a_bucket() {
        let mut limiter = Limiter::new(1.0, 1.0);
        assert!(limiter.take("m-1", 0));
        assert!(limiter.take("m-2", 0));
        assert!(!limiter.take("m-1", 0));
    }

    #[test]
    fn a_higher_tier_multiplies_rate_and_burst() {
        let mut limiter = Limiter::new(1.0, 1.0);
        limiter.promote("m-1", 2, 0);
        let taken: Vec<bool> = (0..4).map(|_| limiter.take("m-1", 0)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert!(limiter.take("m-1", SECOND / 2));
    }
}
