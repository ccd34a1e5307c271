//! The points of a check in, a Markdown table out, for a pull request or a job's summary page.

use crate::jobs::{Checked, Point};

/// A heading with the answer, then a row per point.
pub(super) fn render(checked: &Checked) -> String {
    let answer = if checked.passes() { "the check passes" } else { "the check does not pass" };
    let rows: String = checked.points.iter().map(row).collect();
    format!("## refit: {answer}\n\n| | about | what | numbers |\n|---|---|---|---|\n{rows}")
}

fn row(point: &Point) -> String {
    let state = if point.fails() { format!("**{}**", point.state.word()) } else { point.state.word().to_owned() };
    format!("| {state} | {} | {} | {} |\n", point.about, cell(&point.what), cell(&point.detail))
}

/// Text that neither ends the cell nor the row, nor is taken for markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '*' | '_' | '`' | '<' | '[' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::checked;
    use super::*;

    #[test]
    fn markup_in_names_stays_text() {
        insta::assert_snapshot!(render(&checked()), @r#"
        ## refit: the check does not pass

        | | about | what | numbers |
        |---|---|---|---|
        | **missed** | objective | authorize within 200 ms | 253.5 ms \[244.4, 270.9] |
        | met | budget | \<Vec\<T> as Sum>::add \| "a & b" | 1.00 ms in 1 rows |
        | open | limit | peak memory within 1.0 MiB | not measured here |
        | **open** | objective | refund within 10 ms | not measured |
        "#);
    }
}
