//! Facts of files in, findings out; one folder per eye, one file per rule.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::model::{Class, Eye, Finding, FunctionId, Kind, Level, Place, Problem, RuleId, TextRange};
use crate::source::SourceFile;
use crate::source::declarations::{Declarations, Known, declarations};
use crate::source::words::{Places, Vocabulary};

#[cfg(test)]
#[allow(dead_code, reason = "checks for the tests of rules")]
pub(crate) mod testing;

mod boundary;
pub mod clippy;
mod concurrency;
mod errors;
mod fields;
mod layout;
mod loops;
mod memory;
mod waiting;

/// Recognises one pattern that costs time.
pub struct Rule {
    /// Stable id.
    pub id: RuleId,
    /// Its eye.
    pub eye: Eye,
    /// Its kind.
    pub kind: Kind,
    /// Class of its rewrite.
    pub class: Class,
    /// Short title, lower case.
    pub title: &'static str,
    /// Manual page in Markdown: what, why it costs, before and after, when it is refused.
    pub explain: &'static str,
    /// Names or keywords of which a file must contain at least one to be worth a look for this rule; empty for every file.
    pub triggers: &'static [&'static str],
    /// Facts of one file: cached by content, without any syn type.
    pub facts: fn(&SourceFile) -> Vec<Fact>,
    /// Findings from the facts of all files of the workspace, and from what these declare; [`each`] where every fact is a
    /// finding.
    pub judge: fn(&Rule, &[FileFacts], &Known) -> Vec<Finding>,
}

