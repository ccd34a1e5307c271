//! Service code with planted costs and their look-alikes in; how many of the costs are found and how many look-alikes
//! get a rewrite that stands, out. A test per kind.
//!
//! In `fixtures/planted/<kind>.rs` an item whose name begins with `slow_` holds a cost of that kind and one that begins
//! with `fine_` a look-alike. Rules, recipes, type questions and rustc decide as they do in a proof; crates that
//! services use are stood in for by small ones of the same interface in `fixtures/planted/crates`.
//! `REFIT_PLANTED=diff cargo test --test it planted -- --nocapture` shows every rewrite.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use refit::model::*;
use refit::source::{FileRole, SourceFile, apply};
use refit::verify::{probe, types::KnownTypes};
use refit::{detect, rewrite};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The edition of the stand-in crates, and of planted code where nothing else is said.
const EDITION: &str = "2024";

/// Stand-in crates in the order they are built in; those that make derives stand first.
const CRATES: &[&str] = &["serde_derive", "serde", "serde_json", "regex", "log", "tracing", "tokio"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/planted")
}

/// rustc on a file, with the stand-in crates at hand.
fn rustc(edition: &str, crates: &Path, file: &Path, args: &[&str]) -> Output {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", edition]).args(args).arg("-L").arg(crates).arg("--out-dir");
    command.arg(file.parent().expect("a folder")).arg(file);
    for name in CRATES.iter().filter(|name| **name != "serde_derive") {
        let path = crates.join(format!("lib{name}.rmeta"));
        if path.is_file() {
            command.arg("--extern").arg(format!("{name}={}", path.display()));
        }
    }
    command.output().expect("rustc runs")
}

/// Builds the stand-in crates once for all tests.
fn crates() -> &'static Path {
    static BUILT: OnceLock<tempfile::TempDir> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        for name in CRATES {
            let kind = if *name == "serde_derive" { "proc-macro" } else { "lib" };
            let file = dir.path().join(format!("{name}.rs"));
            std::fs::copy(fixtures().join("crates").join(format!("{name}.rs")), &file).expect("a stand-in crate");
            let emit = if kind == "lib" { "--emit=metadata" } else { "--emit=link" };
            let out = rustc(EDITION, dir.path(), &file, &["--crate-type", kind, emit, "--cap-lints", "allow"]);
            assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        }
        dir
    });
    built.path()
}

/// A planted file, and where it is compiled.
struct Planted {
    name: String,
    edition: &'static str,
    dir: tempfile::TempDir,
    text: String,
    items: Vec<(String, u32, u32)>,
}

impl Planted {
    fn read(name: &str, edition: &'static str) -> Planted {
        let path = fixtures().join(format!("{name}.rs"));
        let text = std::fs::read_to_string(path).expect("a planted file");
        let mut marked = Marked(Vec::new());
        marked.visit_file(&syn::parse_file(&text).expect("it parses"));
        Planted { name: name.to_owned(), edition, dir: tempfile::tempdir().expect("a folder"), text, items: marked.0 }
    }

    /// The innermost marked item around a line.
    fn item(&self, line: u32) -> Option<&str> {
        let around = self.items.iter().filter(|(_, from, to)| (*from..=*to).contains(&line));
        around.min_by_key(|(_, from, to)| to - from).map(|(name, ..)| name.as_str())
    }

    fn named(&self, prefix: &str) -> BTreeSet<&str> {
        self.items.iter().map(|(name, ..)| name.as_str()).filter(|name| name.starts_with(prefix)).collect()
    }

    /// What rustc says of a text in the file's place; the first error where there is one.
    fn compile(&self, text: &str) -> Result<(), String> {
        let out = self.compiled(text, &["--cap-lints", "allow"]);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        if out.status.success() { Ok(()) } else { Err(said) }
    }

    fn compiled(&self, text: &str, args: &[&str]) -> Output {
        let file = self.dir.path().join("lib.rs");
        std::fs::write(&file, text).expect("it can be written");
        let common = ["--crate-type", "lib", "--crate-name", "planted", "--emit=metadata"];
        rustc(self.edition, crates(), &file, &[&common, args].concat())
    }

