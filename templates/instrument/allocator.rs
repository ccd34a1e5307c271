    /// Counts allocations of a thread, and the bytes that are asked for, while one of its calls is counted.
    struct CountingAllocator;

    fn count_one(bytes: usize) {
        tally(ALLOCATIONS, 1);
        tally(BYTES, bytes as u64);
    }

    unsafe impl ::std::alloc::GlobalAlloc for CountingAllocator {
        unsafe fn alloc(&self, layout: ::std::alloc::Layout) -> *mut u8 {
            count_one(layout.size());
            unsafe { ::std::alloc::GlobalAlloc::alloc(&::std::alloc::System, layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: ::std::alloc::Layout) -> *mut u8 {
            count_one(layout.size());
            unsafe { ::std::alloc::GlobalAlloc::alloc_zeroed(&::std::alloc::System, layout) }
        }

        unsafe fn realloc(&self, old: *mut u8, layout: ::std::alloc::Layout, size: usize) -> *mut u8 {
            // What it grows by: the rest was asked for before.
            count_one(size.saturating_sub(layout.size()));
            unsafe { ::std::alloc::GlobalAlloc::realloc(&::std::alloc::System, old, layout, size) }
        }

        unsafe fn dealloc(&self, old: *mut u8, layout: ::std::alloc::Layout) {
            unsafe { ::std::alloc::GlobalAlloc::dealloc(&::std::alloc::System, old, layout) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;
