//! The bytes of an ELF file in; its build id, segments, sections and symbols out.

use std::borrow::Cow;
use std::io::Read;
use std::sync::OnceLock;

use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{CompressionFormat, Endianness, Object, ObjectKind, ObjectSection, elf};

use super::symtab::{Names, Symbols};
use crate::model::AddressBase;

/// Sections that unpack to more than this are not looked at.
const LARGEST_SECTION: u64 = 4 << 30;
const PAGE: u64 = 4096;

/// A part of the file that is loaded into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset in the file.
    pub offset: u64,
    /// Address it is loaded at, before the loader moves the whole.
    pub address: u64,
    /// Bytes in the file.
    pub size: u64,
    /// True if it holds code.
    pub code: bool,
}

/// An ELF file that was looked at.
#[derive(Clone, Debug, Default)]
pub struct Image<'a> {
    /// Build id in hex; empty where there is none.
    pub build_id: String,
    /// Loaded parts in the order of the file.
    pub segments: Vec<Segment>,
    sections: Vec<Section<'a>>,
    file: &'a [u8],
    /// Read when somebody asks for one: whoever wants unwind tables alone does not wait for 100,000 names.
    symbols: OnceLock<Symbols>,
    names: Names<'a>,
    /// Whether numbers are written most significant byte first.
    pub big: bool,
}

#[derive(Clone, Debug)]
struct Section<'a> {
    name: &'a str,
    address: u64,
    packed: Option<(CompressionFormat, u64)>,
    data: &'a [u8],
}

impl<'a> Image<'a> {
    /// Looks at an ELF file of 64 or 32 bits.
    ///
    /// # Errors
    /// What keeps it from being read, to end the sentence "this object file …".
    pub fn parse(bytes: &'a [u8]) -> Result<Image<'a>, String> {
        match bytes.get(..5) {
            Some(b"\x7fELF\x02") => read(&ElfFile::<elf::FileHeader64<Endianness>>::parse(bytes).map_err(damaged)?),
            Some(b"\x7fELF\x01") => read(&ElfFile::<elf::FileHeader32<Endianness>>::parse(bytes).map_err(damaged)?),
            _ => Err(String::from("is no ELF file")),
        }
    }

    /// A section by its name: where it is loaded, and its bytes unpacked.
    pub fn section(&self, name: &str) -> Option<(u64, Cow<'a, [u8]>)> {
        let section = self.sections.iter().find(|s| s.name == name)?;
        Some((section.address, unpacked(section)?))
    }

    /// Build id and segments alone, free of the file's bytes.
    pub fn without_contents(&self) -> Image<'static> {
        Image { build_id: self.build_id.clone(), segments: self.segments.clone(), big: self.big, ..Image::default() }
    }

    /// Where the byte at an offset of the file is loaded.
    pub fn address_of_offset(&self, offset: u64) -> Option<u64> {
        address_of_offset(&self.segments, offset)
    }

    /// The symbol of the function that holds an address.
    pub fn symbol_at(&self, address: u64) -> Option<Cow<'a, str>> {
        self.symbols().at(address, self.names)
    }

    /// True if a function symbol stands at exactly this address.
    pub fn begins_at(&self, address: u64) -> bool {
        self.symbols().begin_at(address)
    }

    /// Function symbols with address and size in order: for those who want to know where a function stands.
    pub fn functions(&self) -> impl Iterator<Item = (&'a str, u64, u64)> + '_ {
        self.symbols().functions(self.names)
    }

    fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| symbols(self.file).unwrap_or_default())
    }
}

/// The address before loading that a recorded address stands for.
pub fn image_address(segments: &[Segment], base: AddressBase, address: u64) -> Option<u64> {
    match base {
        AddressBase::FileOffset => address_of_offset(segments, address),
        AddressBase::Image => {
            let lowest = segments.iter().map(|s| s.address).min()?;
            Some(address.wrapping_add(lowest & !(PAGE - 1)))
        }
        AddressBase::Absolute => Some(address),
    }
}

