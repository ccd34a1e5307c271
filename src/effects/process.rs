//! A command line in; its output line by line, its end and its duration out. Every process is killed with all its children.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::{Cancel, strays};
use crate::model::Problem;

/// How long a process group may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// Output beyond this many bytes is read and dropped, so that a chatty test cannot fill the memory.
const KEPT: usize = 64 << 20;
/// Lines at the end of the output that are kept for people.
const TAIL: usize = 60;

/// A command that is not started yet.
#[derive(Clone, Debug)]
pub struct Command {
    program: String,
    args: Vec<String>,
    dir: PathBuf,
    env: Vec<(String, Option<String>)>,
    limit: Option<Duration>,
    memory: Option<u64>,
    merged: bool,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// By this signal, which was not ours.
    Signal(i32),
    /// Its time was over, and it was killed.
    TimedOut,
    /// The person cancelled, and it was killed.
    Cancelled,
}

/// A process that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub exit: Exit,
    /// Standard output (with [`Command::merged`] both streams in the order they were written).
    pub out: String,
    /// The last lines of both streams.
    pub tail: String,
    /// Wall time in milliseconds.
    pub ms: u64,
}

impl Ended {
    /// True for exit status 0.
    pub fn ok(&self) -> bool {
        self.exit == Exit::Code(0)
    }

    /// `exit status 101`, `killed by signal 9`, `stopped at its time limit`, `cancelled`.
    pub fn words(&self) -> String {
        match self.exit {
            Exit::Code(code) => format!("exit status {code}"),
            Exit::Signal(signal) => format!("killed by signal {signal}"),
            Exit::TimedOut => String::from("stopped at its time limit"),
            Exit::Cancelled => String::from("cancelled"),
        }
    }
}

impl Command {
    /// A line for the shell, as `slo.toml` spells commands.
    pub fn shell(line: &str, dir: &Path) -> Command {
        Command::new("sh", ["-c", line], dir)
    }

