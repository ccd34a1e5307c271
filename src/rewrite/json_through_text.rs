//! Bytes parsed by way of a text in; bytes parsed as they are out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{self, SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("json-through-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (ident, argument) = (captured("ident")?, captured("argument")?);
    let (bytes, is_owned) = match (finding.capture("borrowed"), finding.capture("owned")) {
        (Some(range), _) => (range, false),
        (_, Some(range)) => (range, true),
        _ => return Err("the finding has no bytes".to_owned()),
    };
    let expr = source::expr_at(file, bytes).ok_or("the bytes changed")?;
    let sign = if is_owned && !matches!(expr, syn::Expr::Reference(_)) { "&" } else { "" };
    let mut edits = vec![TextEdit { range: ident, text: "from_slice".to_owned() }];
    match finding.capture("let") {
        Some(line) => {
            edits.push(TextEdit { range: argument, text: format!("{sign}{}", file.slice(bytes)) });
            edits.push(TextEdit { range: hoist::whole_lines(file, line), text: String::new() });
        }
        None => edits.extend(Template::new(file, argument).text(sign).keep(bytes).edits()),
    }
    Ok(Draft {
        title: format!("parse the bytes of {} as they are", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is used for nothing else, and both failures are treated alike"),
            borrow("the bytes live as long as what is parsed from them"),
        ],
        obligations: vec![
            "bytes that are no UTF-8 are an error of serde_json, and none where they stand in a part that is skipped"
                .to_owned(),
        ],
        ..Draft::default()
    })
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
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(b: &[u8]) -> R { Ok(serde_json::from_str(std::str::from_utf8(b /* raw */)?)?) }",
            "the comment \"/* raw */\" would be lost (line 1)",
        );
    }
}
