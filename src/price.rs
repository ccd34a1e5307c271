//! Findings, the split and the heat of lines in; findings with what they cost out, dearest first.

use crate::model::{Basis, CostLines, Finding, FindingCost, HotFunction, Interval, Item, LineHeat};

/// Prices every finding by the part of the quantile that its lines own.
///
/// Where the profile has lines, a finding costs its function's milliseconds times the share of the function's line
/// heat that lies on the finding's lines; else all of its function's milliseconds. Both are upper bounds of what a
/// rewrite can win. Other lines on which it costs count with the flagged ones. A finding on a type costs what the
/// functions that use its fields spend on those lines, together. What is neutral in speed costs nothing, and stands behind
/// all that costs. A finding that no hot function pays for has no cost.
pub fn price(mut findings: Vec<Finding>, hot: &[HotFunction], heat: &[LineHeat], items: &[Item]) -> Vec<Finding> {
    for finding in &mut findings {
        finding.cost = cost(finding, hot, heat, items);
    }
    // Where nothing tells milliseconds, the hotter function comes first all the same.
    let share = |f: &Finding| hot.iter().find(|h| h.function == f.function).map_or(0.0, |h| h.contribution.share);
    let mut keyed: Vec<(f64, f64, Finding)> =
        findings.into_iter().map(|f| (f.cost.map_or(-1.0, |c| c.c_ms), share(&f), f)).collect();
    keyed.sort_by(|(ms_a, share_a, a), (ms_b, share_b, b)| {
        let place = |f: &Finding| (f.file.clone(), f.range, f.rule);
        let dearer = ms_b.total_cmp(ms_a).then(share_b.total_cmp(share_a));
        dearer.then_with(|| place(a).cmp(&place(b)))
    });
    keyed.into_iter().map(|(_, _, finding)| finding).collect()
}

fn cost(finding: &Finding, hot: &[HotFunction], heat: &[LineHeat], items: &[Item]) -> Option<FindingCost> {
    let mut places: Vec<CostLines> = finding.costs_on.clone();
    if !finding.function.0.is_empty() {
        let own = (finding.line..=finding.end_line).collect();
        match places.iter_mut().find(|p| p.function == finding.function && p.file == finding.file) {
            Some(place) => place.lines.extend::<Vec<u32>>(own),
            None => {
                let (function, file) = (finding.function.clone(), finding.file.clone());
                places.push(CostLines { function, file, lines: own });
            }
        }
    }
    let all: Vec<FindingCost> = places.iter().filter_map(|place| of_place(place, hot, heat, items)).collect();
    let first = all.first()?;
    if finding.kind.is_neutral() {
        return Some(FindingCost { c_ms: 0.0, ci_ms: Interval { low: 0.0, high: 0.0 }, basis: "neutral" });
    }
    let sum = |of: fn(&FindingCost) -> f64| all.iter().map(of).sum();
    Some(FindingCost {
        c_ms: sum(|c| c.c_ms),
        // Bounds of a sum: wider than the sum's own interval, never narrower.
        ci_ms: Interval { low: sum(|c| c.ci_ms.low), high: sum(|c| c.ci_ms.high) },
        basis: if finding.function.0.is_empty() { "users" } else { first.basis },
    })
}

/// The part of one function's milliseconds that lies on these of its lines.
fn of_place(place: &CostLines, hot: &[HotFunction], heat: &[LineHeat], items: &[Item]) -> Option<FindingCost> {
    let hot = hot.iter().find(|h| h.function == place.function)?;
    if matches!(hot.basis, Basis::SampledShare) {
        return None;
    }
    let row = &hot.contribution;
    let item = items.iter().find(|i| i.id == place.function);
    let lines = heat.iter().find(|h| h.file == place.file);
    let (share, basis) = match (item, lines) {
        (Some(item), Some(lines)) => {
            let own = on_lines(lines, |line| (item.line..=item.end_line).contains(&line));
            let on_place = on_lines(lines, |line| place.lines.contains(&line));
            if own > 0.0 { (on_place / own, "lines") } else { (1.0, hot.basis.word()) }
        }
        _ => (1.0, hot.basis.word()),
    };
    let share = share.min(1.0);
    let ci_ms = Interval { low: row.ci_ms.low * share, high: row.ci_ms.high * share };
    Some(FindingCost { c_ms: row.c_ms * share, ci_ms, basis })
}

