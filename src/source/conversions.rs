//! Files in; the error conversions that are spelled out by hand again and again, joined over the workspace, out.

use std::collections::HashMap;

use super::visit::code::{self as visit, Visit};
use quote::ToTokens;

use super::SourceFile;
use super::functions::{derives, functions, head, items, type_arguments};
use super::names::{all_imports, plain_name};
use crate::model::TextRange;

/// Something one file says about error conversions; plain data that can be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clue {
    /// What it is.
    pub what: What,
    /// The variant's enum, the impl, or the whole expression that converts.
    pub site: TextRange,
    /// The fallible expression of a conversion; what the site says otherwise.
    pub kept: TextRange,
    /// Name of the error enum, or of the alias.
    pub target: String,
    /// Name of the variant; empty for an impl that does more than wrap.
    pub variant: String,
    /// The source type as it is written, for variants and impls; the enum of an alias.
    pub source: String,
    /// The same with imports resolved, to compare.
    pub canonical: String,
}

/// Kinds of [`Clue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A variant that holds just a source error.
    Variant,
    /// `impl From<source> for target`.
    From,
    /// `type target<T> = Result<T, source>`.
    Alias,
    /// `x.map_err(Target::Variant)?` in a function that returns this error.
    MapErr,
    /// `match x { Ok(v) => v, Err(e) => return Err(Target::Variant(e)) }` in such a function, or the same as a statement.
    Match,
}

impl What {
    /// All kinds, with the word that stands for them.
    pub const WORDS: &'static [(What, &'static str)] = &[
        (What::Variant, "variant"),
        (What::From, "from"),
        (What::Alias, "alias"),
        (What::MapErr, "map-err"),
        (What::Match, "match"),
    ];
}

/// One conversion that is spelled out in several places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Index of the file with the enum.
    pub home: usize,
    /// The enum's name.
    pub target: String,
    /// The variant's name.
    pub variant: String,
    /// The source type as the enum writes it.
    pub source: String,
    /// The enum.
    pub declared: TextRange,
    /// True if the `impl From` is already there.
    pub exists: bool,
    /// The places: index of the file, and the clue.
    pub sites: Vec<(usize, Clue)>,
}

/// What one file says.
pub fn clues(file: &SourceFile) -> Vec<Clue> {
    let mut found = declared(file, all_imports(file));
    if file.role.is_test || file.is_generated {
        return found;
    }
    for function in functions(file) {
        if function.is_test || function.sig.constness.is_some() {
            continue;
        }
        let mut walk = Sites { file, error: error_of(&function.sig.output), found: Vec::new() };
        walk.visit_block(function.block);
        found.extend(walk.found);
    }
    found
}

/// Joins what all files say: conversions of one variant that may be left to `From`, and are spelled out at least twice
/// where the `From` is still to be written.
pub fn join(files: &[Vec<Clue>]) -> Vec<Conversion> {
    let all = |what: What| {
        files
            .iter()
            .enumerate()
            .flat_map(move |(i, clues)| clues.iter().filter(move |c| c.what == what).map(move |c| (i, c)))
    };
    let mut spelled: HashMap<(&str, &str), usize> = HashMap::new();
    for (_, site) in all(What::MapErr).chain(all(What::Match)) {
        *spelled.entry((&site.canonical, &site.variant)).or_default() += 1;
    }
    let mut found = Vec::new();
    for (home, variant) in all(What::Variant) {
        if !spelled.contains_key(&(variant.target.as_str(), variant.variant.as_str())) {
            continue;
        }
        let rivals = all(What::Variant).filter(|(_, other)| other.target == variant.target);
        let same = rivals.filter(|(i, other)| {
            *i != home
                || other.site != variant.site
                || (other.variant != variant.variant && may_be_same(other, variant))
        });
        if same.count() > 0 {
            continue;
        }
        let impls: Vec<(usize, &Clue)> = all(What::From).filter(|(_, i)| i.target == variant.target).collect();
        let rival = impls.iter().find(|(_, i)| i.source.is_empty() || may_be_same(i, variant));
        if rival.is_some_and(|(_, i)| i.variant != variant.variant) {
            continue;
        }
        let aliases: Vec<&str> =
            all(What::Alias).filter(|(_, a)| a.source == variant.target).map(|(_, a)| a.target.as_str()).collect();
        let sites: Vec<(usize, Clue)> = all(What::MapErr)
            .chain(all(What::Match))
            .filter(|(_, s)| s.variant == variant.variant && s.canonical == variant.target)
            .filter(|(_, s)| s.target == variant.target || aliases.contains(&s.target.as_str()))
            .map(|(i, s)| (i, s.clone()))
            .collect();
        // A new `impl From` is worth two places; one that exists is worth each.
        if sites.is_empty() || (sites.len() < 2 && rival.is_none()) {
            continue;
        }
        found.push(Conversion {
            home,
            target: variant.target.clone(),
            variant: variant.variant.clone(),
            source: variant.source.clone(),
            declared: variant.site,
            exists: rival.is_some(),
            sites: in_order(sites),
        });
    }
    found
}

