//! A loop that polls a channel in; the loop that waits for the message out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types, unused_import};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::polls::{Parts, Polled, Waits, inside, polled};
use crate::source::{SourceFile, expr_at};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("recv-by-polling"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let around = finding.capture("loop").ok_or("the finding has no \"loop\"")?;
    let around = expr_at(file, around).ok_or("the loop is gone")?;
    let found = polled(file, around).ok_or("the loop no longer polls a channel")?;
    let channel = file.range(&*found.call.receiver);
    let (edits, gone) = match &found.parts {
        Parts::Alone { .. } => alone(file, &found),
        Parts::Timed { .. } => timed(file, &found),
    };
    let mut edits = edits;
    for (path, words) in IMPORTS {
        edits.extend(unused_import::dropped(file, finding.range, path, words, &gone));
    }
    let family = match found.waits {
        Waits::Thread => &std_types::RECEIVER,
        Waits::Task | Waits::Blocking => &std_types::TASK_RECEIVER,
    };
    let shown = file.on_one_line(channel);
    Ok(Draft {
        title: format!("wait for {shown} instead of polling it in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("nothing happens between two looks at the channel but the sleep"),
            std_types::is_one(file, channel, family),
            borrow("the receiver can be waited for here"),
        ],
        obligations: obligations(&found),
        ..Draft::default()
    })
}

fn obligations(found: &Polled<'_>) -> Vec<String> {
    let mut all = vec!["pace: messages are handled as soon as they come, without a pause in between".to_owned()];
    if found.waits == Waits::Task {
        all.push("cancellation: the task may be dropped while it waits for a message".to_owned());
    }
    all
}

/// Imports that only the sleep and the errors may have needed.
const IMPORTS: &[(&[&str], &[&str])] = &[
    (&["std", "thread"], &["thread"]),
    (&["std", "time", "Duration"], &["Duration"]),
    (&["std", "sync", "mpsc", "TryRecvError"], &["TryRecvError"]),
    (&["tokio", "sync", "mpsc", "error", "TryRecvError"], &["TryRecvError"]),
    (&["tokio", "time", "sleep"], &["sleep"]),
    (&["tokio", "time", "Duration"], &["Duration"]),
];

fn edit(range: TextRange, text: impl Into<String>) -> TextEdit {
    TextEdit { range, text: text.into() }
}

/// From the name of the method to the end of the call.
fn method(file: &SourceFile, found: &Polled<'_>) -> TextRange {
    TextRange { start: file.span_range(found.call.method.span()).start, end: file.range(found.call).end }
}

fn alone(file: &SourceFile, found: &Polled<'_>) -> (Vec<TextEdit>, Vec<TextRange>) {
    let Parts::Alone { messages, failures, empty, unreached } = &found.parts else { return Default::default() };
    let waiting = match found.waits {
        Waits::Thread => "recv()",
        Waits::Task => "recv().await",
        Waits::Blocking => "blocking_recv()",
    };
    let is_result = found.waits == Waits::Thread;
    let mut edits = vec![edit(method(file, found), waiting)];
    let mut gone = Vec::new();
    if !is_result {
        let oks = messages.iter().filter_map(|pat| inside(pat, "Ok"));
        edits.extend(oks.map(|ok| edit(file.range(&ok.path), "Some")));
    }
    for pat in failures {
        let range = file.range(*pat);
        let new = if is_result { "Err(_)" } else { "None" };
        // A pattern for whatever comes stays one.
        if !matches!(pat, syn::Pat::Wild(_)) && file.slice(range) != new {
            edits.push(edit(range, new));
            gone.push(range);
        }
    }
    if let Some(arm) = empty {
        gone.push(file.range(*arm));
        edits.push(edit(without(file, file.range(*arm)), ""));
    }
    if let Some(stmt) = unreached {
        gone.push(file.range(*stmt));
        edits.push(edit(without(file, file.range(*stmt)), ""));
    }
    (edits, gone)
}

/// The lines of what goes, or it and the white space before it.
fn without(file: &SourceFile, range: TextRange) -> TextRange {
    let whole = hoist::whole_lines(file, range);
    if whole != range {
        return whole;
    }
    let before = &file.text[..range.start as usize];
    let spaces = before.len() - before.trim_end_matches(' ').len();
    TextRange { start: range.start - spaces as u32, end: range.end }
}

