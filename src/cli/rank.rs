//! A project in; its objectives, the split of each quantile and the hot functions out.

use clap::Args;

use super::answer::{Answer, Outcome};
use super::compared;
use super::context::Context;
use super::json;
use super::style::Style;
use super::table::{Align, Table};
use crate::model::{Basis, Change, Contribution, ObjectiveSplit, Recording, RowKind, SplitLine, folded, unfolded};
use crate::pipeline::{Analysis, Depth, Inputs};
use crate::report::{decimals, quantile_name};

/// Rows of a split that are shown without `--all`: heading, glance and sum included it fits on a screen of 40 rows.
const SHOWN: usize = 24;

#[derive(Args)]
pub(super) struct Options {
    /// Every row of the split
    #[arg(long)]
    all: bool,
    /// What the objectives would become if a function took so much less; may be given again
    #[arg(long, value_name = "FUNCTION=-40%", value_parser = compared::change)]
    what_if: Vec<Change>,
    /// Compare with an older recording, function by function and line by line
    #[arg(long, value_name = "FILE")]
    base: Option<String>,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let workspace = context.open()?;
    let listener = context.ear();
    let mut troubles = Vec::new();
    let mut inputs = Inputs { depth: Depth::Rank, what_if: options.what_if.clone(), ..context.inputs() };
    if let Some(base) = &options.base {
        let (profile, found) = workspace.read_older(base, listener.ear())?;
        inputs.base = Some((base.clone(), profile));
        troubles = found;
    }
    let mut analysis = workspace.compose(inputs, listener.ear())?;
    analysis.problems.splice(0..0, troubles);
    let text = || text(&analysis, options.all, context.style, context.width);
    Ok(Answer::new(context, || json::Rank::from(&analysis), text).beside(&analysis.problems))
}

fn text(analysis: &Analysis, all: bool, style: Style, width: usize) -> String {
    let mut text = style.strong(&analysis.service) + "\n";
    text += &sources(analysis);
    for objective in &analysis.objectives {
        text += "\n";
        text += &headline(objective, style);
        text += &rows(objective, all, width);
    }
    text += &compared::predictions(&analysis.predictions);
    text += &analysis.comparison.as_ref().map(|c| compared::comparison(c, all, width)).unwrap_or_default();
    text
}

/// Age and commit of the recordings, one line each.
fn sources(analysis: &Analysis) -> String {
    let line = |r: &Recording| {
        let age = r.age.map_or(String::from("age unknown"), |seconds| format!("{} old", age(seconds)));
        let commit = r.commit.as_ref().map_or(String::new(), |c| {
            let since = r.since.filter(|n| *n > 0).map(|n| format!(" +{n}")).unwrap_or_default();
            format!(", {}{since}", &c[..7.min(c.len())])
        });
        format!("  {}  {age}{commit}\n", r.file)
    };
    analysis.recordings.iter().map(line).collect()
}

