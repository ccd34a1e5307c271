//! Private functions that take a large `Copy` type by value and only look at it.

use syn::visit::{self, Visit};

use super::bulk;
use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::usage::{self, How};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("large-by-value"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::A,
    title: "large value copied for each call",
    explain: EXPLAIN,
    triggers: &["Copy"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds private functions with a parameter of more than 128 bytes (`self` among them) whose type is `Copy`, and that only
look at it.

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

The function is public, generic, `async`, of a trait, or used as a value; it has a namesake; a call of it stands in a macro;
it changes, moves, compares or captures the value; rustc does not accept the reference.
";

/// Bytes above which a value is large.
const LARGE: u64 = 128;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut walk = Params { file, in_trait: false, own: None, out: bulk::facts(file) };
    walk.visit_file(&file.ast);
    walk.out
}

struct Params<'a> {
    file: &'a SourceFile,
    in_trait: bool,
    /// The type whose methods these are.
    own: Option<&'a syn::Type>,
    out: Vec<Fact>,
}

impl Params<'_> {
    fn function(&mut self, vis: &syn::Visibility, sig: &syn::Signature, block: &syn::Block) {
        let is_simple = sig.asyncness.is_none() && sig.constness.is_none() && sig.abi.is_none();
        if matches!(vis, syn::Visibility::Public(_)) || !is_simple || !sig.generics.params.is_empty() {
            return;
        }
        self.receiver(sig, block);
        for (index, input) in sig.inputs.iter().enumerate() {
            if let syn::FnArg::Typed(typed) = input
                && let Some(name) = plain_param(typed)
                && is_only_read(self.file, block, &name)
            {
                let fact = Fact::at(self.file, self.file.range(typed))
                    .capture("type", self.file.range(&*typed.ty))
                    .capture("name", self.file.span_range(sig.ident.span()))
                    .note("index", index.to_string())
                    .note("of", self.file.text_of(&*typed.ty))
                    .note("param", name);
                self.out.push(fact);
            }
        }
    }
}

impl<'a> Params<'a> {
    /// `self` by value, where `&self` would do.
    fn receiver(&mut self, sig: &syn::Signature, block: &syn::Block) {
        let (Some(receiver), Some(own)) = (sig.receiver(), self.own) else { return };
        let is_value = matches!(receiver.kind, syn::ReceiverKind::Value) && receiver.mutability.is_none();
        if is_value && receiver.attrs.is_empty() && is_only_read(self.file, block, "self") {
            let fact = Fact::at(self.file, self.file.range(receiver))
                .capture("type", self.file.range(receiver))
                .capture("name", self.file.span_range(sig.ident.span()))
                .note("index", "0")
                .note("of", self.file.text_of(own))
                .note("param", "self");
            self.out.push(fact);
        }
    }
}

fn plain_param(typed: &syn::PatType) -> Option<String> {
    let syn::Pat::Ident(syn::PatIdent { ident, mutability: None, by_ref: None, subpat: None, .. }) = &*typed.pat else {
        return None;
    };
    if let syn::Type::Array(_) = &*typed.ty {
        return typed.attrs.is_empty().then(|| ident.to_string());
    }
    let syn::Type::Path(path) = &*typed.ty else { return None };
    let is_bare = path.path.segments.iter().all(|s| matches!(s.arguments, syn::PathArguments::None));
    (is_bare && typed.attrs.is_empty()).then(|| ident.to_string())
}

/// True if the body uses the parameter, and only its parts or its methods.
fn is_only_read(file: &SourceFile, block: &syn::Block, name: &str) -> bool {
    let uses = usage::uses(file, block, name);
    let is_look = |u: &usage::Use| match &u.how {
        How::Method(method) => !usage::is_changing_method(method) || !u.is_bare,
        How::Value | How::Compare | How::Scrutinee | How::Iterated | How::Read => !u.is_bare,
        How::Mutate | How::Opaque => false,
    };
    !uses.is_empty()
        && uses.iter().all(|u| is_look(u) && !u.is_captured)
        && usage::bindings(file, block, name).is_empty()
}

impl<'a> Visit<'a> for Params<'a> {
    fn visit_item_fn(&mut self, node: &'a syn::ItemFn) {
        self.function(&node.vis, &node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_item_impl(&mut self, node: &'a syn::ItemImpl) {
        let is_generic = !node.generics.params.is_empty();
        let before = std::mem::replace(&mut self.in_trait, node.trait_.is_some() || is_generic);
        let own = self.own.replace(&node.self_ty);
        visit::visit_item_impl(self, node);
        (self.in_trait, self.own) = (before, own);
    }

    fn visit_impl_item_fn(&mut self, node: &'a syn::ImplItemFn) {
        if !self.in_trait {
            self.function(&node.vis, &node.sig, &node.block);
        }
        visit::visit_impl_item_fn(self, node);
    }
}

fn judge(rule: &Rule, facts: &[FileFacts]) -> Vec<Finding> {
    let known = bulk::learn(facts);
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter_map(|(file, fact)| {
        let (ty, param) = (fact.word("of")?, fact.word("param")?);
        let bytes = known.least(ty);
        let is_copy = known.is_copy(ty);
        let message = format!("`{param}` is copied for each call: at least {bytes} bytes, of which parts are read");
        (bytes > LARGE && is_copy).then(|| rule.finding(file, fact, message))
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
        ] {
            check(&RULE, &format!("{GRID}{text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let with_grid = [
            "pub fn f(g: Grid) -> u8 { g.n }",
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
            "impl T for S { fn f(&self, g: Grid) -> u8 { g.n } }",
            "trait T { fn f(&self, g: Grid) -> u8 { g.n } }",
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
