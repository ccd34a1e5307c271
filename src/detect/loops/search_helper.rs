//! Loops that call a method of the same type which searches a list by key.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{Function, functions, head};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("search-helper-in-loop"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::B,
    title: "method that searches a list, called in a loop",
    explain: EXPLAIN,
    triggers: &["find"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that call a method of `&self` which is nothing but `self.list.iter().find(|x| x.key == key)`.

## Why it costs

Each round walks the list until it meets the key: n rounds over m elements take n · m steps, which the call does not show.

## Before

```rust
fn node(&self, id: u32) -> Option<&Node> {
    self.nodes.iter().find(|n| n.id == id)
}

for line in &self.lines {
    let Some(node) = self.node(line.from) else { continue };
    load += node.load;
}
```

## After

```rust
let mut node_by_id = HashMap::with_capacity(self.nodes.len());
for item in &self.nodes {
    node_by_id.entry(item.id).or_insert(item);
}
for line in &self.lines {
    let Some(node) = node_by_id.get(&line.from).copied() else { continue };
    load += node.load;
}
```

The first of equal keys is found, as before.

## When it is refused

The method does more than to search; the caller may change `self`; the keys are no numbers or texts of std (asked of rustc); it is
called on another value than `self`, or outside of a loop.
";

/// A method that searches a list of its own by key.
struct Helper<'a> {
    name: &'a syn::Ident,
    owner: String,
    list: &'a syn::Expr,
    key: &'a syn::Ident,
    is_text: bool,
}

fn facts(file: &SourceFile) -> Vec<Fact> {
    let helpers: Vec<Helper<'_>> = words::functions_with(file, RULE.triggers).filter_map(|f| helper(&f)).collect();
    if helpers.is_empty() {
        return Vec::new();
    }
    let all = functions(file);
    let callers = all.iter().filter(|f| !f.is_test && is_shared(f.sig));
    callers.flat_map(|caller| helpers.iter().flat_map(|helper| loops(file, caller, helper))).collect()
}

fn is_shared(sig: &syn::Signature) -> bool {
    sig.receiver().is_some_and(|r| matches!(r.kind, syn::ReceiverKind::Reference(_, _, None)))
}

fn helper<'a>(function: &Function<'a>) -> Option<Helper<'a>> {
    let [syn::Stmt::Expr(tail, None)] = &function.block.stmts[..] else { return None };
    let find = shapes::method(tail, "find", 1)?;
    let list = &*shapes::method(&find.receiver, "iter", 0)?.receiver;
    let place = usage::place(list).filter(|p| p.is_plain && p.root == "self" && p.fields.len() == 1)?;
    let syn::Expr::Closure(closure) = &find.args[0] else { return None };
    let syn::Expr::Binary(b) = peel(&closure.body) else { return None };
    let (Some(syn::Pat::Ident(element)), 1, syn::BinOp::Eq(_)) = (closure.inputs.first(), closure.inputs.len(), &b.op)
    else {
        return None;
    };
    let mut typed = function.sig.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(t) => Some(t),
        syn::FnArg::Receiver(_) => None,
    });
    let (only, None) = (typed.next()?, typed.next()) else { return None };
    let syn::Pat::Ident(parameter) = &*only.pat else { return None };
    let is_key = |e: &syn::Expr| shapes::is_name(e, &parameter.ident);
    let field = match (is_key(&b.left), is_key(&b.right)) {
        (true, false) => &*b.right,
        (false, true) => &*b.left,
        _ => return None,
    };
    let syn::Expr::Field(field) = peel(field) else { return None };
    let syn::Member::Named(key) = &field.member else { return None };
    let is_text = match &*only.ty {
        syn::Type::Reference(r) => (types::head(&r.elem).as_deref() == Some("str")).then_some(true)?,
        syn::Type::Path(_) => false,
        _ => return None,
    };
    let is_plain = shapes::is_name(&field.base, &element.ident) && is_shared(function.sig) && !place.fields.is_empty();
    let owner = head(function.self_ty?);
    is_plain.then_some(Helper { name: &function.sig.ident, owner, list, key, is_text })
}

