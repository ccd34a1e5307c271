//! The flame pane driven by keys and mouse: what it shows, zooms into, finds, leaves out and gives back.

use ratatui::crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use refit::model::*;
use refit::pipeline::Look;
use refit::tui::message::{Answer, Command, Message, Task};
use refit::tui::screens::ScreenId;

use crate::screens::check;
use crate::workbench::*;

#[test]
fn the_flame_pane_shows_the_call_tree_of_the_requests_around_the_quantile() {
    let mut person = Person::at(100, 30);
    person.keys("F");
    let screen = person.screen();
    assert!(screen.contains("requests around the p99"), "{screen}");
    check("flame_100x30", &mut person);
    person.keys("T");
    assert!(person.screen().contains("every sample · 4,000 samples"), "{}", person.screen());
    person.press(KeyCode::Esc);
    assert!(person.screen().contains("sum = measured p99"));
}

/// Lets the outermost frame be a function of the workspace, as it is where a runtime stands above the service.
fn open_on_a_function(person: &mut Person) {
    let (analysis, wish) = (person.state.analysis.clone().unwrap(), person.state.flame.made_for.clone().unwrap());
    let mut look = Look::clone(person.state.flame.look.as_ref().unwrap());
    let route = look.flame.names.iter_mut().find(|n| n.text == "gateway::http::route").unwrap();
    route.owner = Owner::Ours(FunctionId(route.text.clone()));
    let Command::Run(id, _) = person.state.start(Task::Look(analysis, wish.clone())) else { panic!("work") };
    person.tell(Message::Done(id, Ok(Answer::Looked(wish, std::sync::Arc::new(look)))));
    assert!(person.state.flame.home != 0 && person.state.flame.zoom == person.state.flame.home);
}

#[test]
fn escape_leaves_each_zoom_then_the_search_then_the_flame_pane() {
    let footer = |person: &mut Person| person.screen().lines().last().unwrap_or_default().to_string();
    let mut person = Person::at(100, 30);
    person.keys("F");
    open_on_a_function(&mut person);
    assert!(footer(&mut person).contains("Esc back"), "{}", footer(&mut person));
    person.press(KeyCode::Esc);
    assert!(!person.state.flame.is_shown, "nobody zoomed: one Esc is enough");

    person.keys("Fj");
    person.press(KeyCode::Enter);
    person.keys("/flush");
    person.press(KeyCode::Enter);
    for expected in ["zoom out", "forget search", "back"] {
        assert!(person.state.flame.is_shown);
        assert!(footer(&mut person).contains(&format!("Esc {expected}")), "{expected}: {}", footer(&mut person));
        person.press(KeyCode::Esc);
    }
    assert!(!person.state.flame.is_shown);
}

#[test]
fn the_flame_pane_zooms_searches_and_leads_to_the_code() {
    let mut person = Person::at(100, 30);
    person.keys("F");
    person.keys("T");
    person.keys("jj");
    assert!(person.screen().contains("gateway::audit::Log::write  "), "{}", person.screen());
    person.press(KeyCode::Right);
    assert!(person.screen().contains("gateway::risk::Scorer::score  "), "{}", person.screen());
    person.press(KeyCode::Enter);
    assert!(!person.screen().contains("Write::flush"), "only what the scorer calls is under the zoom");
    person.keys("j");
    person.keys("jjjj");
    assert!(person.screen().contains("__memmove_avx  "), "{}", person.screen());
    person.press(KeyCode::Esc);
    person.press(KeyCode::Esc);
    person.keys("/flush");
    person.press(KeyCode::Enter);
    assert!(person.screen().contains("\"flush\" is"), "{}", person.screen());
    assert!(person.screen().contains("std::io::Write::flush  "), "{}", person.screen());
    person.keys("C");
    assert!(person.screen().contains("over budget"));
    person.keys("g");
    person.keys("jj");
    person.press(KeyCode::Right);
    person.keys("2");
    assert_eq!(person.state.screen, ScreenId::Code);
    assert_eq!(person.state.line, 13);
}

