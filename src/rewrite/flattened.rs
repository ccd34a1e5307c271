//! A nest of conditions in; the same steps one below the other, each leaving where it fails, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::nests::{Around, Asked, Body, Level, Nest, leaves, nests};
use crate::source::{self, SourceFile, Template, shapes};

/// The recipe for loops.
pub const OF_LOOPS: Recipe = Recipe { rule: RuleId("nested-loop-body"), derive };
/// The recipe for functions.
pub const OF_FUNCTIONS: Recipe = Recipe { rule: RuleId("if-let-pyramid"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_rust(file, 65, "`let … else`")?;
    let nest = nests(file).into_iter().find(|nest| nest.site == finding.range).ok_or("the nest is gone")?;
    let mut new = Template::new(file, nest.site);
    for (at, level) in nest.levels.iter().enumerate() {
        new = step(file, new, &nest, level);
        let inner = nest.levels.get(at + 1).map(|next| file.range(next.expr).start);
        new = inside(file, new, &nest, level, inner);
    }
    let what = match nest.around {
        Around::Loop => "go on with the next round where a step fails",
        Around::Function => "leave where a step fails",
    };
    Ok(Draft {
        title: format!("{what} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.edits())],
        preconditions: preconditions(file, &nest),
        ..Draft::default()
    })
}

fn preconditions(file: &SourceFile, nest: &Nest<'_>) -> Vec<crate::model::Precondition> {
    let mut all = vec![
        holds("nothing follows the nest but the end of the round or of the function"),
        holds("what is looked at leaves no guard behind, and the patterns take all of it"),
    ];
    for root in nest.levels.iter().flat_map(|level| &level.of_std) {
        let precondition = std_types::is_one(file, file.range(*root), &std_types::LOOKED_THROUGH);
        if !all.contains(&precondition) {
            all.push(precondition);
        }
    }
    all.push(borrow("what is looked at lives as long as what is taken out of it"));
    all
}

/// `let pattern = value else { leave };`, or `if !condition { leave }`, up to the end of its line.
fn step<'a>(file: &SourceFile, new: Template<'a>, nest: &Nest<'_>, level: &Level<'_>) -> Template<'a> {
    let steps = -depth(file, nest, file.range(level.expr).start);
    match &level.asked {
        Asked::Fits { pattern, value } => {
            let new = new.text("let ").keep_moved(file.range(*pattern), steps).text(" = ");
            let new = new.keep_moved(file.range(*value), steps).text(" else ");
            leave(file, new, nest, level).text(";")
        }
        Asked::Holds(condition) => {
            let new = negated(file, new.text("if "), condition, steps).text(" ");
            leave(file, new, nest, level)
        }
    }
}

/// The condition, negated: `a != b`, `!a.is_empty()`, `!(a < b)`, which is not `a >= b` where the two do not compare.
fn negated<'a>(file: &SourceFile, new: Template<'a>, condition: &syn::Expr, steps: i32) -> Template<'a> {
    let whole = file.range(condition);
    match condition {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Not(_)) => {
            // rustc warns of brackets around a whole condition; those around a struct literal are needed.
            let has_struct = shapes::exprs_in(&u.expr).iter().any(|e| matches!(e, syn::Expr::Struct(_)));
            let inner = if has_struct { &*u.expr } else { peel(&u.expr) };
            new.keep_moved(file.range(inner), steps)
        }
        syn::Expr::Path(_) | syn::Expr::Field(_) | syn::Expr::MethodCall(_) | syn::Expr::Call(_) => {
            new.text("!").keep_moved(whole, steps)
        }
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_)) => {
            let other = if matches!(b.op, syn::BinOp::Eq(_)) { "!=" } else { "==" };
            let (left, right) = (file.range(&*b.left), file.range(&*b.right));
            let op = TextRange { start: left.end, end: right.start };
            let spaced = file.slice(op).replace(if other == "!=" { "==" } else { "!=" }, other);
            new.keep_moved(left, steps).text(spaced).keep_moved(right, steps)
        }
        syn::Expr::Paren(_) | syn::Expr::Index(_) | syn::Expr::Macro(_) => new.text("!").keep_moved(whole, steps),
        _ => new.text("!(").keep_moved(whole, steps).text(")"),
    }
}

