//! Actions of the flame pane: shown or not, zoomed, searched, coloured, and which part of the recording it speaks of.

use std::sync::Arc;

use crate::model::{Brush, FunctionId, Owner, Problem};
use crate::pipeline::Look;
use crate::tui::message::{Command, Task, Wish};
use crate::tui::popups::{Ask, Popup};
use crate::tui::screens::ScreenId;
use crate::tui::state::{Colouring, State};
use crate::tui::text::plural;

/// Samples were read.
pub fn has_samples(state: &State) -> Result<(), String> {
    match &state.analysis {
        None => Err(String::from("nothing is read yet")),
        Some(a) if a.profile.samples.is_empty() => Err(String::from("no source has samples with stacks")),
        Some(_) => Ok(()),
    }
}

/// The flame pane is shown.
pub fn is_shown(state: &State) -> Result<(), String> {
    let shown = has_keys(state);
    if shown { Ok(()) } else { Err(String::from("the flame pane is not open (F)")) }
}

/// True if the moving keys speak to the flame pane.
pub fn has_keys(state: &State) -> bool {
    state.screen == ScreenId::Budget && state.flame.is_shown
}

/// Shows the flame pane in the place of the table, or the table again.
pub fn toggle(state: &mut State) -> Vec<Command> {
    state.flame.is_shown = !has_keys(state);
    state.screen = ScreenId::Budget;
    if state.flame.is_shown { ask(state) } else { Vec::new() }
}

/// Asks for the call tree that is wished for, unless it is there.
pub fn ask(state: &mut State) -> Vec<Command> {
    let wish = wish(state);
    let Some(analysis) = state.analysis.clone() else { return Vec::new() };
    let is_there = state.flame.look.is_some() && state.flame.made_for.as_ref() == Some(&wish);
    if is_there || (!state.flame.is_shown && wish.brush.is_empty() && state.flame.brush.is_empty()) {
        return Vec::new();
    }
    vec![state.start(Task::Look(analysis, wish))]
}

fn wish(state: &State) -> Wish {
    let (brush, older) = (state.flame.brush.clone(), state.flame.older.clone());
    Wish { objective: state.objective, tail: state.flame.is_tail, brush, older }
}

/// Takes a call tree in; the cursor stays on its function where it is still there.
pub fn looked(state: &mut State, wish: Wish, look: Arc<Look>) -> Vec<Command> {
    if wish != self::wish(state) {
        return Vec::new();
    }
    let path = state.flame.look.as_ref().map(|l| path(&l.flame, state.flame.cursor)).unwrap_or_default();
    let flame = &look.flame;
    let zoom = first_of_ours(flame);
    let before = path.iter().try_fold(0, |at, name| child_named(flame, at, name));
    let cursor = before.filter(|n| *n != 0 && flame.is_below(*n, zoom)).unwrap_or(zoom);
    (state.flame.home, state.flame.zoom, state.flame.cursor, state.flame.top) = (zoom, zoom, cursor, 0);
    state.flame.look = Some(look);
    state.flame.made_for = Some(wish);
    match_names(state);
    let place = state.place();
    state.reorder();
    state.return_to(place);
    if state.row.is_none() {
        state.row = (!state.rows.is_empty()).then_some(0);
    }
    Vec::new()
}

/// The outermost function of the workspace that has nearly everything below it: what stands above it is the runtime's, and
/// tells nothing. The root where there is none.
fn first_of_ours(flame: &crate::model::Flame) -> u32 {
    let nearly_all = flame.node(0).weight / 50 * 49;
    let chain = std::iter::successors(Some(0), |n| flame.first_child(*n));
    let mut chain = chain.take_while(|n| flame.node(*n).weight >= nearly_all);
    chain.find(|n| flame.name(*n).is_some_and(|name| matches!(name.owner, Owner::Ours(_)))).unwrap_or(0)
}

/// The nearest caller in which more happens than below the node; a chain of calls is left at once.
fn wider(flame: &crate::model::Flame, node: u32) -> u32 {
    let weight = flame.node(node).weight;
    let callers = std::iter::successors(Some(flame.node(node).parent), |n| Some(flame.node(*n).parent));
    let mut callers = callers.take_while(|n| *n != 0);
    callers.find(|n| flame.node(*n).weight > weight / 50 * 51).unwrap_or(0)
}

