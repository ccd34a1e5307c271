//! The lines of a Markdown table and a width in; rows with their columns under one another out.

use crate::tui::text::{width, wrap};

/// The cells of a table's lines, without the line of dashes under its heads; `None` where the lines are no table.
pub fn cells(lines: &[&str]) -> Option<Vec<Vec<String>>> {
    let row = |line: &&str| -> Option<Vec<String>> {
        let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split('|').map(|cell| cell.trim().replace('`', "")).collect())
    };
    let mut rows = lines.iter().map(row).collect::<Option<Vec<_>>>()?;
    let is_rule = |row: &Vec<String>| row.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| "-:".contains(c)));
    if rows.len() < 2 || !is_rule(&rows[1]) {
        return None;
    }
    rows.remove(1);
    Some(rows)
}

/// The rows at a width, heads first. Columns that do not fit beside the ones before them stand below, each with its head.
pub fn rows(table: &[Vec<String>], cells: usize) -> Vec<String> {
    let Some((heads, body)) = table.split_first() else { return Vec::new() };
    let count = heads.len();
    let widest = |column: usize| table.iter().filter_map(|row| row.get(column)).map(|c| width(c)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(widest).collect();
    let fits = |n: &usize| widths[..*n].iter().map(|w| w + 2).sum::<usize>() <= cells + 2;
    let beside = (1..=count).rev().find(fits).unwrap_or(1);
    let line = |row: &Vec<String>| {
        let padded =
            row.iter().zip(&widths[..beside]).map(|(cell, w)| format!("{cell}{}", " ".repeat(w - width(cell))));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    let mut out = wrap(&line(heads), cells);
    for row in body {
        out.extend(if beside > 1 || widths[0] <= cells { vec![line(row)] } else { wrap(&line(row), cells) });
        let below = row.iter().zip(heads).skip(beside).filter(|(cell, _)| !cell.is_empty());
        let below: Vec<String> = below.map(|(cell, head)| format!("{head} {cell}")).collect();
        if !below.is_empty() {
            out.extend(wrap(&below.join(" · "), cells.saturating_sub(2)).iter().map(|l| format!("  {l}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[&str] =
        &["| kind | name | ms |", "| --- | :---: | ---: |", "| function | `a::b` | 48.7 |", "| wait | bank |  |"];

    #[test]
    fn columns_stand_under_one_another() {
        let table = cells(TABLE).unwrap();
        assert_eq!(rows(&table, 30), ["kind      name  ms", "function  a::b  48.7", "wait      bank"]);
    }

    #[test]
    fn what_does_not_fit_beside_stands_below_with_its_head() {
        let table = cells(TABLE).unwrap();
        assert_eq!(rows(&table, 15), ["kind      name", "function  a::b", "  ms 48.7", "wait      bank"]);
        assert_eq!(
            rows(&table, 9),
            ["kind", "function", "  name", "  a::b ·", "  ms 48.7", "wait", "  name", "  bank"]
        );
        assert!(rows(&table, 5).iter().all(|row| width(row) <= 6));
    }

    #[test]
    fn lines_with_bars_alone_are_no_table() {
        assert_eq!(cells(&["| a |", "| b |"]), None);
        assert_eq!(cells(&["| a |"]), None);
        assert_eq!(cells(&["| a |", "no"]), None);
    }
}
