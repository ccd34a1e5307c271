//! Edits and the text they were made for in; the new text out, or why they must not be applied.

use std::collections::HashMap;

use super::lexer::{self, Token};
use super::{LineIndex, file, hash};
use crate::model::{EditSet, Place, Problem, TextEdit, TextRange};

/// Applies edits to the text they were made for. What they do not cover stays the same to the byte.
///
/// Every comment of the text is in the result (new ones may come): a recipe keeps comments by keeping the bytes around
/// them, and one that does not is refused here.
///
/// # Errors
/// Another text than the one the edits were made for; a range outside the text or inside a character or comment; a
/// `SAFETY:` comment, `rustfmt::skip` or commented-out code in a replaced range; a comment that would be lost; a result
/// that does not parse.
pub fn apply(edits: &EditSet, text: &str) -> Result<String, Problem> {
    let problem = |what: String| Problem::error(what).at(Place::file(edits.file()));
    if hash(text) != *edits.base() {
        return Err(problem(format!("{} changed since the proposal was made", edits.file()))
            .help("scan again: the proposal is derived anew from the file as it is"));
    }
    for edit in edits.edits() {
        check_bounds(text, edit.range).map_err(problem)?;
    }
    let new = spliced(edits.edits(), text);
    if edits.file().ends_with(".rs") {
        let tokens = lexer::tokens(text);
        for edit in edits.edits() {
            check_replaced(edits.file(), text, &tokens, edit.range)?;
        }
        check_comments(edits.file(), text, &tokens, &new)?;
        check_parses(edits.file(), &new)?;
    }
    Ok(new)
}

fn check_bounds(text: &str, range: TextRange) -> Result<(), String> {
    let (start, end) = (range.start as usize, range.end as usize);
    if start > end || end > text.len() {
        return Err(format!("an edit of bytes {start}..{end} lies outside of the {} bytes of the file", text.len()));
    }
    match [start, end].into_iter().find(|at| !text.is_char_boundary(*at)) {
        Some(at) => Err(format!("an edit cuts a character at byte {at}")),
        None => Ok(()),
    }
}

fn spliced(edits: &[TextEdit], text: &str) -> String {
    let added: usize = edits.iter().map(|e| e.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.range.start as usize]);
        out.push_str(&edit.text);
        at = edit.range.end as usize;
    }
    out.push_str(&text[at..]);
    out
}

/// What stands in a replaced range and speaks about exactly this code cannot be kept by moving it.
fn check_replaced(path: &str, text: &str, tokens: &[Token], range: TextRange) -> Result<(), Problem> {
    let first = tokens.partition_point(|t| t.range.end <= range.start);
    let cut = tokens[first..].iter().take_while(|t| t.range.start < range.end.max(range.start + 1));
    for (n, token) in cut.enumerate() {
        let words = token.text(text);
        let reason = if !range.contains(token.range) && token.is_comment() && cuts(*token, range) {
            "an edit cuts a comment"
        } else if !range.contains(token.range) {
            continue;
        } else if token.is_comment() && words.contains("SAFETY:") {
            "a SAFETY comment speaks of the replaced code"
        } else if words == "rustfmt_skip" || (words == "rustfmt" && follows(text, tokens, first + n, "skip")) {
            "the replaced code is under rustfmt::skip"
        } else if token.is_comment() && is_commented_out_code(words) {
            "commented-out code stands in the replaced range"
        } else {
            continue;
        };
        let (line, column) = LineIndex::new(text).line_column(text, token.range.start);
        return Err(Problem::error(reason).at(Place::at(path, line, column)).help("change this place by hand"));
    }
    Ok(())
}

fn cuts(token: Token, range: TextRange) -> bool {
    let inside = |at: u32| token.range.start < at && at < token.range.end;
    inside(range.start) || inside(range.end)
}

/// True if the path `a::word` goes on after token `i`.
fn follows(text: &str, tokens: &[Token], i: usize, word: &str) -> bool {
    tokens.get(i + 3).is_some_and(|t| t.text(text) == word)
}

/// A comment that reads as a statement: it ends like one and parses as one.
fn is_commented_out_code(comment: &str) -> bool {
    let is_doc = comment.starts_with("///") || comment.starts_with("//!") || comment.starts_with("/**");
    let inner = comment.trim_start_matches('/').trim_matches(|c: char| c == '*' || c == '/' || c.is_whitespace());
    let looks = inner.ends_with(';') || inner.ends_with('}');
    !is_doc && looks && syn::parse_str::<syn::Block>(&format!("{{ {inner} }}")).is_ok()
}

