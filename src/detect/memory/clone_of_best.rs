//! A search for the best of many that copies each one that is better than those before.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, names, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("clone-of-best"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "copy of each better one on the way to the best",
    explain: EXPLAIN,
    triggers: &["clone"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let mut best = None;` with `best = Some(x.clone());` in the loop that follows, and `let mut best = list[0].clone();` with
`best = x.clone();`, where `best` is only looked at until the loop has ended and is handed on once behind it.

## Why it costs

Each better one is copied and the one before freed, for the last of them alone.

## Before

```rust
let mut best: Option<Hit> = None;
for hit in hits {
    if best.as_ref().is_none_or(|b| hit.score > b.score) {
        best = Some(hit.clone());
    }
}
best
```

## After

```rust
let mut best: Option<&Hit> = None;
for hit in hits {
    if best.as_ref().is_none_or(|b| hit.score > b.score) {
        best = Some(hit);
    }
}
best.cloned()
```

## When it is refused

What is looked at is no reference into the list; the best so far is changed, handed on in the loop, or used more than once behind
it; the type's `Clone` is not plain data (asked of rustc); rustc does not accept the borrow.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| best(file, block, index)));
    }
    found
}

/// What the search begins with.
#[derive(Clone, Copy)]
enum Start<'a> {
    /// `None`.
    None,
    /// `list[0].clone()`.
    First(&'a syn::ExprMethodCall),
}

fn best(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.is_mut)?;
    let start = match bound.value {
        syn::Expr::Path(p) if p.path.is_ident("None") => Start::None,
        other => {
            Start::First(shapes::method(other, "clone", 0).filter(|c| matches!(*c.receiver, syn::Expr::Index(_)))?)
        }
    };
    let name = bound.name.to_string();
    let at = (index + 1..block.stmts.len()).find(|at| shapes::count(&block.stmts[*at], &name) > 0)?;
    let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = &block.stmts[at] else { return None };
    let better = better(around, bound.name, start)?;
    let uses = usage::uses(file, &around.body, &name);
    let changes = uses.iter().filter(|u| u.how == How::Mutate).count();
    let rest = shapes::rest(block, at);
    let is_bound =
        !usage::bindings(file, &around.body, &name).is_empty() || !usage::bindings(file, &rest, &name).is_empty();
    if is_bound || changes != better.len() || !uses.iter().all(|u| u.how == How::Mutate || is_look(file, u, start)) {
        return None;
    }
    let behind = usage::uses(file, &rest, &name);
    let [given] = behind.as_slice() else { return None };
    if !given.is_bare || given.how != How::Value || given.is_captured {
        return None;
    }
    let element = types::type_of(file, &better[0].receiver)?;
    let syn::Type::Reference(lent) = &element else { return None };
    if lent.mutability.is_some() || types::is_primitive(types::strip(&lent.elem)) {
        return None;
    }
    let mut fact = Fact::at(file, file.range(bound.local))
        .capture("name", file.span_range(bound.name.span()))
        .capture("given", given.name)
        .note("message", format!("each better one is copied into `{name}`, of which only the last is kept"));
    for clone in &better {
        fact = fact.capture("copied", file.range(&*clone.receiver)).capture("copy", file.range(*clone));
    }
    if let Start::First(clone) = start {
        fact = fact.capture("first", file.range(&*clone.receiver)).capture("first copy", file.range(clone));
    }
    let inner = bound.ty.and_then(|ty| match (start, ty) {
        (Start::None, syn::Type::Path(_)) => crate::source::functions::type_arguments(ty).first().copied(),
        (Start::None, _) => None,
        (Start::First(_), ty) => Some(ty),
    });
    Some(match inner {
        Some(ty) => fact.capture("type", file.range(ty)),
        None => fact,
    })
}

/// The copies that are assigned; `None` if anything else is, or none is of what the loop binds.
fn better<'a>(
    around: &'a syn::ExprForLoop,
    name: &syn::Ident,
    start: Start<'_>,
) -> Option<Vec<&'a syn::ExprMethodCall>> {
    let bound = names::bound_by(&around.pat);
    let assigned = shapes::exprs(&around.body).into_iter().filter_map(|expr| match expr {
        syn::Expr::Assign(assign) if shapes::is_name(&assign.left, name) => Some(&*assign.right),
        _ => None,
    });
    let copied = assigned.map(|value| {
        let value = match start {
            Start::None => shapes::call(value, &["Some"])?.args.first()?,
            Start::First(_) => value,
        };
        let clone = shapes::method(value, "clone", 0)?;
        let of = names::plain_name(&clone.receiver)?.to_string();
        bound.contains(&of).then_some(clone)
    });
    let copied: Vec<_> = copied.collect::<Option<_>>()?;
    (!copied.is_empty()).then_some(copied)
}

/// A look at the best so far that a reference allows as well.
fn is_look(file: &SourceFile, u: &Use, start: Start<'_>) -> bool {
    match (&u.how, start) {
        (How::Method(name), Start::None) => u.is_bare && ["is_none", "is_some", "as_ref"].contains(&name.as_str()),
        (How::Read, Start::None) => u.is_bare && file.slice(u.whole).starts_with('&'),
        (How::Method(name), Start::First(_)) if u.is_bare => usage::is_reading_method(name) && name != "clone",
        (How::Method(_) | How::Read | How::Compare | How::Value, Start::First(_)) => !u.is_bare,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_searches_that_copy_on_the_way() {
        for text in [
            "fn f(hits: &[Hit]) -> Option<Hit> { $0let mut best: Option<Hit> = None;$0 for hit in hits { let better = match &best { Some(b) => hit.score > b.score, None => true }; if better { best = Some(hit.clone()); } } best }",
            "fn f(hits: &[Hit]) -> Option<Hit> { $0let mut best = None;$0 for hit in hits.iter() { if best.is_none() { best = Some(hit.clone()); } } log(); best }",
            "fn f(hits: Vec<Hit>) -> R { $0let mut best: Option<Hit> = None;$0 for (i, hit) in hits.iter().enumerate() { if let Some(b) = &best { if b.n > hit.n { continue; } } best = Some(hit.clone()); } Ok(best) }",
            "fn f(hits: &[Hit]) -> Hit { $0let mut best = hits[0].clone();$0 for hit in &hits[1..] { if hit.score > best.score { best = hit.clone(); } } best }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The best so far is changed, handed on or given more than once.
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(hit.clone()); if let Some(b) = &mut best { b.n += 1; } } best }",
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { out.push(best); best = Some(hit.clone()); } best }",
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(hit.clone()); } save(&best); best }",
                "fn f(hits: &[Hit]) -> Option<u8> { let mut best = None; for hit in hits { best = Some(hit.clone()); } best.map(|b| b.n) }",
                "fn f(hits: &[Hit]) -> Hit { let mut best = hits[0].clone(); for hit in hits { best.n += 1; best = hit.clone(); } best }",
                "fn f(hits: &[Hit]) -> Hit { let mut best = hits[0].clone(); for hit in hits { best.raise(); best = hit.clone(); } best }",
                // What is kept is not what the loop binds, or not it alone.
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(change(hit.clone())); } best }",
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { let h = make(hit); best = Some(h.clone()); } best }",
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(hit.clone()); if a { best = None; } } best }",
                "fn f(hits: Vec<Hit>) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(hit.clone()); } best }",
                "fn f(hits: &[u64]) -> Option<u64> { let mut best = None; for hit in hits { best = Some(hit.clone()); } best }",
                "fn f(hits: Hits) -> Option<Hit> { let mut best = None; for hit in hits.all() { best = Some(hit.clone()); } best }",
                // Used before the loop, or bound anew.
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; seed(&mut best); for hit in hits { best = Some(hit.clone()); } best }",
                "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(hit.clone()); } let best = other(); best }",
            ],
        );
    }
}
