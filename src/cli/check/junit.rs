//! The points of a check in, JUnit XML out, as CI servers read it (<https://github.com/testmoapp/junitxml>).

use crate::jobs::{Checked, Point, PointState};

/// One test suite, a test case per point; what is open is skipped unless it makes the check fail.
pub(super) fn render(checked: &Checked) -> String {
    let is = |p: &&Point, outcome: Outcome| outcome_of(p) == outcome;
    let count = |outcome| checked.points.iter().filter(|p| is(p, outcome)).count();
    let cases: String = checked.points.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"refit check\" tests=\"{}\" \
         failures=\"{}\" skipped=\"{}\">\n{cases}  </testsuite>\n</testsuites>\n",
        checked.points.len(),
        count(Outcome::Failed),
        count(Outcome::Skipped),
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

fn outcome_of(point: &Point) -> Outcome {
    match point.state {
        PointState::Met => Outcome::Passed,
        _ if point.fails() => Outcome::Failed,
        _ => Outcome::Skipped,
    }
}

fn case(point: &Point) -> String {
    let (name, detail) = (escaped(&point.what), escaped(&point.detail));
    let head = format!("    <testcase classname=\"{}\" name=\"{name}\"", point.about);
    match outcome_of(point) {
        Outcome::Passed => format!("{head}>\n      <system-out>{detail}</system-out>\n    </testcase>\n"),
        Outcome::Failed => format!("{head}>\n      <failure message=\"{detail}\"/>\n    </testcase>\n"),
        Outcome::Skipped => format!("{head}>\n      <skipped message=\"{detail}\"/>\n    </testcase>\n"),
    }
}

/// Text for XML 1.0: its five special characters escaped; characters that XML cannot hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
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
    fn every_point_is_a_case_and_special_characters_are_escaped() {
        insta::assert_snapshot!(render(&checked()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="refit check" tests="4" failures="2" skipped="1">
            <testcase classname="objective" name="authorize within 200 ms">
              <failure message="253.5 ms [244.4, 270.9]"/>
            </testcase>
            <testcase classname="budget" name="&lt;Vec&lt;T&gt; as Sum&gt;::add | &quot;a &amp; b&quot;">
              <system-out>1.00 ms in 1 rows</system-out>
            </testcase>
            <testcase classname="limit" name="peak memory within 1.0 MiB">
              <skipped message="not measured here"/>
            </testcase>
            <testcase classname="objective" name="refund within 10 ms">
              <failure message="not measured"/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
