//! A copy that is made to be converted in; the conversion that borrows out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::lexer;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("copied-to-convert"), derive };

fn derive(files: &[crate::source::SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let original = finding.capture("original").ok_or("the finding has no \"original\"")?;
    let shown = file.slice(original);
    let and = if finding.capture("lent").is_some() { "" } else { "&" };
    let (range, text, question) = if let Some(range) = finding.capture("bytes") {
        let question = std_types::is_one(file, original, &std_types::BYTES);
        (range, format!("std::str::from_utf8({and}{shown})"), Some(question))
    } else if let Some(range) = finding.capture("text") {
        (range, format!("{shown}.as_bytes()"), Some(std_types::is_one(file, original, &std_types::TEXT)))
    } else {
        let range = finding.capture("path").ok_or("the finding has no conversion")?;
        (range, shown.to_owned(), None)
    };
    let mut edits = vec![TextEdit { range, text }];
    if let Some(named) = finding.capture("named") {
        let (lines, comments) = hoist::lines_of(file, named);
        if !comments.is_empty() || !hoist::stands_alone(file, named) || !lexer::comments(file.slice(named)).is_empty() {
            return Err("a comment stands by the copy, or other code on its line".to_owned());
        }
        edits.push(TextEdit { range: lines, text: String::new() });
    }
    let borrowed: Vec<TextRange> = finding.captures_named("borrowed");
    if borrowed.iter().any(|range| file.slice(*range) != "&") {
        return Err("the result is borrowed in another way than by `&`".to_owned());
    }
    edits.extend(borrowed.into_iter().map(|range| TextEdit { range, text: String::new() }));
    let mut preconditions = vec![holds("what is converted is only looked at")];
    preconditions.extend(question);
    preconditions.push(borrow("the original lives as long as the result, and does not change meanwhile"));
    Ok(Draft {
        title: format!("convert without a copy in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "copied-to-convert";

    #[test]
    fn the_conversion_borrows() {
        let rewrite = check(
            RULE,
            "fn key(frame: &Bytes) -> Option<u32> {
    let owned = frame.to_vec();
    // Its first line.
    let text = String::from_utf8(owned).ok()?; // checked
    let (topic, _) = text.split_once('\\n')?;
    Some(fnv(topic))
}
",
            "fn key(frame: &Bytes) -> Option<u32> {
    // Its first line.
    let text = std::str::from_utf8(frame).ok()?; // checked
    let (topic, _) = text.split_once('\\n')?;
    Some(fnv(topic))
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 3));
        check(
            RULE,
            "fn f(t: &str) -> u32 {\n    let t = t.trim().to_string().into_bytes();\n    fnv(&t)\n}\n",
            "fn f(t: &str) -> u32 {\n    let t = t.trim().as_bytes();\n    fnv(t)\n}\n",
        );
        check(
            RULE,
            "fn f(b: Vec<u8>) -> usize {\n    let t = String::from_utf8(b.clone()).unwrap_or_default();\n    t.len()\n}\n",
            "fn f(b: Vec<u8>) -> usize {\n    let t = std::str::from_utf8(&b).unwrap_or_default();\n    t.len()\n}\n",
        );
        check(
            RULE,
            "fn f(n: &str) -> bool {\n    let p = Path::new(n).to_path_buf();\n    p.exists()\n}\n",
            "fn f(n: &str) -> bool {\n    let p = Path::new(n);\n    p.exists()\n}\n",
        );
    }

    #[test]
    fn a_comment_by_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(b: &[u8]) -> usize {\n    let o = b.to_vec(); // all\n    let t = String::from_utf8(o).unwrap();\n    t.len()\n}\n",
            "a comment stands by the copy, or other code on its line",
        );
    }
}
