//! Two texts of one file in; hunks with changed words, and a unified diff that `git apply` takes, out.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::LineIndex;
use super::lexer::{self, Token, TokenKind};
use crate::model::{Hunk, HunkLine, LineMark, SameLines};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// The hunks between two texts of one file, with three lines of context and changed words.
pub fn hunks(file: &str, old: &str, new: &str) -> Vec<Hunk> {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let (old_sync, new_sync) = (sync_lines(old), sync_lines(new));
    groups(&old_lines, &new_lines)
        .into_iter()
        .enumerate()
        .map(|(index, ops)| {
            let lines: Vec<HunkLine> = ops.iter().flat_map(|op| hunk_lines(op, &old_lines, &new_lines)).collect();
            let touches_sync = lines.iter().any(|line| match line.mark {
                LineMark::Removed => line.old.is_some_and(|n| old_sync[n as usize - 1]),
                LineMark::Added => line.new.is_some_and(|n| new_sync[n as usize - 1]),
                LineMark::Context => false,
            });
            let header = header(&ops);
            Hunk {
                file: file.to_owned(),
                index,
                old_start: header.0,
                old_lines: header.1,
                new_start: header.2,
                new_lines: header.3,
                lines,
                touches_sync,
            }
        })
        .collect()
}

/// The lines that stand in both texts, as `git diff` would pair them.
pub fn same_lines(old: &str, new: &str) -> Vec<SameLines> {
    let same = |op: DiffOp| match op {
        DiffOp::Equal { old_index, new_index, len } => {
            Some(SameLines { old: old_index as u32 + 1, new: new_index as u32 + 1, count: len as u32 })
        }
        _ => None,
    };
    capture_diff_slices(Algorithm::Myers, &lines(old), &lines(new)).into_iter().filter_map(same).collect()
}

/// A unified diff that `git apply` takes; empty where the texts are equal.
///
/// The format is that of `git diff`: a carriage return before the line end belongs to the line, and a last line without
/// a line end is followed by `\ No newline at end of file`.
pub fn diff(file: &str, old: &str, new: &str) -> String {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let groups = groups(&old_lines, &new_lines);
    if groups.is_empty() {
        return String::new();
    }
    let (a, b) = (quoted(&format!("a/{file}")), quoted(&format!("b/{file}")));
    // git ends a name that holds a space with a tab, so that what follows is not read as a time.
    let tab = if file.contains(' ') { "\t" } else { "" };
    let mut out = format!("diff --git {a} {b}\n--- {a}{tab}\n+++ {b}{tab}\n");
    for ops in groups {
        let (old_start, old_count, new_start, new_count) = header(&ops);
        out.push_str(&format!("@@ -{old_start},{old_count} +{new_start},{new_count} @@\n"));
        for op in &ops {
            let (removed, added) = (&old_lines[op.old_range()], &new_lines[op.new_range()]);
            if let DiffOp::Equal { .. } = op {
                removed.iter().for_each(|line| push_line(&mut out, ' ', line));
            } else {
                removed.iter().for_each(|line| push_line(&mut out, '-', line));
                added.iter().for_each(|line| push_line(&mut out, '+', line));
            }
        }
    }
    out
}

fn push_line(out: &mut String, mark: char, line: &str) {
    out.push(mark);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// Lines with their ends. Only `\n` ends a line, as in git.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn groups(old: &[&str], new: &[&str]) -> Vec<Vec<DiffOp>> {
    let ops = capture_diff_slices(Algorithm::Myers, old, new);
    similar::group_diff_ops(ops, CONTEXT)
        .into_iter()
        .filter(|ops| ops.iter().any(|op| !matches!(op, DiffOp::Equal { .. })))
        .collect()
}

/// Start and count of old and new lines; an empty side names the line before it, as in `diff -u`.
fn header(ops: &[DiffOp]) -> (u32, u32, u32, u32) {
    let side = |start: usize, end: usize| {
        let count = end - start;
        (if count == 0 { start } else { start + 1 } as u32, count as u32)
    };
    let (Some(first), Some(last)) = (ops.first(), ops.last()) else { return (0, 0, 0, 0) };
    let old = side(first.old_range().start, last.old_range().end);
    let new = side(first.new_range().start, last.new_range().end);
    (old.0, old.1, new.0, new.1)
}

