//! Statements in; runs of them out that walk the same collection one after the other, each for one number.

use super::SourceFile;
use super::names::{mentions, peel};
use super::{shapes, usage};
use crate::model::TextRange;

/// Passes over one collection, one below the other.
pub struct Passes<'a> {
    /// `orders.iter()`.
    pub walked: &'a syn::Expr,
    /// `orders`.
    pub list: &'a syn::Expr,
    /// `iter`, `values` or `keys`.
    pub by: &'a syn::Ident,
    /// The passes in their order.
    pub all: Vec<Pass<'a>>,
    /// From the first to the last.
    pub site: TextRange,
}

/// One pass: `let name = walked.filter(…).map(…).sum();`.
pub struct Pass<'a> {
    /// What its result is bound to.
    pub name: &'a syn::Ident,
    /// Which elements count.
    pub filters: Vec<Step<'a>>,
    /// What of an element is summed; `None` for the element itself.
    pub mapped: Option<Step<'a>>,
    /// The type of the sum; `None` for a count.
    pub summed: Option<String>,
}

/// A closure of one plain parameter whose body computes a value of it and does nothing else.
pub struct Step<'a> {
    /// The parameter.
    pub name: &'a syn::Ident,
    /// References to the element that the parameter still has: `&&T` in a filter has one more than the walk gives.
    pub references: usize,
    /// The body.
    pub body: &'a syn::Expr,
}

const INTEGERS: &[&str] = &["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];

/// Methods of std that look at a value and compute another, without effects and without panics.
const READING: &[&str] = &[
    "as_bytes",
    "as_ref",
    "as_str",
    "contains",
    "ends_with",
    "eq_ignore_ascii_case",
    "is_empty",
    "is_err",
    "is_negative",
    "is_none",
    "is_ok",
    "is_positive",
    "is_some",
    "len",
    "max",
    "min",
    "starts_with",
    "unwrap_or",
];

/// The runs of passes of a file.
pub fn passes(file: &SourceFile) -> Vec<Passes<'_>> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        let mut at = 0;
        while at < block.stmts.len() {
            let run = run(file, &block.stmts[at..]);
            at += run.as_ref().map_or(1, |run| run.all.len());
            found.extend(run);
        }
    }
    found
}

/// The passes at the start of these statements, where there are at least two.
fn run<'a>(file: &SourceFile, stmts: &'a [syn::Stmt]) -> Option<Passes<'a>> {
    let (first, walked) = pass(stmts.first()?)?;
    let mut all = vec![first];
    for stmt in &stmts[1..] {
        let Some((next, other)) = pass(stmt) else { break };
        // What a pass before it came to may decide what this one counts.
        let depends = all.iter().any(|known| mentions(stmt, &known.name.to_string()));
        if !shapes::same(walked, other) || depends {
            break;
        }
        all.push(next);
    }
    let syn::Expr::MethodCall(call) = walked else { return None };
    // Two passes that may both panic would panic in another order.
    let panicking = all.iter().filter(|pass| pass.may_panic()).count();
    let hides = all.iter().any(|pass| mentions(walked, &pass.name.to_string()));
    if all.len() < 2 || panicking > 1 || hides {
        return None;
    }
    let site = TextRange { start: file.range(&stmts[0]).start, end: file.range(&stmts[all.len() - 1]).end };
    Some(Passes { walked, list: &call.receiver, by: &call.method, all, site })
}

impl Pass<'_> {
    /// All closures.
    pub fn steps(&self) -> impl Iterator<Item = &Step<'_>> {
        self.filters.iter().chain(&self.mapped)
    }

    fn may_panic(&self) -> bool {
        self.steps().any(|step| {
            shapes::exprs_in(step.body).iter().any(|e| match e {
                syn::Expr::Binary(b) => is_arithmetic(&b.op),
                syn::Expr::Unary(u) => matches!(u.op, syn::UnOp::Neg(_)),
                _ => false,
            })
        })
    }
}

