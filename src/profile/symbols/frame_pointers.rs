//! The bytes of an ELF file in; whether its own functions keep frame pointers out.

use super::elf::Image;

/// Fewer functions than this say nothing.
const ENOUGH: usize = 8;
/// A function shorter than this may have no frame at all.
const SHORTEST: u64 = 24;

/// `push rbp; mov rbp, rsp` on x86-64; `stp x29, x30, [sp, …]!` on arm, told by its fixed bits.
fn begins_with_frame(code: &[u8]) -> bool {
    let x86 = [&[0x55, 0x48, 0x89, 0xe5][..], &[0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5]];
    let arm = |code: &[u8]| code.len() >= 4 && code[0] == 0xfd && code[3] == 0xa9;
    x86.iter().any(|start| code.starts_with(start)) || arm(code)
}

/// True if most functions that were compiled with the program set up a frame; `None` where too few symbols are left.
///
/// What is of std alone was compiled before, with frame pointers, and says nothing of the program.
pub fn keeps_frame_pointers(image: &Image, bytes: &[u8]) -> Option<bool> {
    let is_std = |name: &str| {
        ["3std", "4core", "5alloc", "9hashbrown", "17compiler_builtins"].iter().any(|krate| name.contains(krate))
    };
    let own = image.functions().filter(|(name, _, size)| {
        (name.starts_with("_R") || name.starts_with("_ZN")) && !is_std(name) && *size >= SHORTEST
    });
    let begins: Vec<bool> = own.filter_map(|(_, at, _)| Some(begins_with_frame(code_at(image, bytes, at)?))).collect();
    let framed = begins.iter().filter(|framed| **framed).count();
    (begins.len() >= ENOUGH).then(|| framed * 10 >= begins.len() * 7)
}

fn code_at<'a>(image: &Image, bytes: &'a [u8], address: u64) -> Option<&'a [u8]> {
    let segment = image.segments.iter().find(|s| s.code && s.address <= address && address - s.address < s.size)?;
    let start = usize::try_from(address - segment.address + segment.offset).ok()?;
    bytes.get(start..start.checked_add(16)?)
}
