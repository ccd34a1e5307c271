//! A vector emptied from its front in; a loop over what is drained from it out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("remove-first-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, name, keyword) = (captured("list")?, captured("name")?, captured("keyword")?);
    let statement = captured("statement")?;
    let (shown, name) = (file.on_one_line(list), file.slice(name));
    let mutable = if finding.capture("mut").is_some() { "mut " } else { "" };
    let head = TextRange { start: keyword.start, end: list.start };
    let end = TextRange { start: list.end, end: finding.range.end };
    let drained = format!("for {mutable}{name} in {shown}.drain(..)");
    let edits = match finding.capture("check") {
        Some(check) => vec![
            TextEdit { range: keyword, text: drained },
            TextEdit { range: hoist::whole_lines(file, check), text: String::new() },
            TextEdit { range: hoist::whole_lines(file, statement), text: String::new() },
        ],
        None => vec![
            TextEdit { range: head, text: format!("for {mutable}{name} in ") },
            TextEdit { range: end, text: ".drain(..)".to_owned() },
            TextEdit { range: hoist::whole_lines(file, statement), text: String::new() },
        ],
    };
    Ok(Draft {
        title: format!("drain {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("every round takes the first of `{shown}`, leaves the rest alone and reaches its end")),
            std_types::is_one(file, list, &std_types::VEC),
            borrow(format!("`{shown}` may be borrowed while it is drained")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "remove-first-in-loop";

    #[test]
    fn the_vector_is_drained() {
        check(
            RULE,
            "impl Queue {
    fn run(&mut self) {
        // In order.
        while !self.jobs.is_empty() {
            let mut job = self.jobs.remove(0);
            job.started = true; // now
            self.done.push(job);
        }
    }
}
",
            "impl Queue {
    fn run(&mut self) {
        // In order.
        for mut job in self.jobs.drain(..) {
            job.started = true; // now
            self.done.push(job);
        }
    }
}
",
        );
        check(
            RULE,
            "fn f(mut v: Vec<u8>) {
    'all: while v.len() > 0 {
        let x = v.remove(0);
        g(x);
    }
}
",
            "fn f(mut v: Vec<u8>) {
    'all: for x in v.drain(..) {
        g(x);
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(mut v: Vec<u8>) { while !/* yet */v.is_empty() { let x = v.remove(0); g(x); } }",
            "the comment \"/* yet */\" would be lost (line 1)",
        );
    }
}
