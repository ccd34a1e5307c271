//! A `tracing` layer: request spans in, one JSON object a line out, in nanoseconds of CLOCK_MONOTONIC.
//!
//! Copy this file into a service (it needs `tracing`, `tracing-subscriber` with its `registry`, and `libc`), install
//! the layer, and wrap the future that serves a request in a span with the fields `request` and `operation`. A span
//! inside of it with a field `wait` gives the time it spends open a name. Then the log holds
//!
//! ```text
//! {"request":"r-17","operation":"POST /authorize","start_ns":120,"end_ns":980}
//! {"request":"r-17","tid":4242,"poll_start_ns":120,"poll_end_ns":310}
//! {"request":"r-17","wait":"acquirer","start_ns":300,"end_ns":900}
//! ```
//!
//! A request that one thread served without a break has `"tid"` in its first line and no poll lines. Use
//! `perf record -k mono`, so that samples and requests share one clock.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The layer; it writes what a request did when the request's span closes.
pub struct RequestLog(Arc<Sink>);

/// Keep it until the service ends: dropping it flushes the log.
pub struct FlushOnDrop(Arc<Sink>);

struct Sink(Mutex<BufWriter<File>>);

impl RequestLog {
    /// Creates the file and starts the thread that flushes it four times a second.
    pub fn create(path: &Path) -> io::Result<(RequestLog, FlushOnDrop)> {
        let sink = Arc::new(Sink(Mutex::new(BufWriter::new(File::create(path)?))));
        let weak = Arc::downgrade(&sink);
        std::thread::Builder::new().name("request-log".to_owned()).spawn(move || flush_until_dropped(&weak))?;
        Ok((RequestLog(sink.clone()), FlushOnDrop(sink)))
    }
}

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        let _ = self.0.writer().flush();
    }
}

impl Sink {
    fn writer(&self) -> MutexGuard<'_, BufWriter<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn flush_until_dropped(sink: &Weak<Sink>) {
    while let Some(sink) = sink.upgrade() {
        let _ = sink.writer().flush();
        drop(sink);
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// What the registry keeps with an open request span.
struct Request {
    id: String,
    operation: String,
    start: u64,
    entered: u64,
    polls: Vec<(u32, u64, u64)>,
    waits: Vec<(String, u64, u64)>,
}

/// What the registry keeps with an open span that has a field `wait`.
struct Wait {
    name: String,
    start: u64,
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RequestLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let start = monotonic_ns();
        if let Some(id) = fields.request {
            let operation = fields.operation.unwrap_or_else(|| span.name().to_owned());
            let request = Request { id, operation, start, entered: start, polls: Vec::new(), waits: Vec::new() };
            span.extensions_mut().insert(request);
        } else if let Some(name) = fields.wait {
            span.extensions_mut().insert(Wait { name, start });
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(request) = span.extensions_mut().get_mut::<Request>() {
            request.entered = monotonic_ns();
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(request) = span.extensions_mut().get_mut::<Request>() {
            request.polls.push((thread_id(), request.entered, monotonic_ns()));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let end = monotonic_ns();
        if let Some(request) = span.extensions_mut().remove::<Request>() {
            // A full disk must not fail the request that is being measured.
            let _ = self.0.writer().write_all(request.lines(end).as_bytes());
        }
        let wait = span.extensions_mut().remove::<Wait>();
        for outer in span.scope().skip(1) {
            let mut extensions = outer.extensions_mut();
            if let (Some(wait), Some(request)) = (&wait, extensions.get_mut::<Request>()) {
                request.waits.push((wait.name.clone(), wait.start, end));
                break;
            }
        }
    }
}

impl Request {
    fn lines(&self, end: u64) -> String {
        let (id, operation, start) = (quoted(&self.id), quoted(&self.operation), self.start);
        let mut text = format!(r#"{{"request":{id},"operation":{operation},"start_ns":{start},"end_ns":{end}"#);
        if let [(tid, _, _)] = self.polls[..] {
            text.push_str(&format!(",\"tid\":{tid}}}\n"));
        } else {
            text.push_str("}\n");
            for (tid, from, to) in &self.polls {
                text.push_str(&format!(
                    "{{\"request\":{id},\"tid\":{tid},\"poll_start_ns\":{from},\"poll_end_ns\":{to}}}\n"
                ));
            }
        }
        for (wait, from, to) in &self.waits {
            let wait = quoted(wait);
            text.push_str(&format!("{{\"request\":{id},\"wait\":{wait},\"start_ns\":{from},\"end_ns\":{to}}}\n"));
        }
        text
    }
}

#[derive(Default)]
struct Fields {
    request: Option<String>,
    operation: Option<String>,
    wait: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "request" => self.request = Some(value.to_owned()),
            "operation" => self.operation = Some(value.to_owned()),
            "wait" => self.wait = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the one timespec that the call writes.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

fn thread_id() -> u32 {
    // SAFETY: the call takes no arguments and cannot fail.
    unsafe { libc::gettid() }.unsigned_abs()
}
