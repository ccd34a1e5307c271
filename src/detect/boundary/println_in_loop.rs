//! Loops that print a line in each round, one lock and one system call at a time.

use crate::source::visit::code::{self as visit, Visit};

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::mentions;
use crate::source::{SourceFile, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("println-in-loop"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "line printed in each round of a loop",
    explain: EXPLAIN,
    triggers: &["println", "print"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for` loops that print by `println!` or `print!` in their rounds.

## Why it costs

Standard output locks for each call and writes at each end of a line: one system call per line.

## Before

```rust
for row in rows {
    println!(\"{} {}\", row.sku, row.price);
}
```

## After

```rust
let mut out = std::io::BufWriter::new(std::io::stdout().lock());
for row in rows {
    std::io::Write::write_fmt(&mut out, format_args!(\"{} {}\\n\", row.sku, row.price)).expect(\"standard output takes it\");
}
std::io::Write::flush(&mut out).expect(\"standard output takes it\");
drop(out);
```

The lines arrive in blocks of 8 KiB and at the end of the loop, and other threads wait for the loop before they print. That
is for a person to accept.

## When it is refused

The round calls anything that is not known to print nothing (functions and methods other than std's and those of the file that
only compute, macros): its lines would come in between or too early. The loop waits for somebody, reads what is typed, or may end the process.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            let Some(around) = repeated(stmt) else { continue };
            let mut round = Round { file, prints: Vec::new(), is_quiet: true, calls: Vec::new() };
            round.visit_block(around.body);
            if round.prints.is_empty() || !round.is_quiet || may_wait(around.list) {
                continue;
            }
            if !round.calls.iter().all(|call| computes(file, call)) {
                continue;
            }
            let whole = file.range(stmt);
            // The outermost loop stands for those inside it.
            if found.iter().any(|f| f.captures.iter().any(|(name, range)| *name == "loop" && range.contains(whole))) {
                continue;
            }
            let message = "each line is a lock and a system call of its own";
            let mut fact =
                Fact::at(file, file.range(around.list)).capture("loop", file.range(stmt)).note("message", message);
            for (whole, arguments, is_line) in round.prints {
                fact = fact.capture(if is_line { "line" } else { "text" }, whole).capture("arguments", arguments);
            }
            found.push(fact);
        }
    }
    found
}

/// What runs once per element, and the elements.
struct Repeated<'a> {
    list: &'a syn::Expr,
    body: &'a syn::Block,
}

/// `for x in list { … }` and `list.for_each(|x| { … });` as statements.
fn repeated(stmt: &syn::Stmt) -> Option<Repeated<'_>> {
    match stmt {
        syn::Stmt::Expr(syn::Expr::ForLoop(around), _) if around.label.is_none() => {
            Some(Repeated { list: &around.expr, body: &around.body })
        }
        syn::Stmt::Expr(call, Some(_)) => {
            let call = shapes::method(call, "for_each", 1)?;
            let syn::Expr::Closure(closure) = &call.args[0] else { return None };
            let syn::Expr::Block(body) = &*closure.body else { return None };
            (closure.capture.is_none() && body.label.is_none())
                .then_some(Repeated { list: &call.receiver, body: &body.block })
        }
        _ => None,
    }
}

/// True if what is looped over may wait or print: anything but places and std's adaptors without closures.
fn may_wait(expr: &syn::Expr) -> bool {
    shapes::counted(expr).is_none() && !matches!(expr, syn::Expr::Range(_))
}

struct Round<'a> {
    file: &'a SourceFile,
    prints: Vec<(TextRange, TextRange, bool)>,
    is_quiet: bool,
    /// What is called: asked only where something is printed.
    calls: Vec<syn::Expr>,
}

/// True for a call that computes from its arguments alone, by the names of std or by the function's body: it prints nothing.
fn computes(file: &SourceFile, call: &syn::Expr) -> bool {
    !mentions(call, "next") && pure::is_pure(file, call)
}

impl<'a> Visit<'a> for Round<'_> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        let mac = match node {
            syn::Stmt::Macro(m) if m.attrs.is_empty() && m.semi_token.is_some() => &m.mac,
            _ => return visit::visit_stmt(self, node),
        };
        let is_line = mac.path.is_ident("println");
        let is_print = is_line || mac.path.is_ident("print");
        let is_format = literal_comes_first(mac) || (is_line && mac.tokens.is_empty());
        let Some(calls) = calls(mac).filter(|_| is_print && is_format) else {
            self.is_quiet = false;
            return;
        };
        self.calls.extend(calls);
        self.prints.push((self.file.range(node), shapes::inside(self.file, mac), is_line));
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if is_call(node) {
            self.calls.push(node.clone());
        }
        let is_more = matches!(
            node,
            syn::Expr::Macro(_)
                | syn::Expr::Closure(_)
                | syn::Expr::Async(_)
                | syn::Expr::Await(_)
                | syn::Expr::Loop(_)
                | syn::Expr::While(_)
                | syn::Expr::Return(_)
        );
        self.is_quiet &= !is_more;
        visit::visit_expr(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {
        self.is_quiet = false;
    }
}

/// `"…", a, b`: the format is a plain literal, not `concat!` and not raw.
fn literal_comes_first(mac: &syn::Macro) -> bool {
    let first = mac.tokens.clone().into_iter().next().map(|t| t.to_string()).unwrap_or_default();
    first.starts_with('"') && first.ends_with('"')
}

/// The calls in the arguments; `None` where something stands in them that may do more than compute.
fn calls(mac: &syn::Macro) -> Option<Vec<syn::Expr>> {
    let arguments = crate::source::names::arguments(mac)?;
    let all: Vec<&syn::Expr> = arguments.iter().flat_map(shapes::exprs_in).collect();
    let is_more = |expr: &&syn::Expr| {
        matches!(expr, syn::Expr::Macro(_) | syn::Expr::Closure(_) | syn::Expr::Try(_) | syn::Expr::Await(_))
    };
    let is_quiet = !mentions(&mac.tokens, "stdout") && !all.iter().any(is_more);
    is_quiet.then(|| all.into_iter().filter(|expr| is_call(expr)).cloned().collect())
}

/// A call of anything but a method of std that reads.
fn is_call(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::MethodCall(call) => !crate::source::usage::is_reading_method(&call.method.to_string()),
        syn::Expr::Call(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_rounds_that_only_print() {
        for text in [
            "fn f(xs: &[u8]) { for x in $0xs$0 { println!(\"{x}\"); } }",
            "fn f(xs: &[S]) { for x in $0xs.iter()$0 { println!(\"{} {}\", x.a, x.b.len()); } }",
            "fn f(xs: &[S]) { for (i, x) in $0xs.iter().enumerate()$0 { if i > 0 { print!(\", \"); } print!(\"{x:?}\"); } }",
            "fn f(n: u32) { for i in $00..n$0 { println!(\"{i}\"); } }",
            "fn f(xs: &[S]) { $0xs.iter()$0.for_each(|x| { println!(\"{}\", x.a); }); }",
            "fn f(xs: &[Vec<u8>]) { for x in $0xs$0 { for y in x { print!(\"{y} \"); } println!(); } }",
            "fn f(m: &HashMap<u8, u8>) { for k in $0m.keys()$0 { let v = m[k]; println!(\"{k}: {v}\"); } }",
            "fn f(xs: &[u8]) { let mut sum = 0; for x in $0xs$0 { sum += *x as u64; println!(\"{sum}\"); } }",
            "fn f(xs: &[S]) { let mut n = 0; for x in $0xs$0 { n += u64::from(x.secs); println!(\"{} {n}\", x.secs); } }",
            "fn f(xs: &[S]) { for x in $0xs$0 { println!(\"{}\", x.total()); } } impl S { fn total(&self) -> u8 { self.a.max(self.b) } }",
            "fn f(xs: &[u8]) { for x in $0xs$0 { println!(\"{}\", name(*x)); } } fn name(x: u8) -> &'static str { if x > 1 { \"a\" } else { \"b\" } }",
            "fn f(xs: &[&str]) { for x in $0xs$0 { if x.is_empty() { continue; } println!(\"{}\", x.trim()); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // What is called may print, wait or end the process.
                "fn f(xs: &[u8]) { for x in xs { work(x); println!(\"{x}\"); } }",
                "fn f(xs: &[u8]) { for x in xs { println!(\"{}\", name(x)); } }",
                "fn f(xs: &[S]) { for x in xs { println!(\"{}\", x.render()); } }",
                "fn f(xs: &[S]) { for x in xs { println!(\"{}\", x.total()); } } impl S { fn total(&self) -> u8 { println!(\"a\"); 1 } }",
                "fn f(xs: &[u8]) { for x in xs { println!(\"{}\", name(*x)); } } fn name(x: u8) -> u8 { log::info!(\"a\"); x }",
                "fn f(xs: &[u8], it: I) { for x in xs { println!(\"{x} {:?}\", it.next()); } }",
                "fn f(xs: &[u8]) { for x in xs { println!(\"{x}\"); if x.all() { exit(1) } } } impl S { fn all(&self) -> bool { eprintln!(); true } }",
                "fn f(xs: &[u8]) { for x in xs { println!(\"{x}\"); std::thread::sleep(D); } }",
                "fn f(xs: &[u8]) { for x in xs { println!(\"{x}\"); if *x == 0 { std::process::exit(1); } } }",
                "fn f(xs: &[u8]) { for x in xs { print!(\"{x}? \"); std::io::stdin().read_line(&mut s).unwrap(); } }",
                "fn f(xs: &[u8]) { for x in xs { log!(x); println!(\"{x}\"); } }",
                "fn f(xs: &[u8]) { for x in xs { eprintln!(\"{x}\"); println!(\"{x}\"); } }",
                "fn f(rx: Receiver<u8>) { for x in rx.iter().skip(1) { println!(\"{x}\"); } }",
                "fn f() { for x in stdin().lines() { println!(\"{x:?}\"); } }",
                "async fn f(xs: &[u8]) { for x in xs { println!(\"{}\", get(x).await); } }",
                "fn f(xs: &[u8]) -> u8 { for x in xs { println!(\"{x}\"); return *x; } 0 }",
                // Not in a loop, not a print, buffered already.
                "fn f(x: u8) { println!(\"{x}\"); }",
                "fn f(xs: &[u8], s: &mut String) { for x in xs { write!(s, \"{x}\").unwrap(); } }",
                "fn f(xs: &[u8]) { for x in xs { eprintln!(\"{x}\"); } }",
                "fn f(xs: &[u8]) { let mut o = stdout().lock(); for x in xs { writeln!(o, \"{x}\").unwrap(); } }",
                "fn f(xs: &[u8]) { xs.iter().for_each(|x| { work(x); println!(\"{x}\"); }); }",
                "fn f(xs: &[u8]) { xs.par_iter().for_each(|x| { println!(\"{x}\"); }); }",
                "fn f(xs: &[u8]) { xs.iter().for_each(|x| println!(\"{x}\")); }",
                "fn f(xs: &[u8]) { for x in xs { println!(concat!(\"a\", \"{}\"), x); } }",
                "#[test] fn f() { for x in xs { println!(\"{x}\"); } }",
            ],
        );
    }
}
