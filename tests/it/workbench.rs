//! A gateway that misses its p99, built in code, and a person at the keys: what the screen tests share.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use refit::model::*;
use refit::pipeline::Analysis;
use refit::source;
use refit::tui::message::{Answer, Command, JobId, Message, Task, Wish};
use refit::tui::state::{Project, Proposal, State};
use refit::tui::theme::{Depth, Glyphs, Shade, Theme};
use refit::tui::update::{begin, update};
use refit::tui::view::view;
use refit::tui::widgets::diff::DiffRows;
use refit::tui::{hunk_tokens, source_text};

/// The file that two of the proposals change.
pub const RISK: &str = r#"//! Scores a payment by what is known of card and merchant.

use std::collections::HashMap;

/// Merchants that were flagged, in the order they were reported.
pub struct Scorer {
    flagged: Vec<String>,
    weights: HashMap<String, u32>,
}

impl Scorer {
    /// Adds up what speaks against each item of a basket.
    pub fn score(&self, basket: &[Item]) -> u32 {
        let mut total = 0;
        for item in basket {
            // A flagged merchant counts ten times.
            if self.flagged.contains(&item.merchant) {
                total += 10 * self.weight(&item.merchant);
            }
            let country = item.country.clone();
            total += country_risk(&country);
        }
        total
    }

    fn weight(&self, merchant: &str) -> u32 {
        *self.weights.get(merchant).unwrap_or(&1)
    }
}

fn country_risk(country: &str) -> u32 {
    match country {
        "DE" | "FR" => 1,
        _ => 3,
    }
}
"#;

fn interval(low: f64, high: f64) -> Interval {
    Interval { low, high }
}

/// A row of the split: name, file and line, then ms, mean, self, total and share of CPU.
fn row(name: &str, place: (&str, u32), ms: [f64; 4], share: f64, budget: Option<f64>) -> Contribution {
    let [c, mean, own, total] = ms;
    Contribution {
        kind: RowKind::Function,
        name: name.into(),
        function: Some(FunctionId(name.into())),
        file: place.0.into(),
        line: place.1,
        c_ms: c,
        ci_ms: interval(c * 0.88, c * 1.13),
        mean_ms: mean,
        self_ms: own,
        total_ms: total,
        share,
        budget_ms: budget,
        over_ms: budget.map_or(0.0, |b| (c - b).max(0.0)),
        band: 1,
        samples: (share * 9000.0) as u64,
        cohort_samples: (c * 12.0) as u64,
        allocated: None,
    }
}

fn other(kind: RowKind, name: &str, c: f64) -> Contribution {
    Contribution {
        kind,
        function: None,
        band: 0,
        budget_ms: None,
        over_ms: 0.0,
        ..row(name, ("", 0), [c, c * 0.4, 0.0, 0.0], 0.0, None)
    }
}

/// The split of `POST /authorize`: 243 ms against 200.
pub fn objective() -> ObjectiveSplit {
    let rows = vec![
        row("gateway::audit::Log::write", ("src/audit.rs", 88), [38.4, 6.1, 0.2, 9.0], 0.11, Some(3.0)),
        row("gateway::risk::Scorer::score", ("src/risk.rs", 13), [19.2, 3.0, 2.8, 3.4], 0.08, Some(8.0)),
        row("gateway::crypto::Tokens::verify", ("src/crypto.rs", 41), [17.6, 17.1, 16.0, 17.4], 0.31, Some(18.0)),
        row("gateway::ledger::Book::post", ("src/ledger.rs", 120), [14.0, 1.1, 0.9, 2.0], 0.05, None),
        row("gateway::http::route", ("src/http.rs", 30), [9.1, 8.8, 1.0, 60.0], 0.17, None),
        row("gateway::wire::encode", ("src/wire.rs", 9), [6.2, 6.0, 6.0, 6.0], 0.12, None),
        row("gateway::limits::Limiter::admit", ("src/limits.rs", 22), [0.4, 0.4, 0.4, 0.4], 0.01, None),
        other(RowKind::Wait, "ledger lock", 61.0),
        other(RowKind::Wait, "acquirer", 40.8),
        other(RowKind::Unattributed, "not placed on any function", 36.3),
    ];
    let sum = rows.iter().map(|r| r.c_ms).sum();
    ObjectiveSplit {
        slo: "authorize-latency".into(),
        operation: "POST /authorize".into(),
        quantile: 0.99,
        limit_ms: 200.0,
        measured_ms: Some(243.0),
        ci_ms: interval(236.0, 251.0),
        requests: 4000,
        good_ratio: 0.967,
        gap_ms: 43.0,
        basis: Basis::JoinedSamples,
        rows,
        sum_ms: sum,
        smallest_set: vec![
            FunctionId("gateway::audit::Log::write".into()),
            FunctionId("gateway::risk::Scorer::score".into()),
        ],
        smallest_set_ms: 57.6,
        reachable: true,
        histogram: (1..=60).map(|i| (f64::from(i) * 5.0, bucket(i))).collect(),
    }
}

