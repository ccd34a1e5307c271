//! JSON by way of a `Value` in; JSON straight to or from the value out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("json-through-value"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let value = finding.capture("value").ok_or("the finding has no \"value\"")?;
    let read = ["from_str", "from_slice"].iter().find_map(|way| Some((*way, finding.capture(way)?)));
    let edits = if let Some(line) = finding.capture("let") {
        let argument = finding.capture("argument-of-read").ok_or("the finding has no argument")?;
        let mut edits = vec![TextEdit { range: argument, text: file.slice(value).to_owned() }];
        edits.extend(read.map(|(way, ident)| TextEdit { range: ident, text: way.to_owned() }));
        edits.push(TextEdit { range: hoist::whole_lines(file, line), text: String::new() });
        edits
    } else if let Some((way, ident)) = read {
        let argument = finding.capture("argument-of-read").ok_or("the finding has no argument")?;
        let mut edits = vec![TextEdit { range: ident, text: way.to_owned() }];
        edits.extend(Template::new(file, argument).keep(value).edits());
        edits
    } else if let Some(argument) = finding.capture("argument") {
        Template::new(file, argument).keep(value).edits()
    } else {
        let end = finding.capture("end").ok_or("the finding has no \"end\"")?;
        Template::new(file, finding.range).text("serde_json::to_string(").keep(value).text(")").keep(end).edits()
    };
    let order = match read {
        Some(_) => "what the tree forgave is told apart: duplicate keys, and texts that are borrowed",
        None => "the keys come in the order of the declaration, not sorted, and `f32` keeps its digits",
    };
    Ok(Draft {
        title: format!("leave the tree out of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the tree is used for nothing else"),
            holds("the failures of both steps are treated alike"),
            borrow("the types are told without the tree"),
        ],
        obligations: vec![order.to_owned()],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "json-through-value";

    #[test]
    fn the_tree_is_left_out() {
        let rewrite = check(
            RULE,
            "fn f(x: &X) -> Result<String, E> {
    Ok(serde_json::to_value(&x.all)?.to_string()) // body
}
",
            "fn f(x: &X) -> Result<String, E> {
    Ok(serde_json::to_string(&x.all)?) // body
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
        check(
            RULE,
            "fn f(x: &X) -> Result<Vec<u8>, E> {
    Ok(serde_json::to_vec(&serde_json::to_value(x)?)?)
}
",
            "fn f(x: &X) -> Result<Vec<u8>, E> {
    Ok(serde_json::to_vec(x)?)
}
",
        );
        check(
            RULE,
            "fn f(s: &str) -> Result<X, E> {
    Ok(serde_json::from_value::<X>(serde_json::from_str(s)?)?)
}
",
            "fn f(s: &str) -> Result<X, E> {
    Ok(serde_json::from_str::<X>(s)?)
}
",
        );
    }

    #[test]
    fn a_comment_between_the_steps_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(x: &X) -> R { Ok(serde_json::to_string(&/* sorted */ serde_json::to_value(x)?)?) }",
            "the comment \"/* sorted */\" would be lost (line 1)",
        );
    }
}
