//! The ledger: balanced postings in, account balances and a journal out.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::api::Order;
use crate::error::GatewayError;
use crate::fees::Fees;

/// Accounts of the gateway itself; merchants have the numbers above.
pub const RECEIVABLE: u32 = 1;
pub const COMMISSION: u32 = 2;
pub const CUSTOMS: u32 = 3;
pub const TAX: u32 = 4;
pub const FIRST_MERCHANT: u32 = 1_000;

const DEBIT: u8 = b'D';
const CREDIT: u8 = b'C';

/// One side of a booking.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posting {
    pub side: u8,
    pub amount: u64,
    pub flags: u8,
    pub account: u32,
}

impl Posting {
    pub fn debit(account: u32, amount: u64) -> Self {
        Posting { side: DEBIT, amount, flags: 0, account }
    }

    pub fn credit(account: u32, amount: u64) -> Self {
        Posting { side: CREDIT, amount, flags: 0, account }
    }
}

/// Balances in memory and the journal on disk.
pub struct Ledger {
    journal: BufWriter<File>,
    balances: BTreeMap<u32, i64>,
    bookings: u64,
    committed: u64,
}

impl Ledger {
    /// Opens the journal for appending; balances start at zero.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Ledger { journal: BufWriter::new(file), balances: BTreeMap::new(), bookings: 0, committed: 0 })
    }

    /// Books postings that balance, and returns the number of the booking.
    pub fn book(&mut self, payment: &str, postings: &[Posting]) -> Result<u64, GatewayError> {
        check_balance(postings)?;
        self.bookings += 1;
        self.write_postings(payment, postings).map_err(|e| GatewayError::Io(e))?;
        for posting in postings {
            let amount = posting.amount as i64;
            let balance = self.balances.entry(posting.account).or_default();
            *balance += if posting.side == DEBIT { amount } else { -amount };
        }
        Ok(self.bookings)
    }

    fn write_postings(&mut self, payment: &str, postings: &[Posting]) -> io::Result<()> {
        for posting in postings {
            let side = char::from(posting.side);
            writeln!(self.journal, "{} {payment} {side} {} {}", self.bookings, posting.account, posting.amount)?;
            self.journal.flush()?;
        }
        Ok(())
    }

    /// Makes everything booked so far durable, and returns the number of the last booking.
    pub fn commit(&mut self) -> Result<u64, GatewayError> {
        if self.committed < self.bookings {
            self.journal.flush().map_err(|e| GatewayError::Io(e))?;
            self.committed = self.bookings;
        }
        Ok(self.committed)
    }

    /// The balance of an account: what was debited less what was credited.
    pub fn balance(&self, account: u32) -> i64 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// The sum over all accounts, which is zero.
    pub fn trial_balance(&self) -> i64 {
        self.balances.values().sum()
    }
}

fn check_balance(postings: &[Posting]) -> Result<(), GatewayError> {
    let sum = |side| postings.iter().filter(|posting| posting.side == side).map(|posting| posting.amount).sum();
    let (debit, credit): (u64, u64) = (sum(DEBIT), sum(CREDIT));
    if debit != credit {
        return Err(GatewayError::Unbalanced { debit, credit });
    }
    Ok(())
}

/// The postings of an approved order: one credit per line to the merchant, the fees to the gateway's accounts.
pub fn postings(order: &Order, merchant: u32, fees: Fees, tax: u64) -> Vec<Posting> {
    let mut postings = Vec::with_capacity(order.items.len() + 7);
    postings.push(Posting::debit(RECEIVABLE, order.amount()));
    for item in &order.items {
        postings.push(Posting::credit(merchant, item.amount()));
    }
    postings.push(Posting::debit(merchant, fees.total()));
    postings.push(Posting::credit(COMMISSION, fees.commission));
    postings.push(Posting::credit(CUSTOMS, fees.customs));
    postings.push(Posting::debit(merchant, tax));
    postings.push(Posting::credit(TAX, tax));
    postings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};
    use crate::scratch::Scratch;

    const MERCHANT: u32 = FIRST_MERCHANT + 1;

    fn sample() -> Vec<Posting> {
        let order = order(vec![item("AAA-000001", "C0001", 2, 100), item("AAA-000002", "C0001", 1, 50)]);
        postings(&order, MERCHANT, Fees { commission: 29, customs: 5 }, 40)
    }

    #[test]
    fn an_order_has_one_credit_per_line_and_balances() {
        let postings = sample();
        assert_eq!(postings.len(), 8);
        assert_eq!(postings[0], Posting::debit(RECEIVABLE, 250));
        assert_eq!(postings[1], Posting::credit(MERCHANT, 200));
        assert_eq!(postings[2], Posting::credit(MERCHANT, 50));
        assert!(check_balance(&postings).is_ok());
    }

    #[test]
    fn booking_changes_the_balances() {
        let scratch = Scratch::new();
        let mut ledger = Ledger::open(&scratch.file("journal")).unwrap();
        assert_eq!(ledger.book("p-1", &sample()).unwrap(), 1);
        assert_eq!(ledger.balance(RECEIVABLE), 250);
        assert_eq!(ledger.balance(MERCHANT), -176);
        assert_eq!(ledger.balance(COMMISSION), -29);
        assert_eq!(ledger.balance(CUSTOMS), -5);
        assert_eq!(ledger.balance(TAX), -40);
        assert_eq!(ledger.balance(9), 0);
        assert_eq!(ledger.trial_balance(), 0);
    }

    #[test]
    fn the_journal_has_a_line_per_posting() {
        let scratch = Scratch::new();
        let path = scratch.file("journal");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.book("p-1", &[Posting::debit(1, 30), Posting::credit(2, 30)]).unwrap();
        ledger.book("p-2", &[Posting::credit(2, 5), Posting::debit(1, 5)]).unwrap();
        assert_eq!(ledger.commit().unwrap(), 2);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "1 p-1 D 1 30\n1 p-1 C 2 30\n2 p-2 C 2 5\n2 p-2 D 1 5\n");
    }

    #[test]
    fn an_unbalanced_booking_changes_nothing() {
        let scratch = Scratch::new();
        let path = scratch.file("journal");
        let mut ledger = Ledger::open(&path).unwrap();
        let error = ledger.book("p-1", &[Posting::debit(1, 30), Posting::credit(2, 29)]).unwrap_err();
        assert_eq!(error.to_string(), "the postings do not balance: debit 30, credit 29");
        assert_eq!(ledger.commit().unwrap(), 0);
        assert_eq!(ledger.balance(1), 0);
        drop(ledger);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "");
    }

    #[test]
    fn bookings_are_numbered_and_committed_in_order() {
        let scratch = Scratch::new();
        let mut ledger = Ledger::open(&scratch.file("journal")).unwrap();
        for number in 1..=3 {
            assert_eq!(ledger.book("p", &sample()).unwrap(), number);
        }
        assert_eq!(ledger.commit().unwrap(), 3);
        assert_eq!(ledger.commit().unwrap(), 3);
    }
}
