//! The JSON mapping of OTLP traces, as far as it is used: exports in, flat spans out.

use serde::Deserialize;

use super::scalar::Scalar;
use super::trace::RawSpan;

/// One export request, or a whole file of `batches` as Tempo writes it, or an answer of Jaeger's third API.
#[derive(Deserialize)]
pub struct Export {
    #[serde(default, rename = "resourceSpans", alias = "resource_spans", alias = "batches")]
    resources: Vec<ResourceSpans>,
    /// Tempo's second API and Jaeger's third wrap the export once more.
    #[serde(default, alias = "trace")]
    result: Option<Box<Export>>,
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
    /// A number, or the name of the enumeration's value.
    #[serde(default)]
    kind: Scalar,
    #[serde(default, rename = "startTimeUnixNano", alias = "start_time_unix_nano")]
    start: Scalar,
    #[serde(default, rename = "endTimeUnixNano", alias = "end_time_unix_nano")]
    end: Scalar,
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Scalar,
}

impl Export {
    /// Every span of the export.
    pub fn into_spans(self) -> Vec<RawSpan> {
        let mut spans: Vec<RawSpan> =
            self.resources.into_iter().flat_map(|r| r.scopes).flat_map(|s| s.spans).map(raw).collect();
        if let Some(inner) = self.result {
            spans.extend(inner.into_spans());
        }
        spans
    }
}

fn raw(wire: WireSpan) -> RawSpan {
    // No parent is spelled as nothing, as zeros, or as the base64 of zeros.
    let is_zero = |p: &String| p.bytes().all(|b| b == b'0') || p.bytes().all(|b| b == b'A' || b == b'=');
    let is_call = match &wire.kind {
        Scalar::Text(kind) => kind.ends_with("CLIENT") || kind.ends_with("PRODUCER"),
        kind => matches!(kind.whole(), Some(3 | 4)),
    };
    let mut span = RawSpan {
        trace: wire.trace,
        id: wire.id,
        parent: wire.parent.filter(|p| !is_zero(p)).unwrap_or_default(),
        name: wire.name,
        start_ns: wire.start.whole().unwrap_or(0),
        end_ns: wire.end.whole().unwrap_or(0),
        is_call,
        ..RawSpan::default()
    };
    wire.attributes.iter().for_each(|a| span.attribute(&a.key, &a.value));
    span
}