#[test]
fn the_mouse_selects_a_frame_and_zooms_into_it() {
    let mut person = Person::at(100, 30);
    person.keys("F");
    let screen = person.screen();
    let (y, line) = screen.lines().enumerate().find(|(_, l)| l.contains("risk::Scorer::score")).expect("a frame");
    let x = line[..line.find("risk::Scorer::score").unwrap()].chars().count();
    let event = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: x as u16,
        row: y as u16,
        modifiers: KeyModifiers::NONE,
    };
    person.tell(Message::Mouse(event));
    assert!(person.screen().contains("Scorer::score  "), "{}", person.screen());
    person.tell(Message::Mouse(event));
    assert!(!person.screen().contains("Write::flush"), "{}", person.screen());
}

#[test]
fn a_brush_leaves_a_part_of_the_recording_in_tree_and_table() {
    let mut person = Person::at(140, 40);
    person.keys("B");
    person.keys("tid 100 0s-200s");
    person.press(KeyCode::Enter);
    let screen = person.screen();
    assert!(screen.contains("part tid 100 0s-200s") && screen.contains("100 requests"), "{screen}");
    person.press(KeyCode::Esc);
    assert!(person.screen().contains("4,000 requests"));
    person.keys("B");
    person.keys("tid main");
    person.press(KeyCode::Enter);
    assert!(person.screen().contains("neither a thread nor a time"), "{}", person.screen());
}

#[test]
fn the_call_tree_is_compared_with_an_older_recording() {
    let mut person = Person::at(140, 40);
    person.keys("F");
    person.keys("D");
    person.keys("perf/before.txt");
    person.press(KeyCode::Enter);
    let screen = person.screen();
    assert!(screen.contains("against perf/before.txt") && screen.contains(" more "), "{screen}");
    check("flame_compared_140x40", &mut person);
    person.keys("T");
    assert!(person.screen().contains("every sample, against perf/before.txt"), "{}", person.screen());
    person.keys("C");
    assert!(!person.screen().contains(" more "), "owners again: {}", person.screen());
    person.keys("D");
    person.press(KeyCode::Backspace);
    for _ in 0.."perf/before.txt".len() {
        person.press(KeyCode::Backspace);
    }
    person.press(KeyCode::Enter);
    assert!(!person.screen().contains("against"), "{}", person.screen());
}

#[test]
fn a_recording_that_cannot_be_read_is_not_compared_with() {
    let mut person = Person::at(140, 40);
    person.keys("F");
    let tree = person.screen();
    person.keys("D");
    person.keys("gone");
    person.press(KeyCode::Enter);
    let screen = person.screen();
    assert!(screen.contains("there is no such file"), "{screen}");
    assert!(person.state.flame.older.is_empty() && screen.lines().nth(9) == tree.lines().nth(9), "{screen}");
}

#[test]
fn a_call_tree_of_any_size_costs_what_the_screen_shows() {
    let mut person = Person::at(200, 50);
    let mut big = analysis();
    let mut profile = Profile::default();
    for i in 0..20_000_u32 {
        profile.frames.push(Frame { symbol: format!("gateway::f{i}"), ..Frame::default() });
        let parent = (i > 0).then(|| NodeId((i - 1) / 3));
        profile.nodes.push(Node { parent, frame: FrameId(i) });
        profile.samples.push(Sample { leaf: Some(NodeId(i)), weight: 1, time_ns: None, tid: None });
    }
    big.profile = std::sync::Arc::new(profile);
    let Command::Run(id, _) = person.state.start(Task::Analyse) else { panic!("work") };
    person.tell(Message::Done(id, Ok(Answer::Analysed(std::sync::Arc::new(big)))));
    person.keys("F");
    person.look();
    let cells = 200 * 50;
    assert!(person.state.drawn.computed <= cells, "{} frames for {cells} cells", person.state.drawn.computed);
    assert!(person.state.drawn.computed > 50);
}
