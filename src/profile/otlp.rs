//! OTLP traces as JSON (a collector's file exporter writes one export a line) in; requests and their spans out.
//!
//! A request is a trace's root, or a span whose parent was not recorded here. Numbers come as decimal strings; both the
//! old and the new names of the `code.*` attributes are read, and `busy_ns`/`idle_ns` of tracing-opentelemetry.

use super::Format;
use super::lines::{Linewise, by_lines};
use super::otlp_json::Export;
use super::trace::{self, RawSpan};
use super::trouble::Trouble;
use crate::model::{Problem, Profile};

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
        trace::profile(self.spans, FORMAT.name, "the collector's file exporter writes one {\"resourceSpans\":…} a line")
    }

    /// Every export may stand alone, so another reader may begin where one does.
    fn boundary(bytes: &[u8]) -> Option<usize> {
        let starts = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
        starts.into_iter().find(|at| opens_export(&bytes[*at..(*at + 200).min(bytes.len())]))
    }

    fn join(&mut self, later: State) {
        self.spans.extend(later.spans);
        (self.pending, self.depth, self.in_string) = (later.pending, later.depth, later.in_string);
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
