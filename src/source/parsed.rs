//! A function in; the constant texts that it parses anew on each call, with how the result is used, out.

use super::functions::Function;
use super::names::{imports, mentions, peel};
use super::usage::{self, How, Use};
use super::{Node, SourceFile, path_to, regexes, shapes, types};

/// A constant text that is parsed into a local.
pub struct Parsed<'a> {
    /// The `let`.
    pub local: &'a syn::Local,
    /// Its name.
    pub name: &'a syn::Ident,
    /// What parses, with what is done with the failure.
    pub value: &'a syn::Expr,
    /// The type it is parsed into, as it is written.
    pub ty: syn::Type,
    /// The constant text.
    pub text: &'a syn::Expr,
    /// How the local is used afterwards; every use leaves it as it is, but for the parts that are moved out.
    pub uses: Vec<Use>,
}

/// Functions that parse a text or bytes into a type that the caller chooses.
const PARSERS: &[(&str, &[&str])] = &[
    ("serde_json", &["from_str", "from_slice"]),
    ("toml", &["from_str"]),
    ("serde_yaml", &["from_str", "from_slice"]),
    ("serde_yml", &["from_str"]),
    ("ron", &["from_str"]),
    ("json5", &["from_str"]),
    ("csv", &["from_str"]),
];
/// Functions of a type that parse a text into it.
const OWN: &[&str] = &["parse", "from_str", "parse_str"];
/// Types that are parsed in a few nanoseconds.
const CHEAP: &[&str] =
    &["Ipv4Addr", "Ipv6Addr", "IpAddr", "SocketAddr", "SocketAddrV4", "NonZeroU32", "Level", "LevelFilter"];

/// All of them; none in constructors, and in `main` only those in loops.
pub fn parsed<'a>(file: &'a SourceFile, function: &Function<'a>) -> Vec<Parsed<'a>> {
    if regexes::constructs(function) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for block in shapes::blocks_in(function.block) {
        for index in 0..block.stmts.len() {
            found.extend(read(file, function, block, index));
        }
    }
    found
}

fn read<'a>(file: &'a SourceFile, function: &Function<'a>, block: &'a syn::Block, index: usize) -> Option<Parsed<'a>> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let syn::Expr::MethodCall(unwrap) = bound.value else { return None };
    let is_literal = unwrap.args.iter().all(|arg| matches!(arg, syn::Expr::Lit(_)));
    if !(unwrap.method == "unwrap" || unwrap.method == "expect") || !is_literal {
        return None;
    }
    let (text, told) = parse_of(file, peel(&unwrap.receiver))?;
    let ty = bound.ty.cloned().or(told).filter(|ty| !matches!(ty, syn::Type::Infer(_)))?;
    let head = types::head(&ty)?;
    let is_generic = function.sig.generics.type_params().any(|p| p.ident == head) || head == "Self";
    if types::is_primitive(&ty) || CHEAP.contains(&head.as_str()) || is_generic || !is_constant(text) {
        return None;
    }
    if is_run_once(file, function, bound.value) {
        return None;
    }
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    if !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let uses = usage::uses(file, &rest, &name);
    let fits = !uses.is_empty() && uses.iter().all(|u| leaves_it(file, u, &name));
    fits.then_some(Parsed { local: bound.local, name: bound.name, value: bound.value, ty, text, uses })
}

/// The text that is parsed, and the type that a turbofish or the path says.
fn parse_of<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Expr, Option<syn::Type>)> {
    match expr {
        syn::Expr::MethodCall(call) if call.method == "parse" && call.args.is_empty() => {
            let told = call.turbofish.as_ref().and_then(|turbofish| match turbofish.args.first() {
                Some(syn::GenericArgument::Type(ty)) => Some(ty.clone()),
                _ => None,
            });
            Some((&call.receiver, told))
        }
        syn::Expr::Call(call) if call.args.len() == 1 => {
            let syn::Expr::Path(callee) = &*call.func else { return None };
            let segments: Vec<&syn::PathSegment> = callee.path.segments.iter().collect();
            let [.., owner, last] = segments.as_slice() else { return None };
            let (owner_name, name) = (owner.ident.to_string(), last.ident.to_string());
            let text = call.args.first()?;
            if PARSERS.iter().any(|(krate, all)| *krate == owner_name && all.contains(&name.as_str())) {
                let told = match &last.arguments {
                    syn::PathArguments::AngleBracketed(list) => list.args.iter().find_map(|argument| match argument {
                        syn::GenericArgument::Type(ty) => Some(ty.clone()),
                        _ => None,
                    }),
                    _ => None,
                };
                return Some((text, told));
            }
            let is_type = owner_name.starts_with(char::is_uppercase) && OWN.contains(&name.as_str());
            // What a workspace type's own `parse` does is not known; that of an imported type is a parser's.
            let is_foreign = imports(file, &owner_name)
                .iter()
                .any(|full| !["crate::", "self::", "super::"].iter().any(|own| full.starts_with(own)));
            let path = syn::Path {
                leading_colon: callee.path.leading_colon,
                segments: segments[..segments.len() - 1].iter().map(|s| (*s).clone()).collect(),
            };
            (is_type && (is_foreign || segments.len() > 2))
                .then(|| (text, Some(syn::Type::Path(syn::TypePath { qself: None, path, attrs: Vec::new() }))))
        }
        _ => None,
    }
}

/// A literal, `include_str!(…)`, or the name of a constant.
fn is_constant(text: &syn::Expr) -> bool {
    match shapes::unreferenced(text) {
        syn::Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Str(_) | syn::Lit::ByteStr(_)),
        syn::Expr::Macro(mac) => {
            let name = mac.mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
            ["include_str", "include_bytes", "concat"].contains(&name.as_str())
        }
        syn::Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        }),
        syn::Expr::MethodCall(call) if call.method == "as_bytes" && call.args.is_empty() => is_constant(&call.receiver),
        _ => false,
    }
}

/// True in `main` outside of loops, and in the initialiser of a lazy cell.
fn is_run_once(file: &SourceFile, function: &Function<'_>, value: &syn::Expr) -> bool {
    let path = path_to(file, file.range(value));
    let in_loop = path
        .iter()
        .any(|node| matches!(node, Node::Expr(syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_))));
    let is_main = function.sig.ident == "main" && function.self_ty.is_none();
    let in_cell = path.iter().any(|node| matches!(node, Node::Expr(expr) if regexes::runs_once(expr)));
    (is_main && !in_loop) || in_cell
}

/// True if a use leaves the value as it is, or moves a part out of it.
fn leaves_it(file: &SourceFile, u: &Use, name: &str) -> bool {
    if file.slice(u.name) != name {
        // Captured by the text of a format string.
        return false;
    }
    match &u.how {
        How::Read | How::Compare => true,
        // What takes the elements one by one may look at them as well, or rustc says that it may not.
        How::Method(method) if u.is_bare && method == "into_iter" => true,
        How::Method(method) => !usage::is_changing_method(method) || !u.is_bare && method.starts_with("unwrap"),
        How::Value | How::Scrutinee => !u.is_bare,
        How::Iterated | How::Mutate | How::Opaque => false,
    }
}

/// True if a type speaks of a lifetime other than `'static`: what is parsed borrows from the text.
pub fn borrows(ty: &syn::Type) -> bool {
    let text = quote::ToTokens::to_token_stream(ty).to_string();
    text.contains('&') || (text.contains('\'') && !text.contains("'static")) || mentions(ty, "Self")
}
