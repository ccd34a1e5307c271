//! What is shown before there is an analysis: what is being read, or why it could not be.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::Problem;
use crate::tui::pen::Pen;
use crate::tui::state::State;
use crate::tui::text::wrap;
use crate::tui::theme::Tone;

/// Says what is being read, and the newest step.
pub fn reading(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let name = state.project.as_ref().map_or("the project", |p| p.name.as_str());
    let mut pen = Pen::new(buffer, theme, area, 1);
    pen.put("  reading ", Tone::Text).put(name, Tone::Title).put(" …", Tone::Text);
    let steps = [
        ("slo.toml: objectives, budgets and where the measurements are", state.project.is_some()),
        ("profile and request log; the Rust sources of the base tree", state.analysis.is_some()),
    ];
    for (row, (what, done)) in (3..).zip(steps) {
        let (mark, tone) =
            if done { (theme.glyph("✓", "+"), Tone::Good) } else { (theme.glyph("○", "o"), Tone::Dim) };
        let mut pen = Pen::new(buffer, theme, area, row);
        pen.space(2).put(mark, tone).put(" ", Tone::Text).put(what, Tone::Dim);
    }
    let step = state.jobs.iter().rev().find_map(|j| j.step.as_ref());
    if let Some((what, done, total)) = step {
        let of = if *total > 0 { format!("{done}/{total} ") } else { String::new() };
        // A provisional ranking is a row for each function.
        for (row, part) in (6..area.height).zip(what.split(" · ")) {
            let lead = if row == 6 { of.as_str() } else { "    " };
            Pen::new(buffer, theme, area, row).space(2).put(lead, Tone::Dim).put(part, Tone::Dim);
        }
    }
}

/// Says why there is nothing to show, and what to do about it.
pub fn failed(state: &State, problems: &[Problem], buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let cells = usize::from(area.width).saturating_sub(6).min(96);
    let mut lines =
        vec![(0, String::from("this cannot be opened as it stands"), Tone::Title), (0, String::new(), Tone::Text)];
    for problem in problems {
        let first = wrap(&format!("{}: {}", problem.level.word(), problem.what), cells);
        lines.extend(first.into_iter().map(|l| (0, l, Tone::Bad)));
        if let Some(place) = &problem.place {
            lines.push((2, format!("at {place}"), Tone::Dim));
        }
        if !problem.help.is_empty() {
            lines.extend(wrap(&problem.help, cells - 2).into_iter().map(|l| (2, l, Tone::Accent)));
        }
        lines.push((0, String::new(), Tone::Text));
    }
    lines.push((0, String::from("r reads again, ! lists all messages, q leaves"), Tone::Dim));
    for (y, (indent, text, tone)) in (1..area.height).zip(&lines) {
        Pen::new(buffer, theme, area, y).space(2 + indent).put(text, *tone);
    }
}
