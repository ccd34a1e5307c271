//! A function's body in; the iterators that copy every element although most steps after only look at them, out.

use super::usage::{self, How};
use super::{SourceFile, shapes, types};
use crate::model::TextRange;

/// An iterator over copies.
pub struct Cloned<'a> {
    /// What is iterated over.
    pub source: &'a syn::Expr,
    /// What copies, and what stands instead: `.cloned()` and nothing, `.clone().into_iter()` and `.iter()`.
    pub copy: (TextRange, &'static str),
    /// Where a copy of what is left is made instead, if one is needed.
    pub later: Option<u32>,
    /// Parts of elements that are moved out by a closure, and must be copied there.
    pub moved: Vec<TextRange>,
    /// Where it is found: from the copy to the last step looked at.
    pub site: TextRange,
}

/// Steps whose closure gets a reference to the element, and which hand the element on.
const SIFTS: &[&str] = &["filter", "take_while", "skip_while", "inspect"];
/// Steps without a closure that hand the elements on.
const PASSES: &[&str] = &["skip", "take", "rev", "step_by", "fuse"];
/// Steps whose closure gets the element, after which it is gone.
const USES: &[&str] = &["map", "filter_map", "flat_map", "find_map", "any", "all", "position", "for_each", "map_while"];
/// Ends that give one element, by a closure that gets a reference.
const CHOOSES: &[&str] = &["find", "max_by_key", "min_by_key"];
/// Ends that give one element.
const TAKES: &[&str] = &["next", "last", "nth"];

/// All of them in a body.
pub fn cloned<'a>(file: &'a SourceFile, body: &'a syn::Block) -> Vec<Cloned<'a>> {
    let mut found: Vec<Cloned<'_>> = Vec::new();
    for expr in shapes::exprs(body) {
        let read = match expr {
            syn::Expr::MethodCall(_) => chain(file, expr),
            syn::Expr::ForLoop(around) => looped(file, around),
            _ => None,
        };
        // Outer expressions come first, so that the whole chain is looked at.
        found.extend(read.filter(|c| !found.iter().any(|known| known.copy.0 == c.copy.0)));
    }
    found
}

/// The calls of a chain, innermost first.
fn calls(expr: &syn::Expr) -> Vec<&syn::ExprMethodCall> {
    let mut all = Vec::new();
    let mut at = expr;
    while let syn::Expr::MethodCall(call) = at {
        all.push(call);
        at = &call.receiver;
    }
    all.reverse();
    all
}

/// What is copied in a chain, and the index of the first step after.
fn copied<'a>(
    file: &SourceFile,
    calls: &[&'a syn::ExprMethodCall],
) -> Option<(&'a syn::Expr, (TextRange, &'static str), usize)> {
    calls.windows(2).enumerate().find_map(|(at, pair)| {
        let [first, second] = pair else { return None };
        let none = first.args.is_empty();
        let from = |end: &syn::Expr| TextRange { start: file.range(end).end, end: file.range(*second).end };
        let walks = none && ["iter", "values", "keys"].iter().any(|name| first.method == name);
        let copies = none && ["clone", "to_vec", "to_owned"].iter().any(|name| first.method == name);
        let (what, instead, from) = if walks && is_copying_step(second) {
            (first.method.to_string(), "", TextRange { start: file.range(*first).end, end: file.range(*second).end })
        } else if copies && second.method == "into_iter" && second.args.is_empty() {
            ("iter".to_owned(), ".iter()", from(&first.receiver))
        } else {
            return None;
        };
        let source = &*first.receiver;
        usage::place(source).filter(|place| place.is_plain)?;
        is_worth_it(file, source, &what).then_some((source, (from, instead), at + 2))
    })
}

/// `.cloned()`, `.map(|x| x.clone())`, `.map(Clone::clone)`.
fn is_copying_step(call: &syn::ExprMethodCall) -> bool {
    match call.args.first() {
        None => call.method == "cloned",
        Some(syn::Expr::Path(path)) => call.method == "map" && shapes::ends_with(&path.path, &["Clone", "clone"]),
        Some(syn::Expr::Closure(closure)) if call.method == "map" && closure.inputs.len() == 1 => {
            let syn::Pat::Ident(name) = &closure.inputs[0] else { return false };
            shapes::method(&closure.body, "clone", 0).is_some_and(|copy| shapes::is_name(&copy.receiver, &name.ident))
        }
        _ => false,
    }
}

/// True if the text says that the elements are owned data whose copy costs.
fn is_worth_it(file: &SourceFile, source: &syn::Expr, walk: &str) -> bool {
    let Some(ty) = types::type_of(file, source) else { return false };
    let ty = types::strip(&ty);
    let arguments = super::functions::type_arguments(ty);
    let element = match (types::head(ty).as_deref(), walk) {
        (Some("HashMap" | "BTreeMap"), "values") => arguments.get(1).map(|ty| (*ty).clone()),
        (Some("HashMap" | "BTreeMap"), "keys") => arguments.first().map(|ty| (*ty).clone()),
        (Some("HashSet" | "BTreeSet"), "iter") => arguments.first().map(|ty| (*ty).clone()),
        (_, "iter") => types::element(ty),
        _ => None,
    };
    element.is_some_and(|element| {
        // The parts of a pair cost what each of them does.
        if let syn::Type::Tuple(parts) = &element {
            let is_text = |part: &syn::Type| matches!(types::head(part).as_deref(), Some("String" | "Vec"));
            return parts.elems.iter().any(is_text);
        }
        let head = types::head(&element);
        let is_known = matches!(element, syn::Type::Path(_)) && !matches!(element, syn::Type::Infer(_));
        is_known
            && !types::is_primitive(&element)
            && head.is_some_and(|head| !SHARED.contains(&head.as_str()) && !head.starts_with("Atomic"))
    })
}

