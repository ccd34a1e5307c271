//! A function body in; the local collections out that are filled with nothing but literals and only read afterwards.

use super::visit::code::{self as visit, Visit};

use super::functions::{head, type_arguments};
use super::names::{NameUse, Use, peel, plain_name, uses};
use super::usage::is_reading_method;

/// A local table of literals.
pub struct Table<'a> {
    /// The `let`.
    pub binding: &'a syn::Stmt,
    /// The statements that fill it, which follow the `let` directly.
    pub fills: Vec<&'a syn::Stmt>,
    /// Its name.
    pub name: &'a syn::Ident,
    /// `HashMap`, `Vec`, …
    pub collection: String,
    /// The path of the collection's constructor without the last segment, as it is written: `std::collections::HashMap`.
    pub spelled: String,
    /// The type the `let` gives it.
    pub annotation: Option<&'a syn::Type>,
    /// The initialiser.
    pub init: &'a syn::Expr,
    /// The first entry, to tell the type from: a key and a value, or an element.
    pub sample: Vec<&'a syn::Expr>,
    /// Number of entries.
    pub entries: usize,
    /// How it is used after it is filled; every use only reads.
    pub uses: Vec<NameUse>,
}

const MAPS: &[&str] = &["HashMap", "BTreeMap"];
const COLLECTIONS: &[&str] = &["HashMap", "BTreeMap", "HashSet", "BTreeSet", "Vec", ARRAY];
/// An array, which is worth a static where its elements cost something to make.
const ARRAY: &str = "[]";

/// The tables of a body, nested blocks included.
pub fn tables(block: &syn::Block) -> Vec<Table<'_>> {
    let mut walk = Tables { found: Vec::new() };
    walk.visit_block(block);
    walk.found
}

struct Tables<'a> {
    found: Vec<Table<'a>>,
}

