//! What a file told by itself in, bytes for the cache out, and back.
//!
//! Two parts: the modules it declares, by which the place of files in their crates is found before anything else is asked,
//! and what it told in its place. Numbers are LEB128, strings stand once each in a table in front of each part. The bytes are
//! read by the build that wrote them alone, so they have no version; what does not fit is `None`.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock};

use super::{FileSurvey, InputFile};
use crate::detect::{Fact, Seen};
use crate::model::{FunctionId, Item, TextRange};
use crate::source::bulk::Declared;
use crate::source::declarations::Declarations;
use crate::source::types::FieldDecl;
use crate::source::{FileRole, ModuleDecl};

/// The bytes of the modules that a file declares, and of what it told in its place; that is left out where no crate reaches it,
/// and where it has problems, which are found anew each time.
pub fn encode(modules: &[ModuleDecl], told: Option<(&FileRole, &FileSurvey)>) -> Vec<u8> {
    let mut first = Writer::default();
    first.list(modules, Writer::module);
    let first = first.finish();
    let mut out = Vec::new();
    leb128(&mut out, first.len() as u64);
    out.extend(first);
    if let Some((role, survey)) = told.filter(|(_, survey)| survey.problems.is_empty()) {
        out.extend(survey_bytes(&format!("{role:?}"), survey));
    }
    out
}

fn survey_bytes(role: &str, survey: &FileSurvey) -> Vec<u8> {
    let mut out = Writer::default();
    out.word(role);
    out.number(survey.lines);
    out.list(&survey.items, Writer::item);
    out.list(&survey.declared.types, Writer::declared);
    out.list(&survey.declared.fields, |out, field| {
        [&field.owner, &field.name, &field.ty].into_iter().for_each(|word| out.word(word));
        out.range(field.range);
    });
    out.list(&survey.seen, |out, (rule, facts)| {
        out.number(*rule as u64);
        out.list(facts, Writer::fact);
    });
    out.finish()
}

/// The modules that a file declares, from its bytes.
pub fn modules(bytes: &[u8]) -> Option<Vec<ModuleDecl>> {
    let mut from = Reader::of(split(bytes)?.0)?;
    let modules = from.list(Reader::module)?;
    from.bytes.is_empty().then_some(modules)
}

/// What a file told in its place, from its bytes; `None` also if its place was another.
pub fn survey(bytes: &[u8], input: &InputFile) -> Option<FileSurvey> {
    let mut from = Reader::of(split(bytes)?.1)?;
    if from.word()? != format!("{:?}", input.role) {
        return None;
    }
    let lines = from.number()?;
    let items = from.list(|from| from.item(input))?;
    let declared = Declarations { types: from.list(Reader::declared)?, fields: from.list(Reader::field)? };
    let seen: Seen = from.list(|from| Some((from.length()?, from.list(Reader::fact)?)))?;
    from.bytes.is_empty().then(|| FileSurvey { lines, items, declared, seen, problems: Vec::new() })
}

/// The two parts.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = Reader { bytes, words: Vec::new(), names: HashMap::new() };
    let length = from.length()?;
    from.bytes.split_at_checked(length)
}

#[derive(Default)]
struct Writer<'a> {
    body: Vec<u8>,
    words: Vec<&'a str>,
    at: HashMap<&'a str, u64>,
}

impl<'a> Writer<'a> {
    fn number(&mut self, number: u64) {
        leb128(&mut self.body, number);
    }

