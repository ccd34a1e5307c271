//! Frames that are addresses in, and object files; the functions that stand there, inlined ones too, out.

mod calls;
mod dwarf;
mod elf;
mod frame_pointers;
mod jit;
mod kernel;
mod place;
mod split;
mod stubs;
mod symtab;
mod table;

pub use dwarf::{look_up, look_up_symbols, look_up_with};
pub use elf::{Image, Segment};
pub use frame_pointers::keeps_frame_pointers;
pub use jit::jit_table;
pub use kernel::kernel_table;
pub use place::{addresses_of, as_perf_names, is_without_frames, symbolicate};
pub use split::{Part, Parts, parts_of};
pub use table::{Asked, Standing, Table};
