//! What may be wrong with what Refit is given; a message with what, where and what to do, and exit status 2, out.

use crate::place::{GOOD, Place};

#[test]
fn a_missing_slo_toml_is_told_with_what_to_do() {
    let place = Place::repository(&[("a", "")]);
    insta::assert_snapshot!(place.refused(&["rank"]), @r"
    error: there is no slo.toml here
      --> ./slo.toml
      help: write one with `refit init`, or look at an example first: `refit try payment-gateway`
    ");
}

#[test]
fn an_unreadable_slo_toml_is_told() {
    let place = Place::repository(&[("a", "")]);
    std::fs::create_dir(place.path("work/slo.toml")).expect("a folder");
    insta::assert_snapshot!(place.refused(&["rank"]), @r#"
    error: "slo.toml" is a folder
      --> slo.toml
      help: name the file in it
    "#);
    std::fs::remove_dir(place.path("work/slo.toml")).expect("removed");
    std::fs::write(place.path("work/slo.toml"), b"version = \"\xff\"").expect("written");
    insta::assert_snapshot!(place.refused(&["scan"]), @r#"
    error: "slo.toml" is not UTF-8 text
      --> slo.toml:1
      help: byte 11 is no part of a letter: save the file as UTF-8
    "#);
}

#[test]
fn all_faults_of_slo_toml_are_told_at_once() {
    let place = Place::repository(&[(
        "slo.toml",
        "version = \"slo/v2\"\n[service]\nname = \"shop\"\nnmae = 1\n[[slo]]\nname = \"a\"\np99 = 200\n",
    )]);
    insta::assert_snapshot!(place.refused(&["rank"]), @r#"
    error: version "slo/v2" is not one that this Refit reads
      --> slo.toml:1:11
      help: write `version = "slo/v1"`
    error: [service] has no key `nmae`
      --> slo.toml:4:1
      help: did you mean `name`?
    error: [[slo]]: `p99 = 200` has no unit
      --> slo.toml:7:7
      help: write `p99 = "200ms"`, if ms is meant
    "#);
}

#[test]
fn a_folder_without_a_repository_is_told() {
    let place = Place::new();
    place.write(&[("slo.toml", GOOD)]);
    insta::assert_snapshot!(place.refused(&["rank"]), @r"
    error: TOP/work is in no git repository
      help: make one: `git init && git add -A && git commit -m start`
    ");
}

#[test]
fn without_a_terminal_the_workbench_says_what_to_run_instead() {
    let place = Place::repository(&[("slo.toml", GOOD)]);
    insta::assert_snapshot!(place.refused(&[]), @r"
    error: the workbench needs a terminal
      help: run it in a terminal; every action is also a command: `refit rank`, `refit propose`, `refit --help`
    ");
}

#[test]
fn a_folder_that_is_not_there_may_be_a_slip_of_a_command() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["scna"]), @r#"
    error: there is no folder "scna"
      --> scna
      help: did you mean `refit scan`?
    "#);
    insta::assert_snapshot!(place.refused(&["some/where"]), @r#"
    error: there is no folder "some/where"
      --> some/where
      help: name the folder that holds slo.toml, or a command: `refit --help` lists them
    "#);
}

#[test]
fn a_recording_that_cannot_be_read_is_told() {
    let with = |sources: &str| format!("{GOOD}{sources}");
    let place = Place::repository(&[
        (
            "slo.toml",
            &with(
                "[[source]]\nfile = \"none.txt\"\n[[source]]\nfile = \"empty.txt\"\n[[source]]\nfile = \"odd.bin\"\n[[source]]\nfile = \"cut.gz\"\n",
            ),
        ),
        ("empty.txt", ""),
        ("odd.bin", "this is no profile of any kind\n"),
        ("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/lib.rs", "pub fn f() {}\n"),
    ]);
    std::fs::write(place.path("work/cut.gz"), [0x1f, 0x8b, 8, 0, 0]).expect("written");
    let told = place.refused(&["rank"]);
    // The list of formats grows; that it is told is enough.
    let told = told.lines().map(|l| l.split_once("known are: ").map_or(l, |(before, _)| before)).collect::<Vec<_>>();
    insta::assert_snapshot!(told.join("\n"), @r#"
    error: "none.txt" is not there
      --> none.txt
      help: looked for TOP/work/none.txt
    error: this recording is empty
      --> empty.txt
      help: record again, and let the recorded program run long enough
    error: this is no format that Refit reads
      --> odd.bin
      help: 
    error: "cut.gz" ends in the middle of its compressed data
      --> cut.gz
      help: record or copy it again
    "#);
}

#[test]
fn a_project_that_names_no_recording_is_told() {
    let place = Place::repository(&[
        ("slo.toml", GOOD),
        ("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n"),
        ("src/lib.rs", ""),
    ]);
    insta::assert_snapshot!(place.refused(&["rank"]), @r#"
    error: nothing was measured: slo.toml names no [[source]]
      --> ./slo.toml
      help: record one: `refit record -- CMD` writes the entry; or name a file: `[[source]]` `file = "…"`
    "#);
}
