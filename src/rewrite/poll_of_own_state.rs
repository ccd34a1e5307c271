//! A loop that polls its own struct in; one that is told of changes, and the field that it is told by, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::literals::literals;
use crate::source::own_polls::{Held, OwnPoll, may_grow, own_polls};
use crate::source::types::struct_fields;
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("poll-of-own-state"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = own_polls(file);
    let poll = all.iter().find(|p| file.range(p.sleep) == finding.range).ok_or("the loop no longer polls")?;
    may_grow(poll.owner)?;
    if !lexer::comments(file.slice(file.range(poll.sleep))).is_empty() {
        return Err("a comment stands in the sleep".to_owned());
    }
    let polled = poll.field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let told = Told::by(file, poll, &polled);
    let mut edits = told.wait(file, poll, &polled)?;
    for writer in &poll.writers {
        edits.extend(place::insert_after(file, *writer, &told.tells()));
    }
    let decl = file.range(poll.field);
    for (name, ty, _) in &told.fields {
        let at = TextRange { start: decl.start, end: decl.start };
        edits.extend(Template::new(file, at).text(format!("{name}: {ty},\n")).edits());
    }
    let mut sets = vec![(file.path.clone(), Vec::new())];
    let owner = poll.owner.ident.to_string();
    for other in files.iter().filter(|f| f.role.krate == file.role.krate) {
        let made = begun(other, &owner, &polled, &told)?;
        if other.path == file.path {
            edits.extend(made);
        } else if !made.is_empty() {
            return Err(format!("`{owner}` is built in {}", other.path));
        }
    }
    sets[0].1 = place::joined(edits);
    let mut touched = vec![finding.function.clone()];
    for item in poll.writers.iter().filter_map(|writer| file.item_around(*writer)) {
        if !touched.contains(&item.id) {
            touched.push(item.id.clone());
        }
    }
    Ok(Draft {
        title: format!("tell {} of changes of {polled}", short(&finding.function)),
        edits: sets,
        touched,
        preconditions: vec![
            holds("the loop only looks at fields of its own struct, and sleeps"),
            holds("the old pause stays the longest time between two looks"),
            borrow("the struct can hold what it is told by"),
        ],
        obligations: vec![
            format!(
                "who changes `{polled}` other than by the methods of `{owner}` does not tell: that is seen after the old pause"
            ),
            "it may look more often than before where changes come fast".to_owned(),
        ],
        ..Draft::default()
    })
}

/// How the loop is told.
struct Told {
    /// Names, types and first values of the new fields.
    fields: Vec<(String, String, String)>,
    is_task: bool,
    held: Held,
}

impl Told {
    fn by(file: &SourceFile, poll: &OwnPoll<'_>, polled: &str) -> Told {
        let known: Vec<String> = struct_fields(file).iter().map(|f| f.name.clone()).collect();
        let fresh = |base: String| {
            let free = |name: &String| !known.contains(name);
            let numbered = (2..).map(|n| format!("{base}_{n}"));
            std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or_default()
        };
        let at = file.range(poll.field);
        let spelled = |path: &[&str]| {
            if place::is_named(file, at, path) { path[path.len() - 1].to_owned() } else { path.join("::") }
        };
        let changed = fresh(format!("{polled}_changed"));
        let of = |name: String, ty: String, value: &str| (name, ty.clone(), format!("{ty}::new({value})"));
        let fields = match (poll.is_task, poll.held) {
            (true, _) => vec![of(changed, spelled(&["tokio", "sync", "Notify"]), "")],
            (false, Held::Parked(_)) => vec![of(changed, "parking_lot::Condvar".to_owned(), "")],
            (false, Held::Mutex(_)) => vec![of(changed, spelled(&["std", "sync", "Condvar"]), "")],
            (false, _) => {
                let asleep = fresh(format!("{polled}_asleep"));
                let lock = spelled(&["std", "sync", "Mutex"]);
                let made = format!("{lock}::new(())");
                vec![of(changed, spelled(&["std", "sync", "Condvar"]), ""), (asleep, format!("{lock}<()>"), made)]
            }
        };
        Told { fields, is_task: poll.is_task, held: poll.held }
    }

    /// What a writer says after its change.
    fn tells(&self) -> String {
        let changed = &self.fields[0].0;
        match (self.is_task, self.fields.get(1)) {
            (true, _) => format!("self.{changed}.notify_waiters();"),
            // Who looks holds the lock between the look and the wait: the change is not missed there.
            (false, Some((asleep, ..))) => format!("drop(self.{asleep}.lock()); self.{changed}.notify_all();"),
            (false, None) => format!("self.{changed}.notify_all();"),
        }
    }

