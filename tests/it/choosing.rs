//! The list of proposals at the keys: ordered, grouped, filtered, taken as one change, and asked for more of their proof.

use ratatui::crossterm::event::KeyCode;
use refit::model::*;
use refit::tui::message::{Answer, Command, JobId, Message, Task};
use refit::tui::theme::{Depth, Glyphs, Theme};

use crate::workbench::*;

/// A person at the list of proposals.
fn at_list(columns: u16, rows: u16) -> Person {
    let mut person = Person::at(columns, rows);
    person.keys("3");
    person
}

fn id(person: &Person, at: usize) -> RewriteId {
    person.state.proposals[at].rewrite.id.clone()
}

/// Ends the newest compiler run with verdicts of what it proves.
fn end_proof(person: &mut Person) {
    let (job, task) = person.compiler_run();
    let verdicts = task.proves().iter().map(|r| verdict(&r.id)).collect();
    person.tell(Message::Started(job));
    person.tell(Message::Done(job, Ok(Answer::Proved(verdicts))));
}

/// Ends the newest compiler run as a set of which the second fell out.
fn end_set(person: &mut Person) {
    let (job, task) = person.compiler_run();
    let rewrites = task.proves().to_vec();
    let why = String::from("tests pass: 1 test passed before and fails now: risk::orders");
    let proved = SetVerdict {
        set: ChangeSet::new(&[&rewrites[0]]).unwrap(),
        tree: "a1b2c3d".into(),
        by: "compiles: no new warning; tests pass: 61 tests, the same 61 pass".into(),
        fallen: vec![Fallen { rewrite: rewrites[1].id.clone(), why, with: Vec::new() }],
        verdicts: vec![verdict(&rewrites[0].id)],
    };
    person.tell(Message::Started(job));
    person.tell(Message::Done(job, Ok(Answer::ProvedSet(Box::new(proved)))));
}

#[test]
fn proved_savings_stand_first_and_never_in_the_column_of_bounds() {
    let mut person = at_list(140, 40);
    person.keys("jv");
    end_proof(&mut person);
    let screen = person.screen();
    let rows: Vec<&str> = screen.lines().filter(|l| l.contains("risk::Scorer::sc")).collect();
    assert!(rows[0].contains("borrow the country") && rows[0].contains("11.3 [10–13]"), "{screen}");
    assert!(rows[1].contains("index flagged") && rows[1].contains("19.2"), "{screen}");
    let column = |row: &str, number: &str| row.find(number).map(|at| row[..at].chars().count());
    assert!(column(rows[0], "11.3") < column(rows[1], "19.2"), "two columns:\n{screen}");
}

#[test]
fn groups_say_what_they_come_to_without_counting_twice() {
    let mut person = at_list(120, 30);
    person.keys("O");
    let screen = person.screen();
    assert!(screen.contains("by function") && screen.contains("2 proposals"), "{screen}");
    let heading = screen.lines().find(|l| l.contains("▾")).expect("a heading");
    assert!(heading.contains("19.2") && heading.contains("38.4 apart, they overlap"), "{screen}");
    person.keys("O");
    assert_eq!(person.screen().lines().filter(|l| l.contains("▾")).count(), 2, "{}", person.screen());
    person.keys("OO");
    assert!(person.screen().contains("by ms to win back"));
}

#[test]
fn moving_passes_over_headings_and_a_click_on_one_selects_below_it() {
    let mut person = at_list(120, 30);
    person.keys("OO");
    let first = person.state.proposal.clone();
    person.keys("j");
    assert_ne!(person.state.proposal, first);
    person.keys("k");
    assert_eq!(person.state.proposal, first);
    person.keys("Gg");
    assert_eq!(person.state.proposal, first);
}

#[test]
fn a_filter_shows_what_passes_and_no_key_speaks_of_what_it_hides() {
    let mut person = at_list(120, 30);
    person.keys("&class:A");
    person.press(KeyCode::Enter);
    let screen = person.screen();
    assert!(screen.contains("1 of 2 proposals") && screen.contains("filter `class:A`"), "{screen}");
    assert_eq!(person.state.proposal, Some(id(&person, 1)), "the hidden one is not selected any more");
    person.keys("&nothing");
    person.press(KeyCode::End);
    person.press(KeyCode::Enter);
    assert!(person.screen().contains("no proposal passes the filter"), "{}", person.screen());
    person.keys("v");
    assert!(person.pending.is_empty(), "nothing is shown, so nothing is proved");
    person.press(KeyCode::Esc);
    assert!(person.screen().contains("2 proposals"), "{}", person.screen());
    person.keys("&clas:A");
    person.press(KeyCode::Enter);
    assert!(person.screen().contains("no filter is called `clas`"), "{}", person.screen());
}

