//! A sort that makes its keys anew for each comparison in; the sort that makes each key once out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::comparisons::keyed;
use crate::source::functions::functions;
use crate::source::{SourceFile, expr_at};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("key-per-comparison"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, method) = (captured("list")?, captured("method")?);
    let Some(syn::Expr::MethodCall(call)) = expr_at(file, finding.range) else {
        return Err("the sort is gone".to_owned());
    };
    let keyed = keyed(file, &functions(file), call).ok_or("the keys are no longer the same")?;
    let (element, key) = (file.text_of(keyed.element), file.text_of(keyed.key));
    let key = if keyed.is_reversed { format!("std::cmp::Reverse({key})") } else { key.to_owned() };
    let mut edits = vec![TextEdit { range: method, text: "sort_by_cached_key".to_owned() }];
    // A closure that takes one element is the key already.
    if !file.slice(method).ends_with("_key") {
        edits.push(TextEdit { range: file.range(keyed.closure), text: format!("|{element}| {key}") });
    }
    Ok(Draft {
        title: format!("make each key once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("both sides of the comparison are the same key of the two elements"),
            holds("the key is computed from its element alone"),
            std_types::is_one(file, list, &std_types::SLICE),
            borrow("the key borrows nothing from its element"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::check;

    const RULE: &str = "key-per-comparison";

    #[test]
    fn each_key_is_made_once() {
        let rewrite = check(
            RULE,
            "fn f(xs: &mut Vec<F>) {
    // Whatever the case.
    xs.sort_by(|a, b| {
        let left = a.l.to_lowercase();
        let right = b.l.to_lowercase();
        left.cmp(&right)
    }); // stable
}
",
            "fn f(xs: &mut Vec<F>) {
    // Whatever the case.
    xs.sort_by_cached_key(|a| a.l.to_lowercase()); // stable
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 4));
        check(
            RULE,
            "fn f(xs: &mut [F]) {\n    xs.sort_unstable_by(|x, y| y.l.to_string().cmp(&x.l.to_string()));\n}\n",
            "fn f(xs: &mut [F]) {\n    xs.sort_by_cached_key(|x| std::cmp::Reverse(x.l.to_string()));\n}\n",
        );
        check(
            RULE,
            "fn f(xs: &mut [F]) {\n    xs.sort_by_key(|x| x.l.to_lowercase());\n}\n",
            "fn f(xs: &mut [F]) {\n    xs.sort_by_cached_key(|x| x.l.to_lowercase());\n}\n",
        );
    }
}
