//! A fallible call in; what happens when it fails, in words that compare with those of another call, out.

use quote::ToTokens;

use super::{Node, SourceFile, path_to, shapes};
use crate::model::TextRange;

/// What becomes of a failure of the call at this range; `None` where it is kept, or handled in a way that is not known.
///
/// `?` and a result that the function returns as it is are `?`; `.ok()?` is `return None`; an `else` or an arm that
/// leaves is what it says; an `if let` without `else` is where control goes on.
pub fn fate(file: &SourceFile, call: TextRange) -> Option<String> {
    let path = path_to(file, call);
    let mut climb = Climb { file, path: &path, at: path.len(), inner: call, pending: Pending::Plain };
    climb.fate()
}

/// What was done with the failure on the way up.
enum Pending {
    Plain,
    /// `.ok()`
    Dropped,
    /// `.map_err(…)`: what the function returns then.
    Mapped(String),
}

struct Climb<'p, 'a> {
    file: &'a SourceFile,
    path: &'p [Node<'a>],
    /// Nodes of the path below this one are done.
    at: usize,
    inner: TextRange,
    pending: Pending,
}

impl Climb<'_, '_> {
    fn fate(&mut self) -> Option<String> {
        while self.at > 0 {
            self.at -= 1;
            match self.path[self.at] {
                Node::Expr(expr) if self.file.range(expr) == self.inner => {}
                Node::Expr(expr) => match self.step(expr) {
                    Step::Up => self.inner = self.file.range(expr),
                    Step::Done(fate) => return fate,
                },
                Node::Stmt(syn::Stmt::Local(local)) => return self.bound(local),
                Node::Stmt(syn::Stmt::Expr(expr, None)) if self.file.range(expr) == self.inner => {
                    return self.is_tail().then(|| self.question());
                }
                _ => return None,
            }
        }
        None
    }

    fn step(&mut self, expr: &syn::Expr) -> Step {
        let is_inner = |e: &syn::Expr| self.file.range(e) == self.inner;
        match expr {
            syn::Expr::Paren(_) => Step::Up,
            syn::Expr::Try(_) => Step::Done(Some(self.question())),
            syn::Expr::MethodCall(call) if is_inner(&call.receiver) => match call.method.to_string().as_str() {
                "unwrap" | "expect" => Step::Done(matches!(self.pending, Pending::Plain).then(|| "panic".to_owned())),
                "ok" if matches!(self.pending, Pending::Plain) => {
                    self.pending = Pending::Dropped;
                    Step::Up
                }
                "map_err" if matches!(self.pending, Pending::Plain) => {
                    self.pending = Pending::Mapped(call.args.first().map(mapped).unwrap_or_default());
                    Step::Up
                }
                _ => Step::Done(None),
            },
            syn::Expr::Let(condition) if is_inner(&condition.expr) && takes_success(&condition.pat) => {
                Step::Done(self.condition())
            }
            syn::Expr::Match(node) if is_inner(&node.expr) => Step::Done(self.arms(node)),
            syn::Expr::Return(_) => Step::Done(Some(self.question())),
            syn::Expr::Closure(closure) if is_inner(&closure.body) => Step::Done(Some(self.question())),
            syn::Expr::Match(_) | syn::Expr::If(_) | syn::Expr::Block(_) if self.is_tail() => {
                Step::Done(Some(self.question()))
            }
            _ => Step::Done(None),
        }
    }

    /// `?`, with what was done to the failure before.
    fn question(&self) -> String {
        match &self.pending {
            Pending::Plain => "?".to_owned(),
            Pending::Dropped => "return None".to_owned(),
            Pending::Mapped(by) => by.clone(),
        }
    }

    /// `let Ok(name) = call else { … };`
    fn bound(&self, local: &syn::Local) -> Option<String> {
        let init = local.init.as_ref().filter(|init| self.file.range(&*init.expr) == self.inner)?;
        let (_, other) = init.diverge.as_ref().filter(|_| takes_success(&local.pat))?;
        Some(left(other))
    }

    fn arms(&self, node: &syn::ExprMatch) -> Option<String> {
        let [a, b] = &node.arms[..] else { return None };
        let failing = if takes_success(&a.pat) { b } else { a };
        let succeeding = if takes_success(&a.pat) { a } else { b };
        let is_plain = matches!(&failing.pat, syn::Pat::TupleStruct(_) | syn::Pat::Wild(_) | syn::Pat::Ident(_));
        if !takes_success(&succeeding.pat) || !is_plain {
            return None;
        }
        let body = left(failing.body.as_ref());
        let error = match &failing.pat {
            syn::Pat::TupleStruct(t) => t.elems.first().map(|p| p.to_token_stream().to_string()),
            _ => None,
        };
        let returned = match body.strip_prefix("return ") {
            Some(value) => value.to_owned(),
            None if leaves(&body) => return Some(body),
            None => {
                let whole = Climb { inner: self.file.range(node), pending: Pending::Plain, ..*self };
                whole.is_tail_of(node).then_some(body)?
            }
        };
        Some(match error.filter(|e| e != "_" && e != "..") {
            Some(e) if is_passed_on(&returned, &e) => "?".to_owned(),
            Some(e) => format!("{e}: return {returned}"),
            None => format!("return {returned}"),
        })
    }

