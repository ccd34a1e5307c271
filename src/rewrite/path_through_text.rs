//! A path that is turned into a text only to be a path again in; the path itself out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("path-through-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let path = finding.capture("path").ok_or("the finding has no \"path\"")?;
    if !lexer::comments(file.slice(finding.range)).is_empty() || !hoist::stands_alone(file, finding.range) {
        return Err("a comment stands in the `let`, or other code on its line".to_owned());
    }
    let shown = file.on_one_line(path);
    let mut edits = vec![TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() }];
    for range in finding.captures_named("lent") {
        // What is asked of the path is asked of a reference to it as well; what is given away is one.
        let is_asked = file.text[range.end as usize..].trim_start().starts_with('.');
        let text = if is_asked { shown.clone() } else { format!("std::path::Path::new(&{shown})") };
        edits.push(TextEdit { range, text });
    }
    let owned = finding.captures_named("owned").into_iter();
    edits.extend(owned.map(|range| TextEdit { range, text: format!("{shown}.to_path_buf()") }));
    Ok(Draft {
        title: format!("look at the path itself in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is used for nothing but to be a path again"),
            std_types::is_one(file, path, &std_types::PATH),
            borrow("the path may be looked at where its text was"),
        ],
        obligations: vec!["a path that is no Unicode stays as it is".to_owned()],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "path-through-text";

    #[test]
    fn the_path_is_looked_at() {
        let rewrite = check(
            RULE,
            "fn f(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut taken = Vec::new();
    for p in paths {
        let text = p.to_string_lossy().into_owned();
        // Notes.
        if Path::new(&text).extension().is_some_and(|e| e == \"md\") {
            taken.push(PathBuf::from(text));
        }
    }
    taken
}
",
            "fn f(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut taken = Vec::new();
    for p in paths {
        // Notes.
        if p.extension().is_some_and(|e| e == \"md\") {
            taken.push(p.to_path_buf());
        }
    }
    taken
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
    }

    #[test]
    fn a_comment_by_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(p: &Path) -> PathBuf {\n    let text = p.display().to_string(); // shown\n    PathBuf::from(text)\n}\n",
            "a comment stands in the `let`, or other code on its line",
        );
    }
}
