//! What a person typed to filter proposals in; a test of each proposal out.

use super::risk;
use crate::model::Problem;
use crate::tui::state::Proposal;

/// What a word of the filter speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Title, function, file, rule: anything that can be read in the row.
    Text,
    Class,
    Rule,
    Eye,
    Kind,
    State,
    Risk,
    File,
    Function,
    Set,
}

/// The fields with the names that are typed.
const FIELDS: &[(&str, Field)] = &[
    ("class", Field::Class),
    ("rule", Field::Rule),
    ("eye", Field::Eye),
    ("kind", Field::Kind),
    ("state", Field::State),
    ("risk", Field::Risk),
    ("file", Field::File),
    ("function", Field::Function),
    ("set", Field::Set),
];

/// Words that must all hold; `-` before one turns it round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What was typed.
    pub text: String,
    terms: Vec<(bool, Field, String)>,
}

impl Filter {
    /// Reads what was typed: words of the row, and `class:A`, `rule:…`, `eye:…`, `state:open`, `risk:low`, `set:yes`.
    ///
    /// # Errors
    /// A name before a colon that is no field's; Rust paths (`risk::score`) are words.
    pub fn read(text: &str) -> Result<Filter, Problem> {
        let mut terms = Vec::new();
        for word in text.split_whitespace() {
            let (wanted, word) = match word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                Some(rest) => (false, rest),
                None => (true, word),
            };
            let (field, value) = match word.split_once(':').filter(|(_, value)| !value.starts_with(':')) {
                Some((name, value)) => (field(name)?, value),
                None => (Field::Text, word),
            };
            terms.push((wanted, field, value.to_lowercase()));
        }
        Ok(Filter { text: text.trim().to_string(), terms })
    }

    /// True if nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// True if every word holds of the proposal; `is_marked` if it is taken into the change set.
    pub fn passes(&self, proposal: &Proposal, is_marked: bool) -> bool {
        self.terms.iter().all(|(wanted, field, value)| holds(proposal, is_marked, *field, value) == *wanted)
    }
}

fn field(name: &str) -> Result<Field, Problem> {
    let known = FIELDS.iter().find(|(n, _)| *n == name.to_lowercase());
    known.map(|(_, field)| *field).ok_or_else(|| {
        let names: Vec<&str> = FIELDS.iter().map(|(n, _)| *n).collect();
        Problem::warning(format!("no filter is called `{name}`")).help(format!("one of {}", names.join(", ")))
    })
}

/// Words of the design are recognised by their beginnings, texts by any part of them.
fn holds(proposal: &Proposal, is_marked: bool, field: Field, value: &str) -> bool {
    let r = &proposal.rewrite;
    let has = |text: &str| text.to_lowercase().contains(value);
    let begins = |word: &str| !value.is_empty() && word.to_lowercase().starts_with(value);
    match field {
        Field::Text => has(&r.title) || has(&r.function.0) || has(&r.file) || has(r.rule.0) || has(&r.id.0),
        Field::Class => begins(r.class.word()),
        Field::Rule => has(r.rule.0),
        Field::Eye => begins(r.eye.word()),
        Field::Kind => begins(r.kind.word()),
        Field::State => begins(proposal.word()),
        Field::Risk => begins(risk(proposal).0.word()),
        Field::File => has(&r.file),
        Field::Function => has(&r.function.0),
        Field::Set => begins(if is_marked { "yes" } else { "no" }),
    }
}
