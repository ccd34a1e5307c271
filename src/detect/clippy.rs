//! What `cargo clippy --message-format=json` wrote in; findings with clippy's own fixes out.
//!
//! Format: the compiler messages of cargo (The Cargo Book, "External tools") that hold diagnostics of rustc (the rustc book,
//! "JSON output"). Offsets there count bytes after line ends and byte order marks were made one; lines and columns do not.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use serde::Deserialize;

use crate::model::{Class, Eye, Finding, FunctionId, Item, Kind, Problem, RuleId, Suggested, TextEdit, TextRange};

/// How the rules of clippy are called.
pub const PREFIX: &str = "clippy::";

/// Eye and kind of lints that are about speed; the rest are checks and lookups that could be said shorter.
const KNOWN: &[(Eye, Kind, &[&str])] = &[
    (
        Eye::Memory,
        Kind::DefensiveCopy,
        &[
            "redundant_clone",
            "unnecessary_to_owned",
            "implicit_clone",
            "cloned_instead_of_copied",
            "clone_on_copy",
            "assigning_clones",
            "iter_overeager_cloned",
            "clone_on_ref_ptr",
            "redundant_iter_cloned",
            "map_clone",
            "needless_pass_by_value",
            "owned_cow",
        ],
    ),
    (
        Eye::Memory,
        Kind::AllocChurn,
        &[
            "needless_collect",
            "useless_vec",
            "box_default",
            "vec_init_then_push",
            "extend_with_drain",
            "useless_format",
            "manual_str_repeat",
            "single_char_add_str",
            "format_in_format_args",
            "to_string_in_format_args",
            "same_item_push",
            "format_push_string",
            "inefficient_to_string",
            "redundant_allocation",
            "slow_vector_initialization",
            "string_add_assign",
            "string_add",
            "format_collect",
            "uninlined_format_args",
            "rc_buffer",
            "boxed_local",
            "single_char_pattern",
            "reserve_after_initialization",
            "drain_collect",
            "useless_conversion",
            "into_iter_on_ref",
        ],
    ),
    (
        Eye::Loops,
        Kind::Quadratic,
        &[
            "needless_range_loop",
            "manual_memcpy",
            "explicit_counter_loop",
            "iter_nth",
            "naive_bytecount",
            "manual_find",
            "set_contains_or_insert",
            "suspicious_map",
            "iter_skip_next",
            "linkedlist",
            "manual_contains",
            "iter_count",
        ],
    ),
    (Eye::Loops, Kind::RebuiltInvariant, &["regex_creation_in_loops", "while_float", "declare_interior_mutable_const"]),
    (
        Eye::Loops,
        Kind::DefensiveRedundancy,
        &["map_entry", "unnecessary_get_then_check", "search_is_some", "unnecessary_fold"],
    ),
    (
        Eye::Errors,
        Kind::ErrorLadder,
        &[
            "question_mark",
            "manual_let_else",
            "try_err",
            "match_result_ok",
            "manual_unwrap_or",
            "manual_unwrap_or_default",
            "manual_map",
            "manual_ok_err",
            "manual_map_or",
            "unnecessary_wraps",
            "needless_question_mark",
            "single_match_else",
        ],
    ),
    (
        Eye::Layout,
        Kind::Footprint,
        &[
            "large_enum_variant",
            "result_large_err",
            "large_types_passed_by_value",
            "large_futures",
            "large_stack_arrays",
            "large_stack_frames",
            "vec_box",
            "box_collection",
            "trivially_copy_pass_by_ref",
            "large_const_arrays",
        ],
    ),
    (
        Eye::Concurrency,
        Kind::WideLock,
        &[
            "await_holding_lock",
            "await_holding_refcell_ref",
            "significant_drop_tightening",
            "mutex_atomic",
            "mutex_integer",
            "readonly_write_lock",
            "significant_drop_in_scrutinee",
            "if_let_mutex",
        ],
    ),
    (
        Eye::Boundary,
        Kind::FlushLogging,
        &["unbuffered_bytes", "explicit_write", "print_with_newline", "write_with_newline"],
    ),
];

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Message>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Clone, Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    line_end: u32,
    column_start: u32,
    column_end: u32,
    is_primary: bool,
    #[serde(default)]
    text: Vec<SpanText>,
    #[serde(default)]
    suggested_replacement: Option<String>,
    #[serde(default)]
    suggestion_applicability: Option<String>,
    #[serde(default)]
    expansion: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Deserialize)]
struct SpanText {
    text: String,
}

