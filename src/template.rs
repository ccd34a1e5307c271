//! A template and named values in, text out: `{{name}}` substitution where unknown or unused names are errors.

use crate::model::{Place, Problem};

/// A text with `{{name}}` holes and the path it is kept at.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Path in the repository, for messages.
    pub path: &'static str,
    /// The text.
    pub text: &'static str,
}

/// Message of a landed commit.
pub const COMMIT: Template = Template { path: "templates/commit.md", text: include_str!("../templates/commit.md") };

/// Message of a landed change set.
pub const COMMIT_SET: Template =
    Template { path: "templates/commit_set.md", text: include_str!("../templates/commit_set.md") };

/// The report of what was found, changed, proved and won.
pub const REPORT: Template = Template { path: "templates/report.md", text: include_str!("../templates/report.md") };

/// The `slo.toml` that `refit init` writes.
pub const STARTER: Template = Template { path: "templates/slo.toml", text: include_str!("../templates/slo.toml") };

/// All templates that take values; a test keeps the folder and this list alike.
pub const ALL: &[Template] = &[COMMIT, COMMIT_SET, REPORT, STARTER];

/// Fills the holes. A line all of whose holes are empty is left out, and so are the empty lines it leaves doubled.
///
/// # Errors
/// A hole that has no value, a value that has no hole, a `{{` that is not closed: faults of Refit, each with its line.
pub fn render(template: Template, values: &[(&str, &str)]) -> Result<String, Problem> {
    let mut used = vec![false; values.len()];
    let mut lines: Vec<String> = Vec::new();
    for (number, line) in template.text.lines().enumerate() {
        let place = Place::at(template.path, number as u32 + 1, 0);
        let Some(filled) = fill(line, values, &mut used).map_err(|p| p.at(place))? else { continue };
        let doubled = filled.is_empty() && lines.last().is_none_or(|l| l.is_empty());
        if !doubled {
            lines.push(filled);
        }
    }
    if let Some(unused) = used.iter().position(|u| !u) {
        let what = format!("the value \"{}\" has no place in the template", values[unused].0);
        return Err(Problem::error(what).at(Place::file(template.path)));
    }
    Ok(lines.join("\n").trim_end().to_owned() + "\n")
}

/// One line with its holes filled; `None` if it has holes and all of them are empty.
fn fill(line: &str, values: &[(&str, &str)], used: &mut [bool]) -> Result<Option<String>, Problem> {
    let mut filled = String::new();
    let (mut rest, mut holes, mut empty) = (line, 0, 0);
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) =
            after.split_once("}}").ok_or_else(|| Problem::error("a `{{` of the template is not closed"))?;
        let index = values
            .iter()
            .position(|(n, _)| *n == name)
            .ok_or_else(|| Problem::error(format!("the template asks for \"{name}\", which has no value")))?;
        used[index] = true;
        holes += 1;
        empty += usize::from(values[index].1.is_empty());
        filled.push_str(before);
        filled.push_str(values[index].1);
        rest = after;
    }
    filled.push_str(rest);
    Ok((holes == 0 || empty < holes).then_some(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &'static str) -> Template {
        Template { path: "templates/t.md", text }
    }

    #[test]
    fn fills_holes_and_drops_lines_that_have_only_empty_ones() {
        let text = template("# {{a}} of {{b}}\n\n{{b}}\n\nForced: {{b}}\nplain {single} }}\n\n\nend\n");
        assert_eq!(
            render(text, &[("a", "x {{y}}"), ("b", "")]),
            Ok("# x {{y}} of \n\nplain {single} }}\n\nend\n".into())
        );
    }

    #[test]
    fn unknown_unused_and_unclosed_names_are_told() {
        let told = |text, values: &[(&str, &str)]| render(template(text), values).expect_err("a fault").to_string();
        insta::assert_snapshot!(told("a\n{{b}}", &[]), @r#"
        error: the template asks for "b", which has no value
          --> templates/t.md:2
        "#);
        insta::assert_snapshot!(told("a", &[("b", "c")]), @r#"
        error: the value "b" has no place in the template
          --> templates/t.md
        "#);
        insta::assert_snapshot!(told("a {{b", &[("b", "c")]), @r"
        error: a `{{` of the template is not closed
          --> templates/t.md:1
        ");
    }
}
