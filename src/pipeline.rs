//! The pure stages composed: inputs in, the whole analysis out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::attribute;
use crate::detect;
use crate::model::{
    Change, Class, Comparison, CostLines, Finding, HotFunction, Item, Level, LineHeat, ObjectiveSplit, Place,
    Prediction, Problem, Profile, Recording, Refusal, Rewrite, Since, Slo, SourceQuality, Suggested,
};
use crate::price;
use crate::rank;
use crate::rewrite;
use crate::source::declarations::{Declarations, Known, declarations};
use crate::source::{self, FieldOwners, FileRole, SourceFile};

pub mod kept;
mod look;

pub use look::{Look, Older, Ready, look};

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
    /// What of it is at hand when a part is asked for.
    pub ready: Arc<Ready>,
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
    /// Functions of the workspace; shared with whoever shows first rankings while a recording is read.
    pub items: Arc<Vec<Item>>,
    /// Findings, dearest first.
    pub findings: Vec<Finding>,
    /// Proposals, dearest first.
    pub rewrites: Vec<Rewrite>,
    /// Proposals of class D, which change behaviour: only for who asks for them.
    pub on_request: Vec<Rewrite>,
    /// Findings without a rewrite, and why.
    pub refused: Vec<Refusal>,
    /// Why nothing is proposed: the workspace does not build.
    pub broken: Option<Problem>,
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
    /// What it declares.
    pub declared: Declarations,
    /// What the rules saw in it, by their places in [`detect::REGISTRY`].
    pub seen: detect::Seen,
    /// Why it does not parse, or which rules failed on it.
    pub problems: Vec<Problem>,
}

/// What the sources tell by themselves, before anything measured is known.
pub struct Survey {
    /// The parsed files where rewrites are asked for; else they are parsed again where one is needed.
    files: Vec<SourceFile>,
    declared: Vec<Declarations>,
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
        survey.declared = declarations(&file);
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
    let (mut items, mut declared, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for (input, survey) in inputs.files.iter().zip(surveys) {
        analysis.files += 1;
        analysis.lines += survey.lines;
        analysis.problems.extend(survey.problems);
        items.extend(survey.items);
        declared.push(survey.declared);
        seen.push((input.path.as_str(), survey.seen));
    }
    analysis.items = Arc::new(source::told_apart(items));
    // Rules judge the facts of all files, because callers and shared state may stand elsewhere; what is shown may be less.
    let (found, problems) = match inputs.depth >= Depth::Scan {
        true => detect::findings(seen, &Known::of(&declared), detect::REGISTRY),
        false => Default::default(),
    };
    analysis.problems.extend(problems);
    let mut survey = Survey { files: Vec::new(), declared, found, suggested: Vec::new(), analysis };
    if inputs.depth >= Depth::Scan && !inputs.clippy.is_empty() {
        survey.hear_clippy(inputs);
    }
    survey
}

impl Survey {
    /// Functions of the workspace.
    pub fn items(&self) -> &Arc<Vec<Item>> {
        &self.analysis.items
    }

