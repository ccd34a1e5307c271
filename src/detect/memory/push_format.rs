//! Functions in; those out that format a text only to push it onto another.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{self, mentions, plain_name, root};
use crate::source::usage::{self, place};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("push-format"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "text formatted only to be pushed onto another",
    explain: EXPLAIN,
    triggers: &["format", "push_str"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `text.push_str(&format!(…))`, `text += &format!(…)`, `text = text + &format!(…)`, the same with a name for what is pushed,
`text.push_str(&number.to_string())`, and `text = format!(\"{text}…\")`. All places of a function are one proposal with several hunks.

## Why it costs

Each `format!` allocates a text of its own, grows it, copies it onto the other and frees it. `write!` formats where the
text is wanted.

## Before

```rust
for item in items {
    page.push_str(&format!(\"{}: {}\\n\", item.name, item.price));
}
```

## After

```rust
use std::fmt::Write as _;
for item in items {
    let _ = write!(page, \"{}: {}\\n\", item.name, item.price);
}
```

A `String` takes whatever is written, so there is no error to look at. Only a `Display` that fails or panics half-way could
tell the two apart: what it wrote before is then in the text.

## When it is refused

What is pushed onto is no `String` of std (asked of rustc); the arguments look at the text they are pushed onto.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers).filter(|f| f.sig.constness.is_none()) {
        let blocks = shapes::blocks_in(function.block);
        let sites: Vec<Site> = blocks.iter().flat_map(|block| sites(file, block)).collect();
        let Some(first) = sites.first() else { continue };
        let count = sites.len();
        let message = match count {
            1 => "a text is formatted, copied onto another and thrown away".to_owned(),
            _ => format!("{count} texts are formatted, copied onto another and thrown away"),
        };
        let mut fact = Fact::at(file, file.range(first.whole)).note("message", message);
        for site in &sites {
            fact.captures.push(("site", file.range(site.whole)));
            fact.captures.push(("text", file.range(site.text)));
            fact.captures.push(("arguments", site.arguments));
            let marks = [("shown", site.kind == Kinds::Shown), ("grown", site.kind == Kinds::Grown)];
            fact.captures
                .extend(marks.iter().filter(|(_, is_it)| *is_it).map(|(name, _)| (*name, file.range(site.whole))));
            fact.captures.extend(site.bound.map(|range| ("let", range)));
        }
        found.push(fact);
    }
    found
}

/// How the formatted text is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// `format!(…)`
    Formatted,
    /// `number.to_string()`
    Shown,
    /// `text = format!("{}…", text, …)`
    Grown,
}

struct Site<'a> {
    whole: &'a syn::Expr,
    text: &'a syn::Expr,
    arguments: TextRange,
    kind: Kinds,
    /// The `let` that names the text before it is pushed.
    bound: Option<TextRange>,
}

fn sites<'a>(file: &SourceFile, block: &'a syn::Block) -> Vec<Site<'a>> {
    let mut found = Vec::new();
    for (index, stmt) in block.stmts.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|at| shapes::plain_let(&block.stmts[at])).filter(|l| !l.is_mut);
        found.extend(
            site(file, stmt).or_else(|| grown(file, stmt)).or_else(|| named(file, block, index, before.as_ref()?)),
        );
    }
    found
}

/// The text that a statement pushes onto, and what it pushes.
fn pushed(stmt: &syn::Stmt) -> Option<(&syn::Expr, &syn::Expr, &syn::Expr)> {
    let syn::Stmt::Expr(whole, Some(_)) = stmt else { return None };
    match whole {
        syn::Expr::MethodCall(call) if call.method == "push_str" && call.args.len() == 1 => {
            Some((whole, &*call.receiver, &call.args[0]))
        }
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::AddAssign(_)) => Some((whole, &*b.left, &*b.right)),
        // The text is moved out, grown and moved back.
        syn::Expr::Assign(a) => match &*a.right {
            syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Add(_)) && shapes::same(&*a.left, &*b.left) => {
                Some((whole, &*a.left, &*b.right))
            }
            _ => None,
        },
        _ => None,
    }
}

fn site<'a>(file: &SourceFile, stmt: &'a syn::Stmt) -> Option<Site<'a>> {
    let (whole, text, pushed) = pushed(stmt)?;
    let formatted = match pushed {
        syn::Expr::Reference(r) if r.mutability.is_none() => &*r.expr,
        syn::Expr::MethodCall(call) if call.method == "as_str" && call.args.is_empty() => &*call.receiver,
        _ => return None,
    };
    if let Some(shown) = shapes::method(formatted, "to_string", 0) {
        // What is a text already is pushed as it is.
        let ty = types::type_of(file, &shown.receiver)?;
        let is_number = types::is_primitive(types::strip(&ty)) && types::head(types::strip(&ty))? != "char";
        let is_apart = is_number && is_text(file, text)? && !mentions(&shown.receiver, &root(text)?.to_string());
        let arguments = file.range(&*shown.receiver);
        return is_apart.then_some(Site { whole, text, arguments, kind: Kinds::Shown, bound: None });
    }
    let mac = shapes::macro_call(formatted, "format").filter(|mac| !mac.tokens.is_empty())?;
    let is_apart = is_text(file, text)? && !looks_at(file, mac, text, &root(text)?.to_string());
    let arguments = shapes::inside(file, mac);
    is_apart.then_some(Site { whole, text, arguments, kind: Kinds::Formatted, bound: None })
}

