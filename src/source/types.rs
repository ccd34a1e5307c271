//! A place or expression in; what the text around it says about its type out. A guess for rules to fire on, never a proof.

use super::usage::place;
use super::{Node, SourceFile, path_to};
use crate::model::TextRange;

/// What the text says about the type of an expression at its place; `None` where it does not say.
pub fn type_of(file: &SourceFile, expr: &syn::Expr) -> Option<syn::Type> {
    guess(file, expr, file.range(expr), 0)
}

/// How deep declarations are followed from one another.
const DEPTH: u32 = 8;

fn guess(file: &SourceFile, expr: &syn::Expr, at: TextRange, depth: u32) -> Option<syn::Type> {
    if depth > DEPTH {
        return None;
    }
    said(file, expr, at, depth).map(|ty| aliased(file, ty))
}

fn said(file: &SourceFile, expr: &syn::Expr, at: TextRange, depth: u32) -> Option<syn::Type> {
    match expr {
        syn::Expr::Paren(p) => guess(file, &p.expr, at, depth),
        syn::Expr::Path(p) => {
            let name = p.path.get_ident()?;
            if name == "self" { self_type(file, at) } else { local(file, &name.to_string(), at, depth + 1) }
        }
        syn::Expr::Field(f) => {
            let owner = head(strip(&guess(file, &f.base, at, depth + 1)?))?;
            let syn::Member::Named(member) = &f.member else { return None };
            field_type(file, &owner, &member.to_string())
        }
        syn::Expr::Reference(r) => {
            let inner = guess(file, &r.expr, at, depth + 1)?;
            Some(syn::parse_quote!(&#inner))
        }
        syn::Expr::Macro(m) => match m.mac.path.segments.last()?.ident.to_string().as_str() {
            "vec" => Some(syn::parse_quote!(Vec<_>)),
            "format" => Some(syn::parse_quote!(String)),
            _ => None,
        },
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(_), .. }) => Some(syn::parse_quote!(&'static str)),
        syn::Expr::Array(_) | syn::Expr::Repeat(_) => Some(syn::parse_quote!([_; 0])),
        syn::Expr::Range(_) => Some(syn::parse_quote!(std::ops::Range<_>)),
        syn::Expr::Struct(s) => {
            let path = &s.path;
            Some(syn::parse_quote!(#path))
        }
        syn::Expr::Cast(c) => Some((*c.ty).clone()),
        syn::Expr::Binary(b) => calculated(file, b, at, depth),
        syn::Expr::Call(call) => call_type(file, call, at),
        syn::Expr::MethodCall(call) => method_type(file, call, at, depth),
        syn::Expr::Index(index) => indexed(guess(file, &index.expr, at, depth + 1)?, &index.index),
        syn::Expr::Try(t) => success(guess(file, &t.expr, at, depth + 1)?),
        syn::Expr::Await(a) => guess(file, &a.base, at, depth + 1),
        // One branch that says its type speaks for all: those that leave, or that say nothing, have no other.
        syn::Expr::Match(m) => m.arms.iter().find_map(|arm| ended(file, &arm.body, depth + 1)),
        syn::Expr::If(i) => {
            let first = i.then_branch.stmts.last();
            let of_first = match first {
                Some(syn::Stmt::Expr(tail, None)) => ended(file, tail, depth + 1),
                _ => None,
            };
            of_first.or_else(|| ended(file, &i.else_branch.as_ref()?.1, depth + 1))
        }
        syn::Expr::Block(_) => ended(file, expr, depth),
        _ => None,
    }
}

/// What `a + b` of numbers gives: numbers of two types do not add up.
fn calculated(file: &SourceFile, node: &syn::ExprBinary, at: TextRange, depth: u32) -> Option<syn::Type> {
    use syn::BinOp::{Add, Div, Mul, Rem, Sub};
    let number = |side| guess(file, side, at, depth + 1).map(|ty| strip(&ty).clone()).filter(is_primitive);
    let is_sum = matches!(node.op, Add(_) | Sub(_) | Mul(_) | Div(_) | Rem(_));
    if is_sum { number(&node.left).or_else(|| number(&node.right)) } else { None }
}

/// The type of a branch, by the value at its end.
fn ended(file: &SourceFile, expr: &syn::Expr, depth: u32) -> Option<syn::Type> {
    match expr {
        syn::Expr::Block(b) if b.label.is_none() => match b.block.stmts.last()? {
            syn::Stmt::Expr(tail, None) => ended(file, tail, depth),
            _ => None,
        },
        other => guess(file, other, file.range(other), depth),
    }
}

/// The type behind a name that `type Name = …;` of this file gives it, behind references too.
fn aliased(file: &SourceFile, ty: syn::Type) -> syn::Type {
    match ty {
        syn::Type::Reference(mut r) => {
            *r.elem = aliased(file, *r.elem);
            syn::Type::Reference(r)
        }
        syn::Type::Path(p) => {
            let named =
                p.path.get_ident().filter(|name| !matches!(name.to_string().as_str(), "String" | "Self" | "str"));
            named.and_then(|name| alias(&file.ast.items, name)).unwrap_or(syn::Type::Path(p))
        }
        other => other,
    }
}

fn alias(items: &[syn::Item], name: &syn::Ident) -> Option<syn::Type> {
    items.iter().find_map(|item| match item {
        syn::Item::Type(t) if t.ident == *name && t.generics.params.is_empty() => Some((*t.ty).clone()),
        syn::Item::Mod(m) => alias(&m.content.as_ref()?.1, name),
        _ => None,
    })
}

/// What `list[i]`, `list[a..b]` and `map[k]` give.
fn indexed(ty: syn::Type, index: &syn::Expr) -> Option<syn::Type> {
    let of = strip(&ty);
    let is_range = matches!(super::names::peel(index), syn::Expr::Range(_));
    match (head(of)?.as_str(), is_range) {
        ("String" | "str", true) => Some(syn::parse_quote!(str)),
        ("Vec" | "[]", true) => element(of).map(|element| syn::parse_quote!([#element])),
        ("Vec" | "VecDeque" | "[]", false) => element(of),
        ("HashMap" | "BTreeMap", false) => arguments(of).into_iter().nth(1),
        _ => None,
    }
}

/// All type arguments: `K` and `V` of `HashMap<K, V>`.
fn arguments(ty: &syn::Type) -> Vec<syn::Type> {
    super::functions::type_arguments(ty).into_iter().cloned().collect()
}

/// `T` of `Result<T, _>` or `Option<T>`.
fn success(ty: syn::Type) -> Option<syn::Type> {
    matches!(head(&ty)?.as_str(), "Result" | "Option").then(|| argument(&ty)).flatten()
}

/// The first type argument: `T` of `Vec<T>`.
pub fn argument(ty: &syn::Type) -> Option<syn::Type> {
    let syn::Type::Path(p) = ty else { return None };
    let syn::PathArguments::AngleBracketed(list) = &p.path.segments.last()?.arguments else { return None };
    list.args.iter().find_map(|arg| match arg {
        syn::GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

/// The type without its references.
pub fn strip(ty: &syn::Type) -> &syn::Type {
    match ty {
        syn::Type::Reference(r) => strip(&r.elem),
        syn::Type::Paren(p) => strip(&p.elem),
        syn::Type::Group(g) => strip(&g.elem),
        other => other,
    }
}

/// The name of a type: `Vec` of `std::vec::Vec<T>`, `[]` of slices and arrays.
pub fn head(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(p) => Some(p.path.segments.last()?.ident.to_string()),
        syn::Type::Slice(_) | syn::Type::Array(_) => Some("[]".to_owned()),
        _ => None,
    }
}

/// What one gets from iterating over a reference to it, without the reference: `T` of `Vec<T>` and `[T]`.
pub fn element(ty: &syn::Type) -> Option<syn::Type> {
    match strip(ty) {
        syn::Type::Slice(s) => Some((*s.elem).clone()),
        syn::Type::Array(a) => Some((*a.elem).clone()),
        ty if is_sequence(ty) => argument(ty),
        _ => None,
    }
}

/// True for `Vec`, `VecDeque`, slices and arrays, behind references or not.
pub fn is_sequence(ty: &syn::Type) -> bool {
    matches!(head(strip(ty)).as_deref(), Some("Vec" | "VecDeque" | "[]"))
}

/// True for integers, floats, `bool` and `char`.
pub fn is_primitive(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(_))
        && head(ty).is_some_and(|name| is_number(&name) || matches!(name.as_str(), "bool" | "char"))
}

fn is_number(name: &str) -> bool {
    const NAMES: &[&str] =
        &["f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32", "u64", "u8", "usize"];
    NAMES.contains(&name)
}

fn self_type(file: &SourceFile, at: TextRange) -> Option<syn::Type> {
    let name = &file.item_around(at)?.self_type;
    syn::parse_str(name).ok()
}

/// The declared type of a field of a struct in this file.
fn field_type(file: &SourceFile, owner: &str, field: &str) -> Option<syn::Type> {
    fn search(items: &[syn::Item], owner: &str, field: &str) -> Option<syn::Type> {
        items.iter().find_map(|item| match item {
            syn::Item::Struct(s) if s.ident == owner => {
                let declared = s.fields.iter().find(|f| f.ident.as_ref().is_some_and(|name| name == field))?;
                Some(declared.ty.clone())
            }
            syn::Item::Mod(m) => search(&m.content.as_ref()?.1, owner, field),
            _ => None,
        })
    }
    search(&file.ast.items, owner, field)
}

/// A field of a struct as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDecl {
    /// Name of the struct.
    pub owner: String,
    /// Name of the field.
    pub name: String,
    /// Its type as written.
    pub ty: String,
    /// The field with its attributes.
    pub range: TextRange,
}

/// Named fields of all structs of a file, those in inline modules included.
pub fn struct_fields(file: &SourceFile) -> &[FieldDecl] {
    file.struct_fields.get_or_init(|| declared_fields(file))
}

fn declared_fields(file: &SourceFile) -> Vec<FieldDecl> {
    fn walk(file: &SourceFile, items: &[syn::Item], out: &mut Vec<FieldDecl>) {
        for item in items {
            match item {
                syn::Item::Struct(s) => out.extend(s.fields.iter().filter_map(|field| {
                    Some(FieldDecl {
                        owner: s.ident.to_string(),
                        name: field.ident.as_ref()?.to_string(),
                        ty: file.text_of(&field.ty).to_owned(),
                        range: file.range(field),
                    })
                })),
                syn::Item::Mod(m) => m.content.iter().for_each(|(_, items)| walk(file, items, out)),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(file, &file.ast.items, &mut out);
    out
}

fn call_type(file: &SourceFile, call: &syn::ExprCall, at: TextRange) -> Option<syn::Type> {
    let syn::Expr::Path(p) = &*call.func else { return None };
    let last = p.path.segments.last()?.ident.to_string();
    let mut path = p.path.clone();
    if path.segments.len() == 1 {
        return return_type(file, "", &last);
    }
    path.segments.pop();
    path.segments.pop_punct();
    let owner = path.segments.last()?.ident.to_string();
    let owner = if owner == "Self" { file.item_around(at)?.self_type.clone() } else { owner };
    if let Some(declared) = return_type(file, &owner, &last) {
        return Some(declared);
    }
    match (owner.as_str(), last.as_str()) {
        ("serde_json", "to_string" | "to_string_pretty") | ("String", "from_utf8") | ("fs", "read_to_string") => {
            return syn::parse_str("Result<String, _>").ok();
        }
        ("File", "create" | "create_new" | "open") => return syn::parse_str("Result<File, _>").ok(),
        ("serde_json", "to_vec") | ("fs", "read") => return syn::parse_str("Result<Vec<u8>, _>").ok(),
        _ => {}
    }
    let is_constructor = last.starts_with("new") || last.starts_with("from") || last.starts_with("with_");
    if is_number(&owner) {
        return (last == "from").then(|| syn::parse_quote!(#path));
    }
    let is_type = owner.starts_with(char::is_uppercase);
    (is_type && (is_constructor || last == "default")).then(|| syn::parse_quote!(#path))
}

/// The declared return type of a function of this file.
fn return_type(file: &SourceFile, owner: &str, name: &str) -> Option<syn::Type> {
    let item = file.items.iter().find(|i| i.name == name && i.self_type == owner)?;
    let signature = super::signature(file, item.body)?;
    match &signature.output {
        syn::ReturnType::Type(_, ty) if !matches!(**ty, syn::Type::ImplTrait(_)) => match head(ty).as_deref() {
            Some("Self") => syn::parse_str(owner).ok(),
            _ => Some((**ty).clone()),
        },
        _ => None,
    }
}

fn method_type(file: &SourceFile, call: &syn::ExprMethodCall, at: TextRange, depth: u32) -> Option<syn::Type> {
    let receiver = || guess(file, &call.receiver, at, depth + 1);
    match call.method.to_string().as_str() {
        "to_string" | "to_uppercase" | "to_lowercase" | "to_ascii_lowercase" | "to_ascii_uppercase" | "into_string"
        | "replace" | "repeat" => Some(syn::parse_quote!(String)),
        "to_vec" | "into_vec" => Some(match receiver().as_ref().and_then(element) {
            Some(element) => syn::parse_quote!(Vec<#element>),
            None => syn::parse_quote!(Vec<_>),
        }),
        "to_owned" => match head(strip(&receiver()?))?.as_str() {
            "str" | "String" => Some(syn::parse_quote!(String)),
            "[]" | "Vec" => Some(syn::parse_quote!(Vec<_>)),
            _ => None,
        },
        "clone" => receiver().map(|ty| strip(&ty).clone()),
        "as_str" | "trim" | "trim_start" | "trim_end" | "trim_matches" | "trim_start_matches" | "trim_end_matches" => {
            Some(syn::parse_quote!(&str))
        }
        "as_slice" => receiver().map(|ty| syn::parse_quote!(&#ty)),
        "len" | "count" => Some(syn::parse_quote!(usize)),
        "collect" => match call.turbofish.as_ref()?.args.first()? {
            syn::GenericArgument::Type(ty) => Some(ty.clone()),
            _ => None,
        },
        "unwrap" | "expect" | "unwrap_or_default" | "unwrap_or_else" | "unwrap_or" => success(receiver()?),
        "map_err" | "or_else" | "ok_or" | "inspect_err" => {
            receiver().filter(|ty| head(ty).as_deref() == Some("Result"))
        }
        "get" | "pointer" | "first" | "last" | "front" | "back" | "get_mut" | "iter" | "keys" | "values"
        | "as_deref" | "as_ref" | "cloned" | "copied" => {
            looked_up(&receiver()?, &call.method.to_string()).or_else(|| declared_method(file, call, &receiver()?))
        }
        _ => declared_method(file, call, &receiver()?),
    }
}

/// What a method of an `impl` in this file says that it returns.
fn declared_method(file: &SourceFile, call: &syn::ExprMethodCall, receiver: &syn::Type) -> Option<syn::Type> {
    return_type(file, &head(strip(receiver))?, &call.method.to_string())
}

/// What methods of std that look something up give: `Option<&T>` of `list.get(i)`.
fn looked_up(ty: &syn::Type, method: &str) -> Option<syn::Type> {
    let of = strip(ty);
    let is_map = matches!(head(of)?.as_str(), "HashMap" | "BTreeMap");
    let found = |inner: syn::Type| Some(syn::parse_quote!(Option<&#inner>));
    match method {
        "get" | "pointer" if head(of)? == "Value" => found(of.clone()),
        "get" if is_map => found(arguments(of).into_iter().nth(1)?),
        "get" | "first" | "last" | "front" | "back" if is_sequence(of) => found(element(of)?),
        "as_ref" if head(of)? == "Option" => found(argument(of)?),
        "as_deref" if head(of)? == "Option" => {
            let inner = argument(of)?;
            match head(&inner)?.as_str() {
                "String" => Some(syn::parse_quote!(Option<&str>)),
                "Vec" => element(&inner).map(|element| syn::parse_quote!(Option<&[#element]>)),
                _ => None,
            }
        }
        "cloned" | "copied" if head(ty)? == "Option" => match argument(ty)? {
            syn::Type::Reference(r) => {
                let inner = r.elem;
                Some(syn::parse_quote!(Option<#inner>))
            }
            _ => None,
        },
        _ => None,
    }
}

/// What an iterator, or what is iterated over, gives in each round.
fn item(file: &SourceFile, expr: &syn::Expr, at: TextRange, depth: u32) -> Option<syn::Type> {
    if depth > DEPTH {
        return None;
    }
    if let syn::Expr::MethodCall(call) = super::names::peel(expr) {
        let of_receiver = || item(file, &call.receiver, at, depth + 1);
        let lent = || guess(file, &call.receiver, at, depth + 1).map(|ty| strip(&ty).clone());
        match call.method.to_string().as_str() {
            "iter" => return walked(&lent()?, true),
            "keys" | "into_keys" => return argument(&lent()?).map(|key| syn::parse_quote!(&#key)),
            "values" => return arguments(&lent()?).into_iter().nth(1).map(|value| syn::parse_quote!(&#value)),
            "into_iter" => return guess(file, &call.receiver, at, depth + 1).and_then(|ty| iterated(&ty)),
            "drain" => return walked(&lent()?, false),
            "chars" => return Some(syn::parse_quote!(char)),
            "bytes" => return Some(syn::parse_quote!(u8)),
            "lines" | "split" | "split_whitespace" | "split_terminator" | "rsplit" | "splitn" => {
                let is_text = matches!(head(&lent()?)?.as_str(), "str" | "String");
                return is_text.then(|| syn::parse_quote!(&str));
            }
            "windows" | "chunks" | "chunks_exact" => return element(&lent()?).map(|e| syn::parse_quote!(&[#e])),
            "enumerate" => return of_receiver().map(|inner| syn::parse_quote!((usize, #inner))),
            "zip" => {
                let (a, b) = (of_receiver()?, item(file, call.args.first()?, at, depth + 1)?);
                return Some(syn::parse_quote!((#a, #b)));
            }
            "cloned" | "copied" => {
                return match of_receiver()? {
                    syn::Type::Reference(r) => Some(*r.elem),
                    _ => None,
                };
            }
            "rev" | "skip" | "take" | "filter" | "skip_while" | "take_while" | "inspect" | "step_by" | "peekable"
            | "fuse" | "by_ref" => return of_receiver(),
            _ => {}
        }
    }
    iterated(&guess(file, expr, at, depth + 1)?)
}

/// What a `for` over a value of this type binds: `&T` over a reference to a sequence of `T`, `T` over the sequence itself.
fn iterated(ty: &syn::Type) -> Option<syn::Type> {
    match ty {
        syn::Type::ImplTrait(bounds) => bounds.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => item_of_bound(&bound.path),
            _ => None,
        }),
        syn::Type::Reference(r) if r.mutability.is_some() => None,
        syn::Type::Reference(r) => walked(strip(&r.elem), true),
        owned => walked(owned, false),
    }
}

/// `T` of `Iterator<Item = T>` and `IntoIterator<Item = T>`.
fn item_of_bound(path: &syn::Path) -> Option<syn::Type> {
    let last = path.segments.last()?;
    let syn::PathArguments::AngleBracketed(list) = &last.arguments else { return None };
    let is_iterator = last.ident == "Iterator" || last.ident == "IntoIterator";
    list.args.iter().filter(|_| is_iterator).find_map(|argument| match argument {
        syn::GenericArgument::AssocType(item) if item.ident == "Item" => Some(item.ty.clone()),
        _ => None,
    })
}

/// The elements of a collection of std, by reference or not; the pairs of a map.
fn walked(ty: &syn::Type, by_reference: bool) -> Option<syn::Type> {
    if let "HashMap" | "BTreeMap" = head(ty)?.as_str() {
        let [key, value] = arguments(ty).try_into().ok()?;
        return Some(if by_reference {
            syn::parse_quote!((&#key, &#value))
        } else {
            syn::parse_quote!((#key, #value))
        });
    }
    let is_set = matches!(head(ty)?.as_str(), "HashSet" | "BTreeSet" | "BinaryHeap");
    let element = if is_set { argument(ty)? } else { element(ty)? };
    Some(if by_reference { syn::parse_quote!(&#element) } else { element })
}

/// What a pattern binds the name to where it takes apart a value of this type.
fn taken_apart(file: &SourceFile, pat: &syn::Pat, name: &str, ty: &syn::Type, by_reference: bool) -> Option<syn::Type> {
    let ty = aliased(file, ty.clone());
    match (pat, &ty) {
        (syn::Pat::Ident(p), _) if p.ident == name && p.by_ref.is_none() && p.subpat.is_none() => {
            Some(if by_reference { syn::parse_quote!(&#ty) } else { ty })
        }
        (syn::Pat::Paren(p), _) => taken_apart(file, &p.pat, name, &ty, by_reference),
        (syn::Pat::Reference(p), syn::Type::Reference(r)) => taken_apart(file, &p.pat, name, &r.elem, by_reference),
        // Patterns look through references, and bind references then.
        (syn::Pat::Tuple(_) | syn::Pat::TupleStruct(_) | syn::Pat::Struct(_), syn::Type::Reference(r)) => {
            if r.mutability.is_some() { None } else { taken_apart(file, pat, name, &r.elem, true) }
        }
        (syn::Pat::Tuple(p), syn::Type::Tuple(parts)) => {
            let at = p.elems.iter().position(|p| binds(p, name))?;
            let is_counted = p.elems.iter().take(at).all(|p| !matches!(p, syn::Pat::Rest(_)));
            taken_apart(file, &p.elems[at], name, parts.elems.get(at).filter(|_| is_counted)?, by_reference)
        }
        (syn::Pat::TupleStruct(p), _) => {
            let is_success = p.path.is_ident("Some") || p.path.is_ident("Ok");
            let inner = success(ty).filter(|_| is_success && p.elems.len() == 1)?;
            taken_apart(file, &p.elems[0], name, &inner, by_reference)
        }
        (syn::Pat::Struct(p), _) => {
            let field = p.fields.iter().find(|f| binds(&f.pat, name))?;
            let syn::Member::Named(member) = &field.member else { return None };
            let declared = field_type(file, &head(&ty)?, &member.to_string())?;
            taken_apart(file, &field.pat, name, &declared, by_reference)
        }
        _ => None,
    }
}

/// What the closure of `call` gets as its parameter number `at`, by what the call is made on.
fn given(file: &SourceFile, call: &syn::ExprMethodCall, at: usize, depth: u32) -> Option<syn::Type> {
    let range = file.range(&*call.receiver);
    let lent = |ty: syn::Type| -> Option<syn::Type> { Some(syn::parse_quote!(&#ty)) };
    let own = || item(file, &call.receiver, range, depth + 1);
    // An `Option` lends and gives what is in it.
    let whole = || match guess(file, &call.receiver, range, depth + 1)? {
        syn::Type::Reference(_) => None,
        ty => success(ty),
    };
    match (call.method.to_string().as_str(), at) {
        ("map" | "filter_map" | "flat_map" | "and_then" | "is_some_and" | "is_ok_and" | "map_or", 0) => {
            own().or_else(whole)
        }
        ("for_each" | "try_for_each" | "any" | "all" | "position" | "find_map" | "map_while", 0) => own(),
        ("filter", 0) => own().or_else(whole).and_then(lent),
        ("find" | "skip_while" | "take_while" | "inspect" | "max_by_key" | "min_by_key" | "partition", 0) => {
            own().and_then(lent)
        }
        ("max_by" | "min_by", 0 | 1) => own().and_then(lent),
        ("sort_by" | "sort_unstable_by", 0 | 1) | ("sort_by_key" | "sort_unstable_by_key" | "retain", 0) => {
            let list = guess(file, &call.receiver, range, depth + 1)?;
            element(&list).and_then(lent)
        }
        ("fold" | "try_fold", 1) => own(),
        _ => None,
    }
}

/// The type of a local at a place: a parameter, a `let` before it, or what a `for` or a closure around it binds.
fn local(file: &SourceFile, name: &str, at: TextRange, depth: u32) -> Option<syn::Type> {
    let path = path_to(file, at);
    for (index, node) in path.iter().enumerate().rev() {
        let found = match *node {
            Node::Block(block) => declared_in(file, block, name, at, depth),
            Node::Expr(syn::Expr::ForLoop(l)) if binds(&l.pat, name) && file.range(&l.body).contains(at) => Some({
                let item = item(file, &l.expr, file.range(&*l.expr), depth + 1)?;
                taken_apart(file, &l.pat, name, &item, false)
            }),
            Node::Expr(syn::Expr::Closure(c)) => {
                let at = c.inputs.iter().position(|p| binds(p, name));
                at.map(|at| match &c.inputs[at] {
                    syn::Pat::Type(t) => matches!(*t.pat, syn::Pat::Ident(_)).then(|| (*t.ty).clone()),
                    pat => match path[..index].last() {
                        Some(Node::Expr(syn::Expr::MethodCall(call))) => {
                            taken_apart(file, pat, name, &given(file, call, at, depth)?, false)
                        }
                        _ => None,
                    },
                })
            }
            // Patterns of `match` and `if let` take types apart: nothing is said.
            Node::Expr(syn::Expr::Match(m)) => {
                let mut arms = m.arms.iter().filter(|arm| mentions(&arm.pat, name));
                let arm = arms.find(|arm| file.range(*arm).contains(at));
                arm.map(|arm| inside(file, &arm.pat, name, &m.expr, depth))
            }
            Node::Expr(syn::Expr::If(i)) if file.range(&i.then_branch).contains(at) => {
                condition_binds(file, &i.cond, name, depth)
            }
            Node::Expr(syn::Expr::While(w)) if file.range(&w.body).contains(at) => {
                condition_binds(file, &w.cond, name, depth)
            }
            Node::Fn(f) => return parameter(&f.sig, name),
            Node::Method(f) => return parameter(&f.sig, name),
            Node::TraitMethod(f) => return parameter(&f.sig, name),
            _ => None,
        };
        if let Some(answer) = found {
            return answer;
        }
    }
    None
}

/// What an `if let` binds the name to; `Some(None)` where that is not known.
fn condition_binds(file: &SourceFile, cond: &syn::Expr, name: &str, depth: u32) -> Option<Option<syn::Type>> {
    match cond {
        syn::Expr::Let(l) => mentions(&l.pat, name).then(|| inside(file, &l.pat, name, &l.expr, depth)),
        syn::Expr::Binary(b) => {
            condition_binds(file, &b.right, name, depth).or_else(|| condition_binds(file, &b.left, name, depth))
        }
        _ => None,
    }
}

/// The type of `name` in `Ok(name)`, `Some((name, _))` and their like, where the text says what is taken apart.
fn inside(file: &SourceFile, pat: &syn::Pat, name: &str, expr: &syn::Expr, depth: u32) -> Option<syn::Type> {
    let looked_at = guess(file, expr, file.range(expr), depth + 1)?;
    if binds(pat, name) { taken_apart(file, pat, name, &looked_at, false) } else { None }
}

/// True if a pattern binds the name, however deep inside.
fn mentions(pat: &syn::Pat, name: &str) -> bool {
    super::names::bound_by(pat).iter().any(|bound| bound == name)
}

fn binds(pat: &syn::Pat, name: &str) -> bool {
    match pat {
        syn::Pat::Ident(p) => p.ident == name,
        syn::Pat::Type(t) => binds(&t.pat, name),
        syn::Pat::Reference(r) => binds(&r.pat, name),
        syn::Pat::Tuple(t) => t.elems.iter().any(|p| binds(p, name)),
        syn::Pat::TupleStruct(t) => t.elems.iter().any(|p| binds(p, name)),
        syn::Pat::Struct(s) => s.fields.iter().any(|f| binds(&f.pat, name)),
        _ => false,
    }
}

/// The last `let` of the name in a block before a place; `Some(None)` if its type is not said.
fn declared_in(
    file: &SourceFile,
    block: &syn::Block,
    name: &str,
    at: TextRange,
    depth: u32,
) -> Option<Option<syn::Type>> {
    let local = block.stmts.iter().rev().find_map(|stmt| match stmt {
        // Names are compared first: a range costs more.
        syn::Stmt::Local(local) if binds(&local.pat, name) && file.range(stmt).end <= at.start => Some(local),
        _ => None,
    })?;
    Some(match (&local.pat, &local.init) {
        (syn::Pat::Type(t), _) => match head(&t.ty).as_deref() {
            // `Vec<_>` says more once the initialiser is read, but its head is enough.
            _ if matches!(*t.pat, syn::Pat::Ident(_)) => Some((*t.ty).clone()),
            _ => None,
        },
        (pat, Some(init)) => {
            let value = guess(file, &init.expr, file.range(&init.expr), depth + 1);
            value.and_then(|value| taken_apart(file, pat, name, &value, false))
        }
        _ => None,
    })
}

fn parameter(signature: &syn::Signature, name: &str) -> Option<syn::Type> {
    signature.inputs.iter().find_map(|arg| match arg {
        syn::FnArg::Typed(t) if matches!(&*t.pat, syn::Pat::Ident(p) if p.ident == name) => Some((*t.ty).clone()),
        _ => None,
    })
}

/// The name of the last field of a place (`items` of `order.items`), by which a struct elsewhere may declare its type.
pub fn last_field(expr: &syn::Expr) -> Option<String> {
    let path = place(expr)?;
    if path.is_plain { path.fields.last().cloned() } else { None }
}

/// As [`type_of`], and for a field by what all structs of these files that have a field of that name agree on.
pub fn type_among(files: &[SourceFile], file: &SourceFile, expr: &syn::Expr) -> Option<syn::Type> {
    if let Some(known) = type_of(file, expr) {
        return Some(known);
    }
    let name = last_field(expr)?;
    let mut declared = files.iter().flat_map(struct_fields).filter(|field| field.name == name).map(|field| &field.ty);
    let first = declared.next()?;
    declared.all(|other| other == first).then(|| syn::parse_str(first).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileRole, expr_at};

    /// The type of the first `HERE(…)`'s argument.
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let file = SourceFile::parse("a.rs", text, &FileRole::default()).unwrap();
        let start = text.find("HERE(").expect("a mark") + 5;
        let end = start + text[start..].find(')').expect("its end");
        let expr = expr_at(&file, TextRange::new(start, end)).expect("an expression");
        let found = type_of(&file, expr).map(|ty| quote::quote!(#ty).to_string().replace(' ', ""));
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn parameters_and_annotations_say_the_type() {
        check("fn f(xs: &[String]) { HERE(xs) }", Some("&[String]"));
        check("fn f() { let xs: Vec<u8> = a(); HERE(xs) }", Some("Vec<u8>"));
        check("struct S { a: Vec<u8> } fn f(s: &S) { HERE(s.a) }", Some("Vec<u8>"));
        check("struct S { a: Vec<u8> } impl S { fn f(&self) { HERE(self.a) } }", Some("Vec<u8>"));
    }

    #[test]
    fn initialisers_say_the_type() {
        check("fn f() { let x = Vec::new(); HERE(x) }", Some("Vec"));
        check("fn f() { let x = format!(\"a\"); HERE(x) }", Some("String"));
        check("fn f() { let x = a.iter().collect::<Vec<_>>(); HERE(x) }", Some("Vec<_>"));
        check("fn f() { let x = Question { a: 1 }; HERE(x) }", Some("Question"));
        check("fn f() { let x = HashSet::new(); HERE(x) }", Some("HashSet"));
        check("fn g() -> Result<Vec<u8>, E> {} fn f() { let x = g()?; HERE(x) }", Some("Vec<u8>"));
        check("fn f(k: &str) { let k = k.to_owned(); HERE(k) }", Some("String"));
        check("fn f(n: u8) { let x = n as f64; HERE(x) }", Some("f64"));
        check("fn f(n: u8) { let x = u64::from(n); HERE(x) }", Some("u64"));
        check("fn f(n: &u8) { let x = 7 * n + g(); HERE(x) }", Some("u8"));
        check("fn f(s: &S, t: &S) { let x = s + t; HERE(x) }", None);
    }

    #[test]
    fn branches_say_the_type() {
        check("fn f(k: &str) { let k = match a { 1 => k.to_owned(), _ => other() }; HERE(k) }", Some("String"));
        check("fn f(k: &str) { let k = match a { 1 => return, _ => { g(); k.to_owned() } }; HERE(k) }", Some("String"));
        check("fn f(k: &str) { let k = if a { return; } else { k.to_owned() }; HERE(k) }", Some("String"));
        check("fn f(xs: Vec<u8>) { let x = { let y = xs.len(); y }; HERE(x) }", Some("usize"));
        check("fn f() { let k = match a { 1 => b(), _ => c() }; HERE(k) }", None);
    }

    #[test]
    fn patterns_of_options_and_results_say_what_they_bind() {
        check("fn f(y: Option<String>) { if let Some(x) = y { HERE(x) } }", Some("String"));
        check("fn f(y: &Option<String>) { match y { Some(x) => HERE(x), None => {} } }", Some("&String"));
        check("fn f() { match serde_json::to_string(y) { Ok(x) => HERE(x), Err(_) => {} } }", Some("String"));
    }

    #[test]
    fn loops_say_what_they_bind() {
        check("fn f(xs: &[String]) { for x in xs { HERE(x) } }", Some("&String"));
        check("fn f(xs: Vec<String>) { for x in &xs { HERE(x) } }", Some("&String"));
        check("fn f(xs: Vec<String>) { for x in xs { HERE(x) } }", Some("String"));
    }

    #[test]
    fn what_is_iterated_over_says_what_closures_get() {
        check("fn f(xs: &[String]) { xs.iter().map(|x| HERE(x)) }", Some("&String"));
        check("fn f(xs: &[&str]) { xs.iter().filter(|x| HERE(x)) }", Some("&&&str"));
        check("fn f(xs: Vec<String>) { xs.into_iter().for_each(|x| HERE(x)) }", Some("String"));
        check("fn f(xs: &Vec<String>) { xs.iter().enumerate().any(|(_, x)| HERE(x)) }", Some("&String"));
        check("fn f(m: &HashMap<String, u8>) { for (k, _) in m { HERE(k) } }", Some("&String"));
        check("fn f(m: &HashMap<String, u8>) { m.iter().find(|(k, _)| HERE(k)) }", Some("&&String"));
        check("fn f(xs: &[(String, u8)]) { xs.iter().all(|&(k, n)| HERE(n)) }", Some("u8"));
        check("fn f(t: &str) { t.lines().map(|l| HERE(l)) }", Some("&str"));
        check("fn f(xs: &[S]) { xs.iter().fold(0, |n, s| HERE(s)) }", Some("&S"));
        check("fn f(x: Option<String>) { x.map(|x| HERE(x)) }", Some("String"));
        check("fn f<'a>(xs: impl Iterator<Item = &'a str>) { for x in xs { HERE(x) } }", Some("&'astr"));
        check("fn f(xs: I) { xs.iter().map(|x| HERE(x)) }", None);
        check("fn f(xs: &[u8]) { xs.iter().map(g).map(|x| HERE(x)) }", None);
    }

    #[test]
    fn names_of_types_look_ups_and_own_methods_say_the_type() {
        check("type Ids = Vec<u64>; fn f(x: &Ids) { HERE(x) }", Some("&Vec<u64>"));
        check("fn f(m: &HashMap<u8, String>) { let Some(x) = m.get(&1) else { return }; HERE(x) }", Some("&String"));
        check("fn f(xs: &[String]) { let x = xs[0].clone(); HERE(x) }", Some("String"));
        check(
            "struct S; impl S { fn rows(&self) -> &[u8] { &[] } } fn f(s: &S) { let x = s.rows(); HERE(x) }",
            Some("&[u8]"),
        );
        check("struct S { id: String } fn f(xs: &[S]) { for S { id } in xs { HERE(id) } }", Some("&String"));
    }

    #[test]
    fn shadowing_and_patterns_end_what_is_known() {
        check("fn f(x: Vec<u8>) { let x = other(); HERE(x) }", None);
        check("fn f(x: Vec<u8>) { if let Some(x) = y { HERE(x) } }", None);
        check("fn f(x: Vec<u8>) { match y { Some(x) => HERE(x), _ => {} } }", None);
        check("fn f(x: Vec<u8>, y: &mut Option<u8>) { if let Some(x) = y { HERE(x) } }", None);
        check("fn f(x: Vec<u8>) { g(|x| HERE(x)) }", None);
        check("fn f(x: Vec<u8>) { { let x = 1; } HERE(x) }", Some("Vec<u8>"));
        check("fn f() { HERE(x) }", None);
    }
}
