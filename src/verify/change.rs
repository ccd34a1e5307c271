//! A proposal's edits and the texts of one file in; where the new code stands, and which old function each new one was, out.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::visit::{self, Visit};
use quote::ToTokens;

use crate::model::{EditSet, TextRange};
use crate::source::{FileRole, SourceFile};

/// One edited file, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path relative to the project root.
    pub file: String,
    /// The text before.
    pub old: String,
    /// The text after.
    pub new: String,
    /// For each edit, what it replaced (bytes of the old text) and what stands there now (bytes of the new text).
    pub places: Vec<(TextRange, TextRange)>,
    /// Which of the places are looked at: all, or one proposal's where several stand in one text.
    pub own: Vec<usize>,
}

impl Change {
    /// Follows the edits; `new` must be what comes of applying them to `old`.
    pub fn new(edits: &EditSet, old: &str, new: &str) -> Change {
        let mut shift = 0i64;
        let mut places = Vec::new();
        for edit in edits.edits() {
            let start = (i64::from(edit.range.start) + shift) as usize;
            places.push((edit.range, TextRange::new(start, start + edit.text.len())));
            shift += edit.text.len() as i64 - edit.range.len() as i64;
        }
        let own = (0..places.len()).collect();
        Change { file: edits.file().to_owned(), old: old.to_owned(), new: new.to_owned(), places, own }
    }

    /// The same texts, looked at for these edits alone.
    pub fn part(&self, edits: &EditSet) -> Change {
        let is_own = |i: &usize| edits.edits().iter().any(|e| e.range == self.places[*i].0);
        Change { own: (0..self.places.len()).filter(is_own).collect(), ..self.clone() }
    }

    /// The places that are looked at.
    pub fn own_places(&self) -> impl Iterator<Item = &(TextRange, TextRange)> {
        self.own.iter().map(|i| &self.places[*i])
    }

    /// Where a byte of the old text that no edit covers stands in the new one.
    pub fn moved(&self, offset: u32) -> u32 {
        let mut before = self.places.iter().filter(|(old, _)| old.end <= offset);
        match before.next_back() {
            Some((old, new)) => new.end + (offset - old.end),
            None => offset,
        }
    }

    /// Structs whose fields differ: what the old text builds of them, the new text does not take.
    pub fn reshaped(&self) -> BTreeSet<String> {
        let (old, new) = (fields(&self.old), fields(&self.new));
        old.into_iter().filter(|(name, fields)| new.get(name).is_some_and(|n| n != fields)).map(|(n, _)| n).collect()
    }

    /// Functions whose bodies alone changed, innermost first found: the old one and the new one. The second list names
    /// functions whose signature changed too, which cannot stand beside each other.
    pub fn functions(&self) -> (Vec<(Function, Function)>, Vec<String>) {
        let (Some(old), Some(new)) = (functions(&self.file, &self.old), functions(&self.file, &self.new)) else {
            return (Vec::new(), Vec::new());
        };
        let mut pairs: Vec<(Function, Function)> = Vec::new();
        let mut changed = Vec::new();
        for (range, _) in self.own_places() {
            let around = old.iter().filter(|f| touches(f.whole, *range)).min_by_key(|f| f.whole.len());
            let Some(function) = around else { continue };
            let at = self.moved(function.whole.start);
            let twin = new.iter().find(|f| f.whole.start == at && f.name == function.name);
            let same = twin.filter(|t| {
                let head = |f: &Function, text: &str| text[f.whole.start as usize..f.body.start as usize].to_owned();
                head(function, &self.old) == head(t, &self.new)
            });
            match same {
                Some(twin) if pairs.iter().all(|(f, _)| f != function) => pairs.push((function.clone(), twin.clone())),
                Some(_) => {}
                None if !changed.contains(&function.name) => changed.push(function.name.clone()),
                None => {}
            }
        }
        (pairs, changed)
    }
}

/// True if an edit changes something inside of the function; an insertion right before or after it does not.
/// The structs of a text with their fields, their order and comments aside.
fn fields(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    struct Structs(BTreeMap<String, BTreeSet<String>>);
    impl<'ast> Visit<'ast> for Structs {
        fn visit_item_struct(&mut self, node: &'ast syn::ItemStruct) {
            let field = |f: &syn::Field| format!("{} {}", f.ident.to_token_stream(), f.ty.to_token_stream());
            self.0.insert(node.ident.to_string(), node.fields.iter().map(field).collect());
        }
    }
    let mut found = Structs(BTreeMap::new());
    if let Ok(file) = syn::parse_file(text) {
        found.visit_file(&file);
    }
    found.0
}

