//! What the cache is to lose in; what it held, lost and still holds out.

use std::time::SystemTime;

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::table::{Align, Table};
use crate::jobs::{self, Cleaned, Fate, Sweep};

#[derive(Args)]
pub(super) struct Options {
    /// Only show what the cache holds
    #[arg(long, conflicts_with_all = ["all", "evidence"])]
    list: bool,
    /// The scratch checkouts of every project, not of this one alone
    #[arg(long)]
    all: bool,
    /// The kept verdicts too: what was proved has to be proved again
    #[arg(long)]
    evidence: bool,
}

#[derive(Serialize)]
struct CleanJson {
    schema: &'static str,
    dir: String,
    slots: Vec<SlotJson>,
    evidence: EvidenceJson,
    scans: EvidenceJson,
    freed_bytes: u64,
    held_bytes: u64,
}

#[derive(Serialize)]
struct SlotJson {
    project: String,
    bytes: u64,
    unused_days: u64,
    fate: &'static str,
}

#[derive(Serialize)]
struct EvidenceJson {
    bytes: u64,
    fate: &'static str,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let sweep = match (options.list, options.all) {
        (true, _) => Sweep::Nothing,
        (false, true) => Sweep::Everything,
        (false, false) => Sweep::Project(context.root.clone()),
    };
    let cleaned = jobs::clean(&sweep, options.evidence).map_err(|p| vec![p])?;
    Ok(Answer::new(context, || to_json(&cleaned), || text(&cleaned, context.width)))
}

fn rows(cleaned: &Cleaned) -> Vec<SlotJson> {
    let row = |(cached, fate): &(crate::effects::slots::Cached, Fate)| SlotJson {
        project: cached.dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        bytes: cached.bytes,
        unused_days: SystemTime::now().duration_since(cached.used).map_or(0, |d| d.as_secs() / 86_400),
        fate: fate.word(),
    };
    cleaned.slots.iter().map(row).collect()
}

fn to_json(cleaned: &Cleaned) -> CleanJson {
    CleanJson {
        schema: "refit.clean/1",
        dir: cleaned.dir.display().to_string(),
        slots: rows(cleaned),
        evidence: EvidenceJson { bytes: cleaned.evidence.0, fate: cleaned.evidence.1.word() },
        scans: EvidenceJson { bytes: cleaned.surveys.0, fate: cleaned.surveys.1.word() },
        freed_bytes: cleaned.freed(),
        held_bytes: cleaned.held(),
    }
}

fn text(cleaned: &Cleaned, width: usize) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[("scratch checkouts of", left), ("MiB", right), ("days unused", right), ("", left)]);
    for row in rows(cleaned) {
        table.row([row.project, mebibytes(row.bytes), row.unused_days.to_string(), row.fate.to_owned()]);
    }
    let (bytes, fate) = cleaned.evidence;
    table.row([String::from("(kept verdicts)"), mebibytes(bytes), String::new(), fate.word().to_owned()]);
    let (bytes, fate) = cleaned.surveys;
    table.row([String::from("(kept scans)"), mebibytes(bytes), String::new(), fate.word().to_owned()]);
    let sum = format!("{} MiB freed, {} MiB held in", mebibytes(cleaned.freed()), mebibytes(cleaned.held()));
    format!("{}\n{sum} {}\n", table.render(0, width), cleaned.dir.display())
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}
