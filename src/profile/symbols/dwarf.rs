//! An ELF file and addresses in; for each the functions that stand there, inlined ones first, out.

use std::borrow::Cow;

use addr2line::Context;
use gimli::{EndianSlice, RunTimeEndian, SectionId};

use super::calls::{Calls, Entered};
use super::elf::Image;
use super::table::{CALLEE, Standing, Table};
use crate::model::LOST_CALLER;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// Looks up addresses (before loading) in the symbols and the debug information of an object file.
///
/// A key marked with [`CALLEE`] asks for the function that the call at its address enters; nothing stands there if that is
/// one of another object file, and [`LOST_CALLER`] if the call does not tell.
///
/// What is found goes into the table, and what is not found too: it needs no second look.
pub fn look_up(image: &Image, addresses: &[u64], table: &mut Table) {
    let sections: Vec<(SectionId, Cow<[u8]>)> =
        SECTIONS.iter().map(|id| (*id, image.section(id.name()).map(|(_, data)| data).unwrap_or_default())).collect();
    let endian = if image.big { RunTimeEndian::Big } else { RunTimeEndian::Little };
    let load = |id: SectionId| -> Result<Slice<'_>, gimli::Error> {
        let data = sections.iter().find(|(known, _)| *known == id).map_or(&[][..], |(_, data)| data);
        Ok(EndianSlice::new(data, endian))
    };
    let context = gimli::Dwarf::load(load).ok().and_then(|dwarf| Context::from_dwarf(dwarf).ok());
    let standing = |address| {
        let mut standing = context.as_ref().map(|c| inlined_first(c, address)).unwrap_or_default();
        name_outermost(image, address, &mut standing);
        standing
    };
    let calls = Calls::of(image);
    for key in addresses {
        let found = match key & CALLEE {
            0 => standing(*key),
            _ => match calls.entered(key & !CALLEE) {
                // What is inlined where a function begins does not own what runs below it.
                Entered::Function(address) => standing(address).pop().into_iter().collect(),
                Entered::Import => Vec::new(),
                Entered::Unknown => vec![Standing { symbol: LOST_CALLER.into(), ..Standing::default() }],
            },
        };
        table.insert(*key, &found);
    }
}

const SECTIONS: &[SectionId] = &[
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

fn inlined_first(context: &Context<Slice>, address: u64) -> Vec<Standing> {
    let mut found = Vec::new();
    let Ok(mut frames) = context.find_frames(address).skip_all_loads() else { return found };
    while let Ok(Some(frame)) = frames.next() {
        let name = frame.function.as_ref().and_then(|f| f.raw_name().ok().map(Cow::into_owned));
        let (file, line) = match &frame.location {
            Some(place) => (place.file.unwrap_or_default().to_owned(), place.line.unwrap_or(0)),
            None => (String::new(), 0),
        };
        found.push(Standing { symbol: name.unwrap_or_default(), file, line });
    }
    found
}

/// The function that really exists has a symbol, which says more than the name that line tables give.
fn name_outermost(image: &Image, address: u64, standing: &mut Vec<Standing>) {
    let Some(symbol) = image.symbol_at(address) else { return };
    match standing.last_mut() {
        Some(last) if is_mangled(&last.symbol) => {}
        Some(last) => last.symbol = symbol.to_owned(),
        None => standing.push(Standing { symbol: symbol.to_owned(), ..Standing::default() }),
    }
}

fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_R") || symbol.starts_with("_Z")
}