/// A comment as it counts for conservation: moved comments may be indented otherwise, so white space at line starts and
/// line ends is left out.
fn normal(comment: &str) -> String {
    comment.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn check_comments(path: &str, old: &str, old_tokens: &[Token], new: &str) -> Result<(), Problem> {
    let mut left: HashMap<String, usize> = HashMap::new();
    for token in lexer::tokens(new).into_iter().filter(|t| t.is_comment()) {
        *left.entry(normal(token.text(new))).or_insert(0) += 1;
    }
    for token in old_tokens.iter().filter(|t| t.is_comment()) {
        match left.get_mut(&normal(token.text(old))) {
            Some(count) if *count > 0 => *count -= 1,
            _ => {
                let (line, column) = LineIndex::new(old).line_column(old, token.range.start);
                let first = token.text(old).lines().next().unwrap_or_default();
                return Err(Problem::error(format!("the comment \"{first}\" would be lost"))
                    .at(Place::at(path, line, column))
                    .help("move the comment out of the statement, or change this place by hand"));
            }
        }
    }
    Ok(())
}

fn check_parses(path: &str, new: &str) -> Result<(), Problem> {
    syn::parse_file(new).map(|_| ()).map_err(|error| {
        let offset = super::floor_boundary(new, error.span().byte_range().start + file::stripped(new));
        let (line, column) = LineIndex::new(new).line_column(new, offset as u32);
        Problem::error(format!("the result would not parse: {}", file::parse_message(&error)))
            .at(Place::at(path, line, column))
            .help("the recipe is at fault: report the file and the rule")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(text: &str, old: &str, new: &str) -> TextEdit {
        let start = text.find(old).expect("the edited text occurs");
        TextEdit { range: TextRange::new(start, start + old.len()), text: new.to_owned() }
    }

    fn apply_to(text: &str, edits: Vec<TextEdit>) -> Result<String, String> {
        let set = EditSet::new("src/a.rs", hash(text), edits).map_err(|p| p.what)?;
        apply(&set, text).map_err(|p| p.what)
    }

    #[track_caller]
    fn check_refused(text: &str, old: &str, new: &str, reason: &str) {
        assert_eq!(apply_to(text, vec![edit(text, old, new)]), Err(reason.to_owned()));
    }

    #[test]
    fn edits_are_spliced_from_left_to_right_in_one_go() {
        let text = "fn f() { a(); b(); }";
        let edits = vec![edit(text, "b()", "c(1)"), edit(text, "a()", "long_name()")];
        assert_eq!(apply_to(text, edits).as_deref(), Ok("fn f() { long_name(); c(1); }"));
    }

    #[test]
    fn another_text_is_refused() {
        let set = EditSet::new("src/a.rs", hash("fn a() {}"), Vec::new()).unwrap();
        let problem = apply(&set, "fn b() {}").unwrap_err();
        assert_eq!(problem.what, "src/a.rs changed since the proposal was made");
    }

    #[test]
    fn a_lost_comment_refuses_and_a_moved_one_does_not() {
        let text = "fn f() {\n    // why\n    a();\n}\n";
        check_refused(text, "// why\n    a();", "b();", "the comment \"// why\" would be lost");
        let moved = apply_to(text, vec![edit(text, "// why\n    a();", "b();\n        // why")]);
        assert!(moved.is_ok(), "{moved:?}");
    }

    #[test]
    fn one_of_two_equal_comments_counts() {
        let text = "fn f() { a(/* x */); b(/* x */); }";
        check_refused(text, "b(/* x */)", "b()", "the comment \"/* x */\" would be lost");
    }

    #[test]
    fn what_looks_like_a_comment_in_a_string_is_none() {
        let text = "fn f() { a(\"// not one\"); }";
        assert!(apply_to(text, vec![edit(text, "\"// not one\"", "1")]).is_ok());
    }

    #[test]
    fn safety_comments_skips_and_commented_out_code_refuse() {
        let safety = "fn f() {\n    // SAFETY: checked above\n    a();\n}";
        let kept = "// SAFETY: checked above\n    b();";
        check_refused(
            safety,
            "// SAFETY: checked above\n    a();",
            kept,
            "a SAFETY comment speaks of the replaced code",
        );
        let skip = "fn f() { #[rustfmt::skip] let a = 1; }";
        check_refused(skip, "#[rustfmt::skip] let a = 1;", "", "the replaced code is under rustfmt::skip");
        let dead = "fn f() {\n    // a(1);\n    b();\n}";
        let kept = "// a(1);\n    c();";
        check_refused(dead, "// a(1);\n    b();", kept, "commented-out code stands in the replaced range");
        let prose = "fn f() {\n    // first a, then b;\n    b();\n}";
        assert!(
            apply_to(prose, vec![edit(prose, "// first a, then b;\n    b();", "// first a, then b;\n    c();")])
                .is_ok()
        );
    }

    #[test]
    fn an_edit_may_not_cut_a_comment_or_a_character() {
        check_refused("fn f() { /* ab */ }", "b */", "c */", "an edit cuts a comment");
        let text = "fn f() { \"é\"; }";
        let cut = TextEdit { range: TextRange::new(11, 12), text: String::new() };
        assert_eq!(apply_to(text, vec![cut]), Err("an edit cuts a character at byte 11".to_owned()));
        let beyond = TextEdit { range: TextRange::new(5, 99), text: String::new() };
        assert!(apply_to(text, vec![beyond]).unwrap_err().contains("lies outside"));
    }

    #[test]
    fn a_result_that_does_not_parse_is_refused() {
        let text = "fn f() { a(); }";
        let refused = apply_to(text, vec![edit(text, "a()", "a(")]).unwrap_err();
        assert!(refused.starts_with("the result would not parse"), "{refused}");
    }

    /// A small Rust file with every line end, indentation and script that people use.
    fn rust_file() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("let x = 1;"),
            Just("// naïve – ok"),
            Just("g(\"日本\", 'é');"),
            Just("/* a\n b */ h();"),
            Just(""),
            Just("let s = r#\"a\n// no\"#;"),
        ];
        let shape = (proptest::bool::ANY, proptest::bool::ANY, proptest::bool::ANY, proptest::bool::ANY);
        (proptest::collection::vec(line, 0..8), shape).prop_map(|(lines, (bom, crlf, tabs, final_newline))| {
            let (eol, indent) = (if crlf { "\r\n" } else { "\n" }, if tabs { "\t" } else { "    " });
            let mut text = String::from("fn früh() {\n");
            for line in lines {
                text.push_str(&format!("{indent}{line}\n"));
            }
            text.push('}');
            text.push_str(if final_newline { "\n" } else { "" });
            format!("{}{}", if bom { "\u{feff}" } else { "" }, text.replace('\n', eol))
        })
    }

    proptest! {
        #[test]
        fn bytes_outside_of_edits_are_kept_and_edits_stand_where_they_should(
            text in rust_file(),
            picks in proptest::collection::vec((0usize..400, 0usize..3), 0..6),
        ) {
            // Statements are inserted at line starts inside the body: the result always parses.
            let starts: Vec<usize> = text.match_indices('\n').map(|(i, _)| i + 1).collect();
            let body: Vec<usize> = starts.into_iter().filter(|at| *at <= text.rfind('}').unwrap()).collect();
            let tokens = lexer::tokens(&text);
            let mut edits: Vec<TextEdit> = picks
                .iter()
                .map(|(n, k)| (body[n % body.len()], ["new();", "/* é */", "let y = 2; "][*k]))
                .filter(|(at, _)| !tokens.iter().any(|t| (t.range.start as usize) < *at && *at < t.range.end as usize))
                .map(|(at, new)| TextEdit { range: TextRange::at(at), text: new.to_owned() })
                .collect();
            edits.sort();
            edits.dedup_by_key(|e| e.range);
            let new = apply_to(&text, edits.clone()).unwrap();
            let mut at = 0;
            let mut rest = new.as_str();
            for edit in &edits {
                let kept = &text[at..edit.range.start as usize];
                prop_assert!(rest.starts_with(kept));
                rest = &rest[kept.len()..];
                prop_assert!(rest.starts_with(&edit.text));
                rest = &rest[edit.text.len()..];
                at = edit.range.end as usize;
            }
            prop_assert_eq!(rest, &text[at..]);
        }

        #[test]
        fn no_comment_is_ever_lost(text in rust_file(), from in 0usize..200, len in 0usize..60) {
            let from = super::super::floor_boundary(&text, from.min(text.len()));
            let to = super::super::floor_boundary(&text, (from + len).min(text.len()));
            let edits = vec![TextEdit { range: TextRange::new(from, to.max(from)), text: String::new() }];
            if let Ok(new) = apply_to(&text, edits) {
                let count = |t: &str| lexer::comments(t).len();
                prop_assert!(count(&new) >= count(&text));
            }
        }
    }
}
