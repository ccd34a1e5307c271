//! A parameter that is copied for each call in; a reference, and references at all calls, out.

use crate::source::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::functions::{derives, head, items, type_arguments};
use crate::source::{self, SourceFile, lexer, shapes, types, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("large-by-value"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (ty, name) = (captured("type")?, file.slice(captured("name")?));
    let signature = signature_of(file, finding.range).ok_or("the function changed")?;
    let index = signature.inputs.iter().position(|input| file.range(input) == finding.range);
    let index = index.ok_or("the parameter is no longer where it was found")?;
    let is_self = matches!(signature.inputs.get(index), Some(syn::FnArg::Receiver(_)));
    let has_self = signature.receiver().is_some();
    let is_public = finding.capture("public").is_some();
    let is_cloned = finding.capture("cloned").is_some();
    let mut edits = vec![(file.path.clone(), vec![insertion(ty.start, "&")])];
    let parameter = match signature.inputs.get(index) {
        Some(syn::FnArg::Typed(typed)) => file.text_of(&*typed.pat),
        _ => "self",
    };
    let body = source::function_body(file, finding.range).map(|block| file.range(block));
    let is_own = |other: &SourceFile, argument: &syn::Expr| {
        let is_inside = body.is_some_and(|body| body.contains(other.range(argument)));
        other.path == file.path && is_inside && other.text_of(argument) == parameter
    };
    let mut preconditions = Vec::new();
    let (mut calls, mut mentions, mut made) = (0, 0, 1);
    for other in files.iter().filter(|f| is_public || f.role.krate == file.role.krate) {
        mentions += words(other, name);
        if let Some(of) = finding.capture("trait") {
            let lent = implementations(other, file.slice(of), name, index)?;
            made += lent.len();
            edits.push((other.path.clone(), lent));
        }
        let mut walk = Calls { name, has_self, is_self, index, lent: 0, found: Vec::new() };
        walk.visit_file(&other.ast);
        calls += walk.found.len() + walk.lent;
        let mut at_calls = Vec::new();
        for argument in &walk.found {
            match shapes::method(argument, "clone", 0).filter(|_| is_cloned) {
                Some(clone) => {
                    at_calls.extend(unclone(other, clone));
                    preconditions.push(is_plain(files, file.slice(ty), other, clone));
                }
                // A call of itself, which hands on what it was lent.
                None if is_own(other, argument) => {}
                None if is_cloned => return Err(format!("not every call of `{name}` clones what it hands over")),
                None => at_calls.extend(referenced(other, argument)),
            }
        }
        edits.push((other.path.clone(), at_calls));
    }
    if mentions != calls + made {
        return Err(format!("`{name}` is used other than by plain calls, has a namesake, or stands in a macro"));
    }
    let shown = if is_self { "value" } else { file.slice(ty) };
    preconditions.extend(known(name, shown, calls, is_cloned, is_public));
    Ok(Draft {
        title: format!("lend {} its {shown} instead of copying it", short_name(finding, name)),
        edits,
        preconditions,
        obligations: if is_public { vec![outside(name)] } else { Vec::new() },
        ..Draft::default()
    })
}

/// The function of a finding, or the trait's method, which the function of a finding does not name.
fn short_name(finding: &Finding, name: &str) -> String {
    if finding.function.0.is_empty() { name.to_owned() } else { short(&finding.function) }
}

/// What a reviewer of a public function accepts.
fn outside(name: &str) -> String {
    format!("`{name}` is public: whoever calls it outside of this workspace has to lend the value as well")
}

fn known(name: &str, shown: &str, calls: usize, is_cloned: bool, is_public: bool) -> Vec<Precondition> {
    let looked_at = if is_cloned {
        format!("all calls clone the `{shown}`, and the function only looks at it")
    } else {
        format!("`{shown}` is `Copy`, and the function only looks at it")
    };
    let seen = if is_public { "in this workspace" } else { "and nobody outside can call it" };
    let mut all = vec![
        holds(looked_at),
        holds(format!("all {calls} calls of `{name}` are known, {seen}").replace("known, in", "known in")),
    ];
    all.push(borrow("the value may be borrowed for the call"));
    all
}

/// The signature around a parameter, those of methods without a body included.
fn signature_of(file: &SourceFile, parameter: TextRange) -> Option<&syn::Signature> {
    source::signature(file, parameter).or_else(|| {
        let traits = items(&file.ast).into_iter().filter_map(|placed| match placed.item {
            syn::Item::Trait(item) => Some(item),
            _ => None,
        });
        let methods = traits.flat_map(|item| &item.items).filter_map(|member| match member {
            syn::TraitItem::Fn(method) => Some(&method.sig),
            _ => None,
        });
        methods.into_iter().find(|sig| file.range(*sig).contains(parameter))
    })
}

/// `&` before the parameter of every implementation of a trait's method in a file.
///
/// # Errors
/// One of them does more with the value than look at it.
fn implementations(file: &SourceFile, of: &str, name: &str, index: usize) -> Result<Vec<TextEdit>, String> {
    let mut edits = Vec::new();
    for placed in items(&file.ast) {
        let syn::Item::Impl(item) = placed.item else { continue };
        let is_of = item.trait_.as_ref().is_some_and(|(path, _)| shapes::ends_with(path, &[of]));
        for member in item.items.iter().filter(|_| is_of) {
            let syn::ImplItem::Fn(method) = member else { continue };
            if method.sig.ident != name {
                continue;
            }
            let Some(syn::FnArg::Typed(typed)) = method.sig.inputs.get(index) else { continue };
            let looked_at = match &*typed.pat {
                syn::Pat::Ident(p) if p.mutability.is_none() && p.by_ref.is_none() => {
                    let name = p.ident.to_string();
                    let unused = shapes::count(&method.block, &name) == 0;
                    unused || usage::is_only_looked_at(file, &method.block, &name)
                }
                syn::Pat::Wild(_) => true,
                _ => false,
            };
            if !looked_at {
                let line = file.line_column(file.range(method).start).0;
                return Err(format!("an implementation does more with the value than look at it (line {line})"));
            }
            edits.push(insertion(file.range(&*typed.ty).start, "&"));
        }
    }
    Ok(edits)
}

/// True for primitives, texts and lists of std, and for structs of the workspace that derive `Clone` over such.
fn is_plain_data(files: &[SourceFile], ty: &syn::Type, depth: u32) -> bool {
    let all = |types: Vec<&syn::Type>| types.iter().all(|ty| is_plain_data(files, ty, depth));
    match ty {
        syn::Type::Array(a) => is_plain_data(files, &a.elem, depth),
        syn::Type::Tuple(t) => t.elems.iter().all(|ty| is_plain_data(files, ty, depth)),
        syn::Type::Path(_) if types::is_primitive(ty) => true,
        syn::Type::Path(_) => match head(ty).as_str() {
            "String" | "PathBuf" | "Duration" | "Instant" => true,
            "Vec" | "Option" | "VecDeque" | "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => all(type_arguments(ty)),
            name => depth < 4 && is_plain_struct(files, name, depth + 1),
        },
        _ => false,
    }
}

fn is_plain_struct(files: &[SourceFile], name: &str, depth: u32) -> bool {
    let named = files.iter().flat_map(|f| items(&f.ast)).filter_map(|placed| match placed.item {
        syn::Item::Struct(item) if item.ident == name => Some((&item.attrs, &item.generics, Some(&item.fields))),
        syn::Item::Enum(item) if item.ident == name => Some((&item.attrs, &item.generics, None)),
        _ => None,
    });
    let named: Vec<_> = named.collect();
    let [(attrs, generics, Some(fields))] = named.as_slice() else { return false };
    let derives_clone = derives(attrs).iter().any(|d| d == "Clone");
    derives_clone && generics.params.is_empty() && fields.iter().all(|f| is_plain_data(files, &f.ty, depth))
}

/// `&place` of `place.clone()`, or the place itself where it is a reference.
fn unclone(file: &SourceFile, clone: &syn::ExprMethodCall) -> Vec<TextEdit> {
    let place = file.range(&*clone.receiver);
    let is_reference = matches!(types::type_of(file, &clone.receiver), Some(syn::Type::Reference(_)));
    let cut = TextEdit { range: TextRange { start: place.end, end: file.range(clone).end }, text: String::new() };
    if is_reference { vec![cut] } else { vec![insertion(place.start, "&"), cut] }
}

/// Whether leaving a clone out can be noticed: told by the declaration of its type, or asked of rustc.
fn is_plain(files: &[SourceFile], ty: &str, file: &SourceFile, clone: &syn::ExprMethodCall) -> Precondition {
    let place = file.range(&*clone.receiver);
    if syn::parse_str(ty).is_ok_and(|ty| is_plain_data(files, &ty, 0)) {
        return holds(format!("cloning `{}` copies plain data", file.on_one_line(place)));
    }
    probe(file, format!("cloning `{}` copies plain data", file.on_one_line(place)), place, ProbeQuestion::PlainClone)
}

fn insertion(at: u32, text: &str) -> TextEdit {
    TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() }
}

