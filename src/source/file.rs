//! One Rust file in; its syntax tree, its functions and their byte ranges out.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use super::visit::code::{self as visit, Visit};
use syn::spanned::Spanned;

use super::edges::{self, edges};
use super::{FileRole, LineIndex, hash, lean, lexer};
use crate::model::{ContentHash, FunctionId, Item, Place, Problem, TextRange};

/// One parsed file. Its syntax tree is not `Send`: convert to ranges before leaving the thread.
pub struct SourceFile {
    /// Path relative to the project root.
    pub path: String,
    /// The original text, BOM and shebang included.
    pub text: String,
    /// Hash of the text, by which edits are bound to it; empty in a lean tree, of which no edit is made.
    pub hash: ContentHash,
    /// The syntax tree; its spans count from after BOM and shebang, so use [`SourceFile::range`].
    pub ast: syn::File,
    /// Functions of this file, in the order in which they begin.
    pub items: Vec<Item>,
    /// Where it stands in its crate.
    pub role: FileRole,
    /// True if `[code] generated` or a marker in its head says that a program wrote it.
    pub is_generated: bool,
    /// Its tokens, comments among them, in the order of the text; in a lean tree none of what functions of tests do.
    pub tokens: Vec<lexer::Token>,
    lines: LineIndex,
    base: usize,
    /// True if the tree lacks doc comments and what tests do.
    is_lean: bool,
    /// What its `use` declarations bring in, once somebody asked.
    pub(super) imports: OnceCell<Vec<(String, String)>>,
    /// Where words stand that somebody looked for.
    pub(super) words: OnceCell<super::words::Places>,
    /// Its structs and enums, once somebody asked.
    pub(super) declared: OnceCell<Vec<super::bulk::Declared>>,
    /// The named fields of its structs, once somebody asked.
    pub(super) struct_fields: OnceCell<Vec<super::types::FieldDecl>>,
    /// Its types that have a `Drop` of their own, once somebody asked.
    pub(super) dropped: OnceCell<Vec<String>>,
    /// Where in memory the bodies stand in which functions are nested: few, and only these are searched for functions.
    with_functions: HashSet<usize>,
    /// Ranges of nodes of the tree by kind and place in memory: syn finds a node's span by printing all of it.
    ranges: RefCell<HashMap<(Sort, usize), TextRange>>,
}

/// Kinds of nodes whose ranges are kept. A node and its first part may stand at one place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    Item,
    Method,
    TraitMethod,
    Stmt,
    Expr,
}

/// Brackets may nest this deep; beyond it the recursive parser would need more stack than a thread has.
const MAX_NESTING: usize = 200;

impl SourceFile {
    /// Parses one file.
    ///
    /// # Errors
    /// A file that does not parse, with line and column; one with front matter, a NUL or brackets nested too deep.
    pub fn parse(path: &str, text: &str, role: &FileRole) -> Result<SourceFile, Problem> {
        SourceFile::parse_as(path, text, role, false)
    }

    /// As [`SourceFile::parse`], but the tree has no doc comments on items, methods and public fields, and functions of
    /// tests and of generated files are empty: rules flag neither. All ranges are those of the full tree.
    ///
    /// # Errors
    /// As [`SourceFile::parse`].
    pub fn parse_lean(path: &str, text: &str, role: &FileRole) -> Result<SourceFile, Problem> {
        SourceFile::parse_as(path, text, role, true)
    }

