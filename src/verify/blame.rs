//! Proposals applied together and what the compiler says of the whole in; whose edits it speaks of out.

use std::collections::{BTreeMap, BTreeSet};

use super::change::functions;
use crate::model::{Diagnostic, Rewrite, TextEdit, TextRange};

/// Where the edits of proposals stand in the text of all of them together.
pub struct Blame<'a> {
    files: BTreeMap<&'a str, Vec<Stood>>,
    texts: &'a BTreeMap<String, String>,
}

/// An edit, where it came to stand.
struct Stood {
    /// In the new text.
    range: TextRange,
    /// What it replaced.
    old: String,
    /// Which proposals make it, by their index.
    owners: BTreeSet<usize>,
}

impl<'a> Blame<'a> {
    /// `old` and `new` are the texts of files by path, before and after all edits.
    pub fn new(
        proposals: &[&'a Rewrite],
        old: &BTreeMap<String, String>,
        new: &'a BTreeMap<String, String>,
    ) -> Blame<'a> {
        let mut edits: BTreeMap<&str, BTreeMap<&TextEdit, BTreeSet<usize>>> = BTreeMap::new();
        for (i, proposal) in proposals.iter().enumerate() {
            for set in &proposal.edits {
                for edit in set.edits() {
                    edits.entry(set.file()).or_default().entry(edit).or_default().insert(i);
                }
            }
        }
        let files = edits.into_iter().map(|(file, edits)| (file, stood(old.get(file).map_or("", |t| t), edits)));
        Blame { files: files.collect(), texts: new }
    }

    /// The proposals that a message speaks of: whose edit it points at, else those that replaced what it names, else
    /// those of the function, else those of the file; nobody where it points outside of all edited files.
    pub fn of(&self, diagnostic: &Diagnostic) -> BTreeSet<usize> {
        let Some(edits) = self.files.get(diagnostic.file.as_str()) else { return BTreeSet::new() };
        let owners = |of: &dyn Fn(&Stood) -> bool| -> BTreeSet<usize> {
            edits.iter().filter(|s| of(s)).flat_map(|s| s.owners.iter().copied()).collect()
        };
        let pointed = owners(&|s| s.range.contains(diagnostic.range) || s.range.intersects(diagnostic.range));
        if !pointed.is_empty() {
            return pointed;
        }
        let names: Vec<&str> = diagnostic.message.split('`').skip(1).step_by(2).collect();
        let named = owners(&|s| names.iter().any(|name| has_word(&s.old, name)));
        if diagnostic.level == "warning" && !named.is_empty() {
            return named;
        }
        let around = self.function_around(diagnostic).map(|f| owners(&|s| f.contains(s.range))).unwrap_or_default();
        match around.is_empty() {
            false => around,
            true if !named.is_empty() => named,
            true => owners(&|_| true),
        }
    }

    fn function_around(&self, diagnostic: &Diagnostic) -> Option<TextRange> {
        let text = self.texts.get(&diagnostic.file)?;
        let around = functions(&diagnostic.file, text)?.into_iter().map(|f| f.whole);
        around.filter(|f| f.contains(diagnostic.range)).min_by_key(|f| f.len())
    }
}

/// Edits sorted by place, moved by what stands before them.
fn stood(text: &str, edits: BTreeMap<&TextEdit, BTreeSet<usize>>) -> Vec<Stood> {
    let mut moved = 0i64;
    let mut place = |(edit, owners): (&TextEdit, BTreeSet<usize>)| {
        let start = (i64::from(edit.range.start) + moved) as usize;
        moved += edit.text.len() as i64 - edit.range.len() as i64;
        let old = text.get(edit.range.bytes()).unwrap_or_default().to_owned();
        Stood { range: TextRange::new(start, start + edit.text.len()), old, owners }
    };
    edits.into_iter().map(&mut place).collect()
}

