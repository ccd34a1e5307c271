//! Functions that take a large value, copied or cloned for each call, and only look at it.

use std::collections::BTreeSet;

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::bulk;
use crate::source::declarations::Known;
use crate::source::functions::{head, items};
use crate::source::{SourceFile, names, shapes, usage};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("large-by-value"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::A,
    title: "large value copied for each call",
    explain: EXPLAIN,
    triggers: &[],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds functions, and methods of private traits, with a parameter of more than 128 bytes (`self` among them) that they only
look at: of a type that is `Copy`, or, in a private function, of one that the calls clone.

## Why it costs

Above 128 bytes rustc copies by a call of `memcpy`: each call of the function copies the whole value onto the stack to read
a few of its fields.

## Before

```rust
fn score(grid: Grid, at: usize) -> u32 {
    grid.cells[at]
}
score(grid, 3)
```

## After

```rust
fn score(grid: &Grid, at: usize) -> u32 {
    grid.cells[at]
}
score(&grid, 3)
```

## When it is refused

The function is generic, `async`, of a public trait, or used as a value; it has a namesake; a call of it stands in a macro;
it changes, moves, compares or captures the value; what is cloned is not plain data (asked of rustc); rustc does not accept
the reference. For a public function the rewrite is a scaffold (class C): callers elsewhere have to lend the value as well.
";

/// Bytes above which a value is large.
const LARGE: u64 = 128;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut walk = Params { file, cloned: None, out: Vec::new() };
    for placed in items(&file.ast).into_iter().filter(|placed| !placed.is_test) {
        match placed.item {
            syn::Item::Fn(item) => walk.function(&item.vis, &item.sig, &item.block, None),
            syn::Item::Trait(item) => walk.of_trait(item),
            syn::Item::Impl(item) if item.trait_.is_none() && item.generics.params.is_empty() => {
                for member in &item.items {
                    if let syn::ImplItem::Fn(method) = member {
                        walk.function(&method.vis, &method.sig, &method.block, Some(&item.self_ty));
                    }
                }
            }
            _ => {}
        }
    }
    walk.out
}

struct Params<'a> {
    file: &'a SourceFile,
    /// Which functions are handed a clone in this file, and as which argument; looked for once it matters.
    cloned: Option<BTreeSet<(&'a str, usize)>>,
    out: Vec<Fact>,
}

impl Params<'_> {
    /// `own` is the type whose method it is.
    fn function(&mut self, vis: &syn::Visibility, sig: &syn::Signature, block: &syn::Block, own: Option<&syn::Type>) {
        if !is_simple(sig) {
            return;
        }
        let vis = if matches!(vis, syn::Visibility::Public(_)) { "public" } else { "private" };
        let before = self.out.len();
        if let Some(own) = own {
            self.receiver(sig, block, own);
        }
        for (index, input) in sig.inputs.iter().enumerate() {
            if let syn::FnArg::Typed(typed) = input
                && let Some(name) = plain_param(typed)
                && (usage::is_only_looked_at(self.file, block, &name)
                    || self.is_but_handed_on(sig, block, index, &name))
            {
                self.parameter(sig, index, typed, name);
            }
        }
        for fact in &mut self.out[before..] {
            fact.notes.push(("vis", vis.to_owned()));
        }
    }

    /// True if a parameter is only looked at, and handed on to the function itself in its own place.
    fn is_but_handed_on(&self, sig: &syn::Signature, block: &syn::Block, index: usize, name: &str) -> bool {
        let own = handed_on(self.file, sig, block, index, name);
        !own.is_empty() && usage::is_only_looked_at_but(self.file, block, name, &own)
    }

    /// `self` by value, where `&self` would do.
    fn receiver(&mut self, sig: &syn::Signature, block: &syn::Block, own: &syn::Type) {
        let Some(receiver) = sig.receiver().filter(|r| r.mutability.is_none() && r.attrs.is_empty()) else { return };
        let is_value = matches!(receiver.kind, syn::ReceiverKind::Value);
        if is_value && usage::is_only_looked_at(self.file, block, "self") {
            let fact = Fact::at(self.file, self.file.range(receiver))
                .capture("type", self.file.range(receiver))
                .capture("name", self.file.span_range(sig.ident.span()))
                .note("of", self.file.text_of(own))
                .note("param", "self");
            self.out.push(fact);
        }
    }

    fn parameter(&mut self, sig: &syn::Signature, index: usize, typed: &syn::PatType, name: String) {
        let file = self.file;
        let cloned = self.cloned.get_or_insert_with(|| handed_clones(file));
        let is_cloned = cloned.contains(&(sig.ident.to_string().as_str(), index));
        let fact = Fact::at(file, file.range(typed))
            .capture("type", file.range(&*typed.ty))
            .capture("name", file.span_range(sig.ident.span()))
            .note("of", file.text_of(&*typed.ty))
            .note("cloned", if is_cloned { "yes" } else { "no" })
            .note("param", name);
        self.out.push(fact);
    }

    /// Methods of a private trait; what its implementations do with the value the recipe asks.
    fn of_trait(&mut self, item: &syn::ItemTrait) {
        if matches!(item.vis, syn::Visibility::Public(_)) || !item.generics.params.is_empty() {
            return;
        }
        for member in &item.items {
            let syn::TraitItem::Fn(method) = member else { continue };
            if !is_simple(&method.sig) {
                continue;
            }
            for (index, input) in method.sig.inputs.iter().enumerate() {
                let syn::FnArg::Typed(typed) = input else { continue };
                let Some(name) = plain_param(typed) else { continue };
                let looked_at = |block| usage::is_only_looked_at(self.file, block, &name);
                if method.default.as_ref().is_none_or(looked_at) {
                    self.parameter(&method.sig, index, typed, name);
                    let of = self.file.span_range(item.ident.span());
                    self.out.last_mut().expect("just pushed").captures.push(("trait", of));
                }
            }
        }
    }
}

