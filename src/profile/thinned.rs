//! A large JSON document in; a small one of the same form out, with few of its samples, evenly spread over all, and all that
//! they need to be understood.
//!
//! The tables that samples name may stand behind them, so the document is passed over once: what is of no interest is skipped
//! without being read, and in long rows of numbers only separators are counted.

mod runs;

use std::ops::Range;

/// What is kept of a value.
pub enum Part {
    /// All of it.
    Whole,
    /// These keys of an object; of an array, those of each of its objects.
    Keys(&'static [(&'static str, Part)]),
    /// Elements of an array of numbers, or of rows of numbers, by chance that is the same each time: one of every so many.
    /// Arrays of one object lose the same elements.
    Spread,
    /// Elements of an array of objects, each as it stands: by the same chance one of every so many.
    Some,
    /// Of an array of events (`type` `"O"` and `"C"` with `frame` and `at`) some runs, spread over all. What is open where a run
    /// begins is opened before it, and what is open where it ends is closed behind it: nothing between two runs is counted.
    Runs,
}

/// Elements that are kept of all arrays that are spread.
const SOME: usize = 20_000;

/// About so many bytes are kept of all arrays of objects.
pub const SOME_BYTES: usize = 4 << 20;

/// Separators are counted by blocks of so many bytes; an element is then sought in one of them.
const BLOCK: usize = 1024;

/// The document with what `part` keeps of it; `None` where it is damaged.
pub fn thinned(bytes: &[u8], part: &Part) -> Option<Vec<u8>> {
    let mut walk = Walk { bytes, at: 0, pieces: Vec::new(), samples: 0, passed: 0 };
    walk.value(part)?;
    let every = walk.samples / SOME + 1;
    let mut out = Vec::new();
    for piece in &walk.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Part(part) => out.extend_from_slice(&bytes[part.clone()]),
            Piece::Row(row) => row.write(bytes, every, &mut out),
        }
    }
    Some(out)
}

/// A piece of the small document.
enum Piece {
    Text(&'static str),
    Part(Range<usize>),
    Row(Row),
}

/// Where the walk through the document stands.
struct Walk<'b> {
    bytes: &'b [u8],
    at: usize,
    pieces: Vec<Piece>,
    /// Elements of the longest spread array of every object.
    samples: usize,
    /// Elements, or runs of them, that were passed in all arrays of objects: the chance of the next one.
    passed: usize,
}

