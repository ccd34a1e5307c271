//! The pure stages composed: inputs in, the whole analysis out.

use std::sync::Arc;

use crate::attribute;
use crate::detect;
use crate::model::{
    Brush, Change, Comparison, CostLines, Finding, Flame, HotFunction, Item, Level, LineHeat, ObjectiveSplit,
    Prediction, Problem, Profile, Recording, Refusal, Request, Rewrite, Slo, SourceQuality,
};
use crate::price;
use crate::rank;
use crate::rewrite;
use crate::source::{self, FileRole, Index, SourceFile};

/// Seed of the bootstrap: fixed, so that the same inputs give the same ranking to the byte.
const SEED: u64 = 0x5eed;

/// One file of the base: path relative to the project root, text, and its place in its crate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputFile {
    /// Path relative to the project root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its place in its crate.
    pub role: FileRole,
}

/// How far the stages are composed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Objectives and hot functions.
    Rank,
    /// And findings.
    Scan,
    /// And rewrites.
    #[default]
    Propose,
}

/// Everything the analysis needs, already read.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// What `slo.toml` says.
    pub slo: Slo,
    /// The Rust files of the base tree.
    pub files: Vec<InputFile>,
    /// Findings in every file, not in the files of hot functions alone.
    pub all: bool,
    /// Rank although too much of the profile could not be placed.
    pub despite_quality: bool,
    /// How far to go.
    pub depth: Depth,
    /// Functions made faster or slower in thought.
    pub what_if: Vec<Change>,
    /// An older recording to compare with, and its name.
    pub base: Option<(String, Profile)>,
}

/// What the stages made of the inputs.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// Name of the service.
    pub service: String,
    /// Quality of the sources.
    pub sources: Vec<SourceQuality>,
    /// What was measured, to be looked at again in parts.
    pub profile: Arc<Profile>,
    /// When and at which commit each source was recorded.
    pub recordings: Vec<Recording>,
    /// One split per objective, as in `slo.toml`.
    pub objectives: Vec<ObjectiveSplit>,
    /// Functions worst first.
    pub hot: Vec<HotFunction>,
    /// Weight per line of files with hot functions.
    pub heat: Vec<LineHeat>,
    /// What objectives would become, where that was asked.
    pub predictions: Vec<Prediction>,
    /// The comparison with an older recording, where one was given.
    pub comparison: Option<Comparison>,
    /// Functions of the workspace.
    pub items: Vec<Item>,
    /// Findings, dearest first.
    pub findings: Vec<Finding>,
    /// Proposals, dearest first.
    pub rewrites: Vec<Rewrite>,
    /// Findings without a rewrite, and why.
    pub refused: Vec<Refusal>,
    /// Number of files looked at.
    pub files: u64,
    /// Lines looked at.
    pub lines: u64,
    /// Everything worth saying.
    pub problems: Vec<Problem>,
}

/// What the sources tell by themselves, before anything measured is known.
pub struct Survey {
    files: Vec<SourceFile>,
    found: Vec<Finding>,
    analysis: Analysis,
}

/// Parses the sources and lets the rules look at them; needs no profile, so both can be read at once.
pub fn survey(inputs: &Inputs) -> Survey {
    let mut analysis = Analysis { service: inputs.slo.service.clone(), ..Analysis::default() };
    let files = parse(inputs, &mut analysis);
    let mut found = Vec::new();
    if inputs.depth >= Depth::Scan {
        // Rules judge the facts of all files, because callers and shared state may stand elsewhere; what is shown may be less.
        let (findings, problems) = detect::scan(&files, detect::REGISTRY);
        found = findings;
        analysis.problems.extend(problems);
    }
    Survey { files, found, analysis }
}

/// Shares of what has been read of a profile so far, largest first.
pub fn provisional(inputs: &Inputs, survey: &Survey, profile: &Profile) -> Vec<attribute::Share> {
    let options = attribute::Options { own: inputs.slo.code.own.clone() };
    attribute::shares(profile, &survey.analysis.items, &options)
}

/// Ranks the functions, prices what was found in them, and derives rewrites.
pub fn analyse(inputs: &Inputs, survey: Survey, profile: &Profile) -> Analysis {
    let Survey { files, found, mut analysis } = survey;
    analysis.sources = profile.sources.clone();
    rank_functions(inputs, profile, &mut analysis);
    keep_and_price(inputs, &files, found, &mut analysis);
    if inputs.depth >= Depth::Propose {
        let (rewrites, refused) = rewrite::propose(&files, &analysis.findings);
        analysis.rewrites = rewrites;
        analysis.refused = refused;
    }
    analysis
}

/// A part of a recording, looked at again.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The call tree of its samples.
    pub flame: Flame,
    /// The splits of its requests; `None` where the whole recording is looked at, whose splits are known.
    pub objectives: Option<Vec<ObjectiveSplit>>,
}