fn is_arithmetic(op: &syn::BinOp) -> bool {
    matches!(op, syn::BinOp::Add(_) | syn::BinOp::Sub(_) | syn::BinOp::Mul(_))
}

/// `let n = xs.iter().filter(…).count();`, `let s: u64 = xs.iter().map(…).sum();`
fn pass(stmt: &syn::Stmt) -> Option<(Pass<'_>, &syn::Expr)> {
    let bound = shapes::plain_let(stmt).filter(|l| !l.is_mut)?;
    let syn::Expr::MethodCall(end) = peel(bound.value) else { return None };
    let summed = match end.method.to_string().as_str() {
        "count" if end.args.is_empty() => None,
        "sum" if end.args.is_empty() => Some(sum_of(end, bound.ty)?),
        _ => return None,
    };
    if summed.is_none() && !bound.ty.is_none_or(|ty| matches!(ty, syn::Type::Path(p) if p.path.is_ident("usize"))) {
        return None;
    }
    let (mut filters, mut mapped) = (Vec::new(), None);
    let mut next = peel(&end.receiver);
    loop {
        let syn::Expr::MethodCall(call) = next else { return None };
        match call.method.to_string().as_str() {
            "map" if mapped.is_none() && filters.is_empty() && summed.is_some() => mapped = Some(step(call, 1)?),
            "filter" => filters.insert(0, step(call, 2)?),
            "iter" | "values" | "keys" if call.args.is_empty() => {
                usage::place(&call.receiver).filter(|place| place.is_plain)?;
                break;
            }
            _ => return None,
        }
        next = peel(&call.receiver);
    }
    // Without a filter a count is the length.
    let is_meant = summed.is_some() || !filters.is_empty();
    is_meant.then_some((Pass { name: bound.name, filters, mapped, summed }, next))
}

/// The integer type that a sum is of: `sum::<u64>()`, or that of the `let`.
fn sum_of(end: &syn::ExprMethodCall, declared: Option<&syn::Type>) -> Option<String> {
    let of = |ty: &syn::Type| match ty {
        syn::Type::Path(p) => p.path.get_ident().map(ToString::to_string).filter(|n| INTEGERS.contains(&n.as_str())),
        _ => None,
    };
    match (&end.turbofish, declared) {
        (None, Some(ty)) => of(ty),
        (Some(fish), declared) => {
            let [syn::GenericArgument::Type(ty)] = fish.args.iter().collect::<Vec<_>>()[..] else { return None };
            let told = of(ty)?;
            declared.is_none_or(|ty| of(ty).is_some_and(|other| other == told)).then_some(told)
        }
        (None, None) => None,
    }
}

/// The closure that is a step's only argument; it is given an element behind so many references.
fn step(call: &syn::ExprMethodCall, given: usize) -> Option<Step<'_>> {
    let [syn::Expr::Closure(closure)] = call.args.iter().collect::<Vec<_>>()[..] else { return None };
    let [param] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
    let is_plain = matches!(closure.output, syn::ReturnType::Default) && closure.attrs.is_empty();
    let (mut pat, mut references) = (param, given);
    while let syn::Pat::Reference(inner) = pat {
        (pat, references) = (&inner.pat, references.checked_sub(1)?);
    }
    let syn::Pat::Ident(syn::PatIdent { ident, by_ref: None, mutability: None, subpat: None, .. }) = pat else {
        return None;
    };
    let is_one_line = call.turbofish.is_none() && is_plain && computes(&closure.body);
    is_one_line.then_some(Step { name: ident, references, body: &closure.body })
}