impl<'a> Visit<'a> for Tables<'a> {
    fn visit_block(&mut self, node: &'a syn::Block) {
        for (index, stmt) in node.stmts.iter().enumerate() {
            self.found.extend(table(stmt, &node.stmts[index + 1..]));
        }
        visit::visit_block(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

fn table<'a>(stmt: &'a syn::Stmt, rest: &'a [syn::Stmt]) -> Option<Table<'a>> {
    let syn::Stmt::Local(local) = stmt else { return None };
    let init = local.init.as_ref().filter(|init| init.diverge.is_none() && local.attrs.is_empty())?;
    let (pat, annotation) = match &local.pat {
        syn::Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
        pat => (pat, None),
    };
    let syn::Pat::Ident(name) = pat else { return None };
    let filled = Filled::by_initialiser(&init.expr)
        .or_else(|| Filled::by_collecting(&init.expr, annotation))
        .or_else(|| Filled::by_calls(&init.expr, &name.ident, rest))?;
    if filled.entries < 2 || !COLLECTIONS.contains(&filled.collection.as_str()) {
        return None;
    }
    let uses = uses(&rest[filled.fills.len()..], &name.ident.to_string())?;
    let only_read = uses.iter().all(|found| match &found.how {
        Use::Method(method) => is_reading_method(method),
        Use::Borrow | Use::Index | Use::Format => true,
        _ => false,
    });
    let unused = uses.is_empty();
    (only_read && !unused).then_some(Table {
        binding: stmt,
        fills: filled.fills,
        name: &name.ident,
        collection: filled.collection,
        spelled: filled.spelled,
        annotation,
        init: &init.expr,
        sample: filled.sample,
        entries: filled.entries,
        uses,
    })
}

/// What fills a table.
struct Filled<'a> {
    collection: String,
    spelled: String,
    fills: Vec<&'a syn::Stmt>,
    sample: Vec<&'a syn::Expr>,
    entries: usize,
}

impl<'a> Filled<'a> {
    /// `HashMap::from([…])`, `vec![…]` of literals.
    fn by_initialiser(init: &'a syn::Expr) -> Option<Filled<'a>> {
        match peel(init) {
            syn::Expr::Call(call) => {
                let (spelled, collection, last) = constructor(call)?;
                let syn::Expr::Array(array) = call.args.first().map(peel)? else { return None };
                let map = MAPS.contains(&collection.as_str());
                if last != "from" || !array.elems.iter().all(|e| is_entry(e, map)) {
                    return None;
                }
                let first = array.elems.first().map(|entry| parts(entry, map)).unwrap_or_default();
                Some(Filled { collection, spelled, fills: Vec::new(), sample: first, entries: array.elems.len() })
            }
            syn::Expr::Macro(mac) if mac.mac.path.is_ident("vec") => {
                let elements = super::names::arguments(&mac.mac)?;
                let literal = elements.iter().all(is_entry_of_list);
                let spelled = "Vec".to_string();
                literal.then_some(Filled {
                    collection: spelled.clone(),
                    spelled,
                    fills: Vec::new(),
                    sample: Vec::new(),
                    entries: elements.len(),
                })
            }
            syn::Expr::Array(array) => {
                let all = array.elems.iter().all(is_entry_of_list) && array.elems.iter().any(holds_regex);
                let sample = array.elems.iter().take(1).collect();
                let spelled = ARRAY.to_string();
                all.then_some(Filled {
                    collection: spelled.clone(),
                    spelled,
                    fills: Vec::new(),
                    sample,
                    entries: array.elems.len(),
                })
            }
            _ => None,
        }
    }

    /// `["GET", "HEAD"].into_iter().collect()` into a set whose type is written down.
    fn by_collecting(init: &'a syn::Expr, annotation: Option<&'a syn::Type>) -> Option<Filled<'a>> {
        let syn::Expr::MethodCall(collect) = peel(init) else { return None };
        if collect.method != "collect" || !collect.args.is_empty() || collect.turbofish.is_some() {
            return None;
        }
        let syn::Type::Path(path) = annotation? else { return None };
        let collection = path.path.segments.last()?.ident.to_string();
        let spelled: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let map = MAPS.contains(&collection.as_str());
        let mut expr = peel(&collect.receiver);
        while let syn::Expr::MethodCall(call) = expr {
            if !call.args.is_empty() || !["iter", "into_iter", "cloned", "copied"].iter().any(|m| call.method == m) {
                return None;
            }
            expr = peel(&call.receiver);
        }
        // The type is written down: no entry is needed to tell it.
        let elements: Vec<syn::Expr> = match expr {
            syn::Expr::Array(array) => array.elems.iter().cloned().collect(),
            syn::Expr::Macro(list) if list.mac.path.is_ident("vec") => super::names::arguments(&list.mac)?,
            _ => return None,
        };
        elements.iter().all(|e| is_entry(e, map)).then(|| Filled {
            collection,
            spelled: spelled.join("::"),
            fills: Vec::new(),
            sample: Vec::new(),
            entries: elements.len(),
        })
    }

    /// `HashMap::new()` followed by nothing but `insert`s of literals.
    fn by_calls(init: &'a syn::Expr, name: &syn::Ident, rest: &'a [syn::Stmt]) -> Option<Filled<'a>> {
        let syn::Expr::Call(call) = peel(init) else { return None };
        let (spelled, collection, last) = constructor(call)?;
        let sized = last == "with_capacity" && call.args.iter().all(is_constant);
        if !(last == "new" && call.args.is_empty() || sized) {
            return None;
        }
        let map = MAPS.contains(&collection.as_str());
        let fill = if collection == "Vec" { "push" } else { "insert" };
        let mut filled = Filled { collection, spelled, fills: Vec::new(), sample: Vec::new(), entries: 0 };
        for stmt in rest {
            let syn::Stmt::Expr(syn::Expr::MethodCall(call), Some(_)) = stmt else { break };
            let fills = plain_name(&call.receiver) == Some(name) && call.method == fill;
            if !fills || call.args.len() != 1 + usize::from(map) || !call.args.iter().all(is_constant) {
                break;
            }
            if filled.fills.is_empty() {
                filled.sample = call.args.iter().collect();
            }
            filled.fills.push(stmt);
            filled.entries += 1;
        }
        Some(filled)
    }
}

/// `std::collections::HashMap`, `HashMap` and `from` of `std::collections::HashMap::from(…)`.
fn constructor(call: &syn::ExprCall) -> Option<(String, String, String)> {
    let syn::Expr::Path(path) = &*call.func else { return None };
    if path.qself.is_some() || path.path.segments.iter().any(|s| !s.arguments.is_none()) {
        return None;
    }
    let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let [before @ .., collection, last] = names.as_slice() else { return None };
    let spelled = before.iter().chain([collection]).map(String::as_str).collect::<Vec<_>>().join("::");
    Some((spelled, collection.clone(), last.clone()))
}

fn is_entry(expr: &syn::Expr, map: bool) -> bool {
    match expr {
        syn::Expr::Tuple(pair) if map => pair.elems.len() == 2 && pair.elems.iter().all(is_constant),
        other => !map && is_constant(other),
    }
}

/// As [`is_constant`], with regexes of literals as elements or in tuples.
fn is_entry_of_list(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Tuple(tuple) => tuple.elems.iter().all(is_entry_of_list),
        other => regex(other).is_some() || is_constant(other),
    }
}

fn holds_regex(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Tuple(tuple) => tuple.elems.iter().any(holds_regex),
        other => regex(other).is_some(),
    }
}

