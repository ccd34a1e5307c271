//! The load generator: sends orders at a constant rate, whatever the service answers, and shows the latencies.
//!
//! `load --port 8080 --requests 600 --rate 26 --seed 1 [--acquirer PORT] [--log FILE]`
//!
//! It starts the stub acquirer itself, by default on the port after the service's. Latency counts from the moment
//! at which a request was due, so that a service that falls behind cannot hide it (no coordinated omission).

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use payment_gateway::auth::Authenticator;
use payment_gateway::config::Config;
use payment_gateway::workload::{self, Sent};
use payment_gateway::{client, stub};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Tokens are valid until the year 2100.
const EXPIRY: u64 = 4_102_444_800;

struct Options {
    port: u16,
    acquirer: Option<u16>,
    requests: u64,
    rate: f64,
    seed: u64,
    log: Option<String>,
}

/// What became of one request; times count from the start of the run.
struct Outcome {
    request: String,
    due: Duration,
    end: Duration,
    status: u16,
    error: Option<String>,
}

fn main() -> ExitCode {
    match options().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options { port: 8_080, acquirer: None, requests: 600, rate: 26.0, seed: 1, log: None };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => options.port = value.parse()?,
            "--acquirer" => options.acquirer = Some(value.parse()?),
            "--requests" => options.requests = value.parse()?,
            "--rate" => options.rate = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--log" => options.log = Some(value),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    if !(options.rate > 0.0) {
        return Err("--rate needs a number above zero".into());
    }
    Ok(options)
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcomes = runtime.block_on(drive(&options))?;
    if let Some(path) = &options.log {
        write_log(path, &outcomes)?;
    }
    report(&options, &outcomes)
}

async fn drive(options: &Options) -> Result<Vec<Outcome>, Box<dyn Error>> {
    stub::start(options.acquirer.unwrap_or(options.port.wrapping_add(1))).await?;
    let authenticator = Arc::new(Authenticator::new(Config::default().token_key.as_bytes()));
    let mut tokens = std::collections::HashMap::new();
    let mut tasks = JoinSet::new();
    let start = Instant::now() + Duration::from_millis(50);
    for number in 0..options.requests {
        let sent = workload::request(options.seed, number);
        let token = tokens.entry(sent.merchant.clone()).or_insert_with(|| {
            let token = authenticator.issue(&sent.merchant, EXPIRY);
            format!("Bearer {token}")
        });
        let due = Duration::from_secs_f64(number as f64 / options.rate);
        let task = send(options.port, token.clone(), sent, start, due);
        tokio::time::sleep_until(start + due).await;
        tasks.spawn(task);
    }
    Ok(tasks.join_all().await)
}

async fn send(port: u16, token: String, sent: Sent, start: Instant, due: Duration) -> Outcome {
    let headers = [
        ("authorization", token.as_str()),
        ("x-request-id", sent.request.as_str()),
        ("idempotency-key", sent.key.as_str()),
        ("content-type", "application/json"),
    ];
    let body = serde_json::to_vec(&sent.order).unwrap_or_default();
    let (status, error) = match client::send(port, "POST", "/authorize", &headers, body).await {
        Ok(reply) if reply.status == 200 => (200, None),
        Ok(reply) => (reply.status, Some(String::from_utf8_lossy(&reply.body).into_owned())),
        Err(error) => (0, Some(error.to_string())),
    };
    Outcome { request: sent.request.clone(), due, end: start.elapsed(), status, error }
}

/// One line per request; times are nanoseconds from the start of the run.
fn write_log(path: &str, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    for outcome in outcomes {
        let (due, end) = (outcome.due.as_nanos(), outcome.end.as_nanos());
        writeln!(
            out,
            r#"{{"request":"{}","due_ns":{due},"end_ns":{end},"status":{}}}"#,
            outcome.request, outcome.status
        )?;
    }
    out.flush()?;
    Ok(())
}

fn report(options: &Options, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3)?;
    for outcome in outcomes {
        histogram.saturating_record(outcome.end.saturating_sub(outcome.due).as_micros() as u64);
    }
    let failed = outcomes.iter().filter(|outcome| outcome.status != 200).count();
    println!("{} requests at {}/s, {failed} failed", outcomes.len(), options.rate);
    for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        println!("{name:>6} {:>9.2} ms", histogram.value_at_quantile(quantile) as f64 / 1_000.0);
    }
    bars(&histogram);
    match outcomes.iter().find_map(|outcome| outcome.error.as_ref()) {
        Some(error) => Err(format!("{failed} of {} requests failed, one of them so: {error}", outcomes.len()).into()),
        None => Ok(()),
    }
}

/// A bar per 20 ms.
fn bars(histogram: &Histogram<u64>) {
    let rows: Vec<(u64, u64)> = histogram
        .iter_linear(20_000)
        .map(|step| (step.value_iterated_to() / 1_000, step.count_since_last_iteration()))
        .collect();
    let most = rows.iter().map(|row| row.1).max().unwrap_or(1).max(1);
    for (millis, count) in rows {
        // A bar never vanishes while there is something to show: the tail is what matters here.
        let width = (count * 60 / most).max(u64::from(count > 0)) as usize;
        println!("<= {millis:>5} ms {count:>7} {}", "#".repeat(width));
    }
}
