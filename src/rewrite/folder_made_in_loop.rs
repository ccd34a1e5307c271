//! A folder that each round makes in; the folder made once before the loop out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("folder-made-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let around = finding.capture("loop").ok_or("the loop is gone")?;
    let moved: Vec<TextRange> = finding.capture("named").into_iter().chain([finding.range]).collect();
    if moved.iter().any(|range| !lexer::comments(file.slice(*range)).is_empty()) {
        return Err("a comment stands in what makes the folder".to_owned());
    }
    let texts: Vec<String> = moved.iter().map(|range| relative(file, *range)).collect();
    let mut edits = place::insert_before(file, around, &texts.join("\n"));
    edits.extend(moved.iter().map(|range| TextEdit { range: hoist::whole_lines(file, *range), text: String::new() }));
    Ok(Draft {
        title: format!("make the folder once for the loop of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the path is made of nothing that the loop binds or changes, and no round takes the folder away"),
            borrow("what names the folder may live as long as the loop"),
        ],
        obligations: vec![
            "the folder is made even where there is no round".to_owned(),
            "nobody else removes the folder while the loop runs".to_owned(),
        ],
        ..Draft::default()
    })
}

/// The text of a statement with its lines after the first relative to it, in steps of four spaces.
fn relative(file: &SourceFile, range: TextRange) -> String {
    let indent = source::indent_of(&file.text, range.start);
    let unit = source::indent_unit(&file.text, range.start);
    let line = |line: &str| {
        let mut rest = line.strip_prefix(indent).unwrap_or(line);
        let mut steps = 0;
        while let Some(inner) = rest.strip_prefix(unit.as_str()) {
            (rest, steps) = (inner, steps + 1);
        }
        format!("{}{rest}", "    ".repeat(steps))
    };
    let text = file.slice(range).replace("\r\n", "\n");
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |all, next| format!("{all}\n{}", line(next)))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "folder-made-in-loop";

    #[test]
    fn the_folder_is_made_once() {
        check(
            RULE,
            "impl Yard {
    fn write(&self, tickets: &[Ticket]) -> Result<()> {
        // All of them.
        for t in tickets {
            let dir = self.root.join(&self.name);
            if !dir.is_dir() {
                fs::create_dir_all(&dir)?;
            }
            fs::write(dir.join(&t.name), &t.text)?; // anew
        }
        Ok(())
    }
}
",
            "impl Yard {
    fn write(&self, tickets: &[Ticket]) -> Result<()> {
        let dir = self.root.join(&self.name);
        if !dir.is_dir() {
            fs::create_dir_all(&dir)?;
        }
        // All of them.
        for t in tickets {
            fs::write(dir.join(&t.name), &t.text)?; // anew
        }
        Ok(())
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_check_refuses() {
        check_refuses(
            RULE,
            "fn f(d: &Path, xs: &[X]) -> R { for x in xs { if !d.is_dir() { /* once */ fs::create_dir_all(d)?; } save(x)?; } Ok(()) }",
            "a comment stands in what makes the folder",
        );
    }
}
