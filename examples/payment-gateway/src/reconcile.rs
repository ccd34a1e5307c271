//! Compares the lines that were sent to the acquirer with the lines that it confirmed.

use serde::{Deserialize, Serialize};

use crate::api::LineItem;

/// A line as the acquirer sees it. Lines are numbered from one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentLine {
    pub line: u32,
    pub sku: String,
    pub amount: u64,
}

/// What the acquirer says of one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfirmedLine {
    pub line: u32,
    pub amount: u64,
}

/// A line with both amounts.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedLine {
    pub line: u32,
    pub sent: u64,
    pub confirmed: u64,
}

/// Numbers the lines of a basket.
pub fn sent_lines(items: &[LineItem]) -> Vec<SentLine> {
    let mut lines = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        lines.push(SentLine { line: index as u32 + 1, sku: item.sku.clone(), amount: item.amount() });
    }
    lines
}

/// Pairs sent and confirmed lines by their number, in the order in which they were sent.
pub fn match_lines(sent: &[SentLine], confirmed: &[ConfirmedLine]) -> Vec<MatchedLine> {
    let mut matched = Vec::new();
    for line in sent {
        for answer in confirmed {
            if line.line == answer.line {
                matched.push(MatchedLine { line: line.line, sent: line.amount, confirmed: answer.amount });
            }
        }
    }
    matched
}

/// How many lines were confirmed in full.
pub fn confirmed_in_full(matched: &[MatchedLine]) -> usize {
    matched.iter().filter(|line| line.sent == line.confirmed).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixtures::item;

    fn confirmed(line: u32, amount: u64) -> ConfirmedLine {
        ConfirmedLine { line, amount }
    }

    fn sent() -> Vec<SentLine> {
        sent_lines(&[item("AAA-000001", "C0001", 2, 10), item("AAA-000002", "C0001", 1, 7)])
    }

    #[test]
    fn lines_are_numbered_from_one() {
        let lines = sent();
        assert_eq!(lines[0], SentLine { line: 1, sku: "AAA-000001".into(), amount: 20 });
        assert_eq!(lines[1], SentLine { line: 2, sku: "AAA-000002".into(), amount: 7 });
    }

    #[test]
    fn lines_are_paired_in_the_order_sent() {
        let matched = match_lines(&sent(), &[confirmed(2, 7), confirmed(1, 19)]);
        assert_eq!(
            matched,
            [MatchedLine { line: 1, sent: 20, confirmed: 19 }, MatchedLine { line: 2, sent: 7, confirmed: 7 }]
        );
        assert_eq!(confirmed_in_full(&matched), 1);
    }

    #[test]
    fn lines_without_an_answer_are_left_out() {
        assert!(match_lines(&sent(), &[confirmed(3, 1)]).is_empty());
        assert!(match_lines(&[], &[confirmed(1, 1)]).is_empty());
    }

    #[test]
    fn a_line_confirmed_twice_is_paired_twice() {
        let matched = match_lines(&sent(), &[confirmed(1, 20), confirmed(2, 7), confirmed(1, 5)]);
        let amounts: Vec<u64> = matched.iter().map(|line| line.confirmed).collect();
        assert_eq!(amounts, [20, 5, 7]);
    }
}
