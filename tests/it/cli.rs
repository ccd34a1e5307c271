//! Arguments and folders in; what the real binary prints and how it exits out.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::place::{GOOD, Place, Ran};

#[test]
fn arguments_that_make_no_sense_are_told_with_exit_status_2() {
    let place = Place::repository(&[("slo.toml", GOOD)]);
    for args in [
        &["verify"][..],
        &["review", "reject", "r1"],
        &["rank", "--colour"],
        &["apply"],
        &["--color=always", "--no-color", "rank"],
    ] {
        let ran = place.refit(args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{args:?}: {}", ran.err);
    }
    insta::assert_snapshot!(place.refused(&["propose", "--rule", "quadratic-membrship-in-lop"]).lines().next().unwrap_or_default(), @r#"error: there is no rule "quadratic-membrship-in-lop""#);
    insta::assert_snapshot!(place.refused(&["apply", "r1", "--branch", "a..b"]), @r#"
    error: "a..b" is no name of a branch
      help: write letters, digits, `-`, `_` and `/`
    "#);
}

#[test]
fn help_lists_every_command_and_the_exit_statuses() {
    let place = Place::new();
    let ran = place.refit(&["--help"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    for command in [
        "rank", "scan", "propose", "verify", "review", "apply", "undo", "redo", "log", "report", "check", "clean",
        "rules", "explain", "doctor", "init", "try",
    ] {
        assert!(
            ran.out.lines().any(|l| l.trim_start().starts_with(&format!("{command} "))),
            "{command} is not in the help"
        );
    }
    assert!(ran.out.contains("Exit status"));
    assert!(place.refit(&["--version"]).out.starts_with("refit "));
}

#[test]
fn cargo_may_call_it() {
    let place = Place::new();
    assert_eq!(place.refit(&["refit", "rules"]).out, place.refit(&["rules"]).out);
}

#[test]
fn json_is_one_document_whether_it_went_well_or_not() {
    let place = Place::repository(&[("slo.toml", GOOD)]);
    for (args, schema) in [
        (&["rules", "--json"][..], "refit.rules/1"),
        (&["doctor", "--json"], "refit.doctor/1"),
        (&["rank", "--json"], "refit.error/1"),
        (&["--json"], "refit.error/1"),
    ] {
        let ran = place.refit(args);
        let document: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{args:?}: {e}: {ran:?}"));
        assert_eq!(document["schema"], schema, "{args:?}");
    }
}

#[test]
fn rules_and_their_manual_pages_come_from_the_table() {
    let place = Place::new();
    let table = place.refit(&["rules"]).out;
    for rule in refit::detect::REGISTRY {
        assert!(table.contains(rule.id.0), "{} is not listed", rule.id);
        let page = place.refit(&["explain", rule.id.0]);
        assert_eq!(page.status, 0);
        assert!(page.out.starts_with(rule.id.0) && page.out.contains("When it is refused"), "{}", page.out);
        assert!(!page.out.contains('\u{1b}'), "there is no terminal to colour");
    }
    let unknown = place.refit(&["explain", "no-such-rule-anywhere"]);
    insta::assert_snapshot!(unknown.err, @r#"
    error: there is no rule "no-such-rule-anywhere"
      help: `refit rules` lists them
    "#);
    assert_eq!(unknown.status, 2);
}

#[test]
fn colour_comes_when_asked_for_and_goes_when_forbidden() {
    let place = Place::repository(&[]);
    assert!(place.refit(&["doctor", "--color=always"]).out.contains("\u{1b}["));
    assert!(!place.refit(&["doctor", "--color=never"]).out.contains("\u{1b}["));
    assert!(!place.refit(&["doctor", "--no-color"]).out.contains("\u{1b}["));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    use std::io::Read;
    let place = Place::new();
    let mut command = place.hermetic(env!("CARGO_BIN_EXE_refit"));
    let mut child = command.arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("refit starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    assert!(child.wait().expect("it ends").code().is_some_and(|c| c < 3), "{said}");
    assert!(!said.contains("panic") && !said.contains("at fault"), "{said}");
}

#[test]
fn doctor_tells_what_is_missing_and_what_comes_next() {
    let place = Place::new();
    let next = |ran: &Ran| ran.out.lines().last().unwrap_or_default().to_owned();
    let ran = place.refit(&["doctor"]);
    assert_eq!((ran.status, next(&ran).as_str()), (0, "next: git init"), "{}", ran.out);
    place.git(&["init", "-q", "-b", "main"]);
    let ran = place.refit(&["doctor"]);
    assert!(ran.out.contains("no commit yet") && ran.out.contains("a sign-off needs a name"), "{}", ran.out);
    assert_eq!(next(&ran), "next: refit init");
    place.write(&[("slo.toml", "version = 1")]);
    let ran = place.refit(&["doctor"]);
    assert!(ran.out.contains("slo.toml:1:11"), "{}", ran.out);
    assert_eq!(next(&ran), "next: $EDITOR slo.toml");
}

#[test]
fn doctor_sees_a_merge_a_changed_file_and_hooks() {
    let place = Place::repository(&[("slo.toml", GOOD), ("a", "1")]);
    place.write(&[("a", "2"), (".git/MERGE_HEAD", ""), (".git/hooks/pre-commit", "#!/bin/sh\n")]);
    let out = place.refit(&["doctor"]).out;
    for words in ["a merge", "pre-commit: landing runs them", "changed files   1"] {
        assert!(out.contains(words), "\"{words}\" is missing in\n{out}");
    }
}

#[test]
fn a_command_in_a_subfolder_says_where_the_budgets_are() {
    let place = Place::repository(&[("slo.toml", GOOD), ("rust/gate/src/lib.rs", "")]);
    let ran = place.refit(&["--root", "rust/gate", "scan"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.contains("there is one further out: --root rust/gate/../.."), "{}", ran.err);
    let ran = place.refit(&["--root", "rust/gate/../..", "scan"]);
    assert!(!ran.err.contains("no slo.toml"), "{}", ran.err);
}

#[test]
fn init_writes_what_it_finds_and_never_over_a_file() {
    let log: String = (0..400u64)
        .map(|i| {
            format!(
                "{{\"request\":\"r{i}\",\"operation\":\"GET /cart\",\"start_ns\":{},\"end_ns\":{},\"tid\":1}}\n",
                i * 1_000_000,
                i * 1_000_000 + 5_000_000
            )
        })
        .collect();
    let place = Place::repository(&[
        ("shop/Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("shop/src/main.rs", "fn main() {}\n"),
        ("perf/requests.jsonl", &log),
        ("notes.txt", "nothing that was measured\n"),
    ]);
    let ran = place.refit(&["init"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
    slo.toml is written
      packages: shop
      recording: perf/requests.jsonl (request log)
      operation: GET /cart, 400 requests, p99 5.0 ms
    next: write the limit that you promise into slo.toml, then refit rank
    ");
    let text = std::fs::read_to_string(place.path("work/slo.toml")).expect("it was written");
    insta::assert_snapshot!(text, @r#"
    # Budgets of shop, read by Refit. `refit check` tells whether they are met.
    version = "slo/v1"

    [service]
    name = "shop"

    # What was measured: perf.data, pprof, samply, callgrind, traces, a request log and more. Recognised by content.
    [[source]]   # request log
    file = "perf/requests.jsonl"

    # What must hold. The operation is the root span or the request kind.
    # Operations in the recordings; below stands the most frequent one with what it takes now:
    # write what you promise.
    #   "GET /cart"                           400 requests, p99 5.0 ms
    [[slo]]
    name = "get-cart-latency"
    operation = "GET /cart"
    p99 = "5ms"

    [code]
    root = "shop"

    # How to exercise the service, for before and after. Commands run only after you agreed to them.
    [[workload]]
    slo = "get-cart-latency"
    build = "cargo build --manifest-path shop/Cargo.toml --release --bins"
    test = "cargo test --manifest-path shop/Cargo.toml --workspace"
    # run = "shop/target/release/shop --port {port}"
    # ready = "GET http://127.0.0.1:{port}/health"
    # load = "target/release/load --port {port} --log {log}"
    # A program that ends by itself (a benchmark, an example) has a load and nothing to run.

    [gate]
    min_effect = "1%"
    confidence = 0.95
    max_time = "90s"
    "#);
    assert!(refit::slo::parse("slo.toml", &text).problems.is_empty());
    insta::assert_snapshot!(place.refused(&["init"]), @r#"
    error: "slo.toml" is there already
      --> slo.toml
      help: mend it by hand; `refit doctor` tells what is wrong with it
    "#);
    assert_eq!(std::fs::read_to_string(place.path("work/slo.toml")).expect("there"), text);
}

#[test]
fn init_refuses_where_there_is_no_cargo_project_or_no_such_operation() {
    let place = Place::repository(&[("a", "")]);
    insta::assert_snapshot!(place.refused(&["init"]), @r"
    error: there is no Cargo.toml here or in a folder below
      --> .
      help: run `refit init` in the folder of a Rust project, or name it: --root DIR
    ");
    place.write(&[("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n"), ("src/lib.rs", "")]);
    insta::assert_snapshot!(place.refused(&["init", "--operation", "GET /"]), @r#"
    error: no recording has the operation "GET /"
      help: no recording tells operations
    "#);
    assert!(!place.path("work/slo.toml").exists());
}

#[test]
fn try_makes_a_repository_with_one_commit_and_leaves_the_configuration_alone() {
    let place = Place::new();
    let ran = place.refit(&["try", "payment-gateway", "--no-open"]);
    insta::assert_snapshot!(ran.out, @r"
    payment-gateway is in payment-gateway
    next: refit payment-gateway
    ");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let there = |path: &str| place.path("work/payment-gateway").join(path);
    assert!(there("Cargo.lock").is_file() && there("src/bin/load.rs").is_file());
    let git = |args: &[&str]| place.git(&[&["-C", "payment-gateway"], args].concat());
    assert_eq!(git(&["log", "--format=%an <%ae> %D"]), "Refit example <refit@example.invalid> HEAD -> main");
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert!(!place.path("home/gitconfig").exists());
    assert!(!std::fs::read_to_string(there(".git/config")).expect("there").contains("user"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert!(there("record.sh").metadata().expect("there").permissions().mode() & 0o100 != 0);
    }
    let doctor = place.refit(&["--root", "payment-gateway", "doctor"]).out;
    assert!(doctor.contains("you agreed to them"), "{doctor}");
}

#[test]
fn try_takes_the_name_that_git_knows() {
    let place = Place::new();
    std::fs::write(place.path("home/gitconfig"), "[user]\nname = Payments lead\nemail = lead@example.invalid\n")
        .expect("written");
    assert_eq!(place.refit(&["try", "payment-gateway", "here", "--no-open"]).status, 0);
    assert_eq!(place.git(&["-C", "here", "log", "--format=%an <%ae>"]), "Payments lead <lead@example.invalid>");
}

#[test]
fn try_refuses_an_unknown_example_and_a_folder_that_holds_something() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["try", "payment-gatewya"]), @r#"
    error: there is no example "payment-gatewya"
      help: there is: payment-gateway
    "#);
    place.write(&[("payment-gateway/mine.txt", "keep")]);
    insta::assert_snapshot!(place.refused(&["try", "payment-gateway"]), @r#"
    error: "payment-gateway" is there already and is not empty
      --> payment-gateway
      help: open it with `refit payment-gateway`, or name another folder: `refit try NAME DIR`
    "#);
    assert_eq!(std::fs::read_dir(place.path("work/payment-gateway")).expect("there").count(), 1);
}

/// The example, unpacked and with a name in git's configuration.
fn example() -> (Place, PathBuf) {
    let place = Place::new();
    std::fs::write(place.path("home/gitconfig"), "[user]\nname = Payments lead\nemail = lead@example.invalid\n")
        .expect("written");
    assert_eq!(place.refit(&["try", "payment-gateway", "project", "--no-open"]).status, 0);
    let folder = place.path("work/project");
    (place, folder)
}

/// A small service with a short recording, committed, and with a name in git's configuration.
fn till() -> Place {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("folders can be made");
        for entry in std::fs::read_dir(from).expect("the fixture is there").map(|e| e.expect("it can be listed")) {
            let name = entry.file_name().to_string_lossy().replace("Cargo.toml.txt", "Cargo.toml");
            match entry.path() {
                path if path.is_dir() => copy(&path, &to.join(name)),
                path => drop(std::fs::copy(path, to.join(name)).expect("files can be copied")),
            }
        }
    }
    let place = Place::new();
    std::fs::write(place.path("home/gitconfig"), "[user]\nname = Payments lead\nemail = lead@example.invalid\n")
        .expect("written");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/till"), &place.path("work/project"));
    for args in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "start"]] {
        place.git(&[&["-C", "project"], args].concat());
    }
    place
}

fn json(place: &Place, args: &[&str]) -> serde_json::Value {
    let ran = place.refit(&[&["--root", "project", "--json"], args].concat());
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{args:?}: {e}: {ran:?}"))
}

#[test]
fn the_example_misses_its_objective_and_the_split_adds_up() {
    let (place, _) = example();
    let rank = json(&place, &["rank"]);
    assert_eq!(rank["schema"], "refit.rank/1");
    let objective = &rank["objectives"][0];
    let number = |v: &serde_json::Value| v.as_f64().unwrap_or_else(|| panic!("no number: {v}"));
    assert!(number(&objective["gap_ms"]) >= 40.0, "{objective}");
    let rows = objective["split"].as_array().expect("rows");
    let sum: f64 = rows.iter().map(|r| number(&r["c_ms"])).sum();
    assert!((sum - number(&objective["measured_ms"])).abs() < 0.01, "{sum}");
    assert!(rows.iter().any(|r| r["kind"] == "wait") && rows.iter().any(|r| r["kind"] == "function"));
    let check = place.refit(&["--root", "project", "check"]);
    assert_eq!(check.status, 1, "{check:?}");
}

#[test]
fn what_the_check_misses_is_told_to_ci_servers_in_their_formats() {
    let (place, _) = example();
    let check = |format: &str| place.refit(&["--root", "project", "check", "--format", format]);
    let sarif: serde_json::Value = serde_json::from_str(&check("sarif").out).expect("SARIF is JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert!(results.iter().any(|r| r["ruleId"] == "objective" && r["level"] == "error"), "{results:#?}");
    assert!(results.iter().any(|r| r["locations"][0]["physicalLocation"]["region"]["startLine"].is_u64()));
    assert!(check("junit").out.contains("<failure message="));
    let markdown = check("markdown");
    assert!(markdown.out.starts_with("## refit: the check does not pass") && markdown.status == 1, "{markdown:?}");
}

#[test]
fn the_cache_is_shown_and_cleaned_project_by_project() {
    let (place, folder) = example();
    let slots = place.path("home/cache/refit/slots");
    let mine = refit::effects::slots::folder_name(&folder);
    for name in [mine.as_str(), "another-0123456789"] {
        std::fs::create_dir_all(slots.join(name).join("base")).expect("a slot");
        std::fs::write(slots.join(name).join("base/file"), [0; 4096]).expect("a file in it");
    }
    let listed = json(&place, &["clean", "--list"]);
    assert_eq!((listed["slots"].as_array().map(Vec::len), &listed["freed_bytes"]), (Some(2), &0.into()), "{listed}");
    let cleaned = json(&place, &["clean"]);
    assert_eq!(cleaned["freed_bytes"], 4096, "{cleaned}");
    assert!(!slots.join(&mine).exists() && slots.join("another-0123456789").exists());
    assert_eq!(json(&place, &["clean", "--all"])["freed_bytes"], 4096);
}

#[test]
fn scan_and_propose_of_the_example_are_the_same_each_time() {
    let (place, folder) = example();
    let scan = json(&place, &["scan", "--all"]);
    assert_eq!(scan["schema"], "refit.scan/1");
    assert!(scan["findings"].as_array().is_some_and(|f| !f.is_empty()));
    let propose = json(&place, &["propose", "--all"]);
    assert_eq!(propose, json(&place, &["propose", "--all"]));
    for rewrite in propose["rewrites"].as_array().expect("rewrites") {
        for edit in rewrite["edits"].as_array().expect("edits") {
            let file = edit["file"].as_str().expect("a file");
            let text = std::fs::read(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert_eq!(edit["base"], refit::effects::files::hash(&text).0, "{file}");
        }
    }
    let nothing = json(&place, &["scan", "--all", "no/such/folder"]);
    assert_eq!(nothing["findings"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_was_kept_of_a_scan_changes_nothing_that_is_said() {
    let (place, folder) = example();
    let scan = || json(&place, &["scan", "--all"]);
    let kept = place.path("home/cache/refit/surveys");
    let first = scan();
    let shelf =
        std::fs::read_dir(&kept).expect("something is kept").next().expect("one project").expect("a file").path();
    assert_eq!(first, scan());

    let file = folder.join("src/audit.rs");
    let text = std::fs::read_to_string(&file).expect("a module of the example");
    std::fs::write(&file, format!("// one line more\n{text}")).expect("written");
    let changed = scan();
    assert_eq!(changed["lines"].as_u64(), first["lines"].as_u64().map(|n| n + 1));
    std::fs::remove_dir_all(&kept).expect("the shelf goes");
    assert_eq!(changed, scan(), "the same with nothing kept");

    std::fs::write(&file, text).expect("written");
    let mut bytes = std::fs::read(&shelf).expect("kept again");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&shelf, bytes).expect("damaged");
    assert_eq!(first, scan(), "damage is not believed");
}

#[test]
fn what_changes_behaviour_is_proposed_only_to_who_asks_for_it() {
    const PANICS: &str = "
/// Reads a pair of amounts.
pub fn pair(text: &str) -> Result<(u64, u64), std::num::ParseIntError> {
    let first = text.trim().parse::<u64>().unwrap();
    let second = text.trim_end().parse::<u64>().expect(\"a number\");
    Ok((first, second))
}
";
    let place = till();
    let file = place.path("work/project/src/lib.rs");
    let text = std::fs::read_to_string(&file).expect("the fixture is there") + PANICS;
    std::fs::write(&file, text).expect("written");
    place.git(&["-C", "project", "commit", "-q", "-a", "-m", "pair"]);
    let rules = |args: &[&str]| -> Vec<String> {
        let found = json(&place, args)["rewrites"].as_array().cloned().unwrap_or_default();
        found.iter().map(|p| p["rule"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let cascade = String::from("unwrap-cascade");
    assert!(!rules(&["propose", "--all"]).contains(&cascade));
    assert!(!rules(&["propose", "--all", "--class", "A", "--class", "B"]).contains(&cascade));
    assert_eq!(rules(&["propose", "--all", "--class", "D"]), [cascade]);
    let told = place.refit(&["--root", "project", "propose", "--all", "--class", "D"]);
    assert!(told.out.contains("(changes behaviour)") && told.out.contains("behaviour changes: `pair`"), "{}", told.out);
    let id = told.out.split_whitespace().find(|word| word.len() == 9 && word.starts_with('r')).expect("an id");
    assert_eq!(place.refit(&["--root", "project", "review", "show", id]).status, 0);
}

#[test]
fn nothing_runs_before_somebody_agreed() {
    let (place, folder) = example();
    std::fs::remove_dir_all(place.path("home/data")).expect("consent was kept there");
    let ran = place.refit(&["--root", "project", "verify", "--all"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.contains("nobody agreed to the commands") && ran.err.contains("cargo"), "{}", ran.err);
    assert!(!folder.join("target").exists());
}

#[test]
fn ids_that_do_not_exist_are_told() {
    let (place, _) = example();
    let ran = place.refit(&["--root", "project", "review", "show", "rzzzzzzzz"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.contains("there is no proposal \"rzzzzzzzz\""), "{}", ran.err);
}

#[test]
fn a_proposal_is_decided_signed_landed_taken_back_and_reported_from_the_shell() {
    let place = till();
    let run = |args: &[&str]| place.refit(&[&["--root", "project"], args].concat());
    let done = |args: &[&str]| {
        let ran = run(args);
        assert_eq!(ran.status, 0, "{args:?}: {ran:?}");
        ran.out
    };
    let rewrites = json(&place, &["propose"])["rewrites"].clone();
    let id = rewrites[0]["id"].as_str().expect("a proposal").to_owned();
    let before = place.git(&["-C", "project", "rev-parse", "HEAD"]);

    assert!(run(&["apply", &id]).err.contains("is not accepted"), "nothing lands undecided");
    let shown = done(&["review", "show", &id]);
    assert!(shown.contains("hunk 1 of") && shown.contains("no evidence yet"), "{shown}");
    let hunks = json(&place, &["review", "show", &id])["proposals"][0]["hunks"].as_array().map_or(0, Vec::len);
    for hunk in 1..=hunks {
        done(&["review", "accept", &id, &hunk.to_string()]);
    }
    let said = run(&["apply", &id]);
    assert!(
        said.status == 2 && (said.err.contains("has no evidence yet") || said.err.contains("obligation")),
        "{said:?}"
    );
    let signed = run(&["review", "sign", &id, "--accept-obligations", "--override", "the shell is tried out"]);
    assert!(signed.out.contains("FORCED"), "{signed:?}");
    let landed = done(&["apply", &id]);
    assert!(landed.contains("refit undo"), "{landed}");

    let message = place.git(&["-C", "project", "log", "-1", "--format=%B", "refit/till"]);
    for trailer in [
        "Refit-Rule: ",
        &format!("Refit-Proposal: {id}"),
        "Refit-Forced: the shell is tried out",
        "Reviewed-by: Payments lead <lead@example.invalid>",
    ] {
        assert!(message.lines().any(|l| l.starts_with(trailer)), "{trailer} is not in\n{message}");
    }
    assert!(message.lines().next().is_some_and(|l| l.chars().count() <= 72), "{message}");
    assert_eq!(place.git(&["-C", "project", "rev-parse", "HEAD"]), before);
    assert_eq!(place.git(&["-C", "project", "status", "--porcelain"]), "");

    let replay = |status: i32| {
        let ran = run(&["verify", "--replay", "refit/till", "--no-measurement", "--trust", "--json"]);
        assert_eq!(ran.status, status, "{ran:?}");
        serde_json::from_str::<serde_json::Value>(&ran.out).expect("one document")
    };
    let replayed = replay(0);
    let point = |said: &serde_json::Value, what: &str| {
        let all = said["proposals"][0]["compared"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|c| c["what"] == what).unwrap_or_else(|| panic!("{what} is not in {said}"))
    };
    for what in ["message", "change"] {
        assert_eq!(point(&replayed, what)["agrees"], true, "{replayed}");
    }
    assert_eq!(point(&replayed, "evidence")["detail"], "none: it was landed without a proof (the shell is tried out)");
    assert_eq!(replayed["proposals"][0]["attested"]["proposal"], id.as_str());
    assert_eq!(replayed["proposals"][0]["now"]["id"], id.as_str(), "it was proved today: {replayed}");
    let note = place.git(&["-C", "project", "notes", "--ref=refit", "show", "refit/till"]);
    let forged = note.replace("the shell is tried out", "the lead asked for it");
    place.git(&["-C", "project", "notes", "--ref=refit", "add", "-f", "-m", &forged, "refit/till"]);
    assert_eq!(point(&replay(1), "message")["agrees"], false);
    place.git(&["-C", "project", "update-ref", "refs/notes/refit", "refs/notes/refit^"]);

    let report = done(&["report", "--no-measurement"]);
    assert!(
        report.contains("1 landed.") && report.contains("**FORCED**") && report.contains("the shell is tried out"),
        "{report}"
    );
    let check = run(&["check"]);
    assert!(check.out.contains("FORCED by Payments lead"), "{}", check.out);
    done(&["undo"]);
    assert!(done(&["log"]).contains("(undone)"));
    assert!(done(&["report", "--no-measurement"]).contains("Nothing landed yet."));
    done(&["redo"]);
    done(&["apply", "--here"]);
    assert_eq!(place.git(&["-C", "project", "log", "-1", "--format=%B"]), message);
    done(&["report", "--no-measurement", "--output", "r.md"]);
    assert!(place.path("work/r.md").is_file());
}

#[test]
fn hunks_and_lines_that_do_not_exist_are_told() {
    let place = till();
    let rewrites = json(&place, &["propose"])["rewrites"].clone();
    let id = rewrites[0]["id"].as_str().expect("an id").to_owned();
    let err = |args: &[&str]| place.refused(&[&["--root", "project", "review"], args].concat());
    assert!(err(&["accept", &id, "99"]).contains("and no hunk 99"));
    assert!(err(&["accept", &id, "0"]).contains("and no hunk 0"));
    assert!(err(&["comment", &id, "why", "--line", "9999"]).contains("and no line 9999"));
    assert!(err(&["reject", &id, "1", "--reason", " "]).contains("reason"));
}

/// A path is used in messages as it was given.
#[test]
fn another_root_and_another_config_may_be_named() {
    let place = Place::repository(&[("sub/budgets.toml", GOOD)]);
    let err = place.refused(&["--root", "sub", "--config", "budgets.toml", "rank"]);
    assert!(err.contains("no [[source]]"), "{err}");
    assert!(Path::new(&place.path("work/sub")).is_dir());
}