    /// The sleep, turned into a wait that a change ends.
    fn wait(&self, file: &SourceFile, poll: &OwnPoll<'_>, polled: &str) -> Result<Vec<TextEdit>, String> {
        let (changed, pause) = (&self.fields[0].0, file.on_one_line(file.range(poll.pause)));
        let sleep = file.range(poll.sleep);
        let condition = poll.goes_on.map(|(cond, is_turned)| {
            let text = file.on_one_line(file.range(cond));
            match (is_turned, text.strip_prefix('!')) {
                (false, _) => text,
                (true, Some(plain)) if !plain.contains(['&', '|']) => plain.to_owned(),
                (true, _) if matches!(cond, syn::Expr::MethodCall(_)) => format!("!{text}"),
                (true, _) => format!("!({text})"),
            }
        });
        if poll.is_task {
            let wait = format!("let _ = tokio::time::timeout({pause}, changed).await;");
            let listen = format!("let changed = self.{changed}.notified();");
            if matches!(poll.around, syn::Expr::While(_)) {
                let condition = condition.ok_or("the condition is gone")?;
                let text = format!("{listen}\nif {condition} {{\n    {wait}\n}}");
                return Ok(Template::new(file, sleep).text(text).edits());
            }
            let first = file.range(poll.body.stmts.first().ok_or("the loop is empty")?);
            let mut edits = place::insert_before(file, first, &listen);
            edits.push(TextEdit { range: sleep, text: wait });
            return Ok(edits);
        }
        let text = match self.held {
            Held::Mutex(empty) => format!(
                "let asleep = self.{polled}.lock().unwrap();\nif asleep.{empty}() {{\n    let _ = self.{changed}.wait_timeout(asleep, {pause});\n}}"
            ),
            Held::Parked(empty) => format!(
                "let mut asleep = self.{polled}.lock();\nif asleep.{empty}() {{\n    let _ = self.{changed}.wait_for(&mut asleep, {pause});\n}}"
            ),
            _ => {
                let asleep = self.fields.get(1).map(|(name, ..)| name.as_str()).unwrap_or_default();
                let condition = condition.ok_or("the condition is gone")?;
                format!(
                    "let asleep = self.{asleep}.lock().unwrap();\nif {condition} {{\n    let _ = self.{changed}.wait_timeout(asleep, {pause});\n}}"
                )
            }
        };
        Ok(Template::new(file, sleep).text(text).edits())
    }
}

/// The new fields where the struct is built.
fn begun(file: &SourceFile, owner: &str, polled: &str, told: &Told) -> Result<Vec<TextEdit>, String> {
    let mut edits = Vec::new();
    for literal in literals(file, owner)? {
        let is_it = |value: &&syn::FieldValue| matches!(&value.member, syn::Member::Named(name) if name == polled);
        let Some(value) = literal.node.fields.iter().find(is_it) else { continue };
        let (start, open) = (file.range(value).start, file.span_range(literal.node.brace_token.span.open()).end);
        let separator = if file.slice(TextRange { start: open, end: start }).contains('\n') { "\n" } else { " " };
        let values: String = told.fields.iter().map(|(name, _, made)| format!("{name}: {made},{separator}")).collect();
        edits.extend(Template::new(file, TextRange { start, end: start }).text(values).edits());
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "poll-of-own-state";

    #[test]
    fn a_task_is_notified() {
        let rewrite = check(
            RULE,
            "use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub struct Readiness {
    /// Raised once.
    ready: AtomicBool,
}

impl Readiness {
    pub fn mark(&self) {
        self.ready.store(true, Ordering::Release); // for good
    }

    pub async fn wait(&self) {
        while !self.ready.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
",
            "use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub struct Readiness {
    ready_changed: tokio::sync::Notify,
    /// Raised once.
    ready: AtomicBool,
}

impl Readiness {
    pub fn mark(&self) {
        self.ready.store(true, Ordering::Release); // for good
        self.ready_changed.notify_waiters();
    }

    pub async fn wait(&self) {
        while !self.ready.load(Ordering::Acquire) {
            let changed = self.ready_changed.notified();
            if !self.ready.load(Ordering::Acquire) {
                let _ = tokio::time::timeout(Duration::from_millis(50), changed).await;
            }
        }
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.touched.len()), (2, 2));
    }

    #[test]
    fn a_thread_waits_on_the_mutex_of_the_queue() {
        check(
            RULE,
            "use std::sync::Mutex;

pub struct Queue {
    jobs: Mutex<VecDeque<u64>>,
}

impl Queue {
    pub fn new() -> Self {
        Self { jobs: Mutex::new(VecDeque::new()) }
    }

    pub fn push(&self, job: u64) {
        self.jobs.lock().unwrap().push_back(job);
    }

    pub fn next(&self) -> u64 {
        loop {
            // The oldest.
            if let Some(job) = self.jobs.lock().unwrap().pop_front() {
                return job;
            }
            std::thread::sleep(PAUSE);
        }
    }
}
",
            "use std::sync::Mutex;

pub struct Queue {
    jobs_changed: std::sync::Condvar,
    jobs: Mutex<VecDeque<u64>>,
}

impl Queue {
    pub fn new() -> Self {
        Self { jobs_changed: std::sync::Condvar::new(), jobs: Mutex::new(VecDeque::new()) }
    }

    pub fn push(&self, job: u64) {
        self.jobs.lock().unwrap().push_back(job);
        self.jobs_changed.notify_all();
    }

    pub fn next(&self) -> u64 {
        loop {
            // The oldest.
            if let Some(job) = self.jobs.lock().unwrap().pop_front() {
                return job;
            }
            let asleep = self.jobs.lock().unwrap();
            if asleep.is_empty() {
                let _ = self.jobs_changed.wait_timeout(asleep, PAUSE);
            }
        }
    }
}
",
        );
    }

    #[test]
    fn what_must_not_grow_is_left() {
        check_refuses(
            RULE,
            "use std::sync::atomic::AtomicBool; #[derive(Clone)] struct S { a: AtomicBool } impl S { fn set(&self) { self.a.store(true, R); } fn wait(&self) { while !self.a.load(R) { thread::sleep(D); } } }",
            "`S` derives `Clone`, which what one waits by may not have",
        );
    }
}