    /// The `else` of the `if` around, or where control goes on without one.
    fn condition(&self) -> Option<String> {
        let node = self.path[..self.at].iter().rev().find_map(|node| match node {
            Node::Expr(syn::Expr::Binary(b)) if matches!(b.op, syn::BinOp::And(_)) => None,
            Node::Expr(syn::Expr::If(node)) => Some(Some(node)),
            _ => Some(None),
        })??;
        match &node.else_branch {
            Some((_, other)) => {
                let other = left(other.as_ref());
                if leaves(&other) {
                    Some(other)
                } else {
                    let whole = Climb { inner: self.file.range(node), pending: Pending::Plain, ..*self };
                    whole.is_tail_of(node).then(|| format!("return {other}"))
                }
            }
            None => self.after(node),
        }
    }

    /// Where control goes on after an `if` without `else`.
    fn after(&self, node: &syn::ExprIf) -> Option<String> {
        let mut inner = self.file.range(node);
        let above = self.path.iter().position(|n| matches!(n, Node::Expr(e) if self.file.range(*e) == inner))?;
        for node in self.path[..above].iter().rev() {
            match node {
                Node::Stmt(stmt @ syn::Stmt::Expr(expr, _)) if self.file.range(expr) == inner => {
                    inner = self.file.range(*stmt);
                }
                Node::Block(block) => {
                    let last = block.stmts.last()?;
                    if self.file.range(last) != inner {
                        return Some(format!("after {}", inner.end));
                    }
                    inner = self.file.span_range(block.brace_token.span.join());
                }
                Node::Expr(expr @ syn::Expr::If(outer)) if outer.else_branch.is_none() => {
                    inner = self.file.range(*expr);
                }
                Node::Expr(syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_)) => {
                    return Some("continue".to_owned());
                }
                Node::Expr(syn::Expr::Closure(_)) | Node::Fn(_) | Node::Method(_) | Node::TraitMethod(_) => {
                    return Some("return".to_owned());
                }
                _ => return Some(format!("after {}", inner.end)),
            }
        }
        None
    }

    fn is_tail_of<T: syn::spanned::Spanned + 'static>(&self, node: &T) -> bool {
        let range = self.file.range(node);
        let at = self.path.iter().position(|n| matches!(n, Node::Expr(e) if self.file.range(*e) == range));
        at.is_some_and(|at| {
            Climb { at, inner: range, pending: Pending::Plain, file: self.file, path: self.path }.is_tail()
        })
    }

    /// True if what stands at `inner` is what the function, the closure or the `async` block gives back.
    fn is_tail(&self) -> bool {
        let mut inner = self.inner;
        for node in self.path[..=self.at.min(self.path.len() - 1)].iter().rev() {
            match node {
                Node::Expr(expr) if self.file.range(*expr) == inner => {}
                Node::Stmt(syn::Stmt::Expr(expr, None)) if self.file.range(expr) == inner => {}
                Node::Block(block) => {
                    let is_last = block.stmts.last().is_some_and(|last| self.file.range(last) == inner);
                    let is_block = self.file.span_range(block.brace_token.span.join()) == inner;
                    if !is_last && !is_block {
                        return false;
                    }
                    inner = self.file.span_range(block.brace_token.span.join());
                }
                Node::Expr(expr @ syn::Expr::If(node)) => {
                    if self.file.range(&*node.cond).contains(inner) {
                        return false;
                    }
                    inner = self.file.range(*expr);
                }
                Node::Expr(expr @ syn::Expr::Match(node)) => {
                    if !node.arms.iter().any(|arm| self.file.range(&*arm.body) == inner) {
                        return false;
                    }
                    inner = self.file.range(*expr);
                }
                Node::Expr(syn::Expr::Return(_) | syn::Expr::Async(_)) => return true,
                Node::Expr(syn::Expr::Closure(closure)) => return self.file.range(&*closure.body) == inner,
                Node::Fn(_) | Node::Method(_) | Node::TraitMethod(_) => return true,
                Node::Expr(_) | Node::Stmt(_) => return false,
            }
        }
        false
    }
}

enum Step {
    Up,
    Done(Option<String>),
}

/// `Ok(name)` and `Some(name)`.
fn takes_success(pat: &syn::Pat) -> bool {
    shapes::bound_in_variant(pat, "Ok").or_else(|| shapes::bound_in_variant(pat, "Some")).is_some()
        || matches!(pat, syn::Pat::TupleStruct(t) if t.path.is_ident("Ok") || t.path.is_ident("Some"))
}

