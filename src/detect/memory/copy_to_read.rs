//! Copies that are compared, or asked something, and thrown away.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::invariants::only_looked_at;
use crate::source::{SourceFile, names, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("copy-to-read"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "copy made only to be compared or asked",
    explain: EXPLAIN,
    triggers: &["clone", "into_owned", "to_vec", "to_owned", "to_string"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `a.to_string() == b.to_string()`, `name.clone() != other` and `list.clone().len()`, `text.to_owned().starts_with(\"a\")`: a copy of
a text or a collection of std that lives for one comparison or one question, or to be written by `format!`; `user.clone().name`,
which copies all for a part; and `path.to_string_lossy().to_string()`, which copies a text that is only looked at.

## Why it costs

The copy allocates and copies all of it, for what a look at the original tells; a comparison often ends at the first byte.

## Before

```rust
if order.owner.to_owned() != account.owner.to_owned() || order.lines.clone().is_empty() {
    return false;
}
```

## After

```rust
if order.owner != account.owner || order.lines.is_empty() {
    return false;
}
```

## When it is refused

The type of what is copied is not written down, or is not a text or a collection of std; what the question gives borrows from the copy
in a way that rustc does not accept of the original; the copy is more than lent.
";

/// Methods that look at a text or a collection and give a value, or walk it.
const ASKS: &[&str] = &[
    "bytes",
    "char_indices",
    "chars",
    "concat",
    "contains",
    "contains_key",
    "ends_with",
    "eq",
    "eq_ignore_ascii_case",
    "find",
    "first",
    "get",
    "is_empty",
    "iter",
    "join",
    "keys",
    "last",
    "len",
    "lines",
    "matches",
    "parse",
    "replace",
    "rfind",
    "split",
    "split_once",
    "split_whitespace",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "to_ascii_lowercase",
    "to_ascii_uppercase",
    "to_lowercase",
    "to_uppercase",
    "trim",
    "trim_end",
    "trim_start",
    "values",
    "windows",
];

/// True if a method of that name looks at a text or a collection and gives a value, or walks it.
pub(super) fn is_question(method: &str) -> bool {
    ASKS.contains(&method)
}

/// Texts and collections of std.
const OF_STD: &[&str] = &["str", "String", "Vec", "[]", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        let exprs = shapes::exprs(body);
        for expr in &exprs {
            found.extend(compared(file, expr).or_else(|| asked(file, expr)));
            found.extend(part_taken(file, &exprs, expr));
            if let syn::Expr::Macro(m) = expr {
                found.extend(shown(file, &m.mac));
            }
        }
        for block in shapes::blocks_in(body) {
            found.extend((0..block.stmts.len()).filter_map(|index| lossy(file, block, index)));
        }
        for stmt in shapes::blocks_in(body).into_iter().flat_map(|block| &block.stmts) {
            if let syn::Stmt::Macro(m) = stmt {
                found.extend(shown(file, &m.mac));
            }
        }
    }
    found
}

/// A copy of a place: the place, what makes the copy, and the place's type.
struct Copied<'a> {
    place: &'a syn::Expr,
    copy: TextRange,
    ty: syn::Type,
}

fn copied<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<Copied<'a>> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    let method = call.method.to_string();
    if !call.args.is_empty() || !["clone", "to_owned", "to_string", "to_vec"].contains(&method.as_str()) {
        return None;
    }
    usage::place(&call.receiver).filter(|place| place.is_plain)?;
    let ty = types::type_of(file, &call.receiver)?;
    let head = types::head(types::strip(&ty)).filter(|head| OF_STD.contains(&head.as_str()))?;
    let is_text = head == "str" || head == "String";
    let is_list = head == "Vec" || head == "[]";
    let is_mutable = matches!(&ty, syn::Type::Reference(r) if r.mutability.is_some());
    let fits = match method.as_str() {
        "to_string" => is_text,
        "to_vec" => is_list,
        _ => true,
    };
    let copy = TextRange { start: file.range(&*call.receiver).end, end: file.range(expr).end };
    (fits && !is_mutable).then_some(Copied { place: &call.receiver, copy, ty })
}

/// `let name = path.to_string_lossy().to_string();` where the text that is lent if it is one serves every use of the name.
fn lossy(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let syn::Expr::MethodCall(copy) = bound.value else { return None };
    let is_copy = ["to_string", "into_owned", "to_owned"].iter().any(|name| copy.method == name);
    let read = &*copy.receiver;
    let is_lossy = shapes::method(read, "to_string_lossy", 0).is_some()
        || shapes::call(read, &["String", "from_utf8_lossy"]).is_some();
    let name = bound.name.to_string();
    if !is_copy || !copy.args.is_empty() || !is_lossy || !only_looked_at(&block.stmts[index + 1..], &name) {
        return None;
    }
    let range = TextRange { start: file.range(read).end, end: file.range(bound.value).end };
    let message = format!("`{name}` is copied once more, though it is only looked at");
    Some(Fact::at(file, file.range(bound.value)).capture("copy", range).note("message", message))
}

