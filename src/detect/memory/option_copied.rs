//! Options that are copied with all that is in them, only to be read.

use super::clone_then_read::{is_read_by_reference, is_shared_by_cloning, is_unchanged_up_to};
use super::copy_to_read::is_question;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::bound_by;
use crate::source::usage::{self, How};
use crate::source::{Node, SourceFile, path_to, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("option-copied-to-read"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "option copied with what is in it, and only read",
    explain: EXPLAIN,
    triggers: &["clone", "cloned"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `note.clone().unwrap_or_default().trim()`, `map.get(k).cloned().unwrap_or_default().iter()`, `note.clone().map(|n| n.len())`
and `if let Some(n) = note.clone()`, where the copy is only looked at.

## Why it costs

The text or the list in the option is allocated and copied for the time of one question.

## Before

```rust
let length = self.note.clone().unwrap_or_default().trim().len();
let ids = self.by_carrier.get(carrier).cloned().unwrap_or_default();
ids.iter().max()
```

## After

```rust
let length = self.note.as_deref().unwrap_or_default().trim().len();
let ids = self.by_carrier.get(carrier).map(Vec::as_slice).unwrap_or_default();
ids.iter().max()
```

## When it is refused

The copy is kept, changed, moved or captured; what is in the option is not written down, or is neither a text nor a list where a
default stands in for it; its `Clone` is not plain data (asked of rustc); the original changes while it is looked at (rustc does
not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            found.extend(match expr {
                syn::Expr::MethodCall(call) => defaulted(file, expr, call).or_else(|| looked_into(file, call)),
                syn::Expr::Match(node) => matched(file, node),
                syn::Expr::If(node) => match &*node.cond {
                    syn::Expr::Let(cond) => taken_apart(file, &cond.pat, &cond.expr, &node.then_branch),
                    _ => None,
                },
                _ => None,
            });
        }
    }
    found
}

/// An option that is copied: what is copied, what copies it, and the type in it.
struct Copied<'a> {
    option: &'a syn::Expr,
    /// The place whose clone has to be plain data.
    plain: TextRange,
    copy: TextRange,
    inner: syn::Type,
    /// The place that is read instead.
    place: usage::PlacePath,
    /// True for a place that holds the option, false for an option of a reference.
    is_held: bool,
}

fn copied<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<Copied<'a>> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    if !call.args.is_empty() || !["clone", "cloned"].iter().any(|copies| call.method == copies) {
        return None;
    }
    let option = &*call.receiver;
    let ty = types::type_of(file, option)?;
    let copy = TextRange { start: file.range(option).end, end: file.range(expr).end };
    let is_option = |ty: &syn::Type| types::head(ty).as_deref() == Some("Option");
    let (inner, plain, place, is_held) = if call.method == "clone" {
        let place = usage::place(option).filter(|p| p.is_plain)?;
        let is_mutable = matches!(&ty, syn::Type::Reference(r) if r.mutability.is_some());
        let of = types::strip(&ty);
        (!is_mutable && is_option(of) && place.root != "Self").then_some(())?;
        (types::argument(of)?, file.range(option), place, true)
    } else if call.method == "cloned" {
        let syn::Expr::MethodCall(look) = option else { return None };
        let place = usage::place(&look.receiver).filter(|p| p.is_plain)?;
        is_option(&ty).then_some(())?;
        let syn::Type::Reference(inner) = types::argument(&ty)? else { return None };
        (*inner.elem, file.range(&*look.receiver), place, false)
    } else {
        return None;
    };
    let head = types::head(&inner)?;
    let is_costly =
        !types::is_primitive(&inner) && !is_shared_by_cloning(&head) && head.starts_with(char::is_uppercase);
    (is_costly && head.len() > 1).then_some(Copied { option, plain, copy, inner, place, is_held })
}

fn fact(file: &SourceFile, copied: &Copied<'_>, site: TextRange) -> Fact {
    let shown = file.on_one_line(file.range(copied.option));
    Fact::at(file, site)
        .capture("option", file.range(copied.option))
        .capture("copy", copied.copy)
        .capture("plain", copied.plain)
        .note("message", format!("what is in `{shown}` is copied, and only read"))
}