/// True if the expression computes a value and does nothing else.
fn computes(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Path(p) => p.qself.is_none(),
        syn::Expr::Lit(_) => true,
        syn::Expr::Paren(p) => computes(&p.expr),
        syn::Expr::Field(f) => computes(&f.base),
        syn::Expr::Reference(r) => r.mutability.is_none() && computes(&r.expr),
        syn::Expr::Unary(u) => computes(&u.expr),
        syn::Expr::Cast(c) => computes(&c.expr),
        syn::Expr::Binary(b) => {
            let is_known = is_arithmetic(&b.op)
                || matches!(
                    b.op,
                    syn::BinOp::Eq(_)
                        | syn::BinOp::Ne(_)
                        | syn::BinOp::Lt(_)
                        | syn::BinOp::Le(_)
                        | syn::BinOp::Gt(_)
                        | syn::BinOp::Ge(_)
                        | syn::BinOp::And(_)
                        | syn::BinOp::Or(_)
                        | syn::BinOp::BitAnd(_)
                        | syn::BinOp::BitOr(_)
                        | syn::BinOp::BitXor(_)
                );
            is_known && computes(&b.left) && computes(&b.right)
        }
        syn::Expr::MethodCall(call) => {
            let is_known = READING.iter().any(|name| call.method == name) && call.turbofish.is_none();
            is_known && computes(&call.receiver) && call.args.iter().all(computes)
        }
        _ => false,
    }
}

impl Step<'_> {
    /// The body with another name for the element, which stands behind one reference; `None` where the parameter is used
    /// in a way that tells one more reference from one less.
    pub fn renamed(&self, file: &SourceFile, element: &str) -> Option<String> {
        let mut edits: Vec<(TextRange, String)> = Vec::new();
        self.rename(file, self.body, element, &mut edits)?;
        edits.sort();
        let whole = file.range(self.body);
        let (mut text, mut at) = (String::new(), whole.start);
        for (range, new) in edits {
            text.push_str(file.slice(TextRange { start: at, end: range.start }));
            text.push_str(&new);
            at = range.end;
        }
        text.push_str(file.slice(TextRange { start: at, end: whole.end }));
        Some(text)
    }

    fn is_it(&self, expr: &syn::Expr) -> bool {
        shapes::is_name(expr, self.name)
    }

    fn rename(
        &self,
        file: &SourceFile,
        expr: &syn::Expr,
        element: &str,
        edits: &mut Vec<(TextRange, String)>,
    ) -> Option<()> {
        let mut note = |expr: &syn::Expr, text: String| edits.push((file.range(expr), text));
        match expr {
            // Through the dot, any number of references looks alike.
            syn::Expr::Field(f) if self.is_it(&f.base) => note(&f.base, element.to_owned()),
            syn::Expr::MethodCall(call) if self.is_it(&call.receiver) => {
                note(&call.receiver, element.to_owned());
                call.args.iter().try_for_each(|arg| self.rename(file, arg, element, edits))?;
            }
            syn::Expr::Unary(outer) if matches!(outer.op, syn::UnOp::Deref(_)) && self.references == 2 => {
                match &*outer.expr {
                    inner if self.is_it(inner) => note(expr, element.to_owned()),
                    other => self.rename(file, other, element, edits)?,
                }
            }
            other if self.is_it(other) => match self.references {
                1 => note(other, element.to_owned()),
                0 => note(other, format!("*{element}")),
                _ => return None,
            },
            syn::Expr::Paren(p) => self.rename(file, &p.expr, element, edits)?,
            syn::Expr::Field(f) => self.rename(file, &f.base, element, edits)?,
            syn::Expr::Reference(r) => self.rename(file, &r.expr, element, edits)?,
            syn::Expr::Unary(u) => self.rename(file, &u.expr, element, edits)?,
            syn::Expr::Cast(c) => self.rename(file, &c.expr, element, edits)?,
            syn::Expr::Binary(b) => {
                self.rename(file, &b.left, element, edits)?;
                self.rename(file, &b.right, element, edits)?;
            }
            syn::Expr::MethodCall(call) => {
                self.rename(file, &call.receiver, element, edits)?;
                call.args.iter().try_for_each(|arg| self.rename(file, arg, element, edits))?;
            }
            _ => {}
        }
        Some(())
    }
}