    /// Answers to the type questions of all rewrites, by rewrite and precondition.
    fn answers(&self, rewrites: &[Rewrite]) -> BTreeMap<(usize, usize), Answer> {
        let mut asked = Vec::new();
        for (r, rewrite) in rewrites.iter().enumerate() {
            let open = rewrite.preconditions.iter().enumerate().filter(|(_, p)| p.state == Answer::Open);
            asked.extend(open.filter_map(|(p, pre)| Some(((r, p), pre.probe.as_ref()?))));
        }
        let mut answers = BTreeMap::new();
        for _ in 0..4 {
            let live = asked.iter().enumerate().filter(|(_, (key, _))| !answers.contains_key(key));
            let live: Vec<(usize, &Probe)> = live.map(|(i, (_, probe))| (i, *probe)).collect();
            let sheet = probe::sheet("lib.rs", &self.text, &live);
            let args = [probe::FLAGS, &["--error-format=json"]].concat();
            let out = self.compiled(&sheet.text, &args);
            let said = diagnostics(&String::from_utf8_lossy(&out.stderr));
            let rejected = probe::rejected(&sheet, &said);
            if rejected.is_empty() {
                let known = KnownTypes::of([self.text.as_str()]);
                answers.extend(probe::read(&sheet, &said, &known).into_iter().map(|t| (asked[t.id].0, t.answer)));
                break;
            }
            answers.extend(rejected.into_iter().map(|(id, _)| (asked[id].0, Answer::Open)));
        }
        answers
    }
}

/// Collects marked functions and modules with their lines.
struct Marked(Vec<(String, u32, u32)>);

impl Marked {
    fn note(&mut self, name: &syn::Ident, span: proc_macro2::Span) {
        let name = name.to_string();
        if name.starts_with("slow_") || name.starts_with("fine_") {
            self.0.push((name, span.start().line as u32, span.end().line as u32));
        }
    }
}

impl<'ast> Visit<'ast> for Marked {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, item.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, item.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.note(&item.ident, item.span());
        visit::visit_item_mod(self, item);
    }
}

fn diagnostics(out: &str) -> Vec<Diagnostic> {
    out.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|m| diagnostic(&m))
        .collect()
}

fn diagnostic(message: &serde_json::Value) -> Diagnostic {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let spans = message["spans"].as_array().cloned().unwrap_or_default();
    let primary = spans.into_iter().find(|s| s["is_primary"] == true).unwrap_or_default();
    let offset = |name: &str| primary[name].as_u64().unwrap_or(0) as u32;
    Diagnostic {
        level: word(&message["level"]),
        code: word(&message["code"]["code"]),
        message: word(&message["message"]),
        file: Path::new(&word(&primary["file_name"])).file_name().map_or(String::new(), |n| n.to_string_lossy().into()),
        range: TextRange { start: offset("byte_start"), end: offset("byte_end") },
        line: offset("line_start"),
        column: offset("column_start"),
        rendered: word(&message["rendered"]),
    }
}

/// What the answers say against a rewrite.
fn denied(at: usize, rewrite: &Rewrite, answers: &BTreeMap<(usize, usize), Answer>) -> Option<String> {
    rewrite.preconditions.iter().enumerate().find_map(|(p, pre)| {
        let answer = answers.get(&(at, p)).copied().unwrap_or(pre.state);
        let is_denied = answer == Answer::Refuted || (answer == Answer::Open && pre.probe.is_some());
        is_denied.then(|| format!("{}: {}", answer.word(), pre.text))
    })
}

/// What came of each rewrite: nothing where it stands, else why it falls.
fn outcomes(planted: &Planted, rewrites: &[Rewrite]) -> Vec<Option<String>> {
    let answers = planted.answers(rewrites);
    let mut told: Vec<Option<String>> = rewrites.iter().enumerate().map(|(i, r)| denied(i, r, &answers)).collect();
    let mut waiting: Vec<usize> = (0..rewrites.len()).filter(|i| told[*i].is_none()).collect();
    while !waiting.is_empty() {
        let (group, later) = disjoint(rewrites, &waiting);
        settle(planted, rewrites, &group, &mut told);
        waiting = later;
    }
    told
}

/// As many of the rewrites as do not meet, and the others.
fn disjoint(rewrites: &[Rewrite], waiting: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut edits: Vec<TextEdit> = Vec::new();
    waiting.iter().partition(|i| {
        let own = rewrites[**i].edits.iter().flat_map(|set| set.edits().to_vec());
        let both: Vec<TextEdit> = edits.iter().cloned().chain(own).collect();
        let fits = EditSet::new("lib.rs", rewrites[**i].edits[0].base().clone(), both.clone()).is_ok();
        if fits {
            edits = both;
        }
        fits
    })
}

