//! Hunks with their decisions and comments in; the visible rows of a diff out, in one column or side by side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spans::SourceLine;
use crate::model::{Comment, Decision, Hunk, HunkLine, LineMark};
use crate::tui::pen::Pen;
use crate::tui::state::{Proposal, Split, State};
use crate::tui::theme::{Theme, Tone};

/// Columns from which side by side is chosen by itself: each side then shows some sixty cells of code.
pub const SIDE_BY_SIDE_FROM: u16 = 180;

/// One row of a diff; numbers are places in the hunks and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffRow {
    /// The heading of a hunk.
    Heading {
        /// The hunk.
        hunk: u32,
    },
    /// A line, in one column.
    Line {
        /// The hunk.
        hunk: u32,
        /// The line in it.
        line: u32,
    },
    /// An old and a new line side by side.
    Pair {
        /// The hunk.
        hunk: u32,
        /// The old line.
        left: Option<u32>,
        /// The new line.
        right: Option<u32>,
    },
    /// A remark under its line.
    Comment {
        /// The hunk.
        hunk: u32,
        /// The line it is on.
        line: u32,
        /// The comment in the review.
        comment: u32,
    },
    /// Space between hunks.
    Gap {
        /// The hunk above.
        hunk: u32,
    },
}

impl DiffRow {
    /// The hunk and line of the row; a heading stands for line 0 and shares its place with it.
    pub fn place(&self) -> Option<(usize, usize)> {
        match *self {
            DiffRow::Heading { hunk } => Some((hunk as usize, 0)),
            DiffRow::Line { hunk, line } | DiffRow::Comment { hunk, line, .. } => Some((hunk as usize, line as usize)),
            DiffRow::Pair { hunk, left, right } => Some((hunk as usize, right.or(left)? as usize)),
            DiffRow::Gap { hunk } => Some((hunk as usize, 0)),
        }
    }
}

/// The rows of a diff in both layouts; made once when a proposal or its comments change, so that a frame only slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiffRows {
    unified: Vec<DiffRow>,
    side: Vec<DiffRow>,
}

impl DiffRows {
    /// Lays the hunks out.
    pub fn new(hunks: &[Hunk], comments: &[Comment]) -> DiffRows {
        let mut rows = DiffRows::default();
        for (h, hunk) in hunks.iter().enumerate() {
            let h = h as u32;
            if h > 0 {
                rows.unified.push(DiffRow::Gap { hunk: h - 1 });
                rows.side.push(DiffRow::Gap { hunk: h - 1 });
            }
            rows.unified.push(DiffRow::Heading { hunk: h });
            rows.side.push(DiffRow::Heading { hunk: h });
            let remarks: Vec<(u32, u32)> = (0_u32..)
                .zip(comments)
                .filter(|(_, c)| c.hunk == h as usize)
                .map(|(i, c)| (c.line as u32, i))
                .collect();
            rows.lay_unified(h, hunk, &remarks);
            rows.lay_side(h, hunk, &remarks);
        }
        rows
    }

    fn lay_unified(&mut self, h: u32, hunk: &Hunk, remarks: &[(u32, u32)]) {
        for line in 0..hunk.lines.len() as u32 {
            self.unified.push(DiffRow::Line { hunk: h, line });
            self.unified.extend(remarks_on(h, line, remarks));
        }
    }

    /// A run of removed lines stands beside the run of added lines that replaces it.
    fn lay_side(&mut self, h: u32, hunk: &Hunk, remarks: &[(u32, u32)]) {
        let marked = |from: usize, mark: LineMark| hunk.lines[from..].iter().take_while(|l| l.mark == mark).count();
        let mut i = 0;
        while i < hunk.lines.len() {
            if hunk.lines[i].mark == LineMark::Context {
                let line = Some(i as u32);
                self.side.push(DiffRow::Pair { hunk: h, left: line, right: line });
                self.side.extend(remarks_on(h, i as u32, remarks));
                i += 1;
                continue;
            }
            let removed = marked(i, LineMark::Removed);
            let added = marked(i + removed, LineMark::Added);
            for n in 0..removed.max(added) {
                let left = (n < removed).then(|| (i + n) as u32);
                let right = (n < added).then(|| (i + removed + n) as u32);
                self.side.push(DiffRow::Pair { hunk: h, left, right });
                for line in left.into_iter().chain(right) {
                    self.side.extend(remarks_on(h, line, remarks));
                }
            }
            i += removed + added;
        }
    }

