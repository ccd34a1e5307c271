//! A value that is computed before it is known whether it is needed in; the value computed where it is needed out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::names::peel;
use crate::source::{SourceFile, Template, expr_at, lexer, shapes, stmt_around};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("computed-too-early"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let computing = finding.captures_named("computing");
    let (edits, title) = if let Some(operand) = finding.capture("operand") {
        (as_operand(file, finding, operand)?, "look at the cheaper conditions first")
    } else if let Some(first) = finding.capture("into") {
        (moved(file, &computing, first)?, "compute only in the branch that needs it")
    } else {
        let behind = finding.capture("behind").ok_or("the finding has no place for the value")?;
        (moved(file, &computing, behind)?, "compute after the guards")
    };
    Ok(Draft {
        title: format!("{title} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("nothing uses the value before the place where it is computed now"),
            holds("it is computed from its inputs alone, and nothing between changes those"),
            borrow("what it is computed from may still be looked at there"),
        ],
        obligations: vec![
            "the value is not computed where it is not needed: nor is there a panic, as of an overflow, in computing it".to_owned(),
        ],
        ..Draft::default()
    })
}

/// The statements with the comments above them, before another statement.
fn moved(file: &SourceFile, computing: &[TextRange], before: TextRange) -> Result<Vec<TextEdit>, String> {
    let at = place::above_comments(file, before.start);
    let mut new = Template::new(file, TextRange::at(at as usize));
    let mut edits = Vec::new();
    // Where the lines begin that are taken away one after the other.
    let mut gap = TextRange::at(0);
    for stmt in computing {
        let (lines, comments) = hoist::lines_of(file, *stmt);
        gap = if lines.start == gap.end { TextRange { end: lines.end, ..gap } } else { lines };
        if !hoist::stands_alone(file, *stmt) || !starts_line(file, before) {
            return Err("a statement shares its line with others, or with a comment".to_owned());
        }
        let indent = file.slice(lines).len() - file.slice(lines).trim_start().len();
        let from = if comments.is_empty() { stmt.start } else { lines.start + indent as u32 };
        new = new.keep_moved(TextRange { start: from, end: stmt.end }, place::steps(file, stmt.start, before.start));
        new = new.text("\n");
        let end = with_blank(file, gap).end;
        edits.push(TextEdit { range: TextRange { end, ..lines }, text: String::new() });
    }
    edits.extend(new.edits());
    Ok(edits)
}

fn starts_line(file: &SourceFile, stmt: TextRange) -> bool {
    let before = &file.text[..stmt.start as usize];
    before[before.rfind('\n').map_or(0, |n| n + 1)..].trim().is_empty()
}

/// The lines, and an empty one behind them where one above, or the beginning of the block, would be left beside it.
fn with_blank(file: &SourceFile, lines: TextRange) -> TextRange {
    let above = file.text[..lines.start as usize].trim_end_matches([' ', '\t']);
    let stands_first = above.ends_with("\n\n") || above.ends_with("\r\n\r\n") || above.trim_end().ends_with('{');
    let rest = &file.text[lines.end as usize..];
    let line = rest.split_inclusive('\n').next().unwrap_or_default();
    let is_blank = !line.is_empty() && line.trim().is_empty();
    let more = if stands_first && is_blank { line.len() as u32 } else { 0 };
    TextRange { start: lines.start, end: lines.end + more }
}

