//! The way of a payment: admitted, checked, assessed, asked for, booked and answered.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tracing::{Instrument, info_span};

use crate::acquirer::{Acquirer, Answer, Question};
use crate::api::{Authorization, Decision, Order};
use crate::audit::AuditLog;
use crate::auth::Authenticator;
use crate::basket::{self, Basket};
use crate::catalogue;
use crate::config::Config;
use crate::crypto;
use crate::dataset::Dataset;
use crate::error::GatewayError;
use crate::fees::{self, Fees};
use crate::fraud::{self, FraudCheck, Velocity};
use crate::fx;
use crate::idempotency::Answers;
use crate::ledger::{self, Ledger};
use crate::limiter::Limiter;
use crate::metrics::{AccessLog, Metrics};
use crate::receipt::{self, Totals};
use crate::reconcile;
use crate::risk::Evidence;
use crate::rules;
use crate::tax::{self, TaxLine};
use crate::validate;

/// How often the ledger is committed. All bookings in between become durable together.
pub const COMMIT_EVERY: Duration = Duration::from_millis(20);

/// Everything that a request needs, shared by all of them.
pub struct Gateway {
    pub metrics: Arc<Metrics>,
    authenticator: Authenticator,
    data: Dataset,
    limiter: Mutex<Limiter>,
    velocity: Mutex<Velocity>,
    answers: Mutex<Answers>,
    audit: Mutex<AuditLog>,
    access: Mutex<AccessLog>,
    ledger: tokio::sync::Mutex<Ledger>,
    committed: watch::Sender<u64>,
    books: crate::books::Books,
    acquirer: Acquirer,
    decline_from: u32,
    started: Instant,
}

/// One request to authorize a payment.
pub struct Call<'a> {
    pub authorization: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
    pub body: &'a [u8],
}

/// What the gateway found out about an order by itself.
struct Assessment {
    basket: Basket,
    fees: Fees,
    taxes: Vec<TaxLine>,
    settle_amount: u64,
    rate_bp: u32,
    weight_grams: u64,
    score: u32,
    decision: Decision,
    reason: String,
}

impl Gateway {
    /// Opens the logs in the data folder, which is created if it is missing.
    pub fn open(config: &Config) -> io::Result<Gateway> {
        std::fs::create_dir_all(&config.data)?;
        let metrics = Arc::new(Metrics::default());
        Ok(Gateway {
            authenticator: Authenticator::new(config.token_key.as_bytes()),
            data: Dataset::load(),
            limiter: Mutex::new(Limiter::new(config.rate, config.burst)),
            velocity: Mutex::new(Velocity::new(4_096, 3_600)),
            answers: Mutex::new(Answers::new(10_000)),
            audit: Mutex::new(AuditLog::open(&config.data.join("audit.log"))?),
            access: Mutex::new(AccessLog::open(&config.data.join("access.log"))?),
            ledger: tokio::sync::Mutex::new(Ledger::open(&config.data.join("journal.log"))?),
            committed: watch::Sender::new(0),
            books: crate::books::Books::new(&config.data),
            acquirer: Acquirer::new(config.acquirer_port(), metrics.clone()),
            decline_from: config.decline_from,
            started: Instant::now(),
            metrics,
        })
    }

    /// Authorizes one payment.
    pub async fn authorize(&self, call: Call<'_>) -> Result<Authorization, GatewayError> {
        self.metrics.counters.request(call.body.len());
        let merchant = match self.admit(&call) {
            Ok(merchant) => merchant,
            Err(error) => return Err(error),
        };
        let key = call.idempotency_key.map(|key| format!("{merchant}/{key}"));
        if let Some(key) = &key {
            let known = locked(&self.answers).find(key, call.body)?;
            if let Some(answer) = known {
                return Ok(answer);
            }
        }
        let order = match read_order(call.body) {
            Ok(order) => order,
            Err(error) => return Err(error),
        };
        let payment = payment_id(&merchant, &order);
        let assessment = match self.assess(&order) {
            Ok(assessment) => assessment,
            Err(error) => return Err(error),
        };
        self.audit(&payment, &order, &assessment)?;
        let answer = match assessment.decision {
            Decision::Approved => self.collect(payment, order, assessment).await?,
            Decision::Declined => declined(payment, &order, &assessment),
        };
        self.books.decided(&self.metrics.counters, &merchant, &answer)?;
        if let Some(key) = &key {
            locked(&self.answers).store(key, call.body, &answer)?;
        }
        Ok(answer)
    }

