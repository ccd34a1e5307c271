//! What the twins wrote in; groups of calls of each build, merged into slices that take about as long, out.

use super::stats::median;

/// Slices that the groups are merged into at most: pairwise means grow with the square.
const SLICES: usize = 160;
/// Groups are merged until the times of slices vary by no more than this (coefficient of variation): inputs of a service
/// differ by orders of magnitude, and slices of few calls would let the many small ones speak for the few that take the time.
/// Where all calls take about as long, every group stays a pair of its own.
const VARIATION: f64 = 0.5;
/// Slices that groups are not merged below.
const SPREAD: usize = 24;

/// A group of calls: nanoseconds of old, new and old again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Group {
    pub calls: f64,
    pub ns: [f64; 3],
    is_matched: bool,
}

/// The line that stands before what the next build of the program writes.
pub const NEXT_BUILD: &str = "B\n";

/// Lines `T number matched calls old new again` of each build; what is damaged is left out.
pub(super) fn groups(written: &str, number: usize) -> Vec<Vec<Group>> {
    let read = |line: &str| {
        let words: Vec<u64> = line.strip_prefix("T ")?.split(' ').map(|w| w.parse().ok()).collect::<Option<_>>()?;
        let [n, matched, calls, old, new, again] = words[..] else { return None };
        let whole = n as usize == number && calls > 0 && old > 0 && new > 0 && again > 0;
        let ns = [old as f64, new as f64, again as f64];
        whole.then_some(Group { calls: calls as f64, ns, is_matched: matched == 1 })
    };
    let mut builds = vec![Vec::new()];
    for line in written.lines() {
        match read(line) {
            None if line == NEXT_BUILD.trim_end() => builds.push(Vec::new()),
            group => builds.last_mut().into_iter().for_each(|build| build.extend(group)),
        }
    }
    builds.retain(|build: &Vec<Group>| !build.is_empty());
    builds
}

/// Cuts what a body cannot have taken by itself (the thread was off its core): an arm that took many times what the
/// other two say it should. All arms are cut alike, so that equal bodies stay equal.
pub(super) fn tamed(mut builds: Vec<Vec<Group>>) -> Vec<Vec<Group>> {
    let mut ratios: Vec<f64> = builds.iter().flatten().map(|g| g.ns[1] / g.ns[0]).collect();
    let ratio = median(&mut ratios).max(f64::MIN_POSITIVE);
    let tame = |group: &mut Group| {
        let mut like_old = [group.ns[0], group.ns[1] / ratio, group.ns[2]];
        like_old.sort_by(f64::total_cmp);
        // Calls of one group see the same inputs only if they are matched.
        let most = like_old[1] * if group.is_matched { 3.0 } else { 10.0 };
        group.ns = [group.ns[0].min(most), group.ns[1].min(most * ratio), group.ns[2].min(most)];
    };
    builds.iter_mut().flatten().for_each(tame);
    builds
}

/// Merges neighbouring groups, so that large inputs count by the time they take.
pub(super) fn slices(builds: &[Vec<Group>]) -> Vec<Vec<Group>> {
    let groups = builds.concat();
    let per_slice = (groups.len() / SPREAD).min(alike(&groups)).max(groups.len().div_ceil(SLICES)).max(1);
    let merged = |chunk: &[Group]| {
        chunk.iter().fold(Group::default(), |sum, g| Group {
            calls: sum.calls + g.calls,
            ns: [sum.ns[0] + g.ns[0], sum.ns[1] + g.ns[1], sum.ns[2] + g.ns[2]],
            is_matched: g.is_matched,
        })
    };
    let of = |build: &Vec<Group>| build.chunks_exact(per_slice).map(merged).collect::<Vec<Group>>();
    builds.iter().map(of).filter(|build| !build.is_empty()).collect()
}

/// How many groups make sums that vary little: a sum of n varies as one by the square root of n.
fn alike(groups: &[Group]) -> usize {
    let mut times: Vec<f64> = groups.iter().map(|g| g.ns[0].min(g.ns[2])).collect();
    times.sort_by(f64::total_cmp);
    // Both runs interrupted is seldom, and is no large input.
    let most = times.get(times.len() * 49 / 50).copied().unwrap_or_default();
    let n = times.len().max(1) as f64;
    let mean = times.iter().map(|t| t.min(most)).sum::<f64>() / n;
    let variance = times.iter().map(|t| (t.min(most) - mean).powi(2)).sum::<f64>() / n;
    (variance / (mean * VARIATION).powi(2).max(f64::MIN_POSITIVE)).ceil() as usize
}
