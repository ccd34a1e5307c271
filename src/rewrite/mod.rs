//! A finding in, a rewrite or a refusal with its reason out; one file per recipe.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::{
    Answer, AnsweredBy, ContentHash, EditSet, Finding, FunctionId, Precondition, Probe, ProbeQuestion, Problem,
    Refusal, Rewrite, RewriteId, RuleId, Suggested, TextEdit, TextRange,
};
use crate::source::{self, SourceFile};

#[cfg(test)]
#[allow(dead_code, reason = "checks for the tests of rules")]
pub(crate) mod testing;

mod after_loop;
mod asked_for_nothing;
mod awaits_in_sequence;
mod block_on_in_async;
mod blocking_handle_in_async;
mod blocking_helper;
mod blocking_in_async;
mod blocking_task;
mod buffer_per_round;
mod buffered;
mod byte_map;
mod cache_padded;
mod call_in_loop;
mod changed_copy_put_back;
mod checked_then_unwrapped;
mod clone_at_last_use;
mod clone_for_reference;
mod clone_of_best;
mod clone_of_iterated;
mod clone_then_read;
mod cloned_iterator;
mod cold_array_inline;
mod collect_then_join;
mod collect_then_loop;
mod collected_for_one;
mod collected_to_be_asked;
mod compare_json_texts;
mod computed_too_early;
mod contains_then_get;
mod contains_then_insert;
mod copied_from_owned_list;
mod copied_keys;
mod copied_out_of_map;
mod copied_to_convert;
mod copy_to_read;
mod copy_under_guard;
mod dense_map;
mod digit_through_text;
mod eager_default;
mod eager_error_text;
mod eager_log_text;
mod empty_then_taken;
mod error_then_unwrap;
mod fields_under_guard;
mod flattened;
mod flush_after_loop;
mod folder_made_in_loop;
mod formatted_expect;
mod from_impl;
mod grouped_by_search;
mod guard_across_work;
mod guard_idle_between;
mod guard_over_loop;
mod guard_then_get;
mod guard_then_unwrap;
mod hoist;
mod hoist_collection;
mod index_loop;
mod insert_if_missing;
mod json_round_trip;
mod json_text_then_write;
mod json_through_text;
mod json_through_value;
mod keep_open;
mod key_per_comparison;
mod keyed;
mod large_by_value;
mod large_copy_read;
mod large_error;
mod large_option;
mod large_variant;
mod lazy_parsed;
mod lazy_regex;
mod lazy_table;
mod linear_lookup;
mod linked_list;
mod lock_per_item;
mod lock_taken_early;
mod lock_taken_twice;
mod log_only_value;
mod looked_up_again;
mod made_in_loop;
mod match_around_path;
mod match_to_combinator;
mod match_to_let_else;
mod match_to_map_err;
mod missing_capacity;
mod mutex_mostly_read;
mod mutex_number;
mod nested_join;
mod nth_char;
mod number_through_text;
mod numbers_compared_as_text;
mod option_copied;
mod order_unasked;
mod pairwise;
mod path_through_text;
mod pattern_once;
mod pause_after_last_try;
mod place;
mod poll_of_handle;
mod poll_of_own_state;
mod println_in_loop;
mod push_format;
mod quadratic_membership;
mod question_mark;
mod queue_in_vec;
mod recv_by_polling;
mod remove_first;
mod removed_one_by_one;
mod reorder_fields;
mod runtime;
mod runtime_per_call;
mod said_again;
mod same_map_err;
mod search_helper;
mod set_for_one_question;
mod sleep_in_async;
mod sorted_for_few;
mod sorted_for_one;
mod std_types;
mod sync_in_loop;
mod take_instead_of_clone;
mod temporary_guard_over_work;
mod thread_joined_in_async;
mod tree_cloned_to_be_read;
mod tree_for_fields;
mod two_passes;
mod two_steps;
mod unbuffered_lent_file;
mod unbuffered_reads;
mod unbuffered_stream;
mod unbuffered_writes;
mod unread_error;
mod unused_import;
mod unwrap_cascade;
mod updated_or_inserted;
mod vec_of_boxes;
mod walk_across_rows;
mod while_index;
mod without_std;
mod worker_atomics;
mod write_lock_only_read;

/// Answers the findings of one rule.
pub struct Recipe {
    /// The rule it answers.
    pub rule: RuleId,
    /// Re-checks the syntax at the finding and derives the edit, or says why not (one sentence, lower case).
    pub derive: fn(&[SourceFile], &Finding) -> Result<Draft, String>,
}

