//! The audit log: who paid what, one line per event and one per basket line, in order.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::api::{Decision, Order};
use crate::tax::TaxLine;

/// Appends to one file; lines carry a sequence number without gaps.
pub struct AuditLog {
    out: BufWriter<File>,
    sequence: u64,
}

impl AuditLog {
    /// Opens the log for appending.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(AuditLog { out: BufWriter::new(file), sequence: 0 })
    }

    /// Notes that something happened to a payment.
    pub fn record(&mut self, payment: &str, event: &str, detail: &str) -> io::Result<()> {
        self.sequence += 1;
        let line = format!("{:08} {payment} {event} {detail}\n", self.sequence);
        self.out.write_all(line.as_bytes())?;
        self.out.flush()?;
        Ok(())
    }

    /// Notes every line of a basket.
    pub fn record_lines(&mut self, payment: &str, order: &Order) -> io::Result<()> {
        for item in &order.items {
            self.sequence += 1;
            let amount = item.amount();
            writeln!(self.out, "{:08} {payment} line {} {} {amount}", self.sequence, item.sku, item.quantity)?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Notes the tax of every line.
    pub fn record_taxes(&mut self, payment: &str, taxes: &[TaxLine]) -> io::Result<()> {
        for line in taxes {
            self.sequence += 1;
            writeln!(self.out, "{:08} {payment} tax {} {} {}", self.sequence, line.sku, line.basis_points, line.tax)?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Notes the decision.
    pub fn record_decision(&mut self, payment: &str, decision: Decision, reason: &str) -> io::Result<()> {
        match decision {
            Decision::Approved => self.record(payment, "approved", reason),
            Decision::Declined => self.record(payment, "declined", reason),
        }
    }

    /// Writes out what is still buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::{item, order};
    use crate::scratch::Scratch;

    #[test]
    fn events_are_numbered_without_gaps() {
        let scratch = Scratch::new();
        let path = scratch.file("audit.log");
        let mut audit = AuditLog::open(&path).unwrap();
        audit.record("p-1", "received", "EUR 100").unwrap();
        audit.record_decision("p-1", Decision::Approved, "-").unwrap();
        audit.record_decision("p-2", Decision::Declined, "bulk").unwrap();
        audit.flush().unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "00000001 p-1 received EUR 100\n00000002 p-1 approved -\n00000003 p-2 declined bulk\n"
        );
    }

    #[test]
    fn every_basket_line_has_a_line() {
        let scratch = Scratch::new();
        let path = scratch.file("audit.log");
        let mut audit = AuditLog::open(&path).unwrap();
        let order = order(vec![item("AAA-000001", "C0001", 2, 150), item("AAA-000002", "C0001", 1, 5)]);
        audit.record("p-1", "received", "-").unwrap();
        audit.record_lines("p-1", &order).unwrap();
        drop(audit);
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "00000001 p-1 received -\n00000002 p-1 line AAA-000001 2 300\n00000003 p-1 line AAA-000002 1 5\n"
        );
    }

    #[test]
    fn every_tax_line_has_a_line() {
        let scratch = Scratch::new();
        let path = scratch.file("audit.log");
        let mut audit = AuditLog::open(&path).unwrap();
        let line = |sku: &str, tax| TaxLine { sku: sku.to_owned(), basis_points: 1_900, tax };
        audit.record_taxes("p-1", &[line("AAA-000002", 7), line("AAA-000001", 9)]).unwrap();
        audit.flush().unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "00000001 p-1 tax AAA-000002 1900 7\n00000002 p-1 tax AAA-000001 1900 9\n"
        );
    }

    #[test]
    fn opening_again_appends() {
        let scratch = Scratch::new();
        let path = scratch.file("audit.log");
        for payment in ["p-1", "p-2"] {
            let mut audit = AuditLog::open(&path).unwrap();
            audit.record(payment, "received", "-").unwrap();
            audit.flush().unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), "00000001 p-1 received -\n00000001 p-2 received -\n");
    }

    #[test]
    fn a_log_that_cannot_be_opened_says_so() {
        let scratch = Scratch::new();
        assert!(AuditLog::open(&scratch.file("missing/audit.log")).is_err());
    }
}