#[test]
fn proposals_are_taken_as_one_change_and_what_fell_out_is_named() {
    for (columns, rows) in [(120, 40), (80, 24)] {
        let mut person = at_list(columns, rows);
        person.keys("P");
        assert!(person.screen().contains("M takes one"), "{}", person.screen());
        person.keys("MjM");
        let screen = person.screen();
        assert!(screen.contains("set: 2 taken, ") && screen.contains(" of 400 lines"), "{screen}");
        person.keys("P");
        let (_, task) = person.compiler_run();
        assert!(matches!(&task, Task::ProveSet(r) if r.len() == 2), "{task:?}");
        end_set(&mut person);
        assert!(person.screen().contains("change set 1: 1 proposal holds together"), "{}", person.screen());
        assert_eq!(person.state.marked.len(), 1, "what fell out is out");
        person.later(60);
        person.keys("jj");
        person.press(KeyCode::Enter);
        person.press(KeyCode::Tab);
        person.keys("G");
        let screen = person.screen();
        assert!(screen.contains("fell out of set 1"), "{screen}");
    }
}

#[test]
fn a_set_of_more_than_four_hundred_lines_says_what_to_take_out() {
    let mut person = at_list(140, 30);
    let body: String = (0..400).map(|i| format!("+line {i}\n")).collect();
    person.state.proposals[1].rewrite.diff = format!("@@ -0,0 +1,400 @@\n{body}");
    person.keys("MjM");
    assert!(person.screen().contains("take out "), "{}", person.screen());
    person.keys("P");
    assert!(person.screen().contains("more than the 400 of one review; take out r1a2b3c4d"), "{}", person.screen());
    assert!(person.pending.is_empty());
}

#[test]
fn a_refuted_proposal_is_not_taken() {
    let mut person = at_list(120, 30);
    let failed = Evidence { state: RungState::Failed, ..evidence().remove(0) };
    let of = id(&person, 0);
    person.state.proposals[0].verdict = Some(Verdict::judge(of, "t".into(), vec![failed], None, false));
    person.keys("M");
    assert!(person.state.marked.is_empty());
    assert!(person.screen().contains("no set with it would hold"), "{}", person.screen());
}

#[test]
fn mutants_and_made_inputs_are_asked_for_on_the_proposal_and_in_jobs() {
    let mut person = at_list(120, 40);
    person.keys("K");
    let (job, task) = person.compiler_run();
    assert!(matches!(&task, Task::Ask(r, Rung::GateHasPower) if r.len() == 1), "{task:?}");
    person.tell(Message::Started(job));
    let of = id(&person, 0);
    for e in evidence() {
        person.tell(Message::Progress(job, Progress::Rung(of.clone(), e)));
    }
    person.keys("4");
    let screen = person.screen();
    assert!(screen.contains("▸ gate has power   running"), "{screen}");
    person.keys("K");
    assert!(person.screen().contains("that is under way"), "{}", person.screen());
    let asked = Evidence { rung: Rung::GateHasPower, detail: "11 of 12 mutants killed".into(), ..evidence().remove(0) };
    let mut all = evidence();
    all.push(asked.clone());
    person.tell(Message::Progress(job, Progress::Rung(of.clone(), asked)));
    let judged = Verdict::judge(of, "t".into(), all, None, false);
    person.tell(Message::Done(job, Ok(Answer::Proved(vec![judged]))));
    assert!(person.screen().contains("11 of 12 mutants killed"), "{}", person.screen());
    person.keys("K");
    assert!(person.screen().contains("gate has power was asked for"), "{}", person.screen());
    person.keys("I");
    assert!(matches!(person.compiler_run().1, Task::Ask(_, Rung::PropertiesAgree)));
}