/// git quotes names with control characters, quotes or backslashes like C does.
fn quoted(name: &str) -> String {
    if !name.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\{:03o}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn hunk_lines(op: &DiffOp, old: &[&str], new: &[&str]) -> Vec<HunkLine> {
    let (old_range, new_range) = (op.old_range(), op.new_range());
    if let DiffOp::Equal { .. } = op {
        let pairs = old_range.zip(new_range);
        return pairs.map(|(o, n)| line(LineMark::Context, old[o], Some(o), Some(n))).collect();
    }
    let mut removed: Vec<_> = old_range.clone().map(|o| line(LineMark::Removed, old[o], Some(o), None)).collect();
    let mut added: Vec<_> = new_range.clone().map(|n| line(LineMark::Added, new[n], None, Some(n))).collect();
    if !removed.is_empty() && !added.is_empty() {
        mark_words(&mut removed, &mut added);
    }
    removed.extend(added);
    removed
}

fn line(mark: LineMark, text: &str, old: Option<usize>, new: Option<usize>) -> HunkLine {
    let number = |n: Option<usize>| n.map(|n| n as u32 + 1);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text).to_owned();
    HunkLine { mark, text, old: number(old), new: number(new), words: Vec::new() }
}

/// Word colours only help where something stayed: below this share of equal text the lines are shown as replaced.
const MIN_EQUAL: f64 = 0.25;

fn mark_words(removed: &mut [HunkLine], added: &mut [HunkLine]) {
    let (old, new) = (words(removed), words(added));
    let old_texts: Vec<&str> = old.iter().map(|w| &removed[w.line].text[w.start..w.end]).collect();
    let new_texts: Vec<&str> = new.iter().map(|w| &added[w.line].text[w.start..w.end]).collect();
    let ops = capture_diff_slices(Algorithm::Myers, &old_texts, &new_texts);
    let equal: usize = ops
        .iter()
        .filter(|op| matches!(op, DiffOp::Equal { .. }))
        .flat_map(|op| &old_texts[op.old_range()])
        .map(|w| w.trim().len())
        .sum();
    let all: usize = old_texts.iter().chain(&new_texts).map(|w| w.trim().len()).sum();
    if (equal * 2) as f64 <= MIN_EQUAL * all as f64 {
        return;
    }
    let changed = |op: &&DiffOp| !matches!(op, DiffOp::Equal { .. });
    let (old_changed, new_changed): (Vec<_>, Vec<_>) =
        ops.iter().filter(changed).map(|op| (op.old_range(), op.new_range())).unzip();
    old_changed.into_iter().flatten().for_each(|i| mark_word(removed, &old[i]));
    new_changed.into_iter().flatten().for_each(|i| mark_word(added, &new[i]));
}

struct Word {
    line: usize,
    start: usize,
    end: usize,
}

fn mark_word(lines: &mut [HunkLine], word: &Word) {
    let (start, end) = (word.start as u32, word.end as u32);
    let line = &mut lines[word.line];
    if line.text[word.start..word.end].trim().is_empty() && line.words.last().is_none_or(|w| w.1 != start) {
        return;
    }
    match line.words.last_mut() {
        Some(last) if last.1 == start => last.1 = end,
        _ => line.words.push((start, end)),
    }
}

