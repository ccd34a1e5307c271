//! The pure stages composed: inputs in, the whole analysis out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::attribute;
use crate::detect;
use crate::model::{
    Attribution, Brush, Change, Comparison, CostLines, Finding, Flame, HotFunction, Item, Level, LineHeat, Objective,
    ObjectiveSplit, Prediction, Problem, Profile, Recording, Refusal, Request, Rewrite, Since, Slo, SourceQuality,
    Suggested,
};
use crate::price;
use crate::rank;
use crate::rewrite;
use crate::source::{self, FieldOwners, FileRole, Index, SourceFile};

pub mod kept;

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
    /// What clippy wrote of the sources; empty where it is not read.
    pub clippy: String,
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

/// What one file tells by itself: depends on its text and its role alone, and knows nothing of the syntax tree it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileSurvey {
    /// Its lines.
    pub lines: u64,
    /// Its functions.
    pub items: Vec<Item>,
    /// The named fields of its structs, each with its struct.
    pub fields: Vec<(String, String)>,
    /// What the rules saw in it, by their places in [`detect::REGISTRY`].
    pub seen: detect::Seen,
    /// Why it does not parse, or which rules failed on it.
    pub problems: Vec<Problem>,
}

/// What the sources tell by themselves, before anything measured is known.
pub struct Survey {
    /// The parsed files where rewrites are asked for; else they are parsed again where one is needed.
    files: Vec<SourceFile>,
    fields: Vec<(String, String)>,
    found: Vec<Finding>,
    suggested: Vec<Suggested>,
    analysis: Analysis,
}

type Parse = fn(&str, &str, &FileRole) -> Result<SourceFile, Problem>;

/// Looks at files one by one.
pub struct Surveyor {
    rules: Option<detect::Triggers<'static>>,
}

impl Surveyor {
    /// Looks as closely as the depth asks for.
    pub fn new(depth: Depth) -> Surveyor {
        Surveyor { rules: (depth >= Depth::Scan).then(|| detect::Triggers::new(detect::REGISTRY)) }
    }

    /// Parses one file and lets the rules look at it; the tree is dropped.
    ///
    /// proc-macro2 keeps the text for the thread: see [`source::forget_spans`].
    pub fn look(&self, input: &InputFile) -> FileSurvey {
        self.look_at(input, SourceFile::parse_lean).0
    }

    fn look_and_keep(&self, input: &InputFile) -> (FileSurvey, Option<SourceFile>) {
        self.look_at(input, SourceFile::parse)
    }

    fn look_at(&self, input: &InputFile, parse: Parse) -> (FileSurvey, Option<SourceFile>) {
        let mut survey = FileSurvey { lines: source::lines(&input.text), ..FileSurvey::default() };
        let file = match parse(&input.path, &input.text, &input.role) {
            Ok(file) => file,
            Err(problem) => {
                survey.problems.push(problem);
                return (survey, None);
            }
        };
        if let Some(rules) = &self.rules {
            (survey.seen, survey.problems) = rules.facts(&file);
        }
        survey.fields = source::fields(&file);
        survey.items.clone_from(&file.items);
        (survey, Some(file))
    }
}

/// Parses the sources and lets the rules look at them; needs no profile, so both can be read at once.
///
/// The trees of all files stay in memory for the recipes; where none is asked for, [`survey_of`] does with less.
pub fn survey(inputs: &Inputs) -> Survey {
    let surveyor = Surveyor::new(inputs.depth);
    let (surveys, files): (Vec<_>, Vec<_>) = inputs.files.iter().map(|input| surveyor.look_and_keep(input)).unzip();
    Survey { files: files.into_iter().flatten().collect(), ..survey_of(inputs, surveys) }
}

