//! Arguments in; the workbench or one headless command out.

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// Syntax trees and call chains are many small allocations: a third of a scan is spent in the allocator of the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h: after how many milliseconds unused memory is given back to the system.
const PURGE_DELAY: mi_option_t = 15;

fn main() -> std::process::ExitCode {
    // One syntax tree after the other is made and dropped: given back in between, the same memory is cleared each time.
    // SAFETY: stores one of the allocator's own options, which any thread may do at any time.
    unsafe { mi_option_set(PURGE_DELAY, 10_000) };
    refit::cli::main()
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    #[test]
    fn the_option_is_the_delay_of_a_second_that_mimalloc_begins_with() {
        // SAFETY: reads one of the allocator's own options.
        assert_eq!(unsafe { mi_option_get(super::PURGE_DELAY) }, 1000);
    }
}
