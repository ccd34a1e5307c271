//! The terminal entered and left whole, whatever happens: a panic, a signal, an editor in between.

use std::io::{self, Stdout, Write, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};

use super::state::State;
use super::view::{Drawn, view};
use crate::model::Problem;

/// True while the terminal is ours, so that it is given back once.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over; a panic anywhere gives it back before it prints.
    ///
    /// # Errors
    /// No terminal, or one that cannot be set up.
    pub fn enter() -> Result<Screen, Problem> {
        restore_on_panic();
        take().map_err(no_terminal)?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout())).map_err(|e| {
            give_back();
            no_terminal(e)
        })?;
        Ok(Screen { terminal })
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        self.terminal.size().map_or((80, 24), |s| (s.width, s.height))
    }

    /// Draws one frame, shown by the terminal at once.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn draw(&mut self, state: &State) -> Result<Drawn, Problem> {
        let mut drawn = Drawn::default();
        let paint = |screen: &mut Screen, drawn: &mut Drawn| -> io::Result<()> {
            queue!(stdout(), BeginSynchronizedUpdate)?;
            screen.terminal.draw(|frame| *drawn = view(state, frame))?;
            execute!(stdout(), EndSynchronizedUpdate)
        };
        paint(self, &mut drawn).map_err(|e| Problem::error(format!("the terminal cannot be written: {e}")))?;
        Ok(drawn)
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) {
        give_back();
    }

    /// Takes it over again and paints everything anew.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn enter_again(&mut self) -> Result<(), Problem> {
        // Clearing the old one would ask the terminal where its cursor is and wait for the answer; a new one knows that
        // nothing is drawn.
        self.terminal = take()
            .and_then(|()| execute!(stdout(), Clear(ClearType::All)))
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())))
            .map_err(no_terminal)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn no_terminal(error: io::Error) -> Problem {
    Problem::error(format!("there is no terminal to open the workbench in: {error}"))
        .help("run it in a terminal, or use a command such as `refit rank` (`refit --help` lists them)")
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste, Hide)
}

/// Asks the terminal for its background (OSC 11); the answer, if any, comes as input.
pub fn ask_background() {
    let mut out = stdout();
    let _ = out.write_all(b"\x1b]11;?\x1b\\").and_then(|()| out.flush());
}

/// Undoes [`take`] in reverse order; does nothing the second time.
pub fn give_back() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    let _ =
        execute!(out, EndSynchronizedUpdate, Show, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A lane's panic is caught and shown as a problem; only the loop's own ends the program.
            if is_loop_thread() {
                give_back();
                before(info);
            }
        }));
    });
}

fn is_loop_thread() -> bool {
    std::thread::current().name() == Some("main")
}
