//! A text that a loop counts through for each character in; its characters made once before the loop out.

use super::{Draft, Recipe, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, expr_at};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("nth-char-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (text, around) = (captured("text")?, captured("loop")?);
    let shown = file.on_one_line(text);
    let name = place::fresh_name(file, finding.range, &format!("{}_chars", place::base_name(&shown)));
    let mut edits = place::insert_before(file, around, &format!("let {name}: Vec<char> = {shown}.chars().collect();"));
    for (how, range) in finding.captures.iter().filter(|(how, _)| *how == "nth" || *how == "count") {
        let Some(syn::Expr::MethodCall(call)) = expr_at(file, *range) else {
            return Err("a look at the text is no longer where it was found".to_owned());
        };
        let text = match call.args.first() {
            Some(at) if *how == "nth" => format!("{name}.get({}).copied()", file.text_of(at)),
            _ => format!("{name}.len()"),
        };
        edits.push(TextEdit { range: *range, text });
    }
    Ok(Draft {
        title: format!("make the characters of {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("the loop leaves `{shown}` as it is")),
            std_types::is_one_at(file, text, around.start, &std_types::TEXT),
        ],
        obligations: vec![format!("the characters of `{shown}` take four bytes each while the loop runs")],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "nth-char-in-loop";

    #[test]
    fn the_characters_are_made_before_the_loop() {
        check(
            RULE,
            "fn f(text: &str) -> usize {
    let mut hits = 0;
    let mut i = 1;
    // Pairs.
    while i < text.chars().count() {
        let before = text.chars().nth(i - 1).unwrap();
        if before.is_lowercase() && text.chars().nth(i).unwrap().is_uppercase() {
            hits += 1; // one more
        }
        i += 1;
    }
    hits
}
",
            "fn f(text: &str) -> usize {
    let mut hits = 0;
    let mut i = 1;
    let text_chars: Vec<char> = text.chars().collect();
    // Pairs.
    while i < text_chars.len() {
        let before = text_chars.get(i - 1).copied().unwrap();
        if before.is_lowercase() && text_chars.get(i).copied().unwrap().is_uppercase() {
            hits += 1; // one more
        }
        i += 1;
    }
    hits
}
",
        );
    }

    #[test]
    fn a_comment_in_the_look_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(t: &str) { for i in 0..9 { g(t.chars(/* all */).nth(i)); } }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
