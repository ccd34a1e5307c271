//! A landed commit in; whether its message, its note and its numbers agree, and what the proof says today, out.

use super::{Ear, ProveOptions, Workspace, load_reviews, prove};
use crate::detect;
use crate::effects::attestation::{self, Attestation};
use crate::effects::git::{Base, LandedCommit, Repository};
use crate::model::{EditSet, FunctionId, Measurement, Outcome, Problem, Rewrite, RewriteId, Rung, RungState, Verdict};
use crate::pipeline::{Depth, Inputs};
use crate::review::edits_between;
use crate::source;
use crate::verify::timing;

/// Numbers that were computed from the same slices differ by no more than this fraction.
const ROUNDING: f64 = 1e-4;

/// What a landed commit says of itself, looked at again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Commit id.
    pub commit: String,
    /// First line of its message.
    pub subject: String,
    /// What it carries, in its order.
    pub proposals: Vec<Replayed>,
}

impl Replay {
    /// True unless something is not as it was attested, or is refuted today.
    pub fn holds(&self) -> bool {
        self.proposals.iter().all(|p| p.points.iter().all(|point| point.agrees != Some(false)))
    }
}

/// One proposal of it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What was attested.
    pub attested: Attestation,
    /// Each thing that was compared.
    pub points: Vec<Compared>,
    /// The verdict of today's proof; `None` where it could not be made.
    pub now: Option<Verdict>,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What: `message`, `change`, `interval`.
    pub what: &'static str,
    /// Whether it is as attested; `None` where that cannot be told here.
    pub agrees: Option<bool>,
    /// Both sides, in a line.
    pub detail: String,
}

impl Compared {
    fn new(what: &'static str, agrees: impl Into<Option<bool>>, detail: impl Into<String>) -> Compared {
        Compared { what, agrees: agrees.into(), detail: detail.into() }
    }
}

/// Looks at a landed commit again: digests, numbers from the kept slices, the change, and the proof on the old base.
///
/// # Errors
/// No such commit; a commit that Refit did not land, or whose notes are not in this repository; what keeps a proof from
/// starting.
pub fn replay(workspace: &Workspace, commit: &str, options: &ProveOptions, ear: &Ear) -> Result<Replay, Vec<Problem>> {
    let repository = workspace.repository().map_err(|p| vec![p])?;
    let (landed, lines) = attested(&repository, commit).map_err(|p| vec![p])?;
    let mut proposals = Vec::new();
    for (line, attested) in lines {
        let mut points = on_paper(&repository, &landed, &line, &attested).map_err(|p| vec![p])?;
        let (now, point) = proved_again(workspace, &repository, &landed, &attested, options, ear)?;
        points.push(point);
        points.extend(rungs(&attested, now.as_ref()));
        proposals.push(Replayed { attested, points, now });
    }
    Ok(Replay { commit: landed.commit, subject: landed.subject, proposals })
}

type Lines = Vec<(String, Attestation)>;

/// The commit, and the attestations that its message names; where it names none, those of its own note.
fn attested(repository: &Repository, commit: &str) -> Result<(LandedCommit, Lines), Problem> {
    let landed = repository.commit_told(commit)?;
    let short = &landed.commit[..landed.commit.len().min(10)];
    if landed.trailer("Refit-Rule").is_empty() {
        return Err(Problem::error(format!("Refit did not land {short}: its message has no Refit-Rule"))
            .help("`git log --grep Refit-Rule` lists what Refit landed"));
    }
    let wanted: Vec<&str> = landed.all("Refit-Attestation").collect();
    let notes = repository.noted(&landed.commit)?;
    let all: Vec<(String, Attestation)> = notes
        .iter()
        .flat_map(|note| note.lines())
        .filter_map(|line| Some((line.to_owned(), Attestation::from_line(line)?)))
        .collect();
    let named = |(_, a): &&(String, Attestation)| landed.all("Refit-Proposal").any(|id| id == a.proposal);
    let of_digest = |digest: &&str| all.iter().find(|(line, _)| attestation::digest(line.as_bytes()) == **digest);
    let mut found: Lines = wanted.iter().filter_map(of_digest).cloned().collect();
    if found.len() < wanted.len() {
        // Changed since, or of another commit: shown, and said to be not what the message names.
        found = all.iter().filter(named).cloned().collect();
    }
    if found.is_empty() {
        return Err(Problem::error(format!("the evidence of {short} is not in this repository")).help(
            "fetch it: `git fetch origin refs/notes/refit:refs/notes/refit` (who landed it pushes the same ref)",
        ));
    }
    Ok((landed, found))
}

