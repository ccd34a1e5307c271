//! One line of a `perf script` call chain in; a frame, a source line or nothing out.

use super::intern::Stacks;
use crate::model::{Frame, FrameId};

/// What a line inside a sample says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    /// A frame of the stack.
    Frame(FrameId),
    /// The source line of the frame above (`-F +srcline`); index into the reader's sources.
    Source(u32),
    /// A source line that perf does not know (`??:0`, `libc.so.6[1098eb]`).
    Nothing,
    /// None of these.
    Malformed,
}

/// Where the frame above stands in the source.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// File as perf prints it.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// perf marks inlined frames here, not on the frame, where it prints source lines.
    pub inlined: bool,
}

/// Reads a line without its leading blanks.
pub fn read_line(line: &str, stacks: &mut Stacks, sources: &mut Vec<Source>) -> Line {
    if let Some(frame) = frame(line) {
        return Line::Frame(stacks.frame(frame));
    }
    match source(line) {
        Some(Some(source)) => {
            sources.push(source);
            Line::Source(sources.len() as u32 - 1)
        }
        Some(None) => Line::Nothing,
        None => Line::Malformed,
    }
}

/// True if a frame stands on the header line itself: an address after the event, an object file at the end.
pub fn frame_on_header(payload: &[u8]) -> bool {
    let digits = payload.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    digits >= 4 && payload.get(digits) == Some(&b' ') && payload.ends_with(b")")
}

/// `ip symbol+0xoff (object)`; the object is the last parenthesised group, since names hold parentheses too.
fn frame(line: &str) -> Option<Frame> {
    let (address, rest) = line.split_once(' ').unwrap_or((line, ""));
    if address.is_empty() || !address.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let (symbol, object) = symbol_and_object(rest.trim_end());
    let inlined = object == "inlined";
    let symbol = match without_offset(symbol.trim()) {
        "" => "[unknown]",
        symbol => symbol,
    };
    let object = if inlined || object == "[unknown]" { "" } else { object };
    Some(Frame { symbol: symbol.into(), object: object.into(), inlined, ..Frame::default() })
}

fn symbol_and_object(rest: &str) -> (&str, &str) {
    let inner = match rest.strip_suffix(')') {
        Some(inner) => inner,
        None => return (rest, ""),
    };
    // `(/opt/my app/svc (deleted))`: perf puts the mark inside the group.
    let open = match inner.strip_suffix(')') {
        Some(_) => last_group(rest),
        None => inner.rfind(" (").map(|at| at + 1).or_else(|| inner.starts_with('(').then_some(0)),
    };
    match open {
        Some(open) => (&rest[..open], inner[open + 1..].trim_end_matches(" (deleted)")),
        None => (rest, ""),
    }
}

/// Start of the parenthesised group that ends the text, parentheses inside of it counted.
fn last_group(rest: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in rest.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn without_offset(symbol: &str) -> &str {
    match symbol.rsplit_once("+0x") {
        Some((name, offset)) if !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_hexdigit()) => name,
        _ => symbol,
    }
}

/// `file:line`, perhaps marked; `Some(None)` where perf has no line.
fn source(line: &str) -> Option<Option<Source>> {
    let (place, inlined) = match line.trim_end().strip_suffix(" (inlined)") {
        Some(place) => (place, true),
        None => (line.trim_end(), false),
    };
    if place.ends_with(']') {
        return Some(None);
    }
    let (file, number) = place.rsplit_once(':')?;
    let number: u32 = number.split(' ').next()?.parse().ok()?;
    let known = number > 0 && !file.is_empty() && file != "??";
    Some(known.then(|| Source { file: file.into(), line: number, inlined }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, symbol: &str, object: &str, inlined: bool) {
        let frame = frame(line).expect("a frame");
        assert_eq!((frame.symbol.as_str(), frame.object.as_str(), frame.inlined), (symbol, object, inlined), "{line}");
    }

    #[test]
    fn the_object_is_the_last_parenthesised_group() {
        check(
            "57964 svc::apply::<fn(u64) -> u64, [u8; 4]>+0x649 (/opt/svc)",
            "svc::apply::<fn(u64) -> u64, [u8; 4]>",
            "/opt/svc",
            false,
        );
        check("10 svc::main+0x10 (/opt/my app/svc (deleted))", "svc::main", "/opt/my app/svc", false);
        check("10 svc::main+0x10 (/opt/my app/svc)", "svc::main", "/opt/my app/svc", false);
        check("10 <S as T<(u8, u8)>>::f+0x0 ([kernel.kallsyms])", "<S as T<(u8, u8)>>::f", "[kernel.kallsyms]", false);
    }

    #[test]
    fn inlined_and_unknown_frames_are_marked() {
        check("1807d core::ptr::add+0x60d (inlined)", "core::ptr::add", "", true);
        check("ec83485354415541 [unknown] ([unknown])", "[unknown]", "", false);
        check("7f42 [unknown] (/usr/lib/libc.so.6)", "[unknown]", "/usr/lib/libc.so.6", false);
        check("7f42", "[unknown]", "", false);
    }

    #[test]
    fn with_source_lines_the_frame_may_have_no_object() {
        check("17f97 _RNvCs_2gw4work+0x5c7", "_RNvCs_2gw4work", "", false);
    }

    #[test]
    fn source_lines_are_told_from_frames() {
        let place = |file: &str, line, inlined| Some(Some(Source { file: file.into(), line, inlined }));
        assert_eq!(source("/a b/src/main.rs:61 (inlined)"), place("/a b/src/main.rs", 61, true));
        assert_eq!(source("main.rs:7"), place("main.rs", 7, false));
        assert_eq!(source("??:0"), Some(None));
        assert_eq!(source("[kernel.kallsyms][ffffffff8175336a]"), Some(None));
        assert_eq!(source("not a place"), None);
        assert!(frame("main.rs:7").is_none());
    }
}