    /// Checks the token and the rate; returns the merchant.
    fn admit(&self, call: &Call<'_>) -> Result<String, GatewayError> {
        let merchant = match self.authenticator.verify(call.authorization, unix_seconds()) {
            Ok(merchant) => merchant,
            Err(error) => return Err(GatewayError::from(error)),
        };
        let now = self.started.elapsed().as_nanos() as u64;
        if !locked(&self.limiter).take(&merchant, now) {
            return Err(GatewayError::RateLimited { merchant });
        }
        Ok(merchant)
    }

    /// Everything that can be said about an order without asking anybody.
    fn assess(&self, order: &Order) -> Result<Assessment, GatewayError> {
        let amount = order.amount();
        for _ in &order.items {
            self.metrics.counters.line();
        }
        let Some(settle_amount) = fx::convert(amount, &order.currency, &order.settle_currency) else {
            return Err(GatewayError::Currency(order.currency.clone()));
        };
        let basket = basket::summarise(order);
        let shipment = catalogue::shipment(&order.items, &self.data.catalogue);
        let taxes = tax::tax_lines(&order.items, &self.data.tax_rates);
        let domestic = order.currency == order.settle_currency;
        let fees = fees::fees(amount, domestic, &order.items);
        let rate_bp = fees::chosen_rate(amount, order.instalments);
        let check = self.data.lists.check(order);
        let card = fraud::fingerprint(&order.card.pan);
        let velocity = locked(&self.velocity).seen(card, self.started.elapsed().as_secs());
        let hits = rules::evaluate(order, &self.data.rules);
        let restricted = check.restricted.len();
        let evidence = Evidence { order, basket: &basket, restricted, velocity, hits: &hits };
        let score = self.data.model.score(&evidence);
        let (decision, reason) = self.decide(&check, score, rules::reason(&hits));
        let weight_grams = shipment.weight_grams;
        Ok(Assessment { basket, fees, taxes, settle_amount, rate_bp, weight_grams, score, decision, reason })
    }

    fn decide(&self, check: &FraudCheck, score: u32, rules: String) -> (Decision, String) {
        if check.stolen {
            return (Decision::Declined, "stolen card".to_owned());
        }
        if check.throwaway {
            return (Decision::Declined, "throwaway address".to_owned());
        }
        if let Some(sku) = check.restricted.first() {
            return (Decision::Declined, format!("restricted article {sku}"));
        }
        if score >= self.decline_from {
            return (Decision::Declined, format!("risk score {score}"));
        }
        (Decision::Approved, rules)
    }

    fn audit(&self, payment: &str, order: &Order, assessment: &Assessment) -> Result<(), GatewayError> {
        let detail = format!("{} {}", order.currency, order.amount());
        let mut audit = locked(&self.audit);
        audit.record(payment, "received", &detail).map_err(|e| GatewayError::Io(e))?;
        audit.record_lines(payment, order).map_err(|e| GatewayError::Io(e))?;
        audit.record_taxes(payment, &assessment.taxes).map_err(|e| GatewayError::Io(e))?;
        audit.record_decision(payment, assessment.decision, &assessment.reason).map_err(|e| GatewayError::Io(e))?;
        Ok(())
    }

    /// Asks the acquirer, books what it approves, and writes the receipt.
    async fn collect(
        &self,
        payment: String,
        order: Order,
        assessment: Assessment,
    ) -> Result<Authorization, GatewayError> {
        let sent = reconcile::sent_lines(&order.items);
        let question = Question {
            payment: payment.clone(),
            card: fraud::fingerprint(&order.card.pan),
            currency: order.settle_currency.clone(),
            amount: assessment.settle_amount,
            lines: sent.clone(),
        };
        let answer = match self.acquirer.ask(question.clone()).await {
            Ok(answer) => answer,
            Err(error) => return Err(GatewayError::from(error)),
        };
        let matched = reconcile::match_lines(&sent, &answer.lines);
        if !answer.approved {
            return Ok(refused(payment, &order, &assessment, answer));
        }
        let booking = match self.book(&payment, &order, &assessment).await {
            Ok(booking) => booking,
            Err(error) => return Err(error),
        };
        self.wait_for_commit(booking).await;
        for total in &assessment.basket.categories {
            self.books.day_book.enter(&payment, &total.category, total.amount).map_err(|e| GatewayError::Io(e))?;
        }
        let totals =
            Totals { amount: order.amount(), tax: tax::total(&assessment.taxes), fee: assessment.fees.total() };
        let receipt = receipt::sealed(&payment, &order, &assessment.basket, totals);
        let mut answer = declined(payment, &order, &assessment);
        answer.receipt = receipt;
        answer.confirmed_lines = reconcile::confirmed_in_full(&matched);
        Ok(answer)
    }

