//! Times off the CPU and the polls they fall into in; named waits of requests out.
//!
//! A thread that leaves the CPU while it works for a request makes the request wait. What for is told by the kernel function
//! it slept in, and where by the nearest function of the workspace; one that could have run on waits for a core.

use super::join::Polls;
use super::owners::{Owners, StackOwner};
use crate::model::{Item, NodeId, OffCpu, Profile, Sample, Wait};

/// Row of the time in which a request's thread was ready and another one had the core.
pub const RUN_QUEUE: &str = "ready, no free core (run queue)";

/// What a thread waits for that sleeps in a kernel function, by the beginning of its name; the innermost one counts.
const SLEEPS: &[(&str, &str)] = &[
    ("futex", "lock"),
    ("do_futex", "lock"),
    ("rwsem", "kernel lock"),
    ("__mutex_lock", "kernel lock"),
    ("hrtimer_nanosleep", "sleep"),
    ("do_nanosleep", "sleep"),
    ("common_nsleep", "sleep"),
    ("ep_poll", "poll"),
    ("do_epoll_wait", "poll"),
    ("do_sys_poll", "poll"),
    ("poll_schedule_timeout", "poll"),
    ("do_select", "poll"),
    ("io_cqring_wait", "poll"),
    ("sk_wait_data", "socket"),
    ("sk_stream_wait", "socket"),
    ("tcp_", "socket"),
    ("unix_stream", "socket"),
    ("inet_csk_accept", "socket"),
    ("pipe_", "pipe"),
    ("anon_pipe_", "pipe"),
    ("do_wait", "child process"),
    ("kernel_wait4", "child process"),
    ("jbd2_", "disk"),
    ("ext4_", "disk"),
    ("xfs_", "disk"),
    ("btrfs_", "disk"),
    ("folio_wait", "disk"),
    ("wait_on_page", "disk"),
    ("io_schedule", "disk"),
    ("submit_bio", "disk"),
    ("vfs_fsync", "disk"),
    ("handle_mm_fault", "page fault"),
];

/// The waits of requests that the scheduler tells of.
pub fn waits(profile: &Profile, items: &[Item], owners: &Owners, polls: &Polls) -> Vec<Wait> {
    let wait = |off: &OffCpu| {
        let left = Sample { leaf: None, weight: 0, time_ns: Some(off.start_ns), tid: Some(off.tid) };
        let request = polls.request_of(&left)?;
        let name = if off.runnable { RUN_QUEUE.to_owned() } else { name(profile, items, owners, off.leaf) };
        Some(Wait {
            request,
            name,
            start_ns: off.start_ns,
            end_ns: polls.end_at(&left).map_or(0, |e| e.min(off.end_ns)),
        })
    };
    profile.off_cpu.iter().filter_map(wait).collect()
}

/// `lock in gw::ledger::post`.
fn name(profile: &Profile, items: &[Item], owners: &Owners, leaf: Option<NodeId>) -> String {
    let callers = std::iter::successors(leaf, |n| profile.nodes[n.0 as usize].parent);
    let mut symbols = callers.map(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.as_str());
    let known = |symbol: &str| {
        let symbol = symbol.trim_start_matches("__x64_sys_").trim_start_matches("__se_sys_");
        SLEEPS.iter().find(|(start, _)| symbol.starts_with(start)).map(|(_, word)| *word)
    };
    let what = symbols.find_map(known).unwrap_or("blocked");
    match owners.of(leaf) {
        StackOwner::Item { item, .. } => format!("{what} in {}", items[item as usize].id.0),
        StackOwner::Label(label) => format!("{what} in {}", owners.labels[label as usize].1),
    }
}