/// What a recipe came up with, before ids, diffs and prices are added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Imperative title that fits a commit subject.
    pub title: String,
    /// Edits by file; several entries for one file are joined.
    pub edits: Vec<(String, Vec<TextEdit>)>,
    /// Functions whose bodies change; the finding's function where the list is empty.
    pub touched: Vec<FunctionId>,
    /// What must hold, with what syntax already answered.
    pub preconditions: Vec<Precondition>,
    /// What a reviewer must accept (class B).
    pub obligations: Vec<String>,
    /// True if its hunks may land one without another.
    pub hunks_independent: bool,
}

/// All recipes.
pub const REGISTRY: &[&Recipe] = &[
    &quadratic_membership::RECIPE,
    &grouped_by_search::RECIPE,
    &linear_lookup::RECIPE,
    &search_helper::RECIPE,
    &nested_join::RECIPE,
    &pairwise::RECIPE,
    &two_passes::RECIPE,
    &remove_first::RECIPE,
    &queue_in_vec::RECIPE,
    &removed_one_by_one::RECIPE,
    &after_loop::OF_INSERTIONS,
    &after_loop::OF_SORTS,
    &key_per_comparison::RECIPE,
    &sorted_for_one::RECIPE,
    &sorted_for_few::RECIPE,
    &nth_char::RECIPE,
    &index_loop::RECIPE,
    &while_index::RECIPE,
    &flattened::OF_LOOPS,
    &lazy_regex::RECIPE,
    &lazy_table::RECIPE,
    &lazy_parsed::RECIPE,
    &hoist::RECIPE,
    &call_in_loop::RECIPE,
    &hoist_collection::RECIPE,
    &computed_too_early::RECIPE,
    &eager_default::RECIPE,
    &pattern_once::RECIPE,
    &clone_of_iterated::RECIPE,
    &clone_then_read::RECIPE,
    &clone_at_last_use::RECIPE,
    &clone_for_reference::RECIPE,
    &cloned_iterator::RECIPE,
    &copy_to_read::RECIPE,
    &copied_to_convert::RECIPE,
    &option_copied::RECIPE,
    &take_instead_of_clone::RECIPE,
    &changed_copy_put_back::RECIPE,
    &copied_out_of_map::RECIPE,
    &clone_of_best::RECIPE,
    &copied_from_owned_list::RECIPE,
    &copied_keys::RECIPE,
    &push_format::RECIPE,
    &missing_capacity::RECIPE,
    &buffer_per_round::RECIPE,
    &collect_then_loop::RECIPE,
    &collect_then_join::RECIPE,
    &collected_to_be_asked::RECIPE,
    &collected_for_one::RECIPE,
    &set_for_one_question::RECIPE,
    &checked_then_unwrapped::RECIPE,
    &guard_then_unwrap::RECIPE,
    &contains_then_get::RECIPE,
    &guard_then_get::RECIPE,
    &looked_up_again::RECIPE,
    &empty_then_taken::RECIPE,
    &contains_then_insert::RECIPE,
    &insert_if_missing::RECIPE,
    &updated_or_inserted::RECIPE,
    &asked_for_nothing::RECIPE,
    &said_again::OF_SORTS,
    &said_again::OF_CHECKS,
    &question_mark::RECIPE,
    &match_to_map_err::RECIPE,
    &match_to_let_else::RECIPE,
    &match_to_combinator::RECIPE,
    &match_around_path::RECIPE,
    &error_then_unwrap::RECIPE,
    &flattened::OF_FUNCTIONS,
    &from_impl::RECIPE,
    &unread_error::RECIPE,
    &unwrap_cascade::RECIPE,
    &guard_across_work::RECIPE,
    &guard_over_loop::RECIPE,
    &temporary_guard_over_work::RECIPE,
    &copy_under_guard::RECIPE,
    &fields_under_guard::RECIPE,
    &guard_idle_between::RECIPE,
    &lock_per_item::RECIPE,
    &lock_taken_early::RECIPE,
    &lock_taken_twice::RECIPE,
    &mutex_number::RECIPE,
    &mutex_mostly_read::RECIPE,
    &write_lock_only_read::RECIPE,
    &reorder_fields::RECIPE,
    &cache_padded::RECIPE,
    &worker_atomics::RECIPE,
    &byte_map::RECIPE,
    &dense_map::RECIPE,
    &order_unasked::RECIPE,
    &cold_array_inline::RECIPE,
    &large_by_value::RECIPE,
    &large_copy_read::RECIPE,
    &large_variant::RECIPE,
    &large_option::RECIPE,
    &large_error::RECIPE,
    &vec_of_boxes::RECIPE,
    &linked_list::RECIPE,
    &walk_across_rows::RECIPE,
    &println_in_loop::RECIPE,
    &eager_log_text::RECIPE,
    &log_only_value::RECIPE,
    &json_text_then_write::RECIPE,
    &json_through_value::RECIPE,
    &json_through_text::RECIPE,
    &json_round_trip::RECIPE,
    &tree_cloned_to_be_read::RECIPE,
    &number_through_text::RECIPE,
    &numbers_compared_as_text::RECIPE,
    &path_through_text::RECIPE,
    &digit_through_text::RECIPE,
    &compare_json_texts::RECIPE,
    &tree_for_fields::RECIPE,
    &sleep_in_async::RECIPE,
    &blocking_in_async::RECIPE,
    &blocking_helper::RECIPE,
    &blocking_handle_in_async::RECIPE,
    &blocking_task::RECIPE,
    &thread_joined_in_async::RECIPE,
    &block_on_in_async::RECIPE,
    &unbuffered_writes::RECIPE,
    &unbuffered_lent_file::RECIPE,
    &unbuffered_stream::RECIPE,
    &unbuffered_reads::RECIPE,
    &poll_of_handle::RECIPE,
    &poll_of_own_state::RECIPE,
    &recv_by_polling::RECIPE,
    &buffered::RECIPE,
    &flush_after_loop::RECIPE,
    &keep_open::RECIPE,
    &made_in_loop::OF_FILES,
    &made_in_loop::OF_RUNTIMES,
    &runtime_per_call::RECIPE,
    &pause_after_last_try::RECIPE,
    &awaits_in_sequence::RECIPE,
    &same_map_err::RECIPE,
    &eager_error_text::RECIPE,
    &formatted_expect::RECIPE,
    &sync_in_loop::RECIPE,
    &folder_made_in_loop::RECIPE,
];

