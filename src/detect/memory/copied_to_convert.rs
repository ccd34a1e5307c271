//! Copies that are made to be converted, where the conversion could borrow.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{self, Use, peel, plain_name};
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("copied-to-convert"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "copy made to be converted, where the conversion could borrow",
    explain: EXPLAIN,
    triggers: &["from_utf8", "into_bytes", "to_path_buf"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let text = String::from_utf8(bytes.to_vec())?;`, `let bytes = text.to_string().into_bytes();` and
`let path = Path::new(name).to_path_buf();` of which what comes after only looks at the result.

## Why it costs

The copy allocates and copies all of it, to arrive at another view of the same bytes; checking them does not need one.

## Before

```rust
let owned = frame.to_vec();
let text = String::from_utf8(owned).ok()?;
let key = text.trim().to_string().into_bytes();
Some(hash(&key))
```

## After

```rust
let text = std::str::from_utf8(frame).ok()?;
let key = text.trim().as_bytes();
Some(hash(key))
```

## When it is refused

The result is changed, given away or returned; what is copied is not bytes, or a text, of std (asked of rustc); it changes while
the result is in use (rustc does not accept that); the error of the conversion is handed on as it is and does not fit.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| converted(file, block, index)));
    }
    found
}

/// What is converted, of what a copy is made for it, and how it is spelled without.
struct Conversion<'a> {
    sort: &'static str,
    /// What is replaced.
    site: &'a syn::Expr,
    /// What is copied.
    original: &'a syn::Expr,
    /// The `let` that names the copy.
    named: Option<usize>,
}

fn converted(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let conversion =
        of_bytes(block, index, bound.value).or_else(|| of_text(bound.value)).or_else(|| of_path(bound.value))?;
    let name = bound.name.to_string();
    let rest = &block.stmts[index + 1..];
    let uses = names::uses(rest, &name)?;
    let looks = |found: &names::NameUse| match &found.how {
        Use::Method(method) => match conversion.sort {
            "path" => OF_PATHS.contains(&method.as_str()),
            _ => usage::is_reading_method(method) && !OWNERS.contains(&method.as_str()),
        },
        // `&path` may be wanted as `&PathBuf`.
        Use::Borrow => conversion.sort != "path",
        Use::Format | Use::Captured | Use::Index => true,
        _ => false,
    };
    if uses.is_empty()
        || !uses.iter().all(looks)
        || !usage::bindings(file, &shapes::rest(block, index), &name).is_empty()
    {
        return None;
    }
    let message =
        format!("`{}` is copied only to look at it as `{name}`", file.on_one_line(file.range(conversion.original)));
    let mut fact = Fact::at(file, file.range(bound.value))
        .capture(conversion.sort, file.range(conversion.site))
        .capture("original", file.range(conversion.original))
        .note("message", message);
    let is_lent = |ty: &syn::Type| matches!(ty, syn::Type::Reference(_));
    if types::type_of(file, conversion.original).is_some_and(|ty| is_lent(&ty)) {
        fact = fact.capture("lent", file.range(conversion.original));
    }
    if let Some(named) = conversion.named {
        fact = fact.capture("named", file.range(&block.stmts[named]));
    }
    // `&text` of what is a reference already would be one too many.
    for borrowed in uses.iter().filter(|found| found.how == Use::Borrow && conversion.sort != "path") {
        let at = file.span_range(borrowed.ident.span());
        fact = fact.capture("borrowed", TextRange { start: at.start - 1, end: at.start });
    }
    Some(fact)
}

/// Methods that a reference does not have, or that give another type.
const OWNERS: &[&str] = &["as_ref", "as_slice", "as_str", "capacity", "clone", "cloned", "to_owned"];
/// What a path tells, however it is held.
const OF_PATHS: &[&str] = &[
    "components",
    "display",
    "ends_with",
    "exists",
    "extension",
    "file_name",
    "file_stem",
    "is_absolute",
    "is_dir",
    "is_file",
    "join",
    "parent",
    "starts_with",
    "to_str",
    "to_string_lossy",
    "with_extension",
    "with_file_name",
];

/// `String::from_utf8(bytes.to_vec())`, whatever is done with its failure.
fn of_bytes<'a>(block: &'a syn::Block, index: usize, value: &'a syn::Expr) -> Option<Conversion<'a>> {
    let mut site = value;
    let call = loop {
        site = match peel(site) {
            syn::Expr::Try(t) => &t.expr,
            syn::Expr::MethodCall(call) => {
                const HANDLES: &[&str] = &["ok", "unwrap", "expect", "unwrap_or_default", "map_err"];
                HANDLES.iter().any(|name| call.method == name).then_some(&call.receiver)?
            }
            other => break shapes::call(other, &["String", "from_utf8"]).filter(|call| call.args.len() == 1)?,
        };
    };
    let (copy, named) = match plain_name(&call.args[0]) {
        Some(name) => {
            let at = index.checked_sub(1)?;
            let bound =
                shapes::plain_let(&block.stmts[at]).filter(|l| l.name == name && !l.is_mut && l.ty.is_none())?;
            let is_only = shapes::count(&shapes::rest(block, at), &name.to_string()) == 1;
            (is_only.then_some(bound.value)?, Some(at))
        }
        None => (&call.args[0], None),
    };
    let copied = ["to_vec", "clone", "to_owned"].iter().find_map(|name| shapes::method(copy, name, 0))?;
    usage::place(&copied.receiver).filter(|place| place.is_plain)?;
    Some(Conversion { sort: "bytes", site, original: &copied.receiver, named })
}

/// `text.to_string().into_bytes()`, `text.as_bytes().to_vec()`.
fn of_text(value: &syn::Expr) -> Option<Conversion<'_>> {
    let into = shapes::method(value, "into_bytes", 0)?;
    let copied = ["to_string", "to_owned", "clone"].iter().find_map(|name| shapes::method(&into.receiver, name, 0))?;
    let is_kept = matches!(peel(&copied.receiver), syn::Expr::MethodCall(call) if usage::is_reading_method(&call.method.to_string()));
    let is_place = usage::place(&copied.receiver).is_some_and(|place| place.is_plain);
    (is_place || is_kept).then_some(Conversion { sort: "text", site: value, original: &copied.receiver, named: None })
}

/// `Path::new(name).to_path_buf()`.
fn of_path(value: &syn::Expr) -> Option<Conversion<'_>> {
    let copied = shapes::method(value, "to_path_buf", 0)?;
    shapes::call(&copied.receiver, &["Path", "new"])?;
    Some(Conversion { sort: "path", site: value, original: &copied.receiver, named: None })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_result_is_only_looked_at() {
        for text in [
            "fn f(b: &[u8]) -> Option<usize> { let t = $0String::from_utf8(b.to_vec()).ok()?$0; Some(t.len()) }",
            "fn f(b: &Bytes) -> Option<u32> { let owned = b.to_vec(); let t = $0String::from_utf8(owned).ok()?$0; let (a, _) = t.split_once(':')?; Some(g(a)) }",
            "fn f(t: &str) -> u32 { let b = $0t.to_string().into_bytes()$0; hash(&b) }",
            "fn f(n: &str) -> bool { let p = $0Path::new(n).to_path_buf()$0; p.extension().is_some() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(b: &[u8]) -> Option<String> { let t = String::from_utf8(b.to_vec()).ok()?; Some(t) }",
                "fn f(b: &[u8]) -> Option<S> { let t = String::from_utf8(b.to_vec()).ok()?; Some(S { t }) }",
                "fn f(b: Vec<u8>) -> Option<usize> { let t = String::from_utf8(b).ok()?; Some(t.len()) }",
                "fn f(b: &[u8]) -> R { let mut t = String::from_utf8(b.to_vec())?; t.push('a'); g(&t) }",
                "fn f(t: &str, tx: &Tx) { let b = t.to_string().into_bytes(); tx.send(b); }",
                "fn f(t: &str) -> V { let b = t.to_string().into_bytes(); spawn(move || g(b)) }",
                "fn f(n: &str) -> PathBuf { let p = Path::new(n).to_path_buf(); p }",
                "fn f(n: &str) -> V { let p = Path::new(n).to_path_buf(); keep(&p) }",
                "fn f(b: &[u8]) -> Option<usize> { let t = String::from_utf8_lossy(b).into_owned(); Some(t.len()) }",
            ],
        );
    }
}