/// Types for which a clone is a handle on the same thing.
const SHARED: &[&str] =
    &["Arc", "Rc", "Weak", "Sender", "SyncSender", "UnboundedSender", "Bytes", "Duration", "Instant"];

fn chain<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Cloned<'a>> {
    let calls = calls(expr);
    let (source, copy, at) = copied(file, &calls)?;
    let mut is_sifted = false;
    for (index, call) in calls.iter().enumerate().skip(at) {
        let method = call.method.to_string();
        let end = file.range(*call).end;
        let site = TextRange { start: file.range(source).start, end };
        let done = |later, moved| Some(Cloned { source, copy, later, moved, site });
        let is = |list: &[&str]| list.contains(&method.as_str());
        if is(SIFTS) {
            (is_taken_apart(call) || looks(file, call)?.is_empty()).then_some(())?;
            is_sifted = true;
        } else if is(PASSES) {
            is_sifted |= method == "skip" || method == "take";
        } else if is(USES) {
            return done(None, looks(file, call)?);
        } else if is(CHOOSES) {
            (is_taken_apart(call) || looks(file, call)?.is_empty()).then_some(())?;
            return done(Some(end), Vec::new());
        } else if method == "count" && call.args.is_empty() {
            return done(None, Vec::new());
        } else if is(TAKES) && call.args.iter().all(shapes::is_quiet) && (is_sifted || method != "next") {
            return done(Some(end), Vec::new());
        } else if method == "collect" && is_sifted {
            return done(Some(file.range(&*calls[index].receiver).end), Vec::new());
        } else {
            return None;
        }
    }
    None
}

/// `for item in items.iter().cloned()`, whose body only looks at the item.
fn looped<'a>(file: &'a SourceFile, around: &'a syn::ExprForLoop) -> Option<Cloned<'a>> {
    let calls = calls(&around.expr);
    let (source, copy, at) = copied(file, &calls)?;
    let is_copied_whole = !copy.1.is_empty();
    if at != calls.len() || is_copied_whole {
        return None;
    }
    let syn::Pat::Ident(syn::PatIdent { ident, mutability: None, by_ref: None, subpat: None, .. }) = &*around.pat
    else {
        return None;
    };
    let name = ident.to_string();
    if !usage::bindings(file, &around.body, &name).is_empty() {
        return None;
    }
    let uses = usage::uses(file, &around.body, &name);
    let site = file.range(&*around.expr);
    // A part that is used by value is copied out, or rustc says that it is moved.
    let looks = uses.iter().all(|u| !u.is_captured && is_look(u));
    looks.then_some(Cloned { source, copy, later: None, moved: Vec::new(), site })
}

fn is_look(u: &usage::Use) -> bool {
    match &u.how {
        How::Read => true,
        // `*item` is the whole item.
        How::Compare | How::Value => !u.fields.is_empty(),
        How::Method(name) if u.is_bare => {
            !usage::is_changing_method(name) && !["clone", "to_owned"].contains(&name.as_str())
        }
        How::Method(name) => !usage::is_changing_method(name),
        How::Scrutinee | How::Iterated | How::Mutate | How::Opaque => false,
    }
}

/// True for a closure that takes apart what it is lent: its names are references with one reference as with two.
fn is_taken_apart(call: &syn::ExprMethodCall) -> bool {
    fn is_plain(pat: &syn::Pat) -> bool {
        match pat {
            syn::Pat::Tuple(t) => t.elems.iter().all(is_plain),
            syn::Pat::Struct(s) => s.fields.iter().all(|f| is_plain(&f.pat)),
            syn::Pat::Ident(p) => p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none(),
            syn::Pat::Wild(_) | syn::Pat::Rest(_) => true,
            _ => false,
        }
    }
    match call.args.first() {
        Some(syn::Expr::Closure(c)) if c.inputs.len() == 1 => {
            matches!(c.inputs[0], syn::Pat::Tuple(_) | syn::Pat::Struct(_)) && is_plain(&c.inputs[0])
        }
        _ => false,
    }
}

/// The parts of its element that a closure moves out, if it does nothing else but look at it.
fn looks(file: &SourceFile, call: &syn::ExprMethodCall) -> Option<Vec<TextRange>> {
    let syn::Expr::Closure(closure) = call.args.first()? else { return None };
    let [pat] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
    if matches!(pat, syn::Pat::Wild(_)) {
        return Some(Vec::new());
    }
    let syn::Pat::Ident(syn::PatIdent { ident, mutability: None, by_ref: None, subpat: None, .. }) = pat else {
        return None;
    };
    let name = ident.to_string();
    if super::names::bound_in(&closure.body).contains(&name) {
        return None;
    }
    let uses = usage::uses_in_expr(file, &closure.body, &name);
    if !uses.iter().all(is_look) {
        return None;
    }
    let declared = types::struct_fields(file);
    let is_moved = |u: &usage::Use| {
        let field = u.fields.last()?;
        let mut all = declared.iter().filter(|f| f.name == *field).map(|f| syn::parse_str::<syn::Type>(&f.ty));
        let ty = all.next()?.ok()?;
        (u.how == How::Value
            && !types::is_primitive(&ty)
            && matches!(types::head(&ty).as_deref(), Some("String" | "Vec")))
        .then_some(u.place)
    };
    Some(uses.iter().filter_map(is_moved).collect())
}
