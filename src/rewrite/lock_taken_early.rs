//! A guard that is taken before slow work in; the guard taken after it out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, calm, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("lock-taken-early"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (lock, name, first) = (captured("lock")?, captured("name")?, captured("first")?);
    let text = file.slice(finding.range);
    if !lexer::comments(text).is_empty() || text.contains('\n') {
        return Err("the `let` spans lines, or a comment stands in it".to_owned());
    }
    let calls = finding.captures_named("call").into_iter().map(|range| file.slice(range));
    for call in calls {
        if !calm::is_unnoticed(files, call) {
            return Err(format!("`{call}` may do more than compute, as far as its source shows"));
        }
    }
    let mut edits = place::insert_before(file, first, text);
    edits.push(TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() });
    let shown = file.on_one_line(lock);
    Ok(Draft {
        title: format!("lock {shown} after the slow part of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{}` is not used before the slow work is done", file.slice(name))),
            std_types::is_one(file, lock, &std_types::LOCK),
            borrow("the lock can be taken later"),
        ],
        obligations: vec![
            "lock scope: the slow work runs without the lock, and several threads may do it at once".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "lock-taken-early";

    #[test]
    fn the_lock_is_taken_where_it_is_needed() {
        let rewrite = check(
            RULE,
            "fn load(pages: &Mutex<Pages>, path: &Path) -> io::Result<()> {
    let mut pages = pages.lock().unwrap();
    // Of the disk.
    let text = std::fs::read_to_string(path)?;
    // Under its path.
    pages.insert(path, text); // whole
    Ok(())
}
",
            "fn load(pages: &Mutex<Pages>, path: &Path) -> io::Result<()> {
    // Of the disk.
    let text = std::fs::read_to_string(path)?;
    let mut pages = pages.lock().unwrap();
    // Under its path.
    pages.insert(path, text); // whole
    Ok(())
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &Mutex<M>) -> R { let mut g = m /* all */ .lock().unwrap(); let t = std::fs::read(P)?; g.push(t); Ok(()) }",
            "the `let` spans lines, or a comment stands in it",
        );
    }
}
