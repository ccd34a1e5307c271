//! The mark of a command in; what it started and what left its process group to live on is ended.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable by which everything that a command started is known again, in whatever group it is.
pub const VARIABLE: &str = "REFIT_RUN";

/// A mark that no other command has.
pub fn mark() -> String {
    static MARKED: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), MARKED.fetch_add(1, Ordering::Relaxed))
}

/// Ends what has this mark and works in `dir` or is a program in it; returns how many that were.
///
/// A server that a build starts for all later builds works elsewhere, and lives on. Where the system does not tell of
/// processes (`/proc`), nothing is found.
pub fn end(mark: &str, dir: &Path) -> usize {
    let Ok(dir) = dir.canonicalize() else { return 0 };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let processes = entries.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    let left: Vec<i32> = processes.filter(|pid| is_in(*pid, &dir) && has(*pid, mark)).collect();
    for pid in &left {
        // SAFETY: a plain system call; the process was started by a command of ours, as its mark shows.
        unsafe { libc::kill(*pid, libc::SIGKILL) };
    }
    left.len()
}

fn is_in(pid: i32, dir: &Path) -> bool {
    let link = |name: &str| std::fs::read_link(PathBuf::from(format!("/proc/{pid}/{name}"))).ok();
    ["cwd", "exe"].into_iter().filter_map(link).any(|path| path.starts_with(dir))
}

fn has(pid: i32, mark: &str) -> bool {
    let wanted = format!("{VARIABLE}={mark}");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|b| *b == 0).any(|v| v == wanted.as_bytes())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn sleeper(mark: &str, dir: &Path) -> std::process::Child {
        let mut command = std::process::Command::new("sleep");
        command.arg("600").env(VARIABLE, mark).current_dir(dir).spawn().expect("sleep runs")
    }

    #[test]
    fn only_what_has_the_mark_and_works_in_the_folder_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let own = mark();
        assert_ne!(own, mark());
        let mut ended = sleeper(&own, dir.path());
        let mut others = [sleeper(&own, Path::new("/")), sleeper(&format!("{own}0"), dir.path())];
        // `spawn` comes back once the program runs.
        assert_eq!(end(&own, dir.path()), 1);
        assert!(!ended.wait().unwrap().success());
        for other in &mut others {
            assert_eq!(other.try_wait().unwrap(), None, "it lives on");
            other.kill().and_then(|()| other.wait()).unwrap();
        }
    }
}
