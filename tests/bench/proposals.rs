//! `cargo bench --bench proposals [-- --lines N] [--repeat N]`: how long it takes in the real workbench until first proposals stand on
//! the screen, in a workspace of 50,000 lines unless said otherwise.
//!
//! The workspace is the example with its recording, and as many copies of its code as crates of their own. The first start keeps
//! nothing; before the others one file was changed. No compiler runs before proposals are shown: it is asked when one is looked at.
//! Nothing is asserted; asked are 5 s.

mod watched;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use watched::{environment, watch};

const REFIT: &str = env!("CARGO_BIN_EXE_refit");

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after =
        |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)?.parse().ok());
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let project = workspace(place.path(), after("--lines").unwrap_or(50_000));
    let mut all = Vec::new();
    for n in 0..after("--repeat").unwrap_or(5).max(1) {
        let seen = start(place.path(), &project);
        let ms = |t: Option<f64>| t.map_or(String::from("never"), |t| format!("{t:.0} ms"));
        let when = if n == 0 { "nothing kept" } else { "one file changed" };
        println!("{when:<18}frame {}, first proposals {}: {}", ms(seen.frame), ms(seen.proposals), seen.text);
        all.extend(seen.proposals);
        let changed = project.join("more/1/src/lib.rs");
        let text = std::fs::read_to_string(&changed).expect("a text");
        std::fs::write(changed, format!("{text}// {n}\n")).expect("written");
    }
    all.sort_by(f64::total_cmp);
    if let Some(worst) = all.last() {
        println!("first proposals {:.0} ms (median), {worst:.0} ms (worst); asked: 5000 ms", all[all.len() / 2]);
    }
}

/// The example, and copies of it until there are so many lines.
fn workspace(place: &Path, lines: usize) -> PathBuf {
    let project = place.join("payment-gateway");
    let mut command = Command::new(REFIT);
    command.args(["try", "payment-gateway", "--no-open"]).arg(&project).current_dir(place);
    let made = command.envs(environment(place)).stdout(Stdio::null()).status().expect("refit runs");
    assert!(made.success(), "refit try failed");
    let manifest = std::fs::read_to_string(project.join("Cargo.toml")).expect("its manifest");
    let (mut has, mut crates) = (copy(&project.join("src"), &project.join("src"), "payment_gateway"), 1);
    while has < lines {
        let to = project.join("more").join(crates.to_string());
        has += copy(&project.join("src"), &to.join("src"), &format!("payment_gateway_{crates}"));
        let own = manifest.replace("name = \"payment-gateway\"", &format!("name = \"payment-gateway-{crates}\""));
        let own = own.replace("[workspace]\n", "");
        let own = own.split("[profile").next().unwrap_or_default();
        std::fs::write(to.join("Cargo.toml"), own).expect("written");
        crates += 1;
    }
    let whole = manifest.replace("[workspace]\n", "[workspace]\nmembers = [\"more/*\"]\n");
    std::fs::write(project.join("Cargo.toml"), whole).expect("written");
    for arguments in [
        &["add", "-A"][..],
        &["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "many crates"],
    ] {
        assert!(Command::new("git").args(arguments).current_dir(&project).status().expect("git runs").success());
    }
    println!("{has} lines in {crates} crates");
    project
}

/// Copies Rust files under another name of their crate; how many lines they have.
fn copy(from: &Path, to: &Path, name: &str) -> usize {
    std::fs::create_dir_all(to).expect("a folder");
    let mut lines = 0;
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            lines += copy(&path, &to, name);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("a text").replace("payment_gateway", name);
            lines += text.lines().count();
            std::fs::write(to, text).expect("written");
        }
    }
    lines
}

/// What was seen on the screen, in milliseconds from the start.
#[derive(Default)]
struct Seen {
    frame: Option<f64>,
    proposals: Option<f64>,
    text: String,
}

fn start(place: &Path, project: &Path) -> Seen {
    let mut seen = Seen::default();
    watch(place, project, |ms, shown| {
        // Proposals stand on the third screen.
        let keys: &[u8] = if seen.frame.is_none() { b"3" } else { b"" };
        seen.frame.get_or_insert(ms);
        let listed = shown.lines().find(|line| line.contains("proposals by ms to win back"));
        let Some(listed) = listed else { return Some(keys) };
        (seen.proposals, seen.text) = (Some(ms), listed.trim().to_owned());
        None
    });
    seen
}
