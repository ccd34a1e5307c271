//! A ladder of hand-written error returns in; the same function with `?` out.

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::items;
use crate::source::names::peel;
use crate::source::{SourceFile, Template, expr_at, stmt_around};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("match-to-question"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    if let Some(other) = files.iter().find(|file| implements_into(file)) {
        return Err(format!(
            "{} implements `Into` by hand, so that `.into()` may not be the `From` of `?`",
            other.path
        ));
    }
    let ranges = |name: &'static str| finding.captures.iter().filter(move |(n, _)| *n == name).map(|(_, range)| *range);
    let mut edits = Vec::new();
    for (ladder, fallible) in ranges("ladder").zip(ranges("fallible")) {
        edits.extend(replaced(file, ladder, fallible)?);
    }
    for (echo, echoed) in ranges("echo").zip(ranges("echoed")) {
        let inner = expr_at(file, echoed).ok_or("what is looked at is no longer where it was found")?;
        let (open, close) = if binds_tightly(inner) { ("", "") } else { ("(", ")") };
        edits.extend(Template::new(file, echo).text(open).keep(echoed).text(close).edits());
    }
    let count = ranges("ladder").count();
    let title = match count {
        0 => format!("leave out a match that says nothing in {}", short(&finding.function)),
        1 => format!("pass an error on with ? in {}", short(&finding.function)),
        _ => format!("pass {count} errors on with ? in {}", short(&finding.function)),
    };
    Ok(Draft {
        title,
        edits: vec![(finding.file.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: vec![
            holds("the arm of the error does nothing but return it"),
            holds("the nearest function or closure returns what `?` needs"),
            holds("no type of the workspace implements `Into` by hand"),
            borrow("the error converts into that of the function through `From`"),
        ],
        hunks_independent: true,
        ..Draft::default()
    })
}

/// The edits that leave `fallible?` of a `match` or `if let`.
pub(super) fn replaced(file: &SourceFile, ladder: TextRange, fallible: TextRange) -> Result<Vec<TextEdit>, String> {
    let whole = expr_at(file, ladder).ok_or("the match is no longer where it was found")?;
    let inner = expr_at(file, fallible).ok_or("the fallible expression is no longer where it was found")?;
    if let syn::Expr::Reference(reference) = peel(inner) {
        // `match &x` looks at it in place, as `x.as_ref()` does.
        let way = if reference.mutability.is_some() { "as_mut" } else { "as_ref" };
        let (open, close) = if binds_tightly(&reference.expr) { ("", "") } else { ("(", ")") };
        let end = if needs_semicolon(file, whole, ladder) { ";" } else { "" };
        let place = file.range(&*reference.expr);
        return Ok(Template::new(file, ladder).text(open).keep(place).text(format!("{close}.{way}()?{end}")).edits());
    }
    let (open, close) = if binds_tightly(inner) { ("", "") } else { ("(", ")") };
    let end = if needs_semicolon(file, whole, ladder) { ";" } else { "" };
    Ok(Template::new(file, ladder).text(open).keep(fallible).text(format!("{close}?{end}")).edits())
}

/// A `match` or `if` is a statement without a semicolon; `x?` is not, except as the value of its block.
fn needs_semicolon(file: &SourceFile, whole: &syn::Expr, ladder: TextRange) -> bool {
    let Some((block, index)) = stmt_around(file, ladder) else { return false };
    let bare = matches!(&block.stmts[index], syn::Stmt::Expr(_, None)) && file.range(&block.stmts[index]) == ladder;
    let is_last = index + 1 == block.stmts.len();
    let drops_value = match whole {
        syn::Expr::Match(node) => node.arms.iter().any(|arm| match &*arm.body {
            syn::Expr::Tuple(tuple) => tuple.elems.is_empty(),
            syn::Expr::Block(block) => block.block.stmts.is_empty(),
            _ => false,
        }),
        syn::Expr::If(node) => node.else_branch.is_none(),
        _ => false,
    };
    bare && (drops_value || !is_last)
}

/// True where a `?` written after the expression belongs to the whole of it.
fn binds_tightly(expr: &syn::Expr) -> bool {
    use syn::Expr;
    match peel(expr) {
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Path(_) | Expr::Field(_) | Expr::Index(_) | Expr::Try(_) => true,
        Expr::Await(_) | Expr::Lit(_) | Expr::Tuple(_) | Expr::Array(_) => true,
        Expr::Macro(mac) => !matches!(mac.mac.delimiter, syn::MacroDelimiter::Brace(_)),
        _ => matches!(expr, Expr::Paren(_)),
    }
}

fn implements_into(file: &SourceFile) -> bool {
    items(&file.ast).iter().any(|placed| match placed.item {
        syn::Item::Impl(item) => {
            item.trait_.as_ref().is_some_and(|(path, _)| path.segments.last().is_some_and(|s| s.ident == "Into"))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "match-to-question";

    #[test]
    fn a_match_in_a_let_becomes_a_question_mark() {
        let rewrite = check(
            RULE,
            "fn f() -> Result<u8, E> {\n    let v = match g(1) {\n        Ok(v) => v,\n        Err(e) => return Err(e.into()),\n    };\n    Ok(v)\n}\n",
            "fn f() -> Result<u8, E> {\n    let v = g(1)?;\n    Ok(v)\n}\n",
        );
        assert_eq!(rewrite.title, "pass an error on with ? in pay::f");
        assert!(!rewrite.title.contains("fast"));
    }

    #[test]
    fn a_conversion_that_the_question_mark_makes_by_itself_goes() {
        check(
            RULE,
            "fn f(p: &Path) -> Result<u8, E> {\n    // All of it.\n    let text = read(p)\n        .map_err(|e| E::from(e))?;\n    parse(&text).map_err(E::from)?\n}\n",
            "fn f(p: &Path) -> Result<u8, E> {\n    // All of it.\n    let text = read(p)?;\n    parse(&text)?\n}\n",
        );
    }

    #[test]
    fn an_if_let_becomes_a_statement() {
        check(
            RULE,
            "fn f() -> Result<u8, E> {\n    // First.\n    if let Err(e) = g(\n        1, // one\n    ) {\n        return Err(e);\n    }\n    Ok(1)\n}\n",
            "fn f() -> Result<u8, E> {\n    // First.\n    g(\n        1, // one\n    )?;\n    Ok(1)\n}\n",
        );
    }

    #[test]
    fn nested_rungs_are_one_rewrite_with_several_hunks() {
        let rewrite = check(
            RULE,
            "fn f() -> Result<u8, E> {\n    let v = match g(match h() {\n        Ok(x) => x,\n        Err(e) => return Err(e),\n    }) {\n        Ok(v) => v,\n        Err(e) => return Err(E::from(e)),\n    };\n    match k(v) {\n        Ok(()) => {}\n        Err(e) => return Err(e),\n    }\n    Ok(v)\n}\n",
            "fn f() -> Result<u8, E> {\n    let v = g(h()?)?;\n    k(v)?;\n    Ok(v)\n}\n",
        );
        assert_eq!(rewrite.title, "pass 3 errors on with ? in pay::f");
    }

    #[test]
    fn a_value_of_the_block_stays_its_value() {
        check(
            RULE,
            "fn f() -> Result<u8, E> {\n    Ok({\n        match g() {\n            Err(e) => {\n                return Err(e);\n            }\n            Ok(v) => v,\n        }\n    })\n}\n",
            "fn f() -> Result<u8, E> {\n    Ok({\n        g()?\n    })\n}\n",
        );
    }

    #[test]
    fn what_binds_less_tightly_gets_parentheses() {
        check(
            RULE,
            "fn f() -> Result<u8, E> {\n    let v = match if a() { b() } else { c() } {\n        Ok(v) => v,\n        Err(e) => return Err(e),\n    };\n    Ok(v)\n}\n",
            "fn f() -> Result<u8, E> {\n    let v = (if a() { b() } else { c() })?;\n    Ok(v)\n}\n",
        );
    }

    #[test]
    fn a_comment_between_the_arms_is_not_thrown_away() {
        check_refuses(
            RULE,
            "fn f() -> Result<u8, E> {\n    let v = match g() {\n        Ok(v) => v,\n        // The caller retries.\n        Err(e) => return Err(e),\n    };\n    Ok(v)\n}\n",
            "the comment \"// The caller retries.\" would be lost (line 4)",
        );
    }

    #[test]
    fn a_hand_written_into_refuses() {
        check_refuses(
            RULE,
            "impl Into<E> for F { fn into(self) -> E { E } }\nfn f() -> Result<u8, E> { Ok(match g() { Ok(v) => v, Err(e) => return Err(e.into()) }) }",
            "src/lib.rs implements `Into` by hand, so that `.into()` may not be the `From` of `?`",
        );
    }
}