/// `40 min`, `5 h`, `12 d`.
fn age(seconds: u64) -> String {
    match seconds {
        0..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// What an objective says at one glance.
pub(super) fn headline(o: &ObjectiveSplit, style: Style) -> String {
    let operation = if o.operation.is_empty() { "every request" } else { &o.operation };
    let mut text = format!("{}  {operation}\n", style.strong(&o.slo));
    let quantile = quantile_name(o.quantile);
    let Some(measured) = o.measured_ms else {
        let limit = format!("  {quantile} not measured (limit {} ms)", trim(o.limit_ms));
        return text + &style.doubtful(&limit) + "; add a request log or a trace\n";
    };
    let digits = decimals(o.limit_ms);
    let gap = match o.gap_ms {
        gap if gap > 0.0 => style.bad(&format!("{gap:.digits$} ms over")),
        gap => style.good(&format!("{:.digits$} ms below", -gap)),
    };
    text += &format!(
        "  {quantile} {measured:.digits$} ms [{:.digits$}, {:.digits$}], limit {} ms, {gap}\n  {} requests, {:.2} % within the limit, basis {}\n",
        o.ci_ms.low,
        o.ci_ms.high,
        trim(o.limit_ms),
        thousands(o.requests),
        o.good_ratio * 100.0,
        o.basis.word(),
    );
    text + &parts(o) + &enough(o)
}

fn parts(o: &ObjectiveSplit) -> String {
    let sum = |kind: RowKind| o.rows.iter().filter(|r| r.kind == kind).map(|r| r.c_ms).sum::<f64>();
    format!(
        "  code {:.1} ms | waits {:.1} ms | unplaced {:.1} ms\n",
        sum(RowKind::Function),
        sum(RowKind::Wait),
        sum(RowKind::Unattributed)
    )
}

fn enough(o: &ObjectiveSplit) -> String {
    if o.gap_ms <= 0.0 {
        return String::new();
    }
    if !o.reachable {
        return String::from("  code alone cannot meet the objective: the waits are over the limit\n");
    }
    let names: Vec<&str> = o.smallest_set.iter().map(|f| last_two(&f.0)).collect();
    format!("  enough to meet it: {} (together at most {:.1} ms)\n", names.join(" + "), o.smallest_set_ms)
}

fn rows(o: &ObjectiveSplit, all: bool, width: usize) -> String {
    let with_tail = o.basis != Basis::SampledShare;
    let quantile = format!("{} ms [95 %]", quantile_name(o.quantile));
    let column = if with_tail { quantile.as_str() } else { "share" };
    let mut columns = vec![("", Align::Right), ("function", Align::Elastic), (column, Align::Right)];
    // Without requests there are no milliseconds of a request.
    let with_means = o.requests > 0;
    if with_means {
        columns.extend(["mean", "self", "total", "budget", "over"].map(|head| (head, Align::Right)));
    }
    if let Some(allocated) = o.rows.iter().find_map(|r| r.allocated) {
        let per = if allocated.per_request { "blocks/request" } else { "blocks" };
        columns.extend([(per, Align::Right), ("bytes", Align::Right)]);
    }
    let mut table = Table::new(&columns);
    let (lines, folds) = if all { (unfolded(o), Vec::new()) } else { folded(o, SHOWN) };
    for line in lines {
        match line {
            SplitLine::Row(row) => table.row(row_cells(&o.rows[row], with_tail, with_means, width)),
            SplitLine::Fold(fold) => table.row(fold_cells(&folds[fold].sum, with_tail)),
        };
    }
    if with_tail {
        table.row([String::new(), String::from("sum"), format!("{:.2}", o.sum_ms)]);
    }
    format!("\n{}{}", table.render(2, width), unresolved(o))
}

/// Rows whose size says nothing yet, so that nobody compares them.
fn unresolved(o: &ObjectiveSplit) -> String {
    const NAMED: usize = 3;
    let names: Vec<&str> = o.unresolved().map(|r| last_two(&r.name)).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = names[..names.len().min(NAMED)].join(", ");
    if names.is_empty() { named } else { format!("  too small to resolve with what was measured: {named}{more}\n") }
}

/// Small rows summed up; intervals do not add up.
fn fold_cells(sum: &Contribution, with_tail: bool) -> Vec<String> {
    let tail = if with_tail { ms(sum.c_ms) } else { format!("{:.1} %", sum.share * 100.0) };
    vec![String::new(), format!("{} (--all)", sum.name), tail, ms(sum.mean_ms)]
}

fn row_cells(row: &Contribution, with_tail: bool, with_means: bool, width: usize) -> Vec<String> {
    let band = if row.band == 0 { String::new() } else { row.band.to_string() };
    // The place is worth a column only where there is room for it.
    let place = if row.file.is_empty() || width < 110 { String::new() } else { format!("  {}:{}", row.file, row.line) };
    let name = match row.kind {
        RowKind::Function => format!("{}{place}", row.name),
        RowKind::Wait => format!("wait: {}", row.name),
        RowKind::Unattributed => row.name.clone(),
    };
    let tail = match with_tail {
        true => format!("{} [{}, {}]", ms(row.c_ms), ms(row.ci_ms.low), ms(row.ci_ms.high)),
        false => format!("{:.1} %", row.share * 100.0),
    };
    if row.kind != RowKind::Function {
        return vec![band, name, tail, ms(row.mean_ms)];
    }
    let times = [row.mean_ms, row.self_ms, row.total_ms].map(ms);
    let budget = row.budget_ms.map(|b| format!("{b:.2}")).unwrap_or_default();
    let over = if row.over_ms > 0.0 { format!("{:.2}", row.over_ms) } else { String::new() };
    let allocated = row.allocated.map(|a| [a.blocks, a.bytes].map(|n| format!("{n:.1}")));
    let means = times.into_iter().chain([budget, over]).take(if with_means { 5 } else { 0 });
    [band, name, tail].into_iter().chain(means).chain(allocated.into_iter().flatten()).collect()
}

/// The last two segments of a path: what people call a function by.
pub(super) fn last_two(path: &str) -> &str {
    let mut ends = path.rmatch_indices("::").map(|(i, _)| i + 2);
    ends.nth(1).map_or(path, |start| &path[start..])
}

/// Milliseconds with two decimals, and no sign before a zero.
pub(super) fn ms(ms: f64) -> String {
    let text = format!("{ms:.2}");
    if text == "-0.00" { String::from("0.00") } else { text }
}

/// `200` for 200.0, `1.5` for 1.5.
fn trim(ms: f64) -> String {
    format!("{ms}")
}

/// `4,000`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionId, Interval};

    fn row(kind: RowKind, name: &str, c_ms: f64) -> Contribution {
        let function = (kind == RowKind::Function).then(|| FunctionId(name.into()));
        Contribution {
            kind,
            name: name.into(),
            file: if function.is_some() { "src/risk/score.rs".into() } else { String::new() },
            function,
            line: 41,
            c_ms,
            ci_ms: Interval { low: c_ms - 2.0, high: c_ms + 2.0 },
            mean_ms: c_ms / 8.0,
            self_ms: 0.25,
            total_ms: c_ms + 1.0,
            share: 0.125,
            budget_ms: Some(3.0),
            over_ms: c_ms - 3.0,
            band: u32::from(kind == RowKind::Function),
            samples: 900,
            cohort_samples: 90,
            allocated: None,
        }
    }

    fn analysis(basis: Basis, measured_ms: Option<f64>) -> Analysis {
        let objective = ObjectiveSplit {
            slo: "authorize-latency".into(),
            operation: "POST /authorize".into(),
            quantile: 0.99,
            limit_ms: 200.0,
            measured_ms,
            ci_ms: Interval { low: 236.0, high: 251.0 },
            requests: 4_000,
            good_ratio: 0.953,
            gap_ms: 43.0,
            basis,
            rows: vec![
                row(RowKind::Function, "payment_gateway::risk::scoring::DeviceHistory::score", 121.0),
                row(RowKind::Function, "payment_gateway::audit::write", 34.0),
                row(RowKind::Wait, "acquirer", 61.0),
                row(RowKind::Unattributed, "unplaced", 34.0),
            ],
            sum_ms: 243.0,
            smallest_set: vec![FunctionId("payment_gateway::risk::scoring::DeviceHistory::score".into())],
            smallest_set_ms: 121.0,
            reachable: true,
            histogram: vec![],
        };
        Analysis { service: "payment-gateway".into(), objectives: vec![objective], ..Analysis::default() }
    }

    #[test]
    fn a_split_is_readable_at_eighty_columns() {
        let text = text(&analysis(Basis::JoinedSamples, Some(243.0)), false, Style::default(), 80);
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        insta::assert_snapshot!(text, @r"
        payment-gateway

        authorize-latency  POST /authorize
          p99 243.0 ms [236.0, 251.0], limit 200 ms, 43.0 ms over
          4,000 requests, 95.30 % within the limit, basis samples+requests
          code 155.0 ms | waits 61.0 ms | unplaced 34.0 ms
          enough to meet it: DeviceHistory::score (together at most 121.0 ms)

             function                 p99 ms [95 %]   mean  self   total  budget    over
          1  …story::score  121.00 [119.00, 123.00]  15.12  0.25  122.00    3.00  118.00
          1  …audit::write     34.00 [32.00, 36.00]   4.25  0.25   35.00    3.00   31.00
             …it: acquirer     61.00 [59.00, 63.00]   7.62
             unplaced          34.00 [32.00, 36.00]   4.25
             sum                             243.00
        ");
    }

    #[test]
    fn shares_alone_are_never_shown_as_a_tail() {
        insta::assert_snapshot!(text(&analysis(Basis::SampledShare, None), false, Style::default(), 120), @r"
        payment-gateway

        authorize-latency  POST /authorize
          p99 not measured (limit 200 ms); add a request log or a trace

             function                                                                 share   mean  self   total  budget    over
          1  …nt_gateway::risk::scoring::DeviceHistory::score  src/risk/score.rs:41  12.5 %  15.12  0.25  122.00    3.00  118.00
          1  payment_gateway::audit::write  src/risk/score.rs:41                     12.5 %   4.25  0.25   35.00    3.00   31.00
             wait: acquirer                                                          12.5 %   7.62
             unplaced                                                                12.5 %   4.25
        ");
    }

    #[test]
    fn without_requests_no_milliseconds_are_shown() {
        let mut analysis = analysis(Basis::SampledShare, None);
        analysis.objectives[0].requests = 0;
        insta::assert_snapshot!(text(&analysis, false, Style::default(), 80), @r"
        payment-gateway

        authorize-latency  POST /authorize
          p99 not measured (limit 200 ms); add a request log or a trace

             function                                               share
          1  payment_gateway::risk::scoring::DeviceHistory::score  12.5 %
          1  payment_gateway::audit::write                         12.5 %
             wait: acquirer                                        12.5 %
             unplaced                                              12.5 %
        ");
    }

    #[test]
    fn the_json_is_the_public_interface() {
        insta::assert_snapshot!(json::document(&json::Rank::from(&analysis(Basis::JoinedSamples, Some(243.0)))), @r#"
        {
          "schema": "refit.rank/1",
          "service": "payment-gateway",
          "sources": [],
          "objectives": [
            {
              "slo": "authorize-latency",
              "operation": "POST /authorize",
              "quantile": 0.99,
              "limit_ms": 200.0,
              "measured_ms": 243.0,
              "ci_ms": [
                236.0,
                251.0
              ],
              "requests": 4000,
              "good_ratio": 0.953,
              "gap_ms": 43.0,
              "basis": "samples+requests",
              "split": [
                {
                  "kind": "function",
                  "name": "payment_gateway::risk::scoring::DeviceHistory::score",
                  "file": "src/risk/score.rs",
                  "line": 41,
                  "c_ms": 121.0,
                  "ci_ms": [
                    119.0,
                    123.0
                  ],
                  "mean_ms": 15.125,
                  "self_ms": 0.25,
                  "total_ms": 122.0,
                  "share": 0.125,
                  "budget_ms": 3.0,
                  "over_ms": 118.0,
                  "band": 1,
                  "samples": 900,
                  "cohort_samples": 90
                },
                {
                  "kind": "function",
                  "name": "payment_gateway::audit::write",
                  "file": "src/risk/score.rs",
                  "line": 41,
                  "c_ms": 34.0,
                  "ci_ms": [
                    32.0,
                    36.0
                  ],
                  "mean_ms": 4.25,
                  "self_ms": 0.25,
                  "total_ms": 35.0,
                  "share": 0.125,
                  "budget_ms": 3.0,
                  "over_ms": 31.0,
                  "band": 1,
                  "samples": 900,
                  "cohort_samples": 90
                },
                {
                  "kind": "wait",
                  "name": "acquirer",
                  "file": "",
                  "line": 41,
                  "c_ms": 61.0,
                  "ci_ms": [
                    59.0,
                    63.0
                  ],
                  "mean_ms": 7.625,
                  "self_ms": 0.25,
                  "total_ms": 62.0,
                  "share": 0.125,
                  "budget_ms": 3.0,
                  "over_ms": 58.0,
                  "band": 0,
                  "samples": 900,
                  "cohort_samples": 90
                },
                {
                  "kind": "unattributed",
                  "name": "unplaced",
                  "file": "",
                  "line": 41,
                  "c_ms": 34.0,
                  "ci_ms": [
                    32.0,
                    36.0
                  ],
                  "mean_ms": 4.25,
                  "self_ms": 0.25,
                  "total_ms": 35.0,
                  "share": 0.125,
                  "budget_ms": 3.0,
                  "over_ms": 31.0,
                  "band": 0,
                  "samples": 900,
                  "cohort_samples": 90
                }
              ],
              "sum_ms": 243.0,
              "smallest_set": [
                "payment_gateway::risk::scoring::DeviceHistory::score"
              ],
              "smallest_set_ms": 121.0,
              "reachable": true
            }
          ],
          "problems": []
        }
        "#);
    }

    #[test]
    fn numbers_and_paths_are_shortened_for_people() {
        assert_eq!(
            (thousands(7), thousands(4_000), thousands(1_234_567)),
            ("7".into(), "4,000".into(), "1,234,567".into())
        );
        assert_eq!((last_two("a::b::c"), last_two("b::c"), last_two("c")), ("b::c", "b::c", "c"));
    }
}
