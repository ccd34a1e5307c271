//! The rung *compiles*: type questions answered in one compiler run, then the edit compared with the base.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::kept::Kept;
use super::{Climb, Found, faster, feature_sets};
use crate::effects::cargo::{self, Checked};
use crate::effects::{evidence, files};
use crate::jobs::stand::{Stand, Yard};
use crate::model::{
    Answer, AnsweredBy, Diagnostic, Evidence, Precondition, Probe, ProbeQuestion, Problem, Rewrite, RungState,
    TextRange,
};
use crate::source::{FileRole, SourceFile};
use crate::verify::change::Change;
use crate::verify::{diagnostics, probe, surface};

/// Probes that rustc rejects are left out and the rest is asked again, at most this often.
const ROUNDS: usize = 4;

/// Number of the question whether the code is compiled at all, beyond those of preconditions.
const PRESENCE: usize = usize::MAX;

/// What the compiler says of the base.
pub struct BaseCheck(pub Vec<Diagnostic>);

/// The answers to one proposal's preconditions, by their index, with what rustc said.
#[derive(Clone, Default)]
pub struct Answered(BTreeMap<usize, (Answer, String)>);

/// Checks the base: what does not build cannot be compared with.
///
/// # Errors
/// A base that does not build, with the compiler's first words.
pub fn check_base(yard: &Yard, base: &Stand, packages: &[String]) -> Result<BaseCheck, Problem> {
    let kept = kept_check(yard, packages)?;
    if let Some((is_whole, out)) = files::read_text(&kept, "kept diagnostics").ok().and_then(|text| from_kept(&text)) {
        if !is_whole {
            yard.leave_out_benches();
        }
        return Ok(BaseCheck(cargo::diagnostics(&out, &base.cargo.prefix)));
    }
    yard.step("cargo check (base)");
    let mut is_whole = true;
    let mut checked = yard.check(base, packages, None)?;
    if !checked.ended.ok() && !yard.ear.cancel.is_cancelled() {
        is_whole = false;
        checked = without_benches(yard, base, packages)?;
    }
    if checked.ended.ok() {
        evidence::keep_build(&yard.base.tree, Ok(()));
        files::write_atomic(&kept, to_kept(is_whole, &checked.ended.out).as_bytes())?;
    }
    if checked.ended.ok() || yard.ear.cancel.is_cancelled() {
        return Ok(BaseCheck(checked.diagnostics));
    }
    // What is the machine's fault is not believed of the code the next time.
    if let Some(problem) = diagnostics::machine_fault(&format!("{}{}", checked.ended.out, checked.ended.tail)) {
        return Err(at_fault("compile the base", problem));
    }
    let said = checked.diagnostics.iter().find(|d| d.is_error()).map(Diagnostic::line_for_people);
    let said = said.or_else(|| checked.ended.tail.lines().rev().find(|l| l.starts_with("error")).map(String::from));
    let said = said.unwrap_or_else(|| checked.ended.words());
    evidence::keep_build(&yard.base.tree, Err(&said));
    Err(Problem::error(format!("the base does not build: {said}"))
        .help("make `cargo check --all-targets` pass in the project first"))
}

/// How what is said of a machine's fault begins.
pub const AT_FAULT: &str = "this machine could not";

/// True for evidence that says more of the machine than of the code.
pub fn is_at_fault(evidence: &Evidence) -> bool {
    evidence.detail.starts_with(AT_FAULT)
}

/// What is said where this machine keeps a proof from starting.
pub fn at_fault(doing: &str, fault: &str) -> Problem {
    Problem::error(format!("{AT_FAULT} {doing}: {fault}"))
        .help("free some space, or set REFIT_CACHE_DIR to a folder that you can write")
}

/// Where the messages on this base stand: a tree that was compiled once compiles again.
fn kept_check(yard: &Yard, packages: &[String]) -> Result<PathBuf, Problem> {
    let (tree, features) = (&yard.base.tree, &yard.workspace.slo.code.features);
    let name = files::hash(format!("{tree} {} {features:?} {packages:?}", yard.compiler()?).as_bytes()).0;
    Ok(yard.slots.dir().join(format!("checked-{}", &name[..16])))
}

fn to_kept(is_whole: bool, out: &str) -> String {
    format!("{}\n{out}", if is_whole { "all targets" } else { "without benches" })
}

/// Whether benches were checked, too, and what cargo wrote.
fn from_kept(text: &str) -> Option<(bool, String)> {
    let (first, out) = text.split_once('\n')?;
    ["all targets", "without benches"].contains(&first).then(|| (first == "all targets", out.to_owned()))
}

