//! Scheduler switches of a recording in; the stretches in which threads were off the CPU out.

use super::intern::FastMap;
use crate::model::{NodeId, OffCpu};

/// True for the scheduler's event.
pub fn is_switch(event: &[u8]) -> bool {
    event.starts_with(b"sched:sched_switch")
}

/// What the fields of `sched:sched_switch` say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Switch {
    /// The thread that goes could have run on.
    pub runnable: bool,
    /// The thread that comes.
    pub next: Option<u64>,
}

/// Reads `prev_comm=a prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=b next_pid=8 next_prio=120`, or the short form
/// `a:7 [120] S ==> b:8 [120]`. Names may hold anything, so both are read from the arrow outwards.
pub fn read(payload: &[u8]) -> Option<Switch> {
    let text = String::from_utf8_lossy(payload);
    let (before, after) = text.rsplit_once(" ==> ")?;
    let state = match before.rsplit_once("prev_state=") {
        Some((_, state)) => state,
        None => before.rsplit(' ').next()?,
    };
    let next = match after.rsplit_once("next_pid=") {
        Some((_, next)) => next.split(' ').next()?,
        None => after.rsplit_once(" [").map_or(after, |(name, _)| name).rsplit(':').next()?,
    };
    Some(Switch { runnable: state.trim().starts_with('R'), next: next.trim().parse().ok() })
}

/// Follows the threads of one recording.
#[derive(Clone, Default)]
pub struct Switches {
    /// Threads that are off the CPU, since when and where.
    off: FastMap<u64, OffCpu>,
    /// When threads that had not left before were switched to.
    came: FastMap<u64, u64>,
    done: Vec<OffCpu>,
}

impl Switches {
    /// A thread was seen to run.
    #[inline]
    pub fn runs(&mut self, tid: u64, time_ns: u64) {
        if !self.off.is_empty() {
            self.comes(tid, time_ns);
        }
    }

    /// A thread leaves the CPU, and perhaps another one comes.
    pub fn leaves(&mut self, tid: u64, time_ns: u64, leaf: Option<NodeId>, switch: Switch) {
        let left = OffCpu { tid, start_ns: time_ns, end_ns: time_ns, leaf, runnable: switch.runnable };
        // Thread 0 is the idle loop: it waits for nobody.
        if tid != 0 {
            self.off.insert(tid, left);
        }
        if let Some(next) = switch.next.filter(|n| *n != 0 && *n != tid)
            && !self.comes(next, time_ns)
        {
            self.came.entry(next).or_insert(time_ns);
        }
    }

    fn comes(&mut self, tid: u64, time_ns: u64) -> bool {
        let Some(left) = self.off.remove(&tid) else { return false };
        self.done.push(OffCpu { end_ns: time_ns.max(left.start_ns), ..left });
        true
    }

    /// True if no thread was ever switched.
    pub fn is_empty(&self) -> bool {
        self.off.is_empty() && self.done.is_empty()
    }

    /// Takes over what follows; `first` tells when a thread was first sampled there.
    pub fn join(&mut self, later: Switches, nodes: &[NodeId], first: impl Fn(u64) -> Option<u64>) {
        let moved = |o: OffCpu| OffCpu { leaf: o.leaf.map(|n| nodes[n.0 as usize]), ..o };
        for tid in self.off.keys().copied().collect::<Vec<_>>() {
            let switched = later.done.iter().chain(later.off.values()).filter(|o| o.tid == tid).map(|o| o.start_ns);
            let seen = switched.chain(first(tid)).chain(later.came.get(&tid).copied()).min();
            if let Some(time) = seen {
                self.comes(tid, time);
            }
        }
        for (tid, time) in later.came {
            self.came.entry(tid).or_insert(time);
        }
        self.done.extend(later.done.into_iter().map(moved));
        self.off.extend(later.off.into_iter().map(|(tid, o)| (tid, moved(o))));
    }

    /// The stretches that ended, in the order of their threads and times. What never came back is not known to have waited.
    pub fn into_stretches(mut self) -> Vec<OffCpu> {
        self.done.sort_by_key(|o| (o.start_ns, o.tid, o.end_ns));
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_switch_are_read() {
        let of = |text: &str| read(text.as_bytes());
        let long = "prev_comm=a ==> b prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=x next_pid=1 next_pid=8 next_prio=120";
        assert_eq!(of(long), Some(Switch { runnable: false, next: Some(8) }));
        assert_eq!(of("gw:pool 1:7 [120] R+ ==> swapper/0:0 [120]"), Some(Switch { runnable: true, next: Some(0) }));
        assert_eq!(of("prev_comm=a prev_pid=7"), None);
    }

    #[test]
    fn a_thread_is_away_from_its_switch_until_it_is_seen_again() {
        let switch = |runnable, next| Switch { runnable, next: Some(next) };
        let mut switches = Switches::default();
        switches.leaves(7, 100, None, switch(false, 8));
        switches.runs(9, 120);
        switches.leaves(8, 150, None, switch(true, 7));
        switches.runs(8, 170);
        switches.leaves(7, 180, None, switch(false, 0));
        let away = |tid, start_ns, end_ns, runnable| OffCpu { tid, start_ns, end_ns, leaf: None, runnable };
        assert_eq!(switches.into_stretches(), [away(7, 100, 150, false), away(8, 150, 170, true)]);
    }
}
