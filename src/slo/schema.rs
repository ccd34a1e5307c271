//! The tables of `slo.toml` in, the parts of [`Slo`] out, each with the places its references stand at.

use toml::de::DeValue;

use super::reader::{At, Reader, Table, count, flag, text, texts};
use super::units::{Wrong, fraction, latency, moment, of_hundred, positive_latency, size, window, wrong_type};
use crate::model::{Budget, Code, Gate, Limits, Objective, ReviewRule, ReviewWhen, Slo, Source, SprintPlan, Workload};

/// A reference to an objective by name, with the table that makes it.
pub(super) struct Reference {
    pub(super) by: String,
    pub(super) name: At<String>,
}

/// What was read, with the places that the cross-checks need.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) slo: Slo,
    /// Names of all `[[slo]]`, those without a readable target included, and objectives made of them.
    pub(super) declared: Vec<String>,
    pub(super) references: Vec<Reference>,
    pub(super) objective_spans: Vec<std::ops::Range<usize>>,
    pub(super) budget_spans: Vec<std::ops::Range<usize>>,
    pub(super) source_spans: Vec<std::ops::Range<usize>>,
    pub(super) workload_spans: Vec<std::ops::Range<usize>>,
}

const TOP: &[&str] =
    &["version", "service", "source", "slo", "budget", "limits", "code", "workload", "gate", "review", "sprint"];

/// Reads every table of the document.
pub(super) fn read(reader: &mut Reader<'_>, root: &Table<'_>) -> Draft {
    reader.only(root, TOP);
    let mut draft = Draft::default();
    version(reader, root);
    service(reader, root, &mut draft.slo);
    for table in reader.tables(root, "source", "[[source]]") {
        source(reader, &table, &mut draft);
    }
    if root.get("slo").is_none() {
        let help = "add `[[slo]]` with `name = \"authorize-latency\"` and `p99 = \"200ms\"`";
        reader.missing(&root.span, "there is no objective", help);
    }
    for table in reader.tables(root, "slo", "[[slo]]") {
        objective(reader, &table, &mut draft);
    }
    for table in reader.tables(root, "budget", "[[budget]]") {
        budget(reader, &table, &mut draft);
    }
    limits(reader, root, &mut draft.slo.limits);
    code(reader, root, &mut draft.slo.code);
    for table in reader.tables(root, "workload", "[[workload]]") {
        workload(reader, &table, &mut draft);
    }
    gate(reader, root, &mut draft.slo.gate);
    for table in reader.tables(root, "review", "[[review]]") {
        review(reader, &table, &mut draft.slo);
    }
    sprint(reader, root, &mut draft);
    draft
}

fn version(reader: &mut Reader<'_>, root: &Table<'_>) {
    let Some(version) = reader.need(root, "version", "`version = \"slo/v1\"` as the first line", text) else { return };
    if version.value != "slo/v1" {
        reader.error(
            &version.span,
            format!("version \"{}\" is not one that this Refit reads", version.value),
            "write `version = \"slo/v1\"`",
        );
    }
}

fn service(reader: &mut Reader<'_>, root: &Table<'_>, slo: &mut Slo) {
    let Some(table) = reader.table(root, "service", "[service]") else {
        if root.get("service").is_none() {
            reader.missing(&root.span, "there is no [service]", "add `[service]` with `name = \"my-service\"`");
        }
        return;
    };
    reader.only(&table, &["name"]);
    slo.service = reader.need(&table, "name", "`name = \"my-service\"`", label).map(|n| n.value).unwrap_or_default();
}

fn source(reader: &mut Reader<'_>, table: &Table<'_>, draft: &mut Draft) {
    reader.only(table, &["file", "binary", "commit", "recorded"]);
    let file = reader.need(table, "file", "`file = \"perf/run.perf.data\"`, what was measured", text);
    let binary = reader.read(table, "binary", text).map(|b| b.value);
    let commit = reader.read(table, "commit", text).map(|c| c.value);
    let recorded = reader.read(table, "recorded", moment).map(|r| r.value);
    if let Some(file) = file {
        let line = reader.place(table.span.start).line;
        draft.slo.sources.push(Source { file: file.value, binary, commit, recorded, line });
        draft.source_spans.push(file.span);
    }
}