    fn parse_as(path: &str, text: &str, role: &FileRole, is_lean: bool) -> Result<SourceFile, Problem> {
        let lines = LineIndex::new(text);
        let tokens = lexer::tokens(text);
        let at = |offset: usize| {
            let (line, column) = lines.line_column(text, offset as u32);
            Place::at(path, line, column)
        };
        if let Some((offset, what)) = obstacle(text, &tokens) {
            return Err(Problem::error(what).at(at(offset)).help("this file is left out; all others are read"));
        }
        let base = stripped(text);
        let is_generated = role.is_generated || has_generated_marker(text, &tokens);
        let lean = is_lean.then(|| lean::lean(text, &tokens, role.is_test || is_generated)).flatten();
        // A doc comment that documents nothing is an error: the full text is parsed to tell it.
        let lean = lean.and_then(|lean| Some((syn::parse_file(&lean.text).ok()?, lean.tokens)));
        let is_lean = lean.is_some();
        let (ast, left) = lean.map_or_else(|| syn::parse_file(text).map(|ast| (ast, None)), Ok).map_err(|error| {
            let offset = (error.span().byte_range().start + base).min(text.len());
            Problem::error(format!("does not parse: {}", parse_message(&error)))
                .at(at(super::floor_boundary(text, offset)))
                .help("rustc says more: run cargo check")
        })?;
        let mut file = SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
            hash: if is_lean { ContentHash(String::new()) } else { hash(text) },
            ast,
            items: Vec::new(),
            role: role.clone(),
            is_generated,
            tokens: left.unwrap_or(tokens),
            lines,
            base,
            is_lean,
            imports: OnceCell::new(),
            words: OnceCell::new(),
            declared: OnceCell::new(),
            struct_fields: OnceCell::new(),
            dropped: OnceCell::new(),
            with_functions: HashSet::new(),
            ranges: RefCell::default(),
        };
        (file.items, file.with_functions) = items(&file);
        Ok(file)
    }

    /// Parses a file from its bytes.
    ///
    /// # Errors
    /// As [`SourceFile::parse`], and bytes that are not UTF-8.
    pub fn parse_bytes(path: &str, bytes: &[u8], role: &FileRole) -> Result<SourceFile, Problem> {
        match std::str::from_utf8(bytes) {
            Ok(text) => SourceFile::parse(path, text, role),
            Err(error) => {
                let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count() as u32 + 1;
                Err(Problem::error(format!("is not UTF-8 from byte {}", error.valid_up_to()))
                    .at(Place::at(path, line, 0))
                    .help("Rust sources are UTF-8: convert it, or name it under [code] generated"))
            }
        }
    }

    /// True if functions are nested in this body, which is one of the file's own tree.
    pub(super) fn has_functions(&self, body: &syn::Block) -> bool {
        self.with_functions.contains(&(std::ptr::from_ref(body) as usize))
    }

    /// Byte range of a node in the original text.
    pub fn range<T: Spanned + 'static>(&self, node: &T) -> TextRange {
        let (first, last) = edges(node);
        let start = self.byte(first.start());
        let start = if self.is_lean && edges::may_have_docs(node) { self.with_docs(start) } else { start };
        TextRange::new(start, self.byte(last.end()))
    }

    /// Where the doc comments in front of a node begin, or the node.
    fn with_docs(&self, start: usize) -> usize {
        let before = &self.tokens[..self.tokens.partition_point(|t| (t.range.start as usize) < start)];
        let comments = before.iter().rev().take_while(|t| t.is_comment());
        let docs = comments.take_while(|t| self.text.as_bytes()[t.range.start as usize + 2] != b'!');
        let docs = docs.filter(|t| t.kind == lexer::TokenKind::DocComment);
        docs.last().map_or(start, |t| t.range.start as usize)
    }

    /// As [`SourceFile::range`], kept for the next time: for nodes that stand in this file's own tree, and no others.
    pub(super) fn range_in_tree<T: Spanned + 'static>(&self, sort: Sort, node: &T) -> TextRange {
        let key = (sort, std::ptr::from_ref(node) as usize);
        *self.ranges.borrow_mut().entry(key).or_insert_with(|| self.range(node))
    }

    /// Byte range of a span of this file's tree in the original text.
    pub fn span_range(&self, span: proc_macro2::Span) -> TextRange {
        TextRange::new(self.byte(span.start()), self.byte(span.end()))
    }

    /// The byte of a place in the tree. Lines are looked up here, because proc-macro2 knows places in characters and
    /// finds their bytes by counting through the text.
    fn byte(&self, place: proc_macro2::LineColumn) -> usize {
        let start = match place.line {
            0 | 1 => self.base,
            line => self.lines.start(line as u32) as usize,
        };
        let rest = &self.text.as_bytes()[start..];
        if rest.get(..place.column).is_some_and(<[u8]>::is_ascii) {
            return start + place.column;
        }
        let mut chars = self.text[start..].char_indices();
        chars.nth(place.column).map_or(self.text.len(), |(at, _)| start + at)
    }

    /// The text of a range.
    pub fn slice(&self, range: TextRange) -> &str {
        &self.text[range.bytes()]
    }

    /// The text of a range without the line breaks and indentation inside it: `self.groups` of a chain over two lines.
    pub fn on_one_line(&self, range: TextRange) -> String {
        self.slice(range).lines().map(str::trim).collect()
    }

    /// The text of a node.
    pub fn text_of<T: Spanned + 'static>(&self, node: &T) -> &str {
        self.slice(self.range(node))
    }

    /// Where the lines begin.
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// Line and column (in characters), both from 1, of a byte offset.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        self.lines.line_column(&self.text, offset)
    }

    /// The innermost function around a byte range.
    pub fn item_around(&self, range: TextRange) -> Option<&Item> {
        let candidates = self.items.partition_point(|i| i.range.start <= range.start);
        // Items either nest or are disjoint, so the last one to begin among those that contain the range is innermost.
        self.items[..candidates].iter().rev().find(|i| i.range.contains(range))
    }

    /// True inside a function of a test: a scan leaves its body out of the tree, but not out of the tokens.
    pub fn is_in_test(&self, range: TextRange) -> bool {
        self.item_around(range).is_some_and(|item| item.is_test)
    }
}

