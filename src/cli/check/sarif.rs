//! The points and findings of a check in, SARIF 2.1.0 out, as code-scanning pages read it.

use serde_json::{Value, json};

use crate::cli::json;
use crate::cli::scan::cost;
use crate::detect;
use crate::jobs::{Checked, Point};
use crate::model::Finding;

/// One run: the rules of the catalogue and a rule per kind of point; a result per missed point and per finding.
pub(super) fn render(checked: &Checked, config: &str) -> String {
    let missed = checked.points.iter().filter(|p| p.fails()).map(|p| of_point(p, config));
    let results: Vec<Value> = missed.chain(checked.findings.iter().map(of_finding)).collect();
    json::document(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "refit",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn rules() -> Vec<Value> {
    let points = [
        ("objective", "A latency objective is missed or was not measured"),
        ("budget", "A function or span spends more than it was granted"),
        ("limit", "A limit of the service is exceeded"),
        ("sign-off", "A landed change lacks a reviewer or evidence"),
    ];
    let points = points.iter().map(|(id, title)| json!({ "id": id, "shortDescription": { "text": title } }));
    let rules = detect::REGISTRY.iter().map(|rule| {
        json!({
            "id": rule.id.0,
            "shortDescription": { "text": rule.title },
            "help": { "text": rule.explain },
            "properties": { "tags": [rule.eye.word(), rule.kind.word()], "class": rule.class.word() },
        })
    });
    points.chain(rules).collect()
}

fn of_point(point: &Point, config: &str) -> Value {
    json!({
        "ruleId": point.about,
        "level": "error",
        "message": { "text": format!("{}: {}", point.what, point.detail) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(config) } } }],
    })
}

fn of_finding(finding: &Finding) -> Value {
    json!({
        "ruleId": finding.rule.0,
        "level": "warning",
        "message": { "text": format!("{}; {}", finding.message, cost(finding.cost.as_ref(), None)) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.file) },
            "region": {
                "startLine": finding.line,
                "startColumn": finding.column,
                "endLine": finding.end_line,
            },
        } }],
    })
}

/// A relative path as a URI reference (RFC 3986 §4.2): bytes that a path segment may not hold are percent-encoded.
fn uri(path: &str) -> String {
    let keeps = |b: u8| b.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&b);
    path.bytes().map(|b| if keeps(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::checked;
    use super::*;

    #[test]
    fn a_result_names_a_rule_that_the_run_describes() {
        let document: Value = serde_json::from_str(&render(&checked(), "my budgets/slo.toml")).expect("JSON");
        let run = &document["runs"][0];
        let ids: Vec<&Value> =
            run["tool"]["driver"]["rules"].as_array().expect("rules").iter().map(|r| &r["id"]).collect();
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), 2, "what is open and no objective is no result: {results:#?}");
        assert!(results.iter().all(|r| ids.contains(&&r["ruleId"])));
        assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "my%20budgets/slo.toml");
    }
}