/// A key asks for one rung of the selected proposal; what it came to is shown, and the key then says that it was asked.
#[track_caller]
fn asks(key: &str, rung: Rung, task_name: &str, came_to: Evidence) {
    let mut person = at_list(120, 40);
    person.keys(key);
    let (job, task) = person.compiler_run();
    let of = id(&person, 0);
    assert!(matches!(&task, Task::Ask(r, asked) if *asked == rung && r.len() == 1 && r[0].id == of), "{task:?}");
    assert!(task.title().starts_with(task_name), "{}", task.title());
    person.tell(Message::Started(job));
    for e in evidence() {
        person.tell(Message::Progress(job, Progress::Rung(of.clone(), e)));
    }
    person.keys("4");
    let running = format!("▸ {:<16} running", rung.word());
    assert!(person.screen().contains(running.trim_end()), "{running}\n{}", person.screen());
    person.keys(key);
    assert!(person.screen().contains("that is under way"), "{}", person.screen());
    let mut all = evidence();
    all.push(came_to.clone());
    all.sort_by_key(|e| e.rung);
    person.tell(Message::Progress(job, Progress::Rung(of.clone(), came_to.clone())));
    person.tell(Message::Done(job, Ok(Answer::Proved(vec![Verdict::judge(of, "t".into(), all, None, false)]))));
    assert!(person.screen().contains(came_to.detail.as_str()), "{}", person.screen());
    person.keys(key);
    let refused = match came_to.state {
        RungState::Failed => String::from("it was refuted"),
        _ => format!("{} was asked for", rung.word()),
    };
    assert!(person.screen().contains(&refused), "{refused}\n{}", person.screen());
}

fn came_to(rung: Rung, state: RungState, detail: &str) -> Evidence {
    Evidence { rung, state, detail: detail.into(), log: String::new(), ..evidence().remove(0) }
}

#[test]
fn machine_code_is_asked_for_on_the_proposal_and_in_jobs() {
    let same = came_to(Rung::Codegen, RungState::Passed, "score compiles to the same 41 lines");
    asks("A", Rung::Codegen, "machine code: ", same);
}

#[test]
fn limits_are_asked_for_on_the_proposal_and_in_jobs_and_what_is_worse_refutes() {
    let kept = came_to(Rung::NothingWorse, RungState::Passed, "p50, binary no worse than the base");
    asks("H", Rung::NothingWorse, "limits: ", kept);
    let worse = came_to(Rung::NothingWorse, RungState::Failed, "peak memory 30.1 MiB to 44.0 MiB");
    asks("H", Rung::NothingWorse, "limits: ", worse);
}

#[test]
fn keys_that_look_like_them_ask_for_nothing_and_where_nothing_is_chosen_they_say_why() {
    for key in ["A", "H"] {
        let mut person = Person::at(120, 40);
        person.keys(key);
        assert!(person.screen().contains("proposals are chosen in Review (3)"), "{key}: {}", person.screen());
        assert!(!person.pending.iter().any(|c| matches!(c, Command::Run(_, Task::Ask(..)))), "{key}");
    }
    // Small letters are other keys.
    let mut person = at_list(120, 40);
    person.keys("h");
    assert!(!person.pending.iter().any(|c| matches!(c, Command::Run(_, Task::Ask(..)))));
}

#[test]
fn jobs_plot_before_and_after_the_pairs_and_the_floor() {
    for (columns, rows, depth, glyphs) in [
        (120, 40, Depth::Full, Glyphs::Unicode),
        (80, 24, Depth::Full, Glyphs::Unicode),
        (80, 24, Depth::None, Glyphs::Unicode),
        (80, 24, Depth::None, Glyphs::Ascii),
    ] {
        let mut person = at_list(columns, rows);
        person.state.theme = Theme { depth, glyphs, ..theme() };
        person.keys("v");
        let (job, _) = person.compiler_run();
        person.tell(Message::Started(job));
        let of = id(&person, 0);
        for e in evidence().into_iter().take(4) {
            person.tell(Message::Progress(job, Progress::Rung(of.clone(), e)));
        }
        let m = verdict(&of).measurement().expect("it was timed").clone();
        person.tell(Message::Progress(job, Progress::Log("timing".into())));
        person.tell(Message::Progress(job, Progress::Measured(of, Box::new(m))));
        person.keys("4");
        let screen = person.screen();
        for text in ["before", "after", "new/old", "old/old", "0.8 %", "tests pass", "faster"] {
            assert!(screen.contains(text), "{text} at {columns}x{rows}:\n{screen}");
        }
        person.press(KeyCode::Tab);
        assert!(person.screen().contains("log, 1 lines"), "the log has the keys:\n{}", person.screen());
    }
}