/// What can be compared without running anything.
fn on_paper(
    repository: &Repository,
    landed: &LandedCommit,
    line: &str,
    attested: &Attestation,
) -> Result<Vec<Compared>, Problem> {
    let digest = attestation::digest(line.as_bytes());
    let is_named = landed.all("Refit-Attestation").any(|named| named == digest);
    let message = match is_named {
        true => format!("names this attestation ({})", &digest[..19]),
        false => String::from("names another attestation: the note was changed after the commit was made"),
    };
    let mut points = vec![Compared::new("message", is_named, message), change(repository, landed, attested)?];
    let Some(verdict) = attested.verdict() else {
        let (agrees, detail) = match (&attested.evidence, &attested.forced) {
            (None, Some(reason)) => (None, format!("none: it was landed without a proof ({reason})")),
            (None, None) => (None, String::from("none")),
            (Some(_), _) => (Some(false), String::from("its seal is broken")),
        };
        points.push(Compared::new("evidence", agrees, detail));
        return Ok(points);
    };
    let said = landed
        .all("Refit-Evidence")
        .any(|e| e.starts_with(&format!("{} on tree {}", verdict.outcome().word(), verdict.tree())));
    points.push(Compared::new(
        "evidence",
        said,
        format!("{} by its rungs: {}", verdict.outcome().word(), verdict.by()),
    ));
    points.extend(verdict.measurement().map(|m| interval(attested, m)));
    Ok(points)
}

/// Whether the commit holds the files that were proved.
fn change(repository: &Repository, landed: &LandedCommit, attested: &Attestation) -> Result<Compared, Problem> {
    let wanted = |path: &str| attested.files.iter().any(|(file, _)| file == path);
    let there = repository.read_files(&repository.tree_of(&landed.commit)?, wanted)?;
    let is_same = |(file, digest): &&(String, String)| {
        there.iter().any(|(path, bytes)| path == file && attestation::digest(bytes) == *digest)
    };
    let other: Vec<&str> = attested.files.iter().filter(|f| !is_same(f)).map(|(file, _)| file.as_str()).collect();
    let beside = landed.trailer("Refit-Proved-With");
    let several = landed.all("Refit-Rule").count() > 1;
    Ok(match (other.is_empty(), beside.is_empty() && !several) {
        (true, _) => Compared::new("change", true, "the files of the commit are those that were proved"),
        (false, false) => {
            Compared::new("change", None, format!("{}: proved alone, landed beside other changes", other.join(", ")))
        }
        // An earlier commit of the same series may have changed the same file.
        (false, true) => Compared::new(
            "change",
            None,
            format!("{}: proved on tree {}, landed on another", other.join(", "), short(&attested.base)),
        ),
    })
}

/// The numbers of the kept slices beside those that were said.
fn interval(attested: &Attestation, m: &Measurement) -> Compared {
    let said = format!("{:.3} [{:.3}, {:.3}], noise floor {:.2} %", m.ratio, m.ci.0, m.ci.1, 100.0 * m.noise_floor);
    if !attested.has_its_slices() {
        return Compared::new(
            "interval",
            false,
            format!("the slices are not those that were attested; said was {said}"),
        );
    }
    let Some((ratio, ci, floor)) = timing::recomputed(m) else {
        return Compared::new("interval", None, format!("the slices were not kept; said was {said}"));
    };
    let pairs = [(ratio, m.ratio), (ci.0, m.ci.0), (ci.1, m.ci.1), (1.0 + floor, 1.0 + m.noise_floor)];
    let agrees = pairs.iter().all(|(now, then)| (now - then).abs() <= ROUNDING * then.abs());
    let now = format!("{ratio:.3} [{:.3}, {:.3}], noise floor {:.2} %", ci.0, ci.1, 100.0 * floor);
    let detail = match agrees {
        true => format!("{now} from {} slices, as was said", m.slices.len()),
        false => format!("{now} from {} slices; said was {said}", m.slices.len()),
    };
    Compared::new("interval", agrees, detail)
}