/// The type of `Regex::new("literal").unwrap()`, as it is written.
fn regex(expr: &syn::Expr) -> Option<String> {
    let syn::Expr::MethodCall(unwrap) = peel(expr) else { return None };
    let unwraps = (unwrap.method == "unwrap" && unwrap.args.is_empty())
        || (unwrap.method == "expect" && matches!(unwrap.args.first(), Some(syn::Expr::Lit(_))));
    let syn::Expr::Call(call) = peel(&unwrap.receiver) else { return None };
    let (spelled, last, new) = constructor(call)?;
    let is_literal =
        call.args.len() == 1 && matches!(peel(&call.args[0]), syn::Expr::Lit(l) if matches!(l.lit, syn::Lit::Str(_)));
    (unwraps && last == "Regex" && new == "new" && is_literal).then_some(spelled)
}

fn parts(expr: &syn::Expr, map: bool) -> Vec<&syn::Expr> {
    match expr {
        syn::Expr::Tuple(pair) if map => pair.elems.iter().collect(),
        other => vec![other],
    }
}

/// Literals, tuples and arrays of them, owned texts of them, unit variants and constants.
fn is_constant(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Lit(_) => true,
        syn::Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Neg(_)) && is_constant(&unary.expr),
        syn::Expr::Tuple(tuple) => tuple.elems.iter().all(is_constant),
        syn::Expr::Array(array) => array.elems.iter().all(is_constant),
        syn::Expr::Reference(reference) => reference.mutability.is_none() && is_constant(&reference.expr),
        syn::Expr::Path(path) => is_constant_path(&path.path),
        syn::Expr::MethodCall(call) => {
            let owned = matches!(call.method.to_string().as_str(), "to_string" | "to_owned" | "into");
            owned && call.args.is_empty() && matches!(peel(&call.receiver), syn::Expr::Lit(_))
        }
        syn::Expr::Call(call) => {
            let from = matches!(&*call.func, syn::Expr::Path(path) if path.path.segments.len() == 2
                && path.path.segments[0].ident == "String" && path.path.segments[1].ident == "from");
            from && call.args.len() == 1 && matches!(peel(&call.args[0]), syn::Expr::Lit(_))
        }
        _ => false,
    }
}

/// `Zone::Near`, `LIMIT`: by convention no local has such a name. `Self` cannot be named in a static.
fn is_constant_path(path: &syn::Path) -> bool {
    let upper = |segment: &syn::PathSegment| segment.ident.to_string().starts_with(char::is_uppercase);
    let plain = path.segments.iter().all(|s| s.arguments.is_none() && s.ident != "Self");
    plain && path.segments.last().is_some_and(upper)
}

/// The type of a table that its `let` does not write down, where its literals alone tell it.
pub fn told_type(table: &Table<'_>) -> Option<String> {
    let elements: Vec<String> = match peel(table.init) {
        syn::Expr::Macro(mac) => vec![literal_type(super::names::arguments(&mac.mac)?.first()?)?],
        _ => table.sample.iter().map(|expr| literal_type(expr)).collect::<Option<_>>()?,
    };
    if table.collection == ARRAY {
        return Some(format!("[{}; {}]", elements.first()?, table.entries));
    }
    Some(format!("{}<{}>", table.spelled, elements.join(", ")))
}

/// As [`told_type`], with numbers of the type that the function gives back, or that numbers have by themselves: rustc does not
/// accept another one.
pub fn likely_type(table: &Table<'_>, output: &syn::ReturnType) -> Option<String> {
    let number = |is_float: bool| {
        let given = match output {
            syn::ReturnType::Type(_, ty) => primitive_in(ty),
            syn::ReturnType::Default => None,
        };
        let fits = given.filter(|name| name.starts_with('f') == is_float && name != "bool" && name != "char");
        fits.unwrap_or_else(|| if is_float { "f64".to_owned() } else { "i32".to_owned() })
    };
    let all: Vec<syn::Expr> = match peel(table.init) {
        syn::Expr::Macro(mac) => super::names::arguments(&mac.mac)?,
        _ => table.sample.iter().map(|expr| (*expr).clone()).collect(),
    };
    let types: Vec<String> = match peel(table.init) {
        syn::Expr::Macro(_) => vec![literal_or(all.first()?, &number)?],
        _ => all.iter().map(|expr| literal_or(expr, &number)).collect::<Option<_>>()?,
    };
    match table.collection == ARRAY {
        true => Some(format!("[{}; {}]", types.first()?, table.entries)),
        false => Some(format!("{}<{}>", table.spelled, types.join(", "))),
    }
}

