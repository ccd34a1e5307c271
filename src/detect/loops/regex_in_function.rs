//! Functions in; the regular expressions out that they compile from a literal each time they are called.

use syn::visit::{self, Visit};

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::functions::{Function, functions, head};
use crate::source::names::{bound_by, imports, mentions, peel};
use crate::source::{SourceFile, stmt_around};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("regex-in-function"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "regular expression compiled anew on each call",
    explain: EXPLAIN,
    triggers: &["Regex", "RegexSet"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds `Regex::new(\"…\").unwrap()` (or `.expect(\"…\")`, and `RegexSet`) with a literal pattern inside a function.

## Why it costs

The pattern is parsed and compiled to automata on each call, and in a loop on each round: tens of microseconds up to
milliseconds and dozens of allocations, for a value that never changes.

## Before

```rust
let sku = Regex::new(r\"^[A-Z]{3}-\\d{6}$\").unwrap();
sku.is_match(text)
```

## After

```rust
static SKU: std::sync::LazyLock<Regex> = std::sync::LazyLock::new(|| Regex::new(r\"^[A-Z]{3}-\\d{6}$\").unwrap());
SKU.is_match(text)
```

It is compiled at the first use and lives as long as the program. The static stands where the `let` stood, so that nothing
else sees it.

## When it is refused

The pattern is not a literal, or its error is handled (`?`, `match`, `if let`): then it may change or fail. The regex is
moved, returned or stored. `Regex` is not that of the `regex` crate. The function builds its own type, or returns a regex:
then it may be called once.
";

/// Types of the regex crate whose `new` compiles.
const TYPES: &[&str] = &["Regex", "RegexSet"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in functions(file) {
        if function.is_test || constructs(&function) {
            continue;
        }
        let mut walk = Compiled { file, loops: 0, found: Vec::new() };
        walk.visit_block(function.block);
        // `main` runs once.
        if function.sig.ident == "main" && function.self_ty.is_none() {
            walk.found.retain(|(_, _, loops)| *loops > 0);
        }
        for (whole, ty, loops) in walk.found {
            let mut fact = Fact::at(file, file.range(whole));
            fact.captures.extend(lifetime(file, fact.site).into_iter().map(|place| ("also", place)));
            fact.notes.push(("type", ty));
            fact.notes.push(("loops", loops.to_string()));
            found.push(fact);
        }
    }
    found
}

/// Where a compiled pattern that has a name costs besides its compilation: its first use, which sets up the caches of a
/// new pattern, and the end of its block, which frees them.
fn lifetime(file: &SourceFile, site: TextRange) -> Vec<TextRange> {
    let Some((block, index)) = stmt_around(file, site) else { return Vec::new() };
    let syn::Stmt::Local(local) = &block.stmts[index] else { return Vec::new() };
    let [name] = &bound_by(&local.pat)[..] else { return Vec::new() };
    let first = block.stmts[index + 1..].iter().find(|stmt| mentions(*stmt, name)).map(|s| file.range(s).start);
    let last = file.range(block).end - 1;
    first.into_iter().chain([last]).map(|at| TextRange { start: at, end: at + 1 }).collect()
}

/// True where what is compiled may be kept by the caller: the function returns its own type or a regular expression.
fn constructs(function: &Function<'_>) -> bool {
    let syn::ReturnType::Type(_, output) = &function.sig.output else { return false };
    let own = function.self_ty.map(head).unwrap_or_default();
    mentions(output, "Self")
        || (!own.is_empty() && mentions(output, &own))
        || TYPES.iter().any(|ty| mentions(output, ty))
}

fn judge(rule: &Rule, facts: &[FileFacts]) -> Vec<Finding> {
    let one = |file: &FileFacts, fact: &Fact| {
        let often = if fact.word("loops").unwrap_or_default() == "0" { "each call" } else { "each round of a loop" };
        let message = format!(
            "this {} is compiled on {often} although its pattern never changes",
            fact.word("type").unwrap_or_default()
        );
        rule.finding(&file.file, fact, message)
    };
    facts.iter().flat_map(|file| file.facts.iter().map(move |fact| one(file, fact))).collect()
}

struct Compiled<'a> {
    file: &'a SourceFile,
    loops: usize,
    found: Vec<(&'a syn::Expr, String, usize)>,
}

impl<'a> Compiled<'a> {
    fn in_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.loops += 1;
        visit(self);
        self.loops -= 1;
    }
}

impl<'a> Visit<'a> for Compiled<'a> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match compiled_type(self.file, node) {
            Some(ty) => self.found.push((node, ty, self.loops)),
            None => visit::visit_expr(self, node),
        }
    }

    fn visit_expr_for_loop(&mut self, node: &'a syn::ExprForLoop) {
        self.visit_expr(&node.expr);
        self.in_loop(|this| this.visit_block(&node.body));
    }

    fn visit_expr_while(&mut self, node: &'a syn::ExprWhile) {
        self.in_loop(|this| visit::visit_expr_while(this, node));
    }

    fn visit_expr_loop(&mut self, node: &'a syn::ExprLoop) {
        self.in_loop(|this| visit::visit_expr_loop(this, node));
    }

    // The initialiser of a lazy cell runs once.
    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        if !matches!(node.method.to_string().as_str(), "get_or_init" | "call_once" | "get_or_insert_with") {
            visit::visit_expr_method_call(self, node);
        }
    }

    fn visit_expr_call(&mut self, node: &'a syn::ExprCall) {
        let lazy = matches!(&*node.func, syn::Expr::Path(path) if path.path.segments.iter()
            .any(|s| matches!(s.ident.to_string().as_str(), "LazyLock" | "LazyCell" | "Lazy")));
        if !lazy {
            visit::visit_expr_call(self, node);
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// `Regex` of `Regex::new("literal").unwrap()`.
fn compiled_type(file: &SourceFile, expr: &syn::Expr) -> Option<String> {
    let syn::Expr::MethodCall(unwrap) = expr else { return None };
    let literal_message = unwrap.args.iter().all(|arg| matches!(arg, syn::Expr::Lit(_)));
    if !matches!(unwrap.method.to_string().as_str(), "unwrap" | "expect") || !literal_message {
        return None;
    }
    let syn::Expr::Call(new) = peel(&unwrap.receiver) else { return None };
    let syn::Expr::Path(path) = &*new.func else { return None };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let [before @ .., ty, last] = segments.as_slice() else { return None };
    let constant = new.args.len() == 1 && is_literal(&new.args[0]);
    let from_regex = match before {
        [] => imports(file, ty).iter().any(|full| full.starts_with("regex::")),
        [krate, ..] => krate == "regex",
    };
    (last == "new" && TYPES.contains(&ty.as_str()) && constant && from_regex).then(|| ty.clone())
}

/// A string literal, or an array of them, borrowed or not.
fn is_literal(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Str(_)),
        syn::Expr::Array(array) => array.elems.iter().all(is_literal),
        syn::Expr::Reference(reference) => is_literal(&reference.expr),
        syn::Expr::Macro(mac) => mac.mac.path.is_ident("concat"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    #[track_caller]
    fn fires_on(body: &str, site: &str) {
        check_sites(&RULE, &format!("use regex::Regex; fn f(s: &str) {{ {body} }}"), &[site]);
    }

    #[track_caller]
    fn ignores_body(body: &str) {
        check_ignores(&RULE, &[&format!("use regex::Regex; fn f(s: &str) {{ {body} }}")]);
    }

    #[test]
    fn fires_on_a_literal_pattern_in_a_function_and_in_a_loop() {
        fires_on(r#"let p = Regex::new(r"^\d+$").unwrap(); p.is_match(s);"#, r#"Regex::new(r"^\d+$").unwrap()"#);
        fires_on(
            r#"for l in s.lines() { Regex::new("a").expect("fine").is_match(l); }"#,
            r#"Regex::new("a").expect("fine")"#,
        );
        fires_on(
            r#"let p = regex::RegexSet::new(["a", "b"]).unwrap();"#,
            r#"regex::RegexSet::new(["a", "b"]).unwrap()"#,
        );
        fires_on(r#"let p = regex::bytes::Regex::new("a").unwrap();"#, r#"regex::bytes::Regex::new("a").unwrap()"#);
    }

    #[test]
    fn ignores_patterns_that_are_no_literals() {
        ignores_body("let p = Regex::new(s).unwrap();");
        ignores_body(r#"let p = Regex::new(&format!("^{s}")).unwrap();"#);
        ignores_body(r#"let p = regex::RegexSet::new(["a", s]).unwrap();"#);
    }

    #[test]
    fn ignores_errors_that_are_handled() {
        check_ignores(&RULE, &[r#"use regex::Regex; fn f() -> Result<(), E> { let p = Regex::new("a")?; Ok(()) }"#]);
        ignores_body(r#"let p = Regex::new("a").unwrap_or_else(|_| fallback());"#);
        ignores_body(r#"if let Ok(p) = Regex::new("a") { p.is_match(s); }"#);
    }

    #[test]
    fn ignores_what_is_built_once() {
        check_ignores(
            &RULE,
            &[r#"use regex::Regex; static P: LazyLock<Regex> = LazyLock::new(|| Regex::new("a").unwrap());"#],
        );
        ignores_body(r#"static P: LazyLock<Regex> = LazyLock::new(|| Regex::new("a").unwrap()); P.is_match(s);"#);
        ignores_body(r#"P.get_or_init(|| Regex::new("a").unwrap());"#);
        ignores_body(r#"thread_local! { static P: Regex = Regex::new("a").unwrap(); }"#);
        check_ignores(&RULE, &[r#"use regex::Regex; fn main() { let p = Regex::new("a").unwrap(); }"#]);
    }

    #[test]
    fn ignores_constructors_which_hand_it_to_their_caller() {
        check_ignores(
            &RULE,
            &[r#"use regex::Regex; impl V { fn new() -> Self { V { p: Regex::new("a").unwrap() } } }"#],
        );
        check_ignores(
            &RULE,
            &[
                r#"use regex::Regex; impl V { fn open() -> Result<V, E> { let p = Regex::new("a").unwrap(); Ok(V { p }) } }"#,
            ],
        );
        check_ignores(&RULE, &[r#"use regex::Regex; fn all() -> Vec<Regex> { vec![Regex::new("a").unwrap()] }"#]);
    }

    #[test]
    fn ignores_a_regex_of_another_crate() {
        check_ignores(&RULE, &[r#"use crate::Regex; fn f() { let p = Regex::new("a").unwrap(); }"#]);
        check_ignores(&RULE, &[r#"use fancy_regex::Regex; fn f() { let p = Regex::new("a").unwrap(); }"#]);
        check_ignores(&RULE, &[r#"struct Regex; fn f() { let p = Regex::new("a").unwrap(); }"#]);
    }

    #[test]
    fn ignores_tests() {
        check_ignores(&RULE, &[r#"use regex::Regex; #[test] fn f() { let p = Regex::new("a").unwrap(); }"#]);
    }
}
