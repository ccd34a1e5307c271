//! What each round of a loop makes anew in; the same made once before the loop out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// Files opened for appending.
pub const OF_FILES: Recipe = Recipe { rule: RuleId("open-in-loop"), derive: file };

/// Runtimes and clients.
pub const OF_RUNTIMES: Recipe = Recipe { rule: RuleId("runtime-in-loop"), derive: runtime };

fn file(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let mut draft = moved(files, finding, "open")?;
    draft.obligations = vec![
        "the file is opened, and created, even where there is no round".to_owned(),
        "who moves the file away meanwhile takes the rest of the lines with it".to_owned(),
    ];
    Ok(draft)
}

fn runtime(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let mut draft = moved(files, finding, "build")?;
    draft.obligations = vec![
        "it is built even where there is no round".to_owned(),
        "what a round leaves running on it, or open in it, goes on in the next".to_owned(),
    ];
    Ok(draft)
}

fn moved(files: &[SourceFile], finding: &Finding, verb: &str) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, before) = (file.slice(captured("name")?), captured("before")?);
    let text = file.slice(finding.range);
    if !lexer::comments(text).is_empty() || text.contains('\n') {
        return Err("the `let` spans lines, or a comment stands in it".to_owned());
    }
    let mut edits = place::insert_before(file, before, text);
    edits.push(TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() });
    if finding.capture("followed").is_some() {
        edits.extend(place::insert_after(file, before, &format!("drop({name});")));
    }
    Ok(Draft {
        title: format!("{verb} {name} once for the loop of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("it is made of nothing that the loop binds or changes"),
            holds(format!("`{name}` is only lent in the round, and its name is free around the loop")),
            borrow("it may live as long as the loop"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    #[test]
    fn the_file_is_opened_before_the_loop() {
        let rewrite = check(
            "open-in-loop",
            "fn f(path: &Path, records: &[Record]) -> io::Result<()> {
    // All of them.
    for record in records {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, \"{record}\")?; // at once
    }
    rename(path)?;
    Ok(())
}
",
            "fn f(path: &Path, records: &[Record]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    // All of them.
    for record in records {
        writeln!(file, \"{record}\")?; // at once
    }
    drop(file);
    rename(path)?;
    Ok(())
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn the_runtime_is_built_before_the_loop() {
        check(
            "runtime-in-loop",
            "fn f(paths: &[PathBuf]) -> Vec<String> {
    let mut out = Vec::new();
    for path in paths {
        let rt = tokio::runtime::Runtime::new().expect(\"runtime\");
        out.push(rt.block_on(read(path)));
    }
    out
}
",
            "fn f(paths: &[PathBuf]) -> Vec<String> {
    let mut out = Vec::new();
    let rt = tokio::runtime::Runtime::new().expect(\"runtime\");
    for path in paths {
        out.push(rt.block_on(read(path)));
    }
    out
}
",
        );
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            "runtime-in-loop",
            "fn f(xs: &[u8]) { for x in xs { let rt = Runtime::new() /* big */ .unwrap(); rt.block_on(g(x)); } }",
            "the `let` spans lines, or a comment stands in it",
        );
    }
}