/// The same from what the files told by themselves, in the order of the inputs.
pub fn survey_of(inputs: &Inputs, surveys: Vec<FileSurvey>) -> Survey {
    let mut analysis = Analysis { service: inputs.slo.service.clone(), ..Analysis::default() };
    let (mut items, mut fields, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for (input, survey) in inputs.files.iter().zip(surveys) {
        analysis.files += 1;
        analysis.lines += survey.lines;
        analysis.problems.extend(survey.problems);
        items.extend(survey.items);
        fields.extend(survey.fields);
        seen.push((input.path.as_str(), survey.seen));
    }
    analysis.items = Index::new(items).into_items();
    // Rules judge the facts of all files, because callers and shared state may stand elsewhere; what is shown may be less.
    let (found, problems) = match inputs.depth >= Depth::Scan {
        true => detect::findings(seen, detect::REGISTRY),
        false => Default::default(),
    };
    analysis.problems.extend(problems);
    let mut survey = Survey { files: Vec::new(), fields, found, suggested: Vec::new(), analysis };
    if inputs.depth >= Depth::Scan && !inputs.clippy.is_empty() {
        survey.hear_clippy(inputs);
    }
    survey
}

impl Survey {
    fn hear_clippy(&mut self, inputs: &Inputs) {
        let files = inputs.files.iter().map(|f| (f.path.as_str(), f.text.as_str()));
        let (suggested, problems) =
            detect::clippy::read(&inputs.clippy, &inputs.slo.code.root, files, &self.analysis.items);
        self.found.extend(suggested.iter().map(|s| s.finding.clone()));
        self.suggested = suggested;
        self.analysis.problems.extend(problems);
    }
}

/// Shares of what has been read of a profile so far, largest first.
pub fn provisional(inputs: &Inputs, survey: &Survey, profile: &Profile) -> Vec<attribute::Share> {
    let options = attribute::Options { own: inputs.slo.code.own.clone() };
    attribute::shares(profile, &survey.analysis.items, &options)
}

/// Puts the lines of a recording where they stand in the surveyed sources, and says what that came to.
pub fn move_lines(profile: &mut Profile, survey: &Survey, since: &Since) -> Option<Problem> {
    attribute::move_lines(&mut profile.frames, &survey.analysis.items, since)
}

/// Ranks the functions, prices what was found in them, and derives rewrites.
pub fn analyse(inputs: &Inputs, survey: Survey, profile: &Profile) -> Analysis {
    let Survey { files, fields, found, suggested, mut analysis } = survey;
    analysis.sources = profile.sources.clone();
    rank_functions(inputs, profile, &mut analysis);
    keep_and_price(inputs, &files, &fields, found, &mut analysis);
    if inputs.depth >= Depth::Propose {
        analysis.problems.extend(without_tests(&analysis.items));
        let (rewrites, refused) = rewrite::propose_with(rewrite::REGISTRY, &files, &analysis.findings, &suggested);
        analysis.rewrites = rewrites;
        analysis.refused = refused;
    }
    analysis
}

/// Nothing pins the behaviour of a project without tests: that has to be known before the first proposal is read.
fn without_tests(items: &[Item]) -> Option<Problem> {
    let what = "this project has no tests: what a rewrite changes besides speed would go unnoticed";
    let none = !items.is_empty() && !items.iter().any(|i| i.is_test);
    none.then(|| {
        Problem::warning(what).help("write tests of the hot functions first; until then every proof says UNTESTED")
    })
}

/// A part of a recording, looked at again.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The call tree of its samples.
    pub flame: Flame,
    /// The splits of its requests; `None` where the whole recording is looked at, whose splits are known.
    pub objectives: Option<Vec<ObjectiveSplit>>,
}

/// Requests of an objective by their latencies in nanoseconds.
type Latencies<'a> = (&'a Objective, std::ops::RangeInclusive<u64>);

