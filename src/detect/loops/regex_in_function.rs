//! Functions in; the regular expressions out that they compile from a literal each time they are called.

use crate::source::visit::code::{self as visit, Visit};

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::declarations::Known;
use crate::source::functions::functions;
use crate::source::names::{bound_by, mentions};
use crate::source::regexes::{self, constructs, handled, handled_by_else, last_name, unwrapped};
use crate::source::{SourceFile, stmt_around};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("regex-in-function"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "regular expression compiled anew on each call",
    explain: EXPLAIN,
    triggers: &["Regex", "RegexSet", "RegexBuilder", "RegexSetBuilder"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds `Regex::new(\"…\").unwrap()` (or `.expect(\"…\")`, and `RegexSet`, and their builders) with a literal pattern inside a
function, and those whose failure is handled by `?`, a `match`, an `if let` or a `let … else`: a literal fails always or never.

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
else sees it. Where the failure is handled, the static holds the `Result`, and each call looks at it by `as_ref()`.

## When it is refused

The pattern or an option of the builder is not a literal. The regex is moved, returned or stored. `Regex` is not that of the `regex` crate. The function builds its own type, or returns a regex:
then it may be called once.
";

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
        // A `match` that is followed by `?` is one place.
        walk.found.dedup_by_key(|(whole, ..)| file.range(*whole));
        for (whole, ty, loops) in walk.found {
            let mut fact = Fact::at(file, file.range(whole));
            fact.captures.extend(lifetime(file, fact.site).into_iter().map(|place| ("also", place)));
            fact.notes.push(("type", last_name(&ty).to_owned()));
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

fn judge(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
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
        if regexes::runs_once(node) {
            return;
        }
        match unwrapped(self.file, node) {
            Some(ty) => self.found.push((node, ty, self.loops)),
            None => {
                self.found.extend(handled(self.file, node).map(|(inner, ty)| (inner, ty, self.loops)));
                visit::visit_expr(self, node);
            }
        }
    }

    fn visit_local(&mut self, node: &'a syn::Local) {
        self.found.extend(handled_by_else(self.file, node).map(|(inner, ty)| (inner, ty, self.loops)));
        visit::visit_local(self, node);
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

    fn visit_item(&mut self, _: &'a syn::Item) {}
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
    fn ignores_what_replaces_a_pattern_that_fails_and_what_is_kept_as_a_result() {
        ignores_body(r#"let p = Regex::new("a").unwrap_or_else(|_| fallback());"#);
        ignores_body(r#"let p = Regex::new("a"); g(p);"#);
        ignores_body(r#"v.push(Regex::new("a"));"#);
        ignores_body(r#"let p = RegexBuilder::new("a").case_insensitive(cased).build().unwrap();"#);
        ignores_body(r#"let Ok(p) = Regex::new(s) else { return }; p.is_match(s);"#);
    }

    #[test]
    fn fires_where_a_failure_that_cannot_change_is_handled() {
        check_sites(
            &RULE,
            r#"use regex::Regex; fn f() -> Result<(), E> { let p = Regex::new("a")?; p.is_match(s); Ok(()) }"#,
            &[r#"Regex::new("a")"#],
        );
        check_sites(
            &RULE,
            r#"fn f() -> Result<(), E> { let p = regex::RegexBuilder::new("a").size_limit(9).build().map_err(|e| e.to_string())?; Ok(()) }"#,
            &[r#"regex::RegexBuilder::new("a").size_limit(9).build()"#],
        );
        fires_on(r#"if let Ok(p) = Regex::new("a") { p.is_match(s); }"#, r#"Regex::new("a")"#);
        fires_on(r#"let Ok(p) = Regex::new("a") else { return }; p.is_match(s);"#, r#"Regex::new("a")"#);
        fires_on(r#"let p = match Regex::new("a") { Ok(p) => p, Err(_) => return };"#, r#"Regex::new("a")"#);
    }

    #[test]
    fn fires_on_builders() {
        check_sites(
            &RULE,
            r#"use regex::RegexBuilder; fn f() { let p = RegexBuilder::new("a").case_insensitive(true).build().unwrap(); }"#,
            &[r#"RegexBuilder::new("a").case_insensitive(true).build().unwrap()"#],
        );
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
