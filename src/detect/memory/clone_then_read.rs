//! A copy that is bound to a name, or made for one argument, and only read through references.

use super::clone_of_iterated;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::bound_by;
use crate::source::usage::{self, How, PlacePath, Use};
use crate::source::{self, SourceFile, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("clone-then-read"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "a copy is made and only read",
    explain: EXPLAIN,
    triggers: &["clone", "to_vec", "to_owned", "to_string"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
`let name = place.clone();` (or `to_vec`, `to_owned`, `to_string` of a text or a part of it), and `name` is only read through references
afterwards, while nothing changes the place.

## Why it costs

The copy allocates and copies what a reference would have shown: for a list of structs with strings, once per string.

## Before

```rust
let lines = order.items.to_vec();
if matching_amount(&lines, rule) >= rule.threshold {
    hit(rule);
}
```

## After

```rust
let lines = &order.items;
if matching_amount(lines, rule) >= rule.threshold {
    hit(rule);
}
```

## When it is refused

- The copy is moved, changed, captured by a closure or an `async` block, or seen by a macro whose meaning is not known.
- The place may change while the copy is in use: a snapshot is not a copy too many.
- The type's `Clone` is not plain data: `Rc`, `Arc`, channel senders and guards mean something by being cloned.
- rustc does not accept the borrow.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (i, stmt) in block.stmts.iter().enumerate() {
            if let syn::Stmt::Local(local) = stmt {
                found.extend(copied_local(file, block, i, local));
            }
        }
    }
    found
}

/// A copy of a place.
struct Copied<'a> {
    /// What is copied.
    source: &'a syn::Expr,
    place: PlacePath,
}

/// The place that `place.clone()` and its kin copy, where names and types say that it is plain data.
fn copied_place<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<Copied<'a>> {
    let syn::Expr::MethodCall(copy) = expr else { return None };
    let method = copy.method.to_string();
    if !copy.args.is_empty() || !["clone", "to_vec", "to_owned", "to_string"].contains(&method.as_str()) {
        return None;
    }
    // What is lent of a text or a list says as much as it does.
    let source = match &*copy.receiver {
        syn::Expr::MethodCall(lent)
            if lent.args.is_empty() && (lent.method == "as_str" || lent.method == "as_slice") =>
        {
            &*lent.receiver
        }
        other => other,
    };
    let place = usage::place(part_of(file, source).unwrap_or(source))?;
    let ty = types::type_of(file, source);
    let head = ty.as_ref().and_then(|ty| types::head(types::strip(ty)));
    let is_text = matches!(head.as_deref(), Some("str" | "String"));
    let is_lent = !std::ptr::eq(source, &*copy.receiver);
    if is_lent && !is_text && head.as_deref() != Some("Vec") {
        return None;
    }
    let is_shared = head.as_deref().is_some_and(is_shared_by_cloning);
    let is_cheap = ty.as_ref().is_some_and(|ty| types::is_primitive(types::strip(ty)));
    let is_self = place.root == "self" && place.fields.is_empty();
    let is_known_enough = head.is_some() || !place.fields.is_empty();
    let fits = match method.as_str() {
        "to_string" => is_text,
        // What has a name of its own may have a `to_vec` of its own.
        "to_vec" if !ty.as_ref().is_none_or(|ty| is_list(types::strip(ty))) => false,
        // `self.clone()` and copies of what is not known at all are left alone.
        _ => is_known_enough && !is_shared && !is_cheap && !is_self,
    };
    fits.then_some(Copied { source, place })
}

/// The place of which a text or a list is lent a part: `text` of `text.trim()` and `text[..4]`.
fn part_of<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<&'a syn::Expr> {
    const PARTS: &[&str] =
        &["trim", "trim_end", "trim_end_matches", "trim_matches", "trim_start", "trim_start_matches"];
    let (whole, is_text) = match expr {
        syn::Expr::MethodCall(call) if PARTS.iter().any(|name| call.method == name) => {
            let is_plain = call.args.iter().all(|arg| matches!(arg, syn::Expr::Lit(_)));
            (is_plain.then_some(&*call.receiver)?, true)
        }
        syn::Expr::Index(part) => (matches!(*part.index, syn::Expr::Range(_)).then_some(&*part.expr)?, false),
        _ => return None,
    };
    let whole = part_of(file, whole).unwrap_or(whole);
    let ty = types::type_of(file, whole)?;
    let is_of_text = matches!(types::head(types::strip(&ty)).as_deref(), Some("str" | "String"));
    let is_of_list = !is_text && is_list(types::strip(&ty));
    (is_of_text || is_of_list).then_some(whole)
}

