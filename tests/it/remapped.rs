//! A program built with `--remap-path-prefix` and a repository that was changed after it was recorded in; the same time on the
//! same text, in other lines, out.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;

use crate::sources::{Project, log};

/// Milliseconds or percent of every line, by file and line.
fn lines(ranked: &Value) -> BTreeMap<(String, u64), f64> {
    let row = |row: &Value| {
        let file = row["file"].as_str().expect("a file").to_owned();
        ((file, row["line"].as_u64().expect("a line")), row["now"].as_f64().expect("a number"))
    };
    ranked["comparison"]["lines"].as_array().expect("lines").iter().map(row).collect()
}

fn problems(ranked: &Value) -> String {
    serde_json::to_string(&ranked["problems"]).expect("JSON")
}

#[test]
fn lines_of_a_program_with_remapped_paths_move_with_the_text_that_was_recorded() {
    let project = Project::new();
    let root = project.root.display().to_string();
    let file = project.root.join("src/main.rs");
    let recorded = std::fs::read_to_string(&file).unwrap();
    let commit = project.git(&["rev-parse", "HEAD"]);
    // A build server's folder in place of the workspace, and one in place of a part of it.
    let remapped = [format!("{root}=/build/agent-7/ws"), String::from("src=sources")];
    let noted = remapped.each_ref().map(|remap| {
        let name = if remap.starts_with("src") { "part" } else { "server" };
        (name, project.record(name, &[format!("--remap-path-prefix={remap}")]))
    });
    let rank = |name: &str| {
        let recording = format!("perf/{name}.perf.data");
        let source = format!("file = \"{recording}\"\ncommit = \"{commit}\"");
        project.configure(&[&source, "file = \"perf/requests.jsonl\""]);
        project.rank(&["--base", &recording], Stdio::null())
    };
    // Comments above everything and in the middle, and one line of the text changed.
    let changed_line = "    spend(8, ns);";
    let middle = recorded.lines().position(|l| l.starts_with("fn recurse")).expect("a function") as u64;
    let changed = recorded.lines().position(|l| l == changed_line).expect("a line") as u64 + 1;
    let edited = recorded.replacen("fn recurse", "// 1\n// 2\n// 3\nfn recurse", 1);
    let edited = edited.replacen(changed_line, "    spend(8, ns + 1);", 1);
    let now = |line: u64| if line > middle { line + 5 } else { line + 2 };
    let before = noted.each_ref().map(|(name, noted)| {
        std::fs::write(project.root.join("perf/requests.jsonl"), log(noted)).unwrap();
        lines(&rank(name))
    });
    std::fs::write(&file, format!("// Above.\n// And above.\n{edited}")).unwrap();
    project.commit("comments, and another number");
    for ((name, noted), before) in noted.iter().zip(before) {
        let of_file: Vec<_> = before.iter().filter(|((file, _), _)| file == "src/main.rs").collect();
        assert!(of_file.len() > 10 && of_file.iter().any(|((_, line), _)| *line > middle), "{name}: {before:?}");
        assert!(of_file.iter().any(|((_, line), _)| *line == changed), "{name}: {changed} in {before:?}");
        std::fs::write(project.root.join("perf/requests.jsonl"), log(noted)).unwrap();
        let ranked = rank(name);
        let mut expected = before.clone();
        for ((_, line), _) in &of_file {
            expected.remove(&("src/main.rs".to_owned(), *line));
        }
        // What was changed stands nowhere now.
        let kept = of_file.iter().filter(|((_, line), _)| *line != changed);
        expected.extend(kept.map(|((file, line), share)| ((file.clone(), now(*line)), **share)));
        let found = lines(&ranked);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>(),
            "{name}: {}",
            problems(&ranked)
        );
        assert!(found.iter().all(|(place, share)| (share - expected[place]).abs() < 1e-9), "{name}: {found:?}");
        assert!(problems(&ranked).contains("are shown where they stand now"), "{name}: {}", problems(&ranked));
    }
}
