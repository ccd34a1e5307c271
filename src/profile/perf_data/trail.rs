//! Registers and the copied top of a stack in; the addresses of its calls out, of which those that the thread's last stack had
//! too are recognised rather than unwound again.
//!
//! From one sample of a thread to its next most callers stay. Where unwinding arrives at a place of the last stack with the same
//! registers, the next step does the same as last time if the words that it read are the same. These words are known beforehand:
//! they are fetched from memory side by side, while unwinding waits for one before it knows where the next one lies.

use framehop::{FrameAddress, Unwinder};

use super::chains::{Step, how};
use super::unwind::Caches;

/// Deeper stacks are cut; perf itself stops at 127 unless told otherwise.
const DEEPEST: usize = 1024;

/// A step that reads more words is unwound each time: two are enough for a frame pointer and a return address.
const WORDS: usize = 2;

/// One place of a stack, and what was read there to step to its caller.
#[derive(Clone, Copy)]
struct Place<R> {
    read: [(u64, u64); WORDS],
    /// Words that were read; more than [`WORDS`] where not all were kept, or one could not be read.
    words: usize,
    address: FrameAddress,
    sp: u64,
    registers: R,
}

/// The last stack of a thread, the outermost place first.
pub struct Trail<R> {
    places: Vec<Place<R>>,
    /// Places of the stack that is being unwound, the leaf first.
    fresh: Vec<Place<R>>,
    /// Which object files were mapped where.
    version: u64,
}

impl<R> Default for Trail<R> {
    fn default() -> Trail<R> {
        Trail { places: Vec::new(), fresh: Vec::new(), version: 0 }
    }
}

/// How frames of one kind of processor are unwound.
pub struct Machine<'m, U: Unwinder, S> {
    /// Knows the object files of the process.
    pub unwinder: &'m U,
    /// The stack pointer among the registers.
    pub sp: S,
    /// What was looked up in their tables.
    pub caches: &'m mut Caches<U::Cache>,
}

impl<R: Copy + PartialEq> Trail<R> {
    /// Forgets the last stack unless the same object files are mapped as then.
    pub fn stay_in(&mut self, version: u64) {
        if self.version != version {
            self.version = version;
            self.places.clear();
        }
    }

    /// Adds the addresses from the leaf outwards; `read` gives the words of the stack that are known.
    pub fn walk<U: Unwinder<UnwindRegs = R>>(
        &mut self,
        mut machine: Machine<'_, U, impl Fn(&R) -> u64>,
        (pc, mut registers): (u64, R),
        read: impl Fn(u64) -> Result<u64, ()>,
        into: &mut Vec<Step>,
    ) where
        U::Cache: Default,
    {
        self.fresh.clear();
        let last = into.len() + DEEPEST;
        let mut address = FrameAddress::from_instruction_pointer(pc);
        let mut known = self.places.len();
        // How many of the outermost places stay, should nothing else be met on the way out.
        let mut stay = 0;
        while into.len() < last {
            let sp = (machine.sp)(&registers);
            while known > 0 && self.places[known - 1].sp < sp {
                known -= 1;
            }
            if known > 0 && self.places[known - 1].is_at(address, &registers) {
                stay = known;
                known -= self.same(known, &read, last - into.len(), into);
                let arrived = &self.places[known - 1];
                (address, registers) = (arrived.address, arrived.registers);
                if into.len() >= last {
                    break;
                }
            }
            into.push(step(address));
            let (place, next) = unwound(&mut machine, address, &mut registers, &read);
            let Some(next) = next else {
                if stay > 0 && known == 1 {
                    return self.keep(stay);
                }
                self.give_up(&mut stay, known);
                self.fresh.push(place);
                break;
            };
            self.give_up(&mut stay, known);
            self.fresh.push(place);
            address = next;
        }
        self.give_up(&mut stay, known);
        self.keep(0);
    }

    /// Steps outwards from the place before `known` while all that was read is the same; gives the number of steps.
    fn same(&self, known: usize, read: &impl Fn(u64) -> Result<u64, ()>, most: usize, into: &mut Vec<Step>) -> usize {
        // What the outermost step did may have been for want of more stack: it is done again.
        let inner = self.places[1..known].iter().rev().take(most);
        let same = inner.take_while(|place| place.reads_the_same(read)).map(|place| step(place.address));
        let before = into.len();
        into.extend(same);
        into.len() - before
    }

    /// The way out is another than last time: what was recognised up to here is kept with the fresh places.
    fn give_up(&mut self, stay: &mut usize, known: usize) {
        if *stay > 0 {
            self.fresh.extend(self.places[known..*stay].iter().rev());
            *stay = 0;
        }
    }

    /// The outermost places stay, and the fresh ones become those further in.
    fn keep(&mut self, outermost: usize) {
        self.places.truncate(outermost);
        self.places.extend(self.fresh.iter().rev());
    }
}

impl<R: PartialEq> Place<R> {
    fn is_at(&self, address: FrameAddress, registers: &R) -> bool {
        self.address == address && self.registers == *registers
    }

    fn reads_the_same(&self, read: &impl Fn(u64) -> Result<u64, ()>) -> bool {
        self.words <= WORDS && self.read[..self.words].iter().all(|(at, word)| read(*at) == Ok(*word))
    }
}

fn step(address: FrameAddress) -> Step {
    Step { address: address.address(), how: if address.is_return_address() { how::IS_CALLER } else { 0 } }
}

