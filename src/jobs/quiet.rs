//! Measurements and questions in; never both at once, so that reading a project does not slow what is being timed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::effects::Cancel;

/// How often one who waits looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Shared by both lanes: a measurement waits for the question that runs, and questions wait for the measurement.
#[derive(Clone, Debug, Default)]
pub struct Quiet(Arc<(Mutex<Held>, Condvar)>);

#[derive(Debug, Default)]
struct Held {
    /// Measurements that run or want to: questions keep back.
    measuring: u32,
    /// Questions that run.
    asking: u32,
}

/// Held while something is measured.
#[derive(Debug)]
pub struct Measuring(Quiet);

/// Held while a question is answered.
#[derive(Debug)]
pub struct Asking(Quiet);

impl Quiet {
    /// Keeps questions back and waits until the one that runs has ended; cancelled, it waits no longer.
    pub fn measure(&self, cancel: &Cancel) -> Measuring {
        let mut held = self.held();
        held.measuring += 1;
        while held.asking > 0 && !cancel.is_cancelled() {
            held = self.wait(held);
        }
        Measuring(self.clone())
    }

    /// Waits until nothing is measured; `rests` is called once if it has to wait. `None` if it was cancelled meanwhile.
    pub fn ask(&self, cancel: &Cancel, rests: impl FnOnce()) -> Option<Asking> {
        let mut held = self.held();
        if held.measuring > 0 {
            rests();
        }
        while held.measuring > 0 {
            if cancel.is_cancelled() {
                return None;
            }
            held = self.wait(held);
        }
        held.asking += 1;
        Some(Asking(self.clone()))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, held: MutexGuard<'a, Held>) -> MutexGuard<'a, Held> {
        self.0.1.wait_timeout(held, LOOK).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.held().measuring -= 1;
        self.0.0.1.notify_all();
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.held().asking -= 1;
        self.0.0.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn questions_rest_until_the_measurement_has_ended() {
        let (quiet, cancel) = (Quiet::default(), Cancel::default());
        let measuring = quiet.measure(&cancel);
        let (answered, rested) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let asker = scope.spawn(|| {
                let asking = quiet.ask(&cancel, || rested.store(true, Ordering::SeqCst));
                answered.store(true, Ordering::SeqCst);
                assert!(asking.is_some());
            });
            while !rested.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            assert!(!answered.load(Ordering::SeqCst), "a question must not be answered while something is measured");
            drop(measuring);
            asker.join().unwrap();
        });
        assert!(answered.load(Ordering::SeqCst));
    }

    #[test]
    fn a_measurement_waits_for_the_question_that_runs() {
        let (quiet, cancel) = (Quiet::default(), Cancel::default());
        let asking = quiet.ask(&cancel, || panic!("nothing is measured yet"));
        let began = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let measurer = scope.spawn(|| {
                let _measuring = quiet.measure(&cancel);
                began.store(true, Ordering::SeqCst);
            });
            while quiet.held().measuring == 0 {
                std::thread::yield_now();
            }
            assert!(!began.load(Ordering::SeqCst));
            drop(asking);
            measurer.join().unwrap();
        });
    }

    #[test]
    fn a_cancelled_question_waits_no_longer() {
        let (quiet, cancel) = (Quiet::default(), Cancel::default());
        let _measuring = quiet.measure(&cancel);
        cancel.cancel();
        assert!(quiet.ask(&cancel, || ()).is_none());
    }
}
