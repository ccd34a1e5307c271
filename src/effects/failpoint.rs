//! A number from the environment in, a process killed at that step out: how the tests prove that no moment of a crash loses work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Kills this process, as `kill -9` would, at the step whose number (from 1) stands in `REFIT_FAILPOINT`. Inert without it.
pub fn step(name: &str) {
    static AT: OnceLock<Option<u64>> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let at = AT.get_or_init(|| std::env::var("REFIT_FAILPOINT").ok()?.parse().ok());
    let Some(at) = at else { return };
    let now = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    if now == *at {
        eprintln!("failpoint {now}: {name}");
        die();
    }
}

#[cfg(unix)]
fn die() -> ! {
    // SAFETY: both calls only concern this process; SIGKILL cannot be caught, so abort is never reached.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
    std::process::abort()
}

#[cfg(not(unix))]
fn die() -> ! {
    std::process::abort()
}
