//! Texts collected and joined in; texts collected into one text out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("collect-then-join"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (chain, joined) = (captured("chain")?, captured("joined")?);
    let edits = match finding.capture("let") {
        Some(line) => {
            if !lexer::comments(file.slice(line)).is_empty() {
                return Err("a comment stands inside the `let`".to_owned());
            }
            vec![
                TextEdit { range: hoist::whole_lines(file, line), text: String::new() },
                TextEdit { range: joined, text: format!("{}.collect::<String>()", file.on_one_line(chain)) },
            ]
        }
        None => {
            let kept = TextRange { start: joined.start, end: captured("dot")?.start };
            Template::new(file, joined).keep(kept).text(".collect::<String>()").edits()
        }
    };
    Ok(Draft {
        title: format!("collect the texts of {} into one", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the vector is only joined, with nothing between its texts"),
            borrow("the iterator gives texts"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "collect-then-join";

    #[test]
    fn the_texts_go_into_one() {
        check(
            RULE,
            "fn f(xs: &[X]) -> String {\n    // All names.\n    let parts: Vec<String> = xs.iter().map(|x| x.name()).collect();\n    parts.join(\"\") // one\n}\n",
            "fn f(xs: &[X]) -> String {\n    // All names.\n    xs.iter().map(|x| x.name()).collect::<String>() // one\n}\n",
        );
        check(
            RULE,
            "fn f(xs: &[X]) -> String {\n    xs.iter()\n        .map(|x| x.name()) // each\n        .collect::<Vec<_>>()\n        .concat()\n}\n",
            "fn f(xs: &[X]) -> String {\n    xs.iter()\n        .map(|x| x.name()) // each\n        .collect::<String>()\n}\n",
        );
    }

    #[test]
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[X]) -> String {\n    let p: Vec<String> = xs.iter() /* all */ .map(|x| x.name()).collect();\n    p.concat()\n}\n",
            "a comment stands inside the `let`",
        );
    }
}
