//! The example service: what it shares with the templates stays the same.

use std::fs;
use std::path::{Path, PathBuf};

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
