//! The service as merchants see it: real requests over loopback, with the stub acquirer behind it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use payment_gateway::api::{Authorization, Card, Decision, Failure, LineItem, Order};
use payment_gateway::auth::Authenticator;
use payment_gateway::client::{self, Reply};
use payment_gateway::config::Config;
use payment_gateway::dataset;
use payment_gateway::gateway::Gateway;
use payment_gateway::ledger;
use payment_gateway::{server, stub, workload};
use tokio::net::TcpListener;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running gateway with a data folder of its own.
struct Service {
    port: u16,
    data: Folder,
    gateway: Arc<Gateway>,
    authenticator: Authenticator,
}

/// Removed at the end of the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Service {
    async fn start() -> Service {
        Service::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Service {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let data = std::env::temp_dir().join(format!("payment-gateway-http-{}-{number}", std::process::id()));
        let acquirer = stub::start(0).await.unwrap();
        let mut config = Config { data: data.clone(), acquirer: Some(acquirer), ..Config::default() };
        change(&mut config);
        let gateway = Arc::new(Gateway::open(&config).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(server::serve(listener, gateway.clone()));
        Service { port, data: Folder(data), gateway, authenticator: Authenticator::new(config.token_key.as_bytes()) }
    }

    async fn authorize(&self, order: &Order, key: Option<&str>) -> Reply {
        let token = format!("Bearer {}", self.authenticator.issue(&order.merchant, u64::MAX));
        let mut headers = vec![("authorization", token.as_str()), ("x-request-id", "r-1")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let body = serde_json::to_vec(order).unwrap();
        client::send(self.port, "POST", "/authorize", &headers, body).await.unwrap()
    }

    async fn approved(&self, order: &Order) -> Authorization {
        let reply = self.authorize(order, None).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        serde_json::from_slice(&reply.body).unwrap()
    }

    async fn log(&self, name: &str) -> String {
        self.gateway.flush().await.unwrap();
        std::fs::read_to_string(self.data.0.join(name)).unwrap()
    }

    async fn metric(&self, name: &str) -> u64 {
        let reply = client::send(self.port, "GET", "/metrics", &[], vec![]).await.unwrap();
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

fn failure(reply: &Reply) -> (u16, String, String) {
    let failure: Failure = serde_json::from_slice(&reply.body).unwrap();
    (reply.status, failure.error, failure.message)
}

fn item(number: usize, category: usize, quantity: u32, unit_price: u64) -> LineItem {
    LineItem {
        sku: dataset::sku(number),
        category: dataset::category(category),
        description: "lamp".to_owned(),
        origin: "DE".to_owned(),
        quantity,
        unit_price,
    }
}

fn order(number: u32) -> Order {
    Order {
        merchant: "m-100".to_owned(),
        order_id: format!("ORD-{number:08}"),
        currency: "EUR".to_owned(),
        settle_currency: "EUR".to_owned(),
        card: Card { pan: "4111111111111111".to_owned(), expiry: "12/29".to_owned(), holder: "CARD HOLDER".to_owned() },
        email: "buyer@shop.example".to_owned(),
        device: "device-1".to_owned(),
        country: "DE".to_owned(),
        instalments: 1,
        items: vec![item(1, 1, 2, 1_000), item(2, 2, 1, 500)],
    }
}

#[tokio::test]
async fn a_plain_order_is_approved_and_answered_in_full() {
    let service = Service::start().await;
    let answer = service.approved(&order(1)).await;
    assert_eq!(answer.decision, Decision::Approved);
    assert_eq!(answer.order_id, "ORD-00000001");
    assert_eq!(answer.payment_id, "pay-100dbb820c3d");
    assert_eq!((answer.amount, answer.settle_amount), (2_500, 2_500));
    assert_eq!((answer.tax, answer.fee, answer.rate_bp), (33, 60, 0));
    assert_eq!((answer.distinct_skus, answer.confirmed_lines), (2, 2));
    assert_eq!(answer.weight_grams, 9_737);
    assert!((50..200).contains(&answer.risk_score), "{}", answer.risk_score);
    assert_eq!(answer.reason, "");
    let receipt = "pay-100dbb820c3d\nORD-00000001\nM-100 EUR DE x2 2500\ntotal 2500 tax 33 fee 60\n";
    let (text, seal) = answer.receipt.split_once('.').unwrap();
    assert_eq!(text, payment_gateway::crypto::base64(receipt.as_bytes()));
    assert_eq!(seal, "5c9626ec786bc892");
}

#[tokio::test]
async fn an_approved_order_is_booked_and_logged() {
    let service = Service::start().await;
    let answer = service.approved(&order(1)).await;
    let id = answer.payment_id;
    let merchant = ledger::FIRST_MERCHANT + payment_gateway::crypto::crc32(b"m-100") % 1_000;
    assert_eq!(service.gateway.balance(ledger::RECEIVABLE).await, 2_500);
    assert_eq!(service.gateway.balance(ledger::COMMISSION).await, -60);
    let tax = answer.tax;
    assert_eq!(service.gateway.balance(merchant).await, -2_500 + 60 + tax as i64);
    assert_eq!(
        service.log("audit.log").await,
        format!(
            "00000001 {id} received EUR 2500\n00000002 {id} line {} 2 2000\n00000003 {id} line {} 1 500\n\
             00000004 {id} tax {} 0 0\n00000005 {id} tax {} 700 33\n00000006 {id} approved \n",
            dataset::sku(1),
            dataset::sku(2),
            dataset::sku(1),
            dataset::sku(2)
        )
    );
    assert_eq!(
        service.log("journal.log").await,
        format!(
            "1 {id} D 1 2500\n1 {id} C {merchant} 2000\n1 {id} C {merchant} 500\n1 {id} D {merchant} 60\n\
             1 {id} C 2 60\n1 {id} C 3 0\n1 {id} D {merchant} {tax}\n1 {id} C 4 {tax}\n"
        )
    );
    assert_eq!(service.log("access.log").await, "r-1 POST /authorize 200\n");
}

#[test]
fn the_day_book_is_complete_when_the_service_has_ended() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (service, id) = runtime.block_on(async {
        let service = Service::start().await;
        let id = service.approved(&order(1)).await.payment_id;
        (service, id)
    });
    let Service { data, gateway, .. } = service;
    drop(runtime);
    drop(gateway);
    let day_book = std::fs::read_to_string(data.0.join("day-book.log")).unwrap();
    assert_eq!(day_book, format!("{id} C0001 2000\n{id} C0002 500\n"));
}

#[tokio::test]
async fn a_foreign_order_is_settled_at_the_rate_of_the_day() {
    let service = Service::start().await;
    let mut order = order(1);
    order.settle_currency = "USD".to_owned();
    let answer = service.approved(&order).await;
    assert_eq!(answer.settle_amount, 2_713);
    assert_eq!(answer.fee, 98);
}

#[tokio::test]
async fn a_large_basket_keeps_its_order_through_all_steps() {
    let service = Service::start().await;
    let mut order = order(1);
    order.items = (0..300).map(|number| item(number % 250, number % 7, 1, 10)).collect();
    let answer = service.approved(&order).await;
    assert_eq!(answer.amount, 3_000);
    assert_eq!((answer.distinct_skus, answer.confirmed_lines), (250, 300));
    let audit = service.log("audit.log").await;
    let skus: Vec<&str> =
        audit.lines().filter(|line| line.contains(" line ")).map(|line| line.split(' ').nth(3).unwrap()).collect();
    let sent: Vec<&str> = order.items.iter().map(|item| item.sku.as_str()).collect();
    assert_eq!(skus, sent);
    assert_eq!(service.log("journal.log").await.lines().count(), 306);
    assert_eq!(service.metric("gateway_lines_total").await, 300);
}

#[tokio::test]
async fn the_same_key_is_authorized_once() {
    let service = Service::start().await;
    let first = service.authorize(&order(1), Some("k-1")).await;
    let second = service.authorize(&order(1), Some("k-1")).await;
    assert_eq!(first, second);
    assert_eq!(service.gateway.balance(ledger::RECEIVABLE).await, 2_500);
    let (status, error, message) = failure(&service.authorize(&order(2), Some("k-1")).await);
    assert_eq!((status, error.as_str()), (409, "key_reused"));
    assert_eq!(message, "idempotency key m-100/k-1 belongs to another order");
}

#[tokio::test]
async fn keys_of_two_merchants_are_apart() {
    let service = Service::start().await;
    let mut other = order(2);
    other.merchant = "m-200".to_owned();
    assert_eq!(service.authorize(&order(1), Some("k-1")).await.status, 200);
    assert_eq!(service.authorize(&other, Some("k-1")).await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_token_is_unauthorized() {
    let service = Service::start().await;
    let reply = client::send(service.port, "POST", "/authorize", &[], b"{}".to_vec()).await.unwrap();
    let expected = (401, "unauthorized".to_owned(), "the authorization header is missing".to_owned());
    assert_eq!(failure(&reply), expected);
    assert_eq!(service.metric("gateway_failed_total").await, 1);
}

#[tokio::test]
async fn a_body_that_is_no_order_is_malformed() {
    let service = Service::start().await;
    let token = format!("Bearer {}", service.authenticator.issue("m-100", u64::MAX));
    let headers = [("authorization", token.as_str())];
    let reply = client::send(service.port, "POST", "/authorize", &headers, b"[]".to_vec()).await.unwrap();
    let (status, error, message) = failure(&reply);
    assert_eq!((status, error.as_str()), (400, "malformed_json"));
    assert!(message.starts_with("the body is not a valid order: "), "{message}");
}

#[tokio::test]
async fn an_order_that_breaks_a_rule_is_refused_with_the_rule() {
    let service = Service::start().await;
    let mut order = order(1);
    order.items[1].sku = "nonsense".to_owned();
    let expected = (422, "invalid_order".to_owned(), "line 2: \"nonsense\" is not a SKU".to_owned());
    assert_eq!(failure(&service.authorize(&order, None).await), expected);
    assert_eq!(service.log("audit.log").await, "");
}

#[tokio::test]
async fn an_unknown_currency_is_refused() {
    let service = Service::start().await;
    let mut order = order(1);
    order.currency = "XAU".to_owned();
    let expected = (422, "unknown_currency".to_owned(), "currency XAU is not settled here".to_owned());
    assert_eq!(failure(&service.authorize(&order, None).await), expected);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let service = Service::start().await;
    let reply = client::send(service.port, "POST", "/authorize", &[], vec![b' '; server::MAX_BODY + 1]).await.unwrap();
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_restricted_article_declines_the_whole_order() {
    let service = Service::start().await;
    let mut order = order(1);
    order.items.push(item(100_007, 1, 1, 10));
    let answer = service.approved(&order).await;
    assert_eq!(answer.decision, Decision::Declined);
    assert_eq!(answer.reason, format!("restricted article {}", dataset::sku(100_007)));
    assert_eq!((answer.confirmed_lines, answer.receipt.as_str()), (0, ""));
    assert_eq!(service.gateway.balance(ledger::RECEIVABLE).await, 0);
    assert_eq!(service.metric("gateway_declined_total").await, 1);
}

#[tokio::test]
async fn a_throwaway_address_declines_the_order() {
    let service = Service::start().await;
    let mut order = order(1);
    order.email = "a@Minutes-7.example".to_owned();
    assert_eq!(service.approved(&order).await.reason, "throwaway address");
}

#[tokio::test]
async fn a_score_from_the_limit_on_declines_the_order() {
    let service = Service::with(|config| config.decline_from = 0).await;
    let answer = service.approved(&order(1)).await;
    assert_eq!(answer.decision, Decision::Declined);
    assert_eq!(answer.reason, format!("risk score {}", answer.risk_score));
}

#[tokio::test]
async fn rules_that_apply_are_named_in_the_reason() {
    let service = Service::start().await;
    let mut order = order(1);
    order.items[0].description = "gift card with voucher".to_owned();
    order.items[0].unit_price = 20_000;
    let answer = service.approved(&order).await;
    assert_eq!(answer.reason, "gift cards, crypto vouchers");
    assert_eq!(answer.decision, Decision::Approved);
}

#[tokio::test]
async fn an_acquirer_that_is_down_is_a_bad_gateway() {
    let service = Service::with(|config| config.acquirer = Some(1)).await;
    let (status, error, message) = failure(&service.authorize(&order(1), None).await);
    assert_eq!((status, error.as_str()), (502, "acquirer_unavailable"));
    assert!(message.starts_with("the acquirer is unreachable: "), "{message}");
    assert_eq!(service.gateway.balance(ledger::RECEIVABLE).await, 0);
}

#[tokio::test]
async fn a_merchant_over_its_rate_is_turned_away() {
    let service = Service::with(|config| (config.rate, config.burst) = (0.001, 1.0)).await;
    assert_eq!(service.authorize(&order(1), None).await.status, 200);
    let expected = (429, "rate_limited".to_owned(), "merchant m-100 is over its rate limit".to_owned());
    assert_eq!(failure(&service.authorize(&order(2), None).await), expected);
}

#[tokio::test]
async fn health_and_unknown_paths_answer_without_a_token() {
    let service = Service::start().await;
    let health = client::send(service.port, "GET", "/health", &[], vec![]).await.unwrap();
    assert_eq!((health.status, &health.body[..]), (200, &b"{\"status\":\"up\"}"[..]));
    let lost = client::send(service.port, "GET", "/nowhere", &[], vec![]).await.unwrap();
    assert_eq!(failure(&lost), (404, "not_found".to_owned(), "no such resource".to_owned()));
}

#[tokio::test]
async fn requests_at_the_same_time_are_all_booked() {
    let service = Service::start().await;
    let mut calls = tokio::task::JoinSet::new();
    let service = Arc::new(service);
    for number in 0..12 {
        let service = service.clone();
        calls.spawn(async move { service.approved(&order(number)).await.payment_id });
    }
    let mut ids = calls.join_all().await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 12);
    assert_eq!(service.gateway.balance(ledger::RECEIVABLE).await, 12 * 2_500);
    assert_eq!(service.metric("gateway_approved_total").await, 12);
    assert_eq!(service.metric("gateway_requests_total").await, 12);
    assert_eq!(service.metric("acquirer_calls_total").await, 12);
}

#[tokio::test]
async fn orders_of_the_load_generator_are_approved() {
    let service = Service::start().await;
    for number in 0..3 {
        let sent = workload::request(1, number);
        assert_eq!(service.approved(&sent.order).await.decision, Decision::Approved);
    }
}
