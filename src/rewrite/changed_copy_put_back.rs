//! A copy that is changed and put back in; the place changed where it stands out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("changed-copy-put-back"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (place, mutable, back) = (captured("place")?, captured("mut")?, captured("back")?);
    let shown = file.on_one_line(place);
    let lent = if finding.capture("reference").is_some() { "&mut *" } else { "&mut " };
    let edits = vec![
        TextEdit { range: mutable, text: String::new() },
        TextEdit { range: TextRange { start: place.start, end: place.start }, text: lent.to_owned() },
        TextEdit { range: TextRange { start: place.end, end: finding.range.end }, text: String::new() },
        TextEdit { range: hoist::whole_lines(file, back), text: String::new() },
    ];
    Ok(Draft {
        title: format!("change {shown} where it stands in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("nothing leaves before the copy is put back, and nothing looks at `{shown}` meanwhile")),
            probe(file, format!("cloning `{shown}` copies plain data"), place, ProbeQuestion::PlainClone),
            borrow(format!("`{shown}` may be borrowed mutably as long as it is changed")),
        ],
        obligations: vec![format!("if a statement in between panics and somebody goes on, `{shown}` is half changed")],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "changed-copy-put-back";

    #[test]
    fn the_place_is_changed_where_it_stands() {
        check(
            RULE,
            "impl Histogram {
    fn observe(&mut self, value: u64) {
        // The next state.
        let mut next = self.state.clone(); // all of it
        next.count += 1;
        next.max = next.max.max(value);
        self.state = next;
        self.seen += 1;
    }
}
",
            "impl Histogram {
    fn observe(&mut self, value: u64) {
        // The next state.
        let next = &mut self.state; // all of it
        next.count += 1;
        next.max = next.max.max(value);
        self.seen += 1;
    }
}
",
        );
        check(
            RULE,
            "fn f(all: &mut Vec<u8>) {
    let mut next = all.clone();
    next.push(1);
    *all = next;
}
",
            "fn f(all: &mut Vec<u8>) {
    let next = &mut *all;
    next.push(1);
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &mut S) { let mut n = s.all/* now */.clone(); n.push(1); s.all = n; }",
            "the comment \"/* now */\" would be lost (line 1)",
        );
    }
}