/// The outermost loops of a caller that call the method.
fn loops(file: &SourceFile, caller: &Function<'_>, helper: &Helper<'_>) -> Vec<Fact> {
    let is_of_owner = caller.self_ty.is_some_and(|ty| head(ty) == helper.owner);
    if !is_of_owner || caller.sig.ident == *helper.name {
        return Vec::new();
    }
    let mut found: Vec<Fact> = Vec::new();
    for stmt in shapes::own_blocks(caller.block).into_iter().flat_map(|block| &block.stmts) {
        let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = stmt else { continue };
        let range = file.range(stmt);
        let is_inner = found.iter().any(|fact| fact.captures.iter().any(|(n, r)| *n == "before" && r.contains(range)));
        let calls: Vec<&syn::ExprMethodCall> = shapes::exprs(&around.body)
            .into_iter()
            .filter_map(|e| match e {
                syn::Expr::MethodCall(c) if c.method == *helper.name && c.args.len() == 1 => Some(c),
                _ => None,
            })
            .filter(|c| matches!(peel(&c.receiver), syn::Expr::Path(p) if p.path.is_ident("self")))
            .collect();
        if calls.is_empty() || is_inner {
            continue;
        }
        let message = format!("each round searches `{}` from its beginning", file.on_one_line(file.range(helper.list)));
        let mut fact = Fact::at(file, file.range(calls[0]))
            .capture("before", range)
            .capture("list", file.range(helper.list))
            .capture("key", file.span_range(helper.key.span()))
            .capture("helper", file.span_range(helper.name.span()))
            .note("message", message);
        for call in calls {
            fact = fact.capture("call", file.range(call)).capture("asked", file.range(&call.args[0]));
        }
        found.push(if helper.is_text { fact.capture("text", range) } else { fact });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const NODE: &str = "fn node(&self, id: u32) -> Option<&Node> { self.nodes.iter().find(|n| n.id == id) }";

    #[test]
    fn fires_on_searches_that_a_call_hides() {
        check(
            &RULE,
            &format!(
                "impl N {{ {NODE} fn f(&self) -> V {{ let mut v = vec![]; for l in &self.lines {{ let (Some(a), Some(b)) = ($0self.node(l.from)$0, self.node(l.to)) else {{ continue; }}; if a.kv != b.kv {{ v.push(l.from); }} }} v }} }}"
            ),
        );
        check(
            &RULE,
            "impl N { fn by_name(&self, name: &str) -> Option<&Node> { self.nodes.iter().find(|n| n.name == name) } fn f(&self, ns: &[String]) -> u32 { let mut s = 0; for n in ns { for _ in 0..2 { s += $0self.by_name(n)$0.map_or(0, |n| n.id); } } s } }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            "fn f(&self, id: u32) -> bool { self.node(id).is_some() }",
            "fn f(&mut self) { for l in self.ids() { if self.node(l).is_some() { self.nodes.clear(); } } }",
            "fn f(&self, others: &[N]) -> usize { let mut s = 0; for o in others { s += o.node(1).map_or(0, |n| n.id); } s }",
        ]
        .iter()
        .map(|body| format!("impl N {{ {NODE} {body} }}"))
        .chain(
            [
                "fn node(&self, id: u32) -> Option<&Node> { self.nodes.iter().find(|n| (n.x - id).abs() < 3) }",
                "fn node(&self, id: u32) -> Option<&Node> { self.nodes.iter().find(|n| n.id == id && n.on) }",
                "fn node(&self, id: u32) -> Option<&Node> { log(id); self.nodes.iter().find(|n| n.id == id) }",
                "fn node(&self, id: u32) -> Option<&Node> { self.nodes.iter().rev().find(|n| n.id == id) }",
                "fn node(&self, id: u32) -> Option<&Node> { self.nodes.get(&id) }",
            ]
            .iter()
            .map(|node| format!("impl N {{ {node} fn f(&self) {{ for l in &self.lines {{ g(self.node(l.from)); }} }} }}")),
        )
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