/// True for a slice, an array or a `Vec`.
fn is_list(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Slice(_) | syn::Type::Array(_)) || types::head(ty).as_deref() == Some("Vec")
}

/// Types for which a clone is a handle on the same thing, or says something by being made.
pub(super) fn is_shared_by_cloning(head: &str) -> bool {
    const NAMES: &[&str] = &[
        "Arc",
        "Rc",
        "Weak",
        "Sender",
        "SyncSender",
        "Receiver",
        "UnboundedSender",
        "Waker",
        "Handle",
        "Cell",
        "RefCell",
        "Range",
        "RangeInclusive",
        "Instant",
        "Duration",
        "Mutex",
        "RwLock",
        "Peekable",
        "Chars",
        "Bytes",
        "BytesMut",
        "Iter",
    ];
    NAMES.contains(&head) || head.starts_with("Atomic") || head.ends_with("Guard") || head.ends_with("Iter")
}

fn copied_local(file: &SourceFile, block: &syn::Block, index: usize, local: &syn::Local) -> Option<Fact> {
    let init = local.init.as_ref().filter(|init| init.diverge.is_none())?;
    let (pat, ty) = match &local.pat {
        syn::Pat::Type(t) => (&*t.pat, Some(&*t.ty)),
        other => (other, None),
    };
    let syn::Pat::Ident(syn::PatIdent { ident, mutability: None, by_ref: None, subpat: None, .. }) = pat else {
        return None;
    };
    let name = ident.to_string();
    let Copied { source, place } = copied_place(file, &init.expr)?;
    let rest = up_to_shadow(block, index, &name);
    if !usage::bindings(file, &rest, &name).is_empty() || !usage::bindings(file, &rest, &place.root).is_empty() {
        return None;
    }
    let uses = usage::uses(file, &rest, &name);
    // A text is compared with a text through a reference as well, or rustc says that it is not.
    let head = types::type_of(file, source).and_then(|ty| types::head(types::strip(&ty)));
    let is_text = matches!(head.as_deref(), Some("str" | "String"));
    let is_compared = |u: &Use| is_text && u.is_bare && u.how == How::Compare && !u.is_captured;
    let is_walked = |u: &Use| is_walked_and_read(file, source, u);
    if uses.is_empty() || !uses.iter().all(|u| is_read_by_reference(u) || is_compared(u) || is_walked(u)) {
        return None;
    }
    let last = uses.iter().map(|u| u.whole.end).max()?;
    if !is_unchanged_up_to(file, &rest, &place, last) {
        return None;
    }
    let message = format!("`{}` is copied into `{name}`, which is only read", file.text_of(source));
    let copy = file.range(&*init.expr);
    let method = TextRange { start: file.range(source).end, end: copy.end };
    let mut fact = Fact::at(file, copy)
        .capture("source", file.range(source))
        .capture("copy", method)
        .capture("name", file.span_range(ident.span()))
        .note("message", message);
    if let Some(ty) = ty {
        fact = fact.capture("type", file.range(ty));
    }
    if let Some(whole) = part_of(file, source) {
        fact = fact.capture("whole", file.range(whole));
    }
    for u in uses.iter().filter(|u| u.is_bare && u.how == How::Read && file.slice(u.whole).starts_with('&')) {
        fact = fact.capture("reference", u.whole);
    }
    Some(fact)
}

/// The statements in which the name still stands for what this `let` binds: up to the one that binds it anew, of which the
/// value belongs to them.
fn up_to_shadow(block: &syn::Block, index: usize, name: &str) -> syn::Block {
    let mut stmts = Vec::new();
    for stmt in &block.stmts[index + 1..] {
        match stmt {
            syn::Stmt::Local(local) if bound_by(&local.pat).iter().any(|bound| bound == name) => {
                let init =
                    local.init.as_ref().map(|init| syn::Stmt::Expr((*init.expr).clone(), Some(local.semi_token)));
                let is_plain = local.init.as_ref().is_none_or(|init| init.diverge.is_none());
                stmts.push(init.filter(|_| is_plain).unwrap_or_else(|| stmt.clone()));
                break;
            }
            other => stmts.push(other.clone()),
        }
    }
    syn::Block { brace_token: block.brace_token, stmts }
}

