//! Parts of the debug information that stand in files of their own (`-C split-debuginfo`) in; the part of a unit out.
//!
//! `packed` puts them into one file beside the binary, `gateway.dwp`; `unpacked` leaves one `.dwo` for each unit where it
//! was compiled. What stays in the binary names them by an id.

use std::sync::Arc;

use addr2line::{Context, LookupResult, SplitDwarfLoad};
use gimli::{DebugCuIndex, Dwarf, DwarfPackage, EndianSlice, RunTimeEndian, SectionId};

use super::dwarf::{Sections, Slice, context};
use super::elf::Image;

/// A part that a binary names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The id of its unit.
    pub id: u64,
    /// The file that it was written to; absolute where the binary says where it was compiled.
    pub path: String,
}

/// The parts that were found.
#[derive(Clone, Debug, Default)]
pub struct Parts<'a> {
    /// The file that holds all of them.
    pub package: Option<Image<'a>>,
    /// Files that hold one each, by the id of its unit.
    pub files: Vec<(u64, Image<'a>)>,
}

impl Parts<'_> {
    /// Those of the wanted parts that are not among these: a package may be of another build.
    pub fn lacks<'w>(&self, wanted: &'w [Part]) -> Vec<&'w Part> {
        let sections = self.package.as_ref().map(Sections::of_part);
        let index = sections.as_ref().and_then(|s| DebugCuIndex::from(s.slice(SectionId::DebugCuIndex)).index().ok());
        let packed = |part: &Part| index.as_ref().is_some_and(|index| index.find(part.id).is_some());
        wanted.iter().filter(|part| !packed(part) && !self.files.iter().any(|(id, _)| *id == part.id)).collect()
    }
}

/// The parts that stand elsewhere and are needed for these addresses, each once.
pub fn parts_of(image: &Image, addresses: &[u64]) -> Vec<Part> {
    // Without split units nothing refers to a table of addresses before DWARF 5, and the look is not worth its time.
    if image.section(SectionId::DebugAddr.name()).is_none_or(|(_, data)| data.is_empty()) {
        return Vec::new();
    }
    let sections = Sections::of(image);
    let Some(context) = context(&sections) else { return Vec::new() };
    let mut parts = Vec::new();
    for address in addresses {
        let mut found = context.find_frames(*address);
        while let LookupResult::Load { load, continuation } = found {
            parts.push(Part { id: load.dwo_id.0, path: path_of(&load) });
            found = addr2line::LookupContinuation::resume(continuation, None);
        }
    }
    parts.sort();
    parts.dedup();
    parts
}

fn path_of(load: &SplitDwarfLoad<Slice>) -> String {
    let text = |slice: &Option<Slice>| slice.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let (folder, path) = (text(&load.comp_dir), text(&load.path));
    if path.starts_with('/') || folder.is_empty() { path } else { format!("{}/{path}", folder.trim_end_matches('/')) }
}

/// The parts, ready to be read.
pub struct Split<'d> {
    package: Option<DwarfPackage<Slice<'d>>>,
    files: Vec<(u64, &'d Sections<'d>)>,
}

/// The sections of all parts: what [`Split`] borrows from.
pub struct Held<'a> {
    package: Option<Sections<'a>>,
    files: Vec<(u64, Sections<'a>)>,
}

impl<'a> Held<'a> {
    /// Takes the sections of the parts.
    pub fn of(parts: &'a Parts<'a>) -> Held<'a> {
        Held {
            package: parts.package.as_ref().map(Sections::of_part),
            files: parts.files.iter().map(|(id, image)| (*id, Sections::of_part(image))).collect(),
        }
    }
}

impl<'d> Split<'d> {
    /// Reads the index of the parts.
    pub fn of(held: &'d Held<'d>) -> Split<'d> {
        let package = held.package.as_ref().and_then(|sections| {
            let empty = EndianSlice::new(&[][..], RunTimeEndian::Little);
            DwarfPackage::load(|id| Ok::<_, gimli::Error>(sections.slice(id)), empty).ok()
        });
        Split { package, files: held.files.iter().map(|(id, sections)| (*id, sections)).collect() }
    }

    /// The debug information of a unit; `None` where its part was not found.
    pub fn load(&self, load: &SplitDwarfLoad<Slice<'d>>) -> Option<Arc<Dwarf<Slice<'d>>>> {
        let packed = self.package.as_ref().and_then(|p| p.find_cu(load.dwo_id, &load.parent).ok().flatten());
        let alone = || {
            let (_, sections) = self.files.iter().find(|(id, _)| *id == load.dwo_id.0)?;
            let mut dwarf = Dwarf::load(|id| Ok::<_, gimli::Error>(sections.slice(id))).ok()?;
            dwarf.make_dwo(&load.parent);
            Some(dwarf)
        };
        packed.or_else(alone).map(Arc::new)
    }

    /// What a look-up leads to once all parts that it needs were given.
    pub fn frames<'c>(
        &self,
        context: &'c Context<Slice<'d>>,
        address: u64,
    ) -> Option<addr2line::FrameIter<'c, Slice<'d>>> {
        let mut found = context.find_frames(address);
        loop {
            match found {
                LookupResult::Output(frames) => return frames.ok(),
                LookupResult::Load { load, continuation } => {
                    found = addr2line::LookupContinuation::resume(continuation, self.load(&load));
                }
            }
        }
    }
}
