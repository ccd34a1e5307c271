//! `cargo bench --bench mutants [-- [--sample N] [--seconds S]]`: how many wrong versions of the example its tests catch.
//!
//! Mutants of the functions outside of its tests and programs are drawn evenly, put into a copy one after the other, and the
//! copy's own tests are run. What does not compile is no mutant; what does not end within S seconds of testing is caught. The
//! survivors are listed, so that a test can be written for each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use refit::source::{FileRole, SourceFile};
use refit::verify::change::{self, Change};
use refit::verify::mutate::{self, ASKED, Mutant};

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    Survived,
    Unviable,
}

fn main() {
    let (mut sample, mut seconds) = (50, 120);
    let mut words = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(word) = words.next() {
        let number = words.next().and_then(|n| n.parse().ok()).expect("--sample N or --seconds S");
        match word.as_str() {
            "--sample" => sample = number,
            "--seconds" => seconds = number as u64,
            other => panic!("{other} is not known; --sample N or --seconds S"),
        }
    }
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let example = Example::unpack(place.path(), Duration::from_secs(seconds));
    assert_eq!(example.fate(), Fate::Survived, "the example's own tests pass");
    let (mut killed, mut viable, mut unviable) = (0, 0, 0);
    for mutant in example.mutants() {
        if viable == sample {
            break;
        }
        match example.with(&mutant) {
            Fate::Unviable => unviable += 1,
            fate => {
                viable += 1;
                killed += usize::from(fate == Fate::Killed);
                println!("{fate:?}: {}:{} {}", mutant.file, mutant.line, mutant.what);
            }
        }
    }
    let share = killed as f64 / viable.max(1) as f64;
    println!("{killed} of {viable} mutants killed ({share:.2}, asked 0.70), {unviable} did not compile");
}

/// The copy in which mutants stand.
struct Example {
    root: PathBuf,
    patience: Duration,
}

impl Example {
    fn unpack(place: &Path, patience: Duration) -> Example {
        let root = place.join("payment-gateway");
        let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
        command.args(["try", "payment-gateway", "--no-open"]).arg(&root).env("REFIT_DATA_DIR", place.join("data"));
        let status = command.stdout(Stdio::null()).status().expect("refit runs");
        assert!(status.success(), "refit try failed");
        Example { root, patience }
    }

    /// All mutants, in an order of which any beginning has something of everywhere.
    fn mutants(&self) -> Vec<Mutant> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.root.join("src")).expect("the example has sources") {
            let path = entry.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // A folder for tests is no behaviour of the service.
            if path.is_file() && name != "scratch.rs" {
                let text = std::fs::read_to_string(&path).expect("a text");
                all.extend(of_file(&format!("src/{name}"), &text));
            }
        }
        all.sort_by(|a, b| (&a.file, a.number).cmp(&(&b.file, b.number)));
        let mut numbered: Vec<(u32, Mutant)> = (0_u32..).map(|n| n.wrapping_mul(2_654_435_769)).zip(all).collect();
        numbered.sort_by_key(|(place, _)| *place);
        numbered.into_iter().map(|(_, mutant)| mutant).collect()
    }

    fn with(&self, mutant: &Mutant) -> Fate {
        let path = self.root.join(&mutant.file);
        let text = std::fs::read_to_string(&path).expect("a text");
        let (start, end) = (mutant.range.start as usize, mutant.range.end as usize);
        let [before, after] = [&mutant.before, &mutant.after].map(|part| part.replace(ASKED, "true"));
        let wrong = format!("{}{before}{}{after}{}", &text[..start], &text[start..end], &text[end..]);
        std::fs::write(&path, wrong).expect("the copy can be written");
        let fate = self.fate();
        std::fs::write(&path, text).expect("the copy can be written");
        fate
    }

    fn fate(&self) -> Fate {
        if !self.cargo(&["test", "--no-run"], Duration::from_secs(3600)) {
            return Fate::Unviable;
        }
        if self.cargo(&["test", "--no-fail-fast"], self.patience) { Fate::Survived } else { Fate::Killed }
    }

    /// True if it ends well in time. `timeout` ends what the tests have started, too.
    fn cargo(&self, args: &[&str], patience: Duration) -> bool {
        let mut command = Command::new("timeout");
        command.args(["-k", "5", &patience.as_secs().to_string(), "cargo"]).args(args).arg("--quiet");
        let quiet = command.current_dir(&self.root).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.env_remove("CARGO_TARGET_DIR").env("RUSTFLAGS", "-Awarnings").status().expect("cargo runs").success()
    }
}

/// The mutants of a file's functions, as if all of their code were new.
fn of_file(file: &str, text: &str) -> Vec<Mutant> {
    let parsed = SourceFile::parse(file, text, &FileRole::default()).expect("the example parses");
    let is_test = |at: u32| parsed.items.iter().any(|i| i.is_test && i.range.start <= at && at < i.range.end);
    let functions = change::functions(file, text).unwrap_or_default();
    let bodies = functions.iter().filter(|f| !is_test(f.body.start)).map(|f| (f.body, f.body));
    let places: Vec<_> = bodies.collect();
    let own = (0..places.len()).collect();
    let change = Change { file: file.to_owned(), old: text.to_owned(), new: text.to_owned(), places, own };
    mutate::mutants(&change, 1).all
}
