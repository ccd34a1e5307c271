//! Jaeger's JSON in both dialects (its query API and interface; its span store) in; requests and their spans out.
//!
//! The first wraps traces in `data`, with times in microseconds and parents in `references`. The second holds one span after
//! another, as lines or as hits of a search, with `startTimeMillis` and sometimes times as texts and `parentSpanID`.

use serde::Deserialize;

use super::Format;
use super::document::{some_of, whole_and_some};
use super::scalar::Scalar;
use super::thinned::{Part, SOME_BYTES};
use super::trace::{self, RawSpan};
use super::trouble::Trouble;
use crate::model::{Problem, Profile};

/// Jaeger JSON.
pub const FORMAT: Format = Format { name: "Jaeger JSON", sniff, open: || whole_and_some(read, some) };

fn sniff(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let holds = |name: &str| memchr::memmem::find(text, name.as_bytes()).is_some();
    matches!(text.first(), Some(b'{' | b'['))
        && holds("\"operationName\"")
        && holds("\"traceID\"")
        && holds("\"spanID\"")
}

/// Every shape in which spans come.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Traces { data: Vec<Trace> },
    Trace(Trace),
    Search { hits: Hits },
    Hits(Vec<Hit>),
    Hit(Box<Hit>),
}

#[derive(Deserialize)]
struct Trace {
    spans: Vec<WireSpan>,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Hit {
    Wrapped {
        #[serde(rename = "_source")]
        source: WireSpan,
    },
    Bare(WireSpan),
}

#[derive(Deserialize)]
struct WireSpan {
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    id: String,
    #[serde(default, rename = "parentSpanID")]
    parent: Option<String>,
    #[serde(rename = "operationName")]
    name: String,
    #[serde(default)]
    references: Vec<Reference>,
    /// Microseconds since 1970.
    #[serde(default, rename = "startTime")]
    start: Scalar,
    #[serde(default, rename = "startTimeMillis")]
    start_millis: Scalar,
    /// Microseconds.
    #[serde(default)]
    duration: Scalar,
    #[serde(default)]
    tags: Vec<Tag>,
    /// The span store writes some tags as an object, dots replaced by `@`.
    #[serde(default)]
    tag: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default, rename = "refType")]
    kind: String,
    #[serde(default, rename = "spanID")]
    span: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: Scalar,
}

fn read(bytes: &[u8]) -> (Profile, Vec<Problem>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut spans, mut met) = (Vec::new(), Trouble::default());
    // A whole document first; else one a line, so that damage costs one line.
    match serde_json::from_slice::<Document>(bytes) {
        Ok(document) => take(document, &mut spans),
        Err(error) => lines(bytes, &error, &mut spans, &mut met),
    }
    let help = "save the answer of `/api/traces?service=…`, or the spans of the store, one a line";
    let (mut profile, mut problems) = trace::profile(spans, FORMAT.name, help);
    profile.sources.iter_mut().for_each(|s| s.malformed = met.count());
    problems.extend(met.problems());
    (profile, problems)
}

/// Some traces of all. Spans one a line are those of a trace only together with those around them: the first lines are taken.
fn some(bytes: &[u8]) -> Profile {
    const SOME: Part = Part::Keys(&[("data", Part::Some)]);
    let profile = some_of(bytes, &SOME, read);
    let first = &bytes[..bytes.len().min(SOME_BYTES)];
    match memchr::memrchr(b'\n', first) {
        Some(end) if profile.spans.is_empty() => read(&first[..end]).0,
        _ => profile,
    }
}

fn lines(bytes: &[u8], error: &serde_json::Error, spans: &mut Vec<RawSpan>, met: &mut Trouble) {
    for line in bytes.split(|b| *b == b'\n') {
        met.next_line();
        let line = line.trim_ascii();
        match serde_json::from_slice::<Document>(line) {
            Ok(document) => take(document, spans),
            Err(_) if line.is_empty() => {}
            Err(_) if line.len() == bytes.trim_ascii().len() => met.malformed(error.to_string()),
            Err(_) => met.malformed("neither a trace nor a span"),
        }
    }
}

