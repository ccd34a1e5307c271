//! A folder for the real binary to work in, and what came of a run.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder with a home of its own, so that nothing of this machine shows through.
pub struct Place {
    /// Holds `home` and `work`.
    pub dir: tempfile::TempDir,
}

/// What came of one run.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// The smallest `slo.toml` that says something.
pub const GOOD: &str =
    "version = \"slo/v1\"\nservice = { name = \"shop\" }\n[[slo]]\nname = \"latency\"\np99 = \"200ms\"\n";

impl Place {
    pub fn new() -> Place {
        let place = Place { dir: tempfile::tempdir().expect("a temporary folder") };
        std::fs::create_dir_all(place.path("home")).expect("a home");
        std::fs::create_dir_all(place.path("work")).expect("a folder to work in");
        place
    }

    /// A git repository with these files committed.
    pub fn repository(files: &[(&str, &str)]) -> Place {
        let place = Place::new();
        place.git(&["init", "-q", "-b", "main"]);
        place.write(files);
        place.git(&["add", "-A"]);
        place.git(&[
            "-c",
            "user.name=M",
            "-c",
            "user.email=m@example.invalid",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "start",
        ]);
        place
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub fn write(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.path("work").join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders can be made");
            std::fs::write(path, text).expect("files can be written");
        }
    }

    pub fn hermetic(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.path("home");
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("GIT_") || name.starts_with("REFIT_") || name.starts_with("XDG_") || name == "COLUMNS" {
                command.env_remove(name);
            }
        }
        command.env("HOME", &home).env("XDG_DATA_HOME", home.join("data")).env("XDG_CACHE_HOME", home.join("cache"));
        command.env("GIT_CONFIG_GLOBAL", home.join("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
        command.env("GIT_CEILING_DIRECTORIES", self.dir.path()).env("TERM", "xterm").env_remove("NO_COLOR");
        command.current_dir(self.path("work")).stdin(Stdio::null());
        command
    }

    pub fn git(&self, args: &[&str]) -> String {
        let out = self.hermetic("git").args(args).output().expect("git runs");
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    pub fn refit(&self, args: &[&str]) -> Ran {
        let out = self.hermetic(env!("CARGO_BIN_EXE_refit")).args(args).output().expect("refit runs");
        let top = self.dir.path().canonicalize().expect("it is there");
        let shown = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("refit prints UTF-8");
            text.replace(&*top.to_string_lossy(), "TOP").replace(&*self.dir.path().to_string_lossy(), "TOP")
        };
        Ran { status: out.status.code().unwrap_or(-1), out: shown(&out.stdout), err: shown(&out.stderr) }
    }

    /// The messages of a run that must be refused with exit status 2 and nothing on standard output.
    #[track_caller]
    pub fn refused(&self, args: &[&str]) -> String {
        let ran = self.refit(args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{ran:?}");
        ran.err
    }
}
