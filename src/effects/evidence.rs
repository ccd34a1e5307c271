//! Verdicts in, files of the user's cache out, and back: what is read is checked by digest and judged again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::carry;
use crate::model::{
    Counted, Evidence, Measurement, Power, Problem, RewriteId, Rung, RungState, Speed, Survivor, Verdict,
};

/// Version of the files; another version is not read.
const SCHEMA: &str = "refit.evidence/1";

pub use crate::model::STACK;

/// The folder for everything that can be made again: `$REFIT_CACHE_DIR`, else `$XDG_CACHE_HOME/refit`, else `~/.cache/refit`.
///
/// # Errors
/// None of these is set.
pub fn cache_dir() -> Result<PathBuf, Problem> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("REFIT_CACHE_DIR")
        .or_else(|| var("XDG_CACHE_HOME").map(|d| d.join("refit")))
        .or_else(|| var("HOME").map(|d| d.join(".cache").join("refit")))
        .ok_or_else(|| Problem::error("there is no folder for the cache").help("set REFIT_CACHE_DIR"))
}

/// Keeps a verdict. `base` is the tree id that the proposal was proved on ([`Verdict::tree`] is the tree with its edits),
/// `toolchain` names the compiler, `neutral` is what [`Verdict::judge`] was told.
///
/// # Errors
/// The cache cannot be written.
pub fn save(base: &str, toolchain: &str, verdict: &Verdict, neutral: bool) -> Result<(), Problem> {
    let folder = folder(&cache_dir()?, base, verdict.rewrite());
    let text = to_text(base, toolchain, verdict, neutral)?;
    let name = hex(&Sha256::digest(toolchain.as_bytes()))[..16].to_string();
    write_whole(&folder, &format!("{name}.json"), text.as_bytes())
        .map_err(|e| Problem::error(format!("cannot keep the evidence in {}: {e}", folder.display())))
}

/// The verdict on a proposal on exactly this base; with `toolchain` of that compiler alone, else the newest of all.
///
/// What is missing, damaged, or of another proposal is `None`: then it has to be proved again.
pub fn load(base: &str, rewrite: &RewriteId, toolchain: Option<&str>) -> Option<Verdict> {
    newest(base, rewrite, |text| from_text(text, base, rewrite, toolchain))
}

/// What the newest kept verdict of a proposal was made with: the compiler, the commands and the thresholds; empty where
/// none is kept.
pub fn toolchain(base: &str, rewrite: &RewriteId) -> String {
    let told = |text: &str| unsealed(text).filter(|wire| wire.rewrite == rewrite.0).map(|wire| wire.toolchain);
    newest(base, rewrite, told).unwrap_or_default()
}

/// The first answer that the kept texts of a proposal give, the newest asked first.
fn newest<T>(base: &str, rewrite: &RewriteId, told: impl Fn(&str) -> Option<T>) -> Option<T> {
    let folder = folder(&cache_dir().ok()?, base, rewrite);
    let mut files: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).collect();
    files.sort_by_key(|f| std::cmp::Reverse(f.metadata().and_then(|m| m.modified()).ok()));
    files.iter().find_map(|file| told(&std::fs::read_to_string(file.path()).ok()?))
}

/// How long the compiler's no is believed: a library or another toolchain may have been installed since.
const NO_STAYS: std::time::Duration = std::time::Duration::from_secs(600);

/// Keeps whether a base tree builds, or what the compiler said first; a cache that cannot be written keeps nothing.
pub fn keep_build(base: &str, built: Result<(), &str>) {
    let Ok(cache) = cache_dir() else { return };
    let text = built.err().unwrap_or_default();
    let _ = write_whole(&cache.join("evidence").join(base), "build.txt", text.as_bytes());
}

/// Whether a base tree builds, as far as that was asked lately.
pub fn build(base: &str) -> Option<Result<(), String>> {
    let file = cache_dir().ok()?.join("evidence").join(base).join("build.txt");
    let text = std::fs::read_to_string(&file).ok()?;
    if text.is_empty() {
        return Some(Ok(()));
    }
    let age = std::fs::metadata(&file).and_then(|m| m.modified()).ok()?.elapsed().unwrap_or_default();
    (age < NO_STAYS).then_some(Err(text))
}