const OBJECTIVE: &[&str] =
    &["name", "description", "operation", "time_window", "objective", "p50", "p90", "p95", "p99", "p999"];

fn objective(reader: &mut Reader<'_>, table: &Table<'_>, draft: &mut Draft) {
    let mut known = OBJECTIVE.to_vec();
    known.extend(table.keys().into_iter().map(|k| k.value).filter(|k| quantile(k).is_some()));
    reader.only(table, &known);
    let name = reader.need(table, "name", "`name = \"authorize-latency\"`", label);
    let description = reader.read(table, "description", text).map(|d| d.value).unwrap_or_default();
    let operation = reader.read(table, "operation", text).map(|o| o.value).unwrap_or_default();
    let window = time_window(reader, table);
    let mut targets = targets(reader, table);
    let Some(name) = name else { return };
    draft.declared.push(name.value.clone());
    targets.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (i, (target, limit_ns)) in targets.into_iter().enumerate() {
        // The tail keeps the bare name, so that a second quantile never changes what a budget refers to.
        let name = if i == 0 { name.value.clone() } else { format!("{}-{}", name.value, quantile_word(target)) };
        draft.declared.push(name.clone());
        let (description, operation) = (description.clone(), operation.clone());
        draft.slo.objectives.push(Objective { name, description, operation, target, limit_ns, window });
        draft.objective_spans.push(table.span.clone());
    }
}

/// Fraction and limit of every objective in the table: the sugar `p99 = "200ms"` and explicit ones.
fn targets(reader: &mut Reader<'_>, table: &Table<'_>) -> Vec<(f64, u64)> {
    let before = reader.problems.len();
    let mut targets = Vec::new();
    for key in table.keys() {
        let Some(target) = quantile(key.value) else { continue };
        match table.get(key.value).map(|v| v.get_ref()) {
            Some(DeValue::Table(_)) => reader.error(
                &key.span,
                format!("`{}.…` in [[slo]]: a point separates keys in TOML", key.value),
                "write the quantile without a point: `p999` for the 99.9th percentile",
            ),
            _ => targets.extend(reader.read(table, key.value, positive_latency).map(|limit| (target, limit.value))),
        }
    }
    for explicit in explicit_objectives(reader, table) {
        targets.extend(explicit_target(reader, &explicit));
    }
    if targets.is_empty() && reader.problems.len() == before {
        reader.missing(&table.span, "[[slo]] has no target", "add `p99 = \"200ms\"`");
    }
    targets
}

fn explicit_objectives<'t>(reader: &mut Reader<'_>, table: &Table<'t>) -> Vec<Table<'t>> {
    match table.get("objective").map(|v| v.get_ref()) {
        Some(DeValue::Table(_)) => reader.table(table, "objective", "`objective` of [[slo]]").into_iter().collect(),
        _ => reader.tables(table, "objective", "[[slo.objective]]"),
    }
}

