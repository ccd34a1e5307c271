//! A condition and the code behind it in; which collection is asked for which key, and where it is asked again, out.

use super::names::peel;
use super::usage::{self, How, PlacePath};
use super::{SourceFile, shapes, takes_self_mutably, types};
use crate::model::TextRange;

/// A question whether a collection has a key.
pub struct Question<'a> {
    /// What is asked.
    pub collection: &'a syn::Expr,
    /// The key, as it is handed over: `&id`.
    pub key: &'a syn::Expr,
    /// True if the condition holds where the key is there.
    pub is_there: bool,
    /// True for `get(…).is_some()`, which vectors and slices have as well.
    pub by_get: bool,
}

/// Reads `m.contains_key(k)`, `m.get(k).is_some()`, `let None = m.get(k)` and their negations.
pub fn question(cond: &syn::Expr) -> Option<Question<'_>> {
    let found = |call: &syn::ExprMethodCall| call.method == "get" || call.method == "get_mut";
    let by_get = |get, is_there| match peel(get) {
        syn::Expr::MethodCall(call) if found(call) && call.args.len() == 1 => {
            Some(Question { collection: &call.receiver, key: &call.args[0], is_there, by_get: true })
        }
        _ => None,
    };
    if let Some(denied) = shapes::denied(cond) {
        return question(denied).map(|q| Question { is_there: !q.is_there, ..q });
    }
    match peel(cond) {
        syn::Expr::MethodCall(call) if call.method == "contains_key" && call.args.len() == 1 => {
            Some(Question { collection: &call.receiver, key: &call.args[0], is_there: true, by_get: false })
        }
        syn::Expr::MethodCall(call) if call.method == "is_some" && call.args.is_empty() => by_get(&call.receiver, true),
        syn::Expr::MethodCall(call) if call.method == "is_none" && call.args.is_empty() => {
            by_get(&call.receiver, false)
        }
        syn::Expr::Let(node) => match &*node.pat {
            syn::Pat::TupleStruct(t)
                if t.path.is_ident("Some") && matches!(t.elems.first(), Some(syn::Pat::Wild(_))) =>
            {
                by_get(&node.expr, true)
            }
            syn::Pat::Ident(p) if p.ident == "None" && p.subpat.is_none() => by_get(&node.expr, false),
            _ => None,
        },
        _ => None,
    }
}

/// A place where the same key is looked for once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// The whole look-up, its `unwrap` included.
    pub whole: TextRange,
    /// `reference`, `value`, `value in brackets` or `clone`: what stands in its place once the value has a name.
    pub how: &'static str,
    /// The method that asks once: `get`, `get_mut` or `remove`.
    pub way: &'static str,
}

/// All look-ups of the same key in a stretch of code.
pub struct Again {
    /// In the order of the text, all of one way.
    pub look_ups: Vec<LookUp>,
    /// True if nothing else is done with the collection.
    pub is_left_alone: bool,
}

/// Where code looks for the key again. `None` where the collection or the key is not the same any more, as far as the
/// text tells: rustc objects to changes that the text hides, since the value is borrowed across them.
pub fn again(file: &SourceFile, question: &Question<'_>, code: &syn::Block) -> Option<Again> {
    let place = usage::place(question.collection).filter(|p| p.is_plain)?;
    if !shapes::is_quiet(question.key) || !is_key_same(file, code, question.key) {
        return None;
    }
    let exprs = shapes::exprs(code);
    let look_ups: Vec<LookUp> = exprs.iter().filter_map(|expr| look_up(file, &exprs, expr, question)).collect();
    let last = look_ups.iter().map(|l| l.whole.end).max().unwrap_or(0);
    let is_of_one_way = look_ups.windows(2).all(|pair| pair[0].way == pair[1].way && pair[0].way != "remove");
    let uses = usage::uses(file, code, &place.root);
    let of_place: Vec<_> = uses.iter().filter(|u| usage::may_overlap(&place, &place.root, &u.fields)).collect();
    let is_bound = !usage::bindings(file, code, &place.root).is_empty();
    if is_bound || !is_of_one_way || of_place.iter().any(|u| u.is_captured) {
        return None;
    }
    let others: Vec<_> = of_place
        .into_iter()
        .filter(|u| !look_ups.iter().any(|l| l.whole.contains(u.name)) && !is_calm(file, &place, u))
        .collect();
    let first_other = others.iter().map(|u| u.name.start).min();
    let is_removed_and_used = look_ups.iter().any(|l| l.way == "remove") && !others.is_empty();
    if first_other.is_some_and(|start| start < last) || is_removed_and_used {
        return None;
    }
    Some(Again { look_ups, is_left_alone: others.is_empty() })
}

