//! Expressions in; which of them compile a literal pattern, and what is done with the failure, out.

use super::functions::Function;
use super::names::{imports, mentions, peel};
use super::{SourceFile, json, shapes};

/// Types of the regex crate whose `new` compiles.
pub const TYPES: &[&str] = &["Regex", "RegexSet"];

/// `Regex` of `Regex::new("literal").unwrap()` and of `RegexBuilder::new("literal").….build().expect("…")`.
pub fn unwrapped(file: &SourceFile, expr: &syn::Expr) -> Option<String> {
    let syn::Expr::MethodCall(unwrap) = expr else { return None };
    let literal_message = unwrap.args.iter().all(|arg| matches!(arg, syn::Expr::Lit(_)));
    if !matches!(unwrap.method.to_string().as_str(), "unwrap" | "expect") || !literal_message {
        return None;
    }
    made(file, peel(&unwrap.receiver))
}

/// `Regex` of `Regex::new("literal")` and of `RegexBuilder::new("literal").case_insensitive(true).build()`, as the file may
/// spell it.
pub fn made(file: &SourceFile, expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Call(call) => constructed(file, call, TYPES),
        syn::Expr::MethodCall(build) if build.method == "build" && build.args.is_empty() => {
            let mut inner = peel(&build.receiver);
            while let syn::Expr::MethodCall(option) = inner {
                if !option.args.iter().all(|arg| matches!(arg, syn::Expr::Lit(_))) {
                    return None;
                }
                inner = peel(&option.receiver);
            }
            let syn::Expr::Call(call) = inner else { return None };
            let builder = constructed(file, call, &["RegexBuilder", "RegexSetBuilder"])?;
            Some(built(file, &builder))
        }
        _ => None,
    }
}

/// The path before `new` of a constructor of the regex crate that is given a literal.
fn constructed(file: &SourceFile, call: &syn::ExprCall, types: &[&str]) -> Option<String> {
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let [before @ .., ty, last] = segments.as_slice() else { return None };
    let is_constant = call.args.len() == 1 && is_literal(&call.args[0]);
    let is_of_regex = match before {
        [] => imports(file, ty).iter().any(|full| full.starts_with("regex::")),
        [krate, ..] => krate == "regex",
    };
    let is_it = last == "new" && types.contains(&ty.as_str()) && is_constant && is_of_regex;
    is_it.then(|| segments[..segments.len() - 1].join("::"))
}

/// What a builder builds, by its name where the file imports it.
fn built(file: &SourceFile, builder: &str) -> String {
    let whole = match imports(file, builder).first() {
        Some(full) if !builder.contains("::") => full.clone(),
        _ => builder.to_owned(),
    };
    let whole = whole.trim_end_matches("Builder").to_owned();
    let last = whole.rsplit("::").next().unwrap_or(&whole);
    if imports(file, last) == [whole.clone()] { last.to_owned() } else { whole }
}

/// A string literal or a constant, or an array of them, borrowed or not.
fn is_literal(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Str(_)),
        syn::Expr::Array(array) => array.elems.iter().all(is_literal),
        syn::Expr::Reference(reference) => is_literal(&reference.expr),
        syn::Expr::Macro(mac) => mac.mac.path.is_ident("concat"),
        // A constant, by the convention that nothing else has such a name.
        syn::Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        }),
        _ => false,
    }
}

/// What is compiled where its failure is handled: by `?`, a `match`, an `if let`, a `let … else`.
pub fn handled<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Expr, String)> {
    let value = match expr {
        syn::Expr::Try(_) => expr,
        syn::Expr::Match(node) => &node.expr,
        syn::Expr::Let(node) => &node.expr,
        _ => return None,
    };
    let (inner, end) = json::failing(file, value);
    let is_unwrapped = [".unwrap", ".expect"].iter().any(|word| end.contains(word));
    let ty = made(file, inner).filter(|_| !is_unwrapped)?;
    Some((inner, ty))
}

/// What a `let … else` compiles.
pub fn handled_by_else<'a>(file: &'a SourceFile, local: &'a syn::Local) -> Option<(&'a syn::Expr, String)> {
    let init = local.init.as_ref().filter(|init| init.diverge.is_some())?;
    let (inner, _) = json::failing(file, &init.expr);
    Some((inner, made(file, inner)?))
}

/// True where what is compiled may be kept by the caller: the function returns its own type or a regular expression.
pub fn constructs(function: &Function<'_>) -> bool {
    let syn::ReturnType::Type(_, output) = &function.sig.output else { return false };
    let own = function.self_ty.map(super::functions::head).unwrap_or_default();
    mentions(output, "Self")
        || (!own.is_empty() && mentions(output, &own))
        || TYPES.iter().any(|ty| mentions(output, ty))
}

/// The last name of a type's path: `Regex` of `regex::bytes::Regex`.
pub fn last_name(ty: &str) -> &str {
    ty.rsplit("::").next().unwrap_or(ty)
}

/// True for the calls whose closure runs once: `get_or_init`, `LazyLock::new`.
pub fn runs_once(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::MethodCall(call) => {
            matches!(
                call.method.to_string().as_str(),
                "get_or_init" | "get_or_try_init" | "call_once" | "get_or_insert_with"
            )
        }
        syn::Expr::Call(call) => ["LazyLock", "LazyCell", "Lazy"]
            .iter()
            .any(|ty| shapes::call(expr, &[ty, "new"]).is_some() || mentions(&call.func, ty)),
        _ => false,
    }
}
