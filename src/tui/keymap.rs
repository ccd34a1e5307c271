//! The one table of keys: what each does, whether it can now, and why not; dispatch, footer, help and palette read it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::actions::{choosing, deciding, flame, general, moving, working};
use super::message::Command;
use super::screens::ScreenId;
use super::state::State;

/// A key as the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key itself.
    pub code: KeyCode,
    /// With Control held.
    pub control: bool,
}

/// Which chapter of the help an action stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chapter {
    /// Screens and moving about.
    Moving,
    /// Proving and measuring.
    Proving,
    /// Deciding and landing.
    Deciding,
    /// The workbench itself.
    General,
}

/// One action.
pub struct Binding {
    /// Stable name.
    pub name: &'static str,
    /// Its keys; the first is the one shown.
    pub keys: &'static [Key],
    /// What it does, in a word or three: footer and palette.
    pub title: &'static str,
    /// What it does, in a sentence: help.
    pub help: &'static str,
    /// Where help lists it.
    pub chapter: Chapter,
    /// Why it cannot be done now.
    pub ready: fn(&State) -> Result<(), String>,
    /// Does it.
    pub act: fn(&mut State) -> Vec<Command>,
}

const fn ch(c: char) -> Key {
    Key { code: KeyCode::Char(c), control: false }
}

const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), control: true }
}

const fn key(code: KeyCode) -> Key {
    Key { code, control: false }
}

fn always(_: &State) -> Result<(), String> {
    Ok(())
}

/// Shortens a line of the table.
const fn bind(
    name: &'static str,
    keys: &'static [Key],
    (title, help, chapter): (&'static str, &'static str, Chapter),
    ready: fn(&State) -> Result<(), String>,
    act: fn(&mut State) -> Vec<Command>,
) -> Binding {
    Binding { name, keys, title, help, chapter, ready, act }
}

use Chapter::{Deciding, General, Moving, Proving};

