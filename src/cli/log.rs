//! A project in, its operations out, newest first.

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json;
use super::style::Style;
use crate::jobs;
use crate::model::Operation;
use crate::report::utc;

pub(super) fn run(context: &Context) -> Outcome {
    let workspace = context.open()?;
    let operations = jobs::log(&workspace).map_err(|p| vec![p])?;
    let text = || match operations.is_empty() {
        true => String::from("nothing has been landed yet\n"),
        false => lines(&operations, context.style),
    };
    Ok(Answer::new(context, || json::Operations::from(&operations[..]), text))
}

/// One operation in words and its line.
pub(super) fn one(context: &Context, operation: Operation) -> Answer {
    let operations = [operation];
    Answer::new(context, || json::Operations::from(&operations[..]), || lines(&operations, context.style))
}

pub(super) fn lines(operations: &[Operation], style: Style) -> String {
    let mut text = String::new();
    for o in operations {
        let undone = if o.undone { style.faint(" (undone)") } else { String::new() };
        text += &format!("{:>4}  {}  {:<5}  {}{undone}\n", o.number, utc(o.at), o.kind.word(), o.title);
        for (name, before, after) in &o.refs {
            let short = |id: &str| if id.is_empty() { String::from("none") } else { id.chars().take(8).collect() };
            text += &style.faint(&format!("      {name}: {} to {}", short(before), short(after)));
            text += "\n";
        }
    }
    text
}