fn on_lines(heat: &LineHeat, is_meant: impl Fn(u32) -> bool) -> f64 {
    heat.lines.iter().filter(|(line, _)| is_meant(*line)).map(|(_, weight)| weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, Contribution, Eye, FunctionId, Kind, RowKind, RuleId, TextRange};

    fn finding(line: u32, end_line: u32, function: &str) -> Finding {
        Finding {
            rule: RuleId("r"),
            eye: Eye::Loops,
            kind: Kind::Quadratic,
            class: Class::A,
            file: String::from("src/a.rs"),
            range: TextRange::at(line as usize),
            line,
            end_line,
            column: 1,
            function: FunctionId(function.to_string()),
            message: String::new(),
            captures: Vec::new(),
            costs_on: Vec::new(),
            cost: None,
            has_rewrite: true,
        }
    }

    fn hot(function: &str, c_ms: f64, basis: Basis) -> HotFunction {
        let contribution = Contribution {
            kind: RowKind::Function,
            name: function.to_string(),
            function: Some(FunctionId(function.to_string())),
            file: String::from("src/a.rs"),
            line: 10,
            c_ms,
            ci_ms: Interval { low: c_ms / 2.0, high: c_ms * 2.0 },
            mean_ms: 0.0,
            self_ms: 0.0,
            total_ms: 0.0,
            share: 0.0,
            budget_ms: None,
            over_ms: 0.0,
            band: 1,
            samples: 100,
            cohort_samples: 50,
            allocated: None,
        };
        let (file, slo) = (String::from("src/a.rs"), String::from("s"));
        HotFunction { function: FunctionId(function.to_string()), file, line: 10, contribution, slo, basis }
    }

    fn item(id: &str) -> Item {
        let name = id.rsplit("::").next().unwrap_or_default().to_string();
        Item {
            id: FunctionId(id.to_string()),
            name,
            file: String::from("src/a.rs"),
            line: 10,
            end_line: 19,
            ..Item::default()
        }
    }

    #[test]
    fn what_is_neutral_in_speed_costs_nothing_and_stands_behind_what_costs() {
        let heat = LineHeat { file: String::from("src/a.rs"), lines: vec![(11, 0.1), (12, 0.3)] };
        let ladder = Finding { kind: Kind::ErrorLadder, ..finding(12, 12, "f") };
        let priced =
            price(vec![ladder, finding(11, 11, "f")], &[hot("f", 40.0, Basis::JoinedSamples)], &[heat], &[item("f")]);
        let costs: Vec<_> = priced.iter().map(|f| f.cost.map(|c| (c.c_ms.round(), c.basis))).collect();
        assert_eq!(costs, [Some((10.0, "lines")), Some((0.0, "neutral"))]);
    }

    #[test]
    fn a_finding_costs_the_share_of_its_lines_in_its_functions_milliseconds() {
        let heat = LineHeat { file: String::from("src/a.rs"), lines: vec![(11, 0.1), (12, 0.3), (30, 0.6)] };
        let priced = price(
            vec![finding(11, 11, "a::f"), finding(12, 13, "a::f"), finding(40, 41, "a::g")],
            &[hot("a::f", 80.0, Basis::JoinedSamples)],
            &[heat],
            &[item("a::f")],
        );
        let costs: Vec<_> = priced.iter().map(|f| f.cost.map(|c| (c.c_ms.round(), c.basis))).collect();
        assert_eq!(costs, [Some((60.0, "lines")), Some((20.0, "lines")), None]);
    }

    #[test]
    fn without_lines_the_whole_function_is_the_upper_bound() {
        let priced =
            price(vec![finding(11, 11, "a::f")], &[hot("a::f", 80.0, Basis::JoinedSamples)], &[], &[item("a::f")]);
        let cost = priced[0].cost.expect("the function is hot");
        assert_eq!((cost.c_ms, cost.ci_ms.low, cost.basis), (80.0, 40.0, "samples+requests"));
    }

    #[test]
    fn shares_alone_price_nothing() {
        let hot = [hot("a::f", 0.0, Basis::SampledShare)];
        assert_eq!(price(vec![finding(11, 11, "a::f")], &hot, &[], &[item("a::f")])[0].cost, None);
    }

    #[test]
    fn where_only_shares_are_known_the_hotter_function_comes_first() {
        let with_share = |name: &str, share: f64| {
            let mut hot = hot(name, 0.0, Basis::SampledShare);
            hot.contribution.share = share;
            hot
        };
        let found = vec![finding(1, 1, "a::cold"), finding(2, 2, "a::warm"), finding(3, 3, "a::hot")];
        let priced = price(found, &[with_share("a::warm", 0.1), with_share("a::hot", 0.4)], &[], &[]);
        let order: Vec<_> = priced.iter().map(|f| f.function.0.as_str()).collect();
        assert_eq!(order, ["a::hot", "a::warm", "a::cold"]);
    }

    #[test]
    fn a_type_costs_what_the_lines_of_its_users_cost_together() {
        let heat = LineHeat { file: String::from("src/a.rs"), lines: vec![(11, 0.1), (12, 0.3), (30, 0.6)] };
        let on = |function: &str, lines: &[u32]| CostLines {
            function: FunctionId(function.to_string()),
            file: String::from("src/a.rs"),
            lines: lines.to_vec(),
        };
        let used = Finding { costs_on: vec![on("a::f", &[12]), on("a::cold", &[99])], ..finding(3, 8, "") };
        let unused = Finding { costs_on: vec![on("a::cold", &[99])], ..finding(3, 8, "") };
        let hot = [hot("a::f", 80.0, Basis::JoinedSamples)];
        let priced = price(vec![used, unused], &hot, &[heat], &[item("a::f")]);
        let costs: Vec<_> = priced.iter().map(|f| f.cost.map(|c| (c.c_ms.round(), c.basis))).collect();
        assert_eq!(costs, [Some((60.0, "users")), None]);
    }

    #[test]
    fn lines_elsewhere_in_the_function_count_once_with_the_flagged_ones() {
        let heat = LineHeat { file: String::from("src/a.rs"), lines: vec![(11, 0.1), (12, 0.3), (19, 0.1)] };
        let also = CostLines { function: FunctionId("a::f".into()), file: "src/a.rs".into(), lines: vec![11, 19] };
        let found = Finding { costs_on: vec![also], ..finding(11, 11, "a::f") };
        let priced = price(vec![found], &[hot("a::f", 80.0, Basis::JoinedSamples)], &[heat], &[item("a::f")]);
        assert_eq!(priced[0].cost.map(|c| (c.c_ms.round(), c.basis)), Some((32.0, "lines")));
    }
}
