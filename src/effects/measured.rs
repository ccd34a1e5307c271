//! Refit measured with its own instrument: names of commands and frames in, the request log of `REFIT_REQUEST_LOG` out.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::span::EnteredSpan;
use tracing_subscriber::layer::SubscriberExt;

use super::request_log::{FlushOnDrop, RequestLog};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Starts the log that `REFIT_REQUEST_LOG` names; without that variable spans cost a branch and an atomic load.
///
/// `{pid}` in the name is the process, so that many runs can be recorded at once.
/// Keep what it returns until the program ends.
pub fn start() -> Option<FlushOnDrop> {
    let path = std::env::var("REFIT_REQUEST_LOG").ok()?.replace("{pid}", &std::process::id().to_string());
    let (layer, guard) = RequestLog::create(Path::new(&path)).ok()?;
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).ok()?;
    Some(guard)
}

/// Runs one operation (`refit rank`) as a request of the log.
pub fn operation<T>(name: &str, run: impl FnOnce() -> T) -> T {
    let _entered = entered(name);
    run()
}

/// One operation (`key to frame`) as a request of the log, from now until what it returns is dropped.
pub fn entered(name: &str) -> EnteredSpan {
    // The system uses process ids again, and a recording holds the logs of many processes: the time tells them apart.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_micros());
    let request = format!("{}-{now}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    tracing::info_span!("operation", request = request.as_str(), operation = name).entered()
}

/// Runs something that the operation around it waits for, under a name of its own.
pub fn waiting<T>(name: &str, run: impl FnOnce() -> T) -> T {
    tracing::info_span!("waiting", wait = name).in_scope(run)
}
