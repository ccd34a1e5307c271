//! The workbench driven by keys, looked at as whole screens.

use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::style::Color;
use refit::model::*;
use refit::tui::keymap::{KEYMAP, bound};
use refit::tui::message::{Answer, Command, Message, Task};
use refit::tui::screens::ScreenId;
use refit::tui::state::{JobState, Leaving};
use refit::tui::theme::{Depth, Glyphs, Theme};
use refit::tui::update::{begin, update};
use refit::tui::widgets::diff::DiffRows;

use crate::workbench::*;

/// Compares a whole screen with its snapshot in `tests/it/snapshots`.
#[track_caller]
pub fn check(name: &str, person: &mut Person) {
    let screen = person.screen();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, screen);
    });
}

fn prove_first(person: &mut Person) {
    person.keys("v");
    let (id, _) = person.compiler_run();
    person.tell(Message::Started(id));
    person.tell(Message::Progress(
        id,
        Progress::Estimate(vec![
            (Rung::Compiles, 20),
            (Rung::TestsPass, 40),
            (Rung::TestsReach, 10),
            (Rung::Faster, 50),
        ]),
    ));
    let step = Progress::Step { what: "cargo test -p gateway (candidate)".into(), done: 2, total: 4 };
    person.tell(Message::Progress(id, step));
    person.tell(Message::Progress(id, Progress::Log("running 61 tests".into())));
    let first = person.state.proposals[0].rewrite.id.clone();
    person.tell(Message::Progress(id, Progress::Rung(first, evidence().remove(0))));
    person.later(63);
}

fn end_proof(person: &mut Person) {
    let (id, task) = person.compiler_run();
    let Task::Prove(rewrites) = task else { panic!("not a proof: {task:?}") };
    let verdicts = rewrites.iter().map(|r| verdict(&r.id)).collect();
    person.tell(Message::Done(id, Ok(Answer::Proved(verdicts))));
}

#[test]
fn budget_says_at_one_glance_what_misses_and_what_to_press() {
    check("budget_80x24", &mut Person::at(80, 24));
    check("budget_140x40", &mut Person::at(140, 40));
    check("budget_40x10", &mut Person::at(40, 10));
}

/// A person at a split with more functions than any screen has rows.
fn crowded_at(columns: u16, rows: u16) -> Person {
    let mut person = Person::at(columns, rows);
    let Command::Run(id, _) = person.state.start(Task::Analyse) else { panic!("work") };
    person.tell(Message::Done(id, Ok(Answer::Analysed(std::sync::Arc::new(crowded())))));
    person
}

#[test]
fn waits_and_what_is_not_placed_are_seen_without_scrolling() {
    for (columns, rows) in [(80, 24), (140, 40), (200, 50)] {
        let screen = crowded_at(columns, rows).screen();
        for row in ["wait: ledger lock", "wait: acquirer", "not placed on any function", "functions below"] {
            assert!(screen.contains(row), "{row} at {columns}x{rows}:\n{screen}");
        }
        assert!(screen.contains("sum = measured p99"), "{screen}");
    }
    check("crowded_80x24", &mut crowded_at(80, 24));
}

#[test]
fn a_fold_opens_and_closes_with_the_cursor_on_what_it_held() {
    let mut person = crowded_at(80, 24);
    let screen = person.screen();
    let line = screen.lines().position(|l| l.contains("functions below")).expect("a fold");
    let heading = screen.lines().position(|l| l.contains("p99 ms")).expect("a table");
    person.keys(&"j".repeat(line - heading - 1));
    assert!(person.state.fold().is_some());
    assert!(person.screen().contains("show them one by one"));
    person.press(KeyCode::Enter);
    assert!(person.state.contribution().expect("a row").name.starts_with("gateway::small"));
    assert_eq!(person.state.rows.len(), crowded().objectives[0].rows.len());
    person.keys("z");
    assert!(person.state.fold().is_some(), "the cursor is on the fold that took its row in");
    person.resize(140, 40);
    assert!(person.state.fold().is_some() || person.state.contribution().is_some());
}

#[test]
fn the_table_is_sorted_and_filtered_and_the_cursor_stays_on_its_row() {
    let mut person = crowded_at(140, 40);
    person.keys("j");
    let name = person.state.contribution().unwrap().name.clone();
    for order in ["by flame share", "by self", "by total", "by ms over", "by findings", "by name"] {
        person.keys("f");
        assert!(person.screen().contains(order), "{order}:\n{}", person.screen());
        assert_eq!(person.state.contribution().unwrap().name, name);
    }
    person.keys("f&small::f0");
    person.press(KeyCode::Enter);
    assert_eq!(person.state.rows.len(), 10);
    assert!(person.screen().contains("sum of 10 of 54 rows"), "{}", person.screen());
    person.press(KeyCode::Esc);
    assert!(person.screen().contains("sum = measured p99"));
}

