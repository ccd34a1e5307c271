//! A profile in; traces of so many bytes, in which each request is one of its stacks and each frame on it a span, out.
//!
//! A frame takes a third of what its caller takes, so that the outermost functions have most of the time.

use std::io::Write;

use refit::model::Profile;

use super::{message, number, stacks};

/// Nanoseconds of a request.
const REQUEST: u64 = 1_000_000;

/// Innermost frames that become spans.
const SPANS: usize = 6;

/// A span of a request: number, function, start and end.
struct Part<'p> {
    number: u64,
    function: &'p str,
    file: &'p str,
    line: u32,
    start: u64,
    end: u64,
}

/// The spans of one request after another, each numbered from 1 inside of its request.
fn requests(profile: &Profile) -> Vec<Vec<Part<'_>>> {
    let request = |stack: Vec<u32>| {
        let part = |(depth, frame): (u32, &u32)| {
            let frame = &profile.frames[*frame as usize];
            let end = REQUEST / 3_u64.pow(depth);
            let number = u64::from(depth) + 1;
            Part { number, function: &frame.symbol, file: &frame.file, line: frame.line, start: 0, end }
        };
        (0..).zip(&stack[stack.len().saturating_sub(SPANS)..]).map(part).collect()
    };
    stacks(profile).into_iter().map(request).collect()
}

/// Writes request after request, separated, until there are so many bytes.
fn write_all(
    profile: &Profile,
    out: &mut dyn Write,
    bytes: usize,
    separator: &str,
    text: impl Fn(u64, &[Part]) -> Vec<u8>,
) -> std::io::Result<()> {
    let requests = requests(profile);
    let (mut written, mut count) = (0, 0);
    while written < bytes {
        let text = text(count, &requests[count as usize % requests.len()]);
        if count > 0 {
            out.write_all(separator.as_bytes())?;
        }
        out.write_all(&text)?;
        (written, count) = (written + text.len() + separator.len(), count + 1);
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

/// As tracing-chrome writes it.
pub fn chrome(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    out.write_all(b"[\n")?;
    write_all(profile, out, bytes, ",\n", |request, parts| {
        let event = |phase: &str, part: &Part, at: u64| {
            let at = (request * 2 * REQUEST + at) as f64 / 1e3;
            format!(
                r#"{{"ph":"{phase}","pid":1,"ts":{at},"name":{},"cat":"gateway","tid":{},".file":{},".line":{}}}"#,
                quoted(part.function),
                request % 4,
                quoted(part.file),
                part.line
            )
        };
        let begins = parts.iter().map(|part| event("B", part, part.start));
        let ends = parts.iter().rev().map(|part| event("E", part, part.end));
        begins.chain(ends).collect::<Vec<_>>().join(",\n").into_bytes()
    })?;
    out.write_all(b"\n]\n")
}

/// As a collector's file exporter writes it, an export a line.
pub fn otlp(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    write_all(profile, out, bytes, "\n", |request, parts| {
        let from = 1_700_000_000_000_000_000 + request * 2 * REQUEST;
        let span = |part: &Part| {
            let parent = if part.number > 1 { format!("{:016x}", part.number - 1) } else { String::new() };
            format!(
                r#"{{"traceId":"{request:032x}","spanId":"{:016x}","parentSpanId":"{parent}","name":{},"kind":1,"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[{{"key":"code.function.name","value":{{"stringValue":{}}}}},{{"key":"thread.id","value":{{"intValue":"{}"}}}}],"status":{{}}}}"#,
                part.number,
                quoted(part.function),
                from + part.start,
                from + part.end,
                quoted(part.function),
                request % 4
            )
        };
        let spans: Vec<String> = parts.iter().map(span).collect();
        format!(
            r#"{{"resourceSpans":[{{"resource":{{}},"scopeSpans":[{{"scope":{{}},"spans":[{}]}}]}}]}}"#,
            spans.join(",")
        )
        .into_bytes()
    })
}

/// The same as protobuf.
pub fn otlp_protobuf(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    write_all(profile, out, bytes, "", |request, parts| {
        let from = 1_700_000_000_000_000_000 + request * 2 * REQUEST;
        let fixed = |field: u8, value: u64| [&[field << 3 | 1][..], &value.to_le_bytes()].concat();
        let spans = parts.iter().flat_map(|part| {
            let trace = [[0; 8], request.to_be_bytes()].concat();
            let parent = if part.number > 1 { message(4, &(part.number - 1).to_be_bytes()) } else { Vec::new() };
            let name = part.function.as_bytes();
            let told = [message(1, b"code.function.name"), message(2, &message(1, name))].concat();
            let span = [
                message(1, &trace),
                message(2, &part.number.to_be_bytes()),
                parent,
                message(5, name),
                number(6, 1),
                fixed(7, from + part.start),
                fixed(8, from + part.end),
                message(9, &told),
            ];
            message(2, &span.concat())
        });
        message(1, &message(2, &spans.collect::<Vec<u8>>()))
    })
}

/// As Jaeger's query API answers.
pub fn jaeger(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    out.write_all(b"{\"data\":[")?;
    write_all(profile, out, bytes, ",", |request, parts| {
        let from = 1_700_000_000_000_000 + request * 2 * REQUEST / 1_000;
        let span = |part: &Part| {
            let reference = match part.number {
                1 => String::new(),
                n => format!(r#"{{"refType":"CHILD_OF","traceID":"{request:032x}","spanID":"{:016x}"}}"#, n - 1),
            };
            format!(
                r#"{{"traceID":"{request:032x}","spanID":"{:016x}","operationName":{},"references":[{reference}],"startTime":{},"duration":{},"tags":[{{"key":"code.function.name","type":"string","value":{}}}],"logs":[],"processID":"p1","warnings":null}}"#,
                part.number,
                quoted(part.function),
                from + part.start / 1_000,
                (part.end - part.start) / 1_000,
                quoted(part.function)
            )
        };
        let spans: Vec<String> = parts.iter().map(span).collect();
        format!(
            r#"{{"traceID":"{request:032x}","spans":[{}],"processes":{{"p1":{{"serviceName":"gateway","tags":[]}}}}}}"#,
            spans.join(",")
        )
        .into_bytes()
    })?;
    write!(out, "],\"total\":0,\"errors\":null}}")
}