/// Four hundred requests, and in each of them ten samples of the functions of the split.
pub fn profile() -> Profile {
    let frame = |symbol: &str, object: &str| Frame { symbol: symbol.into(), object: object.into(), ..Frame::default() };
    let frames = vec![
        frame("gateway::http::route", "gateway"),
        frame("gateway::risk::Scorer::score", "gateway"),
        frame("gateway::audit::Log::write", "gateway"),
        frame("std::io::Write::flush", "gateway"),
        frame("ksys_write", "[kernel.kallsyms]"),
        frame("serde_json::to_string", "gateway"),
        frame("__memmove_avx", "libc.so.6"),
    ];
    // Caller of each frame, in the order of the frames; the last two stand below the scorer.
    let callers = [None, Some(0), Some(0), Some(2), Some(3), Some(1), Some(5)];
    let nodes = callers.iter().zip(0..).map(|(c, frame)| Node { parent: c.map(NodeId), frame: FrameId(frame) });
    let mut profile = Profile { frames, nodes: nodes.collect(), unit: Unit::CpuNanoseconds, ..Profile::default() };
    let leaves = [1, 4, 4, 3, 5, 6, 1, 0, 4, 4];
    for request in 0..400_u64 {
        let start_ns = request * 1_000_000_000;
        let slow = if request % 40 == 0 { 2 } else { 1 };
        let end_ns = start_ns + slow * 100_000_000 + request * 1000;
        let tid = Some(100 + request % 2);
        let operation = String::from("POST /authorize");
        profile.requests.push(Request { id: request.to_string(), operation, start_ns, end_ns, tid });
        for (at, leaf) in leaves.iter().enumerate() {
            let time_ns = Some(start_ns + at as u64 * 10_000_000);
            // Slow requests write their log, the others score.
            let leaf = if slow == 2 && at < 6 { 4 } else { *leaf };
            profile.samples.push(Sample { leaf: Some(NodeId(leaf)), weight: 10_000_000, time_ns, tid });
        }
    }
    profile
}

/// The recording of an older version, which scored longer and wrote less; only `perf/before.txt` is there.
fn older(wish: &Wish) -> Result<Option<Profile>, Vec<Problem>> {
    match wish.older.as_str() {
        "" => Ok(None),
        "perf/before.txt" => {
            let mut older = profile();
            let samples = std::mem::take(&mut older.samples);
            for (at, sample) in samples.iter().enumerate() {
                let leaf = if at % 3 == 0 { Some(NodeId(1)) } else { sample.leaf };
                older.samples.push(Sample { leaf, ..sample });
            }
            Ok(Some(older))
        }
        _ => Err(vec![Problem::error("there is no such file")]),
    }
}

/// The same with forty functions that own next to nothing, and small waits.
pub fn crowded() -> Analysis {
    let mut analysis = analysis();
    let split = &mut analysis.objectives[0];
    let small = (0..40).map(|i| {
        let c = 0.3 / f64::from(i + 1);
        row(&format!("gateway::small::f{i:02}"), ("src/small.rs", 10 + i), [c, c, c, c], 0.001, None)
    });
    split.rows.splice(7..7, small);
    let waits = (0..4).map(|i| other(RowKind::Wait, &format!("disk {i}"), 0.02));
    split.rows.splice(49..49, waits);
    split.sum_ms = split.rows.iter().map(|r| r.c_ms).sum();
    analysis
}

