//! The back office: what merchants are told of their payments, what they turned over, and the statements of both.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{Authorization, Decision};
use crate::error::GatewayError;
use crate::metrics::{Counters, DayBook};

/// A statement is written each time so many payments have been decided.
pub const STATEMENT_EVERY: u64 = 64;

/// So many notices wait for their merchants before the oldest is forgotten.
const WAITING: usize = 256;

/// What a merchant is told of a payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub amount: u64,
    pub merchant: String,
    pub number: u64,
    pub payment: String,
}

/// Payments by their risk score, in steps of five.
#[derive(Clone, Copy)]
struct Scores {
    counts: [u64; 20],
}

/// A decided payment, until its statement is written.
struct Entry {
    payment: String,
    amount: u64,
    fee: u64,
    score: u32,
}

/// What has happened since the last statement.
#[derive(Default)]
struct Page {
    open_entries: Vec<Box<Entry>>,
    turnover: HashMap<String, u64>,
    last_merchant: Option<String>,
}

/// The books of the service, shared by all requests.
pub struct Books {
    pub day_book: DayBook,
    notices: Mutex<u64>,
    is_behind: Mutex<bool>,
    page: Mutex<Page>,
    waiting: Mutex<Vec<String>>,
    statement: PathBuf,
}

impl Books {
    /// The books in a folder; nothing is opened before it is needed.
    pub fn new(folder: &Path) -> Books {
        Books {
            day_book: DayBook::new(&folder.join("day-book.log")),
            notices: Mutex::new(0),
            is_behind: Mutex::new(false),
            page: Mutex::new(Page::default()),
            waiting: Mutex::new(Vec::new()),
            statement: folder.join("statement.txt"),
        }
    }

    /// Counts a decided payment, enters it, and tells its merchant.
    pub fn decided(&self, counters: &Counters, merchant: &str, answer: &Authorization) -> Result<(), GatewayError> {
        counters.decided(answer.decision == Decision::Approved);
        let number = self.next_notice();
        let payment = answer.payment_id.clone();
        let text = self.tell(Notice { amount: answer.amount, merchant: merchant.to_owned(), number, payment })?;
        self.enter(merchant, answer);
        if number % STATEMENT_EVERY == 0 {
            let sum = self.write_statement().map_err(|e| GatewayError::Io(e))?;
            self.confirm(sum, &read_notice(text.as_bytes())?).map_err(|e| GatewayError::Io(e))?;
        }
        Ok(())
    }

    /// Notices are numbered from one.
    fn next_notice(&self) -> u64 {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        *notices += 1;
        *notices
    }

    /// Lets a notice wait for its merchant, and gives back its text.
    fn tell(&self, notice: Notice) -> Result<String, GatewayError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let late = waiting.len().saturating_sub(WAITING - 1);
        waiting.drain(..late);
        waiting.push(notice.payment.clone());
        let value = serde_json::to_value(&notice).map_err(|e| GatewayError::Json(e))?;
        let text = serde_json::to_string(&value).map_err(|e| GatewayError::Json(e))?;
        *self.is_behind.lock().unwrap_or_else(PoisonError::into_inner) = late > 0;
        Ok(text)
    }

    /// True while notices are forgotten because nobody fetches them.
    pub fn is_behind(&self) -> bool {
        *self.is_behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, merchant: &str, answer: &Authorization) {
        let mut page = locked(&self.page);
        let entry = Entry {
            payment: answer.payment_id.clone(),
            amount: answer.amount,
            fee: answer.fee,
            score: answer.risk_score,
        };
        page.open_entries.push(Box::new(entry));
        let turnover = page.turnover.entry(merchant.to_owned()).or_default();
        *turnover += answer.amount;
        page.last_merchant = Some(merchant.to_owned());
    }

    /// Writes a line per payment and one per range of scores, and begins a new page. Gives back the sum of the amounts.
    fn write_statement(&self) -> io::Result<u64> {
        let page = std::mem::take(&mut *locked(&self.page));
        let mut out = File::create(&self.statement)?;
        let mut sum = 0;
        for entry in page.open_entries.iter() {
            sum += entry.amount;
            writeln!(out, "{} {} {} {}", entry.payment, entry.amount, entry.fee, entry.score)?;
        }
        let scores = scores(&page);
        let used = used_ranges(scores);
        let high = upper_half(scores);
        writeln!(out, "scores {used} {high}")?;
        writeln!(out, "most {}", largest(&page.turnover, page.last_merchant))?;
        Ok(sum)
    }

    /// Reads the statement back and compares it with what was meant to be written, up to this notice.
    fn confirm(&self, sum: u64, newest: &Notice) -> io::Result<()> {
        let mut file = File::open(&self.statement)?;
        let mut lines = 0u64;
        let mut piece = [0u8; 16];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            lines += piece[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        if lines < 2 || (sum >= newest.amount && sum > 0 && lines < 3) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the statement is short"));
        }
        Ok(())
    }
}

/// A notice as it arrives at a merchant.
pub fn read_notice(body: &[u8]) -> Result<Notice, GatewayError> {
    let value: Value = serde_json::from_slice(body).map_err(|e| GatewayError::Json(e))?;
    let notice: Notice = serde_json::from_value(value).map_err(|e| GatewayError::Json(e))?;
    Ok(notice)
}

fn scores(page: &Page) -> Scores {
    let mut scores = Scores { counts: [0; 20] };
    for entry in page.open_entries.iter() {
        scores.counts[(entry.score as usize / 5).min(19)] += 1;
    }
    scores
}