/// `let row = format!(…);` before `text.push_str(&row);`, where nothing else uses the name.
fn named<'a>(file: &SourceFile, block: &'a syn::Block, index: usize, bound: &shapes::Let<'_>) -> Option<Site<'a>> {
    let (whole, text, pushed) = pushed(&block.stmts[index])?;
    let syn::Expr::Reference(lent) = pushed else { return None };
    let mac = shapes::macro_call(bound.value, "format").filter(|mac| !mac.tokens.is_empty())?;
    let is_used_later = shapes::rest(block, index).stmts.iter().any(|stmt| mentions(stmt, &bound.name.to_string()));
    if !shapes::is_name(&lent.expr, bound.name)
        || lent.mutability.is_some()
        || is_used_later
        || shapes::is_name(text, bound.name)
    {
        return None;
    }
    let is_apart = is_text(file, text)? && !looks_at(file, mac, text, &root(text)?.to_string());
    let (arguments, range) = (shapes::inside(file, mac), file.range(bound.local));
    is_apart.then_some(Site { whole, text, arguments, kind: Kinds::Formatted, bound: Some(range) })
}

/// `text = format!("{}{}\n", text, line);` and `text = format!("{text}{line}\n");`
fn grown<'a>(file: &SourceFile, stmt: &'a syn::Stmt) -> Option<Site<'a>> {
    let syn::Stmt::Expr(whole @ syn::Expr::Assign(a), Some(_)) = stmt else { return None };
    let mac = shapes::macro_call(&a.right, "format")?;
    let arguments = names::arguments(mac)?;
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(literal), .. }) = arguments.first()? else { return None };
    let name = root(&a.left)?.to_string();
    let value = literal.value();
    let is_named = plain_name(&a.left).is_some() && value.starts_with(&format!("{{{name}}}"));
    let (rest, others) = match arguments.get(1) {
        Some(first) if value.starts_with("{}") && shapes::same(first, &*a.left) => (&value[2..], &arguments[2..]),
        _ if is_named => (&value[name.len() + 2..], &arguments[1..]),
        _ => return None,
    };
    // What follows may not count the arguments, or look at the text once more.
    let counts = rest.contains("{0") || rest.contains("{1") || rest.contains('$') || rest.contains(".*");
    let looks = others.iter().any(|other| mentions(other, &name)) || names::captures(rest, &name);
    let is_said = file.text_of(literal).starts_with('"') && !rest.is_empty();
    let inside = shapes::inside(file, mac);
    (is_text(file, &a.left)? && !counts && !looks && is_said).then_some(Site {
        whole,
        text: &a.left,
        arguments: inside,
        kind: Kinds::Grown,
        bound: None,
    })
}

/// True for a place that may be a `String`.
fn is_text(file: &SourceFile, text: &syn::Expr) -> Option<bool> {
    let known = types::type_of(file, text).and_then(|ty| types::head(types::strip(&ty)));
    let is_other = known.is_some_and(|head| head != "String");
    Some(place(text)?.is_plain && !is_other)
}

