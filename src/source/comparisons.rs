//! A call that sorts in; the key that its comparisons make anew each time out.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;

use super::functions::Function;
use super::names::{mentions, peel, plain_name};
use super::too_early::costs;
use super::{SourceFile, pure, shapes};

/// A sort by a key that costs something to make.
pub struct Keyed<'a> {
    /// What each element is called in the key.
    pub element: &'a syn::Pat,
    /// The key.
    pub key: &'a syn::Expr,
    /// True if the largest key comes first.
    pub is_reversed: bool,
    /// The closure that is replaced.
    pub closure: &'a syn::Expr,
}

/// Reads `list.sort_by(|a, b| key(a).cmp(&key(b)))`, its unstable form, with names for the keys or without, and
/// `list.sort_by_key(|a| key(a))`, where the key costs something and is computed from its element alone.
pub fn keyed<'a>(file: &SourceFile, all: &[Function<'_>], call: &'a syn::ExprMethodCall) -> Option<Keyed<'a>> {
    let closure_expr = call.args.first().filter(|_| call.args.len() == 1)?;
    let syn::Expr::Closure(closure) = closure_expr else { return None };
    let inputs: Vec<&syn::Pat> = closure.inputs.iter().collect();
    let (element, key, is_reversed) = match (call.method.to_string().as_str(), inputs.as_slice()) {
        ("sort_by" | "sort_unstable_by", [first, second]) => compared(first, second, &closure.body)?,
        ("sort_by_key" | "sort_unstable_by_key", [only]) => (*only, &*closure.body, false),
        _ => return None,
    };
    let is_worth_it = costs(all, key) && shapes::exits_of(key).is_empty() && pure::is_pure(file, key);
    is_worth_it.then_some(Keyed { element, key, is_reversed, closure: closure_expr })
}

/// The key of `|a, b| key(a).cmp(&key(b))`, and whether `b` comes first.
fn compared<'a>(
    first: &'a syn::Pat,
    second: &'a syn::Pat,
    body: &'a syn::Expr,
) -> Option<(&'a syn::Pat, &'a syn::Expr, bool)> {
    let (syn::Pat::Ident(a), syn::Pat::Ident(b)) = (first, second) else { return None };
    let (mut left, mut right);
    match peel(body) {
        syn::Expr::Block(block) => match block.block.stmts.as_slice() {
            [one, two, syn::Stmt::Expr(last, None)] => {
                let (one, two) = (shapes::plain_let(one)?, shapes::plain_let(two)?);
                (left, right) = operands(last)?;
                let of = |expr| [&one, &two].into_iter().find(|l| plain_name(expr).is_some_and(|n| n == l.name));
                (left, right) = (of(left)?.value, of(right)?.value);
            }
            _ => return None,
        },
        last => (left, right) = operands(last)?,
    }
    // `b` first turns the order round: the key of the first element then stands on the right.
    let is_reversed = mentions(left, &b.ident.to_string());
    if is_reversed {
        (left, right) = (right, left);
    }
    let is_same = renamed(left, &a.ident, &b.ident) == right.to_token_stream().to_string();
    (is_same && !mentions(left, &b.ident.to_string())).then_some((first, left, is_reversed))
}

/// `left` and `right` of `left.cmp(&right)`.
fn operands(expr: &syn::Expr) -> Option<(&syn::Expr, &syn::Expr)> {
    let call = shapes::method(expr, "cmp", 1)?;
    let syn::Expr::Reference(right) = &call.args[0] else { return None };
    right.mutability.is_none().then_some((&*call.receiver, &*right.expr))
}

/// The tokens with one identifier put for another.
fn renamed(expr: &syn::Expr, from: &Ident, to: &Ident) -> String {
    fn walk(tokens: TokenStream, from: &Ident, to: &Ident) -> TokenStream {
        let one = |token| match token {
            TokenTree::Ident(ident) if ident == *from => TokenTree::Ident(Ident::new(&to.to_string(), ident.span())),
            TokenTree::Group(group) => {
                TokenTree::Group(proc_macro2::Group::new(group.delimiter(), walk(group.stream(), from, to)))
            }
            other => other,
        };
        tokens.into_iter().map(one).collect()
    }
    walk(expr.to_token_stream(), from, to).to_string()
}
