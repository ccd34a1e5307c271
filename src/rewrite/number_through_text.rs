//! A number written and parsed in; the number as it is, or converted, out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId};
use crate::source::through_text::{Way, through_text};
use crate::source::{self, SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("number-through-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let body = source::function_body(file, finding.range).ok_or("the number is written outside of a function")?;
    let all = through_text(file, body);
    let found = all.iter().find(|found| found.whole == finding.range).ok_or("the number is no longer parsed there")?;
    let number = file.range(found.number);
    let stars = "*".repeat(found.references);
    let template = Template::new(file, found.whole);
    let edits = match found.way {
        Way::Same => template.text(stars).keep(number),
        Way::From => template.text(format!("{}::from({stars}", found.to)).keep(number).text(")"),
        Way::TryFrom => template.text(format!("{}::try_from({stars}", found.to)).keep(number).text(")").keep(found.end),
    };
    let shown = file.on_one_line(number);
    let same = match found.way {
        Way::TryFrom => "the conversion fails for the values for which parsing failed, and the error is not looked at",
        _ => "every value has a text that is parsed as the same value",
    };
    Ok(Draft {
        title: format!("convert {shown} without a text in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits.edits())],
        preconditions: vec![
            holds(same),
            probe(
                file,
                format!("`{shown}` is of type `{}`", found.from),
                number,
                ProbeQuestion::IsOneOf(vec![found.from.clone()]),
            ),
            borrow("the number has the type that was parsed"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "number-through-text";

    #[test]
    fn a_number_is_converted_or_taken_as_it_is() {
        check(
            RULE,
            "fn f(xs: &[u32]) -> u64 {\n    let mut total = 0;\n    for x in xs {\n        let wide: u64 = x.to_string().parse().unwrap(); // cents\n        total += wide;\n    }\n    total\n}\n",
            "fn f(xs: &[u32]) -> u64 {\n    let mut total = 0;\n    for x in xs {\n        let wide: u64 = u64::from(*x); // cents\n        total += wide;\n    }\n    total\n}\n",
        );
        check(
            RULE,
            "fn f(n: u64) -> u32 {\n    n.to_string().parse::<u32>().unwrap_or(7)\n}\n",
            "fn f(n: u64) -> u32 {\n    u32::try_from(n).unwrap_or(7)\n}\n",
        );
        check(
            RULE,
            "fn f(n: usize) -> usize {\n    usize::from_str(&n.to_string()).unwrap()\n}\n",
            "fn f(n: usize) -> usize {\n    n\n}\n",
        );
    }

    #[test]
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(n: u8) -> u64 { n.to_string() /* digits */ .parse::<u64>().unwrap() }",
            "the comment \"/* digits */\" would be lost (line 1)",
        );
    }
}