#[test]
fn a_click_on_a_heading_sorts_by_it() {
    let mut person = crowded_at(140, 40);
    let screen = person.screen();
    let (y, line) = screen.lines().enumerate().find(|(_, l)| l.contains("p99 ms")).expect("a table");
    let x = line[..line.find("total").expect("a column")].chars().count();
    person.tell(Message::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: x as u16,
        row: y as u16,
        modifiers: KeyModifiers::NONE,
    }));
    assert!(person.screen().contains("function, by total"));
}

#[test]
fn sources_say_their_age_their_commit_and_their_quality() {
    for (columns, text) in
        [(140, "· 2 h ago · a1b2c3d +3 commits"), (100, "· 2 h ago · +3 commits"), (80, "2 h ago · +3 commits")]
    {
        let screen = Person::at(columns, 30).screen();
        assert!(screen.contains(text), "{columns}:\n{screen}");
    }
    let mut person = Person::at(100, 30);
    person.later(3 * 3600);
    assert!(person.screen().contains("5 h ago"), "{}", person.screen());
    person.keys("S");
    let sheet = person.screen();
    for text in
        ["perf script · 12,345 samples of cpu-clock", "42 samples were lost", "slo.toml says so", "nothing lost"]
    {
        assert!(sheet.contains(text), "{text}:\n{sheet}");
    }
}

#[test]
fn code_shows_heat_and_findings_in_place() {
    for (columns, rows) in [(80, 24), (140, 40), (40, 10)] {
        let mut person = Person::at(columns, rows);
        person.keys("j2");
        check(&format!("code_{columns}x{rows}"), &mut person);
    }
}

#[test]
fn review_shows_the_diff_with_what_it_rests_on() {
    for (columns, rows) in [(80, 24), (140, 40), (40, 10)] {
        let mut person = Person::at(columns, rows);
        person.keys("3");
        check(&format!("proposals_{columns}x{rows}"), &mut person);
        person.press(KeyCode::Enter);
        person.keys("jjj");
        check(&format!("review_{columns}x{rows}"), &mut person);
    }
}

#[test]
fn jobs_show_the_ladder_as_it_climbs() {
    for (columns, rows) in [(80, 24), (140, 40), (40, 10)] {
        let mut person = Person::at(columns, rows);
        person.keys("j");
        prove_first(&mut person);
        person.keys("4");
        check(&format!("jobs_{columns}x{rows}"), &mut person);
    }
}

#[test]
fn before_anything_is_read_the_first_frame_says_so() {
    let mut person = Person::before(80, 24, theme());
    begin(&mut person.state);
    check("reading_80x24", &mut person);
}

#[test]
fn what_cannot_be_opened_says_what_where_and_what_to_do() {
    let mut person = Person::before(80, 24, theme());
    let commands = begin(&mut person.state);
    let Command::Run(id, _) = commands[0] else { panic!("opening is work") };
    let problem =
        Problem::error("there is no slo.toml here").at(Place::file("slo.toml")).help("`refit init` writes one");
    person.tell(Message::Done(id, Err(vec![problem])));
    check("failed_80x24", &mut person);
}

#[test]
fn a_proposal_goes_from_its_hunks_to_the_branch() {
    let mut person = Person::at(140, 40);
    person.keys("3");
    person.press(KeyCode::Enter);
    person.keys("aa");
    assert!(person.state.proposals[0].review.decisions.iter().all(|d| *d == Decision::Accepted));
    person.keys("v");
    end_proof(&mut person);
    check("proved_140x40", &mut person);
    person.keys("s");
    person.press(KeyCode::Enter);
    assert!(person.state.signed.is_empty(), "an obligation that is not ticked keeps it from being signed");
    check("sign_140x40", &mut person);
    person.keys(" ");
    person.press(KeyCode::Enter);
    assert_eq!(person.state.signed.len(), 1);
    person.keys("L");
    check("land_140x40", &mut person);
    person.keys("L");
    assert_eq!(person.state.signed.len(), 1, "the same key twice does not land");
    person.keys("b");
    assert!(person.state.signed.is_empty());
    assert!(person.screen().contains("on refit/payment-gateway"));
}

