//! A search that copies each better one in; a search that keeps a reference and copies the best out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("clone-of-best"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, given) = (captured("name")?, captured("given")?);
    let insert = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    let uncopied = |copied: TextRange, copy: TextRange| TextEdit {
        range: TextRange { start: copied.end, end: copy.end },
        text: String::new(),
    };
    let (copied, copies) = (finding.captures_named("copied"), finding.captures_named("copy"));
    let mut edits: Vec<TextEdit> = copied.iter().zip(&copies).map(|(of, whole)| uncopied(*of, *whole)).collect();
    let back = match (finding.capture("first"), finding.capture("first copy")) {
        (Some(first), Some(copy)) => {
            edits.push(insert(first.start, "&"));
            edits.push(uncopied(first, copy));
            ".clone()"
        }
        _ => ".cloned()",
    };
    edits.extend(finding.capture("type").map(|ty| insert(ty.start, "&")));
    edits.push(insert(given.end, back));
    let element = *copied.first().ok_or("nothing is copied any more")?;
    let (shown, name) = (file.slice(element), file.slice(name));
    Ok(Draft {
        title: format!("copy {name} once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{name}` is only looked at until the loop has ended, and handed on once")),
            probe(file, format!("cloning `{shown}` copies plain data"), element, ProbeQuestion::PlainClone),
            borrow("the list may be borrowed until the best is known"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "clone-of-best";

    #[test]
    fn the_best_is_copied_once() {
        check(
            RULE,
            "fn best(hits: &[Hit]) -> Option<Hit> {
    let mut best: Option<Hit> = None; // so far
    for hit in hits {
        let better = match &best {
            Some(b) => hit.score > b.score,
            None => true,
        };
        if better {
            best = Some(hit.clone());
        }
    }
    best
}
",
            "fn best(hits: &[Hit]) -> Option<Hit> {
    let mut best: Option<&Hit> = None; // so far
    for hit in hits {
        let better = match &best {
            Some(b) => hit.score > b.score,
            None => true,
        };
        if better {
            best = Some(hit);
        }
    }
    best.cloned()
}
",
        );
        check(
            RULE,
            "fn best(hits: &[Hit]) -> Hit {
    let mut best = hits[0].clone();
    for hit in hits {
        if hit.score > best.score {
            best = hit.clone();
        }
    }
    best
}
",
            "fn best(hits: &[Hit]) -> Hit {
    let mut best = &hits[0];
    for hit in hits {
        if hit.score > best.score {
            best = hit;
        }
    }
    best.clone()
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(hits: &[Hit]) -> Option<Hit> { let mut best = None; for hit in hits { best = Some(hit/* now */.clone()); } best }",
            "the comment \"/* now */\" would be lost (line 1)",
        );
    }
}
