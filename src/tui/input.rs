//! The terminal's bytes and the system's signals in, messages out; can be paused while an editor has the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};

use super::message::Message;
use super::theme::Shade;

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
            Ok(event) => match reply.hears(&event) {
                Heard::Part => true,
                Heard::Background(shade) => out.send(Input::Message(Message::Background(shade))).is_ok(),
                Heard::Key => message(event).is_none_or(|m| out.send(Input::Message(m)).is_ok()),
            },
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

/// A terminal's answer to the question for its background looks like `Alt-]` and letters: it is not typing.
///
/// The answer is `OSC 11 ; rgb:RRRR/GGGG/BBBB` with one to four hexadecimal digits each, ended by `ESC \\` or `BEL`. What
/// does not go on like that is typing again.
#[derive(Default)]
struct Reply {
    text: Option<String>,
}

/// What a key is to [`Reply`].
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// Typing.
    Key,
    /// Part of an answer.
    Part,
    /// The end of one: the background is dark, or light.
    Background(Shade),
}

impl Reply {
    fn hears(&mut self, event: &Event) -> Heard {
        let Event::Key(key) = event else { return Heard::Key };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let Some(mut text) = self.text.take() else {
            if key.code == KeyCode::Char(']') && alt {
                self.text = Some(String::new());
                return Heard::Part;
            }
            return Heard::Key;
        };
        match key.code {
            KeyCode::Char('g') if control => background(&text).map_or(Heard::Part, Heard::Background),
            KeyCode::Char('\\') if alt => background(&text).map_or(Heard::Part, Heard::Background),
            KeyCode::Char(c) if !alt && !control && goes_on(&text, c) => {
                text.push(c);
                self.text = Some(text);
                Heard::Part
            }
            _ => Heard::Key,
        }
    }
}

/// True if an answer can go on with this character.
fn goes_on(text: &str, c: char) -> bool {
    const HEAD: &str = "11;rgb";
    match HEAD.chars().nth(text.len()) {
        Some(expected) => c == expected,
        // `rgba` has a fourth part.
        None => text.len() < 32 && (c.is_ascii_hexdigit() || matches!(c, 'a' | ':' | '/')),
    }
}

/// `11;rgb:ffff/ffff/ffff` is light. Brightness is that of ITU-R BT.601.
fn background(text: &str) -> Option<Shade> {
    let (_, colour) = text.split_once(':')?;
    let part = |hex: &str| {
        let value = u32::from_str_radix(hex, 16).ok()?;
        Some(f64::from(value) / f64::from(16_u32.pow(hex.len() as u32) - 1))
    };
    let parts: Vec<f64> = colour.split('/').map(part).collect::<Option<_>>()?;
    let [r, g, b, ..] = parts[..] else { return None };
    let is_light = 0.299 * r + 0.587 * g + 0.114 * b > 0.5;
    Some(if is_light { Shade::Light } else { Shade::Dark })
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

    fn key(c: char, m: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), m))
    }

    fn hears(reply: &mut Reply, text: &str) {
        for c in text.chars() {
            assert_eq!(reply.hears(&key(c, KeyModifiers::NONE)), Heard::Part, "{c} of {text}");
        }
    }

    #[test]
    fn the_terminals_answer_is_not_typing_and_tells_the_background() {
        let mut reply = Reply::default();
        assert_eq!(reply.hears(&key('a', KeyModifiers::NONE)), Heard::Key);
        for (colour, shade) in [("ffff/ffff/dddd", Shade::Light), ("1/1/1", Shade::Dark), ("fd/f6/e3", Shade::Light)] {
            assert_eq!(reply.hears(&key(']', KeyModifiers::ALT)), Heard::Part);
            hears(&mut reply, &format!("11;rgb:{colour}"));
            assert_eq!(reply.hears(&key('\\', KeyModifiers::ALT)), Heard::Background(shade));
            assert_eq!(reply.hears(&key('a', KeyModifiers::NONE)), Heard::Key);
        }
        assert_eq!(reply.hears(&key(']', KeyModifiers::ALT)), Heard::Part);
        hears(&mut reply, "11;rgb:0000/0000/0000");
        assert_eq!(reply.hears(&key('g', KeyModifiers::CONTROL)), Heard::Background(Shade::Dark));
    }

    #[test]
    fn what_only_begins_like_an_answer_is_typing() {
        let mut reply = Reply::default();
        assert_eq!(reply.hears(&key(']', KeyModifiers::ALT)), Heard::Part);
        assert_eq!(reply.hears(&key('j', KeyModifiers::NONE)), Heard::Key);
        assert_eq!(reply.hears(&key('1', KeyModifiers::NONE)), Heard::Key);
    }
}
