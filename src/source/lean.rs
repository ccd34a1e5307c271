//! A text and its tokens in; the text without what no rule reads out, every other byte where it was.
//!
//! Rules read no doc comments, and nothing inside of functions of tests: libraries are a third doc comments, and a fifth of
//! their code is tests.

use super::lexer::{Token, TokenKind};
use super::tests_in;
use crate::model::TextRange;

/// A text to parse in the place of another, and its tokens.
pub(super) struct Lean {
    /// As long as the other, its lines as long too.
    pub text: String,
    /// Tokens of the other that still stand, comments among them; `None` where all do.
    pub tokens: Option<Vec<Token>>,
}

/// The text with spaces in the place of doc comments and of what stands inside of functions of tests, which all are where
/// `is_test` says so; `None` where there are none.
pub(super) fn lean(text: &str, tokens: &[Token], is_test: bool) -> Option<Lean> {
    let mut bytes: Option<Vec<u8>> = None;
    let bodies = tests_in::bodies(text, tokens, is_test);
    for body in &bodies {
        blank(bytes.get_or_insert_with(|| text.as_bytes().to_vec()), *body);
    }
    let left = (!bodies.is_empty()).then(|| without(tokens, &bodies));
    blank_docs(text, left.as_deref().unwrap_or(tokens), &mut bytes);
    // Whole comments and all between two brackets became spaces: what is left is UTF-8.
    let text = String::from_utf8(bytes?).ok()?;
    Some(Lean { text, tokens: left })
}

/// The tokens that stand in none of the ranges; both in the order of the text.
fn without(tokens: &[Token], ranges: &[TextRange]) -> Vec<Token> {
    let mut left = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    for range in ranges {
        let (before, after) = rest.split_at(rest.partition_point(|t| t.range.start < range.start));
        left.extend_from_slice(before);
        rest = &after[after.partition_point(|t| t.range.start < range.end)..];
    }
    left.extend_from_slice(rest);
    left
}

/// Blanks doc comments that fill their lines and stand before an item, a method or a public field, or inside of what they
/// document.
fn blank_docs(text: &str, tokens: &[Token], bytes: &mut Option<Vec<u8>>) {
    for (at, token) in tokens.iter().enumerate() {
        let is_inner = token.kind == TokenKind::DocComment && text[token.range.bytes()].starts_with("//!");
        if is_inner {
            blank(bytes.get_or_insert_with(|| text.as_bytes().to_vec()), token.range);
        }
        let documents = at > 0 && tokens[at - 1].is_comment() && !token.is_comment();
        if documents && begins_item(text, &tokens[at..]) {
            let docs = tokens[..at].iter().rev().take_while(|t| t.is_comment()).filter(|t| is_line_doc(text, t));
            for doc in docs {
                blank(bytes.get_or_insert_with(|| text.as_bytes().to_vec()), doc.range);
            }
        }
    }
}

fn is_line_doc(text: &str, token: &Token) -> bool {
    token.kind == TokenKind::DocComment && text[token.range.bytes()].starts_with("///")
}