/// What has methods of a map's names as well, and finds by position or something else.
const NO_MAPS: &[&str] =
    &["[]", "Option", "Result", "String", "Value", "Vec", "VecDeque", "str", "HashSet", "BTreeSet", "Cell", "RefCell"];

/// True where nothing in the file says that an expression is something else than a map: rustc is asked whether it is one.
pub fn may_be_map(file: &SourceFile, expr: &syn::Expr) -> bool {
    let Some(head) = types::type_of(file, expr).and_then(|ty| types::head(types::strip(&ty))) else { return true };
    let is_of_file = super::functions::items(&file.ast).iter().any(|placed| match placed.item {
        syn::Item::Struct(s) => s.ident == head,
        syn::Item::Enum(e) => e.ident == head,
        _ => false,
    });
    !NO_MAPS.contains(&head.as_str()) && !is_of_file
}

/// True if a stretch of code leaves a collection and a key as they are, as far as names tell, whatever else looks into it.
pub fn is_left_as_it_is(
    file: &SourceFile,
    code: &syn::Block,
    place: &PlacePath,
    key: &syn::Expr,
    look_ups: &[TextRange],
) -> bool {
    let uses = usage::uses(file, code, &place.root);
    let of_place = uses.iter().filter(|u| usage::may_overlap(place, &place.root, &u.fields));
    let is_kept =
        |u: &usage::Use| look_ups.iter().any(|l| l.contains(u.name)) || u.is_read() || is_calm(file, place, u);
    is_key_same(file, code, key)
        && usage::bindings(file, code, &place.root).is_empty()
        && of_place.into_iter().all(is_kept)
}

/// `self.name()` by `&self` leaves `self.map` as it is.
fn is_calm(file: &SourceFile, place: &PlacePath, u: &usage::Use) -> bool {
    let by_self = place.root == "self" && !place.fields.is_empty() && u.fields.is_empty();
    let is_known = |name: &str| file.items.iter().any(|item| item.name == name && !item.self_type.is_empty());
    by_self && matches!(&u.how, How::Method(name) if is_known(name) && !takes_self_mutably(file, name))
}

fn is_key_same(file: &SourceFile, code: &syn::Block, key: &syn::Expr) -> bool {
    let paths = shapes::exprs_in(key).into_iter().filter_map(|e| match e {
        syn::Expr::Path(p) => p.path.get_ident().map(ToString::to_string),
        _ => None,
    });
    paths.into_iter().all(|root| {
        usage::bindings(file, code, &root).is_empty()
            && usage::uses(file, code, &root).iter().all(|u| !u.is_change() || u.how == How::Value)
    })
}