/// Many benches need a nightly compiler or files that are not published; code and tests can be proved without them.
fn without_benches(yard: &Yard, base: &Stand, packages: &[String]) -> Result<Checked, Problem> {
    yard.step("cargo check (base, without benches)");
    yard.leave_out_benches();
    yard.check(base, packages, None)
}

/// The answers to all proposals, in their order, and how often the compiler ran for them.
pub struct Asked {
    /// By proposal.
    pub of: Vec<Answered>,
    /// Runs of the compiler.
    pub runs: usize,
}

/// Asks all type questions of all proposals in one run of the compiler, unless it rejects some of them. What was
/// answered on this tree before is not asked again.
///
/// # Errors
/// No cargo; a slot that cannot be written.
pub fn ask(yard: &Yard, stand: &Stand, rewrites: &[&Rewrite], packages: &[String]) -> Result<Asked, Problem> {
    let mut answered: Vec<Answered> = rewrites.iter().map(|_| Answered::default()).collect();
    let mut asked: Vec<(usize, usize, &Probe)> = Vec::new();
    for (r, rewrite) in rewrites.iter().enumerate() {
        let probes = rewrite.preconditions.iter().enumerate().filter(|(_, p)| p.state == Answer::Open);
        asked.extend(probes.filter_map(|(p, pre)| Some((r, p, pre.probe.as_ref()?))));
    }
    let presence = presence(yard, rewrites, &asked);
    asked.extend(presence.iter().map(|(r, probe)| (*r, PRESENCE, probe)));
    let mut runs = 0;
    let mut kept = Kept::of_base(yard)?;
    for (r, p, probe) in &asked {
        answered[*r].0.extend(kept.answer(probe).map(|known| (*p, known)));
    }
    asked.retain(|(r, p, _)| !answered[*r].0.contains_key(p));
    if asked.is_empty() {
        return Ok(Asked { of: answered, runs });
    }
    yard.step(&format!("cargo check with {} type questions", asked.len()));
    for _ in 0..ROUNDS {
        let live: Vec<usize> =
            (0..asked.len()).filter(|i| !answered[asked[*i].0].0.contains_key(&asked[*i].1)).collect();
        let sheets = sheets(yard, &asked, &live);
        if sheets.is_empty() {
            break;
        }
        let checked = run(yard, stand, &sheets, packages)?;
        runs += 1;
        let rejected: Vec<(usize, String)> =
            sheets.iter().flat_map(|s| probe::rejected(s, &checked.diagnostics)).collect();
        if rejected.is_empty() || yard.ear.cancel.is_cancelled() {
            for told in sheets.iter().flat_map(|s| probe::read(s, &checked.diagnostics, &yard.known)) {
                let (r, p, _) = asked[told.id];
                answered[r].0.insert(p, (told.answer, told.said));
            }
            break;
        }
        for (id, said) in rejected {
            let (r, p, _) = asked[id];
            // What is rejected was seen, which is all that was asked of presence.
            let answer = if p == PRESENCE { Answer::Holds } else { Answer::Open };
            answered[r].0.insert(p, (answer, format!("the question does not compile here: {said}")));
        }
    }
    for (r, p, probe) in &asked {
        if let Some((answer, said)) = answered[*r].0.get(p) {
            kept.take(probe, *answer, said);
        }
    }
    kept.write()?;
    Ok(Asked { of: answered, runs })
}

/// As [`ask`]; where it has to be asked at all, the questions of `others` go along.
///
/// # Errors
/// As [`ask`].
pub fn ask_among(
    yard: &Yard,
    stand: &Stand,
    rewrites: &[&Rewrite],
    others: &[Rewrite],
    packages: &[String],
) -> Result<Vec<Answered>, Problem> {
    let kept = Kept::of_base(yard)?;
    let is_open = |p: &Precondition| {
        p.state == Answer::Open && p.probe.as_ref().is_some_and(|probe| kept.answer(probe).is_none())
    };
    let asks = rewrites.iter().any(|r| r.preconditions.iter().any(is_open));
    let others = others.iter().filter(|o| asks && rewrites.iter().all(|r| r.id != o.id));
    let all: Vec<&Rewrite> = rewrites.iter().copied().chain(others).collect();
    let packages = if all.len() == rewrites.len() { packages.to_vec() } else { yard.packages_of(&all)? };
    let mut answered = ask(yard, stand, &all, &packages)?.of;
    answered.truncate(rewrites.len());
    Ok(answered)
}

