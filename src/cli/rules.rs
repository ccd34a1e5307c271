//! The registries of rules and recipes in, one table out.

use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::table::{Align, Table};
use crate::{detect, rewrite};

#[derive(Serialize)]
struct Rules {
    schema: &'static str,
    rules: Vec<RuleJson>,
}

#[derive(Serialize)]
struct RuleJson {
    rule: &'static str,
    eye: &'static str,
    kind: &'static str,
    class: &'static str,
    title: &'static str,
    rewrite: bool,
}

pub(super) fn run(context: &Context) -> Outcome {
    let rules: Vec<RuleJson> = detect::REGISTRY.iter().map(|rule| row(rule)).collect();
    let text = || {
        let columns = ["rule", "eye", "kind", "class", "rewrite"].map(|head| (head, Align::Left));
        let mut table = Table::new(&[&columns[..], &[("what it finds", Align::Left)]].concat());
        for r in &rules {
            let rewrite = if r.rewrite { "yes" } else { "no" };
            table.row([r.rule, r.eye, r.kind, r.class, rewrite, r.title].map(str::to_owned));
        }
        table.render(0, context.width) + "\n`refit explain RULE` shows the manual page of a rule\n"
    };
    let json = || Rules { schema: "refit.rules/1", rules: detect::REGISTRY.iter().map(|rule| row(rule)).collect() };
    Ok(Answer::new(context, json, text))
}

fn row(rule: &detect::Rule) -> RuleJson {
    RuleJson {
        rule: rule.id.0,
        eye: rule.eye.word(),
        kind: rule.kind.word(),
        class: rule.class.word(),
        title: rule.title,
        rewrite: rewrite::answers(rule.id),
    }
}
