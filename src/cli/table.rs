//! Rows of cells in; aligned lines that fit the width out.

use unicode_width::UnicodeWidthStr;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
    /// Words that give way first when the line is too long: their left end goes, because paths end in what matters.
    Elastic,
}

/// A table that is filled row by row.
pub(super) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these heads; a head of spaces alone is not shown.
    pub(super) fn new(columns: &[(&str, Align)]) -> Table {
        Table { columns: columns.iter().map(|(head, align)| (head.to_string(), *align)).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, and cells without a column are left out.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each with `indent` spaces before it, no wider than `width` where the elastic columns allow.
    pub(super) fn render(&self, indent: usize, width: usize) -> String {
        let widths = self.widths(width.saturating_sub(indent));
        let mut text = String::new();
        let heads: Vec<String> = self.columns.iter().map(|(head, _)| head.clone()).collect();
        let has_heads = heads.iter().any(|h| !h.trim().is_empty());
        for row in has_heads.then_some(&heads).into_iter().chain(&self.rows) {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .zip(&self.columns)
                .map(|((cell, w), (_, align))| fit(cell, *w, *align))
                .collect();
            let line = format!("{}{}", " ".repeat(indent), cells.join("  "));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let natural = |i: usize| {
            let cells = self.rows.iter().map(|row| row[i].width());
            cells.chain([self.columns[i].0.width()]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(natural).collect();
        let gaps = 2 * widths.len().saturating_sub(1);
        let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        while over > 0 {
            let elastic = (0..widths.len()).filter(|i| self.columns[*i].1 == Align::Elastic && widths[*i] > 12);
            let Some(widest) = elastic.max_by_key(|i| widths[*i]) else { break };
            widths[widest] -= 1;
            over -= 1;
        }
        widths
    }
}

/// A cell in exactly its width; styled cells are never cut, because the table styles nothing elastic.
fn fit(cell: &str, width: usize, align: Align) -> String {
    let own = cell.width();
    let pad = " ".repeat(width.saturating_sub(own));
    match align {
        Align::Right => pad + cell,
        Align::Left => cell.to_owned() + &pad,
        Align::Elastic if own <= width => cell.to_owned() + &pad,
        Align::Elastic => {
            let mut kept: Vec<char> = Vec::new();
            let mut used = 1;
            for c in cell.chars().rev() {
                used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
                if used > width {
                    break;
                }
                kept.push(c);
            }
            let kept: String = kept.into_iter().rev().collect();
            let short = format!("…{kept}");
            let pad = " ".repeat(width.saturating_sub(short.width()));
            short + &pad
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells<const N: usize>(cells: [&str; N]) -> [String; N] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_align_and_paths_lose_their_left_end_first() {
        let mut table = Table::new(&[("function", Align::Elastic), ("ms", Align::Right), ("basis", Align::Left)]);
        table.row(cells(["payment_gateway::risk::Scorer::score", "31.2", "spans"]));
        table.row(cells(["µ", "7.0", ""]));
        insta::assert_snapshot!(table.render(2, 36), @r"
        function                 ms  basis
        …:risk::Scorer::score  31.2  spans
        µ                       7.0
        ");
        insta::assert_snapshot!(table.render(0, 200), @r"
        function                                ms  basis
        payment_gateway::risk::Scorer::score  31.2  spans
        µ                                      7.0
        ");
    }
}
