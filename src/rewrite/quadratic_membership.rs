//! A loop that searches the list it fills; a set beside the list, which keeps its order.

use super::{Draft, Recipe, borrow, file_of, holds, keyed, place, probe_at};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::visit::{self, Visit};
use crate::source::{self, Node, SourceFile, Template, functions, types, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("quadratic-membership"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_std(files, file)?;
    let site = Site::read(file, finding)?;
    let list = file.slice(site.list);
    let name = place::fresh_name(file, finding.range, &format!("{list}_set"));
    let set = place::collection(file, finding.range, "HashSet");
    let mut edits = place::insert_before(file, site.statement, &format!("let mut {name} = {set}::new();"));
    let held = site.held()?;
    edits.extend(match site.fused(finding.range) {
        Some(condition) if !held.is_copied => site.ask_and_insert(&name, &condition, &held.inserted),
        _ => site.ask_then_insert(finding.range, &name, &held.inserted)?,
    });
    Ok(Draft {
        title: format!("remember what {list} holds in {name}"),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{list}` is empty before the loop and only grows by what was not in it")),
            holds("what is pushed is what was looked for"),
            probe_at(
                file,
                format!("`{list}` is a `Vec` or `VecDeque`"),
                site.list,
                site.statement.start,
                ProbeQuestion::IsSequence,
            ),
            probe_at(
                file,
                format!("elements of `{list}` are `Eq + Hash`, and both agree"),
                site.list,
                site.statement.start,
                ProbeQuestion::ElementHashEq,
            ),
            borrow(format!("what `{name}` holds lives as long as the loop")),
        ],
        ..Draft::default()
    })
}

struct Site<'a> {
    file: &'a SourceFile,
    list: TextRange,
    statement: TextRange,
    key: &'a syn::Expr,
    /// What is asked for, without the reference: `item.sku`.
    sought: String,
    push: &'a syn::ExprMethodCall,
    pushed: &'a syn::Expr,
}

/// What the set is given for an element.
struct Held {
    inserted: String,
    /// True if it is a copy made for the set: then only what is new may be copied.
    is_copied: bool,
}

/// The condition around a question that can be asked and answered by one `insert`.
struct Fused {
    range: TextRange,
    is_negated: bool,
}

impl<'a> Site<'a> {
    fn read(file: &'a SourceFile, finding: &Finding) -> Result<Site<'a>, String> {
        let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
        let key = source::expr_at(file, captured("key")?).ok_or("the question changed")?;
        let Some(syn::Expr::MethodCall(push)) = source::expr_at(file, captured("push")?) else {
            return Err("the push changed".to_owned());
        };
        let pushed = push.args.first().ok_or("the push has no argument")?;
        let sought = bare(file, key);
        if copied_from(file, pushed) != sought {
            return Err("what is pushed is not visibly what was looked for".to_owned());
        }
        Ok(Site { file, list: captured("list")?, statement: captured("statement")?, key, sought, push, pushed })
    }

    /// What outlives the round is held by reference, what is cheap to copy by value, anything else as a copy.
    fn held(&self) -> Result<Held, String> {
        let is_plain = self.file.text_of(self.pushed) == self.sought;
        let by_reference = |inserted: String| Held { inserted, is_copied: false };
        let is_asked_by_value = !matches!(self.key, syn::Expr::Reference(_));
        if is_asked_by_value && !self.is_in_closure() {
            return Ok(by_reference(self.sought.clone()));
        }
        let inner = match self.key {
            syn::Expr::Reference(r) => &*r.expr,
            other => other,
        };
        let ty = types::type_of(self.file, inner);
        if is_plain && ty.as_ref().is_some_and(|ty| types::is_primitive(ty) || matches!(ty, syn::Type::Reference(_))) {
            return Ok(by_reference(self.sought.clone()));
        }
        if is_plain && self.holds_references() {
            return Ok(by_reference(self.sought.clone()));
        }
        let root = usage::place(inner).map(|p| p.root);
        let outlives = root.as_ref().is_some_and(|root| self.outlives_the_round(root));
        if outlives && !(is_plain && usage::place(inner).is_some_and(|p| p.fields.is_empty())) {
            return Ok(by_reference(keyed::referenced(self.file, inner)));
        }
        let text = self.file.text_of(self.pushed);
        let inserted = if is_plain { format!("{text}.clone()") } else { text.to_owned() };
        Ok(Held { inserted, is_copied: true })
    }

    /// True if the list is declared to hold references: what is pushed into it is copied.
    fn holds_references(&self) -> bool {
        let declared = types::type_of(self.file, &self.push.receiver);
        let element = declared.as_ref().and_then(|ty| functions::type_arguments(types::strip(ty)).first().copied());
        matches!(element, Some(syn::Type::Reference(_)))
    }

    /// `iter().any(|s| s == key)`: the key stands in the closure.
    fn is_in_closure(&self) -> bool {
        let path = source::path_to(self.file, self.file.range(self.key));
        let is_any = |node: &Node| matches!(node, Node::Expr(syn::Expr::Closure(_)));
        path.iter().rev().take_while(|node| !matches!(node, Node::Stmt(_))).any(is_any) && self.dereferences() > 0
    }

    /// How often the closure of `any` takes its parameter's reference off.
    fn dereferences(&self) -> usize {
        let path = source::path_to(self.file, self.file.range(self.key));
        path.iter()
            .rev()
            .find_map(|node| match node {
                Node::Expr(syn::Expr::Binary(b)) => {
                    let other = if self.file.range(&b.left) == self.file.range(self.key) { &b.right } else { &b.left };
                    Some(usize::from(matches!(**other, syn::Expr::Unary(_))))
                }
                _ => None,
            })
            .unwrap_or(0)
    }

    /// True if the name is a reference into something that is there before the statement, or is there itself.
    fn outlives_the_round(&self, root: &str) -> bool {
        let path = source::path_to(self.file, self.file.range(self.push));
        for node in path.into_iter().rev() {
            match node {
                Node::Expr(syn::Expr::ForLoop(l)) if is_name(&l.pat, root) => {
                    return self.is_by_reference(&l.expr);
                }
                Node::Block(block) if declares(block, root) => {
                    let range = self.file.span_range(block.brace_token.span.join());
                    return !self.statement.contains(range);
                }
                _ => {}
            }
        }
        true
    }

    fn is_by_reference(&self, expr: &syn::Expr) -> bool {
        match expr {
            syn::Expr::Reference(_) => true,
            syn::Expr::MethodCall(call) => call.method == "iter",
            other => types::type_of(self.file, other).is_some_and(|ty| matches!(ty, syn::Type::Reference(_))),
        }
    }

    /// `if !asked { …; push; }` or `if asked { continue; } …; push;` with no way out between the two.
    fn fused(&self, asked: TextRange) -> Option<Fused> {
        let path = source::path_to(self.file, asked);
        let at = path.iter().rposition(|node| matches!(node, Node::Expr(syn::Expr::If(_))))?;
        let Node::Expr(syn::Expr::If(branch)) = path[at] else { return None };
        let condition = self.file.range(&branch.cond);
        match &*branch.cond {
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Not(_)) && self.file.range(&u.expr) == asked => {
                let is_straight = self.reaches_push(&branch.then_branch.stmts);
                is_straight.then_some(Fused { range: condition, is_negated: false })
            }
            cond if self.file.range(cond) == asked
                && is_continue(&branch.then_branch)
                && branch.else_branch.is_none() =>
            {
                let (block, index) = source::stmt_around(self.file, self.file.range(branch))?;
                let is_straight = self.reaches_push(&block.stmts[index + 1..]);
                is_straight.then_some(Fused { range: condition, is_negated: true })
            }
            _ => None,
        }
    }

    /// True if the push is one of the statements and nothing before it can leave them.
    fn reaches_push(&self, stmts: &[syn::Stmt]) -> bool {
        let push = self.file.range(self.push);
        let is_push = |stmt: &syn::Stmt| match stmt {
            syn::Stmt::Expr(expr, Some(_)) => self.file.range(expr) == push,
            syn::Stmt::Expr(expr, None) => self.file.range(expr) == push,
            _ => false,
        };
        let Some(at) = stmts.iter().position(is_push) else { return false };
        !stmts[..=at].iter().any(may_leave)
    }

    fn ask_and_insert(&self, name: &str, fused: &Fused, inserted: &str) -> Vec<TextEdit> {
        let not = if fused.is_negated { "!" } else { "" };
        Template::new(self.file, fused.range).text(format!("{not}{name}.insert({inserted})")).edits()
    }

    /// The question stays a question; the set is told where the list is.
    fn ask_then_insert(&self, asked: TextRange, name: &str, inserted: &str) -> Result<Vec<TextEdit>, String> {
        let push = self.file.range(self.push);
        let (block, index) = source::stmt_around(self.file, push).ok_or("the push is no statement")?;
        let statement = &block.stmts[index];
        if !matches!(statement, syn::Stmt::Expr(expr, Some(_)) if self.file.range(expr) == push) {
            return Err("the push is no statement of its own".to_owned());
        }
        let asked_with = match self.key {
            syn::Expr::Reference(_) => self.file.text_of(self.key).to_owned(),
            other if self.is_in_closure() => keyed::referenced(self.file, other),
            other => self.file.text_of(other).to_owned(),
        };
        let mut edits = Template::new(self.file, asked).text(format!("{name}.contains({asked_with})")).edits();
        edits.extend(place::insert_before(
            self.file,
            self.file.range(statement),
            &format!("{name}.insert({inserted});"),
        ));
        Ok(edits)
    }
}

/// `item.sku` of `&item.sku` and of `(&item.sku)`.
fn bare(file: &SourceFile, expr: &syn::Expr) -> String {
    match expr {
        syn::Expr::Reference(r) => bare(file, &r.expr),
        syn::Expr::Paren(p) => bare(file, &p.expr),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => bare(file, &u.expr),
        other => file.text_of(other).to_owned(),
    }
}

/// What a pushed value is a copy of: `item.sku` of `item.sku.clone()` and `*item`.
fn copied_from(file: &SourceFile, expr: &syn::Expr) -> String {
    match expr {
        syn::Expr::MethodCall(call)
            if ["clone", "to_owned", "to_string", "to_vec"].contains(&call.method.to_string().as_str()) =>
        {
            bare(file, &call.receiver)
        }
        other => bare(file, other),
    }
}

fn is_name(pat: &syn::Pat, name: &str) -> bool {
    matches!(pat, syn::Pat::Ident(p) if p.ident == name)
}

fn declares(block: &syn::Block, name: &str) -> bool {
    block.stmts.iter().any(|stmt| match stmt {
        syn::Stmt::Local(local) => match &local.pat {
            syn::Pat::Type(t) => is_name(&t.pat, name),
            pat => is_name(pat, name),
        },
        _ => false,
    })
}

fn is_continue(block: &syn::Block) -> bool {
    matches!(&block.stmts[..], [syn::Stmt::Expr(syn::Expr::Continue(c), _)] if c.label.is_none())
}

/// True if the statement may end the round, the loop or the function, or hides whether it does.
fn may_leave(stmt: &syn::Stmt) -> bool {
    struct Leaves(bool);
    impl<'ast> Visit<'ast> for Leaves {
        fn visit_expr(&mut self, node: &'ast syn::Expr) {
            self.0 |= matches!(
                node,
                syn::Expr::Return(_)
                    | syn::Expr::Break(_)
                    | syn::Expr::Continue(_)
                    | syn::Expr::Try(_)
                    | syn::Expr::Await(_)
                    | syn::Expr::Yield(_)
            );
            visit::visit_expr(self, node);
        }
        fn visit_macro(&mut self, _: &'ast syn::Macro) {
            self.0 = true;
        }
    }
    let mut leaves = Leaves(false);
    leaves.visit_stmt(stmt);
    leaves.0
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses, proposals};

    const RULE: &str = "quadratic-membership";

    #[track_caller]
    fn check_body(before: &str, after: &str) {
        let function = |body: &str| format!("fn f(items: &[Item], ids: Vec<u64>) {{\n{body}\n}}\n");
        check(RULE, &function(before), &function(after));
    }

    #[test]
    fn asking_and_inserting_become_one() {
        check_body(
            "    let mut seen: Vec<String> = Vec::new();
    // In order of appearance.
    for item in items {
        if !seen.contains(&item.sku) {
            seen.push(item.sku.clone()); // once
        }
    }",
            "    let mut seen: Vec<String> = Vec::new();
    let mut seen_set = std::collections::HashSet::new();
    // In order of appearance.
    for item in items {
        if seen_set.insert(&item.sku) {
            seen.push(item.sku.clone()); // once
        }
    }",
        );
    }

    #[test]
    fn a_round_that_goes_on_early_is_the_same() {
        check_body(
            "    let mut seen = Vec::new();
    for item in items {
        if seen.contains(&item.id) {
            continue;
        }
        seen.push(item.id);
    }",
            "    let mut seen = Vec::new();
    let mut seen_set = std::collections::HashSet::new();
    for item in items {
        if !seen_set.insert(&item.id) {
            continue;
        }
        seen.push(item.id);
    }",
        );
    }

    #[test]
    fn a_way_out_between_question_and_push_keeps_them_apart() {
        check_body(
            "    let mut seen = vec![];
    for item in items {
        if !seen.contains(&item.sku) {
            check(item)?;
            seen.push(item.sku.clone());
        }
    }",
            "    let mut seen = vec![];
    let mut seen_set = std::collections::HashSet::new();
    for item in items {
        if !seen_set.contains(&item.sku) {
            check(item)?;
            seen_set.insert(&item.sku);
            seen.push(item.sku.clone());
        }
    }",
        );
    }

    #[test]
    fn numbers_are_held_by_value_and_owned_elements_are_copied_once_each() {
        check_body(
            "    let mut seen = Vec::new();
    for id in ids {
        if !seen.contains(&id) {
            seen.push(id);
        }
    }",
            "    let mut seen = Vec::new();
    let mut seen_set = std::collections::HashSet::new();
    for id in ids {
        if seen_set.insert(id) {
            seen.push(id);
        }
    }",
        );
        check_body(
            "    let mut seen = Vec::new();
    for name in names() {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }",
            "    let mut seen = Vec::new();
    let mut seen_set = std::collections::HashSet::new();
    for name in names() {
        if !seen_set.contains(&name) {
            seen_set.insert(name.clone());
            seen.push(name);
        }
    }",
        );
    }

    #[test]
    fn a_search_by_any_is_a_question_too() {
        check_body(
            "    let mut seen: Vec<String> = Vec::new();
    for item in items {
        if !seen.iter().any(|s| *s == item.sku) {
            seen.push(item.sku.to_owned());
        }
    }",
            "    let mut seen: Vec<String> = Vec::new();
    let mut seen_set = std::collections::HashSet::new();
    for item in items {
        if seen_set.insert(&item.sku) {
            seen.push(item.sku.to_owned());
        }
    }",
        );
        check_body(
            "    let mut seen = Vec::new();
    for item in items {
        if !seen.iter().any(|s| s == item) {
            seen.push(*item);
        }
    }",
            "    let mut seen = Vec::new();
    let mut seen_set = std::collections::HashSet::new();
    for item in items {
        if seen_set.insert(item) {
            seen.push(*item);
        }
    }",
        );
    }

    #[test]
    fn what_a_list_of_references_holds_is_not_cloned() {
        let text = "fn f(q: &str) -> Vec<&str> {
    let mut seen: Vec<&str> = Vec::new();
    for term in q.split(' ') {
        let term = term.trim();
        if !seen.contains(&term) {
            seen.push(term);
        }
    }
    seen
}
";
        let (_, rewrites, refusals) = proposals(RULE, text);
        assert_eq!((rewrites.len(), refusals.len()), (1, 0), "{refusals:?}");
        assert!(!rewrites[0].diff.contains("clone()"), "{}", rewrites[0].diff);
    }

    #[test]
    fn what_is_pushed_must_be_what_was_looked_for() {
        check_refuses(
            RULE,
            "fn f(items: &[Item]) { let mut s = Vec::new(); for i in items { if !s.contains(&i.a) { s.push(i.b); } } }",
            "what is pushed is not visibly what was looked for",
        );
    }
}