/// What syn says, but for its words for a text that has no tokens.
pub(super) fn parse_message(error: &syn::Error) -> String {
    match error.to_string().as_str() {
        "cannot parse string into token stream" => "brackets or quotes do not match".to_owned(),
        message => message.to_owned(),
    }
}

/// Frees the source texts that proc-macro2 keeps for the spans of this thread.
///
/// Every parse leaves its text behind for the life of the thread. Call this only where the thread holds no
/// [`SourceFile`]: ranges of older trees would be wrong or panic afterwards.
pub fn forget_spans() {
    proc_macro2::extra::invalidate_current_thread_spans();
}

/// Number of bytes that `syn::parse_file` strips (BOM, shebang) before it starts to count.
pub(super) fn stripped(text: &str) -> usize {
    let content = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bom = text.len() - content.len();
    if !content.starts_with("#!") {
        return bom;
    }
    match lexer::tokens(&content[..content.find('\n').unwrap_or(content.len())]).first() {
        Some(token) if token.kind == lexer::TokenKind::Shebang => bom + content.find('\n').unwrap_or(content.len()),
        _ => bom,
    }
}

fn obstacle(text: &str, tokens: &[lexer::Token]) -> Option<(usize, String)> {
    if let Some(at) = memchr::memchr(0, text.as_bytes()) {
        return Some((at, "contains a NUL character".to_owned()));
    }
    let shebang = tokens.first().filter(|t| t.kind == lexer::TokenKind::Shebang).map_or(0, |t| t.range.end as usize);
    let head = text[shebang..].trim_start_matches('\u{feff}').trim_start();
    if head.starts_with("---") {
        return Some((text.len() - head.len(), "has front matter, which is not read yet".to_owned()));
    }
    let mut depth = 0usize;
    for token in tokens.iter().filter(|t| t.kind == lexer::TokenKind::Punct) {
        match text.as_bytes()[token.range.start as usize] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Some((token.range.start as usize, format!("nests brackets deeper than {MAX_NESTING}")));
        }
    }
    None
}

/// Generators announce themselves in a comment before the first item.
fn has_generated_marker(text: &str, tokens: &[lexer::Token]) -> bool {
    tokens.iter().take_while(|t| t.is_comment() || t.kind == lexer::TokenKind::Shebang).any(|t| {
        let comment = t.text(text).to_ascii_lowercase();
        comment.contains("@generated")
            || comment.contains("automatically generated")
            || comment.contains("auto-generated")
            || (comment.contains("do not edit") && comment.contains("generated"))
    })
}