fn explicit_target(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<(f64, u64)> {
    reader.only(table, &["target", "target_percent", "op", "value"]);
    let (fraction_key, percent_key) = (table.get("target"), table.get("target_percent"));
    if let (Some(_), Some(percent)) = (fraction_key, percent_key) {
        reader.error(
            &percent.span(),
            format!("{} has both `target` and `target_percent`", table.name),
            "keep one of them",
        );
    }
    let target = match (fraction_key, percent_key) {
        (None, Some(_)) => reader.read(table, "target_percent", percent_number),
        _ => reader.need(table, "target", "`target = 0.99`", fraction),
    };
    if let Some(op) = reader.read(table, "op", text)
        && !matches!(op.value.as_str(), "lte" | "lt")
    {
        let help = "write `op = \"lte\"`: a latency objective is an upper limit";
        reader.error(&op.span, format!("{}: `op` is \"{}\"", table.name, op.value), help);
    }
    let value = reader.need(table, "value", "`value = \"200ms\"`", positive_latency);
    Some((target?.value, value?.value))
}

fn percent_number(key: &str, value: &DeValue<'_>) -> Result<f64, Wrong> {
    let text = match value {
        DeValue::Float(f) => f.as_str(),
        DeValue::Integer(i) => i.as_str(),
        other => return Err(wrong_type(key, other, &format!("a percentage: `{key} = 99.9`"))),
    };
    match text.parse::<f64>() {
        Ok(n) if n > 1.0 && n < 100.0 => Ok(of_hundred(n)),
        Ok(n) if n > 0.0 && n < 1.0 => Err(Wrong::new(
            format!("`{key}` is {text}, a fraction where a percentage is meant"),
            format!("write `target = {text}`"),
        )),
        _ => {
            Err(Wrong::new(format!("`{key}` is {text}, and must lie between 1 and 100"), format!("write `{key} = 99`")))
        }
    }
}

fn time_window(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<(u64, bool)> {
    let table = reader.table(table, "time_window", "`time_window` of [[slo]]")?;
    reader.only(&table, &["duration", "rolling"]);
    let duration = reader.need(&table, "duration", "`duration = \"28d\"`", window);
    let rolling = reader.read(&table, "rolling", flag).is_none_or(|r| r.value);
    Some((duration?.value, rolling))
}

fn budget(reader: &mut Reader<'_>, table: &Table<'_>, draft: &mut Draft) {
    reader.only(table, &["slo", "function", "span", "own", "per_call"]);
    let slo = reader.need(table, "slo", "`slo = \"…\"`, the objective it is a part of", text);
    let function = reader.read(table, "function", path_pattern);
    let span = reader.read(table, "span", text);
    match (&function, &span) {
        (Some(_), Some(span)) => {
            reader.error(&span.span, "[[budget]] has both `function` and `span`", "write two budgets")
        }
        (None, None) if table.get("function").is_none() && table.get("span").is_none() => reader.missing(
            &table.span,
            "[[budget]] says neither `function` nor `span`",
            "add `function = \"gateway::audit::*\"` or `span = \"fraud-score\"`",
        ),
        _ => {}
    }
    let own = reader.need(table, "own", "`own = \"3ms\"`, the time granted per request", latency);
    let (allocations, syscalls) = per_call(reader, table);
    let (Some(slo), Some(own)) = (slo, own) else { return };
    let (function, span) = (function.map(|f| f.value), span.map(|s| s.value));
    draft.references.push(Reference { by: table.name.clone(), name: slo.clone() });
    draft.slo.budgets.push(Budget { slo: slo.value, function, span, own_ns: own.value, allocations, syscalls });
    draft.budget_spans.push(own.span);
}

fn per_call(reader: &mut Reader<'_>, table: &Table<'_>) -> (Option<u64>, Option<u64>) {
    let Some(table) = reader.table(table, "per_call", "`per_call` of [[budget]]") else { return (None, None) };
    reader.only(&table, &["allocations", "syscalls"]);
    let allocations = reader.read(&table, "allocations", count).map(|n| n.value);
    (allocations, reader.read(&table, "syscalls", count).map(|n| n.value))
}

fn limits(reader: &mut Reader<'_>, root: &Table<'_>, limits: &mut Limits) {
    let Some(table) = reader.table(root, "limits", "[limits]") else { return };
    reader.only(&table, &["peak_rss", "binary_size", "cache_miss_rate", "gpu_memory"]);
    limits.peak_rss = reader.read(&table, "peak_rss", size).map(|v| v.value);
    limits.binary_size = reader.read(&table, "binary_size", size).map(|v| v.value);
    limits.cache_miss_rate = reader.read(&table, "cache_miss_rate", fraction).map(|v| v.value);
    limits.gpu_memory = reader.read(&table, "gpu_memory", size).map(|v| v.value);
}

fn code(reader: &mut Reader<'_>, root: &Table<'_>, code: &mut Code) {
    *code = Code { root: String::from("."), profile: String::from("release"), ..Code::default() };
    let Some(table) = reader.table(root, "code", "[code]") else { return };
    reader.only(&table, &["root", "packages", "features", "profile", "own", "generated", "clippy"]);
    if let Some(root) = reader.read(&table, "root", text) {
        code.root = root.value;
    }
    if let Some(profile) = reader.read(&table, "profile", text) {
        code.profile = profile.value;
    }
    if let Some(clippy) = reader.read(&table, "clippy", text) {
        code.clippy = clippy.value;
    }
    let mut names = |key: &str| reader.read(&table, key, texts).map(|v| v.value).unwrap_or_default();
    code.packages = names("packages");
    code.features = names("features");
    code.own = names("own");
    code.generated = names("generated");
}

fn workload(reader: &mut Reader<'_>, table: &Table<'_>, draft: &mut Draft) {
    reader.only(table, &["slo", "build", "run", "ready", "load", "test_quick", "test"]);
    let slo = reader.need(table, "slo", "`slo = \"…\"`, the objective it exercises", text);
    let mut command = |key: &str| reader.read(table, key, text).map(|v| v.value).unwrap_or_default();
    let mut workload = Workload {
        build: command("build"),
        run: command("run"),
        ready: command("ready"),
        load: command("load"),
        test_quick: command("test_quick"),
        test: command("test"),
        ..Workload::default()
    };
    for key in ["build", "run", "ready", "load", "test_quick", "test"] {
        placeholders(reader, table, key);
    }
    request_log(reader, table, &workload);
    let Some(slo) = slo else { return };
    draft.references.push(Reference { by: table.name.clone(), name: slo.clone() });
    workload.slo = slo.value;
    draft.slo.workloads.push(workload);
    draft.workload_spans.push(slo.span);
}

/// Commands may mention `{port}` and `{log}` only.
fn placeholders(reader: &mut Reader<'_>, table: &Table<'_>, key: &str) {
    let Some(command) = reader.read(table, key, |k, v| text(k, v).map_err(|_| Wrong::new("", ""))) else { return };
    let mut rest = command.value.as_str();
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        let Some(close) = rest.find('}') else { break };
        let word = &rest[..close];
        let is_name = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // `${HOME}` is the shell's own.
        let is_shell = command.value[..command.value.len() - rest.len() - 1].ends_with('$');
        if is_name && !is_shell && !matches!(word, "port" | "log") {
            let what = format!("`{key}` of [[workload]] mentions {{{word}}}, which nothing fills in");
            reader.error(&command.span, what, "{port} and {log} are filled in");
        }
    }
}

/// Without a request log there is no quantile to compare.
fn request_log(reader: &mut Reader<'_>, table: &Table<'_>, workload: &Workload) {
    // A program that ends by itself times functions; only a service has requests.
    if !workload.run.is_empty()
        && !workload.load.is_empty()
        && !format!("{}{}", workload.run, workload.load).contains("{log}")
    {
        let what = "neither `run` nor `load` of [[workload]] writes a {log}";
        reader.warn(
            &table.span,
            what,
            "let one of them write the request log to {log}: without it no quantile is measured",
        );
    }
}

fn gate(reader: &mut Reader<'_>, root: &Table<'_>, gate: &mut Gate) {
    let Some(table) = reader.table(root, "gate", "[gate]") else { return };
    reader.only(&table, &["min_effect", "confidence", "max_time"]);
    if let Some(effect) = reader.read(&table, "min_effect", fraction) {
        gate.min_effect = effect.value;
    }
    if let Some(confidence) = reader.read(&table, "confidence", fraction) {
        gate.confidence = confidence.value;
    }
    if let Some(time) = reader.read(&table, "max_time", positive_latency) {
        gate.max_time_ns = time.value;
    }
}

fn review(reader: &mut Reader<'_>, table: &Table<'_>, slo: &mut Slo) {
    reader.only(table, &["role", "when"]);
    let role = reader.need(table, "role", "`role = \"security\"`, who must sign", text);
    let when = review_when(reader, table);
    if let (Some(role), Some(when)) = (role, when) {
        slo.reviews.push(ReviewRule { role: role.value, when });
    }
}

fn review_when(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<ReviewWhen> {
    if table.get("when").is_none() {
        return Some(ReviewWhen::Always);
    }
    let when = reader.table(table, "when", "`when` of [[review]]")?;
    reader.only(&when, &["paths", "touches"]);
    if let (Some(_), Some(touches)) = (when.get("paths"), when.get("touches")) {
        reader.error(&touches.span(), "`when` has both `paths` and `touches`", "write two [[review]] tables");
    }
    if when.get("paths").is_some() {
        return reader.read(&when, "paths", texts).map(|paths| ReviewWhen::Paths(paths.value));
    }
    let touches =
        reader.need(&when, "touches", "`touches = \"sync-primitives\"` or `paths = [\"**/auth/**\"]`", text)?;
    if touches.value == "sync-primitives" {
        return Some(ReviewWhen::SyncPrimitives);
    }
    reader.error(
        &touches.span,
        format!("{}: `touches` is \"{}\"", when.name, touches.value),
        "write `touches = \"sync-primitives\"`",
    );
    None
}

fn sprint(reader: &mut Reader<'_>, root: &Table<'_>, draft: &mut Draft) {
    let Some(table) = reader.table(root, "sprint", "[sprint]") else { return };
    reader.only(&table, &["days", "slo"]);
    let days = reader.read(&table, "days", days).map_or(3, |d| d.value);
    let Some(slo) = reader.need(&table, "slo", "`slo = \"…\"`, the objective of the sprint", text) else { return };
    draft.references.push(Reference { by: table.name.clone(), name: slo.clone() });
    draft.slo.sprint = Some(SprintPlan { days, slo: slo.value });
}

fn days(key: &str, value: &DeValue<'_>) -> Result<u32, Wrong> {
    match count(key, value)? {
        days @ 1..=366 => Ok(days as u32),
        days => Err(Wrong::new(format!("`{key}` is {days}"), "a sprint takes 1 to 366 days; 3 is usual")),
    }
}

/// A name as RFC 1123 has it: lower-case letters, digits and hyphens, at most 63.
fn label(key: &str, value: &DeValue<'_>) -> Result<String, Wrong> {
    let name = text(key, value)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() <= 63 && name.chars().all(allowed) && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(name);
    }
    let slug = name.to_lowercase().replace(|c: char| !allowed(c), "-");
    let slug: String = slug.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let help = if slug.is_empty() || slug.len() > 63 {
        String::from("a name is lower-case letters, digits and hyphens, at most 63")
    } else {
        format!("write `{key} = \"{slug}\"`: lower-case letters, digits and hyphens, at most 63")
    };
    Err(Wrong::new(format!("`{key}` is \"{name}\", which is no name"), help))
}

/// A path pattern of functions: `gateway::audit::*`.
fn path_pattern(key: &str, value: &DeValue<'_>) -> Result<String, Wrong> {
    let pattern = text(key, value)?;
    let odd = pattern.chars().find(|c| c.is_whitespace() || matches!(c, '(' | ')' | '/' | '.'));
    match odd {
        None => Ok(pattern),
        Some(_) => Err(Wrong::new(
            format!("`{key}` is \"{pattern}\", which is no path of a function"),
            "write it as Rust does, with `*` for any: \"gateway::audit::*\"",
        )),
    }
}

/// `p99` is 0.99 and `p999` is 0.999; `None` for keys that name no quantile.
fn quantile(key: &str) -> Option<f64> {
    let digits = key.strip_prefix('p')?;
    let fits = (2..=6).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()) && digits != "100";
    let quantile: f64 = if fits { format!("0.{digits}").parse().ok()? } else { return None };
    (quantile > 0.0).then_some(quantile)
}

/// `p99` for 0.99, `p999` for 0.999.
fn quantile_word(target: f64) -> String {
    let decimals = format!("{target:.6}");
    let digits = decimals.trim_start_matches("0.").trim_end_matches('0');
    format!("p{digits:0<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quantile_keys_and_nothing_that_looks_like_one() {
        assert_eq!(quantile("p99"), Some(0.99));
        assert_eq!(quantile("p999"), Some(0.999));
        assert_eq!(quantile("p50"), Some(0.5));
        for key in ["p", "p9", "p100", "p00", "pxx", "p99x", "q99", "p-1"] {
            assert_eq!(quantile(key), None, "{key}");
        }
        assert_eq!(quantile_word(0.99), "p99");
        assert_eq!(quantile_word(0.5), "p50");
        assert_eq!(quantile_word(0.999), "p999");
    }
}