/// Every action of the workbench.
pub const KEYMAP: &[Binding] = &[
    bind(
        "budget",
        &[ch('1')],
        ("Budget", "what misses its limit, and which functions own the milliseconds", Moving),
        always,
        |s| moving::go(s, ScreenId::Budget),
    ),
    bind(
        "code",
        &[ch('2')],
        ("Code", "the source of the chosen function with its heat and findings", Moving),
        moving::can_show_code,
        moving::go_to_code,
    ),
    bind("review", &[ch('3')], ("Review", "proposals, hunk by hunk, with their evidence", Moving), always, |s| {
        moving::go(s, ScreenId::Review)
    }),
    bind("jobs", &[ch('4')], ("Jobs", "what runs, how far it is, and its log", Moving), always, |s| {
        moving::go(s, ScreenId::Jobs)
    }),
    bind("down", &[ch('j'), key(KeyCode::Down)], ("down", "next row", Moving), always, |s| moving::step(s, 1)),
    bind("up", &[ch('k'), key(KeyCode::Up)], ("up", "previous row", Moving), always, |s| moving::step(s, -1)),
    bind(
        "page-down",
        &[key(KeyCode::PageDown), ctrl('d'), ctrl('f')],
        ("page down", "one page down", Moving),
        always,
        |s| moving::page(s, 1),
    ),
    bind("page-up", &[key(KeyCode::PageUp), ctrl('u'), ctrl('b')], ("page up", "one page up", Moving), always, |s| {
        moving::page(s, -1)
    }),
    bind("first", &[ch('g'), key(KeyCode::Home)], ("first row", "to the first row", Moving), always, moving::first),
    bind("last", &[ch('G'), key(KeyCode::End)], ("last row", "to the last row", Moving), always, moving::last),
    bind(
        "left",
        &[ch('h'), key(KeyCode::Left)],
        ("left", "towards the start of long lines", Moving),
        moving::has_long_lines,
        |s| moving::sideways(s, -8),
    ),
    bind(
        "right",
        &[ch('l'), key(KeyCode::Right)],
        ("right", "towards the end of long lines", Moving),
        moving::has_long_lines,
        |s| moving::sideways(s, 8),
    ),
    bind("enter", &[key(KeyCode::Enter)], ("open", "into the selected row", Moving), moving::can_enter, moving::enter),
    bind("leave", &[key(KeyCode::Esc)], ("back", "out of what is open", Moving), always, moving::leave),
    bind(
        "pane",
        &[key(KeyCode::Tab), key(KeyCode::BackTab)],
        ("other pane", "the moving keys speak to the other pane", Moving),
        moving::has_aside,
        moving::other_pane,
    ),
    bind("search", &[ch('/')], ("search", "find a word on this screen", Moving), always, moving::ask_search),
    bind(
        "next-match",
        &[ch('n')],
        ("next match", "the next place with the word searched for", Moving),
        moving::has_search,
        |s| moving::find(s, true),
    ),
    bind("previous-match", &[ch('N')], ("previous match", "the place before", Moving), moving::has_search, |s| {
        moving::find(s, false)
    }),
    bind(
        "next-undecided",
        &[ch(']')],
        ("next undecided", "the next hunk without a decision; in Code the next finding", Moving),
        moving::has_undecided,
        |s| moving::undecided(s, true),
    ),
    bind(
        "previous-undecided",
        &[ch('[')],
        ("previous undecided", "the hunk without a decision before; in Code the finding before", Moving),
        moving::has_undecided,
        |s| moving::undecided(s, false),
    ),
    bind(
        "objective",
        &[ch('o')],
        ("next objective", "the split of the next objective of slo.toml", Moving),
        moving::has_objectives,
        moving::next_objective,
    ),
    bind(
        "order",
        &[ch('f')],
        (
            "other order",
            "order the split by the quantile, flame graph share, self, total, over, findings, name",
            Moving,
        ),
        moving::has_split,
        moving::other_order,
    ),
    bind(
        "fold",
        &[ch('z')],
        ("fold small rows", "sum small rows of the split up in one line, or show them one by one", Moving),
        moving::can_fold,
        moving::toggle_fold,
    ),
    bind(
        "filter",
        &[ch('&')],
        ("filter", "show only rows of the split, or in Review proposals, with these words", Moving),
        moving::can_filter,
        moving::ask_filter,
    ),
    bind(
        "group",
        &[ch('O')],
        ("other grouping", "group the proposals by function, rule or eye, or list them by ms alone", Moving),
        choosing::can_group,
        choosing::other_grouping,
    ),
    bind(
        "flame",
        &[ch('F')],
        ("flame", "the call tree as an icicle in the place of the table, or the table again", Moving),
        flame::has_samples,
        flame::toggle,
    ),
    bind(
        "tail",
        &[ch('T')],
        ("tail only", "the call tree of the requests around the quantile, or of every sample", Moving),
        flame::is_shown,
        flame::toggle_tail,
    ),
    bind(
        "colours",
        &[ch('C')],
        ("colours", "colour the call tree by owner, or by what is over its budget", Moving),
        flame::is_shown,
        flame::other_colours,
    ),
    bind(
        "brush",
        &[ch('B')],
        ("part", "look at some threads or a stretch of time alone: call tree and split", Moving),
        flame::has_samples,
        flame::ask_brush,
    ),
    bind(
        "compare",
        &[ch('D')],
        ("compare", "the difference of the call tree to an older recording's", Moving),
        flame::is_shown,
        flame::ask_older,
    ),
    bind(
        "sources",
        &[ch('S')],
        ("sources", "what was measured: age, commit and quality of every source", General),
        general::has_sources,
        general::sources,
    ),
    bind(
        "prove",
        &[ch('v')],
        ("prove", "compile, test and time the proposals in the background", Proving),
        working::can_prove,
        working::prove,
    ),
    bind(
        "take",
        &[ch('M')],
        ("take into the set", "take the proposal into the change set, or out of it", Proving),
        choosing::can_take,
        choosing::toggle_taken,
    ),
    bind(
        "prove-set",
        &[ch('P')],
        ("prove the set", "prove what was taken as one change; what breaks it is found and falls out", Proving),
        choosing::can_prove_set,
        choosing::prove_set,
    ),
    bind(
        "power",
        &[ch('K')],
        ("mutants", "make wrong versions of the new code and count how many tests and twins catch", Proving),
        choosing::can_ask_power,
        choosing::ask_power,
    ),
    bind(
        "properties",
        &[ch('I')],
        ("made inputs", "call old and new on made inputs and show the smallest on which they differ", Proving),
        choosing::can_ask_properties,
        choosing::ask_properties,
    ),
    bind(
        "codegen",
        &[ch('A')],
        ("machine code", "compare what old and new compile to: the same code is equivalent, and not faster", Proving),
        choosing::can_ask_codegen,
        choosing::ask_codegen,
    ),
    bind(
        "limits",
        &[ch('H')],
        (
            "limits",
            "build base and candidate and compare memory, binary, start and p50 with each other and [limits]",
            Proving,
        ),
        choosing::can_ask_limits,
        choosing::ask_limits,
    ),
    bind("cancel", &[ch('V')], ("cancel job", "stop the running job", Proving), working::can_cancel, working::cancel),
    bind(
        "evidence",
        &[ch('i')],
        ("evidence", "every rung with its numbers and its log", Proving),
        working::has_evidence,
        working::evidence,
    ),
    bind(
        "measure",
        &[ch('m')],
        ("measure p99 again", "measure the objective once, before and after the accepted stack", Proving),
        working::can_measure,
        working::measure,
    ),
    bind(
        "warm",
        &[],
        ("prepare build slots", "build dependencies and run the tests once, so that the first proof is quick", Proving),
        working::can_warm,
        working::warm,
    ),
    bind(
        "clean",
        &[],
        ("remove build slots", "free the disk space of scratch checkouts; asks", Proving),
        working::can_clean,
        working::ask_clean,
    ),
    bind(
        "accept",
        &[ch('a')],
        ("accept", "take the hunk under the cursor", Deciding),
        deciding::can_decide,
        deciding::accept,
    ),
    bind(
        "reject",
        &[ch('x')],
        ("reject", "leave the hunk under the cursor; asks for the reason", Deciding),
        deciding::can_decide,
        deciding::ask_reject,
    ),
    bind(
        "defer",
        &[ch('d')],
        ("defer", "decide the hunk under the cursor later", Deciding),
        deciding::can_decide,
        deciding::defer,
    ),
    bind(
        "edit",
        &[ch('e')],
        ("edit", "change the new text in $EDITOR; whoever edits becomes its author", Deciding),
        deciding::can_decide,
        deciding::edit,
    ),
    bind(
        "comment",
        &[ch('c')],
        ("comment", "remark on the line under the cursor", Deciding),
        deciding::can_decide,
        deciding::ask_comment,
    ),
    bind(
        "why",
        &[ch('w')],
        ("why refused", "why a finding has no proposal, or what refuted this one", Deciding),
        deciding::has_refusals,
        deciding::why,
    ),
    bind(
        "split-view",
        &[ch('t')],
        ("split view", "the diff in one column or side by side", Deciding),
        deciding::has_diff,
        deciding::toggle_split,
    ),
    bind(
        "sign",
        &[ch('s')],
        ("sign", "sign the proposal with your name from git's configuration", Deciding),
        deciding::can_sign,
        deciding::ask_sign,
    ),
    bind(
        "land",
        &[ch('L')],
        ("land", "commit what is signed; asks whether on a branch or here", Deciding),
        deciding::can_land,
        deciding::ask_land,
    ),
    bind(
        "undo",
        &[ch('u')],
        ("undo", "take back the newest operation; asks", Deciding),
        deciding::can_undo,
        deciding::ask_undo,
    ),
    bind(
        "redo",
        &[ch('U')],
        ("redo", "do the newest undone operation again; asks", Deciding),
        deciding::can_redo,
        deciding::ask_redo,
    ),
    bind(
        "report",
        &[ch('p')],
        ("report", "what was found, changed, proved and won", Deciding),
        working::has_project,
        working::report,
    ),
    bind(
        "refresh",
        &[ch('r')],
        ("read again", "read slo.toml, profile and sources again", General),
        working::can_refresh,
        working::refresh,
    ),
    bind(
        "problems",
        &[ch('!')],
        ("messages", "everything that reading found worth saying", General),
        general::has_problems,
        general::problems,
    ),
    bind("palette", &[ch(' '), ch(':')], ("palette", "find any action by its name", General), always, general::palette),
    bind("help", &[ch('?'), key(KeyCode::F(1))], ("help", "all keys", General), always, general::help),
    bind(
        "suspend",
        &[ctrl('z')],
        ("background", "leave the terminal to the shell until `fg`", General),
        always,
        general::suspend,
    ),
    bind("quit", &[ch('q'), ctrl('c')], ("quit", "leave; asks while jobs run", General), always, general::quit),
];

