//! The code of an ELF file and the place of a call in; the function that is entered there out.
//!
//! Encodings of `call`: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A. On other processors no call
//! is understood, and every callee is unknown.

use std::borrow::Cow;

use super::elf::Image;
use super::stubs;

/// What a call enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The function at this address of the same object file.
    Function(u64),
    /// A function of another object file.
    Import,
    /// A pointer tells at run time.
    Unknown,
}

/// The calls of an object file.
pub struct Calls<'i, 'a> {
    image: &'i Image<'a>,
    code: Option<(u64, Cow<'a, [u8]>)>,
    stubs: Vec<(u64, u64)>,
}

impl<'i, 'a> Calls<'i, 'a> {
    /// Finds the code of an object file.
    pub fn of(image: &'i Image<'a>) -> Calls<'i, 'a> {
        let stubs = stubs::SECTIONS.iter().filter_map(|name| image.section(name));
        let stubs = stubs.map(|(start, code)| (start, start + code.len() as u64)).collect();
        Calls { image, code: image.section(".text"), stubs }
    }

    /// What the call enters whose last byte stands at an address.
    pub fn entered(&self, last_byte: u64) -> Entered {
        let Some((start, code)) = &self.code else { return Entered::Unknown };
        let before = last_byte.checked_sub(*start).and_then(|at| code.get(..=usize::try_from(at).ok()?));
        match before.unwrap_or_default() {
            [.., 0xe8, a, b, c, d] => {
                let distance = i64::from(i32::from_le_bytes([*a, *b, *c, *d]));
                let target = (last_byte + 1).wrapping_add_signed(distance);
                if self.stubs.iter().any(|(from, to)| (*from..*to).contains(&target)) {
                    return Entered::Import;
                }
                // Bytes of another instruction may look like a call, and do not hit where a function begins.
                if self.image.begins_at(target) { Entered::Function(target) } else { Entered::Unknown }
            }
            // A call through the table of imports, relative to the instruction.
            [.., 0xff, 0x15, _, _, _, _] => Entered::Import,
            _ => Entered::Unknown,
        }
    }
}
