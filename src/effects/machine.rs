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

/// Whether perf can sample a process of this user, and its own words where it cannot.
///
/// # Errors
/// The first sentence that perf printed; what follows are pages of advice.
pub fn perf_samples(dir: &Path) -> Result<(), String> {
    let args = ["stat", "-x,", "-e", "cpu-clock", "--", "true"];
    let command = Command::new("perf", args, dir).limit(Duration::from_secs(20)).merged();
    match command.run(&Cancel::default(), &mut |_| {}) {
        Ok(ended) if ended.ok() && !ended.out.contains("not supported") => Ok(()),
        Ok(ended) => Err(refusal(&ended.out)),
        Err(problem) => Err(problem.what),
    }
}

/// What perf says when it may not sample: `Error:`, then why, then what a person can set and to what it is set.
fn refusal(printed: &str) -> String {
    let mut lines =
        printed.lines().map(|line| line.trim().trim_start_matches("Error:").trim()).filter(|l| !l.is_empty());
    let why = lines.next().unwrap_or("it failed without words").trim_end_matches('.');
    let setting = lines.find_map(|line| line.strip_prefix("perf_event_paranoid setting is "));
    match setting {
        Some(value) => format!("{why} (perf_event_paranoid is {})", value.trim_end_matches(':')),
        None => why.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_perf_prints_the_reason_is_kept() {
        let paranoid = "Error:\nAccess to performance monitoring and observability operations is limited.\nConsider adjusting \
                        /proc/sys/kernel/perf_event_paranoid setting to open\naccess to performance monitoring\n\
                        perf_event_paranoid setting is 4:\n  -1: Allow use of (almost) all events by all users\n>= 0: \
                        Disallow raw\nTo make the adjusted perf_event_paranoid setting permanent preserve it\n\
                        in /etc/sysctl.conf (e.g. kernel.perf_event_paranoid = <setting>)\n";
        let expected =
            "Access to performance monitoring and observability operations is limited (perf_event_paranoid is 4)";
        assert_eq!(refusal(paranoid), expected);
        let container = "Error:\nThe sys_perf_event_open() syscall returned with 1 (Operation not permitted) for event \
                         (cpu-clock).\n/bin/dmesg | grep -i perf may provide additional information.\n\n";
        let expected =
            "The sys_perf_event_open() syscall returned with 1 (Operation not permitted) for event (cpu-clock)";
        assert_eq!(refusal(container), expected);
        let short = "Error: Permission error mapping pages.\nTry again\n";
        assert_eq!(refusal(short), "Permission error mapping pages");
        assert_eq!(refusal(""), "it failed without words");
    }
}