fn touches(function: TextRange, edit: TextRange) -> bool {
    match edit.is_empty() {
        true => function.start < edit.start && edit.start < function.end,
        false => function.intersects(edit),
    }
}

/// What a function belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A module or another function.
    Free,
    /// `impl Type`, or a default body of a trait.
    Type,
    /// `impl Trait for Type`, with the trait as written.
    Trait(String),
}

/// A function with what a shim must know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The item from its visibility or `fn` on, without attributes.
    pub whole: TextRange,
    /// The body with its braces.
    pub body: TextRange,
    /// Modules around it inside of the file.
    pub depth: usize,
    /// What it belongs to.
    pub owner: Owner,
    /// True for `async fn`.
    pub is_async: bool,
    /// True for `const fn`, whose body cannot look at a clock.
    pub is_const: bool,
    /// True for `unsafe fn`.
    pub is_unsafe: bool,
    /// Names of its arguments, `self` included, if every one is a shared reference or a primitive: then it can be
    /// called again with the same arguments.
    pub repeatable: Option<Vec<String>>,
    /// Its arguments in order; none where one has no name of its own.
    pub arguments: Option<Vec<Argument>>,
    /// Names of its own type and const parameters.
    pub generics: Vec<String>,
    /// True if its result is an `impl Trait`, which is another type for another body.
    pub is_opaque: bool,
    /// True if closures are among its arguments: what they do is not known here.
    pub takes_closures: bool,
    /// Expressions that are awaited, outside of inner `async` blocks and closures.
    pub awaits: Vec<TextRange>,
    /// True if a macro in it hides an `.await`.
    pub has_hidden_awaits: bool,
}

/// What is put around a range of a text; an empty range is a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    /// The range.
    pub range: TextRange,
    /// Before it.
    pub open: String,
    /// Behind it.
    pub close: &'static str,
}

/// The text with all of it: of what begins or ends at one place the inner stands inside.
pub fn wrapped(text: &str, mut wraps: Vec<Wrap>) -> String {
    // An outer one stands first; those of one range stay in their order.
    wraps.sort_by_key(|w| (w.range.start, u32::MAX - w.range.end));
    let open = wraps.iter().enumerate().map(|(i, w)| ((w.range.start, true, i), w.open.as_str()));
    let close = wraps.iter().enumerate().map(|(i, w)| ((w.range.end, false, wraps.len() - i), w.close));
    let mut pieces: Vec<((u32, bool, usize), &str)> = open.chain(close).collect();
    pieces.sort_by_key(|(at, _)| *at);
    let (mut out, mut done) = (String::with_capacity(text.len() * 2), 0);
    for ((at, ..), piece) in pieces {
        out.push_str(&text[done..at as usize]);
        out.push_str(piece);
        done = at as usize;
    }
    out + &text[done..]
}

/// How an argument is given a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// A shared reference or a primitive: as it is.
    AsItIs,
    /// A value: its clone.
    Value,
    /// `&mut T`: a clone of what it refers to, which is compared afterwards.
    Changed,
    /// `&mut [T]`: the same.
    ChangedSlice,
}

/// One argument of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name, `self` included.
    pub name: String,
    /// How it is given a second time.
    pub passing: Passing,
}

/// All functions of a text; `None` if it does not parse.
pub fn functions(file: &str, text: &str) -> Option<Vec<Function>> {
    let file = SourceFile::parse(file, text, &FileRole::default()).ok()?;
    let mut gather = Gather { file: &file, depth: 0, owner: Owner::Free, found: Vec::new() };
    gather.visit_file(&file.ast);
    Some(gather.found)
}

struct Gather<'a> {
    file: &'a SourceFile,
    depth: usize,
    owner: Owner,
    found: Vec<Function>,
}

