//! A `match` around the main path of a function in; `?` and the main path behind it out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template, expr_at};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("match-around-path"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (result, body) = (captured("result")?, captured("body")?);
    let mut new = Template::new(file, finding.range);
    if let Some(pattern) = finding.capture("pattern") {
        new = new.text(format!("let {} = ", file.on_one_line(pattern)));
    }
    let wrapped = wrapped(file, finding)?;
    new = new
        .text("")
        .keep(result)
        .text(format!("{wrapped}?;\n"))
        .keep_moved(body, -place::steps(file, finding.range.start, body.start));
    if finding.capture("statement").is_some() {
        new = new.text(";");
    }
    Ok(Draft {
        title: format!("leave with the error before the main path of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.edits())],
        preconditions: vec![
            holds("the arm of the error does nothing but return it"),
            holds("nothing stands between the arms and the end of the block that could see the difference"),
            borrow("the error converts into that of the function, and the value may live until the end of the block"),
        ],
        ..Draft::default()
    })
}

/// `.map_err(…)` for what is done with the error on its way; nothing where it is returned as it is.
fn wrapped(file: &SourceFile, finding: &Finding) -> Result<String, String> {
    if finding.capture("plain").is_some() {
        return Ok(String::new());
    }
    let (name, returned) =
        finding.capture("name").zip(finding.capture("returned")).ok_or("the finding is not whole")?;
    if file.slice(returned).contains('\n') {
        return Err("what is returned spans lines".to_owned());
    }
    let (name, text) = (file.slice(name), file.slice(returned));
    if let Some(syn::Expr::Call(call)) = expr_at(file, returned)
        && let syn::Expr::Path(_) = &*call.func
        && call.args.len() == 1
        && file.text_of(&call.args[0]) == name
    {
        return Ok(format!(".map_err({})", file.text_of(&*call.func)));
    }
    Ok(format!(".map_err(|{name}| {text})"))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "match-around-path";

    #[test]
    fn the_main_path_stands_behind_the_question_mark() {
        check(
            RULE,
            "fn f(path: &str) -> Result<usize, E> {
    // All of it.
    match read(path) {
        Ok(text) => {
            // By lines.
            let lines = text
                .lines()
                .count();
            Ok(lines)
        }
        Err(e) => Err(e.into()),
    }
}
",
            "fn f(path: &str) -> Result<usize, E> {
    // All of it.
    let text = read(path)?;
    // By lines.
    let lines = text
        .lines()
        .count();
    Ok(lines)
}
",
        );
    }

    #[test]
    fn a_result_that_is_looked_at_twice_is_passed_on() {
        check(
            RULE,
            "fn f(fields: &[&str]) -> Result<u64, ParseIntError> {
    let mut total = 0;
    for field in fields {
        let parsed = field.parse::<u64>();
        if let Ok(n) = parsed {
            total += n;
        } else if let Err(e) = parsed {
            return Err(e);
        }
    }
    Ok(total)
}
",
            "fn f(fields: &[&str]) -> Result<u64, ParseIntError> {
    let mut total = 0;
    for field in fields {
        let parsed = field.parse::<u64>();
        let n = parsed?;
        total += n;
    }
    Ok(total)
}
",
        );
    }

    #[test]
    fn an_error_that_is_wrapped_goes_through_map_err() {
        check(
            RULE,
            "fn f(s: &str) -> Result<u16, E> {
    match s.trim().parse::<u16>() {
        Ok(port) => check(port),
        Err(e) => Err(E::Number(e)),
    }
}
",
            "fn f(s: &str) -> Result<u16, E> {
    let port = s.trim().parse::<u16>().map_err(E::Number)?;
    check(port)
}
",
        );
        check(
            RULE,
            "fn f(s: &str, t: &mut u8) -> Result<(), String> {
    match s.parse::<u8>() {
        Ok(n) => *t += n,
        Err(e) => return Err(format!(\"{s}: {e}\")),
    }
    Ok(())
}
",
            "fn f(s: &str, t: &mut u8) -> Result<(), String> {
    let n = s.parse::<u8>().map_err(|e| format!(\"{s}: {e}\"))?;
    *t += n;
    Ok(())
}
",
        );
    }

    #[test]
    fn a_comment_between_the_arms_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &str) -> Result<u8, E> {\n    match g(s) {\n        Ok(v) => h(v),\n        // The caller retries.\n        Err(e) => Err(e),\n    }\n}\n",
            "the comment \"// The caller retries.\" would be lost (line 4)",
        );
    }
}
