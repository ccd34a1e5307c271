//! An array of events that open and close frames in; runs of them, spread over all, each of which stands by itself, out.
//!
//! What an event means is known from all before it, so all are passed over: of each only its kind and its frame are looked at.

use std::ops::Range;

use super::{Piece, Walk, end, end_of_text};

/// Events of a run: many against the depth of a stack, few against those of a file.
const RUN: usize = 512;

/// No program calls so deep; what is open would be opened for every run.
const DEEPEST: usize = 10_000;

/// Where the parts of an event stand.
struct Event {
    all: Range<usize>,
    kind: Range<usize>,
    frame: Range<usize>,
    at: Range<usize>,
}

impl Walk<'_> {
    pub(super) fn runs(&mut self) -> Option<()> {
        let (mut open, mut passed, mut is_kept) = (Vec::new(), 0, false);
        let mut last = 0..0;
        self.at += 1;
        self.pieces.push(Piece::Text("["));
        let begun = self.pieces.len();
        while self.next(b']')? {
            let event = event(self.bytes, self.at)?;
            self.at = event.all.end;
            if passed % RUN == 0 {
                if std::mem::replace(&mut is_kept, self.is_kept()) {
                    open.iter().rev().for_each(|frame| self.put("C", frame, &last, begun));
                }
                if is_kept {
                    open.iter().for_each(|frame| self.put("O", frame, &event.at, begun));
                }
            }
            if is_kept {
                self.separate(begun);
                self.pieces.push(Piece::Part(event.all));
            }
            if open.len() > DEEPEST {
                return None;
            }
            follow(self.bytes, &mut open, &event.kind, event.frame);
            (passed, last) = (passed + 1, event.at);
        }
        if is_kept {
            open.iter().rev().for_each(|frame| self.put("C", frame, &last, begun));
        }
        self.pieces.push(Piece::Text("]"));
        Some(())
    }

    /// Puts an event that does not stand in the document.
    fn put(&mut self, kind: &str, frame: &Range<usize>, at: &Range<usize>, begun: usize) {
        let head = if kind == "O" { "{\"type\":\"O\",\"frame\":" } else { "{\"type\":\"C\",\"frame\":" };
        self.separate(begun);
        let part = |range: &Range<usize>| Piece::Part(range.clone());
        self.pieces.extend([Piece::Text(head), part(frame), Piece::Text(",\"at\":"), part(at), Piece::Text("}")]);
    }

    fn separate(&mut self, begun: usize) {
        if self.pieces.len() > begun {
            self.pieces.push(Piece::Text(","));
        }
    }
}

/// Keeps the frames that are open, as the reader does: what was opened inside of a frame that closes is closed with it.
fn follow(bytes: &[u8], open: &mut Vec<Range<usize>>, kind: &Range<usize>, frame: Range<usize>) {
    match &bytes[kind.clone()] {
        b"\"O\"" => open.push(frame),
        b"\"C\"" => {
            let at = open.iter().rposition(|known| bytes[known.clone()] == bytes[frame.clone()]);
            open.truncate(at.unwrap_or(open.len()));
        }
        _ => {}
    }
}

/// The event that stands here; `None` where it is none.
fn event(bytes: &[u8], start: usize) -> Option<Event> {
    let (mut kind, mut frame, mut time) = (None, None, None);
    let mut at = start;
    let mut before = b'{';
    loop {
        if *bytes.get(at)? != before {
            return None;
        }
        let key = blank(bytes, at + 1);
        at = end_of_text(bytes, key)?;
        let name = key..at;
        at = blank(bytes, at);
        if *bytes.get(at)? != b':' {
            return None;
        }
        let value = blank(bytes, at + 1);
        at = end(bytes, value)?;
        match &bytes[name] {
            b"\"type\"" => kind = Some(value..at),
            b"\"frame\"" => frame = Some(value..at),
            b"\"at\"" => time = Some(value..at),
            _ => {}
        }
        at = blank(bytes, at);
        if *bytes.get(at)? == b'}' {
            return Some(Event { all: start..at + 1, kind: kind?, frame: frame?, at: time? });
        }
        before = b',';
    }
}