/// The value in place of its name, as the last of the conditions.
fn as_operand(file: &SourceFile, finding: &Finding, operand: TextRange) -> Result<Vec<TextEdit>, String> {
    let chain = finding.capture("chain").ok_or("the finding has no \"chain\"")?;
    let (block, index) = stmt_around(file, finding.range).ok_or("the `let` is gone")?;
    let bound = shapes::plain_let(&block.stmts[index]).ok_or("the `let` is gone")?;
    let value = file.range(bound.value);
    let (lines, comments) = hoist::lines_of(file, finding.range);
    if file.slice(value).contains('\n')
        || !lexer::comments(file.slice(finding.range)).is_empty()
        || !comments.is_empty()
    {
        return Err("the value spans lines, or a comment stands by it".to_owned());
    }
    if !hoist::stands_alone(file, finding.range) {
        return Err("the `let` shares its line with others, or with a comment".to_owned());
    }
    let chain_expr = expr_at(file, chain).ok_or("the conditions are gone")?;
    let conjuncts = shapes::conjuncts(chain_expr);
    let is_denied = conjuncts.iter().any(|e| file.range(*e) == operand && shapes::denied(e).is_some());
    let text = file.slice(value);
    let text = match (is_denied, peel(bound.value)) {
        (true, syn::Expr::Binary(_) | syn::Expr::Unary(_) | syn::Expr::Cast(_)) => format!("!({text})"),
        (true, _) => format!("!{text}"),
        (false, syn::Expr::Binary(b)) if !matches!(b.op, syn::BinOp::Or(_)) => text.to_owned(),
        (false, syn::Expr::Binary(_) | syn::Expr::Closure(_) | syn::Expr::Range(_)) => format!("({text})"),
        _ => text.to_owned(),
    };
    let mut edits = vec![TextEdit { range: with_blank(file, lines), text: String::new() }];
    if conjuncts.last().is_some_and(|last| file.range(*last) == operand) {
        edits.push(TextEdit { range: operand, text });
    } else {
        let others = conjuncts.iter().map(|e| file.range(*e)).filter(|range| *range != operand);
        let others: Vec<&str> = others.map(|range| file.slice(range)).collect();
        edits.push(TextEdit { range: chain, text: format!("{} && {text}", others.join(" && ")) });
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "computed-too-early";

    #[test]
    fn what_is_computed_goes_behind_the_guards() {
        let rewrite = check(
            RULE,
            "fn letter(to: u32, debts: &[Debt], out: &HashSet<u32>, day: u32) -> Option<String> {
    let mut table = String::new();
    let mut total = 0;
    // Those of the customer.
    for d in debts.iter().filter(|d| d.to == to) {
        total += d.cents;
        let _ = writeln!(table, \"{}\", d.cents);
    }

    if out.contains(&to) {
        return None;
    }
    if day % 7 > 4 {
        return None;
    }

    // All of it.
    Some(format!(\"{table} {total}\"))
}
",
            "fn letter(to: u32, debts: &[Debt], out: &HashSet<u32>, day: u32) -> Option<String> {
    if out.contains(&to) {
        return None;
    }
    if day % 7 > 4 {
        return None;
    }

    let mut table = String::new();
    let mut total = 0;
    // Those of the customer.
    for d in debts.iter().filter(|d| d.to == to) {
        total += d.cents;
        let _ = writeln!(table, \"{}\", d.cents);
    }
    // All of it.
    Some(format!(\"{table} {total}\"))
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
    }

    #[test]
    fn what_one_branch_uses_goes_into_it() {
        check(
            RULE,
            "fn f(es: &[E], now: u64) {
    for e in es {
        // For the record.
        let text = format!(
            \"{} ahead\",
            e.at - now,
        );
        if e.on {
            keep(text);
        }
    }
}
",
            "fn f(es: &[E], now: u64) {
    for e in es {
        if e.on {
            // For the record.
            let text = format!(
                \"{} ahead\",
                e.at - now,
            );
            keep(text);
        }
    }
}
",
        );
    }

    #[test]
    fn a_condition_that_costs_more_is_looked_at_last() {
        check(
            RULE,
            "fn f(xs: &[u64], on: bool) -> bool {
    let large = xs.iter().sum::<u64>() > 9;
    let few = xs.len() < 4;
    on && large && few
}
",
            "fn f(xs: &[u64], on: bool) -> bool {
    let few = xs.len() < 4;
    on && few && xs.iter().sum::<u64>() > 9
}
",
        );
        check(
            RULE,
            "fn f(xs: &[u64], on: bool) -> bool {\n    let large = xs.iter().sum::<u64>() > 9;\n    on && !large\n}\n",
            "fn f(xs: &[u64], on: bool) -> bool {\n    on && !(xs.iter().sum::<u64>() > 9)\n}\n",
        );
    }

    #[test]
    fn comments_beside_it_refuse() {
        check_refuses(
            RULE,
            "fn f(xs: &[String], off: bool) -> String {\n    let t = xs.join(\",\"); // all\n    if off {\n        return e();\n    }\n    t\n}\n",
            "a statement shares its line with others, or with a comment",
        );
        check_refuses(
            RULE,
            "fn f(xs: &[u64], on: bool) -> bool {\n    // All.\n    let s = xs.iter().sum::<u64>() > 9;\n    on && s\n}\n",
            "the value spans lines, or a comment stands by it",
        );
    }
}
