//! A vector that is walked once in; the walk without the vector out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("collect-then-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (chain, root, walked) = (captured("chain")?, captured("root")?, captured("walked")?);
    if !lexer::comments(file.slice(finding.range)).is_empty() {
        return Err("a comment stands inside the `let`".to_owned());
    }
    let count = match () {
        () if finding.capture("counted").is_some() => ".count()",
        () if finding.capture("asked").is_some() => ".next().is_none()",
        () => "",
    };
    let mut edits = if finding.capture("at-once").is_some() {
        Template::new(file, walked).keep(chain).text(count).edits()
    } else {
        vec![
            TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() },
            TextEdit { range: walked, text: format!("{}{count}", file.on_one_line(chain)) },
        ]
    };
    let stars = finding.captures.iter().filter(|(name, _)| *name == "star");
    edits.extend(stars.map(|(_, range)| TextEdit { range: *range, text: String::new() }));
    let mut preconditions = vec![
        holds("the vector is walked once, and nothing else looks at it or changes what it was made of before"),
        holds("the closures look at their elements and do nothing else"),
        std_types::is_one(file, root, &std_types::WALKED),
    ];
    if file.slice(chain).contains("cloned") {
        let what = format!("cloning the elements of `{}` copies plain data", file.on_one_line(root));
        preconditions.push(probe(file, what, root, ProbeQuestion::PlainClone));
    }
    preconditions
        .push(borrow("nothing changes what is walked meanwhile, and the elements are told from the chain alone"));
    Ok(Draft {
        title: format!("walk {} without a vector in {}", file.on_one_line(root), short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "collect-then-loop";

    #[test]
    fn a_loop_over_references_takes_the_elements_themselves() {
        check(
            RULE,
            "fn f(lines: &[Line]) -> u64 {
    let values: Vec<u64> = lines.iter().filter(|l| l.qty > 0).map(|l| l.cents * 2).collect();
    let mut total = 0;
    for v in values.iter() {
        total += *v;
    }
    total
}
",
            "fn f(lines: &[Line]) -> u64 {
    let mut total = 0;
    for v in lines.iter().filter(|l| l.qty > 0).map(|l| l.cents * 2) {
        total += v;
    }
    total
}
",
        );
    }

    #[test]
    fn a_vector_without_a_name_is_left_out_as_well() {
        check(
            RULE,
            "fn f(entries: &[Entry], out: &mut Vec<i64>) {
    out.extend(entries.iter().map(|e| e.cents).collect::<Vec<_>>()); // all
}
",
            "fn f(entries: &[Entry], out: &mut Vec<i64>) {
    out.extend(entries.iter().map(|e| e.cents)); // all
}
",
        );
        check(
            RULE,
            "fn f(entries: &[Entry]) -> usize {
    entries.iter().filter(|e| e.is_open).collect::<Vec<_>>().len()
}
",
            "fn f(entries: &[Entry]) -> usize {
    entries.iter().filter(|e| e.is_open).count()
}
",
        );
    }

    #[test]
    fn the_loop_walks_the_chain() {
        check(
            RULE,
            "fn f(entries: &[Entry]) {
    let cents: Vec<i64> = entries.iter().filter(|e| e.is_open).map(|e| e.cents).collect();
    // One by one.
    for c in cents {
        add(c);
    }
}
",
            "fn f(entries: &[Entry]) {
    // One by one.
    for c in entries.iter().filter(|e| e.is_open).map(|e| e.cents) {
        add(c);
    }
}
",
        );
    }

    #[test]
    fn a_length_is_counted() {
        check(
            RULE,
            "fn f(text: &str) -> usize {
    let parts = text.split(',').collect::<Vec<&str>>();
    parts.len() + 1
}
",
            "fn f(text: &str) -> usize {
    text.split(',').count() + 1
}
",
        );
    }

    #[test]
    fn a_comment_in_the_chain_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter() /* all */ .map(|x| x.a).collect(); for n in a { g(n); } }",
            "a comment stands inside the `let`",
        );
    }
}