    /// A program with its arguments.
    pub fn new<'a>(program: &str, args: impl IntoIterator<Item = &'a str>, dir: &Path) -> Command {
        Command {
            program: program.to_owned(),
            args: args.into_iter().map(String::from).collect(),
            dir: dir.to_owned(),
            env: Vec::new(),
            limit: None,
            memory: None,
            merged: false,
        }
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Command {
        self.env.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Ends it after this long.
    pub fn limit(mut self, limit: Duration) -> Command {
        self.limit = Some(limit);
        self
    }

    /// Gives it and what it starts this much address space each, in bytes; beyond it they get no more.
    pub fn memory(mut self, bytes: u64) -> Command {
        self.memory = Some(bytes);
        self
    }

    /// Both streams go through one pipe, so that their order is kept.
    pub fn merged(mut self) -> Command {
        self.merged = true;
        self
    }

    /// Runs it to its end and hands each line of either stream to `line`.
    ///
    /// # Errors
    /// A program that cannot be started; how it ends is no error.
    pub fn run(&self, cancel: &Cancel, line: &mut dyn FnMut(&str)) -> Result<Ended, Problem> {
        let began = Instant::now();
        let (sender, lines) = crossbeam_channel::bounded(1024);
        let mark = strays::mark();
        let mut group = Group::new(self.spawn_piped(sender, &mark)?, mark, &self.dir);
        let mut gathered = Gathered::default();
        let stopped = self.gather(&mut group, &lines, cancel, began, &mut |said| gathered.take(said, line));
        let status = group.child.wait().map_err(|e| self.failed(&e))?;
        // What it left running in the background ends with it, and with it the pipes.
        group.signal(libc::SIGKILL);
        group.dismiss();
        while let Ok(said) = lines.recv_timeout(Duration::from_millis(200)) {
            gathered.take(said, line);
        }
        let exit = stopped.unwrap_or(match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        });
        Ok(Ended { exit, out: gathered.out, tail: gathered.tail.join("\n"), ms: began.elapsed().as_millis() as u64 })
    }

    /// Starts it in the background, its output in a file; it is killed with all its children when the handle is dropped.
    ///
    /// # Errors
    /// A program or a file that cannot be opened.
    pub fn start(&self, output: &Path) -> Result<Running, Problem> {
        let file =
            File::create(output).map_err(|e| Problem::error(format!("cannot write {}: {e}", output.display())))?;
        let again = file.try_clone().map_err(|e| self.failed(&e))?;
        let mark = strays::mark();
        let child = self.build(&mark).stdout(file).stderr(again).spawn().map_err(|e| self.failed(&e))?;
        Ok(Running(Group::new(child, mark, &self.dir)))
    }

    fn build(&self, mark: &str) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).current_dir(&self.dir).stdin(Stdio::null()).process_group(0);
        for name in foreign_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
            command.env_remove(name);
        }
        if let Some(bytes) = self.memory {
            let limit = libc::rlimit { rlim_cur: bytes as libc::rlim_t, rlim_max: bytes as libc::rlim_t };
            // SAFETY: a plain system call that reads `limit`.
            let set = move || match unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            };
            // SAFETY: between fork and exec nothing but one system call, which is safe there, happens.
            unsafe { command.pre_exec(set) };
        }
        command.env(strays::VARIABLE, mark);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn spawn_piped(&self, sender: Sender<Said>, mark: &str) -> Result<Child, Problem> {
        let mut command = self.build(mark);
        if self.merged {
            let (reader, writer) = std::io::pipe().map_err(|e| self.failed(&e))?;
            command.stdout(writer.try_clone().map_err(|e| self.failed(&e))?).stderr(writer);
            let child = command.spawn().map_err(|e| self.failed(&e))?;
            // The command keeps its ends of the pipe open until it is dropped.
            drop(command);
            read_lines(reader, sender, true);
            return Ok(child);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| self.failed(&e))?;
        if let Some(out) = child.stdout.take() {
            read_lines(out, sender.clone(), true);
        }
        if let Some(err) = child.stderr.take() {
            read_lines(err, sender, false);
        }
        Ok(child)
    }

    /// Takes lines until the process has ended, its time is over or the person cancels.
    fn gather(
        &self,
        group: &mut Group,
        lines: &Receiver<Said>,
        cancel: &Cancel,
        began: Instant,
        take: &mut dyn FnMut(Said),
    ) -> Option<Exit> {
        loop {
            match lines.recv_timeout(Duration::from_millis(30)) {
                Ok(said) => take(said),
                Err(RecvTimeoutError::Timeout) => {
                    if matches!(group.child.try_wait(), Ok(Some(_))) {
                        return None;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    if matches!(group.child.try_wait(), Ok(Some(_))) {
                        return None;
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            let late = self.limit.is_some_and(|limit| began.elapsed() > limit);
            if cancel.is_cancelled() || late {
                group.end();
                return Some(if late { Exit::TimedOut } else { Exit::Cancelled });
            }
        }
    }

    fn failed(&self, error: &std::io::Error) -> Problem {
        Problem::error(format!("cannot run `{}` in {}: {error}", self.program, self.dir.display())).help(
            match self.program.as_str() {
                "cargo" | "rustc" => String::from("install Rust (rustup.rs), or put it on the PATH"),
                other => format!("is `{other}` installed and on the PATH?"),
            },
        )
    }
}

/// A process in the background.
pub struct Running(Group);

impl Running {
    /// True while it has not ended by itself.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.child.try_wait(), Ok(None))
    }

    /// Peak resident memory of all processes of its group that live, bytes; a shell that only waits for one is left out.
    /// `None` where the system does not tell.
    ///
    /// From each one's own `VmHWM`, which begins anew with each program: what `wait4` tells would begin with the memory of
    /// whoever started it.
    pub fn peak_bytes(&self) -> Option<u64> {
        let group = self.0.child.id();
        let members: Vec<(u32, u64)> = std::fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| group_of(*pid) == Some(group))
            .filter_map(|pid| Some((pid, high_water(pid)?)))
            .collect();
        let waits = |pid: u32| pid == group && members.len() > 1 && name_of(pid).is_some_and(|n| n.ends_with("sh"));
        let peaks: Vec<u64> = members.iter().filter(|(pid, _)| !waits(*pid)).map(|(_, peak)| *peak).collect();
        (!peaks.is_empty()).then(|| peaks.iter().sum())
    }

    /// Ends it with all its children: SIGTERM, and SIGKILL after a grace period.
    pub fn stop(mut self) {
        self.0.end();
    }
}

/// The process group of a process: the third field behind the name, which may hold spaces and brackets.
fn group_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn name_of(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim().to_owned())
}

