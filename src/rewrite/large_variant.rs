//! An enum with one variant far larger than the others in; its large fields in boxes, and everybody who builds or takes
//! it apart following, out.

use std::collections::BTreeMap;

use crate::source::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::bulk::{Bulk, declared};
use crate::source::functions::{derives, head, items};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, lexer, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("large-variant"), derive };

/// Derives that look at the bytes of a type, or lay it out for the wire.
const WIRE: &[&str] = &["AnyBitPattern", "Archive", "AsBytes", "FromBytes", "IntoBytes", "NoUninit", "Pod", "Zeroable"];

/// Bytes that the boxed variant may keep beside its boxes, where the others hold less.
const KEPT: u64 = 32;

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let name = file.slice(finding.range);
    let item = enum_at(file, finding.range).ok_or("the enum changed")?;
    let known = Bulk::of(files.iter().flat_map(declared));
    let found = known.outlier(name).ok_or("no variant is far larger than the others")?;
    let variant = item.variants.iter().find(|v| v.ident == found.name.as_str()).ok_or("the variant is gone")?;
    refuse_by_declaration(item, found.others)?;
    let is_public = matches!(item.vis, syn::Visibility::Public(_));
    let boxed = fields_to_box(&known, file, variant, found.next);
    let mut edits = vec![(file.path.clone(), in_boxes(file, variant, &boxed))];
    for other in files.iter().filter(|f| is_public || f.role.krate == file.role.krate) {
        if looks_at_bytes(other, name) {
            return Err(format!("{} may look at the bytes of `{name}`", other.path));
        }
        let mut walk = Uses::new(other, name, &found.name, &boxed);
        walk.visit_file(&other.ast);
        if let Some(reason) = walk.refused {
            return Err(reason);
        }
        if walk.known != mentions(other, name, &found.name) {
            let variant = &found.name;
            return Err(format!(
                "`{name}::{variant}` is built or taken apart in {} where a macro hides it",
                other.path
            ));
        }
        edits.push((other.path.clone(), walk.edits));
    }
    Ok(Draft {
        title: format!("box what makes {name}::{} large", found.name),
        edits,
        preconditions: vec![
            holds(format!("every place that builds or takes apart `{name}::{}` is known", found.name)),
            holds(format!("`{name}` is not `Copy`, and its layout is nobody's business")),
            borrow("what is done with the fields can be done through a box"),
        ],
        obligations: obligations(name, &found.name, is_public),
        ..Draft::default()
    })
}

fn obligations(name: &str, variant: &str, is_public: bool) -> Vec<String> {
    let mut all = vec![format!("`{variant}` is rare: each value of it now allocates its boxes")];
    if is_public {
        all.push(format!("`{name}` is public: whoever builds or takes apart `{variant}` elsewhere has to follow"));
    }
    all
}

fn refuse_by_declaration(item: &syn::ItemEnum, others: usize) -> Result<(), String> {
    let derived = derives(&item.attrs);
    if derived.iter().any(|d| d == "Copy") {
        return Err("the enum is `Copy`, and a box never is".to_owned());
    }
    if let Some(wire) = derived.iter().find(|d| WIRE.contains(&d.as_str())) {
        return Err(format!("the enum derives `{wire}`: its layout is fixed"));
    }
    if others < 2 {
        return Err("one of only two variants is large: it may well be the common one".to_owned());
    }
    Ok(())
}

fn enum_at(file: &SourceFile, name: TextRange) -> Option<&syn::ItemEnum> {
    items(&file.ast).into_iter().find_map(|placed| match placed.item {
        syn::Item::Enum(item) if file.span_range(item.ident.span()) == name => Some(item),
        _ => None,
    })
}