/// `option.clone().unwrap_or_default()` and its like, where what it gives is only read.
fn defaulted(file: &SourceFile, whole: &syn::Expr, call: &syn::ExprMethodCall) -> Option<Fact> {
    let found = copied(file, &call.receiver)?;
    let head = types::head(&found.inner).filter(|head| head == "String" || head == "Vec")?;
    let is_text = head == "String";
    let default = match (call.method.to_string().as_str(), call.args.first()) {
        ("unwrap_or_default", None) => None,
        ("unwrap_or", Some(value)) => instead(file, value, is_text)?,
        ("unwrap_or_else", Some(syn::Expr::Path(p))) if shapes::ends_with(&p.path, &[head.as_str(), "new"]) => None,
        ("unwrap_or_else", Some(syn::Expr::Closure(c))) if c.inputs.is_empty() => instead(file, &c.body, is_text)?,
        _ => return None,
    };
    let range = file.range(whole);
    let path = path_to(file, range);
    let at = path.iter().position(|node| matches!(node, Node::Expr(e) if file.range(*e) == range))?;
    let instead = match (found.is_held, is_text) {
        (true, _) => "as_deref",
        (false, true) => "as_str",
        (false, false) => "as_slice",
    };
    let mut fact = fact(file, &found, range).capture(instead, found.copy);
    if let Some(literal) = default {
        fact = fact.capture("literal", literal);
    }
    match path[..at].last()? {
        Node::Expr(syn::Expr::MethodCall(outer)) if file.range(&*outer.receiver) == range => {
            is_question(&outer.method.to_string()).then_some(())?;
        }
        // `&copy` as an argument is the reference itself.
        Node::Expr(outer @ syn::Expr::Reference(r)) if r.mutability.is_none() => {
            let is_argument = match path[..at - 1].last()? {
                Node::Expr(syn::Expr::Call(c)) => c.args.iter().any(|a| std::ptr::eq(a, *outer)),
                Node::Expr(syn::Expr::MethodCall(c)) => c.args.iter().any(|a| std::ptr::eq(a, *outer)),
                _ => false,
            };
            is_argument.then_some(())?;
            let start = file.range(*outer).start;
            fact = fact.capture("reference", TextRange { start, end: range.start });
        }
        Node::Stmt(stmt) => {
            let bound =
                shapes::plain_let(stmt).filter(|l| !l.is_mut && l.ty.is_none() && std::ptr::eq(l.value, whole))?;
            let (block, index) = crate::source::stmt_around(file, range)?;
            let (rest, name) = (shapes::rest(block, index), bound.name.to_string());
            let uses = usage::uses(file, &rest, &name);
            let is_compared = |u: &usage::Use| is_text && u.is_bare && u.how == How::Compare && !u.is_captured;
            let is_read = !uses.is_empty() && uses.iter().all(|u| is_read_by_reference(u) || is_compared(u));
            let last = uses.iter().map(|u| u.whole.end).max()?;
            // A loop over the copy goes on to its end.
            let stmts = rest.stmts.iter().map(|s| file.range(s));
            let last = stmts.filter(|s| s.start < last).map(|s| s.end).max()?;
            let is_fixed = is_unchanged_up_to(file, &rest, &found.place, last);
            (is_read && is_fixed && usage::bindings(file, &rest, &name).is_empty()).then_some(())?;
            for u in uses.iter().filter(|u| u.is_bare && u.how == How::Read && file.slice(u.whole).starts_with('&')) {
                fact = fact.capture("reference", TextRange { start: u.whole.start, end: u.name.start });
            }
        }
        _ => return None,
    }
    Some(fact)
}

/// The literal that stands for an owned default once a reference will do; `None` inside for an empty one.
#[allow(clippy::option_option, reason = "no default that is known, an empty one, and a literal are three things")]
fn instead(file: &SourceFile, value: &syn::Expr, is_text: bool) -> Option<Option<TextRange>> {
    let is_new = |name: &str| shapes::call(value, &[name, "new"]).is_some_and(|call| call.args.is_empty());
    let is_empty_list = matches!(value, syn::Expr::Macro(m) if m.mac.path.is_ident("vec") && m.mac.tokens.is_empty());
    if is_text && is_new("String") || !is_text && (is_new("Vec") || is_empty_list) {
        return Some(None);
    }
    let literal = match value {
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            ["to_string", "to_owned", "into"].iter().any(|name| call.method == name).then_some(&*call.receiver)?
        }
        _ => shapes::call(value, &["String", "from"])?.args.first()?,
    };
    let is_literal = matches!(literal, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(_), .. }));
    (is_text && is_literal).then(|| Some(file.range(literal)))
}

