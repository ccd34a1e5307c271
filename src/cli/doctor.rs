//! A folder in; the state of this machine, repository and project, and the next command out.

use std::io::IsTerminal;

use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::style::Style;
use crate::jobs::{Examined, Health, Sign, examine};

#[derive(Serialize)]
struct DoctorJson {
    schema: &'static str,
    signs: Vec<SignJson>,
    next: String,
}

#[derive(Serialize)]
struct SignJson {
    part: &'static str,
    what: String,
    health: &'static str,
    detail: String,
    help: String,
}

pub(super) fn run(context: &Context) -> Outcome {
    let mut examined = examine(&context.root, &context.config);
    let machine = examined.signs.iter().filter(|s| s.part == "machine").count();
    examined.signs.insert(machine, terminal());
    Ok(Answer::new(context, || to_json(&examined), || text(&examined, context.style)))
}

fn terminal() -> Sign {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let name = std::env::var("TERM").unwrap_or_else(|_| String::from("unknown"));
    let (health, detail) = match crossterm::terminal::size() {
        Ok((columns, rows)) if is_terminal => (Health::Good, format!("{name}, {columns}x{rows}")),
        _ => (Health::Doubtful, String::from("none")),
    };
    let help = if health == Health::Good { "" } else { "the workbench needs one; all commands work without" };
    Sign { part: "machine", what: String::from("terminal"), health, detail, help: help.to_owned() }
}

fn to_json(examined: &Examined) -> DoctorJson {
    let sign = |s: &Sign| SignJson {
        part: s.part,
        what: s.what.clone(),
        health: s.health.word(),
        detail: s.detail.clone(),
        help: s.help.clone(),
    };
    DoctorJson {
        schema: "refit.doctor/1",
        signs: examined.signs.iter().map(sign).collect(),
        next: examined.next.clone(),
    }
}

fn text(examined: &Examined, style: Style) -> String {
    let mut text = String::new();
    let mut part = "";
    for sign in &examined.signs {
        if sign.part != part {
            part = sign.part;
            text += &format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, style.strong(part));
        }
        let pad = " ".repeat(8 - sign.health.word().len());
        let health = match sign.health {
            Health::Good => style.good(sign.health.word()),
            Health::Doubtful => style.doubtful(sign.health.word()),
            Health::Bad => style.bad(sign.health.word()),
        };
        text += &format!("  {health}{pad}  {:<14}  {}\n", sign.what, sign.detail);
        if !sign.help.is_empty() {
            text += &format!("{:28}{}\n", "", sign.help);
        }
    }
    text + &format!("\nnext: {}\n", style.code(&examined.next))
}
