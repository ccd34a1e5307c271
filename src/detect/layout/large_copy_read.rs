//! Copies of large `Copy` values out, of which only parts are read; one finding per copy.

use crate::source::visit::{self, Visit};

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::declarations::Known;
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, names, shapes, types};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("large-copy-read"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::A,
    title: "large value copied to read a part of it",
    explain: EXPLAIN,
    triggers: &["Copy", "copied", "cloned"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds values of more than 128 bytes that are copied out of where they stand (`let p = self.profile;`, `let p = *other;`,
`for p in profiles.iter().copied()`, `if let Some(p) = list.get(i).copied()`, `for &p in list`) and then only looked at.

## Why it costs

Above 128 bytes rustc copies by a call of `memcpy`: the whole value moves through the cache to read a few of its fields, once
per round in a loop.

## Before

```rust
for profile in profiles.iter().copied() {
    total += profile.weights[0];
}
```

## After

```rust
for profile in profiles.iter() {
    total += profile.weights[0];
}
```

A `Copy` value holds no cell, so that nobody can change it while a reference to it lives: where rustc accepts the reference,
it reads the same bytes as the copy would.

## When it is refused

The copy is changed, moved, compared, stored or bound anew; something changes the original while the copy is in use (rustc
does not accept the reference); the place is reached through a call that may lock or borrow, or in an `unsafe` block.
";

/// Bytes above which a value is large.
const LARGE: u64 = 128;

/// Methods that lead from a place to one of its elements without a guard in between.
const LEADING: &[&str] = &[
    "expect",
    "filter",
    "find",
    "first",
    "get",
    "iter",
    "last",
    "max_by",
    "max_by_key",
    "min_by",
    "min_by_key",
    "next",
    "next_back",
    "nth",
    "ok_or",
    "ok_or_else",
    "peek",
    "rev",
    "skip",
    "take",
    "unwrap",
    "values",
];

/// Adaptors that hand on the same items.
const SAME_ITEMS: &[&str] = &["filter", "inspect", "rev", "skip", "skip_while", "take", "take_while"];

/// Adaptors and ends that make something else of the items.
const OTHER_ITEMS: &[&str] =
    &["all", "any", "filter_map", "find_map", "flat_map", "fold", "for_each", "map", "map_while", "position"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut walk = Copies { file, is_unsafe: false, out: Vec::new() };
    walk.visit_file(&file.ast);
    walk.out
}

struct Copies<'a> {
    file: &'a SourceFile,
    is_unsafe: bool,
    out: Vec<Fact>,
}

/// What a copy is replaced by: bytes to leave out, and places for a `&`.
#[derive(Default)]
struct Change {
    cut: Option<TextRange>,
    lend: Vec<u32>,
}

impl Copies<'_> {
    /// Notes the copy if its name is only looked at.
    fn note(&mut self, site: TextRange, name: &str, of: Option<syn::Type>, uses: &[Use], change: Change) {
        if self.is_unsafe || uses.is_empty() || !uses.iter().all(is_look) {
            return;
        }
        let mut fields: Vec<&str> = uses.iter().filter_map(|u| u.fields.first().map(String::as_str)).collect();
        fields.sort_unstable();
        fields.dedup();
        let mut fact = Fact::at(self.file, site).note("copy", name).note("fields", fields.join("\u{1}"));
        if let Some(of) = of.as_ref().map(types::strip) {
            fact = fact.note("of", quote::quote!(#of).to_string());
        }
        if let Some(cut) = change.cut {
            fact = fact.capture("cut", cut);
        }
        for at in change.lend {
            fact = fact.capture("lend", TextRange { start: at, end: at });
        }
        self.out.push(fact);
    }

    fn bound(&mut self, block: &syn::Block, index: usize) {
        let stmt = &block.stmts[index];
        if !may_copy(stmt) {
            return;
        }
        let rest = shapes::rest(block, index);
        if let Some(bound) = shapes::plain_let(stmt).filter(|l| !l.is_mut) {
            let name = bound.name.to_string();
            // Asked before the type, which costs more to tell.
            if usage::uses(self.file, &rest, &name).iter().all(is_look)
                && let Some((of, mut change)) = self.copy(bound.value)
            {
                if changes_meanwhile(self.file, &rest, bound.value, &name) {
                    return;
                }
                let of = bound.ty.cloned().or(of);
                change.lend.extend(bound.ty.map(|ty| self.file.range(ty).start));
                self.note_in(&rest, self.file.range(bound.value), &name, of, change);
            }
        } else if let syn::Stmt::Local(local) = stmt
            && let Some(init) = local.init.as_ref().filter(|init| init.diverge.is_some())
            && let Some(name) = shapes::bound_in_variant(&local.pat, "Some")
            && let Some((cut, of)) = self.copied(&init.expr)
        {
            self.note_in(&rest, cut, &name.to_string(), of, Change { cut: Some(cut), ..Change::default() });
        }
    }

    fn note_in(&mut self, block: &syn::Block, site: TextRange, name: &str, of: Option<syn::Type>, change: Change) {
        if usage::bindings(self.file, block, name).is_empty() {
            self.note(site, name, of, &usage::uses(self.file, block, name), change);
        }
    }

    /// `place`, `*place`, `*list.get(i)?`, `list.get(i).copied()?`: what of, and what stands instead.
    fn copy(&self, value: &syn::Expr) -> Option<(Option<syn::Type>, Change)> {
        let lend = || Change { lend: vec![self.file.range(value).start], ..Change::default() };
        match value {
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => {
                let of = types::type_of(self.file, &u.expr);
                let star = TextRange { start: self.file.range(value).start, end: self.file.range(&*u.expr).start };
                let is_reference = matches!(of, Some(syn::Type::Reference(_)));
                match usage::place(&u.expr) {
                    Some(place) if is_local(&place.root) && !is_reference => Some((of, lend())),
                    Some(place) if is_local(&place.root) => Some((of, Change { cut: Some(star), ..Change::default() })),
                    _ => {
                        let of = types::element(&types::type_of(self.file, lead(&u.expr)?)?);
                        Some((of, Change { cut: Some(star), ..Change::default() }))
                    }
                }
            }
            syn::Expr::Field(_) | syn::Expr::Index(_) => {
                usage::place(value).filter(|p| is_local(&p.root))?;
                let of = match value {
                    syn::Expr::Index(i) if !matches!(*i.index, syn::Expr::Range(_)) => {
                        types::type_of(self.file, &i.expr).as_ref().and_then(types::element)
                    }
                    syn::Expr::Field(_) => types::type_of(self.file, value),
                    _ => return None,
                };
                let is_reference = matches!(of, Some(syn::Type::Reference(_)));
                (!is_reference).then(|| (of, lend()))
            }
            other => self.copied(other).map(|(cut, of)| (of, Change { cut: Some(cut), ..Change::default() })),
        }
    }

    /// `….copied()` or `….cloned()`, with what unwraps an option behind: the call to leave out, and the element.
    fn copied(&self, expr: &syn::Expr) -> Option<(TextRange, Option<syn::Type>)> {
        match names::peel(expr) {
            syn::Expr::Try(t) => self.copied(&t.expr),
            syn::Expr::MethodCall(call) => match (call.method.to_string().as_str(), call.args.len()) {
                ("unwrap", 0) | ("expect" | "ok_or" | "ok_or_else", 1) => self.copied(&call.receiver),
                ("copied" | "cloned", 0) => {
                    let root = lead(&call.receiver)?;
                    let of = types::type_of(self.file, root).as_ref().and_then(types::element);
                    let start = self.file.range(&*call.receiver).end;
                    Some((TextRange { start, end: self.file.range(call).end }, of))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// `for name in list.iter().copied()`, `for &name in list`.
    fn looped(&mut self, node: &syn::ExprForLoop) {
        match &*node.pat {
            syn::Pat::Ident(p) if p.mutability.is_none() && p.by_ref.is_none() && p.subpat.is_none() => {
                if let Some((cut, of)) = self.copied(&node.expr) {
                    let change = Change { cut: Some(cut), ..Change::default() };
                    self.note_in(&node.body, cut, &p.ident.to_string(), of, change);
                }
            }
            syn::Pat::Reference(r) => {
                if let syn::Pat::Ident(p) = &*r.pat
                    && p.mutability.is_none()
                    && let Some(root) = lead(shapes::unreferenced(&node.expr))
                {
                    let of = types::type_of(self.file, root).as_ref().and_then(types::element);
                    let site = self.file.range(&*node.pat);
                    let cut = TextRange { start: site.start, end: self.file.range(&*r.pat).start };
                    let change = Change { cut: Some(cut), ..Change::default() };
                    self.note_in(&node.body, site, &p.ident.to_string(), of, change);
                }
            }
            _ => {}
        }
    }

    /// `if let Some(name) = list.get(i).copied() { … }`.
    fn conditional(&mut self, node: &syn::ExprIf) {
        if let syn::Expr::Let(l) = &*node.cond
            && let Some(name) = shapes::bound_in_variant(&l.pat, "Some")
            && let Some((cut, of)) = self.copied(&l.expr)
        {
            let change = Change { cut: Some(cut), ..Change::default() };
            self.note_in(&node.then_branch, cut, &name.to_string(), of, change);
        }
    }

    /// `list.iter().copied().filter(|name| …).map(|name| …)`, up to where the items become something else.
    fn chained(&mut self, end: &syn::ExprMethodCall) {
        if !OTHER_ITEMS.iter().any(|name| end.method == name) {
            return;
        }
        let (mut uses, mut names, mut call) = (Vec::new(), Vec::new(), end);
        loop {
            let closures = call.args.iter().filter_map(|a| if let syn::Expr::Closure(c) = a { Some(c) } else { None });
            for closure in closures {
                let Some(syn::Pat::Ident(p)) = closure.inputs.last().filter(|_| closure.capture.is_none()) else {
                    return;
                };
                let name = p.ident.to_string();
                if p.mutability.is_some() || names::bound_in(&closure.body).contains(&name) {
                    return;
                }
                uses.extend(usage::uses_in_expr(self.file, &closure.body, &name));
                names.push(name);
            }
            if call.args.iter().any(|a| matches!(a, syn::Expr::Path(_))) {
                return;
            }
            match &*call.receiver {
                syn::Expr::MethodCall(next) if SAME_ITEMS.contains(&next.method.to_string().as_str()) => call = next,
                other => {
                    if let (Some((cut, of)), Some(name)) = (self.copied(other), names.last().cloned())
                        && matches!(other, syn::Expr::MethodCall(c) if c.args.is_empty() && c.method != "unwrap")
                    {
                        self.note(cut, &name, of, &uses, Change { cut: Some(cut), ..Change::default() });
                    }
                    return;
                }
            }
        }
    }
}

/// True for a `let` that may copy something out of where it stands, by its shape alone.
fn may_copy(stmt: &syn::Stmt) -> bool {
    fn copies(expr: &syn::Expr) -> bool {
        match expr {
            syn::Expr::Paren(p) => copies(&p.expr),
            syn::Expr::Try(t) => copies(&t.expr),
            syn::Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "copied" | "cloned" => true,
                "unwrap" | "expect" | "ok_or" | "ok_or_else" => copies(&call.receiver),
                _ => false,
            },
            syn::Expr::Unary(u) => matches!(u.op, syn::UnOp::Deref(_)),
            syn::Expr::Field(_) | syn::Expr::Index(_) => true,
            _ => false,
        }
    }
    matches!(stmt, syn::Stmt::Local(local) if local.init.as_ref().is_some_and(|init| copies(&init.expr)))
}

/// True if what was copied from is changed before the copy is looked at for the last time.
fn changes_meanwhile(file: &SourceFile, rest: &syn::Block, value: &syn::Expr, name: &str) -> bool {
    let value = match value {
        syn::Expr::Unary(u) => &u.expr,
        other => other,
    };
    let Some(place) = usage::place(value) else { return false };
    let last = usage::uses(file, rest, name).last().map_or(0, |u| u.name.start);
    let is_change = |u: &Use| match &u.how {
        How::Mutate | How::Opaque => true,
        How::Method(method) => usage::is_changing_method(method),
        _ => false,
    };
    usage::uses(file, rest, &place.root)
        .iter()
        .any(|u| u.name.start < last && usage::may_overlap(&place, &place.root, &u.fields) && is_change(u))
}

/// The place that a chain of [`LEADING`] methods begins with.
fn lead(expr: &syn::Expr) -> Option<&syn::Expr> {
    match names::peel(expr) {
        syn::Expr::Try(t) => lead(&t.expr),
        syn::Expr::MethodCall(call) if LEADING.contains(&call.method.to_string().as_str()) => lead(&call.receiver),
        place => usage::place(place).filter(|p| is_local(&p.root)).map(|_| place),
    }
}

/// False for statics and constants.
fn is_local(root: &str) -> bool {
    root.starts_with(|c: char| c.is_lowercase() || c == '_')
}

/// True for uses that are alike for a value and a reference to it.
fn is_look(u: &Use) -> bool {
    match &u.how {
        How::Method(method) => !u.is_bare || !(usage::is_changing_method(method) || method == "into_iter"),
        How::Read => true,
        How::Value | How::Compare | How::Scrutinee | How::Iterated => !u.is_bare && !is_whole(u),
        How::Mutate | How::Opaque => false,
    }
}

/// True for `*name`: the whole value by another road.
fn is_whole(u: &Use) -> bool {
    u.fields.is_empty() && u.place.end == u.name.end
}

impl<'a> Visit<'a> for Copies<'_> {
    fn visit_item(&mut self, node: &'a syn::Item) {
        let before = std::mem::replace(&mut self.is_unsafe, false);
        visit::visit_item(self, node);
        self.is_unsafe = before;
    }

    fn visit_signature(&mut self, node: &'a syn::Signature) {
        self.is_unsafe = matches!(node.safety, syn::Safety::Unsafe(_));
    }

    fn visit_expr_unsafe(&mut self, node: &'a syn::ExprUnsafe) {
        let before = std::mem::replace(&mut self.is_unsafe, true);
        visit::visit_expr_unsafe(self, node);
        self.is_unsafe = before;
    }

    fn visit_block(&mut self, node: &'a syn::Block) {
        (0..node.stmts.len()).for_each(|index| self.bound(node, index));
        visit::visit_block(self, node);
    }

    fn visit_expr_for_loop(&mut self, node: &'a syn::ExprForLoop) {
        self.looped(node);
        visit::visit_expr_for_loop(self, node);
    }

    fn visit_expr_if(&mut self, node: &'a syn::ExprIf) {
        self.conditional(node);
        visit::visit_expr_if(self, node);
    }

    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        self.chained(node);
        visit::visit_expr_method_call(self, node);
    }
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let known = known.types();
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter_map(|(file, fact)| {
        let name = fact.word("copy")?;
        let fields: Vec<&str> = fact.word("fields")?.split('\u{1}').filter(|f| !f.is_empty()).collect();
        let by_fields = || known.with_fields(&fields).map(|declared| declared.name.clone());
        let of = fact.word("of").map(str::to_owned).filter(|of| known.least(of) > 0).or_else(by_fields)?;
        let bytes = known.least(&of);
        let message = format!("`{name}` is a copy of at least {bytes} bytes, of which parts are read");
        (bytes > LARGE && known.is_copy(&of)).then(|| rule.finding(file, fact, message))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const GRID: &str =
        "#[derive(Clone, Copy)] pub struct Grid { cells: [u32; 64], n: u8 } struct S { grid: Grid, all: Vec<Grid> } ";

    #[test]
    fn fires_on_copies_that_are_only_looked_at() {
        for text in [
            "fn f(gs: &[Grid]) { for g in gs.iter()$0.copied()$0 { h(g.n); } }",
            "fn f(gs: &[Grid]) { for g in gs.iter()$0.cloned()$0 { h(&g.cells); } }",
            "fn f(gs: &[Grid]) { for $0&g$0 in gs { h(g.n); } }",
            "fn f(gs: &Vec<Grid>) { for $0&g$0 in gs.iter() { h(g.total()); } }",
            "impl S { fn f(&self) -> u8 { let g = $0self.grid$0; g.n + g.cells[0] as u8 } }",
            "impl S { fn f(&mut self) -> u8 { let g = $0self.grid$0; if g.n > 1 { return 0; } self.all.clear(); g.n } }",
            "impl S { fn f(&self, i: usize) -> u8 { let g = $0self.all[i]$0; g.n } }",
            "fn f(g: &Grid) -> u8 { let own = $0*g$0; own.n }",
            "fn f(g: &mut Grid) -> u8 { let own: Grid = $0*g$0; println!(\"{}\", own.n); own.n }",
            "fn f(x: &X) -> u8 { let (Some(a), Some(b)) = x.two() else { return 0 }; let l = $0*a$0; l.cells[0] as u8 + l.n }",
            "fn f(gs: &[Grid]) -> Option<u8> { let g = $0gs.get(1).copied()?$0; Some(g.n) }",
            "fn f(gs: &[Grid]) -> u8 { let g = $0*gs.first().unwrap()$0; g.n }",
            "fn f(gs: &[Grid]) -> u8 { if let Some(g) = gs.last()$0.copied()$0 { g.n } else { 0 } }",
            "fn f(gs: &[Grid]) -> u8 { let Some(g) = gs.last()$0.copied()$0 else { return 0 }; g.n }",
            "fn f(gs: &[Grid]) -> u32 { gs.iter()$0.copied()$0.filter(|g| g.n > 1).map(|g| g.cells[0]).sum() }",
            "fn f(gs: &[Grid]) -> bool { gs.iter()$0.cloned()$0.any(|g| g.n == 1) }",
            "fn f(gs: &[[u64; 32]]) -> u64 { let mut n = 0; for g in gs.iter()$0.copied()$0 { n += g[0]; } n }",
        ] {
            check(&RULE, &format!("{GRID}{text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let with_grid = [
            "fn f(gs: &[Grid]) { for g in gs { h(g.n); } }",
            "fn f(gs: &[Grid]) { for g in gs.iter().copied() { keep(g); } }",
            "fn f(gs: &[Grid]) { for mut g in gs.iter().copied() { g.n = 1; h(g.n); } }",
            "fn f(gs: &[Grid]) -> Vec<Grid> { gs.iter().copied().filter(|g| g.n > 1).collect() }",
            "fn f(gs: &[Grid]) -> Vec<Grid> { gs.iter().copied().map(|g| g).collect() }",
            "fn f(gs: &[Grid]) -> Vec<u8> { gs.iter().copied().map(Grid::n).collect() }",
            "impl S { fn f(&mut self) -> Grid { let g = self.grid; self.grid.n = 1; g } }",
            "impl S { fn f(&mut self) { let saved = self.grid; self.grid.n += 1; if bad() { self.grid = saved; } } }",
            "impl S { fn f(&self) { let mut g = self.grid; g.n = 2; h(g.n); } }",
            "impl S { fn f(&self) -> bool { let g = self.grid; g == other() } }",
            "fn f(g: &Grid) -> u8 { let own = *g; let own = own.n; own }",
            "fn f(m: &Mutex<Grid>) -> u8 { let g = *m.lock().unwrap(); g.n }",
            "fn f(c: &RefCell<S>) -> u8 { let g = c.borrow().grid; g.n }",
            "fn f(p: *const Grid) -> u8 { let g = unsafe { let g = *p; g.n }; g }",
            "unsafe fn f(p: *const Grid) -> u8 { let g = *p; g.n }",
            "static ALL: S = S::new(); fn f() -> u8 { let g = ALL.grid; g.n }",
            "fn f(gs: &[Grid]) { for g in gs.iter().copied() { show!(g); } }",
            "fn f(g: &Grid) -> u32 { let own = *g; own.into_iter().sum() }",
            "fn f(g: &Grid) {  let own = *g; }",
            "fn f(g: &mut Grid) -> u8 { let before = *g; g.n += 1; g.n - before.n }",
            "impl S { fn f(&mut self) -> u8 { let before = self.grid; self.grid.cells.reverse(); before.n } }",
            "#[test] fn f() { let g = s.grid; h(g.n); }",
        ];
        for text in with_grid {
            check_ignores(&RULE, &[&format!("{GRID}{text}")]);
        }
        check_ignores(
            &RULE,
            &[
                "#[derive(Clone, Copy)] struct Small { n: u8 } fn f(gs: &[Small]) { for g in gs.iter().copied() { h(g.n); } }",
                "#[derive(Clone)] struct Own { cells: [u32; 64] } fn f(gs: &[Own]) { for g in gs.iter().cloned() { h(g.cells[0]); } }",
                "fn f(gs: &[Foreign]) { for g in gs.iter().copied() { h(g.n); } }",
                "#[derive(Clone, Copy)] struct A { n: [u8; 200] } #[derive(Clone, Copy)] struct B { n: [u8; 300] } fn f(x: &X) { let a = *x.y; h(a.n[0]); }",
            ],
        );
    }
}
