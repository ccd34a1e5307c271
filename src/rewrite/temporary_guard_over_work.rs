//! A statement whose temporary holds a lock in; what the lock was taken for under a name before it out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::temporary_guards::{HeadSort, hoisted};
use crate::source::{SourceFile, Template, expr_at, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("temporary-guard-over-work"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (lock, before) = (captured("lock")?, captured("before")?);
    let sorts = HeadSort::ALL.into_iter().filter_map(|sort| Some((sort, finding.capture(sort.word())?)));
    let (sort, head) = sorts.into_iter().next().ok_or("the finding has no head")?;
    let head = expr_at(file, head).ok_or("the head is gone")?;
    let taken = hoisted(head, sort).ok_or("the head is no longer what it was")?;
    let (kept, gone) = (file.range(taken.kept), file.range(taken.gone));
    let head = file.range(head);
    if !lexer::comments(file.slice(head)).is_empty() {
        return Err("a comment stands where the lock is taken".to_owned());
    }
    let value = format!("{}{}", file.on_one_line(kept), taken.behind);
    let edits = match (finding.capture("loop"), finding.capture("pattern")) {
        (Some(around), Some(pattern)) => {
            place::require_rust(file, 65, "`let … else`")?;
            let pattern = file.slice(pattern);
            let text = format!("loop {{\n    let {pattern} = {value} else {{ break }};");
            Template::new(file, around).text(text).edits()
        }
        _ => {
            let name = place::fresh_name(file, finding.range, taken.base);
            let mut edits = place::insert_before(file, before, &format!("let {name} = {value};"));
            let lent = if taken.is_lent { "&" } else { "" };
            edits.push(TextEdit { range: gone, text: format!("{lent}{name}") });
            place::merged(edits)
        }
    };
    let shown = file.on_one_line(lock);
    let mut obligations = vec![
        "lock scope: the rest runs without the lock, so that others may change what it guards in between".to_owned(),
    ];
    if taken.behind.contains("clone") {
        obligations.push("it works on a copy, which is cheap beside what it waits for".to_owned());
    }
    Ok(Draft {
        title: format!("let go of {shown} before the slow part of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("nothing that could be noticed is computed before the lock is taken"),
            std_types::is_one_at(file, lock, before.start, &std_types::LOCK),
            borrow("what is taken out, or its copy, borrows nothing from the guard"),
        ],
        obligations,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "temporary-guard-over-work";

    #[test]
    fn each_item_is_taken_under_a_lock_of_its_own() {
        let rewrite = check(
            RULE,
            "fn drain(queue: &Mutex<VecDeque<Job>>) -> io::Result<()> {
    // In order.
    while let Some(job) = queue.lock().unwrap().pop_front() {
        // Of the job.
        std::fs::write(job.path, job.text)?; // whole
    }
    Ok(())
}
",
            "fn drain(queue: &Mutex<VecDeque<Job>>) -> io::Result<()> {
    // In order.
    loop {
        let Some(job) = queue.lock().unwrap().pop_front() else { break };
        // Of the job.
        std::fs::write(job.path, job.text)?; // whole
    }
    Ok(())
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
    }

    #[test]
    fn what_is_looked_at_gets_a_name_before() {
        check(
            RULE,
            "impl S {
    async fn push(&self, key: &str) {
        // If there is one.
        if let Some(peer) = self.peers.read().unwrap().get(key) {
            send(peer).await;
        }
    }
}
",
            "impl S {
    async fn push(&self, key: &str) {
        let found = self.peers.read().unwrap().get(key).cloned();
        // If there is one.
        if let Some(peer) = &found {
            send(peer).await;
        }
    }
}
",
        );
        check(
            RULE,
            "async fn f(m: &RwLock<M>) {\n    for tx in m.read().await.values() {\n        tx.send(1).await;\n    }\n}\n",
            "async fn f(m: &RwLock<M>) {\n    let items = m.read().await.values().cloned().collect::<Vec<_>>();\n    for tx in &items {\n        tx.send(1).await;\n    }\n}\n",
        );
        check(
            RULE,
            "async fn f(m: &Mutex<V>) {\n    for (n, tx) in m.lock().await.iter().enumerate() {\n        tx.send(n).await;\n    }\n}\n",
            "async fn f(m: &Mutex<V>) {\n    let items = m.lock().await.clone();\n    for (n, tx) in items.iter().enumerate() {\n        tx.send(n).await;\n    }\n}\n",
        );
    }

    #[test]
    fn an_argument_gets_a_name_before_the_call() {
        check(
            RULE,
            "impl S {\n    async fn f(&self) -> R {\n        call(&self.cfg.lock().unwrap().url).await\n    }\n}\n",
            "impl S {\n    async fn f(&self) -> R {\n        let copied = self.cfg.lock().unwrap().url.clone();\n        call(&copied).await\n    }\n}\n",
        );
        check(
            RULE,
            "fn f(m: &Mutex<V>, w: &mut File) -> R {\n    w.write_all(m.lock().unwrap().join(\",\").as_bytes())?;\n    Ok(())\n}\n",
            "fn f(m: &Mutex<V>, w: &mut File) -> R {\n    let copied = m.lock().unwrap().join(\",\");\n    w.write_all(copied.as_bytes())?;\n    Ok(())\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_head_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &Mutex<V>) { for x in m.lock().unwrap() /* all */ .iter() { println!(\"{x}\"); } }",
            "a comment stands where the lock is taken",
        );
    }
}
