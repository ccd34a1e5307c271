//! Mappings of processes in; for an address at a moment the frame it stands for out.

use std::collections::{BTreeMap, HashMap};

use super::super::intern::{FastMap, Stacks};
use super::super::symbols::is_without_frames;
use super::record::Mapping;
use crate::model::{AddressBase, AddressFrame, Frame, FrameId, ObjectFile};

/// The process that stands for the kernel.
const KERNEL: i32 = -1;

/// All object files, and the frames that are addresses in them.
#[derive(Clone, Default)]
pub struct Objects {
    /// Object files in the order in which they were mapped.
    pub all: Vec<ObjectFile>,
    by_name: HashMap<(String, String), u32>,
    /// Frames that are addresses.
    pub frames: Vec<AddressFrame>,
    by_address: FastMap<(u32, u64, bool), FrameId>,
    /// For each object file whether its functions keep no frame pointers.
    without_frames: Vec<bool>,
    /// The same for each frame.
    in_such: Vec<bool>,
}

impl Objects {
    fn id(&mut self, path: &str, build_id: &str) -> u32 {
        let key = (path.to_owned(), build_id.to_owned());
        *self.by_name.entry(key).or_insert_with(|| {
            self.all.push(ObjectFile { path: path.to_owned(), build_id: build_id.to_owned() });
            self.without_frames.push(is_without_frames(path));
            self.all.len() as u32 - 1
        })
    }

    fn frame(&mut self, (area, address): (Area, u64), is_caller: bool, stacks: &mut Stacks) -> FrameId {
        let Area { object, base, .. } = area;
        self.address(AddressFrame { frame: FrameId(0), object, address, base, is_caller, is_callee: false }, stacks)
    }

    /// True if a frame stands in an object file whose functions keep no frame pointers.
    pub fn is_without_frames(&self, frame: FrameId) -> bool {
        self.in_such.get(frame.0 as usize).is_some_and(|is| *is)
    }

    /// Gets ready to take over the frames of a reader of the same recording, which has so many.
    pub fn moving(&mut self, from: &Objects, frames: usize) -> Moved {
        let objects: Vec<u32> = from.all.iter().map(|object| self.id(&object.path, &object.build_id)).collect();
        let mut moved = Moved { frames: vec![None; frames], addresses: vec![None; frames] };
        for address in &from.frames {
            let there = AddressFrame { object: objects[address.object as usize], ..*address };
            moved.addresses[address.frame.0 as usize] = Some(there);
        }
        moved
    }

    fn address(&mut self, new: AddressFrame, stacks: &mut Stacks) -> FrameId {
        let key = (new.object, new.address, new.is_callee);
        if let Some(frame) = self.by_address.get(&key) {
            return *frame;
        }
        // What stands there is told by the address alone, until it is named.
        let frame = stacks.only_frame(Frame::default());
        self.frames.push(AddressFrame { frame, ..new });
        self.in_such.resize(frame.0 as usize, false);
        self.in_such.push(self.without_frames[new.object as usize]);
        self.by_address.insert(key, frame);
        frame
    }
}

/// Frames of another reader, and what became of them.
pub struct Moved {
    frames: Vec<Option<FrameId>>,
    addresses: Vec<Option<AddressFrame>>,
}

impl Moved {
    /// The new number of a frame.
    pub fn frame(&mut self, old: FrameId, frame: &Frame, objects: &mut Objects, stacks: &mut Stacks) -> FrameId {
        let at = old.0 as usize;
        if let Some(known) = self.frames[at] {
            return known;
        }
        let new = match self.addresses[at] {
            Some(address) => objects.address(address, stacks),
            None => stacks.frame(frame.clone()),
        };
        self.frames[at] = Some(new);
        new
    }
}

/// A stretch of memory that shows a part of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    end: u64,
    /// Offset in the file of the first byte; in memory that no file stands behind, its address.
    offset: u64,
    object: u32,
    base: AddressBase,
}

/// The memory of one process.
#[derive(Clone, Default)]
struct Space {
    areas: BTreeMap<u64, Area>,
    version: u32,
    /// What was looked up since the last mapping.
    known: FastMap<u64, FrameId>,
}

impl Space {
    /// Lays a mapping over what was there.
    fn map(&mut self, start: u64, area: Area) {
        let touched: Vec<u64> =
            self.areas.range(..area.end).rev().take_while(|(_, a)| a.end > start).map(|(s, _)| *s).collect();
        for old_start in touched {
            let Some(old) = self.areas.remove(&old_start) else { continue };
            if old_start < start {
                self.areas.insert(old_start, Area { end: start, ..old });
            }
            if old.end > area.end {
                let offset = old.offset.wrapping_add(area.end - old_start);
                self.areas.insert(area.end, Area { offset, ..old });
            }
        }
        self.areas.insert(start, area);
        self.known.clear();
    }

