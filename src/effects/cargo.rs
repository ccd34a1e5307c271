//! A checkout with its target folder in; diagnostics, packages and the toolchain's name out, through the `cargo` program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::Cancel;
use super::process::{Command, Ended};
use crate::model::{Diagnostic, Problem, TextRange};

/// How cargo is run on one checkout.
#[derive(Clone, Debug)]
pub struct Cargo {
    /// The Cargo root inside of the checkout.
    pub root: PathBuf,
    /// The checkout's own target folder.
    pub target: PathBuf,
    /// Path of the Cargo root relative to the project root, with `/` at the end unless empty: prefixed to file names.
    pub prefix: String,
    /// Features to build with.
    pub features: Features,
    /// True once everything was fetched.
    pub offline: bool,
    /// Longest time of one run.
    pub limit: Duration,
}

/// Features that are built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Features {
    /// Those of the manifest's default, and these.
    Chosen(Vec<String>),
    /// All that the manifest has.
    All,
    /// None, the defaults left out too.
    None,
}

impl Features {
    /// What it is called among people.
    pub fn word(&self) -> &'static str {
        match self {
            Features::Chosen(_) => "the chosen features",
            Features::All => "all features",
            Features::None => "no features",
        }
    }

    fn flags(&self) -> Vec<String> {
        match self {
            Features::Chosen(names) if names.is_empty() => Vec::new(),
            Features::Chosen(names) => vec!["--features".into(), names.join(",")],
            Features::All => vec!["--all-features".into()],
            Features::None => vec!["--no-default-features".into()],
        }
    }
}

/// Targets that are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    /// All.
    #[default]
    All,
    /// All but benches: many need a nightly compiler or files that are not there.
    WithoutBenches,
}

impl Targets {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Targets::All => &["--all-targets"],
            Targets::WithoutBenches => &["--bins", "--examples", "--tests"],
        }
    }
}

/// What `cargo check` said.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Errors and warnings, as they came.
    pub diagnostics: Vec<Diagnostic>,
    /// How it ended.
    pub ended: Ended,
}

/// A package of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder relative to the Cargo root; empty for the root itself.
    pub dir: String,
    /// Names of the workspace's packages it depends on, directly.
    pub needs: Vec<String>,
    /// True if it has a library or a program whose tests can run.
    pub has_tests: bool,
    /// True if the examples in its documentation are tests.
    pub has_doc_tests: bool,
    /// True if it has bench targets.
    pub has_benches: bool,
    /// True if its manifest has features beside the default ones.
    pub has_features: bool,
    /// True if some of them are on by default.
    pub has_defaults: bool,
    /// True if its code can name serde 1, whatever its features.
    pub knows_serde: bool,
}

impl Cargo {
    /// A cargo command on this checkout; `--locked` and `--offline` are added where they apply.
    pub fn command(&self, args: &[&str]) -> Command {
        let flags = self.flags(!["fetch", "metadata"].contains(&args[0]));
        let all = [&args[..1], &flags.iter().map(String::as_str).collect::<Vec<_>>(), &args[1..]].concat();
        self.environment(Command::new("cargo", all, &self.root)).limit(self.limit)
    }

    /// What each command of cargo that reads this checkout is told.
    pub fn flags(&self, with_features: bool) -> Vec<String> {
        let mut flags = Vec::new();
        if self.root.join("Cargo.lock").exists() {
            flags.push(String::from("--locked"));
        }
        if self.offline {
            flags.push(String::from("--offline"));
        }
        if with_features {
            flags.extend(self.features.flags());
        }
        flags
    }

    /// The variables that tie a command (cargo's or the project's own) to this checkout.
    pub fn environment(&self, command: Command) -> Command {
        let command = command
            .env("CARGO_TARGET_DIR", self.target.to_string_lossy())
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never");
        if self.offline { command.env("CARGO_NET_OFFLINE", "true") } else { command }
    }