/// Names from the root's callee to the node.
fn path(flame: &crate::model::Flame, node: u32) -> Vec<String> {
    let up = std::iter::successors(Some(node), |n| Some(flame.node(*n).parent).filter(|_| *n != 0));
    let mut path: Vec<String> = up.take_while(|n| *n != 0).filter_map(|n| Some(flame.name(n)?.text.clone())).collect();
    path.reverse();
    path
}

fn child_named(flame: &crate::model::Flame, parent: u32, name: &str) -> Option<u32> {
    let mut child = flame.first_child(parent)?;
    loop {
        if flame.name(child).is_some_and(|n| n.text == name) {
            return Some(child);
        }
        child += 1;
        if flame.node(child).parent != parent || child as usize >= flame.nodes.len() {
            return None;
        }
    }
}

/// One level down (to the heaviest callee) or up.
pub fn step(state: &mut State, by: isize) -> Vec<Command> {
    let Some(look) = state.flame.look.clone() else { return Vec::new() };
    for _ in 0..by.unsigned_abs().min(1000) {
        let next = match by > 0 {
            true => look.flame.first_child(state.flame.cursor),
            false => Some(look.flame.node(state.flame.cursor).parent),
        };
        match next {
            Some(next) if look.flame.is_below(next, state.flame.zoom) => state.flame.cursor = next,
            _ => break,
        }
    }
    Vec::new()
}

/// To the neighbour on the same level, as far as the zoom goes.
pub fn sideways(state: &mut State, by: isize) -> Vec<Command> {
    let Some(look) = state.flame.look.clone() else { return Vec::new() };
    let flame = &look.flame;
    let now = flame.node(state.flame.cursor);
    let next = match by > 0 {
        true => flame.at_or_after(usize::from(now.depth), now.end()),
        false => now.start.checked_sub(1).and_then(|w| flame.at_or_before(usize::from(now.depth), w)),
    };
    if let Some(next) = next.filter(|n| flame.is_below(*n, state.flame.zoom)) {
        state.flame.cursor = next;
    }
    Vec::new()
}

/// Zooms into the selected frame, or out of it where it is zoomed already.
pub fn zoom(state: &mut State) -> Vec<Command> {
    let Some(look) = state.flame.look.clone() else { return Vec::new() };
    let (zoom, cursor) = (state.flame.zoom, state.flame.cursor);
    state.flame.zoom = if zoom == cursor { wider(&look.flame, zoom) } else { cursor };
    state.flame.top = 0;
    Vec::new()
}

/// What leaving does next: each zoom the person made is left first, then the word searched for, then the pane. The frame
/// that the pane opened on is no zoom of theirs.
enum Way {
    ZoomOut,
    ForgetSearch,
    Close,
}

fn way_out(state: &State) -> Way {
    let (zoom, home) = (state.flame.zoom, state.flame.home);
    match &state.flame.look {
        Some(look) if zoom != home && look.flame.is_below(zoom, home) => Way::ZoomOut,
        Some(_) if !state.search.is_empty() => Way::ForgetSearch,
        _ => Way::Close,
    }
}

/// What Esc does here, for the footer.
pub fn leave_label(state: &State) -> &'static str {
    match way_out(state) {
        Way::ZoomOut => "zoom out",
        Way::ForgetSearch => "forget search",
        Way::Close => "back",
    }
}

/// Out of the zoom, then out of the search, then out of the pane.
pub fn leave(state: &mut State) -> Vec<Command> {
    match (way_out(state), state.flame.look.clone()) {
        (Way::ZoomOut, Some(look)) => {
            let out = wider(&look.flame, state.flame.zoom);
            let home = state.flame.home;
            state.flame.zoom = if look.flame.is_below(out, home) { out } else { home };
            state.flame.top = 0;
        }
        (Way::ForgetSearch, _) => {
            state.search.clear();
            match_names(state);
        }
        _ => state.flame.is_shown = false,
    }
    Vec::new()
}

/// To the root of what is shown.
pub fn first(state: &mut State) -> Vec<Command> {
    state.flame.cursor = state.flame.zoom;
    Vec::new()
}

