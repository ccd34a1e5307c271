//! Counters, a latency histogram and the access log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what the workers do; all of them write to it.
#[derive(Debug, Default)]
pub struct Counters {
    pub requests: AtomicU64,
    pub approved: AtomicU64,
    pub declined: AtomicU64,
    pub failed: AtomicU64,
    pub lines: AtomicU64,
    pub bytes: AtomicU64,
}

/// Counts what the acquirer does.
#[derive(Debug, Default)]
pub struct AcquirerCounters {
    pub calls: AtomicU64,
    pub retries: AtomicU64,
    pub refusals: AtomicU64,
}

/// How many requests took up to so many milliseconds.
#[derive(Debug, Default)]
pub struct Latencies {
    pub up_to_50: AtomicU64,
    pub up_to_100: AtomicU64,
    pub up_to_200: AtomicU64,
    pub slower: AtomicU64,
}

impl Counters {
    pub fn request(&self, bytes: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts the lines of an order as they are worked on.
    pub fn line(&self) {
        self.lines.fetch_add(1, Ordering::Relaxed);
    }

    pub fn decided(&self, approved: bool) {
        if approved {
            self.approved.fetch_add(1, Ordering::Relaxed);
        } else {
            self.declined.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl AcquirerCounters {
    pub fn call(&self, attempt: u32) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if attempt > 1 {
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }
}

impl Latencies {
    pub fn observe(&self, millis: u64) {
        let bucket = match millis {
            0..=50 => &self.up_to_50,
            51..=100 => &self.up_to_100,
            101..=200 => &self.up_to_200,
            _ => &self.slower,
        };
        bucket.fetch_add(1, Ordering::Relaxed);
    }
}

/// All metrics of the service.
#[derive(Debug, Default)]
pub struct Metrics {
    pub counters: Counters,
    pub acquirer: AcquirerCounters,
    pub latencies: Latencies,
}

impl Metrics {
    /// The text that `GET /metrics` answers with.
    pub fn render(&self) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let values = [
            ("gateway_requests_total", read(&self.counters.requests)),
            ("gateway_approved_total", read(&self.counters.approved)),
            ("gateway_declined_total", read(&self.counters.declined)),
            ("gateway_failed_total", read(&self.counters.failed)),
            ("gateway_lines_total", read(&self.counters.lines)),
            ("gateway_bytes_total", read(&self.counters.bytes)),
            ("acquirer_calls_total", read(&self.acquirer.calls)),
            ("acquirer_retries_total", read(&self.acquirer.retries)),
            ("acquirer_refusals_total", read(&self.acquirer.refusals)),
            ("gateway_latency_ms_le_50", read(&self.latencies.up_to_50)),
            ("gateway_latency_ms_le_100", read(&self.latencies.up_to_100)),
            ("gateway_latency_ms_le_200", read(&self.latencies.up_to_200)),
            ("gateway_latency_ms_slower", read(&self.latencies.slower)),
        ];
        let mut text = String::new();
        for (name, value) in values {
            text.push_str(&format!("{name} {value}\n"));
        }
        text
    }
}

/// One line per answered request.
pub struct AccessLog {
    file: File,
}

impl AccessLog {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(AccessLog { file: OpenOptions::new().create(true).append(true).open(path)? })
    }

    pub fn record(&mut self, request: &str, operation: &str, status: u16) -> io::Result<()> {
        let line = format!("{request} {operation} {status}\n");
        self.file.write_all(line.as_bytes())?;
        self.file.flush()?;
        Ok(())
    }

    /// Writes out what is still buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The day book: one line per category of an approved payment, for the accountants.
pub struct DayBook {
    path: PathBuf,
}

impl DayBook {
    pub fn new(path: &Path) -> Self {
        DayBook { path: path.to_path_buf() }
    }

    pub fn enter(&self, payment: &str, category: &str, amount: u64) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        writeln!(file, "{payment} {category} {amount}")?;
        file.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn metrics_render_in_a_fixed_order() {
        let metrics = Metrics::default();
        metrics.counters.request(120);
        metrics.counters.request(3);
        metrics.counters.line();
        metrics.counters.decided(true);
        metrics.counters.decided(false);
        metrics.counters.decided(false);
        metrics.counters.failure();
        metrics.acquirer.call(1);
        metrics.acquirer.call(2);
        metrics.acquirer.refusal();
        for millis in [0, 50, 51, 100, 101, 200, 201] {
            metrics.latencies.observe(millis);
        }
        assert_eq!(
            metrics.render(),
            "gateway_requests_total 2\ngateway_approved_total 1\ngateway_declined_total 2\n\
             gateway_failed_total 1\ngateway_lines_total 1\ngateway_bytes_total 123\n\
             acquirer_calls_total 2\nacquirer_retries_total 1\nacquirer_refusals_total 1\n\
             gateway_latency_ms_le_50 2\ngateway_latency_ms_le_100 2\ngateway_latency_ms_le_200 2\n\
             gateway_latency_ms_slower 1\n"
        );
    }

    #[test]
    fn counters_lose_nothing_between_threads() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for approved in [true, false] {
                let counters = &counters;
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        counters.request(1);
                        counters.line();
                        counters.decided(approved);
                    }
                });
            }
        });
        assert_eq!(counters.requests.load(Ordering::Relaxed), 4_000);
        assert_eq!(counters.lines.load(Ordering::Relaxed), 4_000);
        assert_eq!(counters.approved.load(Ordering::Relaxed), 2_000);
        assert_eq!(counters.declined.load(Ordering::Relaxed), 2_000);
    }

    #[test]
    fn the_access_log_has_a_line_per_request() {
        let scratch = Scratch::new();
        let path = scratch.file("access.log");
        let mut log = AccessLog::open(&path).unwrap();
        log.record("r-1", "POST /authorize", 200).unwrap();
        log.record("r-2", "GET /health", 204).unwrap();
        log.flush().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "r-1 POST /authorize 200\nr-2 GET /health 204\n");
    }

    #[test]
    fn the_day_book_is_appended_to() {
        let scratch = Scratch::new();
        let path = scratch.file("day-book");
        let book = DayBook::new(&path);
        book.enter("p-1", "C0001", 100).unwrap();
        book.enter("p-2", "C0002", 5).unwrap();
        drop(book);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "p-1 C0001 100\np-2 C0002 5\n");
    }
}
