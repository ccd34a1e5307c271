//! A text that is formatted for a panic in; the panic that formats it out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("formatted-expect"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (option, format, named) = (captured("option")?, captured("format")?, finding.capture("let"));
    if file.role.edition.as_str() < "2021" {
        return Err("`panic!` with a text alone formats nothing before edition 2021".to_owned());
    }
    let gone = std::iter::once(finding.range).chain(named);
    if gone.clone().any(|range| !lexer::comments(file.slice(range)).is_empty()) {
        return Err("a comment in the text would go with it".to_owned());
    }
    let arguments = file.slice(format).trim_start_matches("format!");
    let panics = format!("unwrap_or_else(|| panic!{arguments})");
    let mut edits = vec![TextEdit { range: finding.range, text: panics }];
    edits.extend(named.map(|named| TextEdit { range: hoist::whole_lines(file, named), text: String::new() }));
    Ok(Draft {
        title: format!("format the text of a panic of {} where it panics", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is for the panic alone, and making it only looks at names and fields"),
            std_types::is_one(file, option, &std_types::OPTION),
            borrow("what it is made of may still be looked at there"),
        ],
        obligations: vec![
            "what is shown is not formatted where nothing panics: no `Display` of the project relies on it".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "formatted-expect";

    #[test]
    fn the_panic_formats() {
        check(
            RULE,
            "fn uri(&self, rate: u32) -> &str {
    let context = format!(\"no variant for {rate} of {} known\", self.variants.len());
    let uri = self.variants.get(&rate).expect(&context); // always there
    uri.as_str()
}
",
            "fn uri(&self, rate: u32) -> &str {
    let uri = self.variants.get(&rate).unwrap_or_else(|| panic!(\"no variant for {rate} of {} known\", self.variants.len())); // always there
    uri.as_str()
}
",
        );
        check(
            RULE,
            "fn uri(all: &Map, rate: u32) -> &str {
    all.get(&rate)
        .expect(&format!(\"no {rate}\"))
}
",
            "fn uri(all: &Map, rate: u32) -> &str {
    all.get(&rate)
        .unwrap_or_else(|| panic!(\"no {rate}\"))
}
",
        );
    }

    #[test]
    fn comments_are_kept() {
        check_refuses(
            RULE,
            "fn f(m: &M, k: u8) -> u8 { *m.get(&k).expect(&format!(\"no {k}\" /* told to people */)) }",
            "a comment in the text would go with it",
        );
    }
}
