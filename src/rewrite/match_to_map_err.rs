//! A `match` that wraps an error and returns it in; `map_err` and `?` out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("match-to-map-err"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (fallible, name, returned) = (captured("fallible")?, captured("name")?, captured("returned")?);
    let end = if finding.capture("open").is_some() { ")?;" } else { ")?" };
    let new = Template::new(file, finding.range).keep(fallible);
    let new = match finding.capture("variant") {
        Some(variant) => new.text(".map_err(").keep(variant),
        None => {
            let new = new.text(format!(".map_err(|{}| ", file.slice(name)));
            new.keep_moved(returned, -place::steps(file, finding.range.start, returned.start))
        }
    };
    Ok(Draft {
        title: format!("wrap an error with map_err and pass it on with ? in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.text(end).edits())],
        preconditions: vec![
            holds("the arm of the error does nothing but wrap and return it"),
            holds("what it returns is the error of the function itself, so that `?` converts nothing"),
            borrow("the closure may use what the arm used"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "match-to-map-err";

    #[test]
    fn the_arm_becomes_a_closure() {
        check(
            RULE,
            "fn f(text: &str) -> Result<u16, E> {
    // The port.
    let port = match text.parse::<u16>() {
        Ok(port) => port,
        Err(e) => {
            return Err(E::Number {
                text: text.to_string(),
                cause: e,
            });
        }
    };
    Ok(port)
}
",
            "fn f(text: &str) -> Result<u16, E> {
    // The port.
    let port = text.parse::<u16>().map_err(|e| E::Number {
        text: text.to_string(),
        cause: e,
    })?;
    Ok(port)
}
",
        );
    }

    #[test]
    fn a_variant_alone_needs_no_closure() {
        check(
            RULE,
            "fn f(s: &mut S) -> Result<(), E> {
    if let Err(e) = s.go() {
        return Err(E::Read(e));
    }
    Ok(())
}
",
            "fn f(s: &mut S) -> Result<(), E> {
    s.go().map_err(E::Read)?;
    Ok(())
}
",
        );
    }

    #[test]
    fn a_comment_between_the_arms_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &str) -> Result<u8, E> {\n    let v = match g(s) {\n        Ok(v) => v,\n        // Once more later.\n        Err(e) => return Err(E::Read(e)),\n    };\n    Ok(v)\n}\n",
            "the comment \"// Once more later.\" would be lost (line 4)",
        );
    }
}
