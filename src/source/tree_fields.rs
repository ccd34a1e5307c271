//! A file in; the structs that are turned into a tree of JSON for a field or two out, with what stands for each look at the tree.

use super::usage::{self, How};
use super::{SourceFile, json, shapes, types, words};
use crate::model::{TextEdit, TextRange};

/// A tree that is made for its fields.
pub struct TreeFields<'a> {
    /// `serde_json::to_value(x)`.
    pub call: &'a syn::Expr,
    /// The struct.
    pub value: &'a syn::Expr,
    /// Its type.
    pub ty: syn::Type,
    /// What goes: the `let`, or the `if let Ok(tree) = … { }` around what stays.
    pub holder: TextRange,
    /// What stays of an `if let`.
    pub kept: Option<TextRange>,
    /// The fields instead of the looks.
    pub edits: Vec<TextEdit>,
}

/// All of them.
pub fn tree_fields(file: &SourceFile) -> Vec<TreeFields<'_>> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, &["to_value"]) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            found.extend(bound(file, block, index).or_else(|| asked(file, stmt)));
        }
    }
    found
}

/// `let tree = serde_json::to_value(x)?;`
fn bound<'a>(file: &'a SourceFile, block: &'a syn::Block, index: usize) -> Option<TreeFields<'a>> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let (call, _) = json::failing(file, bound.value);
    let holder = file.range(bound.local);
    read(file, call, bound.name, &shapes::rest(block, index), holder, None)
}

/// `if let Ok(tree) = serde_json::to_value(x) { one statement }`
fn asked<'a>(file: &'a SourceFile, stmt: &'a syn::Stmt) -> Option<TreeFields<'a>> {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = stmt else { return None };
    let syn::Expr::Let(condition) = &*node.cond else { return None };
    let name = shapes::bound_in_variant(&condition.pat, "Ok")?;
    let ([only], None) = (&node.then_branch.stmts[..], &node.else_branch) else { return None };
    read(file, &condition.expr, name, &node.then_branch, file.range(stmt), Some(file.range(only)))
}

fn read<'a>(
    file: &'a SourceFile,
    call: &'a syn::Expr,
    name: &syn::Ident,
    rest: &syn::Block,
    holder: TextRange,
    kept: Option<TextRange>,
) -> Option<TreeFields<'a>> {
    let syn::Expr::Call(made) = call else { return None };
    json::function(made).filter(|function| function == "to_value")?;
    let value = shapes::unreferenced(made.args.first()?);
    let place = usage::place(value).filter(|p| p.is_plain)?;
    let ty = types::strip(&types::type_of(file, value)?).clone();
    let owner = types::head(&ty)?;
    let edits = shapes::exprs(rest).into_iter().filter_map(|expr| look(file, expr, name, value, &owner));
    let edits: Vec<TextEdit> = innermost(edits.collect());
    let text = name.to_string();
    let is_kept = |u: &usage::Use| match &u.how {
        How::Mutate | How::Opaque => false,
        How::Method(method) => usage::is_reading_method(method),
        _ => true,
    };
    let is_same = usage::uses(file, rest, &place.root).iter().all(is_kept)
        && usage::bindings(file, rest, &place.root).is_empty()
        && usage::bindings(file, rest, &text).is_empty();
    let is_all = !edits.is_empty() && edits.len() == shapes::count(rest, &text);
    (is_all && is_same).then_some(TreeFields { call, value, ty, holder, kept, edits })
}

/// Of edits that contain one another the longest: `tree["a"].as_u64().unwrap_or(0)` rather than `tree["a"].as_u64()`.
fn innermost(mut edits: Vec<TextEdit>) -> Vec<TextEdit> {
    let all: Vec<TextRange> = edits.iter().map(|edit| edit.range).collect();
    edits.retain(|edit| !all.iter().any(|other| *other != edit.range && other.contains(edit.range)));
    edits
}

/// `u64::from(x.field)` for `tree["field"].as_u64().unwrap_or(0)`, and `Some(…)` of it without the end.
fn look(file: &SourceFile, expr: &syn::Expr, name: &syn::Ident, value: &syn::Expr, owner: &str) -> Option<TextEdit> {
    let syn::Expr::MethodCall(last) = expr else { return None };
    let ends = ["unwrap", "unwrap_or", "unwrap_or_default"];
    let (read, is_taken) = match &*last.receiver {
        inner @ syn::Expr::MethodCall(_) if ends.iter().any(|end| last.method == end) => (inner, true),
        _ => (expr, false),
    };
    let syn::Expr::MethodCall(read) = read else { return None };
    let syn::Expr::Index(index) = &*read.receiver else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(field), .. }) = &*index.index else { return None };
    if !shapes::is_name(&index.expr, name) || !read.args.is_empty() {
        return None;
    }
    let declared = types::struct_fields(file).iter().find(|f| f.owner == owner && f.name == field.value())?;
    let place = format!("{}.{}", file.text_of(value), field.value());
    let given = match (read.method.to_string().as_str(), declared.ty.as_str()) {
        ("as_u64", "u64") | ("as_i64", "i64") | ("as_bool", "bool") => place,
        ("as_u64", "u8" | "u16" | "u32") => format!("u64::from({place})"),
        ("as_i64", "i8" | "i16" | "i32" | "u8" | "u16" | "u32") => format!("i64::from({place})"),
        ("as_str", "String") => format!("{place}.as_str()"),
        _ => return None,
    };
    let text = if is_taken { given } else { format!("Some({given})") };
    Some(TextEdit { range: file.range(expr), text })
}