/// `option.clone().map(|n| n.len())`, `option.clone().is_some()`, `option.clone().unwrap().len()`.
fn looked_into(file: &SourceFile, call: &syn::ExprMethodCall) -> Option<Fact> {
    let found = copied(file, &call.receiver)?;
    let method = call.method.to_string();
    let closure = match (method.as_str(), call.args.len()) {
        ("is_some" | "is_none", 0) => return Some(fact(file, &found, file.range(&*call.receiver))),
        ("unwrap", 0) | ("expect", 1) => return unwrapped(file, call, &found),
        ("map" | "is_some_and" | "is_none_or" | "and_then", 1) => &call.args[0],
        ("map_or" | "map_or_else", 2) => &call.args[1],
        _ => return None,
    };
    let syn::Expr::Closure(closure) = closure else { return None };
    let [syn::Pat::Ident(name)] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
    let is_plain = name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none();
    let name = name.ident.to_string();
    let uses = usage::uses_in_expr(file, &closure.body, &name);
    let is_bound_again = crate::source::names::bound_in(&closure.body).contains(&name);
    if !is_plain || is_bound_again || uses.is_empty() || !uses.iter().all(looks) {
        return None;
    }
    let fact = fact(file, &found, file.range(&*call.receiver));
    Some(if found.is_held { fact.capture("as_ref", found.copy) } else { fact })
}

/// `option.clone().unwrap().name.len()`: the copy is unwrapped for one question.
fn unwrapped(file: &SourceFile, call: &syn::ExprMethodCall, found: &Copied<'_>) -> Option<Fact> {
    let range = file.range(call);
    let path = path_to(file, range);
    let mut at = path.iter().position(|node| matches!(node, Node::Expr(e) if file.range(*e) == range))?;
    let mut inner = range;
    while let Some(Node::Expr(outer @ syn::Expr::Field(f))) = path[..at].last()
        && file.range(&*f.base) == inner
    {
        inner = file.range(*outer);
        at -= 1;
    }
    match path[..at].last()? {
        Node::Expr(syn::Expr::MethodCall(asked)) if file.range(&*asked.receiver) == inner => {
            is_question(&asked.method.to_string()).then_some(())?;
        }
        _ => return None,
    }
    let fact = fact(file, found, file.range(&*call.receiver));
    Some(if found.is_held { fact.capture("as_ref", found.copy) } else { fact })
}

/// `if let Some(n) = option.clone() { … }`, where the block only looks at `n`.
fn taken_apart(file: &SourceFile, pat: &syn::Pat, value: &syn::Expr, block: &syn::Block) -> Option<Fact> {
    let found = copied(file, value)?;
    shapes::bound_in_variant(pat, "Some")?;
    let [name] = bound_by(pat).try_into().ok()?;
    let name: String = name;
    let uses = usage::uses(file, block, &name);
    let is_fixed = is_unchanged_up_to(file, block, &found.place, u32::MAX);
    if uses.is_empty() || !uses.iter().all(looks) || !usage::bindings(file, block, &name).is_empty() || !is_fixed {
        return None;
    }
    let is_reference = matches!(types::type_of(file, found.option), Some(syn::Type::Reference(_)));
    let fact = fact(file, &found, file.range(value));
    Some(if found.is_held && !is_reference { fact.capture("lent", file.range(found.option)) } else { fact })
}

/// `match option.clone() { Some(n) => …, None => … }`, where the arm only looks at `n`.
fn matched(file: &SourceFile, node: &syn::ExprMatch) -> Option<Fact> {
    let [first, second] = node.arms.as_slice() else { return None };
    let is_some = |arm: &syn::Arm| shapes::bound_in_variant(&arm.pat, "Some").is_some();
    let (some, none) = if is_some(first) { (first, second) } else { (second, first) };
    let is_none = matches!(&none.pat, syn::Pat::Ident(p) if p.ident == "None") || matches!(none.pat, syn::Pat::Wild(_));
    let brace_token = syn::token::Brace::default();
    let body = syn::Block { brace_token, stmts: vec![syn::Stmt::Expr((*some.body).clone(), None)] };
    if is_none { taken_apart(file, &some.pat, &node.expr, &body) } else { None }
}

