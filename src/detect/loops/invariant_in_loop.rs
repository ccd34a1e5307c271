//! Loops in; the texts out that each round makes anew although nothing they are made of changes.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::declarations::Known;
use crate::source::invariants::{Invariant, invariants, only_looked_at};
use crate::source::names::{NameUse, Use, plain_name, uses};
use crate::source::visit::code::{self as visit, Visit};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("invariant-in-loop"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "text made anew in each round of a loop",
    explain: EXPLAIN,
    triggers: &[
        "to_lowercase",
        "to_uppercase",
        "to_ascii_lowercase",
        "to_ascii_uppercase",
        "to_string",
        "format",
        "join",
        "repeat",
        "replace",
    ],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds `to_lowercase()`, `to_uppercase()`, their ASCII twins, `to_string()` and `format!(…)` in a loop, or in the closure
of an iterator, where nothing they are made of changes in the loop.

## Why it costs

Each round allocates, copies (and for Unicode case maps every character) to arrive at the same text.

## Before

```rust
for domain in domains {
    let address = email.to_lowercase();
    if address.ends_with(domain.as_str()) {
        return true;
    }
}
```

## After

```rust
let address = email.to_lowercase();
for domain in domains {
    if address.ends_with(domain.as_str()) {
        return true;
    }
}
```

It is made once even if the loop runs zero times: making a text of texts cannot fail and has no effect. Where the loop looks at it
and some rounds also give it away, those give a copy away.

## When it is refused

A part may change in the loop (it is bound there, assigned, borrowed as `&mut`, or handed to something that cannot be
seen); the loop does nothing with the text but give it
away; it is only made in some rounds (in a branch, after `&&`); the parts are not texts or
numbers of the standard library, whose `Display` is known to have no effect; the name is taken outside of the loop.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        for invariant in invariants(&function) {
            found.extend(fact(file, &invariant));
        }
    }
    found
}

fn fact(file: &SourceFile, invariant: &Invariant<'_>) -> Option<Fact> {
    let value = file.range(invariant.value);
    let mut fact = Fact::at(file, value);
    if let Some(binding) = invariant.binding {
        let syn::Stmt::Local(local) = binding else { return None };
        let name = match &local.pat {
            syn::Pat::Ident(name) if name.by_ref.is_none() && name.mutability.is_none() => name.ident.to_string(),
            _ => return None,
        };
        for given in given_away_after(invariant.around, binding, &name)? {
            fact.captures.push(("given", file.span_range(given.span())));
        }
        fact.captures.push(("binding", file.range(binding)));
    }
    fact.captures.push(("value", value));
    fact.captures.push(("loop", file.range(invariant.around)));
    fact.captures.push(("before", file.range(invariant.before)));
    Some(fact)
}

/// Where the statements after the `let` give away what it names, if they look at it as well and do nothing else.
fn given_away_after(around: &syn::Expr, binding: &syn::Stmt, name: &str) -> Option<Vec<proc_macro2::Ident>> {
    struct After<'a, 'n> {
        binding: &'a syn::Stmt,
        name: &'n str,
        given: Option<Vec<proc_macro2::Ident>>,
    }
    impl<'a> Visit<'a> for After<'_, '_> {
        fn visit_block(&mut self, node: &'a syn::Block) {
            if let Some(at) = node.stmts.iter().position(|stmt| std::ptr::eq(stmt, self.binding)) {
                self.given = given_away(&node.stmts[at + 1..], self.name);
            } else {
                visit::visit_block(self, node);
            }
        }
    }
    let mut after = After { binding, name, given: None };
    Visit::visit_expr(&mut after, around);
    after.given
}

/// Nothing where the text is only looked at; `None` where it is changed, or only given away: then each round needs its own.
fn given_away(stmts: &[syn::Stmt], name: &str) -> Option<Vec<proc_macro2::Ident>> {
    if only_looked_at(stmts, name) {
        return Some(Vec::new());
    }
    let (given, looks): (Vec<NameUse>, Vec<NameUse>) =
        uses(stmts, name)?.into_iter().partition(|found| found.how == Use::Other);
    let only_looks = looks.iter().all(|found| match &found.how {
        Use::Method(method) => {
            ["starts_with", "ends_with", "contains", "len", "is_empty", "eq"].contains(&method.as_str())
        }
        Use::Borrow | Use::Compare | Use::Format => true,
        _ => false,
    });
    let is_grown = given.len() == 1 && stmts.iter().any(|stmt| starts_from(stmt, name));
    let is_worth_it = only_looks && (!looks.is_empty() || is_grown);
    is_worth_it.then(|| given.into_iter().map(|found| found.ident).collect())
}

/// `let mut key = prefix;`: a copy to start from costs less than to make the text anew.
fn starts_from(stmt: &syn::Stmt, name: &str) -> bool {
    shapes::plain_let(stmt).is_some_and(|l| l.is_mut && plain_name(l.value).is_some_and(|value| value == name))
}