/// Names (or indices) of the fields to box, the largest first, until the rest is as small as the other variants.
fn fields_to_box(known: &Bulk, file: &SourceFile, variant: &syn::Variant, next: u64) -> BTreeMap<String, bool> {
    let mut sized: Vec<(u64, String, bool)> = variant
        .fields
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            (known.least(file.text_of(&field.ty)), name, matches!(field.ty, syn::Type::Array(_)))
        })
        .collect();
    sized.sort_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
    let mut left: u64 = sized.iter().map(|(bytes, ..)| bytes).sum();
    let mut boxed = BTreeMap::new();
    for (bytes, name, is_array) in sized {
        if left <= next.max(KEPT) || bytes <= 8 {
            break;
        }
        left = left - bytes + 8;
        boxed.insert(name, is_array);
    }
    boxed
}

fn in_boxes(file: &SourceFile, variant: &syn::Variant, boxed: &BTreeMap<String, bool>) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    for (at, field) in variant.fields.iter().enumerate() {
        let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
        if boxed.contains_key(&name) {
            edits.extend(around(file.range(&field.ty), "Box<", ">"));
        }
    }
    edits
}

fn around(range: TextRange, before: &str, after: &str) -> [TextEdit; 2] {
    let at = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    [at(range.start, before), at(range.end, after)]
}

/// True where a file names the type beside something that looks at bytes.
fn looks_at_bytes(file: &SourceFile, name: &str) -> bool {
    const BYTES: &[&str] = &["transmute", "size_of", "from_raw_parts", "offset_of", "zeroed", "align_of"];
    let has = |wanted: &dyn Fn(&str) -> bool| {
        file.tokens.iter().any(|t| t.kind == lexer::TokenKind::Ident && wanted(t.text(&file.text)))
    };
    has(&|word| word == name) && has(&|word| BYTES.contains(&word))
}

/// How often the variant is named through its enum, `Self` in its own `impl` among them, or could be by an import.
fn mentions(file: &SourceFile, name: &str, variant: &str) -> usize {
    let text: Vec<&str> = file.tokens.iter().filter(|t| !t.is_comment()).map(|t| t.text(&file.text)).collect();
    let is_path = |at: usize| at >= 2 && text[at - 1] == ":" && text[at - 2] == ":";
    let before = |at: usize| at.checked_sub(3).map_or("", |before| text[before]);
    let through = |at: usize| [name, "Self"].contains(&before(at));
    let named = (0..text.len()).filter(|at| text[*at] == variant && is_path(*at) && through(*at)).count();
    // `use Name::*;` and `use Name::{…};` give the variant a name of its own.
    let imported = (0..text.len()).filter(|at| matches!(text[*at], "*" | "{") && is_path(*at) && before(*at) == name);
    named + imported.count()
}

struct Uses<'a> {
    file: &'a SourceFile,
    name: &'a str,
    variant: &'a str,
    /// Boxed fields, and whether each is an array.
    boxed: &'a BTreeMap<String, bool>,
    own: bool,
    /// Mentions of the variant that are understood.
    known: usize,
    refused: Option<String>,
    edits: Vec<TextEdit>,
}

