//! Arguments in; the workbench or one headless command out.

/// Syntax trees and call chains are many small allocations: a third of a scan is spent in the allocator of the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    refit::cli::main()
}
