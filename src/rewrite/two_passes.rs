//! Passes over one collection in; one loop that counts and sums for all of them out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId};
use crate::source::names::mentions;
use crate::source::passes::{Pass, Passes, passes};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("two-passes"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let run = passes(file).into_iter().find(|run| run.site == finding.range).ok_or("the passes are gone")?;
    let element = element(file, &run);
    let names: Vec<String> = run.all.iter().map(|pass| format!("mut {}", pass.name)).collect();
    let zeros: Vec<String> =
        run.all.iter().map(|pass| format!("0{}", pass.summed.as_deref().unwrap_or("usize"))).collect();
    let mut text = format!("let ({}) = ({});\n", names.join(", "), zeros.join(", "));
    text.push_str(&format!("for {element} in {} {{\n", file.on_one_line(file.range(run.walked))));
    let mut open: Option<String> = None;
    for pass in &run.all {
        let condition = condition(file, pass, &element)?;
        if open != condition {
            text.push_str(if open.is_some() { "    }\n" } else { "" });
            text.push_str(&condition.as_ref().map(|c| format!("    if {c} {{\n")).unwrap_or_default());
            open = condition;
        }
        let indent = if open.is_some() { "        " } else { "    " };
        text.push_str(&format!("{indent}{} += {};\n", pass.name, added(file, pass, &element)?));
    }
    text.push_str(if open.is_some() { "    }\n}" } else { "}" });
    let shown = file.text_of(run.list);
    let family = if run.by == "iter" { &std_types::COUNTED } else { &std_types::MAP };
    Ok(Draft {
        title: format!("walk {shown} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), Template::new(file, run.site).text(text).edits())],
        preconditions: vec![
            holds("no pass needs what another came to, and nothing stands between them"),
            holds(
                "the closures compute values of fields by comparing and adding, and at most one of them may overflow",
            ),
            std_types::is_one(file, file.range(run.list), family),
            borrow("what is summed can be added to the integer"),
        ],
        ..Draft::default()
    })
}

/// A name for the element: that of the first closure, if it means nothing else in the others.
fn element(file: &SourceFile, run: &Passes<'_>) -> String {
    let steps = || run.all.iter().flat_map(|pass| pass.steps());
    let first = steps().next().map(|step| step.name.to_string());
    let is_free = |name: &String| {
        steps().all(|step| step.name == name || !mentions(step.body, name))
            && !mentions(run.walked, name)
            && run.all.iter().all(|pass| pass.name != name)
    };
    let base = place::base_name(file.text_of(run.list));
    let fresh =
        || place::fresh_name(file, run.site, base.strip_suffix('s').filter(|n| n.len() > 1).unwrap_or("element"));
    first.filter(is_free).unwrap_or_else(fresh)
}

/// The filters of a pass as one condition.
fn condition(file: &SourceFile, pass: &Pass<'_>, element: &str) -> Result<Option<String>, String> {
    let mut all = Vec::new();
    for filter in &pass.filters {
        let text = on_one_line(filter.renamed(file, element).ok_or_else(odd)?)?;
        let binds_less = matches!(filter.body, syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Or(_)));
        all.push(if binds_less && pass.filters.len() > 1 { format!("({text})") } else { text });
    }
    Ok((!all.is_empty()).then(|| all.join(" && ")))
}

/// What a pass adds for an element.
fn added(file: &SourceFile, pass: &Pass<'_>, element: &str) -> Result<String, String> {
    match (&pass.summed, &pass.mapped) {
        (None, _) => Ok("1".to_owned()),
        (Some(_), None) => Ok(element.to_owned()),
        (Some(_), Some(step)) => on_one_line(step.renamed(file, element).ok_or_else(odd)?),
    }
}

fn odd() -> String {
    "a closure uses its parameter in a way that tells one reference from two".to_owned()
}

fn on_one_line(text: String) -> Result<String, String> {
    if text.contains('\n') { Err("a closure spans lines".to_owned()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "two-passes";

    #[test]
    fn one_walk_serves_all_passes() {
        check(
            RULE,
            "fn f(orders: &[Order], limit: u64) -> (usize, u64) {
    // The large ones.
    let large = orders.iter().filter(|o| o.cents > limit).count();
    let total: u64 = orders
        .iter()
        .filter(|o| o.cents > limit)
        .map(|o| o.cents)
        .sum();
    let open = orders.iter().filter(|p| p.open || p.fresh).filter(|p| !p.gone).count(); // open
    (large + open, total)
}
",
            "fn f(orders: &[Order], limit: u64) -> (usize, u64) {
    // The large ones.
    let (mut large, mut total, mut open) = (0usize, 0u64, 0usize);
    for o in orders.iter() {
        if o.cents > limit {
            large += 1;
            total += o.cents;
        }
        if (o.open || o.fresh) && !o.gone {
            open += 1;
        }
    } // open
    (large + open, total)
}
",
        );
    }

    #[test]
    fn references_of_the_parameters_are_counted() {
        check(
            RULE,
            "fn f(xs: &[u64], x: u64) -> u64 {
    let a = xs.iter().filter(|&&n| n as u8 > 3).count();
    let b = xs.iter().filter(|m| **m > x && m.is_positive()).count();
    let c: u64 = xs.iter().map(|&n| n * 2).sum();
    let d = xs.iter().sum::<u64>();
    a as u64 + b as u64 + c + d
}
",
            "fn f(xs: &[u64], x: u64) -> u64 {
    let (mut a, mut b, mut c, mut d) = (0usize, 0usize, 0u64, 0u64);
    for n in xs.iter() {
        if *n as u8 > 3 {
            a += 1;
        }
        if *n > x && n.is_positive() {
            b += 1;
        }
        c += *n * 2;
        d += n;
    }
    a as u64 + b as u64 + c + d
}
",
        );
    }

    #[test]
    fn a_name_that_another_closure_captures_is_not_taken() {
        check(
            RULE,
            "fn f(rows: &[Row], o: u64) -> usize {
    let a = rows.iter().filter(|o| o.open).count();
    let b = rows.iter().filter(|r| r.cents > o).count();
    a + b
}
",
            "fn f(rows: &[Row], o: u64) -> usize {
    let (mut a, mut b) = (0usize, 0usize);
    for row in rows.iter() {
        if row.open {
            a += 1;
        }
        if row.cents > o {
            b += 1;
        }
    }
    a + b
}
",
        );
    }

    #[test]
    fn what_tells_references_apart_and_comments_between_are_refused() {
        check_refuses(
            RULE,
            "fn f(xs: &[u64], y: &u64) { let a = xs.iter().filter(|x| x > &y).count(); let b: u64 = xs.iter().sum(); g(a, b); }",
            "a closure uses its parameter in a way that tells one reference from two",
        );
        check_refuses(
            RULE,
            "fn f(xs: &[R]) {\n    let a = xs.iter().filter(|x| x.a).count();\n    // The sum.\n    let b: u64 = xs.iter().map(|x| x.b).sum();\n    g(a, b);\n}\n",
            "the comment \"// The sum.\" would be lost (line 3)",
        );
    }
}
