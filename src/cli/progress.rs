//! What a running job says in; lines on standard error out, and Ctrl-C turned into a wish to stop.

use std::io::Write;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};

use super::style::Style;
use crate::effects::Cancel;
use crate::jobs::Ear;
use crate::model::{Progress, RungState};

/// An ear with a thread behind it that prints; it ends when it is dropped.
pub(super) struct Listener {
    ear: Option<Ear>,
    printer: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(style: Style) -> Listener {
        let (sender, receiver) = unbounded();
        let cancel = Cancel::default();
        cancel_on_interrupt(cancel.clone());
        let printer = std::thread::spawn(move || print_all(&receiver, style));
        Listener { ear: Some(Ear { progress: sender, cancel, ..Ear::deaf() }), printer: Some(printer) }
    }

    pub(super) fn ear(&self) -> &Ear {
        self.ear.as_ref().expect("the ear is there until the listener is dropped")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The printer ends when the last sender is gone, so that no line comes after the answer.
        self.ear = None;
        if let Some(printer) = self.printer.take() {
            let _ = printer.join();
        }
    }
}

/// The first Ctrl-C asks the job to stop, the second ends Refit at once.
fn cancel_on_interrupt(cancel: Cancel) {
    let Ok(mut signals) = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT]) else { return };
    std::thread::spawn(move || {
        for (times, _) in signals.forever().enumerate() {
            if times > 0 {
                std::process::exit(130);
            }
            cancel.cancel();
            let _ = writeln!(std::io::stderr(), "\nstopping; once more to quit at once");
        }
    });
}

/// Work that ends within this time is not told about: nobody could read it.
const PATIENCE: Duration = Duration::from_secs(1);

fn print_all(receiver: &Receiver<Progress>, style: Style) {
    let began = Instant::now();
    let mut held: Vec<String> = Vec::new();
    let mut last_step = String::new();
    loop {
        let wait = if held.is_empty() { Duration::from_secs(3_600) } else { PATIENCE.saturating_sub(began.elapsed()) };
        match receiver.recv_timeout(wait) {
            Ok(Progress::Step { what, .. }) if what == last_step => {}
            Ok(Progress::Step { what, done, total }) => {
                last_step.clone_from(&what);
                held.push(step(&what, done, total));
            }
            Ok(other) => held.extend(words(&other, style)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if began.elapsed() >= PATIENCE {
            held.drain(..).for_each(|line| drop(writeln!(std::io::stderr(), "{line}")));
        }
    }
}

fn step(what: &str, done: u64, total: u64) -> String {
    if total > 0 { format!("[{done}/{total}] {what}") } else { what.to_owned() }
}

/// Log lines of commands stay out: their tail is in the evidence.
fn words(progress: &Progress, style: Style) -> Option<String> {
    match progress {
        Progress::Estimate(rungs) => {
            let seconds: u64 = rungs.iter().map(|(_, s)| s).sum();
            let parts: Vec<String> = rungs.iter().map(|(rung, s)| format!("{} {s} s", rung.word())).collect();
            Some(format!("about {} min {} s: {}", seconds / 60, seconds % 60, parts.join(", ")))
        }
        Progress::Rung(id, evidence) => {
            let state = match evidence.state {
                RungState::Passed => style.good(evidence.state.word()),
                RungState::Failed => style.bad(evidence.state.word()),
                _ => style.doubtful(evidence.state.word()),
            };
            Some(format!("{id}  {}: {state}, {}", evidence.rung.word(), evidence.detail))
        }
        Progress::Measured(id, m) => Some(format!(
            "{id}  so far {:.3} of the old time [{:.3}, {:.3}], {} pairs",
            m.ratio, m.ci.0, m.ci.1, m.pairs
        )),
        Progress::Step { .. } | Progress::Log(_) => None,
    }
}
