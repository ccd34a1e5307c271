#[doc(hidden)]
#[allow(warnings)]
pub mod __refit_mutants {
    //! Which of the wrong versions of the code that stand in this program runs.
    //!
    //! A number in `REFIT_MUTANT` chooses one. Anything else in it names a file, and then none runs and a line `number
    //! thread` tells each one that a thread comes by. It is read once; what this process starts inherits it.

    use ::std::cell::RefCell;
    use ::std::io::Write as _;
    use ::std::option::Option::{self, None, Some};
    use ::std::sync::OnceLock;
    use ::std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use ::std::vec::Vec;

    /// The variable was not read so far.
    const UNREAD: usize = usize::MAX;
    /// None runs, and what is come by is told.
    const TOLD: usize = usize::MAX - 1;
    /// None runs.
    const NONE: usize = usize::MAX - 2;

    static CHOSEN: AtomicUsize = AtomicUsize::new(UNREAD);

    /// True if this mutant runs.
    pub fn is(number: usize) -> bool {
        match CHOSEN.load(Relaxed) {
            UNREAD => {
                let chosen = match ::std::env::var("REFIT_MUTANT") {
                    ::std::result::Result::Ok(text) => text.parse().unwrap_or(TOLD),
                    ::std::result::Result::Err(_) => NONE,
                };
                CHOSEN.store(chosen, Relaxed);
                is(number)
            }
            TOLD => {
                tell(number);
                false
            }
            chosen => chosen == number,
        }
    }

    fn tell(number: usize) {
        ::std::thread_local! {
            static SEEN: RefCell<Vec<bool>> = const { RefCell::new(Vec::new()) };
        }
        let is_first = SEEN.try_with(|seen| {
            let mut seen = seen.borrow_mut();
            if seen.len() <= number {
                seen.resize(number + 1, false);
            }
            !::std::mem::replace(&mut seen[number], true)
        });
        // A thread that ends cannot remember what it told.
        if is_first.unwrap_or(true) {
            if let Some(mut file) = file() {
                let thread = ::std::thread::current();
                let line = ::std::format!("{number} {}\n", thread.name().unwrap_or("-"));
                let _ = file.write_all(line.as_bytes());
            }
        }
    }

    fn file() -> Option<&'static ::std::fs::File> {
        static FILE: OnceLock<Option<::std::fs::File>> = OnceLock::new();
        FILE.get_or_init(|| {
            let path = ::std::env::var_os("REFIT_MUTANT")?;
            ::std::fs::OpenOptions::new().append(true).create(true).open(path).ok()
        })
        .as_ref()
    }
}