/// The functions of a file, and where the bodies stand that others are nested in.
fn items(file: &SourceFile) -> (Vec<Item>, HashSet<usize>) {
    let role = &file.role;
    let twin = if role.twin > 1 { format!("#{}", role.twin) } else { String::new() };
    let path = std::iter::once(role.krate.as_str()).chain(role.modules.iter().map(String::as_str));
    let scope = Scope {
        path: path.filter(|s| !s.is_empty()).collect::<Vec<_>>().join("::") + &twin,
        modules: role.modules.clone(),
        is_test: role.is_test,
        ..Scope::default()
    };
    let mut walk = ItemWalk { file, beside: &file.ast.items, scope, out: Vec::new(), with_functions: HashSet::new() };
    walk.visit_file(&file.ast);
    let mut items = walk.out;
    items.sort_by_key(|i| (i.range.start, std::cmp::Reverse(i.range.end)));
    number_twins(&mut items);
    (items, walk.with_functions)
}

/// Gives the second and later functions of one path (cfg twins, for example) a `#n`.
fn number_twins(items: &mut [Item]) {
    let mut seen: std::collections::HashMap<FunctionId, u32> = std::collections::HashMap::new();
    for item in items {
        let count = seen.entry(item.id.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            item.id.0.push_str(&format!("#{count}"));
        }
    }
}

#[derive(Clone, Default)]
struct Scope {
    /// Path of what is around, with crate and modules.
    path: String,
    modules: Vec<String>,
    self_type: String,
    trait_name: String,
    is_test: bool,
    is_beside_type: bool,
}

struct ItemWalk<'a> {
    file: &'a SourceFile,
    /// What stands beside the item that is walked, in its file or inline module.
    beside: &'a [syn::Item],
    scope: Scope,
    out: Vec<Item>,
    with_functions: HashSet<usize>,
}

impl<'a> ItemWalk<'a> {
    fn within(&mut self, scope: Scope, walk: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.scope, scope);
        walk(self);
        self.scope = outer;
    }

    fn join(&self, segment: &str) -> String {
        if self.scope.path.is_empty() { segment.to_owned() } else { format!("{}::{segment}", self.scope.path) }
    }

    fn function<T: Spanned + 'static>(
        &mut self,
        node: &T,
        attrs: &[syn::Attribute],
        sig: &syn::Signature,
        block: &'a syn::Block,
    ) {
        let name = plain(&sig.ident);
        let path = self.join(&name);
        let range = self.file.range(node);
        let signature = self.file.byte(edges::first_of_signature(sig).start()) as u32;
        let is_test = self.scope.is_test || attrs.iter().any(is_test_attribute);
        self.out.push(Item {
            id: FunctionId(path.clone()),
            krate: self.file.role.krate.clone(),
            modules: self.scope.modules.clone(),
            self_type: self.scope.self_type.clone(),
            trait_name: self.scope.trait_name.clone(),
            name,
            file: self.file.path.clone(),
            range,
            body: self.file.span_range(block.brace_token.span.join()),
            line: self.file.lines.line(signature),
            end_line: self.file.lines.line(range.end.saturating_sub(1)),
            is_async: sig.asyncness.is_some(),
            is_test,
            is_generated: self.file.is_generated,
            is_beside_type: self.scope.is_beside_type,
        });
        let inner = Scope { path, is_test, modules: self.scope.modules.clone(), ..Scope::default() };
        let before = self.out.len();
        self.within(inner, |walk| visit::visit_block(walk, block));
        if self.out.len() > before {
            self.with_functions.insert(std::ptr::from_ref(block) as usize);
        }
    }
}