#[test]
fn signing_without_proof_needs_a_reason() {
    let mut person = Person::at(100, 30);
    person.keys("3");
    person.press(KeyCode::Enter);
    person.keys("aas ");
    person.press(KeyCode::Enter);
    assert!(person.state.signed.is_empty());
    person.press(KeyCode::Down);
    person.tell(Message::Paste("read by hand\nwith the author".into()));
    check("sign_forced_100x30", &mut person);
    person.press(KeyCode::Enter);
    let signed: Vec<_> = person.state.signed.values().collect();
    assert_eq!(signed[0].forced(), Some("read by hand with the author"));
}

#[test]
fn rejecting_asks_for_the_reason_and_shows_it() {
    let mut person = Person::at(100, 30);
    person.keys("3");
    person.press(KeyCode::Enter);
    person.keys("x");
    person.press(KeyCode::Enter);
    assert_eq!(person.state.proposals[0].review.decisions[0], Decision::Undecided, "no reason, no rejection");
    person.keys("too clever");
    person.press(KeyCode::Enter);
    assert_eq!(person.state.proposals[0].review.decisions[0], Decision::Rejected("too clever".into()));
    assert!(person.screen().contains("rejected: too clever"));
}

#[test]
fn a_comment_stands_under_its_line_in_both_layouts() {
    let mut person = Person::at(140, 40);
    person.keys("3");
    person.press(KeyCode::Enter);
    person.keys("jjjc");
    person.keys("why a set?");
    person.press(KeyCode::Enter);
    assert!(person.screen().contains("Engineer: why a set?"));
    person.keys("t");
    assert!(person.screen().contains("Engineer: why a set?"));
}

#[test]
fn pasted_text_never_acts() {
    let mut person = Person::at(100, 30);
    person.keys("3");
    person.press(KeyCode::Enter);
    let before = person.screen();
    person.tell(Message::Paste("aaxdLbuy\nq".into()));
    assert_eq!(person.screen(), before);
    assert!(person.pending.is_empty());
}

#[test]
fn a_key_that_is_released_does_nothing() {
    let mut person = Person::at(100, 30);
    let mut event = KeyEvent::new(KeyCode::Char('4'), KeyModifiers::NONE);
    event.kind = KeyEventKind::Release;
    person.tell(Message::Key(event));
    assert_eq!(person.state.screen, ScreenId::Budget);
}

