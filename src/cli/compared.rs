//! Predictions and a comparison of two recordings in; their lines for people and their part of the JSON out.

use serde::Serialize;

use super::table::{Align, Table};
use crate::model::{Change, Comparison, Difference, Interval, Prediction};
use crate::report::{decimals, quantile_name};

/// Rows of a comparison that are shown without `--all`.
const SHOWN: usize = 20;

/// `gw::spin=-40%`: what it takes becomes 40 % less.
pub(super) fn change(text: &str) -> Result<Change, String> {
    let form = || String::from("write FUNCTION=-40%, or FUNCTION=+20% for what gets slower");
    let (function, percent) = text.rsplit_once('=').ok_or_else(form)?;
    let number: f64 = percent.trim().strip_suffix('%').and_then(|n| n.trim().parse().ok()).ok_or_else(form)?;
    let function = function.trim().to_owned();
    if function.is_empty() || !number.is_finite() {
        return Err(form());
    }
    if number < -100.0 {
        return Err(String::from("no function can take less than nothing: -100% is all of it"));
    }
    Ok(Change { function, saved: -number / 100.0 })
}

/// One line per objective.
pub(super) fn predictions(all: &[Prediction]) -> String {
    let line = |p: &Prediction| {
        let digits = decimals(p.limit_ms);
        let gap = p.predicted_ms - p.limit_ms;
        let against = match gap > 0.0 {
            true => format!("{gap:.digits$} ms over"),
            false => format!("{:.digits$} ms below", -gap),
        };
        let Interval { low, high } = p.difference_ms;
        format!(
            "\nwhat if  {}: {} {:.digits$} ms becomes {:.digits$} ms [{low:+.digits$}, {high:+.digits$}], limit {} ms, {against} ({})\n",
            p.slo,
            quantile_name(p.quantile),
            p.measured_ms,
            p.predicted_ms,
            p.limit_ms,
            p.method.word()
        )
    };
    all.iter().map(line).collect()
}

/// Functions and lines, clear differences first.
pub(super) fn comparison(compared: &Comparison, all: bool, width: usize) -> String {
    let clear = compared.rows.iter().filter(|r| r.is_clear()).count();
    let mut text = format!(
        "\nagainst {}, in {}: {clear} of {} rows differ beyond chance\n\n",
        compared.base,
        compared.measure.word(),
        compared.rows.len()
    );
    text += &table(&compared.rows, "function", all, width);
    if compared.lines.iter().any(Difference::is_clear) {
        text += &format!("\n{}", table(&compared.lines, "line", all, width));
    }
    text
}

fn table(rows: &[Difference], what: &str, all: bool, width: usize) -> String {
    let mut table = Table::new(&[
        ("", Align::Left),
        (what, Align::Elastic),
        ("base", Align::Right),
        ("now", Align::Right),
        ("difference [95 %]", Align::Right),
    ]);
    let shown = if all { rows.len() } else { SHOWN };
    for row in rows.iter().take(shown) {
        let name = if row.line == 0 { row.name.clone() } else { format!("{}:{}", row.file, row.line) };
        let Interval { low, high } = row.difference;
        table.row([
            if row.is_clear() { String::from("*") } else { String::new() },
            name,
            format!("{:.2}", row.base),
            format!("{:.2}", row.now),
            format!("{:+.2} [{low:+.2}, {high:+.2}]", row.now - row.base),
        ]);
    }
    if rows.len() > shown {
        table.row([String::new(), format!("{} more (--all)", rows.len() - shown)]);
    }
    table.render(2, width)
}

/// A prediction in the JSON of `rank`.
#[derive(Serialize)]
pub(super) struct PredictionJson {
    slo: String,
    quantile: f64,
    functions: Vec<String>,
    measured_ms: f64,
    predicted_ms: f64,
    /// Predicted minus measured.
    difference_ci_ms: [f64; 2],
    limit_ms: f64,
    method: &'static str,
}

