//! Expressions in; the numbers among them that are written as a text only to be parsed as a number again, out.

use super::{SourceFile, json, shapes, types};
use crate::model::TextRange;

/// A number that is written and parsed.
pub struct ThroughText<'a> {
    /// The number.
    pub number: &'a syn::Expr,
    /// Its type, as the text around says: `u32`.
    pub from: String,
    /// How many references stand before it.
    pub references: usize,
    /// The type that is parsed: `u64`.
    pub to: String,
    /// From the number to the end of what is done with the failure.
    pub whole: TextRange,
    /// What is done with the failure.
    pub end: TextRange,
    /// What stands instead.
    pub way: Way,
}

/// How one number type becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They are the same.
    Same,
    /// Every value fits: `u64::from(n)`.
    From,
    /// Not every value fits: `u32::try_from(n)`, which fails where parsing fails.
    TryFrom,
}

/// All of them in a body.
pub fn through_text<'a>(file: &'a SourceFile, body: &'a syn::Block) -> Vec<ThroughText<'a>> {
    let mut found: Vec<ThroughText<'_>> = Vec::new();
    let text = file.slice(file.span_range(body.brace_token.span.join()));
    if !text.contains("parse") && !text.contains("from_str") {
        return found;
    }
    for expr in shapes::exprs(body) {
        // A node's range is dear, and most bodies have nothing that could contain it.
        if found.is_empty() || !found.iter().any(|known| known.whole.contains(file.range(expr))) {
            found.extend(read(file, expr));
        }
    }
    found
}

/// What ends a parse, outermost: `?`, `.unwrap()`, `.unwrap_or(…)`, or nothing.
fn parsed(expr: &syn::Expr) -> &syn::Expr {
    let ends = ["unwrap_or", "unwrap_or_default", "unwrap_or_else"];
    match expr {
        syn::Expr::MethodCall(call) if ends.iter().any(|name| call.method == name) => &call.receiver,
        other => other,
    }
}

fn read<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<ThroughText<'a>> {
    let (parse, _) = json::failing(file, parsed(expr));
    let (text, to) = parse_of(parse)?;
    let number = written(text)?;
    let to = to.or_else(|| annotated(file, expr))?;
    let ty = types::type_of(file, number)?;
    let references = std::iter::successors(Some(&ty), |ty| match ty {
        syn::Type::Reference(r) => Some(&*r.elem),
        _ => None,
    });
    let references = references.count() - 1;
    let from = types::head(types::strip(&ty)).filter(|_| types::is_primitive(types::strip(&ty)))?;
    let whole = file.range(expr);
    let end = TextRange { start: file.range(parse).end, end: whole.end };
    let way = way(&from, &to, file.slice(end))?;
    Some(ThroughText { number, from, references, to, whole, end, way })
}

/// What is parsed, and the type that a turbofish or a path names.
fn parse_of(expr: &syn::Expr) -> Option<(&syn::Expr, Option<String>)> {
    if let syn::Expr::MethodCall(call) = expr
        && call.method == "parse"
        && call.args.is_empty()
    {
        let to = call.turbofish.as_ref().and_then(|turbofish| match turbofish.args.first() {
            Some(syn::GenericArgument::Type(ty)) => types::head(ty),
            _ => None,
        });
        return Some((&call.receiver, to));
    }
    let call = shapes::call(expr, &["from_str"])?;
    let syn::Expr::Path(callee) = &*call.func else { return None };
    let [owner, _] = callee.path.segments.iter().collect::<Vec<_>>()[..] else { return None };
    Some((call.args.first()?, Some(owner.ident.to_string())))
}

/// The number of `n.to_string()`, `&n.to_string()`, `n.to_string().as_str()`.
fn written(text: &syn::Expr) -> Option<&syn::Expr> {
    let call = shapes::method(json::bytes_of(text), "to_string", 0)?;
    let number = &*call.receiver;
    (shapes::is_quiet(number) || matches!(number, syn::Expr::Index(_))).then_some(number)
}

/// The type that a `let` writes.
fn annotated(file: &SourceFile, expr: &syn::Expr) -> Option<String> {
    let (block, index) = super::stmt_around(file, file.range(expr))?;
    let bound = shapes::plain_let(&block.stmts[index])?;
    (file.range(bound.value) == file.range(expr)).then(|| types::head(bound.ty?)).flatten()
}

fn bits(ty: &str) -> Option<(bool, u32)> {
    let is_signed = ty.starts_with('i');
    ty.strip_prefix(['i', 'u'])?.parse().ok().map(|bits| (is_signed, bits))
}

fn is_int(ty: &str) -> bool {
    bits(ty).is_some() || ty == "usize" || ty == "isize"
}

/// Parsing gives the same value by this way; a failure that cannot come is left out with what is done with it.
fn way(from: &str, to: &str, end: &str) -> Option<Way> {
    let end: String = end.split_whitespace().collect();
    let takes_value = end.starts_with(".unwrap") || end.starts_with(".expect(") || end.ends_with('?');
    let is_float = |ty: &str| ty == "f32" || ty == "f64";
    if from == to {
        return (takes_value && (is_int(from) || is_float(from) || from == "bool")).then_some(Way::Same);
    }
    let fits = match (bits(from), bits(to), to) {
        (Some((false, a)), Some((_, b)), _) if b > a => true,
        (Some((true, a)), Some((true, b)), _) if b > a => true,
        (Some((_, a)), None, "f64") => a <= 32,
        (Some((_, a)), None, "f32") => a <= 16,
        (Some((false, a)), None, "usize") => a <= 16,
        (Some((false, a)), None, "isize") => a <= 8,
        (Some((true, a)), None, "isize") => a <= 16,
        _ => false,
    };
    if fits {
        return takes_value.then_some(Way::From);
    }
    // The failure is another type's: only what does not look at it may follow.
    let ignores = end.starts_with(".unwrap") || end.starts_with(".expect(") || end == ".ok()" || end == ".ok()?";
    let names_error = end.starts_with(".unwrap_or_else") && !end.starts_with(".unwrap_or_else(|_|");
    (is_int(from) && is_int(to) && ignores && !names_error).then_some(Way::TryFrom)
}
