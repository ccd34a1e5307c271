//! A statement that was carried out before in; the same code without it out.

use super::{Draft, Recipe, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;

/// The recipe for sorts.
pub const OF_SORTS: Recipe = Recipe { rule: RuleId("sorted-twice"), derive: sorted };
/// The recipe for checks.
pub const OF_CHECKS: Recipe = Recipe { rule: RuleId("checked-twice"), derive: checked };

fn sorted(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let list = finding.capture("list").ok_or("the finding has no \"list\"")?;
    let shown = file.on_one_line(list);
    Ok(Draft {
        title: format!("sort {shown} once in {}", short(&finding.function)),
        preconditions: vec![
            holds("between the two sorts the list is only read, or elements are left out of it"),
            holds("the key or the comparison computes from the elements alone"),
            std_types::is_one(file, list, &std_types::SLICE),
        ],
        ..without(file, finding)
    })
}

fn checked(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let shown = file.on_one_line(finding.range);
    let shown = shown.split('{').next().unwrap_or_default().trim().trim_end_matches(';').to_owned();
    Ok(Draft {
        title: format!("check once in {}", short(&finding.function)),
        preconditions: vec![
            holds("the same check stands before, and leaves where it fails"),
            holds("nothing that it looks at is changed in between"),
            holds("the check computes from what it is given alone, as far as the file shows it"),
        ],
        obligations: vec![format!("nothing else that `{shown}` reads changes between the two checks")],
        ..without(file, finding)
    })
}

fn without(file: &SourceFile, finding: &Finding) -> Draft {
    let gone = TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() };
    Draft { edits: vec![(file.path.clone(), vec![gone])], ..Draft::default() }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    #[test]
    fn the_second_sort_goes() {
        check(
            "sorted-twice",
            "fn f(mut v: Vec<P>) -> Vec<P> {
    v.sort_by_key(|p| p.a);
    v.retain(|p| p.n != 0); // some
    // In order.
    v.sort_by_key(|p| p.a);
    v
}
",
            "fn f(mut v: Vec<P>) -> Vec<P> {
    v.sort_by_key(|p| p.a);
    v.retain(|p| p.n != 0); // some
    // In order.
    v
}
",
        );
    }

    #[test]
    fn the_second_check_goes() {
        let rewrite = check(
            "checked-twice",
            "fn f(p: &P) -> R {
    valid(p)?;
    g(p);
    valid(p)?;
    Ok(())
}
fn valid(p: &P) -> R {
    if p.n == 0 { Err(E) } else { Ok(()) }
}
",
            "fn f(p: &P) -> R {
    valid(p)?;
    g(p);
    Ok(())
}
fn valid(p: &P) -> R {
    if p.n == 0 { Err(E) } else { Ok(()) }
}
",
        );
        assert_eq!(rewrite.obligations, ["nothing else that `valid(p)?` reads changes between the two checks"]);
    }

    #[test]
    fn a_comment_in_the_second_check_is_not_lost() {
        check_refuses(
            "checked-twice",
            "fn f(v: &[u8]) -> u8 {\n    if v.is_empty() {\n        return 0;\n    }\n    g();\n    if v.is_empty() {\n        // Never.\n        return 1;\n    }\n    v[0]\n}\n",
            "the comment \"// Never.\" would be lost (line 7)",
        );
    }
}
