//! A question whose answer the next step gives by itself in; the step without the question out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("asked-for-nothing"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let kept = finding.capture("kept").ok_or("the finding has no \"kept\"")?;
    let asked = finding.capture("list").or_else(|| finding.capture("map")).ok_or("the finding has no collection")?;
    let family = if finding.capture("map").is_some() { &std_types::MAP } else { &std_types::TAKEN_OR_WALKED };
    let shown = file.on_one_line(asked);
    let steps = place::steps(file, finding.range.start, kept.start);
    Ok(Draft {
        title: format!("ask nothing of {shown} before it answers by itself in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), Template::new(file, finding.range).keep_moved(kept, -steps).edits())],
        preconditions: vec![
            holds("nothing else stands in the blocks"),
            std_types::is_one(file, asked, family),
            borrow("what is left is of the same type"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "asked-for-nothing";

    #[test]
    fn a_loop_over_nothing_does_nothing() {
        check(
            RULE,
            "fn f(xs: &[u8]) {
    // All.
    if !xs.is_empty() {
        for x in xs {
            g(x); // one
        }
    }
    h();
}
",
            "fn f(xs: &[u8]) {
    // All.
    for x in xs {
        g(x); // one
    }
    h();
}
",
        );
    }

    #[test]
    fn a_look_up_says_none() {
        check(
            RULE,
            "impl S {
    fn close(&mut self, id: u64) -> Option<Job> {
        if self.open.contains_key(&id) {
            self.open.remove(&id)
        } else {
            None
        }
    }
}
",
            "impl S {
    fn close(&mut self, id: u64) -> Option<Job> {
        self.open.remove(&id)
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_other_block_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &mut M, k: u8) -> Option<u8> {\n    if m.contains_key(&k) {\n        m.remove(&k)\n    } else {\n        // Never was.\n        None\n    }\n}\n",
            "the comment \"// Never was.\" would be lost (line 5)",
        );
    }
}