/// The action of a name; the table's test makes sure that every name used has one.
pub fn named(name: &str) -> &'static Binding {
    KEYMAP.iter().find(|b| b.name == name).unwrap_or(&KEYMAP[0])
}

/// The action of a key.
pub fn bound(event: &KeyEvent) -> Option<&'static Binding> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    KEYMAP.iter().find(|b| b.keys.iter().any(|k| k.code == event.code && k.control == control))
}

/// Does an action, or says why it cannot be done now.
pub fn perform(state: &mut State, binding: &Binding) -> Vec<Command> {
    match (binding.ready)(state) {
        Ok(()) => (binding.act)(state),
        Err(why) => {
            state.say(crate::model::Problem::note(format!("cannot {} now: {why}", verb(binding))));
            Vec::new()
        }
    }
}

/// The title as the verb of a sentence.
fn verb(binding: &Binding) -> &'static str {
    match binding.name {
        "enter" => "open this",
        "code" => "show code",
        "evidence" => "show evidence",
        "why" => "say why",
        "left" | "right" => "move sideways",
        "pane" => "change panes",
        "next-match" | "previous-match" => "find it",
        "next-undecided" | "previous-undecided" => "jump",
        "objective" => "change objectives",
        "order" => "change the order",
        "fold" => "fold rows",
        "flame" => "show the call tree",
        "tail" => "choose requests",
        "colours" => "change colours",
        "brush" => "look at a part",
        "compare" => "compare call trees",
        "sources" => "show sources",
        "split-view" => "split the view",
        "group" => "group proposals",
        "take" => "take it into the set",
        "power" => "make mutants",
        "properties" => "make inputs",
        "codegen" => "compare machine code",
        "limits" => "compare what they spend",
        "report" => "report",
        "problems" => "show messages",
        _ => binding.title,
    }
}

