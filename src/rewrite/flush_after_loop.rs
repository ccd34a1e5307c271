//! A loop that flushes in each round in; the loop with one flush after it out.

use super::{Draft, Recipe, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::names::{bound_by, mentions, root};
use crate::source::writers::loop_flushes;
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("flush-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = loop_flushes(file);
    let found = all
        .iter()
        .find(|found| file.range(found.flush.stmt) == finding.range)
        .ok_or("the flush is no longer where it was found")?;
    let mut bound = bound_by(&found.around.pat);
    for stmt in &found.around.body.stmts {
        if let syn::Stmt::Local(local) = stmt {
            bound.extend(bound_by(&local.pat));
        }
    }
    if let Some(name) = bound.iter().find(|name| mentions(found.flush.stmt, name)) {
        return Err(format!("the flush speaks of `{name}`, which the loop binds"));
    }
    let place = root(found.flush.place).map(ToString::to_string).unwrap_or_default();
    Ok(Draft {
        title: format!("flush once after the loop of {}", short(&finding.function)),
        edits: vec![(finding.file.clone(), moved(file, file.range(found.around), finding.range))],
        touched: vec![finding.function.clone()],
        preconditions: vec![
            holds(format!("`{place}` outlives the loop and is known to be a buffered writer, not a socket or a pipe")),
            holds("the loop waits for nobody who may wait for its lines"),
        ],
        obligations: vec![
            "durability: while the loop runs, up to 8 KiB of its lines are lost if the process is killed".to_string(),
            "if the loop returns early, what it wrote stays in the buffer until the next flush or the drop".to_string(),
        ],
        hunks_independent: false,
    })
}

/// The edits that move a statement of a loop behind it.
pub(super) fn moved(file: &SourceFile, around: TextRange, flush: TextRange) -> Vec<TextEdit> {
    let after = TextRange { start: around.end, end: around.end };
    let mut edits = Template::new(file, after).text(format!("\n{}", file.slice(flush))).edits();
    edits.push(TextEdit { range: hoist::whole_lines(file, flush), text: String::new() });
    edits
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "flush-in-loop";

    #[test]
    fn the_flush_moves_after_the_loop() {
        let rewrite = check(
            RULE,
            "struct L {\n    out: BufWriter<File>,\n}\n\nimpl L {\n    fn all(&mut self, xs: &[u8]) -> io::Result<()> {\n        // Each on a line.\n        for x in xs {\n            writeln!(self.out, \"{x}\")?; // shown\n            self.out.flush()?;\n        }\n        Ok(())\n    }\n}\n",
            "struct L {\n    out: BufWriter<File>,\n}\n\nimpl L {\n    fn all(&mut self, xs: &[u8]) -> io::Result<()> {\n        // Each on a line.\n        for x in xs {\n            writeln!(self.out, \"{x}\")?; // shown\n        }\n        self.out.flush()?;\n        Ok(())\n    }\n}\n",
        );
        assert_eq!(rewrite.title, "flush once after the loop of L::all");
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_comment_behind_the_flush_stays_in_the_loop() {
        check(
            RULE,
            "fn all<W: Write>(w: &mut W, xs: &[u8]) {\n    'outer: for x in xs {\n        if *x == 0 {\n            continue 'outer;\n        }\n        w.write_all(&[*x]).unwrap();\n        w.flush().expect(\"room\"); // now\n    }\n}\n",
            "fn all<W: Write>(w: &mut W, xs: &[u8]) {\n    'outer: for x in xs {\n        if *x == 0 {\n            continue 'outer;\n        }\n        w.write_all(&[*x]).unwrap();\n         // now\n    }\n    w.flush().expect(\"room\");\n}\n",
        );
    }

    #[test]
    fn a_flush_that_speaks_of_the_round_refuses() {
        check_refuses(
            RULE,
            "fn all(w: &mut BufWriter<File>, xs: &[u8]) -> R {\n    for x in xs {\n        writeln!(w, \"{x}\")?;\n        w.flush().map_err(|e| E::Line(*x, e))?;\n    }\n    Ok(())\n}\n",
            "the flush speaks of `x`, which the loop binds",
        );
    }
}
