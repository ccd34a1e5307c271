//! A `match` that only wraps what it finds otherwise in; `ok_or`, `map_err` or `ok` out.

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template, expr_at};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("match-to-combinator"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let looked_at = finding.capture("looked-at").ok_or("the finding has no \"looked-at\"")?;
    let ways = ["ok_or", "ok_or_else", "map_err", "ok"];
    let (way, error) = ways.into_iter().find_map(|way| Some((way, finding.capture(way)?))).ok_or("no way is known")?;
    let text = file.slice(error);
    if way != "ok" && text.contains('\n') {
        return Err("what is returned spans lines".to_owned());
    }
    let method = match (way, finding.capture("name")) {
        ("ok", _) => ".ok()".to_owned(),
        ("ok_or", _) => format!(".ok_or({text})"),
        ("ok_or_else", _) => format!(".ok_or_else(|| {text})"),
        (_, None) => format!(".map_err(|_| {text})"),
        (_, Some(name)) => {
            let name = file.slice(name);
            match expr_at(file, error) {
                Some(syn::Expr::Call(call))
                    if call.args.len() == 1
                        && file.text_of(&call.args[0]) == name
                        && matches!(&*call.func, syn::Expr::Path(_)) =>
                {
                    format!(".map_err({})", file.text_of(&*call.func))
                }
                _ => format!(".map_err(|{name}| {text})"),
            }
        }
    };
    Ok(Draft {
        title: format!("say a match with {way} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), Template::new(file, finding.range).keep(looked_at).text(method).edits())],
        preconditions: vec![
            holds("one arm gives back the value as it is, the other makes the error and does nothing else"),
            borrow("what is looked at may be given to the method, and the error may be made in a closure"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "match-to-combinator";

    #[test]
    fn an_option_becomes_a_result() {
        check(
            RULE,
            "fn f(raw: Option<&str>) -> Result<&str, E> {
    // Given or not.
    let value = match raw {
        Some(v) => Ok(v),
        None => Err(E::Missing(\"PORT\")),
    }; // checked
    value
}
",
            "fn f(raw: Option<&str>) -> Result<&str, E> {
    // Given or not.
    let value = raw.ok_or(E::Missing(\"PORT\")); // checked
    value
}
",
        );
        check(
            RULE,
            "fn f(m: &M, k: u8) -> Result<&u8, String> {
    if let Some(v) = m.get(&k) {
        Ok(v)
    } else {
        Err(format!(\"no {k}\"))
    }
}
",
            "fn f(m: &M, k: u8) -> Result<&u8, String> {
    m.get(&k).ok_or_else(|| format!(\"no {k}\"))
}
",
        );
    }

    #[test]
    fn an_error_is_wrapped_by_map_err() {
        check(
            RULE,
            "fn f(s: &str) -> Result<u8, E> {
    match s.parse() {
        Ok(v) => Ok(v),
        Err(e) => Err(E::Number(e)),
    }
}
",
            "fn f(s: &str) -> Result<u8, E> {
    s.parse().map_err(E::Number)
}
",
        );
        check(
            RULE,
            "fn f(s: &str) -> Option<u8> {
    match s.parse::<u8>() {
        Ok(v) => Some(v),
        Err(_) => None,
    }
}
",
            "fn f(s: &str) -> Option<u8> {
    s.parse::<u8>().ok()
}
",
        );
    }

    #[test]
    fn a_comment_between_the_arms_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &str) -> R {\n    match s.parse() {\n        Ok(v) => Ok(v),\n        // Once more later.\n        Err(e) => Err(E::N(e)),\n    }\n}\n",
            "the comment \"// Once more later.\" would be lost (line 4)",
        );
    }
}