/// True if a recipe answers the rule.
pub fn answers(rule: RuleId) -> bool {
    REGISTRY.iter().any(|recipe| recipe.rule == rule)
}

/// Rewrites for the findings, in their order, and why some have none.
///
/// A rewrite is offered only if its edits apply (comments kept, result parses). Alternatives for one place overlap and
/// stay visible as such; the same change found twice is offered once.
pub fn propose(files: &[SourceFile], findings: &[Finding]) -> (Vec<Rewrite>, Vec<Refusal>) {
    propose_with(REGISTRY, files, findings, &[])
}

/// As [`propose`], with these recipes and with the fixes that other tools suggest.
pub fn propose_with(
    recipes: &[&Recipe],
    files: &[SourceFile],
    findings: &[Finding],
    suggested: &[Suggested],
) -> (Vec<Rewrite>, Vec<Refusal>) {
    let (mut rewrites, mut refusals) = (Vec::new(), Vec::new());
    let mut known = HashSet::new();
    for finding in findings {
        let own = recipes.iter().filter(|r| r.rule == finding.rule).map(|recipe| derive(recipe, files, finding));
        let theirs = suggested.iter().filter(|s| is_for(s, finding)).map(|s| Ok(suggestion(s)));
        for draft in own.chain(theirs) {
            match draft.and_then(|draft| finish(files, finding, draft)) {
                Ok(rewrite) if known.insert(rewrite.id.clone()) => rewrites.push(rewrite),
                Ok(_) => {}
                Err(reason) => refusals.push(Refusal {
                    rule: finding.rule,
                    file: finding.file.clone(),
                    line: finding.line,
                    reason,
                }),
            }
        }
    }
    (rewrites, refusals)
}

fn is_for(suggested: &Suggested, finding: &Finding) -> bool {
    let theirs = &suggested.finding;
    let key = |f: &Finding| (f.rule, f.range);
    key(theirs) == key(finding) && theirs.file == finding.file && !suggested.edits.is_empty()
}

/// Another tool's fix: what it says of itself is all that is known of it.
fn suggestion(suggested: &Suggested) -> Draft {
    let finding = &suggested.finding;
    let by = finding.rule.0.split("::").next().unwrap_or_default();
    Draft {
        title: format!("fix {} in {}", finding.rule, short(&finding.function)),
        edits: vec![(finding.file.clone(), suggested.edits.clone())],
        preconditions: vec![borrow("rustc accepts it")],
        obligations: vec![format!(
            "{by} calls this fix machine-applicable; no precondition of it is checked but what rustc and the tests say"
        )],
        ..Draft::default()
    }
}

