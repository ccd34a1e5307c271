//! Mutexes around collections that are looked at more often than they are changed.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::{head, type_arguments};
use crate::source::own_fields::{OwnField, own_fields, uses_of};
use crate::source::{Node, SourceFile, locks, names, path_to, shapes, usage};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("mutex-mostly-read"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "mutex around a collection that is mostly looked at",
    explain: EXPLAIN,
    triggers: &["Mutex"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds private fields `Mutex<HashMap<…>>` (or another collection) of std, parking_lot or tokio, of which every use in the file takes the
lock, and more places only look than change.

## Why it costs

One look-up waits for the other, though neither changes anything.

## Before

```rust
schemas: Mutex<HashMap<String, Arc<Schema>>>,

self.schemas.lock().get(name).cloned()
self.schemas.lock().insert(name, schema);
```

## After

```rust
schemas: RwLock<HashMap<String, Arc<Schema>>>,

self.schemas.read().get(name).cloned()
self.schemas.write().insert(name, schema);
```

A read of an `RwLock` costs a little more than a lock of a `Mutex` where nobody else wants it, and a writer may have to wait for many
readers. That is for a person to accept, and for a measurement to show.

## When it is refused

As many places change the collection as look at it; the lock is used in any way that is not known (`try_lock`, a condition variable);
what is guarded must not be looked at by two threads at once (rustc does not accept it).
";

/// Collections that take a while to look through.
const COLLECTIONS: &[&str] = &["BTreeMap", "BTreeSet", "HashMap", "HashSet", "Vec"];

/// Where the locks come from.
const MODULES: &[&str] = &["std::sync", "parking_lot", "tokio::sync"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let module = MODULES.iter().find(|module| names::imports(file, "Mutex") == [format!("{module}::Mutex")]);
    if module.is_none() || locks::calls(file) < 3 {
        return Vec::new();
    }
    own_fields(file, RULE.triggers).iter().filter_map(|field| mostly_read(file, field)).collect()
}

fn mostly_read(file: &SourceFile, field: &OwnField<'_>) -> Option<Fact> {
    let [guarded] = type_arguments(&field.field.ty)[..] else { return None };
    let ty = file.range(&field.field.ty);
    let word = TextRange { start: ty.start, end: ty.start + "Mutex".len() as u32 };
    if !COLLECTIONS.contains(&head(guarded).as_str()) || file.slice(word) != "Mutex" {
        return None;
    }
    let uses = uses_of(file, field)?;
    let mut fact = Fact::at(file, ty).capture("word", word).capture("field", file.span_range(field.name.span()));
    let (mut reads, mut writes) = (0, 0);
    for (reached, parent) in &uses.reached {
        let Some(syn::Expr::MethodCall(lock)) = parent else { return None };
        if lock.method != "lock" || !lock.args.is_empty() || file.range(&*lock.receiver) != file.range(*reached) {
            return None;
        }
        let only_looks = only_looks(file, file.range(lock));
        let kind = if only_looks { "read" } else { "write" };
        *(if only_looks { &mut reads } else { &mut writes }) += 1;
        fact = fact.capture(kind, file.span_range(lock.method.span()));
    }
    for made in &uses.made {
        fact = fact.capture("word", made_by(file, made)?);
    }
    let message = format!("look-ups in `{}` wait for one another", field.name);
    (reads > writes && writes > 0).then(|| fact.note("message", message))
}

/// True if the guard that this call gives is only looked at.
fn only_looks(file: &SourceFile, lock: TextRange) -> bool {
    // The call itself, `unwrap` and `await` behind it, and the fields on the way are all still the guard.
    let mut guard = lock;
    let path = path_to(file, lock);
    let is_call = |node: &&Node<'_>| matches!(node, Node::Expr(expr) if file.range(*expr) == lock);
    for node in path.iter().rev().skip_while(|node| !is_call(node)).skip(1) {
        match node {
            Node::Expr(expr) if locks::acquired(expr).is_some() => guard = file.range(*expr),
            Node::Expr(expr @ syn::Expr::Field(f)) if file.range(&*f.base) == guard => guard = file.range(*expr),
            Node::Expr(syn::Expr::MethodCall(call)) => {
                let is_receiver = file.range(&*call.receiver) == guard;
                return is_receiver && usage::is_reading_method(&call.method.to_string());
            }
            // A guard that is bound without `mut` cannot be changed through.
            Node::Stmt(stmt) => {
                return shapes::plain_let(stmt).is_some_and(|l| !l.is_mut && file.range(l.value) == guard);
            }
            _ => return false,
        }
    }
    false
}

/// The name of the type in `Mutex::new(…)`; an empty range where `Default::default()` names none.
fn made_by(file: &SourceFile, expr: &syn::Expr) -> Option<TextRange> {
    let syn::Expr::Call(call) = names::peel(expr) else { return None };
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<_> = path.path.segments.iter().collect();
    let [owner, made] = segments.as_slice() else { return None };
    let range = file.span_range(owner.ident.span());
    match owner.ident.to_string().as_str() {
        "Mutex" if made.ident == "new" || made.ident == "default" => Some(range),
        "Default" if made.ident == "default" => Some(TextRange { start: range.start, end: range.start }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_more_look_than_change() {
        for text in [
            "use parking_lot::Mutex; struct T { rows: $0Mutex<HashMap<String, u8>>$0 } impl T { fn get(&self, k: &str) -> Option<u8> { self.rows.lock().get(k).copied() } fn has(&self, k: &str) -> bool { self.rows.lock().contains_key(k) } fn put(&self, k: String) { self.rows.lock().insert(k, 1); } }",
            "use std::sync::Mutex; struct T { rows: $0Mutex<Vec<u8>>$0 } impl T { fn new() -> T { T { rows: Mutex::new(Vec::new()) } } fn sum(&self) -> u32 { let rows = self.rows.lock().unwrap(); rows.iter().map(|r| u32::from(*r)).sum() } fn len(&self) -> usize { self.rows.lock().unwrap().len() } fn put(&self, n: u8) { let mut rows = self.rows.lock().unwrap(); rows.push(n); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let get = "fn get(&self, k: &str) -> Option<u8> { self.rows.lock().get(k).copied() }";
        let texts: Vec<String> = [
            format!("use parking_lot::Mutex; struct T {{ rows: Mutex<HashMap<String, u8>> }} impl T {{ {get} fn put(&self, k: String) {{ self.rows.lock().insert(k, 1); }} fn take(&self, k: &str) {{ self.rows.lock().remove(k); }} }}"),
            format!("use parking_lot::Mutex; struct T {{ rows: Mutex<HashMap<String, u8>> }} impl T {{ {get} fn len(&self) -> usize {{ self.rows.lock().len() }} fn all(&self) -> bool {{ self.rows.lock().is_empty() }} }}"),
            format!("use parking_lot::Mutex; struct T {{ rows: Mutex<HashMap<String, u8>> }} impl T {{ {get} fn len(&self) -> usize {{ self.rows.lock().len() }} fn put(&self, k: String) {{ if let Some(mut r) = self.rows.try_lock() {{ r.insert(k, 1); self.rows.lock(); }} }} }}"),
            format!("use my::Mutex; struct T {{ rows: Mutex<HashMap<String, u8>> }} impl T {{ {get} fn len(&self) -> usize {{ self.rows.lock().len() }} fn put(&self, k: String) {{ self.rows.lock().insert(k, 1); }} }}"),
            "use parking_lot::Mutex; struct T { n: Mutex<u64> } impl T { fn a(&self) -> u64 { *self.n.lock() } fn b(&self) -> bool { self.n.lock().eq(&1) } fn c(&self) { *self.n.lock() += 1; } }".into(),
            "use parking_lot::Mutex; struct T { pub rows: Mutex<Vec<u8>> } impl T { fn a(&self) -> usize { self.rows.lock().len() } fn b(&self) -> bool { self.rows.lock().is_empty() } fn c(&self) { self.rows.lock().push(1); } }".into(),
            "use parking_lot::Mutex; struct T { rows: Mutex<Vec<u8>> } impl T { fn a(&self) -> usize { self.rows.lock().len() } fn b(&self) -> bool { self.rows.lock().is_empty() } fn c(&self) { self.rows.lock().push(1); } fn all(&self) -> &Mutex<Vec<u8>> { &self.rows } }".into(),
        ]
        .into();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
