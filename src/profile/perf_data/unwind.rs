//! Registers and the top of a stack in; the addresses of its calls out, by the unwind tables of the object files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::{Deref, Range};
use std::sync::Arc;

use framehop::aarch64::{CacheAarch64, PtrAuthMask, UnwindRegsAarch64, UnwinderAarch64};
use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, Module, Unwinder};

use super::super::Whole;
use super::super::intern::FastMap;
use super::super::symbols::Image;
use super::bytes::Bytes;
use super::chains::Step;
use super::record::{Mapping, Taken};
use super::trail::{Machine, Trail};

/// A part of an object file, or what was unpacked of it.
#[derive(Clone)]
struct Section {
    whole: Whole,
    part: Range<usize>,
}

impl Default for Section {
    fn default() -> Section {
        Section { whole: Arc::new([]), part: 0..0 }
    }
}

impl Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &(*self.whole).as_ref()[self.part.clone()]
    }
}

impl Section {
    fn of(whole: &Whole, data: Cow<[u8]>) -> Section {
        match data {
            Cow::Borrowed(data) => {
                let start = data.as_ptr().addr() - (**whole).as_ref().as_ptr().addr();
                Section { whole: whole.clone(), part: start..start + data.len() }
            }
            Cow::Owned(data) => Section { part: 0..data.len(), whole: Arc::new(data) },
        }
    }
}

/// Unwind tables of one object file, and where it is loaded.
struct Tables {
    sections: Vec<(&'static str, u64, Section)>,
    image: Image<'static>,
}

/// Unwinds the stacks of all processes.
#[derive(Default)]
pub struct Stackwalk {
    tables: HashMap<u32, Tables>,
    processes: FastMap<i32, Process>,
    /// Mappings so far: what they change is unwound by other tables.
    version: u64,
    x86: Known<CacheX86_64, UnwindRegsX86_64>,
    arm: Known<CacheAarch64, UnwindRegsAarch64>,
}

/// What is remembered of unwinding on one kind of processor.
struct Known<C, R> {
    caches: Caches<C>,
    /// The last stack of each thread.
    trails: FastMap<u64, Trail<R>>,
}

impl<C, R> Default for Known<C, R> {
    fn default() -> Known<C, R> {
        Known { caches: Caches::default(), trails: FastMap::default() }
    }
}

/// One cache of the unwinder holds 509 addresses; a large program needs many times that.
pub struct Caches<C>(Vec<C>);

const CACHES: u64 = 64;

/// Last stacks that are remembered; each takes a few thousand bytes.
const MOST_TRAILS: usize = 4096;

impl<C> Default for Caches<C> {
    fn default() -> Caches<C> {
        Caches(Vec::new())
    }
}

impl<C: Default> Caches<C> {
    /// The cache for an address.
    pub fn of(&mut self, address: u64) -> &mut C {
        if self.0.is_empty() {
            self.0.resize_with(CACHES as usize, C::default);
        }
        &mut self.0[(address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & (CACHES - 1)) as usize]
    }
}

#[derive(Clone)]
enum Process {
    X86(UnwinderX86_64<Section>),
    Arm(UnwinderAarch64<Section>),
}

impl Stackwalk {
    /// Learns the unwind tables of an object file; one that cannot be read has none.
    pub fn learn(&mut self, object: u32, whole: &Whole) {
        let Ok(image) = Image::parse((**whole).as_ref()) else { return };
        let names = [".eh_frame", ".eh_frame_hdr", ".debug_frame"];
        let section = |name| image.section(name).map(|(at, data)| (name, at, Section::of(whole, data)));
        let sections = names.into_iter().filter_map(section).collect();
        self.tables.insert(object, Tables { sections, image: image.without_contents() });
    }

    /// A process maps an object file.
    pub fn map(&mut self, mapping: &Mapping, object: u32, registers: u64) {
        self.version += 1;
        let Some(tables) = self.tables.get(&object) else { return };
        let Some(address) = tables.image.address_of_offset(mapping.offset) else { return };
        let end = mapping.start.saturating_add(mapping.length);
        let base = mapping.start.wrapping_sub(address);
        let info = module_sections(tables);
        let module = Module::new(String::new(), mapping.start..end, base, info);
        match self.processes.entry(mapping.pid).or_insert_with(|| Process::new(registers)) {
            Process::X86(unwinder) => unwinder.add_module(module),
            Process::Arm(unwinder) => unwinder.add_module(module),
        }
    }

