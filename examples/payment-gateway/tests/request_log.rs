//! The request log: spans in, lines out, as the head of `src/request_log.rs` says.

use std::path::PathBuf;

use payment_gateway::request_log::RequestLog;
use serde_json::Value;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt;

/// What the log holds after `work` and after the guard is dropped.
fn logged(name: &str, work: impl FnOnce()) -> Vec<Value> {
    let path: PathBuf = std::env::temp_dir().join(format!("payment-gateway-log-{name}-{}", std::process::id()));
    let (layer, flush) = RequestLog::create(&path).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    drop(flush);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("{line} has no {key}"))
}

fn keys(line: &Value) -> Vec<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_request_that_one_thread_serves_whole_is_one_line_with_the_thread() {
    let lines = logged("whole", || {
        info_span!("http", request = "r-1", operation = "GET /").in_scope(|| {});
    });
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0]["request"].as_str(), lines[0]["operation"].as_str()), (Some("r-1"), Some("GET /")));
    assert!(number(&lines[0], "start_ns") <= number(&lines[0], "end_ns"));
    assert!(number(&lines[0], "tid") > 0);
}

#[test]
fn a_request_that_is_polled_twice_has_a_line_per_poll_inside_of_it() {
    let lines = logged("polls", || {
        let span = info_span!("http", request = "r-1", operation = "GET /");
        span.in_scope(|| {});
        span.in_scope(|| {});
    });
    assert_eq!(lines.len(), 3);
    assert_eq!(keys(&lines[0]), ["end_ns", "operation", "request", "start_ns"]);
    let mut last = number(&lines[0], "start_ns");
    for poll in &lines[1..] {
        assert_eq!(keys(poll), ["poll_end_ns", "poll_start_ns", "request", "tid"]);
        assert!(last <= number(poll, "poll_start_ns"));
        assert!(number(poll, "poll_start_ns") <= number(poll, "poll_end_ns"));
        last = number(poll, "poll_end_ns");
    }
    assert!(last <= number(&lines[0], "end_ns"));
}

#[test]
fn a_named_wait_belongs_to_the_request_around_it_however_deep() {
    let lines = logged("waits", || {
        let span = info_span!("http", request = "r-1", operation = "GET /");
        span.in_scope(|| info_span!("step").in_scope(|| drop(info_span!("bank", wait = "acquirer"))));
        span.in_scope(|| {});
    });
    let wait = lines.last().unwrap();
    assert_eq!(keys(wait), ["end_ns", "request", "start_ns", "wait"]);
    assert_eq!((wait["request"].as_str(), wait["wait"].as_str()), (Some("r-1"), Some("acquirer")));
    assert!(number(&lines[0], "start_ns") <= number(wait, "start_ns"));
    assert!(number(wait, "end_ns") <= number(&lines[0], "end_ns"));
}

#[test]
fn a_request_without_an_operation_is_named_after_its_span() {
    let lines = logged("name", || info_span!("nightly", request = 7).in_scope(|| {}));
    assert_eq!((lines[0]["request"].as_str(), lines[0]["operation"].as_str()), (Some("7"), Some("nightly")));
}

#[test]
fn other_spans_and_waits_outside_of_requests_are_not_logged() {
    let lines = logged("others", || {
        info_span!("step").in_scope(|| {});
        info_span!("bank", wait = "acquirer").in_scope(|| {});
    });
    assert!(lines.is_empty(), "{lines:?}");
}

#[test]
fn an_id_from_outside_cannot_break_the_json() {
    let id = "a\"b\\c\nd";
    let lines = logged("json", || info_span!("http", request = id, operation = "GET /").in_scope(|| {}));
    assert_eq!(lines[0]["request"].as_str(), Some(id));
}
