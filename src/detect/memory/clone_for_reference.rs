//! A copy that is made only to be lent: `f(&place.clone())`.

use crate::detect::memory::clone_then_read::is_shared_by_cloning;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("clone-for-reference"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "copy made only to be lent",
    explain: EXPLAIN,
    triggers: &["clone", "to_vec", "to_owned", "to_string"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `&place.clone()` as an argument of a call: the copy lives for the call, and only a reference to it is handed over.

## Why it costs

The copy allocates and copies what a reference to the original would have shown.

## Before

```rust
let fee = fee_of(&order.lines.clone());
```

## After

```rust
let fee = fee_of(&order.lines);
```

## When it is refused

The place is a reference itself, as far as the syntax tells; its `Clone` is not plain data (asked of rustc): `Rc`, channel
senders and guards mean something by being cloned; another argument changes the place (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            let arguments = match expr {
                syn::Expr::Call(call) => &call.args,
                syn::Expr::MethodCall(call) => &call.args,
                syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Add(_) | syn::BinOp::AddAssign(_)) => {
                    found.extend(lent(file, &b.right));
                    continue;
                }
                _ => continue,
            };
            found.extend(arguments.iter().filter_map(|argument| lent(file, argument)));
        }
    }
    found
}

/// The copy in `&place.clone()` and in `place.to_string().as_str()`.
fn copied(argument: &syn::Expr) -> Option<(&syn::ExprMethodCall, &'static str)> {
    let copy = |expr| ["clone", "to_vec", "to_owned", "to_string"].iter().find_map(|n| shapes::method(expr, n, 0));
    match argument {
        syn::Expr::Reference(reference) if reference.mutability.is_none() => Some((copy(&reference.expr)?, "&")),
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            let way = ["as_str", "as_slice"].into_iter().find(|name| call.method == name)?;
            Some((copy(&call.receiver)?, way))
        }
        _ => None,
    }
}

/// What stands for the copy, where the type of what is copied is known to allow it: the place as it is, or lent.
fn instead(way: &str, method: &str, place: &str, ty: Option<&syn::Type>) -> Option<String> {
    let head = ty.and_then(|ty| types::head(types::strip(ty)));
    let (is_str, is_string) = (head.as_deref() == Some("str"), head.as_deref() == Some("String"));
    // An array is written and hashed otherwise than a vector.
    let is_list = ty.is_some_and(|ty| matches!(types::strip(ty), syn::Type::Slice(_)));
    let is_vec = head.as_deref() == Some("Vec");
    let is_reference = matches!(ty, Some(syn::Type::Reference(r)) if r.mutability.is_none());
    let is_owned = !matches!(ty, Some(syn::Type::Reference(_)));
    let fits = match method {
        "to_string" | "to_owned" => is_str || is_string,
        "to_vec" => is_list || is_vec,
        _ => true,
    };
    match way {
        _ if !fits => None,
        "&" if is_reference && (method != "clone" || is_string || is_vec) => Some(place.to_owned()),
        "&" if is_owned && !is_str => Some(format!("&{place}")),
        "as_str" if is_str && is_reference => Some(place.to_owned()),
        "as_slice" if is_list && is_reference => Some(place.to_owned()),
        "as_str" if is_string => Some(format!("{place}.as_str()")),
        "as_slice" if is_vec => Some(format!("{place}.as_slice()")),
        _ => None,
    }
}

/// `&list[from..].to_vec()` and `&text[..n].to_string()`: a part of what is known to be a list or a text.
fn part(file: &SourceFile, argument: &syn::Expr, copy: &syn::ExprMethodCall) -> Option<Fact> {
    let syn::Expr::Index(part) = &*copy.receiver else { return None };
    let syn::Expr::Range(_) = &*part.index else { return None };
    usage::place(&part.expr).filter(|p| p.is_plain)?;
    let ty = types::type_of(file, &part.expr)?;
    let is_text = matches!(types::head(types::strip(&ty)).as_deref(), Some("str" | "String"));
    let is_list = types::is_sequence(&ty) && types::head(types::strip(&ty)).as_deref() != Some("VecDeque");
    let fits = match copy.method.to_string().as_str() {
        "to_vec" => is_list,
        "to_string" => is_text,
        "to_owned" => is_list || is_text,
        _ => false,
    };
    let shown = file.text_of(&*copy.receiver);
    let gone = TextRange { start: file.range(&*copy.receiver).end, end: file.range(copy).end };
    fits.then(|| {
        Fact::at(file, file.range(argument))
            .capture("place", file.range(&*part.expr))
            .capture("copy", gone)
            .capture("lent", file.range(argument))
            .note("message", format!("`{shown}` is copied for the time of a call that only borrows it"))
    })
}

/// `list[i]`, by an index that is there already.
fn is_element(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Index(i) => {
            let is_range = matches!(*i.index, syn::Expr::Range(_));
            !is_range && shapes::is_quiet(&i.index) && usage::place(&i.expr).is_some_and(|p| p.is_plain)
        }
        syn::Expr::Field(f) => is_element(&f.base),
        _ => false,
    }
}