    /// A process begins as a copy of another.
    pub fn fork(&mut self, pid: i32, parent: i32) {
        self.version += 1;
        if pid != parent
            && let Some(process) = self.processes.get(&parent)
        {
            let copy = process.clone();
            self.processes.insert(pid, copy);
        }
    }

    /// A process begins anew.
    pub fn exec(&mut self, pid: i32) {
        self.version += 1;
        self.processes.remove(&pid);
    }

    /// Adds every address from the leaf outwards, and whether a call returns to it.
    pub fn walk(&mut self, taken: &Taken, registers: u64, big: bool, into: &mut Vec<Step>) {
        let register = |number| register(taken.registers, registers, number, big);
        let process = self.processes.entry(taken.pid).or_insert_with(|| Process::new(registers));
        let thread = u64::from(taken.pid as u32) << 32 | u64::from(taken.tid.unwrap_or_default() as u32);
        match process {
            Process::X86(unwinder) => {
                let (Some(ip), Some(sp), Some(bp)) = (register(8), register(7), register(6)) else { return };
                let Known { caches, trails } = &mut self.x86;
                let trail = trail(trails, thread, self.version);
                let machine = Machine { unwinder, sp: UnwindRegsX86_64::sp, caches };
                let registers = UnwindRegsX86_64::new(ip, sp, bp);
                trail.walk(machine, (ip, registers), |at| word(taken.stack, sp, at, big), into);
            }
            Process::Arm(unwinder) => {
                let (Some(pc), Some(sp), Some(lr), Some(fp)) = (register(32), register(31), register(30), register(29))
                else {
                    return;
                };
                let Known { caches, trails } = &mut self.arm;
                let trail = trail(trails, thread, self.version);
                let mask = PtrAuthMask::from_max_known_address(unwinder.max_known_code_address());
                let machine = Machine { unwinder, sp: UnwindRegsAarch64::sp, caches };
                let registers = UnwindRegsAarch64::new_with_ptr_auth_mask(mask, lr, sp, fp);
                trail.walk(machine, (pc, registers), |at| word(taken.stack, sp, at, big), into);
            }
        }
    }
}

impl Process {
    /// Which processor it was is told by the registers that were asked for: only arm has a 33rd.
    fn new(registers: u64) -> Process {
        match registers >> 32 & 1 {
            1 => Process::Arm(UnwinderAarch64::new()),
            _ => Process::X86(UnwinderX86_64::new()),
        }
    }
}

/// The last stack of a thread.
fn trail<R: Copy + PartialEq>(trails: &mut FastMap<u64, Trail<R>>, thread: u64, version: u64) -> &mut Trail<R> {
    if trails.len() > MOST_TRAILS {
        trails.clear();
    }
    let trail = trails.entry(thread).or_default();
    trail.stay_in(version);
    trail
}

fn module_sections(tables: &Tables) -> ExplicitModuleSectionInfo<Section> {
    let mut info = ExplicitModuleSectionInfo::default();
    for (name, at, data) in &tables.sections {
        let range = *at..at.saturating_add(data.len() as u64);
        match *name {
            ".eh_frame" => (info.eh_frame_svma, info.eh_frame) = (Some(range), Some(data.clone())),
            ".eh_frame_hdr" => (info.eh_frame_hdr_svma, info.eh_frame_hdr) = (Some(range), Some(data.clone())),
            _ => info.debug_frame = Some(data.clone()),
        }
    }
    info
}

/// A register of the sample, by the kernel's number for it.
fn register(values: &[u8], mask: u64, number: u32, big: bool) -> Option<u64> {
    if mask >> number & 1 == 0 {
        return None;
    }
    let before = (mask & ((1 << number) - 1)).count_ones() as usize;
    Bytes::new(values.get(before * 8..)?, big).u64()
}

/// A word of the stack, of which the part from the stack pointer upwards is known.
fn word(stack: &[u8], sp: u64, at: u64, big: bool) -> Result<u64, ()> {
    let start = at.checked_sub(sp).and_then(|d| usize::try_from(d).ok()).ok_or(())?;
    Bytes::new(stack.get(start..).ok_or(())?, big).u64().ok_or(())
}
