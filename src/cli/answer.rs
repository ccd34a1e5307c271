//! What a command came to in; one document on standard output, messages on standard error and an exit status out.

use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use serde::Serialize;

use super::context::Context;
use super::json;
use super::style::Style;
use crate::model::{Level, Problem};

/// What a command ends in: an answer, or the problems that kept it from one.
pub(super) type Outcome = Result<Answer, Vec<Problem>>;

/// What a command says.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The document for standard output.
    document: String,
    /// What is worth saying beside it.
    problems: Vec<Problem>,
    /// Whether a gate says no; `None` for commands that only show.
    no: Option<bool>,
}

impl Answer {
    /// An answer as JSON or as text, as the person asked.
    pub(super) fn new<T: Serialize>(
        context: &Context,
        json: impl FnOnce() -> T,
        text: impl FnOnce() -> String,
    ) -> Answer {
        let document = if context.json { json::document(&json()) } else { text() };
        Answer { document, ..Answer::default() }
    }

    /// The same answer with messages beside it.
    pub(super) fn beside(mut self, problems: &[Problem]) -> Answer {
        self.problems = problems.to_vec();
        self
    }

    /// The same answer with exit status 1 if a gate says no.
    pub(super) fn says_no(mut self, no: bool) -> Answer {
        self.no = Some(no);
        self
    }
}

/// Prints the outcome.
pub(super) fn print(context: &Context, outcome: Outcome) -> ExitCode {
    let (answer, status) = match outcome {
        Ok(answer) => {
            // What was given is at fault, though part of it could be answered.
            let is_faulty = answer.problems.iter().any(|p| p.level == Level::Error);
            let status = answer.no.map_or(2 * u8::from(is_faulty), u8::from);
            (answer, status)
        }
        Err(problems) => {
            let document =
                if context.json { json::document(&json::Failed::from(&problems[..])) } else { String::new() };
            (Answer { document, problems, no: None }, 2)
        }
    };
    let printed = io::stdout().lock().write_all(answer.document.as_bytes()).and_then(|()| io::stdout().flush());
    for problem in &answer.problems {
        let _ = writeln!(io::stderr(), "{}", styled(problem, context.aside));
    }
    match printed {
        // The reader went away, as `head` does: nobody is left to be told.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(status),
        Err(e) => {
            let _ = writeln!(io::stderr(), "error: cannot write to standard output: {e}");
            ExitCode::from(2)
        }
        Ok(()) => ExitCode::from(status),
    }
}

fn styled(problem: &Problem, style: Style) -> String {
    let text = problem.to_string();
    let word = problem.level.word();
    let painted = match problem.level {
        Level::Error => style.bad(word),
        Level::Warning => style.doubtful(word),
        Level::Note => style.faint(word),
    };
    painted + &text[word.len()..]
}

/// Prints what clap has to say: help and version to standard output, faults to standard error.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Runs `body`; a panic becomes a message that says it is Refit's fault, and exit status 3.
pub(super) fn fence(color: bool, body: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("a panic without words");
        let error = Style::new(color).bad("error");
        let _ = writeln!(
            io::stderr(),
            "{error}: Refit is at fault: {what}\n  --> {place}\n  help: report this line together with what you ran; your files are as they were"
        );
    }));
    std::panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or(ExitCode::from(3))
}
