//! Values that are turned into a JSON text only to be written out at once.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::json::{self, Made};
use crate::source::usage;
use crate::source::{SourceFile, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("json-text-then-write"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::B,
    title: "value turned into a text only to be written",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::to_string(&value)` (and `to_vec`, `to_string_pretty`) whose result is written to a writer at once:
`w.write_all(text.as_bytes())`, or `writeln!(w, \"{}\", text)`.

## Why it costs

The whole document is built in a text of its own, which grows, is copied to the writer and freed.

## Before

```rust
let text = serde_json::to_string(&answer)?;
out.write_all(text.as_bytes())?;
```

## After

```rust
serde_json::to_writer(out.by_ref(), &answer)?;
```

Where serialising fails half-way, what came before is already written; and an error of the writer arrives wrapped into one
of serde_json. That is for a person to accept.

## When it is refused

The text is used for anything else; the two failures are treated in different ways; the writer is neither a `Vec<u8>` nor a
`BufWriter` (asked of rustc): serde_json writes in many small pieces.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for block in shapes::blocks_in(body) {
            for (index, stmt) in block.stmts.iter().enumerate() {
                found.extend(named(file, body, block, index).or_else(|| at_once(file, body, stmt)));
            }
        }
    }
    found
}

/// `let text = serde_json::to_string(&x)?;` with the write as the next statement.
fn named(file: &SourceFile, body: &syn::Block, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let made = json::made(file, bound.value)?;
    let name = bound.name.to_string();
    let next = block.stmts.get(index + 1)?;
    let rest = shapes::rest(block, index);
    let is_only_use = shapes::count(&rest, &name) == 1 && shapes::count(next, &name) == 1;
    let write = is_only_use.then(|| write(file, body, next))??;
    let is_it = match &write.payload {
        Payload::Expr(expr) => shapes::is_name(json::bytes_of(expr), bound.name),
        Payload::Captured(captured) => *captured == name,
    };
    let whole = TextRange { start: file.range(bound.local).start, end: file.range(next).end };
    (is_it && is_alike(&made, &write)).then(|| fact(file, whole, &made, &write))
}

/// `w.write_all(serde_json::to_string(&x)?.as_bytes())?;`
fn at_once(file: &SourceFile, body: &syn::Block, stmt: &syn::Stmt) -> Option<Fact> {
    let write = write(file, body, stmt)?;
    let Payload::Expr(payload) = &write.payload else { return None };
    let made = json::made(file, json::bytes_of(payload))?;
    is_alike(&made, &write).then(|| fact(file, file.range(stmt), &made, &write))
}

/// True if both failures end by the same words, or leave the function by `?` as an `io::Error`.
fn is_alike(made: &Made<'_>, write: &Write<'_>) -> bool {
    let is_io = made.end == "?" || (made.end.starts_with(".map_err(") && made.end.contains("io::Error"));
    let is_passed_on = made.end.ends_with('?') && is_io;
    made.end == write.end || (is_passed_on && (write.end == "?" || write.is_returned))
}

fn fact(file: &SourceFile, whole: TextRange, made: &Made<'_>, write: &Write<'_>) -> Fact {
    let message = "a whole document is built as a text, copied to the writer and thrown away";
    let mut fact = Fact::at(file, whole)
        .capture(if made.is_pretty { "pretty" } else { "plain" }, made.value)
        .capture("value", made.value)
        .capture("writer", write.writer)
        .note("message", message);
    if write.is_line {
        fact = fact.capture("line", whole);
    }
    if write.is_returned {
        fact = fact.capture("returned", whole);
    }
    fact.capture("end", made.end_range)
}

/// One write of one payload as a statement.
struct Write<'a> {
    writer: TextRange,
    payload: Payload,
    end: &'a str,
    is_line: bool,
    /// True if what the write returns is what the function returns.
    is_returned: bool,
}

enum Payload {
    Expr(Box<syn::Expr>),
    Captured(String),
}