/// How often the word stands in the file, comments and strings left out.
fn words(file: &SourceFile, name: &str) -> usize {
    let tokens = lexer::tokens(&file.text);
    tokens.iter().filter(|t| t.kind == lexer::TokenKind::Ident && t.text(&file.text) == name).count()
}

/// `&` before an argument, with brackets where it would bind to a part only.
fn referenced(file: &SourceFile, argument: &syn::Expr) -> Vec<TextEdit> {
    let range = file.range(argument);
    match argument {
        syn::Expr::Binary(_) | syn::Expr::Cast(_) | syn::Expr::Closure(_) | syn::Expr::Range(_) => {
            vec![insertion(range.start, "&("), insertion(range.end, ")")]
        }
        // `&*name` of a reference is the reference itself.
        syn::Expr::Unary(u)
            if matches!(u.op, syn::UnOp::Deref(_))
                && matches!(types::type_of(file, &u.expr), Some(syn::Type::Reference(_))) =>
        {
            let end = file.range(&*u.expr).start;
            vec![TextEdit { range: TextRange { start: range.start, end }, text: String::new() }]
        }
        _ => vec![insertion(range.start, "&")],
    }
}

struct Calls<'n, 'a> {
    name: &'n str,
    has_self: bool,
    /// True where the parameter is `self`: method calls borrow by themselves.
    is_self: bool,
    /// Calls that need no edit.
    lent: usize,
    index: usize,
    found: Vec<&'a syn::Expr>,
}