/// How a key is written on screens.
pub fn spelled(key: Key) -> String {
    let name = match key.code {
        KeyCode::Char(' ') => String::from("Space"),
        KeyCode::Char(c) if key.control => return format!("C-{c}"),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => String::from("Enter"),
        KeyCode::Esc => String::from("Esc"),
        KeyCode::Tab => String::from("Tab"),
        KeyCode::BackTab => String::from("S-Tab"),
        KeyCode::PageDown => String::from("PgDn"),
        KeyCode::PageUp => String::from("PgUp"),
        KeyCode::Up => String::from("Up"),
        KeyCode::Down => String::from("Down"),
        KeyCode::Left => String::from("Left"),
        KeyCode::Right => String::from("Right"),
        KeyCode::Home => String::from("Home"),
        KeyCode::End => String::from("End"),
        KeyCode::F(n) => format!("F{n}"),
        other => format!("{other:?}"),
    };
    if key.control { format!("C-{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_key_or_a_name() {
        for (i, a) in KEYMAP.iter().enumerate() {
            for b in &KEYMAP[i + 1..] {
                assert_ne!(a.name, b.name);
                for key in a.keys {
                    assert!(!b.keys.contains(key), "{} and {} share {}", a.name, b.name, spelled(*key));
                }
            }
        }
    }

    #[test]
    fn every_action_says_what_it_does() {
        for b in KEYMAP {
            assert!(!b.title.is_empty() && !b.help.is_empty(), "{}", b.name);
            assert!(!b.help.ends_with('.'), "{}", b.name);
        }
    }
}
