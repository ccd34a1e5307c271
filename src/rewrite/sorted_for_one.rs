//! A list sorted for one element in; the search for that element out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("sorted-for-one"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, asked, method) = (captured("list")?, captured("asked")?, captured("method")?);
    let (lines, comments) = hoist::lines_of(file, finding.range);
    let is_alone = hoist::stands_alone(file, finding.range);
    if !comments.is_empty() || !is_alone || !lexer::comments(file.slice(asked)).is_empty() {
        return Err("a comment stands by the sort, or other code on its line".to_owned());
    }
    let walked = if finding.capture("iter").is_some() { "iter" } else { "into_iter" };
    let found = if finding.capture("least").is_some() { "min" } else { "max" };
    let by = finding.capture("by").map_or("", |by| file.slice(by));
    let suffix = match file.slice(method) {
        "sort" | "sort_unstable" => "",
        name if name.ends_with("_key") => "_by_key",
        _ => "_by",
    };
    let shown = file.slice(list);
    let got = match (finding.capture("tried"), finding.capture("unwrapped")) {
        (Some(_), _) => "?",
        (None, Some(_)) => ".unwrap()",
        (None, None) => "",
    };
    // An index names the element itself, a search gives a reference to it.
    let behind = if finding.capture("whole").is_some() { "*" } else { "" };
    let mut edits = vec![
        TextEdit { range: lines, text: String::new() },
        TextEdit { range: asked, text: format!("{behind}{shown}.{walked}().{found}{suffix}({by}){got}") },
    ];
    if let Some((pattern, name)) = finding.capture("mut").zip(finding.capture("name")) {
        edits.push(TextEdit { range: TextRange { start: pattern.start, end: name.start }, text: String::new() });
    }
    Ok(Draft {
        title: format!("look for one element of {shown} instead of sorting it in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is a local, and nothing but that element of it is used after the sort")),
            holds("the comparison only computes from the elements"),
            std_types::is_one(file, list, &std_types::SLICE),
            borrow("the comparison takes what the search hands it"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "sorted-for-one";

    #[test]
    fn the_element_is_looked_for() {
        let rewrite = check(
            RULE,
            "fn f(xs: &[B]) -> Option<u16> {
    let mut free = Vec::new();
    for x in xs {
        free.push((x.at, x.n));
    }
    free.sort_unstable();
    // The lower number wins.
    let (_, n) = free.first()?;
    Some(*n)
}
",
            "fn f(xs: &[B]) -> Option<u16> {
    let mut free = Vec::new();
    for x in xs {
        free.push((x.at, x.n));
    }
    // The lower number wins.
    let (_, n) = free.iter().min()?;
    Some(*n)
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (0, 4));
        check(
            RULE,
            "fn f(xs: &[P]) -> Option<P> {\n    let mut v: Vec<P> = xs.to_vec();\n    v.sort_by_key(|p| p.n);\n    v.into_iter().next()\n}\n",
            "fn f(xs: &[P]) -> Option<P> {\n    let v: Vec<P> = xs.to_vec();\n    v.into_iter().min_by_key(|p| p.n)\n}\n",
        );
        check(
            RULE,
            "fn f(xs: &[P]) -> Option<P> {\n    let mut v = xs.to_vec();\n    v.sort_by(|a, b| a.n.cmp(&b.n));\n    v.pop()\n}\n",
            "fn f(xs: &[P]) -> Option<P> {\n    let v = xs.to_vec();\n    v.into_iter().max_by(|a, b| a.n.cmp(&b.n))\n}\n",
        );
    }

    #[test]
    fn an_element_asked_for_by_its_index_is_looked_for() {
        check(
            RULE,
            "fn f(xs: &[P]) -> Option<u8> {
    let mut free: Vec<&P> = xs.iter().filter(|p| p.on).collect();
    if free.is_empty() {
        return None;
    }
    free.sort_by(|a, b| a.n.cmp(&b.n).then(a.id.cmp(&b.id)));
    let best = free[0];
    Some(best.id)
}
",
            "fn f(xs: &[P]) -> Option<u8> {
    let free: Vec<&P> = xs.iter().filter(|p| p.on).collect();
    if free.is_empty() {
        return None;
    }
    let best = *free.iter().min_by(|a, b| a.n.cmp(&b.n).then(a.id.cmp(&b.id)))?;
    Some(best.id)
}
",
        );
        check(
            RULE,
            "fn f(xs: &[P]) -> u8 {\n    let mut v = xs.to_vec();\n    v.sort_by_key(|p| p.n);\n    v[v.len() - 1].id\n}\n",
            "fn f(xs: &[P]) -> u8 {\n    let v = xs.to_vec();\n    v.iter().max_by_key(|p| p.n).unwrap().id\n}\n",
        );
    }

    #[test]
    fn a_comment_by_the_sort_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[u8]) -> Option<u8> {\n    let mut v = xs.to_vec();\n    v.sort(); // up\n    v.first().copied()\n}\n",
            "a comment stands by the sort, or other code on its line",
        );
    }
}
