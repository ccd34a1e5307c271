//! The events of one recording in; the one whose samples are used, and what is to be said of the others, out.

use super::perf_switch::is_switch;
use super::trouble::counted;
use crate::model::{Problem, Unit};

/// An event with its samples.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name with modifiers.
    pub name: String,
    /// Number of samples.
    pub samples: u64,
    /// True if its samples have weights.
    pub with_period: bool,
}

impl Event {
    /// What its weights count.
    pub fn unit(&self) -> Unit {
        match (self.with_period, self.is_clock()) {
            (true, true) => Unit::CpuNanoseconds,
            (true, false) => Unit::Events,
            (false, _) => Unit::Samples,
        }
    }

    /// True for the scheduler's event: it tells waits and has no cost.
    pub fn is_switch(&self) -> bool {
        is_switch(self.name.as_bytes())
    }

    fn is_clock(&self) -> bool {
        matches!(self.name.split(':').next(), Some("cpu-clock" | "task-clock"))
    }
}

/// Clock events first, since only they count time; else the first event of the file that has a cost.
pub fn kept_event(events: &[Event]) -> Option<usize> {
    let clock = events.iter().position(|e| e.is_clock() && e.with_period);
    clock.or_else(|| events.iter().position(|e| !e.is_switch()))
}

/// What is left out, and that there is nothing to use.
pub fn event_problems(events: &[Event], kept: Option<usize>, switched: bool) -> Vec<Problem> {
    let Some(kept) = kept else {
        let help = "record with `perf record -k mono -e cpu-clock --call-graph dwarf`, then run `perf script`";
        return vec![
            match switched {
                true => Problem::warning("only scheduler events were recorded: waits are shown, time on a CPU is not"),
                false => Problem::error("there is no sample in this perf script text"),
            }
            .help(help),
        ];
    };
    let others: Vec<String> = events
        .iter()
        .enumerate()
        .filter(|(i, e)| *i != kept && !(switched && e.is_switch()))
        .map(|(_, e)| format!("{} of {}", counted(e.samples, "sample"), e.name))
        .collect();
    if others.is_empty() {
        return Vec::new();
    }
    let what = format!("only samples of {} are used; left out: {}", events[kept].name, others.join(", "));
    vec![Problem::warning(what).help("different events cannot be added up; give each a file of its own")]
}