/// Puts the cursor on a frame; on the frame it stands on already, zooms.
pub fn click(state: &mut State, node: u32) -> Vec<Command> {
    if state.flame.cursor == node {
        return zoom(state);
    }
    state.flame.cursor = node;
    Vec::new()
}

/// By owner, by what is over its budget, or by what has grown where there is something to compare with.
pub fn other_colours(state: &mut State) -> Vec<Command> {
    state.flame.colouring = match state.flame.colouring {
        Colouring::Owner => Colouring::Budget,
        Colouring::Budget if !state.flame.older.is_empty() => Colouring::Growth,
        Colouring::Budget | Colouring::Growth => Colouring::Owner,
    };
    Vec::new()
}

/// Asks which recording to compare with.
pub fn ask_older(state: &mut State) -> Vec<Command> {
    let before = state.flame.older.clone();
    state.popup = Some(Popup::ask(Ask::Older, &before));
    Vec::new()
}

/// Compares the call tree with that of another recording, or no longer.
pub fn compare(state: &mut State, older: String) -> Vec<Command> {
    state.flame.colouring = if older.is_empty() { Colouring::Owner } else { Colouring::Growth };
    state.flame.older = older;
    ask(state)
}

/// Only the requests around the quantile, or every sample.
pub fn toggle_tail(state: &mut State) -> Vec<Command> {
    state.flame.is_tail = !state.flame.is_tail;
    ask(state)
}

/// Remembers which names have the word searched for, and how much of the weight they are together.
pub fn match_names(state: &mut State) {
    let needle = state.search.to_lowercase();
    let Some(look) = &state.flame.look else { return };
    let has = |text: &str| !needle.is_empty() && text.to_lowercase().contains(&needle);
    let matched: Vec<bool> = look.flame.names.iter().map(|n| has(&n.text)).collect();
    // A frame below a match is part of it already.
    let (mut weight, mut inside) = (0, vec![false; look.flame.nodes.len()]);
    for (at, node) in look.flame.nodes.iter().enumerate() {
        let above = inside[node.parent as usize];
        inside[at] = above || matched[node.name as usize];
        weight += if inside[at] && !above { node.weight } else { 0 };
    }
    (state.flame.matched, state.flame.matched_weight) = (matched, weight);
}

/// Goes to the next or previous frame with the word, level by level; out of the zoom if there is none in it.
pub fn find(state: &mut State, forward: bool) -> Vec<Command> {
    match_names(state);
    let Some(look) = state.flame.look.clone() else { return Vec::new() };
    let nodes = &look.flame.nodes;
    let count = nodes.len();
    let at = state.flame.cursor as usize;
    let is_match = |n: &usize| state.flame.matched.get(nodes[*n].name as usize) == Some(&true);
    let mut order = (1..=count).map(|i| if forward { (at + i) % count } else { (at + count * 2 - i) % count });
    match order.find(is_match) {
        Some(found) => {
            state.flame.cursor = found as u32;
            if !look.flame.is_below(found as u32, state.flame.zoom) {
                (state.flame.zoom, state.flame.top) = (0, 0);
            }
        }
        None => state.say(Problem::note(format!("no frame has `{}` in its name", state.search))),
    }
    Vec::new()
}

/// The function of the selected frame, or of the nearest caller that is one of the workspace.
pub fn function(state: &State) -> Option<FunctionId> {
    let look = state.flame.look.as_ref()?;
    let up = std::iter::successors(Some(state.flame.cursor), |n| Some(look.flame.node(*n).parent).filter(|_| *n != 0));
    up.into_iter().find_map(|n| match &look.flame.name(n)?.owner {
        Owner::Ours(function) => Some(function.clone()),
        _ => None,
    })
}

/// Asks which threads and which time.
pub fn ask_brush(state: &mut State) -> Vec<Command> {
    let before = brush_text(&state.flame.brush);
    state.popup = Some(Popup::ask(Ask::Brush, &before));
    Vec::new()
}

