//! OTLP traces as JSON (a collector's file exporter writes one export a line) in; requests and their spans out.
//!
//! A request is a trace's root, or a span whose parent was not recorded here. Numbers come as decimal strings; both the
//! old and the new names of the `code.*` attributes are read, and `busy_ns`/`idle_ns` of tracing-opentelemetry.

use std::collections::HashMap;

use super::Format;
use super::lines::{Linewise, by_lines};
use super::otlp_json::{Export, RawSpan};
use super::trouble::{Trouble, counted};
use crate::model::{Problem, Profile, Request, SourceQuality, Span, Unit};

/// OTLP JSON.
pub const FORMAT: Format = Format { name: "OTLP JSON", sniff, open: by_lines::<State> };

const OPENINGS: [&str; 3] = ["resourceSpans", "resource_spans", "batches"];

fn sniff(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
        && OPENINGS.iter().any(|name| text.contains(&format!("\"{name}\"")))
}

#[derive(Clone, Default)]
struct State {
    /// Lines of an export that has not ended: exporters write one line, people paste pretty-printed files.
    pending: Vec<u8>,
    depth: i64,
    in_string: bool,
    spans: Vec<RawSpan>,
}

impl Linewise for State {
    fn line(&mut self, line: &[u8], met: &mut Trouble) {
        if self.depth != 0 && opens_export(line) {
            met.malformed_before("an export that does not end");
            self.restart();
        }
        self.count_brackets(line);
        self.pending.extend_from_slice(line);
        self.pending.push(b'\n');
        if self.depth > 0 {
            return;
        }
        let text = std::mem::take(&mut self.pending);
        self.restart();
        if text.trim_ascii().is_empty() {
            return;
        }
        let text = text.trim_ascii().strip_prefix(b"\xef\xbb\xbf").unwrap_or(text.trim_ascii());
        match serde_json::from_slice::<Export>(text) {
            Ok(export) => self.spans.extend(export.into_spans()),
            Err(error) => met.malformed(error.to_string()),
        }
    }

    fn end(&mut self, met: &mut Trouble) {
        if !self.pending.trim_ascii().is_empty() {
            met.malformed("the file ends inside an export");
        }
    }

    fn profile(self) -> (Profile, Vec<Problem>) {
        let Assembled { requests, spans, doubled, backwards, orphans } = assemble(self.spans);
        let mut problems = Vec::new();
        if spans.is_empty() {
            let help = "the collector's file exporter writes one {\"resourceSpans\":…} a line";
            problems.push(Problem::error("there is no span in this trace").help(help));
        }
        if doubled + backwards > 0 {
            let what = format!(
                "{} sent twice and {} that end before they start were corrected",
                counted(doubled, "span"),
                counted(backwards, "span")
            );
            problems.push(Problem::note(what));
        }
        if orphans > 0 {
            let what = format!(
                "the parent of {} was not recorded; they count for the root of their trace",
                counted(orphans, "span")
            );
            problems.push(Problem::note(what).help("sampling by span rather than by trace loses parents"));
        }
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: spans.len() as u64,
            unit: Unit::WallNanoseconds,
            ..SourceQuality::default()
        };
        (
            Profile { requests, spans, unit: Unit::WallNanoseconds, sources: vec![quality], ..Profile::default() },
            problems,
        )
    }
}

impl State {
    fn restart(&mut self) {
        self.pending.clear();
        (self.depth, self.in_string) = (0, false);
    }

    fn count_brackets(&mut self, line: &[u8]) {
        let mut escaped = false;
        for byte in line {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if self.in_string => escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth -= 1,
                _ => {}
            }
        }
        // A string cannot hold a line end.
        self.in_string = false;
    }
}

fn opens_export(line: &[u8]) -> bool {
    let Some(rest) = line.trim_ascii_start().strip_prefix(b"{") else { return false };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"\"") else { return false };
    OPENINGS.iter().any(|name| rest.starts_with(name.as_bytes()))
}

/// Traces put together from spans in any order.
#[derive(Default)]
struct Assembled {
    requests: Vec<Request>,
    spans: Vec<Span>,
    doubled: u64,
    backwards: u64,
    orphans: u64,
}

fn assemble(raw: Vec<RawSpan>) -> Assembled {
    let mut out = Assembled::default();
    let mut by_id: HashMap<(String, String), u32> = HashMap::new();
    let mut kept: Vec<RawSpan> = Vec::new();
    for span in raw {
        let next = kept.len() as u32;
        if *by_id.entry((span.trace.clone(), span.id.clone())).or_insert(next) == next {
            out.backwards += u64::from(span.end_ns < span.start_ns);
            kept.push(span);
        } else {
            out.doubled += 1;
        }
    }
    let mut parents: Vec<Option<u32>> =
        kept.iter().map(|s| by_id.get(&(s.trace.clone(), s.parent.clone())).copied()).collect();
    let mut true_roots: HashMap<&str, u32> = HashMap::new();
    for (at, span) in kept.iter().enumerate().filter(|(_, s)| s.parent.is_empty()) {
        true_roots.entry(&span.trace).or_insert(at as u32);
    }
    for at in 0..kept.len() {
        if parents[at].is_none() && !kept[at].parent.is_empty() {
            parents[at] = true_roots.get(kept[at].trace.as_str()).copied();
            out.orphans += u64::from(parents[at].is_some());
        }
    }
    cut_circles(&mut parents);
    let mut request_of: Vec<Option<u32>> = vec![None; kept.len()];
    for at in 0..kept.len() {
        let root = std::iter::successors(Some(at), |s| parents[*s].map(|p| p as usize)).last().unwrap_or(at);
        let request = *request_of[root].get_or_insert_with(|| {
            out.requests.push(request(&kept[root]));
            out.requests.len() as u32 - 1
        });
        request_of[at] = Some(request);
    }
    out.spans =
        kept.into_iter().zip(parents).zip(request_of).map(|((s, p), r)| s.into_span(p, r.unwrap_or(0))).collect();
    out
}

/// A damaged trace may name a span as its own ancestor; the first link that closes a circle is cut.
fn cut_circles(parents: &mut [Option<u32>]) {
    let mut state = vec![0u8; parents.len()];
    for start in 0..parents.len() {
        let (mut path, mut at) = (Vec::new(), Some(start as u32));
        while let Some(span) = at.map(|a| a as usize).filter(|a| state[*a] == 0) {
            state[span] = 1;
            path.push(span);
            at = parents[span];
            if at.is_some_and(|p| state[p as usize] == 1) {
                parents[span] = None;
                at = None;
            }
        }
        path.into_iter().for_each(|span| state[span] = 2);
    }
}

fn request(root: &RawSpan) -> Request {
    Request {
        id: root.trace.clone(),
        operation: root.operation(),
        start_ns: root.start_ns,
        end_ns: root.end_ns.max(root.start_ns),
        tid: None,
    }
}