    fn find(&self, address: u64) -> Option<(u64, Area)> {
        let (start, area) = self.areas.range(..=address).next_back()?;
        (address < area.end).then_some((*start, *area))
    }
}

/// The memory of all processes and of the kernel.
#[derive(Clone, Default)]
pub struct Spaces {
    of_process: FastMap<i32, Space>,
    /// Mappings so far: each gives the memory that it changes a version of its own.
    changes: u32,
    /// The process that was asked for last, and the version of its memory.
    last: Option<(i32, u64)>,
    /// The frame of what is mapped nowhere.
    unknown: Option<FrameId>,
}

/// A mapping as the unwinder has to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mapped {
    /// Index of the object file.
    pub object: u32,
    /// True if the file was not mapped before by any process.
    pub is_new: bool,
}

impl Spaces {
    /// A process maps a file.
    pub fn map(&mut self, mapping: &Mapping, objects: &mut Objects) -> Mapped {
        self.last = None;
        let known = objects.all.len();
        let path = mapping.path.strip_suffix(" (deleted)").unwrap_or(&mapping.path);
        // The kernel's own mapping is named after the symbol that it was anchored at: `[kernel.kallsyms]_text`.
        let path = if path.starts_with("[kernel.kallsyms]") { "[kernel.kallsyms]" } else { path };
        let (base, offset) = match is_made_at_run_time(path) {
            true => (AddressBase::Absolute, mapping.start),
            false => (AddressBase::FileOffset, mapping.offset),
        };
        let object = match base {
            // Runtimes that make code write what they made under the name of the process, where perf looks for it too.
            AddressBase::Absolute => objects.id(&format!("/tmp/perf-{}.map", mapping.pid), ""),
            _ => objects.id(path, &mapping.build_id),
        };
        let end = mapping.start.saturating_add(mapping.length);
        if mapping.start < end {
            let area = Area { end, offset, object, base };
            self.changes += 1;
            let space = self.of_process.entry(mapping.pid).or_default();
            space.map(mapping.start, area);
            space.version = self.changes;
        }
        Mapped { object, is_new: objects.all.len() > known }
    }

    /// A process begins as a copy of another.
    pub fn fork(&mut self, pid: i32, parent: i32) {
        self.last = None;
        if pid != parent
            && let Some(space) = self.of_process.get(&parent)
        {
            let copy = space.clone();
            self.of_process.insert(pid, copy);
        }
    }

    /// A number that changes whenever what is mapped for the process, or for the kernel, does; 0 for an empty memory.
    pub fn version(&mut self, pid: i32) -> u64 {
        if let Some((_, version)) = self.last.filter(|(last, _)| *last == pid) {
            return version;
        }
        let of = |pid| self.of_process.get(&pid).map_or(0, |space| u64::from(space.version));
        let version = of(KERNEL) << 32 | of(pid);
        self.last = Some((pid, version));
        version
    }

    /// A process begins anew with an empty memory.
    pub fn exec(&mut self, pid: i32) {
        self.last = None;
        self.of_process.remove(&pid);
    }

    /// The frame of an address; `called_from` is true for addresses to which a call returns.
    pub fn frame(
        &mut self,
        pid: i32,
        in_kernel: bool,
        address: u64,
        called_from: bool,
        objects: &mut Objects,
        stacks: &mut Stacks,
    ) -> FrameId {
        let address = if called_from { address.wrapping_sub(1) } else { address };
        let space = self.of_process.entry(if in_kernel { KERNEL } else { pid }).or_default();
        if let Some(frame) = space.known.get(&address) {
            return *frame;
        }
        let frame = match space.find(address) {
            Some((_, area)) if in_kernel => {
                objects.frame((Area { base: AddressBase::Absolute, ..area }, address), called_from, stacks)
            }
            Some((start, area)) => {
                let offset = (address - start).wrapping_add(area.offset);
                objects.frame((area, offset), called_from, stacks)
            }
            None if in_kernel => {
                let object = objects.id("[kernel.kallsyms]", "");
                let area = Area { end: 0, offset: 0, object, base: AddressBase::Absolute };
                objects.frame((area, address), called_from, stacks)
            }
            None => *self
                .unknown
                .get_or_insert_with(|| stacks.frame(Frame { symbol: "[unknown]".into(), ..Frame::default() })),
        };
        space.known.insert(address, frame);
        frame
    }
}

impl Spaces {
    /// The frame of the function that is entered by the call which returns to an address; none outside of files.
    pub fn callee(&self, pid: i32, returns_to: u64, objects: &mut Objects, stacks: &mut Stacks) -> Option<FrameId> {
        let call = returns_to.wrapping_sub(1);
        let (start, area) = self.of_process.get(&pid)?.find(call)?;
        if area.base != AddressBase::FileOffset {
            return None;
        }
        let address = (call - start).wrapping_add(area.offset);
        let base = AddressBase::FileOffset;
        let frame =
            AddressFrame { frame: FrameId(0), object: area.object, address, base, is_caller: true, is_callee: true };
        Some(objects.address(frame, stacks))
    }
}

