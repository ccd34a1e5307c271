//! Numbers that are turned into texts to be compared.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{self, peel};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("numbers-compared-as-text"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::A,
    title: "numbers turned into texts to be compared",
    explain: EXPLAIN,
    triggers: &["to_string", "format"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `==`, `!=` and `eq` between two texts that `to_string()` or `format!(\"{}\", …)` has made of integers of the same type, there or
in a `let` that is used for nothing else.

## Why it costs

Each text is an allocation, and each digit a division. The numbers themselves compare in one step.

## Before

```rust
let wanted = owner.to_string();
for campaign in campaigns {
    if campaign.owner.to_string() == wanted {
        ids.push(campaign.id);
    }
}
```

## After

```rust
for campaign in campaigns {
    if campaign.owner == owner {
        ids.push(campaign.id);
    }
}
```

## When it is refused

The types are not seen to be the same integer type; a text is padded, compared by size, or used for something else; a number changes
between its `let` and the comparison.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        // Few bodies compare a text that is made there, or in a `let`.
        let exprs = shapes::exprs(body);
        let pairs: Vec<_> = exprs.into_iter().filter_map(|expr| Some((expr, sides(expr)?))).collect();
        let is_made = |e: &syn::Expr| {
            matches!(peel(e), syn::Expr::MethodCall(c) if c.method == "to_string" && c.args.is_empty())
                || shapes::macro_call(e, "format").is_some()
        };
        let lets = || shapes::blocks_in(body).into_iter().flat_map(|b| &b.stmts).filter_map(shapes::plain_let);
        if pairs.is_empty() {
            continue;
        }
        let named: Vec<&syn::Ident> = lets().filter(|l| is_made(l.value)).map(|l| l.name).collect();
        let is_text = |side: &syn::Expr| {
            let side = shapes::unreferenced(side);
            is_made(side) || names::plain_name(side).is_some_and(|name| named.contains(&name))
        };
        let both = pairs.into_iter().filter(|(_, (left, right, _))| is_text(left) && is_text(right));
        found.extend(both.filter_map(|(expr, sides)| compared(file, body, expr, sides)));
    }
    found
}

/// What is compared, and whether for being different.
type Sides<'a> = (&'a syn::Expr, &'a syn::Expr, bool);

fn sides(expr: &syn::Expr) -> Option<Sides<'_>> {
    match expr {
        syn::Expr::Binary(b) => match b.op {
            syn::BinOp::Eq(_) => Some((&b.left, &b.right, false)),
            syn::BinOp::Ne(_) => Some((&b.left, &b.right, true)),
            _ => None,
        },
        syn::Expr::MethodCall(call) if call.args.len() == 1 && (call.method == "eq" || call.method == "ne") => {
            Some((&call.receiver, &call.args[0], call.method == "ne"))
        }
        _ => None,
    }
}

fn compared(file: &SourceFile, body: &syn::Block, expr: &syn::Expr, sides: Sides<'_>) -> Option<Fact> {
    let (left, right, denied) = sides;
    let (a, b) = (side(file, body, left)?, side(file, body, right)?);
    if a.ty != b.ty {
        return None;
    }
    let message = "two numbers of the same type are compared by their texts";
    let mut fact = Fact::at(file, file.range(expr)).note("message", message);
    for (side, name, lent) in [(&a, "left", "left behind"), (&b, "right", "right behind")] {
        fact = fact.capture(if side.is_reference { lent } else { name }, side.number);
        if let Some(stmt) = side.named {
            fact = fact.capture("let", stmt);
        }
    }
    Some(if denied { fact.capture("denied", file.range(expr)) } else { fact })
}

/// One side of a comparison.
struct Side {
    /// The number.
    number: TextRange,
    /// Its type.
    ty: String,
    /// True where what is written is a reference to it.
    is_reference: bool,
    /// The `let` that makes the text for this comparison alone.
    named: Option<TextRange>,
}

