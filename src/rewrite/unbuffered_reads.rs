//! A bare file that a loop reads from in; the file behind a buffer out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("unbuffered-reads"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, opened, next) = (captured("name")?, captured("file")?, captured("next")?);
    let shown = file.slice(name);
    let edits = Template::new(file, opened).text("std::io::BufReader::new(").keep(opened).text(")").edits();
    Ok(Draft {
        title: format!("buffer what is read from {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is only read, and by nobody else while it is open")),
            std_types::is_one_at(file, name, next.start, &std_types::FILE),
            borrow("a buffered reader does wherever the file did"),
        ],
        obligations: vec![
            "reading ahead: the file is a plain one, not a pipe or a terminal whose other end waits for each read"
                .to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "unbuffered-reads";

    #[test]
    fn reads_go_through_a_buffer() {
        let rewrite = check(
            RULE,
            "fn f(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?; // of today
    let mut sum = 0;
    for byte in file.bytes() {
        sum += u64::from(byte?);
    }
    Ok(sum)
}
",
            "fn f(path: &Path) -> io::Result<u64> {
    let mut file = std::io::BufReader::new(File::open(path)?); // of today
    let mut sum = 0;
    for byte in file.bytes() {
        sum += u64::from(byte?);
    }
    Ok(sum)
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(p: &Path) -> R { let mut r = File::open(p)?; for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