/// Runs of letters and digits, runs of white space, and single other characters.
fn words(lines: &[HunkLine]) -> Vec<Word> {
    let class = |c: char| match c {
        c if c == '_' || c.is_alphanumeric() => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut out: Vec<Word> = Vec::new();
    for (line, text) in lines.iter().map(|l| l.text.as_str()).enumerate() {
        let mut last = 2;
        for (start, c) in text.char_indices() {
            let (this, end) = (class(c), start + c.len_utf8());
            match out.last_mut() {
                Some(word) if word.line == line && this == last && this != 2 => word.end = end,
                _ => out.push(Word { line, start, end }),
            }
            last = this;
        }
    }
    out
}

/// Names that speak of shared state wherever they stand. `LazyLock` and `OnceLock` are not among them: what they hold is
/// made once and only read from then on, so there is no order of accesses to review.
const SYNC_NAMES: &[&str] = &[
    "Arc",
    "Barrier",
    "Condvar",
    "Mutex",
    "MutexGuard",
    "Notify",
    "RwLock",
    "RwLockReadGuard",
    "RwLockWriteGuard",
    "Semaphore",
    "Send",
    "Sync",
    "UnsafeCell",
    "async_channel",
    "bounded",
    "broadcast",
    "channel",
    "compare_exchange",
    "compare_exchange_weak",
    "fence",
    "fetch_add",
    "fetch_and",
    "fetch_max",
    "fetch_min",
    "fetch_or",
    "fetch_sub",
    "fetch_update",
    "fetch_xor",
    "mpsc",
    "oneshot",
    "parking_lot",
    "spawn",
    "sync_channel",
    "try_lock",
    "try_read",
    "try_write",
    "unbounded",
    "unbounded_channel",
    "unsafe",
    "watch",
];

/// Per line: whether it holds a token of a synchronisation primitive, or stands where a guard is alive.
fn sync_lines(text: &str) -> Vec<bool> {
    let index = LineIndex::new(text);
    let mut out = vec![false; index.count()];
    let tokens: Vec<Token> = lexer::tokens(text).into_iter().filter(|t| !t.is_comment()).collect();
    for i in 0..tokens.len() {
        if is_sync(text, &tokens, i) {
            out[index.line(tokens[i].range.start) as usize - 1] = true;
        }
        if let Some(end) = guard_scope(text, &tokens, i) {
            let last = index.line(tokens[end].range.start) as usize;
            out[index.line(tokens[i].range.start) as usize - 1..last].fill(true);
        }
    }
    out
}

fn word<'a>(text: &'a str, tokens: &[Token], i: usize) -> &'a str {
    tokens.get(i).map_or("", |t| t.text(text))
}

fn is_sync(text: &str, tokens: &[Token], i: usize) -> bool {
    if !matches!(tokens[i].kind, TokenKind::Ident | TokenKind::Keyword) {
        return false;
    }
    let name = word(text, tokens, i);
    SYNC_NAMES.binary_search(&name).is_ok()
        || (name.starts_with("Atomic") && name.len() > "Atomic".len())
        || is_memory_ordering(text, tokens, i)
        || takes_guard(text, tokens, i)
}

/// `Ordering::SeqCst` and its kin, not `cmp::Ordering::Less`.
fn is_memory_ordering(text: &str, tokens: &[Token], i: usize) -> bool {
    let next = |n: usize| word(text, tokens, i + n);
    next(0) == "Ordering"
        && next(1) == ":"
        && matches!(next(3), "Relaxed" | "Acquire" | "Release" | "AcqRel" | "SeqCst")
}

/// `.lock()`, `.read()`, `.write()` without arguments: those of `io::Read` and `io::Write` take a buffer.
fn takes_guard(text: &str, tokens: &[Token], i: usize) -> bool {
    let next = |n: usize| word(text, tokens, i + n);
    matches!(next(0), "lock" | "read" | "write" | "lock_owned" | "read_owned" | "write_owned" | "blocking_lock")
        && i > 0
        && word(text, tokens, i - 1) == "."
        && next(1) == "("
        && next(2) == ")"
}

