//! A list sorted as a whole for its first few in; those few brought to the front and sorted out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("sorted-for-few"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, method, number) = (captured("list")?, captured("method")?, captured("number")?);
    let truncate = finding.capture("truncate");
    let is_noted = |range| !lexer::comments(file.slice(range)).is_empty();
    if is_noted(finding.range) || truncate.is_some_and(is_noted) {
        return Err("a comment stands in the sort".to_owned());
    }
    let suffix = match file.slice(method) {
        name if name.ends_with("_key") => "_by_key",
        name if name.ends_with("_by") => "_by",
        _ => "",
    };
    let (shown, number) = (file.slice(list), file.slice(number));
    let mut given = number.to_owned();
    if let Some(by) = finding.capture("by") {
        given = format!("{given}, {}", file.on_one_line(by));
    }
    let text = format!(
        "if {shown}.len() > {number} {{\n    {shown}.select_nth_unstable{suffix}({given});\n    {shown}.truncate({number});\n}}\n"
    );
    let mut edits = Template::new(file, finding.range).text(text).keep(finding.range).edits();
    edits.extend(truncate.map(|range| TextEdit { range: hoist::whole_lines(file, range), text: String::new() }));
    Ok(Draft {
        title: format!("sort only the first {number} of {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is a local, and nothing but its first {number} is used after the sort")),
            holds("the sort leaves the order of equal elements open, or nobody can tell them apart"),
            holds("the comparison and the number only compute"),
            std_types::is_one(file, list, &std_types::VEC),
            borrow("the comparison takes what the selection hands it"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "sorted-for-few";

    #[test]
    fn the_few_are_selected_before_they_are_sorted() {
        let rewrite = check(
            RULE,
            "fn f(bids: &[(u32, u64)], keep: usize) -> Vec<u32> {
    let mut ranked = bids.to_vec();
    // The dearest first.
    ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.truncate(keep);
    ranked.into_iter().map(|(campaign, _)| campaign).collect()
}
",
            "fn f(bids: &[(u32, u64)], keep: usize) -> Vec<u32> {
    let mut ranked = bids.to_vec();
    // The dearest first.
    if ranked.len() > keep {
        ranked.select_nth_unstable_by(keep, |a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(keep);
    }
    ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.into_iter().map(|(campaign, _)| campaign).collect()
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 5));
    }

    #[test]
    fn a_comment_in_the_sort_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(mut v: Vec<u8>) -> Vec<u8> {\n    v.sort_unstable(/* all */);\n    v.truncate(3);\n    v\n}\n",
            "a comment stands in the sort",
        );
    }
}
