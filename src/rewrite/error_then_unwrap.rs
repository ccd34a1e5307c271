//! An error that is returned by hand and the unwrap behind it in; one `?` out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, expr_at, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("error-then-unwrap"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let result = finding.capture("result").ok_or("the finding has no \"result\"")?;
    let shown = file.on_one_line(result);
    let passed = format!("{shown}{}?", wrapped(file, finding)?);
    let guard = finding.range;
    if !lexer::comments(file.slice(guard)).is_empty() {
        return Err("a comment stands in the check".to_owned());
    }
    let edits = match (finding.capture("next"), finding.capture("later")) {
        (Some(unwrap), _) => vec![
            TextEdit { range: hoist::whole_lines(file, guard), text: String::new() },
            TextEdit { range: unwrap, text: passed },
        ],
        (_, Some(unwrap)) => vec![
            TextEdit { range: guard, text: format!("let {shown} = {passed};") },
            TextEdit { range: unwrap, text: shown.clone() },
        ],
        _ => return Err("the finding has no unwrap".to_owned()),
    };
    let ty = "std::result::Result<_, _>";
    Ok(Draft {
        title: format!("pass the error of {shown} on with ? in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the check does nothing but return the error, and the result is used nowhere else"),
            holds("the function around returns what `?` needs"),
            probe(file, format!("`{shown}` is of the type `{ty}`"), result, ProbeQuestion::IsType(ty.to_owned())),
            borrow("the error converts into that of the function"),
        ],
        ..Draft::default()
    })
}

/// `.map_err(…)` for what is done with the error on its way; nothing where it is returned as it is.
fn wrapped(file: &SourceFile, finding: &Finding) -> Result<String, String> {
    if finding.capture("plain").is_some() {
        return Ok(String::new());
    }
    let returned = finding.capture("returned").ok_or("the finding has no \"returned\"")?;
    if file.slice(returned).contains('\n') {
        return Err("what is returned spans lines".to_owned());
    }
    let name = match finding.capture("name") {
        Some(name) => file.slice(name).to_owned(),
        None => place::fresh_name(file, finding.range, "error"),
    };
    let taken: Vec<TextEdit> =
        finding.capture("taken").map(|range| TextEdit { range, text: name.clone() }).into_iter().collect();
    let text = place::edited(file, returned, &taken);
    if finding.capture("name").is_none() && taken.is_empty() {
        return Ok(format!(".map_err(|_| {text})"));
    }
    // `E::Read(e)` is what `E::Read` does.
    if let Some(syn::Expr::Call(call)) = expr_at(file, returned)
        && let syn::Expr::Path(_) = &*call.func
    {
        let func = file.range(&*call.func);
        let arguments = TextRange { start: func.end, end: returned.end };
        if place::edited(file, arguments, &taken) == format!("({name})") {
            return Ok(format!(".map_err({})", file.slice(func)));
        }
    }
    Ok(format!(".map_err(|{name}| {text})"))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "error-then-unwrap";

    #[test]
    fn a_check_and_its_unwrap_become_a_question_mark() {
        check(
            RULE,
            "fn f(text: &str) -> Result<u32, ParseIntError> {
    let low = text.parse::<u32>();
    // Both ends.
    if low.is_err() {
        return Err(low.unwrap_err());
    }
    let low = low.unwrap(); // from here
    Ok(low)
}
",
            "fn f(text: &str) -> Result<u32, ParseIntError> {
    let low = text.parse::<u32>();
    // Both ends.
    let low = low?; // from here
    Ok(low)
}
",
        );
        check(
            RULE,
            "fn f(text: &str) -> Result<u32, E> {
    let high = text.parse::<u32>();
    if let Err(e) = high {
        return Err(e.into());
    }
    log();
    Ok(high.unwrap() + 1)
}
",
            "fn f(text: &str) -> Result<u32, E> {
    let high = text.parse::<u32>();
    let high = high?;
    log();
    Ok(high + 1)
}
",
        );
    }

    #[test]
    fn what_wraps_the_error_goes_into_map_err() {
        check(
            RULE,
            "fn f(text: &str) -> Result<u32, String> {
    let n = text.parse::<u32>();
    if n.is_err() {
        return Err(format!(\"no {text}: {}\", n.unwrap_err()));
    }
    Ok(n.unwrap())
}
",
            "fn f(text: &str) -> Result<u32, String> {
    let n = text.parse::<u32>();
    let n = n.map_err(|error| format!(\"no {text}: {}\", error))?;
    Ok(n)
}
",
        );
        check(
            RULE,
            "fn f(text: &str) -> Result<u32, E> {
    let n = text.parse::<u32>();
    if let Err(e) = n {
        return Err(E::Number(e));
    }
    let n = n.unwrap();
    Ok(n)
}
",
            "fn f(text: &str) -> Result<u32, E> {
    let n = text.parse::<u32>();
    let n = n.map_err(E::Number)?;
    Ok(n)
}
",
        );
    }

    #[test]
    fn an_error_of_ones_own_takes_its_place() {
        check(
            RULE,
            "fn f(text: &str) -> Result<u32, E> {
    let n = text.parse::<u32>();
    if n.is_err() {
        return Err(E::Bad);
    }
    let n = n.unwrap();
    Ok(n)
}
",
            "fn f(text: &str) -> Result<u32, E> {
    let n = text.parse::<u32>();
    let n = n.map_err(|_| E::Bad)?;
    Ok(n)
}
",
        );
    }

    #[test]
    fn a_comment_in_the_check_refuses() {
        check_refuses(
            RULE,
            "fn f(s: &str) -> Result<u8, E> {\n    let r = g(s);\n    if r.is_err() {\n        // Never.\n        return Err(r.unwrap_err());\n    }\n    Ok(r.unwrap())\n}\n",
            "a comment stands in the check",
        );
    }
}
