//! A parameter that is copied for each call in; a reference, and references at all calls, out.

use syn::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("large-by-value"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (ty, name) = (captured("type")?, file.slice(captured("name")?));
    let signature = source::signature(file, finding.range).ok_or("the function changed")?;
    let index = signature.inputs.iter().position(|input| file.range(input) == finding.range);
    let index = index.ok_or("the parameter is no longer where it was found")?;
    let is_self = matches!(signature.inputs.get(index), Some(syn::FnArg::Receiver(_)));
    let has_self = signature.receiver().is_some();
    let mut edits = vec![(file.path.clone(), vec![insertion(ty.start, "&")])];
    let (mut calls, mut mentions) = (0, 0);
    for other in files.iter().filter(|f| f.role.krate == file.role.krate) {
        mentions += words(other, name);
        let mut walk = Calls { name, has_self, is_self, index, lent: 0, found: Vec::new() };
        walk.visit_file(&other.ast);
        calls += walk.found.len() + walk.lent;
        let at_calls: Vec<TextEdit> = walk.found.iter().flat_map(|argument| referenced(other, argument)).collect();
        edits.push((other.path.clone(), at_calls));
    }
    if mentions != calls + 1 {
        return Err(format!("`{name}` is used other than by plain calls, has a namesake, or stands in a macro"));
    }
    let shown = file.slice(ty);
    Ok(Draft {
        title: format!("lend {} its {shown} instead of copying it", short(&finding.function)),
        edits,
        preconditions: vec![
            holds(format!("`{shown}` is `Copy`, and the function only looks at it")),
            holds(format!("all {calls} calls of `{name}` are known, and nobody outside can call it")),
            borrow("the value may be borrowed for the call"),
        ],
        ..Draft::default()
    })
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
}