fn write<'a>(file: &'a SourceFile, body: &syn::Block, stmt: &'a syn::Stmt) -> Option<Write<'a>> {
    let syn::Stmt::Expr(expr, semicolon) = stmt else { return None };
    let (inner, end) = json::failing(file, expr);
    let is_returned = end.is_empty() && json::is_returned(file, body, stmt, expr);
    if semicolon.is_none() && !is_returned {
        return None;
    }
    if let Some(call) = shapes::method(inner, "write_all", 1) {
        usage::place(&call.receiver).filter(|p| p.is_plain)?;
        let payload = Payload::Expr(Box::new(call.args[0].clone()));
        return Some(Write { writer: file.range(&*call.receiver), payload, end, is_line: false, is_returned });
    }
    let line = shapes::macro_call(inner, "writeln");
    let mac = line.or_else(|| shapes::macro_call(inner, "write"))?;
    let arguments = names::arguments(mac)?;
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(format), .. }) = arguments.get(1)? else { return None };
    let payload = match (format.value().as_str(), arguments.get(2)) {
        ("{}", Some(payload)) if arguments.len() == 3 => Payload::Expr(Box::new(payload.clone())),
        (text, None) => {
            let name = text.strip_prefix('{')?.strip_suffix('}')?;
            Payload::Captured(name.to_owned())
        }
        _ => return None,
    };
    usage::place(&arguments[0]).filter(|p| p.is_plain)?;
    Some(Write { writer: file.range(&arguments[0]), payload, end, is_line: line.is_some(), is_returned })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_text_is_written_at_once() {
        for text in [
            "fn f(w: &mut W, x: &X) -> R { $0let s = serde_json::to_string(x)?; w.write_all(s.as_bytes())?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) -> R { $0let v = serde_json::to_vec(&x)?; w.write_all(&v)?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) -> R { $0w.write_all(serde_json::to_string(x)?.as_bytes())?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) -> R { $0w.write_all(&serde_json::to_vec(x)?)?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) -> R { $0let v = serde_json::to_vec(x).map_err(io::Error::other)?; w.write_all(&v)?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) -> R { $0let s = serde_json::to_string(x)?; w.write_all(s.as_bytes())$0 }",
            "fn f(w: &mut W, x: &X) -> R { $0writeln!(w, \"{}\", serde_json::to_string(x)?)?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) -> R { $0let s = serde_json::to_string(x)?; writeln!(w, \"{s}\")?;$0 Ok(()) }",
            "fn f(w: &mut W, x: &X) { $0let s = serde_json::to_string_pretty(x).unwrap(); write!(w, \"{}\", s).unwrap();$0 }",
            "impl S { fn f(&mut self) -> R { for x in &xs { $0let s = serde_json::to_string(&x.a)?; self.out.write_all(s.as_bytes())?;$0 } Ok(()) } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The text is used for more than that.
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; w.write_all(s.as_bytes())?; log(&s); Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; w.write_all(&(s.len() as u32).to_be_bytes())?; w.write_all(s.as_bytes())?; Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; sign(); w.write_all(s.as_bytes())?; Ok(()) }",
                "fn f(x: &X) -> R { let s = serde_json::to_string(x)?; Ok(s) }",
                "fn f(w: &mut W, x: &X) -> R { let mut s = serde_json::to_string(x)?; w.write_all(s.as_bytes())?; Ok(()) }",
                // The failures are treated differently.
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x).unwrap(); w.write_all(s.as_bytes())?; Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x).map_err(E::Json)?; w.write_all(s.as_bytes())?; Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; let _ = w.write_all(s.as_bytes()); Ok(()) }",
                // More is written than the text.
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; writeln!(w, \"data: {s}\")?; Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { writeln!(w, \"{} {}\", n, serde_json::to_string(x)?)?; Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; writeln!(w, \"{s:?}\")?; Ok(()) }",
                // Another format, another way to write, a writer that is computed.
                "fn f(w: &mut W, x: &X) -> R { let s = toml::to_string(x)?; w.write_all(s.as_bytes())?; Ok(()) }",
                "fn f(w: &mut W, x: &X) -> R { let s = to_string(x)?; w.write_all(s.as_bytes())?; Ok(()) }",
                "fn f(p: &Path, x: &X) -> R { let s = serde_json::to_string(x)?; std::fs::write(p, s)?; Ok(()) }",
                "fn f(w: &W, x: &X) -> R { w.out().write_all(serde_json::to_string(x)?.as_bytes())?; Ok(()) }",
                "async fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; w.write_all(s.as_bytes()).await?; Ok(()) }",
                "#[test] fn f() { let s = serde_json::to_string(x).unwrap(); w.write_all(s.as_bytes()).unwrap(); }",
            ],
        );
    }
}