    fn hear_clippy(&mut self, inputs: &Inputs) {
        let files = inputs.files.iter().map(|f| (f.path.as_str(), f.text.as_str()));
        let (suggested, problems) =
            detect::clippy::read(&inputs.clippy, &inputs.slo.code.root, files, &self.analysis.items);
        self.found.extend(suggested.iter().map(|s| s.finding.clone()));
        self.suggested = suggested;
        self.analysis.problems.extend(problems);
    }
}

/// Shares of what has been read of a profile so far, largest first: of the items, and of functions that symbols say are of
/// the crates in `own`.
pub fn provisional(profile: &Profile, items: &[Item], own: &[String]) -> Vec<attribute::Share> {
    attribute::shares(profile, items, &attribute::Options { own: own.to_vec() })
}

/// What the objectives measure in what was read so far of a profile that knows requests alone: no samples, no spans.
pub fn provisional_latencies(profile: &Profile, slo: &Slo) -> Vec<ObjectiveSplit> {
    let knows_requests_alone = profile.samples.is_empty() && profile.spans.is_empty();
    if !knows_requests_alone || profile.requests.is_empty() {
        return Vec::new();
    }
    rank::latencies(&attribute::attribute(profile, &[], &attribute::Options::default()), slo)
}

/// Puts the lines of a recording where they stand in the surveyed sources, and says what that came to.
pub fn move_lines(profile: &mut Profile, survey: &Survey, since: &Since) -> Option<Problem> {
    attribute::move_lines(profile, &survey.analysis.items, since)
}

/// Ranks the functions, prices what was found in them, and derives rewrites.
pub fn analyse(inputs: &Inputs, survey: Survey, profile: &Profile) -> Analysis {
    let Survey { files, declared, found, suggested, mut analysis } = survey;
    analysis.sources = profile.sources.clone();
    rank_functions(inputs, profile, &mut analysis);
    keep_and_price(inputs, &files, &declared, found, &mut analysis);
    if inputs.depth >= Depth::Propose {
        analysis.problems.extend(without_tests(&analysis.items));
        let (rewrites, refused) = rewrite::propose_with(rewrite::REGISTRY, &files, &analysis.findings, &suggested);
        (analysis.on_request, analysis.rewrites) = rewrites.into_iter().partition(|r| r.class == Class::D);
        analysis.refused = refused;
    }
    analysis
}

/// Takes the proposals back: nothing can be proved of code that does not build. Findings stay.
pub fn without_proposals(analysis: &mut Analysis, said: &str, place: Option<Place>) {
    let what = format!("the workspace does not build, so nothing is proposed: {said}");
    let problem =
        Problem::error(what).help("findings are shown all the same; make `cargo check` pass, then read again");
    let problem = Problem { place, ..problem };
    analysis.rewrites.clear();
    analysis.on_request.clear();
    analysis.problems.retain(|p| p.place.is_none() || p.place != problem.place);
    analysis.problems.insert(0, problem.clone());
    analysis.broken = Some(problem);
}

/// The first file that cannot be parsed, and why; editions that syn does not speak may build all the same.
pub fn unparsed<'a>(inputs: &Inputs, analysis: &'a Analysis) -> Option<&'a Problem> {
    let is_compiled = |file: &str| {
        let role = inputs.files.iter().find(|f| f.path == file).map(|f| &f.role);
        role.is_some_and(|r| !r.is_generated && r.edition != "2015")
    };
    let of_file = |p: &&Problem| p.place.as_ref().is_some_and(|at| is_compiled(&at.file));
    analysis.problems.iter().filter(|p| p.what.starts_with("does not parse")).find(of_file)
}

/// Nothing pins the behaviour of a project without tests: that has to be known before the first proposal is read.
fn without_tests(items: &[Item]) -> Option<Problem> {
    let what = "this project has no tests: what a rewrite changes besides speed would go unnoticed";
    let none = !items.is_empty() && !items.iter().any(|i| i.is_test);
    none.then(|| {
        Problem::warning(what).help("write tests of the hot functions first; until then every proof says UNTESTED")
    })
}

fn rank_functions(inputs: &Inputs, profile: &Profile, analysis: &mut Analysis) {
    if profile.sources.is_empty() {
        return;
    }
    let own = attribute::Options { own: inputs.slo.code.own.clone() };
    let mut attribution = attribute::attribute(profile, &analysis.items, &own);
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
    analysis.problems.append(&mut attribution.problems);
    analysis.problems.extend(ranking.problems.into_iter().filter(|p| !is_foreign || p.level != Level::Error));
    analysis.objectives = ranking.objectives;
    analysis.hot = ranking.hot;
    analysis.heat = ranking.heat;
    attribution.lines = Vec::new();
    analysis.ready = Arc::new(Ready::with(attribution));
}

fn keep_and_price(
    inputs: &Inputs,
    files: &[SourceFile],
    declared: &[Declarations],
    mut found: Vec<Finding>,
    analysis: &mut Analysis,
) {
    let hot: BTreeSet<&str> = analysis.hot.iter().map(|h| h.file.as_str()).collect();
    found.retain(|f| inputs.all || hot.contains(f.file.as_str()));
    let owners = FieldOwners::new(declared.iter().flat_map(|file| &file.fields));
    let mut elsewhere = Elsewhere { inputs, files, again: BTreeMap::new(), owners, hot };
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
