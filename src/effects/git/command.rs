//! Arguments and input in, what the `git` binary answered out: hermetic environment, patience with locks, clear failures.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::effects::Cancel;
use crate::model::Problem;

/// Variables by which an outer git (a hook, an alias) would redirect ours to another repository.
const REDIRECTING: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_EXTERNAL_DIFF",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// First pause before a locked file or ref is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// How often a lock is tried again: 20 ms doubling seven times is two and a half seconds.
const PATIENCE: u32 = 7;

/// The longest time for hooks that check a commit.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The `git` binary, to be run in one directory.
#[derive(Clone, Debug)]
pub struct Git {
    dir: PathBuf,
    settings: Vec<String>,
    env: Vec<(&'static str, OsString)>,
    locale: Locale,
    stop: Option<Cancel>,
}

/// In which language git and what it starts shall speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locale {
    /// English, because the answer is read by Refit.
    Plain,
    /// The user's own, because hooks run and their text goes to the user.
    Users,
}

/// What a run of git left behind.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, for people.
    pub stderr: String,
}

impl Answer {
    /// True if git exited with 0.
    pub fn ok(&self) -> bool {
        self.status.success()
    }
}

impl Git {
    /// Git in a directory.
    pub fn at(dir: impl Into<PathBuf>) -> Git {
        Git { dir: dir.into(), settings: Vec::new(), env: Vec::new(), locale: Locale::Plain, stop: None }
    }

    /// The same with another index file.
    pub fn with_index(&self, index: &Path) -> Git {
        self.with_env("GIT_INDEX_FILE", index)
    }

    /// The same with one more environment variable.
    pub fn with_env(&self, name: &'static str, value: impl Into<OsString>) -> Git {
        let mut git = self.clone();
        git.env.push((name, value.into()));
        git
    }

    /// The same with one more `-c name=value`.
    pub fn with_setting(&self, setting: impl Into<String>) -> Git {
        let mut git = self.clone();
        git.settings.push(setting.into());
        git
    }

    /// The same with everything it writes brought to the disk before it ends.
    pub fn durable(&self) -> Git {
        self.with_setting("core.fsync=all")
    }

    /// The same in the user's own language: for runs whose hooks and signing programs speak to the user.
    pub fn for_hooks(&self) -> Git {
        Git { locale: Locale::Users, ..self.clone() }
    }

    /// The same, killed with everything it started when the person cancels or the time limit for hooks is over.
    pub fn stoppable(&self, cancel: &Cancel) -> Git {
        Git { stop: Some(cancel.clone()), ..self.clone() }
    }

    /// The directory it runs in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs git and returns its standard output.
    ///
    /// # Errors
    /// git is missing, or exits with anything but 0; its own words are in the message.
    pub fn run(&self, args: &[&str]) -> Result<Vec<u8>, Problem> {
        self.feed(args, b"")
    }

    /// As [`Git::run`], with bytes on its standard input.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, Problem> {
        let answer = self.ask(args, input)?;
        if answer.ok() { Ok(answer.stdout) } else { Err(failure(args, &answer)) }
    }

    /// As [`Git::run`], as text without the final line end.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub fn line(&self, args: &[&str]) -> Result<String, Problem> {
        let out = self.run(args)?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches(['\n', '\r']).to_string())
    }

    /// Runs git whatever it exits with; waits for locks that others hold.
    ///
    /// # Errors
    /// git cannot be started.
    pub fn ask(&self, args: &[&str], input: &[u8]) -> Result<Answer, Problem> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..PATIENCE {
            let answer = self.once(args, input)?;
            if answer.ok() || !is_locked(&answer.stderr) {
                return Ok(answer);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        self.once(args, input)
    }

    fn once(&self, args: &[&str], input: &[u8]) -> Result<Answer, Problem> {
        let mut child = self.command(args).spawn().map_err(|e| cannot_start(&e))?;
        let answer = converse(&mut child, input, self.stop.as_ref())
            .map_err(|e| Problem::error(format!("git {}: {e}", args.join(" "))))?;
        Ok(answer)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        REDIRECTING.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_EDITOR", "true");
        if self.locale == Locale::Plain {
            command.env("LC_ALL", "C");
        }
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        self.settings.iter().for_each(|s| {
            command.args(["-c", s]);
        });
        command.args(args);
        away_from_terminal(&mut command);
        command
    }
}