/// One step outwards: the place it was made at, and the address that is returned to.
fn unwound<U: Unwinder>(
    machine: &mut Machine<'_, U, impl Fn(&U::UnwindRegs) -> u64>,
    address: FrameAddress,
    registers: &mut U::UnwindRegs,
    read: &impl Fn(u64) -> Result<u64, ()>,
) -> (Place<U::UnwindRegs>, Option<FrameAddress>)
where
    U::UnwindRegs: Copy,
    U::Cache: Default,
{
    let mut place =
        Place { read: [(0, 0); WORDS], words: 0, address, sp: (machine.sp)(registers), registers: *registers };
    let mut noted = |at| {
        let word = read(at);
        match (place.read.get_mut(place.words), word) {
            (Some(kept), Ok(word)) => (*kept, place.words) = ((at, word), place.words + 1),
            _ => place.words = WORDS + 1,
        }
        word
    };
    let cache = machine.caches.of(address.address());
    let returns_to = machine.unwinder.unwind_frame(address, registers, cache, &mut noted).ok().flatten();
    (place, returns_to.and_then(FrameAddress::from_return_address))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use framehop::x86_64::{UnwindRegsX86_64, UnwinderX86_64};

    use super::*;

    /// Where the stack begins; it ends where the words do.
    const BASE: u64 = 0x1000;

    /// Functions with frame pointers, the leaf first: where each frame is, and where it returns to.
    struct Stack(Vec<(u64, u64)>);

    impl Stack {
        /// The words of the stack from a stack pointer on.
        fn words(&self, sp: u64) -> Vec<u64> {
            let mut words = vec![0; 512];
            for (at, (frame, returns_to)) in self.0.iter().enumerate() {
                let saved = self.0.get(at + 1).map_or(0, |(outer, _)| *outer);
                words[((frame - BASE) / 8) as usize] = saved;
                words[((frame - BASE) / 8 + 1) as usize] = *returns_to;
            }
            words.split_off(((sp - BASE) / 8) as usize)
        }

        /// Its addresses, and how many words were looked at by unwinding and by comparing.
        fn walked(&self, trail: &mut Trail<UnwindRegsX86_64>, cut_off: u64) -> (Vec<u64>, u32) {
            let unwinder: UnwinderX86_64<Vec<u8>> = UnwinderX86_64::new();
            let mut caches = Caches::default();
            let machine = Machine { unwinder: &unwinder, sp: UnwindRegsX86_64::sp, caches: &mut caches };
            let sp = self.0[0].0 - 8;
            let words = self.words(sp);
            let looked = Cell::new(0);
            let read = |at: u64| {
                looked.set(looked.get() + 1);
                let place = at.checked_sub(sp).filter(|_| at < cut_off).ok_or(())?;
                words.get((place / 8) as usize).copied().ok_or(())
            };
            let mut steps = vec![Step { address: 7, how: how::IN_KERNEL }];
            trail.walk(machine, (0x5000, UnwindRegsX86_64::new(0x5000, sp, self.0[0].0)), read, &mut steps);
            assert_eq!((steps[0].address, steps[1]), (7, Step { address: 0x5000, how: 0 }));
            assert!(steps[2..].iter().all(|s| s.how == how::IS_CALLER));
            (steps[2..].iter().map(|s| s.address).collect(), looked.get())
        }
    }

    const NOWHERE: u64 = u64::MAX;

    #[test]
    fn another_caller_at_the_same_place_is_seen() {
        let mut trail = Trail::default();
        let stack = |caller| Stack(vec![(0x1010, 0x6000), (0x1030, caller), (0x1050, 0x8000)]);
        assert_eq!(stack(0x7000).walked(&mut trail, NOWHERE).0, [0x6000, 0x7000, 0x8000]);
        assert_eq!(stack(0x7111).walked(&mut trail, NOWHERE).0, [0x6000, 0x7111, 0x8000]);
        let deeper = Stack(vec![(0x1010, 0x6000), (0x1030, 0x7111), (0x1050, 0x8000), (0x1070, 0x9000)]);
        assert_eq!(deeper.walked(&mut trail, NOWHERE).0, [0x6000, 0x7111, 0x8000, 0x9000]);
    }

    #[test]
    fn where_more_of_the_stack_was_copied_the_walk_goes_on() {
        let mut trail = Trail::default();
        let stack = Stack(vec![(0x1010, 0x6000), (0x1030, 0x7000), (0x1050, 0x8000)]);
        for (cut_off, expected) in [(0x1050, 2), (NOWHERE, 3), (0x1030, 1), (0x1050, 2), (NOWHERE, 3)] {
            assert_eq!(stack.walked(&mut trail, cut_off).0.len(), expected, "copied up to {cut_off:#x}");
        }
    }

    #[test]
    fn a_trail_is_forgotten_where_other_files_are_mapped() {
        let mut trail: Trail<UnwindRegsX86_64> = Trail::default();
        Stack(vec![(0x1010, 0x6000)]).walked(&mut trail, NOWHERE);
        trail.stay_in(0);
        assert!(!trail.places.is_empty());
        trail.stay_in(1);
        assert!(trail.places.is_empty());
    }

    #[test]
    fn whatever_the_last_stack_was_the_walk_is_the_same_as_without_it() {
        let mut state = 9_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut frames: Vec<(u64, u64)> = (1..40).map(|n| (BASE + n * 0x40, 0x6000 + n)).collect();
        let mut trail = Trail::default();
        for round in 0..3000 {
            match random(4) {
                0 => frames[random(39) as usize].1 = 0x6000 + random(50),
                1 => frames[random(10) as usize].1 = 0x6000 + random(50),
                _ => {}
            }
            let leaf = random(12) as usize;
            let cut_off = if random(3) == 0 { BASE + 0x200 + random(0x800) } else { NOWHERE };
            let stack = Stack(frames[leaf..].to_vec());
            let alone = stack.walked(&mut Trail::default(), cut_off);
            assert_eq!(stack.walked(&mut trail, cut_off).0, alone.0, "round {round}");
        }
    }
}
