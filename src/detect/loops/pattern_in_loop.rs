//! Patterns that each round of a loop compiles anew although nothing they are made of changes.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::{Function, functions};
use crate::source::invariants::{is_fixed, parts};
use crate::source::names::{imports, peel, root};
use crate::source::usage::{self, How};
use crate::source::{Node, SourceFile, path_to, shapes, stmt_around};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("pattern-in-loop"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "pattern compiled anew in each round of a loop",
    explain: EXPLAIN,
    triggers: &["Regex", "RegexSet", "Pattern", "Url", "AhoCorasick"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `Regex::new(pattern)`, `RegexSet::new`, `glob::Pattern::new`, `AhoCorasick::new` and `Url::parse` in a loop, of a text
that does not change in it, with `?`, `.unwrap()` or `.expect(\"…\")` behind. Literals are left to `regex-in-function`.

## Why it costs

Each round parses and compiles the same pattern: tens of microseconds up to milliseconds, and dozens of allocations.

## Before

```rust
for line in lines {
    let re = Regex::new(&filter.pattern).unwrap();
    if re.is_match(line) {
        hits += 1;
    }
}
```

## After

```rust
let re_once = std::cell::OnceCell::new();
for line in lines {
    let re = re_once.get_or_init(|| Regex::new(&filter.pattern).unwrap());
    if re.is_match(line) {
        hits += 1;
    }
}
```

It is compiled by the first round that needs it: a loop that runs zero times compiles nothing, so that a pattern that cannot
be compiled fails when it failed before, and what earlier rounds did is done. With `?`, the value is kept in an `Option`.

## When it is refused

What the pattern is made of may change in the loop; the compiled value is moved, stored or lent beyond the round (rustc does
not accept it); its error is handled in place; the type is not that of the crate known by this name; the package promises to
build with a Rust older than 1.70.
";

/// What is compiled, the function that does it, and the crate it is of.
const COMPILED: &[(&str, &str, &str)] = &[
    ("Regex", "new", "regex"),
    ("RegexSet", "new", "regex"),
    ("Pattern", "new", "glob"),
    ("Url", "parse", "url"),
    ("AhoCorasick", "new", "aho_corasick"),
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = functions(file).into_iter().filter(|function| !function.is_test);
    all.flat_map(|function| {
        let exprs = shapes::exprs(function.block);
        exprs.into_iter().filter_map(move |expr| compiled(file, &function, expr)).collect::<Vec<_>>()
    })
    .collect()
}

fn compiled(file: &SourceFile, function: &Function<'_>, expr: &syn::Expr) -> Option<Fact> {
    let (made, behind) = shapes::fallible(file, expr);
    if behind.is_empty() {
        return None;
    }
    let (ty, maker, krate) = COMPILED.iter().find(|(ty, maker, _)| shapes::call(made, &[ty, maker]).is_some())?;
    let call = shapes::call(made, &[ty, maker])?;
    let [text] = call.args.iter().collect::<Vec<_>>()[..] else { return None };
    if !is_of(file, call, ty, krate) {
        return None;
    }
    let of = made_of(text)?;
    let site = file.range(expr);
    let before = around(file, function, expr, &of)?;
    let (block, index) = stmt_around(file, site)?;
    let named = shapes::plain_let(&block.stmts[index])
        .filter(|l| l.ty.is_none() && !l.is_mut && file.range(l.value) == site)
        .map(|l| l.name);
    match named {
        Some(name) => {
            let rest = shapes::rest(block, index);
            let name = name.to_string();
            let uses = usage::uses(file, &rest, &name);
            let is_lent = uses.iter().all(|u| matches!(u.how, How::Method(_) | How::Read) && !u.is_captured);
            if !is_lent || uses.is_empty() || !usage::bindings(file, &rest, &name).is_empty() {
                return None;
            }
        }
        // With `?` a value without a name would need a block of its own.
        None if behind == "?" || !is_receiver(file, function, site) => return None,
        None => {}
    }
    let message = format!("this {ty} is compiled in each round of a loop although what it is made of never changes");
    let mut fact = Fact::at(file, site).capture("before", before).note("message", message);
    if let Some(name) = named {
        fact = fact.capture("name", file.span_range(name.span()));
    }
    if behind == "?" {
        fact = fact.capture("question", site);
    }
    Some(fact)
}

/// True if the call names the type of that crate, by its path or by an import.
fn is_of(file: &SourceFile, call: &syn::ExprCall, ty: &str, krate: &str) -> bool {
    let syn::Expr::Path(path) = &*call.func else { return false };
    let is_from = |full: &String| full.split("::").next() == Some(krate);
    match path.path.segments.len() {
        2 => {
            let all = imports(file, ty);
            !all.is_empty() && all.iter().all(is_from)
        }
        _ => path.path.segments.first().is_some_and(|s| s.ident == krate),
    }
}

/// The places that the text is made of; `None` for a literal, or for what cannot be told.
fn made_of(text: &syn::Expr) -> Option<Vec<syn::Expr>> {
    let inner = shapes::unreferenced(text);
    if let Some(place) = usage::place(inner) {
        return place.is_plain.then(|| vec![inner.clone()]);
    }
    match shapes::method(inner, "as_str", 0) {
        Some(call) => {
            let inner = peel(&call.receiver);
            usage::place(inner).filter(|p| p.is_plain).map(|_| vec![inner.clone()])
        }
        None => parts(inner),
    }
}

/// The statement around the outermost loop in which nothing of these changes.
fn around(file: &SourceFile, function: &Function<'_>, made: &syn::Expr, of: &[syn::Expr]) -> Option<TextRange> {
    let site = file.range(made);
    let mut statement = None;
    let mut found = None;
    for node in path_to(file, site) {
        match node {
            Node::Stmt(stmt) => statement = Some(stmt),
            Node::Expr(expr) => {
                let body = match expr {
                    syn::Expr::ForLoop(l) => Some(&l.body),
                    syn::Expr::While(l) => Some(&l.body),
                    syn::Expr::Loop(l) => Some(&l.body),
                    // What a closure or a future does, it does when somebody calls it.
                    syn::Expr::Closure(_) | syn::Expr::Async(_) => return None,
                    _ => None,
                };
                let is_body = body.is_some_and(|b| file.span_range(b.brace_token.span.join()).contains(site));
                if let Some(stmt) = statement.filter(|_| is_body && found.is_none())
                    && of
                        .iter()
                        .all(|part| is_fixed(function, part, expr, stmt) || is_used_once(file, part, stmt, made))
                {
                    found = Some(file.range(stmt));
                }
            }
            _ => {}
        }
    }
    found
}

/// True if the statement around the loop speaks of a local nowhere but in what is compiled: then nothing there changes it.
fn is_used_once(file: &SourceFile, part: &syn::Expr, stmt: &syn::Stmt, made: &syn::Expr) -> bool {
    let Some(name) = root(part).map(ToString::to_string).filter(|name| name != "self") else { return false };
    let only = syn::Block { brace_token: syn::token::Brace::default(), stmts: vec![stmt.clone()] };
    usage::bindings(file, &only, &name).is_empty() && shapes::count(stmt, &name) == shapes::count(made, &name)
}

/// True if the value is only what a method is called on.
fn is_receiver(file: &SourceFile, function: &Function<'_>, site: TextRange) -> bool {
    shapes::exprs(function.block)
        .iter()
        .any(|e| matches!(e, syn::Expr::MethodCall(call) if file.range(&*call.receiver) == site))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_parts_stay_the_same() {
        for body in [
            "fn f(p: &str, xs: &[S]) { for x in xs { let re = $0Regex::new(p).unwrap()$0; if re.is_match(x) { g(); } } }",
            "fn f(p: &str, xs: &[S]) -> R { for x in xs { let re = $0Regex::new(p)?$0; g(re.find(x), &re); } Ok(()) }",
            "fn f(c: &C, xs: &[S]) { for x in xs { if $0Regex::new(&c.pattern).expect(\"a pattern\")$0.is_match(x) { g(); } } }",
            "fn f(w: &str, xs: &[S]) { for x in xs { let re = $0Regex::new(&format!(\"^{w}-\\\\d+$\")).unwrap()$0; g(re.is_match(x)); } }",
            "impl S { fn f(&self) { for x in &self.xs { for y in x { let re = $0Regex::new(&self.pattern).unwrap()$0; g(re.is_match(y)); } } } }",
            "fn f(p: String, mut q: Q) { while let Some(x) = q.pop() { if x.hot { let re = $0Regex::new(p.as_str()).unwrap()$0; g(re.is_match(x.s)); } } }",
            "fn f(p: &[String], xs: &[S]) { for q in p { for x in xs { let re = $0regex::Regex::new(q).unwrap()$0; g(re.is_match(x)); } } }",
            "fn f(p: &[String], xs: &[S]) { loop { let set = $0RegexSet::new(p).unwrap()$0; g(set.is_match(next())); } }",
        ] {
            check(&RULE, &format!("use regex::{{Regex, RegexSet}}; {body}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            // It changes.
            "fn f(ps: &[String], x: &str) { for p in ps { let re = Regex::new(p).unwrap(); g(re.is_match(x)); } }",
            "fn f(mut p: String, xs: &[S]) { for x in xs { let re = Regex::new(&p).unwrap(); g(re.is_match(x)); p.push('a'); } }",
            "fn f(c: &mut C, xs: &[S]) { for x in xs { let re = Regex::new(&c.pattern).unwrap(); g(re.is_match(x)); c.reload(); } }",
            "fn f(c: &mut C, xs: &[S]) { for x in xs { let re = Regex::new(&c.pattern).unwrap(); g(re.is_match(x)); reload(c); } }",
            "fn f(xs: &[S]) { for x in xs { let p = x.pattern(); let re = Regex::new(&p).unwrap(); g(re.is_match(x)); } }",
            "fn f(xs: &[S]) { for x in xs { let re = Regex::new(&format!(\"{x}\")).unwrap(); g(re.is_match(x)); } }",
            // It is kept, or its error is looked at.
            "fn f(p: &str, xs: &[S], out: &mut V) { for x in xs { let re = Regex::new(p).unwrap(); out.push(re); } }",
            "fn f(p: &str, xs: &[S]) { for x in xs { let re = Regex::new(p).unwrap(); spawn(move || re.is_match(x)); } }",
            "fn f(p: &str, xs: &[S]) { for x in xs { let Ok(re) = Regex::new(p) else { continue }; g(re.is_match(x)); } }",
            "fn f(p: &str, xs: &[S]) { for x in xs { match Regex::new(p) { Ok(re) => g(re.is_match(x)), Err(_) => {} } } }",
            "fn f(p: &str, xs: &[S]) -> R { for x in xs { take(Regex::new(p)?); } Ok(()) }",
            "fn f(p: &str, xs: &[S]) { for x in xs { let re = Regex::new(p).unwrap(); let re = wrap(&re); g(re.is_match(x)); } }",
            // No loop, or one that is not run here.
            "fn f(p: &str, x: &str) -> bool { let re = Regex::new(p).unwrap(); re.is_match(x) }",
            "fn f(p: &str, xs: &[S]) { for x in xs { later(|| { let re = Regex::new(p).unwrap(); re.is_match(x) }); } }",
            // A literal is for a static, and a regex of one's own is not known.
            "fn f(xs: &[S]) { for x in xs { let re = Regex::new(\"a+\").unwrap(); g(re.is_match(x)); } }",
            "fn f(p: &str, xs: &[S]) { for x in xs { let re = mine::Regex::new(p).unwrap(); g(re.is_match(x)); } }",
            "#[test] fn f() { for x in xs { let re = Regex::new(p).unwrap(); g(re.is_match(x)); } }",
        ]
        .iter()
        .map(|body| format!("use regex::Regex; {body}"))
        .chain(["fn f(p: &str, xs: &[S]) { for x in xs { let re = Regex::new(p).unwrap(); g(re.is_match(x)); } }".to_owned()])
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
