//! The JSON mapping of OTLP traces, as far as it is used: exports in, flat spans out.

use serde::Deserialize;
use serde_json::Value;

use crate::model::Span;

/// One export request, or a whole file of `batches` as Tempo writes it.
#[derive(Deserialize)]
pub struct Export {
    #[serde(default, rename = "resourceSpans", alias = "resource_spans", alias = "batches")]
    resources: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
struct ResourceSpans {
    #[serde(default, rename = "scopeSpans", alias = "scope_spans", alias = "instrumentationLibrarySpans")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<WireSpan>,
}

#[derive(Deserialize)]
struct WireSpan {
    #[serde(default, rename = "traceId", alias = "trace_id")]
    trace: String,
    #[serde(default, rename = "spanId", alias = "span_id")]
    id: String,
    #[serde(default, rename = "parentSpanId", alias = "parent_span_id")]
    parent: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "startTimeUnixNano", alias = "start_time_unix_nano")]
    start: Value,
    #[serde(default, rename = "endTimeUnixNano", alias = "end_time_unix_nano")]
    end: Value,
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Value,
}

impl Export {
    /// Every span of the export.
    pub fn into_spans(self) -> impl Iterator<Item = RawSpan> {
        let scopes = self.resources.into_iter().flat_map(|r| r.scopes);
        scopes.flat_map(|s| s.spans).map(RawSpan::new)
    }
}

/// A span before it is linked to its trace.
#[derive(Clone, Debug, Default)]
pub struct RawSpan {
    /// Trace id in hexadecimal.
    pub trace: String,
    /// Span id in hexadecimal.
    pub id: String,
    /// The parent's id; empty for a root.
    pub parent: String,
    /// Span name.
    pub name: String,
    /// Nanoseconds since 1970.
    pub start_ns: u64,
    /// Nanoseconds since 1970.
    pub end_ns: u64,
    method: String,
    route: String,
    function: String,
    namespace: String,
    file: String,
    line: u32,
    busy_ns: Option<u64>,
    idle_ns: Option<u64>,
}

impl RawSpan {
    fn new(wire: WireSpan) -> RawSpan {
        let parent = wire.parent.filter(|p| p.bytes().any(|b| b != b'0')).unwrap_or_default();
        let (start_ns, end_ns) = (number(&wire.start).unwrap_or(0), number(&wire.end).unwrap_or(0));
        let mut span =
            RawSpan { trace: wire.trace, id: wire.id, parent, name: wire.name, start_ns, end_ns, ..RawSpan::default() };
        for attribute in wire.attributes {
            span.take(&attribute.key, &attribute.value);
        }
        span
    }

    fn take(&mut self, key: &str, value: &Value) {
        match key {
            "http.request.method" | "http.method" => self.method = text(value),
            "http.route" => self.route = text(value),
            "code.function.name" | "code.function" => self.function = text(value),
            "code.namespace" | "code.module" => self.namespace = text(value),
            "code.file.path" | "code.filepath" => self.file = text(value),
            "code.line.number" | "code.lineno" => self.line = any_number(value).map_or(0, |n| n as u32),
            "busy_ns" => self.busy_ns = any_number(value),
            "idle_ns" => self.idle_ns = any_number(value),
            _ => {}
        }
    }

    /// Method and route where both are told, else the name.
    pub fn operation(&self) -> String {
        if self.method.is_empty() || self.route.is_empty() {
            return self.name.clone();
        }
        format!("{} {}", self.method, self.route)
    }

    /// The span in the model's form.
    pub fn into_span(self, parent: Option<u32>, request: u32) -> Span {
        Span {
            request,
            parent,
            function: self.function_path(),
            name: self.name,
            file: self.file,
            line: self.line,
            start_ns: self.start_ns,
            end_ns: self.end_ns.max(self.start_ns),
            busy_ns: self.busy_ns,
            idle_ns: self.idle_ns,
        }
    }

    /// New attributes hold the whole path, old ones split it; `#[instrument]` tells the module, and names the span
    /// after the function.
    fn function_path(&self) -> String {
        match (self.function.as_str(), self.namespace.as_str()) {
            (function, _) if function.contains("::") => function.to_owned(),
            ("", "") => String::new(),
            ("", namespace) => format!("{namespace}::{}", self.name),
            (function, "") => function.to_owned(),
            (function, namespace) => format!("{namespace}::{function}"),
        }
    }
}

/// `{"stringValue": …}` and its kin hold the value one level down.
fn inner(value: &Value) -> &Value {
    value.as_object().and_then(|o| o.values().next()).unwrap_or(value)
}

fn text(value: &Value) -> String {
    match inner(value) {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn any_number(value: &Value) -> Option<u64> {
    number(inner(value))
}

/// 64-bit numbers are strings in the JSON of protobuf; some writers use numbers all the same.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(s) => s.parse().ok(),
        Value::Number(n) => n.as_u64().or_else(|| n.as_f64().filter(|f| *f >= 0.0).map(|f| f as u64)),
        _ => None,
    }
}
