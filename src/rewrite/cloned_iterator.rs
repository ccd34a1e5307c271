//! An iterator over copies in; one over references, with copies of what is kept, out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::cloned::cloned;
use crate::source::{self, SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("cloned-iterator"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let body = source::function_body(file, finding.range).ok_or("the copies are made outside of a function")?;
    let all = cloned(file, body);
    let found = all.iter().find(|c| c.site == finding.range).ok_or("the elements are no longer copied there")?;
    let (range, instead) = found.copy;
    // The line of a call that goes, goes with it.
    let text = file.slice(range);
    if !lexer::comments(text).is_empty() {
        return Err("a comment stands inside the copy".to_owned());
    }
    let mut edits = vec![TextEdit { range, text: instead.to_owned() }];
    let clone = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    // A copy on a line of its own stands so behind the step, too.
    let later = if text.trim() == ".cloned()" { text } else { ".cloned()" };
    edits.extend(found.later.map(|at| clone(at, later)));
    edits.extend(found.moved.iter().map(|place| clone(place.end, ".clone()")));
    let source = file.range(found.source);
    let shown = file.on_one_line(source);
    Ok(Draft {
        title: format!("look at the elements of {shown} instead of copies in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the steps only look at the elements, up to where a copy is kept"),
            probe(
                file,
                format!("cloning the elements of `{shown}` copies plain data"),
                source,
                ProbeQuestion::PlainClone,
            ),
            borrow(format!("`{shown}` may be borrowed for the walk, and no step takes its elements")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "cloned-iterator";

    #[test]
    fn the_elements_are_looked_at_where_they_stand() {
        check(
            RULE,
            "fn f(xs: &[X], prefix: &str) -> usize {\n    xs.iter()\n        .cloned()\n        .filter(|x| x.name.starts_with(prefix)) // ours\n        .map(|x| x.tags.len())\n        .sum()\n}\n",
            "fn f(xs: &[X], prefix: &str) -> usize {\n    xs.iter()\n        .filter(|x| x.name.starts_with(prefix)) // ours\n        .map(|x| x.tags.len())\n        .sum()\n}\n",
        );
        check(
            RULE,
            "struct X {\n    name: String,\n}\nfn f(xs: &Vec<X>) -> Vec<String> {\n    xs.clone().into_iter().filter(|x| x.is_due()).map(|x| x.name).collect()\n}\n",
            "struct X {\n    name: String,\n}\nfn f(xs: &Vec<X>) -> Vec<String> {\n    xs.iter().filter(|x| x.is_due()).map(|x| x.name.clone()).collect()\n}\n",
        );
    }

    #[test]
    fn what_is_kept_is_copied_in_the_end() {
        check(
            RULE,
            "fn f(xs: &[X]) -> Vec<X> {\n    xs.iter().cloned().filter(|x| x.is_due()).collect()\n}\n",
            "fn f(xs: &[X]) -> Vec<X> {\n    xs.iter().filter(|x| x.is_due()).cloned().collect()\n}\n",
        );
        check(
            RULE,
            "fn f(xs: &[X]) -> Vec<X> {\n    xs.iter()\n        .cloned()\n        .filter(|x| x.is_due())\n        .collect()\n}\n",
            "fn f(xs: &[X]) -> Vec<X> {\n    xs.iter()\n        .filter(|x| x.is_due())\n        .cloned()\n        .collect()\n}\n",
        );
        check(
            RULE,
            "fn f(xs: &[X]) -> Option<X> {\n    xs.iter().cloned().find(|x| x.id == 3)\n}\n",
            "fn f(xs: &[X]) -> Option<X> {\n    xs.iter().find(|x| x.id == 3).cloned()\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[X]) -> usize { xs.iter() /* all */ .cloned().filter(|x| x.is_due()).count() }",
            "a comment stands inside the copy",
        );
    }
}