/// The primitive in `u32`, `Option<u32>`, `Result<u32, E>` and `&u32`.
fn primitive_in(ty: &syn::Type) -> Option<String> {
    let ty = super::types::strip(ty);
    if super::types::is_primitive(ty) {
        return super::types::head(ty);
    }
    let wraps = matches!(head(ty).as_str(), "Option" | "Result");
    type_arguments(ty).first().filter(|_| wraps).and_then(|inner| primitive_in(inner))
}

fn literal_or(expr: &syn::Expr, number: &dyn Fn(bool) -> String) -> Option<String> {
    if let Some(told) = literal_type(expr) {
        return Some(told);
    }
    match peel(expr) {
        syn::Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Int(_) => Some(number(false)),
            syn::Lit::Float(_) => Some(number(true)),
            _ => None,
        },
        syn::Expr::Unary(unary) => literal_or(&unary.expr, number),
        syn::Expr::Tuple(tuple) => {
            let parts: Option<Vec<String>> = tuple.elems.iter().map(|part| literal_or(part, number)).collect();
            Some(format!("({})", parts?.join(", ")))
        }
        // `Zone::Near` is a `Zone`.
        syn::Expr::Path(path) => {
            let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
            let [owner @ .., variant] = names.as_slice() else { return None };
            let is_type = owner.last().is_some_and(|name| name.starts_with(char::is_uppercase));
            let is_variant = variant.chars().any(char::is_lowercase);
            (is_type && is_variant).then(|| owner.join("::"))
        }
        _ => None,
    }
}

/// The type of a literal that can have only one.
fn literal_type(expr: &syn::Expr) -> Option<String> {
    let text = |name: &str| Some(name.to_string());
    if let Some(regex) = regex(expr) {
        return Some(regex);
    }
    match peel(expr) {
        syn::Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Str(_) => text("&str"),
            syn::Lit::Bool(_) => text("bool"),
            syn::Lit::Char(_) => text("char"),
            syn::Lit::Byte(_) => text("u8"),
            syn::Lit::Int(int) if !int.suffix().is_empty() => text(int.suffix()),
            syn::Lit::Float(float) if !float.suffix().is_empty() => text(float.suffix()),
            _ => None,
        },
        syn::Expr::Unary(unary) => literal_type(&unary.expr),
        syn::Expr::Tuple(tuple) => {
            let parts: Option<Vec<String>> = tuple.elems.iter().map(literal_type).collect();
            Some(format!("({})", parts?.join(", ")))
        }
        syn::Expr::MethodCall(call) => {
            let literal = matches!(peel(&call.receiver), syn::Expr::Lit(lit) if matches!(lit.lit, syn::Lit::Str(_)));
            (literal && call.method != "into").then(|| "String".to_string())
        }
        syn::Expr::Call(_) => text("String"),
        _ => None,
    }
}

/// True where a type is written down whole: no `_`, and no collection without its arguments.
pub fn is_whole(ty: &syn::Type, collection: &str) -> bool {
    let expected = 1 + usize::from(MAPS.contains(&collection));
    head(ty) == collection && type_arguments(ty).len() == expected && !super::names::mentions(ty, "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_type(body: &str, expected: Option<&str>) {
        let block: syn::Block = syn::parse_str(&format!("{{ {body} t.len(); }}")).unwrap();
        let found = tables(&block);
        assert_eq!(told_type(&found[0]).as_deref(), expected, "{body}");
    }

    #[test]
    fn a_type_is_told_by_literals_that_can_have_only_one() {
        check_type(r#"let t = HashMap::from([("a", 1u8), ("b", 2)]);"#, Some("HashMap<&str, u8>"));
        check_type(r#"let t = vec![('a', "x".to_string()), ('b', String::new())];"#.replace("String::new()", "\"y\".to_string()").as_str(), Some("Vec<(char, String)>"));
        check_type(
            r#"let mut t = std::collections::HashSet::new(); t.insert("a"); t.insert("b");"#,
            Some("std::collections::HashSet<&str>"),
        );
    }

    #[test]
    fn a_type_is_not_told_by_numbers_without_suffix_or_by_names() {
        check_type(r#"let t = HashMap::from([("a", 1), ("b", 2)]);"#, None);
        check_type("let t = vec![1.5, 2.5];", None);
        check_type("let t = vec![Zone::Near, Zone::Far];", None);
        check_type(r#"let t = vec!["a".into(), "b".into()];"#, None);
    }

    #[test]
    fn a_type_is_whole_with_all_its_arguments_only() {
        let ty = |text: &str| syn::parse_str::<syn::Type>(text).unwrap();
        assert!(is_whole(&ty("HashMap<&str, u32>"), "HashMap"));
        assert!(!is_whole(&ty("HashMap<_, u32>"), "HashMap"));
        assert!(!is_whole(&ty("HashMap<&str, u32, S>"), "HashMap"));
        assert!(!is_whole(&ty("Table"), "HashMap"));
    }
}
