//! A vector that is used as a queue in; a `VecDeque` out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit};
use crate::source::{SourceFile, queues};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("queue-in-vec"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let found = queues::queues(file).into_iter().find(|queue| queue.site == finding.range);
    let queue = found.ok_or("the vector is no longer used as a queue")?;
    let shown = file.on_one_line(queue.place);
    if let Some((owner, field)) = &queue.field {
        let speaks = |other: &&SourceFile| {
            other.path != file.path && other.text.contains(owner.as_str()) && other.text.contains(&format!(".{field}"))
        };
        if let Some(other) = files.iter().filter(|f| f.role.krate == file.role.krate).find(speaks) {
            return Err(format!("{} may speak of the field `{field}` as well", other.path));
        }
    }
    // The struct of a field stands beside the `impl`.
    let seen_from = |edit: &TextEdit| if file.item_around(edit.range).is_some() { edit.range } else { finding.range };
    let path = |edit: &TextEdit| place::collection(file, seen_from(edit), "VecDeque");
    let edits = queue.edits.into_iter().map(|edit| {
        let text = match edit.text.contains("VecDeque") {
            true => edit.text.replace("VecDeque", &path(&edit)),
            false => edit.text,
        };
        TextEdit { text, ..edit }
    });
    Ok(Draft {
        title: format!("keep {shown} in a queue in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits.collect())],
        preconditions: vec![
            holds("everything that is done with the vector a queue does as well, in the same order"),
            probe(file, format!("`{shown}` is a `Vec` of std"), queue.place, ProbeQuestion::IsSequence),
            borrow("nothing else needs the vector"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "queue-in-vec";

    #[test]
    fn a_field_becomes_a_queue_wherever_it_is_spoken_of() {
        check(
            RULE,
            "use std::collections::VecDeque;
pub struct Dock {
    // In order of arrival.
    pending: Vec<Shipment>,
}
impl Dock {
    pub fn new(pending: Vec<Shipment>) -> Self {
        Self { pending }
    }
    pub fn load(&mut self, limit: u64) -> u64 {
        let mut used = 0;
        while !self.pending.is_empty() {
            if used + self.pending[0].weight > limit {
                break;
            }
            let next = self.pending.remove(0);
            used += next.weight; // loaded
        }
        used
    }
    pub fn add(&mut self, shipment: Shipment) {
        self.pending.push(shipment);
    }
}
",
            "use std::collections::VecDeque;
pub struct Dock {
    // In order of arrival.
    pending: VecDeque<Shipment>,
}
impl Dock {
    pub fn new(pending: Vec<Shipment>) -> Self {
        Self { pending: VecDeque::from(pending) }
    }
    pub fn load(&mut self, limit: u64) -> u64 {
        let mut used = 0;
        while !self.pending.is_empty() {
            if used + self.pending[0].weight > limit {
                break;
            }
            let next = self.pending.pop_front().expect(\"the queue is not empty\");
            used += next.weight; // loaded
        }
        used
    }
    pub fn add(&mut self, shipment: Shipment) {
        self.pending.push_back(shipment);
    }
}
",
        );
    }

    #[test]
    fn a_local_becomes_a_queue_and_its_loop_takes_from_it() {
        check(
            RULE,
            "fn f(root: Node) -> usize {
    let mut seen = 0;
    let mut open = vec![root];
    while !open.is_empty() {
        let node = open.remove(0);
        seen += 1;
        for child in node.children {
            open.push(child);
        }
    }
    seen
}
",
            "fn f(root: Node) -> usize {
    let mut seen = 0;
    let mut open = std::collections::VecDeque::from(vec![root]);
    while let Some(node) = open.pop_front() {
        seen += 1;
        for child in node.children {
            open.push_back(child);
        }
    }
    seen
}
",
        );
        check(
            RULE,
            "fn f(mut jobs: Vec<Job>) -> Result<(), E> {
    while !jobs.is_empty() {
        let job = jobs.remove(0);
        run(&job)?;
    }
    Ok(())
}
",
            "fn f(jobs: Vec<Job>) -> Result<(), E> {
    let mut jobs = std::collections::VecDeque::from(jobs);
    while let Some(job) = jobs.pop_front() {
        run(&job)?;
    }
    Ok(())
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(mut q: Vec<N>) { while !/* yet */q.is_empty() { let n = q.remove(0); q.push(n); } }",
            "the comment \"/* yet */\" would be lost (line 1)",
        );
    }
}