/// Makes the call tree of the part that the brush leaves, of the requests around an objective's quantile alone if `tail`
/// is asked for, and splits the quantiles of that part's requests anew.
pub fn look(analysis: &Analysis, slo: &Slo, objective: usize, tail: bool, brush: &Brush) -> Look {
    let (profile, items, own) = (&*analysis.profile, &analysis.items, &slo.code.own);
    let attributed = |profile: &Profile| attribute::attribute(profile, items, &attribute::Options { own: own.clone() });
    let part = (!brush.is_empty()).then(|| profile.brushed(brush));
    let attribution = (tail || part.is_some()).then(|| attributed(part.as_ref().unwrap_or(profile)));
    let asked = slo.objectives.get(objective).filter(|_| tail);
    let around = asked.zip(attribution.as_ref()).and_then(|(o, a)| Some((o, rank::around_quantile(a, o)?)));
    let is_chosen = around.map(|(objective, latencies)| {
        move |request: &Request| {
            let latency = request.end_ns.saturating_sub(request.start_ns);
            rank::speaks_of(objective, &request.operation) && latencies.contains(&latency)
        }
    });
    let chosen = is_chosen.as_ref().map(|c| c as &dyn Fn(&Request) -> bool);
    let flame = attribute::flame(profile, items, own, brush, chosen);
    let options = rank::Options { seed: SEED, despite_quality: true };
    let objectives = part.and(attribution).map(|a| rank::rank(&a, slo, options).objectives);
    Look { flame, objectives }
}

fn parse(inputs: &Inputs, analysis: &mut Analysis) -> Vec<SourceFile> {
    let mut files = Vec::with_capacity(inputs.files.len());
    for input in &inputs.files {
        analysis.files += 1;
        analysis.lines += input.text.lines().count() as u64;
        match SourceFile::parse(&input.path, &input.text, &input.role) {
            Ok(file) => files.push(file),
            Err(problem) => analysis.problems.push(problem),
        }
    }
    let items = files.iter().flat_map(|f| f.items.iter().cloned());
    analysis.items = Index::new(items).items().to_vec();
    files
}

fn rank_functions(inputs: &Inputs, profile: &Profile, analysis: &mut Analysis) {
    if profile.sources.is_empty() {
        return;
    }
    let own = attribute::Options { own: inputs.slo.code.own.clone() };
    let attribution = attribute::attribute(profile, &analysis.items, &own);
    let options = rank::Options { seed: SEED, despite_quality: inputs.despite_quality };
    let ranking = rank::rank(&attribution, &inputs.slo, options);
    let (predictions, unclear) = rank::what_if(&attribution, &inputs.slo, &inputs.what_if, SEED);
    analysis.predictions = predictions;
    analysis.problems.extend(unclear);
    if let Some((shown, base)) = &inputs.base {
        let base = attribute::attribute(base, &analysis.items, &own);
        analysis.comparison = Some(rank::compare(&base, &attribution, shown));
    }
    // What the ranking lacks with the profile of another program is said by that alone.
    let is_foreign = attribution.problems.iter().any(|p| p.level == Level::Error);
    analysis.problems.extend(attribution.problems);
    analysis.problems.extend(ranking.problems.into_iter().filter(|p| !is_foreign || p.level != Level::Error));
    analysis.objectives = ranking.objectives;
    analysis.hot = ranking.hot;
    analysis.heat = ranking.heat;
}

fn keep_and_price(inputs: &Inputs, files: &[SourceFile], mut found: Vec<Finding>, analysis: &mut Analysis) {
    let is_hot = |file: &str| analysis.hot.iter().any(|h| h.file == file);
    found.retain(|f| inputs.all || is_hot(&f.file));
    for finding in &mut found {
        finding.has_rewrite = rewrite::answers(finding.rule);
        if let Some(home) = files.iter().find(|f| f.path == finding.file) {
            finding.costs_on = elsewhere(files, home, finding);
        }
    }
    analysis.findings = price::price(found, &analysis.hot, &analysis.heat, &analysis.items);
}

/// The lines besides its own on which a finding costs. A type costs where its fields are used: in functions, which alone
/// have milliseconds.
fn elsewhere(files: &[SourceFile], home: &SourceFile, finding: &Finding) -> Vec<CostLines> {
    if finding.function.0.is_empty() {
        return source::users(files, home, finding.range, &finding.captures_named("field"));
    }
    let lines: Vec<u32> = finding.captures_named("also").iter().map(|place| home.lines().line(place.start)).collect();
    let (function, file) = (finding.function.clone(), finding.file.clone());
    if lines.is_empty() { Vec::new() } else { vec![CostLines { function, file, lines }] }
}