fn bucket(i: u32) -> u64 {
    let x = f64::from(i) * 5.0;
    let bump = |at: f64, width: f64, height: f64| height * (-((x - at) / width).powi(2)).exp();
    (bump(95.0, 25.0, 500.0) + bump(225.0, 22.0, 12.0)).round() as u64
}

fn finding(rule: &'static str, text: &str, line: u32, cost: f64, has_rewrite: bool) -> Finding {
    Finding {
        rule: RuleId(rule),
        eye: Eye::Loops,
        kind: Kind::Quadratic,
        class: Class::A,
        file: "src/risk.rs".into(),
        range: TextRange::default(),
        line,
        end_line: line,
        column: 13,
        function: FunctionId("gateway::risk::Scorer::score".into()),
        message: text.into(),
        captures: Vec::new(),
        costs_on: Vec::new(),
        cost: Some(FindingCost { c_ms: cost, ci_ms: interval(cost * 0.9, cost * 1.1), basis: "samples+requests" }),
        has_rewrite,
    }
}

/// A proposal that turns one text of `src/risk.rs` into another.
pub fn rewrite(id: &str, title: &str, edits: &[(&str, &str)]) -> (Rewrite, Vec<Hunk>) {
    let mut set = Vec::new();
    for (old, new) in edits {
        let start = RISK.find(old).expect("the text to replace is in the file");
        set.push(TextEdit { range: TextRange::new(start, start + old.len()), text: (*new).into() });
    }
    let set = EditSet::new("src/risk.rs", source::hash(RISK), set).expect("edits are disjoint");
    let new = source::apply(&set, RISK).expect("the edited text parses");
    let precondition =
        |text: &str, answered_by, state| Precondition { text: text.into(), answered_by, state, probe: None };
    let rewrite = Rewrite {
        id: RewriteId(id.into()),
        rule: RuleId("quadratic-membership"),
        eye: Eye::Loops,
        kind: Kind::Quadratic,
        class: Class::B,
        file: "src/risk.rs".into(),
        line: 17,
        end_line: 17,
        function: FunctionId("gateway::risk::Scorer::score".into()),
        title: title.into(),
        finding: String::new(),
        edits: vec![set],
        touched: vec![FunctionId("gateway::risk::Scorer::score".into())],
        diff: source::diff("src/risk.rs", RISK, &new),
        preconditions: vec![
            precondition("`flagged` is not changed inside the loop", AnsweredBy::Syntax, refit::model::Answer::Holds),
            precondition("its elements implement Eq and Hash alike", AnsweredBy::Type, refit::model::Answer::Open),
        ],
        obligations: vec!["`Hash` of a merchant agrees with its `Eq`".into()],
        hunks_independent: false,
        cost: Some(FindingCost { c_ms: 19.2, ci_ms: interval(16.9, 21.7), basis: "samples+requests" }),
    };
    (rewrite, source::hunks("src/risk.rs", RISK, &new))
}

/// The two proposals.
pub fn rewrites() -> Vec<(Rewrite, Vec<Hunk>)> {
    let set = rewrite(
        "r1a2b3c4d",
        "index flagged merchants by a set in risk::Scorer::score",
        &[
            ("use std::collections::HashMap;", "use std::collections::{HashMap, HashSet};"),
            (
                "        let mut total = 0;\n",
                "        let flagged: HashSet<&String> = self.flagged.iter().collect();\n        let mut total = 0;\n",
            ),
            ("self.flagged.contains(", "flagged.contains("),
        ],
    );
    let mut copy = rewrite(
        "r5e6f7a8b",
        "borrow the country instead of copying it in risk::Scorer::score",
        &[("let country = item.country.clone();", "let country = &item.country;"), ("(&country);", "(country);")],
    );
    copy.0.line = 20;
    copy.0.end_line = 21;
    copy.0.class = Class::A;
    copy.0.rule = RuleId("defensive-copy");
    copy.0.obligations.clear();
    vec![set, copy]
}