/// True if the arguments may look at the text itself: by its name, through a method of what holds it, or unseen.
fn looks_at(file: &SourceFile, mac: &syn::Macro, text: &syn::Expr, name: &str) -> bool {
    if !mentions(&mac.tokens, name) {
        return false;
    }
    let (Some(place), Some(arguments)) = (place(text), names::arguments(mac)) else { return true };
    let is_captured = arguments.iter().any(|a| matches!(a, syn::Expr::Lit(_)) && mentions(a, name));
    let overlaps = |argument: &syn::Expr| {
        let uses = usage::uses_in_expr(file, argument, name);
        uses.is_empty() && mentions(argument, name)
            || uses.iter().any(|u| u.is_captured || usage::may_overlap(&place, name, &u.fields))
    };
    is_captured || arguments.iter().any(overlaps)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_each_way_to_push_a_formatted_text() {
        for text in [
            "fn f(s: &mut String, n: u8) { $0s.push_str(&format!(\"{n}\"))$0; }",
            "fn f(n: u8) -> String { let mut s = String::new(); $0s.push_str(&format!(\"{}\", n))$0; s }",
            "fn f(n: u8) -> String { let mut s = String::new(); $0s += &format!(\"{}\", n)$0; s }",
            "fn f(n: u8) -> String { let mut s = String::new(); $0s = s + &format!(\"{}\", n)$0; s }",
            "fn f(s: &mut String, n: u64) { $0s.push_str(&n.to_string())$0; }",
            "struct P { n: u32 } fn f(xs: &[P]) -> String { let mut s = String::new(); for x in xs { $0s.push_str(&x.n.to_string())$0; } s }",
            "fn f(s: &mut String, n: u8) { let row = format!(\"{n}|\"); $0s.push_str(&row)$0; }",
            "fn f(xs: &[P]) -> String { let mut s = String::new(); for x in xs { $0s = format!(\"{}{}\\n\", s, x.name)$0; } s }",
            "fn f(mut s: String, x: &P) -> String { $0s = format!(\"{s}{}\", x.name)$0; s }",
            "fn f(n: u8) { let mut s = String::new(); $0s.push_str(format!(\"{}\", n).as_str())$0; g(s); }",
            "struct P { out: String } impl P { fn f(&mut self, n: u8) { $0self.out.push_str(&format!(\"{n:>5}\"))$0; } }",
            "fn f(xs: &[u8], s: &mut String) { for x in xs { if *x > 1 { $0s.push_str(&format!(\"{x},\"))$0; } } }",
            "fn f(p: &mut Page) { $0p.text += &format!(\"<{}>\", p_name())$0; }",
            "fn f(xs: &[u8], s: &mut String) { xs.iter().for_each(|x| { $0s.push_str(&format!(\"{x}\"))$0; }); }",
            "fn f(p: &mut P) { $0p.out.push_str(&format!(\"{}\", p.name))$0; }",
            "async fn f(s: &mut String) { let n = g().await; $0s.push_str(&std::format!(\"{n}\"))$0; }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn the_places_of_a_function_are_one_finding() {
        check(
            &RULE,
            "fn f(s: &mut String) { $0s.push_str(&format!(\"{}\", 1))$0; s.push_str(&format!(\"{}\", 2)); } fn g(s: &mut String) { $0s.push_str(&format!(\"{}\", 3))$0; }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(s: &mut String) { s.push_str(\"a\"); }",
                "fn f(s: &mut String, t: &str) { s.push_str(&t); }",
                // The argument looks at the text itself.
                "fn f(s: &mut String) { s.push_str(&format!(\"{}\", s.len())); }",
                "fn f(s: &mut String) { s.push_str(&format!(\"{s}\")); }",
                "fn f(p: &mut P) { p.out.push_str(&format!(\"{}\", p.name())); }",
                "fn f(p: &mut P) { p.out.push_str(&format!(\"{}\", p.out.len())); }",
                "fn f(s: String, n: u8) -> String { let t = s + &format!(\"{n}\"); t }",
                "fn f(mut s: String, t: String, n: u8) -> String { s = t + &format!(\"{n}\"); s }",
                "fn f(mut s: String, n: u8) -> String { s = format!(\"{n}\") + &s; s }",
                "fn f(s: &mut String, t: &str) { s.push_str(&t.to_string()); }",
                "fn f(s: &mut String, t: &T) { s.push_str(&t.to_string()); }",
                "fn f(s: &mut String, n: u8) { let row = format!(\"{n}|\"); s.push_str(&row); g(&row); }",
                "fn f(s: &mut String, n: u8) { let row = format!(\"{n}|\"); h(); s.push_str(&row); }",
                "fn f(mut s: String, n: u8) -> String { s = format!(\"{n}{s}\"); s }",
                "fn f(mut s: String, n: u8) -> String { s = format!(\"{}{}{}\", s, n, s); s }",
                "fn f(mut s: String, n: u8) -> String { s = format!(\"{}{1}{0}\", s, n); s }",
                "fn f(s: String, n: u8) -> String { let t = format!(\"{s}{n}\"); t }",
                // Other types that have a `push_str`.
                "struct Rope; fn f(s: &mut Rope) { s.push_str(&format!(\"{}\", 1)); }",
                "fn f(b: &mut Vec<u8>) { b.extend_from_slice(&format!(\"{}\", 1).into_bytes()); }",
                "fn f(p: &mut PathBuf) { p.push(&format!(\"{}\", 1)); }",
                // The text is kept, returned or pushed as an element.
                "fn f(v: &mut Vec<String>) { v.push(format!(\"{}\", 1)); }",
                "fn f(s: &mut String) { let t = format!(\"{}\", 1); s.push_str(&t); g(t); }",
                // A number is added, not a text.
                "fn f(n: &mut u64) { *n += &count(1); }",
                // The place is computed: it would be found twice or at another time.
                "fn f(p: &P) { p.page().push_str(&format!(\"{}\", 1)); }",
                "fn f(v: &mut [String], i: usize) { v[i].push_str(&format!(\"{}\", 1)); }",
                // Its value is used, and a macro hides it.
                "fn f(s: &mut String) -> () { s.push_str(&format!(\"{}\", 1)) }",
                "fn f(s: &mut String) { m! { s.push_str(&format!(\"{}\", 1)); } }",
                "#[test] fn f() { let mut s = String::new(); s.push_str(&format!(\"{}\", 1)); }",
            ],
        );
    }
}