fn lent(file: &SourceFile, argument: &syn::Expr) -> Option<Fact> {
    let (clone, way) = copied(argument)?;
    if way == "&"
        && let Some(fact) = part(file, argument, clone)
    {
        return Some(fact);
    }
    if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(_), .. }) = &*clone.receiver {
        let copy = TextRange { start: file.range(&*clone.receiver).end, end: file.range(clone).end };
        return Some(
            Fact::at(file, file.range(argument))
                .capture("place", file.range(&*clone.receiver))
                .capture("copy", copy)
                .capture("bare", file.range(argument))
                .note("message", "a literal is copied for the time of a call that only borrows it"),
        );
    }
    let place = usage::place(&clone.receiver).filter(|p| p.is_plain || is_element(&clone.receiver))?;
    // Whether a bare name is a reference, its type must say; a field is what it is.
    let ty = types::type_of(file, &clone.receiver);
    let head = ty.as_ref().and_then(|ty| types::head(types::strip(ty)));
    let shown = file.text_of(&clone.receiver);
    let new = instead(way, &clone.method.to_string(), shown, ty.as_ref())?;
    let is_known = ty.is_some() || !place.fields.is_empty() && place.is_plain;
    let is_cheap = ty.as_ref().is_some_and(types::is_primitive);
    if !is_known || is_cheap || head.as_deref().is_some_and(is_shared_by_cloning) {
        return None;
    }
    let copy = TextRange { start: file.range(&*clone.receiver).end, end: file.range(clone).end };
    Some(
        Fact::at(file, file.range(argument))
            .capture("place", file.range(&*clone.receiver))
            .capture("copy", copy)
            .capture(if new == shown { "bare" } else { "lent" }, file.range(argument))
            .note("message", format!("`{shown}` is copied for the time of a call that only borrows it")),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_copies_that_are_lent() {
        for text in [
            "fn f(o: &Order) { g($0&o.lines.clone()$0); }",
            "fn f(s: String) { g($0&s.clone()$0); }",
            "fn f(s: &String) { g($0&s.clone()$0); }",
            "fn f(s: &str) { g($0s.to_string().as_str()$0); h($0&s.to_owned()$0); }",
            "fn f(xs: &[u8]) { g($0&xs.to_vec()$0); }",
            "struct O { xs: Vec<u8> } fn f(o: &O) { g($0&o.xs.to_vec()$0); }",
            "fn f(o: &Order) { o.book.find($0&o.key.clone()$0, 1); }",
            "impl S { fn f(&self) -> u8 { score($0&self.all.clone()$0) + 1 } }",
            "fn f() { let v: Vec<u8> = a(); for x in b() { g(x, $0&v.clone()$0); } }",
            "async fn f(o: Order) { send($0&o.body.clone()$0).await; }",
            "fn f(o: &Order) { g(1, h($0&o.lines.clone()$0)); }",
            "fn f(xs: &[u64], n: usize) { g($0&xs[n..].to_vec()$0); }",
            "fn f(bs: &[Vec<u64>]) { for b in bs { t.push(total($0&b[1..3].to_vec()$0)); } }",
            "fn f(t: &str) { g($0&t[..4].to_string()$0); h($0&t[2..].to_owned()$0); }",
            "fn f(s: &mut String) { *s += $0&\"&\".to_string()$0; g($0&\"a\".to_owned()$0); }",
            "fn f(s: &mut String, t: &str) { *s += $0&t.to_string()$0; }",
            "fn f(zips: &[&str]) -> Vec<u8> { zips.iter().map(|zip| zone_of($0&zip.to_string()$0)).collect() }",
            "fn f(v: &[S], i: usize) { g($0&v[i].clone()$0); }",
            "struct R { all: Vec<S> } impl R { fn f(&self, i: usize) { g($0&self.all[i].clone()$0); } }",
            "fn f(o: &Order) -> bool { matches(Some(1), $0&o.key.clone()$0) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(o: &Order) { g(&o.lines); }",
                "fn f(o: &Order) { g(o.lines.clone()); }",
                "fn f(o: &Order) { g(&mut o.lines.clone()); }",
                "fn f(s: &mut String) { g(&s.clone()); }",
                "fn f(o: &O) { g(&o.to_string()); }",
                "fn f(o: &O) { g(o.key.to_string().as_str()); }",
                "fn f(p: &DocPath) { g(&p.to_vec()); }",
                "fn f() { let s = make(); g(&s.clone()); }",
                "fn f(a: Arc<S>) { g(&a.clone()); }",
                "fn f(tx: Sender<u8>) { g(&tx.clone()); }",
                "struct S { m: Rc<u8> } fn f(s: &S) { g(&s.m.clone()); }",
                "fn f(n: u64) { g(&n.clone()); }",
                "fn f(s: &mut String, n: u64) { *s += &n.to_string(); }",
                "fn f(ns: &[u64]) { ns.iter().for_each(|n| g(&n.to_string())); }",
                "fn f(o: &Order) { g(&o.lines().clone()); }",
                "fn f(v: &Rows, i: usize) { g(&v[i].clone()); }",
                "fn f(v: &[u64], i: usize) { g(&v[i].clone()); }",
                "fn f(v: &[S]) { g(&v[next()].clone()); }",
                "fn f(v: &[S], i: usize) { g(&v[i].to_vec()); }",
                "fn f(v: &Pages) { g(&v[1..].to_vec()); }",
                "fn f(v: &[S]) { g(v[1..].to_vec()); }",
                "fn f(v: &[S]) { g(&mut v[1..].to_vec()); }",
                "fn f(o: &Order) { let l = &o.lines.clone(); g(l); }",
                "fn f(o: &Order) { g(&o.lines.clone()[1..]); }",
                "fn f(o: &Order) { show!(&o.lines.clone()); }",
                "fn f(o: &Order) { g(&o.clone_of(1)); }",
                "#[test] fn f() { g(&o.lines.clone()); }",
            ],
        );
    }
}