fn in_order(mut sites: Vec<(usize, Clue)>) -> Vec<(usize, Clue)> {
    sites.sort_by_key(|(file, clue)| (*file, clue.site));
    sites
}

/// False only where two spellings surely name two types.
fn may_be_same(a: &Clue, b: &Clue) -> bool {
    let split = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (split(&a.canonical), split(&b.canonical));
    a.iter().rev().zip(b.iter().rev()).take(2).all(|(x, y)| x == y)
}

/// Names that a file imports, with their full paths.
type Imports = [(String, String)];

/// Variants, impls and aliases.
fn declared(file: &SourceFile, imports: &Imports) -> Vec<Clue> {
    let mut found = Vec::new();
    for placed in items(&file.ast).iter().filter(|p| !p.is_test) {
        match placed.item {
            syn::Item::Enum(item) => found.extend(variants(file, imports, item)),
            syn::Item::Impl(item) => found.extend(from_impl(file, imports, item)),
            syn::Item::Type(item) => found.extend(alias(file, item)),
            _ => {}
        }
    }
    found
}

fn variants(file: &SourceFile, imports: &Imports, item: &syn::ItemEnum) -> Vec<Clue> {
    let site = file.range(item);
    let mut found = Vec::new();
    for variant in &item.variants {
        let syn::Fields::Unnamed(fields) = &variant.fields else { continue };
        let Some(field) = fields.unnamed.first().filter(|_| fields.unnamed.len() == 1) else { continue };
        let has_from = field.attrs.iter().any(|a| a.path().is_ident("from"));
        if !item.generics.params.is_empty() || variant.attrs.iter().any(|a| a.path().is_ident("cfg")) {
            continue;
        }
        let clue = Clue {
            what: What::Variant,
            site,
            kept: file.range(&field.ty),
            target: item.ident.to_string(),
            variant: variant.ident.to_string(),
            source: file.slice(file.range(&field.ty)).to_string(),
            canonical: canonical(imports, &field.ty),
        };
        if has_from && derives(&item.attrs).iter().any(|d| d == "Error" || d == "From") {
            found.push(Clue { what: What::From, ..clue.clone() });
        }
        found.push(clue);
    }
    found
}

fn from_impl(file: &SourceFile, imports: &Imports, item: &syn::ItemImpl) -> Option<Clue> {
    let (path, _) = item.trait_.as_ref()?;
    let last = path.segments.last().filter(|s| s.ident == "From")?;
    let syn::PathArguments::AngleBracketed(args) = &last.arguments else { return None };
    let Some(syn::GenericArgument::Type(source)) = args.args.first() else { return None };
    let generic = item.generics.type_params().next().is_some();
    Some(Clue {
        what: What::From,
        site: file.range(item),
        kept: file.range(item),
        target: head(&item.self_ty),
        variant: wrapped_variant(item).unwrap_or_default(),
        source: if generic { String::new() } else { file.slice(file.range(source)).to_string() },
        canonical: canonical(imports, source),
    })
}

/// The variant that `fn from(e: S) -> Self { Target::Variant(e) }` wraps into, if that is all it does.
fn wrapped_variant(item: &syn::ItemImpl) -> Option<String> {
    let [syn::ImplItem::Fn(from)] = item.items.as_slice() else { return None };
    let [syn::Stmt::Expr(syn::Expr::Call(call), None)] = from.block.stmts.as_slice() else { return None };
    let Some(syn::FnArg::Typed(argument)) = from.sig.inputs.first() else { return None };
    let syn::Pat::Ident(name) = &*argument.pat else { return None };
    let (target, variant) = variant_path(&call.func)?;
    let wraps = call.args.len() == 1 && plain_name(&call.args[0]).is_some_and(|ident| *ident == name.ident);
    (wraps && (target == head(&item.self_ty) || target == "Self")).then_some(variant)
}