    /// The rows of a layout.
    pub fn of(&self, side_by_side: bool) -> &[DiffRow] {
        if side_by_side { &self.side } else { &self.unified }
    }

    /// The row of a hunk and line (the heading for line 0).
    pub fn row_of(&self, side_by_side: bool, place: (usize, usize)) -> usize {
        let rows = self.of(side_by_side);
        let at = |r: &DiffRow| match *r {
            DiffRow::Gap { .. } => false,
            DiffRow::Pair { hunk, left, right } => {
                let line = Some(place.1 as u32);
                hunk as usize == place.0 && (left == line || right == line)
            }
            _ => r.place() == Some(place),
        };
        rows.iter().position(at).unwrap_or(0)
    }
}

fn remarks_on(h: u32, line: u32, remarks: &[(u32, u32)]) -> impl Iterator<Item = DiffRow> {
    let here = remarks.iter().filter(move |(l, _)| *l == line);
    here.map(move |(_, comment)| DiffRow::Comment { hunk: h, line, comment: *comment })
}

/// True if the diff is shown side by side at the present width.
pub fn side_by_side(state: &State) -> bool {
    match state.split {
        Split::Auto => state.size.0 >= SIDE_BY_SIDE_FROM,
        Split::Unified => false,
        Split::SideBySide => state.size.0 >= 60,
    }
}

/// The mark and tone of a decision: the symbol tells without the colour.
pub fn decision_mark(theme: &Theme, decision: Option<&Decision>) -> (&'static str, Tone) {
    match decision {
        Some(Decision::Accepted) => (theme.glyph("✓", "+"), Tone::Good),
        Some(Decision::Rejected(_)) => (theme.glyph("✗", "x"), Tone::Bad),
        Some(Decision::Deferred) => (theme.glyph("…", "~"), Tone::Warn),
        Some(Decision::Undecided) | None => (theme.glyph("○", "o"), Tone::Dim),
    }
}

/// Cells that a line's text has in a pane of this width.
pub fn text_cells(width: u16, side_by_side: bool) -> usize {
    let gutter = if width >= 60 && !side_by_side { 14 } else { 9 };
    usize::from(if side_by_side { width / 2 } else { width }).saturating_sub(gutter)
}

/// The lines that a row shows: the old and the new one of a pair.
pub fn lines_at<'a>(proposal: &'a Proposal, row: Option<&DiffRow>) -> Vec<&'a HunkLine> {
    let line = |hunk: u32, line: u32| &proposal.hunks[hunk as usize].lines[line as usize];
    match row {
        Some(DiffRow::Line { hunk, line: l }) => vec![line(*hunk, *l)],
        Some(DiffRow::Pair { hunk, left, right }) => {
            let mut both: Vec<u32> = left.iter().chain(right).copied().collect();
            both.dedup();
            both.into_iter().map(|l| line(*hunk, l)).collect()
        }
        _ => Vec::new(),
    }
}

/// The sign before a line and its tone.
pub fn line_mark(mark: LineMark) -> (&'static str, Tone) {
    match mark {
        LineMark::Context => (" ", Tone::Dim),
        LineMark::Added => ("+", Tone::Good),
        LineMark::Removed => ("-", Tone::Bad),
    }
}

