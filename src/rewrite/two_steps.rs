//! Two calls that hand something on in; the edits after which one call does both, out.

use super::hoist;
use crate::model::TextEdit;
use crate::source::json_steps::{Joint, Steps};
use crate::source::{SourceFile, Template};

/// The second call as it is written, with another function of serde_json: `serde_json::from_str::<T>`.
pub fn renamed(file: &SourceFile, steps: &Steps<'_>, name: &str) -> String {
    let callee = file.range(steps.callee);
    match steps.second_ident(file) {
        Some(ident) => {
            let (before, after) = (ident.start - callee.start, ident.end - callee.start);
            let text = file.slice(callee);
            format!("{}{name}{}", &text[..before as usize], &text[after as usize..])
        }
        None => file.slice(callee).to_owned(),
    }
}

/// Edits by which `callee(argument)` stands for both calls, with the failure of the second.
pub fn joined(file: &SourceFile, steps: &Steps<'_>, callee: &str, argument: &str) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    if let (Some(range), false) = (steps.argument, matches!(steps.joint, Joint::AndThen(..))) {
        let (old, text) = (file.range(steps.callee), callee.to_owned());
        if file.slice(old) != text {
            edits.push(TextEdit { range: old, text });
        }
        edits.push(TextEdit { range, text: argument.to_owned() });
    }
    match &steps.joint {
        Joint::Inside => {}
        Joint::Let(line) => {
            edits.push(TextEdit { range: hoist::whole_lines(file, *line), text: String::new() });
        }
        Joint::Nested { outer, inner } => {
            edits.extend(Template::new(file, *outer).keep_moved(*inner, -1).edits());
        }
        Joint::Chained(gone) => edits.push(TextEdit { range: *gone, text: String::new() }),
        Joint::AndThen(whole, end) => {
            let text = format!("{callee}({argument}){}", file.slice(*end));
            edits.push(TextEdit { range: *whole, text });
        }
    }
    edits
}
