//! Questions that are awaited one after the other in; all of them under way at once out.

use super::{Draft, Recipe, borrow, file_of, holds, runtime, short};
use crate::model::{Finding, RuleId, TextRange};
use crate::source::{self, SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("awaits-in-sequence"), derive };

/// How long a line may be that stands for all questions.
const LINE: usize = 96;

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    runtime::require_tokio(files, file)?;
    let calls = finding.captures_named("call");
    let named = finding.captures.iter().filter(|(n, _)| *n == "name" || *n == "mut name");
    let named: Vec<(bool, &str)> = named.map(|(n, range)| (*n == "mut name", file.slice(*range))).collect();
    let is_tried = finding.capture("tried").is_some();
    let pattern = |keeps_mut: bool| {
        let part = |(is_mut, name): &(bool, &str)| {
            if *is_mut && keeps_mut { format!("mut {name}") } else { (*name).to_owned() }
        };
        named.iter().map(part).collect::<Vec<_>>().join(", ")
    };
    let mut template = Template::new(file, finding.range).text(format!("let ({}) = tokio::join!(", pattern(!is_tried)));
    let length: usize = calls.iter().map(|call| file.slice(*call).len() + 2).sum();
    let indent = source::columns_before(&file.text, finding.range.start);
    let fits = length + pattern(true).len() + indent + 24 <= LINE
        && calls.iter().all(|call| !file.slice(*call).contains('\n'));
    for (at, call) in calls.iter().enumerate() {
        let before = match (fits, at) {
            (true, 0) => "",
            (true, _) => ", ",
            (false, _) => "\n    ",
        };
        template = kept(template.text(before), *call, fits);
    }
    template = template.text(if fits { ");" } else { "\n);" });
    if is_tried {
        let tried: Vec<String> = named.iter().map(|(_, name)| format!("{name}?")).collect();
        template = template.text(format!("\nlet ({}) = ({});", pattern(true), tried.join(", ")));
    }
    Ok(Draft {
        title: format!("ask {} questions of {} at once", calls.len(), short(&finding.function)),
        edits: vec![(file.path.clone(), template.edits())],
        preconditions: vec![
            holds("no question is given what another found, and their names say that they only ask"),
            borrow("tokio's macros are compiled in, and no two of the calls borrow the same thing mutably"),
        ],
        obligations: vec![
            "the questions are under way at the same time: none changes what another one sees, and the other side takes them".to_owned(),
            "where one fails, those behind it have been asked as well".to_owned(),
        ],
        ..Draft::default()
    })
}

fn kept(template: Template<'_>, call: TextRange, fits: bool) -> Template<'_> {
    if fits { template.keep(call) } else { template.keep_moved(call, 1).text(",") }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "awaits-in-sequence";

    #[test]
    fn the_questions_are_asked_at_once() {
        check(
            RULE,
            "use tokio::sync::Mutex;
async fn quote(a: &A, cents: i64) -> Result<i64> {
    // What is asked.
    let exchange = a.exchange.rate(currency).await?;
    let mut tax = a.taxes.rate(country).await?; // in tenths
    tax += 1;
    Ok(cents * exchange * tax)
}
",
            "use tokio::sync::Mutex;
async fn quote(a: &A, cents: i64) -> Result<i64> {
    // What is asked.
    let (exchange, tax) = tokio::join!(a.exchange.rate(currency), a.taxes.rate(country));
    let (exchange, mut tax) = (exchange?, tax?); // in tenths
    tax += 1;
    Ok(cents * exchange * tax)
}
",
        );
        check(
            RULE,
            "use tokio::sync::Mutex;
async fn f(shards: &Shards) -> usize {
    let a = shards.depth_of_what_is_waiting_in(&shards.first).await;
    let b = shards.depth_of_what_is_waiting_in(&shards.second).await;
    a + b
}
",
            "use tokio::sync::Mutex;
async fn f(shards: &Shards) -> usize {
    let (a, b) = tokio::join!(
        shards.depth_of_what_is_waiting_in(&shards.first),
        shards.depth_of_what_is_waiting_in(&shards.second),
    );
    a + b
}
",
        );
    }

    #[test]
    fn a_comment_between_the_questions_is_not_lost() {
        check_refuses(
            RULE,
            "use tokio::sync::Mutex; async fn f(c: &C) -> R { let a = c.get_a().await?; /* then */ let b = c.get_b().await?; Ok(()) }",
            "the comment \"/* then */\" would be lost (line 1)",
        );
    }
}