/// Makes the call tree of the part that the brush leaves, of the requests around an objective's quantile alone if `tail`
/// is asked for, and splits the quantiles of that part's requests anew. Where an older recording is given, the call tree
/// is compared with all of it, or with the requests around its own quantile.
pub fn look(
    analysis: &Analysis,
    slo: &Slo,
    objective: usize,
    tail: bool,
    brush: &Brush,
    older: Option<&Profile>,
) -> Look {
    let (profile, items, own) = (&*analysis.profile, &analysis.items, &slo.code.own);
    let attributed = |profile: &Profile| attribute::attribute(profile, items, &attribute::Options { own: own.clone() });
    let part = (!brush.is_empty()).then(|| profile.brushed(brush));
    let attribution = (tail || part.is_some()).then(|| attributed(part.as_ref().unwrap_or(profile)));
    let asked = slo.objectives.get(objective).filter(|_| tail);
    let around = |a: &Attribution| asked.and_then(|o| Some((o, rank::around_quantile(a, o)?)));
    let mut chosen = attribution.as_ref().and_then(around);
    let chosen_before = older.filter(|_| chosen.is_some()).and_then(|older| around(&attributed(older)));
    // The tail of the one and all of the other have nothing to say to each other.
    chosen = chosen.filter(|_| older.is_none() || chosen_before.is_some());
    let tree = |profile: &Profile, brush: &Brush, chosen: Option<Latencies<'_>>| {
        let is_chosen = chosen.map(|(objective, latencies)| {
            move |request: &Request| {
                let latency = request.end_ns.saturating_sub(request.start_ns);
                rank::speaks_of(objective, &request.operation) && latencies.contains(&latency)
            }
        });
        attribute::flame(profile, items, own, brush, is_chosen.as_ref().map(|c| c as &dyn Fn(&Request) -> bool))
    };
    let mut flame = tree(profile, brush, chosen);
    if let Some(older) = older {
        attribute::compare(&mut flame, &tree(older, &Brush::default(), chosen_before));
    }
    let options = rank::Options { seed: SEED, despite_quality: true };
    let objectives = part.and(attribution).map(|a| rank::rank(&a, slo, options).objectives);
    Look { flame, objectives }
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

fn keep_and_price(
    inputs: &Inputs,
    files: &[SourceFile],
    fields: &[(String, String)],
    mut found: Vec<Finding>,
    analysis: &mut Analysis,
) {
    let hot: BTreeSet<&str> = analysis.hot.iter().map(|h| h.file.as_str()).collect();
    found.retain(|f| inputs.all || hot.contains(f.file.as_str()));
    let mut elsewhere = Elsewhere { inputs, files, again: BTreeMap::new(), owners: FieldOwners::new(fields), hot };
    for finding in &mut found {
        finding.has_rewrite |= rewrite::answers(finding.rule);
        finding.costs_on = elsewhere.lines(finding);
    }
    analysis.findings = price::price(found, &analysis.hot, &analysis.heat, &analysis.items);
}

/// Where findings cost besides their own lines. Only files with hot functions are looked at: nothing else has milliseconds.
struct Elsewhere<'a> {
    inputs: &'a Inputs,
    files: &'a [SourceFile],
    /// Files that had to be parsed again; `None` for one that cannot be.
    again: BTreeMap<String, Option<SourceFile>>,
    owners: FieldOwners<'a>,
    hot: BTreeSet<&'a str>,
}

impl Elsewhere<'_> {
    /// The lines besides its own on which a finding costs. A type costs where its fields are used: in functions, which
    /// alone have milliseconds.
    fn lines(&mut self, finding: &Finding) -> Vec<CostLines> {
        let also = finding.captures_named("also");
        if self.hot.is_empty() || (!finding.function.0.is_empty() && also.is_empty()) {
            return Vec::new();
        }
        self.parse(&finding.file);
        let Some(home) = self.file(&finding.file) else { return Vec::new() };
        if !finding.function.0.is_empty() {
            let lines = also.iter().map(|place| home.lines().line(place.start)).collect();
            return vec![CostLines { function: finding.function.clone(), file: finding.file.clone(), lines }];
        }
        let only = finding.captures_named("field");
        let spellings = source::spellings(home, finding.range, &only);
        let may_use = |text: &str| spellings.iter().any(|word| text.contains(word));
        let hot = self.inputs.files.iter().filter(|f| self.hot.contains(f.path.as_str()) && may_use(&f.text));
        let hot: Vec<&str> = hot.map(|f| f.path.as_str()).collect();
        hot.iter().for_each(|file| self.parse(file));
        let (Some(home), hot) = (self.file(&finding.file), hot.iter().filter_map(|file| self.file(file))) else {
            return Vec::new();
        };
        source::users(hot, &self.owners, home, finding.range, &only)
    }

    fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|f| f.path == path).or_else(|| self.again.get(path)?.as_ref())
    }

    fn parse(&mut self, path: &str) {
        if self.file(path).is_some() || self.again.contains_key(path) {
            return;
        }
        let input = self.inputs.files.iter().find(|f| f.path == path);
        let parsed = input.and_then(|f| SourceFile::parse(&f.path, &f.text, &f.role).ok());
        self.again.insert(path.to_owned(), parsed);
    }
}