/// Draws the rows from `top` on and returns how many were computed: never more than fit.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State, proposal: &Proposal, top: usize) -> usize {
    let side = side_by_side(state);
    let rows = proposal.rows.of(side);
    let shown = rows.iter().enumerate().skip(top).take(usize::from(area.height));
    let mut drawn = 0;
    for (index, row) in shown {
        let line = Rect::new(area.x, area.y + drawn, area.width, 1);
        let painter = Painter { state, proposal, here: index == state.diff_row };
        painter.row(buffer, line, row);
        drawn += 1;
    }
    usize::from(drawn)
}

/// Draws one row.
struct Painter<'a> {
    state: &'a State,
    proposal: &'a Proposal,
    here: bool,
}

impl Painter<'_> {
    fn row(&self, buffer: &mut Buffer, area: Rect, row: &DiffRow) {
        match *row {
            DiffRow::Heading { hunk } => self.heading(buffer, area, hunk as usize),
            DiffRow::Line { hunk, line } => self.unified(buffer, area, hunk as usize, line as usize),
            DiffRow::Pair { hunk, left, right } => {
                let half = (area.width.saturating_sub(1)) / 2;
                let old = Rect::new(area.x, area.y, half, 1);
                let new = Rect::new(area.x + half + 1, area.y, area.width - half - 1, 1);
                self.half(buffer, old, hunk as usize, left, true);
                Pen::new(buffer, &self.state.theme, Rect::new(area.x + half, area.y, 1, 1), 0)
                    .put(self.state.theme.bar(), Tone::Dim);
                self.half(buffer, new, hunk as usize, right, false);
            }
            DiffRow::Comment { comment, .. } => self.comment(buffer, area, comment as usize),
            DiffRow::Gap { .. } => self.cursor(&mut Pen::new(buffer, &self.state.theme, area, 0)),
        }
    }

    /// The mark of the cursor's row, or room for it.
    fn cursor(&self, pen: &mut Pen<'_>) {
        let mark = if self.here { self.state.theme.glyph("▸", ">") } else { " " };
        pen.put(mark, Tone::Key);
    }

    fn heading(&self, buffer: &mut Buffer, area: Rect, h: usize) {
        let theme = &self.state.theme;
        let hunk = &self.proposal.hunks[h];
        let decision = self.proposal.review.decisions.get(h);
        let mut pen = Pen::new(buffer, theme, area, 0);
        if self.here {
            pen = pen.under(Tone::Selected);
        }
        self.cursor(&mut pen);
        let (mark, tone) = decision_mark(theme, decision);
        pen.put(mark, tone).put(&format!(" hunk {}/{} ", h + 1, self.proposal.hunks.len()), Tone::Title);
        pen.put(&format!("{}:{} ", hunk.file, hunk.new_start), Tone::Dim);
        let word = decision.map_or("undecided", Decision::word);
        pen.put(word, tone);
        if let Some(Decision::Rejected(reason)) = decision {
            pen.put(&format!(": {reason}"), Tone::Dim);
        }
        if hunk.touches_sync {
            pen.put("  touches locks or atomics: read it by itself", Tone::Warn);
        }
        if !self.here {
            pen.put(" ", Tone::Dim).rule();
        }
    }

    fn unified(&self, buffer: &mut Buffer, area: Rect, h: usize, l: usize) {
        let theme = &self.state.theme;
        let line = &self.proposal.hunks[h].lines[l];
        let mut pen = Pen::new(buffer, theme, area, 0);
        self.cursor(&mut pen);
        let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
        if area.width >= 60 {
            pen.right(&number(line.old), 5, self.gutter());
        }
        pen.right(&number(line.new.or((area.width < 60).then_some(line.old).flatten())), 5, self.gutter()).space(1);
        self.text(pen, h, l);
    }

    fn half(&self, buffer: &mut Buffer, area: Rect, h: usize, l: Option<u32>, old: bool) {
        let theme = &self.state.theme;
        let mut pen = Pen::new(buffer, theme, area, 0);
        if old {
            self.cursor(&mut pen);
        }
        let Some(l) = l.map(|l| l as usize) else { return };
        let line = &self.proposal.hunks[h].lines[l];
        let number = if old { line.old } else { line.new };
        pen.right(&number.map(|n| n.to_string()).unwrap_or_default(), 5, self.gutter()).space(1);
        self.text(pen, h, l);
    }

    fn gutter(&self) -> Tone {
        if self.here { Tone::Key } else { Tone::Dim }
    }

    /// The line's mark and text on the background of what happened to it.
    fn text(&self, pen: Pen<'_>, h: usize, l: usize) {
        let line = &self.proposal.hunks[h].lines[l];
        let (mark, mark_tone) = line_mark(line.mark);
        let (under, word) = match line.mark {
            LineMark::Context => (Tone::Text, Tone::Text),
            LineMark::Added => (Tone::Added, Tone::AddedWord),
            LineMark::Removed => (Tone::Removed, Tone::RemovedWord),
        };
        let mut pen = pen.under(under);
        pen.put(mark, mark_tone);
        pen.space(1);
        let source = SourceLine {
            text: &line.text,
            tokens: self.proposal.tokens.get(h).and_then(|t| t.get(l)),
            words: Some((&line.words, word)),
            search: &self.state.search,
        };
        source.draw(&mut pen, &self.state.theme, self.state.column);
    }

    fn comment(&self, buffer: &mut Buffer, area: Rect, comment: usize) {
        let theme = &self.state.theme;
        let remark = &self.proposal.review.comments[comment];
        let mut pen = Pen::new(buffer, theme, area, 0);
        self.cursor(&mut pen);
        let author = remark.author.split(" <").next().unwrap_or_default();
        pen.space(10).put(theme.glyph("┃ ", "| "), Tone::Accent);
        pen.put(&format!("{author}: "), Tone::Accent).put(&remark.text, Tone::Text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(mark: LineMark) -> HunkLine {
        HunkLine { mark, text: String::from("x"), old: None, new: None, words: Vec::new() }
    }

    fn hunk(marks: &str) -> Hunk {
        let mark = |c| match c {
            '-' => LineMark::Removed,
            '+' => LineMark::Added,
            _ => LineMark::Context,
        };
        Hunk {
            file: String::from("src/lib.rs"),
            index: 0,
            old_start: 1,
            old_lines: 1,
            new_start: 1,
            new_lines: 1,
            lines: marks.chars().map(|c| line(mark(c))).collect(),
            touches_sync: false,
        }
    }

    fn pairs(marks: &str) -> Vec<(Option<u32>, Option<u32>)> {
        let rows = DiffRows::new(&[hunk(marks)], &[]);
        let pair = |r: &DiffRow| match *r {
            DiffRow::Pair { left, right, .. } => Some((left, right)),
            _ => None,
        };
        rows.of(true).iter().filter_map(pair).collect()
    }

    #[test]
    fn removed_lines_stand_beside_the_lines_that_replace_them() {
        let s = Some;
        assert_eq!(pairs(" -+ "), [(s(0), s(0)), (s(1), s(2)), (s(3), s(3))]);
        assert_eq!(pairs("--+"), [(s(0), s(2)), (s(1), None)]);
        assert_eq!(pairs("+ -"), [(None, s(0)), (s(1), s(1)), (s(2), None)]);
    }

    #[test]
    fn a_place_keeps_its_row_in_either_layout() {
        let comments = [Comment { author: "a".into(), hunk: 1, line: 1, text: "t".into(), at: 0 }];
        let rows = DiffRows::new(&[hunk(" -+ "), hunk("-+ ")], &comments);
        for side in [false, true] {
            for place in [(0, 0), (1, 0), (1, 1), (0, 3)] {
                let row = rows.of(side)[rows.row_of(side, place)];
                let (h, l) = row.place().unwrap();
                assert!(h == place.0 && (l == place.1 || side), "{side} {place:?} {row:?}");
            }
            assert!(rows.of(side).contains(&DiffRow::Comment { hunk: 1, line: 1, comment: 0 }));
        }
    }
}
