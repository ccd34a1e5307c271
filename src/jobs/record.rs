//! A command in; its recording with what this machine has, how good it is, and its entry in `slo.toml` out.

use std::path::Path;
use std::time::Duration;

use super::{Ear, Workspace};
use crate::effects::git::Git;
use crate::effects::process::{Command, Exit};
use crate::effects::{Cancel, files, machine, objects};
use crate::model::{Level, Place, Problem, Progress, Source, SourceQuality};
use crate::pipeline::{Depth, Inputs};
use crate::profile::symbols::{Image, keeps_frame_pointers};
use crate::slo::{self, NewSource};

/// How stacks are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackMode {
    /// The kernel follows frame pointers: small, and blind above functions that have none.
    FramePointers,
    /// The top of each stack is copied and unwound afterwards: whole, and large.
    Dwarf,
}

/// What to record and how; what is not said is chosen.
#[derive(Clone, Debug, Default)]
pub struct RecordOptions {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where to, relative to `slo.toml`.
    pub output: Option<String>,
    /// Samples per second.
    pub rate: Option<u32>,
    /// How stacks are recorded.
    pub stacks: Option<StackMode>,
    /// Ends the program after this many seconds.
    pub seconds: Option<u64>,
}

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The recording, relative to `slo.toml`.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The command line of the recorder.
    pub line: String,
    /// What was chosen, each with its reason.
    pub reasons: Vec<String>,
    /// What the reader says of it.
    pub quality: SourceQuality,
    /// Requests in it, where the service wrote them down itself.
    pub requests: u64,
    /// True if an entry was added to `slo.toml`, false if it names the file already or is not there.
    pub added: bool,
    /// The command that leads on.
    pub next: String,
    /// What is worth saying, the quality gate's words among it.
    pub problems: Vec<Problem>,
}

/// How a recording is made on this machine.
#[derive(Clone, Debug, PartialEq)]
struct Plan {
    args: Vec<String>,
    reasons: Vec<String>,
}

/// Bytes of each stack that are copied; beyond 64 KiB perf refuses.
const DUMP: u32 = 16_384;
/// A prime, so that sampling does not keep step with anything.
const FAST: u32 = 997;
const SLOW: u32 = 297;