/// How many references stand before a text or a collection; those that belong to `&str` and `&[T]` do not count.
fn depth(ty: &syn::Type) -> usize {
    match ty {
        syn::Type::Reference(r) => match &*r.elem {
            syn::Type::Slice(_) => 0,
            syn::Type::Path(_) if types::head(&r.elem).as_deref() == Some("str") => 0,
            inner => 1 + depth(inner),
        },
        _ => 0,
    }
}

fn compared(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let syn::Expr::Binary(b) = expr else { return None };
    if !matches!(b.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_)) {
        return None;
    }
    let (left, right) = (copied(file, &b.left), copied(file, &b.right));
    let mut fact = Fact::at(file, file.range(expr));
    for copied in [&left, &right].into_iter().flatten() {
        fact = fact.capture("copy", copied.copy).capture("place", file.range(copied.place));
        for _ in 0..depth(&copied.ty) {
            fact = fact.capture("deref", file.range(copied.place));
        }
    }
    let what = file.on_one_line(file.range(left.as_ref().or(right.as_ref())?.place));
    Some(fact.note("message", format!("`{what}` is copied only to be compared")))
}

/// `user.clone().age` and `user.clone().name.len()`: all of it is copied for one part.
fn part_taken(file: &SourceFile, exprs: &[&syn::Expr], expr: &syn::Expr) -> Option<Fact> {
    let syn::Expr::Field(part) = expr else { return None };
    let clone = shapes::method(&part.base, "clone", 0)?;
    usage::place(&clone.receiver)
        .filter(|place| place.is_plain && !(place.root == "self" && place.fields.is_empty()))?;
    let ty = types::type_of(file, &clone.receiver)?;
    let owner = types::head(types::strip(&ty))?;
    let syn::Member::Named(name) = &part.member else { return None };
    let declared = types::struct_fields(file).iter().find(|f| f.owner == owner && name == &f.name)?;
    let of_part: syn::Type = syn::parse_str(&declared.ty).ok()?;
    let is_base = |e: &&&syn::Expr| match e {
        syn::Expr::MethodCall(call) => std::ptr::eq(&*call.receiver, expr) && is_question(&call.method.to_string()),
        syn::Expr::Binary(b) => {
            let is_compared = matches!(b.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_));
            is_compared && (std::ptr::eq(&*b.left, expr) || std::ptr::eq(&*b.right, expr))
        }
        syn::Expr::Reference(r) => std::ptr::eq(&*r.expr, expr),
        _ => false,
    };
    let is_lent = exprs.iter().any(|e| is_base(&e));
    let copy = TextRange { start: file.range(&*clone.receiver).end, end: file.range(clone).end };
    let what = file.on_one_line(file.range(&*clone.receiver));
    let fact = Fact::at(file, file.range(clone))
        .capture("copy", copy)
        .capture("whole", file.range(&*clone.receiver))
        .note("message", format!("all of `{what}` is copied for its `{name}`"));
    if is_lent || types::is_primitive(&of_part) {
        return Some(fact);
    }
    // What is kept of it is copied alone.
    let end = file.range(expr).end as usize;
    let is_kept = !exprs.iter().any(|e| matches!(e, syn::Expr::MethodCall(c) if std::ptr::eq(&*c.receiver, expr)))
        && !exprs.iter().any(|e| matches!(e, syn::Expr::Field(f) if std::ptr::eq(&*f.base, expr)))
        && !exprs.iter().any(|e| matches!(e, syn::Expr::Index(i) if std::ptr::eq(&*i.expr, expr)));
    is_kept.then(|| fact.capture("kept", TextRange::at(end)))
}

/// Arguments of a formatting macro that are copies: `format!("{}", user.name.clone())`.
fn shown(file: &SourceFile, mac: &syn::Macro) -> Vec<Fact> {
    const WRITES: &[&str] = &["format", "print", "println", "eprint", "eprintln", "write", "writeln"];
    let is_writing = WRITES.iter().any(|name| mac.path.segments.last().is_some_and(|s| s.ident == name));
    let arguments = if is_writing { names::arguments(mac).unwrap_or_default() } else { Vec::new() };
    let is_named = |e: &&syn::Expr| !matches!(e, syn::Expr::Lit(_));
    let given = arguments.iter().skip_while(|e| !matches!(e, syn::Expr::Lit(_))).filter(is_named);
    let fact = |argument: &syn::Expr| {
        let value = if let syn::Expr::Assign(named) = argument { &*named.right } else { argument };
        let copied = copied(file, value)?;
        let what = file.on_one_line(file.range(copied.place));
        let fact = Fact::at(file, file.range(value))
            .capture("copy", copied.copy)
            .capture("place", file.range(copied.place))
            .note("message", format!("`{what}` is copied only to be written"));
        Some(fact)
    };
    given.filter_map(fact).collect()
}