impl Walk<'_> {
    fn value(&mut self, part: &Part) -> Option<usize> {
        self.blank();
        match (part, self.bytes.get(self.at)?) {
            (Part::Keys(keys), b'{') => self.object(keys)?,
            (Part::Keys(keys), b'[') => self.array(keys)?,
            (Part::Spread, b'[') => return self.row(),
            (Part::Some, b'[') => self.some()?,
            (Part::Runs, b'[') => self.runs()?,
            _ => self.whole()?,
        }
        Some(0)
    }

    /// Keeps a value as it stands.
    fn whole(&mut self) -> Option<()> {
        let start = self.at;
        self.at = end(self.bytes, start)?;
        self.pieces.push(Piece::Part(start..self.at));
        Some(())
    }

    fn object(&mut self, keys: &'static [(&'static str, Part)]) -> Option<()> {
        let (mut longest, mut separator) = (0, "{");
        self.at += 1;
        while self.next(b'}')? {
            let start = self.at;
            self.at = end_of_text(self.bytes, start)?;
            let key = start..self.at;
            self.blank();
            self.eat(b':')?;
            self.blank();
            let name = &self.bytes[key.start + 1..key.end - 1];
            match keys.iter().find(|(wanted, _)| wanted.as_bytes() == name) {
                Some((_, part)) => {
                    self.pieces.extend([Piece::Text(separator), Piece::Part(key), Piece::Text(":")]);
                    longest = longest.max(self.value(part)?);
                    separator = ",";
                }
                None => self.at = end(self.bytes, self.at)?,
            }
        }
        self.samples += longest;
        self.pieces.push(Piece::Text(if separator == "{" { "{}" } else { "}" }));
        Some(())
    }

    fn array(&mut self, keys: &'static [(&'static str, Part)]) -> Option<()> {
        let mut separator = "[";
        self.at += 1;
        while self.next(b']')? {
            self.pieces.push(Piece::Text(separator));
            match self.bytes.get(self.at)? {
                b'{' => self.object(keys)?,
                _ => self.whole()?,
            }
            separator = ",";
        }
        self.pieces.push(Piece::Text(if separator == "[" { "[]" } else { "]" }));
        Some(())
    }

    /// An array that is spread; gives the number of its elements.
    fn row(&mut self) -> Option<usize> {
        let start = self.at;
        self.at = end(self.bytes, start)?;
        let inner = start + 1..self.at - 1;
        let is_rows = matches!(self.bytes[inner.clone()].trim_ascii_start().first(), Some(b'['));
        match Row::of(self.bytes, inner, is_rows) {
            Some(row) => {
                let count = row.count;
                self.pieces.push(Piece::Row(row));
                Some(count)
            }
            // Texts or objects: nothing that samples are made of.
            None => {
                self.pieces.push(Piece::Part(start..self.at));
                Some(0)
            }
        }
    }

    fn some(&mut self) -> Option<()> {
        let mut separator = "[";
        self.at += 1;
        while self.next(b']')? {
            let start = self.at;
            self.at = end(self.bytes, start)?;
            if self.is_kept() {
                self.pieces.extend([Piece::Text(separator), Piece::Part(start..self.at)]);
                separator = ",";
            }
        }
        self.pieces.push(Piece::Text(if separator == "[" { "[]" } else { "]" }));
        Some(())
    }

    /// True if the next element of an array of objects, or the next run, is one that is kept. Elements are counted on from array
    /// to array, so that those of short ones have the same chance.
    fn is_kept(&mut self) -> bool {
        let every = self.bytes.len() / SOME_BYTES + 1;
        let passed = self.passed;
        self.passed += 1;
        passed % every == chance(passed / every, every)
    }

    /// Steps to the next element, over a comma; false at the end, over which it steps too.
    fn next(&mut self, close: u8) -> Option<bool> {
        self.blank();
        if *self.bytes.get(self.at)? == b',' {
            self.at += 1;
            self.blank();
        }
        let is_end = *self.bytes.get(self.at)? == close;
        self.at += usize::from(is_end);
        Some(!is_end)
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        let is_there = *self.bytes.get(self.at)? == byte;
        self.at += 1;
        is_there.then_some(())
    }

    fn blank(&mut self) {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        self.at += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
}

/// An array of numbers, or of rows of numbers.
struct Row {
    inner: Range<usize>,
    is_rows: bool,
    count: usize,
    /// For each block how many elements begin before it.
    before: Vec<usize>,
}

impl Row {
    /// `None` where anything but numbers stands in it.
    fn of(bytes: &[u8], inner: Range<usize>, is_rows: bool) -> Option<Row> {
        let text = &bytes[inner.clone()];
        if memchr::memchr2(b'"', b'{', text).is_some() || !is_rows && memchr::memchr(b'[', text).is_some() {
            return None;
        }
        if text.trim_ascii().is_empty() {
            return Some(Row { inner, is_rows, count: 0, before: Vec::new() });
        }
        let mark = if is_rows { b'[' } else { b',' };
        // The first number has no comma before it.
        let mut count = usize::from(!is_rows);
        let before = text.chunks(BLOCK).map(|block| {
            let begun = count;
            count += memchr::memchr_iter(mark, block).count();
            begun
        });
        let before = before.collect();
        Some(Row { inner, is_rows, count, before })
    }

