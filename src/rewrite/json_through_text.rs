//! Bytes parsed by way of a text in; bytes parsed as they are out.

use super::{Draft, Recipe, borrow, file_of, holds, short, two_steps};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::json_steps::steps;
use crate::source::{self, SourceFile, Template, shapes, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("json-through-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    if let Some(made) = finding.capture("joined") {
        return joined(file, finding, made);
    }
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (ident, argument) = (captured("ident")?, captured("argument")?);
    let (bytes, is_owned) = match (finding.capture("borrowed"), finding.capture("owned")) {
        (Some(range), _) => (range, false),
        (_, Some(range)) => (range, true),
        _ => return Err("the finding has no bytes".to_owned()),
    };
    let expr = source::expr_at(file, bytes).ok_or("the bytes changed")?;
    let mut edits = vec![TextEdit { range: ident, text: "from_slice".to_owned() }];
    edits.extend(Template::new(file, argument).text(sign(file, expr, is_owned)).keep(bytes).edits());
    Ok(draft(finding, edits))
}

/// The bytes are parsed where the text had a name, or was handed on by `and_then`.
fn joined(file: &SourceFile, finding: &Finding, made: TextRange) -> Result<Draft, String> {
    let body = source::function_body(file, made).ok_or("the text is made outside of a function")?;
    let all = steps(file, body);
    let steps = all.iter().find(|steps| steps.made == made && steps.is_alike).ok_or("the two steps changed")?;
    let given = steps.source().ok_or("the two steps changed")?;
    let is_owned = shapes::call(steps.first, &["String", "from_utf8"]).is_some();
    let bytes = match given {
        syn::Expr::MethodCall(copy) if is_owned && copy.method == "to_vec" => &*copy.receiver,
        other => other,
    };
    let argument = format!("{}{}", sign(file, bytes, is_owned), file.text_of(bytes));
    Ok(draft(finding, two_steps::joined(file, steps, &two_steps::renamed(file, steps, "from_slice"), &argument)))
}

/// `&` where bytes are owned and must be lent.
fn sign(file: &SourceFile, bytes: &syn::Expr, is_owned: bool) -> &'static str {
    let is_reference = matches!(bytes, syn::Expr::Reference(_))
        || matches!(types::type_of(file, bytes), Some(syn::Type::Reference(r)) if matches!(*r.elem, syn::Type::Slice(_)));
    if is_owned && !is_reference { "&" } else { "" }
}

fn draft(finding: &Finding, edits: Vec<TextEdit>) -> Draft {
    Draft {
        title: format!("parse the bytes of {} as they are", short(&finding.function)),
        edits: vec![(finding.file.clone(), edits)],
        preconditions: vec![
            holds("the text is used for nothing else, and both failures are treated alike"),
            borrow("the bytes live as long as what is parsed from them"),
        ],
        obligations: vec![
            "bytes that are no UTF-8 are an error of serde_json, and none where they stand in a part that is skipped"
                .to_owned(),
        ],
        ..Draft::default()
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "json-through-text";

    #[test]
    fn the_bytes_are_parsed_as_they_are() {
        let rewrite = check(
            RULE,
            "fn f(request: &Request) -> Result<Order, E> {
    // Checked by the parser.
    let text = String::from_utf8(request.body.to_vec())?;
    let order: Order = serde_json::from_str(&text)?; // typed
    Ok(order)
}
",
            "fn f(request: &Request) -> Result<Order, E> {
    // Checked by the parser.
    let order: Order = serde_json::from_slice(&request.body)?; // typed
    Ok(order)
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
        check(
            RULE,
            "fn f(body: &[u8]) -> Result<Order, E> {
    Ok(serde_json::from_str::<Order>(std::str::from_utf8(body)?)?)
}
",
            "fn f(body: &[u8]) -> Result<Order, E> {
    Ok(serde_json::from_slice::<Order>(body)?)
}
",
        );
    }

    #[test]
    fn a_text_whose_failure_is_handled_alike_is_left_out() {
        check(
            RULE,
            "fn f(frame: &[u8]) -> Result<Job, String> {
    let text = String::from_utf8(frame.to_vec()).map_err(|_| \"bad\".to_string())?;
    match serde_json::from_str::<Job>(&text) {
        Ok(job) => Ok(job),
        Err(_) => Err(\"bad\".to_string()), // both
    }
}
",
            "fn f(frame: &[u8]) -> Result<Job, String> {
    match serde_json::from_slice::<Job>(frame) {
        Ok(job) => Ok(job),
        Err(_) => Err(\"bad\".to_string()), // both
    }
}
",
        );
        check(
            RULE,
            "fn f(b: &[u8]) -> Option<Job> {
    std::str::from_utf8(b).ok().and_then(|text| serde_json::from_str(text).ok())
}
",
            "fn f(b: &[u8]) -> Option<Job> {
    serde_json::from_slice(b).ok()
}
",
        );
    }

    #[test]
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(b: &[u8]) -> R { Ok(serde_json::from_str(std::str::from_utf8(b /* raw */)?)?) }",
            "the comment \"/* raw */\" would be lost (line 1)",
        );
    }
}