/// Bytes of all kept verdicts, of every project.
pub fn held() -> u64 {
    cache_dir().map_or(0, |dir| carry::bytes_of(&dir.join("evidence")))
}

/// Removes all kept verdicts; true if they are gone. What was proved has to be proved again then.
pub fn forget() -> bool {
    cache_dir().is_ok_and(|dir| std::fs::remove_dir_all(dir.join("evidence")).is_ok())
}

/// A verdict as text that carries its own digest: for the cache, and for the refs in which evidence travels.
///
/// # Errors
/// A number that JSON cannot carry.
pub fn to_text(base: &str, toolchain: &str, verdict: &Verdict, neutral: bool) -> Result<String, Problem> {
    let wire = Wire {
        schema: SCHEMA.into(),
        base: base.into(),
        toolchain: toolchain.into(),
        rewrite: verdict.rewrite().0.clone(),
        tree: verdict.tree().into(),
        neutral,
        evidence: verdict.evidence().iter().map(WireEvidence::from).collect(),
        measurement: verdict.measurement().map(WireMeasurement::from),
        power: verdict.power().map(WirePower::from),
        is_counted: verdict.is_counted(),
    };
    let broken = |e: serde_json::Error| Problem::error(format!("cannot write the evidence: {e}"));
    let body = serde_json::to_string(&wire).map_err(broken)?;
    let sealed = Sealed { digest: hex(&Sha256::digest(body.as_bytes())), body };
    serde_json::to_string(&sealed).map_err(broken)
}

/// The verdict of such a text, judged again; `None` unless it is whole and of this base, proposal and toolchain.
pub fn from_text(text: &str, base: &str, rewrite: &RewriteId, toolchain: Option<&str>) -> Option<Verdict> {
    let wire = unsealed(text)?;
    let same = wire.schema == SCHEMA && wire.base == base && wire.rewrite == rewrite.0;
    if !same || toolchain.is_some_and(|t| t != wire.toolchain) {
        return None;
    }
    let evidence = wire.evidence.into_iter().map(WireEvidence::into_model).collect::<Option<Vec<_>>>()?;
    let measurement = match wire.measurement {
        Some(m) => Some(m.into_model()?),
        None => None,
    };
    let power = wire.power.map(WirePower::into_model);
    let verdict = Verdict::judge(rewrite.clone(), wire.tree, evidence, measurement, wire.neutral);
    Some(verdict.with_power(power).with_counters(wire.is_counted))
}

/// What a sealed text holds, if its digest is right.
fn unsealed(text: &str) -> Option<Wire> {
    let sealed: Sealed = serde_json::from_str(text).ok()?;
    let is_whole = hex(&Sha256::digest(sealed.body.as_bytes())) == sealed.digest;
    is_whole.then(|| serde_json::from_str(&sealed.body).ok()).flatten()
}

/// Two levels, so that no folder of the cache grows without bound.
fn folder(cache: &Path, base: &str, rewrite: &RewriteId) -> PathBuf {
    cache.join("evidence").join(base).join(&rewrite.0)
}

/// Writes beside and renames: a reader sees all or nothing.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, folder.join(name))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    digest: String,
    body: String,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    schema: String,
    base: String,
    toolchain: String,
    rewrite: String,
    tree: String,
    neutral: bool,
    evidence: Vec<WireEvidence>,
    measurement: Option<WireMeasurement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    power: Option<WirePower>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_counted: bool,
}

#[derive(Serialize, Deserialize)]
struct WireEvidence {
    rung: String,
    state: String,
    detail: String,
    ms: u64,
    log: String,
}

impl From<&Evidence> for WireEvidence {
    fn from(e: &Evidence) -> WireEvidence {
        WireEvidence {
            rung: e.rung.word().into(),
            state: e.state.word().into(),
            detail: e.detail.clone(),
            ms: e.ms,
            log: e.log.clone(),
        }
    }
}