    /// `cargo check` of these packages (none: the whole workspace); `wrapper` stands between cargo and rustc for the
    /// workspace's own crates.
    ///
    /// # Errors
    /// No cargo.
    pub fn check(
        &self,
        packages: &[String],
        targets: Targets,
        wrapper: Option<&Path>,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<Checked, Problem> {
        let mut args = vec!["check", "--keep-going", "--message-format=json"];
        args.extend(targets.flags());
        if packages.is_empty() {
            args.push("--workspace");
        }
        args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
        let mut command = self.command(&args);
        if let Some(wrapper) = wrapper {
            command = command.env("RUSTC_WORKSPACE_WRAPPER", wrapper.to_string_lossy());
        }
        let ended = command.run(cancel, &mut |said| {
            if !said.starts_with('{') {
                line(said);
            }
        })?;
        Ok(Checked { diagnostics: diagnostics(&ended.out, &self.prefix), ended })
    }

    /// Fetches the dependencies: from what is there already, else over the network.
    ///
    /// # Errors
    /// Dependencies that are neither there nor reachable, with cargo's own words.
    pub fn fetch(&mut self, cancel: &Cancel, line: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        self.offline = true;
        if self.command(&["fetch"]).run(cancel, &mut |_| {})?.ok() {
            return Ok(());
        }
        self.offline = false;
        let ended = self.command(&["fetch"]).run(cancel, line)?;
        self.offline = ended.ok();
        if ended.ok() {
            return Ok(());
        }
        Err(Problem::error(format!(
            "the dependencies cannot be fetched ({}): {}",
            ended.words(),
            last_line(&ended.tail)
        ))
        .help("run `cargo fetch` in the project and mend what it says"))
    }

    /// The packages of the workspace.
    ///
    /// # Errors
    /// Manifests that cargo cannot read, with its own words.
    pub fn packages(&self, cancel: &Cancel) -> Result<Vec<Package>, Problem> {
        // Only the resolved graph knows what `[patch]` put in place of a package of the registry.
        let resolved = self.command(&["metadata", "--format-version=1"]).run(cancel, &mut |_| {})?;
        let ended = match resolved.ok() {
            true => resolved,
            false => self.command(&["metadata", "--no-deps", "--format-version=1"]).run(cancel, &mut |_| {})?,
        };
        if !ended.ok() {
            return Err(Problem::error(format!("cargo cannot read the workspace: {}", last_line(&ended.tail)))
                .help("run `cargo metadata` in the project and mend what it says"));
        }
        packages(&ended.out, &self.root)
            .ok_or_else(|| Problem::error("the answer of `cargo metadata` could not be read"))
    }
}

/// Name and version of the compiler that this folder gets (`rustc -vV`), for keys of the evidence cache.
///
/// # Errors
/// No rustc.
pub fn toolchain(dir: &Path, cancel: &Cancel) -> Result<String, Problem> {
    let ended = Command::new("rustc", ["-vV"], dir).limit(Duration::from_secs(60)).run(cancel, &mut |_| {})?;
    if ended.ok() {
        return Ok(ended.out.lines().collect::<Vec<_>>().join("; "));
    }
    Err(Problem::error(format!("rustc does not run: {}", last_line(&ended.tail)))
        .help("install Rust from https://rustup.rs, or mend the toolchain file"))
}

fn last_line(text: &str) -> &str {
    let said = text.lines().rev().find(|l| l.starts_with("error"));
    said.or_else(|| text.lines().rev().find(|l| !l.trim().is_empty())).unwrap_or("it said nothing").trim()
}

/// Compiler messages among cargo's JSON lines (The Cargo Book, "External tools"); `prefix` stands before file names.
pub fn diagnostics(out: &str, prefix: &str) -> Vec<Diagnostic> {
    let lines = out.lines().filter(|l| l.starts_with('{'));
    let read = |line: &str| {
        let message: wire::Line = serde_json::from_str(line).ok()?;
        (message.reason == "compiler-message").then(|| message.message.map(|m| diagnostic(m, prefix)))?
    };
    lines.filter_map(read).collect()
}

fn diagnostic(message: wire::Message, prefix: &str) -> Diagnostic {
    let primary = message.spans.into_iter().find(|s| s.is_primary).map(outermost);
    let span = primary.unwrap_or_default();
    let file = if span.file_name.is_empty() { String::new() } else { format!("{prefix}{}", span.file_name) };
    Diagnostic {
        level: message.level,
        code: message.code.map(|c| c.code).unwrap_or_default(),
        message: message.message,
        file,
        range: TextRange { start: span.byte_start, end: span.byte_end },
        line: span.line_start,
        column: span.column_start,
        rendered: message.rendered.unwrap_or_default(),
    }
}

/// A span inside of a macro is shown where the macro is called.
fn outermost(span: wire::Span) -> wire::Span {
    match span.expansion {
        Some(expansion) => outermost(expansion.span),
        None => span,
    }
}

fn packages(out: &str, root: &Path) -> Option<Vec<Package>> {
    let metadata: wire::Metadata = serde_json::from_str(out.lines().find(|l| l.starts_with('{'))?).ok()?;
    let members = &metadata.workspace_members;
    let own: Vec<&wire::Package> = metadata.packages.iter().filter(|p| members.contains(&p.id)).collect();
    let canonical = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let package = |p: &&wire::Package| {
        let dir = Path::new(&p.manifest_path).parent().unwrap_or(root);
        let relative = dir.strip_prefix(&canonical).or_else(|_| dir.strip_prefix(root)).unwrap_or(dir);
        // What is declared by a path stands behind a feature at worst; what is resolved stands in by `[patch]` too.
        let declared = |other: &wire::Package| p.dependencies.iter().any(|d| d.path.is_some() && d.name == other.name);
        let resolved = |other: &wire::Package| metadata.resolved(&p.id).any(|id| *id == other.id);
        let needs = own.iter().filter(|other| other.id != p.id && (declared(other) || resolved(other)));
        Package {
            name: p.name.clone(),
            dir: relative.to_string_lossy().into_owned(),
            needs: needs.map(|other| other.name.clone()).collect(),
            has_tests: p.targets.iter().any(|t| t.test),
            has_doc_tests: p.targets.iter().any(|t| t.doctest),
            has_benches: p.targets.iter().any(|t| t.kind.iter().any(|k| k == "bench")),
            has_features: p.features.keys().any(|name| name != "default"),
            has_defaults: p.features.get("default").is_some_and(|on| !on.is_empty()),
            knows_serde: p.edition != "2015" && p.dependencies.iter().any(wire::Dependency::is_serde),
        }
    };
    Some(own.iter().map(package).collect())
}

/// What cargo and rustc write.
mod wire {
    use std::collections::BTreeMap;