/// Where a function hands the parameter on to itself, in the same place.
fn handed_on(file: &SourceFile, sig: &syn::Signature, block: &syn::Block, index: usize, name: &str) -> Vec<TextRange> {
    let methods = usize::from(sig.receiver().is_some());
    let mut found = Vec::new();
    for expr in shapes::exprs(block) {
        let argument = match expr {
            syn::Expr::Call(call) => match &*call.func {
                syn::Expr::Path(p) if p.path.segments.last().is_some_and(|s| s.ident == sig.ident) => {
                    call.args.get(index)
                }
                _ => None,
            },
            syn::Expr::MethodCall(call) if call.method == sig.ident => {
                index.checked_sub(methods).and_then(|index| call.args.get(index))
            }
            _ => None,
        };
        let own = argument.filter(|a| names::plain_name(a).is_some_and(|n| n == name));
        found.extend(own.map(|argument| file.range(argument)));
    }
    found
}

fn is_simple(sig: &syn::Signature) -> bool {
    let is_plain = sig.asyncness.is_none() && sig.constness.is_none() && sig.abi.is_none();
    is_plain && sig.generics.type_params().next().is_none() && sig.generics.const_params().next().is_none()
}

fn plain_param(typed: &syn::PatType) -> Option<String> {
    let syn::Pat::Ident(syn::PatIdent { ident, mutability: None, by_ref: None, subpat: None, .. }) = &*typed.pat else {
        return None;
    };
    if let syn::Type::Array(_) = &*typed.ty {
        return typed.attrs.is_empty().then(|| ident.to_string());
    }
    let syn::Type::Path(path) = &*typed.ty else { return None };
    if bulk::is_small(&head(&typed.ty)) {
        return None;
    }
    let is_bare = path.path.segments.iter().all(|s| matches!(s.arguments, syn::PathArguments::None));
    (is_bare && typed.attrs.is_empty()).then(|| ident.to_string())
}