/// True if a text has this name as a word of its own; of a path the last part counts.
fn has_word(text: &str, name: &str) -> bool {
    let last = name.rsplit("::").next().unwrap_or(name).trim();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !last.is_empty() && last.chars().all(is_part) && text.split(|c| !is_part(c)).any(|word| word == last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, EditSet, Eye, FunctionId, Kind, RewriteId, RuleId};
    use crate::source;

    const OLD: &str = "use a::Set;\nfn f() {\n    one();\n    let s = Set::new();\n}\nfn g() {\n    two();\n}\n";

    fn proposal(edits: &[(&str, &str)]) -> Rewrite {
        let edit = |(old, new): &(&str, &str)| {
            let at = OLD.find(old).unwrap();
            TextEdit { range: TextRange::new(at, at + old.len()), text: (*new).to_owned() }
        };
        let edits = EditSet::new("a.rs", source::hash(OLD), edits.iter().map(edit).collect()).unwrap();
        Rewrite {
            id: RewriteId::default(),
            rule: RuleId("some-rule"),
            eye: Eye::Loops,
            kind: Kind::Quadratic,
            class: Class::A,
            file: "a.rs".into(),
            line: 1,
            end_line: 1,
            function: FunctionId::default(),
            title: String::new(),
            finding: String::new(),
            edits: vec![edits],
            touched: Vec::new(),
            diff: String::new(),
            preconditions: Vec::new(),
            obligations: Vec::new(),
            hunks_independent: false,
            cost: None,
        }
    }

    /// Whom a message about this piece of the new text blames.
    fn blamed(proposals: &[Rewrite], new: &str, level: &str, message: &str, at: &str) -> Vec<usize> {
        let texts = |text: &str| BTreeMap::from([(String::from("a.rs"), text.to_owned())]);
        let (old, new) = (texts(OLD), texts(new));
        let start = new["a.rs"].find(at).unwrap();
        let diagnostic = Diagnostic {
            level: level.into(),
            message: message.into(),
            file: "a.rs".into(),
            range: TextRange::new(start, start + at.len()),
            ..Diagnostic::default()
        };
        let refs: Vec<&Rewrite> = proposals.iter().collect();
        Blame::new(&refs, &old, &new).of(&diagnostic).into_iter().collect()
    }

    const NEW: &str =
        "use a::Set;\nfn f() {\n    first_of_all();\n    let s = Vec::new();\n}\nfn g() {\n    second();\n}\n";

    fn three() -> Vec<Rewrite> {
        vec![
            proposal(&[("one()", "first_of_all()")]),
            proposal(&[("Set::new()", "Vec::new()")]),
            proposal(&[("two()", "second()")]),
        ]
    }

    #[test]
    fn an_error_in_an_edit_is_its_owner_s_although_edits_before_it_moved_it() {
        assert_eq!(blamed(&three(), NEW, "error", "no function `second`", "second"), [2]);
        assert_eq!(blamed(&three(), NEW, "error", "cannot infer", "Vec::new()"), [1]);
    }

    #[test]
    fn an_error_beside_the_edits_is_of_those_in_its_function() {
        assert_eq!(blamed(&three(), NEW, "error", "type annotations needed", "let s"), [0, 1]);
    }

    #[test]
    fn an_import_that_nobody_uses_any_more_is_of_who_replaced_its_name() {
        assert_eq!(blamed(&three(), NEW, "warning", "unused import: `a::Set`", "a::Set"), [1]);
    }

    #[test]
    fn an_error_elsewhere_in_the_file_is_of_all_its_edits_and_in_another_file_nobody_s() {
        assert_eq!(blamed(&three(), NEW, "error", "odd", "use"), [0, 1, 2]);
        let mut elsewhere = three();
        elsewhere.truncate(1);
        let texts = BTreeMap::from([(String::from("a.rs"), OLD.to_owned())]);
        let other = Diagnostic { file: "b.rs".into(), ..Diagnostic::default() };
        assert!(Blame::new(&[&elsewhere[0]], &texts, &texts).of(&other).is_empty());
    }

    #[test]
    fn an_edit_that_several_make_is_all_of_theirs() {
        let both = vec![
            proposal(&[("use a::Set;", "use b::Set;"), ("one()", "x()")]),
            proposal(&[("use a::Set;", "use b::Set;"), ("two()", "y()")]),
        ];
        let new = "use b::Set;\nfn f() {\n    x();\n    let s = Set::new();\n}\nfn g() {\n    y();\n}\n";
        assert_eq!(blamed(&both, new, "error", "unresolved import", "b::Set"), [0, 1]);
    }
}
