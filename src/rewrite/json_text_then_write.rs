//! A JSON text that is only written in; the value written to the writer out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("json-text-then-write"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (value, writer) = (captured("value")?, captured("writer")?);
    let shown = file.on_one_line(writer);
    let function = if finding.capture("pretty").is_some() { "to_writer_pretty" } else { "to_writer" };
    let end = finding.capture("end").map(|range| file.on_one_line(range)).unwrap_or_default();
    let line = match finding.capture("line") {
        Some(_) => format!("\n{shown}.write_all(b\"\\n\"){end};"),
        None => String::new(),
    };
    let returned = if finding.capture("returned").is_some() { "\nOk(())" } else { "" };
    let new = Template::new(file, finding.range)
        .text(format!("serde_json::{function}({shown}.by_ref(), "))
        .keep(value)
        .text(format!("){end};{line}{returned}"));
    Ok(Draft {
        title: format!("serialise straight into {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.edits())],
        preconditions: vec![
            holds("the text is used for nothing else, and both failures are treated alike"),
            std_types::is_one(file, writer, &std_types::BUFFERED),
            borrow("an error of serde_json becomes the error of the function, as that of the writer did"),
        ],
        obligations: vec![
            "where serialising fails half-way, what came before it is already written".to_owned(),
            "an error of the writer arrives as an error of serde_json".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "json-text-then-write";

    #[test]
    fn the_value_goes_to_the_writer() {
        let rewrite = check(
            RULE,
            "fn f(out: &mut BufWriter<File>, answer: &Answer) -> Result<(), Failure> {
    // As it is.
    let text = serde_json::to_string(answer)?;
    out.write_all(text.as_bytes())?; // once
    Ok(())
}
",
            "fn f(out: &mut BufWriter<File>, answer: &Answer) -> Result<(), Failure> {
    // As it is.
    serde_json::to_writer(out.by_ref(), answer)?; // once
    Ok(())
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_line_gets_its_end() {
        check(
            RULE,
            "fn f(log: &mut Log, x: &X) {
    writeln!(log.out, \"{}\", serde_json::to_string_pretty(&x.all).unwrap()).unwrap();
}
",
            "fn f(log: &mut Log, x: &X) {
    serde_json::to_writer_pretty(log.out.by_ref(), &x.all).unwrap();
    log.out.write_all(b\"\\n\").unwrap();
}
",
        );
    }

    #[test]
    fn a_comment_between_the_two_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(w: &mut W, x: &X) -> R { let s = serde_json::to_string(x)?; /* signed? */ w.write_all(s.as_bytes())?; Ok(()) }",
            "the comment \"/* signed? */\" would be lost (line 1)",
        );
    }
}