/// True if the use means the same of a reference: parts that are given away are left alone.
fn looks(u: &usage::Use) -> bool {
    is_read_by_reference(u) && u.how != How::Value && (u.how != How::Compare || !u.is_bare)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const ITEMS: &str =
        "struct S { note: Option<String>, tags: Option<Vec<u8>>, by: HashMap<String, Vec<u8>>, owner: Option<Owner> }";

    #[test]
    fn fires_where_the_copy_is_only_read() {
        for text in [
            "impl S { fn f(&self) -> usize { $0self.note.clone().unwrap_or_default()$0.trim().len() } }",
            "fn f(s: &S) -> bool { $0s.note.clone().unwrap_or(String::new())$0.is_empty() }",
            "fn f(s: &S) -> bool { $0s.note.clone().unwrap_or_else(|| \"none\".to_string())$0.starts_with('a') }",
            "fn f(s: &S) -> usize { $0s.tags.clone().unwrap_or_else(Vec::new)$0.len() }",
            "fn f(s: &S) { g(&$0s.note.clone().unwrap_or_default()$0); }",
            "fn f(s: &S) { let note = $0s.note.clone().unwrap_or_default()$0; g(&note); h(note.len()); }",
            "impl S { fn f(&self, k: &str) -> Option<u8> { let ids = $0self.by.get(k).cloned().unwrap_or_default()$0; ids.iter().copied().max() } }",
            "fn f(s: &S) -> Option<usize> { $0s.note.clone()$0.map(|n| n.len()) }",
            "fn f(s: &S) -> bool { $0s.owner.clone()$0.is_some_and(|o| o.name.is_empty()) }",
            "fn f(s: &S) -> usize { $0s.note.clone()$0.map_or(0, |n| n.trim().len()) }",
            "fn f(s: &S) -> bool { $0s.note.clone()$0.is_some() }",
            "fn f(s: &S) { if let Some(n) = $0s.note.clone()$0 { g(&n); } }",
            "fn f(s: &S) -> usize { match $0s.owner.clone()$0 { Some(o) => o.tags.len(), None => 0 } }",
            "fn f(s: &S) -> usize { $0s.owner.clone()$0.unwrap().name.len() }",
            "fn f(s: &S) -> bool { $0s.note.clone()$0.expect(\"set\").is_empty() }",
            "fn f(note: &Option<String>) { if let Some(n) = $0note.clone()$0 { println!(\"{n}\"); } else { h(); } }",
        ] {
            check(&RULE, &format!("{ITEMS} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        for text in [
            // Kept, moved, changed, captured.
            "fn f(s: &S) -> String { s.note.clone().unwrap_or_default() }",
            "fn f(s: &S) { g(s.note.clone().unwrap_or_default()); }",
            "fn f(s: &S) { let mut n = s.note.clone().unwrap_or_default(); n.push('a'); g(&n); }",
            "fn f(s: &S) -> String { let n = s.note.clone().unwrap_or_default(); g(&n); n }",
            "fn f(s: &S) { let n = s.note.clone().unwrap_or_default(); spawn(move || g(&n)); }",
            "fn f(s: &S) -> Option<String> { s.note.clone().map(|n| n + \"a\") }",
            "fn f(s: &S) -> Option<T> { s.owner.clone().map(|o| o.name) }",
            "fn f(s: &S) -> Option<T> { s.owner.clone().map(|o| keep(o)) }",
            "fn f(s: &S) { if let Some(n) = s.note.clone() { keep(n); } }",
            "fn f(s: &S) { if let Some(n) = s.note.clone() { spawn(move || g(&n)); } }",
            "fn f(s: &S) -> T { match s.owner.clone() { Some(o) => o.name, None => none() } }",
            "fn f(s: &S) -> Owner { s.owner.clone().unwrap() }",
            "fn f(s: &S) -> T { s.owner.clone().unwrap().name }",
            "fn f(s: &mut S, k: &str) { let ids = s.by.get(k).cloned().unwrap_or_default(); for id in &ids { s.by.remove(&key(id)); } }",
            "impl S { fn f(&mut self, k: &str) { let ids = self.by.get(k).cloned().unwrap_or_default(); for id in &ids { self.go(*id); } } fn go(&mut self, id: u8) {} }",
            "fn f(s: &mut S) { if let Some(n) = s.note.clone() { s.note = None; g(&n); } }",
            "fn f(s: &S) { for n in s.tags.clone().unwrap_or_default() { g(n); } }",
            "fn f(s: &S) -> bool { s.note.clone().is_some_and(|n| n == name()) }",
            // Another default, another type, a handle.
            "fn f(s: &S) -> usize { s.note.clone().unwrap_or(name()).len() }",
            "fn f(s: &S) -> usize { s.note.clone().unwrap_or_else(|| format!(\"{}\", 1)).len() }",
            "fn f(o: &O) -> usize { o.note.clone().unwrap_or_default().len() }",
            "fn f(n: Option<u64>) -> bool { n.clone().is_some() }",
            "fn f(n: &Option<Arc<O>>) -> bool { n.clone().is_some_and(|o| o.is_on()) }",
            "fn f(n: &Option<Owner>) -> usize { n.clone().unwrap_or_default().len() }",
            "fn f(s: &S) -> usize { s.name().clone().unwrap_or_default().len() }",
            "fn f(s: &S) -> usize { s.note.as_deref().unwrap_or_default().len() }",
            "#[test] fn f() { s.note.clone().unwrap_or_default().len(); }",
        ] {
            check_ignores(&RULE, &[&format!("{ITEMS} {text}")]);
        }
    }
}