fn blank(bytes: &mut [u8], range: TextRange) {
    // A line keeps its end: places are told by lines.
    for byte in bytes[range.bytes()].iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// True if the tokens, after attributes, begin with words that only an item, a method or a public field begins with.
fn begins_item(text: &str, tokens: &[Token]) -> bool {
    let mut words = tokens.iter().filter(|t| !t.is_comment()).map(|t| t.text(text)).peekable();
    while words.peek() == Some(&"#") {
        let mut depth = 0;
        for word in words.by_ref() {
            match word {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                break;
            }
        }
    }
    match words.next() {
        Some("pub" | "fn" | "struct" | "enum" | "mod" | "impl" | "trait" | "type" | "use") => true,
        Some("unsafe" | "async" | "const") => {
            words.next().is_some_and(|w| matches!(w, "fn" | "unsafe" | "impl" | "trait"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileRole, SourceFile, lexer};

    #[test]
    fn only_comments_of_items_methods_and_public_fields_go() {
        let text = "/// a\nfn a() {\n    /// odd\n    let x = 1;\n}\n// plain\nstruct S {\n    /// b\n    b: u8,\n}\n/** c */ fn c() {}\n";
        let lean = lean(text, &lexer::tokens(text), false).unwrap();
        assert_eq!(lean.text, text.replacen("/// a", "     ", 1));
        assert!(super::lean("// a\nfn a() {}", &lexer::tokens("// a\nfn a() {}"), false).is_none());
    }

    #[test]
    fn a_tree_without_doc_comments_has_the_same_ranges() {
        let text = "\u{feff}//! é\n\n/// ö\n#[a]\n// plain\n/// two\npub fn f() {\n    //! inner\n    /// odd\n    let x = 1;\n}\n\
                    /// S\npub struct S {\n    /// a\n    pub a: u8,\n    /// b\n    b: u8,\n}\n\
                    impl S {\n    /// ü\r\n    #[x([y])]\n    pub(crate) fn g() {}\n    // no doc\n    fn h() {}\n}\n\
                    mod m {\n    //! m\n    fn i() {}\n}\nenum E {\n    /// V\n    V,\n}\n/** block */ fn j() {}\n";
        let role = FileRole::default();
        let full = SourceFile::parse("a.rs", text, &role).unwrap();
        let lean = SourceFile::parse_lean("a.rs", text, &role).unwrap();
        let docs = |f: &SourceFile| super::super::functions::attributes(&f.ast.items[0]).len();
        assert_eq!((docs(&lean), docs(&full)), (1, 4));
        assert_eq!(lean.items, full.items);
        let ranges = |f: &SourceFile| -> Vec<TextRange> {
            let own = f.ast.items.iter().map(|item| f.range(item));
            let inner = f.ast.items.iter().flat_map(|item| match item {
                syn::Item::Struct(s) => s.fields.iter().map(|field| f.range(field)).collect(),
                syn::Item::Enum(e) => e.variants.iter().map(|variant| f.range(variant)).collect(),
                syn::Item::Fn(g) => g.block.stmts.iter().map(|stmt| f.range(stmt)).collect(),
                _ => Vec::new(),
            });
            own.chain(inner).collect()
        };
        assert_eq!(ranges(&lean), ranges(&full));
        assert_eq!(lean.slice(lean.items[0].range).lines().next(), Some("/// ö"));
    }

    #[test]
    fn a_tree_without_bodies_of_tests_has_the_same_functions() {
        let text = "fn a() { 1; }\n#[cfg(test)]\nmod tests {\n    use super::*;\n    /// é\n    #[test]\n    fn t() {\n        \
                    \"ü\"; // é\n    }\n    fn one() { \"ö\" } struct S { after: u8 }\n    fn outer() { fn inner() { 2; } 3; }\n}\nfn b() { 4; }\n";
        let role = FileRole::default();
        let full = SourceFile::parse("a.rs", text, &role).unwrap();
        let lean = SourceFile::parse_lean("a.rs", text, &role).unwrap();
        assert_eq!(lean.items, full.items);
        let words = |f: &SourceFile| f.tokens.iter().map(|t| t.text(text).to_owned()).collect::<Vec<_>>();
        assert!(words(&full).contains(&"2".to_owned()) && !words(&lean).contains(&"2".to_owned()));
        assert!(words(&lean).contains(&"4".to_owned()) && words(&lean).contains(&"\"ö\"".to_owned()));
        let syn::Item::Mod(tests) = &lean.ast.items[1] else { panic!("the module of tests") };
        let inside = &tests.content.as_ref().unwrap().1;
        assert_eq!(lean.slice(lean.range(&inside[3])), "struct S { after: u8 }");
        let syn::Item::Fn(empty) = &inside[1] else { panic!("a function") };
        assert!(empty.block.stmts.is_empty());
    }

    #[test]
    fn a_doc_comment_that_documents_nothing_is_still_an_error() {
        let text = "fn a() {}\n/// of nothing\n";
        assert!(SourceFile::parse("a.rs", text, &FileRole::default()).is_err());
        assert!(SourceFile::parse_lean("a.rs", text, &FileRole::default()).is_err());
    }
}
