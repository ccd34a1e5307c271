//! A flag that a person raises and long work looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared between the one who waits and the one who works.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    own: Arc<AtomicBool>,
    outer: Option<Arc<Cancel>>,
}

impl Cancel {
    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::SeqCst);
    }

    /// True once the work should stop.
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::SeqCst) || self.outer.as_ref().is_some_and(|outer| outer.is_cancelled())
    }

    /// A flag for a part of the work: it stops with the whole, or by itself.
    pub fn part(&self) -> Cancel {
        Cancel { own: Arc::default(), outer: Some(Arc::new(self.clone())) }
    }
}