fn derive(recipe: &Recipe, files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    catch_unwind(AssertUnwindSafe(|| (recipe.derive)(files, finding)))
        .unwrap_or_else(|_| Err("the recipe failed on this code: a fault of Refit, report it with the file".to_owned()))
}

/// Checks the edits by applying them, and adds what a recipe does not know.
fn finish(files: &[SourceFile], finding: &Finding, draft: Draft) -> Result<Rewrite, String> {
    let mut by_file: BTreeMap<String, Vec<TextEdit>> = BTreeMap::new();
    for (file, edits) in draft.edits {
        by_file.entry(file).or_default().extend(edits);
    }
    let (mut sets, mut diff) = (Vec::new(), String::new());
    for (path, edits) in by_file.into_iter().filter(|(_, edits)| !edits.is_empty()) {
        let file = files.iter().find(|f| f.path == path).ok_or_else(|| format!("{path} is not among the files"))?;
        if let Some(reason) = source::refusal(file, &edits) {
            return Err(reason);
        }
        let edits: Vec<TextEdit> = edits.into_iter().map(|edit| with_line_ends(file, edit)).collect();
        if let Some(reason) = without_std::refusal(files, file, &edits) {
            return Err(reason);
        }
        let set = EditSet::new(&path, file.hash.clone(), edits).map_err(|p| sentence(&p))?;
        let new = source::apply(&set, &file.text).map_err(|p| sentence(&p))?;
        diff.push_str(&source::diff(&path, &file.text, &new));
        sets.push(set);
    }
    if diff.is_empty() {
        return Err("the rewrite would change nothing".to_owned());
    }
    let touched = if draft.touched.is_empty() { vec![finding.function.clone()] } else { draft.touched };
    Ok(Rewrite {
        id: id(finding.rule, &sets),
        rule: finding.rule,
        eye: finding.eye,
        kind: finding.kind,
        class: finding.class,
        file: finding.file.clone(),
        line: finding.line,
        end_line: finding.end_line,
        function: finding.function.clone(),
        title: draft.title,
        finding: finding.message.clone(),
        edits: sets,
        touched,
        diff,
        preconditions: draft.preconditions,
        obligations: draft.obligations,
        hunks_independent: draft.hunks_independent,
        cost: finding.cost,
    })
}

/// Line breaks of new text become those of the place.
fn with_line_ends(file: &SourceFile, edit: TextEdit) -> TextEdit {
    if source::eol_of(&file.text, edit.range.start) == "\n" {
        return edit;
    }
    TextEdit { text: edit.text.replace("\r\n", "\n").replace('\n', "\r\n"), ..edit }
}

fn sentence(problem: &Problem) -> String {
    match &problem.place {
        Some(place) if place.line > 0 => format!("{} (line {})", problem.what, place.line),
        _ => problem.what.clone(),
    }
}

/// `r` and 8 hex digits over rule, files, base hashes and edits: the same change of the same text has the same id.
pub fn id(rule: RuleId, sets: &[EditSet]) -> RewriteId {
    let mut text = rule.0.to_owned();
    for set in sets {
        text.push_str(&format!("\0{}\0{}", set.file(), set.base().0));
        for edit in set.edits() {
            text.push_str(&format!("\0{}\0{}\0{}\0{}", edit.range.start, edit.range.end, edit.text.len(), edit.text));
        }
    }
    let ContentHash(hex) = source::hash(&text);
    RewriteId(format!("r{}", &hex[..8]))
}

/// A precondition that the syntax tree answered: a recipe that sees it fail refuses instead.
pub fn holds(text: impl Into<String>) -> Precondition {
    Precondition { text: text.into(), answered_by: AnsweredBy::Syntax, state: Answer::Holds, probe: None }
}

/// A precondition that rustc answers by accepting the edit or not.
pub fn borrow(text: impl Into<String>) -> Precondition {
    Precondition { text: text.into(), answered_by: AnsweredBy::Borrow, state: Answer::Open, probe: None }
}

/// A precondition that a probe beside the candidate answers.
///
/// The probe stands before the statement around `expr` in which everything that `expr` names is in scope.
pub fn probe(file: &SourceFile, text: impl Into<String>, expr: TextRange, question: ProbeQuestion) -> Precondition {
    let at = source::stmt_around(file, expr).map_or(expr.start, |(block, index)| file.range(&block.stmts[index]).start);
    probe_at(file, text, expr, at, question)
}

