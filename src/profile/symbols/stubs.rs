//! An ELF file in; the stubs out through which it calls functions of other object files, with their names.
//!
//! A stub is an indirect jump through a slot of the global offset table, and a relocation of the slot tells the name (System V
//! ABI, AMD64 supplement, "Procedure Linkage Table"). On other processors no stub is understood.

use std::collections::HashMap;

use object::read::elf::{ElfFile, FileHeader, SectionHeader, Sym};
use object::{Architecture, Endianness, Object, RelocationTarget, elf};

/// One stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stub {
    /// Where it begins, before loading.
    pub address: u64,
    /// Bytes.
    pub size: u64,
    /// Place of the name among those of the loader; 0 where the function is chosen when the program starts (`memcpy` by what
    /// the processor can), and its slot names none.
    pub name: u32,
}

/// Sections that linkers put stubs in.
pub const SECTIONS: [&str; 3] = [".plt", ".plt.sec", ".plt.got"];

/// Bytes of a stub where the section does not say.
const USUAL_SIZE: u64 = 16;

/// All stubs.
pub fn stubs<H: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, H>) -> Vec<Stub> {
    let endian = file.endian();
    let section = |name: &str| file.elf_section_table().section_by_name(endian, name.as_bytes());
    let sections: Vec<_> = SECTIONS.iter().filter_map(|name| section(name)).collect();
    if file.architecture() != Architecture::X86_64 || sections.is_empty() {
        return Vec::new();
    }
    let names = names_by_slot(file);
    let in_section = |(_, section): (_, &H::SectionHeader)| {
        let (start, code) = (section.sh_addr(endian).into(), section.data(endian, file.data()).unwrap_or_default());
        let size = Some(section.sh_entsize(endian).into()).filter(|s| (4..=64).contains(s)).unwrap_or(USUAL_SIZE);
        let entries = (start..).step_by(size as usize).zip(code.chunks_exact(size as usize));
        let stub =
            |(address, code): (u64, &[u8])| Some(Stub { address, size, name: *names.get(&slot(address, code)?)? });
        entries.filter_map(stub).collect::<Vec<_>>()
    };
    sections.into_iter().flat_map(in_section).collect()
}

/// The slot that a stub at an address jumps through: `jmp *distance(%rip)`.
fn slot(address: u64, code: &[u8]) -> Option<u64> {
    let jump = code.windows(6).position(|w| w[..2] == [0xff, 0x25])?;
    let distance = i32::from_le_bytes(code[jump + 2..jump + 6].try_into().ok()?);
    Some(address.wrapping_add(jump as u64 + 6).wrapping_add_signed(distance.into()))
}

/// The name of the function that the loader puts into each slot.
fn names_by_slot<H: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, H>) -> HashMap<u64, u32> {
    let symbols = file.elf_dynamic_symbol_table();
    let mut names = HashMap::new();
    for (slot, relocation) in file.dynamic_relocations().into_iter().flatten() {
        let object::RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
        if r_type == elf::R_X86_64_IRELATIVE {
            names.insert(slot, 0);
        }
        if !matches!(r_type, elf::R_X86_64_JUMP_SLOT | elf::R_X86_64_GLOB_DAT) {
            continue;
        }
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let name = symbols.symbol(index).map_or(0, |s| s.st_name(file.endian()));
        if name != 0 {
            names.insert(slot, name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_jumps_through_a_slot_relative_to_what_follows_it() {
        let plain = [0xff, 0x25, 0x10, 0, 0, 0, 0x68, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0];
        assert_eq!(slot(0x1000, &plain), Some(0x1016));
        let marked = [0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0xf0, 0xff, 0xff, 0xff];
        assert_eq!(slot(0x1000, &marked), Some(0xffa));
        assert_eq!(slot(0x1000, &[0xff, 0x35, 1, 2, 3, 4]), None, "the first entry pushes and jumps to the loader");
        assert_eq!(slot(0x1000, &[0xff, 0x25]), None);
    }
}
