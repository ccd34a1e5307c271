//! JSON by way of a `Value` in; JSON straight to or from the value out.

use super::{Draft, Recipe, borrow, file_of, holds, short, two_steps};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::json_steps::steps;
use crate::source::{self, SourceFile, Template, json};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("json-through-value"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let value = finding.capture("value").ok_or("the finding has no \"value\"")?;
    let read = ["from_str", "from_slice"].iter().find_map(|way| Some((*way, finding.capture(way)?)));
    let edits = if let Some(made) = finding.capture("joined") {
        return joined(file, finding, made);
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
    Ok(draft(finding, edits, read.is_some()))
}

/// The tree is left out where it has a name, or is handed on by `and_then`.
fn joined(file: &SourceFile, finding: &Finding, made: TextRange) -> Result<Draft, String> {
    let body = source::function_body(file, made).ok_or("the tree is built outside of a function")?;
    let all = steps(file, body);
    let steps = all.iter().find(|steps| steps.made == made && steps.is_alike).ok_or("the two steps changed")?;
    let (Some(value), syn::Expr::Call(first)) = (steps.source(), steps.first) else {
        return Err("the two steps changed".to_owned());
    };
    let is_read = steps.second() == "from_value";
    let callee = match json::function(first) {
        Some(way) if is_read => two_steps::renamed(file, steps, &way),
        _ => file.text_of(steps.callee).to_owned(),
    };
    Ok(draft(finding, two_steps::joined(file, steps, &callee, file.text_of(value)), is_read))
}

fn draft(finding: &Finding, edits: Vec<TextEdit>, is_read: bool) -> Draft {
    let order = match is_read {
        true => "what the tree forgave is told apart: duplicate keys, and texts that are borrowed",
        false => "the keys come in the order of the declaration, not sorted, and `f32` keeps its digits",
    };
    Draft {
        title: format!("leave the tree out of {}", short(&finding.function)),
        edits: vec![(finding.file.clone(), edits)],
        preconditions: vec![
            holds("the tree is used for nothing else"),
            holds("the failures of both steps are treated alike"),
            borrow("the types are told without the tree"),
        ],
        obligations: vec![order.to_owned()],
        ..Draft::default()
    }
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
    fn a_tree_with_a_name_is_left_out_with_its_failure() {
        check(
            RULE,
            "fn f(lines: &[&str], out: &mut Vec<X>) {
    for line in lines {
        // One by one.
        let Ok(tree) = serde_json::from_str::<Value>(line) else { continue };
        if let Ok(x) = serde_json::from_value::<X>(tree) {
            out.push(x); // kept
        }
    }
}
",
            "fn f(lines: &[&str], out: &mut Vec<X>) {
    for line in lines {
        // One by one.
        if let Ok(x) = serde_json::from_str::<X>(line) {
            out.push(x); // kept
        }
    }
}
",
        );
        check(
            RULE,
            "fn f(s: &str, out: &mut Vec<X>) {
    if let Ok(tree) = serde_json::from_slice::<Value>(s.as_bytes()) {
        if let Ok(x) = serde_json::from_value::<X>(tree) {
            // Kept.
            out.push(x);
        }
    }
}
",
            "fn f(s: &str, out: &mut Vec<X>) {
    if let Ok(x) = serde_json::from_slice::<X>(s.as_bytes()) {
        // Kept.
        out.push(x);
    }
}
",
        );
        check(
            RULE,
            "fn f(s: &str, out: &mut Vec<X>) {
    if let Ok(tree) = serde_json::from_str::<Value>(s) && let Ok(x) = serde_json::from_value::<X>(tree) {
        out.push(x);
    }
}
",
            "fn f(s: &str, out: &mut Vec<X>) {
    if let Ok(x) = serde_json::from_str::<X>(s) {
        out.push(x);
    }
}
",
        );
    }

    #[test]
    fn a_tree_handed_on_by_and_then_is_left_out() {
        check(
            RULE,
            "fn f(s: &str) -> Result<X, E> {
    serde_json::from_str::<Value>(s).and_then(serde_json::from_value::<X>)
}
",
            "fn f(s: &str) -> Result<X, E> {
    serde_json::from_str::<X>(s)
}
",
        );
        check(
            RULE,
            "fn f(s: &str) -> Option<X> {
    serde_json::from_str::<Value>(s).ok().and_then(|tree| serde_json::from_value(tree).ok())
}
",
            "fn f(s: &str) -> Option<X> {
    serde_json::from_str(s).ok()
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
