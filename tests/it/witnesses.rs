//! What calls of old and new are counted to do: planted changes that move a count, and look-alikes that must not.

use std::process::Command;
use std::sync::OnceLock;

use refit::model::{Counted, EditSet, Kind, RuleId, TextEdit, TextRange};
use refit::source;
use refit::verify::change::Change;
use refit::verify::purity::Effects;
use refit::verify::twin::{Ask, VARIABLE, twin};
use refit::verify::witness::{Counts, words};

/// Each function has a mark, by which it is found; after it, what is there and what comes instead.
const PROGRAM: &str = r#"use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::{Mutex, RwLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

static BOOK: Mutex<Vec<u64>> = Mutex::new(Vec::new());
static RATES: RwLock<u64> = RwLock::new(3);

fn work(n: u64) -> u64 {
    (0..4000 + n).fold(n, |sum, i| std::hint::black_box(sum ^ i))
}

pub fn held_over_work(n: u64) -> u64 {
    let mut book = BOOK.lock().unwrap();
    book.clear();
    book.push(n);
    /*drop*/
    work(n)
}

pub fn held_as_long(n: u64) -> u64 {
    let mut book = BOOK.lock().unwrap();
    book.clear();
    book.push(/*same*/n);
    work(n) + book.len() as u64
}

pub fn taken_each_time(n: u64) -> u64 {
    let mut sum = 0;
    for i in 0../*times*/8 {
        sum += BOOK.lock().map(|book| book.len() as u64).unwrap_or(i) + n;
    }
    sum
}

pub fn taken_to_write(_: u64) -> u64 {
    *RATES./*kind*/write().unwrap()
}

pub fn large(n: u64) -> usize {
    let all: Vec<u64> = Vec::with_capacity(/*room*/512);
    std::hint::black_box(all).capacity() + n as usize
}

pub fn asked(n: u64) -> u64 {
    let mut tries = 0;
    loop {
        tries += 1;
        if tries >= /*tries*/5 {
            return n;
        }
        std::thread::sleep(Duration::from_nanos(100));
    }
}

pub fn kept(n: u64) -> u64 {
    let path = std::env::temp_dir().join(format!("refit-witness-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).unwrap();
    for i in 0..3 {
        file.write_all(b"line\n").unwrap();
        if /*each*/true || i == 2 {
            file.sync_all().unwrap();
        }
    }
    n
}

struct Later(bool);

impl Future for Later {
    type Output = u64;
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        // What is awaited works for the task.
        drop(std::hint::black_box(vec![1u8; 64]));
        if std::mem::replace(&mut self.0, true) { Poll::Ready(1) } else { Poll::Pending }
    }
}

pub async fn waits(n: u64) -> u64 {
    let mut all: Vec<Vec<u64>> = Vec::with_capacity(4);
    for i in 0../*texts*/4 {
        all.push(vec![n + i]);
    }
    Later(false).await + all.len() as u64
}

fn finish(future: impl Future<Output = u64>) -> u64 {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(n) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return n;
        }
        // What others do while it waits is not counted either.
        drop(std::hint::black_box(vec![1u8; 4096]));
    }
}

fn main() {
    for n in 0..600 {
        let all = [held_over_work(n), held_as_long(n), taken_each_time(n), taken_to_write(n), large(n) as u64];
        std::hint::black_box((all, asked(n), finish(waits(n))));
        // Disks take their time.
        if n < 60 {
            kept(n);
        }
    }
}
"#;

const CHANGES: &[(&str, &str)] = &[
    ("/*drop*/", "/*drop*/ drop(book);"),
    ("/*same*/n", "/*same*/n + 1"),
    ("/*times*/8", "/*times*/1"),
    ("/*kind*/write", "/*kind*/read"),
    ("/*room*/512", "/*room*/16"),
    ("/*tries*/5", "/*tries*/2"),
    ("/*each*/true", "/*each*/false"),
    ("/*texts*/4", "/*texts*/2"),
];

/// What the program wrote, its functions in the order of the text.
fn written() -> &'static str {
    static WRITTEN: OnceLock<String> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let edit = |(from, to): &(&str, &str)| {
            let at = PROGRAM.find(from).unwrap();
            TextEdit { range: TextRange::new(at, at + from.len()), text: (*to).to_owned() }
        };
        let edits = EditSet::new("main.rs", source::hash(PROGRAM), CHANGES.iter().map(edit).collect()).unwrap();
        let change = Change::new(&edits, PROGRAM, &source::apply(&edits, PROGRAM).unwrap());
        let ask = Ask { matched: true, allocator: true, tallies: true, layout: 0 };
        let twinned = twin(&change, &Effects::of([PROGRAM]), ask, 0);
        assert_eq!((twinned.twins.len(), twinned.left_out), (CHANGES.len(), vec![]));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.rs"), &twinned.text).unwrap();
        let args = ["--edition", "2024", "-O", "--cap-lints", "allow", "main.rs"];
        let built = Command::new("rustc").args(args).current_dir(dir.path()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let file = dir.path().join("timed");
        let ran = Command::new(dir.path().join("main")).env(VARIABLE, &file).env("TMPDIR", dir.path()).status();
        assert!(ran.unwrap().success());
        std::fs::read_to_string(file).unwrap()
    })
}