/// The functions that are handed `….clone()`, each with the index of that parameter (`self` counts): told from the tokens.
fn handed_clones(file: &SourceFile) -> BTreeSet<(&str, usize)> {
    let tokens: Vec<&str> = file.tokens.iter().filter(|t| !t.is_comment()).map(|t| t.text(&file.text)).collect();
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut found = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "(" => {
                let callee = at.checked_sub(1).map_or("", |before| tokens[before]);
                let is_method = at >= 2 && tokens[at - 2] == ".";
                open.push((callee, usize::from(is_method)));
            }
            "[" | "{" => open.push(("", 0)),
            ")" | "]" | "}" => {
                open.pop();
            }
            "," => open.iter_mut().next_back().into_iter().for_each(|(_, index)| *index += 1),
            "clone"
                if tokens[at + 1..].starts_with(&["(", ")"]) && matches!(tokens.get(at + 3), Some(&("," | ")"))) =>
            {
                found.extend(open.last().copied());
            }
            _ => {}
        }
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let known = known.types();
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter_map(|(file, fact)| {
        let (ty, param) = (fact.word("of")?, fact.word("param")?);
        let bytes = known.least(ty);
        if bytes <= LARGE {
            return None;
        }
        let is_public = fact.word("vis") == Some("public");
        let is_copy = known.is_copy(ty);
        let is_cloned = !is_copy && !is_public && fact.word("cloned") == Some("yes");
        let how = if is_copy { "copied" } else { "cloned" };
        let message = format!("`{param}` is {how} for each call: at least {bytes} bytes, of which parts are read");
        let mut found = rule.finding(file, fact, message);
        if is_public {
            found.class = Class::C;
            found.captures.push(("public", fact.site));
        }
        if is_cloned {
            found.captures.push(("cloned", fact.site));
        }
        (is_copy || is_cloned).then_some(found)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const GRID: &str = "#[derive(Clone, Copy, PartialEq)] pub struct Grid { cells: [u32; 64], n: u8 } ";

    #[test]
    fn fires_on_large_values_that_are_only_read() {
        for text in [
            "fn f($0g: Grid$0) -> u32 { g.cells[0] }",
            "fn f(a: u8, $0g: Grid$0) -> u32 { g.cells[a as usize] + g.n as u32 }",
            "impl S { fn f(&self, $0g: Grid$0) -> bool { g.n > self.n } }",
            "pub(crate) fn f($0g: Grid$0) -> u32 { for c in g.cells { h(c); } 1 }",
            "fn f($0g: Grid$0) -> usize { g.total() }",
            "fn f($0g: Grid$0, $0h: Grid$0) -> bool { g.n == h.n }",
            "mod m { use super::Grid; fn f($0g: Grid$0) { println!(\"{}\", g.n); } }",
            "fn f($0g: super::Grid$0) -> u8 { if a { g.n } else { 0 } }",
            "impl Grid { fn sum($0self$0, at: usize) -> u32 { self.cells[at] } }",
            "fn f($0m: [u64; 32]$0) -> u64 { m[0] }",
            "type Rows = [[f64; 6]; 6]; fn f($0m: Rows$0) -> f64 { m[0][1] }",
            "pub fn f($0g: Grid$0) -> u8 { g.n }",
            "impl Grid { pub fn sum($0self$0) -> u32 { self.cells.iter().sum() } }",
            "trait T { fn f(&self, $0g: Grid$0) -> u8; } impl T for S { fn f(&self, g: Grid) -> u8 { g.n } }",
            "pub(crate) trait T { fn f($0g: Grid$0, n: u8) -> u8 { g.n + n } }",
            "fn f<'a>(a: &'a str, $0g: Grid$0) -> &'a str { &a[..g.n as usize] }",
            "impl S { fn walk($0g: Grid$0, at: usize) -> u32 { if at == 0 { 0 } else { g.cells[at] + Self::walk(g, at - 1) } } }",
            "struct Big { a: Grid, s: String } fn f($0b: Big$0) -> u8 { b.a.n } fn g(b: &Big) { f(b.clone()); }",
            "struct Big { a: Grid } impl S { fn f(&self, $0b: Big$0) -> u8 { b.a.n } fn g(&self) { self.f(self.b.clone()); } }",
        ] {
            check(&RULE, &format!("{GRID}{text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let with_grid = [
            "pub trait T { fn f(&self, g: Grid) -> u8; }",
            "fn f(g: &Grid) -> u8 { g.n }",
            "impl Grid { fn sum(&self) -> u8 { self.n } }",
            "impl Grid { fn own(self) -> Grid { self } }",
            "impl Grid { fn more(mut self) -> u8 { self.n += 1; self.n } }",
            "impl Sum for Grid { fn sum(self) -> u8 { self.n } }",
            "fn f(m: [u64; 4]) -> u64 { m[0] }",
            "fn f(m: [String; 32]) -> usize { m[0].len() }",
            "fn f(mut g: Grid) -> u8 { g.n += 1; g.n }",
            "fn f(g: Grid) -> Grid { g }",
            "fn f(g: Grid) { keep(g); }",
            "fn f(g: Grid) -> bool { g == other() }",
            "fn f(g: Grid) { spawn(move || g.n); }",
            "fn f(g: Grid) { show!(g); }",
            "fn f(g: Grid) {}",
            "fn f(g: Option<Grid>) -> u8 { g.n }",
            "async fn f(g: Grid) -> u8 { g.n }",
            "fn f<T>(t: T, g: Grid) -> u8 { g.n }",
            "fn f<const N: usize>(t: [u8; N], g: Grid) -> u8 { g.n }",
            "impl T for S { fn f(&self, g: Grid) -> u8 { g.n } }",
            "trait T { fn f(&self, g: Grid) -> Grid { g } }",
            "trait T<X> { fn f(&self, g: Grid, x: X) -> u8; }",
            "trait T { fn f<X>(&self, g: Grid, x: X) -> u8; }",
            "struct Big { a: Grid } fn f(b: Big) -> u8 { b.a.n } fn g(b: &Big) { f(make(b)); }",
            "struct Big { a: Grid } pub fn f(b: Big) -> u8 { b.a.n } fn g(b: &Big) { f(b.clone()); }",
            "struct Big { a: Grid } fn f(b: Big, c: u8) -> u8 { b.a.n + c } fn g(b: &Big) { f(make(), b.c.clone()); }",
            "extern \"C\" fn f(g: Grid) -> u8 { g.n }",
            "const fn f(g: Grid) -> u8 { g.n }",
            "fn f(g: Grid) -> u8 { let g = g.n; g }",
            "#[cfg(test)] fn f(g: Grid) -> u8 { g.n }",
        ];
        for text in with_grid {
            check_ignores(&RULE, &[&format!("{GRID}{text}")]);
        }
        check_ignores(
            &RULE,
            &[
                "#[derive(Clone, Copy)] struct Small { cells: [u32; 8] } fn f(g: Small) -> u32 { g.cells[0] }",
                "#[derive(Clone)] struct Own { cells: [u32; 64] } fn f(g: Own) -> u32 { g.cells[0] }",
                "#[derive(Clone, Copy)] struct Unknown { cells: Foreign } fn f(g: Unknown) -> u32 { g.cells.n }",
            ],
        );
    }
}