/// As [`probe`], at a place that the recipe chooses.
pub fn probe_at(
    file: &SourceFile,
    text: impl Into<String>,
    expr: TextRange,
    insert_at: u32,
    question: ProbeQuestion,
) -> Precondition {
    Precondition {
        text: text.into(),
        answered_by: AnsweredBy::Type,
        state: Answer::Open,
        probe: Some(Probe { file: file.path.clone(), insert_at, expr, question }),
    }
}

/// A function as a title names it: its last two segments, `risk::score`.
pub fn short(function: &FunctionId) -> String {
    let segments: Vec<&str> = function.0.split("::").collect();
    segments[segments.len().saturating_sub(2)..].join("::")
}

/// The file of a finding.
pub fn file_of<'a>(files: &'a [SourceFile], finding: &Finding) -> Result<&'a SourceFile, String> {
    files.iter().find(|f| f.path == finding.file).ok_or_else(|| format!("{} is not among the files", finding.file))
}

#[cfg(test)]
mod tests {
    mod graveyard;

    use super::*;
    use crate::model::{Class, Eye, Kind};
    use crate::source::FileRole;

    const RULE: RuleId = RuleId("test-rule");

    fn parse(text: &str) -> SourceFile {
        SourceFile::parse("src/a.rs", text, &FileRole::default()).unwrap()
    }

    fn finding(file: &SourceFile, needle: &str) -> Finding {
        let start = file.text.find(needle).unwrap();
        Finding {
            rule: RULE,
            eye: Eye::Loops,
            kind: Kind::Quadratic,
            class: Class::A,
            file: file.path.clone(),
            range: TextRange::new(start, start + needle.len()),
            line: file.line_column(start as u32).0,
            end_line: 1,
            column: 1,
            function: FunctionId("f".into()),
            message: String::new(),
            captures: Vec::new(),
            costs_on: Vec::new(),
            cost: None,
            has_rewrite: true,
        }
    }

    const REPLACES: Recipe = Recipe {
        rule: RULE,
        derive: |_, finding| {
            let edit = TextEdit { range: finding.range, text: "new();\nmore()".into() };
            Ok(Draft {
                title: "say it anew".into(),
                edits: vec![(finding.file.clone(), vec![edit])],
                ..Draft::default()
            })
        },
    };

    const FAILS: Recipe = Recipe { rule: RULE, derive: |_, _| panic!("out of luck") };

    #[test]
    fn a_draft_becomes_a_rewrite_with_id_and_diff_and_the_line_ends_of_the_place() {
        let files = [parse("fn f() {\r\n    old();\r\n}\r\n")];
        let finding = finding(&files[0], "old()");
        let (rewrites, refusals) = propose_with(&[&REPLACES], &files, &[finding.clone(), finding], &[]);
        assert_eq!((rewrites.len(), refusals.len()), (1, 0));
        assert_eq!(rewrites[0].edits[0].edits()[0].text, "new();\r\nmore()");
        assert!(rewrites[0].diff.contains("-    old();\r\n+    new();\r\n"));
        assert_eq!(rewrites[0].id.0.len(), 9);
        assert_eq!(rewrites[0].touched, [FunctionId("f".into())]);
    }

    #[test]
    fn a_recipe_that_fails_and_an_edit_that_loses_a_comment_are_refusals() {
        let files = [parse("fn f() {\n    old(/* why */);\n}\n")];
        let finding = finding(&files[0], "old(/* why */)");
        let (rewrites, refusals) = propose_with(&[&FAILS, &REPLACES], &files, &[finding], &[]);
        assert_eq!(rewrites, []);
        let reasons: Vec<_> = refusals.iter().map(|r| r.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "the recipe failed on this code: a fault of Refit, report it with the file",
                "the comment \"/* why */\" would be lost (line 2)",
            ]
        );
        assert_eq!((refusals[0].file.as_str(), refusals[0].line), ("src/a.rs", 2));
    }

    #[test]
    fn ids_depend_on_rule_text_and_edits_alone() {
        let id_of = |text: &str| {
            let files = [parse(text)];
            propose_with(&[&REPLACES], &files, &[finding(&files[0], "old()")], &[]).0[0].id.clone()
        };
        assert_eq!(id_of("fn f() { old(); }"), id_of("fn f() { old(); }"));
        assert_ne!(id_of("fn f() { old(); }"), id_of("fn f() { old(); } "));
    }
}