    use super::Deserialize;

    #[derive(Deserialize)]
    pub struct Line {
        pub reason: String,
        pub message: Option<Message>,
    }

    #[derive(Deserialize)]
    pub struct Message {
        pub message: String,
        pub level: String,
        pub code: Option<Code>,
        pub spans: Vec<Span>,
        pub rendered: Option<String>,
    }

    #[derive(Deserialize)]
    pub struct Code {
        pub code: String,
    }

    #[derive(Default, Deserialize)]
    pub struct Span {
        pub file_name: String,
        pub byte_start: u32,
        pub byte_end: u32,
        pub line_start: u32,
        pub column_start: u32,
        pub is_primary: bool,
        pub expansion: Option<Box<Expansion>>,
    }

    #[derive(Deserialize)]
    pub struct Expansion {
        pub span: Span,
    }

    #[derive(Deserialize)]
    pub struct Metadata {
        pub packages: Vec<Package>,
        pub workspace_members: Vec<String>,
        pub resolve: Option<Resolve>,
    }

    impl Metadata {
        /// Ids of what a package was resolved to depend on; nothing where that was not asked for.
        pub fn resolved<'m>(&'m self, id: &'m str) -> impl Iterator<Item = &'m String> {
            let nodes = self.resolve.iter().flat_map(|r| &r.nodes);
            nodes.filter(move |node| node.id == id).flat_map(|node| &node.dependencies)
        }
    }

    #[derive(Deserialize)]
    pub struct Resolve {
        pub nodes: Vec<Node>,
    }

    #[derive(Deserialize)]
    pub struct Node {
        pub id: String,
        pub dependencies: Vec<String>,
    }

    #[derive(Deserialize)]
    pub struct Package {
        pub id: String,
        pub name: String,
        pub manifest_path: String,
        pub dependencies: Vec<Dependency>,
        #[serde(default)]
        pub edition: String,
        pub targets: Vec<Target>,
        #[serde(default)]
        pub features: BTreeMap<String, Vec<String>>,
    }

    #[derive(Deserialize)]
    pub struct Dependency {
        pub name: String,
        pub path: Option<String>,
        #[serde(default)]
        pub req: String,
        /// `dev`, `build`, or nothing.
        pub kind: Option<String>,
        pub rename: Option<String>,
        pub target: Option<String>,
        #[serde(default)]
        pub optional: bool,
    }

    impl Dependency {
        /// True for serde 1 under its own name, wherever and however the package is built.
        pub fn is_serde(&self) -> bool {
            let is_first = self.req.trim_start_matches(|c: char| !c.is_ascii_digit()).starts_with('1');
            let is_always = self.kind.is_none() && self.rename.is_none() && self.target.is_none() && !self.optional;
            self.name == "serde" && is_first && is_always
        }
    }