impl<'a> Uses<'a> {
    fn new(file: &'a SourceFile, name: &'a str, variant: &'a str, boxed: &'a BTreeMap<String, bool>) -> Uses<'a> {
        Uses { file, name, variant, boxed, own: false, known: 0, refused: None, edits: Vec::new() }
    }

    fn is_variant(&self, path: &syn::Path) -> bool {
        let mut segments = path.segments.iter().rev();
        let (last, owner) = (segments.next(), segments.next());
        last.is_some_and(|s| s.ident == self.variant)
            && owner.is_some_and(|s| s.ident == self.name || (self.own && s.ident == "Self"))
    }

    fn build(&mut self, field: &str, value: &syn::Expr) {
        if self.boxed.contains_key(field) {
            self.edits.extend(around(self.file.range(value), "Box::new(", ")"));
        }
    }

    /// The names that a pattern of the variant binds to boxed fields, and whether each is an array.
    fn bound(&mut self, pat: &syn::Pat) -> Vec<(String, bool)> {
        let mut walk = Bound { of: self, known: 0, found: Vec::new(), is_odd: None };
        walk.visit_pat(pat);
        let (known, found, odd) = (walk.known, walk.found, walk.is_odd);
        self.known += known;
        if let Some(line) = odd {
            self.refused
                .get_or_insert(format!("a pattern looks into a boxed field in {} (line {line})", self.file.path));
        }
        found
    }

    /// What is done with the names of a pattern where they are in scope.
    fn follow(&mut self, names: &[(String, bool)], scope: &[&syn::Expr], is_reference: bool) {
        for (name, is_array) in names {
            for node in scope {
                let uses = usage::uses_in_expr(self.file, node, name);
                let edits = uses.iter().filter_map(|found| self.unboxed(found, name, *is_array, is_reference));
                let edits: Vec<TextEdit> = edits.collect();
                self.edits.extend(edits);
            }
        }
    }

    /// What one use of a name that is a box now needs to mean what it meant.
    fn unboxed(&self, found: &usage::Use, name: &str, is_array: bool, is_reference: bool) -> Option<TextEdit> {
        let at = |at: u32, text: &str| Some(TextEdit { range: TextRange { start: at, end: at }, text: text.into() });
        let (place, slice) = (found.place, |start, end| self.file.slice(TextRange { start, end }));
        let is_starred = found.fields.is_empty()
            && place.start < found.name.start
            && slice(place.start, found.name.start) == "*"
            && place.end == found.name.end;
        if is_reference {
            return match &found.how {
                _ if is_starred => at(place.start, "*"),
                How::Iterated if found.is_bare && is_array => at(place.end, ".iter()"),
                _ => None,
            };
        }
        match &found.how {
            _ if found.name == place && self.is_shorthand(found.name) => at(found.name.start, &format!("{name}: *")),
            How::Value | How::Scrutinee if found.is_bare => at(place.start, "*"),
            // `&name` of a box is not what `&name` of its content was.
            How::Read | How::Mutate if found.is_bare && self.file.slice(found.whole).starts_with('&') => {
                at(place.start, "*")
            }
            How::Iterated if found.is_bare && is_array => at(place.start, "*"),
            _ => None,
        }
    }

    /// True for `S { name }`.
    fn is_shorthand(&self, name: TextRange) -> bool {
        let tokens = self.file.tokens.iter().filter(|t| !t.is_comment()).collect::<Vec<_>>();
        let Some(at) = tokens.iter().position(|t| t.range == name) else { return false };
        let text = |at: usize| tokens.get(at).map_or("", |t| t.text(&self.file.text));
        let is_list = at > 0 && matches!(text(at - 1), "{" | ",") && matches!(text(at + 1), "}" | ",");
        // `{ name }` after a path builds a struct; as a block it is the value.
        is_list && self.struct_around(name)
    }

    fn struct_around(&self, name: TextRange) -> bool {
        crate::source::path_to(self.file, name).into_iter().any(|node| match node {
            crate::source::Node::Expr(syn::Expr::Struct(s)) => {
                s.fields.iter().any(|f| f.colon_token.is_none() && self.file.range(&f.expr) == name)
            }
            _ => false,
        })
    }

    /// True where a pattern binds references: the scrutinee is one.
    fn is_reference(&self, scrutinee: &syn::Expr) -> bool {
        match scrutinee {
            syn::Expr::Reference(_) => true,
            syn::Expr::Path(p) if p.path.is_ident("self") => {
                let receiver =
                    crate::source::signature(self.file, self.file.range(scrutinee)).and_then(|s| s.receiver());
                receiver.is_some_and(|r| matches!(r.kind, syn::ReceiverKind::Reference(..)))
            }
            syn::Expr::MethodCall(call) => {
                const LENT: &[&str] =
                    &["as_ref", "as_mut", "as_deref", "get", "first", "last", "front", "back", "peek"];
                LENT.iter().any(|name| call.method == name) || self.is_lent_chain(&call.receiver)
            }
            syn::Expr::Try(t) => self.is_reference(&t.expr),
            other => matches!(types::type_of(self.file, other), Some(syn::Type::Reference(_))),
        }
    }

    fn is_lent_chain(&self, receiver: &syn::Expr) -> bool {
        matches!(receiver, syn::Expr::MethodCall(call) if ["iter", "iter_mut", "get"].iter().any(|m| call.method == m))
    }
}

