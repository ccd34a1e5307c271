//! Records in the order in which processors wrote them in, records in the order of time out, a round at a time.
//!
//! Between two FINISHED_ROUND records perf empties every ring buffer once, so that a record of the next round cannot be
//! older than the newest of the round before the last. Where there are no rounds everything is kept until the end.

/// Where one record stands in the arena.
#[derive(Clone, Copy)]
struct Kept {
    time: u64,
    start: usize,
    length: usize,
    number: u32,
    misc: u16,
}

/// One record, ready to be read.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Kind of record.
    pub number: u32,
    /// Bits of its header.
    pub misc: u16,
    /// What follows its header.
    pub body: &'a [u8],
}

/// Records that wait for their round to end.
#[derive(Clone, Default)]
pub struct Rounds {
    arena: Vec<u8>,
    kept: Vec<Kept>,
    /// Records that are in order and may be taken, from `taken` on.
    ready: usize,
    taken: usize,
    newest: u64,
    newest_before: u64,
}

impl Rounds {
    /// Keeps a record; one without a time counts as old as the record before it.
    pub fn push(&mut self, number: u32, misc: u16, time: Option<u64>, body: &[u8]) {
        let time = time.unwrap_or_else(|| self.kept.last().map_or(0, |k| k.time));
        self.newest = self.newest.max(time);
        let start = self.arena.len();
        self.arena.extend_from_slice(body);
        self.kept.push(Kept { time, start, length: body.len(), number, misc });
    }

    /// A round has ended: what is not newer than the round before may be taken.
    pub fn end_round(&mut self) {
        let until = self.newest_before;
        self.newest_before = self.newest;
        self.release(until);
    }

    /// Nothing comes after: everything may be taken.
    pub fn end(&mut self) {
        self.release(u64::MAX);
    }

    fn release(&mut self, until: u64) {
        self.kept[self.ready..].sort_by_key(|k| k.time);
        self.ready += self.kept[self.ready..].partition_point(|k| k.time <= until);
    }

    /// True if a record can be taken.
    pub fn has_next(&self) -> bool {
        self.taken < self.ready
    }

    /// Takes the next record in order of time.
    pub fn next(&mut self) -> Option<Record<'_>> {
        if !self.has_next() {
            return None;
        }
        let kept = self.kept[self.taken];
        self.taken += 1;
        let body = &self.arena[kept.start..kept.start + kept.length];
        Some(Record { number: kept.number, misc: kept.misc, body })
    }

    /// Forgets what was taken; called when nothing is ready, so that the arena stays as large as two rounds.
    pub fn forget_taken(&mut self) {
        if self.taken == 0 {
            return;
        }
        let mut arena = Vec::with_capacity(self.arena.len() / 2);
        self.kept.drain(..self.taken);
        for kept in &mut self.kept {
            let start = arena.len();
            arena.extend_from_slice(&self.arena[kept.start..kept.start + kept.length]);
            kept.start = start;
        }
        self.arena = arena;
        self.ready -= self.taken;
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rounds: &mut Rounds) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(record) = rounds.next() {
            all.push(record.body[0]);
        }
        rounds.forget_taken();
        all
    }

    #[test]
    fn records_come_in_order_of_time_and_never_before_an_older_one_can_still_come() {
        let mut rounds = Rounds::default();
        let push = |rounds: &mut Rounds, time: u8| rounds.push(9, 0, Some(u64::from(time)), &[time]);
        [3, 1].iter().for_each(|t| push(&mut rounds, *t));
        rounds.end_round();
        assert!(taken(&mut rounds).is_empty(), "the next round may hold older ones");
        [2, 5].iter().for_each(|t| push(&mut rounds, *t));
        rounds.end_round();
        assert_eq!(taken(&mut rounds), [1, 2, 3]);
        push(&mut rounds, 4);
        rounds.end();
        assert_eq!(taken(&mut rounds), [4, 5]);
    }

    #[test]
    fn records_without_a_time_keep_their_order() {
        let mut rounds = Rounds::default();
        (1..=4u8).for_each(|n| rounds.push(9, 0, None, &[n]));
        rounds.end();
        assert_eq!(taken(&mut rounds), [1, 2, 3, 4]);
    }
}
