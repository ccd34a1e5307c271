//! Loops that make a new text or vector in each round, fill it, look at it and throw it away.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{self, mentions};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("buffer-per-round"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "buffer made anew in each round of a loop",
    explain: EXPLAIN,
    triggers: &["String", "Vec", "format", "read"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let mut buffer = String::new();` (or `Vec::new()`, `with_capacity(…)` of a literal) at the head of a loop's body,
where the round fills the buffer and only lends it out; and `let key = format!(…);` at that place, where something is asked for the key and the text is only lent out.

## Why it costs

Each round allocates, grows and frees a block that the next round asks for again.

## Before

```rust
for row in rows {
    let mut line = String::new();
    render(row, &mut line);
    out.write_all(line.as_bytes())?;
}
```

## After

```rust
let mut line = String::new();
for row in rows {
    line.clear();
    render(row, &mut line);
    out.write_all(line.as_bytes())?;
}
```

A text is formatted by `write!` into a buffer that is cleared before. It is cleared where it was made, so that rounds that are cut short by `continue` or `?` leave nothing behind. The buffer
keeps the size of its largest round until the loop has ended.

## When it is refused

The buffer is moved, returned, stored or captured; its name means something else around the loop; its elements are not
plain data (asked of rustc: clearing at the start of the next round drops them later than before); what is lent from the
buffer outlives the round (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            let (around, body) = match stmt {
                syn::Stmt::Expr(expr @ syn::Expr::ForLoop(l), _) => (expr, &l.body),
                syn::Stmt::Expr(expr @ syn::Expr::While(l), _) => (expr, &l.body),
                syn::Stmt::Expr(expr @ syn::Expr::Loop(l), _) => (expr, &l.body),
                _ => continue,
            };
            found.extend((0..body.stmts.len()).filter_map(|index| {
                buffer(file, block, stmt, around, body, index)
                    .or_else(|| refilled(file, block, stmt, around, body, index))
            }));
        }
    }
    found
}

fn buffer(
    file: &SourceFile,
    outside: &syn::Block,
    stmt: &syn::Stmt,
    around: &syn::Expr,
    body: &syn::Block,
    index: usize,
) -> Option<Fact> {
    let formatted = |l: &shapes::Let<'_>| formatted(l).is_some();
    let made = shapes::plain_let(&body.stmts[index])
        .filter(|l| (l.is_mut && is_empty_buffer(l.value)) || (!l.is_mut && formatted(l)))?;
    let name = made.name.to_string();
    let rest = shapes::rest(body, index);
    let uses = usage::uses(file, &rest, &name);
    let is_filled = uses.iter().any(|u| match &u.how {
        How::Mutate => true,
        How::Method(method) => FILLS.contains(&method.as_str()),
        _ => false,
    }) || rest.stmts.iter().any(|s| is_written_to(s, &name));
    let is_lent = uses.iter().all(|u| match &u.how {
        How::Read | How::Compare | How::Mutate => true,
        How::Method(method) if method == "capacity" => false,
        How::Method(method) => usage::is_reading_method(method) || FILLS.contains(&method.as_str()),
        How::Iterated | How::Scrutinee | How::Value | How::Opaque => !u.is_bare,
    });
    let is_filled = if made.is_mut { is_filled } else { !is_filled && is_looked_up(file, &rest, &uses) };
    let is_captured = uses.iter().any(|u| u.is_captured);
    let is_rebound = !usage::bindings(file, &rest, &name).is_empty();
    if !is_filled || !is_lent || is_captured || is_rebound || uses.iter().any(|u| is_replaced(file, u)) {
        return None;
    }
    // Around the loop the name must mean nothing: before the `let` in the body, in the loop's head, in the block.
    let inside = shapes::count(&rest, &name) + shapes::count(&body.stmts[index], &name);
    let elsewhere = shapes::count(outside, &name) != inside;
    if elsewhere {
        return None;
    }
    let fact = Fact::at(file, file.range(&body.stmts[index]))
        .capture("name", file.span_range(made.name.span()))
        .capture("after", rest.stmts.first().map(|s| file.range(s))?)
        .capture("before", file.range(stmt))
        .capture("loop", file.range(around))
        .note("message", format!("`{name}` is allocated anew in each round and thrown away at its end"));
    Some(match self::formatted(&made) {
        Some(mac) => fact.capture("arguments", shapes::inside(file, mac)),
        None => fact,
    })
}

/// A block of zeros that each round makes to read into, of which it looks at nothing but what was read.
fn refilled(
    file: &SourceFile,
    outside: &syn::Block,
    stmt: &syn::Stmt,
    around: &syn::Expr,
    body: &syn::Block,
    index: usize,
) -> Option<Fact> {
    let made = shapes::plain_let(&body.stmts[index]).filter(|l| l.is_mut && is_zeroed(l.value))?;
    let name = made.name.to_string();
    let rest = shapes::rest(body, index);
    let reading = |stmt: &syn::Stmt| {
        let bound = shapes::plain_let(stmt).filter(|l| !l.is_mut)?;
        let call = shapes::exprs_in(bound.value).into_iter().find_map(|e| shapes::method(e, "read", 1))?;
        let syn::Expr::Reference(lent) = &call.args[0] else { return None };
        (lent.mutability.is_some() && shapes::is_name(&lent.expr, made.name)).then(|| bound.name.to_string())
    };
    let (at, count) = rest.stmts.iter().enumerate().find_map(|(at, stmt)| Some((at, reading(stmt)?)))?;
    let after = shapes::rest(&rest, at);
    let wanted = format!("{name}[..{count}]");
    let is_what_was_read = |u: &usage::Use| {
        let place: String = file.slice(u.place).split_whitespace().collect();
        place == wanted && !u.is_captured && !matches!(u.how, How::Mutate | How::Opaque)
    };
    let uses = usage::uses(file, &rest, &name);
    let looks = usage::uses(file, &after, &name);
    let is_fresh = [&name, &count].iter().all(|name| usage::bindings(file, &after, name).is_empty());
    if !is_fresh || uses.len() != looks.len() + 1 || !looks.iter().all(is_what_was_read) {
        return None;
    }
    let inside = shapes::count(&rest, &name) + shapes::count(&body.stmts[index], &name);
    if shapes::count(outside, &name) != inside {
        return None;
    }
    Some(
        Fact::at(file, file.range(&body.stmts[index]))
            .capture("name", file.span_range(made.name.span()))
            .capture("refilled", file.range(&rest.stmts[at]))
            .capture("after", file.range(rest.stmts.first()?))
            .capture("before", file.range(stmt))
            .capture("loop", file.range(around))
            .note("message", format!("`{name}` is allocated and zeroed anew for each read")),
    )
}

/// `vec![0; N]`, `[0; N]`, of constants.
fn is_zeroed(value: &syn::Expr) -> bool {
    fn is_constant(expr: &syn::Expr) -> bool {
        match expr {
            syn::Expr::Lit(_) => true,
            syn::Expr::Binary(b) => is_constant(&b.left) && is_constant(&b.right),
            syn::Expr::Paren(p) => is_constant(&p.expr),
            syn::Expr::Path(p) => p.path.segments.last().is_some_and(|s| {
                let name = s.ident.to_string();
                name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            }),
            _ => false,
        }
    }
    let repeated = match value {
        syn::Expr::Repeat(r) => Some(((*r.expr).clone(), (*r.len).clone())),
        _ => shapes::macro_call(value, "vec").and_then(|mac| {
            let tokens = &mac.tokens;
            let repeat: syn::ExprRepeat = syn::parse2(quote::quote! { [#tokens] }).ok()?;
            Some((*repeat.expr, *repeat.len))
        }),
    };
    repeated.is_some_and(|(element, length)| is_constant(&element) && is_constant(&length))
}

/// True if the text is a key that something is asked for: it serves the round and is gone.
fn is_looked_up(file: &SourceFile, rest: &syn::Block, uses: &[usage::Use]) -> bool {
    const LOOKUPS: &[&str] =
        &["get", "get_mut", "contains", "contains_key", "remove", "starts_with", "ends_with", "strip_prefix", "find"];
    let is_key = |argument: &syn::Expr| {
        let range = file.range(argument);
        uses.iter().any(|u| u.is_bare && u.whole == range && matches!(&u.how, How::Read))
            || matches!(argument, syn::Expr::MethodCall(c) if c.method == "as_str" && uses.iter().any(|u| u.whole == range))
    };
    shapes::exprs(rest).into_iter().any(|expr| match expr {
        syn::Expr::MethodCall(call) => {
            LOOKUPS.contains(&call.method.to_string().as_str()) && call.args.iter().any(is_key)
        }
        _ => false,
    })
}

/// The macro of `let text = format!("…", …);` that formats at least one argument.
fn formatted<'a>(bound: &shapes::Let<'a>) -> Option<&'a syn::Macro> {
    let mac = shapes::macro_call(bound.value, "format")?;
    let arguments = names::arguments(mac)?;
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = arguments.first()? else { return None };
    let is_text = bound.ty.is_none_or(|ty| types::head(ty).as_deref() == Some("String"));
    (is_text && text.value().contains('{')).then_some(mac)
}

/// Methods of `String` and `Vec` that fill them.
const FILLS: &[&str] = &[
    "push",
    "push_str",
    "extend",
    "extend_from_slice",
    "insert",
    "insert_str",
    "resize",
    "append",
    "clear",
    "truncate",
    "pop",
    "sort",
    "sort_unstable",
    "dedup",
    "reserve",
    "retain",
    "reverse",
    "sort_by",
    "sort_by_key",
];

fn is_empty_buffer(value: &syn::Expr) -> bool {
    let makes = |path: &[&str]| shapes::call(value, path);
    if let Some(call) = makes(&["String", "new"]).or_else(|| makes(&["Vec", "new"])) {
        return call.args.is_empty();
    }
    let sized = makes(&["String", "with_capacity"]).or_else(|| makes(&["Vec", "with_capacity"]));
    sized.is_some_and(|call| call.args.len() == 1 && matches!(call.args[0], syn::Expr::Lit(_)))
}

/// `write!(buffer, …)` writes, although its arguments look as if they were only read.
fn is_written_to(stmt: &syn::Stmt, name: &str) -> bool {
    let mac = match stmt {
        syn::Stmt::Macro(m) => &m.mac,
        syn::Stmt::Expr(expr, _) => match shapes::chain_root(match expr {
            syn::Expr::Try(t) => &t.expr,
            other => other,
        }) {
            syn::Expr::Macro(m) => &m.mac,
            _ => return false,
        },
        syn::Stmt::Local(local) => match local.init.as_ref().map(|i| &*i.expr) {
            Some(syn::Expr::Macro(m)) => &m.mac,
            _ => return false,
        },
        _ => return false,
    };
    let is_write = mac.path.segments.last().is_some_and(|s| s.ident == "write" || s.ident == "writeln");
    let first =
        || mac.tokens.clone().into_iter().take_while(|t| t.to_string() != ",").collect::<proc_macro2::TokenStream>();
    is_write && mentions(&first(), name)
}

/// `buffer = other` gives the next round another buffer, and `&mut buffer` in `take` or `swap` gives it away.
fn is_replaced(file: &SourceFile, u: &usage::Use) -> bool {
    let whole = file.slice(u.whole);
    let around = file.text[..u.whole.start as usize].trim_end();
    u.how == How::Mutate
        && ((u.is_bare && !whole.starts_with('&'))
            || ["take(", "replace(", "swap("].iter().any(|call| around.ends_with(call)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_buffers_that_are_filled_and_lent() {
        for text in [
            "fn f(xs: &[R]) { for x in xs { $0let mut s = String::new();$0 render(x, &mut s); g(&s); } }",
            "fn f(xs: &[R]) { for x in xs { $0let mut s = String::with_capacity(64);$0 s.push_str(&x.a); s.push('!'); out(s.as_bytes()); } }",
            "fn f(xs: &[R]) -> io::Result<()> { for x in xs { $0let mut s = Vec::new();$0 s.extend_from_slice(x); w.write_all(&s)?; } Ok(()) }",
            "fn f(xs: &[R]) { for x in xs { let y = x.next(); if y.is_none() { continue; } $0let mut s: Vec<u8> = Vec::new();$0 s.push(1); g(&s); } }",
            "fn f(r: &mut R) { loop { $0let mut b = vec![0u8; 64 * 1024];$0 let n = r.read(&mut b)?; if n == 0 { break; } for x in &b[..n] { g(*x); } } }",
            "fn f(r: &mut R) { loop { $0let mut b = [0; SIZE];$0 let n = r.read(&mut b).unwrap(); if n == 0 { break; } w.write_all(&b[..n]); } }",
            "fn f() { while more() { $0let mut s = String::new();$0 read(&mut s); println!(\"{s}\"); } }",
            "fn f() { loop { $0let mut s = String::new();$0 if stdin().read_line(&mut s).unwrap() == 0 { break; } g(s.trim()); } }",
            "fn f(xs: &[R]) { for x in xs { $0let mut s = String::new();$0 write!(s, \"{}\", x).unwrap(); g(&s); } }",
            "fn f(xs: &[R], m: &M) { for x in xs { $0let k = format!(\"{}_{}\", x.a, x.b);$0 if let Some(n) = m.get(&k) { g(n); } } }",
            "fn f(xs: &[R]) { while more() { $0let k: String = format!(\"{n}\");$0 if m.contains_key(k.as_str()) { g(); } } }",
            "fn f(xs: &[R]) -> R { for x in xs { $0let mut s = String::new();$0 let _ = write!(&mut s, \"{}\", x); if s.is_empty() { return bad(); } g(&s); } ok() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // More than what was read is looked at, or the block is given away.
                "fn f(r: &mut R) { loop { let mut b = vec![0u8; 64]; let n = r.read(&mut b)?; if n == 0 { break; } g(&b); } }",
                "fn f(r: &mut R) { loop { let mut b = vec![0u8; 64]; let n = r.read(&mut b)?; if n == 0 { break; } b.truncate(n); tx.send(b); } }",
                "fn f(r: &mut R) { loop { let mut b = vec![0u8; 64]; let n = r.read(&mut b)?; let n = n + 1; g(&b[..n]); } }",
                "fn f(r: &mut R, k: usize) { loop { let mut b = vec![0u8; k]; let n = r.read(&mut b)?; g(&b[..n]); } }",
                // The buffer escapes its round.
                "fn f(xs: &[R]) { for x in xs { let mut s = String::new(); r(x, &mut s); out.push(s); } }",
                "fn f(xs: &[R]) -> String { for x in xs { let mut s = String::new(); r(x, &mut s); return s; } z() }",
                "fn f(xs: &[R]) { for x in xs { let mut s = String::new(); r(x, &mut s); spawn(move || g(&s)); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = String::new(); r(x, &mut s); tx.send(s); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = Vec::new(); s.push(x); let b = s.into_boxed_slice(); g(&b); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = Vec::new(); s.push(x); for y in s { g(y); } } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = String::new(); s.push('a'); keep(std::mem::take(&mut s)); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = String::new(); s.push('a'); s = other(s.len()); g(&s); } }",
                // The name means something else outside.
                "fn f(xs: &[R], s: &str) { for x in xs { g(s); let mut s = String::new(); r(x, &mut s); h(&s); } }",
                "fn f(xs: &[R]) { let s = 1; for x in xs { let mut s = String::new(); r(x, &mut s); h(&s); } g(s); }",
                // A text that is kept, changed, constant, or made in some rounds.
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"{x}\"); v.push(k); } }",
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"{x}\"); m.insert(k, 1); } }",
                "fn f(xs: &[R]) -> String { for x in xs { let k = format!(\"{x}\"); if g(&k) { return k; } } z() }",
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"{x:.2}\"); v.push(k.parse::<f64>()); } }",
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"{x}\"); w.write_all(k.as_bytes()); w.sync(); } }",
                "fn f(xs: &[R]) { for x in xs { let mut k = format!(\"{x}\"); k.push('a'); g(&k); } }",
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"{x}\"); spawn(move || g(&k)); } }",
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"all\"); g(&k); } }",
                "fn f(xs: &[R]) { for x in xs { if x.a { let k = format!(\"{x}\"); g(&k); } } }",
                "fn f(xs: &[R]) { for x in xs { let k = format!(\"{x}\").len(); g(k); } }",
                // Not a buffer, not filled, not in a loop, not empty.
                "fn f(xs: &[R]) { for x in xs { let mut s = Buffer::new(); r(x, &mut s); h(&s); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = HashMap::new(); r(x, &mut s); h(&s); } }",
                "fn f(xs: &[R]) { for x in xs { let s = String::new(); h(&s); } }",
                "fn f() { let mut s = String::new(); r(&mut s); h(&s); }",
                "fn f(xs: &[R]) { for x in xs { let mut s = String::from(\"a\"); s.push('b'); h(&s); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = Vec::with_capacity(x.len()); r(x, &mut s); h(&s); } }",
                "fn f(xs: &[R]) { for x in xs { let mut s = String::new(); r(x, &mut s); show!(s); } }",
                "fn f(xs: &[R]) { for x in xs { if a { let mut s = String::new(); r(x, &mut s); h(&s); } } }",
            ],
        );
    }
}
