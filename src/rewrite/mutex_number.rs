//! A lock around a number in; an atomic, and an operation of it for each use, out.

use super::{Draft, Recipe, borrow, file_of, holds, std_types, unused_import};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::derives;
use crate::source::lexer::{self, TokenKind};
use crate::source::literals::literals;
use crate::source::mutexes::{Access, Counted, Does, accesses, counted};
use crate::source::names::imports;
use crate::source::types::struct_fields;
use crate::source::{self, SourceFile, Template, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("mutex-number"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = counted(file);
    let lock = all.iter().find(|l| file.span_range(l.name.span()) == finding.range).ok_or("the lock is gone")?;
    let name = lock.name.to_string();
    only_here(files, file, lock, &name)?;
    let uses = accesses(file, lock)?;
    let made = made(files, file, lock, &name)?;
    let names = Names::of(file, lock, &uses, &made);
    let mut edits = vec![TextEdit { range: file.range(lock.ty), text: names.atomic.clone() }];
    edits.extend(made.iter().map(|range| TextEdit { range: *range, text: names.atomic.clone() }));
    edits.extend(uses.iter().flat_map(|access| replaced(file, access, &names.ordering)));
    edits.extend(names.import);
    if lock.is_bare {
        let gone: Vec<TextRange> = made.iter().copied().chain([file.range(lock.ty)]).collect();
        let path = ["parking_lot", "Mutex"];
        edits.extend(unused_import::dropped(file, file.range(lock.ty), &path, &["Mutex"], &gone));
    }
    let mut touched = Vec::new();
    for item in uses.iter().filter_map(|access| file.item_around(access.site)) {
        if !touched.contains(&item.id) {
            touched.push(item.id.clone());
        }
    }
    Ok(Draft {
        title: format!("make {name} an atomic"),
        edits: vec![(file.path.clone(), edits)],
        touched,
        preconditions: vec![
            std_types::is_one(file, uses.first().ok_or("nobody uses it")?.lock, &std_types::MUTEX),
            holds(format!("`{name}` is private, and each use of it is one look at or one change of the whole value")),
            holds("nothing else is looked at or changed under the lock, and nobody waits with it"),
            borrow(format!("every use of `{name}` is one that an atomic has")),
        ],
        obligations: obligations(lock, &uses, &name),
        ..Draft::default()
    })
}

fn obligations(lock: &Counted<'_>, uses: &[Access], name: &str) -> Vec<String> {
    let mut all = vec![format!("order: nothing else is handed from thread to thread by the lock of `{name}`")];
    let counts = |does: &Does| match does {
        Does::Change(op, _) | Does::ChangeThenLook(op, ..) | Does::LookThenChange(op, ..) => {
            ["fetch_add", "fetch_sub"].contains(op)
        }
        Does::Load | Does::Store(_) => false,
    };
    if uses.iter().any(|access| counts(&access.does)) {
        all.push(format!("overflow: `{name}` wraps around where it would have panicked in builds that check for it"));
    }
    if lock.owner.is_some_and(|item| derives(&item.attrs).iter().any(|d| d == "Debug")) {
        all.push(format!("text: `{name}` is shown by `Debug` as the bare number"));
    }
    all
}

/// Fails where the lock may be used elsewhere, or its struct derives what looks at it.
fn only_here(files: &[SourceFile], file: &SourceFile, lock: &Counted<'_>, name: &str) -> Result<(), String> {
    // What is private is seen in its module, and in those inside it.
    let is_inside = |modules: &[String]| modules.starts_with(&file.role.modules);
    let sees = |other: &&SourceFile| other.role.krate == file.role.krate && is_inside(&other.role.modules);
    if let Some(item) = lock.owner {
        let derived = derives(&item.attrs);
        if let Some(other) = derived.iter().find(|d| !["Debug", "Default"].contains(&d.as_str())) {
            return Err(format!("`{}` derives `{other}`, which the atomic may not have", item.ident));
        }
        if files.iter().filter(sees).flat_map(struct_fields).filter(|field| field.name == name).count() != 1 {
            return Err(format!(
                "another struct has a field `{name}`: which one is used cannot be told from the syntax"
            ));
        }
    }
    let before = if lock.owner.is_some() { "." } else { "" };
    let speaks = |other: &&SourceFile| {
        let tokens = lexer::tokens(&other.text);
        let text = |i: usize| tokens.get(i).map_or("", |t| t.text(&other.text));
        let is_it = |(i, token): (usize, &lexer::Token)| {
            token.kind == TokenKind::Ident
                && token.text(&other.text) == name
                && (before.is_empty() || (i > 0 && text(i - 1) == before && text(i + 1) != "("))
        };
        sees(other) && other.path != file.path && tokens.iter().enumerate().any(is_it)
    };
    match files.iter().find(speaks) {
        Some(other) => Err(format!("`{name}` may also be used in {}", other.path)),
        None => Ok(()),
    }
}

/// The `Mutex` of each `Mutex::new(…)` that makes the lock.
fn made(files: &[SourceFile], file: &SourceFile, lock: &Counted<'_>, name: &str) -> Result<Vec<TextRange>, String> {
    let mutex_of = |value: &syn::Expr| {
        let call = shapes::call(value, &["Mutex", "new"]).or_else(|| shapes::call(value, &["Mutex", "default"]))?;
        let syn::Expr::Path(path) = &*call.func else { return None };
        let whole = file.range(path);
        let method = path.path.segments.last()?;
        Some(TextRange { start: whole.start, end: file.span_range(method.ident.span()).start - 2 })
    };
    let odd = || format!("`{name}` is not made by `Mutex::new` where it begins");
    let Some(item) = lock.owner else {
        return Ok(vec![lock.begins.and_then(mutex_of).ok_or_else(odd)?]);
    };
    let owner = item.ident.to_string();
    let mut found = Vec::new();
    for other in files.iter().filter(|f| f.role.krate == file.role.krate) {
        for literal in literals(other, &owner)? {
            let Some(value) = literal.value(name) else { continue };
            if shapes::call(value, &["Default", "default"]).is_some() {
                continue;
            }
            if other.path != file.path || literal.is_shorthand(name) {
                return Err(odd());
            }
            found.push(mutex_of(value).ok_or_else(odd)?);
        }
    }
    Ok(found)
}

/// The operation that takes the place of an access.
fn replaced(file: &SourceFile, access: &Access, ordering: &str) -> Vec<TextEdit> {
    let new = Template::new(file, access.site);
    let lock = access.lock;
    let new = match &access.does {
        Does::Load => new.keep(lock).text(format!(".load({ordering})")),
        Does::Store(value) => new.keep(lock).text(".store(").keep(*value).text(format!(", {ordering})")),
        Does::Change(op, by) => new.keep(lock).text(format!(".{op}(")).keep(*by).text(format!(", {ordering})")),
        Does::ChangeThenLook(op, again, by) => {
            let by = file.on_one_line(*by);
            new.keep(lock).text(format!(".{op}({by}, {ordering}) {again} {by}"))
        }
        Does::LookThenChange(op, by, head) => {
            let (by, head) = (file.on_one_line(*by), file.on_one_line(*head));
            new.text(head).text(" ").keep(lock).text(format!(".{op}({by}, {ordering})"))
        }
    };
    let is_value = matches!(access.does, Does::Load | Does::ChangeThenLook(..));
    new.text(if access.is_statement && !is_value { ";" } else { "" }).edits()
}

/// How the atomic and its ordering are spelled, and what that takes of the imports.
struct Names {
    atomic: String,
    ordering: String,
    import: Vec<TextEdit>,
}

impl Names {
    fn of(file: &SourceFile, lock: &Counted<'_>, uses: &[Access], made: &[TextRange]) -> Names {
        let is_top =
            |range: TextRange| file.item_around(range).is_none_or(|item| item.modules.len() == file.role.modules.len());
        let type_range = file.range(lock.ty);
        let sites = uses.iter().map(|a| a.site).chain(made.iter().copied());
        let mutex = imported_mutex(file).filter(|_| sites.chain([type_range]).all(is_top));
        let spelled = |name: &str| tokens_of(file, name).next().is_some();
        let mut wanted = Vec::new();
        let mut spell = |name: &str| {
            let full = format!("std::sync::atomic::{name}");
            if mutex.is_some() && imports(file, name) == [full.as_str()] {
                return name.to_owned();
            }
            if mutex.is_none() || spelled(name) {
                return full;
            }
            wanted.push(name.to_owned());
            name.to_owned()
        };
        let (atomic, ordering) = (spell(lock.atomic()), spell("Ordering") + "::SeqCst");
        let Some(found) = mutex else { return Names { atomic, ordering, import: Vec::new() } };
        let gone = |range: &TextRange| {
            type_range.contains(*range) || made.iter().any(|m| m.contains(*range)) || found.name.contains(*range)
        };
        let is_needed = tokens_of(file, "Mutex").any(|range| !gone(&range));
        Names { atomic, ordering, import: found.replaced(file, is_needed, &wanted) }
    }
}

fn tokens_of<'a>(file: &'a SourceFile, name: &'a str) -> impl Iterator<Item = TextRange> + 'a {
    let is_it = move |t: &lexer::Token| t.kind == TokenKind::Ident && t.text(&file.text) == name;
    lexer::tokens(&file.text).into_iter().filter(is_it).map(|t| t.range)
}

/// The `Mutex` of a `use` at the top of the file.
struct Imported {
    item: TextRange,
    name: TextRange,
    group: Option<Group>,
}

/// The brackets around the name, what stands in them, and which of it the name is.
#[derive(Clone)]
struct Group {
    whole: TextRange,
    items: Vec<TextRange>,
    at: usize,
}

impl Imported {
    /// A `use` of what is wanted where rustfmt would put it, and the `Mutex` out of its own where nothing needs it.
    fn replaced(&self, file: &SourceFile, is_needed: bool, wanted: &[String]) -> Vec<TextEdit> {
        let new = match wanted {
            [] => String::new(),
            [only] => format!("atomic::{only}"),
            several => format!("atomic::{{{}}}", several.join(", ")),
        };
        let others = self.group.as_ref().map_or(0, |group| group.items.len() - 1);
        let edit = |range: TextRange, text: String| TextEdit { range, text };
        if !is_needed && others == 0 {
            let name = self.group.as_ref().map_or(self.name, |group| group.whole);
            return vec![if new.is_empty() { edit(self.whole(file), new) } else { edit(name, new) }];
        }
        let mut edits = Vec::new();
        if let Some(group) = self.group.as_ref().filter(|_| !is_needed) {
            edits.push(edit(group.without(file).0, group.without(file).1));
        }
        // Style edition 2024 puts the types of a module before the modules in it; brackets always stand last.
        let is_list = if is_needed { self.group.is_some() } else { others > 1 };
        let eol = source::eol_of(&file.text, self.item.start);
        if !new.is_empty() {
            edits.push(match is_list || file.role.edition.as_str() < "2024" {
                true => edit(TextRange::at(self.item.start as usize), format!("use std::sync::{new};{eol}")),
                false => edit(TextRange::at(self.item.end as usize), format!("{eol}use std::sync::{new};")),
            });
        }
        edits
    }

    /// The whole item with its line end.
    fn whole(&self, file: &SourceFile) -> TextRange {
        let behind = &file.text[self.item.end as usize..];
        let newline = [("\r\n", 2), ("\n", 1)].into_iter().find(|(eol, _)| behind.starts_with(eol));
        TextRange { start: self.item.start, end: self.item.end + newline.map_or(0, |(_, length)| length) }
    }
}

impl Group {
    /// What goes with the name, and what stays in its place: one name alone needs no brackets.
    fn without(&self, file: &SourceFile) -> (TextRange, String) {
        let name = self.items[self.at];
        match (self.items.as_slice(), self.items.get(self.at + 1)) {
            ([_, _], _) => (self.whole, file.slice(self.items[1 - self.at]).to_owned()),
            (_, Some(next)) => (TextRange { start: name.start, end: next.start }, String::new()),
            _ => (TextRange { start: self.items[self.at - 1].end, end: name.end }, String::new()),
        }
    }
}

fn imported_mutex(file: &SourceFile) -> Option<Imported> {
    file.ast.items.iter().find_map(|item| {
        let syn::Item::Use(item) = item else { return None };
        let (name, group) = find_mutex(file, &item.tree, &["std", "sync"], None)?;
        Some(Imported { item: file.range(item), name, group })
    })
}

fn find_mutex(
    file: &SourceFile,
    tree: &syn::UseTree,
    path: &[&str],
    group: Option<Group>,
) -> Option<(TextRange, Option<Group>)> {
    match (tree, path) {
        (syn::UseTree::Path(p), [first, rest @ ..]) if p.ident == first => find_mutex(file, &p.tree, rest, None),
        (syn::UseTree::Name(n), []) if n.ident == "Mutex" => Some((file.span_range(n.ident.span()), group)),
        (syn::UseTree::Group(g), path) => {
            let items: Vec<TextRange> = g.items.iter().map(|tree| file.range(tree)).collect();
            let whole = file.span_range(g.brace_token.span.join());
            let found = |(at, tree)| find_mutex(file, tree, path, Some(Group { whole, items: items.clone(), at }));
            g.items.iter().enumerate().find_map(found)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "mutex-number";

    #[test]
    fn a_lock_of_parking_lot_becomes_an_atomic_too() {
        check(
            RULE,
            "use parking_lot::Mutex;

struct Stats {
    hits: Mutex<u64>,
}

impl Stats {
    fn new() -> Stats {
        Stats { hits: Mutex::new(0) }
    }
    fn hit(&self) -> u64 {
        *self.hits.lock() += 1;
        *self.hits.lock()
    }
}
",
            "
struct Stats {
    hits: std::sync::atomic::AtomicU64,
}

impl Stats {
    fn new() -> Stats {
        Stats { hits: std::sync::atomic::AtomicU64::new(0) }
    }
    fn hit(&self) -> u64 {
        self.hits.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.hits.load(std::sync::atomic::Ordering::SeqCst)
    }
}
",
        );
    }

    #[test]
    fn each_use_becomes_an_operation_of_the_atomic() {
        let rewrite = check(
            RULE,
            "use std::sync::{Arc, Mutex};

#[derive(Debug)]
pub struct Stats {
    /// How many.
    hits: Mutex<u64>, // since the start
}

impl Stats {
    pub fn new() -> Arc<Stats> {
        Arc::new(Stats { hits: Mutex::new(0) })
    }

    pub fn hit(&self, by: u64) -> u64 {
        // One more.
        *self.hits.lock().unwrap() += by; // counted
        let before = *self.hits.lock().unwrap();
        before
    }

    pub fn next(&self) -> u64 {
        let mut hits = self.hits.lock().unwrap();
        *hits += 1;
        *hits
    }

    pub fn take(&self) -> u64 {
        let mut hits = self.hits.lock().expect(\"no panic\");
        let old = *hits;
        *hits -= 1;
        old
    }

    pub fn reset(&self) {
        *self.hits.lock().unwrap() = start(self);
    }
}
",
            "use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub struct Stats {
    /// How many.
    hits: AtomicU64, // since the start
}

impl Stats {
    pub fn new() -> Arc<Stats> {
        Arc::new(Stats { hits: AtomicU64::new(0) })
    }

    pub fn hit(&self, by: u64) -> u64 {
        // One more.
        self.hits.fetch_add(by, Ordering::SeqCst); // counted
        let before = self.hits.load(Ordering::SeqCst);
        before
    }

    pub fn next(&self) -> u64 {
        self.hits.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn take(&self) -> u64 {
        let old = self.hits.fetch_sub(1, Ordering::SeqCst);
        old
    }

    pub fn reset(&self) {
        self.hits.store(start(self), Ordering::SeqCst);
    }
}
",
        );
        let words: Vec<_> = rewrite.obligations.iter().filter_map(|o| o.split(':').next()).collect();
        assert_eq!(words, ["order", "overflow", "text"]);
    }

    #[test]
    fn a_static_flag_and_a_lock_that_stays() {
        check(
            RULE,
            "use std::cmp::Ordering;
use std::sync::Mutex;

static READY: Mutex<bool> = Mutex::new(false);
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn f(a: u8) -> Ordering {
    if *READY.lock().unwrap() {
        *READY.lock().unwrap() = false;
    }
    NAMES.lock().unwrap().clear();
    a.cmp(&1)
}
",
            "use std::cmp::Ordering;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

static READY: AtomicBool = AtomicBool::new(false);
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn f(a: u8) -> Ordering {
    if READY.load(std::sync::atomic::Ordering::SeqCst) {
        READY.store(false, std::sync::atomic::Ordering::SeqCst);
    }
    NAMES.lock().unwrap().clear();
    a.cmp(&1)
}
",
        );
    }

    #[test]
    fn what_is_imported_already_is_used_and_a_lock_without_use_goes() {
        check(
            RULE,
            "use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

struct S {
    a: AtomicUsize,
    n: Mutex<usize>,
}

fn f(s: &S) {
    *s.n.lock().unwrap() |= s.a.load(Ordering::Relaxed);
}
",
            "use std::sync::atomic::{AtomicUsize, Ordering};

struct S {
    a: AtomicUsize,
    n: AtomicUsize,
}

fn f(s: &S) {
    s.n.fetch_or(s.a.load(Ordering::Relaxed), Ordering::SeqCst);
}
",
        );
    }

    #[test]
    fn brackets_stand_behind_what_is_imported_anew() {
        let uses = "struct S {
    n: Mutex<i32>,
    c: Condvar,
}

fn f(s: &S, e: PoisonError<u8>) {
    *s.n.lock().unwrap() -= 1;
}
";
        let after = uses
            .replace("Mutex<i32>", "AtomicI32")
            .replace("*s.n.lock().unwrap() -= 1", "s.n.fetch_sub(1, Ordering::SeqCst)");
        check(
            RULE,
            &format!("use std::fs;\nuse std::sync::{{Condvar, Mutex, PoisonError}};\n\n{uses}"),
            &format!(
                "use std::fs;\nuse std::sync::atomic::{{AtomicI32, Ordering}};\nuse std::sync::{{Condvar, PoisonError}};\n\n{after}"
            ),
        );
    }

    #[test]
    fn a_struct_that_is_sent_or_built_elsewhere_is_refused() {
        let uses = "impl S { fn f(&self) { *self.n.lock().unwrap() += 1; } }";
        check_refuses(
            RULE,
            &format!("use std::sync::Mutex; #[derive(Serialize)] struct S {{ n: Mutex<u64> }} {uses}"),
            "`S` derives `Serialize`, which the atomic may not have",
        );
        check_refuses(
            RULE,
            &format!("use std::sync::Mutex; struct S {{ n: Mutex<u64> }} struct T {{ n: u64 }} {uses}"),
            "another struct has a field `n`: which one is used cannot be told from the syntax",
        );
        check_refuses(
            RULE,
            &format!(
                "use std::sync::Mutex; struct S {{ n: Mutex<u64> }} {uses} fn g(n: Mutex<u64>) -> S {{ S {{ n }} }}"
            ),
            "`n` is not made by `Mutex::new` where it begins",
        );
    }
}
