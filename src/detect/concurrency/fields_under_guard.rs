//! Guards through which a wait reads a few fields that it could have been handed copies of.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::locks::{self, Slow};
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, lexer, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("fields-under-guard"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock held by a wait for a few fields",
    explain: EXPLAIN,
    triggers: &["lock", "read"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds guards (`let config = self.config.read().await;`) that are used for nothing but to look at up to three fields, by a wait or
after it.

## Why it costs

Everybody else who wants the lock waits for whom this task or thread waits: a slow peer holds up all who want to write.

## Before

```rust
let config = self.config.read().await;
send(&config.url, message).await?;
```

## After

```rust
let url = self.config.read().await.url.clone();
send(&url, message).await?;
```

The wait goes on with the values as they were when it began. That is for a person to accept.

## When it is refused

The guard is used as a whole, handed on, captured or changed; a method of a field is called that may do more than look; a
field cannot be cloned (rustc does not accept it); it is not the guard of a lock of std, parking_lot or tokio (asked of rustc).
";

/// How many fields are copied at most.
const MOST: usize = 3;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    if locks::calls(file) == 0 {
        return found;
    }
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| lent(file, block, index)));
    }
    found
}

fn lent(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none() && !l.is_mut)?;
    let taken = locks::acquired(guard.value).filter(|a| a.call.method != "write")?;
    usage::place(taken.lock)?;
    let name = guard.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let is_all = !uses.is_empty() && uses.iter().all(is_look) && uses.len() == shapes::count(&rest, &name);
    if !is_all || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let after = &block.stmts[index + 1..];
    let waits = |stmt: &syn::Stmt| locks::slow_work(stmt).filter(|slow| matches!(slow, Slow::Await | Slow::Wait));
    let (at, slow) = after.iter().enumerate().find_map(|(at, stmt)| Some((at, waits(stmt)?)))?;
    // Where nothing of it is used from there on, the guard only has to end earlier.
    if !after[at..].iter().any(|stmt| shapes::count(stmt, &name) > 0) {
        return None;
    }
    let mut fields: Vec<&str> = uses.iter().map(|u| u.fields[0].as_str()).collect();
    fields.sort();
    fields.dedup();
    if fields.len() > MOST {
        return None;
    }
    let message = format!("`{name}` keeps its lock while {}, for {}", slow.words(), fields.join(" and "));
    let mut fact = Fact::at(file, file.range(guard.local))
        .capture("name", file.span_range(guard.name.span()))
        .capture("value", file.range(guard.value))
        .capture("next", file.range(&after[0]))
        .note("message", message);
    for u in &uses {
        let field = field_of(file, u)?;
        let is_copied = u.fields.len() == 1 && matches!(u.how, How::Value | How::Compare);
        fact = fact.capture(if is_copied { "copied" } else { "cloned" }, field);
    }
    Some(fact)
}

/// A look at a field, or at a part of one, which nothing else can come of.
fn is_look(u: &Use) -> bool {
    let looks = match &u.how {
        How::Read | How::Compare | How::Value => true,
        How::Method(method) => usage::is_reading_method(method),
        _ => false,
    };
    looks && !u.fields.is_empty() && !u.is_captured
}

/// `name.field` of a use: the name, the dot and the field.
fn field_of(file: &SourceFile, u: &Use) -> Option<TextRange> {
    let text = file.slice(TextRange { start: u.name.start, end: u.place.end });
    let tokens: Vec<_> = lexer::tokens(text).into_iter().take(3).collect();
    let [_, dot, field] = tokens.as_slice() else { return None };
    let is_plain = dot.text(text) == "." && field.text(text) == u.fields[0];
    is_plain.then(|| TextRange { start: u.name.start, end: u.name.start + field.range.end })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_waits_that_read_a_few_fields() {
        for text in [
            "impl S { async fn f(&self, m: &M) -> R { $0let c = self.config.read().await;$0 send(&c.url, m).await?; Ok(()) } }",
            "async fn f(l: &RwLock<C>) -> R { $0let c = l.read().unwrap();$0 let r = get(c.url.as_str(), c.timeout).await; r }",
            "impl S { async fn f(&self) { $0let c = self.config.lock().await;$0 for p in &c.peers { ping(p).await; } } }",
            "async fn f(l: &Mutex<C>) -> u8 { $0let c = l.lock().await;$0 let n = call().await; if n > c.most { return c.most; } n }",
            "impl S { fn f(&self) { $0let c = self.config.lock();$0 std::thread::sleep(c.pause); } }",
            "fn f(l: &RwLock<C>, rx: &Rx) -> u8 { $0let c = l.read().expect(\"c\");$0 let m = rx.recv(); m.n + c.offset }",
            "async fn f(l: &RwLock<C>) { $0let c = l.read().await;$0 log(&format!(\"{}\", c.name)); send(c.a.b.len()).await; }",
            "async fn f(l: &RwLock<C>) -> R { if a { $0let c = l.read().await;$0 put(&c.key, &c.value).await?; } Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Used as a whole, changed, handed on.
                "async fn f(l: &RwLock<C>) { let c = l.read().await; send(&c).await; }",
                "async fn f(l: &Mutex<C>) { let mut c = l.lock().await; let n = get(&c.url).await; c.n = n; }",
                "async fn f(l: &Mutex<C>) { let c = l.lock().await; c.conn.send(1).await; }",
                "async fn f(l: &Mutex<C>) { let c = l.lock().await; if c.token.is_none() { fetch(&*c).await; } }",
                "async fn f(l: &RwLock<C>) { let c = l.read().await; run(move || c.n).await; }",
                "async fn f(l: &RwLock<C>) { let c = l.read().await; select! { a = g(&c.url) => {} } }",
                "async fn f(l: &RwLock<C>) { let c = l.read().await; match c.state { A => g().await, B => h().await } }",
                // Done with before the wait, or no wait.
                "async fn f(l: &RwLock<C>) { let c = l.read().await; let u = c.url.clone(); send(&u).await; }",
                "fn f(l: &RwLock<C>) -> R { let c = l.read().unwrap(); std::fs::write(&c.path, \"a\")?; Ok(()) }",
                "fn f(l: &RwLock<C>) -> u8 { let c = l.read().unwrap(); g(&c.url); c.n }",
                // Too many, a writer, no name.
                "async fn f(l: &RwLock<C>) { let c = l.read().await; send(&c.a, &c.b, &c.c, &c.d).await; }",
                "async fn f(l: &RwLock<C>) { let c = l.write().await; send(&c.a).await; }",
                "async fn f(l: &RwLock<C>) { let c = l.read().await.clone(); send(&c.a).await; }",
                "#[tokio::test] async fn f() { let c = l.read().await; send(&c.a).await; }",
            ],
        );
    }
}