/// Something a rule saw in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What would be flagged.
    pub site: TextRange,
    /// Line and column of its start, and its last line.
    pub place: (u32, u32, u32),
    /// The function around it.
    pub function: FunctionId,
    /// True in tests and in generated code: the fact may inform a judgement, it never becomes a finding.
    pub is_background: bool,
    /// Named ranges.
    pub captures: Vec<(&'static str, TextRange)>,
    /// Named words (a callee, a type, a verdict such as `from-impl`); `message` is what [`each`] says.
    pub notes: Vec<(&'static str, String)>,
}

impl Fact {
    /// A fact about a range of a file.
    pub fn at(file: &SourceFile, site: TextRange) -> Fact {
        let (line, column) = file.line_column(site.start);
        let end_line = file.lines().line(site.end.saturating_sub(1).max(site.start));
        let item = file.item_around(site);
        Fact {
            site,
            place: (line, column, end_line),
            function: item.map(|i| i.id.clone()).unwrap_or_default(),
            is_background: file.is_generated || file.role.is_test || item.is_some_and(|i| i.is_test),
            captures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The same fact with a named range.
    pub fn capture(mut self, name: &'static str, range: TextRange) -> Fact {
        self.captures.push((name, range));
        self
    }

    /// The same fact with a named word.
    pub fn note(mut self, name: &'static str, word: impl Into<String>) -> Fact {
        self.notes.push((name, word.into()));
        self
    }

    /// The word of that name.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.notes.iter().find(|(n, _)| *n == name).map(|(_, w)| w.as_str())
    }
}

/// All facts of one rule in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFacts {
    /// Path relative to the project root.
    pub file: String,
    /// Facts in the order of the text.
    pub facts: Vec<Fact>,
}

/// All rules, in the order of listings.
pub const REGISTRY: &[&Rule] = &[
    &loops::quadratic_membership::RULE,
    &loops::grouped_by_search::RULE,
    &loops::linear_lookup::RULE,
    &loops::search_helper::RULE,
    &loops::nested_join::RULE,
    &loops::pairwise::RULE,
    &loops::two_passes::RULE,
    &loops::remove_first::RULE,
    &loops::queue_in_vec::RULE,
    &loops::removed_one_by_one::RULE,
    &loops::insert_first::RULE,
    &loops::sorted_in_loop::RULE,
    &loops::key_per_comparison::RULE,
    &loops::sorted_for_one::RULE,
    &loops::sorted_for_few::RULE,
    &loops::nth_char::RULE,
    &loops::index_loop::RULE,
    &loops::while_index::RULE,
    &loops::nested_loop_body::RULE,
    &loops::regex_in_function::RULE,
    &loops::constant_table_rebuilt::RULE,
    &loops::constant_parsed::RULE,
    &loops::invariant_in_loop::RULE,
    &loops::call_in_loop::RULE,
    &loops::collection_in_loop::RULE,
    &loops::computed_too_early::RULE,
    &loops::eager_default::RULE,
    &loops::pattern_in_loop::RULE,
    &memory::clone_of_iterated::RULE,
    &memory::clone_then_read::RULE,
    &memory::clone_at_last_use::RULE,
    &memory::clone_for_reference::RULE,
    &memory::cloned_iterator::RULE,
    &memory::copy_to_read::RULE,
    &memory::copied_to_convert::RULE,
    &memory::option_copied::RULE,
    &memory::take_instead_of_clone::RULE,
    &memory::changed_copy_put_back::RULE,
    &memory::copied_out_of_map::RULE,
    &memory::clone_of_best::RULE,
    &memory::copied_from_owned_list::RULE,
    &memory::copied_keys::RULE,
    &memory::push_format::RULE,
    &memory::missing_capacity::RULE,
    &memory::buffer_per_round::RULE,
    &memory::collect_then_loop::RULE,
    &memory::collect_then_join::RULE,
    &memory::collected_to_be_asked::RULE,
    &memory::collected_for_one::RULE,
    &memory::set_for_one_question::RULE,
    &errors::checked_then_unwrapped::RULE,
    &errors::guard_then_unwrap::RULE,
    &errors::contains_then_get::RULE,
    &errors::guard_then_get::RULE,
    &errors::looked_up_again::RULE,
    &errors::empty_then_taken::RULE,
    &errors::contains_then_insert::RULE,
    &errors::insert_if_missing::RULE,
    &errors::updated_or_inserted::RULE,
    &errors::asked_for_nothing::RULE,
    &errors::sorted_twice::RULE,
    &errors::checked_twice::RULE,
    &errors::match_to_question::RULE,
    &errors::match_to_map_err::RULE,
    &errors::match_to_let_else::RULE,
    &errors::match_to_combinator::RULE,
    &errors::match_around_path::RULE,
    &errors::error_then_unwrap::RULE,
    &errors::if_let_pyramid::RULE,
    &errors::repeated_map_err::RULE,
    &errors::same_map_err::RULE,
    &errors::eager_error_text::RULE,
    &errors::formatted_expect::RULE,
    &errors::unread_error::RULE,
    &errors::unwrap_cascade::RULE,
    &concurrency::guard_across_work::RULE,
    &concurrency::guard_over_loop::RULE,
    &concurrency::temporary_guard_over_work::RULE,
    &concurrency::copy_under_guard::RULE,
    &concurrency::fields_under_guard::RULE,
    &concurrency::guard_idle_between::RULE,
    &concurrency::lock_per_item::RULE,
    &concurrency::lock_taken_early::RULE,
    &concurrency::lock_taken_twice::RULE,
    &concurrency::mutex_number::RULE,
    &concurrency::mutex_mostly_read::RULE,
    &concurrency::write_lock_only_read::RULE,
    &layout::repr_c_holes::RULE,
    &layout::contended_atomics::RULE,
    &layout::worker_atomics::RULE,
    &layout::byte_map::RULE,
    &layout::dense_map::RULE,
    &layout::order_unasked::RULE,
    &layout::cold_array_inline::RULE,
    &layout::large_by_value::RULE,
    &layout::large_copy_read::RULE,
    &layout::vec_of_boxes::RULE,
    &layout::linked_list::RULE,
    &layout::walk_across_rows::RULE,
    &layout::large_variant::RULE,
    &layout::large_option::RULE,
    &layout::large_error::RULE,
    &boundary::println_in_loop::RULE,
    &boundary::eager_log_text::RULE,
    &boundary::log_only_value::RULE,
    &boundary::json_text_then_write::RULE,
    &boundary::json_through_value::RULE,
    &boundary::json_through_text::RULE,
    &boundary::json_round_trip::RULE,
    &boundary::tree_cloned_to_be_read::RULE,
    &boundary::number_through_text::RULE,
    &boundary::numbers_compared_as_text::RULE,
    &boundary::path_through_text::RULE,
    &boundary::digit_through_text::RULE,
    &boundary::compare_json_texts::RULE,
    &boundary::tree_for_fields::RULE,
    &boundary::value_for_one_field::RULE,
    &waiting::sleep_in_async::RULE,
    &waiting::blocking_in_async::RULE,
    &waiting::blocking_helper::RULE,
    &waiting::blocking_handle_in_async::RULE,
    &waiting::blocking_task::RULE,
    &waiting::thread_joined_in_async::RULE,
    &waiting::block_on_in_async::RULE,
    &waiting::unbuffered_writes::RULE,
    &waiting::unbuffered_lent_file::RULE,
    &waiting::unbuffered_stream::RULE,
    &waiting::unbuffered_reads::RULE,
    &waiting::poll_with_sleep::RULE,
    &waiting::poll_of_handle::RULE,
    &waiting::poll_of_own_state::RULE,
    &waiting::recv_by_polling::RULE,
    &waiting::await_in_loop::RULE,
    &waiting::awaits_in_sequence::RULE,
    &waiting::retry_without_pause::RULE,
    &waiting::pause_after_last_try::RULE,
    &waiting::runtime_in_loop::RULE,
    &waiting::runtime_per_call::RULE,
    &boundary::flush_per_call::RULE,
    &boundary::flush_in_loop::RULE,
    &boundary::sync_in_loop::RULE,
    &boundary::open_per_call::RULE,
    &boundary::open_in_loop::RULE,
    &boundary::folder_made_in_loop::RULE,
];

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    REGISTRY.iter().copied().find(|rule| rule.id.0 == id)
}

