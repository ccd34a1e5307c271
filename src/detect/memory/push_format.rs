//! Functions in; those out that format a text only to push it onto another.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::functions;
use crate::source::names::{self, mentions, root};
use crate::source::usage::{self, place};
use crate::source::{SourceFile, shapes, types};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("push-format"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "text formatted only to be pushed onto another",
    explain: EXPLAIN,
    triggers: &["format"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `text.push_str(&format!(…))`, `text += &format!(…)` and `text = text + &format!(…)`. All places of a function are one proposal with several hunks.

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
    for function in functions(file).into_iter().filter(|f| !f.is_test && f.sig.constness.is_none()) {
        let blocks = shapes::blocks_in(function.block);
        let sites: Vec<Site> = blocks.iter().flat_map(|b| &b.stmts).filter_map(|stmt| site(file, stmt)).collect();
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
            fact.captures.push(("arguments", shapes::inside(file, site.mac)));
        }
        found.push(fact);
    }
    found
}

struct Site<'a> {
    whole: &'a syn::Expr,
    text: &'a syn::Expr,
    mac: &'a syn::Macro,
}

fn site<'a>(file: &SourceFile, stmt: &'a syn::Stmt) -> Option<Site<'a>> {
    let syn::Stmt::Expr(whole, Some(_)) = stmt else { return None };
    let (text, pushed) = match whole {
        syn::Expr::MethodCall(call) if call.method == "push_str" && call.args.len() == 1 => {
            (&*call.receiver, &call.args[0])
        }
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::AddAssign(_)) => (&*b.left, &*b.right),
        // The text is moved out, grown and moved back.
        syn::Expr::Assign(a) => match &*a.right {
            syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Add(_)) && shapes::same(&*a.left, &*b.left) => {
                (&*a.left, &*b.right)
            }
            _ => return None,
        },
        _ => return None,
    };
    let formatted = match pushed {
        syn::Expr::Reference(r) if r.mutability.is_none() => &*r.expr,
        syn::Expr::MethodCall(call) if call.method == "as_str" && call.args.is_empty() => &*call.receiver,
        _ => return None,
    };
    let mac = shapes::macro_call(formatted, "format").filter(|mac| !mac.tokens.is_empty())?;
    let name = root(text)?;
    let known = types::type_of(file, text).and_then(|ty| types::head(types::strip(&ty)));
    let is_other = known.is_some_and(|head| head != "String");
    let is_plain = place(text).is_some_and(|p| p.is_plain);
    (is_plain && !is_other && !looks_at(file, mac, text, &name.to_string())).then_some(Site { whole, text, mac })
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
