//! The example service: what it shares with the templates stays the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_example_uses_the_request_log_that_is_offered_as_a_template() {
    let template = read("templates/instrument/request_log.rs");
    let copy = read("examples/payment-gateway/src/request_log.rs");
    assert!(template == copy, "copy templates/instrument/request_log.rs to examples/payment-gateway/src again");
}

#[test]
fn the_example_is_formatted_as_refit_is() {
    assert_eq!(read("rustfmt.toml"), read("examples/payment-gateway/rustfmt.toml"));
}

#[test]
fn the_example_is_a_workspace_of_its_own_with_a_lock_file() {
    let manifest: toml::Table = read("examples/payment-gateway/Cargo.toml").parse().expect("the manifest is TOML");
    assert!(
        manifest.contains_key("workspace"),
        "without [workspace] the example does not build inside of this repository"
    );
    assert!(repository("examples/payment-gateway/Cargo.lock").is_file());
}

#[test]
fn no_file_of_the_example_names_the_machine_it_was_made_on() {
    for folder in ["", "src", "src/bin", "tests"] {
        let folder = repository("examples/payment-gateway").join(folder);
        for entry in fs::read_dir(&folder).expect("the example's folders can be listed") {
            let path = entry.expect("the example's folders can be listed").path();
            if path.is_file() {
                let text = fs::read_to_string(&path).expect("the example's files are text");
                let telling = ["/home/", "/root/", "/work/"].iter().find(|machine| text.contains(**machine));
                assert_eq!(telling, None, "{}", path.display());
            }
        }
    }
}

/// The files of the example that git tracks: path, whether it may be run, bytes.
fn tracked() -> Vec<(PathBuf, bool, Vec<u8>)> {
    let folder = repository("examples/payment-gateway");
    let out = Command::new("git").args(["ls-files", "-s", "-z"]).current_dir(&folder).output().expect("git runs");
    assert!(out.status.success(), "the example stands in a git repository: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).expect("paths are UTF-8");
    let mut files: Vec<_> = text
        .split_terminator('\0')
        .map(|line| {
            let (about, path) = line.split_once('\t').expect("git writes a tab before the path");
            let bytes = fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            (PathBuf::from(path), about.starts_with("100755"), bytes)
        })
        .collect();
    files.sort();
    files
}

/// A tar archive that depends on nothing but the files, compressed.
fn packed(files: &[(PathBuf, bool, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, executable, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(if *executable { 0o755 } else { 0o644 });
        header.set_mtime(0);
        archive.append_data(&mut header, path, &bytes[..]).expect("memory takes it");
    }
    zstd::encode_all(&archive.into_inner().expect("memory takes it")[..], 19).expect("memory takes it")
}

#[test]
fn the_archive_in_the_binary_equals_the_folder() {
    let tracked = tracked();
    let path = repository("examples/payment-gateway.tar.zst");
    if std::env::var_os("REFIT_PACK").is_some() {
        fs::write(&path, packed(&tracked)).expect("the archive can be written");
        return;
    }
    let archive: &'static [u8] = fs::read(&path).expect("the archive is there").leak();
    let example = refit::effects::example::Example { name: "payment-gateway", archive };
    let differs = example.files().expect("the archive can be read") != tracked;
    assert!(!differs, "pack it again and commit it: REFIT_PACK=1 cargo test --test it example::");
}