/// Findings of all files, in the order of files, places and rules.
///
/// A rule that fails is named in a problem and left out; all others go on. Tests and generated files inform rules and are
/// never flagged. `has_rewrite` is left false and `cost` empty: who joins the stages knows both.
pub fn scan(files: &[SourceFile], rules: &[&Rule]) -> (Vec<Finding>, Vec<Problem>) {
    let triggers = Triggers::new(rules);
    let mut problems = Vec::new();
    let seen = files.iter().map(|file| {
        let (facts, failures) = triggers.facts(file);
        problems.extend(failures);
        (file.path.as_str(), facts)
    });
    let seen: Vec<_> = seen.collect();
    let declared: Vec<Declarations> = files.iter().map(declarations).collect();
    let (findings, failures) = findings(seen, &Known::of(&declared), rules);
    problems.extend(failures);
    (findings, problems)
}

/// What the rules of a list saw in one file, by their places in the list; rules that saw nothing are left out.
pub type Seen = Vec<(usize, Vec<Fact>)>;

/// Which rules a word makes worth running on a file.
pub struct Triggers<'r> {
    rules: &'r [&'r Rule],
    vocabulary: Arc<Vocabulary>,
    /// Places of rules in the list, by the number of a word.
    by_word: Vec<Vec<usize>>,
    /// Per length of a word and its first byte, whether any trigger is like it: most words are told by that.
    likely: Vec<bool>,
    always: Vec<bool>,
}

/// Longest word that is told apart by its length.
const LONGEST: usize = 31;

impl<'r> Triggers<'r> {
    /// Sorts the triggers of the rules by word.
    pub fn new(rules: &'r [&'r Rule]) -> Triggers<'r> {
        let (mut vocabulary, mut by_word) = (Vocabulary::new(), Vec::<Vec<usize>>::new());
        let mut likely = vec![false; (LONGEST + 1) * 256];
        for (at, rule) in rules.iter().enumerate() {
            for word in rule.triggers {
                let number = *vocabulary.entry(word).or_insert(by_word.len());
                by_word.resize_with(by_word.len().max(number + 1), Vec::new);
                by_word[number].push(at);
                likely[likeness(word)] = true;
            }
        }
        let always = rules.iter().map(|rule| rule.triggers.is_empty()).collect();
        Triggers { rules, vocabulary: Arc::new(vocabulary), by_word, likely, always }
    }

    /// What the rules see in one file, and which of them failed on it: what may be kept by the content of the file.
    pub fn facts(&self, file: &SourceFile) -> (Seen, Vec<Problem>) {
        let (mut seen, mut problems) = (Vec::new(), Vec::new());
        for (at, rule) in self.rules.iter().enumerate().zip(self.worth_it(file)).filter_map(|(r, yes)| yes.then_some(r))
        {
            match catch_unwind(AssertUnwindSafe(|| (rule.facts)(file))) {
                Ok(facts) if facts.is_empty() => {}
                Ok(mut facts) => {
                    facts.sort_by_key(|f| f.site);
                    seen.push((at, facts));
                }
                Err(panic) => problems.push(failed(rule, &*panic).at(Place::file(&file.path))),
            }
        }
        (seen, problems)
    }

    fn worth_it(&self, file: &SourceFile) -> Vec<bool> {
        let places = Places::of(file, &self.vocabulary, |word| self.likely[likeness(word)]);
        let mut worth = self.always.clone();
        places.found().flat_map(|number| &self.by_word[number]).for_each(|rule| worth[*rule] = true);
        file.know_words(places);
        worth
    }
}

fn likeness(word: &str) -> usize {
    word.len().min(LONGEST) * 256 + usize::from(word.as_bytes().first().copied().unwrap_or(0))
}

