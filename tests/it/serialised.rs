//! Results that can be neither compared nor printed: the twins compare what serde writes of them.

use std::collections::BTreeMap;

use refit::jobs::{Ear, prove};
use refit::model::*;

use crate::scene::Scene;
use crate::verify::{LOCK, MANIFEST, SLO, UNMEASURED, open, proposal};

const LIB: &str = r#"//! Receipts.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Nobody compares it, and nobody prints it.
pub struct Receipt {
    /// What was bought.
    pub lines: Vec<(u64, f64)>,
    /// How many of each.
    pub pieces: HashMap<String, u32>,
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Receipt", 2)?;
        fields.serialize_field("lines", &self.lines)?;
        fields.serialize_field("pieces", &self.pieces)?;
        fields.end()
    }
}

/// Writes a receipt.
pub fn receipt(items: &[u64]) -> Receipt {
    let mut lines = Vec::new();
    for item in items {
        lines.push((*item, *item as f64 / 2.0));
    }
    Receipt { lines, pieces: items.iter().map(|i| (i.to_string(), 1)).collect() }
}

/// Not even serde knows it.
pub struct Sealed {
    /// What is in it.
    pub inside: u64,
}

/// Seals.
pub fn sealed(n: u64) -> Sealed {
    Sealed { inside: n + n }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_called() {
        let receipt = receipt(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((receipt.lines.len(), receipt.pieces.len()), (8, 8));
        assert_eq!(sealed(2).inside, 4);
    }
}
"#;

const LOOP: &str = "    let mut lines = Vec::new();
    for item in items {
        lines.push((*item, *item as f64 / 2.0));
    }
";

/// The part of Refit's own lock file that serde needs: then the project needs nothing but what built this test. Cargo takes
/// it only in its own order.
fn lock() -> String {
    let own: toml::Table = include_str!("../../Cargo.lock").parse().expect("the lock file is TOML");
    let all = own["package"].as_array().expect("packages");
    let text = |p: &toml::Value, key: &str| p[key].as_str().unwrap_or_default().to_owned();
    let (head, tiny) = LOCK.split_once("\n[[package]]\n").expect("a package");
    let mut found = BTreeMap::from([(String::from("tiny"), format!("{tiny}dependencies = [\n \"serde\",\n]\n"))]);
    let mut wanted = vec![String::from("serde")];
    while let Some(needed) = wanted.pop() {
        let (name, version) = needed.split_once(' ').unwrap_or((&needed, ""));
        let is_meant = |p: &&toml::Value| text(p, "name") == name && text(p, "version").starts_with(version);
        let package = all.iter().find(is_meant).expect("what is needed is locked");
        let needs = package.get("dependencies").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        // The feature for that is not asked for here.
        let is_needed = |n: &str| name != "serde" || n != "serde_derive";
        let needs: Vec<String> =
            needs.iter().filter_map(|n| n.as_str().map(str::to_owned)).filter(|n| is_needed(n)).collect();
        let keys = ["name", "version", "source", "checksum"].map(|key| format!("{key} = {:?}\n", text(package, key)));
        let names: String = needs.iter().map(|n| format!(" {:?},\n", n.split(' ').next().unwrap_or(n))).collect();
        let names = if names.is_empty() { names } else { format!("dependencies = [\n{names}]\n") };
        if found.insert(name.to_owned(), keys.concat() + &names).is_none() {
            wanted.extend(needs);
        }
    }
    let packages: String = found.values().map(|text| format!("\n[[package]]\n{text}")).collect();
    format!("{head}{packages}")
}

fn scene() -> Scene {
    let manifest = format!("{MANIFEST}\n[dependencies]\nserde = \"1\"\n");
    Scene::with(&[
        ("slo.toml", SLO),
        ("Cargo.toml", &manifest),
        ("Cargo.lock", &lock()),
        (".gitignore", "target\n"),
        ("src/lib.rs", LIB),
    ])
}

#[test]
fn what_can_be_neither_compared_nor_printed_is_compared_as_serde_writes_it() {
    let right = "    let lines = items.iter().map(|item| (*item, *item as f64 / 2.0)).collect();\n";
    let wrong = "    let lines = items.iter().rev().map(|item| (*item, *item as f64 / 2.0)).collect();\n";
    let rewrites =
        [proposal(LIB, LOOP, right), proposal(LIB, LOOP, wrong), proposal(LIB, "inside: n + n", "inside: 2 * n")];
    let verdicts = prove(&open(&scene()), &rewrites, &UNMEASURED, &Ear::deaf()).expect("the proof runs");
    let said: Vec<(RungState, &str)> = verdicts
        .iter()
        .map(|v| v.rung(Rung::TwinsAgree).map(|e| (e.state, e.detail.as_str())).expect("it was climbed"))
        .collect();
    assert_eq!(said[0], (RungState::Passed, "1 call of receipt compared, none differs in its result or a panic"));
    assert_eq!(said[1].0, RungState::Failed, "{said:?}");
    let told = "its result is Receipt(lines: ((1, 0.5), (2, 1.0), ";
    assert!(said[1].1.contains(told) && said[1].1.contains("with the new"), "{said:?}");
    assert_eq!(said[2], (RungState::Undecided, "of sealed, its result can be neither compared nor printed"));
}