/// How many ranges hold a payment at all.
fn used_ranges(scores: Scores) -> usize {
    let mut used = 0;
    let mut at = 0;
    while at < scores.counts.len() {
        if scores.counts[at] > 0 {
            used += 1;
        }
        at += 1;
    }
    used
}

/// How many payments scored in the upper half.
fn upper_half(scores: Scores) -> u64 {
    scores.counts[10..].iter().sum()
}

/// What the last merchant of a page turned over, by name.
fn largest(turnover: &HashMap<String, u64>, last: Option<String>) -> String {
    let mut text = String::from("nothing");
    if last.is_some() {
        let merchant = last.unwrap();
        if turnover.contains_key(&merchant) {
            text = format!("{merchant} {}", turnover[&merchant]);
        }
    }
    text
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use std::sync::atomic::Ordering;

    fn answer(number: u64, amount: u64, risk_score: u32) -> Authorization {
        Authorization {
            payment_id: format!("pay-{number}"),
            order_id: format!("ORD-{number:08}"),
            decision: if risk_score < 50 { Decision::Approved } else { Decision::Declined },
            reason: String::new(),
            amount,
            tax: 0,
            fee: 3,
            settle_amount: amount,
            risk_score,
            rate_bp: 0,
            weight_grams: 0,
            distinct_skus: 1,
            confirmed_lines: 1,
            receipt: String::new(),
        }
    }

    fn books(scratch: &Scratch) -> Books {
        std::fs::create_dir_all(scratch.file("")).unwrap();
        Books::new(&scratch.file(""))
    }

    #[test]
    fn a_statement_follows_so_many_payments() {
        let scratch = Scratch::new();
        let (books, counters) = (books(&scratch), Counters::default());
        for number in 1..=STATEMENT_EVERY + 1 {
            let score = if number % 4 == 0 { 77 } else { 12 };
            books.decided(&counters, "m-100", &answer(number, 10 * number, score)).unwrap();
        }
        let text = std::fs::read_to_string(scratch.file("statement.txt")).unwrap();
        assert!(text.starts_with("pay-1 10 3 12\npay-2 20 3 12\npay-3 30 3 12\npay-4 40 3 77\n"), "{text}");
        assert!(text.ends_with("pay-64 640 3 77\nscores 2 16\nmost m-100 20800\n"), "{text}");
        assert_eq!(counters.approved.load(Ordering::Relaxed), 49);
        assert_eq!(counters.declined.load(Ordering::Relaxed), 16);
        let left = locked(&books.page).open_entries.len();
        assert_eq!(left, 1);
    }

    #[test]
    fn numbers_are_given_once() {
        let scratch = Scratch::new();
        let books = books(&scratch);
        let mut numbers: Vec<u64> = std::thread::scope(|scope| {
            let count = || (0..500).map(|_| books.next_notice()).collect::<Vec<_>>();
            let threads = [scope.spawn(count), scope.spawn(count)];
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_notices_are_forgotten() {
        let scratch = Scratch::new();
        let books = books(&scratch);
        let notice = |number| Notice { amount: 7, merchant: "m-1".into(), number, payment: format!("pay-{number}") };
        for number in 1..=WAITING as u64 {
            books.tell(notice(number)).unwrap();
        }
        assert!(!books.is_behind());
        let text = books.tell(notice(1_000)).unwrap();
        assert_eq!(text, r#"{"amount":7,"merchant":"m-1","number":1000,"payment":"pay-1000"}"#);
        assert!(books.is_behind());
        let waiting = books.waiting.lock().unwrap();
        assert_eq!((waiting.len(), waiting[0].as_str(), waiting[255].as_str()), (256, "pay-2", "pay-1000"));
    }

    #[test]
    fn notices_are_read_as_they_were_written() {
        let text = br#"{"payment":"pay-9","number":9,"merchant":"m-2","amount":5}"#;
        let notice = Notice { amount: 5, merchant: "m-2".into(), number: 9, payment: "pay-9".into() };
        assert_eq!(read_notice(text).unwrap(), notice);
        assert!(matches!(read_notice(b"[]"), Err(GatewayError::Json(_))));
        assert!(matches!(read_notice(b"{"), Err(GatewayError::Json(_))));
    }

    #[test]
    fn ranges_and_merchants_are_told() {
        let mut scores = Scores { counts: [0; 20] };
        let (used, high) = (used_ranges(scores), upper_half(scores));
        assert_eq!((used, high), (0, 0));
        scores.counts[9] = 4;
        scores.counts[10] = 2;
        scores.counts[19] = 1;
        let (used, high) = (used_ranges(scores), upper_half(scores));
        assert_eq!((used, high), (3, 3));
        let turnover = HashMap::from([("m-1".to_owned(), 30), ("m-2".to_owned(), 4)]);
        assert_eq!(largest(&turnover, Some("m-2".to_owned())), "m-2 4");
        assert_eq!(largest(&turnover, Some("m-3".to_owned())), "nothing");
        assert_eq!(largest(&turnover, None), "nothing");
    }

    #[test]
    fn a_statement_that_is_short_is_noticed() {
        let scratch = Scratch::new();
        let books = books(&scratch);
        std::fs::write(scratch.file("statement.txt"), "scores 0 0\nmost nothing\n").unwrap();
        let newest = Notice { amount: 10, merchant: "m-1".into(), number: 64, payment: "pay-64".into() };
        assert!(books.confirm(0, &newest).is_ok());
        let error = books.confirm(10, &newest).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
