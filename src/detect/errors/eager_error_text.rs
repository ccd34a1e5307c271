//! Texts that are made for a failure before anything has failed.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage::{self, How};
use crate::source::{self, Node, SourceFile, calm, names, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("eager-error-text"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::B,
    title: "text of an error made before anything failed",
    explain: EXPLAIN,
    triggers: &["format"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let context = format!(…);` whose only use stands in an arm, a branch or a closure that returns an error.

## Why it costs

The text is formatted and allocated on every call, and freed unread on all that succeed.

## Before

```rust
let context = format!(\"declaration {id}, line {line}\");
let due = match rate(value) {
    Ok(due) => due,
    Err(()) => return Err(Error::Rejected(context)),
};
```

## After

```rust
let due = match rate(value) {
    Ok(due) => due,
    Err(()) => return Err(Error::Rejected(format!(\"declaration {id}, line {line}\"))),
};
```

## When it is refused

The text is used elsewhere, captured by another format string, or made of what may change before its use; something in it does more
than look; its use stands in a loop or a task of its own; a comment stands in it, or it spans lines.
";

/// Methods whose closure runs only where something failed or is missing.
const FAILING: &[&str] = &["map_err", "ok_or_else", "or_else", "unwrap_or_else", "with_context"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| eager(file, block, index)));
    }
    found
}

fn eager(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let format = shapes::macro_call(bound.value, "format")?;
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    if shapes::count(&rest, &name) != 1 || !only_looks(format) {
        return None;
    }
    let uses = usage::uses(file, &rest, &name);
    let [only] = uses.as_slice() else { return None };
    let argument = match &only.how {
        How::Value if only.is_bare => only.place,
        How::Method(method) if only.is_bare && ["clone", "to_owned", "to_string"].contains(&method.as_str()) => {
            only.whole
        }
        _ => return None,
    };
    let at = (index + 1..block.stmts.len()).find(|at| file.range(&block.stmts[*at]).contains(only.name))?;
    if !fails(file, file.range(&block.stmts[at]), only.name)
        || !pure::keeps_roots(file, bound.value, &block.stmts[index + 1..=at])
    {
        return None;
    }
    let message = format!("`{name}` is formatted and freed unread by every call that succeeds");
    Some(
        Fact::at(file, file.range(bound.local))
            .capture("value", file.range(bound.value))
            .capture("argument", argument)
            .note("message", message),
    )
}

/// True if the text is made of names, fields and what reading methods give of them.
pub(super) fn only_looks(format: &syn::Macro) -> bool {
    let Some(parts) = names::arguments(format) else { return false };
    parts.iter().all(|part| {
        let value = if let syn::Expr::Assign(named) = part { &*named.right } else { part };
        calm::unnoticed(value).is_some_and(|calls| calls.is_empty())
    })
}

/// True if a use inside a statement is reached only where something failed.
fn fails(file: &SourceFile, stmt: TextRange, at: TextRange) -> bool {
    let (mut is_conditional, mut is_failure) = (false, false);
    let path = source::path_to(file, at);
    for (index, node) in path.iter().enumerate() {
        let Node::Expr(expr) = node else { continue };
        if !stmt.contains(file.range(*expr)) {
            continue;
        }
        match expr {
            syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) | syn::Expr::Async(_) => return false,
            syn::Expr::Match(m) => is_conditional |= m.arms.iter().any(|arm| file.range(&*arm.body).contains(at)),
            syn::Expr::If(i) => is_conditional |= !file.range(&*i.cond).contains(at),
            syn::Expr::Closure(_) => {
                let is_failing = matches!(path[..index].iter().rev().find_map(|n| match n {
                    Node::Expr(syn::Expr::MethodCall(call)) => Some(call),
                    _ => None,
                }), Some(call) if FAILING.iter().any(|method| call.method == method));
                if !is_failing {
                    return false;
                }
                (is_conditional, is_failure) = (true, true);
            }
            syn::Expr::Return(_) => is_failure = true,
            syn::Expr::Call(call) => is_failure |= matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Err")),
            _ => {}
        }
    }
    // `let … else` leaves by a block of its own.
    let diverges = path.iter().any(|node| match node {
        Node::Stmt(syn::Stmt::Local(local)) => local
            .init
            .as_ref()
            .and_then(|init| init.diverge.as_ref())
            .is_some_and(|(_, other)| file.range(&**other).contains(at)),
        _ => false,
    });
    (is_conditional || diverges) && is_failure
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_texts_that_only_a_failure_needs() {
        for text in [
            "fn f(id: u8, v: u8) -> R { $0let c = format!(\"{id} {v}\");$0 let d = match rate(v) { Ok(d) => d, Err(()) => return Err(E::Bad(c)) }; Ok(d) }",
            "fn f(id: u8, v: &V) -> R { $0let c = format!(\"{id} {}\", v.name);$0 let d = rate(v).map_err(|_| E::Bad(c))?; Ok(d) }",
            "fn f(id: u8) -> R { $0let c = format!(\"{id}\");$0 find(id).ok_or_else(|| E::Bad(c.clone())) }",
            "fn f(id: u8) -> R { $0let c = format!(\"{id}\");$0 let Some(x) = find(id) else { return Err(E::Bad(c)); }; Ok(x) }",
            "fn f(xs: &[u8]) -> R { for (i, x) in xs.iter().enumerate() { $0let c = format!(\"{i} {x}\");$0 if bad(x) { return Err(E::Bad(c)); } } Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Used where nothing failed, twice, or in another text.
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); log(&c); find(id).ok_or_else(|| E::Bad(c)) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); Err(E::Bad(c)) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); match find(id) { Some(x) => Ok(name(c)), None => Ok(n) } }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); find(id).map(|x| name(x, c)) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); find(id).map_err(|e| E::Bad(format!(\"{c}: {e}\"))) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); find(c)?; Ok(()) }",
                // In a loop, a task or a closure that is kept.
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); for x in xs { g(x).map_err(|_| E::Bad(c.clone()))?; } Ok(()) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); run(move || find(id).map_err(|_| E::Bad(c))) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); spawn(async move { if bad() { return Err(E::Bad(c)); } Ok(()) }) }",
                // What it is made of changes, or it does more than look.
                "fn f(mut id: u8) -> R { let c = format!(\"{id}\"); id += 1; if bad(id) { return Err(E::Bad(c)); } Ok(()) }",
                "fn f(s: &mut S) -> R { let c = format!(\"{}\", s.n); s.advance(); if bad() { return Err(E::Bad(c)); } Ok(()) }",
                "fn f(s: &S) -> R { let c = format!(\"{}\", s.next_id()); if bad() { return Err(E::Bad(c)); } Ok(()) }",
                "fn f(x: u8) -> R { let c = format!(\"{}\", x + 1); if bad() { return Err(E::Bad(c)); } Ok(()) }",
                "fn f(id: u8) -> R { let c = format!(\"{id}\"); let id = 2; if bad(id) { return Err(E::Bad(c)); } Ok(()) }",
                "fn f(id: u8) -> R { let mut c = format!(\"{id}\"); if bad(id) { return Err(E::Bad(c)); } Ok(()) }",
            ],
        );
    }
}