fn judge(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
    let one = |file: &FileFacts, fact: &Fact| {
        let message = "each round of the loop makes this text anew although nothing it is made of changes";
        rule.finding(&file.file, fact, message.to_string())
    };
    facts.iter().flat_map(|file| file.facts.iter().map(move |fact| one(file, fact))).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    #[track_caller]
    fn fires_on(body: &str, site: &str) {
        check_sites(
            &RULE,
            &format!("fn f(email: &str, xs: &[String], mut n: String) -> bool {{ {body} true }}"),
            &[site],
        );
    }

    #[track_caller]
    fn ignores_body(body: &str) {
        check_ignores(&RULE, &[&format!("fn f(email: &str, xs: &[String], mut n: String) -> bool {{ {body} true }}")]);
    }

    #[test]
    fn fires_on_texts_of_what_stands_outside_the_loop() {
        fires_on("for x in xs { let a = email.to_lowercase(); g(&a, x); }", "email.to_lowercase()");
        fires_on("for x in xs { if x.len() == email.to_uppercase().len() { g(); } }", "email.to_uppercase()");
        fires_on(r#"for x in xs { g(&format!("@{}", email), x); }"#, r#"format!("@{}", email)"#);
        fires_on(r#"for x in xs { g(&format!("@{email:>5}"), x); }"#, r#"format!("@{email:>5}")"#);
        fires_on(
            "let mut i = 0; while i < xs.len() { if xs[i] == email.to_string() { g(); } i += 1; }",
            "email.to_string()",
        );
    }

    #[test]
    fn fires_on_a_part_of_what_stands_outside_the_loop() {
        fires_on("xs.iter().any(|x| *x == email.trim().to_lowercase());", "email.trim().to_lowercase()");
    }

    #[test]
    fn fires_on_a_text_that_each_round_starts_from() {
        let made = r#"format!("{email}/")"#;
        fires_on(&format!("for x in xs {{ let a = {made}; let mut b = a; b.push_str(x); v.push(b); }}"), made);
    }

    #[test]
    fn fires_where_a_text_is_looked_at_before_some_rounds_give_it_away() {
        fires_on(
            r#"for x in xs { let a = format!("{email}/"); if x.starts_with(&a) { g(x); } else { v.push(a + x); } }"#,
            r#"format!("{email}/")"#,
        );
        ignores_body(r#"for x in xs { let a = format!("{email}/"); a.push('b'); g(&a); v.push(a); }"#);
        ignores_body(r#"for x in xs { let a = format!("{email}/"); v.push(a + x); }"#);
        ignores_body(r#"for x in xs { let a = format!("{email}/"); let b = a; v.push(b); }"#);
        ignores_body(r#"for x in xs { let a = format!("{email}{x}/"); let mut b = a; b.push_str(x); v.push(b); }"#);
    }

    #[test]
    fn fires_in_the_closure_of_an_iterator() {
        fires_on("xs.iter().any(|x| *x == email.to_lowercase());", "email.to_lowercase()");
        fires_on(
            "let v: Vec<_> = xs.iter().filter(|x| x.contains(&email.to_lowercase())).collect();",
            "email.to_lowercase()",
        );
    }

    #[test]
    fn ignores_what_the_loop_binds_or_changes() {
        ignores_body("for x in xs { let a = x.to_lowercase(); g(&a); }");
        ignores_body("for x in xs { let a = n.to_lowercase(); n.push_str(&a); }");
        ignores_body("for x in xs { let a = n.to_lowercase(); n = a.trim().to_owned(); }");
        ignores_body("for x in xs { let a = n.to_lowercase(); g(&mut n, &a); }");
        ignores_body(r#"for (i, x) in xs.iter().enumerate() { g(&format!("{email}{i}")); }"#);
        ignores_body("for x in xs { g(&x.trim().to_lowercase()); }");
        ignores_body("for x in xs { g(&next().trim().to_lowercase()); }");
        ignores_body("for x in xs { let s = x.trim(); g(&s.to_lowercase()); }");
        check_ignores(
            &RULE,
            &["fn f(s: &mut S, xs: &[u8]) { for x in xs { let a = s.name.to_lowercase(); g(&a); s.grow(); } }"],
        );
        check_ignores(
            &RULE,
            &["fn f(ss: &mut [S]) { for s in ss.iter_mut() { for x in xs { g(&s.name.to_lowercase()); s.grow(); } } }"],
        );
    }

    #[test]
    fn ignores_texts_that_are_moved_in_the_loop() {
        ignores_body("for x in xs { v.push(email.to_string()); }");
        ignores_body("for x in xs { let a = email.to_lowercase(); v.push(a); }");
        ignores_body("for x in xs { v.push(S { a: email.to_lowercase() }); }");
        ignores_body("for x in xs { let mut a = email.to_lowercase(); a.push('x'); g(&a); }");
    }

    #[test]
    fn ignores_what_only_some_rounds_make() {
        ignores_body("for x in xs { if x.is_empty() { g(&email.to_lowercase()); } }");
        ignores_body("for x in xs { if x.is_empty() && *x == email.to_lowercase() { g(); } }");
        ignores_body("for x in xs { match x.len() { 0 => g(&email.to_lowercase()), _ => {} } }");
    }

    #[test]
    fn ignores_outside_of_loops_and_closures_that_run_once() {
        ignores_body("let a = email.to_lowercase(); for x in xs { g(&a, x); }");
        ignores_body("let a = o.map(|x| x == email.to_lowercase());");
        ignores_body("for x in email.to_lowercase().chars() { g(x); }");
        ignores_body("let c = || email.to_lowercase(); for x in xs { g(c()); }");
    }

    #[test]
    fn ignores_calls_among_the_parts() {
        ignores_body("for x in xs { g(&next().to_lowercase()); }");
        ignores_body(r#"for x in xs { g(&format!("{}", next())); }"#);
    }

    #[test]
    fn a_nested_loop_gives_one_finding_for_the_outermost() {
        fires_on("for x in xs { for y in xs { g(&email.to_lowercase(), x, y); } }", "email.to_lowercase()");
    }
}
