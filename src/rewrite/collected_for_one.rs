//! A vector that is collected for one or two of its elements in; the elements, asked of the iterator, out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("collected-for-one"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, chain) = (captured("name")?, captured("chain")?);
    let shown = file.slice(name);
    let edits = match finding.capture("asked") {
        Some(asked) => {
            let new = place::fresh_name(file, finding.range, &singular(shown));
            let step = if finding.capture("nth").is_some() { nth(file, finding) } else { ".next_back()".to_owned() };
            let mut edits = Template::new(file, finding.range)
                .text(format!("let {new} = "))
                .keep(chain)
                .text(format!("{step};"))
                .edits();
            edits.push(TextEdit { range: asked, text: new });
            edits
        }
        None => guarded(file, finding)?,
    };
    Ok(Draft {
        title: format!("take what is wanted of {shown} without collecting it in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is a `Vec` of which nothing but these elements is used")),
            holds("the chain only computes: nobody notices where it stops"),
            borrow("the iterator gives what the vector held, and can go backwards where the last is wanted"),
        ],
        ..Draft::default()
    })
}

/// `let Some(part) = chain.nth(1) else { … };`, and the name instead of the element.
fn guarded(file: &SourceFile, finding: &Finding) -> Result<Vec<TextEdit>, String> {
    place::require_rust(file, 65, "`let … else`")?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, chain) = (captured("name")?, captured("chain")?);
    let (guard, otherwise) = (captured("guard")?, captured("otherwise")?);
    let base = singular(file.slice(name));
    let has_both = has(finding, "nth") && has(finding, "last");
    let nth = has(finding, "nth").then(|| nth(file, finding));
    let (mut names, mut steps, mut edits) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, step) in [("nth", nth), ("last", has(finding, "last").then(|| ".next_back()".to_owned()))] {
        let Some(step) = step else { continue };
        let wanted = if has_both { format!("{kind}_{base}").replace("nth_", "first_") } else { base.clone() };
        let plain = finding.captures_named(kind);
        let bound = finding.capture(&format!("{kind} named")).filter(|_| plain.is_empty());
        let new = bound.map_or_else(|| place::fresh_name(file, finding.range, &wanted), |b| file.slice(b).to_owned());
        edits.extend(plain.into_iter().map(|range| TextEdit { range, text: new.clone() }));
        if finding.captures_named(&format!("{kind} named")).len() > usize::from(bound.is_some()) {
            return Err("the element is named twice".to_owned());
        }
        names.push(format!("Some({new})"));
        steps.push(step);
    }
    for stmt in finding.captures_named("named") {
        if !lexer::comments(file.slice(stmt)).is_empty() {
            return Err("a comment stands in the `let`".to_owned());
        }
        edits.push(TextEdit { range: hoist::whole_lines(file, stmt), text: String::new() });
    }
    let template = Template::new(file, guard);
    let template = match (names.as_slice(), steps.as_slice()) {
        ([one], [step]) => template.text(format!("let {one} = ")).keep(chain).text(format!("{step} else ")),
        ([first, last], [to_first, to_last]) => {
            let again = file.on_one_line(chain);
            let head = format!("let ({first}, {last}) = (");
            template.text(head).keep(chain).text(format!("{to_first}, {again}{to_last}) else "))
        }
        _ => return Err("the elements changed".to_owned()),
    };
    edits.extend(template.keep(otherwise).text(";").edits());
    Ok(edits)
}

fn has(finding: &Finding, kind: &str) -> bool {
    finding.capture(kind).is_some() || finding.capture(&format!("{kind} named")).is_some()
}

/// `.next()` or `.nth(1)`.
fn nth(file: &SourceFile, finding: &Finding) -> String {
    match finding.capture("number").map_or("0", |number| file.slice(number)) {
        "0" => ".next()".to_owned(),
        number => format!(".nth({number})"),
    }
}

/// `part` of `parts`.
fn singular(name: &str) -> String {
    match name.strip_suffix('s') {
        Some(one) if one.len() > 1 && !one.ends_with('s') && !lexer::is_keyword(one) => one.to_owned(),
        _ => format!("{name}_element"),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "collected-for-one";

    #[test]
    fn the_iterator_gives_the_element() {
        let rewrite = check(
            RULE,
            "fn charset(t: &str) -> Option<&str> {
    // After the type.
    let parts: Vec<&str> = t.split(';').collect();
    if parts.len() < 2 {
        return None; // no charset
    }
    parts[1].trim().strip_prefix(\"charset=\")
}
",
            "fn charset(t: &str) -> Option<&str> {
    // After the type.
    let Some(part) = t.split(';').nth(1) else {
        return None; // no charset
    };
    part.trim().strip_prefix(\"charset=\")
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 3));
        check(
            RULE,
            "fn f(host: &str) -> bool {
    let letters: Vec<char> = host.chars().collect();
    if letters.is_empty() {
        return false;
    }
    let first = letters[0];
    let last = letters[letters.len() - 1];
    first != '.' && last != '.'
}
",
            "fn f(host: &str) -> bool {
    let (Some(first), Some(last)) = (host.chars().next(), host.chars().next_back()) else {
        return false;
    };
    first != '.' && last != '.'
}
",
        );
        check(
            RULE,
            "fn f(t: &str) -> Option<&str> {\n    let words: Vec<&str> = t.split(' ').collect();\n    words.get(1).copied()\n}\n",
            "fn f(t: &str) -> Option<&str> {\n    let word = t.split(' ').nth(1);\n    word\n}\n",
        );
    }

    #[test]
    fn a_comment_between_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(t: &str) -> Option<&str> {\n    let parts: Vec<&str> = t.split(';').collect();\n    // Two at least.\n    if parts.len() < 2 {\n        return None;\n    }\n    Some(parts[1])\n}\n",
            "the comment \"// Two at least.\" would be lost (line 3)",
        );
    }
}
