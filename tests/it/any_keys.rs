//! Any keys, clicks, pastes and sizes in; a workbench whose cursors stand on what is there, out.

use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use refit::tui::message::Message;
use refit::tui::screens::ScreenId;

use crate::workbench::Person;

fn any_message() -> impl Strategy<Value = Message> {
    let keys: Vec<KeyCode> = "1234jkghlGaxdectvVwisLuUnmNfop/[] ?!qrybf\\FTCBDSz&:#0mOMPKIA"
        .chars()
        .map(KeyCode::Char)
        .chain([
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageDown,
            KeyCode::PageUp,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
            KeyCode::Delete,
        ])
        .collect();
    prop_oneof![
        12 => proptest::sample::select(keys).prop_map(|c| Message::Key(KeyEvent::new(c, KeyModifiers::NONE))),
        2 => (1_u16..260, 1_u16..90).prop_map(|(c, r)| Message::Resize(c, r)),
        2 => (0_u16..140, 0_u16..50, 0_u8..3).prop_map(|(column, row, kind)| {
            let kind = match kind {
                0 => MouseEventKind::Down(MouseButton::Left),
                1 => MouseEventKind::ScrollDown,
                _ => MouseEventKind::ScrollUp,
            };
            Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
        }),
        1 => any::<String>().prop_map(Message::Paste),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_keys_and_no_size_break_the_workbench(messages in proptest::collection::vec(any_message(), 1..80)) {
        let mut person = Person::at(100, 30);
        for message in messages {
            if let Message::Resize(columns, rows) = message {
                person.resize(columns, rows);
            } else {
                person.tell(message);
            }
            let state = &person.state;
            prop_assert!(state.row.is_none_or(|r| r < state.rows.len()));
            prop_assert!(state.line >= 1);
            prop_assert!(state.text.as_ref().is_none_or(|t| state.line as usize <= t.lines.len()));
            prop_assert!(state.proposal.as_ref().is_none_or(|id| state.proposals.iter().any(|p| p.rewrite.id == *id)));
            let shown = state.selected_index().is_none_or(|at| state.listing.line_of(at).is_some());
            prop_assert!(shown || state.opened || state.screen != ScreenId::Review, "no key speaks of what is hidden");
            prop_assert!(state.drawn.computed <= usize::from(state.size.1) * 2);
        }
    }
}
