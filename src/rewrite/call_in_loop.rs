//! A call in a loop that gives the same in each round in; the call made once before the loop out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::fixed_calls::{FixedCall, fixed_calls};
use crate::source::invariants::Invariant;
use crate::source::names::{bound_by, fresh};
use crate::source::{SourceFile, Template, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("call-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let found = fixed_calls(file).into_iter().find(|call| file.range(call.value) == finding.range);
    let call = found.ok_or("the call is no longer made where it was found")?;
    let edits = match call.binding {
        Some(binding) => {
            let FixedCall { value, around, before, .. } = call;
            let invariant = Invariant { value, binding: Some(binding), around, before, parts: Vec::new() };
            hoist::moved(file, &call.function, &invariant, binding)?
        }
        None => named(file, &call, finding.range),
    };
    Ok(Draft {
        title: format!("call {} once instead of in each round of {}", call.callee, short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: vec![
            holds("nothing that the call is given is bound, assigned or borrowed as `&mut` in the loop"),
            holds(format!("`{}` computes from what it is given alone, and so does what it calls", call.callee)),
            borrow("what the call gives lives as long as the loop, and is only looked at there"),
        ],
        obligations: vec![
            "the call is made even if the loop has no round: an overflow in it would panic there, too".to_owned(),
        ],
        ..Draft::default()
    })
}

/// A `let` before the loop, named for what is called, and the name instead of the call.
fn named(file: &SourceFile, call: &FixedCall<'_>, value: TextRange) -> Vec<TextEdit> {
    let block = call.function.block;
    let base = call.callee.to_string();
    let is_parameter = call.function.sig.inputs.iter().any(|input| match input {
        syn::FnArg::Typed(typed) => bound_by(&typed.pat).contains(&base),
        syn::FnArg::Receiver(_) => false,
    });
    // A method and a local may share a name; a function would be hidden by the local.
    let is_method = matches!(call.value, syn::Expr::MethodCall(_));
    let is_free = is_method && !is_parameter && usage::uses(file, block, &base).is_empty();
    let name = if is_free && usage::bindings(file, block, &base).is_empty() {
        base
    } else {
        fresh(block, &format!("{base}_value"))
    };
    let before = file.range(call.before).start;
    let text = format!("let {name} = {};\n", file.slice(value));
    let mut edits = Template::new(file, TextRange { start: before, end: before }).text(text).edits();
    let again = call.again.iter().map(|expr| file.range(*expr));
    edits.extend(std::iter::once(value).chain(again).map(|range| TextEdit { range, text: name.clone() }));
    edits
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "call-in-loop";

    #[test]
    fn the_call_is_made_once() {
        let rewrite = check(
            RULE,
            "impl H {
    fn limit(&self) -> u32 {
        self.spans.iter().sum::<u32>() / 7
    }
    fn idle(&self, xs: &[u32], out: &mut Vec<u32>) {
        // Of each user.
        for x in xs {
            if *x > self.limit() {
                out.push(*x); // idle
            }
        }
    }
}
",
            "impl H {
    fn limit(&self) -> u32 {
        self.spans.iter().sum::<u32>() / 7
    }
    fn idle(&self, xs: &[u32], out: &mut Vec<u32>) {
        // Of each user.
        let limit = self.limit();
        for x in xs {
            if *x > limit {
                out.push(*x); // idle
            }
        }
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
    }

    #[test]
    fn a_call_made_twice_is_made_once() {
        check(
            RULE,
            "struct S {
    half: f64,
}
impl S {
    fn fade(&self) -> f64 {
        0.5f64.powf(1.0 / self.half)
    }
    fn smooth(&self, loads: &mut [f64]) {
        let mut level = 0.0;
        for load in loads.iter_mut() {
            level = self.fade() * level + (1.0 - self.fade()) * *load;
            *load = level;
        }
    }
}
",
            "struct S {
    half: f64,
}
impl S {
    fn fade(&self) -> f64 {
        0.5f64.powf(1.0 / self.half)
    }
    fn smooth(&self, loads: &mut [f64]) {
        let mut level = 0.0;
        let fade = self.fade();
        for load in loads.iter_mut() {
            level = fade * level + (1.0 - fade) * *load;
            *load = level;
        }
    }
}
",
        );
    }

    #[test]
    fn the_let_moves_with_its_comment() {
        let stops = "fn stops() -> Vec<String> {\n    \"a b\".split(' ').map(|w| w.to_owned()).collect()\n}\n";
        check(
            RULE,
            &format!(
                "{stops}fn f(ws: &[String]) {{\n    for w in ws {{\n        // In order.\n        let s = stops();\n        if s.contains(w) {{\n            continue;\n        }}\n        keep(w);\n    }}\n}}\n"
            ),
            &format!(
                "{stops}fn f(ws: &[String]) {{\n    // In order.\n    let s = stops();\n    for w in ws {{\n        if s.contains(w) {{\n            continue;\n        }}\n        keep(w);\n    }}\n}}\n"
            ),
        );
        check_refuses(
            RULE,
            &format!(
                "{stops}fn f(ws: &[String], s: &str) {{\n    keep(s);\n    for w in ws {{\n        let s = stops();\n        keep(s.contains(w));\n    }}\n}}\n"
            ),
            "the name `s` is used outside of the loop too",
        );
    }
}
