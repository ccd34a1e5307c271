//! Linked lists of std that nobody outside of their file sees.

use super::order_unasked::maker;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::SourceFile;
use crate::source::functions::items;
use crate::source::names::{self, mentions};
use crate::source::own_fields::{OwnField, own_fields, uses_of};
use crate::source::visit::{self, Visit};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("linked-list"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::B,
    title: "linked list where a ring of elements does the same",
    explain: EXPLAIN,
    triggers: &["LinkedList"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `LinkedList` of std in private fields, locals and private functions.

## Why it costs

Each element is an allocation of its own, and each step of a walk waits for the address of the next. `VecDeque` keeps the elements
side by side, grows at both ends, and has the same methods.

## Before

```rust
struct Pile {
    boxes: LinkedList<u64>,
}
```

## After

```rust
struct Pile {
    boxes: VecDeque<u64>,
}
```

A push that fills the room moves all elements once, which is as cheap per element as an allocation, but not at every call. That is
for a person to accept.

## When it is refused

The list is part of an interface (other private fields of the file may still be found); lists are joined or cut (`append`, `split_off`), which a list does without walking; `unsafe` code
stands in the file, which may keep addresses of elements; `LinkedList` is a type of the project.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    if names::imports(file, "LinkedList").iter().any(|path| path != "std::collections::LinkedList") || declares(file) {
        return Vec::new();
    }
    let mut walk = Mentions { file, first: None, is_shown: false };
    walk.visit_file(&file.ast);
    if walk.is_shown {
        return own_fields(file, RULE.triggers).iter().filter_map(|field| own_ring(file, field)).collect();
    }
    let Some(first) = walk.first else { return Vec::new() };
    let message = "each element is an allocation of its own, and a walk waits for the address of each next one";
    vec![Fact::at(file, first).note("message", message)]
}

/// What a ring of elements does as well as a list, and as fast.
const OF_RINGS: &[&str] = &[
    "back",
    "back_mut",
    "clear",
    "contains",
    "front",
    "front_mut",
    "is_empty",
    "iter",
    "iter_mut",
    "len",
    "pop_back",
    "pop_front",
    "push_back",
    "push_front",
];

/// A private field of which every use is one that a ring of elements has, whatever else the file does with lists.
fn own_ring(file: &SourceFile, field: &OwnField<'_>) -> Option<Fact> {
    let uses = uses_of(file, field)?;
    let is_of_ring = |(reached, parent): &(&syn::Expr, Option<&syn::Expr>)| match parent {
        Some(syn::Expr::MethodCall(call)) => {
            file.range(&*call.receiver) == file.range(*reached) && OF_RINGS.iter().any(|name| call.method == name)
        }
        _ => false,
    };
    let range = file.range(&field.field.ty);
    let name = TextRange { start: range.start, end: range.start + "LinkedList".len() as u32 };
    if uses.reached.is_empty() || !uses.reached.iter().all(is_of_ring) || file.slice(name) != "LinkedList" {
        return None;
    }
    let message = "each element is an allocation of its own, and a walk waits for the address of each next one";
    let mut fact = Fact::at(file, range)
        .capture("word", name)
        .capture("field", file.span_range(field.name.span()))
        .note("message", message);
    for made in &uses.made {
        fact = fact.capture("word", maker(file, made, "LinkedList")?);
    }
    Some(fact)
}

/// True if the file has a type of that name itself, or uses that of std under no import and no full path.
fn declares(file: &SourceFile) -> bool {
    let is_it = |item: &syn::Item| match item {
        syn::Item::Struct(x) => x.ident == "LinkedList",
        syn::Item::Enum(x) => x.ident == "LinkedList",
        syn::Item::Type(x) => x.ident == "LinkedList",
        _ => false,
    };
    items(&file.ast).iter().any(|placed| is_it(placed.item))
        || (names::imports(file, "LinkedList").is_empty() && !file.text.contains("std::collections::LinkedList"))
}

/// Where the file speaks of linked lists.
struct Mentions<'a> {
    file: &'a SourceFile,
    /// The first type of a field or a local.
    first: Option<TextRange>,
    /// True if others may name or be given one.
    is_shown: bool,
}

impl Mentions<'_> {
    fn note(&mut self, ty: &syn::Type) {
        if self.first.is_none() && mentions(ty, "LinkedList") {
            self.first = Some(self.file.range(ty));
        }
    }

    fn shows(&mut self, is_public: bool, node: &impl quote::ToTokens) {
        self.is_shown |= is_public && mentions(node, "LinkedList");
    }
}

fn is_public(vis: &syn::Visibility) -> bool {
    matches!(vis, syn::Visibility::Public(_))
}