/// Gives git a session of its own: a hook or a signing program must not draw on the screen or wait for its keys.
fn away_from_terminal(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: setsid is async-signal-safe and touches no memory of this process.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                Ok(())
            });
        }
    }
    #[cfg(not(unix))]
    let _ = command;
}

/// Writes and reads at once, so that neither side waits for a full pipe.
fn converse(child: &mut Child, input: &[u8], stop: Option<&Cancel>) -> std::io::Result<Answer> {
    let group = child.id();
    let done = AtomicBool::new(false);
    let (stdin, mut out, mut err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || match stdin {
            // git may end before it read everything: its exit status tells more than the broken pipe.
            Some(mut pipe) => pipe.write_all(input).or_else(|e| match e.kind() {
                std::io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(e),
            }),
            None => Ok(()),
        });
        if let Some(cancel) = stop {
            scope.spawn(|| watch(group, cancel, &done));
        }
        let reader = scope.spawn(|| err.as_mut().map_or(Ok(0), |pipe| pipe.read_to_end(&mut stderr)));
        let read = out.as_mut().map_or(Ok(0), |pipe| pipe.read_to_end(&mut stdout));
        let joined = (writer.join(), reader.join());
        done.store(true, Ordering::SeqCst);
        read?;
        if let (Ok(written), Ok(heard)) = joined {
            written?;
            heard?;
        }
        std::io::Result::Ok(())
    })?;
    let status = child.wait()?;
    Ok(Answer { status, stdout, stderr: String::from_utf8_lossy(&stderr).trim().to_string() })
}

/// Ends git and what it started, whose pipes would keep us waiting, once it has to stop.
fn watch(group: u32, cancel: &Cancel, done: &AtomicBool) {
    let began = Instant::now();
    while !done.load(Ordering::SeqCst) {
        if cancel.is_cancelled() || began.elapsed() > LIMIT {
            kill_group(group);
            return;
        }
        std::thread::sleep(FIRST_PAUSE);
    }
}

#[cfg(unix)]
fn kill_group(group: u32) {
    // SAFETY: the group is the session that git was started in; it has not been waited for yet, so the number is its own.
    unsafe {
        libc::kill(-(group as i32), libc::SIGKILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: u32) {}

/// True if another process holds a lock; a compare-and-swap that lost is no lock and must not be tried again.
fn is_locked(stderr: &str) -> bool {
    let lost = stderr.contains("but expected") || stderr.contains("already exists");
    !lost && stderr.contains(".lock") && (stderr.contains("File exists") || stderr.contains("Unable to create"))
}

fn failure(args: &[&str], answer: &Answer) -> Problem {
    let first = args.first().copied().unwrap_or_default();
    let said = if answer.stderr.is_empty() { answer.status.to_string() } else { answer.stderr.clone() };
    Problem::error(format!("`git {first}` failed: {said}")).help(match first {
        _ if said.contains("dubious ownership") => "tell git that you trust this folder, as its message says",
        _ => "run `refit doctor` to see the state of the repository",
    })
}

fn cannot_start(error: &std::io::Error) -> Problem {
    Problem::error(format!("git cannot be started: {error}")).help("install git 2.36 or newer and put it on PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_compare_and_swap_is_not_taken_for_a_lock() {
        let lost = "fatal: update_ref failed for ref 'r': cannot lock ref 'r': is at a1 but expected b2";
        assert!(!is_locked(lost));
        let exists = "fatal: cannot lock ref 'refs/heads/x': reference already exists";
        assert!(!is_locked(exists));
    }

    #[test]
    fn a_lock_file_of_another_process_is_waited_for() {
        assert!(is_locked("fatal: Unable to create '/r/.git/index.lock': File exists."));
        assert!(is_locked("error: cannot lock ref 'r': Unable to create '/r/.git/refs/r.lock': File exists."));
        assert!(!is_locked("fatal: not a git repository"));
    }

    #[test]
    fn large_input_and_output_do_not_block_each_other() {
        let dir = std::env::temp_dir();
        let line = "0123456789abcdef\n".repeat(200_000);
        let out = Git::at(dir).feed(&["stripspace"], line.as_bytes()).unwrap();
        assert_eq!(out.len(), line.len());
    }

    #[test]
    fn an_outer_repository_in_the_environment_is_not_followed() {
        let names: Vec<_> =
            Git::at(".").command(&["status"]).get_envs().map(|(k, v)| (k.to_owned(), v.is_none())).collect();
        assert!(names.contains(&("GIT_DIR".into(), true)));
        assert!(names.contains(&("GIT_INDEX_FILE".into(), true)));
    }
}
