//! An import and what a rewrite takes away in; the edits that drop the import where nothing needs it any more, out.

use super::hoist;
use crate::model::{TextEdit, TextRange};
use crate::source::{SourceFile, lexer};

/// Drops `path` from the `use` declarations of the module around a place, unless one of the words stands in it outside of
/// what goes. The words are what needs the import: its name, for a trait its methods and macros as well.
pub fn dropped(file: &SourceFile, at: TextRange, path: &[&str], words: &[&str], gone: &[TextRange]) -> Vec<TextEdit> {
    let (items, scope) = module_around(file, at);
    let uses: Vec<&syn::ItemUse> =
        items.iter().filter_map(|item| if let syn::Item::Use(u) = item { Some(u) } else { None }).collect();
    let Some((item, found)) = uses.iter().find_map(|item| Some((*item, find(file, &item.tree, path, None)?))) else {
        return Vec::new();
    };
    let mut left_out: Vec<TextRange> = uses.iter().map(|item| file.range(*item)).collect();
    left_out.extend(gone);
    left_out.extend(closed_modules(file, items));
    if is_needed(file, scope, words, &left_out) {
        return Vec::new();
    }
    match found {
        Some(group) => vec![group.without(file)],
        None => vec![TextEdit { range: whole(file, file.range(item)), text: String::new() }],
    }
}

/// The lines of an item; behind a BOM, which stands on the first of them, the item and its line end.
fn whole(file: &SourceFile, item: TextRange) -> TextRange {
    let lines = hoist::whole_lines(file, item);
    let behind = &file.text[item.end as usize..];
    let newline = [("\r\n", 2), ("\n", 1)].into_iter().find(|(eol, _)| behind.starts_with(eol));
    match newline {
        Some((_, length)) if lines == item => TextRange { start: item.start, end: item.end + length },
        _ => lines,
    }
}

/// The items of the innermost inline module around a place, and its bytes.
fn module_around(file: &SourceFile, at: TextRange) -> (&[syn::Item], TextRange) {
    let mut items: &[syn::Item] = &file.ast.items;
    let mut scope = TextRange::new(0, file.text.len());
    loop {
        let inner = items.iter().find_map(|item| match item {
            syn::Item::Mod(m) if file.range(m).contains(at) => Some((m.content.as_ref()?.1.as_slice(), file.range(m))),
            _ => None,
        });
        match inner {
            Some(found) => (items, scope) = found,
            None => return (items, scope),
        }
    }
}

/// Inline modules that see nothing of what stands around them.
fn closed_modules(file: &SourceFile, items: &[syn::Item]) -> Vec<TextRange> {
    let modules = items.iter().filter_map(|item| match item {
        syn::Item::Mod(m) => Some(file.range(m)),
        _ => None,
    });
    modules
        .filter(|range| !lexer::tokens(file.slice(*range)).iter().any(|t| t.text(file.slice(*range)) == "super"))
        .collect()
}

fn is_needed(file: &SourceFile, scope: TextRange, words: &[&str], left_out: &[TextRange]) -> bool {
    let tokens: Vec<&lexer::Token> = file.tokens.iter().filter(|t| !t.is_comment()).collect();
    tokens.iter().enumerate().any(|(at, token)| {
        let is_declared = at > 0 && tokens[at - 1].text(&file.text) == "fn";
        scope.contains(token.range)
            && words.contains(&token.text(&file.text))
            && !is_declared
            && !left_out.iter().any(|range| range.contains(token.range))
    })
}

/// The brackets around a name in a `use`, what stands in them, and which of it the name is.
struct Group {
    whole: TextRange,
    items: Vec<TextRange>,
    at: usize,
}

impl Group {
    /// The list without the name: one name alone needs no brackets.
    fn without(&self, file: &SourceFile) -> TextEdit {
        let name = self.items[self.at];
        let (range, text) = match (self.items.as_slice(), self.items.get(self.at + 1)) {
            ([_, _], _) => (self.whole, file.slice(self.items[1 - self.at]).to_owned()),
            (_, Some(next)) => (TextRange { start: name.start, end: next.start }, String::new()),
            _ => (TextRange { start: self.items[self.at - 1].end, end: name.end }, String::new()),
        };
        TextEdit { range, text }
    }
}

/// Where a tree imports the path; the group that it stands in, if it is not alone.
fn find(file: &SourceFile, tree: &syn::UseTree, path: &[&str], group: Option<Group>) -> Option<Option<Group>> {
    match (tree, path) {
        (syn::UseTree::Path(p), [first, rest @ ..]) if p.ident == first => {
            find(file, &p.tree, rest, group.filter(|_| matches!(&*p.tree, syn::UseTree::Name(_))))
        }
        (syn::UseTree::Name(n), [only]) if n.ident == only => Some(group),
        (syn::UseTree::Group(g), path) if g.items.len() > 1 => {
            let items: Vec<TextRange> = g.items.iter().map(|tree| file.range(tree)).collect();
            let whole = file.span_range(g.brace_token.span.join());
            g.items
                .iter()
                .enumerate()
                .find_map(|(at, tree)| find(file, tree, path, Some(Group { whole, items: items.clone(), at })))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::testing::parse;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let file = parse(&text.replace('|', ""));
        let at = text.find('|').unwrap();
        let end = at + text[at + 1..].find('|').unwrap();
        let gone = TextRange::new(at, end);
        let mut edits = dropped(&file, gone, &["std", "collections", "HashMap"], &["HashMap"], &[gone]);
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
        let mut new = file.text.clone();
        edits.iter().for_each(|edit| new.replace_range(edit.range.bytes(), &edit.text));
        assert_eq!(new, expected);
    }

    #[test]
    fn an_import_goes_with_its_last_use_in_the_module() {
        check("use std::collections::HashMap;\nfn f() { |HashMap|; }\n", "fn f() { HashMap; }\n");
        check(
            "use std::collections::{BTreeMap, HashMap};\nfn f() { |HashMap|; }\n",
            "use std::collections::BTreeMap;\nfn f() { HashMap; }\n",
        );
        check(
            "use std::{collections::HashMap, fs, io};\nfn f() { |HashMap|; }\n",
            "use std::{fs, io};\nfn f() { HashMap; }\n",
        );
        check(
            "use std::collections::HashMap;\nfn f() { |HashMap|; }\nmod m { use std::collections::HashMap; fn g() { HashMap; } }\n",
            "fn f() { HashMap; }\nmod m { use std::collections::HashMap; fn g() { HashMap; } }\n",
        );
    }

    #[test]
    fn an_import_stays_where_something_needs_it() {
        for text in [
            "use std::collections::HashMap;\nfn f() { |HashMap|; HashMap; }\n",
            "use std::collections::HashMap;\nfn f() { |HashMap|; }\nmod m { use super::*; fn g() { HashMap; } }\n",
            "use std::collections::*;\nfn f() { |HashMap|; }\n",
            "use other::HashMap;\nfn f() { |HashMap|; }\n",
        ] {
            check(text, &text.replace('|', ""));
        }
    }
}
