//! A command on a machine where perf is refused in; the request log or trace that the service wrote while it ran out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::record::{RecordOptions, Recorded, name_in_config, refused};
use super::{Ear, Workspace};
use crate::effects::process::{Command, Ended, Exit};
use crate::effects::{files, walk};
use crate::model::{Level, Problem, Profile, Progress, Source};

/// Folder beside `slo.toml` in which recordings are looked for, besides those that it names.
const FOLDER: &str = "perf";

/// When a file was last written, and its size.
type Written = BTreeMap<String, (Option<u64>, Option<u64>)>;

/// Runs the command alone, and takes what of it speaks of requests.
///
/// # Errors
/// perf's words, where the command wrote nothing of the kind; those of the command where it failed.
pub(super) fn record(
    root: &Path,
    config: &Path,
    folder: &Path,
    options: &RecordOptions,
    words: &str,
    ear: &Ear,
) -> Result<Recorded, Vec<Problem>> {
    let line = options.command.join(" ");
    let before = written(root, config, folder);
    ear.tell(Progress::Step { what: format!("run {line} without perf"), done: 0, total: 0 });
    let ended = run(folder, options, ear).map_err(|problem| vec![refused(words), problem])?;
    let after = written(root, config, folder);
    let is_new = |file: &&String| after.get(*file) != before.get(*file);
    let taken = after.keys().filter(is_new).find_map(|file| Some((file, requests_of(folder, file, ear)?)));
    let Some((file, (profile, problems))) = taken else { return Err(vec![refused(words), nothing(&line, &ended)]) };
    let mut recorded = Recorded {
        file: file.clone(),
        bytes: files::size(&folder.join(file)).unwrap_or_default(),
        line,
        reasons: vec![
            format!("perf cannot sample on this machine: {words}"),
            String::from(
                "what the service wrote down itself is taken: requests and waits, and functions where spans name them",
            ),
        ],
        requests: profile.requests.len() as u64,
        quality: profile.sources.into_iter().next().unwrap_or_default(),
        problems: problems.into_iter().filter(|p| p.level != Level::Note).collect(),
        ..Recorded::default()
    };
    name_in_config(root, config, None, &mut recorded)?;
    Ok(recorded)
}

fn run(folder: &Path, options: &RecordOptions, ear: &Ear) -> Result<Ended, Problem> {
    let (program, args) = options.command.split_first().expect("a command was given");
    let mut command = Command::new(program, args.iter().map(String::as_str), folder).merged();
    if let Some(seconds) = options.seconds {
        command = command.limit(Duration::from_secs(seconds));
    }
    command.run(&ear.cancel, &mut |line| ear.tell(Progress::Log(line.to_owned())))
}

/// The sources that `slo.toml` names, and everything in the folder of recordings.
fn written(root: &Path, config: &Path, folder: &Path) -> Written {
    let named = Workspace::open(root, config).map(|w| w.slo.sources).unwrap_or_default();
    let named = named.into_iter().map(|source| source.file).filter(|file| file != "-");
    let found = walk::files(&folder.join(FOLDER)).into_iter().map(|found| format!("{FOLDER}/{}", found.path));
    let state = |file: String| {
        let path = folder.join(&file);
        (file, (files::modified(&path), files::size(&path)))
    };
    named.chain(found).map(state).filter(|(_, (_, size))| size.is_some_and(|bytes| bytes > 0)).collect()
}

/// What a file says of requests, if it does.
fn requests_of(folder: &Path, file: &str, ear: &Ear) -> Option<(Profile, Vec<Problem>)> {
    let source = Source { file: file.to_owned(), ..Source::default() };
    let read = super::read_sources(folder, &[source], ear).ok()?;
    (!read.0.requests.is_empty()).then_some(read)
}

fn nothing(line: &str, ended: &Ended) -> Problem {
    let how = match ended.exit {
        Exit::Code(0) | Exit::TimedOut | Exit::Cancelled => String::new(),
        _ => format!(" ({})", ended.words()),
    };
    let what = format!("{line} ended{how} and wrote neither a request log nor a trace");
    Problem::error(what).help(format!("let it write one into {FOLDER}/, or name its file in [[source]]"))
}