#[test]
fn no_single_key_and_no_key_twice_leaves_lands_or_undoes() {
    for binding in KEYMAP {
        for key in binding.keys {
            let mut person = Person::at(100, 30);
            person.state.operations = vec![Operation {
                number: 1,
                kind: OperationKind::Apply,
                title: "t".into(),
                rewrites: Vec::new(),
                refs: Vec::new(),
                at: 0,
                undone: false,
            }];
            person.keys("jv");
            let modifiers = if key.control { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            for _ in 0..2 {
                person.tell(Message::Key(KeyEvent::new(key.code, modifiers)));
            }
            let acts = |c: &Command| match c {
                Command::Quit(_) => true,
                Command::Run(_, task) => {
                    matches!(task, Task::Undo | Task::Redo | Task::LandHere | Task::Apply(_) | Task::Measure(_))
                }
                _ => false,
            };
            assert!(!person.pending.iter().any(acts), "{}: {:?}", binding.name, person.pending);
        }
    }
}

#[test]
fn every_action_is_reached_by_the_palette_and_a_disabled_one_says_why() {
    for binding in KEYMAP {
        let mut person = Person::at(120, 60);
        person.keys(" ");
        for c in binding.title.chars() {
            person.press(KeyCode::Char(c));
        }
        let screen = person.screen();
        let row = screen.lines().find(|l| l.contains(binding.title) && !l.contains("> "));
        let row = row.or_else(|| screen.lines().find(|l| l.contains("▸"))).unwrap_or_default();
        match (binding.ready)(&person.state) {
            Ok(()) => assert!(screen.contains(binding.title), "{}: {row}", binding.name),
            Err(why) => {
                let start: String = why.chars().take(12).collect();
                assert!(screen.contains("not now: ") && screen.contains(&start), "{}: {why}\n{screen}", binding.name);
            }
        }
    }
}

#[test]
fn build_slots_are_removed_after_a_question_and_never_under_a_proof() {
    let mut person = Person::at(100, 30);
    person.keys(" remove build");
    person.press(KeyCode::Enter);
    assert!(person.pending.is_empty(), "it asks first");
    assert!(person.screen().contains("evidence and decisions stay"), "{}", person.screen());
    person.keys("y");
    let (id, task) = person.compiler_run();
    assert!(matches!(task, Task::Clean));
    person.tell(Message::Done(id, Ok(Answer::Cleaned { freed: 1_500_000_000, held: 20_000, in_use: false })));
    assert!(person.screen().contains("build slots removed: 1.5 GB freed, 20 kB still in the cache"));

    person.keys("3");
    prove_first(&mut person);
    person.keys(" remove build");
    assert!(person.screen().contains("the slots are in use: prove"), "{}", person.screen());
    person.press(KeyCode::Enter);
    let (_, task) = person.compiler_run();
    assert!(matches!(task, Task::Prove(_)), "nothing was asked for: {task:?}");
}

#[test]
fn a_key_that_cannot_act_says_why() {
    let mut person = Person::at(100, 30);
    person.keys("a");
    assert!(person.screen().contains("cannot accept now: hunks are decided in Review (3)"), "{}", person.screen());
    person.keys("V");
    assert!(person.screen().contains("cannot cancel job now: no job runs"));
}

#[test]
fn commands_nobody_agreed_to_are_shown_before_they_run() {
    let mut person = Person::at(100, 30);
    person.state.project.as_mut().unwrap().unseen = vec!["cargo build --release --bins".into()];
    person.keys("jv");
    assert!(person.pending.is_empty());
    check("trust_100x30", &mut person);
    person.keys("v");
    assert!(person.pending.is_empty(), "the same key twice agrees to nothing");
    person.keys("y");
    assert!(matches!(person.compiler_run().1, Task::Prove(_)));
}

#[test]
fn leaving_while_a_job_runs_asks() {
    let mut person = Person::at(100, 30);
    person.keys("j");
    prove_first(&mut person);
    person.keys("q");
    check("quit_100x30", &mut person);
    person.keys("f");
    assert_eq!(person.state.leaving, Leaving::WhenIdle);
    end_proof(&mut person);
    assert!(person.pending.iter().any(|c| matches!(c, Command::Quit(0))));
}

#[test]
fn a_cancelled_job_ends_as_cancelled() {
    let mut person = Person::at(100, 30);
    person.keys("j");
    prove_first(&mut person);
    person.keys("V");
    let (id, _) = person.compiler_run();
    assert!(person.pending.iter().any(|c| matches!(c, Command::Cancel(c) if *c == id)));
    person.tell(Message::Done(id, Err(vec![Problem::note("cancelled")])));
    let job = person.state.jobs.iter().find(|j| j.id == id).unwrap();
    assert!(matches!(job.state, JobState::Cancelled(_)));
}

#[test]
fn an_answer_that_was_superseded_is_dropped() {
    let mut person = Person::at(100, 30);
    let old = person.state.start(Task::Analyse);
    let new = person.state.start(Task::Analyse);
    let (Command::Run(old, _), Command::Run(new, _)) = (old, new) else { panic!("work") };
    let mut other = analysis();
    other.objectives[0].operation = "GET /old".into();
    person.tell(Message::Done(old, Ok(Answer::Analysed(std::sync::Arc::new(other)))));
    assert!(!person.screen().contains("GET /old"));
    person.tell(Message::Done(new, Ok(Answer::Analysed(std::sync::Arc::new(analysis())))));
    assert!(person.screen().contains("POST /authorize"));
}

#[test]
fn a_decision_is_never_taken_back_by_an_answer_that_does_not_know_it_yet() {
    let mut person = Person::at(140, 40);
    person.keys("3");
    person.press(KeyCode::Enter);
    let before = person.state.proposals.clone();
    let key = || Message::Key(KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE));
    let Command::Run(asked, _) = person.state.start(Task::Reviews(Vec::new())) else { panic!("work") };
    let [first, second] = [(); 2].map(|()| match update(&mut person.state, key()).remove(0) {
        Command::Run(id, Task::Decide(..)) => id,
        other => panic!("not a decision: {other:?}"),
    });
    let accepted = |person: &Person, hunks: usize| {
        let decisions = &person.state.proposals[0].review.decisions;
        decisions.iter().filter(|d| **d == Decision::Accepted).count() == hunks
    };
    person.tell(Message::Done(asked, Ok(Answer::Reviews(before.clone()))));
    assert!(accepted(&person, 2), "reviews were read before the first decision was kept");
    let mut review = before[0].review.clone();
    review.decisions[0] = Decision::Accepted;
    person.tell(Message::Done(first, Ok(Answer::Reviewed(review.rewrite.clone(), review.clone()))));
    assert!(accepted(&person, 2), "the second decision is not kept yet");
    person.tell(Message::Done(second, Err(vec![Problem::error("the repository is locked")])));
    assert!(accepted(&person, 2), "what is kept is read again");
    let Command::Run(again, _) = person.state.start(Task::Reviews(Vec::new())) else { panic!("work") };
    let mut kept = before;
    kept[0].review = review;
    person.tell(Message::Done(again, Ok(Answer::Reviews(kept))));
    assert!(accepted(&person, 1), "what could not be kept is not shown as kept");
}

