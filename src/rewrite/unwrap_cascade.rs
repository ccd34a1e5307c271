//! A function that panics where it could return an error in; the same function with `?` out.

use super::{Draft, Recipe, borrow, file_of, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("unwrap-cascade"), derive };

fn derive(files: &[source::SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let (mut edits, mut preconditions, mut words) = (Vec::new(), Vec::new(), Vec::new());
    let mut what = "an error";
    for (kind, range) in &finding.captures {
        let Some(syn::Expr::MethodCall(call)) = source::expr_at(file, *range) else {
            return Err("a call is no longer where it was found".to_owned());
        };
        let receiver = file.range(&*call.receiver);
        edits.push(TextEdit { range: TextRange { start: receiver.end, end: range.end }, text: "?".to_owned() });
        let family = if *kind == "Result" { &std_types::RESULT } else { &std_types::OPTION };
        what = if *kind == "Result" { "an error" } else { "`None`" };
        preconditions.push(std_types::is_one(file, receiver, family));
        words.extend(call.args.first().map(|said| file.on_one_line(file.range(said))));
    }
    preconditions.push(borrow("the error of the function can be made of each error at hand"));
    let name = file.slice(finding.range);
    let mut obligations = vec![format!(
        "behaviour changes: `{name}` returns {what} in {} places where it panicked, and its callers go on",
        edits.len()
    )];
    if !words.is_empty() {
        obligations.push(format!("what the panics said is lost: {}", words.join(", ")));
    }
    Ok(Draft {
        title: format!("return {what} where {} panicked (changes behaviour)", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        obligations,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::model::{AnsweredBy, Class};
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "unwrap-cascade";

    #[test]
    fn panics_become_errors_and_the_proposal_says_so() {
        let rewrite = check(
            RULE,
            "async fn load(path: &Path) -> Result<u64, Error> {
    // The file.
    let text = fs::read_to_string(path) // whole
        .await
        .unwrap();
    let limit = text.trim().parse::<u64>().expect(\"a number\");
    Ok(limit + text.parse::<u64>().unwrap())
}
",
            "async fn load(path: &Path) -> Result<u64, Error> {
    // The file.
    let text = fs::read_to_string(path) // whole
        .await?;
    let limit = text.trim().parse::<u64>()?;
    Ok(limit + text.parse::<u64>()?)
}
",
        );
        assert_eq!(rewrite.class, Class::D);
        assert!(rewrite.title.ends_with("(changes behaviour)"));
        assert_eq!(rewrite.obligations.len(), 2);
        assert!(rewrite.obligations[1].ends_with("\"a number\""));
        let asked = rewrite.preconditions.iter().filter(|p| p.answered_by == AnsweredBy::Type).count();
        assert_eq!(asked, 3);
    }

    #[test]
    fn a_comment_before_the_unwrap_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &str) -> Result<u8, E> {\n    let a = s.parse::<u8>()\n        // Checked before.\n        .unwrap();\n    Ok(a + s.parse::<u8>().unwrap())\n}\n",
            "the comment \"// Checked before.\" would be lost (line 3)",
        );
    }
}
