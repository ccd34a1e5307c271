//! The HTTP front: requests in, JSON out, each inside of a span that carries the request's id.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tracing::{Instrument, info_span};

use crate::api::Failure;
use crate::error::GatewayError;
use crate::gateway::{Call, Gateway};

/// The largest body that is read.
pub const MAX_BODY: usize = 4 << 20;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Serves connections until the future is dropped.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>) {
    tokio::spawn(gateway.clone().commit_forever());
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let gateway = gateway.clone();
        let service = service_fn(move |request| handle(gateway.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn handle(gateway: Arc<Gateway>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let id = request_id(request.headers());
    let operation = operation(&request);
    let span = info_span!("http", request = id, operation);
    let answer = async {
        let started = Instant::now();
        let response = respond(&gateway, request).await;
        let millis = started.elapsed().as_millis() as u64;
        gateway.answered(&id, operation, response.status().as_u16(), millis);
        response
    };
    Ok(answer.instrument(span).await)
}

/// The id that the caller gave the request, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    match header(headers, "x-request-id") {
        Some(id) => id.to_owned(),
        None => format!("gw-{}", NEXT_ID.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Method and route; what the gateway does not serve has one name.
fn operation<B>(request: &Request<B>) -> &'static str {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/authorize") => "POST /authorize",
        (&Method::GET, "/health") => "GET /health",
        (&Method::GET, "/metrics") => "GET /metrics",
        _ => "other",
    }
}

async fn respond(gateway: &Gateway, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match operation(&request) {
        "POST /authorize" => match authorize(gateway, request).await {
            Ok(body) => json(StatusCode::OK, body),
            Err(error) => failure(&error),
        },
        "GET /health" => json(StatusCode::OK, b"{\"status\":\"up\"}".to_vec()),
        "GET /metrics" => text(gateway.metrics.render()),
        _ => failure(&GatewayError::NotFound),
    }
}

async fn authorize(gateway: &Gateway, request: Request<Incoming>) -> Result<Vec<u8>, GatewayError> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let body = match read(body).await {
        Ok(body) => body,
        Err(error) => return Err(error),
    };
    let call = Call {
        authorization: header(&headers, "authorization"),
        idempotency_key: header(&headers, "idempotency-key"),
        body: &body,
    };
    let answer = match gateway.authorize(call).await {
        Ok(answer) => answer,
        Err(error) => return Err(error),
    };
    serde_json::to_vec(&answer).map_err(|e| GatewayError::Json(e))
}

async fn read(body: Incoming) -> Result<Vec<u8>, GatewayError> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(GatewayError::TooLarge { limit: MAX_BODY });
    }
    let collected = match body.collect().await {
        Ok(collected) => collected,
        Err(error) => return Err(GatewayError::Body(error)),
    };
    let bytes = collected.to_bytes();
    if bytes.len() > MAX_BODY {
        return Err(GatewayError::TooLarge { limit: MAX_BODY });
    }
    Ok(bytes.to_vec())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn failure(error: &GatewayError) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let failure = Failure { error: error.code().to_owned(), message: error.to_string() };
    json(status, serde_json::to_vec(&failure).unwrap_or_default())
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    response(status, "application/json", body)
}

fn text(body: String) -> Response<Full<Bytes>> {
    response(StatusCode::OK, "text/plain; charset=utf-8", body.into_bytes())
}

fn response(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_id_or_gets_one() {
        let mut headers = HeaderMap::new();
        assert!(request_id(&headers).starts_with("gw-"));
        assert_ne!(request_id(&headers), request_id(&headers));
        headers.insert("x-request-id", "r-7".parse().unwrap());
        assert_eq!(request_id(&headers), "r-7");
    }

    #[test]
    fn operations_are_method_and_route() {
        let request = |method: &str, path: &str| Request::builder().method(method).uri(path).body(()).unwrap();
        assert_eq!(operation(&request("POST", "/authorize?x=1")), "POST /authorize");
        assert_eq!(operation(&request("GET", "/authorize")), "other");
        assert_eq!(operation(&request("GET", "/health")), "GET /health");
        assert_eq!(operation(&request("GET", "/metrics")), "GET /metrics");
    }

    #[test]
    fn failures_are_json_with_a_code_and_a_message() {
        let response = failure(&GatewayError::NotFound);
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}