/// The block that leaves.
fn leave<'a>(file: &SourceFile, new: Template<'a>, nest: &Nest<'_>, level: &Level<'_>) -> Template<'a> {
    let word = match nest.around {
        Around::Loop => "continue;".to_owned(),
        Around::Function => match nest.tail {
            Some(tail) => format!("return {};", file.on_one_line(tail)),
            None => "return;".to_owned(),
        },
    };
    let Some(other) = level.otherwise else { return new.text(format!("{{\n    {word}\n}}")) };
    let range = file.range(other);
    let steps = -depth(file, nest, range.end - 1);
    let syn::Expr::Block(node) = other else {
        return match leaves(other) {
            true => new.text("{\n    ").keep_moved(range, steps).text(";\n}"),
            false if nest.around == Around::Loop => {
                new.text("{\n    ").keep_moved(range, steps).text(format!(";\n    {word}\n}}"))
            }
            false => new.text("{\n    return ").keep_moved(range, steps).text(";\n}"),
        };
    };
    if leaves(other) {
        return new.keep_moved(file.range(other), steps);
    }
    let inner = TextRange { start: range.start + 1, end: range.end - 1 };
    let stmts = &node.block.stmts;
    match stmts.last() {
        // Its last value becomes what the function gives back.
        Some(syn::Stmt::Expr(value, None)) if nest.around == Around::Function && nest.tail.is_none() => {
            let value = file.range(value);
            let (before, behind) =
                (TextRange { start: range.start, end: value.start }, TextRange { start: value.end, end: range.end });
            new.keep_moved(before, steps).text("return ").keep_moved(value, steps).text(";").keep_moved(behind, steps)
        }
        _ => {
            let ends_open = matches!(stmts.last(), Some(syn::Stmt::Expr(_, None)));
            let own = trimmed(file, inner);
            let new = new.text("{\n    ").keep_moved(own, steps);
            new.text(if ends_open { ";" } else { "" }).text(format!("\n    {word}\n}}"))
        }
    }
}

/// What stands in the block of a step, up to the next step, moved outwards.
fn inside<'a>(
    file: &SourceFile,
    new: Template<'a>,
    nest: &Nest<'_>,
    level: &Level<'_>,
    next: Option<u32>,
) -> Template<'a> {
    let block = match level.body {
        Body::Block(block) => file.span_range(block.brace_token.span.join()),
        // The step or the value behind the arrow of an arm.
        Body::Value(_) if next.is_some() => return new.text("\n"),
        Body::Value(value) => {
            let range = file.range(value);
            let new = new.text("\n").keep_moved(range, -depth(file, nest, range.start));
            return new.text(if nest.gives_value { "" } else { ";" });
        }
    };
    let steps = -depth(file, nest, block.end - 1) - 1;
    let inner = TextRange { start: block.start + 1, end: next.unwrap_or(block.end - 1) };
    let text = file.slice(inner);
    // Behind the bracket there may be a comment, which stays on the line.
    let starts_line = text.trim_start_matches([' ', '\t']).starts_with(['\n', '\r', '/']);
    let end = if next.is_some() { inner.end } else { inner.start + text.trim_end().len() as u32 };
    let start = if starts_line { inner.start } else { inner.start + (text.len() - text.trim_start().len()) as u32 };
    let own = TextRange { start: start.min(end), end };
    let new = if starts_line { new } else { new.text("\n") }.keep_moved(own, steps);
    // A last value of no type, before the value behind the nest.
    let ends_open = next.is_none() && nest.tail.is_some() && level.body.value().is_some_and(needs_semicolon);
    new.text(if ends_open { ";" } else { "" })
}

