//! The terminal's bytes and the system's signals in, messages out; can be paused while an editor has the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};

use super::message::Message;

const READING: u8 = 0;
const PAUSE: u8 = 1;
const PAUSED: u8 = 2;

/// What the input side says.
pub enum Input {
    /// Something for `update`.
    Message(Message),
    /// The system asks the program to go to the background.
    Suspend,
    /// The terminal has gone.
    Gone,
}

/// The thread that reads the terminal.
pub struct Reader {
    mode: Arc<AtomicU8>,
}

impl Reader {
    /// Starts reading.
    pub fn new(out: Sender<Input>) -> Reader {
        let mode = Arc::new(AtomicU8::new(READING));
        let shared = mode.clone();
        std::thread::spawn(move || read(&shared, &out));
        Reader { mode }
    }

    /// Stops reading and waits until the reader keeps its hands off the terminal.
    pub fn pause(&self) {
        self.mode.store(PAUSE, Ordering::SeqCst);
        while self.mode.load(Ordering::SeqCst) != PAUSED {
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Reads on; what was typed meanwhile was meant for the editor and is thrown away.
    pub fn resume(&self) {
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let _ = event::read();
        }
        self.mode.store(READING, Ordering::SeqCst);
    }
}

fn read(mode: &AtomicU8, out: &Sender<Input>) {
    let mut reply = Reply::default();
    loop {
        if mode.load(Ordering::SeqCst) != READING {
            mode.store(PAUSED, Ordering::SeqCst);
            std::thread::park_timeout(Duration::from_millis(2));
            continue;
        }
        let event = match event::poll(Duration::from_millis(50)) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(e) => Err(e),
        };
        let sent = match event {
            Ok(event) if reply.swallows(&event) => true,
            Ok(event) => message(event).is_none_or(|m| out.send(Input::Message(m)).is_ok()),
            Err(_) => {
                let _ = out.send(Input::Gone);
                return;
            }
        };
        if !sent {
            return;
        }
    }
}

fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => Some(Message::Mouse(mouse)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, rows) => Some(Message::Resize(columns, rows)),
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// A terminal's late answer to a question of colour looks like `Alt-]` and letters: it is not typing.
#[derive(Default)]
struct Reply {
    left: u8,
}

impl Reply {
    fn swallows(&mut self, event: &Event) -> bool {
        let Event::Key(key) = event else { return false };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char(']') if alt => self.left = 40,
            KeyCode::Char('g') if control && self.left > 0 => self.left = 0,
            KeyCode::Char('\\') if alt && self.left > 0 => self.left = 0,
            _ if self.left > 0 => self.left -= 1,
            _ => return false,
        }
        true
    }
}

/// Starts listening to the signals that end or suspend the program.
///
/// # Errors
/// The system refuses a handler.
pub fn listen(out: Sender<Input>) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP])?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            let input = if signal == SIGTSTP { Input::Suspend } else { Input::Message(Message::Terminate) };
            if out.send(input).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Stops this process until the shell continues it.
pub fn stop_process() {
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::crossterm::event::KeyEvent;

    #[test]
    fn a_late_answer_of_the_terminal_is_not_typing() {
        let key = |c, m| Event::Key(KeyEvent::new(KeyCode::Char(c), m));
        let mut reply = Reply::default();
        assert!(!reply.swallows(&key('a', KeyModifiers::NONE)));
        assert!(reply.swallows(&key(']', KeyModifiers::ALT)));
        for c in "11;rgb:ffff/ffff/ffff".chars() {
            assert!(reply.swallows(&key(c, KeyModifiers::NONE)));
        }
        assert!(reply.swallows(&key('\\', KeyModifiers::ALT)));
        assert!(!reply.swallows(&key('a', KeyModifiers::NONE)));
    }
}
