//! A file and a statement in; fresh names, paths of std and the place for a new statement before it out.

use super::{unused_import, without_std};
use crate::model::{TextEdit, TextRange};
use crate::source::{self, SourceFile, Template, lexer, names};

/// A name that nothing in the function around `at` uses: `base`, or `base_2` and so on.
pub fn fresh_name(file: &SourceFile, at: TextRange, base: &str) -> String {
    let range = file.item_around(at).map_or(TextRange::new(0, file.text.len()), |item| item.range);
    let text = file.slice(range);
    let taken =
        |name: &str| lexer::tokens(text).iter().any(|t| t.text(text) == name) || text.contains(&format!("{{{name}"));
    std::iter::once(base.to_owned())
        .chain((2..).map(|n| format!("{base}_{n}")))
        .find(|name| !taken(name) && !lexer::is_keyword(name))
        .unwrap_or_default()
}

/// A plain name for what is derived from an expression: `restricted` of `self.lists.restricted`.
pub fn base_name(text: &str) -> String {
    let mut words = lexer::tokens(text).into_iter().filter(|t| t.kind == lexer::TokenKind::Ident).map(|t| t.text(text));
    words.next_back().map(|word| word.trim_start_matches("r#").to_lowercase()).unwrap_or_else(|| "list".to_owned())
}

/// `HashSet` where the file imports it at its top level, else its full path.
pub fn collection(file: &SourceFile, at: TextRange, name: &str) -> String {
    if is_named(file, at, &["std", "collections", name]) {
        name.to_owned()
    } else {
        format!("std::collections::{name}")
    }
}

/// True if the file imports this path at its top level under its own name, and the place sees that.
pub fn is_named(file: &SourceFile, at: TextRange, path: &[&str]) -> bool {
    sees_top_level(file, at) && uses_of(file).any(|tree| imports(tree, path, false))
}

/// As [`is_named`], under whatever name: what a trait needs for its methods to be found.
pub fn is_imported(file: &SourceFile, at: TextRange, path: &[&str]) -> bool {
    sees_top_level(file, at) && uses_of(file).any(|tree| imports(tree, path, true))
}

fn sees_top_level(file: &SourceFile, at: TextRange) -> bool {
    file.item_around(at).is_some_and(|item| item.modules.len() == file.role.modules.len())
}

fn uses_of(file: &SourceFile) -> impl Iterator<Item = &syn::UseTree> {
    file.ast.items.iter().filter_map(|item| match item {
        syn::Item::Use(u) => Some(&u.tree),
        _ => None,
    })
}

fn imports(tree: &syn::UseTree, path: &[&str], renamed: bool) -> bool {
    match (tree, path) {
        (syn::UseTree::Path(p), [first, rest @ ..]) => p.ident == first && imports(&p.tree, rest, renamed),
        (syn::UseTree::Name(n), [last]) => n.ident == last,
        (syn::UseTree::Rename(n), [last]) => renamed && n.ident == last,
        (syn::UseTree::Group(g), path) => g.items.iter().any(|tree| imports(tree, path, renamed)),
        _ => false,
    }
}

/// Steps of indentation by which the line of `inner` stands further in than that of `outer`.
pub fn steps(file: &SourceFile, outer: u32, inner: u32) -> i32 {
    let width = |at: u32| source::indent_of(&file.text, at).len();
    let unit = source::indent_unit(&file.text, inner).len().max(1);
    (width(inner).saturating_sub(width(outer)) / unit) as i32
}

/// Fails where the file can be built without std: there are no hash collections then.
pub fn require_std(files: &[SourceFile], file: &SourceFile) -> Result<(), String> {
    if without_std::may_lack_std(files, file) {
        return Err("the crate is `no_std`: it has no hash collections".to_owned());
    }
    Ok(())
}

/// Fails where the package promises to build with a Rust that is older than what the rewrite needs.
pub fn require_rust(file: &SourceFile, minor: u32, what: &str) -> Result<(), String> {
    let promised = file.role.rust_version;
    if promised != 0 && promised < minor {
        return Err(format!("the package builds with Rust 1.{promised}, and {what} came with 1.{minor}"));
    }
    Ok(())
}

