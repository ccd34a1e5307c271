//! A character parsed by way of a text in; its digit out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::digits::digits;
use crate::source::{self, SourceFile};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("digit-through-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let body = source::function_body(file, finding.range).ok_or("the digit is parsed outside of a function")?;
    let all = digits(file, body);
    let digit = all.iter().find(|d| d.whole == finding.range).ok_or("the digit is no longer parsed there")?;
    let at = file.range(digit.character);
    let shown = file.slice(at);
    let edits = vec![TextEdit { range: TextRange { start: at.end, end: finding.range.end }, text: digit.text.clone() }];
    Ok(Draft {
        title: format!("read the digit {shown} without a text in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("one character is a number if and only if it is one of `0` to `9`, and no error is looked at"),
            probe(file, format!("`{shown}` is a `char`"), at, ProbeQuestion::IsOneOf(vec!["char".to_owned()])),
            borrow("the digit has the type that was parsed"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "digit-through-text";

    #[test]
    fn the_digit_is_asked_for() {
        for (before, after) in [
            ("c.to_string().parse::<u64>().unwrap_or(0)", "c.to_digit(10).map_or(0, u64::from)"),
            ("c.to_string().parse::<u32>().unwrap_or(7)", "c.to_digit(10).unwrap_or(7)"),
            ("c.to_string().parse::<u8>().ok()", "c.to_digit(10).map(|digit| digit as u8)"),
            ("c.to_string().parse::<u32>().expect(\"digit\")", "c.to_digit(10).expect(\"digit\")"),
            ("c.to_string().parse::<u64>().is_ok()", "c.is_ascii_digit()"),
            (
                "c.to_string().parse::<u64>().map_err(|_| E::Digit(c))?",
                "c.to_digit(10).map(u64::from).ok_or_else(|| E::Digit(c))?",
            ),
        ] {
            let of = |expr: &str| format!("fn f(c: char) {{\n    g({expr}); // one\n}}\n");
            check(RULE, &of(before), &of(after));
        }
    }

    #[test]
    fn a_comment_in_the_chain_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(c: char) -> u64 { c.to_string()/* one */.parse::<u64>().unwrap_or(0) }",
            "the comment \"/* one */\" would be lost (line 1)",
        );
    }
}
