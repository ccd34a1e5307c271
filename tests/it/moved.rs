//! Sources that were changed after they were recorded in; the same milliseconds on the same text out.

use std::collections::BTreeMap;
use std::path::Path;

use refit::jobs::{Ear, Workspace};

use crate::walk::till;

/// The heat of every line of a file, by the text of the line, and what was said about the recording.
fn heat(root: &Path, file: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let workspace = Workspace::open(root, Path::new("slo.toml")).unwrap();
    let analysis = workspace.analyse(true, &Ear::deaf()).unwrap();
    let text = workspace.text(file).unwrap();
    let line = |n: u32| text.lines().nth(n as usize - 1).unwrap_or("beyond the end").trim().to_owned();
    let of_file = analysis.heat.iter().filter(|h| h.file == file).flat_map(|h| &h.lines);
    let heat = of_file.map(|(n, weight)| (line(*n), format!("{weight:.6}"))).collect();
    (heat, analysis.problems.iter().map(|p| p.what.clone()).filter(|what| what.contains("recorded at")).collect())
}

#[test]
fn lines_of_a_recording_follow_their_text_through_later_changes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("till");
    till(&root);
    let file = "src/basket.rs";
    let (before, said) = heat(&root, file);
    assert!(before.len() >= 3 && said.is_empty(), "{before:?} {said:?}");
    let text = std::fs::read_to_string(root.join(file)).unwrap();
    let more = "// More of it.\n".repeat(9);
    std::fs::write(
        root.join(file),
        text.replacen("/// The articles of a basket", &format!("{more}/// The articles of a basket"), 1),
    )
    .unwrap();
    let (after, said) = heat(&root, file);
    assert_eq!(after, before);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("lines in 1 file are shown where they stand now"), "{said:?}");
}

#[test]
fn a_file_that_was_renamed_keeps_its_heat() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("till");
    till(&root);
    let (before, _) = heat(&root, "src/basket.rs");
    let git = |args: &[&str]| {
        let out = std::process::Command::new("git").args(args).current_dir(&root).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    git(&["mv", "src/basket.rs", "src/cart.rs"]);
    let lib = std::fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let elsewhere = lib.replace("pub mod basket;", "#[path = \"cart.rs\"]\npub mod basket;");
    assert_ne!(elsewhere, lib);
    std::fs::write(root.join("src/lib.rs"), elsewhere).unwrap();
    let text = std::fs::read_to_string(root.join("src/cart.rs")).unwrap();
    std::fs::write(root.join("src/cart.rs"), format!("// Once a basket.\n{text}")).unwrap();
    git(&["add", "-A"]);
    git(&["-c", "user.name=M", "-c", "user.email=m@example.invalid", "commit", "-q", "-m", "rename"]);
    let (after, said) = heat(&root, "src/cart.rs");
    assert_eq!(after, before);
    assert_eq!(said.len(), 1, "{said:?}");
}