impl<'a> Visit<'a> for Calls<'_, 'a> {
    fn visit_expr_call(&mut self, node: &'a syn::ExprCall) {
        if let syn::Expr::Path(path) = &*node.func
            && path.path.segments.last().is_some_and(|s| s.ident == self.name)
            && let Some(argument) = node.args.get(self.index)
        {
            self.found.push(argument);
        }
        visit::visit_expr_call(self, node);
    }

    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        self.lent += usize::from(self.is_self && node.method == self.name);
        let at = self.index.checked_sub(1).filter(|_| self.has_self && node.method == self.name);
        if let Some(argument) = at.and_then(|at| node.args.get(at)) {
            self.found.push(argument);
        }
        visit::visit_expr_method_call(self, node);
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "large-by-value";

    #[test]
    fn a_function_hands_on_to_itself_what_it_was_lent() {
        check(
            RULE,
            "#[derive(Clone, Copy)]\nstruct Grid {\n    cells: [u32; 64],\n}\nimpl Board {\n    fn walk(grid: Grid, at: usize) -> u32 {\n        if at == 0 { 0 } else { grid.cells[at] + Self::walk(grid, at - 1) }\n    }\n    fn all(&self) -> u32 {\n        Self::walk(self.grid, 9)\n    }\n}\n",
            "#[derive(Clone, Copy)]\nstruct Grid {\n    cells: [u32; 64],\n}\nimpl Board {\n    fn walk(grid: &Grid, at: usize) -> u32 {\n        if at == 0 { 0 } else { grid.cells[at] + Self::walk(grid, at - 1) }\n    }\n    fn all(&self) -> u32 {\n        Self::walk(&self.grid, 9)\n    }\n}\n",
        );
    }

    #[test]
    fn the_value_is_lent_at_every_call() {
        check(
            RULE,
            "#[derive(Clone, Copy)]
struct Grid {
    cells: [u32; 64],
}
impl Board {
    // Of one cell.
    fn score(&self, at: usize, grid: Grid) -> u32 {
        grid.cells[at]
    }
    fn all(&self) -> u32 {
        self.score(0, self.grid) + Board::score(self, 1, *self.other) + self.score(2, make(3)) // sum
    }
}
",
            "#[derive(Clone, Copy)]
struct Grid {
    cells: [u32; 64],
}
impl Board {
    // Of one cell.
    fn score(&self, at: usize, grid: &Grid) -> u32 {
        grid.cells[at]
    }
    fn all(&self) -> u32 {
        self.score(0, &self.grid) + Board::score(self, 1, &*self.other) + self.score(2, &make(3)) // sum
    }
}
",
        );
    }

