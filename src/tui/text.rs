//! Text and numbers in; pieces that fit a number of terminal cells out.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cells that a text takes on the screen once [`printable`].
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text without what would move the cursor: tabs become spaces up to the next stop of four, controls become `?`.
pub fn printable(text: &str) -> String {
    if !text.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let step = 4 - column % 4;
                out.extend(std::iter::repeat_n(' ', step));
                column += step;
            }
            c if c.is_control() || is_bidi_control(c) => {
                out.push('?');
                column += 1;
            }
            c => {
                out.push(c);
                column += c.width().unwrap_or(0);
            }
        }
    }
    out
}

/// Characters that reorder the text around them: shown as they are, a diff could read differently from what it does.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

/// The text cut to `cells`, with `…` where something is left out.
pub fn clip(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_string();
    }
    if cells == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > cells - 1 {
            break;
        }
        out.push(c);
        used += w;
    }
    out.push('…');
    out
}

/// The text cut to `cells` from the left, so that its end can be read: function paths differ at their ends.
pub fn clip_left(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_string();
    }
    if cells == 0 {
        return String::new();
    }
    let mut kept: Vec<char> = Vec::new();
    let mut used = 0;
    for c in text.chars().rev() {
        let w = c.width().unwrap_or(0);
        if used + w > cells - 1 {
            break;
        }
        kept.push(c);
        used += w;
    }
    kept.push('…');
    kept.iter().rev().collect()
}

/// Lines of at most `cells`, broken at spaces where there are some.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(4);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            push_word(&mut lines, &mut line, word, cells);
        }
        lines.push(line);
    }
    lines
}

fn push_word(lines: &mut Vec<String>, line: &mut String, word: &str, cells: usize) {
    if !line.is_empty() && width(line) + 1 + width(word) > cells {
        lines.push(std::mem::take(line));
    } else if !line.is_empty() {
        line.push(' ');
    }
    for c in word.chars() {
        if width(line) + c.width().unwrap_or(0) > cells {
            lines.push(std::mem::take(line));
        }
        line.push(c);
    }
}

/// Milliseconds with as many digits as help: `243`, `58.2`, `0.41`.
pub fn ms(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => String::from("0"),
        s if s < 0.005 => String::from(if value < 0.0 { "-0.00" } else { "<0.01" }),
        s if s < 0.995 => format!("{value:.2}"),
        s if s < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Milliseconds for a sentence: `243`, `43`, `5.8`; the table has the digits.
pub fn short_ms(value: f64) -> String {
    if value.abs() >= 9.95 { format!("{value:.0}") } else { ms(value) }
}

/// An interval in ms: `[51–66]`.
pub fn interval_ms(low: f64, high: f64) -> String {
    let digits = if high.abs() < 9.95 { 1 } else { 0 };
    format!("[{low:.digits$}–{high:.digits$}]")
}

/// A count with thin grouping: `48,211`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A size for people: `840 B`, `12 kB`, `3.4 MB`.
pub fn bytes(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} B"),
        1_000..1_000_000 => format!("{} kB", value / 1_000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value as f64 / 1e6),
        _ => format!("{:.1} GB", value as f64 / 1e9),
    }
}

/// A duration for people: `850 ms`, `12 s`, `3 min 20 s`, `2 h`, `3 d`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// An estimate for people: `20 s`, `about 6 min`.
pub fn estimate(seconds: u64) -> String {
    match seconds {
        0..90 => format!("about {} s", seconds.max(1).div_ceil(5) * 5),
        _ => format!("about {} min", seconds.div_ceil(60)),
    }
}

/// A quantile's name: 0.99 is `p99`, 0.999 is `p99.9`.
pub fn quantile(q: f64) -> String {
    let percent = format!("{:.4}", q * 100.0);
    format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// `1 finding`, `3 findings`.
pub fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n as u64)) }
}

/// The last two segments of a function path, which is what people call it: `risk::score`.
pub fn short_path(path: &str) -> String {
    let mut depth = 0_i32;
    let mut cuts = Vec::new();
    let bytes = path.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'<' | b'(' => depth += 1,
            b'>' | b')' => depth -= 1,
            b':' if depth == 0 && bytes.get(i + 1) == Some(&b':') => {
                cuts.push(i);
                i += 1;
            }
            _ => {}
        }
        i += 1;
    }
    match cuts.len() {
        0 | 1 => path.to_string(),
        n => path[cuts[n - 2] + 2..].to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_counts_cells_not_bytes() {
        assert_eq!(clip("ledger lock", 11), "ledger lock");
        assert_eq!(clip("ledger lock", 7), "ledger…");
        assert_eq!(clip("日本語テキスト", 6), "日本…");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(clip_left("gateway::risk::score", 12), "…risk::score");
    }

    #[test]
    fn controls_and_reordering_characters_cannot_reach_the_terminal() {
        assert_eq!(printable("a\tb"), "a   b");
        assert_eq!(printable("a\x1b[31mb"), "a?[31mb");
        assert_eq!(printable("x\u{202e}y"), "x?y");
    }

    #[test]
    fn wrapping_keeps_every_word_and_breaks_long_ones() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\nb", 10), ["a", "b"]);
    }

    #[test]
    fn numbers_carry_the_digits_that_help() {
        assert_eq!([ms(243.4), ms(58.23), ms(0.412), ms(0.0), ms(0.0001)], ["243", "58.2", "0.41", "0", "<0.01"]);
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!([quantile(0.99), quantile(0.999), quantile(0.5)], ["p99", "p99.9", "p50"]);
        assert_eq!([duration(850), duration(12_000), duration(200_000)], ["850 ms", "12 s", "3 min 20 s"]);
        assert_eq!([estimate(42), estimate(330)], ["about 45 s", "about 6 min"]);
    }

    #[test]
    fn a_short_path_keeps_generic_paths_whole() {
        assert_eq!(short_path("payment_gateway::risk::Scorer::score"), "Scorer::score");
        assert_eq!(short_path("main"), "main");
        assert_eq!(short_path("gateway::<Ledger as audit::Sink>::write"), "<Ledger as audit::Sink>::write");
    }
}
