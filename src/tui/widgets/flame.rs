//! A call tree in; an icicle of the part under the zoom out: callers above callees, as wide as their share.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::top_for;
use crate::model::{Flame, Owner, Unit};
use crate::tui::actions::flame::part;
use crate::tui::pen::Pen;
use crate::tui::state::{Colouring, Page, State};
use crate::tui::text::{clip, count, ms, short_path, width};
use crate::tui::theme::{Depth, Tone};
use crate::tui::view::{Drawn, Target};

/// Draws heading, icicle, and what is known of the selected frame.
pub fn draw(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let Some(look) = &state.flame.look else {
        Pen::new(buffer, theme, area, 0).space(1).put("merging stacks …", Tone::Dim);
        return;
    };
    let flame = &look.flame;
    heading(state, flame, &mut Pen::new(buffer, theme, area, 0));
    if area.height < 4 {
        return;
    }
    selected(state, flame, &mut Pen::new(buffer, theme, area, area.height - 1));
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - 2);
    if flame.node(0).weight == 0 {
        let why = "no sample is in this part (T takes every request, B another part)";
        Pen::new(buffer, theme, body, 1).space(1).put(why, Tone::Dim);
        return;
    }
    let base = usize::from(flame.node(state.flame.zoom).depth);
    let (cursor, levels) = (usize::from(flame.node(state.flame.cursor).depth) - base, flame.levels.len() - base);
    let height = usize::from(body.height);
    let top = top_for(Page { top: state.flame.top, height }, cursor, levels, height);
    drawn.flame = Some((body, top));
    for y in 0..body.height.min((levels - top) as u16) {
        level(state, flame, buffer, Rect::new(body.x, body.y + y, body.width, 1), base + top + usize::from(y), drawn);
    }
}

/// `64 requests around the p99 · 5,120 samples · by owner: ours std crates kernel`
fn heading(state: &State, flame: &Flame, pen: &mut Pen<'_>) {
    pen.space(1).put(&part(state), Tone::Title).put(&format!(" · {} samples", count(flame.samples)), Tone::Dim);
    if !state.search.is_empty() && flame.node(0).weight > 0 {
        let share = state.flame.matched_weight as f64 / flame.node(0).weight as f64 * 100.0;
        pen.put(&format!(" · \"{}\" is {share:.1} %", state.search), Tone::Warn);
    }
    if let Some(before) = flame.before.as_ref().filter(|b| b.gone > 0) {
        let gone = before.gone as f64 / before.weight.max(1) as f64 * 100.0;
        pen.put(&format!(" · {gone:.1} % of it is gone"), Tone::Dim);
    }
    let legend: &[(&str, Tone)] = match state.flame.colouring {
        Colouring::Owner => &[
            (" ours ", Tone::FlameOurs),
            (" crates ", Tone::FlameCrate),
            (" std ", Tone::FlameStd),
            (" C ", Tone::FlameNative),
            (" kernel ", Tone::FlameKernel),
        ],
        Colouring::Budget => {
            &[(" over budget ", Tone::FlameOver), (" ours ", Tone::FlameOurs), (" the rest ", Tone::FlameQuiet)]
        }
        Colouring::Growth => {
            &[(" more ", Tone::FlameOver), (" less ", Tone::FlameStd), (" not surely ", Tone::FlameQuiet)]
        }
    };
    let cells: usize = legend.iter().map(|(text, _)| width(text)).sum();
    if pen.left() > cells + 2 && pen.move_to_right(cells + 1) {
        for (text, tone) in legend {
            pen.put(text, *tone);
        }
    }
}

/// One level: every cell asks which frame covers its middle, so that a level of a million frames costs no more than one
/// of a hundred.
fn level(state: &State, flame: &Flame, buffer: &mut Buffer, line: Rect, depth: usize, drawn: &mut Drawn) {
    let zoom = flame.node(state.flame.zoom);
    let cells = u64::from(line.width);
    let middle = |x: u64| zoom.start + (u128::from(zoom.weight) * u128::from(2 * x + 1) / u128::from(2 * cells)) as u64;
    let mut x = 0;
    while x < cells {
        let Some(index) = flame.at(depth, middle(x)).filter(|n| flame.is_below(*n, state.flame.zoom)) else {
            x += 1;
            continue;
        };
        let node = flame.node(index);
        let past = u128::from(node.end() - zoom.start) * u128::from(cells) / u128::from(zoom.weight);
        let mut end = (past as u64).clamp(x + 1, cells);
        while end < cells && middle(end) < node.end() {
            end += 1;
        }
        let run = Rect::new(line.x + x as u16, line.y, (end - x) as u16, 1);
        frame(state, flame, buffer, run, index);
        drawn.hit(run, Target::Flame(index));
        drawn.computed += 1;
        x = end;
    }
}