impl WireEvidence {
    fn into_model(self) -> Option<Evidence> {
        use RungState::{Failed, Passed, Skipped, Undecided, Untested, Weak};
        let states = [Passed, Failed, Untested, Undecided, Weak, Skipped];
        Some(Evidence {
            rung: *Rung::ALL.iter().find(|r| r.word() == self.rung)?,
            state: states.into_iter().find(|s| s.word() == self.state)?,
            detail: self.detail,
            ms: self.ms,
            log: self.log,
            cached: true,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct WirePower {
    killed: usize,
    viable: usize,
    by_twins: usize,
    survivors: Vec<WireSurvivor>,
}

#[derive(Serialize, Deserialize)]
struct WireSurvivor {
    file: String,
    line: u32,
    what: String,
    is_reached: bool,
}

impl From<&Power> for WirePower {
    fn from(p: &Power) -> WirePower {
        let survivor = |s: &Survivor| WireSurvivor {
            file: s.file.clone(),
            line: s.line,
            what: s.what.clone(),
            is_reached: s.is_reached,
        };
        let survivors = p.survivors.iter().map(survivor).collect();
        WirePower { killed: p.killed, viable: p.viable, by_twins: p.by_twins, survivors }
    }
}

impl WirePower {
    fn into_model(self) -> Power {
        let survivor =
            |s: WireSurvivor| Survivor { file: s.file, line: s.line, what: s.what, is_reached: s.is_reached };
        let survivors = self.survivors.into_iter().map(survivor).collect();
        Power { killed: self.killed, viable: self.viable, by_twins: self.by_twins, survivors }
    }
}

#[derive(Serialize, Deserialize)]
struct WireMeasurement {
    speed: String,
    ratio: f64,
    ci: (f64, f64),
    /// 0 in what was written before it was kept.
    #[serde(default)]
    confidence: f64,
    pairs: u64,
    calls: u64,
    noise_floor: f64,
    mde: f64,
    old_ns: f64,
    new_ns: f64,
    exercised_by: String,
    witness: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counted: Vec<WireCounted>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slices: Vec<[f64; 3]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    builds: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct WireCounted {
    what: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    unit: String,
    old: f64,
    new: f64,
    is_witness: bool,
}

impl From<&Counted> for WireCounted {
    fn from(c: &Counted) -> WireCounted {
        let Counted { what, unit, old, new, is_witness } = c.clone();
        WireCounted { what, unit, old, new, is_witness }
    }
}

impl From<WireCounted> for Counted {
    fn from(WireCounted { what, unit, old, new, is_witness }: WireCounted) -> Counted {
        Counted { what, unit, old, new, is_witness }
    }
}

impl From<&Measurement> for WireMeasurement {
    fn from(m: &Measurement) -> WireMeasurement {
        WireMeasurement {
            speed: m.speed.word().into(),
            ratio: m.ratio,
            ci: m.ci,
            confidence: m.confidence,
            pairs: m.pairs,
            calls: m.calls,
            noise_floor: m.noise_floor,
            mde: m.mde,
            old_ns: m.old_ns,
            new_ns: m.new_ns,
            exercised_by: m.exercised_by.clone(),
            witness: m.witness.clone(),
            counted: m.counted.iter().map(WireCounted::from).collect(),
            slices: m.slices.iter().map(|s| s.map(short)).collect(),
            builds: m.builds.clone(),
        }
    }
}

/// Seven digits: enough to compute every number of the measurement again, and a third of the room.
fn short(ns: f64) -> f64 {
    let unit = 10f64.powi(6 - ns.abs().max(f64::MIN_POSITIVE).log10().floor() as i32);
    if unit.is_finite() { (ns * unit).round() / unit } else { ns }
}

impl WireMeasurement {
    fn into_model(self) -> Option<Measurement> {
        let speeds = [Speed::Improved, Speed::Regressed, Speed::Same, Speed::Inconclusive];
        Some(Measurement {
            speed: speeds.into_iter().find(|s| s.word() == self.speed)?,
            ratio: self.ratio,
            ci: self.ci,
            confidence: self.confidence,
            pairs: self.pairs,
            calls: self.calls,
            noise_floor: self.noise_floor,
            mde: self.mde,
            old_ns: self.old_ns,
            new_ns: self.new_ns,
            exercised_by: self.exercised_by,
            witness: self.witness,
            counted: self.counted.into_iter().map(Counted::from).collect(),
            slices: self.slices,
            builds: self.builds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;

    fn rung(rung: Rung, state: RungState) -> Evidence {
        Evidence { rung, state, detail: "61 tests".into(), ms: 7, log: "tail\n".into(), cached: false }
    }

    fn verdict(state: RungState) -> Verdict {
        let evidence = Rung::ALL.iter().map(|r| rung(*r, state)).collect();
        let measurement = Measurement {
            speed: Speed::Improved,
            ratio: 0.25,
            ci: (0.2, 0.3),
            confidence: 0.95,
            pairs: 40,
            calls: 4000,
            noise_floor: 0.01,
            mde: 0.02,
            old_ns: 400.0,
            new_ns: 100.0,
            exercised_by: "workload".into(),
            witness: "allocations".into(),
            counted: vec![Counted {
                what: "locks held".into(),
                unit: "ns".into(),
                old: 9.5,
                new: 1.0,
                is_witness: true,
            }],
            slices: vec![[401.25, 99.5, 400.0]],
            builds: vec![1],
        };
        Verdict::judge(RewriteId("r0123abcd".into()), "t2".into(), evidence, Some(measurement), false)
    }

    #[test]
    fn a_verdict_comes_back_as_it_was_and_is_marked_as_cached() {
        let kept = verdict(RungState::Passed);
        let text = to_text("t1", "rustc 1.95", &kept, false).unwrap();
        let read = from_text(&text, "t1", kept.rewrite(), Some("rustc 1.95")).unwrap();
        assert_eq!(read.outcome(), Outcome::Verified);
        assert_eq!(read.measurement(), kept.measurement());
        assert_eq!((read.tree(), read.by()), (kept.tree(), kept.by()));
        assert!(read.evidence().iter().all(|e| e.cached));
    }

    #[test]
    fn what_the_mutants_came_to_comes_back_and_old_evidence_has_none() {
        let survivor = Survivor { file: "a.rs".into(), line: 3, what: "`<=` for `<`".into(), is_reached: false };
        let power = Power { killed: 9, viable: 10, by_twins: 2, survivors: vec![survivor] };
        let kept = verdict(RungState::Weak).with_power(Some(power.clone()));
        let text = to_text("t1", "x", &kept, false).unwrap();
        let read = from_text(&text, "t1", kept.rewrite(), None).unwrap();
        assert_eq!((read.power(), read.evidence()[0].state), (Some(&power), RungState::Weak));
        let without = to_text("t1", "x", &verdict(RungState::Passed), false).unwrap();
        assert!(!without.contains("power\\\":{"), "{without}");
        assert_eq!(from_text(&without, "t1", kept.rewrite(), None).unwrap().power(), None);
    }

    #[test]
    fn a_changed_byte_makes_the_evidence_worthless() {
        let kept = verdict(RungState::Failed);
        let text = to_text("t1", "rustc 1.95", &kept, false).unwrap();
        let forged = text.replace("failed", "passed");
        assert_ne!(text, forged);
        assert_eq!(from_text(&forged, "t1", kept.rewrite(), None), None);
        assert_eq!(from_text(&text[..text.len() / 2], "t1", kept.rewrite(), None), None);
    }

    #[test]
    fn evidence_of_another_base_proposal_or_compiler_is_not_taken() {
        let kept = verdict(RungState::Passed);
        let text = to_text("t1", "rustc 1.95", &kept, false).unwrap();
        assert_eq!(from_text(&text, "t9", kept.rewrite(), None), None);
        assert_eq!(from_text(&text, "t1", &RewriteId("r9".into()), None), None);
        assert_eq!(from_text(&text, "t1", kept.rewrite(), Some("rustc 1.99")), None);
    }

    #[test]
    fn refuted_evidence_is_judged_refuted_again() {
        let kept = verdict(RungState::Failed);
        let text = to_text("t1", "x", &kept, false).unwrap();
        assert_eq!(from_text(&text, "t1", kept.rewrite(), None).unwrap().outcome(), Outcome::Refuted);
    }
}
