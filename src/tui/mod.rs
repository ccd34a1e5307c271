//! A project folder in, the workbench on the terminal out: one state, `update` and `view` over it, two worker lanes.

pub mod actions;
mod input;
pub mod keymap;
pub mod listing;
pub mod message;
mod pen;
pub mod popups;
pub mod screens;
mod sources;
mod split;
pub mod state;
mod terminal;
mod text;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;
mod worker;

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select, unbounded};

use self::input::{Input, Reader};
use self::message::{Command, Message};
use self::state::State;
use self::terminal::Screen;
use self::theme::{Depth, Shade, Theme};
use self::worker::Worker;
use crate::model::Problem;

pub use self::worker::{hunk_tokens, source_text};

/// How the workbench opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Prepare the build slots while the person reads (what `refit try` does).
    pub warm: bool,
    /// Ask rustc about proposals while the person reads.
    pub asks: bool,
    /// Light or dark; `None` asks the environment.
    pub shade: Option<Shade>,
    /// No colours at all, whatever the environment says.
    pub plain: bool,
    /// The example to unpack into the folder first; unpacked behind the first frame.
    pub example: Option<&'static str>,
}

/// Opens the workbench on the project at `root`; returns the exit status once the person quits (143 after SIGTERM).
///
/// # Errors
/// No terminal, or one that cannot be set up. Problems of the project are shown inside.
pub fn open(root: &Path, config: &Path, options: Options) -> Result<u8, Problem> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Problem::error("there is no terminal to open the workbench in")
            .help("run it in a terminal, or use a command such as `refit rank` (`refit --help` lists them)"));
    }
    let mut theme = Theme::detect(|name| std::env::var(name).ok(), options.shade);
    if options.plain {
        theme.depth = Depth::None;
    }
    let mut screen = Screen::enter()?;
    let mut state = State::new(screen.size(), theme, options.warm);
    state.asks = options.asks;
    let (to_us, from_lanes) = unbounded();
    let worker = Worker::new(root.to_path_buf(), config.to_path_buf(), options.example, to_us);
    let (typed, keys) = unbounded();
    input::listen(typed.clone()).map_err(|e| Problem::error(format!("signals cannot be heard: {e}")))?;
    let reader = Reader::new(typed);
    // Whoever said what the background is, by an option or in the environment, is not asked again.
    let said = options.shade.is_some() || std::env::var_os("COLORFGBG").is_some();
    let asks_background = !said && matches!(theme.depth, Depth::Full | Depth::Indexed);
    let mut bench =
        Bench { state, screen: &mut screen, worker: &worker, reader: &reader, keys, from_lanes, asks_background };
    let status = bench.run();
    drop(screen);
    worker.stop();
    status
}

/// The loop's ends.
struct Bench<'a> {
    state: State,
    screen: &'a mut Screen,
    worker: &'a Worker,
    reader: &'a Reader,
    keys: Receiver<Input>,
    from_lanes: Receiver<Message>,
    asks_background: bool,
}

impl Bench<'_> {
    /// Draws, waits, takes in everything that has come, and draws again.
    fn run(&mut self) -> Result<u8, Problem> {
        let start = Instant::now();
        let mut commands = update::begin(&mut self.state);
        let mut on_its_way = Some(worker::frame("first frame"));
        let mut asks = self.asks_background;
        loop {
            self.state.drawn = self.screen.draw(&self.state)?;
            drop(on_its_way.take());
            // The first frame does not wait for the answer.
            if std::mem::take(&mut asks) {
                terminal::ask_background();
            }
            fail_if_asked();
            if let Some(status) = self.carry_out(std::mem::take(&mut commands))? {
                return Ok(status);
            }
            let first = self.wait();
            on_its_way = is_key(&first).then(|| worker::frame("key to frame"));
            update::update(&mut self.state, Message::Now(start.elapsed()));
            match self.take_in(first) {
                Taken::Commands(wanted) => commands = wanted,
                Taken::Gone => return Ok(1),
            }
        }
    }

    /// Waits for input or news; while a job runs, at most until its seconds change.
    fn wait(&self) -> Option<Input> {
        let tick = if self.state.open_jobs().is_empty() { Duration::from_secs(3600) } else { Duration::from_secs(1) };
        select! {
            recv(self.keys) -> input => Some(input.unwrap_or(Input::Gone)),
            recv(self.from_lanes) -> news => news.ok().map(Input::Message),
            default(tick) => None,
        }
    }

    /// Keys first: they were pressed at what is drawn. Then the news, which may move rows; one repaint for all of it.
    fn take_in(&mut self, first: Option<Input>) -> Taken {
        let mut keys = Vec::new();
        let mut news = Vec::new();
        match first {
            Some(Input::Message(m)) if is_news(&m) => news.push(m),
            Some(input) => keys.push(input),
            None => {}
        }
        keys.extend(self.keys.try_iter());
        news.extend(self.from_lanes.try_iter().take(10_000));
        let mut commands = Vec::new();
        for input in keys {
            match input {
                Input::Message(message) => commands.extend(update::update(&mut self.state, message)),
                Input::Suspend => commands.push(Command::Suspend),
                Input::Gone => return Taken::Gone,
            }
        }
        for message in news {
            commands.extend(update::update(&mut self.state, message));
        }
        Taken::Commands(commands)
    }

    /// Hands commands on; an exit status ends the loop.
    fn carry_out(&mut self, commands: Vec<Command>) -> Result<Option<u8>, Problem> {
        for command in commands {
            match command {
                Command::Run(id, task) => self.worker.run(id, task),
                Command::Cancel(id) => self.worker.cancel(id),
                Command::Quit(status) => return Ok(Some(status)),
                Command::Suspend => self.away(input::stop_process)?,
                Command::Editor(order) => {
                    let mut text = Ok(None);
                    let worker = self.worker;
                    self.away(|| text = worker.edit(&order))?;
                    let wanted = update::update(&mut self.state, Message::Edited(order, text));
                    if let Some(status) = self.carry_out(wanted)? {
                        return Ok(Some(status));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Gives the terminal away while `doing`, then paints everything anew.
    fn away(&mut self, doing: impl FnOnce()) -> Result<(), Problem> {
        self.reader.pause();
        self.screen.leave();
        doing();
        self.screen.enter_again()?;
        self.reader.resume();
        let (columns, rows) = self.screen.size();
        update::update(&mut self.state, Message::Resize(columns, rows));
        self.state.drawn = self.screen.draw(&self.state)?;
        Ok(())
    }
}

enum Taken {
    Commands(Vec<Command>),
    Gone,
}

/// News of the lanes; everything else comes from the person or the system.
fn is_news(message: &Message) -> bool {
    matches!(message, Message::Started(_) | Message::Progress(..) | Message::Done(..))
}

fn is_key(input: &Option<Input>) -> bool {
    matches!(input, Some(Input::Message(Message::Key(_))))
}

/// The test that the terminal comes back after a panic asks for one.
fn fail_if_asked() {
    if std::env::var_os("REFIT_FAILPOINT").is_some_and(|v| v == "panic-after-first-frame") {
        panic!("asked for by REFIT_FAILPOINT");
    }
}