/// What can be chosen: threads with most samples, and the length of the recording.
pub fn brush_choices(state: &State) -> String {
    let Some(look) = &state.flame.look else { return String::from("tid 412 10s-20s; nothing shows everything") };
    let flame = &look.flame;
    let threads: Vec<String> = flame.threads.iter().take(4).map(|(tid, _)| tid.to_string()).collect();
    let more = flame.threads.len().saturating_sub(threads.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("tid {}{more} · 0s-{:.1}s; nothing shows everything", threads.join(" "), flame.length_ns as f64 / 1e9)
}

/// Looks at a part of the recording; the table is split anew too.
pub fn brush(state: &mut State, text: &str) -> Vec<Command> {
    match parse_brush(text) {
        Ok(brush) => {
            state.flame.brush = brush;
            state.screen = ScreenId::Budget;
            match state.analysis.clone() {
                Some(analysis) => {
                    let wish = wish(state);
                    vec![state.start(Task::Look(analysis, wish))]
                }
                None => Vec::new(),
            }
        }
        Err(why) => {
            state.say(Problem::note(why).help("write it like `tid 412 10s-20s`"));
            Vec::new()
        }
    }
}

/// The brush as it is typed.
pub fn brush_text(brush: &Brush) -> String {
    let mut words = Vec::new();
    if !brush.threads.is_empty() {
        words.push(String::from("tid"));
        words.extend(brush.threads.iter().map(u64::to_string));
    }
    if let Some((from, to)) = brush.time_ns {
        let end = if to == u64::MAX { String::new() } else { format!("{}s", to as f64 / 1e9) };
        words.push(format!("{}s-{end}", from as f64 / 1e9));
    }
    words.join(" ")
}

/// `tid 412 413 10s-20s`: numbers after `tid` are threads, a span of seconds or milliseconds is the time.
fn parse_brush(text: &str) -> Result<Brush, String> {
    let mut brush = Brush::default();
    for word in text.split([' ', ',']).filter(|w| !w.is_empty() && !["tid", "thread", "time"].contains(w)) {
        match (word.parse::<u64>(), word.split_once(['-', '–'])) {
            (Ok(tid), _) => brush.threads.push(tid),
            (_, Some((from, to))) => {
                let (from, to) = (moment(from, 0)?, moment(to, u64::MAX)?);
                if from >= to {
                    return Err(format!("`{word}` ends before it begins"));
                }
                brush.time_ns = Some((from, to));
            }
            _ => return Err(format!("`{word}` is neither a thread nor a time")),
        }
    }
    Ok(brush)
}

fn moment(text: &str, none: u64) -> Result<u64, String> {
    let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1e6),
        (None, Some(number)) => (number, 1e9),
        (None, None) => (text, 1e9),
    };
    match number.trim().parse::<f64>() {
        _ if text.trim().is_empty() => Ok(none),
        Ok(value) if value >= 0.0 => Ok((value * scale) as u64),
        _ => Err(format!("`{text}` is no time in seconds or milliseconds")),
    }
}

/// What is looked at, in words: `64 requests around the p99`, `every sample`, with the brush.
pub fn part(state: &State) -> String {
    let Some(look) = &state.flame.look else { return String::new() };
    let chosen = match look.flame.requests {
        Some(n) => {
            let quantile = state.split().map_or(0.99, |s| s.quantile);
            format!("{} around the {}", plural(n as usize, "request"), crate::tui::text::quantile(quantile))
        }
        None => String::from("every sample"),
    };
    let brush = brush_text(&state.flame.brush);
    let part = if brush.is_empty() { chosen } else { format!("{chosen}, {brush}") };
    match &look.flame.before {
        Some(_) => format!("{part}, against {}", state.flame.made_for.as_ref().map_or("", |w| w.older.as_str())),
        None => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brush_is_written_and_read_alike() {
        for text in ["", "tid 412", "tid 412 413 10s-20s", "0.5s-2s", "3s-"] {
            assert_eq!(brush_text(&parse_brush(text).unwrap()), text);
        }
        assert_eq!(parse_brush("500ms-1500ms").unwrap().time_ns, Some((500_000_000, 1_500_000_000)));
        assert_eq!(parse_brush("thread 7, 10-20").unwrap(), parse_brush("tid 7 10s-20s").unwrap());
    }

    #[test]
    fn what_is_no_brush_is_refused_with_the_word_at_fault() {
        assert_eq!(parse_brush("tid main").unwrap_err(), "`main` is neither a thread nor a time");
        assert_eq!(parse_brush("20s-10s").unwrap_err(), "`20s-10s` ends before it begins");
        assert!(parse_brush("x-5s").unwrap_err().contains("`x`"));
    }
}
