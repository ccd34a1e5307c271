//! A loop that makes a buffer in each round in; the loop that clears one buffer out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, probe_at, push_format, short};
use crate::model::{Answer, AnsweredBy, Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("buffer-per-round"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, after, before) = (captured("name")?, captured("after")?, captured("before")?);
    let shown = file.slice(name);
    let made = file.slice(finding.range);
    if !lexer::comments(made).is_empty() {
        return Err("a comment stands inside the `let`".to_owned());
    }
    if let Some(arguments) = finding.capture("arguments") {
        return formatted(files, file, finding, arguments);
    }
    let mut edits = place::insert_before(file, before, made);
    if finding.capture("refilled").is_some() {
        return refilled(file, finding, edits, shown);
    }
    edits.push(TextEdit { range: finding.range, text: format!("{shown}.clear();") });
    let what = format!("`{shown}` holds plain data, so that nobody sees when its elements are dropped");
    Ok(Draft {
        title: format!("use one {shown} for all rounds in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is only filled and lent out, and means nothing else around the loop")),
            probe_at(file, what, name, after.start, ProbeQuestion::PlainClone),
            borrow(format!("nothing lent from `{shown}` outlives its round")),
        ],
        ..Draft::default()
    })
}

/// A block that each round reads into, and of which it looks at what was read.
fn refilled(file: &SourceFile, finding: &Finding, mut edits: Vec<TextEdit>, shown: &str) -> Result<Draft, String> {
    let (lines, comments) = hoist::lines_of(file, finding.range);
    if !comments.is_empty() || !hoist::stands_alone(file, finding.range) {
        return Err("a comment stands by the `let`, or other code on its line".to_owned());
    }
    edits.push(TextEdit { range: lines, text: String::new() });
    Ok(Draft {
        title: format!("read into one {shown} in all rounds of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("nothing of `{shown}` but what was read in the same round is looked at")),
            borrow(format!("nothing lent from `{shown}` outlives its round")),
        ],
        ..Draft::default()
    })
}

/// A text that each round formats goes into one buffer.
fn formatted(
    files: &[SourceFile],
    file: &SourceFile,
    finding: &Finding,
    arguments: TextRange,
) -> Result<Draft, String> {
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let shown = file.slice(captured("name")?);
    let mut edits = push_format::import(files, file, finding)?;
    edits.extend(place::insert_before(file, captured("before")?, &format!("let mut {shown} = String::new();")));
    let head = format!("{shown}.clear();\nlet _ = write!({shown}, ");
    edits.extend(Template::new(file, finding.range).text(head).keep(arguments).text(");").edits());
    Ok(Draft {
        title: format!("format {shown} into one buffer for all rounds in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), place::joined(edits))],
        preconditions: vec![
            holds(format!("`{shown}` is only lent out, and means nothing else around the loop")),
            borrow(format!("nothing lent from `{shown}` outlives its round")),
            Precondition {
                text: "no `Display` of the arguments fails or panics half-way".to_owned(),
                answered_by: AnsweredBy::Run,
                state: Answer::Open,
                probe: None,
            },
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "buffer-per-round";

    #[test]
    fn one_block_is_read_into() {
        check(
            RULE,
            "fn sum(r: &mut impl Read) -> io::Result<u64> {
    let mut sum = 0;
    loop {
        let mut buf = vec![0u8; 64 * 1024];
        let n = r.read(&mut buf)?;
        if n == 0 {
            return Ok(sum);
        }
        sum += buf[..n].iter().map(|b| u64::from(*b)).sum::<u64>(); // read
    }
}
",
            "fn sum(r: &mut impl Read) -> io::Result<u64> {
    let mut sum = 0;
    let mut buf = vec![0u8; 64 * 1024];
    loop {
        let n = r.read(&mut buf)?;
        if n == 0 {
            return Ok(sum);
        }
        sum += buf[..n].iter().map(|b| u64::from(*b)).sum::<u64>(); // read
    }
}
",
        );
    }

    #[test]
    fn a_text_is_formatted_into_one_buffer() {
        check(
            RULE,
            "fn f(tokens: &[&str], vocab: &Map) -> u64 {
    let mut total = 0;
    for pair in tokens.windows(2) {
        // By both.
        let key = format!(\"{}_{}\", pair[0], pair[1]); // key
        if let Some(n) = vocab.get(&key) {
            total += n;
        }
    }
    total
}
",
            "fn f(tokens: &[&str], vocab: &Map) -> u64 {
    use std::fmt::Write as _;
    let mut total = 0;
    let mut key = String::new();
    for pair in tokens.windows(2) {
        // By both.
        key.clear();
        let _ = write!(key, \"{}_{}\", pair[0], pair[1]); // key
        if let Some(n) = vocab.get(&key) {
            total += n;
        }
    }
    total
}
",
        );
    }

    #[test]
    fn one_buffer_serves_all_rounds() {
        check(
            RULE,
            "fn f(rows: &[Row], out: &mut Out) -> io::Result<()> {
    // Every row on a line.
    for row in rows {
        let mut line = String::new(); // reused
        if row.is_empty() {
            continue;
        }
        render(row, &mut line);
        out.put(&line)?;
    }
    Ok(())
}
",
            "fn f(rows: &[Row], out: &mut Out) -> io::Result<()> {
    let mut line = String::new();
    // Every row on a line.
    for row in rows {
        line.clear(); // reused
        if row.is_empty() {
            continue;
        }
        render(row, &mut line);
        out.put(&line)?;
    }
    Ok(())
}
",
        );
        check(
            RULE,
            "fn f() {
    'all: while more() {
        let mut bytes: Vec<u8> = Vec::with_capacity(512);
        read(&mut bytes);
        if bytes.is_empty() {
            break 'all;
        }
    }
}
",
            "fn f() {
    let mut bytes: Vec<u8> = Vec::with_capacity(512);
    'all: while more() {
        bytes.clear();
        read(&mut bytes);
        if bytes.is_empty() {
            break 'all;
        }
    }
}
",
        );
    }

    #[test]
    fn a_comment_inside_the_let_is_not_doubled_or_lost() {
        check_refuses(
            RULE,
            "fn f() { loop { let mut s = String::new(/* small */); r(&mut s); g(&s); } }",
            "a comment stands inside the `let`",
        );
    }
}