/// What the stages would have made of the gateway.
pub fn analysis() -> Analysis {
    let item = |name: &str, line: u32, end_line: u32| refit::model::Item {
        id: FunctionId(format!("gateway::risk::{name}")),
        krate: "gateway".into(),
        modules: vec!["risk".into()],
        name: name.into(),
        file: "src/risk.rs".into(),
        line,
        end_line,
        ..Default::default()
    };
    let source = |file: &str, format: &str, samples: u64, lost: u64| SourceQuality {
        file: file.into(),
        format: format.into(),
        samples,
        lost,
        event: if samples > 0 { String::from("cpu-clock") } else { String::new() },
        bytes: 1_400_000,
        ..SourceQuality::default()
    };
    let recording = |file: &str| Recording {
        file: file.into(),
        at: Some(1_795_000_000),
        age: Some(7200),
        commit: Some("a1b2c3d4e5f60718293a4b5c6d7e8f9001122334".into()),
        since: Some(3),
        known_by: KnownBy::Named,
    };
    Analysis {
        service: "gateway".into(),
        profile: std::sync::Arc::new(profile()),
        sources: vec![
            source("perf/authorize.perf.txt", "perf script", 12_345, 42),
            source("perf/requests.jsonl", "request log", 0, 0),
        ],
        recordings: vec![recording("perf/authorize.perf.txt"), recording("perf/requests.jsonl")],
        objectives: vec![objective()],
        heat: vec![LineHeat {
            file: "src/risk.rs".into(),
            lines: vec![(17, 0.071), (18, 0.002), (20, 0.011), (30, 0.001)],
        }],
        items: vec![item("Scorer::score", 13, 25), item("Scorer::weight", 27, 29), item("country_risk", 32, 37)].into(),
        findings: vec![
            finding("quadratic-membership", "`flagged` is searched from its start for every item", 17, 19.2, true),
            finding("defensive-copy", "`country` is copied and only read", 20, 2.1, true),
            finding("wide-lock", "the guard lives across the loop", 14, 0.4, false),
        ],
        rewrites: rewrites().into_iter().map(|(r, _)| r).collect(),
        refused: vec![Refusal {
            rule: RuleId("wide-lock"),
            file: "src/risk.rs".into(),
            line: 14,
            reason: "the guard is returned to the caller, so its end is not in this function".into(),
        }],
        problems: vec![
            Problem::warning("2.1 % of the samples are truncated")
                .at(Place::file("perf/authorize.perf.txt"))
                .help("record with a larger --call-graph stack"),
        ],
        ..Analysis::default()
    }
}

/// The project as it was opened.
pub fn project() -> Project {
    let objective = Objective {
        name: "authorize-latency".into(),
        description: String::new(),
        operation: "POST /authorize".into(),
        target: 0.99,
        limit_ns: 200_000_000,
        window: None,
    };
    let slo = Slo { service: "gateway".into(), objectives: vec![objective], ..Slo::default() };
    Project { name: "payment-gateway".into(), branch: "refit/payment-gateway".into(), slo, ..Project::default() }
}

/// A proposal in review, nothing decided.
pub fn proposal(rewrite: Rewrite, hunks: Vec<Hunk>) -> Proposal {
    let review =
        Review { rewrite: rewrite.id.clone(), decisions: vec![Decision::Undecided; hunks.len()], ..Review::default() };
    let tokens = hunks.iter().map(hunk_tokens).collect();
    let rows = DiffRows::new(&hunks, &[]);
    Proposal { rewrite, hunks, tokens, review, verdict: None, signed: None, rows, compiles: false }
}

/// The operation that lands what was signed.
fn landed(signed: &[SignOff]) -> Operation {
    Operation {
        number: 1,
        kind: OperationKind::Apply,
        title: format!("{} on refit/payment-gateway", signed[0].rewrite().title),
        rewrites: signed.iter().map(|s| s.rewrite().id.clone()).collect(),
        refs: vec![("refs/heads/refit/payment-gateway".into(), String::new(), "0a1b2c3d4e".into())],
        at: 0,
        undone: false,
    }
}