/// One function's counts as a proposal of this kind shows them.
fn counted(number: usize, kind: Kind) -> (Counts, Vec<Counted>) {
    let counts = Counts::of(written(), number);
    let all = counts.counted(kind, RuleId("some-rule"));
    (counts, all)
}

#[track_caller]
fn of<'a>(all: &'a [Counted], what: &str) -> &'a Counted {
    all.iter().find(|c| c.what == what).unwrap_or_else(|| panic!("nobody counted {what}: {all:?}"))
}

/// What a count is per call of base and candidate, to a tenth.
#[track_caller]
fn check(number: usize, kind: Kind, what: &str, expected: (&str, &str)) {
    let (_, all) = counted(number, kind);
    let found = of(&all, what);
    assert_eq!((found.shown(found.old).as_str(), found.shown(found.new).as_str()), expected, "{what}: {all:?}");
}

#[test]
fn a_lock_that_is_let_go_earlier_is_held_for_less_and_one_that_is_not_is_not() {
    let (counts, all) = counted(0, Kind::WideLock);
    let held = of(&all, "locks held");
    assert!(held.is_witness && held.new < held.old / 3.0, "{all:?}");
    assert!(!counts.contradict(Kind::WideLock, RuleId("some-rule")) && counts.eases_locks());
    check(0, Kind::WideLock, "locks taken", ("1.0", "1.0"));
    let (_, all) = counted(1, Kind::WideLock);
    let held = of(&all, "locks held");
    assert!(held.new > held.old / 2.0 && held.new < held.old * 2.0, "{all:?}");
    check(1, Kind::WideLock, "locks taken", ("1.0", "1.0"));
    check(1, Kind::WideLock, "locks taken to write", ("1.0", "1.0"));
}

#[test]
fn locks_are_counted_by_number_and_by_whether_others_may_hold_them_too() {
    check(2, Kind::WideLock, "locks taken", ("8.0", "1.0"));
    check(3, Kind::WideLock, "locks taken", ("1.0", "1.0"));
    check(3, Kind::WideLock, "locks taken to write", ("1.0", "0.0"));
    let (_, all) = counted(2, Kind::WideLock);
    assert!(of(&all, "locks waited for").old > 0.0, "{all:?}");
}

#[test]
fn bytes_move_where_the_number_of_allocations_stays() {
    check(4, Kind::AllocChurn, "allocations", ("1.0", "1.0"));
    check(4, Kind::AllocChurn, "bytes allocated", ("4096 B", "128 B"));
    let (counts, all) = counted(4, Kind::AllocChurn);
    assert!(!counts.contradict(Kind::AllocChurn, RuleId("some-rule")));
    assert_eq!(words(Kind::AllocChurn, &all), "allocations 1.0 to 1.0, bytes allocated 4096 B to 128 B a call");
}

#[test]
fn attempts_and_pauses_are_counted_with_the_time_that_is_asked_for() {
    check(5, Kind::HiddenWait, "attempts", ("5.0", "2.0"));
    check(5, Kind::HiddenWait, "pauses", ("4.0", "1.0"));
    check(5, Kind::HiddenWait, "time to pause", ("400 ns", "100 ns"));
    let (counts, _) = counted(5, Kind::HiddenWait);
    assert!(!counts.contradict(Kind::HiddenWait, RuleId("recv-by-polling")));
}

#[test]
fn syncs_are_told_apart_from_writes_and_files_that_are_opened() {
    check(6, Kind::FlushLogging, "write calls", ("3.0", "3.0"));
    check(6, Kind::FlushLogging, "syncs", ("3.0", "1.0"));
    check(6, Kind::FlushLogging, "files opened", ("1.0", "1.0"));
    let (counts, _) = counted(6, Kind::FlushLogging);
    assert!(!counts.contradict(Kind::FlushLogging, RuleId("sync-in-loop")), "what it saves became less");
    assert!(counts.contradict(Kind::FlushLogging, RuleId("some-rule")), "writes did not");
}

#[test]
fn what_a_task_does_is_counted_through_its_waits_and_what_others_do_meanwhile_is_not() {
    // The list itself and what is in it, and one of each of two polls.
    check(7, Kind::AllocChurn, "allocations", ("7.0", "5.0"));
}

#[test]
fn nothing_is_told_of_what_does_not_happen() {
    let (_, all) = counted(4, Kind::AllocChurn);
    let all: Vec<&str> = all.iter().map(|c| c.what.as_str()).collect();
    assert_eq!(all, ["allocations", "bytes allocated"]);
}
