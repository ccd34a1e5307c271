//! The id of a rule in, its manual page out.

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::propose::known;
use super::style::Style;
use crate::detect::clippy;

#[derive(Args)]
pub(super) struct Options {
    /// Id of the rule
    rule: String,
}

#[derive(Serialize)]
struct Page {
    schema: &'static str,
    rule: &'static str,
    title: &'static str,
    text: &'static str,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    if let Some(lint) = options.rule.strip_prefix(clippy::PREFIX) {
        return Ok(theirs(context, lint));
    }
    let rule = known(&options.rule).map_err(|p| vec![p])?;
    let page = || Page { schema: "refit.explain/1", rule: rule.id.0, title: rule.title, text: rule.explain };
    let text = || {
        let head = format!(
            "{}: {} ({}, {}, class {})",
            rule.id,
            rule.title,
            rule.eye.word(),
            rule.kind.word(),
            rule.class.word()
        );
        format!("{}\n\n{}", context.style.strong(&head), markdown(rule.explain, context.style))
    };
    Ok(Answer::new(context, page, text))
}

/// A lint of clippy, which explains it itself.
fn theirs(context: &Context, lint: &str) -> Answer {
    let text = format!(
        "clippy::{lint} is a lint of clippy, read from the file that `clippy` in [code] of slo.toml names\n\
         clippy explains it: cargo clippy --explain {lint}\n"
    );
    let page = TheirPage { schema: "refit.explain/1", rule: format!("{}{lint}", clippy::PREFIX), text: text.clone() };
    Answer::new(context, || page, || text)
}

#[derive(Serialize)]
struct TheirPage {
    schema: &'static str,
    rule: String,
    text: String,
}

/// Markdown as it stands, with headings and code coloured.
fn markdown(text: &str, style: Style) -> String {
    let mut in_code = false;
    let mut out = String::new();
    for line in text.trim().lines() {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        out += &match line {
            _ if is_fence => style.faint(line),
            _ if in_code => style.code(line),
            _ if line.starts_with('#') => style.strong(line.trim_start_matches('#').trim_start()),
            _ => spans(line, style),
        };
        out.push('\n');
    }
    out
}

/// Text between backquotes in colour; the quotes stay, because colour alone must not mean anything.
fn spans(line: &str, style: Style) -> String {
    let parts = line.split('`').enumerate();
    let count = line.matches('`').count();
    parts
        .map(|(i, part)| match i % 2 == 1 && i < count {
            true => format!("`{}`", style.code(part)),
            false if i % 2 == 1 => format!("`{part}"),
            false => part.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_styling_only_heading_marks_go() {
        let text = "## What\n\nA `contains` in a loop, and a lone ` mark.\n\n```rust\n# not a heading\n```";
        insta::assert_snapshot!(markdown(text, Style::default()), @r"
        What

        A `contains` in a loop, and a lone ` mark.

        ```rust
        # not a heading
        ```
        ");
    }
}