impl Gather<'_> {
    fn take(&mut self, start: u32, sig: &syn::Signature, block: &syn::Block) {
        let body = self.file.range(block);
        let mut awaits = Awaits { file: self.file, found: Vec::new(), hidden: false };
        awaits.visit_block(block);
        self.found.push(Function {
            name: sig.ident.to_string(),
            whole: TextRange { start, end: body.end },
            body,
            depth: self.depth,
            owner: self.owner.clone(),
            is_async: sig.asyncness.is_some(),
            is_const: sig.constness.is_some(),
            is_unsafe: matches!(sig.safety, syn::Safety::Unsafe(_)),
            repeatable: repeatable(sig),
            arguments: sig.inputs.iter().map(argument).collect(),
            generics: generics(sig),
            is_opaque: is_opaque(&sig.output),
            takes_closures: takes_closures(self.file.slice(TextRange { start, end: body.start })),
            awaits: awaits.found,
            has_hidden_awaits: awaits.hidden,
        });
        let owner = std::mem::replace(&mut self.owner, Owner::Free);
        self.visit_block(block);
        self.owner = owner;
    }
}

impl<'ast> Visit<'ast> for Gather<'_> {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, node);
        self.depth -= 1;
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let owner = match &node.trait_ {
            Some((path, _)) => Owner::Trait(self.file.slice(self.file.range(path)).to_owned()),
            None => Owner::Type,
        };
        let before = std::mem::replace(&mut self.owner, owner);
        visit::visit_item_impl(self, node);
        self.owner = before;
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        let before = std::mem::replace(&mut self.owner, Owner::Type);
        visit::visit_item_trait(self, node);
        self.owner = before;
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        let start = start(self.file, &node.vis, &node.sig);
        let owner = std::mem::replace(&mut self.owner, Owner::Free);
        self.take(start, &node.sig, &node.block);
        self.owner = owner;
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.take(start(self.file, &node.vis, &node.sig), &node.sig, &node.block);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.take(self.file.range(&node.sig).start, &node.sig, block);
        }
    }
}

fn start(file: &SourceFile, vis: &syn::Visibility, sig: &syn::Signature) -> u32 {
    match vis {
        syn::Visibility::Inherited => file.range(sig).start,
        vis => file.range(vis).start,
    }
}

/// The names of all arguments where each is certainly `Copy`: shared references and primitives.
fn repeatable(sig: &syn::Signature) -> Option<Vec<String>> {
    let as_it_is = |a: Argument| (a.passing == Passing::AsItIs).then_some(a.name);
    sig.inputs.iter().map(|arg| argument(arg).and_then(as_it_is)).collect()
}

fn argument(arg: &syn::FnArg) -> Option<Argument> {
    match arg {
        syn::FnArg::Receiver(r) => {
            let passing = match &r.kind {
                syn::ReceiverKind::Reference(_, _, None) => Passing::AsItIs,
                syn::ReceiverKind::Reference(..) => Passing::Changed,
                syn::ReceiverKind::Value => Passing::Value,
                _ => return None,
            };
            Some(Argument { name: String::from("self"), passing })
        }
        syn::FnArg::Typed(t) => match &*t.pat {
            syn::Pat::Ident(p) if p.by_ref.is_none() && p.subpat.is_none() => {
                Some(Argument { name: p.ident.to_string(), passing: passing(&t.ty) })
            }
            _ => None,
        },
    }
}

fn passing(ty: &syn::Type) -> Passing {
    match ty {
        syn::Type::Reference(r) if r.mutability.is_none() => Passing::AsItIs,
        syn::Type::Reference(r) if matches!(*r.elem, syn::Type::Slice(_)) => Passing::ChangedSlice,
        syn::Type::Reference(_) => Passing::Changed,
        syn::Type::Path(p) if p.path.get_ident().is_some_and(|i| is_primitive(&i.to_string())) => Passing::AsItIs,
        _ => Passing::Value,
    }
}

fn generics(sig: &syn::Signature) -> Vec<String> {
    let name = |p: &syn::GenericParam| match p {
        syn::GenericParam::Type(t) => Some(t.ident.to_string()),
        syn::GenericParam::Const(c) => Some(c.ident.to_string()),
        syn::GenericParam::Lifetime(_) => None,
    };
    sig.generics.params.iter().filter_map(name).collect()
}

fn is_opaque(output: &syn::ReturnType) -> bool {
    struct Opaque(bool);
    impl Visit<'_> for Opaque {
        fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut opaque = Opaque(false);
    opaque.visit_return_type(output);
    opaque.0
}

