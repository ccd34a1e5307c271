//! Registers and the top of a stack in; the addresses of its calls out, by the unwind tables of the object files.

use std::collections::HashMap;
use std::sync::Arc;

use framehop::aarch64::{CacheAarch64, PtrAuthMask, UnwindRegsAarch64, UnwinderAarch64};
use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, FrameAddress, Module, Unwinder};

use super::super::symbols::Image;
use super::bytes::Bytes;
use super::record::{Mapping, Taken};

/// Deeper stacks are cut; perf itself stops at 127 unless told otherwise.
const DEEPEST: usize = 1024;

type Shared = Arc<[u8]>;

/// Unwind tables of one object file, and where it is loaded.
struct Tables {
    sections: Vec<(&'static str, u64, Shared)>,
    image: Image<'static>,
}

/// Unwinds the stacks of all processes.
#[derive(Default)]
pub struct Stackwalk {
    tables: HashMap<u32, Tables>,
    processes: HashMap<i32, Process>,
    x86: Caches<CacheX86_64>,
    arm: Caches<CacheAarch64>,
}

/// One cache of the unwinder holds 509 addresses; a large program needs many times that.
struct Caches<C>(Vec<C>);

const CACHES: u64 = 64;

impl<C> Default for Caches<C> {
    fn default() -> Caches<C> {
        Caches(Vec::new())
    }
}

impl<C: Default> Caches<C> {
    fn of(&mut self, address: u64) -> &mut C {
        if self.0.is_empty() {
            self.0.resize_with(CACHES as usize, C::default);
        }
        &mut self.0[(address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & (CACHES - 1)) as usize]
    }
}

#[derive(Clone)]
enum Process {
    X86(UnwinderX86_64<Shared>),
    Arm(UnwinderAarch64<Shared>),
}

impl Stackwalk {
    /// Learns the unwind tables of an object file; one that cannot be read has none.
    pub fn learn(&mut self, object: u32, bytes: &[u8]) {
        let Ok(image) = Image::parse(bytes) else { return };
        let names = [".eh_frame", ".eh_frame_hdr", ".debug_frame"];
        let section = |name| image.section(name).map(|(at, data)| (name, at, Shared::from(data.as_ref())));
        let sections = names.into_iter().filter_map(section).collect();
        self.tables.insert(object, Tables { sections, image: image.without_contents() });
    }

    /// A process maps an object file.
    pub fn map(&mut self, mapping: &Mapping, object: u32, registers: u64) {
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
        if pid != parent
            && let Some(process) = self.processes.get(&parent)
        {
            let copy = process.clone();
            self.processes.insert(pid, copy);
        }
    }

    /// A process begins anew.
    pub fn exec(&mut self, pid: i32) {
        self.processes.remove(&pid);
    }

    /// Calls `frame` with every address from the leaf outwards, and whether a call returns to it.
    pub fn walk(&mut self, taken: &Taken, registers: u64, big: bool, mut frame: impl FnMut(u64, bool)) {
        let register = |number| register(taken.registers, registers, number, big);
        let process = self.processes.entry(taken.pid).or_insert_with(|| Process::new(registers));
        match process {
            Process::X86(unwinder) => {
                let (Some(ip), Some(sp), Some(bp)) = (register(8), register(7), register(6)) else { return };
                let mut registers = UnwindRegsX86_64::new(ip, sp, bp);
                each(unwinder, ip, &mut registers, &mut self.x86, |at| word(taken.stack, sp, at, big), &mut frame);
            }
            Process::Arm(unwinder) => {
                let (Some(pc), Some(sp), Some(lr), Some(fp)) = (register(32), register(31), register(30), register(29))
                else {
                    return;
                };
                let mask = PtrAuthMask::from_max_known_address(unwinder.max_known_code_address());
                let mut registers = UnwindRegsAarch64::new_with_ptr_auth_mask(mask, lr, sp, fp);
                each(unwinder, pc, &mut registers, &mut self.arm, |at| word(taken.stack, sp, at, big), &mut frame);
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

fn each<U: Unwinder>(
    unwinder: &U,
    pc: u64,
    registers: &mut U::UnwindRegs,
    caches: &mut Caches<U::Cache>,
    mut read: impl FnMut(u64) -> Result<u64, ()>,
    frame: &mut impl FnMut(u64, bool),
) where
    U::Cache: Default,
{
    let mut address = FrameAddress::from_instruction_pointer(pc);
    for _ in 0..DEEPEST {
        frame(address.address(), address.is_return_address());
        let cache = caches.of(address.address());
        let returns_to = unwinder.unwind_frame(address, registers, cache, &mut read).ok().flatten();
        let Some(next) = returns_to.and_then(FrameAddress::from_return_address) else { return };
        address = next;
    }
}

fn module_sections(tables: &Tables) -> ExplicitModuleSectionInfo<Shared> {
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
