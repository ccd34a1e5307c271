//! A vector filled from its front, or sorted in each round, in; one filled at its end and turned or sorted once, out.

use super::{Draft, Recipe, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template};

/// The recipe for insertions before the first.
pub const OF_INSERTIONS: Recipe = Recipe { rule: RuleId("insert-first-in-loop"), derive: turned };
/// The recipe for sorts.
pub const OF_SORTS: Recipe = Recipe { rule: RuleId("sorted-in-loop"), derive: sorted };

fn turned(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, around) = (captured("list")?, captured("loop")?);
    let shown = file.on_one_line(list);
    let heads = finding.captures.iter().filter(|(name, _)| *name == "insert");
    let mut edits: Vec<TextEdit> = heads.map(|(_, head)| TextEdit { range: *head, text: "push(".to_owned() }).collect();
    edits.extend(place::insert_after(file, around, &format!("{shown}.reverse();")));
    Ok(Draft {
        title: format!("fill {shown} at its end and turn it once in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is empty before the loop, and the loop only inserts into it")),
            std_types::is_one(file, list, &std_types::VEC),
        ],
        ..Draft::default()
    })
}

fn sorted(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, around) = (captured("list")?, captured("loop")?);
    let shown = file.on_one_line(list);
    let sort = file.slice(finding.range);
    if sort.contains('\n') {
        return Err("the sort spans lines".to_owned());
    }
    let mut edits = vec![TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() }];
    let is_field = finding.capture("kept").is_some();
    if is_field {
        // Whether a field was in order before is not known: it is left alone where nothing came in.
        let before = place::fresh_name(file, around, &format!("{}_before", place::base_name(&shown)));
        edits.extend(place::insert_before(file, around, &format!("let {before} = {shown}.len();")));
        let behind = file.text[around.end as usize..].lines().next().unwrap_or_default();
        if !behind.trim().is_empty() {
            return Err("something stands behind the loop on its line".to_owned());
        }
        let grown = format!("\nif {shown}.len() > {before} {{\n    {sort}\n}}");
        edits.extend(Template::new(file, TextRange::at(around.end as usize)).text(grown).edits());
    } else {
        edits.extend(place::insert_after(file, around, sort));
    }
    let begins = if is_field { "is not looked at in the loop" } else { "is empty before the loop" };
    Ok(Draft {
        title: format!("sort {shown} once behind the loop in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` {begins}, and the loop only adds to it and sorts it")),
            holds("the key or the comparison computes from the elements alone"),
            std_types::is_one(file, list, &std_types::VEC),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    #[test]
    fn a_vector_is_turned_once() {
        check(
            "insert-first-in-loop",
            "fn f(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        if event.body.is_empty() {
            continue;
        }
        out.insert(0, event.id); // newest first
    } // all
    out
}
",
            "fn f(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        if event.body.is_empty() {
            continue;
        }
        out.push(event.id); // newest first
    } // all
    out.reverse();
    out
}
",
        );
    }

    #[test]
    fn a_vector_is_sorted_once() {
        check(
            "sorted-in-loop",
            "fn f(shards: &[Vec<u64>]) -> Vec<u64> {
    let mut merged: Vec<u64> = Vec::new();
    for shard in shards {
        for sample in shard {
            // Each.
            merged.push(*sample);
            merged.sort();
        }
    }
    merged
}
",
            "fn f(shards: &[Vec<u64>]) -> Vec<u64> {
    let mut merged: Vec<u64> = Vec::new();
    for shard in shards {
        for sample in shard {
            // Each.
            merged.push(*sample);
        }
    }
    merged.sort();
    merged
}
",
        );
    }

    #[test]
    fn a_field_is_sorted_once_if_it_has_grown() {
        check(
            "sorted-in-loop",
            "impl Roster {
    fn extend(&mut self, calls: Vec<Call>) {
        // All of them.
        for call in calls {
            self.ladder.push(call);
            self.ladder.sort_by_key(|c| c.level);
        }
    }
}
",
            "impl Roster {
    fn extend(&mut self, calls: Vec<Call>) {
        let ladder_before = self.ladder.len();
        // All of them.
        for call in calls {
            self.ladder.push(call);
        }
        if self.ladder.len() > ladder_before {
            self.ladder.sort_by_key(|c| c.level);
        }
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_insertion_is_not_lost() {
        check_refuses(
            "insert-first-in-loop",
            "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { out.insert(0, /* first */ *x); } out }",
            "the comment \"/* first */\" would be lost (line 1)",
        );
    }
}