fn needs_semicolon(value: &syn::Expr) -> bool {
    use syn::Expr::{Block, ForLoop, If, Loop, Match, Unsafe, While};
    !matches!(value, Block(_) | ForLoop(_) | If(_) | Loop(_) | Match(_) | Unsafe(_) | While(_))
}

/// Steps of indentation by which the line of `at` stands further in than the nest.
fn depth(file: &SourceFile, nest: &Nest<'_>, at: u32) -> i32 {
    let own = source::indent_of(&file.text, nest.site.start).len();
    let inner = source::indent_of(&file.text, at).len();
    let unit = source::indent_unit(&file.text, nest.site.start).len().max(1);
    (inner.saturating_sub(own) / unit) as i32
}

fn trimmed(file: &SourceFile, range: TextRange) -> TextRange {
    let text = file.slice(range);
    let start = range.start + (text.len() - text.trim_start().len()) as u32;
    TextRange { start, end: (range.start + text.trim_end().len() as u32).max(start) }
}

#[cfg(test)]
mod tests {
    use crate::model::AnsweredBy;
    use crate::rewrite::testing::{check, check_refuses};

    const LOOPS: &str = "nested-loop-body";
    const FUNCTIONS: &str = "if-let-pyramid";

    #[test]
    fn the_steps_of_a_round_stand_below_one_another() {
        let rewrite = check(
            LOOPS,
            "fn f(lines: &[Line], orders: &M) -> u64 {
    let mut total = 0;
    for line in lines {
        // Known orders only.
        if let Some(order) = orders.get(&line.order) { // by id
            total += 1;
            // Open ones.
            if order.is_open() {
                if line.kind == Kind::Sale && order.rate < 2.0 {
                    if let Ok(amount) = line.amount.parse::<u64>() {
                        total += amount; // minor units
                        log(\"a
            b\");
                    }
                }
            }
        }
    }
    total
}
",
            "fn f(lines: &[Line], orders: &M) -> u64 {
    let mut total = 0;
    for line in lines {
        // Known orders only.
        let Some(order) = orders.get(&line.order) else {
            continue;
        }; // by id
        total += 1;
        // Open ones.
        if !order.is_open() {
            continue;
        }
        if !(line.kind == Kind::Sale && order.rate < 2.0) {
            continue;
        }
        let Ok(amount) = line.amount.parse::<u64>() else {
            continue;
        };
        total += amount; // minor units
        log(\"a
            b\");
    }
    total
}
",
        );
        assert!(rewrite.preconditions.iter().all(|p| p.answered_by != AnsweredBy::Type));
    }