fn look_up(file: &SourceFile, exprs: &[&syn::Expr], expr: &syn::Expr, question: &Question<'_>) -> Option<LookUp> {
    let is_same = |collection: &syn::Expr, key: &syn::Expr| {
        shapes::same(peel(collection), peel(question.collection))
            && shapes::same(shapes::unreferenced(key), shapes::unreferenced(question.key))
    };
    match expr {
        syn::Expr::Index(i) if is_same(&i.expr, &i.index) => Some(index(file, exprs, i)),
        syn::Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => {
            let (inner, how) = match &*call.receiver {
                syn::Expr::MethodCall(of) if of.method == "copied" && of.args.is_empty() => (&*of.receiver, "value"),
                syn::Expr::MethodCall(of) if of.method == "cloned" && of.args.is_empty() => (&*of.receiver, "clone"),
                other => (other, "reference"),
            };
            let way = ["get", "get_mut", "remove"].into_iter().find(|way| {
                let is_plain = *way == "get" || how == "reference";
                is_plain && shapes::method(inner, way, 1).is_some_and(|get| is_same(&get.receiver, &get.args[0]))
            })?;
            let is_receiver = exprs.iter().any(|e| match e {
                syn::Expr::MethodCall(outer) => std::ptr::eq(&*outer.receiver, expr),
                syn::Expr::Field(outer) => std::ptr::eq(&*outer.base, expr),
                _ => false,
            });
            let how = if how == "value" && is_receiver { "value in brackets" } else { how };
            Some(LookUp { whole: file.range(call), how, way })
        }
        _ => None,
    }
}

/// How `map[key]` is used: by reference, as the base of a longer place, or as a value.
pub fn index(file: &SourceFile, exprs: &[&syn::Expr], node: &syn::ExprIndex) -> LookUp {
    let own = file.range(node);
    let is_own = |e: &syn::Expr| matches!(e, syn::Expr::Index(i) if std::ptr::eq(i, node));
    let look_up = |whole, how| LookUp { whole, how, way: "get" };
    for expr in exprs {
        match expr {
            syn::Expr::Reference(r) if is_own(&r.expr) && r.mutability.is_none() => {
                return look_up(file.range(r), "reference");
            }
            // What a reference converts into may be another thing than what the value does.
            syn::Expr::MethodCall(call) if is_own(&call.receiver) => {
                let converts = call.method == "into" || call.method == "try_into";
                return look_up(own, if converts { "value in brackets" } else { "reference" });
            }
            syn::Expr::Field(f) if is_own(&f.base) => return look_up(own, "reference"),
            syn::Expr::Index(i) if is_own(&i.expr) => return look_up(own, "reference"),
            syn::Expr::Try(t) if is_own(&t.expr) => return look_up(own, "value in brackets"),
            _ => {}
        }
    }
    look_up(own, "value")
}

/// True if what a statement does first, and whatever happens, is this.
pub fn begins_with(file: &SourceFile, stmt: &syn::Stmt, first: TextRange) -> bool {
    let mut expr = match stmt {
        syn::Stmt::Local(local) => local.init.as_ref().map(|init| &*init.expr),
        syn::Stmt::Expr(expr, _) => Some(expr),
        _ => None,
    };
    while let Some(outer) = expr {
        if file.range(outer).start == first.start {
            return true;
        }
        expr = match outer {
            syn::Expr::Return(back) => back.expr.as_deref(),
            syn::Expr::Call(call) if matches!(&*call.func, syn::Expr::Path(_)) => call.args.first(),
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => Some(&*u.expr),
            syn::Expr::Reference(r) => Some(&*r.expr),
            syn::Expr::Binary(b) if !usage::is_assignment(&b.op) => Some(&*b.left),
            _ => None,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<(bool, bool)> {
        let cond: syn::Expr = syn::parse_str(text).unwrap();
        question(&cond).map(|q| (q.is_there, q.by_get))
    }

    #[test]
    fn questions_for_a_key_are_read_whatever_way_they_are_put() {
        assert_eq!(asked("m.contains_key(&k)"), Some((true, false)));
        assert_eq!(asked("!(m.contains_key(&k))"), Some((false, false)));
        assert_eq!(asked("self.m.get(k).is_some()"), Some((true, true)));
        assert_eq!(asked("!m.get_mut(k).is_none()"), Some((true, true)));
        assert_eq!(asked("m.contains_key(&k) == false"), Some((false, false)));
        for text in ["m.get(k) == None", "m.contains(&k)", "m.get(k).is_some_and(f)", "next().is_some()", "a && b"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }
}
