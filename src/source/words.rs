//! A file and words in; the functions in which one of the words stands, out.
//!
//! A rule is worth running where a word stands without which it cannot fire. Most files hold such a word, most of their
//! functions do not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::SourceFile;
use super::functions::{Function, functions};
use super::lexer::TokenKind;
use crate::model::{Item, TextRange};

/// Words that somebody looks for in many files, each with its number.
pub type Vocabulary = HashMap<&'static str, usize>;

/// Where the words of a vocabulary stand in a file.
pub struct Places {
    vocabulary: Arc<Vocabulary>,
    /// Offsets by the number of the word, in their order.
    offsets: Vec<Vec<u32>>,
}

impl Places {
    /// Looks at all names and keywords of a file; `is_likely` tells most of those that the vocabulary lacks without a search.
    pub fn of(file: &SourceFile, vocabulary: &Arc<Vocabulary>, is_likely: impl Fn(&str) -> bool) -> Places {
        let mut offsets = vec![Vec::new(); vocabulary.len()];
        for token in file.tokens.iter().filter(|t| is_word(t.kind)) {
            let word = token.text(&file.text);
            if is_likely(word)
                && let Some(number) = vocabulary.get(word)
            {
                offsets[*number].push(token.range.start);
            }
        }
        Places { vocabulary: vocabulary.clone(), offsets }
    }

    /// The numbers of the words that stand in the file.
    pub fn found(&self) -> impl Iterator<Item = usize> {
        (0..self.offsets.len()).filter(|number| !self.offsets[*number].is_empty())
    }

    /// The places of some words; `None` if one of them was not looked for.
    fn of_words(&self, words: &[&str]) -> Option<Vec<Cow<'_, [u32]>>> {
        let places = |word| Some(Cow::Borrowed(&self.offsets[*self.vocabulary.get(word)?][..]));
        words.iter().copied().map(places).collect()
    }
}

impl SourceFile {
    /// Remembers where words stand, so that nobody has to look through the tokens for them again.
    pub fn know_words(&self, places: Places) {
        let _ = self.words.set(places);
    }

    fn places(&self, words: &[&str]) -> Vec<Cow<'_, [u32]>> {
        self.words.get().and_then(|places| places.of_words(words)).unwrap_or_else(|| {
            let names = self.tokens.iter().filter(|t| is_word(t.kind));
            let named = names.filter(|t| words.contains(&t.text(&self.text)));
            vec![Cow::Owned(named.map(|t| t.range.start).collect())]
        })
    }
}

fn is_word(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Ident | TokenKind::Keyword)
}

/// True if one of the ordered offsets is in the range.
fn is_in(range: TextRange, offsets: &[u32]) -> bool {
    let next = offsets.partition_point(|offset| *offset < range.start);
    offsets.get(next).is_some_and(|offset| *offset < range.end)
}

/// Functions outside tests in which one of the words stands, those around nested functions included, in the order of the text.
pub fn functions_with<'a>(file: &'a SourceFile, words: &[&str]) -> impl Iterator<Item = Function<'a>> + use<'a> {
    let (functions, places) = (functions(file), file.places(words));
    // Both list the functions that have bodies, as they begin.
    debug_assert_eq!(functions.len(), file.items.len(), "{}", file.path);
    let is_worth_it = move |(function, item): &(Function<'_>, &Item)| {
        !function.is_test && places.iter().any(|offsets| is_in(item.range, offsets))
    };
    functions.into_iter().zip(&file.items).filter(is_worth_it).map(|(function, _)| function)
}

/// The bodies of these functions, nested functions as bodies of their own.
pub fn bodies_with<'a>(file: &'a SourceFile, words: &[&str]) -> impl Iterator<Item = &'a syn::Block> + use<'a> {
    functions_with(file, words).map(|function| function.block)
}

/// The blocks of these functions, those of closures included.
pub fn blocks_with<'a>(file: &'a SourceFile, words: &[&str]) -> impl Iterator<Item = &'a syn::Block> + use<'a> {
    bodies_with(file, words).flat_map(super::shapes::blocks_in)
}

/// The calls of methods in these functions, those inside closures included.
pub fn method_calls_with<'a>(
    file: &'a SourceFile,
    words: &[&str],
) -> impl Iterator<Item = &'a syn::ExprMethodCall> + use<'a> {
    bodies_with(file, words).flat_map(super::shapes::exprs).filter_map(|expr| match expr {
        syn::Expr::MethodCall(call) => Some(call),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    const TEXT: &str = "\
struct Clone;
/// clone
fn none() { \"clone\"; }
fn one() { a.clone(); }
fn outer() { fn inner() { b.clone(); } }
mod m { impl T { #[inline(clone)] fn marked(&self) {} fn lent(&self) { self.lent(); } } }
trait D { fn left(&self); fn kept(&self) { clone } }
#[cfg(test)] mod tests { fn test() { a.clone(); } }
const F: fn() = { fn hidden() { clone } hidden };
";

    #[track_caller]
    fn check(file: &SourceFile, words: &[&str]) {
        let names: Vec<String> = functions_with(file, words).map(|f| f.sig.ident.to_string()).collect();
        assert_eq!(names, ["one", "outer", "inner", "marked", "kept", "hidden"], "{words:?}");
    }

    #[test]
    fn only_functions_with_a_word_are_found_whether_its_places_are_known_or_not() {
        let file = SourceFile::parse("a.rs", TEXT, &FileRole::default()).unwrap();
        check(&file, &["clone", "copy"]);
        let vocabulary = Arc::new(Vocabulary::from([("copy", 0), ("clone", 1), ("lent", 2)]));
        let places = Places::of(&file, &vocabulary, |_| true);
        assert_eq!(places.found().collect::<Vec<_>>(), [1, 2]);
        file.know_words(places);
        check(&file, &["clone", "copy"]);
        check(&file, &["clone", "left", "nobody asked for"]);
    }
}
