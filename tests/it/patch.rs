//! Our unified diffs given to `git apply`: the file afterwards is the new text to the byte.

use std::fs;
use std::process::{Command, Stdio};

use proptest::prelude::*;

/// What `git apply` makes of `old` with our diff to `new`.
fn through_git(path: &str, old: &str, new: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join(path);
    fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
    fs::write(&file, old).expect("the old text");
    let patch = dir.path().join("change.patch");
    fs::write(&patch, refit::source::diff(path, old, new)).expect("the patch");
    let output = Command::new("git")
        .args(["-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "change.patch"])
        .current_dir(dir.path())
        .env("GIT_CEILING_DIRECTORIES", dir.path().parent().expect("a parent"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        refit::source::diff(path, old, new)
    );
    fs::read(&file).expect("the new text")
}

#[track_caller]
fn check(path: &str, old: &str, new: &str) {
    assert_eq!(String::from_utf8_lossy(&through_git(path, old, new)), new);
}

#[test]
fn git_apply_reproduces_the_new_text_whatever_the_file_is_called() {
    let (old, new) = ("fn a() {}\nfn b() {}\n", "fn a() {}\nfn c() {}\n");
    for path in ["src/a.rs", "src/with space.rs", "src/größe.rs", "src/quo\"te.rs", "src/ta\tb.rs"] {
        check(path, old, new);
    }
}

#[test]
fn git_apply_reproduces_line_ends_bom_tabs_and_a_missing_final_newline() {
    check("a.rs", "\u{feff}fn a() {\r\n\tb();\r\n}\r\n", "\u{feff}fn a() {\r\n\tc();\r\n}\r\n");
    check("a.rs", "a();\nb();", "a();\nc();");
    check("a.rs", "a();\nb();", "a();\nb();\n");
    check("a.rs", "a();\nb();\n", "a();\nb();");
    check("a.rs", "a();\r\nb();\n", "a();\nb();\r\n");
    check("a.rs", "a();\n", "new();\na();\n");
    check("a.rs", "a();\nb();\n", "b();\n");
    check("a.rs", "a\rb\n", "a\rc\n");
}

fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![Just("a"), Just("b"), Just("\tc;"), Just("é"), Just(""), Just("}")];
    let eol = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    (proptest::collection::vec((line, eol), 1..25), proptest::bool::ANY).prop_map(|(lines, is_cut)| {
        let text: String = lines.into_iter().map(|(line, eol)| format!("{line}{eol}")).collect();
        if is_cut { format!("{text}x") } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn git_apply_reproduces_any_change(old in text(), new in text()) {
        prop_assume!(old != new);
        prop_assert_eq!(String::from_utf8(through_git("src/a.rs", &old, &new)).unwrap(), new);
    }
}