/// All evidence, every rung passed, 0.41 of the old time.
pub fn evidence() -> Vec<Evidence> {
    let one = |rung, detail: &str, ms| Evidence {
        rung,
        state: RungState::Passed,
        detail: detail.into(),
        ms,
        log: String::from("running 61 tests\ntest result: ok. 61 passed"),
        cached: false,
    };
    vec![
        one(Rung::Compiles, "3 probes answered, no new warning", 21_400),
        one(Rung::TestsPass, "61 tests, the same 61 pass", 38_200),
        one(Rung::TestsReach, "4 of 4 places hit, 1,204 hits", 9_000),
        one(Rung::TwinsAgree, "1,204 calls of score compared, none differs in its result or a panic", 0),
        one(Rung::Faster, "0.41 of the old time", 44_000),
    ]
}

/// Eighty slices around 3.8 us before and 1.6 us after, the old code again within a hundredth.
pub fn slices() -> Vec<[f64; 3]> {
    let wave = |i: u32, k: f64| (f64::from(i) * k).sin();
    (0..80)
        .map(|i| [3812.0 + 90.0 * wave(i, 1.3), 1570.0 + 60.0 * wave(i, 2.1), 3815.0 + 85.0 * wave(i, 1.32)])
        .collect()
}

/// The verdict of the evidence.
pub fn verdict(id: &RewriteId) -> Verdict {
    let measurement = Measurement {
        speed: Speed::Improved,
        ratio: 0.412,
        ci: (0.398, 0.431),
        confidence: 0.95,
        pairs: 240,
        calls: 48_211,
        noise_floor: 0.008,
        mde: 0.013,
        old_ns: 3812.0,
        new_ns: 1570.0,
        exercised_by: "workload".into(),
        witness: "instructions 0.38".into(),
        counted: Vec::new(),
        builds: Vec::new(),
        slices: slices(),
    };
    Verdict::judge(id.clone(), "a1b2c3d".into(), evidence(), Some(measurement), false)
}

/// A terminal to look at.
pub fn theme() -> Theme {
    Theme { depth: Depth::Full, shade: Shade::Dark, glyphs: Glyphs::Unicode }
}

/// A person at the workbench: keys in, screens out; commands are answered from the fixture.
pub struct Person {
    /// The state.
    pub state: State,
    terminal: Terminal<TestBackend>,
    /// Commands that were not answered: compiler runs, editors, leaving.
    pub pending: Vec<Command>,
    /// Commands of the project that nobody agreed to yet.
    pub unseen: Vec<String>,
}

impl Person {
    /// Opens the workbench on the fixture.
    pub fn at(columns: u16, rows: u16) -> Person {
        let mut person = Person::before(columns, rows, theme());
        person.begin();
        person
    }

    /// Opens the workbench.
    pub fn begin(&mut self) {
        let commands = begin(&mut self.state);
        self.answer(commands);
        self.look();
    }

    /// The workbench before anything was read.
    pub fn before(columns: u16, rows: u16, theme: Theme) -> Person {
        let state = State::new((columns, rows), theme, false);
        let terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
        Person { state, terminal, pending: Vec::new(), unseen: Vec::new() }
    }

    /// Draws a frame.
    pub fn look(&mut self) -> &Buffer {
        let state = &self.state;
        let mut drawn = Default::default();
        self.terminal.draw(|frame| drawn = view(state, frame)).expect("a frame");
        self.state.drawn = drawn;
        self.terminal.backend().buffer()
    }