fn frame(state: &State, flame: &Flame, buffer: &mut Buffer, run: Rect, index: u32) {
    let theme = &state.theme;
    let Some(name) = flame.name(index) else { return };
    let is_match = state.flame.matched.get(flame.node(index).name as usize) == Some(&true);
    let tone = match () {
        () if index == state.flame.cursor => Tone::Selected,
        () if is_match => Tone::Match,
        () if state.flame.colouring == Colouring::Growth => growth_tone(flame, index),
        () => tone(state, &name.owner, index == 0),
    };
    // Where colours do not tell frames apart a bar stands between them; else the last cell is left free.
    let bare = matches!(theme.depth, Depth::None);
    let cells = usize::from(run.width);
    let text = if width(&name.text) < cells { name.text.clone() } else { short_path(&name.text) };
    let text = match flame.growth(index) {
        Some((points, true)) if state.flame.colouring == Colouring::Growth => format!("{points:+.1} {text}"),
        _ => text,
    };
    let inside = if cells > 2 { cells - 1 } else { cells };
    let mut label = match cells {
        0..3 => String::new(),
        _ => clip(&text, inside),
    };
    let pad = inside.saturating_sub(width(&label));
    label.push_str(&" ".repeat(pad));
    let mut pen = Pen::new(buffer, theme, run, 0);
    pen.put(&label, tone);
    if bare && cells > 0 {
        pen.put(theme.bar(), Tone::Dim);
    }
}

fn growth_tone(flame: &Flame, index: u32) -> Tone {
    match flame.growth(index) {
        Some((points, true)) if points > 0.0 => Tone::FlameOver,
        Some((_, true)) => Tone::FlameStd,
        _ => Tone::FlameQuiet,
    }
}

fn tone(state: &State, owner: &Owner, is_root: bool) -> Tone {
    let by_budget = state.flame.colouring == Colouring::Budget;
    match owner {
        _ if is_root => Tone::FlameQuiet,
        Owner::Ours(function) if by_budget && state.is_over(function) => Tone::FlameOver,
        Owner::Ours(_) => Tone::FlameOurs,
        _ if by_budget => Tone::FlameQuiet,
        Owner::Crate(name) if ["std", "core", "alloc"].contains(&name.as_str()) => Tone::FlameStd,
        Owner::Crate(_) => Tone::FlameCrate,
        Owner::Kernel => Tone::FlameKernel,
        Owner::Native | Owner::Unknown => Tone::FlameNative,
    }
}

/// `gateway::risk::score  38.2 % · 1.2 s · itself 2.1 %`
fn selected(state: &State, flame: &Flame, pen: &mut Pen<'_>) {
    let (node, all) = (flame.node(state.flame.cursor), flame.node(0).weight.max(1));
    let share_of = |weight: u64, all: u64| weight as f64 / all as f64 * 100.0;
    let share = |weight: u64| format!("{:.1} %", share_of(weight, all));
    let mut facts = vec![share(node.weight)];
    if let Some((points, is_sure)) = flame.growth(state.flame.cursor) {
        let was = share_of(node.weight, all) - points;
        facts[0].push_str(&match is_sure {
            _ if points.abs() < 0.05 => String::from(" (as before)"),
            true => format!(" (was {was:.1} %)"),
            false => format!(" (was {was:.1} %, may be chance)"),
        });
    }
    if flame.unit == Unit::CpuNanoseconds {
        match flame.requests {
            Some(n) if n > 0 => facts.push(format!("{} ms a request", ms(node.weight as f64 / 1e6 / n as f64))),
            _ => facts.push(format!("{} ms of CPU", ms(node.weight as f64 / 1e6))),
        }
    }
    facts.push(format!("itself {}", share(node.own)));
    // The name counts more than how much of the weight is its own.
    while facts.len() > 1 && width(&facts.join(" · ")) + 20 > pen.left() {
        facts.pop();
    }
    let facts = facts.join(" · ");
    let name = flame.name(state.flame.cursor).map(|n| n.text.clone()).unwrap_or_default();
    let room = pen.left().saturating_sub(width(&facts) + 5);
    pen.space(1)
        .put(&crate::tui::text::clip_left(&name, room), Tone::Title)
        .put("  ", Tone::Text)
        .put(&facts, Tone::Text);
}