    #[derive(Deserialize)]
    pub struct Target {
        #[serde(default)]
        pub test: bool,
        #[serde(default)]
        pub doctest: bool,
        #[serde(default)]
        pub kind: Vec<String>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: &str = r#"{"reason":"compiler-message","package_id":"p","message":{"message":"unused variable: `x`","code":{"code":"unused_variables"},"level":"warning","spans":[{"file_name":"src/lib.rs","byte_start":8,"byte_end":9,"line_start":1,"line_end":1,"column_start":9,"column_end":10,"is_primary":true,"expansion":null}],"children":[],"rendered":"warning: ..."}}"#;

    #[test]
    fn compiler_messages_are_read_with_their_place_in_the_project() {
        let out = format!("{}\nnot json\n{WARNING}\n", r#"{"reason":"build-finished","success":true}"#);
        let found = diagnostics(&out, "services/gateway/");
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].line_for_people(),
            "warning[unused_variables] services/gateway/src/lib.rs:1: unused variable: `x`"
        );
        assert_eq!(found[0].range, TextRange::new(8, 9));
    }

    const METADATA: &str = r#"{"packages":[
        {"id":"a","name":"models","manifest_path":"/w/models/Cargo.toml","dependencies":[],"targets":[{"test":true}]},
        {"id":"b","name":"match","manifest_path":"/w/match/Cargo.toml","targets":[{"test":true}],
         "dependencies":[{"name":"models","path":null},{"name":"serde","path":null}]},
        {"id":"c","name":"cli","manifest_path":"/w/cli/Cargo.toml","targets":[{"test":true}],
         "dependencies":[{"name":"match","path":"/w/match"}]},
        {"id":"d","name":"serde","manifest_path":"/r/serde/Cargo.toml","dependencies":[],"targets":[]}],
        "workspace_members":["a","b","c"],
        "resolve":{"nodes":[{"id":"b","dependencies":["a","d"]},{"id":"c","dependencies":[]}]}}"#;

    #[test]
    fn what_a_patch_puts_in_place_of_a_registry_package_is_needed_too() {
        let needs = |text: &str| -> Vec<String> {
            let found = packages(&text.replace('\n', ""), Path::new("/w")).expect("it can be read");
            found.iter().map(|p| format!("{} in {} needs {}", p.name, p.dir, p.needs.join(" "))).collect()
        };
        assert_eq!(
            needs(METADATA),
            ["models in models needs ", "match in match needs models", "cli in cli needs match"],
            "cli needs match by its path although the features of this answer leave it out"
        );
        let without = METADATA.split(",\n        \"resolve\"").next().expect("a beginning").to_owned() + "}";
        assert_eq!(needs(&without)[1], "match in match needs ", "without a graph only paths tell");
    }

    #[test]
    fn serde_can_be_named_where_it_always_stands_under_its_own_name() {
        let knows = |dependency: &str, edition: &str| {
            let package = r#"{"packages":[{"id":"a","name":"a","manifest_path":"/w/Cargo.toml","targets":[],"edition":"EDITION",
                "dependencies":[DEPENDENCY]}],"workspace_members":["a"]}"#;
            let text = package.replace('\n', "").replace("EDITION", edition).replace("DEPENDENCY", dependency);
            packages(&text, Path::new("/w")).expect("it can be read")[0].knows_serde
        };
        assert!(knows(r#"{"name":"serde","req":"^1.0.100","kind":null,"rename":null,"optional":false}"#, "2021"));
        assert!(!knows(r#"{"name":"serde","req":"^1.0.100"}"#, "2015"));
        assert!(!knows(r#"{"name":"serde","req":"^0.9"}"#, "2021"));
        assert!(!knows(r#"{"name":"serde","req":"^1","kind":"dev"}"#, "2021"));
        assert!(!knows(r#"{"name":"serde","req":"^1","rename":"other"}"#, "2021"));
        assert!(!knows(r#"{"name":"serde","req":"^1","optional":true}"#, "2021"));
        assert!(!knows(r#"{"name":"serde","req":"^1","target":"cfg(windows)"}"#, "2021"));
        assert!(!knows(r#"{"name":"serde_json","req":"^1"}"#, "2021"));
    }

    #[test]
    fn a_message_without_a_span_has_no_place() {
        let line = r#"{"reason":"compiler-message","message":{"message":"aborting","code":null,"level":"error","spans":[],"rendered":null}}"#;
        let found = diagnostics(line, "");
        assert_eq!((found[0].file.as_str(), found[0].line, found[0].is_error()), ("", 0, true));
    }
}
