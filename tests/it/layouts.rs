//! Proposals that change types: both land although each brings the same helper, and old and new are measured.

use refit::jobs::{self, Ear, ProveOptions, Workspace};
use refit::model::*;

use crate::proposals::{accept, deaf};
use crate::scene::Scene;
use crate::verify::{open, prove_one, tiny_with};

const COUNTERS: &str = r#"//! Counters of two kinds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What came in.
#[derive(Default)]
pub struct Incoming {
    asked: AtomicU64,
    refused: AtomicU64,
}

/// What went out.
#[derive(Default)]
pub struct Outgoing {
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Incoming {
    /// Counts a request.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// Counts a refusal.
    pub fn refuse(&self) -> u64 {
        self.refused.fetch_add(1, Relaxed)
    }
}

impl Outgoing {
    /// Counts an answer.
    pub fn answer(&self) {
        self.answered.fetch_add(1, Relaxed);
    }

    /// Counts a failure.
    pub fn fail(&self) -> u64 {
        self.failed.fetch_add(1, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_count() {
        let (incoming, outgoing) = (Incoming::default(), Outgoing::default());
        incoming.ask();
        outgoing.answer();
        assert_eq!(incoming.refuse() + outgoing.fail(), 0);
    }
}
"#;

fn padding(workspace: &Workspace) -> Vec<Rewrite> {
    let analysis = workspace.analyse(true, &deaf()).expect("the crate is read");
    analysis.rewrites.into_iter().filter(|r| r.rule.0 == "contended-atomics").collect()
}

/// Accepts and signs, obligations included, without evidence.
fn signed(workspace: &Workspace, rewrite: &Rewrite) -> SignOff {
    accept(workspace, rewrite);
    jobs::accept_obligations(workspace, rewrite).unwrap();
    jobs::sign(workspace, rewrite, None, "", Some("tried by hand".into())).unwrap()
}

fn landed(scene: &Scene) -> String {
    scene.git(&["show", "refit/tiny:src/lib.rs"])
}

#[test]
fn two_proposals_that_bring_the_same_helper_land_together_and_it_stands_once() {
    let scene = tiny_with(COUNTERS);
    let workspace = open(&scene);
    let both = padding(&workspace);
    let both: Vec<SignOff> = both.iter().map(|r| signed(&workspace, r)).collect();
    assert_eq!(both.len(), 2);
    jobs::apply(&workspace, &both, &deaf()).unwrap();
    let text = landed(&scene);
    assert_eq!(text.matches("struct CachePadded").count(), 1, "{text}");
    assert_eq!(text.matches("CachePadded<AtomicU64>").count(), 4, "{text}");
    assert_eq!(scene.git(&["rev-list", "--count", "main..refit/tiny"]), "2");
}

#[test]
fn the_second_of_them_derived_from_the_tip_uses_the_helper_that_is_there() {
    let scene = tiny_with(COUNTERS);
    let workspace = open(&scene);
    let stale = padding(&workspace);
    let first = signed(&workspace, &stale[0]);
    jobs::apply(&workspace, &[first], &deaf()).unwrap();
    let anew = padding(&workspace);
    assert_eq!((anew.len(), anew[0].title.as_str()), (1, stale[1].title.as_str()));
    assert!(!anew[0].diff.contains("+pub struct CachePadded"), "{}", anew[0].diff);
    let second = signed(&workspace, &anew[0]);
    jobs::apply(&workspace, &[second], &deaf()).unwrap();
    let text = landed(&scene);
    assert_eq!((text.matches("struct CachePadded").count(), text.matches("CachePadded<AtomicU64>").count()), (1, 4));
}

const TABLE: &str = r#"//! A table of cells.

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Cell {
    used: bool,
    last: u64,
    flag: bool,
    card: u32,
}

/// The table.
pub struct Table {
    cells: Vec<Cell>,
}

impl Table {
    /// An empty table.
    pub fn new(size: usize) -> Self {
        Table { cells: vec![Cell::default(); size] }
    }

    /// Notes a card.
    pub fn note(&mut self, card: u32, at: u64) -> u64 {
        let size = self.cells.len();
        let cell = &mut self.cells[card as usize % size];
        *cell = Cell { used: true, last: cell.last.max(at), flag: card == 0, card };
        cell.last
    }

    /// The newest of all.
    pub fn newest(&self) -> u64 {
        self.cells.iter().filter(|c| c.used && !c.flag && c.card != 7).map(|c| c.last).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_found() {
        let mut table = Table::new(4_000);
        for card in 1..4_000 {
            table.note(card, u64::from(card));
        }
        for _ in 0..400 {
            assert_eq!(table.newest(), 3_999);
        }
    }
}
"#;

#[test]
fn a_table_of_reordered_cells_is_timed_in_both_forms_on_the_calls_of_the_tests() {
    let scene = tiny_with(TABLE);
    let workspace = open(&scene);
    let found = workspace.analyse(true, &Ear::deaf()).unwrap().rewrites;
    let rewrite = found.iter().find(|r| r.rule.0 == "repr-c-holes").expect("the holes are found");
    let verdict = prove_one(&scene, rewrite, &ProveOptions::default());
    let faster = verdict.rung(Rung::Faster).unwrap();
    // Two tables of one form lie at different places in memory, which the control may see: then it voids the run.
    let is_void = faster.detail.starts_with("void: the old code against itself differs");
    let is_timed = faster.detail.contains("Table::") && faster.detail.contains("calls by the tests on the same calls");
    assert!(is_void || is_timed, "{}", faster.detail);
}

#[test]
fn padded_counters_are_written_by_several_threads_in_both_forms() {
    let scene = tiny_with(COUNTERS);
    let workspace = open(&scene);
    let rewrite = padding(&workspace).remove(0);
    let verdict = prove_one(&scene, &rewrite, &ProveOptions::default());
    let faster = verdict.rung(Rung::Faster).unwrap();
    // How far the threads ran beside one another is up to the machine; that they were asked to is not.
    assert!(
        faster.detail.contains("threads that do nothing else") || faster.detail.contains("one core"),
        "{}",
        faster.detail
    );
}