    fn write(&self, bytes: &[u8], every: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        let begun = out.len();
        for (chunk, first) in (0..self.count).step_by(every).enumerate() {
            let among = every.min(self.count - first);
            if out.len() > begun {
                out.push(b',');
            }
            out.extend_from_slice(self.element(&bytes[self.inner.clone()], first + chance(chunk, among)));
        }
        out.push(b']');
    }

    fn element<'b>(&self, text: &'b [u8], at: usize) -> &'b [u8] {
        let (mark, close) = if self.is_rows { (b'[', b']') } else { (b',', b',') };
        let start = match (at, self.is_rows) {
            (0, false) => 0,
            _ => {
                let block = self.before.partition_point(|before| *before <= at) - 1;
                let from = &text[block * BLOCK..];
                let found = memchr::memchr_iter(mark, from).nth(at - self.before[block]);
                block * BLOCK + found.unwrap_or(from.len())
            }
        };
        let after = (start + usize::from(at > 0 || self.is_rows)).min(text.len());
        let length =
            memchr::memchr(close, &text[after..]).map_or(text.len() - after, |n| n + usize::from(self.is_rows));
        &text[if self.is_rows { start } else { after }..after + length]
    }
}

/// Which one of a chunk is kept. Always the first of each would see what comes round as often as one thing.
fn chance(chunk: usize, among: usize) -> usize {
    ((chunk as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % among
}

/// Where the value that begins here ends; `None` where it does not.
fn end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => end_of_text(bytes, start),
        b'[' => end_of_row(bytes, start).or_else(|| end_of_nested(bytes, start)),
        b'{' => end_of_nested(bytes, start),
        _ => {
            let rest = &bytes[start..];
            let length =
                rest.iter().take_while(|b| !matches!(b, b',' | b']' | b'}') && !b.is_ascii_whitespace()).count();
            (length > 0).then_some(start + length)
        }
    }
}

/// The end of an array in which nothing but numbers stands.
fn end_of_row(bytes: &[u8], start: usize) -> Option<usize> {
    let inner = start + 1;
    // What ends the search ends the row or shows that it is none: nothing is passed over again and again.
    let length = memchr::memchr3(b']', b'[', b'"', &bytes[inner..])?;
    let is_row = bytes[inner + length] == b']' && memchr::memchr(b'{', &bytes[inner..inner + length]).is_none();
    is_row.then_some(inner + length + 1)
}

fn end_of_nested(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = end_of_text(bytes, at)?;
                continue;
            }
            b'[' => match end_of_row(bytes, at).filter(|_| depth > 0) {
                Some(after) => {
                    at = after;
                    continue;
                }
                None => depth += 1,
            },
            b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Where the text ends that begins here.
