//! The edits of a file in; why a crate that can be built without std could not take them, out.

use std::collections::HashSet;

use crate::model::TextEdit;
use crate::source::SourceFile;
use crate::source::lexer::{self, TokenKind};

/// What std puts before every module, and a crate without std imports from `alloc` where it wants it.
const OF_STD: &[&str] =
    &["Box", "String", "ToOwned", "ToString", "Vec", "eprint", "eprintln", "format", "print", "println", "vec"];

/// True if the crate of the file says `no_std`, be it under a condition, and the file does not import from std in all
/// builds.
pub fn may_lack_std(files: &[SourceFile], file: &SourceFile) -> bool {
    let of_crate = files.iter().filter(|f| f.role.krate == file.role.krate);
    let says_so = of_crate.flat_map(|f| &f.ast.attrs).any(is_no_std);
    let imports = |item: &syn::Item| match item {
        syn::Item::Use(u) if u.attrs.is_empty() => {
            matches!(&u.tree, syn::UseTree::Path(path) if path.ident == "std")
        }
        _ => false,
    };
    says_so && !file.ast.items.iter().any(imports)
}

/// `#![no_std]`, and `#![cfg_attr(…, no_std)]`.
fn is_no_std(attribute: &syn::Attribute) -> bool {
    match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("no_std"),
        syn::Meta::List(list) if list.path.is_ident("cfg_attr") => {
            words(&list.tokens.to_string()).any(|w| w == "no_std")
        }
        _ => false,
    }
}

/// Why the edits cannot be made: they bring a word into the file that is not there in a build without std.
pub fn refusal(files: &[SourceFile], file: &SourceFile, edits: &[TextEdit]) -> Option<String> {
    if !may_lack_std(files, file) {
        return None;
    }
    let known: HashSet<&str> = words(&file.text).collect();
    let new = || edits.iter().flat_map(|edit| words(&edit.text));
    let count_of_std = |word: &&str| *word == "std";
    let before = edits.iter().flat_map(|edit| words(file.slice(edit.range))).filter(count_of_std).count();
    let brings_std = new().filter(count_of_std).count() > before;
    let word = if brings_std { Some("std") } else { new().find(|word| OF_STD.contains(word) && !known.contains(word)) };
    word.map(|word| format!("the crate can be built without std, and the rewrite would need `{word}`"))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    lexer::tokens(text).into_iter().filter(|t| t.kind == TokenKind::Ident).map(|t| t.text(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextRange;
    use crate::rewrite::testing::{check_refuses, parse};

    fn refused(text: &str, new: &str) -> Option<String> {
        let file = parse(text);
        let at = text.find("old()").expect("a place to edit");
        let edits = [TextEdit { range: TextRange::new(at, at + 5), text: new.to_owned() }];
        refusal(std::slice::from_ref(&file), &file, &edits)
    }

    const CONDITIONAL: &str = "#![cfg_attr(not(feature = \"std\"), no_std)]\n";

    #[test]
    fn a_crate_that_may_lack_std_takes_nothing_of_it() {
        let why = |word: &str| Some(format!("the crate can be built without std, and the rewrite would need `{word}`"));
        for head in [CONDITIONAL, "#![no_std]\n"] {
            let of = |body: &str| format!("{head}{body}");
            assert_eq!(refused(&of("fn f() { old() }"), "std::str::from_utf8(b)"), why("std"));
            assert_eq!(refused(&of("fn f() { old() }"), "{ let v: Vec<u8> = a; v }"), why("Vec"));
            let gated = of("#[cfg(feature = \"std\")]\nuse std::io;\nfn f() { old() }");
            assert_eq!(refused(&gated, "std::str::from_utf8(b)"), why("std"));
        }
    }

    #[test]
    fn what_the_file_has_in_all_builds_may_be_used_again() {
        assert_eq!(refused("fn f() { old() }", "std::str::from_utf8(b)"), None);
        let of = |body: &str| format!("{CONDITIONAL}{body}");
        assert_eq!(refused(&of("fn f() { old() }"), "core::str::from_utf8(b)"), None);
        assert_eq!(refused(&of("use alloc::vec::Vec; fn f() { old() }"), "Vec::new()"), None);
        assert_eq!(refused(&of("use std::io::Read;\nfn f() { old() }"), "std::str::from_utf8(b)"), None);
        assert_eq!(refused(&of("fn f() { old() /* Vec */ }"), "\"std::Vec\""), None);
    }

    #[test]
    fn rules_refuse_in_such_a_crate() {
        check_refuses(
            "nth-char-in-loop",
            &format!("{CONDITIONAL}fn f(t: &str) {{ for i in 0..9 {{ g(t.chars().nth(i)); }} }}"),
            "the crate can be built without std, and the rewrite would need `Vec`",
        );
        check_refuses(
            "linear-lookup-in-loop",
            &format!("{CONDITIONAL}fn f(is: &[u8], ps: &[u8]) {{ for i in is {{ ps.contains(i); }} }}"),
            "the crate is `no_std`: it has no hash collections",
        );
    }
}
