//! The table of rules in the README, held against the catalogue that `refit rules` prints.

use std::collections::BTreeMap;
use std::path::Path;

use refit::model::{Eye, Kind};
use refit::{detect, rewrite};

const BEGIN: &str = "<!-- rules: made from the catalogue by REFIT_RULES=1 cargo test --test it rules_table:: -->\n";
const END: &str = "<!-- end of rules -->\n";

/// The catalogue as a table in Markdown.
fn table() -> String {
    let mut text = String::from("| rule | eye | kind | class | rewrite | what it finds |\n|---|---|---|---|---|---|\n");
    for rule in detect::REGISTRY {
        let rewrite = if rewrite::answers(rule.id) { "yes" } else { "" };
        let (eye, kind, class) = (rule.eye.word(), rule.kind.word(), rule.class.word());
        text += &format!("| `{}` | {eye} | {kind} | {class} | {rewrite} | {} |\n", rule.id, rule.title);
    }
    let rewrites = detect::REGISTRY.iter().filter(|rule| rewrite::answers(rule.id)).count();
    format!("{} rules, {rewrites} of them with a rewrite.\n\n{text}", detect::REGISTRY.len())
}

#[test]
fn the_table_in_the_readme_is_that_of_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let start = readme.find(BEGIN).expect("the README has a mark where the table begins") + BEGIN.len();
    let end = start + readme[start..].find(END).expect("the README has a mark where the table ends");
    if std::env::var_os("REFIT_RULES").is_some() {
        std::fs::write(&path, format!("{}{}{}", &readme[..start], table(), &readme[end..])).unwrap();
        return;
    }
    assert!(readme[start..end] == table(), "the table is stale: run REFIT_RULES=1 cargo test --test it rules_table::");
}

#[test]
fn every_eye_and_every_kind_has_rules_and_every_kind_two_rewrites() {
    let mut eyes: BTreeMap<Eye, usize> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for rule in detect::REGISTRY {
        *eyes.entry(rule.eye).or_default() += 1;
        *kinds.entry(rule.kind).or_default() += usize::from(rewrite::answers(rule.id));
    }
    for eye in Eye::ALL {
        assert!(eyes.get(eye).is_some_and(|n| *n >= 2), "{} has fewer than two rules", eye.word());
    }
    for kind in Kind::ALL {
        assert!(kinds.get(kind).is_some_and(|n| *n >= 2), "{} has fewer than two rewrites", kind.word());
    }
}
