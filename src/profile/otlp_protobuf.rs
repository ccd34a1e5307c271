//! OTLP traces as protobuf in; requests and their spans out.
//!
//! `TracesData` of opentelemetry-proto, or what a collector's file exporter writes: export requests, each behind its length
//! in four bytes. Both are lists of `ResourceSpans`, which are decoded one by one, so that a cut loses only the last; the types
//! are those of opentelemetry-proto as far as they are used, because its own decode a whole export with all that nobody reads.

use prost::Message;

use super::Format;
use super::document::whole_and_some;
use super::scalar::Scalar;
use super::thinned::SOME_BYTES;
use super::trace::{self, RawSpan};
use crate::model::{Problem, Profile};

/// OTLP protobuf.
pub const FORMAT: Format = Format { name: "OTLP protobuf", sniff, open: || whole_and_some(read, some) };

/// The tag of `ResourceSpans`: field 1 with a length.
const RESOURCE_SPANS: u8 = 0x0a;

/// Starts like one, and holds a trace id of 16 bytes followed by a span id of 8, which no other message does.
fn sniff(head: &[u8]) -> bool {
    let starts = head.first() == Some(&RESOURCE_SPANS) || head.get(4) == Some(&RESOURCE_SPANS);
    let is_ids = |at: usize| head.get(at + 18..at + 20) == Some(&[0x12, 8]);
    starts && memchr::memmem::find_iter(head, &[0x0a, 16]).any(is_ids)
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<WireSpan>,
}

#[derive(Clone, PartialEq, Message)]
struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_ns: u64,
    #[prost(fixed64, tag = "8")]
    end_ns: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "any_value::Value", tags = "1, 2, 3, 4")]
    value: Option<any_value::Value>,
}

mod any_value {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Value {
        #[prost(string, tag = "1")]
        Text(String),
        #[prost(bool, tag = "2")]
        Bool(bool),
        #[prost(int64, tag = "3")]
        Int(i64),
        #[prost(double, tag = "4")]
        Double(f64),
    }
}

fn read(bytes: &[u8]) -> (Profile, Vec<Problem>) {
    let (mut spans, mut damaged) = (Vec::new(), 0);
    let has_lengths = bytes.first() != Some(&RESOURCE_SPANS) || !is_export(bytes);
    match has_lengths {
        false => export(bytes, &mut spans, &mut damaged),
        true => {
            let mut rest = bytes;
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*length) as usize;
                damaged += u64::from(length > after.len());
                let (message, next) = after.split_at(length.min(after.len()));
                export(message, &mut spans, &mut damaged);
                rest = next;
            }
        }
    }
    let (mut profile, mut problems) =
        trace::profile(spans, FORMAT.name, "the collector's file exporter writes it with `format: proto`");
    profile.sources.iter_mut().for_each(|s| s.malformed = damaged);
    if damaged > 0 {
        let what = format!("{damaged} of the exports in this trace cannot be decoded: left out");
        problems.push(Problem::warning(what).help("was the file cut off, or copied while it was written?"));
    }
    (profile, problems)
}

/// What the first exports say: a trace is often sent in several, one soon after the other.
fn some(bytes: &[u8]) -> Profile {
    read(&bytes[..bytes.len().min(SOME_BYTES)]).0
}

/// True if the lengths of the outermost fields lead to the end, or behind it where the file was cut.
fn is_export(mut bytes: &[u8]) -> bool {
    let mut fields = 0;
    while let Some(message) = next_field(&mut bytes) {
        match message {
            Ok(_) => fields += 1,
            Err(()) => return fields > 0 || bytes.first() == Some(&RESOURCE_SPANS),
        }
    }
    fields > 0
}

fn export(mut bytes: &[u8], spans: &mut Vec<RawSpan>, damaged: &mut u64) {
    while let Some(message) = next_field(&mut bytes) {
        match message.ok().and_then(|m| ResourceSpans::decode(m).ok()) {
            Some(resource) => spans.extend(resource.scopes.into_iter().flat_map(|s| s.spans).map(raw)),
            None => *damaged += 1,
        }
    }
}

/// The next `ResourceSpans` of an export; an error ends it.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<Result<&'a [u8], ()>> {
    let (tag, mut rest) = bytes.split_first()?;
    let length = prost::decode_length_delimiter(&mut rest).ok();
    match length.filter(|l| *tag == RESOURCE_SPANS && *l <= rest.len()) {
        Some(length) => {
            let (message, next) = rest.split_at(length);
            *bytes = next;
            Some(Ok(message))
        }
        None => {
            *bytes = &[];
            Some(Err(()))
        }
    }
}

fn raw(wire: WireSpan) -> RawSpan {
    let hex = |id: &[u8]| id.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut span = RawSpan {
        trace: hex(&wire.trace_id),
        id: hex(&wire.span_id),
        parent: if wire.parent_span_id.iter().all(|b| *b == 0) { String::new() } else { hex(&wire.parent_span_id) },
        name: wire.name,
        start_ns: wire.start_ns,
        end_ns: wire.end_ns,
        is_call: matches!(wire.kind, 3 | 4),
        ..RawSpan::default()
    };
    for attribute in wire.attributes {
        let value = match attribute.value.and_then(|v| v.value) {
            Some(any_value::Value::Text(text)) => Scalar::Text(text),
            Some(any_value::Value::Int(n)) => u64::try_from(n).map_or(Scalar::Number(n as f64), Scalar::Whole),
            Some(any_value::Value::Double(n)) => Scalar::Number(n),
            Some(any_value::Value::Bool(b)) => Scalar::Text(b.to_string()),
            None => Scalar::Nothing,
        };
        span.attribute(&attribute.key, &value);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let span = |id: u8, parent: &[u8], start_ns, end_ns| WireSpan {
            trace_id: vec![7; 16],
            span_id: vec![id; 8],
            parent_span_id: parent.to_vec(),
            name: "work".into(),
            kind: 3,
            start_ns,
            end_ns,
            attributes: vec![KeyValue {
                key: "code.lineno".into(),
                value: Some(AnyValue { value: Some(any_value::Value::Int(41)) }),
            }],
        };
        let resource = |spans| ResourceSpans { scopes: vec![ScopeSpans { spans }] };
        [resource(vec![span(1, &[], 5, 50)]), resource(vec![span(2, &[1; 8], 10, 20)])]
            .iter()
            .flat_map(|r| {
                let mut field = vec![RESOURCE_SPANS];
                prost::encode_length_delimiter(r.encoded_len(), &mut field).unwrap();
                field.extend(r.encode_to_vec());
                field
            })
            .collect()
    }

    #[test]
    fn bare_and_length_prefixed_exports_are_the_same_trace() {
        let bare = bytes();
        let mut prefixed = (bare.len() as u32).to_be_bytes().to_vec();
        prefixed.extend(&bare);
        for bytes in [&bare, &prefixed] {
            assert!(sniff(bytes));
            let (profile, problems) = read(bytes);
            assert_eq!(problems, []);
            assert_eq!((profile.requests.len(), profile.spans.len()), (1, 2));
            assert_eq!((profile.spans[1].parent, profile.spans[1].line), (Some(0), 41));
            assert_eq!(profile.waits.len(), 2, "calls to other services are waits");
        }
    }

    #[test]
    fn a_cut_loses_the_last_export_only() {
        let whole = bytes();
        for end in whole.len() / 2 + 1..whole.len() {
            let (profile, problems) = read(&whole[..end]);
            assert_eq!(profile.spans.len(), 1, "cut at {end}");
            assert!(problems.iter().any(|p| p.what.starts_with("1 of the exports")), "{problems:?}");
        }
    }
}