    /// The screen as text.
    pub fn screen(&mut self) -> String {
        let buffer = self.look();
        let line = |y: u16| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| line(y).trim_end().to_string()).collect::<Vec<_>>().join("\n")
    }

    /// Takes a message in and answers what it asks for.
    pub fn tell(&mut self, message: Message) {
        let commands = update(&mut self.state, message);
        self.answer(commands);
        self.look();
    }

    /// Presses a key.
    pub fn press(&mut self, code: KeyCode) {
        self.tell(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// Types characters, each as a key.
    pub fn keys(&mut self, keys: &str) {
        for c in keys.chars() {
            self.press(KeyCode::Char(c));
        }
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(columns, rows);
        self.tell(Message::Resize(columns, rows));
    }

    /// The newest compiler run asked for.
    pub fn compiler_run(&self) -> (JobId, Task) {
        let run = |c: &Command| match c {
            Command::Run(id, task) => Some((*id, task.clone())),
            _ => None,
        };
        self.pending.iter().rev().find_map(run).expect("a compiler run was asked for")
    }

    /// Passes time.
    pub fn later(&mut self, seconds: u64) {
        let now = self.state.now + Duration::from_secs(seconds);
        self.tell(Message::Now(now));
    }

    fn answer(&mut self, commands: Vec<Command>) {
        for command in commands {
            let (id, task) = match &command {
                Command::Run(id, task) => (*id, task.clone()),
                _ => {
                    self.pending.push(command);
                    continue;
                }
            };
            match self.answer_to(&task) {
                Some(answer) => {
                    let wanted = update(&mut self.state, Message::Started(id));
                    assert!(wanted.is_empty());
                    let wanted = update(&mut self.state, Message::Done(id, answer));
                    self.answer(wanted);
                }
                None => self.pending.push(command),
            }
        }
    }

    fn answer_to(&self, task: &Task) -> Option<Result<Answer, Vec<Problem>>> {
        let of = |r: &Rewrite| self.state.proposals.iter().find(|p| p.rewrite.id == r.id).expect("a known proposal");
        Some(match task {
            Task::Open => Ok(Answer::Opened(Box::new(Project { unseen: self.unseen.clone(), ..project() }))),
            Task::Analyse => Ok(Answer::Analysed(Arc::new(analysis()))),
            Task::Reviews(_) => Ok(Answer::Reviews(self.reviews())),
            Task::Text(file) => Ok(Answer::Text(Arc::new(source_text(file, RISK)))),
            Task::Log => Ok(Answer::Log(self.state.operations.clone())),
            Task::Decide(r, hunk, decision) => {
                let mut review = of(r).review.clone();
                review.decisions[*hunk] = decision.clone();
                Ok(Answer::Reviewed(r.id.clone(), review))
            }
            Task::Comment(r, hunk, line, text) => {
                let mut review = of(r).review.clone();
                let author = String::from("Engineer <engineer@example.org>");
                review.comments.push(Comment { author, hunk: *hunk, line: *line, text: text.clone(), at: 0 });
                Ok(Answer::Reviewed(r.id.clone(), review))
            }
            Task::Sign(s) => {
                let mut review = of(&s.rewrite).review.clone();
                review.obligations_accepted = s.rewrite.obligations.clone();
                let who = String::from("Engineer <engineer@example.org>");
                SignOff::sign(s.rewrite.clone(), &review, s.verdict.clone(), who, s.role.clone(), 0, s.reason.clone())
                    .map(|s| Answer::Signed(Box::new(s)))
                    .map_err(|p| vec![p])
            }
            Task::Agree => Ok(Answer::Agreed),
            Task::Look(analysis, wish) => older(wish).map(|older| {
                let older = older.map(refit::pipeline::Older::new);
                let look = refit::pipeline::look(
                    analysis,
                    &project().slo,
                    wish.objective,
                    wish.tail,
                    &wish.brush,
                    older.as_ref(),
                );
                Answer::Looked(wish.clone(), Arc::new(look))
            }),
            Task::Report => {
                Ok(Answer::Report("# payment-gateway\n\n| function | ms |\n|---|---|\n| score | 19 |\n".into()))
            }
            Task::Apply(signed) => {
                let operation = landed(signed);
                Ok(Answer::Operated(operation.clone(), vec![operation]))
            }
            _ => return None,
        })
    }

    fn reviews(&self) -> Vec<Proposal> {
        if self.state.proposals.is_empty() {
            return rewrites().into_iter().map(|(r, h)| proposal(r, h)).collect();
        }
        self.state.proposals.clone()
    }
}
