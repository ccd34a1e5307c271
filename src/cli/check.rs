//! A project in; whether budgets, limits and sign-offs hold out, with exit status 1 if one does not.

use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json::{self, ProblemJson};
use super::style::Style;
use crate::jobs::{self, Checked, PointState};

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

pub(super) fn run(context: &Context) -> Outcome {
    let workspace = context.open()?;
    let listener = context.ear();
    let checked = jobs::check(&workspace, listener.ear())?;
    drop(listener);
    let answer = Answer::new(context, || to_json(&checked), || text(&checked, context.style));
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