/// Inserts statements before a statement, above the comments that belong to it.
pub fn insert_before(file: &SourceFile, statement: TextRange, new: &str) -> Vec<TextEdit> {
    let at = above_comments(file, statement.start);
    Template::new(file, TextRange::at(at as usize)).text(format!("{new}\n")).edits()
}

/// Inserts statements after a statement, below what is written behind it on its line.
pub fn insert_after(file: &SourceFile, statement: TextRange, new: &str) -> Vec<TextEdit> {
    let end = statement.end as usize;
    let line = file.text[end..].split('\n').next().unwrap_or_default().trim_end();
    let is_comment = line.trim_start().starts_with("//");
    let at = if is_comment { end + line.len() } else { end };
    let indent = source::indent_of(&file.text, statement.start);
    vec![TextEdit { range: TextRange::at(at), text: format!("\n{indent}{new}") }]
}

/// The text of a range with edits inside it applied.
pub fn edited(file: &SourceFile, range: TextRange, edits: &[TextEdit]) -> String {
    let mut inside: Vec<&TextEdit> = edits.iter().filter(|edit| range.contains(edit.range)).collect();
    inside.sort_by_key(|edit| std::cmp::Reverse(edit.range));
    let mut text = file.slice(range).to_owned();
    for edit in inside {
        let (start, end) = ((edit.range.start - range.start) as usize, (edit.range.end - range.start) as usize);
        text.replace_range(start..end, &edit.text);
    }
    text
}

/// An `if … { first } else { second }` turned: another condition, under which `second` (as text) runs, and else `first`.
pub fn turned(
    file: &SourceFile,
    whole: TextRange,
    condition: &str,
    second: String,
    first: TextRange,
) -> Result<TextEdit, String> {
    let condition_range = TextRange { start: whole.start, end: first.start };
    if !lexer::comments(file.slice(condition_range)).is_empty() {
        return Err("a comment stands in the condition".to_owned());
    }
    Ok(TextEdit { range: whole, text: format!("if {condition} {second} else {}", file.slice(first)) })
}

/// Edits in which several insertions at one place have become one, in the order given.
pub fn joined(edits: Vec<TextEdit>) -> Vec<TextEdit> {
    let mut out: Vec<TextEdit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match out.iter_mut().find(|known| known.range.is_empty() && known.range == edit.range) {
            Some(known) => known.text.push_str(&edit.text),
            None => out.push(edit),
        }
    }
    out
}

/// Edits in which an insertion directly before a replaced range has become part of the replacement.
pub fn merged(edits: Vec<TextEdit>) -> Vec<TextEdit> {
    let mut edits = joined(edits);
    edits.sort();
    let mut out: Vec<TextEdit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match out.last_mut().filter(|known| known.range.is_empty() && known.range.start == edit.range.start) {
            Some(known) => *known = TextEdit { range: edit.range, text: format!("{}{}", known.text, edit.text) },
            None => out.push(edit),
        }
    }
    out
}

/// Start of the comment lines that stand directly above a place, or the place.
pub fn above_comments(file: &SourceFile, mut at: u32) -> u32 {
    let comments = lexer::comments(&file.text);
    let mut line = file.lines().line(at);
    while line > 1 {
        let above = file.lines().extent(&file.text, line - 1);
        let text = file.slice(above);
        let start = above.start + (text.len() - text.trim_start().len()) as u32;
        if !comments.iter().any(|c| c.start == start && c.end == above.start + text.trim_end().len() as u32) {
            break;
        }
        (at, line) = (start, line - 1);
    }
    at
}

