//! The real program in a real pseudo-terminal: opens, shows, ends, and gives the terminal back.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take before the test fails; nothing waits for as long as this where all is well.
const DEADLINE: Duration = Duration::from_secs(300);

/// A line of the help, on its first page.
const HELP: &str = "towards the start of long lines";

/// What came out so far.
pub struct Output {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl Output {
    /// The screen as text.
    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// The background of the first cell of a text, from a row on; `None` where the text does not stand there.
    pub fn background(&self, text: &str, from_row: u16) -> Option<vt100::Color> {
        let (row, column) = self.place(text, from_row)?;
        Some(self.parser.screen().cell(row, column)?.bgcolor())
    }

    /// Row and column of a text, from a row on.
    pub fn place(&self, text: &str, from_row: u16) -> Option<(u16, u16)> {
        let rows = (0..).zip(self.parser.screen().rows(0, 100)).skip(usize::from(from_row));
        let mut found = rows.filter_map(|(row, line)| Some((row, line[..line.find(text)?].chars().count() as u16)));
        found.next()
    }
}

/// The program on its terminal.
pub struct Session {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    _master: Box<dyn MasterPty + Send>,
    output: Arc<(Mutex<Output>, Condvar)>,
}

impl Session {
    pub fn open(root: &Path, vars: &[(&str, &str)]) -> Session {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_refit"));
        command.arg(root);
        Session::start(command, root, vars)
    }

    /// An interactive shell, for what only a shell with job control can show.
    fn shell(root: &Path) -> Session {
        let mut command = CommandBuilder::new("sh");
        command.arg("-i");
        Session::start(command, root, &[("PS1", "shell> "), ("ENV", "")])
    }

    fn start(mut command: CommandBuilder, root: &Path, vars: &[(&str, &str)]) -> Session {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        command.cwd(root);
        for name in ["NO_COLOR", "COLORTERM", "COLORFGBG", "REFIT_ASCII", "REFIT_FAILPOINT"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("HOME", root.parent().expect("a folder above"));
        command.env("XDG_CACHE_HOME", root.parent().expect("a folder above").join("cache"));
        for (name, value) in vars {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let writer = pair.master.take_writer().expect("its input");
        let (rows, columns) = (NonZero::new(30).unwrap(), NonZero::new(100).unwrap());
        let parser = vt100::Parser::new(rows, columns, 0);
        let output = Arc::new((Mutex::new(Output { parser, bytes: Vec::new(), ended: false }), Condvar::new()));
        let shared = output.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                let mut output = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                output.parser.process(&buffer[..read]);
                output.bytes.extend_from_slice(&buffer[..read]);
                output.ended = read == 0;
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Session { child, writer, _master: pair.master, output }
    }

    /// Waits until the screen satisfies, and returns it.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&Output) -> bool) -> String {
        let start = Instant::now();
        let mut output = self.output.0.lock().unwrap();
        while !holds(&output) {
            let left = DEADLINE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "waited for {what} in vain:\n{}", output.parser.screen().contents());
            output = self.output.1.wait_timeout(output, left).unwrap().0;
        }
        output.parser.screen().contents()
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        self.until(text, |o| o.parser.screen().contents().contains(text))
    }

    /// Waits until the shell reads again: before that, what is typed still reaches the program that it started.
    #[track_caller]
    fn prompts(&self) {
        self.until("the shell's prompt", |o| {
            let screen = o.parser.screen();
            let contents = screen.contents();
            let last = contents.lines().rfind(|l| !l.trim().is_empty());
            !screen.alternate_screen() && !screen.hide_cursor() && last.is_some_and(|l| l.trim() == "shell>")
        });
    }

    #[track_caller]
    fn gone(&self, text: &str) {
        self.until(text, |o| !o.parser.screen().contents().contains(text));
    }

    pub fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("keys are taken");
        self.writer.flush().expect("keys are taken");
    }

