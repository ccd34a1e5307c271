//! Records in the order in which processors wrote them in, records in the order of time out, a round at a time.
//!
//! Between two FINISHED_ROUND records perf empties every ring buffer once, so that a record of the next round cannot be
//! older than the newest of the round before the last. Where there are no rounds everything is kept until the end.

use std::collections::VecDeque;

use super::super::Whole;

/// Where one record stands: in which arena, counted from the first of the file, or in the whole file, and where in it.
#[derive(Clone, Copy)]
struct Kept {
    time: u64,
    arena: u32,
    start: u32,
    length: u32,
    number: u32,
    attr: u32,
    misc: u16,
}

/// One record, ready to be read.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Kind of record.
    pub number: u32,
    /// Bits of its header.
    pub misc: u16,
    /// Index of the event that it belongs to.
    pub attr: usize,
    /// What follows its header.
    pub body: &'a [u8],
}

/// Records that wait for their round to end.
#[derive(Clone, Default)]
pub struct Rounds {
    /// Bodies, those that came together in one arena; what was taken is dropped an arena at a time.
    arenas: VecDeque<Vec<u8>>,
    /// Arenas that were dropped.
    dropped: u32,
    kept: Vec<Kept>,
    /// Records that are in order and may be taken, from `taken` on.
    ready: usize,
    taken: usize,
    newest: u64,
    newest_before: u64,
    /// The file, where it lies in memory as a whole.
    whole: Option<Whole>,
}

/// In place of the number of an arena: the record lies in the whole file.
const IN_WHOLE: u32 = u32::MAX;

/// An arena that holds as much is closed.
const FULL: usize = 4 << 20;

impl Rounds {
    /// Keeps a record; one without a time counts as old as the record before it.
    pub fn push(&mut self, record: Record, time: Option<u64>) {
        let Record { number, misc, attr, body } = record;
        let time = time.unwrap_or_else(|| self.kept.last().map_or(0, |k| k.time));
        self.newest = self.newest.max(time);
        let length = body.len() as u32;
        if let Some(start) = self.place_in_whole(body) {
            return self.kept.push(Kept { time, arena: IN_WHOLE, start, length, number, attr: attr as u32, misc });
        }
        if self.arenas.back().is_none_or(|arena| arena.len() > FULL) {
            self.arenas.push_back(Vec::new());
        }
        let Some(arena) = self.arenas.back_mut() else { return };
        let start = arena.len() as u32;
        arena.extend_from_slice(body);
        let arena = self.dropped + self.arenas.len() as u32 - 1;
        self.kept.push(Kept { time, arena, start, length, number, attr: attr as u32, misc });
    }

    /// From now on records may lie in these bytes, and wait there.
    pub fn lie_in(&mut self, whole: &Whole) {
        if self.whole.is_none() {
            self.whole = Some(whole.clone());
        }
    }

    /// Where in the whole file a record lies: those that were put together or unpacked lie somewhere else.
    fn place_in_whole(&self, body: &[u8]) -> Option<u32> {
        let whole = (**self.whole.as_ref()?).as_ref();
        let start = body.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let is_inside = start.checked_add(body.len()).is_some_and(|end| end <= whole.len());
        u32::try_from(start).ok().filter(|_| is_inside)
    }

    /// A round has ended: what is not newer than the round before may be taken.
    pub fn end_round(&mut self) {
        let until = self.newest_before;
        self.newest_before = self.newest;
        self.release(until);
        if self.arenas.back().is_some_and(|arena| !arena.is_empty()) {
            self.arenas.push_back(Vec::new());
        }
    }

    /// Nothing comes after: everything may be taken.
    pub fn end(&mut self) {
        self.release(u64::MAX);
    }

    /// All was taken: what lies in the whole file is no longer looked at.
    pub fn leave_whole(&mut self) {
        if !self.has_next() && self.kept.iter().all(|k| k.arena != IN_WHOLE) {
            self.whole = None;
        }
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
        let Kept { arena, start, length, number, attr, misc, .. } = self.kept[self.taken];
        self.taken += 1;
        let bytes = match &self.whole {
            Some(whole) if arena == IN_WHOLE => (**whole).as_ref(),
            _ => &self.arenas[(arena - self.dropped) as usize][..],
        };
        let body = &bytes[start as usize..][..length as usize];
        Some(Record { number, misc, attr: attr as usize, body })
    }

    /// Forgets what was taken; called when nothing is ready, so that about two rounds are kept.
    pub fn forget_taken(&mut self) {
        if self.taken == 0 {
            return;
        }
        self.kept.drain(..self.taken);
        self.ready -= self.taken;
        self.taken = 0;
        let oldest = self.kept.iter().map(|k| k.arena).filter(|arena| *arena != IN_WHOLE).min();
        let needed = oldest.unwrap_or(self.dropped + self.arenas.len() as u32);
        while self.dropped < needed {
            let Some(mut arena) = self.arenas.pop_front() else { break };
            self.dropped += 1;
            // The memory is used again where the newest arena was not begun: fresh pages cost more than the copy.
            if let Some(newest) = self.arenas.back_mut().filter(|newest| newest.capacity() == 0) {
                arena.clear();
                *newest = arena;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &[u8]) -> Record<'_> {
        Record { number: 9, misc: 0, attr: 0, body }
    }

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
        let push = |rounds: &mut Rounds, time: u8| rounds.push(record(&[time]), Some(u64::from(time)));
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
    fn what_was_taken_is_dropped_and_what_waits_is_not() {
        let mut rounds = Rounds::default();
        for round in 0..50u64 {
            for n in 0..20u64 {
                let time = round * 20 + (n * 7) % 20 + 1;
                rounds.push(record(&[time as u8; 100]), Some(time));
            }
            rounds.end_round();
            let before: Vec<u8> = (round.saturating_sub(1) * 20..round * 20).map(|t| (t + 1) as u8).collect();
            assert_eq!(taken(&mut rounds), before, "{round}");
            let held: usize = rounds.arenas.iter().map(Vec::len).sum();
            assert!(held <= 3 * 20 * 100, "{held} bytes are held in round {round}");
        }
        rounds.end();
        assert_eq!(taken(&mut rounds).len(), 20);
        assert!(rounds.arenas.len() <= 1);
    }

    #[test]
    fn records_that_lie_in_the_whole_file_wait_there_beside_copied_ones() {
        let whole: Whole = std::sync::Arc::new(vec![1, 2, 3, 4]);
        let mut rounds = Rounds::default();
        rounds.lie_in(&whole);
        let lying = (*whole).as_ref();
        for (body, time) in [(&lying[2..], 3), (&[9][..], 2), (&lying[..1], 1), (&lying[4..], 4)] {
            rounds.push(record(body), Some(time));
        }
        assert_eq!(rounds.arenas.iter().map(Vec::len).sum::<usize>(), 1, "one was copied");
        rounds.end();
        let mut all = Vec::new();
        while let Some(record) = rounds.next() {
            all.push(record.body.to_vec());
        }
        assert_eq!(all, [vec![1], vec![9], vec![3, 4], vec![]]);
        rounds.forget_taken();
        assert!(rounds.arenas.is_empty());
    }

    #[test]
    fn records_without_a_time_keep_their_order() {
        let mut rounds = Rounds::default();
        (1..=4u8).for_each(|n| rounds.push(record(&[n]), None));
        rounds.end();
        assert_eq!(taken(&mut rounds), [1, 2, 3, 4]);
    }
}
