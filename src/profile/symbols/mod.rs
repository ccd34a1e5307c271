//! Frames that are addresses in, and object files; the functions that stand there, inlined ones too, out.

mod dwarf;
mod elf;
mod kernel;
mod place;
mod table;

pub use dwarf::look_up;
pub use elf::{Image, Segment};
pub use kernel::kernel_table;
pub use place::{addresses_of, symbolicate};
pub use table::{Standing, Table};
