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
use crate::model::{Item, Profile, Progress};
use crate::pipeline;

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
                // Beside samples a trace only says when requests ran.
                if has_samples(&newest) || !last.as_ref().is_some_and(has_samples) {
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

/// The look that counts: the newest one that has samples, or the newest.
fn newest(first: Look, others: impl Iterator<Item = Look>) -> Look {
    others.fold(first, |newest, look| if has_samples(&look) || !has_samples(&newest) { look } else { newest })
}

fn has_samples(look: &Look) -> bool {
    !look.profile.samples.is_empty()
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
        let rows: Vec<String> = shares.iter().take(ROWS).map(row).collect();
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

/// Crates whose functions get rows: those of the workspace as its manifests on disk name them, and those that `slo.toml` names.
fn own_crates(workspace: &Workspace) -> Vec<String> {
    let Workspace { root, slo, .. } = workspace;
    let manifests = init::manifests(root, &walk::files(root));
    let (mut crates, _) = project::crates(&manifests, &slo.code.root);
    let packages = &slo.code.packages;
    crates.retain(|c| packages.is_empty() || packages.contains(&c.package));
    slo.code.own.iter().cloned().chain(crates.into_iter().map(|c| c.name)).collect()
}
