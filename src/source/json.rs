//! Expressions in; what they turn into JSON or read from it, out.

use super::{SourceFile, shapes};
use crate::model::TextRange;

/// A value turned into JSON text.
pub struct Made<'a> {
    /// What is serialised, as it is handed over: `&answer`.
    pub value: TextRange,
    /// What becomes of a failure: `?`, `.unwrap()`, …
    pub end: &'a str,
    /// True for the pretty form.
    pub is_pretty: bool,
}

/// Reads `serde_json::to_string(&x)?` and its kin, with what becomes of the failure.
pub fn made<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Made<'a>> {
    let (inner, end) = shapes::fallible(file, expr);
    let syn::Expr::Call(call) = inner else { return None };
    let name = function(call)?;
    let is_pretty = name.ends_with("_pretty");
    let makes = ["to_string", "to_vec", "to_string_pretty", "to_vec_pretty"].contains(&name.as_str());
    (makes && !end.is_empty() && call.args.len() == 1).then(|| Made {
        value: file.range(&call.args[0]),
        end,
        is_pretty,
    })
}

/// The function of serde_json that is called: `from_str` of `serde_json::from_str::<T>(s)`.
pub fn function(call: &syn::ExprCall) -> Option<String> {
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<&syn::PathSegment> = path.path.segments.iter().collect();
    match segments.as_slice() {
        [owner, function] if owner.ident == "serde_json" => Some(function.ident.to_string()),
        _ => None,
    }
}

/// What a payload is the bytes of: `text` of `text.as_bytes()`, `&text`, `text`.
pub fn bytes_of(expr: &syn::Expr) -> &syn::Expr {
    match shapes::unreferenced(expr) {
        syn::Expr::MethodCall(call)
            if call.args.is_empty() && ["as_bytes", "as_str", "as_slice"].iter().any(|name| call.method == name) =>
        {
            &call.receiver
        }
        other => other,
    }
}