#[test]
fn a_refresh_that_moves_rows_leaves_the_cursor_on_the_row_the_person_saw() {
    let mut person = Person::at(100, 30);
    person.keys("j");
    let mut moved = analysis();
    moved.objectives[0].rows.swap(1, 3);
    let Command::Run(id, _) = person.state.start(Task::Analyse) else { panic!("work") };
    person.tell(Message::Done(id, Ok(Answer::Analysed(std::sync::Arc::new(moved)))));
    assert_eq!(person.state.contribution().unwrap().name, "gateway::risk::Scorer::score");
    let mut gone = analysis();
    gone.objectives[0].rows.remove(1);
    let Command::Run(id, _) = person.state.start(Task::Analyse) else { panic!("work") };
    person.tell(Message::Done(id, Ok(Answer::Analysed(std::sync::Arc::new(gone)))));
    assert!(person.state.contribution().is_none(), "a key must not fall on the neighbour of a row that has gone");
    person.keys("v");
    assert!(person.pending.is_empty());
}

#[test]
fn the_mouse_selects_rows_and_tabs() {
    let mut person = Person::at(100, 30);
    let find = |person: &mut Person, text: &str| {
        let screen = person.screen();
        let y = screen.lines().position(|l| l.contains(text)).expect("on the screen");
        let line = screen.lines().nth(y).unwrap();
        let x = line[..line.find(text).unwrap()].chars().count();
        (x as u16, y as u16)
    };
    let click = |(column, row)| {
        Message::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    let at = find(&mut person, "Tokens::verify");
    person.tell(click(at));
    assert_eq!(person.state.contribution().unwrap().name, "gateway::crypto::Tokens::verify");
    let at = find(&mut person, "3 Review");
    person.tell(click(at));
    assert_eq!(person.state.screen, ScreenId::Review);
}

#[test]
fn without_colours_nothing_is_told_by_colour() {
    let plain = Theme { depth: Depth::None, ..theme() };
    for keys in ["", "j2", "3", "4", "?", " "] {
        let mut person = Person::at(100, 30);
        person.state.theme = plain;
        person.keys(keys);
        let buffer = person.look();
        assert!(buffer.content.iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset), "{keys}");
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    for keys in ["", "j2", "3", "4", "?", " "] {
        let mut person = Person::at(100, 30);
        person.state.theme = Theme { glyphs: Glyphs::Ascii, ..theme() };
        person.keys(keys);
        let screen = person.screen();
        assert!(screen.is_ascii(), "{keys}: {:?}", screen.chars().find(|c| !c.is_ascii()));
    }
}

#[test]
fn a_huge_diff_costs_a_frame_no_more_than_a_small_one() {
    let lines = |n: u32| Hunk {
        file: "src/risk.rs".into(),
        index: 0,
        old_start: 1,
        old_lines: n,
        new_start: 1,
        new_lines: n,
        lines: (0..n)
            .map(|i| HunkLine {
                mark: if i % 3 == 0 { LineMark::Added } else { LineMark::Context },
                text: format!("let x{i} = {i};"),
                old: Some(i),
                new: Some(i),
                words: Vec::new(),
            })
            .collect(),
        touches_sync: false,
    };
    let computed = |n: u32| {
        let mut person = Person::at(120, 40);
        let proposal = &mut person.state.proposals[0];
        proposal.hunks = vec![lines(n)];
        proposal.rows = DiffRows::new(&proposal.hunks, &[]);
        person.keys("3");
        person.press(KeyCode::Enter);
        person.keys("G");
        assert_eq!(person.state.diff_row as u32, n);
        person.look();
        person.state.drawn.computed
    };
    let (small, huge) = (computed(1_000), computed(300_000));
    assert_eq!(small, huge);
    assert!(huge <= 40, "{huge} rows for a screen of 40");
}

#[test]
fn every_key_of_the_design_does_something() {
    for key in "1234jk/][axdecwvVtsLuU ?q".chars() {
        let event = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        assert!(bound(&event).is_some(), "{key}");
    }
}

#[test]
fn the_head_of_a_function_stands_near_the_top_once_its_text_came() {
    let mut person = Person::at(80, 12);
    person.keys("j2");
    let screen = person.screen();
    let row = screen.lines().position(|l| l.contains("pub fn score")).expect("the function's head");
    assert!(row <= 7, "row {row}:\n{screen}");
}