    fn list<T>(&mut self, all: &'a [T], mut write: impl FnMut(&mut Self, &'a T)) {
        self.number(all.len() as u64);
        all.iter().for_each(|one| write(self, one));
    }

    fn word(&mut self, word: &'a str) {
        let next = self.words.len() as u64;
        let at = *self.at.entry(word).or_insert(next);
        if at == next {
            self.words.push(word);
        }
        self.number(at);
    }

    fn range(&mut self, range: TextRange) {
        self.number(range.start.into());
        self.number((range.end - range.start).into());
    }

    fn module(&mut self, module: &'a ModuleDecl) {
        self.word(&module.name);
        self.list(module.path.as_slice(), |out, path| out.word(path));
        self.list(&module.inline, |out, name| out.word(name));
        self.number(u64::from(module.is_test));
        self.number(module.line.into());
    }

    fn item(&mut self, item: &'a Item) {
        self.word(&item.id.0);
        self.list(&item.modules, |out, module| out.word(module));
        for word in [&item.self_type, &item.trait_name, &item.name] {
            self.word(word);
        }
        self.range(item.range);
        self.range(item.body);
        self.number(item.line.into());
        self.number(item.end_line.into());
        let flags = [item.is_beside_type, item.is_async, item.is_test, item.is_generated];
        self.number(flags.iter().fold(0, |all, flag| all * 2 + u64::from(*flag)));
    }

    fn declared(&mut self, declared: &'a Declared) {
        self.word(&declared.name);
        self.range(declared.range);
        self.list(&declared.variants, |out, fields| out.list(fields, |out, field| out.word(field)));
        self.list(&declared.names, |out, name| out.word(name));
        self.number(u64::from(declared.is_copy) * 2 + u64::from(declared.is_alias));
    }

    fn fact(&mut self, fact: &'a Fact) {
        self.range(fact.site);
        for number in [fact.place.0, fact.place.1, fact.place.2, u32::from(fact.is_background)] {
            self.number(number.into());
        }
        self.word(&fact.function.0);
        self.list(&fact.captures, |out, (name, range)| {
            out.word(name);
            out.range(*range);
        });
        self.list(&fact.notes, |out, (name, word)| {
            out.word(name);
            out.word(word);
        });
    }

    fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() * 2);
        leb128(&mut out, self.words.len() as u64);
        for word in self.words {
            leb128(&mut out, word.len() as u64);
            out.extend_from_slice(word.as_bytes());
        }
        out.extend(self.body);
        out
    }
}

fn leb128(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Reader<'a> {
    bytes: &'a [u8],
    words: Vec<&'a str>,
    names: HashMap<&'a str, &'static str>,
}

impl<'a> Reader<'a> {
    /// Reads the table of words in front.
    fn of(bytes: &'a [u8]) -> Option<Reader<'a>> {
        let mut from = Reader { bytes, words: Vec::new(), names: HashMap::new() };
        from.words = from.list(|from| {
            let length = from.length()?;
            let (word, rest) = from.bytes.split_at_checked(length)?;
            from.bytes = rest;
            std::str::from_utf8(word).ok()
        })?;
        Some(from)
    }

    fn module(&mut self) -> Option<ModuleDecl> {
        Some(ModuleDecl {
            name: self.owned()?,
            path: self.list(Reader::owned)?.pop(),
            inline: self.list(Reader::owned)?,
            is_test: self.number()? == 1,
            line: self.small()?,
        })
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn length(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        // A damaged length must not ask for more memory than there are bytes.
        let mut all = Vec::with_capacity(length.min(self.bytes.len()));
        for _ in 0..length {
            all.push(read(self)?);
        }
        Some(all)
    }

    fn word(&mut self) -> Option<&'a str> {
        let at = self.length()?;
        self.words.get(at).copied()
    }

    fn owned(&mut self) -> Option<String> {
        self.word().map(str::to_owned)
    }

    fn range(&mut self) -> Option<TextRange> {
        let start = self.small()?;
        Some(TextRange { start, end: start.checked_add(self.small()?)? })
    }

    fn item(&mut self, input: &InputFile) -> Option<Item> {
        let mut item = Item {
            id: FunctionId(self.owned()?),
            krate: input.role.krate.clone(),
            modules: self.list(Reader::owned)?,
            self_type: self.owned()?,
            trait_name: self.owned()?,
            name: self.owned()?,
            file: input.path.clone(),
            range: self.range()?,
            body: self.range()?,
            line: self.small()?,
            end_line: self.small()?,
            ..Item::default()
        };
        let flags = self.number()?;
        (item.is_async, item.is_test, item.is_generated) = (flags & 4 != 0, flags & 2 != 0, flags & 1 != 0);
        item.is_beside_type = flags & 8 != 0;
        Some(item)
    }

    fn declared(&mut self) -> Option<Declared> {
        let (name, range) = (self.owned()?, self.range()?);
        let (variants, names) = (self.list(|from| from.list(Reader::owned))?, self.list(Reader::owned)?);
        let flags = self.number()?;
        Some(Declared { name, range, variants, names, is_copy: flags & 2 != 0, is_alias: flags & 1 != 0 })
    }

    fn field(&mut self) -> Option<FieldDecl> {
        Some(FieldDecl { owner: self.owned()?, name: self.owned()?, ty: self.owned()?, range: self.range()? })
    }

    fn fact(&mut self) -> Option<Fact> {
        let site = self.range()?;
        let place = (self.small()?, self.small()?, self.small()?);
        let is_background = self.number()? == 1;
        let function = FunctionId(self.owned()?);
        let captures = self.list(|from| Some((from.name()?, from.range()?)))?;
        let notes = self.list(|from| Some((from.name()?, from.owned()?)))?;
        Some(Fact { site, place, function, is_background, captures, notes })
    }

    /// The name of a capture or a note. Rules write them as literals, so there are only so many.
    fn name(&mut self) -> Option<&'static str> {
        let word = self.word()?;
        Some(self.names.entry(word).or_insert_with(|| name(word)))
    }
}

