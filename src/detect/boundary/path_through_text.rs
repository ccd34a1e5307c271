//! Paths that are turned into texts only to be paths again.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("path-through-text"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::B,
    title: "path turned into a text only to be a path again",
    explain: EXPLAIN,
    triggers: &["to_string_lossy", "to_str", "display"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let text = path.to_string_lossy().into_owned();` (or `to_str().unwrap()`, or `display().to_string()`) of which nothing but
`Path::new(&text)` and `PathBuf::from(text)` is used.

## Why it costs

The path is checked to be Unicode, copied, and looked at as the path that it was.

## Before

```rust
let text = path.to_string_lossy().into_owned();
let is_note = Path::new(&text).extension().is_some_and(|e| e == \"md\");
```

## After

```rust
let is_note = path.extension().is_some_and(|e| e == \"md\");
```

A path that is no Unicode stays as it is, where it was changed, or made the program fail, before. That is for a person to accept.

## When it is refused

The text is used for more; the path changes in between; it is no path of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| there_and_back(file, block, index)));
    }
    found
}

fn there_and_back(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let path = path_of(bound.value)?;
    let place = usage::place(path).filter(|p| p.is_plain)?;
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let count = shapes::count(&rest, &name);
    if count == 0 || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let message = format!("`{}` becomes a text only to be a path again", file.on_one_line(file.range(path)));
    let mut fact = Fact::at(file, file.range(bound.local)).capture("path", file.range(path)).note("message", message);
    let mut known = 0;
    for expr in shapes::exprs(&rest) {
        let Some((kind, argument)) = path_again(expr) else { continue };
        let argument = match peel(shapes::unreferenced(argument)) {
            syn::Expr::MethodCall(call) if call.method == "as_str" || call.method == "as_ref" => &*call.receiver,
            other => other,
        };
        if shapes::is_name(argument, bound.name) {
            known += 1;
            fact = fact.capture(kind, file.range(expr));
        }
    }
    // The path is as it was where it is looked at again.
    let is_kept = |u: &usage::Use| {
        !usage::may_overlap(&place, &place.root, &u.fields) || !matches!(u.how, usage::How::Mutate | usage::How::Opaque)
    };
    let is_same = usage::uses(file, &rest, &place.root).iter().all(is_kept)
        && usage::bindings(file, &rest, &place.root).is_empty();
    (known == count && is_same).then_some(fact)
}

/// `path` of `path.to_string_lossy().into_owned()`, `path.to_str().unwrap()` and `path.display().to_string()`.
fn path_of(value: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::MethodCall(call) = peel(value) else { return None };
    let is_bare = call.args.is_empty();
    match call.method.to_string().as_str() {
        "to_string_lossy" if is_bare => Some(&call.receiver),
        "to_string" | "into_owned" | "to_owned" if is_bare => {
            let shown = shapes::method(&call.receiver, "display", 0).map(|display| &*display.receiver);
            shown.or_else(|| path_of(&call.receiver))
        }
        "unwrap" | "expect" | "unwrap_or_default" => {
            shapes::method(&call.receiver, "to_str", 0).map(|to_str| &*to_str.receiver)
        }
        _ => None,
    }
}

/// The argument of `Path::new(…)`, and of `PathBuf::from(…)`.
fn path_again(expr: &syn::Expr) -> Option<(&'static str, &syn::Expr)> {
    let lent = shapes::call(expr, &["Path", "new"]).map(|call| ("lent", call));
    let (kind, call) = lent.or_else(|| shapes::call(expr, &["PathBuf", "from"]).map(|call| ("owned", call)))?;
    Some((kind, call.args.first()?))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_paths_that_come_back() {
        for text in [
            "fn f(p: &Path) -> bool { $0let text = p.to_string_lossy().into_owned();$0 Path::new(&text).extension().is_some() }",
            "fn f(ps: &[PathBuf]) -> V { let mut v = vec![]; for p in ps { $0let name = p.display().to_string();$0 v.push(PathBuf::from(name)); } v }",
            "impl S { fn f(&self) -> Option<&OsStr> { $0let t = self.path.to_str().unwrap();$0 let q = Path::new(t); q.file_name() } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: &Path) -> bool { let text = p.to_string_lossy().into_owned(); text.ends_with(\".md\") }",
                "fn f(p: &Path) -> bool { let text = p.to_string_lossy().into_owned(); log(&text); Path::new(&text).exists() }",
                "fn f(p: &Path) -> PathBuf { let text = p.to_string_lossy().replace('a', \"b\"); PathBuf::from(text) }",
                "fn f(p: &Path) -> PathBuf { let mut text = p.to_string_lossy().into_owned(); text.push('~'); PathBuf::from(text) }",
                "fn f(p: &mut PathBuf) -> bool { let text = p.to_string_lossy().into_owned(); p.clear(); *p = q(); Path::new(&text).exists() }",
                "fn f(n: &Name) -> PathBuf { let text = n.to_string(); PathBuf::from(text) }",
                "fn f(p: &Path) -> PathBuf { let text = p.to_string_lossy().into_owned(); println!(\"{text}\"); PathBuf::from(&text) }",
                "#[test] fn f() { let text = p.to_string_lossy().into_owned(); g(Path::new(&text)); }",
            ],
        );
    }
}
