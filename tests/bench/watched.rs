//! The workbench in a pseudo-terminal: keys in, its screen after everything that it writes out.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const REFIT: &str = env!("CARGO_BIN_EXE_refit");
const LONGEST: Duration = Duration::from_secs(60);
const SIZE: (u16, u16) = (40, 200);

/// Where Refit keeps its caches and data below a folder.
pub fn environment(place: &Path) -> [(&'static str, PathBuf); 2] {
    [("REFIT_CACHE_DIR", place.join("cache")), ("REFIT_DATA_DIR", place.join("data"))]
}

/// Runs the workbench in a project until `look` has seen enough, a minute at most, and ends it. `look` is told the milliseconds
/// from the start and what is on the screen, and says which keys to press; `None` is the end.
pub fn watch(place: &Path, project: &Path, mut look: impl FnMut(f64, &str) -> Option<&'static [u8]>) {
    let (rows, cols) = SIZE;
    let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(REFIT);
    command.cwd(project);
    command.env("TERM", "xterm-256color");
    environment(place).into_iter().for_each(|(name, value)| command.env(name, value));
    let begun = Instant::now();
    let mut child = pair.slave.spawn_command(command).expect("refit starts");
    let mut output = pair.master.try_clone_reader().expect("its output");
    let mut input = pair.master.take_writer().expect("its input");
    let (sender, written) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(n @ 1..) = output.read(&mut buffer) {
            if sender.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                break;
            }
        }
    });
    let [rows, cols] = [rows, cols].map(|n| NonZero::new(n).expect("not zero"));
    let mut screen = vt100::Parser::new(rows, cols, 0);
    while begun.elapsed() < LONGEST {
        let (at, bytes) = match written.recv_timeout(Duration::from_millis(200)) {
            Ok(wrote) => wrote,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        screen.process(&bytes);
        match look((at - begun).as_secs_f64() * 1e3, &screen.screen().contents()) {
            Some(keys) => input.write_all(keys).and_then(|()| input.flush()).expect("it listens"),
            None => break,
        }
    }
    for key in [b"q", b"s"] {
        let _ = input.write_all(key).and_then(|()| input.flush());
        std::thread::sleep(Duration::from_millis(300));
    }
    let _ = child.kill();
    let _ = child.wait();
}
