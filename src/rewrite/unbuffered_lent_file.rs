//! A loop that writes to a bare file that it is lent in; the loop behind a buffer, flushed at its end, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types, unbuffered_writes};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("unbuffered-lent-file"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let around = finding.capture("around").ok_or("the loop is gone")?;
    let sites = finding.captures_named("site");
    let first = *sites.first().ok_or("nothing is written any more")?;
    let shown = file.on_one_line(first);
    let name = place::fresh_name(file, finding.range, &format!("{}_writer", place::base_name(&shown)));
    let lent = if finding.capture("lent").is_some() { format!("&mut *{shown}") } else { format!("&mut {shown}") };
    let mut edits = place::insert_before(file, around, &format!("let mut {name} = std::io::BufWriter::new({lent});"));
    edits.extend(sites.into_iter().map(|range| TextEdit { range, text: name.clone() }));
    edits.extend(place::insert_after(file, around, &unbuffered_writes::flush(file, around, &name)?));
    Ok(Draft {
        title: format!("buffer what is written to {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("the loop only writes to `{shown}`, and nothing else in it reaches the file")),
            std_types::is_one_at(file, first, around.start, &std_types::FILE),
            borrow("the file may be borrowed for the loop"),
        ],
        obligations: vec![
            "durability: while the loop runs, up to 8 KiB are lost if the process is killed".to_owned(),
            "where the function is left early, the error of the last write is not seen".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "unbuffered-lent-file";

    #[test]
    fn the_loop_writes_through_a_buffer() {
        let rewrite = check(
            RULE,
            "struct Journal {
    file: File,
    seq: u64,
}
impl Journal {
    fn append(&mut self, actors: &[String]) -> io::Result<u64> {
        // In order.
        for actor in actors {
            self.seq += 1;
            self.file.write_all(actor.as_bytes())?;
            writeln!(self.file, \" {}\", self.seq)?; // at once
        }
        Ok(self.seq)
    }
}
",
            "struct Journal {
    file: File,
    seq: u64,
}
impl Journal {
    fn append(&mut self, actors: &[String]) -> io::Result<u64> {
        let mut file_writer = std::io::BufWriter::new(&mut self.file);
        // In order.
        for actor in actors {
            self.seq += 1;
            file_writer.write_all(actor.as_bytes())?;
            writeln!(file_writer, \" {}\", self.seq)?; // at once
        }
        file_writer.flush()?;
        Ok(self.seq)
    }
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
        check(
            RULE,
            "fn f(out: &mut File, xs: &[S]) {\n    for x in xs {\n        out.write_all(x).unwrap();\n    }\n}\n",
            "fn f(out: &mut File, xs: &[S]) {\n    let mut out_writer = std::io::BufWriter::new(&mut *out);\n    for x in xs {\n        out_writer.write_all(x).unwrap();\n    }\n    out_writer.flush().unwrap();\n}\n",
        );
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(w: &mut File, xs: &[S]) -> R { for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