impl From<&Prediction> for PredictionJson {
    fn from(p: &Prediction) -> PredictionJson {
        PredictionJson {
            slo: p.slo.clone(),
            quantile: p.quantile,
            functions: p.functions.iter().map(|f| f.0.clone()).collect(),
            measured_ms: p.measured_ms,
            predicted_ms: p.predicted_ms,
            difference_ci_ms: [p.difference_ms.low, p.difference_ms.high],
            limit_ms: p.limit_ms,
            method: p.method.word(),
        }
    }
}

/// A comparison in the JSON of `rank`.
#[derive(Serialize)]
pub(super) struct ComparisonJson {
    base: String,
    measure: &'static str,
    rows: Vec<DifferenceJson>,
    lines: Vec<DifferenceJson>,
}

#[derive(Serialize)]
struct DifferenceJson {
    name: String,
    file: String,
    line: u32,
    base: f64,
    now: f64,
    /// Of now minus base.
    difference_ci: [f64; 2],
    clear: bool,
    samples: [u64; 2],
}

impl From<&Comparison> for ComparisonJson {
    fn from(c: &Comparison) -> ComparisonJson {
        let row = |d: &Difference| DifferenceJson {
            name: d.name.clone(),
            file: d.file.clone(),
            line: d.line,
            base: d.base,
            now: d.now,
            difference_ci: [d.difference.low, d.difference.high],
            clear: d.is_clear(),
            samples: [d.samples.0, d.samples.1],
        };
        ComparisonJson {
            base: c.base.clone(),
            measure: c.measure.word(),
            rows: c.rows.iter().map(row).collect(),
            lines: c.lines.iter().map(row).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Measure, Method};

    #[test]
    fn a_change_is_a_function_and_a_percentage() {
        let saved = |text: &str| change(text).map(|c| (c.function, c.saved));
        assert_eq!(saved("gw::spin=-40%"), Ok(("gw::spin".into(), 0.4)));
        assert_eq!(saved("<A as B<C=D>>::f = +20 %"), Ok(("<A as B<C=D>>::f".into(), -0.2)));
        for wrong in ["gw::spin", "gw::spin=-40", "=-40%", "gw::spin=much%", "gw::spin=-140%", "gw::spin=NaN%"] {
            assert!(saved(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn predictions_and_differences_carry_their_intervals() {
        let prediction = Prediction {
            slo: "work".into(),
            quantile: 0.99,
            functions: vec![],
            measured_ms: 253.5,
            predicted_ms: 180.25,
            difference_ms: Interval { low: -80.0, high: -66.0 },
            limit_ms: 200.0,
            method: Method::Replayed,
        };
        let row = |name: &str, line, base, now, low, high| Difference {
            name: name.into(),
            file: "src/main.rs".into(),
            line,
            base,
            now,
            difference: Interval { low, high },
            samples: (10, 20),
        };
        let compared = Comparison {
            base: "old.perf.data".into(),
            measure: Measure::Percent,
            rows: vec![row("gw::spin", 0, 50.0, 20.0, -35.0, -25.0), row("gw::work", 0, 5.0, 6.0, -2.0, 4.0)],
            lines: vec![row("gw::spin", 12, 50.0, 20.0, -35.0, -25.0)],
        };
        insta::assert_snapshot!(predictions(&[prediction]) + &comparison(&compared, false, 100), @r"

        what if  work: p99 253.5 ms becomes 180.2 ms [-80.0, -66.0], limit 200 ms, 19.8 ms below (replayed requests)

        against old.perf.data, in percent: 1 of 2 rows differ beyond chance

             function   base    now        difference [95 %]
          *  gw::spin  50.00  20.00  -30.00 [-35.00, -25.00]
             gw::work   5.00   6.00     +1.00 [-2.00, +4.00]

             line             base    now        difference [95 %]
          *  src/main.rs:12  50.00  20.00  -30.00 [-35.00, -25.00]
        ");
    }
}
