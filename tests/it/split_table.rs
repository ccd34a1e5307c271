//! The table of the split driven by keys: allocations beside times, what is not resolved, and what is still being read.

use std::sync::Arc;

use ratatui::crossterm::event::KeyCode;
use refit::model::*;
use refit::tui::message::{Answer, Command, Message, Task};

use crate::workbench::*;

/// A person who is given another analysis.
fn with(change: impl Fn(&mut ObjectiveSplit)) -> Person {
    let mut person = Person::at(160, 40);
    let mut other = analysis();
    other.objectives.iter_mut().for_each(change);
    let Command::Run(id, _) = person.state.start(Task::Analyse) else { panic!("work") };
    person.tell(Message::Done(id, Ok(Answer::Analysed(Arc::new(other)))));
    person
}

/// The row that allocates most is not the one that takes most time.
fn allocating(split: &mut ObjectiveSplit) {
    for (at, row) in (1..).zip(split.rows.iter_mut().filter(|r| r.kind == RowKind::Function)) {
        row.allocated = Some(AllocatedBy { blocks: at as f64 * 7.5, bytes: at as f64 * 2_048.0, per_request: true });
    }
}

#[test]
fn a_memory_profile_stands_in_the_same_table_and_orders_it() {
    let mut person = with(allocating);
    let screen = person.screen();
    assert!(screen.contains("allocs/rq") && screen.contains("7.50") && screen.contains("15.0"), "{screen}");
    let first = |person: &mut Person| {
        let lines: Vec<String> = person.screen().lines().map(str::to_owned).collect();
        let head = lines.iter().position(|l| l.contains("allocs/rq")).expect("a heading");
        (lines[head].clone(), lines[head + 1].clone())
    };
    let dearest = first(&mut person).1;
    for _ in 0..8 {
        person.keys("f");
        if first(&mut person).0.contains("function, by blocks") {
            break;
        }
    }
    let (heading, most) = first(&mut person);
    assert!(heading.contains("function, by blocks"), "{heading}");
    assert_ne!(most.split_whitespace().next(), dearest.split_whitespace().next());
    let mut plain = Person::at(160, 40);
    for _ in 0..8 {
        plain.keys("f");
        let screen = plain.screen();
        assert!(!screen.contains("allocs") && !screen.contains("by blocks"), "{screen}");
    }
}

#[test]
fn what_a_row_allocates_and_whether_it_is_resolved_stand_beside_it() {
    let mut person = with(|split| {
        allocating(split);
        split.rows[0].cohort_samples = 3;
    });
    person.keys("g");
    let screen = person.screen();
    assert!(screen.contains("allocates 7.5 blocks, 2 kB a request"), "{screen}");
    assert!(screen.contains("too few samples there: not resolved"), "{screen}");
}

#[test]
fn proposals_that_are_still_being_read_are_not_said_to_be_none() {
    let mut person = Person::at(160, 40);
    assert!(!person.screen().contains("reading the proposals"));
    person.state.proposals.clear();
    person.state.reviews_read = false;
    person.press(KeyCode::Down);
    let screen = person.screen();
    assert!(screen.contains("reading the proposals") && !screen.contains("0 proposals"), "{screen}");
}