/// `for item in copy { … }` of a collection of std, with a body that reads its items as if they were lent.
fn is_walked_and_read(file: &SourceFile, source: &syn::Expr, u: &Use) -> bool {
    if !u.is_bare || u.how != How::Iterated || u.is_captured {
        return false;
    }
    let around = source::path_to(file, u.name).into_iter().rev().find_map(|node| match node {
        source::Node::Expr(syn::Expr::ForLoop(l)) => Some(l),
        _ => None,
    });
    let names = around.and_then(|l| Some((l, clone_of_iterated::bound_names(&l.pat)?)));
    let is_known = || types::type_of(file, source).is_some_and(|ty| clone_of_iterated::is_collection(&ty));
    names.is_some_and(|(l, names)| clone_of_iterated::elements_are_read(file, &l.body, &names)) && is_known()
}

/// A use that means the same if the name is a reference.
pub(super) fn is_read_by_reference(u: &Use) -> bool {
    let is_read = match &u.how {
        How::Read => true,
        // Who copies the copy wants what it owns.
        How::Method(name) => {
            usage::is_reading_method(name) && !["clone", "to_owned", "to_vec"].contains(&name.as_str())
        }
        // A part that is used by value is copied out, or the borrow checker objects.
        How::Value | How::Compare => !u.is_bare,
        _ => false,
    };
    is_read && !u.is_captured
}

