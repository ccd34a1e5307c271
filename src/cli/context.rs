//! The global options in; an open project, consent to its commands, and an ear for its jobs out.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use super::Global;
use super::progress;
use super::style::Style;
use crate::jobs::{self, Ear, Reviewed, Trust, Workspace, load_reviews};
use crate::model::{Problem, Rewrite};
use crate::pipeline::{Analysis, Depth, Inputs};
use crate::slo::nearest;
use crate::tui;

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The terminal's background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Shade {
    /// As COLORFGBG says, else dark
    Auto,
    /// Light text on dark
    Dark,
    /// Dark text on light
    Light,
}

/// What every command knows.
pub(super) struct Context {
    pub(super) root: PathBuf,
    pub(super) config: PathBuf,
    pub(super) json: bool,
    trust: bool,
    despite_quality: bool,
    /// How the workbench looks.
    pub(super) bench: tui::Options,
    /// Styling of standard output.
    pub(super) style: Style,
    /// Styling of standard error.
    pub(super) aside: Style,
    /// Columns of standard output; unlimited where it is no terminal.
    pub(super) width: usize,
}

fn shade(chosen: Shade) -> Option<tui::theme::Shade> {
    match chosen {
        Shade::Auto => None,
        Shade::Dark => Some(tui::theme::Shade::Dark),
        Shade::Light => Some(tui::theme::Shade::Light),
    }
}

impl Context {
    pub(super) fn new(global: &Global) -> Context {
        let color = if global.no_color { Color::Never } else { global.color };
        Context {
            root: global.root.clone(),
            config: global.config.clone(),
            json: global.json,
            trust: global.trust,
            despite_quality: global.despite_quality,
            bench: tui::Options {
                warm: false,
                asks: true,
                shade: shade(global.theme),
                plain: color == Color::Never,
                example: None,
            },
            style: Style::new(wants_color(color, std::io::stdout().is_terminal())),
            aside: Style::new(wants_color(color, std::io::stderr().is_terminal())),
            width: width(),
        }
    }

    /// The same with another project folder.
    pub(super) fn at(&self, root: PathBuf) -> Context {
        Context { root, config: self.config.clone(), ..*self }
    }

    /// Opens the project and settles what a crash of an earlier run cut off; executes nothing of the project.
    pub(super) fn open(&self) -> Result<Workspace, Vec<Problem>> {
        let workspace = Workspace::open(&self.root, &self.config)?;
        if let Some(done) = jobs::recover(&workspace).map_err(|p| vec![p])? {
            let _ = writeln!(std::io::stderr(), "{done}");
        }
        Ok(workspace)
    }

    /// An ear that tells progress on standard error, and that Ctrl-C cancels.
    pub(super) fn ear(&self) -> progress::Listener {
        progress::Listener::start(self.aside)
    }

    /// Makes sure that a person agreed to the commands of the project.
    pub(super) fn agree(&self, workspace: &Workspace) -> Result<(), Problem> {
        let Trust::Unseen(commands) = workspace.trust() else { return Ok(()) };
        if self.trust || self.asks(&commands) {
            return workspace.agree();
        }
        let what = format!("nobody agreed to the commands of {} yet", self.config.display());
        Err(Problem::error(what).help(format!("read them, then pass --trust:\n    {}", commands.join("\n    "))))
    }

    /// Shows the commands and asks, where there is somebody to ask.
    fn asks(&self, commands: &[String]) -> bool {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return false;
        }
        let mut terminal = std::io::stderr();
        let list: String = commands.iter().map(|c| format!("    {}\n", self.aside.code(c))).collect();
        let question =
            format!("These commands of {} run on this machine:\n{list}Run them? [y/N] ", self.config.display());
        let _ = write!(terminal, "{question}").and_then(|()| terminal.flush());
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        matches!(line.trim(), "y" | "Y" | "yes")
    }

    /// True if the person agreed by an option.
    pub(super) fn trusts(&self) -> bool {
        self.trust
    }

    /// Inputs of an analysis as the global options say.
    pub(super) fn inputs(&self) -> Inputs {
        Inputs { despite_quality: self.despite_quality, ..Inputs::default() }
    }

    /// The analysis as deep as the command needs it, of hot functions or of every file.
    pub(super) fn analyse(
        &self,
        workspace: &Workspace,
        depth: Depth,
        all: bool,
        ear: &Ear,
    ) -> Result<Analysis, Vec<Problem>> {
        workspace.compose(Inputs { depth, all, ..self.inputs() }, ear)
    }

    /// The proposals with these ids (or their unique beginnings), with what was decided and proved.
    ///
    /// Looks at hot functions first and at every file only if an id is not among them. No id means every proposal of
    /// hot functions.
    pub(super) fn proposals(&self, workspace: &Workspace, ids: &[String], ear: &Ear) -> Result<Chosen, Vec<Problem>> {
        let mut missing = Vec::new();
        for all in [false, true] {
            let analysis = self.analyse(workspace, Depth::Propose, all, ear)?;
            // What changes behaviour is there for who names it.
            let by_name = if ids.is_empty() { &[][..] } else { &analysis.on_request[..] };
            let known = [&analysis.rewrites[..], by_name].concat();
            let reviewed = load_reviews(workspace, &known).map_err(|p| vec![p])?;
            let (found, problems) = choose(&reviewed, ids);
            if problems.is_empty() {
                return Ok(Chosen { proposals: found, analysis });
            }
            missing = problems;
        }
        Err(missing)
    }
}

/// Proposals that were asked for, and the analysis they come from.
pub(super) struct Chosen {
    pub(super) proposals: Vec<Reviewed>,
    pub(super) analysis: Analysis,
}

impl Chosen {
    pub(super) fn rewrites(&self) -> Vec<Rewrite> {
        self.proposals.iter().map(|p| p.rewrite.clone()).collect()
    }
}

/// Picks by id or unique beginning, in the order asked for, each once; no id at all means every proposal.
fn choose(reviewed: &[Reviewed], ids: &[String]) -> (Vec<Reviewed>, Vec<Problem>) {
    if ids.is_empty() {
        return (reviewed.to_vec(), Vec::new());
    }
    let (mut chosen, mut problems): (Vec<Reviewed>, Vec<Problem>) = (Vec::new(), Vec::new());
    for id in ids {
        let fits: Vec<&Reviewed> = reviewed.iter().filter(|r| r.rewrite.id.0.starts_with(id.as_str())).collect();
        match fits.as_slice() {
            [one] if chosen.iter().any(|c| c.rewrite.id == one.rewrite.id) => {}
            [one] => chosen.push((*one).clone()),
            [] => problems.push(unknown(id, reviewed)),
            [_, ..] => problems.push(
                Problem::error(format!("\"{id}\" is the beginning of {} proposals", fits.len()))
                    .help("write more of the id: `refit propose` lists them"),
            ),
        }
    }
    (chosen, problems)
}

fn unknown(id: &str, reviewed: &[Reviewed]) -> Problem {
    let help = match nearest(id, reviewed.iter().map(|r| r.rewrite.id.0.as_str())) {
        Some(near) => format!("did you mean {near}?"),
        None => String::from("`refit propose --all` lists proposals; an id changes when the code under it changes"),
    };
    Problem::error(format!("there is no proposal \"{id}\"")).help(help)
}

fn wants_color(color: Color, is_terminal: bool) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && !no_color && !is_dumb,
    }
}

fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let seen = || std::io::stdout().is_terminal().then(crossterm::terminal::size).and_then(Result::ok);
    told.or_else(|| seen().map(|(columns, _)| usize::from(columns))).unwrap_or(usize::MAX)
}