/// The names that one pattern binds to boxed fields.
struct Bound<'s, 'a> {
    of: &'s Uses<'a>,
    known: usize,
    found: Vec<(String, bool)>,
    is_odd: Option<u32>,
}

impl Bound<'_, '_> {
    fn field(&mut self, name: &str, pat: &syn::Pat) {
        let Some(is_array) = self.of.boxed.get(name).copied() else { return };
        match pat {
            syn::Pat::Ident(p) if p.subpat.is_none() => self.found.push((p.ident.to_string(), is_array)),
            syn::Pat::Wild(_) | syn::Pat::Rest(_) => {}
            other => self.is_odd = Some(self.of.file.line_column(self.of.file.range(other).start).0),
        }
    }
}

impl<'p> Visit<'p> for Bound<'_, '_> {
    fn visit_pat(&mut self, node: &'p syn::Pat) {
        match node {
            syn::Pat::Struct(s) if self.of.is_variant(&s.path) => {
                self.known += 1;
                for field in &s.fields {
                    if let syn::Member::Named(name) = &field.member {
                        self.field(&name.to_string(), &field.pat);
                    }
                }
            }
            syn::Pat::TupleStruct(t) if self.of.is_variant(&t.path) => {
                self.known += 1;
                let rest = t.elems.iter().position(|p| matches!(p, syn::Pat::Rest(_)));
                if rest.is_some_and(|at| at + 1 < t.elems.len()) {
                    self.is_odd = Some(self.of.file.line_column(self.of.file.range(t).start).0);
                }
                t.elems.iter().enumerate().for_each(|(at, pat)| self.field(&at.to_string(), pat));
            }
            _ => visit::visit_pat(self, node),
        }
    }
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_item_impl(&mut self, node: &'a syn::ItemImpl) {
        let before = std::mem::replace(&mut self.own, head(&node.self_ty) == self.name);
        visit::visit_item_impl(self, node);
        self.own = before;
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Struct(s) if self.is_variant(&s.path) => {
                self.known += 1;
                for field in &s.fields {
                    let syn::Member::Named(name) = &field.member else { continue };
                    let name = name.to_string();
                    if field.colon_token.is_none() && self.boxed.contains_key(&name) {
                        let at = self.file.range(&field.expr);
                        self.edits.extend(around(at, &format!("{name}: Box::new("), ")"));
                    } else {
                        self.build(&name, &field.expr);
                    }
                }
            }
            syn::Expr::Call(call) => {
                if let syn::Expr::Path(path) = &*call.func
                    && self.is_variant(&path.path)
                {
                    self.known += 1;
                    call.args.iter().enumerate().for_each(|(at, value)| self.build(&at.to_string(), value));
                }
            }
            syn::Expr::Match(m) => {
                let is_reference = self.is_reference(&m.expr);
                for arm in &m.arms {
                    let names = self.bound(&arm.pat);
                    let guard = match &arm.pat {
                        syn::Pat::Guard(g) => Some(&*g.guard),
                        _ => None,
                    };
                    let scope: Vec<&syn::Expr> = guard.into_iter().chain([&*arm.body]).collect();
                    self.follow(&names, &scope, is_reference);
                }
            }
            syn::Expr::If(i) => {
                if let syn::Expr::Let(l) = &*i.cond {
                    let names = self.bound(&l.pat);
                    let body = syn::Expr::Block(syn::ExprBlock {
                        attrs: Vec::new(),
                        label: None,
                        block: i.then_branch.clone(),
                    });
                    self.follow(&names, &[&body], self.is_reference(&l.expr));
                }
            }
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_local(&mut self, node: &'a syn::Local) {
        self.bound(&node.pat);
        visit::visit_local(self, node);
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "large-variant";

    #[test]
    fn large_fields_get_boxes_and_everybody_follows() {
        let rewrite = check(
            RULE,
            "enum Event {
    Tick,
    Trade { price: i64, qty: u64 },
    // Once a day.
    Snapshot { prices: [i64; 128], at: u64 },
}
impl Event {
    fn opening(prices: [i64; 128]) -> Event {
        Self::Snapshot { prices, at: 0 }
    }
    fn sum(&self) -> i64 {
        match self {
            Event::Tick => 0,
            Event::Trade { price, .. } => *price,
            Event::Snapshot { prices, .. } => {
                let mut sum = 0;
                for price in prices {
                    sum += price;
                }
                sum + first(prices)
            }
        }
    }
}
fn keep(event: Event, all: &mut Vec<[i64; 128]>) {
    if let Event::Snapshot { prices, at: _ } = event {
        look(&prices);
        all.push(prices);
    }
}
",
            "enum Event {
    Tick,
    Trade { price: i64, qty: u64 },
    // Once a day.
    Snapshot { prices: Box<[i64; 128]>, at: u64 },
}
impl Event {
    fn opening(prices: [i64; 128]) -> Event {
        Self::Snapshot { prices: Box::new(prices), at: 0 }
    }
    fn sum(&self) -> i64 {
        match self {
            Event::Tick => 0,
            Event::Trade { price, .. } => *price,
            Event::Snapshot { prices, .. } => {
                let mut sum = 0;
                for price in prices.iter() {
                    sum += price;
                }
                sum + first(prices)
            }
        }
    }
}
fn keep(event: Event, all: &mut Vec<[i64; 128]>) {
    if let Event::Snapshot { prices, at: _ } = event {
        look(&*prices);
        all.push(*prices);
    }
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_payload_in_a_tuple_gets_one_box() {
        let rewrite = check(
            RULE,
            "struct Load {
    env: [u64; 96],
    name: String,
}
pub enum Command {
    Tick,
    Cancel(u64),
    Load(Load),
}
fn make(load: Load) -> Command {
    Command::Load(load)
}
fn name(c: Command) -> String {
    match c {
        Command::Load(load) => load.name,
        _ => String::new(),
    }
}
",
            "struct Load {
    env: [u64; 96],
    name: String,
}
pub enum Command {
    Tick,
    Cancel(u64),
    Load(Box<Load>),
}
fn make(load: Load) -> Command {
    Command::Load(Box::new(load))
}
fn name(c: Command) -> String {
    match c {
        Command::Load(load) => load.name,
        _ => String::new(),
    }
}
",
        );
        assert_eq!(rewrite.class, crate::model::Class::C);
    }

    #[test]
    fn what_may_be_common_or_is_not_seen_refuses() {
        let with = |rest: &str| format!("enum E {{ A, B(u64), C([u64; 64]) }} {rest}");
        check_refuses(
            RULE,
            "enum Feed { End, Frame([u64; 64]) }",
            "one of only two variants is large: it may well be the common one",
        );
        check_refuses(
            RULE,
            "#[derive(Clone, Copy)] enum E { A, B(u64), C([u64; 64]) }",
            "the enum is `Copy`, and a box never is",
        );
        check_refuses(
            RULE,
            &with("fn f(e: E) -> u64 { match e { E::C([a, ..]) => a, _ => 0 } }"),
            "a pattern looks into a boxed field in src/lib.rs (line 1)",
        );
        let hidden = "`E::C` is built or taken apart in src/lib.rs where a macro hides it";
        check_refuses(RULE, &with("fn f() { send!(E::C([0; 64])); }"), hidden);
        check_refuses(RULE, &with("fn f(x: Option<[u64; 64]>) -> Option<E> { x.map(E::C) }"), hidden);
        check_refuses(RULE, &with("use E::*; fn f() -> E { C([0; 64]) }"), hidden);
        check_refuses(
            RULE,
            &with("fn f() -> usize { std::mem::size_of::<E>() }"),
            "src/lib.rs may look at the bytes of `E`",
        );
    }
}