/// `Target` and `Variant` of the path `module::Target::Variant`.
fn variant_path(expr: &syn::Expr) -> Option<(String, String)> {
    let syn::Expr::Path(path) = expr else { return None };
    let mut segments = path.path.segments.iter().rev().map(|s| s.ident.to_string());
    let variant = segments.next()?;
    Some((segments.next()?, variant))
}

fn alias(file: &SourceFile, item: &syn::ItemType) -> Option<Clue> {
    let error = match type_arguments(&item.ty).as_slice() {
        [_, error] if head(&item.ty) == "Result" => head(error),
        _ => return None,
    };
    Some(Clue {
        what: What::Alias,
        site: file.range(item),
        kept: file.range(item),
        target: format!("alias {}", item.ident),
        variant: String::new(),
        source: error,
        canonical: String::new(),
    })
}

/// A type with its import resolved, whatever way it is spelled: `std::io::Error` of `io::Error` and of `Error`.
fn canonical(imports: &Imports, ty: &syn::Type) -> String {
    let text = ty.to_token_stream().to_string().replace(' ', "");
    let (first, rest) = text.split_once("::").map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let mut paths: Vec<&String> = imports.iter().filter(|(name, _)| name == first).map(|(_, full)| full).collect();
    paths.dedup();
    match (paths.as_slice(), rest) {
        ([full], None) => full.to_string(),
        ([full], Some(rest)) => format!("{full}::{rest}"),
        _ => text,
    }
}

/// The error that a function returns: the name of `E` in `Result<T, E>`, or the alias that hides it.
fn error_of(output: &syn::ReturnType) -> Option<String> {
    let syn::ReturnType::Type(_, ty) = output else { return None };
    match type_arguments(ty).as_slice() {
        [_, error] if head(ty) == "Result" => Some(head(error)),
        [_] | [] if !head(ty).is_empty() => Some(format!("alias {}", head(ty))),
        _ => None,
    }
}

struct Sites<'a> {
    file: &'a SourceFile,
    error: Option<String>,
    found: Vec<Clue>,
}

impl Sites<'_> {
    fn push(&mut self, what: What, whole: &syn::Expr, kept: &syn::Expr, (target, variant): (String, String)) {
        let Some(error) = &self.error else { return };
        self.found.push(Clue {
            what,
            site: self.file.range(whole),
            kept: self.file.range(kept),
            target: error.clone(),
            variant,
            source: String::new(),
            canonical: target,
        });
    }

    fn inside(&mut self, error: Option<String>, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.error, error);
        visit(self);
        self.error = before;
    }
}