/// True if nothing up to a place changes, moves or locks what is copied, by what can be seen.
pub(super) fn is_unchanged_up_to(file: &SourceFile, rest: &syn::Block, place: &PlacePath, last: u32) -> bool {
    usage::uses(file, rest, &place.root)
        .iter()
        .filter(|u| u.name.start < last && usage::may_overlap(place, &place.root, &u.fields))
        .all(|u| match &u.how {
            How::Method(name) if u.is_bare && place.root == "self" => !source::takes_self_mutably(file, name),
            _ => !u.is_change(),
        })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_copies_that_are_only_read() {
        check(
            &RULE,
            "fn f(order: &Order) { let lines = $0order.items.to_vec()$0; if total(&lines) > 3 { g(lines.len()); } }",
        );
        check(&RULE, "fn f(entry: &Entry) -> u8 { let stored = $0entry.body.clone()$0; parse(&stored) }");
        check(&RULE, "fn f(key: &String) -> bool { let k = $0key.clone()$0; k == \"all\" || k.starts_with('a') }");
        check(&RULE, "fn f(path: &[String]) { let p = $0path.to_vec()$0; g(&p); }");
        check(&RULE, "fn f(key: &str) { let key2 = $0key.to_owned()$0; println!(\"{key2}\"); }");
        check(&RULE, "fn f(key: &str) { let key2 = $0key.to_string()$0; g(&key2); }");
        check(
            &RULE,
            "fn f() -> R { let t = String::from_utf8(raw)?; let owned = $0t.as_str().to_string()$0; parse(&owned) }",
        );
        check(&RULE, "struct S { xs: Vec<u8> } fn f(s: &S) { let own = $0s.xs.as_slice().to_vec()$0; g(&own); }");
        check(&RULE, "fn f(m: &M, raw: &str) -> bool { let key = $0raw.trim().to_owned()$0; m.has(&key) }");
        check(&RULE, "fn f(m: &M, raw: String) -> bool { let key = $0raw[..4].to_string()$0; m.has(&key) }");
        check(&RULE, "fn f(xs: &[u8]) -> u8 { let head = $0xs[..4].to_vec()$0; sum(&head) }");
        check(&RULE, "fn f(xs: &[u8]) { for part in xs.chunks(4) { let own = $0part.to_vec()$0; g(&own); } }");
        check(
            &RULE,
            "struct M { xs: Vec<H> } fn f(m: &M) { let xs = $0m.xs.clone()$0; for x in xs { out.push_str(&x.name); } }",
        );
        check(
            &RULE,
            "fn f(q: String) -> String { let q = $0q.trim().to_owned()$0; let q = q.trim_end_matches('.').to_owned(); q }",
        );
        check(
            &RULE,
            "fn f(r: &str) { let q = match r.strip_prefix('a') { Some(q) => q.to_string(), None => other() }; let k = $0q.trim().to_owned()$0; g(&k); }",
        );
        check(&RULE, "fn f(xs: &[String]) { xs.iter().for_each(|x| { let own = $0x.clone()$0; g(&own); }); }");
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Moved, changed, returned, stored, captured, hidden.
                "fn f(r: &R) { let n = r.name.clone(); out.push(n); }",
                "fn f(r: &R) { let mut n = r.name.clone(); n.push('a'); }",
                "fn f(r: &R) -> String { let n = r.name.clone(); g(&n); n }",
                "fn f(r: &R) { let n = r.name.clone(); S { n } }",
                "fn f(r: &R) { let n = r.name.clone(); spawn(move || g(&n)); }",
                "fn f(r: &R) { let n = r.name.clone(); spawn(async move { g(&n) }); }",
                "fn f(r: &R) { let n = r.name.clone(); send!(n); }",
                "fn f(r: &R) { let n = r.name.clone(); for c in n { g(c); } }",
                "struct M { xs: Vec<H> } fn f(m: &M) { let xs = m.xs.clone(); for x in xs { out.push(x.name); out.push(x); } }",
                "struct M { xs: Vec<H> } fn f(m: &M) { let xs = m.xs.clone(); for mut x in xs { x.n += 1; } }",
                "struct M { xs: Vec<H> } fn f(m: &M) { let xs = m.xs.clone(); for x in xs.into_iter() { g(&x); } }",
                "struct M { xs: Vec<H> } fn f(m: &mut M) { let xs = m.xs.clone(); for x in xs { m.xs.push(x.next()); } }",
                "fn f(m: &M) { let xs = m.xs.clone(); for x in xs { g(&x); } }",
                "struct M { xs: Peekable<I> } fn f(m: &M) { let xs = m.xs.clone(); for x in xs { g(&x); } }",
                // Bound anew by what keeps it, or in a branch alone.
                "fn f(r: &R) { let n = r.name.clone(); let n = n; g(&n); }",
                "fn f(r: &R) { let n = r.name.clone(); let n = wrap(n); g(&n); }",
                "fn f(r: &R) { let n = r.name.clone(); if a { let n = 1; g(&n); } g(&n); }",
                // A snapshot of what changes.
                "fn f(r: &mut R) { let n = r.name.clone(); r.name.clear(); g(&n); }",
                "fn f(r: &mut R) { let n = r.name.clone(); r.name = other(); g(&n); }",
                "fn f(r: &mut R) { let n = r.name.clone(); change(&mut r.name); g(&n); }",
                "struct S { n: String } impl S { fn h(&mut self) {} fn f(&mut self) { let n = self.n.clone(); self.h(); g(&n); } }",
                // The guard is dropped in between.
                "fn f(m: &M) { let g = m.lock(); let n = g.name.clone(); drop(g); h(&n); }",
                // Clones that mean something, and copies of numbers.
                "fn f(a: Arc<Foo>) { let b = a.clone(); g(&b); }",
                "fn f(tx: Sender<u8>) { let t = tx.clone(); g(&t); }",
                "fn f(n: u32) { let m = n.clone(); g(&m); let t = n.to_string(); g(&t); }",
                // A method of its own that makes something else.
                "fn f(path: &DocPath) { let path = path.to_vec(); g(&path); }",
                // A part of what is computed, or of what nobody knows; a part that is moved.
                "fn f(m: &M) { let n = m.name().trim().to_owned(); g(&n); }",
                "fn f(p: &Pages) { let n = p[1..].to_vec(); g(&n); }",
                "fn f(raw: &str) -> String { let n = raw.trim().to_owned(); g(&n); n }",
                "fn f(raw: &mut String) { let n = raw.trim().to_owned(); raw.clear(); g(&n); }",
                // Behind a call, or of a type that nothing names.
                "fn f(m: &M) { let n = m.lock().unwrap().name.clone(); g(&n); }",
                "fn f() { let a = make(); let b = a.clone(); g(&b); }",
                // Compared as a value.
                "fn f(r: &R) -> bool { let n = r.name.clone(); n == other }",
                // Copied on: what is owned is wanted.
                "fn f(k: &str) { let k = k.to_owned(); m.insert(k.clone(), 1); q.push(k.clone()); }",
                // Never read.
                "fn f(r: &R) { let n = r.name.clone(); }",
            ],
        );
    }
}
