//! The acquirer: asks the card network's bank for the money, and asks again when it is busy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::{Instrument, info_span};

use crate::client::{self, ClientError};
use crate::metrics::Metrics;
use crate::reconcile::{ConfirmedLine, SentLine};

/// How often a payment is sent before the gateway gives up.
pub const ATTEMPTS: u32 = 3;

/// The pause after the first attempt; it grows with each further one.
const PAUSE: Duration = Duration::from_millis(20);

/// What the acquirer is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub payment: String,
    pub card: u32,
    pub currency: String,
    pub amount: u64,
    pub lines: Vec<SentLine>,
}

/// What the acquirer answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub approved: bool,
    pub code: String,
    pub lines: Vec<ConfirmedLine>,
}

/// Why the acquirer gave no answer.
#[derive(Debug)]
pub enum AcquirerError {
    Unreachable(ClientError),
    Malformed(serde_json::Error),
    Busy,
    Status(u16),
    Exhausted { attempts: u32 },
}

impl fmt::Display for AcquirerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcquirerError::Unreachable(error) => write!(f, "the acquirer is unreachable: {error}"),
            AcquirerError::Malformed(error) => write!(f, "the acquirer's answer is malformed: {error}"),
            AcquirerError::Busy => write!(f, "the acquirer is busy"),
            AcquirerError::Status(status) => write!(f, "the acquirer answered with status {status}"),
            AcquirerError::Exhausted { attempts } => write!(f, "the acquirer was busy {attempts} times"),
        }
    }
}

impl std::error::Error for AcquirerError {}

impl From<ClientError> for AcquirerError {
    fn from(error: ClientError) -> Self {
        AcquirerError::Unreachable(error)
    }
}

impl From<serde_json::Error> for AcquirerError {
    fn from(error: serde_json::Error) -> Self {
        AcquirerError::Malformed(error)
    }
}

/// A client of one acquirer.
pub struct Acquirer {
    port: u16,
    metrics: Arc<Metrics>,
}

impl Acquirer {
    pub fn new(port: u16, metrics: Arc<Metrics>) -> Self {
        Acquirer { port, metrics }
    }

    /// Asks for the money; a busy acquirer is asked again after a pause.
    pub async fn ask(&self, question: Question) -> Result<Answer, AcquirerError> {
        for attempt in 1..=ATTEMPTS {
            self.metrics.acquirer.call(attempt);
            let body = serde_json::to_vec(&question)?;
            match self.send(body).instrument(info_span!("acquirer", wait = "acquirer")).await {
                Err(AcquirerError::Busy) => {}
                Ok(answer) => return Ok(self.counted(answer)),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE * attempt).instrument(info_span!("pause", wait = "acquirer retry")).await;
        }
        Err(AcquirerError::Exhausted { attempts: ATTEMPTS })
    }

    fn counted(&self, answer: Answer) -> Answer {
        if !answer.approved {
            self.metrics.acquirer.refusal();
        }
        answer
    }

    async fn send(&self, body: Vec<u8>) -> Result<Answer, AcquirerError> {
        let reply = match client::send(self.port, "POST", "/payments", &[], body).await {
            Ok(reply) => reply,
            Err(error) => return Err(AcquirerError::from(error)),
        };
        match reply.status {
            200 => {}
            503 => return Err(AcquirerError::Busy),
            status => return Err(AcquirerError::Status(status)),
        }
        let answer = match serde_json::from_slice(&reply.body) {
            Ok(answer) => answer,
            Err(error) => return Err(error.into()),
        };
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::stub;

    fn question(payment: &str) -> Question {
        let lines = vec![SentLine { line: 1, sku: "AAA-000001".to_owned(), amount: 100 }];
        Question { payment: payment.to_owned(), card: 7, currency: "EUR".to_owned(), amount: 100, lines }
    }

    async fn ask(payment: &str) -> (Result<Answer, AcquirerError>, Arc<Metrics>) {
        let port = stub::start(0).await.unwrap();
        let metrics = Arc::new(Metrics::default());
        let acquirer = Acquirer::new(port, metrics.clone());
        (acquirer.ask(question(payment)).await, metrics)
    }

    #[tokio::test]
    async fn an_approval_confirms_every_line() {
        let (answer, metrics) = ask("pay-1").await;
        let answer = answer.unwrap();
        assert_eq!((answer.approved, answer.code.as_str()), (true, "00"));
        assert_eq!(answer.lines, [ConfirmedLine { line: 1, amount: 100 }]);
        assert_eq!(metrics.acquirer.calls.load(Ordering::Relaxed), 1);
        assert_eq!(metrics.acquirer.retries.load(Ordering::Relaxed), 0);
        assert_eq!(metrics.acquirer.refusals.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_refusal_is_an_answer_and_is_counted() {
        let (answer, metrics) = ask("refuse-1").await;
        let answer = answer.unwrap();
        assert_eq!((answer.approved, answer.code.as_str()), (false, "51"));
        assert_eq!(metrics.acquirer.refusals.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_busy_acquirer_is_asked_again() {
        let (answer, metrics) = ask("busy-once-1").await;
        assert!(answer.unwrap().approved);
        assert_eq!(metrics.acquirer.calls.load(Ordering::Relaxed), 2);
        assert_eq!(metrics.acquirer.retries.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_acquirer_that_stays_busy_is_given_up() {
        let (answer, metrics) = ask("busy-always-1").await;
        assert_eq!(answer.unwrap_err().to_string(), "the acquirer was busy 3 times");
        assert_eq!(metrics.acquirer.calls.load(Ordering::Relaxed), 3);
        assert_eq!(metrics.acquirer.retries.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn other_statuses_and_garbage_are_not_retried() {
        let (answer, metrics) = ask("broken-1").await;
        assert_eq!(answer.unwrap_err().to_string(), "the acquirer answered with status 500");
        assert_eq!(metrics.acquirer.calls.load(Ordering::Relaxed), 1);
        let (answer, _) = ask("garbage-1").await;
        assert!(answer.unwrap_err().to_string().starts_with("the acquirer's answer is malformed: "));
    }

    #[tokio::test]
    async fn an_acquirer_that_is_down_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let acquirer = Acquirer::new(port, Arc::default());
        let error = acquirer.ask(question("pay-1")).await.unwrap_err();
        assert!(error.to_string().starts_with("the acquirer is unreachable: cannot connect: "), "{error}");
    }
}