#[test]
fn what_is_signed_lands_as_one_commit_where_that_is_chosen() {
    let mut person = at_list(140, 40);
    for _ in 0..2 {
        person.press(KeyCode::Enter);
        person.keys("aa");
        person.press(KeyCode::Esc);
        person.keys("v");
        end_proof(&mut person);
        person.keys("s ");
        person.press(KeyCode::Enter);
        person.keys("j");
    }
    assert_eq!(person.state.signed.len(), 2, "{}", person.screen());
    person.keys("L");
    assert!(person.screen().contains("commit on the branch as one change set"), "{}", person.screen());
    person.keys("s");
    let acts = |c: &Command| matches!(c, Command::Run(_, Task::ApplySet(signed)) if signed.len() == 2);
    assert!(person.pending.iter().any(acts), "{:?}", person.pending);
}

#[test]
fn refusals_of_every_file_are_one_key_away_from_the_list() {
    let mut person = at_list(120, 30);
    assert!(person.screen().contains("1 refused (w)"), "{}", person.screen());
    person.state.proposal = None;
    person.keys("w");
    assert!(person.screen().contains("the guard is returned to the caller"), "{}", person.screen());
}

#[test]
fn without_a_build_there_are_findings_and_no_proposals_and_the_list_says_why() {
    let mut person = Person::at(120, 30);
    let mut analysis = analysis();
    refit::pipeline::without_proposals(&mut analysis, "error[E0308]: mismatched types", None);
    person.state.proposals.clear();
    person.state.analysis = Some(std::sync::Arc::new(analysis));
    person.state.reorder();
    person.keys("3");
    let screen = person.screen();
    assert!(screen.contains("the workspace does not build, so nothing is proposed: error[E0308]"), "{screen}");
    assert!(screen.contains("3 findings in Code (2)"), "{screen}");
}

/// A person whose workbench asks rustc, as one that is trusted to run the project's commands does.
fn asking() -> Person {
    let mut person = Person::before(120, 30, theme());
    (person.state.warm, person.state.asks) = (true, true);
    person.begin();
    person.keys("3");
    person
}

/// Ends the newest question to rustc: it refuses what is named.
fn end_question(person: &mut Person, refused: &[RewriteId]) {
    let (job, task) = person.compiler_run();
    let Task::Settle(asked) = &task else { panic!("not a question: {task:?}") };
    let refusal = |r: &Rewrite| Refusal {
        rule: r.rule,
        file: r.file.clone(),
        line: r.line,
        reason: "the key is no std type: rustc says `Country`".into(),
    };
    let said = asked.iter().map(|r| (r.id.clone(), refused.contains(&r.id).then(|| refusal(r)))).collect();
    person.tell(Message::Started(job));
    person.tell(Message::Done(job, Ok(Answer::Settled(said))));
}

#[test]
fn what_rustc_refuses_leaves_the_list_and_its_reason_is_one_key_away() {
    let mut person = asking();
    assert!(person.screen().contains("asking rustc about 2"), "{}", person.screen());
    let refused = id(&person, 1);
    end_question(&mut person, std::slice::from_ref(&refused));
    let screen = person.screen();
    assert!(screen.contains("1 proposal ") && screen.contains("2 refused (w)"), "{screen}");
    assert!(screen.contains(" compiles "), "{screen}");
    assert!(person.state.proposals.iter().all(|p| p.rewrite.id != refused));
    person.keys("w");
    assert!(person.screen().contains("rustc says `Country`"), "{}", person.screen());
    assert!(matches!(person.compiler_run().1, Task::Warm), "the slots are prepared when all is asked");
}

#[test]
fn a_proof_that_a_person_asks_for_does_not_wait_for_questions() {
    let mut person = asking();
    let (question, _) = person.compiler_run();
    person.keys("v");
    assert!(person.pending.iter().any(|c| matches!(c, Command::Cancel(id) if *id == question)), "{:?}", person.pending);
    let (_, task) = person.compiler_run();
    assert!(matches!(task, Task::Prove(_)), "{task:?}");
    person.tell(Message::Done(question, Err(vec![Problem::note("stopped before rustc had said all")])));
    assert!(!person.screen().contains("stopped"), "nobody asked for it aloud:\n{}", person.screen());
    end_proof(&mut person);
    let (_, task) = person.compiler_run();
    assert!(matches!(&task, Task::Settle(left) if left.len() == 1), "what has a verdict is not asked about: {task:?}");
}