    #[test]
    fn a_function_that_is_a_value_or_has_a_namesake_refuses() {
        let grid = "#[derive(Clone, Copy)] struct Grid { cells: [u32; 64] } fn score(g: Grid) -> u32 { g.cells[0] }";
        let reason = "`score` is used other than by plain calls, has a namesake, or stands in a macro";
        check_refuses(
            RULE,
            &format!("{grid} fn f(gs: &[Grid]) -> u32 {{ gs.iter().copied().map(score).sum() }}"),
            reason,
        );
        check_refuses(RULE, &format!("{grid} fn f(g: Grid2) {{ println!(\"{{}}\", score(g.a)); }}"), reason);
        check_refuses(RULE, &format!("{grid} mod other {{ fn score() {{}} }}"), reason);
    }

    #[test]
    fn methods_of_a_private_trait_are_lent_the_value_by_everybody() {
        check(
            RULE,
            "trait Scorer {
    // Of all.
    fn score(&self, features: [f32; 512]) -> f32;
}
impl Scorer for Linear {
    fn score(&self, f: [f32; 512]) -> f32 {
        f[0] * self.bias
    }
}
impl Scorer for Zero {
    fn score(&self, _: [f32; 512]) -> f32 {
        0.0
    }
}
fn all(scorer: &dyn Scorer, batch: &[[f32; 512]]) -> f32 {
    batch.iter().map(|features| scorer.score(*features)).sum()
}
",
            "trait Scorer {
    // Of all.
    fn score(&self, features: &[f32; 512]) -> f32;
}
impl Scorer for Linear {
    fn score(&self, f: &[f32; 512]) -> f32 {
        f[0] * self.bias
    }
}
impl Scorer for Zero {
    fn score(&self, _: &[f32; 512]) -> f32 {
        0.0
    }
}
fn all(scorer: &dyn Scorer, batch: &[[f32; 512]]) -> f32 {
    batch.iter().map(|features| scorer.score(features)).sum()
}
",
        );
    }

    #[test]
    fn clones_for_every_call_are_lent_instead() {
        let rewrite = check(
            RULE,
            "#[derive(Clone)]
struct Spec {
    env: [u64; 96],
    name: String,
}
impl Cost {
    fn estimate(&self, spec: Spec) -> u64 {
        spec.env[0] + spec.name.len() as u64
    }
    fn all(&self, specs: &[Spec], own: &Spec) -> u64 {
        self.estimate(own.clone()) + self.estimate(self.base.clone() /* base */)
    }
}
",
            "#[derive(Clone)]
struct Spec {
    env: [u64; 96],
    name: String,
}
impl Cost {
    fn estimate(&self, spec: &Spec) -> u64 {
        spec.env[0] + spec.name.len() as u64
    }
    fn all(&self, specs: &[Spec], own: &Spec) -> u64 {
        self.estimate(own) + self.estimate(&self.base /* base */)
    }
}
",
        );
        assert!(rewrite.preconditions.iter().any(|p| p.text == "cloning `own` copies plain data"));
    }

    #[test]
    fn a_public_function_is_a_scaffold_that_names_its_callers_elsewhere() {
        let rewrite = check(
            RULE,
            "pub fn norm(a: [f32; 512]) -> f32 {
    a.iter().sum()
}
",
            "pub fn norm(a: &[f32; 512]) -> f32 {
    a.iter().sum()
}
",
        );
        assert_eq!(rewrite.class, crate::model::Class::C);
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn an_implementation_that_keeps_the_value_and_a_call_that_moves_it_refuse() {
        check_refuses(
            RULE,
            "trait T { fn f(&self, g: [u64; 32]) -> u64; } impl T for S { fn f(&self, g: [u64; 32]) -> u64 { keep(g) } }",
            "an implementation does more with the value than look at it (line 1)",
        );
        check_refuses(
            RULE,
            "struct Big { a: [u64; 32], s: String } fn f(b: Big) -> u64 { b.a[0] } fn g(b: &Big, c: Big) { f(b.clone()); f(c); }",
            "not every call of `f` clones what it hands over",
        );
    }
}