/// Findings from what the rules of the same list saw in all files, in the order of files, places and rules.
pub fn findings<'a>(
    seen: impl IntoIterator<Item = (&'a str, Seen)>,
    known: &Known,
    rules: &[&Rule],
) -> (Vec<Finding>, Vec<Problem>) {
    let mut by_rule: Vec<Vec<FileFacts>> = rules.iter().map(|_| Vec::new()).collect();
    for (file, seen) in seen {
        for (rule, facts) in seen {
            by_rule[rule].push(FileFacts { file: file.to_owned(), facts });
        }
    }
    let (mut findings, mut problems) = (Vec::new(), Vec::new());
    for (rule, facts) in rules.iter().zip(&by_rule) {
        match judge(rule, facts, known) {
            Ok(found) => findings.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    let order = |rule: RuleId| rules.iter().position(|r| r.id == rule);
    findings.sort_by(|a, b| (&a.file, a.range, order(a.rule)).cmp(&(&b.file, b.range, order(b.rule))));
    findings.dedup_by(|a, b| (&a.file, a.range, a.rule) == (&b.file, b.range, b.rule));
    (findings, problems)
}

/// Findings of one rule from its facts of all files.
///
/// # Errors
/// The rule failed.
pub fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Result<Vec<Finding>, Problem> {
    let background: HashSet<(&str, TextRange)> = facts
        .iter()
        .flat_map(|f| f.facts.iter().filter(|fact| fact.is_background).map(|fact| (f.file.as_str(), fact.site)))
        .collect();
    let mut found =
        catch_unwind(AssertUnwindSafe(|| (rule.judge)(rule, facts, known))).map_err(|panic| failed(rule, &*panic))?;
    found.retain(|finding| !background.contains(&(finding.file.as_str(), finding.range)));
    Ok(found)
}

/// Every fact is a finding that says the fact's note `message`.
pub fn each(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.map(|(file, fact)| rule.finding(file, fact, fact.word("message").unwrap_or(rule.title))).collect()
}

impl Rule {
    /// A finding of this rule from one of its facts.
    pub fn finding(&self, file: &str, fact: &Fact, message: impl Into<String>) -> Finding {
        let (line, column, end_line) = fact.place;
        Finding {
            rule: self.id,
            eye: self.eye,
            kind: self.kind,
            class: self.class,
            file: file.to_owned(),
            range: fact.site,
            line,
            end_line,
            column,
            function: fact.function.clone(),
            message: message.into(),
            captures: fact.captures.clone(),
            costs_on: Vec::new(),
            cost: None,
            has_rewrite: false,
        }
    }
}

fn failed(rule: &Rule, panic: &(dyn std::any::Any + Send)) -> Problem {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem {
        level: Level::Warning,
        ..Problem::error(format!("rule \"{}\" failed: {}", rule.id, words.unwrap_or("no words")))
    }
    .help("its findings are left out; this is a fault of Refit, report it with the file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    fn calls_of(name: &'static str, file: &SourceFile) -> Vec<Fact> {
        let found = file.text.match_indices(name);
        found.map(|(at, n)| Fact::at(file, TextRange::new(at, at + n.len())).note("message", "slow")).collect()
    }

    const FIRES: Rule = Rule {
        id: RuleId("fires"),
        eye: Eye::Loops,
        kind: Kind::Quadratic,
        class: Class::A,
        title: "fires",
        explain: "",
        triggers: &["slow"],
        facts: |file| calls_of("slow()", file),
        judge: each,
    };

    const FAILS: Rule = Rule { id: RuleId("fails"), facts: |_| panic!("out of luck"), ..FIRES };

    fn parse(path: &str, text: &str) -> SourceFile {
        SourceFile::parse(path, text, &FileRole { krate: "pay".into(), ..FileRole::default() }).unwrap()
    }

    #[test]
    fn a_rule_that_fails_is_named_and_the_others_go_on() {
        let files = [parse("b.rs", "fn f() { slow(); }"), parse("a.rs", "fn g() {\n  slow(); slow(); }")];
        let (findings, problems) = scan(&files, &[&FAILS, &FIRES]);
        let places: Vec<_> =
            findings.iter().map(|f| (f.file.as_str(), f.line, f.column, f.function.0.as_str())).collect();
        assert_eq!(places, [("a.rs", 2, 3, "pay::g"), ("a.rs", 2, 11, "pay::g"), ("b.rs", 1, 10, "pay::f")]);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].what, "rule \"fails\" failed: out of luck");
    }

    #[test]
    fn files_without_a_trigger_are_not_looked_at() {
        let (_, problems) = scan(&[parse("a.rs", "fn f() { fast(); } // slow")], &[&FAILS]);
        assert_eq!(problems, []);
    }

    #[test]
    fn tests_and_generated_files_are_never_flagged() {
        let files = [
            parse("a.rs", "#[cfg(test)] mod tests { fn f() { slow(); } } #[test] fn g() { slow(); }"),
            parse("b.rs", "// @generated\nfn f() { slow(); }"),
        ];
        assert_eq!(scan(&files, &[&FIRES]).0, []);
    }

    #[test]
    fn every_rule_has_an_id_of_its_own_and_a_manual_page() {
        for (i, rule) in REGISTRY.iter().enumerate() {
            assert!(REGISTRY[..i].iter().all(|other| other.id != rule.id), "{} is listed twice", rule.id);
            for part in ["## Why it costs", "## Before", "## After", "## When it is refused"] {
                assert!(rule.explain.contains(part), "the manual page of {} lacks \"{part}\"", rule.id);
            }
        }
    }
}
