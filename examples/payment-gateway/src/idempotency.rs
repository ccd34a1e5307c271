//! Idempotency keys: an order that is sent twice is authorized once and answered alike.

use std::collections::{HashMap, VecDeque};

use crate::api::Authorization;
use crate::crypto;
use crate::error::GatewayError;

/// What was answered to the keys seen last.
pub struct Answers {
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
    capacity: usize,
}

struct Entry {
    digest: [u8; 32],
    body: String,
}

impl Answers {
    /// Remembers the last `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        Answers { entries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// The answer that was given to this key and this body, if there was one.
    pub fn find(&self, key: &str, body: &[u8]) -> Result<Option<Authorization>, GatewayError> {
        let Some(entry) = self.entries.get(key) else {
            return Ok(None);
        };
        if entry.digest != crypto::sha256(body) {
            return Err(GatewayError::KeyReused { key: key.to_owned() });
        }
        let stored = entry.body.clone();
        let answer = serde_json::from_str(&stored).map_err(|e| GatewayError::Json(e))?;
        Ok(Some(answer))
    }

    /// Remembers an answer, and forgets the oldest when there are too many.
    pub fn store(&mut self, key: &str, body: &[u8], answer: &Authorization) -> Result<(), GatewayError> {
        let text = serde_json::to_string(answer).map_err(|e| GatewayError::Json(e))?;
        let key = key.to_owned();
        let entry = Entry { digest: crypto::sha256(body), body: text.clone() };
        if self.entries.insert(key.clone(), entry).is_none() {
            self.order.push_back(key.clone());
        }
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Decision;

    fn answer(order_id: &str) -> Authorization {
        Authorization {
            payment_id: "p-1".to_owned(),
            order_id: order_id.to_owned(),
            decision: Decision::Approved,
            reason: String::new(),
            amount: 100,
            tax: 16,
            fee: 27,
            settle_amount: 100,
            risk_score: 10,
            rate_bp: 0,
            weight_grams: 5,
            distinct_skus: 1,
            confirmed_lines: 1,
            receipt: "r".to_owned(),
        }
    }

    #[test]
    fn an_unknown_key_has_no_answer() {
        let answers = Answers::new(2);
        assert!(answers.is_empty());
        assert!(answers.find("k", b"body").unwrap().is_none());
    }

    #[test]
    fn the_same_key_and_body_get_the_same_answer() {
        let mut answers = Answers::new(2);
        answers.store("k", b"body", &answer("ORD-00000001")).unwrap();
        assert_eq!(answers.find("k", b"body").unwrap(), Some(answer("ORD-00000001")));
    }

    #[test]
    fn the_same_key_with_another_body_is_an_error() {
        let mut answers = Answers::new(2);
        answers.store("k", b"body", &answer("ORD-00000001")).unwrap();
        let error = answers.find("k", b"other").unwrap_err();
        assert_eq!(error.to_string(), "idempotency key k belongs to another order");
    }

    #[test]
    fn the_oldest_key_is_forgotten_first() {
        let mut answers = Answers::new(2);
        for key in ["a", "b", "c"] {
            answers.store(key, b"body", &answer(key)).unwrap();
        }
        assert_eq!(answers.len(), 2);
        assert!(answers.find("a", b"body").unwrap().is_none());
        assert!(answers.find("b", b"body").unwrap().is_some());
    }

    #[test]
    fn storing_a_key_again_replaces_the_answer() {
        let mut answers = Answers::new(2);
        answers.store("k", b"one", &answer("ORD-00000001")).unwrap();
        answers.store("k", b"two", &answer("ORD-00000002")).unwrap();
        assert_eq!(answers.len(), 1);
        assert_eq!(answers.find("k", b"two").unwrap().unwrap().order_id, "ORD-00000002");
    }
}
