//! A TOML document with its spans in; typed values out, and every problem on the way with its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::units::{Wrong, wrong_type};
use crate::model::{Place, Problem};

/// The text that is read, and the problems met so far.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// True if the text has a syntax error, so that what is missing may only be unreadable.
    broken: bool,
    pub(super) problems: Vec<Problem>,
}

/// A table with the name that messages call it by (`[[slo]]`) and where its header stands.
#[derive(Clone)]
pub(super) struct Table<'t> {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    entries: &'t DeTable<'t>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    /// A table by the name of its header.
    pub(super) fn new(name: impl Into<String>, span: Range<usize>, entries: &'t DeTable<'t>) -> Table<'t> {
        Table { name: name.into(), span, entries }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.entries.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
    }

    /// Its keys with their places, in the order of the text.
    pub(super) fn keys(&self) -> Vec<At<&'t str>> {
        let mut keys: Vec<_> =
            self.entries.iter().map(|(k, _)| At { value: k.get_ref().as_ref(), span: k.span() }).collect();
        keys.sort_by_key(|k| k.span.start);
        keys
    }
}

impl<'a> Reader<'a> {
    /// A reader of `text`, called `file` in messages.
    pub(super) fn new(file: &'a str, text: &'a str) -> Reader<'a> {
        Reader { file, text, broken: false, problems: Vec::new() }
    }

    /// Line and column (in characters) of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(self.text);
        let line = before.matches('\n').count() as u32 + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        Place::at(self.file, line, before[start..].chars().count() as u32 + 1)
    }

    /// Reports an error at a place of the text.
    pub(super) fn error(&mut self, span: &Range<usize>, what: impl Into<String>, help: impl Into<String>) {
        let place = self.place(span.start);
        self.problems.push(Problem::error(what).at(place).help(help));
    }

    /// Reports something doubtful at a place of the text.
    pub(super) fn warn(&mut self, span: &Range<usize>, what: impl Into<String>, help: impl Into<String>) {
        let place = self.place(span.start);
        self.problems.push(Problem::warning(what).at(place).help(help));
    }

    /// Reports what the TOML parser could not read.
    pub(super) fn syntax(&mut self, errors: &[toml::de::Error]) {
        self.broken = !errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let (what, help) = syntax_message(error.message(), self.text.get(span.clone()).unwrap_or(""));
            self.error(&span, what, help);
        }
    }

    /// Reports every key of the table that is not in `known`.
    pub(super) fn only(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.keys() {
            if known.contains(&key.value) {
                continue;
            }
            let what = format!("{} has no key `{}`", table.name, key.value);
            let help = match nearest(key.value, known.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("{} takes {}", table.name, list(known)),
            };
            self.error(&key.span, what, help);
        }
    }

    /// The value of a key, converted; `None` if it is not there or is wrong (which is reported).
    pub(super) fn read<T>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        convert: impl FnOnce(&str, &DeValue<'_>) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        let found = table.get(key)?;
        match convert(key, found.get_ref()) {
            Ok(value) => Some(At { value, span: found.span() }),
            Err(wrong) => {
                self.error(&found.span(), format!("{}: {}", table.name, wrong.what), wrong.help);
                None
            }
        }
    }

    /// As [`Reader::read`], and reports a key that is not there; `example` shows how it is written.
    pub(super) fn need<T>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        example: &str,
        convert: impl FnOnce(&str, &DeValue<'_>) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        if table.get(key).is_none() {
            self.missing(&table.span, format!("{} has no `{key}`", table.name), format!("add {example}"));
        }
        self.read(table, key, convert)
    }

    /// Reports something that is not there, unless a syntax error may have hidden it.
    pub(super) fn missing(&mut self, span: &Range<usize>, what: impl Into<String>, help: impl Into<String>) {
        if !self.broken {
            self.error(span, what, help);
        }
    }

    /// The sub-table of a key, written as `[a.b]` or inline.
    pub(super) fn table<'t>(&mut self, parent: &Table<'t>, key: &str, name: &str) -> Option<Table<'t>> {
        let found = parent.get(key)?;
        match found.get_ref() {
            DeValue::Table(entries) => Some(Table::new(name, found.span(), entries)),
            other => {
                let wrong = wrong_type(key, other, &format!("it as a table, {name}"));
                self.error(&found.span(), wrong.what, wrong.help);
                None
            }
        }
    }

    /// The tables of a key written as `[[key]]`; a single `[key]` is reported and read all the same.
    pub(super) fn tables<'t>(&mut self, parent: &Table<'t>, key: &str, name: &str) -> Vec<Table<'t>> {
        let Some(found) = parent.get(key) else { return Vec::new() };
        match found.get_ref() {
            DeValue::Array(array) => array.iter().filter_map(|item| self.element(item, key, name)).collect(),
            DeValue::Table(entries) => {
                self.error(
                    &found.span(),
                    format!("`{key}` is a single table"),
                    format!("write {name}: there may be several"),
                );
                vec![Table::new(name, found.span(), entries)]
            }
            other => {
                let wrong = wrong_type(key, other, &format!("it as tables, {name}"));
                self.error(&found.span(), wrong.what, wrong.help);
                Vec::new()
            }
        }
    }

    fn element<'t>(&mut self, item: &'t Spanned<DeValue<'t>>, key: &str, name: &str) -> Option<Table<'t>> {
        match item.get_ref() {
            DeValue::Table(entries) => Some(Table::new(name, item.span(), entries)),
            other => {
                let wrong = wrong_type(key, other, &format!("it as tables, {name}"));
                self.error(&item.span(), wrong.what, wrong.help);
                None
            }
        }
    }
}

/// A string that is not empty.
pub(super) fn text(key: &str, value: &DeValue<'_>) -> Result<String, Wrong> {
    match value.as_str() {
        Some(s) if s.trim().is_empty() => {
            Err(Wrong::new(format!("`{key}` is empty"), "write it, or leave the line out"))
        }
        Some(s) => Ok(s.to_owned()),
        None => Err(wrong_type(key, value, &format!("text in quotes: `{key} = \"…\"`"))),
    }
}

/// `true` or `false`.
pub(super) fn flag(key: &str, value: &DeValue<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| wrong_type(key, value, "true or false"))
}

/// A whole number from 0.
pub(super) fn count(key: &str, value: &DeValue<'_>) -> Result<u64, Wrong> {
    let wanted = "a whole number from 0, without quotes";
    let integer = value.as_integer().ok_or_else(|| wrong_type(key, value, wanted))?;
    u64::from_str_radix(integer.as_str(), integer.radix())
        .map_err(|_| Wrong::new(format!("`{key}` is {}", integer.as_str()), format!("write {wanted}")))
}

/// A list of texts.
pub(super) fn texts(key: &str, value: &DeValue<'_>) -> Result<Vec<String>, Wrong> {
    let wanted = format!("a list of texts: `{key} = [\"…\"]`");
    let array = value.as_array().ok_or_else(|| wrong_type(key, value, &wanted))?;
    array
        .iter()
        .map(|item| text(key, item.get_ref()).map_err(|w| Wrong::new(w.what, format!("write {wanted}"))))
        .collect()
}

/// `a`, `b` and `c`, each in backquotes.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// The parser's words turned into what went wrong and what to do.
fn syntax_message(message: &str, found: &str) -> (String, String) {
    if message == "duplicate key" {
        return (format!("`{found}` is given twice"), String::from("keep one of them"));
    }
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let help = if expected.is_empty() {
        String::from("mend the TOML syntax here; the rest of this line was not read")
    } else {
        format!("expected here: {expected}")
    };
    (format!("this is no TOML: {what}"), help)
}