fn take(document: Document, spans: &mut Vec<RawSpan>) {
    let hit = |hit| match hit {
        Hit::Wrapped { source } => raw(source),
        Hit::Bare(span) => raw(span),
    };
    match document {
        Document::Traces { data } => spans.extend(data.into_iter().flat_map(|t| t.spans).map(raw)),
        Document::Trace(trace) => spans.extend(trace.spans.into_iter().map(raw)),
        Document::Search { hits } => spans.extend(hits.hits.into_iter().map(hit)),
        Document::Hits(hits) => spans.extend(hits.into_iter().map(hit)),
        Document::Hit(one) => spans.push(hit(*one)),
    }
}

fn raw(wire: WireSpan) -> RawSpan {
    let micros = wire.start.whole().or_else(|| wire.start_millis.whole()?.checked_mul(1000)).unwrap_or(0);
    let start_ns = micros.saturating_mul(1000);
    let end_ns = start_ns.saturating_add(wire.duration.whole().unwrap_or(0).saturating_mul(1000));
    let of_kind = |kind: &str| wire.references.iter().find(|r| r.kind == kind).map(|r| r.span.clone());
    let parent = of_kind("CHILD_OF").or_else(|| of_kind("FOLLOWS_FROM")).or(wire.parent).unwrap_or_default();
    let (trace, id, name) = (wire.trace, wire.id, wire.name);
    let mut span = RawSpan { trace, id, parent, name, start_ns, end_ns, ..RawSpan::default() };
    wire.tags.iter().for_each(|t| span.attribute(&t.key, &t.value));
    for (key, value) in &wire.tag {
        let value = serde_json::from_value(value.clone()).unwrap_or_default();
        span.attribute(&key.replace('@', "."), &value);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = r#"{"data":[{"traceID":"a","spans":[
{"traceID":"a","spanID":"1","operationName":"HTTP POST","references":[],"startTime":1000,"duration":100,"tags":[{"key":"http.method","type":"string","value":"POST"},{"key":"http.route","value":"/pay"}],"logs":[],"processID":"p1","warnings":null},
{"traceID":"a","spanID":"2","operationName":"score","references":[{"refType":"CHILD_OF","traceID":"a","spanID":"1"}],"startTime":1010,"duration":50,"tags":[{"key":"code.lineno","value":7},{"key":"busy_ns","type":"int64","value":30000},{"key":"idle_ns","value":20000}]}
],"processes":{"p1":{"serviceName":"gw","tags":[]}}}],"total":0,"errors":null}"#;

    const STORE: &str = r#"{"traceID":"a","spanID":"1","operationName":"HTTP POST","references":[],"startTime":"1000","startTimeMillis":1,"duration":"100","tags":[{"key":"http.method","type":"string","value":"POST"}],"tag":{"http@route":"/pay"},"process":{"serviceName":"gw"}}
{"_index":"jaeger-span","_source":{"traceID":"a","spanID":"2","parentSpanID":"1","operationName":"score","startTimeMillis":"1","startTime":1010,"duration":50,"tags":[{"key":"code.lineno","value":"7"},{"key":"busy_ns","value":"30000"},{"key":"idle_ns","value":"20000"}]}}
"#;

    #[test]
    fn both_dialects_tell_the_same_trace() {
        assert!(sniff(API.as_bytes()) && sniff(STORE.as_bytes()));
        let (api, problems) = read(API.as_bytes());
        assert_eq!(problems, []);
        assert_eq!(api.requests[0].operation, "POST /pay");
        let score = &api.spans[1];
        assert_eq!((score.parent, score.line, score.start_ns, score.end_ns), (Some(0), 7, 1_010_000, 1_060_000));
        assert_eq!((score.busy_ns, score.idle_ns), (Some(30_000), Some(20_000)));
        assert_eq!(read(STORE.as_bytes()), (api.clone(), vec![]));
        let hits: Vec<&str> = STORE.lines().collect();
        let search = format!(r#"{{"took":1,"hits":{{"total":2,"hits":[{}]}}}}"#, hits.join(","));
        assert_eq!(read(search.as_bytes()), (api.clone(), vec![]));
        assert_eq!(read(format!("[{}]", hits.join(",")).as_bytes()).0, api);
    }

    #[test]
    fn a_damaged_line_costs_one_span() {
        let (profile, problems) = read(STORE.replacen("\"duration\"", "duration", 1).as_bytes());
        assert_eq!((profile.spans.len(), profile.sources[0].malformed), (1, 1));
        assert!(problems.iter().any(|p| p.what.contains("line 1: neither a trace nor a span")), "{problems:?}");
    }
}