/// Reads clippy's findings in these files (path and text). What was found in another version of a file is left out.
pub fn read<'a>(
    written: &str,
    root: &str,
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
    items: &[Item],
) -> (Vec<Suggested>, Vec<Problem>) {
    let files: HashMap<&str, Place> = files.into_iter().map(|(path, text)| (path, Place::of(path, text))).collect();
    let place = |span: &Span| files.get(joined(root, &span.file_name).as_str());
    let (mut found, mut problems, mut known) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (mut stale, mut read, mut damaged) = (0u32, 0u32, 0u32);
    for line in written.lines().filter(|l| !l.trim().is_empty()) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            damaged += 1;
            continue;
        };
        let Some(message) = line.message.filter(|_| line.reason == "compiler-message") else { continue };
        let Some(lint) = message.code.as_ref().and_then(|c| c.code.strip_prefix(PREFIX)) else { continue };
        let Some(span) = message.spans.iter().find(|s| s.is_primary) else { continue };
        let Some(place) = place(span) else { continue };
        read += 1;
        let Some(range) = place.range(span) else {
            stale += 1;
            continue;
        };
        // Cargo says the same of a file once for each target that it is part of.
        if known.insert((lint.to_owned(), span.file_name.clone(), range)) {
            let edits = fix(&message, place);
            let finding = finding(lint, &message, span, place, range, items, !edits.is_empty());
            found.push(Suggested { finding, edits });
        }
    }
    if stale > 0 {
        let what =
            format!("{stale} of {read} findings of clippy are of another version of the sources and are left out");
        problems.push(Problem::warning(what).help("run it again: `cargo clippy --message-format=json`"));
    }
    if damaged > 0 && read == 0 {
        let what = "this is no output of `cargo clippy --message-format=json`";
        problems.push(Problem::warning(what).help("write it to a file by itself: `> target/clippy.jsonl`"));
    }
    (found, problems)
}

/// A path of cargo relative to the project.
fn joined(root: &str, file: &str) -> String {
    let file = file.replace('\\', "/");
    if root.is_empty() || root == "." { file } else { format!("{}/{file}", root.trim_end_matches('/')) }
}

fn finding(
    lint: &str,
    message: &Message,
    span: &Span,
    place: &Place,
    range: TextRange,
    items: &[Item],
    has_rewrite: bool,
) -> Finding {
    let known = KNOWN.iter().find(|(.., lints)| lints.contains(&lint));
    let (eye, kind) = known.map_or((Eye::Loops, Kind::DefensiveRedundancy), |(eye, kind, _)| (*eye, *kind));
    let around = items.iter().filter(|i| i.file == place.path && i.range.contains(range)).min_by_key(|i| i.range.len());
    Finding {
        rule: RuleId(kept(lint)),
        eye,
        kind,
        class: if has_rewrite { Class::B } else { Class::C },
        file: place.path.to_owned(),
        range,
        line: span.line_start,
        end_line: span.line_end,
        column: span.column_start,
        function: around.map_or_else(FunctionId::default, |i| i.id.clone()),
        message: message.message.lines().next().unwrap_or_default().to_owned(),
        captures: Vec::new(),
        costs_on: Vec::new(),
        cost: None,
        has_rewrite,
    }
}

/// The edits that clippy calls machine-applicable, where all of them stand in the file and none in a macro.
fn fix(message: &Message, place: &Place) -> Vec<TextEdit> {
    let is_fix = |s: &&Span| s.suggestion_applicability.as_deref() == Some("MachineApplicable");
    let spans: Vec<&Span> = message.children.iter().flat_map(|c| &c.spans).filter(is_fix).collect();
    let edit = |span: &&Span| {
        let here = span.expansion.is_none() && place.path.ends_with(&span.file_name);
        let text = span.suggested_replacement.clone().filter(|_| here)?;
        Some(TextEdit { range: place.range(span)?, text })
    };
    let edits: Option<Vec<TextEdit>> = spans.iter().map(edit).collect();
    edits.unwrap_or_default()
}

/// The name of a lint for as long as the program runs: there are some 800 of them, and each is kept once.
fn kept(lint: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let name = format!("{PREFIX}{lint}");
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = Box::leak(name.into_boxed_str());
    names.insert(name);
    name
}