/// `place.clone().len()`.
fn asked(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    if !is_question(&call.method.to_string()) {
        return None;
    }
    let copied = copied(file, &call.receiver)?;
    let what = file.on_one_line(file.range(copied.place));
    Some(
        Fact::at(file, file.range(&*call.receiver))
            .capture("copy", copied.copy)
            .capture("place", file.range(copied.place))
            .note("message", format!("`{what}` is copied only to be asked for `{}`", call.method)),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_copies_that_are_compared_or_asked() {
        let order = "struct O { key: String, xs: Vec<u8>, m: HashMap<u8, u8> }";
        for text in [
            "fn f(a: &str, b: &str) -> bool { $0a.to_string() == b.to_string()$0 }",
            "fn f(a: &str, b: String) -> bool { $0a.to_owned() != b$0 }",
            "fn f(p: &Path) -> bool { let name = $0p.to_string_lossy().into_owned()$0; name.ends_with(\".tmp\") || name == \"x\" }",
            "fn f(a: &String) -> bool { $0a.clone() == \"all\"$0 }",
            "fn f(a: &O, b: &O) -> bool { $0a.key.to_owned() != b.key.to_owned()$0 }",
            "fn f(a: &O, b: &[u8]) -> bool { $0a.xs.clone() == b.to_vec()$0 }",
            "fn f(a: &O) -> usize { $0a.xs.clone()$0.len() }",
            "fn f(a: &O) -> bool { $0a.key.to_string()$0.starts_with(\"a\") }",
            "fn f(a: &O) -> u64 { $0a.xs.to_vec()$0.iter().map(|x| u64::from(*x)).sum() }",
            "fn f(a: &O, k: u8) -> bool { $0a.m.clone()$0.contains_key(&k) }",
            "fn f(a: &str) -> Option<u8> { $0a.to_string()$0.parse().ok() }",
            "impl O { fn f(&self) -> String { $0self.key.clone()$0.to_lowercase() } }",
            "fn f(a: &str) -> String { $0a.to_owned()$0.replace('a', \"b\") }",
            "fn f(a: &O) -> String { format!(\"{}-{}\", $0a.key.clone()$0, a.xs.len()) }",
            "fn f(a: &O) { println!(\"{}\", $0a.key.to_string()$0); }",
            "fn f(os: &[O]) -> Vec<usize> { os.iter().map(|o| $0o.clone()$0.key.len()).collect() }",
            "fn f(o: &O) -> String { $0o.clone()$0.key }",
            "fn f(o: &O) -> bool { $0o.clone()$0.key == \"a\" }",
        ] {
            // The struct stands in front of all.
            check(&RULE, &format!("{order} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: &Path) -> String { let name = p.to_string_lossy().to_string(); name }",
                "fn f(p: &Path, out: &mut Vec<String>) { let name = p.to_string_lossy().to_string(); out.push(name); }",
                "fn f(p: &Path) -> String { let mut name = p.to_string_lossy().to_string(); name.push('/'); name }",
                "fn f(a: u64, b: &str) -> bool { a.to_string() == b }",
                "fn f(a: u64) -> String { format!(\"{}\", a.to_string()) }",
                "fn f(a: &str) { log!(\"{}\", a.to_string()); }",
                "fn f(a: &str) -> Vec<String> { vec![a.to_string()] }",
                "fn f(a: &T) -> u8 { a.clone().n }",
                "struct P { n: Vec<u8> } fn f(p: &P) -> u8 { p.clone().n.pop().unwrap() }",
                "struct P { n: u8 } impl P { fn f(&self) -> u8 { self.clone().n } }",
                "fn f(a: &Id, b: &str) -> bool { a.to_string() == b }",
                "fn f(a: &str, b: &str) -> bool { a == b }",
                "fn f(a: Arc<Vec<u8>>) -> usize { a.clone().len() }",
                "fn f(a: &Path) -> usize { a.to_owned().len() }",
                "fn f(a: &I) -> usize { a.clone().count() }",
                "fn f(a: &Vec<u8>) -> Vec<u8> { a.clone() }",
                "fn f(a: &str) -> String { a.to_string().into_boxed_str().into() }",
                "fn f(a: &mut Vec<u8>) -> u8 { a.clone().pop().unwrap() }",
                "fn f(a: &mut String) -> bool { a.clone() == change(a) }",
                "fn f(m: &Mutex<Vec<u8>>) -> usize { m.lock().unwrap().clone().len() }",
                "fn f(a: &[String], i: usize) -> usize { a[i].clone().len() }",
                "fn f() -> usize { name().to_string().len() }",
                "fn f(a: &str, b: &str) -> bool { a.to_lowercase() == b.to_lowercase() }",
                "#[test] fn f() { let a: Vec<u8> = g(); assert!(a.clone() == h()); }",
            ],
        );
    }
}