    async fn book(&self, payment: &str, order: &Order, assessment: &Assessment) -> Result<u64, GatewayError> {
        let merchant = ledger::FIRST_MERCHANT + crypto::crc32(order.merchant.as_bytes()) % 1_000;
        let postings = ledger::postings(order, merchant, assessment.fees, tax::total(&assessment.taxes));
        let mut ledger = self.ledger.lock().instrument(info_span!("ledger", wait = "ledger lock")).await;
        ledger.book(payment, &postings)
    }

    async fn wait_for_commit(&self, booking: u64) {
        let mut committed = self.committed.subscribe();
        let wait = committed.wait_for(|number| *number >= booking);
        // The sender lives as long as the gateway, so the wait cannot fail.
        let _ = wait.instrument(info_span!("commit", wait = "ledger commit")).await;
    }

    /// Commits the ledger at a steady pace until the task is dropped.
    pub async fn commit_forever(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(COMMIT_EVERY);
        loop {
            ticks.tick().await;
            match self.ledger.lock().await.commit() {
                Ok(number) => drop(self.committed.send_replace(number)),
                Err(error) => eprintln!("the ledger cannot be committed: {error}"),
            }
        }
    }

    /// Notes an answered request in the access log and the metrics.
    pub fn answered(&self, request: &str, operation: &str, status: u16, millis: u64) {
        self.metrics.latencies.observe(millis);
        if status >= 400 {
            self.metrics.counters.failure();
        }
        if let Err(error) = locked(&self.access).record(request, operation, status) {
            eprintln!("the access log cannot be written: {error}");
        }
    }

    /// Writes out all logs before the service ends.
    pub async fn flush(&self) -> Result<(), GatewayError> {
        self.ledger.lock().await.commit()?;
        locked(&self.audit).flush().map_err(|e| GatewayError::Io(e))?;
        locked(&self.access).flush().map_err(|e| GatewayError::Io(e))?;
        Ok(())
    }

    /// The balance of a ledger account.
    pub async fn balance(&self, account: u32) -> i64 {
        self.ledger.lock().await.balance(account)
    }
}

fn read_order(body: &[u8]) -> Result<Order, GatewayError> {
    let order: Order = serde_json::from_slice(body).map_err(|e| GatewayError::Json(e))?;
    match validate::check_order(&order) {
        Ok(()) => Ok(order),
        Err(error) => Err(error.into()),
    }
}

/// Names a payment after merchant and order.
fn payment_id(merchant: &str, order: &Order) -> String {
    let digest = crypto::sha256(format!("{merchant}/{}", order.order_id).as_bytes());
    format!("pay-{}", crypto::hex(&digest[..6]))
}

/// The answer as far as it is known without the acquirer.
fn declined(payment: String, order: &Order, assessment: &Assessment) -> Authorization {
    Authorization {
        payment_id: payment,
        order_id: order.order_id.clone(),
        decision: assessment.decision,
        reason: assessment.reason.clone(),
        amount: order.amount(),
        tax: tax::total(&assessment.taxes),
        fee: assessment.fees.total(),
        settle_amount: assessment.settle_amount,
        risk_score: assessment.score,
        rate_bp: assessment.rate_bp,
        weight_grams: assessment.weight_grams,
        distinct_skus: assessment.basket.skus.len(),
        confirmed_lines: 0,
        receipt: String::new(),
    }
}

fn refused(payment: String, order: &Order, assessment: &Assessment, answer: Answer) -> Authorization {
    let reason = format!("refused by the acquirer: {}", answer.code);
    Authorization { decision: Decision::Declined, reason, ..declined(payment, order, assessment) }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|age| age.as_secs()).unwrap_or_default()
}