/// True for memory with code that no file stands behind: what a runtime compiles while the program runs.
fn is_made_at_run_time(path: &str) -> bool {
    path == "/dev/zero" || ["//anon", "/anon_hugepage", "[anon", "/memfd:"].iter().any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(pid: i32, start: u64, length: u64, offset: u64, path: &str) -> Mapping {
        Mapping { pid, start, length, offset, path: path.into(), build_id: String::new() }
    }

    #[derive(Default)]
    struct World {
        spaces: Spaces,
        objects: Objects,
        stacks: Stacks,
    }

    impl World {
        fn map(&mut self, m: Mapping) {
            self.spaces.map(&m, &mut self.objects);
        }

        fn at(&mut self, pid: i32, address: u64) -> String {
            let frame = self.spaces.frame(pid, false, address, false, &mut self.objects, &mut self.stacks);
            match self.objects.frames.iter().find(|known| known.frame == frame) {
                Some(known) => format!("{}+{:#x}", self.objects.all[known.object as usize].path, known.address),
                None => format!("+{}", self.stacks.get(frame).symbol),
            }
        }
    }

    #[test]
    fn an_address_is_an_offset_in_the_file_that_was_mapped_last() {
        let mut world = World::default();
        world.map(mapping(7, 0x1000, 0x1000, 0x200, "/a"));
        assert_eq!(world.at(7, 0x1010), "/a+0x210");
        assert_eq!(world.at(7, 0x2000), "+[unknown]", "the end is not in it");
        assert_eq!(world.at(8, 0x1010), "+[unknown]", "another process");
        world.map(mapping(7, 0x1400, 0x100, 0, "/b (deleted)"));
        assert_eq!(world.at(7, 0x13ff), "/a+0x5ff");
        assert_eq!(world.at(7, 0x1400), "/b+0x0");
        assert_eq!(world.at(7, 0x1500), "/a+0x700", "what lay behind the new mapping stays");
    }

    #[test]
    fn processes_fork_and_start_anew() {
        let mut world = World::default();
        world.map(mapping(7, 0x1000, 0x1000, 0, "/a"));
        world.spaces.fork(8, 7);
        assert_eq!(world.at(8, 0x1001), "/a+0x1");
        world.spaces.exec(7);
        assert_eq!((world.at(7, 0x1001), world.at(8, 0x1001)), ("+[unknown]".into(), "/a+0x1".into()));
    }

    #[test]
    fn code_without_a_file_keeps_its_address_and_the_name_of_its_process() {
        let mut world = World::default();
        world.map(mapping(7, 0x7f00_0000, 0x1000, 0x7f00_0000, "//anon"));
        world.map(mapping(7, 0x7f10_0000, 0x1000, 0, "/memfd:code (deleted)"));
        assert_eq!(world.at(7, 0x7f00_0010), "/tmp/perf-7.map+0x7f000010");
        assert_eq!(world.at(7, 0x7f10_0010), "/tmp/perf-7.map+0x7f100010");
    }

    #[test]
    fn a_version_stands_for_what_is_mapped() {
        let mut world = World::default();
        assert_eq!(world.spaces.version(7), 0);
        world.map(mapping(7, 0x1000, 0x1000, 0, "/a"));
        let first = world.spaces.version(7);
        world.spaces.fork(8, 7);
        assert_eq!(world.spaces.version(8), first, "a copy");
        world.map(mapping(8, 0x3000, 0x1000, 0, "/b"));
        assert!(world.spaces.version(8) != first && world.spaces.version(7) == first);
        world.map(mapping(-1, 0x9000, 0x1000, 0, "[kernel.kallsyms]_text"));
        assert_ne!(world.spaces.version(7), first, "the kernel's memory is everybody's");
        let before = world.spaces.version(7);
        world.spaces.exec(7);
        world.map(mapping(7, 0x1000, 0x1000, 0, "/c"));
        assert_ne!(world.spaces.version(7), before);
    }

    #[test]
    fn a_return_address_stands_for_the_call_before_it() {
        let mut world = World::default();
        world.map(mapping(7, 0x1000, 0x1000, 0, "/a"));
        let World { spaces, objects, stacks } = &mut world;
        spaces.frame(7, false, 0x1000 + 0x20, true, objects, stacks);
        assert_eq!(objects.frames[0].address, 0x1f);
    }

    #[test]
    fn mappings_at_the_end_of_memory_do_not_overflow() {
        let mut world = World::default();
        world.map(mapping(7, u64::MAX - 1, u64::MAX, u64::MAX, "/a"));
        world.map(mapping(7, 5, 0, 0, "/empty"));
        assert_eq!(world.at(7, 5), "+[unknown]");
        assert!(world.at(7, u64::MAX - 1).starts_with("/a"));
    }
}