/// Compiles rewrites together; where that fails, each half by itself, down to the one that is to blame.
fn settle(planted: &Planted, rewrites: &[Rewrite], group: &[usize], told: &mut [Option<String>]) {
    let Some(first) = group.first() else { return };
    let edits = group.iter().flat_map(|i| &rewrites[*i].edits).flat_map(|set| set.edits().to_vec()).collect();
    let set = EditSet::new("lib.rs", rewrites[*first].edits[0].base().clone(), edits).expect("they do not meet");
    let made = apply(&set, &planted.text).map_err(|problem| problem.to_string());
    match (made.and_then(|text| planted.compile(&text)), group) {
        (Ok(()), _) => {}
        (Err(why), [only]) => told[*only] = Some(why),
        (Err(_), _) => {
            let (left, right) = group.split_at(group.len() / 2);
            settle(planted, rewrites, left, told);
            settle(planted, rewrites, right, told);
        }
    }
}

/// Prints names under a heading of their own.
fn list(title: &str, names: impl IntoIterator<Item = String>) {
    names.into_iter().for_each(|name| println!("    {title}: {name}"));
}

/// Counts, prints, and asserts what the catalogue promises of a kind: how many planted costs are found, and how many get
/// a rewrite that stands; none of a look-alike may.
#[track_caller]
fn check(kind: Kind, found_at_least: usize, standing_at_least: usize) {
    check_of(
        Planted::read(kind.word(), EDITION),
        &|f| f.kind == kind && f.class != Class::D,
        found_at_least,
        standing_at_least,
    );
}

/// The same of one rule: every planted cost must be found, and get a rewrite that stands.
#[track_caller]
fn check_rule(rule: &str, edition: &'static str) {
    let planted = Planted::read(&format!("rules/{rule}"), edition);
    let all = planted.named("slow_").len();
    check_of(planted, &|f| f.rule.0 == rule, all, all);
}

#[track_caller]
fn check_of(planted: Planted, is_meant: &dyn Fn(&Finding) -> bool, found_at_least: usize, standing_at_least: usize) {
    planted.compile(&planted.text).unwrap_or_else(|said| panic!("the planted file is not Rust:\n{said}"));
    let role = FileRole { krate: "planted".into(), edition: planted.edition.into(), ..FileRole::default() };
    let files = [SourceFile::parse("lib.rs", &planted.text, &role).expect("it parses")];
    let (findings, problems) = detect::scan(&files, detect::REGISTRY);
    assert_eq!(problems, []);
    let findings: Vec<Finding> = findings.into_iter().filter(is_meant).collect();
    let (rewrites, refusals) = rewrite::propose(&files, &findings);
    let told = outcomes(&planted, &rewrites);

    let (slow, fine) = (planted.named("slow_"), planted.named("fine_"));
    assert!(slow.len() >= 8 && fine.len() >= 12, "{} planted, {} look-alikes", slow.len(), fine.len());
    let found: BTreeSet<&str> = findings.iter().filter_map(|f| planted.item(f.line)).collect();
    let offered: BTreeSet<&str> = rewrites.iter().filter_map(|r| planted.item(r.line)).collect();
    let outcome_of =
        |(rewrite, why): (&Rewrite, &Option<String>)| Some((planted.item(rewrite.line)?.to_owned(), why.clone()));
    let outcomes: Vec<(String, Option<String>)> = rewrites.iter().zip(&told).filter_map(outcome_of).collect();
    let stands: BTreeSet<&str> =
        outcomes.iter().filter(|(_, why)| why.is_none()).map(|(item, _)| item.as_str()).collect();
    let share = |all: &BTreeSet<&str>, of: &BTreeSet<&str>| all.intersection(of).count();
    println!(
        "{}: {} of {} found, {} with a rewrite, {} with one that stands; of {} look-alikes {} flagged, {} proposed, {} wrongly",
        planted.name,
        share(&slow, &found),
        slow.len(),
        share(&slow, &offered),
        share(&slow, &stands),
        fine.len(),
        share(&fine, &found),
        share(&fine, &offered),
        share(&fine, &stands),
    );
    list("missed", slow.difference(&found).map(|name| name.to_string()));
    for refusal in &refusals {
        list(
            "refused",
            planted.item(refusal.line).map(|item| format!("{item} ({}): {}", refusal.rule, refusal.reason)),
        );
    }
    for (item, why) in &outcomes {
        list("falls", why.as_ref().map(|why| format!("{item}: {why}")));
    }
    for finding in findings.iter().filter(|f| planted.item(f.line).is_some_and(|item| item.starts_with("fine_"))) {
        list(
            "flagged",
            planted.item(finding.line).map(|item| format!("{item} ({}): {}", finding.rule, finding.message)),
        );
    }
    if std::env::var("REFIT_PLANTED").is_ok_and(|shown| shown == "diff") {
        rewrites.iter().for_each(|r| println!("{} ({})\n{}", r.title, r.rule, r.diff));
    }
    let wrong: Vec<_> = fine.intersection(&stands).collect();
    assert!(wrong.is_empty(), "rewrites of look-alikes stand: {wrong:?}");
    assert!(share(&slow, &found) >= found_at_least, "{} found", share(&slow, &found));
    assert!(share(&slow, &stands) >= standing_at_least, "{} rewrites stand", share(&slow, &stands));
}