/// Records a command with perf, looks at what was recorded, and names it in `slo.toml`.
///
/// # Errors
/// No command; perf is not there or may not sample, with the way that is left; nothing was recorded.
pub fn record(root: &Path, config: &Path, options: &RecordOptions, ear: &Ear) -> Result<Recorded, Vec<Problem>> {
    let Some(program) = options.command.first() else {
        return Err(vec![
            Problem::error("no command was given").help("refit record -- target/release/service --port 8080"),
        ]);
    };
    let folder = root.join(config).parent().map_or_else(|| root.to_path_buf(), Path::to_path_buf);
    if let Err(words) = machine::perf_samples(root) {
        return super::record_log::record(root, config, &folder, options, &words, ear);
    }
    let file = options.output.clone().unwrap_or_else(|| format!("perf/{}.perf.data", stem(program)));
    let binary = binary_of(&folder, program);
    let plan = plan(&folder, binary.as_deref(), &file, options);
    objects::make_folder_of(&folder.join(&file)).map_err(|p| vec![p])?;
    ear.tell(Progress::Step { what: format!("record {}", options.command.join(" ")), done: 0, total: 0 });
    let words = run(&folder, &plan, options, ear).map_err(|p| vec![p])?;
    let bytes =
        files::size(&folder.join(&file)).filter(|bytes| *bytes > 0).ok_or_else(|| vec![nothing(&file, &words)])?;
    let line = std::iter::once("perf").chain(plan.args.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let mut recorded = Recorded { file, bytes, line, reasons: plan.reasons, ..Recorded::default() };
    judge(root, config, binary.as_deref(), &mut recorded)?;
    if recorded.quality.samples == 0 {
        files::remove(&folder.join(&recorded.file));
        return Err(vec![nothing(&recorded.file, &words)]);
    }
    name_in_config(root, config, binary, &mut recorded)?;
    Ok(recorded)
}

/// `gateway` for `target/release/gateway`.
fn stem(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or(program);
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    if plain.trim_matches('.').is_empty() { String::from("recording") } else { plain }
}

/// The program as a path relative to the project, where it is one; what cargo or a shell starts is not known.
fn binary_of(folder: &Path, program: &str) -> Option<String> {
    let is_path = program.contains('/');
    let here = files::size(&folder.join(program)).is_some();
    (is_path && here).then(|| program.to_owned())
}

fn plan(folder: &Path, binary: Option<&str>, file: &str, options: &RecordOptions) -> Plan {
    let mut reasons = vec![
        match machine::has_cycles(folder) {
            true => "cpu-clock: its samples are nanoseconds on a CPU, as requests are measured; cycles would not be",
            false => "cpu-clock: this machine shows no hardware counters, and its samples are nanoseconds on a CPU",
        }
        .to_owned(),
    ];
    reasons.push(String::from("-k mono: the clock of the request log, so that samples meet requests"));
    let (stacks, why) = match options.stacks {
        Some(stacks) => (stacks, "as asked for"),
        None => stacks_of(folder, binary),
    };
    let rate = options.rate.unwrap_or(if stacks == StackMode::Dwarf { SLOW } else { FAST });
    let graph = match stacks {
        StackMode::FramePointers => String::from("fp"),
        StackMode::Dwarf => format!("dwarf,{DUMP}"),
    };
    reasons.push(format!("--call-graph {graph}: {why}"));
    reasons.push(match stacks {
        StackMode::FramePointers => format!("-F {rate}: about 0.12 kB a sample"),
        StackMode::Dwarf => format!("-F {rate}: about 17 kB a sample"),
    });
    let rate = rate.to_string();
    let fixed = ["record", "-k", "mono", "-e", "cpu-clock", "-F", &rate, "--call-graph", &graph, "-o", file, "--"];
    let args = fixed.iter().map(|a| (*a).to_owned()).chain(options.command.iter().cloned()).collect();
    Plan { args, reasons }
}

fn stacks_of(folder: &Path, binary: Option<&str>) -> (StackMode, &'static str) {
    let Some(bytes) = binary.and_then(|b| objects::bytes(&folder.join(b))) else {
        return (StackMode::Dwarf, "what the command starts is not known, and this needs no frame pointers");
    };
    match Image::parse(&bytes).ok().and_then(|image| keeps_frame_pointers(&image, &bytes)) {
        Some(true) => (StackMode::FramePointers, "the functions of this binary keep frame pointers"),
        Some(false) => (StackMode::Dwarf, "most functions of this binary keep no frame pointers"),
        None => (StackMode::Dwarf, "the binary has too few symbols to tell whether it keeps frame pointers"),
    }
}

/// Runs perf to the command's end, to its time limit, or until the person stops it: all three leave a whole recording.
/// Gives the last words of both.
fn run(folder: &Path, plan: &Plan, options: &RecordOptions, ear: &Ear) -> Result<String, Problem> {
    let mut command = Command::new("perf", plan.args.iter().map(String::as_str), folder).merged();
    if let Some(seconds) = options.seconds {
        command = command.limit(Duration::from_secs(seconds));
    }
    let ended = command.run(&ear.cancel, &mut |line| {
        ear.tell(Progress::Log(line.to_owned()));
    })?;
    match ended.exit {
        Exit::Code(0) | Exit::TimedOut | Exit::Cancelled => Ok(ended.tail),
        // perf ends as the command did; what it recorded until then stands.
        _ if files::size(&folder.join(output_of(&plan.args))).is_some_and(|bytes| bytes > 0) => Ok(ended.tail),
        _ => Err(Problem::error(format!("perf recorded nothing: {}", ended.words())).help(ended.tail)),
    }
}

fn output_of(args: &[String]) -> &str {
    args.iter().position(|a| a == "-o").and_then(|at| args.get(at + 1)).map_or("", String::as_str)
}

/// Reads the recording as `refit rank` will, and takes over what the quality gate says of it.
fn judge(root: &Path, config: &Path, binary: Option<&str>, recorded: &mut Recorded) -> Result<(), Vec<Problem>> {
    // Ctrl-C ended the program, not the look at what it left.
    let ear = Ear { cancel: Cancel::default(), ..Ear::deaf() };
    let source = Source { file: recorded.file.clone(), binary: binary.map(str::to_owned), ..Source::default() };
    if root.join(config).exists() {
        let mut workspace = Workspace::open(root, config)?;
        workspace.slo.sources = vec![source];
        let inputs = Inputs { depth: Depth::Rank, despite_quality: true, ..Inputs::default() };
        let analysis = workspace.compose(inputs, &ear)?;
        recorded.quality = analysis.sources.into_iter().next().unwrap_or_default();
        recorded.problems = analysis.problems.into_iter().filter(|p| p.level != Level::Note).collect();
    } else {
        let (profile, problems) = super::read_sources(root, &[source], &ear)?;
        recorded.quality = profile.sources.into_iter().next().unwrap_or_default();
        recorded.problems = problems;
    }
    Ok(())
}

pub(super) fn name_in_config(
    root: &Path,
    config: &Path,
    binary: Option<String>,
    recorded: &mut Recorded,
) -> Result<(), Vec<Problem>> {
    let path = root.join(config);
    if !path.exists() {
        recorded.next = String::from("refit init");
        return Ok(());
    }
    let shown = config.display().to_string();
    let text = files::read_text(&path, &shown).map_err(|p| vec![p])?;
    let commit = Git::at(root).line(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let source = NewSource { file: recorded.file.clone(), binary: binary.unwrap_or_default(), commit };
    if let Some(text) = slo::add_source(&text, &source) {
        files::write_atomic(&path, text.as_bytes()).map_err(|p| vec![p])?;
        recorded.added = true;
    }
    recorded.next = String::from("refit rank");
    Ok(())
}

fn nothing(file: &str, words: &str) -> Problem {
    let said: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    let said = said[said.len().saturating_sub(3)..].join("\n");
    let help = if said.is_empty() { "let the program run for longer" } else { &said };
    Problem::error("not one sample was recorded").at(Place::file(file)).help(help)
}

/// What is left where perf is refused: what the service itself can write.
pub(super) fn refused(words: &str) -> Problem {
    Problem::error(format!("perf cannot sample on this machine: {words}")).help(NO_PERF)
}

/// The way without perf, for `record` and `doctor`.
pub(super) const NO_PERF: &str = "allow it with `sudo sysctl kernel.perf_event_paranoid=1` (in a container: \
    `--cap-add PERFMON`); or let the service write its request log (templates/instrument/request_log.rs) or OTLP spans, \
    and name that file in [[source]]: spans alone are ranked too";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_named_after_its_program() {
        assert_eq!(["target/release/gw", "./a b", "cargo", ".."].map(stem), ["gw", "a-b", "cargo", "recording"]);
    }

    #[test]
    fn what_is_asked_for_is_not_chosen() {
        let options = RecordOptions {
            command: vec!["true".into()],
            rate: Some(99),
            stacks: Some(StackMode::FramePointers),
            ..RecordOptions::default()
        };
        let plan = plan(Path::new("/"), None, "perf/x.perf.data", &options);
        let args = plan.args.join(" ");
        assert_eq!(args, "record -k mono -e cpu-clock -F 99 --call-graph fp -o perf/x.perf.data -- true");
        assert!(plan.reasons.iter().any(|r| r == "--call-graph fp: as asked for"), "{:?}", plan.reasons);
    }

    #[test]
    fn without_a_known_binary_stacks_are_copied() {
        let options = RecordOptions { command: vec!["cargo".into(), "bench".into()], ..RecordOptions::default() };
        let plan = plan(Path::new("/"), None, "perf/cargo.perf.data", &options);
        assert!(plan.args.contains(&"dwarf,16384".to_owned()) && plan.args.contains(&"297".to_owned()), "{plan:?}");
    }
}
