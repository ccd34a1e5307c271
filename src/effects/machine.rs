//! Names of programs in; what this machine has of them, and whether perf may be used, out.

use std::path::Path;
use std::time::Duration;

use super::Cancel;
use super::process::Command;

/// The first line that a program prints about its version; `None` where it cannot be started or fails.
pub fn version(program: &str, args: &[&str], dir: &Path) -> Option<String> {
    let command = Command::new(program, args.iter().copied(), dir).limit(Duration::from_secs(20)).merged();
    let ended = command.run(&Cancel::default(), &mut |_| {}).ok()?;
    let line = ended.out.lines().next().unwrap_or_default().trim().to_owned();
    ended.ok().then_some(line)
}

/// Whether perf can sample a process of this user, and the kernel's own words where it cannot.
///
/// # Errors
/// The last lines that perf printed.
pub fn perf_samples(dir: &Path) -> Result<(), String> {
    let args = ["stat", "-x,", "-e", "cpu-clock", "--", "true"];
    let command = Command::new("perf", args, dir).limit(Duration::from_secs(20)).merged();
    match command.run(&Cancel::default(), &mut |_| {}) {
        Ok(ended) if ended.ok() && !ended.out.contains("not supported") => Ok(()),
        Ok(ended) => Err(ended.tail.lines().last().unwrap_or("it failed without words").trim().to_owned()),
        Err(problem) => Err(problem.what),
    }
}

/// Whether this machine lets hardware cycles be counted; virtual machines often do not.
pub fn has_cycles(dir: &Path) -> bool {
    let args = ["stat", "-x,", "-e", "cycles", "--", "true"];
    let command = Command::new("perf", args, dir).limit(Duration::from_secs(20)).merged();
    command
        .run(&Cancel::default(), &mut |_| {})
        .is_ok_and(|e| e.ok() && !e.out.contains("not supported") && !e.out.contains("not counted"))
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|d| d.as_secs()).unwrap_or_default()
}