/// Another type of the same module instead of one, `[old, new]`, where it is spelled: its import is renamed where nothing else of the file
/// needs it, and the new name is spelled in full where the file does not import it.
pub(super) fn renamed(
    file: &SourceFile,
    at: TextRange,
    module: &[&str],
    [old, new]: [&str; 2],
    spelled: &[TextRange],
) -> Vec<TextEdit> {
    let is_it = |t: &&lexer::Token| t.kind == lexer::TokenKind::Ident && t.text(&file.text) == old;
    let mentions = file.tokens.iter().filter(is_it).map(|t| t.range);
    let rest: Vec<TextRange> = mentions.filter(|range| !spelled.contains(range)).collect();
    let in_use = |range: &TextRange| {
        file.ast.items.iter().any(|item| matches!(item, syn::Item::Use(_)) && file.range(item).contains(*range))
    };
    let imported = names::imports(file, new);
    let full = [module, &[new]].concat().join("::");
    let mut edits = match rest.as_slice() {
        [only] if in_use(only) && imported.is_empty() => vec![TextEdit { range: *only, text: new.to_owned() }],
        _ => unused_import::dropped(file, at, &[module, &[old]].concat(), &[old], spelled),
    };
    let is_named = edits.iter().any(|edit| edit.text == new) || imported == [full.clone()];
    let called = if is_named { new.to_owned() } else { full };
    edits.extend(spelled.iter().map(|range| TextEdit { range: *range, text: called.clone() }));
    edits
}

/// Fails where somebody who may see what is private in the file names it, but for its own code: a module below, or a test.
pub(super) fn refuse_other_users(files: &[SourceFile], file: &SourceFile, name: &str) -> Result<(), String> {
    let (folder, own) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let is_root = ["mod.rs", "lib.rs", "main.rs"].contains(&own);
    let below = if is_root { folder } else { file.path.trim_end_matches(".rs") };
    let named = |other: &SourceFile| -> Vec<TextRange> {
        let is_it = |t: &&lexer::Token| t.kind == lexer::TokenKind::Ident && t.text(&other.text) == name;
        other.tokens.iter().filter(is_it).map(|t| t.range).collect()
    };
    let is_below = |other: &&SourceFile| other.path != file.path && other.path.starts_with(below);
    if let Some(other) = files.iter().filter(is_below).find(|other| !named(other).is_empty()) {
        return Err(format!("`{name}` is named in {}, which may see it", other.path));
    }
    // A local of a test may have the same name: it is neither reached by a dot nor called.
    let is_meant = |range: TextRange| {
        let (before, behind) = (&file.text[..range.start as usize], &file.text[range.end as usize..]);
        before.trim_end().ends_with('.') || behind.trim_start().starts_with('(')
    };
    if named(file).into_iter().any(|range| file.is_in_test(range) && is_meant(range)) {
        return Err(format!("a test names `{name}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::testing::parse;

    #[test]
    fn names_are_fresh_in_their_function() {
        let file = parse("fn f() { seen_set(); println!(\"{seen_set_2}\"); }\nfn g() { seen_set_3(); }");
        assert_eq!(fresh_name(&file, TextRange::new(10, 11), "seen_set"), "seen_set_3");
        assert_eq!(fresh_name(&file, TextRange::new(10, 11), "other"), "other");
        assert_eq!(base_name("self.lists.r#restricted"), "restricted");
    }

    #[test]
    fn an_import_at_the_top_is_used_and_none_in_an_inner_module() {
        let file = parse("use std::collections::{BTreeMap, HashSet};\nfn f() { a }\nmod m { fn g() { b } }");
        let at = |needle: &str| TextRange::at(file.text.find(needle).unwrap());
        assert_eq!(collection(&file, at("a }"), "HashSet"), "HashSet");
        assert_eq!(collection(&file, at("a }"), "HashMap"), "std::collections::HashMap");
        assert_eq!(collection(&file, at("b }"), "HashSet"), "std::collections::HashSet");
    }

    #[test]
    fn what_came_later_than_the_promised_rust_is_refused() {
        let mut file = parse("fn f() {}");
        assert_eq!(require_rust(&file, 65, "`let … else`"), Ok(()));
        file.role.rust_version = 60;
        let reason = "the package builds with Rust 1.60, and `let … else` came with 1.65";
        assert_eq!(require_rust(&file, 65, "`let … else`"), Err(reason.to_owned()));
        assert_eq!(require_rust(&file, 56, "closures"), Ok(()));
    }

    #[test]
    fn new_statements_stand_above_the_comments_of_the_old() {
        let file = parse("fn f() {\n    a(); // of a\n    // of b\n    // more\n    b();\n}\n");
        let start = file.text.find("b();").unwrap();
        let edits = insert_before(&file, TextRange::new(start, start + 4), "new();");
        assert_eq!(edits[0].range.start as usize, file.text.find("// of b").unwrap());
        assert_eq!(edits[0].text, "new();\n    ");
    }
}