fn name(word: &str) -> &'static str {
    static NAMES: OnceLock<Mutex<HashSet<&'static str>>> = OnceLock::new();
    let mut names = NAMES.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match names.get(word) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(Box::from(word));
            names.insert(kept);
            kept
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Depth, Surveyor};
    use crate::source::{self, FileRole};

    fn input(text: &str) -> InputFile {
        let role = FileRole { krate: "pay".into(), modules: vec!["till".into()], ..FileRole::default() };
        InputFile { path: "src/till.rs".into(), text: text.into(), role }
    }

    const TEXT: &str = "/// é\npub struct S { names: Vec<String>, pub n: u64 }\nimpl S {\n    async fn f(&self, wanted: &[String]) -> u8 {\n        \
        for w in wanted { if self.names.contains(w) { println!(\"{w}\"); } }\n        0\n    }\n}\n#[cfg(test)] mod tests { fn g() {} }\n#[path = \"far/off.rs\"] mod off;\nmod near;\n";

    fn told(input: &InputFile) -> (FileSurvey, Vec<u8>) {
        let survey = Surveyor::new(Depth::Scan).look(input);
        let bytes = encode(&source::modules(&input.text), Some((&input.role, &survey)));
        (survey, bytes)
    }

    #[test]
    fn what_was_kept_comes_back_as_it_was() {
        let input = input(TEXT);
        let (told, bytes) = told(&input);
        assert!(!told.seen.is_empty() && told.items.len() == 2 && told.declared.fields.len() == 2);
        assert_eq!(survey(&bytes, &input), Some(told));
        let declared = modules(&bytes).unwrap();
        assert_eq!((declared.len(), declared[0].path.as_deref()), (2, Some("far/off.rs")));
        assert_eq!(declared, source::modules(TEXT));
    }

    #[test]
    fn a_file_that_has_another_place_now_told_nothing() {
        let before = input(TEXT);
        let (_, bytes) = told(&before);
        let now = InputFile { role: FileRole { is_test: true, ..before.role.clone() }, ..before.clone() };
        assert_eq!((survey(&bytes, &now), modules(&bytes)), (None, Some(source::modules(TEXT))));
        let unreached = encode(&source::modules(TEXT), None);
        assert_eq!((survey(&unreached, &before), modules(&unreached)), (None, Some(source::modules(TEXT))));
    }

    #[test]
    fn damaged_bytes_are_refused_and_never_trusted() {
        let input = input(TEXT);
        let (_, bytes) = told(&input);
        for end in 0..bytes.len() {
            assert_eq!(survey(&bytes[..end], &input), None, "{end} bytes");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0xff;
            let _ = (survey(&other, &input), modules(&other));
        }
    }

    #[test]
    fn what_is_told_with_problems_is_not_kept() {
        let input = input("fn f( {");
        let (survey_now, bytes) = told(&input);
        assert_eq!((survey_now.problems.len(), survey(&bytes, &input)), (1, None));
    }
}