/// A file whose lines can be found.
struct Place<'a> {
    path: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Place<'a> {
    fn of(path: &'a str, text: &'a str) -> Place<'a> {
        let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let starts = std::iter::once(first).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Place { path, text, starts }
    }

    /// The bytes of a span; `None` where the file has other lines there.
    fn range(&self, span: &Span) -> Option<TextRange> {
        for (line, said) in (span.line_start..=span.line_end).zip(&span.text) {
            if self.line(line)?.trim_end() != said.text.trim_end() {
                return None;
            }
        }
        let start = self.offset(span.line_start, span.column_start)?;
        let end = self.offset(span.line_end, span.column_end)?;
        (start <= end).then(|| TextRange::new(start, end))
    }

    fn line(&self, line: u32) -> Option<&'a str> {
        let start = *self.starts.get(line.checked_sub(1)? as usize)?;
        let end = self.starts.get(line as usize).map_or(self.text.len(), |next| next - 1);
        self.text.get(start..end)
    }

    /// Line and column in characters, both from 1.
    fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let start = *self.starts.get(line.checked_sub(1)? as usize)?;
        let before: usize = self.line(line)?.chars().take(column.checked_sub(1)? as usize).map(char::len_utf8).sum();
        Some(start + before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileRole, SourceFile};

    const TEXT: &str =
        "//! Sums.\n\n/// Ünïcode.\npub fn copy(text: &str) -> String {\n    /* ü */ format!(\"{}\", text)\n}\n";

    /// What clippy 1.95 writes of the fifth line, but for what is not read.
    fn line(line_text: &str, applicability: &str, file: &str) -> String {
        let span = |extra: &str| {
            format!(
                r#"{{"file_name":"{file}","byte_start":61,"byte_end":80,"line_start":5,"line_end":5,"column_start":13,"column_end":32,"is_primary":true,"text":[{{"text":{line_text:?},"highlight_start":13,"highlight_end":32}}],{extra}"expansion":null}}"#
            )
        };
        let suggested =
            format!(r#""suggested_replacement":"text.to_string()","suggestion_applicability":"{applicability}","#);
        format!(
            r#"{{"reason":"compiler-message","package_id":"x","message":{{"message":"useless use of `format!`","code":{{"code":"clippy::useless_format","explanation":null}},"level":"warning","spans":[{}],"children":[{{"message":"for further information","code":null,"spans":[],"children":[]}},{{"message":"consider","code":null,"spans":[{}],"children":[]}}],"rendered":"…"}}}}"#,
            span(""),
            span(&suggested)
        )
    }

    fn heard(written: &str, root: &str, path: &str, text: &str) -> (Vec<Suggested>, Vec<String>) {
        let items =
            SourceFile::parse(path, text, &FileRole { krate: "tiny".into(), ..FileRole::default() }).unwrap().items;
        let (found, problems) = read(written, root, [(path, text)], &items);
        (found, problems.into_iter().map(|p| p.what).collect())
    }

    const FIFTH: &str = "    /* ü */ format!(\"{}\", text)";

    #[test]
    fn a_finding_and_its_fix_stand_where_clippy_saw_them() {
        let written = format!(
            "{{\"reason\":\"build-finished\",\"success\":true}}\n{}\n",
            line(FIFTH, "MachineApplicable", "src/lib.rs")
        );
        let (found, problems) = heard(&written, ".", "src/lib.rs", TEXT);
        let [Suggested { finding, edits }] = &found[..] else { panic!("{found:?} {problems:?}") };
        assert_eq!(
            (finding.rule.0, finding.eye, finding.kind),
            ("clippy::useless_format", Eye::Memory, Kind::AllocChurn)
        );
        assert_eq!((finding.line, finding.column, finding.class), (5, 13, Class::B));
        assert_eq!(finding.function.0, "tiny::copy");
        assert_eq!(&TEXT[finding.range.bytes()], "format!(\"{}\", text)");
        assert_eq!(edits, &[TextEdit { range: finding.range, text: "text.to_string()".into() }]);
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_do_not_move_it() {
        let text = format!("\u{feff}{}", TEXT.replace('\n', "\r\n"));
        let (found, _) = heard(&line(FIFTH, "MachineApplicable", "src/lib.rs"), "", "src/lib.rs", &text);
        assert_eq!(&text[found[0].edits[0].range.bytes()], "format!(\"{}\", text)");
    }

    #[test]
    fn a_cargo_root_in_a_subfolder_is_part_of_the_path() {
        let (found, _) = heard(&line(FIFTH, "MachineApplicable", "src/lib.rs"), "rust", "rust/src/lib.rs", TEXT);
        assert_eq!((found.len(), found[0].edits.len()), (1, 1));
        let (found, _) = heard(&line(FIFTH, "MachineApplicable", "src/other.rs"), "rust", "rust/src/lib.rs", TEXT);
        assert_eq!(found.len(), 0, "a file of another package");
    }

    #[test]
    fn what_a_person_has_to_complete_is_no_fix() {
        let (found, _) = heard(&line(FIFTH, "HasPlaceholders", "src/lib.rs"), ".", "src/lib.rs", TEXT);
        assert_eq!((found[0].edits.len(), found[0].finding.class), (0, Class::C));
    }

    #[test]
    fn the_same_said_of_two_targets_counts_once() {
        let one = line(FIFTH, "MachineApplicable", "src/lib.rs");
        assert_eq!(heard(&format!("{one}\n{one}\n"), ".", "src/lib.rs", TEXT).0.len(), 1);
    }

    #[test]
    fn findings_of_another_version_are_left_out_and_said() {
        let (found, problems) =
            heard(&line("    format!(\"{}\", name)", "MachineApplicable", "src/lib.rs"), ".", "src/lib.rs", TEXT);
        assert_eq!(found, []);
        assert_eq!(problems, ["1 of 1 findings of clippy are of another version of the sources and are left out"]);
    }

    #[test]
    fn what_is_no_output_of_clippy_is_said() {
        let (found, problems) = heard("warning: unused\n{\"reason\"\n", ".", "src/lib.rs", TEXT);
        assert_eq!((found.len(), problems.len()), (0, 1));
        assert_eq!(heard("", ".", "src/lib.rs", TEXT).1.len(), 0);
    }
}