fn blank(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::super::{Part, SOME_BYTES, thinned};
    use serde_json::Value;

    const FORM: Part = Part::Keys(&[("events", Part::Runs), ("more", Part::Runs)]);

    fn event(kind: &str, frame: usize, at: usize) -> String {
        format!(r#"{{"type":"{kind}","frame":{frame},"at":{at}}}"#)
    }

    /// Time of each frame as a leaf, and of all; fails where an event closes what is not open.
    fn times(events: &Value) -> (Vec<u64>, u64) {
        let (mut open, mut since, mut times) = (Vec::new(), 0, vec![0; 8]);
        for event in events.as_array().expect("an array") {
            let [frame, at] = ["frame", "at"].map(|key| event[key].as_u64().expect("a number"));
            if let Some(leaf) = open.last() {
                times[*leaf as usize] += at - since;
            }
            since = at;
            match event["type"].as_str() {
                Some("O") => open.push(frame),
                _ => assert_eq!(open.pop(), Some(frame), "closed at {at}"),
            }
        }
        assert!(open.is_empty());
        let all = times.iter().sum();
        (times, all)
    }

    #[test]
    fn runs_from_all_of_a_long_row_of_events_are_balanced_and_say_what_all_of_them_do() {
        // Outermost frames stay open over all of it; the second half has another leaf than the first.
        let mut events = vec![event("O", 0, 0), event("O", 1, 0)];
        let count = 400_000;
        for n in 0..count {
            let leaf = if n * 2 < count { 2 } else { 3 };
            events.extend([event("O", leaf, 10 * n), event("C", leaf, 10 * n + 4)]);
        }
        events.extend([event("C", 1, 10 * count), event("C", 0, 10 * count)]);
        let document = format!(r#"{{"events":[{}]}}"#, events.join(", "));
        let every = (document.len() / SOME_BYTES + 1) as f64;
        assert!(every > 5.0);
        let small = thinned(document.as_bytes(), &FORM).expect("sound");
        assert!(small.len() < SOME_BYTES * 3 / 2, "{} bytes", small.len());
        let (times, all) = times(&serde_json::from_slice::<Value>(&small).expect("JSON")["events"]);
        let share = |frame: usize| times[frame] as f64 / all as f64;
        assert!((all as f64 * every / (10.0 * count as f64) - 1.0).abs() < 0.05, "{all}");
        assert!((share(1) - 0.6).abs() < 0.01 && (share(2) - 0.2).abs() < 0.02 && (share(3) - 0.2).abs() < 0.02);
    }

    #[test]
    fn a_short_row_of_events_is_left_as_it_is_and_of_many_short_ones_some_are_kept() {
        let pair = format!("{},{}", event("O", 1, 0), event("C", 1, 5));
        let document = format!(r#"{{"events":[{pair}],"more":[]}}"#);
        assert_eq!(thinned(document.as_bytes(), &FORM), Some(document.clone().into_bytes()));
        let many = format!("[{}]", vec![document; 200_000].join(","));
        let small: Value = serde_json::from_slice(&thinned(many.as_bytes(), &FORM).expect("sound")).expect("JSON");
        let kept = small.as_array().expect("an array").iter().filter(|one| times(&one["events"]).1 > 0).count();
        let expected = 200_000 / (many.len() / SOME_BYTES + 1);
        assert!(kept.abs_diff(expected) < expected / 20, "{kept} of 200,000, {expected} expected");
    }

    #[test]
    fn what_is_no_event_or_is_cut_off_is_not_thinned() {
        let document = format!(r#"{{"events":[{}, {} ]}}"#, event("O", 1, 0), event("C", 1, 5));
        for end in 0..document.len() {
            assert_eq!(thinned(&document.as_bytes()[..end], &FORM), None, "cut at {end}");
        }
        for other in [r#"{"type":"O","frame":1}"#, "7", "[1]", "{}", r#"{"type" "O"}"#, r#"{"type":"O" "at":1}"#] {
            assert_eq!(thinned(format!(r#"{{"events":[{other}]}}"#).as_bytes(), &FORM), None, "{other}");
        }
    }
}