fn timed(file: &SourceFile, found: &Polled<'_>) -> (Vec<TextEdit>, Vec<TextRange>) {
    let Parts::Timed { messages, empty, closed, pause, goes_on } = &found.parts else { return Default::default() };
    let pause = file.on_one_line(file.range(*pause));
    let receiver = file.range(&*found.call.receiver);
    let mut edits = Vec::new();
    let (empty_pat, closed_pat) = if found.waits == Waits::Thread {
        edits.push(edit(method(file, found), format!("recv_timeout({pause})")));
        ("Err(std::sync::mpsc::RecvTimeoutError::Timeout)", "Err(std::sync::mpsc::RecvTimeoutError::Disconnected)")
    } else {
        edits.push(edit(
            TextRange { start: receiver.start, end: receiver.start },
            format!("tokio::time::timeout({pause}, "),
        ));
        edits.push(edit(method(file, found), "recv()).await"));
        for ok in messages.iter().filter_map(|pat| inside(pat, "Ok")) {
            let range = file.range(&ok.elems[0]);
            edits.push(edit(TextRange { start: range.start, end: range.start }, "Some("));
            edits.push(edit(TextRange { start: range.end, end: range.end }, ")"));
        }
        ("Err(_)", "Ok(None)")
    };
    let is_wild = matches!(inside(closed, "Err").map(|err| &err.elems[0]), Some(syn::Pat::Wild(_)));
    let is_any = matches!(closed, syn::Pat::Wild(_)) || (is_wild && found.waits == Waits::Thread);
    let mut gone = vec![file.range(&empty.pat), file.range(&*empty.body)];
    edits.push(edit(file.range(&empty.pat), empty_pat));
    edits.push(edit(file.range(&*empty.body), if *goes_on { "continue" } else { "{}" }));
    if let (true, None) = (*goes_on, &empty.comma) {
        let end = file.range(&*empty.body).end;
        edits.push(edit(TextRange { start: end, end }, ","));
    }
    if !is_any {
        gone.push(file.range(*closed));
        edits.push(edit(file.range(*closed), closed_pat));
    }
    (super::place::merged(edits), gone)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::check;

    const RULE: &str = "recv-by-polling";

    #[test]
    fn a_task_waits_for_the_message() {
        let rewrite = check(
            RULE,
            "use tokio::sync::mpsc;
use std::time::Duration;

async fn batch(rx: &mut mpsc::Receiver<u64>, size: usize) -> Vec<u64> {
    let mut batch = Vec::new();
    while batch.len() < size {
        match rx.try_recv() {
            Ok(v) => batch.push(v), // in order
            Err(mpsc::error::TryRecvError::Empty) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(mpsc::error::TryRecvError::Disconnected) => break,
        }
    }
    batch
}
",
            "use tokio::sync::mpsc;

async fn batch(rx: &mut mpsc::Receiver<u64>, size: usize) -> Vec<u64> {
    let mut batch = Vec::new();
    while batch.len() < size {
        match rx.recv().await {
            Some(v) => batch.push(v), // in order
            None => break,
        }
    }
    batch
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (2, 3));
    }

    #[test]
    fn a_thread_waits_for_the_message() {
        check(
            RULE,
            "use std::sync::mpsc::{Receiver, TryRecvError};

fn work(rx: &Receiver<Job>) {
    loop {
        let job = match rx.try_recv() {
            Ok(job) => job,
            Err(TryRecvError::Empty) => {
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(TryRecvError::Disconnected) => return,
        };
        job.run();
    }
}
",
            "use std::sync::mpsc::Receiver;

fn work(rx: &Receiver<Job>) {
    loop {
        let job = match rx.recv() {
            Ok(job) => job,
            Err(_) => return,
        };
        job.run();
    }
}
",
        );
        check(
            RULE,
            "fn first(rx: &std::sync::mpsc::Receiver<u8>) -> u8 {
    loop {
        if let Ok(v) = rx.try_recv() {
            return v;
        }
        std::thread::sleep(PAUSE);
    }
}
",
            "fn first(rx: &std::sync::mpsc::Receiver<u8>) -> u8 {
    loop {
        if let Ok(v) = rx.recv() {
            return v;
        }
        std::thread::sleep(PAUSE);
    }
}
",
        );
    }

    #[test]
    fn what_else_is_looked_at_still_is() {
        check(
            RULE,
            "fn work(rx: &std::sync::mpsc::Receiver<Job>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match rx.try_recv() {
            Ok(job) => job.run(),
            Err(TryRecvError::Empty) => std::thread::sleep(PAUSE),
            Err(TryRecvError::Disconnected) => break,
        }
    }
}
",
            "fn work(rx: &std::sync::mpsc::Receiver<Job>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match rx.recv_timeout(PAUSE) {
            Ok(job) => job.run(),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {},
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
}
",
        );
    }
}
