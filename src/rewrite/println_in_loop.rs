//! A loop that prints line by line in; the loop behind one locked and buffered handle out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("println-in-loop"), derive };

const FAILS: &str = ".expect(\"standard output takes what is printed\");";

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let around = finding.capture("loop").ok_or("the finding has no \"loop\"")?;
    place::require_std(files, file).map_err(|_| "the crate is `no_std`".to_owned())?;
    let out = place::fresh_name(file, finding.range, "out");
    let made = format!("let mut {out} = std::io::BufWriter::new(std::io::stdout().lock());");
    let mut edits = place::insert_before(file, around, &made);
    let prints = finding.captures.iter().filter(|(n, _)| *n == "line" || *n == "text");
    let arguments = finding.captures.iter().filter(|(n, _)| *n == "arguments");
    for ((kind, whole), (_, arguments)) in prints.zip(arguments) {
        edits.extend(print(file, &out, *kind == "line", *whole, *arguments)?);
    }
    edits.extend(place::insert_after(file, around, &format!("std::io::Write::flush(&mut {out}){FAILS}")));
    edits.extend(place::insert_after(file, around, &format!("drop({out});")));
    Ok(Draft {
        title: format!("print the loop of {} through a buffer", short(&finding.function)),
        edits: vec![(file.path.clone(), place::joined(edits))],
        preconditions: vec![
            holds("the rounds call nothing that may print, wait or end the process"),
            borrow("standard output may be locked for the loop"),
        ],
        obligations: vec![
            "the lines arrive in blocks and at the end of the loop: nobody waits for each of them".to_owned(),
            "other threads wait for the loop before they print".to_owned(),
        ],
        ..Draft::default()
    })
}

/// `println!("{x}")` as a write of `"{x}\n"`.
fn print(
    file: &SourceFile,
    out: &str,
    is_line: bool,
    whole: TextRange,
    arguments: TextRange,
) -> Result<Vec<TextEdit>, String> {
    let head = TextRange { start: whole.start, end: arguments.start };
    let tail = TextRange { start: arguments.end, end: whole.end };
    let open = format!("std::io::Write::write_fmt(&mut {out}, format_args!(");
    let mut edits = vec![TextEdit { range: tail, text: format!(")){FAILS}") }];
    let literal = lexer::tokens(file.slice(arguments)).into_iter().find(|t| !t.is_comment());
    match literal {
        None if is_line => edits.push(TextEdit { range: head, text: format!("{open}\"\\n\"") }),
        None => return Err("there is nothing to print".to_owned()),
        Some(token) => {
            edits.push(TextEdit { range: head, text: open });
            // Before the quote that closes the format.
            let at = arguments.start + token.range.end - 1;
            if is_line {
                edits.push(TextEdit { range: TextRange { start: at, end: at }, text: "\\n".to_owned() });
            }
        }
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "println-in-loop";

    #[test]
    fn the_loop_prints_through_one_buffer() {
        let rewrite = check(
            RULE,
            "fn f(rows: &[Row]) {
    // All of them.
    for row in rows {
        print!(\"{}: \", row.sku /* first */);
        println!(\"{:>5}\", row.price); // minor units
        println!();
    }
    done();
}
",
            "fn f(rows: &[Row]) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    // All of them.
    for row in rows {
        std::io::Write::write_fmt(&mut out, format_args!(\"{}: \", row.sku /* first */)).expect(\"standard output takes what is printed\");
        std::io::Write::write_fmt(&mut out, format_args!(\"{:>5}\\n\", row.price)).expect(\"standard output takes what is printed\"); // minor units
        std::io::Write::write_fmt(&mut out, format_args!(\"\\n\")).expect(\"standard output takes what is printed\");
    }
    std::io::Write::flush(&mut out).expect(\"standard output takes what is printed\");
    drop(out);
    done();
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_crate_without_std_refuses() {
        check_refuses(
            RULE,
            "#![no_std] fn f(xs: &[u8]) { for x in xs { println!(\"{x}\"); } }",
            "the crate is `no_std`",
        );
    }
}