impl<'ast> Visit<'ast> for ItemWalk<'ast> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.function(node, &node.attrs, &node.sig, &node.block);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.function(node, &node.attrs, &node.sig, &node.block);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.function(node, &node.attrs, &node.sig, block);
        }
    }

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        let mut scope = self.scope.clone();
        scope.path = self.join(&plain(&node.ident));
        scope.modules.push(plain(&node.ident));
        scope.is_test |= node.attrs.iter().any(is_test_attribute);
        let outer = self.beside;
        self.beside = node.content.as_ref().map_or(&[], |(_, items)| items);
        self.within(scope, |walk| visit::visit_item_mod(walk, node));
        self.beside = outer;
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let self_type = type_head(&node.self_ty);
        let trait_name = node.trait_.as_ref().map(|(path, _)| path_head(path)).unwrap_or_default();
        let segment = if trait_name.is_empty() { self_type.clone() } else { format!("<{self_type} as {trait_name}>") };
        let mut scope = self.scope.clone();
        scope.path = self.join(&segment);
        scope.is_test |= node.attrs.iter().any(is_test_attribute);
        scope.is_beside_type = self.beside.iter().any(|item| declares(item, &self_type));
        (scope.self_type, scope.trait_name) = (self_type, trait_name);
        self.within(scope, |walk| visit::visit_item_impl(walk, node));
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        let mut scope = self.scope.clone();
        scope.path = self.join(&plain(&node.ident));
        scope.trait_name = plain(&node.ident);
        self.within(scope, |walk| visit::visit_item_trait(walk, node));
    }
}

/// True for a struct, enum or union of that name.
fn declares(item: &syn::Item, name: &str) -> bool {
    match item {
        syn::Item::Struct(s) => s.ident == name,
        syn::Item::Enum(e) => e.ident == name,
        syn::Item::Union(u) => u.ident == name,
        _ => false,
    }
}

/// A name without `r#`.
fn plain(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

fn path_head(path: &syn::Path) -> String {
    path.segments.last().map(|s| plain(&s.ident)).unwrap_or_default()
}

/// The name by which people call a type: `Scorer` of `&mut risk::Scorer<'_, T>`.
pub(super) fn type_head(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Path(p) => path_head(&p.path),
        syn::Type::Reference(r) => type_head(&r.elem),
        syn::Type::Paren(p) => type_head(&p.elem),
        syn::Type::Group(g) => type_head(&g.elem),
        syn::Type::Slice(s) => format!("[{}]", type_head(&s.elem)),
        syn::Type::Array(a) => format!("[{}]", type_head(&a.elem)),
        syn::Type::TraitObject(t) => t
            .bounds
            .iter()
            .find_map(|b| match b {
                syn::TypeParamBound::Trait(t) => Some(format!("dyn {}", path_head(&t.path))),
                _ => None,
            })
            .unwrap_or_default(),
        syn::Type::Tuple(_) => "(…)".to_owned(),
        _ => "_".to_owned(),
    }
}

/// `#[test]`, `#[tokio::test]`, `#[bench]`, or a `cfg` that names `test` other than in `not(…)`.
pub fn is_test_attribute(attr: &syn::Attribute) -> bool {
    if matches!(attr.meta, syn::Meta::NameValue(_)) {
        return false;
    }
    let Some(head) = attr.path().segments.last().map(|segment| &segment.ident) else { return false };
    if *head == "cfg" {
        return attr.meta.require_list().is_ok_and(|list| names_test(list.tokens.clone()));
    }
    ["test", "bench", "rstest", "test_case", "proptest"].iter().any(|name| *head == name)
}

/// [`is_test_attribute`] of the text of an attribute.
pub(super) fn says_test(attribute: &str) -> bool {
    // Every word that it knows has one of these in it.
    (attribute.contains("test") || attribute.contains("bench"))
        && syn::parse::Parser::parse_str(syn::Attribute::parse_outer, attribute)
            .is_ok_and(|parsed| parsed.iter().any(is_test_attribute))
}