/// Where features or platforms leave code out, rustc accepts any edit of what it never sees. Type questions tell by
/// their controls; a proposal without one gets a question whose controls alone matter.
fn presence(yard: &Yard, rewrites: &[&Rewrite], asked: &[(usize, usize, &Probe)]) -> Vec<(usize, Probe)> {
    if !yard.texts.values().any(|text| is_gated(text)) {
        return Vec::new();
    }
    let silent = rewrites.iter().enumerate().filter(|(r, _)| !asked.iter().any(|(other, _, _)| other == r));
    silent.filter_map(|(r, rewrite)| Some((r, at_the_function(yard, rewrite)?))).collect()
}

/// True if a text has code that some configurations leave out; tests are always compiled.
fn is_gated(text: &str) -> bool {
    text.match_indices("cfg(").any(|(at, found)| !text[at + found.len()..].starts_with("test)"))
}

fn at_the_function(yard: &Yard, rewrite: &Rewrite) -> Option<Probe> {
    let edits = rewrite.edits.first()?;
    let range = edits.edits().first()?.range;
    let file = SourceFile::parse(edits.file(), yard.texts.get(edits.file())?, &FileRole::default()).ok()?;
    let inside = file.item_around(range)?.body.start + 1;
    let nothing = TextRange { start: inside, end: inside };
    Some(Probe { question: ProbeQuestion::IsSequence, file: edits.file().to_owned(), expr: nothing, insert_at: inside })
}

fn sheets(yard: &Yard, asked: &[(usize, usize, &Probe)], live: &[usize]) -> Vec<probe::Sheet> {
    let mut by_file: BTreeMap<&str, Vec<(usize, &Probe)>> = BTreeMap::new();
    for id in live {
        by_file.entry(&asked[*id].2.file).or_default().push((*id, asked[*id].2));
    }
    by_file.into_iter().filter_map(|(file, probes)| Some(probe::sheet(file, yard.texts.get(file)?, &probes))).collect()
}

/// The flags go through a wrapper around the workspace's own compilations: the project's flags and the built
/// dependencies stay as they are.
fn run(yard: &Yard, stand: &Stand, sheets: &[probe::Sheet], packages: &[String]) -> Result<Checked, Problem> {
    let overlay: Vec<(String, String)> = sheets.iter().map(|s| (s.file.clone(), s.text.clone())).collect();
    stand.put(yard, &overlay)?;
    let wrapper = stand.slot.dir.join("ask.sh");
    files::write_program(&wrapper, &format!("#!/bin/sh\nexec \"$@\" {}\n", probe::FLAGS.join(" ")))?;
    yard.check(stand, packages, Some(&wrapper))
}

/// Climbs the rung; `tree` becomes the id of the tree that is compiled.
pub fn climb(climb: &Climb, tree: &mut String) -> Result<Found, Problem> {
    if let Some(found) = denied(climb.rewrite, climb.answers) {
        return Ok(found);
    }
    Ok(match check(climb, tree)? {
        Some(found) => found,
        None => accepted(climb.yard, climb.rewrite, climb.answers),
    })
}

/// The rung's failure where an answer denies a precondition.
pub fn denied(rewrite: &Rewrite, answered: &Answered) -> Option<Found> {
    let answers = answers(rewrite, answered);
    let (refuted, _, said) = answers.iter().find(|(_, state, _)| *state == Answer::Refuted)?;
    let said = if said.is_empty() { String::new() } else { format!(" (the type is `{said}`)") };
    let detail = format!("a precondition does not hold: {}{said}", refuted.text);
    Some(Found::new(RungState::Failed, detail).log(log(&answers)))
}

/// Compiles the edits; what the compiler has against them comes back.
///
/// # Errors
/// No cargo; a slot that cannot be written.
pub fn check(climb: &Climb, tree: &mut String) -> Result<Option<Found>, Problem> {
    let (yard, rewrite) = (climb.yard, climb.rewrite);
    let edited = match yard.edited(rewrite) {
        Ok(edited) => edited,
        Err(problem) => return Ok(Some(Found::new(RungState::Failed, problem.what))),
    };
    let bytes: Vec<(String, Vec<u8>)> = edited.iter().map(|(p, t)| (p.clone(), t.clone().into_bytes())).collect();
    *tree = yard.repository.tree_with(&yard.base.tree, &bytes)?;
    climb.candidate.put(yard, &edited)?;
    yard.step(&format!("cargo check ({})", rewrite.id));
    let packages = yard.packages_of(&[rewrite])?;
    let checked = yard.check(climb.candidate, &packages, None)?;
    let added = diagnostics::added(&climb.base.0, &checked.diagnostics);
    match refuted(&added, &checked) {
        Some(found) => Ok(Some(found)),
        None => feature_sets::refuted(climb, &packages),
    }
}