/// For `let g = ….lock()…;` at token `i`: the last token of the block in which the guard lives, or its `drop(g)`.
fn guard_scope(text: &str, tokens: &[Token], i: usize) -> Option<usize> {
    if word(text, tokens, i) != "let" {
        return None;
    }
    let name_at = if word(text, tokens, i + 1) == "mut" { i + 2 } else { i + 1 };
    let end = (i..tokens.len()).find(|n| matches!(word(text, tokens, *n), ";" | "{" | "}"))?;
    let call = (name_at..end).find(|n| takes_guard(text, tokens, *n))?;
    // Only unwrapping may follow: `let n = m.lock().unwrap().len();` keeps no guard.
    let rest: Vec<&str> = (call + 3..end).map(|n| word(text, tokens, n)).collect();
    let is_kept = rest.iter().all(|w| {
        matches!(*w, "." | "(" | ")" | "?" | "unwrap" | "expect" | "await" | "unwrap_or_else" | "|" | ":")
            || w.starts_with('"')
            || w.chars().all(|c| c.is_alphanumeric() || c == '_')
                && matches!(*w, "e" | "err" | "into_inner" | "PoisonError")
    });
    if !is_kept {
        return None;
    }
    let name = word(text, tokens, name_at);
    let mut depth = 0i32;
    for n in end..tokens.len() {
        match word(text, tokens, n) {
            "{" => depth += 1,
            "}" => depth -= 1,
            "drop" if depth == 0 && word(text, tokens, n + 2) == name => return Some(n),
            _ => {}
        }
        if depth < 0 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_reads_as_git_writes_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj";
        let new = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\n";
        insta::assert_snapshot!(diff("src/a b.rs", old, new), @r"
        diff --git a/src/a b.rs b/src/a b.rs
        --- a/src/a b.rs	
        +++ b/src/a b.rs	
        @@ -1,5 +1,5 @@
         a
        -b
        +B
         c
         d
         e
        @@ -7,4 +7,4 @@
         g
         h
         i
        -j
        \ No newline at end of file
        +j
        ");
        assert_eq!(diff("a.rs", old, old), "");
    }

    #[test]
    fn changed_words_are_marked_inside_their_lines() {
        let hunks = hunks("a.rs", "let a = f(x.clone());\r\n", "let a = f(x);\r\n");
        let marked: Vec<(&str, Vec<&str>)> = hunks[0]
            .lines
            .iter()
            .map(|l| (l.text.as_str(), l.words.iter().map(|(s, e)| &l.text[*s as usize..*e as usize]).collect()))
            .collect();
        assert_eq!(marked, [("let a = f(x.clone());", vec![".clone()"]), ("let a = f(x);", vec![])]);
    }

    #[test]
    fn lines_that_share_nothing_are_shown_as_replaced() {
        let hunks = hunks("a.rs", "alpha(beta);\n", "while gamma { delta += 1 }\n");
        assert!(hunks[0].lines.iter().all(|l| l.words.is_empty()));
    }

    #[track_caller]
    fn check_sync(old: &str, new: &str, expected: bool) {
        let found = hunks("a.rs", old, new).iter().any(|h| h.touches_sync);
        assert_eq!(found, expected, "{old:?} -> {new:?}");
    }

    #[test]
    fn synchronisation_is_seen_in_tokens() {
        check_sync("a();", "self.m.lock().unwrap().push(1);", true);
        check_sync("x.store(1, Ordering::SeqCst);", "x.store(1, Ordering::Relaxed);", true);
        check_sync("struct A(u8);", "struct A(std::sync::atomic::AtomicU64);", true);
        check_sync("unsafe { f() }", "f()", true);
        check_sync("fn f<T>() {}", "fn f<T: Send>() {}", true);
        check_sync("let m = 1;", "let (tx, rx) = mpsc::channel();", true);
        check_sync("a();", "map.read().unwrap();", true);
    }

    #[test]
    fn look_alikes_of_synchronisation_are_not_seen() {
        check_sync("a();", "a(); // Mutex, unsafe", false);
        check_sync("a();", "a(\"unsafe Mutex .lock()\");", false);
        check_sync("a(Ordering::Less);", "a(Ordering::Greater);", false);
        check_sync("a();", "file.read(&mut buffer)?;", false);
        check_sync("let lock = 1;", "let lock = 2;", false);
        check_sync("Atomic(1);", "Atomic(2);", false);
    }

    #[test]
    fn what_stands_under_a_guard_touches_synchronisation() {
        let f = |inside: &str, outside: &str| {
            format!(
                "fn f() {{\n    let g = m.lock().unwrap();\n    {inside}\n\n\n\n\n\n\n    drop(g);\n    {outside}\n}}\n"
            )
        };
        check_sync(&f("a();", "b();"), &f("c();", "b();"), true);
        check_sync(&f("a();", "b();"), &f("a();", "c();"), false);
        let n = |x: &str| format!("fn f() {{\n    let n = m.lock().unwrap().len();\n\n{x}\n}}\n");
        check_sync(&n("a();"), &n("b();"), false);
    }
}