fn names_test(tokens: proc_macro2::TokenStream) -> bool {
    let mut in_not = false;
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Ident(ident) if ident == "test" => return true,
            proc_macro2::TokenTree::Ident(ident) => in_not = ident == "not",
            proc_macro2::TokenTree::Group(group) if !in_not && names_test(group.stream()) => return true,
            _ => in_not = false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> SourceFile {
        let role = FileRole { krate: "pay".into(), modules: vec!["risk".into()], ..FileRole::default() };
        SourceFile::parse("src/risk.rs", text, &role).unwrap()
    }

    #[track_caller]
    fn check_ids(text: &str, expected: &[&str]) {
        let file = parse(text);
        let found: Vec<_> = file.items.iter().map(|i| i.id.0.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn functions_get_the_path_of_what_is_around_them() {
        check_ids(
            "fn free() { fn inner() {} }
             mod deep { pub async fn f() {} }
             struct S<T>(T);
             impl<T> S<T> { fn method(&self) {} }
             impl<'a> std::fmt::Display for &'a S<u8> { fn fmt(&self) {} }
             trait Score { fn must(&self); fn may(&self) {} }
             const _: () = { fn hidden() {} };",
            &[
                "pay::risk::free",
                "pay::risk::free::inner",
                "pay::risk::deep::f",
                "pay::risk::S::method",
                "pay::risk::<S as Display>::fmt",
                "pay::risk::Score::may",
                "pay::risk::hidden",
            ],
        );
    }

    #[test]
    fn twins_of_one_path_are_numbered() {
        check_ids(
            "#[cfg(unix)] fn f() {} #[cfg(windows)] fn f() {} fn g() {}",
            &["pay::risk::f", "pay::risk::f#2", "pay::risk::g"],
        );
    }

    #[test]
    fn ranges_count_bytes_of_the_original_with_bom_shebang_and_other_letters() {
        for head in ["", "\u{feff}", "#!/usr/bin/env run\n", "\u{feff}#!/usr/bin/env run é\r\n"] {
            let text = format!("{head}/// é\nfn früh(x: u8) {{ x }}\n");
            let file = parse(&text);
            let item = &file.items[0];
            assert_eq!(file.slice(item.range), "/// é\nfn früh(x: u8) { x }", "{head:?}");
            assert_eq!(file.slice(item.body), "{ x }");
            assert_eq!(item.line, 2 + head.matches('\n').count() as u32);
        }
    }

    #[test]
    fn tests_are_told_from_production_code() {
        let file = parse(
            "#[cfg(test)] mod tests { fn f() {} }
             #[cfg(all(test, unix))] fn g() {}
             #[cfg(not(test))] fn h() {}
             #[tokio::test] async fn i() {}
             #[cfg(feature = \"test\")] fn j() {}",
        );
        let found: Vec<_> = file.items.iter().map(|i| (i.name.as_str(), i.is_test)).collect();
        assert_eq!(found, [("f", true), ("g", true), ("h", false), ("i", true), ("j", false)]);
    }

    #[test]
    fn the_innermost_function_is_found() {
        let file = parse("fn a() { fn b() { 1; } 2; }\nfn c() {}");
        let at = |needle: &str| {
            let start = file.text.find(needle).unwrap();
            file.item_around(TextRange::new(start, start + needle.len())).map(|i| i.name.clone())
        };
        assert_eq!(at("1;").as_deref(), Some("b"));
        assert_eq!(at("2;").as_deref(), Some("a"));
        assert_eq!(at("\n"), None);
    }

    #[track_caller]
    fn check_problem(text: &str, expected: &str) {
        let problem = SourceFile::parse("src/a.rs", text, &FileRole::default()).err().unwrap();
        let place = problem.place.map(|p| p.to_string()).unwrap_or_default();
        assert_eq!(format!("{place}: {}", problem.what), expected);
    }

    #[test]
    fn what_cannot_be_parsed_is_said_with_its_place() {
        check_problem("fn a() {\n  let é = ;\n}", "src/a.rs:2:11: does not parse: expected an expression");
        check_problem("\u{feff}fn a( {}", "src/a.rs:1:5: does not parse: brackets or quotes do not match");
        check_problem("fn a() {}\0", "src/a.rs:1:10: contains a NUL character");
        check_problem("#!/x\n---\n[dep]\n---\nfn a(){}", "src/a.rs:2:1: has front matter, which is not read yet");
        check_problem(&format!("fn a() {{ {} }}", "(".repeat(300)), "src/a.rs:1:209: nests brackets deeper than 200");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_with_their_line() {
        let problem = SourceFile::parse_bytes("a.rs", b"fn a() {}\n\xff", &FileRole::default()).err().unwrap();
        assert_eq!(problem.to_string().lines().nth(1), Some("  --> a.rs:2"));
    }

    #[test]
    fn generated_files_say_so_in_their_head() {
        assert!(parse("// @generated by prost\nfn a() {}").is_generated);
        assert!(!parse("fn a() {} // @generated").is_generated);
    }
}