impl<'a> Visit<'a> for Mentions<'_> {
    fn visit_item(&mut self, node: &'a syn::Item) {
        match node {
            syn::Item::Fn(x) => self.shows(is_public(&x.vis), &x.sig),
            syn::Item::Impl(x) => {
                self.shows(true, &x.self_ty);
                let methods = x.items.iter().filter_map(|item| match item {
                    syn::ImplItem::Fn(f) => Some((x.trait_.is_some() || is_public(&f.vis), &f.sig)),
                    _ => None,
                });
                methods.for_each(|(is_public, sig)| self.shows(is_public, sig));
                if let Some((path, _)) = &x.trait_ {
                    self.shows(true, path);
                }
            }
            syn::Item::Trait(_) | syn::Item::Macro(_) | syn::Item::Type(_) => self.shows(true, node),
            syn::Item::Const(x) => self.shows(is_public(&x.vis), &x.ty),
            syn::Item::Static(x) => self.shows(is_public(&x.vis), &x.ty),
            syn::Item::Enum(x) => self.shows(is_public(&x.vis), &x.variants),
            syn::Item::Use(x) => self.shows(is_public(&x.vis), x),
            _ => {}
        }
        visit::visit_item(self, node);
    }

    fn visit_field(&mut self, node: &'a syn::Field) {
        self.shows(is_public(&node.vis), &node.ty);
        self.note(&node.ty);
    }

    fn visit_local(&mut self, node: &'a syn::Local) {
        if let syn::Pat::Type(t) = &node.pat {
            self.note(&t.ty);
        }
        if let (None, Some(init)) = (&self.first, &node.init)
            && let syn::Expr::Call(call) = &*init.expr
            && mentions(&call.func, "LinkedList")
        {
            self.first = Some(self.file.range(&*init.expr));
        }
        visit::visit_local(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const USE: &str = "use std::collections::LinkedList;";

    #[test]
    fn fires_on_lists_that_nobody_else_sees() {
        check(&RULE, &format!("{USE} struct Pile {{ boxes: $0LinkedList<u64>$0 }}"));
        check(&RULE, &format!("{USE} fn f() {{ let mut q = $0LinkedList::new()$0; q.push_back(1); }}"));
        check(&RULE, &format!("{USE} fn f() {{ let q: $0LinkedList<u8>$0 = xs.collect(); g(&q); }}"));
        check(
            &RULE,
            &format!(
                "{USE} pub struct P {{ pub all: LinkedList<u8> }} struct Log {{ hits: $0LinkedList<u8>$0 }} impl Log {{ fn new() -> Log {{ Log {{ hits: LinkedList::new() }} }} fn put(&mut self, n: u8) {{ self.hits.push_back(n); if self.hits.len() > 9 {{ self.hits.pop_front(); }} }} }}"
            ),
        );
        check(&RULE, "struct Pile { pub(crate) boxes: $0std::collections::LinkedList<u64>$0 }");
        check(&RULE, &format!("{USE} struct P {{ a: $0Mutex<LinkedList<u8>>$0 }} fn g(x: &LinkedList<u8>) {{}}"));
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "struct LinkedList { links: Vec<u8> } struct P { all: LinkedList }",
                "use crate::lists::LinkedList; struct P { all: LinkedList<u8> }",
                "use super::*; struct P { all: LinkedList<u8> }",
                "use std::collections::LinkedList; pub struct P { pub all: LinkedList<u8> }",
                "use std::collections::LinkedList; struct P { all: LinkedList<u8> } impl P { pub fn all(&self) -> &LinkedList<u8> { &self.all } }",
                "use std::collections::LinkedList; struct P { all: LinkedList<u8> } impl From<LinkedList<u8>> for P { fn from(all: LinkedList<u8>) -> P { P { all } } }",
                "use std::collections::LinkedList; pub enum P { All(LinkedList<u8>) }",
                "use std::collections::LinkedList; pub trait T { fn all(&self) -> LinkedList<u8>; }",
                "use std::collections::LinkedList; pub struct P { pub all: LinkedList<u8> } struct Log { hits: LinkedList<u8> } impl Log { fn join(&mut self, other: &mut LinkedList<u8>) { self.hits.append(other); self.hits.len(); } }",
                "use std::collections::LinkedList; pub struct P { pub all: LinkedList<u8> } struct Log { hits: LinkedList<u8> } impl Log { fn all(&self) -> &LinkedList<u8> { self.hits.len(); &self.hits } }",
                "pub use std::collections::LinkedList; struct P { all: LinkedList<u8> }",
                "use std::collections::LinkedList; #[cfg(test)] mod tests { use super::*; fn f() { let x: LinkedList<u8> = a(); } }",
                "use std::collections::VecDeque; struct P { all: VecDeque<u8> }",
            ],
        );
    }
}