/// A person with everything asked and warm who has had the first proposal proved; the work that begins by itself then.
fn has_had_one_proved() -> (Person, (JobId, Task)) {
    let mut person = asking();
    end_question(&mut person, &[]);
    let (warm, task) = person.compiler_run();
    assert!(matches!(task, Task::Warm));
    person.tell(Message::Done(warm, Ok(Answer::Warmed)));
    person.keys("v");
    assert!(matches!(person.compiler_run().1, Task::Prove(_)), "{:?}", person.compiler_run());
    end_proof(&mut person);
    let rest = person.compiler_run();
    (person, rest)
}

/// Every rung that is climbed only on demand beside the others.
fn whole(id: &RewriteId) -> Verdict {
    let mut all = evidence();
    let on_demand = Rung::ALL.iter().filter(|r| r.is_on_demand());
    all.extend(on_demand.map(|rung| came_to(*rung, RungState::Passed, "as it should be")));
    all.sort_by_key(|e| e.rung);
    Verdict::judge(id.clone(), "t".into(), all, verdict(id).measurement().cloned(), false)
}

#[test]
fn what_a_person_has_had_proved_climbs_the_rest_of_the_ladder_by_itself_and_makes_room() {
    let (mut person, (job, task)) = has_had_one_proved();
    let of = id(&person, 0);
    assert!(matches!(&task, Task::Rest(r) if r.len() == 1 && r[0].id == of), "only what was proved: {task:?}");
    person.tell(Message::Started(job));
    person.keys("4");
    assert!(person.screen().contains("rest of the ladder: "), "{}", person.screen());
    assert!(person.screen().contains("gate has power"), "every rung stands there:\n{}", person.screen());
    // The person's own work goes first, and the rest comes again after it.
    person.keys("K");
    assert!(person.pending.iter().any(|c| matches!(c, Command::Cancel(id) if *id == job)), "{:?}", person.pending);
    let (own, task) = person.compiler_run();
    assert!(matches!(task, Task::Ask(_, Rung::GateHasPower)), "{task:?}");
    person.state.notice = None;
    person.tell(Message::Done(job, Ok(Answer::Proved(vec![verdict(&of)]))));
    assert!(!person.screen().contains("proved: "), "nobody asked for it aloud:\n{}", person.screen());
    person.tell(Message::Started(own));
    person.tell(Message::Done(own, Ok(Answer::Proved(vec![verdict(&of)]))));
    let (again, task) = person.compiler_run();
    assert!(matches!(&task, Task::Rest(r) if r[0].id == of) && again != job, "{task:?}");
    person.tell(Message::Started(again));
    person.tell(Message::Done(again, Ok(Answer::Proved(vec![whole(&of)]))));
    assert_eq!(person.compiler_run().0, again, "there is nothing left to climb");
}

#[test]
fn what_the_person_stops_of_it_does_not_begin_again_and_nobody_has_to_wait_to_leave() {
    let (mut person, (job, task)) = has_had_one_proved();
    assert!(matches!(task, Task::Rest(_)), "{task:?}");
    person.tell(Message::Started(job));
    person.keys("q");
    assert!(person.pending.iter().any(|c| matches!(c, Command::Quit(0))), "{:?}", person.pending);
    person.keys("V");
    assert!(person.pending.iter().any(|c| matches!(c, Command::Cancel(id) if *id == job)), "{:?}", person.pending);
    let of = id(&person, 0);
    person.tell(Message::Done(job, Ok(Answer::Proved(vec![verdict(&of)]))));
    assert_eq!(person.compiler_run().0, job, "{:?}", person.pending);
}

#[test]
fn nothing_is_asked_before_the_commands_are_agreed_to_nor_again_what_was_answered() {
    let mut person = Person::before(120, 30, theme());
    (person.state.warm, person.state.asks) = (true, true);
    person.unseen = vec![String::from("cargo test")];
    person.begin();
    assert!(person.pending.is_empty(), "{:?}", person.pending);

    let mut person = asking();
    end_question(&mut person, &[]);
    person.pending.clear();
    person.keys("r");
    assert!(!person.pending.iter().any(|c| matches!(c, Command::Run(_, Task::Settle(_)))), "{:?}", person.pending);
}

#[test]
fn a_question_that_failed_is_not_asked_over_and_over() {
    let mut person = asking();
    let (job, _) = person.compiler_run();
    person.tell(Message::Started(job));
    person.tell(Message::Done(job, Err(vec![Problem::error("cargo is not installed")])));
    assert!(person.screen().contains("cargo is not installed"));
    assert!(!matches!(person.compiler_run().1, Task::Settle(_)) || person.compiler_run().0 == job);
    assert_eq!(person.state.proposals.len(), 2, "all stay, open");
}