/// `address = offset - p_offset + p_vaddr`: with the layout of today's linkers the two differ.
fn address_of_offset(segments: &[Segment], offset: u64) -> Option<u64> {
    let exact = |s: &&Segment| s.offset <= offset && offset - s.offset < s.size;
    // A mapping begins at a page, which may lie before the segment.
    let paged = |s: &&Segment| s.offset & !(PAGE - 1) <= offset && offset < s.offset.saturating_add(s.size);
    let code = || segments.iter().filter(|s| s.code);
    let found = code().find(exact).or_else(|| code().find(paged)).or_else(|| segments.iter().find(exact))?;
    Some(offset.wrapping_sub(found.offset).wrapping_add(found.address))
}

fn damaged(error: object::Error) -> String {
    format!("is damaged: {error}")
}

fn read<'a, H: FileHeader<Endian = Endianness>>(file: &ElfFile<'a, H>) -> Result<Image<'a>, String> {
    let endian = file.endian();
    let segments = file.elf_program_headers().iter().filter(|s| s.p_type(endian) == elf::PT_LOAD);
    let segments = segments.map(|s| Segment {
        offset: s.p_offset(endian).into(),
        address: s.p_vaddr(endian).into(),
        size: s.p_filesz(endian).into(),
        code: s.p_flags(endian) & elf::PF_X != 0,
    });
    let build_id = file.build_id().ok().flatten().unwrap_or_default();
    Ok(Image {
        build_id: build_id.iter().map(|b| format!("{b:02x}")).collect(),
        segments: segments.collect(),
        sections: file.sections().filter_map(|s| section(&s)).collect(),
        file: file.data(),
        symbols: OnceLock::new(),
        names: Names::of(file),
        big: !file.is_little_endian(),
    })
}

/// The functions of a program or a library; those of a part that was not linked have no addresses yet.
fn symbols(bytes: &[u8]) -> Option<Symbols> {
    fn of<H: FileHeader<Endian = Endianness>>(file: ElfFile<'_, H>) -> Option<Symbols> {
        (file.kind() != ObjectKind::Relocatable).then(|| Symbols::of(&file))
    }
    match bytes.get(4)? {
        2 => of(ElfFile::<elf::FileHeader64<Endianness>>::parse(bytes).ok()?),
        _ => of(ElfFile::<elf::FileHeader32<Endianness>>::parse(bytes).ok()?),
    }
}

fn section<'a>(section: &impl ObjectSection<'a>) -> Option<Section<'a>> {
    let name = section.name().ok()?;
    let data = section.compressed_data().ok()?;
    let packed = (data.format != CompressionFormat::None).then_some((data.format, data.uncompressed_size));
    Some(Section { name, address: section.address(), packed, data: data.data })
}

fn unpacked<'a>(section: &Section<'a>) -> Option<Cow<'a, [u8]>> {
    let Some((format, size)) = section.packed else { return Some(Cow::Borrowed(section.data)) };
    if size > LARGEST_SECTION {
        return None;
    }
    let mut out = Vec::new();
    let read = match format {
        CompressionFormat::Zlib => flate2::read::ZlibDecoder::new(section.data).take(size).read_to_end(&mut out),
        CompressionFormat::Zstandard => {
            zstd::stream::read::Decoder::new(section.data).ok()?.take(size).read_to_end(&mut out)
        }
        _ => return None,
    };
    read.is_ok_and(|n| n as u64 == size).then_some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layout of a Rust binary linked by lld: code is loaded one page behind its offset.
    const SEGMENTS: [Segment; 3] = [
        Segment { offset: 0, address: 0, size: 0x16f00, code: false },
        Segment { offset: 0x16f10, address: 0x17f10, size: 0x33000, code: true },
        Segment { offset: 0x49f10, address: 0x4bf10, size: 0x3000, code: false },
    ];

    #[test]
    fn an_offset_in_the_file_is_no_address() {
        let at = |offset| image_address(&SEGMENTS, AddressBase::FileOffset, offset);
        assert_eq!(at(0x174d0), Some(0x184d0));
        assert_eq!(at(0x16000), Some(0x17000), "the page in which the code begins is mapped whole");
        assert_eq!(at(0x99_0000), None);
        assert_eq!(image_address(&SEGMENTS, AddressBase::Image, 0x184d0), Some(0x184d0));
    }

    #[test]
    fn what_is_no_object_file_says_so() {
        assert_eq!(Image::parse(b"#!/bin/sh\n").unwrap_err(), "is no ELF file");
        assert!(Image::parse(b"\x7fELF\x02\x01\x01").unwrap_err().starts_with("is damaged"));
    }
}