impl<'a> Visit<'a> for Sites<'_> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        if let syn::Stmt::Expr(expr, _) = node
            && let Some((fallible, variant)) = wrapping_statement(expr)
        {
            self.push(What::Match, expr, fallible, variant);
        }
        visit::visit_stmt(self, node);
    }

    fn visit_expr_try(&mut self, node: &'a syn::ExprTry) {
        if let syn::Expr::MethodCall(call) = &*node.expr
            && call.method == "map_err"
            && let Some(variant) = call.args.first().and_then(wrapping)
        {
            self.push(What::MapErr, &node.expr, &call.receiver, variant);
        }
        visit::visit_expr_try(self, node);
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if let syn::Expr::Match(ladder) = node
            && let Some(variant) = wrapping_match(ladder)
        {
            self.push(What::Match, node, &ladder.expr, variant);
        }
        visit::visit_expr(self, node);
    }

    fn visit_expr_closure(&mut self, node: &'a syn::ExprClosure) {
        self.inside(error_of(&node.output), |this| visit::visit_expr_closure(this, node));
    }

    fn visit_expr_async(&mut self, node: &'a syn::ExprAsync) {
        self.inside(None, |this| visit::visit_expr_async(this, node));
    }

    fn visit_expr_try_block(&mut self, node: &'a syn::ExprTryBlock) {
        self.inside(None, |this| visit::visit_expr_try_block(this, node));
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// `Target::Variant` or `|e| Target::Variant(e)`.
fn wrapping(argument: &syn::Expr) -> Option<(String, String)> {
    match argument {
        syn::Expr::Closure(closure) => {
            let [syn::Pat::Ident(name)] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
            wrapped(&closure.body, &name.ident.to_string())
        }
        path => variant_path(path),
    }
}

/// `Target::Variant(name)`.
fn wrapped(expr: &syn::Expr, name: &str) -> Option<(String, String)> {
    let syn::Expr::Call(call) = expr else { return None };
    let wraps = call.args.len() == 1 && plain_name(&call.args[0]).is_some_and(|ident| ident == name);
    if wraps { variant_path(&call.func) } else { None }
}

/// `match … { Ok(v) => v, Err(e) => return Err(Target::Variant(e)) }`.
fn wrapping_match(node: &syn::ExprMatch) -> Option<(String, String)> {
    let (ok, err) = arms(node)?;
    let value = binds(&ok.pat, "Ok")?;
    let error = binds(&err.pat, "Err")?;
    if plain_name(&ok.body).is_none_or(|ident| *ident != value) {
        return None;
    }
    returns_wrapped(&err.body, &error)
}

/// `match … { Ok(_) => {} Err(e) => return Err(Target::Variant(e)) }` and `if let Err(e) = … { return … }` as statements,
/// with what is looked at.
fn wrapping_statement(expr: &syn::Expr) -> Option<(&syn::Expr, (String, String))> {
    match expr {
        syn::Expr::Match(node) => {
            let (ok, err) = arms(node)?;
            let drops = matches!(&ok.pat, syn::Pat::TupleStruct(t) if t.path.is_ident("Ok") && match t.elems.first() {
                Some(syn::Pat::Wild(_)) => true,
                Some(syn::Pat::Tuple(unit)) => unit.elems.is_empty(),
                _ => false,
            });
            let is_nothing = match &*ok.body {
                syn::Expr::Tuple(t) => t.elems.is_empty(),
                syn::Expr::Block(b) => b.block.stmts.is_empty(),
                _ => false,
            };
            let error = binds(&err.pat, "Err").filter(|_| drops && is_nothing)?;
            Some((&node.expr, returns_wrapped(&err.body, &error)?))
        }
        syn::Expr::If(node) if node.else_branch.is_none() && node.attrs.is_empty() => {
            let syn::Expr::Let(cond) = &*node.cond else { return None };
            let error = binds(&cond.pat, "Err")?;
            let [syn::Stmt::Expr(only, _)] = node.then_branch.stmts.as_slice() else { return None };
            // A result that is looked at in place would be moved by `?`.
            let is_call = matches!(&*cond.expr, syn::Expr::Call(_) | syn::Expr::MethodCall(_) | syn::Expr::Await(_));
            let variant = returns_wrapped(only, &error).filter(|_| is_call)?;
            Some((&cond.expr, variant))
        }
        _ => None,
    }
}

/// The arms of `Ok` and `Err`, whatever their order.
fn arms(node: &syn::ExprMatch) -> Option<(&syn::Arm, &syn::Arm)> {
    let [first, second] = node.arms.as_slice() else { return None };
    let is_err = |arm: &syn::Arm| binds(&arm.pat, "Err").is_some();
    let is_plain = node.attrs.is_empty() && first.attrs.is_empty() && second.attrs.is_empty();
    is_plain.then_some(if is_err(first) { (second, first) } else { (first, second) })
}

/// `return Err(Target::Variant(name))`, alone in its block or without one.
fn returns_wrapped(body: &syn::Expr, name: &str) -> Option<(String, String)> {
    let body = match body {
        syn::Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(only, _)] => only,
            _ => return None,
        },
        other => other,
    };
    let syn::Expr::Return(syn::ExprReturn { expr: Some(back), .. }) = body else { return None };
    let syn::Expr::Call(call) = &**back else { return None };
    let is_err = matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident("Err"));
    if is_err && call.args.len() == 1 { wrapped(&call.args[0], name) } else { None }
}

fn binds(pat: &syn::Pat, variant: &str) -> Option<String> {
    let syn::Pat::TupleStruct(tuple) = pat else { return None };
    match tuple.elems.first() {
        Some(syn::Pat::Ident(name)) if tuple.path.is_ident(variant) && name.by_ref.is_none() => {
            Some(name.ident.to_string())
        }
        _ => None,
    }
}
