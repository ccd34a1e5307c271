//! A project in; whether budgets, limits and sign-offs hold out, with exit status 1 if one does not.

mod junit;
mod markdown;
mod sarif;

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json::{self, ProblemJson};
use super::style::Style;
use crate::jobs::{self, Checked, Exercise, PointState};

/// What CI is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people
    Text,
    /// A table for pull requests and summary pages
    Markdown,
    /// SARIF 2.1.0: what is missed, and the findings in hot functions
    Sarif,
    /// JUnit XML: a test case per point
    Junit,
}

#[derive(Args)]
pub(super) struct Options {
    /// How to say it
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    format: Format,
    /// Build the service in a scratch checkout and run its workload once, for limits of a running service
    #[arg(long)]
    exercise: bool,
}

#[derive(Serialize)]
struct CheckJson {
    schema: &'static str,
    passes: bool,
    points: Vec<PointJson>,
    problems: Vec<ProblemJson>,
}

#[derive(Serialize)]
struct PointJson {
    about: &'static str,
    what: String,
    state: &'static str,
    detail: String,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let workspace = context.open()?;
    let exercise = match options.exercise {
        true => context.agree(&workspace).map(|()| Exercise::Once).map_err(|p| vec![p])?,
        false => Exercise::Never,
    };
    let listener = context.ear();
    let checked = jobs::check(&workspace, exercise, listener.ear())?;
    drop(listener);
    let text = || match options.format {
        Format::Text => text(&checked, context.style),
        Format::Markdown => markdown::render(&checked),
        Format::Sarif => sarif::render(&checked, &context.config.to_string_lossy()),
        Format::Junit => junit::render(&checked),
    };
    let answer = Answer::new(context, || to_json(&checked), text);
    Ok(answer.beside(&checked.problems).says_no(!checked.passes()))
}

fn to_json(checked: &Checked) -> CheckJson {
    let point = |p: &jobs::Point| PointJson {
        about: p.about,
        what: p.what.clone(),
        state: p.state.word(),
        detail: p.detail.clone(),
    };
    CheckJson {
        schema: "refit.check/1",
        passes: checked.passes(),
        points: checked.points.iter().map(point).collect(),
        problems: json::problems(&checked.problems),
    }
}

fn text(checked: &Checked, style: Style) -> String {
    let mut text = String::new();
    for point in &checked.points {
        let pad = " ".repeat(8 - point.state.word().len());
        let state = match point.state {
            PointState::Met => style.good(point.state.word()),
            PointState::Missed => style.bad(point.state.word()),
            PointState::Open => style.doubtful(point.state.word()),
        };
        text += &format!("{state}{pad}{:<11}{}\n{:19}{}\n", point.about, point.what, "", point.detail);
    }
    text + if checked.passes() { "the check passes\n" } else { "the check does not pass\n" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jobs::Point;

    /// One point of each state, with characters that every format has to escape.
    pub(super) fn checked() -> Checked {
        let point =
            |about, what: &str, state, detail: &str| Point { about, what: what.into(), state, detail: detail.into() };
        let points = vec![
            point("objective", "authorize within 200 ms", PointState::Missed, "253.5 ms [244.4, 270.9]"),
            point("budget", "<Vec<T> as Sum>::add | \"a & b\"", PointState::Met, "1.00 ms in 1 rows"),
            point("limit", "peak memory within 1.0 MiB", PointState::Open, "not measured here"),
            point("objective", "refund within 10 ms", PointState::Open, "not measured"),
        ];
        Checked { points, ..Checked::default() }
    }

    #[test]
    fn text_ends_in_the_answer() {
        let text = text(&checked(), Style::new(false));
        assert!(text.ends_with("the check does not pass\n"), "{text}");
    }
}
