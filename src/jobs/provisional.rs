//! Looks at sources that are still being read in; their largest shares so far, with intervals, told to whoever listens, out.
//!
//! Nothing is waited for: until the code has been surveyed, functions are named and owned by their symbols alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, never, select};

use super::reading::Look;
use super::symbols::Shelf;
use super::{Ear, Workspace, init};
use crate::attribute::Share;
use crate::effects::{files, project, walk};
use crate::model::{Interval, Item, ObjectiveSplit, Profile, Progress};
use crate::{pipeline, rank};

/// Functions that are told of.
const ROWS: usize = 5;

/// Tells the largest shares of every look that is taken, until the last source was read; once the items of the workspace
/// come, shares are those of items.
pub(super) fn tell(workspace: &Workspace, looks: &Receiver<Look>, mut items: Receiver<Arc<Vec<Item>>>, ear: &Ear) {
    let mut teller = Teller { workspace, ear, shelves: BTreeMap::new(), own: None, items: None };
    let mut last: Option<Look> = None;
    loop {
        select! {
            recv(looks) -> look => {
                let Ok(look) = look else { return };
                let newest = newest(look, looks.try_iter());
                // Beside samples a trace only says when requests ran, and beside a trace a log of requests.
                if last.as_ref().is_none_or(|last| says(last) <= says(&newest)) {
                    last = Some(teller.named(newest));
                }
            }
            recv(items) -> found => {
                items = never();
                teller.items = found.ok();
            }
        }
        if let Some(look) = &last {
            teller.tell(look);
        }
    }
}

/// The look that counts: the newest one of those that say most.
fn newest(first: Look, others: impl Iterator<Item = Look>) -> Look {
    others.fold(first, |newest, look| if says(&look) >= says(&newest) { look } else { newest })
}

/// How much a look says of functions.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Latencies,
    Spans,
    Samples,
}

fn says(look: &Look) -> Says {
    match (look.profile.samples.is_empty(), look.profile.spans.is_empty()) {
        (false, _) => Says::Samples,
        (true, false) => Says::Spans,
        (true, true) => Says::Latencies,
    }
}

struct Teller<'w> {
    workspace: &'w Workspace,
    ear: &'w Ear,
    shelves: BTreeMap<usize, Shelf>,
    /// Names of the workspace's crates, found when they are first needed.
    own: Option<Vec<String>>,
    items: Option<Arc<Vec<Item>>>,
}

impl Teller<'_> {
    /// A look with its frames named.
    fn named(&mut self, look: Look) -> Look {
        let Workspace { root, slo, .. } = self.workspace;
        let Some(source) = slo.sources.get(look.place).filter(|_| !look.profile.addresses.is_empty()) else {
            return look;
        };
        let shelf = self.shelves.entry(look.place).or_insert_with(|| Shelf::new(root, source.binary.as_deref()));
        let profile = shelf.name_by_symbols(look.profile, files::modified(&root.join(&source.file)));
        Look { profile, ..look }
    }

    fn tell(&mut self, look: &Look) {
        let shares = self.shares(&look.profile);
        let row = |s: &Share| {
            let [share, low, high] = [s.share, s.interval.low, s.interval.high].map(|x| 100.0 * x);
            format!("{} {share:.1} % [{low:.1}, {high:.1}]", s.name)
        };
        let latencies = pipeline::provisional_latencies(&look.profile, &self.workspace.slo);
        let rows: Vec<String> = latencies.iter().filter_map(latency).chain(shares.iter().map(row)).take(ROWS).collect();
        if rows.is_empty() {
            return;
        }
        let by = if self.items.is_none() { ", by symbols" } else { "" };
        let what = format!("{} so far ({:.0} MB{by}): {}", look.source, look.bytes as f64 / 1e6, rows.join(" · "));
        self.ear.tell(Progress::Step { what, done: 0, total: 0 });
    }

    fn shares(&mut self, profile: &Profile) -> Vec<Share> {
        let slo = &self.workspace.slo;
        match &self.items {
            Some(items) => pipeline::provisional(profile, items, &slo.code.own),
            None => {
                let own = self.own.get_or_insert_with(|| own_crates(self.workspace));
                pipeline::provisional(profile, &[], own)
            }
        }
    }
}

/// `authorize p99 12.1 ms [11.8, 12.6]`.
fn latency(objective: &ObjectiveSplit) -> Option<String> {
    let Interval { low, high } = objective.ci_ms;
    let percentile = rank::percentile(objective.quantile);
    Some(format!("{} {percentile} {:.1} ms [{low:.1}, {high:.1}]", objective.slo, objective.measured_ms?))
}

/// Crates whose functions get rows: those of the workspace as its manifests on disk name them, and those that `slo.toml` names.
fn own_crates(workspace: &Workspace) -> Vec<String> {
    let Workspace { root, slo, .. } = workspace;
    let manifests = init::manifests(root, &walk::files(root));
    let (mut crates, _) = project::crates(&manifests, &slo.code.root);
    let packages = &slo.code.packages;
    crates.retain(|c| packages.is_empty() || packages.contains(&c.package));
    slo.code.own.iter().cloned().chain(crates.into_iter().map(|c| c.name)).collect()
}