fn end_of_text(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    if *bytes.get(start)? != b'"' {
        return None;
    }
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Part = Part::Keys(&[
        ("tables", Part::Whole),
        ("threads", Part::Keys(&[("name", Part::Whole), ("stack", Part::Spread), ("weight", Part::Spread)])),
        ("events", Part::Some),
    ]);

    #[track_caller]
    fn check(document: &str, expected: Option<&str>) {
        let small = thinned(document.as_bytes(), &FORM).map(|small| String::from_utf8(small).unwrap());
        assert_eq!(small.as_deref(), expected);
    }

    #[test]
    fn a_small_document_keeps_what_is_asked_for_as_it_stands() {
        check(
            r#" { "threads" : [ {"name":"a \"]} b", "markers":[{"x":"]"},[1]], "stack":[ 1, null ,-3 ]}, {"stack":[[1, 2],[],[ 3]],"weight":null} ],
                "other": -1.5e3, "tables":{"b":[[[]]]} } "#,
            Some(
                r#"{"threads":[{"name":"a \"]} b","stack":[ 1, null ,-3 ]},{"stack":[[1, 2],[],[ 3]],"weight":null}],"tables":{"b":[[[]]]}}"#,
            ),
        );
        check(r#"{"threads":[],"events":[{"a":[1]},2],"x":1}"#, Some(r#"{"threads":[],"events":[{"a":[1]},2]}"#));
        check(r#"{"threads":[{}],"other":{}}"#, Some(r#"{"threads":[{}]}"#));
        check(
            r#"{"threads":[{"stack":["a,b","]"],"weight":[{"a":1}]}]}"#,
            Some(r#"{"threads":[{"stack":["a,b","]"],"weight":[{"a":1}]}]}"#),
        );
        check(r#"{"threads":[{"stack":[ ],"weight":[[]]}]}"#, Some(r#"{"threads":[{"stack":[],"weight":[[]]}]}"#));
        check("7", Some("7"));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_not_thinned() {
        let document =
            r#"{"threads":[{"name":"a\\","stack":[1,2],"weight":[[1],[2]]}],"tables":{"b":["c"]},"events":[{"a":1}]}"#;
        check(document, Some(document));
        for at in 0..document.len() {
            check(&document[..at], None);
        }
        check(r#"{"threads" 1}"#, None);
        check("", None);
    }

    #[test]
    fn brackets_without_end_are_soon_given_up() {
        for open in ["[", "[1,", "{\"threads\":[", "{\"x\":["] {
            check(&open.repeat(400_000), None);
            check(&format!("{{\"threads\":{}", open.repeat(400_000)), None);
        }
    }

    #[test]
    fn rows_of_one_object_lose_the_same_elements_and_those_kept_are_spread_evenly() {
        let count = 10 * SOME + 7;
        let numbers: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        let rows: Vec<String> = (0..count).map(|n| format!("[{n},{}]", n % 7)).collect();
        let pairs = format!(r#"{{"stack":[{}],"weight":[{}]}}"#, rows.join(","), numbers.join(" ,\n"));
        let document = format!(r#"{{"threads":[{pairs},{{"stack":[{}]}}]}}"#, numbers.join(","));
        let small = thinned(document.as_bytes(), &FORM).expect("a sound document");
        let small: serde_json::Value = serde_json::from_slice(&small).expect("JSON");
        let column = |thread: usize, key: &str| -> Vec<u64> {
            let all = small["threads"][thread][key].as_array().expect("an array").iter();
            all.map(|one| one.as_u64().or_else(|| one[0].as_u64()).expect("a number")).collect()
        };
        let kept = column(0, "weight");
        assert_eq!(column(0, "stack"), kept);
        assert_eq!(column(1, "stack"), kept, "the same share of every thread");
        assert_eq!(kept.len(), count.div_ceil(21));
        assert!(kept.iter().zip(0..).all(|(n, chunk)| n / 21 == chunk), "one of each chunk");
        assert!((0..21).all(|place| kept.iter().any(|n| n % 21 == place)), "not always the same one");
    }

    #[test]
    fn of_objects_one_of_so_many_is_kept_from_all_of_an_array() {
        let objects =
            |count: usize| (0..count).map(|n| format!(r#"{{"n":{n},"m":[{{}}]}}"#)).collect::<Vec<_>>().join(", ");
        let form = Part::Keys(&[("a", Part::Some), ("b", Part::Some)]);
        let document = format!(r#"{{"a":[{}],"b":[{}]}}"#, objects(600_000), objects(60_000));
        let small: serde_json::Value =
            serde_json::from_slice(&thinned(document.as_bytes(), &form).expect("sound")).expect("JSON");
        let [a, b] = ["a", "b"].map(|key| small[key].as_array().expect("an array"));
        let every = document.len() / SOME_BYTES + 1;
        assert!(every > 2 && a.len().abs_diff(600_000 / every) < 2 && b.len().abs_diff(60_000 / every) < 2);
        let behind = a.iter().filter(|one| one["n"].as_u64().is_some_and(|n| n >= 300_000)).count();
        assert!(behind.abs_diff(a.len() / 2) < 2, "{behind} of {} in the second half", a.len());
    }
}