    /// Waits for the end and returns the exit status; the terminal must be as it was found.
    #[track_caller]
    pub fn ends(mut self) -> (u32, Vec<u8>) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            if start.elapsed() > DEADLINE {
                let _ = self.child.kill();
                panic!("waited for its end in vain:\n{}", self.output.0.lock().unwrap().screen());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.until("the end", |o| o.ended);
        let output = self.output.0.lock().unwrap();
        let screen = output.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is let go");
        (status.exit_code(), output.bytes.clone())
    }
}

fn git(root: &Path, args: &[&str]) -> String {
    let done = std::process::Command::new("git")
        .args(["-c", "user.name=Engineer", "-c", "user.email=engineer@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(root)
        .output()
        .expect("git runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Code that a rule knows how to write shorter.
const LADDER: &str = "/// Adds one to a number, or passes the error on.
pub fn work(text: &str) -> Result<u32, std::num::ParseIntError> {
    let n = match text.parse::<u32>() {
        Ok(n) => n,
        Err(e) => return Err(e),
    };
    Ok(n + 1)
}
";

/// What perf would have written: five samples in every request, all in `work`.
fn samples() -> String {
    let mut text = String::new();
    for request in 0..400_u64 {
        for n in 1..=5_u64 {
            let micros = request * 1_000_000 + n * 9_000;
            let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
            text.push_str(&format!("svc     1/1     {seconds}.{rest:06}:   10101010 cpu-clock:u: \n"));
            text.push_str(
                "\t    5588c0de1010 svc::work+0x10 (/srv/svc)\n\t    5588c0de2020 svc::main+0x20 (/srv/svc)\n\n",
            );
        }
    }
    text
}

/// A small service with a recorded request log and samples.
fn service() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("svc");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[package]\nname = \"svc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    write("src/lib.rs", LADDER);
    let requests: String = (0..400_u64)
        .map(|i| {
            let start = i * 1_000_000_000;
            let end = start + 50_000_000 + i % 40 * 1_000_000;
            format!(
                "{{\"request\":\"{i}\",\"operation\":\"GET /work\",\"start_ns\":{start},\"end_ns\":{end},\"tid\":1}}\n"
            )
        })
        .collect();
    write("perf/requests.jsonl", &requests);
    write("perf/work.perf.txt", &samples());
    let slo = concat!(
        "version = \"slo/v1\"\n[service]\nname = \"svc\"\n",
        "[[source]]\nfile = \"perf/work.perf.txt\"\n[[source]]\nfile = \"perf/requests.jsonl\"\n",
        "[[slo]]\nname = \"work-latency\"\noperation = \"GET /work\"\np99 = \"60ms\"\n",
    );
    write("slo.toml", slo);
    git(&root, &["init", "-q"]);
    git(&root, &["config", "user.name", "Engineer"]);
    git(&root, &["config", "user.email", "engineer@example.org"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "-q", "-m", "a service"]);
    dir
}

#[test]
fn the_workbench_opens_shows_what_misses_and_gives_the_terminal_back() {
    let dir = service();
    let mut session = Session::open(&dir.path().join("svc"), &[]);
    let screen = session.shows("GET /work");
    assert!(screen.contains("Budget"), "{screen}");
    session.shows("over");
    session.keys("?");
    session.shows(HELP);
    session.keys("\x1b");
    session.gone(HELP);
    session.keys("4");
    session.shows("no job running");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status, 0);
}

/// Opens the only proposal, accepts its hunk, and signs it with a reason instead of a proof.
fn sign_by_hand(session: &mut Session) {
    session.shows("review 1 proposal");
    session.keys("\r");
    session.shows("hunk 1/1");
    session.keys("a");
    session.shows("every hunk is accepted");
    session.keys("s");
    session.shows("reason to sign without proof");
    session.keys("read by hand\r");
    session.shows("signed:");
}

#[test]
fn a_proposal_goes_from_the_first_screen_to_a_landed_commit_and_back() {
    let dir = service();
    let root = dir.path().join("svc");
    let mut session = Session::open(&root, &[]);
    sign_by_hand(&mut session);
    session.keys("L");
    session.shows("commit on the branch");
    session.keys("b");
    session.shows("apply:");
    let landed = git(&root, &["show", "refit/svc:src/lib.rs"]);
    assert!(landed.contains("text.parse::<u32>()?"), "{landed}");
    let message = git(&root, &["log", "-1", "--format=%B", "refit/svc"]);
    assert!(message.contains("Refit-Forced: read by hand"), "the override is recorded: {message}");
    assert_eq!(std::fs::read_to_string(root.join("src/lib.rs")).unwrap(), LADDER, "the checkout stays as it was");
    session.keys("u");
    session.shows("take it back");
    session.keys("y");
    session.shows("undo:");
    assert_eq!(git(&root, &["branch", "--list", "refit/svc"]), "", "the branch has gone again");
    session.keys("U");
    session.shows("do it again");
    session.keys("y");
    session.shows("redo:");
    session.keys("L");
    session.shows("fast-forward");
    session.keys("h");
    session.shows("land:");
    assert!(std::fs::read_to_string(root.join("src/lib.rs")).unwrap().contains("text.parse::<u32>()?"));
    assert_eq!(git(&root, &["status", "--porcelain"]), "");
    session.keys("q");
    assert_eq!(session.ends().0, 0);
}

#[test]
fn what_was_signed_lands_after_a_restart_without_signing_again() {
    let dir = service();
    let root = dir.path().join("svc");
    let mut session = Session::open(&root, &[]);
    sign_by_hand(&mut session);
    session.keys("q");
    assert_eq!(session.ends().0, 0);

    let mut session = Session::open(&root, &[]);
    session.shows("review 1 proposal");
    session.keys("3");
    session.shows("signed");
    session.keys("L");
    session.shows("commit on the branch");
    session.keys("b");
    session.shows("apply:");
    let message = git(&root, &["log", "-1", "--format=%B", "refit/svc"]);
    assert!(message.contains("Refit-Forced: read by hand"), "{message}");
    assert!(message.contains("Reviewed-by: Engineer <engineer@example.org>"), "{message}");
    session.keys("q");
    assert_eq!(session.ends().0, 0);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_screen_back() {
    let dir = service();
    let mut session = Session::shell(&dir.path().join("svc"));
    session.prompts();
    session.keys(&format!("'{}' .\n", env!("CARGO_BIN_EXE_refit")));
    session.shows("GET /work");
    for n in 1..3 {
        session.keys("\x1a");
        session.prompts();
        session.shows("Stopped");
        session.keys(&format!("echo still $((40 + {n}))\n"));
        session.shows(&format!("still 4{n}"));
        session.prompts();
        session.keys("fg\n");
        session
            .until("the workbench again", |o| o.parser.screen().alternate_screen() && o.screen().contains("GET /work"));
    }
    session.keys("4");
    session.shows("no job running");
    session.keys("q");
    session.prompts();
    session.keys("exit\n");
    session.ends();
}

#[test]
fn a_hunk_is_edited_in_the_persons_editor_and_becomes_theirs() {
    let dir = service();
    let root = dir.path().join("svc");
    let editor = dir.path().join("editor.sh");
    // The file is the last argument, whatever stands before it.
    let script = "#!/bin/sh\nfor file; do :; done\nsed -i 's/Ok(n + 1)/Ok(1 + n)/' \"$file\"\n";
    std::fs::write(&editor, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&editor, mode).unwrap();
    let mut session = Session::open(&root, &[("EDITOR", &editor.display().to_string()), ("VISUAL", "")]);
    session.shows("review 1 proposal");
    session.keys("\r");
    session.shows("hunk 1/1");
    session.keys("e");
    session.shows("the edit is a proposal of its own now, with you as its author");
    session.shows("Ok(1 + n)");
    session.keys("q");
    assert_eq!(session.ends().0, 0);
    assert_eq!(std::fs::read_to_string(root.join("src/lib.rs")).unwrap(), LADDER, "the checkout stays as it was");
}

#[test]
fn the_terminals_background_decides_between_light_and_dark() {
    let dir = service();
    let light_selection = "48;2;213;224;245";
    for (answer, is_light) in [("ffff/ffff/ffff", true), ("1010/1010/1010", false)] {
        let mut session = Session::open(&dir.path().join("svc"), &[("COLORTERM", "truecolor")]);
        session.until("the question", |o| o.bytes.windows(6).any(|w| w == b"\x1b]11;?"));
        session.keys(&format!("\x1b]11;rgb:{answer}\x1b\\"));
        session.shows("GET /work");
        session.keys("j");
        session.keys("k");
        session.shows("\u{25b8}");
        session.keys("q");
        let (_, bytes) = session.ends();
        assert_eq!(String::from_utf8_lossy(&bytes).contains(light_selection), is_light, "{answer}");
    }
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let dir = service();
    let session = Session::open(&dir.path().join("svc"), &[]);
    session.shows("GET /work");
    let pid = session.child.process_id().expect("a process") as i32;
    // SAFETY: kill(2) with a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    let (status, _) = session.ends();
    assert_eq!(status, 143);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_prints() {
    let dir = service();
    let session = Session::open(&dir.path().join("svc"), &[("REFIT_FAILPOINT", "panic-after-first-frame")]);
    let (status, bytes) = session.ends();
    assert_ne!(status, 0);
    let text = String::from_utf8_lossy(&bytes);
    let left = text.rfind("\x1b[?1049l").expect("the alternate screen is left");
    let said = text.find("asked for by REFIT_FAILPOINT").expect("the panic's message is printed");
    assert!(left < said, "the message is printed where it can be read");
}

/// The colours set by select-graphic-rendition sequences; 39 and 49 give the terminal's own back.
fn colours(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    for piece in text.split("\x1b[").skip(1) {
        let Some(end) = piece.find(|c: char| !c.is_ascii_digit() && c != ';') else { continue };
        if !piece[end..].starts_with('m') {
            continue;
        }
        let codes = piece[..end].split(';').filter_map(|c| c.parse::<u32>().ok());
        found.extend(codes.filter(|c| matches!(c, 30..=38 | 40..=48 | 90..=107)).map(|c| c.to_string()));
    }
    found
}

#[test]
fn no_color_means_no_colour_at_all() {
    let dir = service();
    for (vars, expected) in [(&[("NO_COLOR", "1")][..], false), (&[][..], true)] {
        let mut session = Session::open(&dir.path().join("svc"), vars);
        session.shows("GET /work");
        session.keys("3");
        session.keys("?");
        session.shows(HELP);
        session.keys("q");
        session.gone(HELP);
        session.keys("q");
        let (_, bytes) = session.ends();
        assert_eq!(!colours(&bytes).is_empty(), expected, "{:?}", colours(&bytes));
    }
}

#[test]
fn a_workspace_that_does_not_build_shows_findings_and_says_why_nothing_is_proposed() {
    let dir = service();
    let root = dir.path().join("svc");
    let broken = format!("{LADDER}\npub fn broken() -> u32 {{\n    \"text\"\n}}\n");
    std::fs::write(root.join("src/lib.rs"), broken).unwrap();
    let mut session = Session::open(&root, &[]);
    session.shows("review 1 proposal");
    session.keys("\r");
    session.shows("hunk 1/1");
    session.keys("v");
    session.shows("run these commands?");
    session.keys("y");
    session.shows("the workspace does not build, so nothing is proposed");
    session.shows("mismatched types");
    session.keys("1");
    session.shows("read the code");
    session.keys("2");
    session.shows("at most");
    // What cannot even be parsed needs no compiler to be told.
    std::fs::write(root.join("src/lib.rs"), format!("{LADDER}\nmod oops;\n")).unwrap();
    std::fs::write(root.join("src/oops.rs"), "pub fn oops( {}\n").unwrap();
    git(&root, &["add", "."]);
    session.keys("3");
    session.keys("r");
    session.shows("src/oops.rs");
    session.shows("does not parse");
    std::fs::write(root.join("src/oops.rs"), "\n").unwrap();
    session.keys("r");
    session.shows("1 proposal");
    session.keys("q");
    assert_eq!(session.ends().0, 0);
}
