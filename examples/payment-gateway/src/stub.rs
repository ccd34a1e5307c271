//! A stub acquirer on loopback: takes the time that a bank takes, and answers by the name of the payment.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::acquirer::{Answer, Question};
use crate::crypto;
use crate::reconcile::ConfirmedLine;

/// How long a payment takes at least.
const BASE: Duration = Duration::from_millis(28);

/// What each line of a basket adds.
const PER_LINE: Duration = Duration::from_micros(38);

/// How often each payment was asked for.
type Seen = Arc<Mutex<HashMap<String, u32>>>;

/// Starts the stub on a port (0: any that is free) and returns the port.
pub async fn start(port: u16) -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(accept(listener, Seen::default()));
    Ok(port)
}

async fn accept(listener: TcpListener, seen: Seen) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = seen.clone();
        let service = service_fn(move |request| answer(request, seen.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>, seen: Seen) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let Ok(question) = serde_json::from_slice::<Question>(&body) else {
        return Ok(response(400, Vec::new()));
    };
    tokio::time::sleep(duration(&question)).await;
    let attempt = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = seen.entry(question.payment.clone()).or_default();
        *attempt += 1;
        *attempt
    };
    let (status, body) = decide(&question, attempt);
    Ok(response(status, body))
}

/// A fixed part, a part for the lines, and up to ten milliseconds that differ between payments.
fn duration(question: &Question) -> Duration {
    let jitter = u64::from(crypto::crc32(question.payment.as_bytes()) % 10);
    BASE + PER_LINE * question.lines.len() as u32 + Duration::from_millis(jitter)
}

fn decide(question: &Question, attempt: u32) -> (u16, Vec<u8>) {
    let name = question.payment.as_str();
    let busy = name.starts_with("busy-always") || name.starts_with("busy-once") && attempt == 1;
    if busy || attempt == 1 && crypto::crc32(name.as_bytes()) % 61 == 7 {
        return (503, Vec::new());
    }
    if name.starts_with("broken") {
        return (500, Vec::new());
    }
    if name.starts_with("garbage") {
        return (200, b"{".to_vec());
    }
    let approved = !name.starts_with("refuse");
    let code = if approved { "00" } else { "51" };
    let lines = question.lines.iter().map(|line| ConfirmedLine { line: line.line, amount: line.amount }).collect();
    let answer = Answer { approved, code: code.to_owned(), lines };
    (200, serde_json::to_vec(&answer).unwrap_or_default())
}

fn response(status: u16, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client;
    use crate::reconcile::SentLine;

    fn question(payment: &str, lines: u32) -> Question {
        let lines = (1..=lines).map(|line| SentLine { line, sku: "AAA-000001".to_owned(), amount: 1 }).collect();
        Question { payment: payment.to_owned(), card: 1, currency: "EUR".to_owned(), amount: 1, lines }
    }

    #[test]
    fn a_large_basket_takes_longer() {
        let (small, large) = (duration(&question("pay-1", 0)), duration(&question("pay-1", 1_000)));
        assert_eq!(large - small, Duration::from_millis(38));
        assert!(small >= BASE && small < BASE + Duration::from_millis(10));
    }

    #[tokio::test]
    async fn a_question_that_is_no_json_is_answered_with_400() {
        let port = start(0).await.unwrap();
        let reply = client::send(port, "POST", "/payments", &[], b"?".to_vec()).await.unwrap();
        assert_eq!(reply.status, 400);
    }
}
