//! Frames that are addresses in, and object files; the functions that stand there, inlined ones too, out.

mod calls;
mod dwarf;
mod elf;
mod frame_pointers;
mod kernel;
mod place;
mod table;

pub use dwarf::look_up;
pub use elf::{Image, Segment};
pub use frame_pointers::keeps_frame_pointers;
pub use kernel::kernel_table;
pub use place::{addresses_of, is_without_frames, symbolicate};
pub use table::{Asked, Standing, Table};