/// Proves the proposal once more on the base of then.
fn proved_again(
    workspace: &Workspace,
    repository: &Repository,
    landed: &LandedCommit,
    attested: &Attestation,
    options: &ProveOptions,
    ear: &Ear,
) -> Result<(Option<Verdict>, Compared), Vec<Problem>> {
    let not = |why: String| Ok((None, Compared::new("proved again", None, why)));
    let one = |problem: Problem| vec![problem];
    if !repository.has(&attested.base).map_err(one)? {
        return not(format!("tree {} is not in this repository: it held uncommitted changes", short(&attested.base)));
    }
    let parent = repository.commit(&format!("{}^", landed.commit)).map_err(one)?.unwrap_or_default();
    let tip_tree = repository.tree_of(&parent).map_err(one)?;
    let (head, tip) = (parent.clone(), parent);
    let base = Base { tree: attested.base.clone(), head, tip, tip_tree, branch: None, dirty: vec![], notes: vec![] };
    let then = Workspace { earlier: Some(base), ..workspace.clone() };
    let proved = found(&then, repository, landed, attested, ear).and_then(|found| match found {
        Ok((rewrite, how)) => Ok((prove(&then, &[rewrite], &as_then(attested, options), ear).map_err(one)?.pop(), how)),
        Err(why) => Err(vec![Problem::note(why)]),
    });
    let (verdict, how) = match proved {
        Ok(proved) => proved,
        // What is on paper counts without it.
        Err(problems) => return not(problems.first().map_or_else(String::new, |p| p.what.clone())),
    };
    let point = match &verdict {
        Some(v) => {
            let agrees = match v.outcome() {
                Outcome::Verified => Some(true),
                Outcome::Refuted => Some(false),
                Outcome::Inconclusive => None,
            };
            Compared::new("proved again", agrees, format!("{}: {}{how}", v.outcome().word(), v.by()))
        }
        None => Compared::new("proved again", None, "stopped before anything was proved"),
    };
    Ok((verdict, point))
}

/// The proposal and, unless the rules derive it as it landed, where it comes from; or why it cannot be made again.
type Found = Result<(Rewrite, String), String>;

/// As the rules derive it from the base of then, else as a reviewer edited that, else as the commit holds it.
fn found(
    then: &Workspace,
    repository: &Repository,
    landed: &LandedCommit,
    attested: &Attestation,
    ear: &Ear,
) -> Result<Found, Vec<Problem>> {
    let is_it = |r: &&Rewrite| r.id.0 == attested.proposal;
    let inputs = Inputs { all: true, depth: Depth::Propose, despite_quality: true, ..Inputs::default() };
    let analysis = then.compose(inputs, ear)?;
    let known = [&analysis.rewrites[..], &analysis.on_request[..]].concat();
    if let Some(derived) = known.iter().find(is_it) {
        return Ok(Ok((derived.clone(), String::new())));
    }
    let reviewed = load_reviews(then, &known).map_err(|p| vec![p])?;
    if let Some(edited) = reviewed.iter().map(|r| &r.rewrite).find(is_it) {
        return Ok(Ok((edited.clone(), String::from("; as its reviewer edited it"))));
    }
    of_commit(repository, landed, attested).map_err(|p| vec![p])
}

