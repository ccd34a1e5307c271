//! An ELF file and addresses in; for each the functions that stand there, inlined ones first, out.

use std::borrow::Cow;

use addr2line::Context;
use gimli::{EndianSlice, RunTimeEndian, SectionId};

use super::calls::{Calls, Entered};
use super::elf::Image;
use super::split::{Held, Parts, Split};
use super::table::{CALLEE, Table};
use crate::model::LOST_CALLER;

/// Bytes of a section.
pub type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// Looks up addresses (before loading) in the symbols and the debug information of an object file.
///
/// A key marked with [`CALLEE`] asks for the function that the call at its address enters; nothing stands there if that is
/// one of another object file, and [`LOST_CALLER`] if the call does not tell.
///
/// What is found goes into the table, and what is not found too: it needs no second look.
pub fn look_up(image: &Image, addresses: &[u64], table: &mut Table) {
    look_up_with(image, &Parts::default(), addresses, table);
}

/// As [`look_up`], with parts of the debug information that stand in files of their own.
pub fn look_up_with(image: &Image, parts: &Parts, addresses: &[u64], table: &mut Table) {
    let (sections, held) = (Sections::of(image), Held::of(parts));
    let (context, split) = (context(&sections), Split::of(&held));
    enter_all(
        image,
        addresses,
        |address, standing| {
            if let Some(context) = &context {
                inlined_first(context, &split, address, standing);
            }
            name_outermost(image, address, standing);
        },
        table,
    );
}

/// Names the functions that exist by their symbols alone: fast, without lines and without inlined functions. What was
/// stripped of its symbols may have them in another file.
pub fn look_up_symbols<'f>(
    image: &'f Image<'f>,
    stripped_to: Option<&'f Image<'f>>,
    addresses: &[u64],
    table: &mut Table,
) {
    let standing = |address, standing: &mut Vec<Found<'f>>| {
        let symbol = stripped_to.and_then(|debug| debug.symbol_at(address)).or_else(|| image.symbol_at(address));
        standing.extend(symbol.map(|symbol| (symbol, "", 0)));
    };
    enter_all(image, addresses, standing, table);
}

/// Symbol, file and line of a function at an address.
type Found<'f> = (Cow<'f, str>, &'f str, u32);

fn enter_all<'f>(
    image: &'f Image,
    addresses: &[u64],
    mut standing: impl FnMut(u64, &mut Vec<Found<'f>>),
    table: &mut Table,
) {
    let calls = Calls::of(image);
    let mut found = Vec::new();
    for key in addresses {
        found.clear();
        match key & CALLEE {
            0 => standing(*key, &mut found),
            _ => match calls.entered(key & !CALLEE) {
                Entered::Function(address) => {
                    standing(address, &mut found);
                    // What is inlined where a function begins does not own what runs below it.
                    found.drain(..found.len().saturating_sub(1));
                }
                Entered::Import => {}
                Entered::Unknown => found.push((LOST_CALLER.into(), "", 0)),
            },
        }
        table.enter(*key, found.iter().map(|(symbol, file, line)| (&**symbol, *file, *line)));
    }
}

/// The sections of debug information of an object file, unpacked.
pub struct Sections<'a> {
    held: Vec<(SectionId, Cow<'a, [u8]>)>,
    endian: RunTimeEndian,
}

impl<'a> Sections<'a> {
    /// Those of a binary.
    pub fn of(image: &Image<'a>) -> Sections<'a> {
        Sections::named(image, |id| Some(id.name()))
    }

    /// Those of a file that holds parts of a binary's debug information.
    pub fn of_part(image: &Image<'a>) -> Sections<'a> {
        Sections::named(image, |id| id.dwo_name())
    }

    fn named(image: &Image<'a>, name: impl Fn(SectionId) -> Option<&'static str>) -> Sections<'a> {
        let section = |id: &SectionId| Some((*id, image.section(name(*id)?)?.1));
        let endian = if image.big { RunTimeEndian::Big } else { RunTimeEndian::Little };
        Sections { held: SECTIONS.iter().filter_map(section).collect(), endian }
    }

    /// A section; empty where there is none.
    pub fn slice(&self, id: SectionId) -> Slice<'_> {
        let data = self.held.iter().find(|(known, _)| *known == id).map_or(&[][..], |(_, data)| data);
        EndianSlice::new(data, self.endian)
    }
}

/// The debug information of a binary; `None` where it has none, or a damaged one.
pub fn context<'d>(sections: &'d Sections) -> Option<Context<Slice<'d>>> {
    let dwarf = gimli::Dwarf::load(|id| Ok::<_, gimli::Error>(sections.slice(id))).ok()?;
    Context::from_dwarf(dwarf).ok()
}

const SECTIONS: &[SectionId] = &[
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugCuIndex,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugTuIndex,
];

fn inlined_first<'c, 'd: 'c>(
    context: &'c Context<Slice<'d>>,
    split: &Split<'d>,
    address: u64,
    found: &mut Vec<Found<'c>>,
) {
    let Some(mut frames) = split.frames(context, address) else { return };
    while let Ok(Some(frame)) = frames.next() {
        let name = frame.function.map(|f| f.name.to_string_lossy());
        let place = frame.location.map(|place| (place.file.unwrap_or_default(), place.line.unwrap_or(0)));
        let (file, line) = place.unwrap_or_default();
        found.push((name.unwrap_or_default(), file, line));
    }
}

/// The function that really exists has a symbol, which says more than the name that line tables give.
fn name_outermost<'f>(image: &'f Image, address: u64, standing: &mut Vec<Found<'f>>) {
    let Some(symbol) = image.symbol_at(address) else { return };
    match standing.last_mut() {
        Some((last, ..)) if is_mangled(last) => {}
        Some((last, ..)) => *last = symbol,
        None => standing.push((symbol, "", 0)),
    }
}

fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_R") || symbol.starts_with("_Z")
}