fn side(file: &SourceFile, body: &syn::Block, expr: &syn::Expr) -> Option<Side> {
    let expr = shapes::unreferenced(expr);
    let (number, named) = match names::plain_name(expr) {
        Some(name) => {
            let text = name.to_string();
            let lets = shapes::blocks_in(body).into_iter().flat_map(|b| &b.stmts);
            let mut bound = lets.filter_map(shapes::plain_let).filter(|l| l.name == name);
            let (only, None) = (bound.next()?, bound.next()) else { return None };
            // Its own name, and this comparison.
            let is_for_this = !only.is_mut && only.ty.is_none() && shapes::count(body, &text) == 2;
            let number = number_of(only.value).filter(|_| is_for_this)?;
            let local = file.range(only.local);
            if !stays(file, body, &number, local, file.range(expr)) {
                return None;
            }
            (number, Some(local))
        }
        None => (number_of(expr)?, None),
    };
    let ty = types::type_of(file, &number)?;
    let (bare, is_reference) = match &ty {
        syn::Type::Reference(r) => (&*r.elem, true),
        other => (other, false),
    };
    let name = types::head(bare).filter(|name| types::is_primitive(bare) && !name.starts_with('f'))?;
    Some(Side { number: file.range(&number), ty: name, is_reference, named })
}

/// `n` of `n.to_string()` and `format!("{}", n)`.
fn number_of(expr: &syn::Expr) -> Option<syn::Expr> {
    let number = match peel(expr) {
        syn::Expr::MethodCall(call) if call.method == "to_string" && call.args.is_empty() => (*call.receiver).clone(),
        syn::Expr::Macro(m) if m.mac.path.is_ident("format") => {
            let [text, number] = names::arguments(&m.mac)?.try_into().ok()?;
            let is_bare = matches!(&text, syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Str(s) if s.value() == "{}"));
            is_bare.then(|| shapes::unreferenced(&number).clone())?
        }
        _ => return None,
    };
    usage::place(&number).map(|_| number)
}

/// True if a number is the same at the comparison as at the `let`.
fn stays(file: &SourceFile, body: &syn::Block, number: &syn::Expr, from: TextRange, to: TextRange) -> bool {
    let Some(place) = usage::place(number) else { return false };
    let between = |at: u32| at > from.end && at < to.start;
    let is_kept = |u: &usage::Use| match &u.how {
        How::Mutate | How::Opaque => false,
        How::Method(method) => usage::is_reading_method(method),
        _ => true,
    };
    // A loop around the comparison alone comes by what stands behind it, too.
    let is_changed = usage::uses(file, body, &place.root).iter().any(|u| u.name.start > from.end && !is_kept(u));
    !is_changed && !usage::bindings(file, body, &place.root).iter().any(|bound| between(bound.start))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const C: &str = "struct C { owner: u64, small: u32, rate: f64, id: u32 }";

    #[test]
    fn fires_on_numbers_of_one_type() {
        for text in [
            "fn f(cs: &[C], owner: u64) -> bool { cs.iter().any(|c| $0c.owner.to_string() == owner.to_string()$0) }",
            "fn f(cs: &[C], owner: u64) { let wanted = owner.to_string(); for c in cs { let theirs = format!(\"{}\", c.owner); if $0theirs.eq(&wanted)$0 { g(c.id); } } }",
            "fn f(a: u32, b: &u32) -> bool { $0format!(\"{}\", a) != b.to_string()$0 }",
        ] {
            check(&RULE, &format!("{C} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            "fn f(c: &C, n: u64) -> bool { c.small.to_string() == n.to_string() }",
            "fn f(c: &C, n: f64) -> bool { c.rate.to_string() == n.to_string() }",
            "fn f(c: &C, n: u64) -> bool { c.owner.to_string() < n.to_string() }",
            "fn f(c: &C, n: u64) -> bool { format!(\"{:04}\", c.owner) == format!(\"{:04}\", n) }",
            "fn f(c: &C, n: u64) -> bool { format!(\"#{}\", c.owner) == n.to_string() }",
            "fn f(c: &C, n: &str) -> bool { c.owner.to_string() == n }",
            "fn f(c: &C, n: Id) -> bool { c.owner.to_string() == n.to_string() }",
            "fn f(c: &C, n: u64) -> bool { let t = n.to_string(); log(&t); c.owner.to_string() == t }",
            "fn f(c: &C, mut n: u64) -> bool { let t = n.to_string(); n += 1; c.owner.to_string() == t }",
            "fn f(c: &C, n: u64) -> bool { let t = n.to_string(); let n = g(n); c.owner.to_string() == t }",
            "#[test] fn f() { let n: u64 = 1; assert!(n.to_string() == n.to_string()); }",
        ]
        .iter()
        .map(|text| format!("{C} {text}"))
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