fn takes_closures(head: &str) -> bool {
    head.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| ["Fn", "FnMut", "FnOnce"].contains(&w))
}

fn is_primitive(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
        "char",
    ];
    NAMES.contains(&name)
}

/// Awaited expressions of one body.
struct Awaits<'a> {
    file: &'a SourceFile,
    found: Vec<TextRange>,
    hidden: bool,
}

impl<'ast> Visit<'ast> for Awaits<'_> {
    fn visit_expr_await(&mut self, node: &'ast syn::ExprAwait) {
        self.found.push(self.file.range(&node.base));
        visit::visit_expr_await(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let text = self.file.slice(self.file.range(node));
        let waits = ["select", "join", "try_join"];
        let name = node.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        self.hidden |= text.contains(".await") || waits.contains(&name.as_str());
    }

    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextEdit;
    use crate::source::hash;

    fn change(old: &str, edits: &[(&str, &str)]) -> Change {
        let edit = |(from, to): &(&str, &str)| {
            let start = old.find(from).unwrap();
            TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_string() }
        };
        let set = EditSet::new("a.rs", hash(old), edits.iter().map(edit).collect()).unwrap();
        let new = set.edits().iter().rev().fold(old.to_owned(), |mut text, e| {
            text.replace_range(e.range.bytes(), &e.text);
            text
        });
        Change::new(&set, old, &new)
    }

    const CODE: &str = "use std::fmt;\nmod m {\n    pub struct S;\n    impl S {\n        pub fn f(&self, n: u8) -> u8 { n + 1 }\n        fn g(&mut self) { self.f(2); }\n    }\n}\nasync fn h(x: String) -> u8 { k(&x).await + async { 1 }.await }\n";

    #[test]
    fn places_and_offsets_follow_the_edits() {
        let change = change(CODE, &[("use std::fmt;\n", ""), ("n + 1", "n.wrapping_add(1)")]);
        let (_, new) = change.places[1];
        assert_eq!(&change.new[new.bytes()], "n.wrapping_add(1)");
        let g = CODE.find("fn g").unwrap() as u32;
        assert!(change.new[change.moved(g) as usize..].starts_with("fn g"));
    }

    #[test]
    fn an_edited_body_pairs_with_its_old_self() {
        let (pairs, changed) = change(CODE, &[("n + 1", "1 + n")]).functions();
        assert_eq!((pairs.len(), changed.len()), (1, 0));
        let (old, new) = &pairs[0];
        assert_eq!((old.name.as_str(), old.depth, &old.owner), ("f", 1, &Owner::Type));
        assert_eq!(old.repeatable, Some(vec!["self".to_owned(), "n".to_owned()]));
        assert_eq!(new.body.len(), old.body.len());
    }

    #[test]
    fn a_changed_signature_cannot_pair_and_an_insertion_before_a_function_is_not_inside() {
        let (pairs, changed) = change(CODE, &[("n: u8", "n: u16")]).functions();
        assert_eq!((pairs.len(), changed), (0, vec!["f".to_owned()]));
        let (pairs, changed) = change(CODE, &[("async fn h", "static X: u8 = 1;\nasync fn h")]).functions();
        assert_eq!((pairs.len(), changed), (0, vec!["h".to_owned()]));
        let at = CODE.find("async fn h").unwrap();
        let set =
            EditSet::new("a.rs", hash(CODE), vec![TextEdit { range: TextRange::at(at), text: "fn i() {}\n".into() }]);
        let new = CODE.replace("async fn h", "fn i() {}\nasync fn h");
        assert_eq!(Change::new(&set.unwrap(), CODE, &new).functions(), (vec![], vec![]));
    }

    #[test]
    fn only_shared_and_copied_arguments_can_be_used_twice_and_outer_awaits_are_found() {
        let found = functions("a.rs", CODE).unwrap();
        let by = |name: &str| found.iter().find(|f| f.name == name).unwrap();
        assert_eq!(by("g").repeatable, None);
        assert_eq!(by("h").repeatable, None);
        let awaited: Vec<&str> = by("h").awaits.iter().map(|r| &CODE[r.bytes()]).collect();
        assert_eq!(awaited, ["k(&x)", "async { 1 }"]);
        let hidden = functions("a.rs", "async fn f() { tokio::select! { _ = g() => {} } }").unwrap();
        assert!(hidden[0].has_hidden_awaits);
    }
}