/// What comes of the preconditions once the edits compile.
pub fn accepted(yard: &Yard, rewrite: &Rewrite, answered: &Answered) -> Found {
    if let Some((Answer::Open, said)) = answered.0.get(&PRESENCE) {
        let detail = format!("rustc never saw the edit, which features or a platform leave out ({said})");
        return Found::new(RungState::Undecided, detail);
    }
    let mut answers = answers(rewrite, answered);
    // rustc has accepted the edit, which is the answer to every question of ownership.
    for (precondition, state, _) in &mut answers {
        if precondition.answered_by == AnsweredBy::Borrow && *state == Answer::Open {
            *state = Answer::Holds;
        }
    }
    let log = log(&answers);
    let open = answers.iter().find(|(p, state, _)| *state == Answer::Open && p.answered_by != AnsweredBy::Run);
    if let Some((open, _, said)) = open {
        let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
        return Found::new(RungState::Undecided, format!("a precondition is open: {}{said}", open.text)).log(log);
    }
    let held = answers.iter().filter(|(_, state, _)| *state == Answer::Holds).count();
    let (all, left_out) = (answers.len(), yard.left_out());
    let (sets, api) = (feature_sets::said(yard), public_api(yard, rewrite));
    let detail = format!("compiles without a new warning{sets}; {held} of {all} preconditions hold{left_out}{api}");
    Found::new(RungState::Passed, detail).log(log)
}

/// What is said of the signatures that other crates see: nothing where they stay. Programs have none.
fn public_api(yard: &Yard, rewrite: &Rewrite) -> String {
    let is_seen = |change: &&Change| !yard.is_of_program(&change.file);
    let changes = faster::changes(yard, rewrite).unwrap_or_default();
    let changed: Vec<String> = changes.iter().filter(is_seen).flat_map(surface::changed).collect();
    if changed.is_empty() { String::new() } else { format!("; the public API changes: {}", changed.join(", ")) }
}

fn answers<'r>(rewrite: &'r Rewrite, answered: &Answered) -> Vec<(&'r Precondition, Answer, String)> {
    let known = |index: usize| answered.0.get(&index).cloned();
    let preconditions = rewrite.preconditions.iter().enumerate();
    let answer = |(index, p): (usize, &'r Precondition)| {
        let (state, said) = known(index).unwrap_or((p.state, String::new()));
        (p, state, said)
    };
    preconditions.map(answer).collect()
}

/// The proposal with what was answered of it.
pub fn with_answers(rewrite: &Rewrite, answered: &Answered) -> Rewrite {
    let states: Vec<Answer> = answers(rewrite, answered).into_iter().map(|(_, state, _)| state).collect();
    let mut rewrite = rewrite.clone();
    for (precondition, state) in rewrite.preconditions.iter_mut().zip(states) {
        precondition.state = state;
    }
    rewrite
}

fn log(answers: &[(&Precondition, Answer, String)]) -> String {
    answers.iter().map(|(p, state, said)| told(p, *state, said)).collect()
}

fn told(precondition: &Precondition, state: Answer, said: &str) -> String {
    let said = if said.is_empty() { String::new() } else { format!("    {said}\n") };
    format!("{}\n{said}", precondition.answer_line(state))
}

/// What the compiler has against a candidate.
pub fn refuted(added: &diagnostics::Added, checked: &Checked) -> Option<Found> {
    let rendered = |list: &[Diagnostic]| list.iter().map(|d| d.rendered.as_str()).collect::<String>();
    if let Some(fault) = diagnostics::machine_fault(&format!("{}{}", checked.ended.out, checked.ended.tail)) {
        let detail = format!("{AT_FAULT} compile it: {fault}");
        return Some(Found::new(RungState::Undecided, detail).log(checked.ended.tail.clone()));
    }
    if let Some(first) = added.errors.first() {
        let detail = format!("does not compile: {}", first.line_for_people());
        return Some(Found::new(RungState::Failed, detail).log(rendered(&added.errors)));
    }
    if !checked.ended.ok() {
        let said = checked.ended.tail.lines().find(|l| l.starts_with("error"));
        let said = said.map_or_else(String::new, |said| format!(": {}", said.trim_start_matches("error: ")));
        let detail = format!("cargo check ended with {}{said}", checked.ended.words());
        return Some(Found::new(RungState::Failed, detail).log(checked.ended.tail.clone()));
    }
    let first = added.warnings.first()?;
    let detail = format!("a new warning: {}", first.line_for_people());
    Some(Found::new(RungState::Failed, detail).log(rendered(&added.warnings)))
}