/// The difference between the base of then and the commit, where that is what was proved. What the rule asked the
/// compiler is bound to code that only the rule can find: that is not asked again.
fn of_commit(repository: &Repository, landed: &LandedCommit, attested: &Attestation) -> Result<Found, Problem> {
    let Some(rule) = detect::rule(&attested.rule) else {
        return Ok(Err(format!("Refit {} had the rule {}, which this one has not", attested.refit, attested.rule)));
    };
    let wanted = |path: &str| attested.files.iter().any(|(file, _)| file == path);
    let before = repository.read_files(&attested.base, wanted)?;
    let after = repository.read_files(&repository.tree_of(&landed.commit)?, wanted)?;
    let text = |all: &[(String, Vec<u8>)], file: &str| {
        let (_, bytes) = all.iter().find(|(path, _)| path == file)?;
        String::from_utf8(bytes.clone()).ok()
    };
    let (mut edits, mut diff) = (Vec::new(), String::new());
    for (file, digest) in &attested.files {
        let (Some(old), Some(new)) = (text(&before, file), text(&after, file)) else {
            return Ok(Err(format!("{file} is not in both the base of then and the commit")));
        };
        if attestation::digest(new.as_bytes()) != *digest {
            let why = "no rule derives it, nobody's edit of it is in this repository, and";
            return Ok(Err(format!("{why} {file} landed beside other changes, so that its own text is nowhere")));
        }
        edits.push(EditSet::new(file.clone(), source::hash(&old), edits_between(file, &old, &new))?);
        diff.push_str(&source::diff(file, &old, &new));
    }
    let Some((first, _)) = attested.files.first() else { return Ok(Err(String::from("it changes no file"))) };
    let rewrite = Rewrite {
        id: RewriteId(attested.proposal.clone()),
        rule: rule.id,
        eye: rule.eye,
        kind: rule.kind,
        class: rule.class,
        file: first.clone(),
        line: 1,
        end_line: 1,
        function: FunctionId(String::new()),
        title: landed.subject.clone(),
        finding: String::new(),
        edits,
        touched: Vec::new(),
        diff,
        preconditions: Vec::new(),
        obligations: attested.obligations.clone(),
        hunks_independent: false,
        cost: None,
    };
    let asked = attested.preconditions.len();
    let not_asked = match asked {
        0 => String::new(),
        1 => String::from("; its precondition is not asked again"),
        n => format!("; its {n} preconditions are not asked again"),
    };
    Ok(Ok((rewrite, format!("; as the commit holds it, because no rule derives it{not_asked}"))))
}

/// Everything fresh, and on demand what was climbed then.
fn as_then(attested: &Attestation, options: &ProveOptions) -> ProveOptions {
    let verdict = attested.verdict();
    let climbed = |rung: Rung| {
        let evidence = verdict.as_ref().and_then(|v| v.rung(rung));
        evidence.is_some_and(|e| e.state != RungState::Skipped)
    };
    ProveOptions {
        fresh: true,
        power: options.power || climbed(Rung::GateHasPower),
        properties: options.properties || climbed(Rung::PropertiesAgree),
        codegen: options.codegen || climbed(Rung::Codegen),
        nothing_worse: options.nothing_worse || climbed(Rung::NothingWorse),
        no_measurement: options.no_measurement,
        ..ProveOptions::default()
    }
}

/// Rung by rung, then and now; of the timing the two intervals.
fn rungs(attested: &Attestation, now: Option<&Verdict>) -> Vec<Compared> {
    let (Some(then), Some(now)) = (attested.verdict(), now) else { return Vec::new() };
    let both = then.evidence().iter().filter_map(|e| Some((e, now.rung(e.rung)?)));
    let told = both.map(|(was, is)| {
        let agrees = match (was.state, is.state) {
            (a, b) if a == b => Some(true),
            (_, RungState::Failed) => Some(false),
            _ => None,
        };
        Compared::new(was.rung.word(), agrees, format!("{}, was {}: {}", is.state.word(), was.state.word(), is.detail))
    });
    let mut told: Vec<Compared> = told.collect();
    if let (Some(was), Some(is)) = (then.measurement(), now.measurement()) {
        let meet = was.ci.0 <= is.ci.1 && is.ci.0 <= was.ci.1;
        let detail = format!(
            "{:.3} [{:.3}, {:.3}] now, {:.3} [{:.3}, {:.3}] then: the intervals {}",
            is.ratio,
            is.ci.0,
            is.ci.1,
            was.ratio,
            was.ci.0,
            was.ci.1,
            if meet { "meet" } else { "do not meet, which another machine or load explains" }
        );
        told.push(Compared::new("ratio", meet.then_some(true), detail));
    }
    told
}

fn short(id: &str) -> &str {
    &id[..id.len().min(10)]
}
