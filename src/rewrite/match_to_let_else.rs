//! A value taken out by a `match` or `if let` in; a `let … else` out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId};
use crate::source::{self, SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("match-to-let-else"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let bound = ["Some", "Ok"].into_iter().find_map(|variant| Some((variant, finding.capture(variant)?)));
    let ((variant, bound), value) = (bound.ok_or("the finding has no pattern")?, captured("value")?);
    place::require_rust(file, 65, "`let … else`")?;
    let pattern = format!("{variant}({})", file.on_one_line(bound));
    let new = Template::new(file, finding.range).text(format!("let {pattern} = ")).keep(value).text(" else ");
    let new = match finding.capture("block") {
        // The block of an arm stands one step further in than that of the `let`.
        Some(block) => new.keep_moved(block, -steps(file, finding, block.start)),
        None => {
            let leave = file.slice(captured("leave")?);
            if leave.contains('\n') {
                return Err("what the other branch does spans lines".to_owned());
            }
            new.text(format!("{{\n    {leave};\n}}"))
        }
    };
    Ok(Draft {
        title: format!("take or leave with let-else in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.text(";").edits())],
        preconditions: vec![
            holds("the value is taken out as it is, and the other branch always leaves"),
            holds("nobody can see whether temporaries of the looked-at expression are gone by then"),
            borrow("what is looked at lives as long as what is taken out of it"),
        ],
        ..Draft::default()
    })
}

/// Steps of indentation by which the line of `at` stands further in than the `let`.
fn steps(file: &SourceFile, finding: &Finding, at: u32) -> i32 {
    let own = source::indent_of(&file.text, finding.range.start).len();
    let inner = source::indent_of(&file.text, at).len();
    let unit = source::indent_unit(&file.text, at).len().max(1);
    (inner.saturating_sub(own) / unit) as i32
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "match-to-let-else";

    #[test]
    fn a_match_becomes_a_let_else() {
        let rewrite = check(
            RULE,
            "fn f(rules: &Rules, sku: &str) -> u64 {
    // By sku.
    let rule = match rules.get(sku /* as sent */) {
        Some(rule) => rule,
        None => return 0,
    }; // found
    rule.amount
}
",
            "fn f(rules: &Rules, sku: &str) -> u64 {
    // By sku.
    let Some(rule) = rules.get(sku /* as sent */) else {
        return 0;
    }; // found
    rule.amount
}
",
        );
        assert!(!rewrite.title.contains("fast"));
    }

    #[test]
    fn the_block_of_the_other_branch_stays_as_it_is() {
        check(
            RULE,
            "fn f(x: Option<u8>) -> Result<u8, E> {
    let v = match x {
        None => {
            // Counted.
            log(\"a
        b\");
            return Err(E::Gone);
        }
        Some(v) => v,
    };
    Ok(v)
}
",
            "fn f(x: Option<u8>) -> Result<u8, E> {
    let Some(v) = x else {
        // Counted.
        log(\"a
        b\");
        return Err(E::Gone);
    };
    Ok(v)
}
",
        );
        check(
            RULE,
            "fn f(x: Result<u8, E>) -> u8 {
    let v = if let Ok(v) = x {
        v
    } else {
        return 0; // none
    };
    v
}
",
            "fn f(x: Result<u8, E>) -> u8 {
    let Ok(v) = x else {
        return 0; // none
    };
    v
}
",
        );
    }

    #[test]
    fn the_pattern_of_the_let_stands_inside() {
        check(
            RULE,
            "fn f(raw: &str) -> Result<&str, String> {
    let (kind, id) = match raw.split_once(':') {
        Some(pair) => pair,
        None => return Err(\"no colon\".to_string()),
    };
    g(kind, id)
}
",
            "fn f(raw: &str) -> Result<&str, String> {
    let Some((kind, id)) = raw.split_once(':') else {
        return Err(\"no colon\".to_string());
    };
    g(kind, id)
}
",
        );
    }

    #[test]
    fn a_comment_between_the_arms_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(x: Option<u8>) -> u8 {\n    let v = match x {\n        Some(v) => v,\n        // Rare.\n        None => return 0,\n    };\n    v\n}\n",
            "the comment \"// Rare.\" would be lost (line 4)",
        );
    }
}
