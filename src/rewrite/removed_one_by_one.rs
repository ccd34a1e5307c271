//! Elements removed one by one in; `retain` out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, expr_at, lexer, shapes, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("removed-one-by-one"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, condition) = (captured("list")?, captured("condition")?);
    let shown = file.on_one_line(list);
    let mut edits = Vec::new();
    let (parameter, kept) = match finding.capture("parameter") {
        Some(parameter) => (file.slice(parameter).to_owned(), file.slice(condition).to_owned()),
        None => {
            let start = captured("start")?;
            if !lexer::comments(file.slice(start)).is_empty() {
                return Err("a comment stands in the `let`".to_owned());
            }
            edits.push(TextEdit { range: hoist::whole_lines(file, start), text: String::new() });
            let name = place::fresh_name(file, finding.range, "item");
            let text = of_parameter(file, condition, &finding.captures_named("element"), &name);
            (name, text)
        }
    };
    let retain = format!("{shown}.retain(|{parameter}| {});", denied(file, condition, &kept));
    let text = match finding.capture("counter") {
        Some(counter) => {
            let before = place::fresh_name(file, finding.range, &format!("{}_before", place::base_name(&shown)));
            let counter = file.slice(counter);
            format!("let {before} = {shown}.len();\n{retain}\n{counter} += {before} - {shown}.len();")
        }
        None => retain,
    };
    edits.extend(Template::new(file, finding.range).text(text).edits());
    Ok(Draft {
        title: format!("keep what stays of {shown} in one pass in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the loop does nothing but to remove what the condition names, and to count it"),
            holds("the condition only computes, from nothing that the loop changes"),
            std_types::is_one(file, list, &std_types::RETAINED),
            borrow("what the condition looks at is not borrowed with the list, and what is counted is a `usize`"),
        ],
        ..Draft::default()
    })
}

/// The condition with `*item` for `list[i]`, or `item` where a field or a method of it is meant.
fn of_parameter(file: &SourceFile, condition: TextRange, elements: &[TextRange], name: &str) -> String {
    let mut text = String::new();
    let mut at = condition.start;
    for element in elements {
        text.push_str(file.slice(TextRange { start: at, end: element.start }));
        let is_looked_into = file.text[element.end as usize..].trim_start().starts_with('.');
        text.push_str(if is_looked_into { "" } else { "*" });
        text.push_str(name);
        at = element.end;
    }
    text.push_str(file.slice(TextRange { start: at, end: condition.end }));
    text
}

/// The denial of a condition.
fn denied(file: &SourceFile, condition: TextRange, text: &str) -> String {
    let expr = expr_at(file, condition);
    if expr.is_some_and(|e| shapes::denied(e).is_some() && matches!(e, syn::Expr::Unary(_))) {
        return text.trim_start_matches('!').trim_start().to_owned();
    }
    if let Some(turned) = expr.and_then(|e| turned(file, e, text)) {
        return turned;
    }
    match expr {
        Some(syn::Expr::MethodCall(_) | syn::Expr::Call(_) | syn::Expr::Field(_) | syn::Expr::Path(_)) => {
            format!("!{text}")
        }
        _ => format!("!({text})"),
    }
}

/// `e.until > now` for `e.until <= now` of integers, `a != b` for `a == b`.
fn turned(file: &SourceFile, condition: &syn::Expr, text: &str) -> Option<String> {
    use syn::BinOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let syn::Expr::Binary(b) = condition else { return None };
    let (old, new, is_order) = match b.op {
        Eq(_) => (" == ", " != ", false),
        Ne(_) => (" != ", " == ", false),
        Lt(_) => (" < ", " >= ", true),
        Le(_) => (" <= ", " > ", true),
        Gt(_) => (" > ", " <= ", true),
        Ge(_) => (" >= ", " < ", true),
        _ => return None,
    };
    // What is neither less, nor equal, nor greater would be turned to another answer.
    let is_integer = |side: &syn::Expr| {
        let ty = types::type_of(file, side);
        let name = ty.as_ref().map(types::strip).filter(|ty| types::is_primitive(ty)).and_then(types::head);
        name.is_some_and(|name| !name.starts_with('f'))
    };
    let is_known = !is_order || is_integer(&b.left) || is_integer(&b.right);
    (is_known && text.matches(old).count() == 1).then(|| text.replacen(old, new, 1))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "removed-one-by-one";

    #[test]
    fn what_stays_is_kept_in_one_pass() {
        let rewrite = check(
            RULE,
            "impl World {
    fn expire(&mut self, now: u64) -> usize {
        let mut dropped = 0;
        // Those that ended.
        while let Some(at) = self.effects.iter().position(|e| e.until <= now) {
            self.effects.remove(at);
            dropped += 1;
        }
        dropped
    }
}
",
            "impl World {
    fn expire(&mut self, now: u64) -> usize {
        let mut dropped = 0;
        // Those that ended.
        let effects_before = self.effects.len();
        self.effects.retain(|e| e.until > now);
        dropped += effects_before - self.effects.len();
        dropped
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 4));
        check(
            RULE,
            "fn f(v: &mut Vec<S>) {\n    while let Some(i) = v.iter().position(|s| !s.is_empty()) {\n        v.remove(i);\n    }\n}\n",
            "fn f(v: &mut Vec<S>) {\n    v.retain(|s| s.is_empty());\n}\n",
        );
    }

    #[test]
    fn the_index_goes() {
        check(
            RULE,
            "fn f(v: &mut Vec<u8>, most: u8) {\n    let mut i = 0;\n    while i < v.len() {\n        if v[i] > most || v[i].abs_diff(3) == 1 {\n            v.remove(i);\n        } else {\n            i += 1;\n        }\n    }\n}\n",
            "fn f(v: &mut Vec<u8>, most: u8) {\n    v.retain(|item| !(*item > most || item.abs_diff(3) == 1));\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_loop_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(v: &mut Vec<S>) {\n    while let Some(i) = v.iter().position(|s| s.on) {\n        v.remove(i); // gone\n    }\n}\n",
            "the comment \"// gone\" would be lost (line 3)",
        );
    }
}