/// What `map_err(f)?` makes the function return.
fn mapped(by: &syn::Expr) -> String {
    match by {
        syn::Expr::Closure(closure) if closure.inputs.len() == 1 => {
            let (pat, body) = (closure.inputs[0].to_token_stream().to_string(), left(closure.body.as_ref()));
            if pat == "_" { format!("return Err ({body})") } else { format!("{pat}: return Err ({body})") }
        }
        other => format!("map {}", other.to_token_stream()),
    }
}

/// A block or an expression without the braces and the semicolon around it.
fn left(expr: &syn::Expr) -> String {
    if let syn::Expr::Block(syn::ExprBlock { block, attrs, label: None, .. }) = expr
        && let ([syn::Stmt::Expr(only, _)], true) = (&block.stmts[..], attrs.is_empty())
    {
        return left(only);
    }
    expr.to_token_stream().to_string()
}

fn leaves(text: &str) -> bool {
    ["return", "continue", "break"].iter().any(|word| text.split([' ', ';']).next() == Some(word))
}

/// `Err(e)` and `Err(e.into())`, which `?` says as well.
fn is_passed_on(returned: &str, e: &str) -> bool {
    let bare: String = returned.split_whitespace().collect();
    [format!("Err({e})"), format!("Err({e}.into())"), format!("Err(From::from({e}))")].contains(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    /// The fate of each `g(…)` in the body of a function, in the order of the text.
    #[track_caller]
    fn fates(body: &str) -> Vec<String> {
        let text = format!("fn f() -> R {{ {body} }}");
        let file = SourceFile::parse("a.rs", &text, &FileRole::default()).unwrap();
        let calls = text.match_indices("g(").map(|(at, _)| at);
        let ranges = calls.map(|at| TextRange::new(at, at + text[at..].find(')').unwrap() + 1));
        ranges.map(|range| fate(&file, range).unwrap_or_else(|| "-".to_owned())).collect()
    }

    #[test]
    fn ways_to_pass_a_failure_on_compare_alike() {
        assert_eq!(fates("let a = g(1)?; g(2)"), ["?", "?"]);
        assert_eq!(fates("let a = g(1).ok()?; g(2).ok()"), ["return None", "return None"]);
        assert_eq!(fates("let Some(a) = g(1).ok() else { return None }; return g(2).ok();"), ["return None"; 2]);
        assert_eq!(fates("let a = g(1).map_err(bad)?; g(2).map_err(bad)"), ["map bad", "map bad"]);
        assert_eq!(
            fates("let a = g(1).map_err(|_| E::Bad)?; match g(2) { Ok(v) => Ok(v), Err(_) => Err(E::Bad) }"),
            ["return Err (E :: Bad)"; 2]
        );
        assert_eq!(fates("let a = match g(1) { Ok(a) => a, Err(e) => return Err(e.into()) }; g(2)"), ["?"; 2]);
        assert_eq!(fates("if x { g(1) } else { match y { 1 => g(2), _ => g(3).ok() } }"), ["?", "?", "return None"]);
        assert_eq!(fates("xs.iter().map(|x| g(1)); ys.iter().map(|y| { let a = g(2)?; g(3) });"), ["?"; 3]);
        assert_eq!(fates("g(1).unwrap(); g(2).expect(\"fine\");"), ["panic"; 2]);
    }

    #[test]
    fn going_on_after_a_failure_compares_by_where_it_goes_on() {
        assert_eq!(
            fates("for x in xs { let Ok(a) = g(1) else { continue }; if let Ok(b) = g(2) { h(b); } }"),
            ["continue"; 2]
        );
        let nested = fates("if let Ok(a) = g(1) { if let Ok(b) = g(2) { h(b); } } i();");
        assert_eq!(nested[0], nested[1]);
        let chained = fates("if let Ok(a) = g(1) && let Ok(b) = g(2) { h(b); } else { return None }");
        assert_eq!(chained, ["return None"; 2]);
        let apart = fates("if let Ok(a) = g(1) { if let Ok(b) = g(2) { h(b); } j(); } i();");
        assert_ne!(apart[0], apart[1]);
    }

    #[test]
    fn what_is_kept_or_replaced_has_no_fate() {
        assert_eq!(fates("let a = g(1); h(g(2)); g(3).unwrap_or(x); g(4).ok().map(k);"), ["-"; 4]);
        assert_eq!(fates("match g(1) { Ok(a) => h(a), Err(e) => warn(e) }; i()"), ["-"]);
        assert_ne!(
            fates("let a = g(1).map_err(|_| 415)?; g(2).map_err(|_| 422)")[..1],
            ["return Err (422)".to_owned()]
        );
    }
}