    #[test]
    fn what_a_step_does_otherwise_stays_with_it() {
        check(
            LOOPS,
            "fn f(xs: &[O], failed: &mut u8) {
    for x in xs {
        if let Some(y) = x.tags.iter().find(|t| t.is_open) {
            match y.parse::<u8>() {
                Ok(z) => {
                    a(z);
                    b(z);
                }
                Err(_) => {
                    // No number.
                    break;
                }
            }
        } else {
            *failed += 1
        }
    }
}
",
            "fn f(xs: &[O], failed: &mut u8) {
    for x in xs {
        let Some(y) = x.tags.iter().find(|t| t.is_open) else {
            *failed += 1;
            continue;
        };
        let Ok(z) = y.parse::<u8>() else {
            // No number.
            break;
        };
        a(z);
        b(z);
    }
}
",
        );
    }

    #[test]
    fn a_pyramid_becomes_steps_that_give_back_what_their_else_gave() {
        let rewrite = check(
            FUNCTIONS,
            "fn f(accounts: &M, id: u64) -> Result<String, E> {
    // The account first.
    if let Some(account) = accounts.get(&id) {
        let owner = &account.owner;
        if let Some(owner) = owner {
            // Found.
            Ok(owner.to_uppercase())
        } else {
            count();
            Err(E::Missing(format!(\"owner of {id}\")))
        }
    } else {
        Err(E::Missing(\"account\".to_string())) // rare
    }
}
",
            "fn f(accounts: &M, id: u64) -> Result<String, E> {
    // The account first.
    let Some(account) = accounts.get(&id) else {
        return Err(E::Missing(\"account\".to_string())); // rare
    };
    let owner = &account.owner;
    let Some(owner) = owner else {
        count();
        return Err(E::Missing(format!(\"owner of {id}\")));
    };
    // Found.
    Ok(owner.to_uppercase())
}
",
        );
        assert!(!rewrite.title.contains("fast"));
    }

    #[test]
    fn a_value_behind_the_pyramid_is_given_back_by_each_step() {
        check(
            FUNCTIONS,
            "fn f(m: &M) -> Result<(), E> {
    if let Some(a) = m.get(&1) {
        match &a.b {
            None => return Err(E::B),
            Some(b) => {
                g(b)?;
            }
        }
    }
    Ok(())
}
",
            "fn f(m: &M) -> Result<(), E> {
    let Some(a) = m.get(&1) else {
        return Ok(());
    };
    let Some(b) = &a.b else {
        return Err(E::B);
    };
    g(b)?;
    Ok(())
}
",
        );
    }

    #[test]
    fn a_condition_that_was_negated_is_not_negated_twice() {
        check(
            LOOPS,
            "fn f(xs: &[O]) {
    for x in xs {
        if !(x.a && x.b) {
            if x.kind != Kind::A {
                if let Some(y) = &x.y {
                    g(y);
                }
            }
        }
    }
}
",
            "fn f(xs: &[O]) {
    for x in xs {
        if x.a && x.b {
            continue;
        }
        if x.kind == Kind::A {
            continue;
        }
        let Some(y) = &x.y else {
            continue;
        };
        g(y);
    }
}
",
        );
    }

    #[test]
    fn arms_without_brackets_are_steps_too() {
        check(
            FUNCTIONS,
            "fn f(m: &M) -> Option<&str> {
    match m.get(&1) {
        Some(a) => match &a.b {
            Some(b) => Some(b.name(
                1,
            )),
            None => None,
        },
        None => None,
    }
}
",
            "fn f(m: &M) -> Option<&str> {
    let Some(a) = m.get(&1) else {
        return None;
    };
    let Some(b) = &a.b else {
        return None;
    };
    Some(b.name(
        1,
    ))
}
",
        );
        check(
            FUNCTIONS,
            "fn f(m: &M) -> Result<(), E> {
    if let Some(a) = m.get(&1) {
        if let Some(b) = &a.b {
            g(b)
        }
    }
    Ok(())
}
",
            "fn f(m: &M) -> Result<(), E> {
    let Some(a) = m.get(&1) else {
        return Ok(());
    };
    let Some(b) = &a.b else {
        return Ok(());
    };
    g(b);
    Ok(())
}
",
        );
    }

    #[test]
    fn iterators_on_the_way_are_asked_about() {
        let (_, rewrites, _) = crate::rewrite::testing::proposals(
            LOOPS,
            "fn f(xs: &[O]) { for x in xs { if let Some(y) = x.tags.iter().next() { a(y); b(y); } } }",
        );
        assert!(rewrites[0].preconditions.iter().any(|p| p.answered_by == AnsweredBy::Type));
    }

    #[test]
    fn a_comment_behind_a_step_is_not_lost() {
        check_refuses(
            LOOPS,
            "fn f(xs: &[O]) {\n    for x in xs {\n        if let Some(y) = x {\n            if let Ok(z) = y.get() {\n                a(z);\n            } // of y\n        }\n    }\n}\n",
            "the comment \"// of y\" would be lost (line 6)",
        );
    }
}
