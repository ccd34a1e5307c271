//! Numbers that are turned into texts to be compared in; the comparison of the numbers out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("numbers-compared-as-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let side = |plain: &str, behind: &str| match (finding.capture(plain), finding.capture(behind)) {
        (Some(number), _) => Ok(file.slice(number).to_owned()),
        (None, Some(number)) => Ok(format!("*{}", file.slice(number))),
        (None, None) => Err("the comparison changed".to_owned()),
    };
    let (left, right) = (side("left", "left behind")?, side("right", "right behind")?);
    let sign = if finding.capture("denied").is_some() { "!=" } else { "==" };
    let lets = finding.captures_named("let");
    if lets.iter().any(|range| !lexer::comments(file.slice(*range)).is_empty() || !hoist::stands_alone(file, *range)) {
        return Err("a comment stands in the `let`, or other code on its line".to_owned());
    }
    let text = format!("{left} {sign} {right}");
    let text = if stands_apart(file, finding.range) { text } else { format!("({text})") };
    let mut edits = vec![TextEdit { range: finding.range, text }];
    edits.extend(lets.iter().map(|range| TextEdit { range: hoist::whole_lines(file, *range), text: String::new() }));
    Ok(Draft {
        title: format!("compare numbers as they are in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("both are integers of the same type, and equal where their texts are"),
            holds("the texts are used for nothing else, and the numbers stay as they are"),
            borrow("the numbers compare with each other"),
        ],
        ..Draft::default()
    })
}

/// True where no operator beside a place binds closer than a comparison.
fn stands_apart(file: &SourceFile, range: TextRange) -> bool {
    const BEFORE: &[&str] = &["(", "{", "}", ";", ",", "=>", "&&", "||", "if", "while", "return", "|"];
    const BEHIND: &[&str] = &[")", "{", "}", ";", ",", "&&", "||"];
    let (before, behind) = file.text.split_at(range.start as usize);
    let (before, behind) = (before.trim_end(), behind[range.len()..].trim_start());
    let is_assigned = before.ends_with('=') && !["==", "!=", "<=", ">="].iter().any(|op| before.ends_with(op));
    (is_assigned || BEFORE.iter().any(|word| before.ends_with(word)))
        && BEHIND.iter().any(|word| behind.starts_with(word))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "numbers-compared-as-text";

    #[test]
    fn the_numbers_are_compared() {
        let rewrite = check(
            RULE,
            "struct C {
    owner: u64,
}
fn owned(cs: &[C], owner: u64) -> usize {
    let wanted = owner.to_string();
    let mut n = 0;
    for c in cs {
        // Theirs.
        let theirs = format!(\"{}\", c.owner);
        if theirs.eq(&wanted) {
            n += 1;
        }
    }
    n
}
",
            "struct C {
    owner: u64,
}
fn owned(cs: &[C], owner: u64) -> usize {
    let mut n = 0;
    for c in cs {
        // Theirs.
        if c.owner == owner {
            n += 1;
        }
    }
    n
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 3));
        check(
            RULE,
            "fn f(a: u32, b: &u32) -> bool {\n    a.to_string() != b.to_string()\n}\n",
            "fn f(a: u32, b: &u32) -> bool {\n    a != *b\n}\n",
        );
    }

    #[test]
    fn the_comparison_stays_together() {
        check(
            RULE,
            "fn f(a: u32, b: u32) -> bool {\n    !a.to_string().eq(&b.to_string())\n}\n",
            "fn f(a: u32, b: u32) -> bool {\n    !(a == b)\n}\n",
        );
    }

    #[test]
    fn a_comment_by_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(a: u32, b: u32) -> bool {\n    let t = a.to_string(); // its text\n    t == b.to_string()\n}\n",
            "a comment stands in the `let`, or other code on its line",
        );
    }
}