macro_rules! kinds {
    ($($name:ident: $kind:ident, $found:expr, $standing:expr;)*) => {
        $(#[test]
        fn $name() {
            check(Kind::$kind, $found, $standing);
        })*
    };
}

// How many of the planted costs are found, and how many of their rewrites stand.
kinds! {
    quadratic_work_is_found_and_its_look_alikes_are_left: Quadratic, 19, 19;
    rebuilt_invariants_are_found_and_their_look_alikes_are_left: RebuiltInvariant, 11, 9;
    error_ladders_are_found_and_their_look_alikes_are_left: ErrorLadder, 21, 21;
    defensive_redundancy_is_found_and_its_look_alikes_are_left: DefensiveRedundancy, 33, 32;
    costly_cache_layout_is_found_and_its_look_alikes_are_left: CacheLayout, 9, 9;
    large_footprints_are_found_and_their_look_alikes_are_left: Footprint, 9, 6;
    defensive_copies_are_found_and_their_look_alikes_are_left: DefensiveCopy, 12, 12;
    allocation_churn_is_found_and_its_look_alikes_are_left: AllocChurn, 11, 11;
    redundant_marshalling_is_found_and_its_look_alikes_are_left: Marshalling, 12, 5;
    flushes_and_logging_are_found_and_their_look_alikes_are_left: FlushLogging, 11, 9;
    hidden_waits_are_found_and_their_look_alikes_are_left: HiddenWait, 14, 9;
    wide_locks_are_found_and_their_look_alikes_are_left: WideLock, 11, 10;
}

#[test]
fn loop_bodies_in_nests_are_found_and_their_look_alikes_are_left() {
    check_rule("nested-loop-body", EDITION);
}

#[test]
fn pyramids_are_found_and_their_look_alikes_are_left() {
    check_rule("if-let-pyramid", EDITION);
}

#[test]
fn locks_around_numbers_are_found_and_their_look_alikes_are_left() {
    check_rule("mutex-number", EDITION);
}

#[test]
fn indices_counted_by_hand_are_found_and_their_look_alikes_are_left() {
    check_rule("while-index-loop", EDITION);
}

#[test]
fn panics_that_could_be_errors_are_found_and_their_look_alikes_are_left() {
    check_rule("unwrap-cascade", EDITION);
}

#[test]
fn passes_one_after_the_other_are_found_and_their_look_alikes_are_left() {
    check_rule("two-passes", EDITION);
}

#[test]
fn patterns_compiled_in_loops_are_found_and_their_look_alikes_are_left() {
    check_rule("pattern-in-loop", EDITION);
}

#[test]
fn collections_built_in_loops_are_found_and_their_look_alikes_are_left() {
    check_rule("collection-in-loop", EDITION);
}

#[test]
fn iterators_over_copies_are_found_and_their_look_alikes_are_left() {
    check_rule("cloned-iterator", EDITION);
}

#[test]
fn copies_that_are_only_asked_are_found_and_their_look_alikes_are_left() {
    check_rule("copy-to-read", EDITION);
}

#[test]
fn numbers_that_go_through_texts_are_found_and_their_look_alikes_are_left() {
    check_rule("number-through-text", EDITION);
}

/// Before edition 2024 an `if let` and the last value of a block keep what is made on the way for longer.
#[test]
fn nests_of_edition_2021_are_flattened_as_far_as_its_temporaries_allow() {
    for rule in ["nested-loop-body", "if-let-pyramid"] {
        let planted = Planted::read(&format!("rules/{rule}-2021"), "2021");
        let all = planted.named("slow_").len();
        check_of(planted, &|f| f.rule.0 == rule, all, all);
    }
}
