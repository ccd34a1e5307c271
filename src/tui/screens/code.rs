//! Code: the source of the chosen function, its heat in the gutter, findings in place, its proposals beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Footer, Screen, ScreenId};
use crate::tui::actions::moving;
use crate::tui::pen::{Pen, vertical_rule};
use crate::tui::state::{Page, Pane, Proposal, SourceText, State};
use crate::tui::text::{interval_ms, ms, short_path, width, wrap};
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target};
use crate::tui::widgets::{code, top_for};

/// The screen.
pub const SCREEN: Screen = Screen { id: ScreenId::Code, title: "Code", badge: |_| String::new(), footer, view };

fn footer(state: &State) -> Footer {
    vec![
        ("enter", moving::enter_label(state)),
        ("next-undecided", Some(String::from("next finding"))),
        ("previous-undecided", Some(String::from("previous"))),
        ("prove", None),
        ("why", None),
        ("search", None),
        ("leave", None),
    ]
}

fn view(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let Some(function) = &state.function else {
        let text = "choose a function in Budget (1), then 2 shows its source.";
        Pen::new(buffer, theme, area, 1).space(2).put(text, Tone::Dim);
        return;
    };
    headline(state, &function.0, &mut Pen::new(buffer, theme, area, 0));
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
    let Some(text) = &state.text else {
        Pen::new(buffer, theme, body, 1).space(2).put("reading the file …", Tone::Dim);
        return;
    };
    let wide = area.width >= 110;
    let beside = state.proposals_of(function);
    let below = if wide || area.height < 16 || beside.is_empty() { 0 } else { (beside.len() as u16 + 1).min(5) };
    let source_width = if wide { area.width - area.width / 3 } else { area.width };
    let source = Rect::new(body.x, body.y, source_width, body.height - below);
    draw_source(state, text, buffer, source, drawn);
    if wide {
        let right = Rect::new(source.right(), body.y, body.width - source.width, body.height);
        vertical_rule(buffer, theme, right);
        let inside = Rect::new(right.x + 2, right.y, right.width.saturating_sub(3), right.height);
        for (y, (line, tone)) in (0..inside.height).zip(aside(state, usize::from(inside.width))) {
            Pen::new(buffer, theme, inside, y).put(&line, tone);
        }
    } else if below > 0 {
        strip(state, &beside, buffer, Rect::new(body.x, source.bottom(), body.width, below));
    }
}

/// Function, file and what it owns of the quantile.
fn headline(state: &State, function: &str, pen: &mut Pen<'_>) {
    pen.space(1).put(&short_path(function), Tone::Title);
    let row = state.split().and_then(|s| s.rows.iter().find(|r| r.function.as_ref().is_some_and(|f| f.0 == function)));
    if let Some(row) = row.filter(|r| r.c_ms > 0.0) {
        pen.put(&format!("   {} ms {}", ms(row.c_ms), interval_ms(row.ci_ms.low, row.ci_ms.high)), Tone::Bad);
        pen.put(" of the objective", Tone::Dim);
    } else if let Some(row) = row {
        pen.put(&format!("   {:.1} % of CPU", row.share * 100.0), Tone::Text);
    }
    if let Some(text) = &state.text {
        let place = format!("{}:{} ", text.file, state.line);
        if pen.left() > width(&place) + 2 && pen.move_to_right(width(&place)) {
            pen.put(&place, Tone::Dim);
        }
    }
}

fn draw_source(state: &State, text: &SourceText, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let rows = code::CodeRows::new(state, text, code::note_cells(area.width));
    let height = usize::from(area.height);
    let cursor = rows.row_of(state.line);
    let top = top_for(Page { height, ..state.page(Pane::Code) }, cursor, rows.count(), height);
    drawn.pane(Pane::Code, area, top);
    drawn.computed += code::draw(buffer, area, state, text, &rows, top);
    for y in 0..area.height {
        if let Some(line) = rows.line_of(top + usize::from(y)) {
            drawn.hit(Rect::new(area.x, area.y + y, area.width, 1), Target::Row(Pane::Code, line as usize - 1));
        }
    }
}

/// The state of a proposal in a word, as every screen shows it.
pub fn proposal_state(proposal: &Proposal) -> (&'static str, Tone) {
    let tone = match proposal.word() {
        "proved" => Tone::Good,
        "refuted" => Tone::Bad,
        _ if proposal.verdict.is_some() => Tone::Warn,
        "compiles" => Tone::Text,
        _ => Tone::Dim,
    };
    (proposal.word(), tone)
}

/// Findings and proposals of the function under the cursor, the nearest marked.
fn aside(state: &State, cells: usize) -> Vec<(String, Tone)> {
    let Some(function) = &state.function else { return Vec::new() };
    let mut lines: Vec<(String, Tone)> = Vec::new();
    let mut say = |text: String, tone: Tone| lines.extend(wrap(&text, cells).into_iter().map(|l| (l, tone)));
    let proposals = state.proposals_of(function);
    say(state.proposals_in_words(proposals.len()), Tone::Title);
    if proposals.is_empty() && state.reviews_read {
        let why = if state.findings_of(function).is_empty() {
            "no rule recognises anything here: what it does may simply be its work"
        } else {
            "its findings have no rewrite; w says why"
        };
        let broken = state.analysis.as_ref().and_then(|a| a.broken.as_ref());
        let why = broken.map_or(why, |problem| problem.what.as_str());
        say(String::from(why), Tone::Dim);
    }
    let nearest = moving::proposal_at_cursor(state);
    for proposal in proposals {
        let (word, tone) = proposal_state(proposal);
        let here = nearest.as_ref() == Some(&proposal.rewrite.id);
        say(String::new(), Tone::Text);
        let lead = if here { state.theme.glyph("▸ ", "> ") } else { "  " };
        say(format!("{lead}{}", proposal.rewrite.title), if here { Tone::Title } else { Tone::Text });
        let price = proposal.rewrite.cost.as_ref().map(|c| format!(" · at most {} ms", ms(c.c_ms))).unwrap_or_default();
        say(format!("  line {} · {}{price}", proposal.rewrite.line, proposal.rewrite.rule), Tone::Dim);
        say(format!("  {word} · class {}", proposal.rewrite.class.word()), tone);
        for obligation in &proposal.rewrite.obligations {
            say(format!("  to answer for: {obligation}"), Tone::Warn);
        }
    }
    lines
}

/// The proposals in a few rows under the source, where there is no room beside it.
fn strip(state: &State, proposals: &[&Proposal], buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let mut pen = Pen::new(buffer, theme, area, 0);
    pen.put(" ", Tone::Dim).put(&state.proposals_in_words(proposals.len()), Tone::Title).put(" ", Tone::Dim).rule();
    let nearest = moving::proposal_at_cursor(state);
    for (y, proposal) in (1..area.height).zip(proposals) {
        let mut pen = Pen::new(buffer, theme, area, y);
        let here = nearest.as_ref() == Some(&proposal.rewrite.id);
        pen.put(if here { theme.glyph("▸", ">") } else { " " }, Tone::Key);
        let (word, tone) = proposal_state(proposal);
        pen.column(word, 9, tone);
        if let Some(cost) = &proposal.rewrite.cost {
            pen.right(&format!("{} ms", ms(cost.c_ms)), 9, Tone::Dim).space(2);
        }
        pen.put(&proposal.rewrite.title, Tone::Text);
    }
}