/// The most resident memory that a process ever had, bytes.
fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// A process that leads a group of its own.
struct Group {
    child: Child,
    guard: Option<Child>,
    /// By which what left the group is known again, and where it works.
    mark: String,
    dir: PathBuf,
}

impl Group {
    fn new(child: Child, mark: String, dir: &Path) -> Group {
        let guard = guard(child.id(), &mark, dir);
        Group { child, guard, mark, dir: dir.to_owned() }
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a plain system call; the group's id is the child's, which is not waited for by anybody else.
        unsafe { libc::killpg(self.child.id() as i32, signal) };
    }

    fn end(&mut self) {
        self.signal(libc::SIGTERM);
        let began = Instant::now();
        while began.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.signal(libc::SIGKILL);
        self.dismiss();
        let _ = self.child.wait();
    }

    /// Sends the guard away before the group's id may belong to somebody else, and ends what left the group.
    fn dismiss(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            let _ = guard.kill();
            let _ = guard.wait();
            strays::end(&self.mark, &self.dir);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
        self.dismiss();
    }
}

/// Kills the group when Refit is gone, and what has left it to live on, where the system tells of processes. Whatever ends Refit, `kill -9` too, closes the pipe that the guard reads from;
/// without it, compilers and tests would run on and hold the locks that the next start waits for. (`PR_SET_PDEATHSIG`
/// reaches cargo alone, not what cargo started.)
fn guard(group: u32, mark: &str, dir: &Path) -> Option<Child> {
    // As `strays::end`, which needs somebody who lives.
    const KILL: &str = r#"read -r _; kill -KILL -"$0"
for its in $(grep -lszx -- "$1" /proc/[0-9]*/environ); do
    its=${its%/environ}
    case "$(readlink "$its/cwd")/ $(readlink "$its/exe")" in
        "$2"/*|*" $2"/*) kill -KILL "${its#/proc/}";;
    esac
done"#;
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let wanted = format!("{}={mark}", strays::VARIABLE);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", KILL, &group.to_string(), &wanted]).arg(dir).current_dir("/").process_group(0);
    // A guard that cannot be had costs only its service.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

struct Said {
    text: String,
    is_out: bool,
}

#[derive(Default)]
struct Gathered {
    out: String,
    tail: Vec<String>,
}

impl Gathered {
    fn take(&mut self, said: Said, line: &mut dyn FnMut(&str)) {
        line(&said.text);
        if said.is_out && self.out.len() < KEPT {
            self.out.push_str(&said.text);
            self.out.push('\n');
        }
        // JSON is for programs: people see what it renders to elsewhere.
        if !said.text.starts_with('{') {
            if self.tail.len() == TAIL {
                self.tail.remove(0);
            }
            self.tail.push(said.text);
        }
    }
}

fn read_lines(pipe: impl Read + Send + 'static, sender: Sender<Said>, is_out: bool) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(n) if n > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if sender.send(Said { text, is_out }).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

/// Variables of ours that would lead a build or a git command astray: what git sets for hooks, a foreign target folder,
/// and, where Refit itself runs under cargo, what cargo tells its children.
fn foreign_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    let names: Vec<String> = names.collect();
    let under_cargo = names.iter().any(|n| n == "CARGO_MANIFEST_DIR");
    let always = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
    let by_cargo = |n: &str| {
        let known = ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];
        known.contains(&n)
            || ["RUSTUP_TOOLCHAIN", "OUT_DIR", "CARGO_PRIMARY_PACKAGE"].contains(&n)
            || n.starts_with("CARGO_PKG_")
            || n.starts_with("CARGO_BIN_EXE_")
    };
    names.into_iter().filter(|n| always.contains(&n.as_str()) || (under_cargo && by_cargo(n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Ended {
        Command::shell(line, Path::new("/"))
            .limit(Duration::from_secs(20))
            .run(&Cancel::default(), &mut |_| {})
            .unwrap()
    }

    #[test]
    fn output_status_and_tail_are_kept() {
        let ended = run("echo one; echo two >&2; exit 3");
        assert_eq!((ended.exit, ended.out.as_str()), (Exit::Code(3), "one\n"));
        assert!(ended.tail.contains("two"));
        assert_eq!(ended.words(), "exit status 3");
    }

    #[test]
    fn merged_streams_keep_their_order() {
        let command = Command::shell("echo a; echo b >&2; echo c", Path::new("/")).merged();
        assert_eq!(command.run(&Cancel::default(), &mut |_| {}).unwrap().out, "a\nb\nc\n");
    }

    #[test]
    fn a_time_limit_kills_the_whole_group() {
        let command = Command::shell("sleep 600 & echo $!; wait", Path::new("/")).limit(Duration::from_millis(300));
        let ended = command.run(&Cancel::default(), &mut |_| {}).unwrap();
        assert_eq!(ended.exit, Exit::TimedOut);
        assert!(!is_running(ended.out.trim()), "the child of the shell survived");
    }

    #[test]
    fn cancelling_kills_even_what_ignores_sigterm() {
        let cancel = Cancel::default();
        let command = Command::shell(
            "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; sleep 600' & wait; sleep 600",
            Path::new("/"),
        );
        let raised = cancel.clone();
        let ended = command.run(&cancel, &mut |_| raised.cancel()).unwrap();
        assert_eq!(ended.exit, Exit::Cancelled);
        assert!(!is_running(ended.out.trim()));
    }

    #[test]
    fn what_a_command_leaves_in_the_background_does_not_hold_it_up() {
        let ended = run("sleep 600 & echo $!");
        assert_eq!(ended.exit, Exit::Code(0));
        assert!(!is_running(ended.out.trim()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_leaves_the_group_ends_with_the_command_too() {
        let dir = tempfile::tempdir().unwrap();
        let command = Command::shell("setsid sleep 600 >/dev/null 2>&1 & echo $!", dir.path());
        let ended = command.run(&Cancel::default(), &mut |_| {}).unwrap();
        assert_eq!(ended.exit, Exit::Code(0));
        assert!(!is_running(ended.out.trim()), "{ended:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_of_a_program_is_its_own_and_not_of_who_started_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = std::hint::black_box(vec![1u8; 192 << 20]);
        let running = Command::new("sleep", ["60"], dir.path()).start(&dir.path().join("out")).unwrap();
        let own = high_water(std::process::id()).unwrap();
        assert!(own > 192 << 20, "{own}");
        // What it was before it became the program is not asked for.
        let began = Instant::now();
        while name_of(running.0.child.id()).as_deref() != Some("sleep") && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let peak = running.peak_bytes().unwrap();
        assert!(peak > 0 && peak < 64 << 20, "{peak}");
        drop(held);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let problem =
            Command::new("no-such-program", [], Path::new("/")).run(&Cancel::default(), &mut |_| {}).unwrap_err();
        assert!(problem.what.starts_with("cannot run `no-such-program` in /"));
    }

    #[test]
    fn variables_of_an_outer_cargo_are_dropped_and_a_persons_own_are_kept() {
        let names = ["PATH", "RUSTFLAGS", "CARGO_HOME", "CARGO_TARGET_DIR", "GIT_DIR"];
        let outer = ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "RUSTUP_TOOLCHAIN"];
        let list = |extra: &[&str]| foreign_variables(names.iter().chain(extra).map(|n| n.to_string()));
        assert_eq!(list(&["RUSTUP_TOOLCHAIN"]), ["CARGO_TARGET_DIR", "GIT_DIR"]);
        assert_eq!(
            list(&outer),
            ["CARGO_TARGET_DIR", "GIT_DIR", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "RUSTUP_TOOLCHAIN"]
        );
    }

    /// True if a process goes on although it was killed; a busy machine may take a while to let it die.
    fn is_running(pid: &str) -> bool {
        let goes_on = || {
            // A killed process that init has not collected yet is a zombie, not running.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        (0..500).all(|_| {
            std::thread::sleep(Duration::from_millis(10));
            goes_on()
        })
    }
}
