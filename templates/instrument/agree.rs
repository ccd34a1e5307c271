#[doc(hidden)]
#[allow(warnings)]
pub mod __refit_agree {
    //! Old and new body of a function on the same calls: what each gives back, leaves in its arguments, or panics with.
    //!
    //! Before a call runs as it would, both bodies run on copies of its arguments. Lines written to the file that
    //! `REFIT_AGREE` names, words parted by tabs: `C process thread site compared seen` (counts only grow), `D site what
    //! arguments old new` (a call on which they differ), `R site what` (the old body differs from itself), `X site why`
    //! (it cannot be compared) and `P site what` (a part of it cannot be).
    //!
    //! What a type can do is found by the order in which methods are looked up: inherent ones before those of a trait,
    //! those that need no reference before those that do, and a shared one before one that changes. So values are compared
    //! by `==`, else by their `Debug` text, else as serde would write them.

    use ::std::cell::{Cell, RefCell};
    use ::std::fmt::{self, Debug, Write as _};
    use ::std::io::Write as _;
    use ::std::panic::{AssertUnwindSafe, catch_unwind};
    use ::std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
    use ::std::sync::{Mutex, OnceLock, PoisonError};
    use ::std::time::Instant;
    use ::std::vec::Vec;
    use ::std::{format, option::Option, option::Option::*, result::Result, result::Result::*, string::String};

    const PER_PROPOSAL: usize = 256;
    /// No body is being tried: the call runs as in the candidate.
    const NONE: u8 = 255;
    pub const OLD: u8 = 0;
    pub const NEW: u8 = 1;

    /// A difference counts only if the old body agrees with itself as often as this.
    const CONTROLS: u8 = 8;
    /// Comparing may take this much, and beyond it as long as everything else.
    const FREE_NS: u64 = 250_000_000;
    const MOST_NS: u64 = 20_000_000_000;
    /// Characters of an argument or a result that are told.
    const SHOWN: usize = 240;
    /// Differences told of one function.
    const TOLD: u64 = 3;

    thread_local! {
        static ACTIVE: Cell<(u8, usize)> = const { Cell::new((NONE, 0)) };
        static LAST: RefCell<Option<(String, String, String)>> = const { RefCell::new(None) };
        static COUNTS: RefCell<Counts> = const { RefCell::new(Counts { thread: 0, sites: Vec::new() }) };
    }

    struct Config {
        file: Mutex<::std::fs::File>,
        began: Instant,
        spent_ns: AtomicU64,
        /// Differences told so far, by site.
        told: Mutex<Vec<u64>>,
    }

    fn config() -> Option<&'static Config> {
        static CONFIG: OnceLock<Option<Config>> = OnceLock::new();
        CONFIG
            .get_or_init(|| {
                let path = ::std::env::var_os("REFIT_AGREE")?;
                let file = ::std::fs::OpenOptions::new().append(true).create(true).open(path).ok()?;
                Some(Config { file: Mutex::new(file), began: Instant::now(), spent_ns: AtomicU64::new(0), told: Mutex::new(Vec::new()) })
            })
            .as_ref()
    }

    pub fn write(line: String) {
        if let Some(config) = config() {
            let mut file = config.file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(line.as_bytes());
        }
    }

    static IS_PATIENT: AtomicBool = AtomicBool::new(false);

    /// Takes away the limit of the time that comparing may take.
    pub fn patient() {
        IS_PATIENT.store(true, Relaxed);
    }

    /// The difference that this thread saw last, once: what differs, with the old code and with the new.
    pub fn last() -> Option<(String, String, String)> {
        LAST.take()
    }

    /// Calls of a thread by site: compared and seen.
    struct Counts {
        thread: u64,
        sites: Vec<(u64, u64)>,
    }

    impl Counts {
        fn add(&mut self, site: usize, is_compared: bool) {
            static THREADS: AtomicU64 = AtomicU64::new(0);
            if self.thread == 0 {
                self.thread = THREADS.fetch_add(1, Relaxed) + 1;
            }
            if self.sites.len() <= site {
                self.sites.resize(site + 1, (0, 0));
            }
            let counts = &mut self.sites[site];
            counts.0 += is_compared as u64;
            counts.1 += 1;
            // A killed process, as a service is, ends no thread.
            if counts.1.is_power_of_two() || counts.1 % 256 == 0 {
                self.tell(site);
            }
        }

        fn tell(&self, site: usize) {
            let (compared, seen) = self.sites[site];
            write(format!("C\t{}\t{}\t{site}\t{compared}\t{seen}\n", ::std::process::id(), self.thread));
        }
    }

    impl Drop for Counts {
        fn drop(&mut self) {
            for site in 0..self.sites.len() {
                if self.sites[site].1 > 0 {
                    self.tell(site);
                }
            }
        }
    }

    /// True while a body is tried on copies: then nothing is counted.
    pub fn is_trial() -> bool {
        ACTIVE.get().0 != NONE
    }

    /// True if this function has to run its old body.
    pub fn is_old(number: usize) -> bool {
        let (arm, proposal) = ACTIVE.get();
        arm == OLD && proposal == number / PER_PROPOSAL
    }

    /// Runs one body on its copies; functions of the same proposal inside of it follow.
    pub fn run<R>(number: usize, arm: u8, body: impl FnOnce() -> R) -> Ran<R> {
        struct Back((u8, usize));
        impl Drop for Back {
            fn drop(&mut self) {
                ACTIVE.set(self.0);
            }
        }
        let _back = Back(ACTIVE.replace((arm, number / PER_PROPOSAL)));
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(value) => Ran::Gave(value),
            Err(payload) => {
                let text = payload.downcast_ref::<&str>().map(|t| (*t).into());
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
                Ran::Panicked(text.unwrap_or_else(|| "something that is no text".into()))
            }
        }
    }

    /// What a body came to.
    #[derive(PartialEq)]
    pub enum Ran<R> {
        Gave(R),
        Panicked(String),
    }

    impl<R: Debug> Debug for Ran<R> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Ran::Gave(value) => value.fmt(f),
                Ran::Panicked(text) => write!(f, "panic {text:?}"),
            }
        }
    }

    /// A value of which is asked what its type can do.
    pub struct Of<'a, T: ?Sized>(pub &'a T);

    impl<T: Clone> Of<'_, T> {
        pub fn clones(&self) -> bool {
            true
        }

        pub fn copied(&self) -> Option<T> {
            Some(self.0.clone())
        }
    }

    /// A slice of which is asked the same.
    pub struct OfSlice<'a, T>(pub &'a [T]);

    impl<T: Clone> OfSlice<'_, T> {
        pub fn clones(&self) -> bool {
            true
        }

        pub fn copied(&self) -> Option<Vec<T>> {
            Some(self.0.to_vec())
        }
    }

    impl<T> NotCloned for OfSlice<'_, T> {
        type Value = Vec<T>;
    }

    pub trait NotCloned {
        type Value;
        fn clones(&self) -> bool {
            false
        }
        fn copied(&self) -> Option<Self::Value> {
            None
        }
    }

    impl<T> NotCloned for Of<'_, T> {
        type Value = T;
    }

    impl<T: Debug + ?Sized> Of<'_, T> {
        pub fn shown(&self) -> Option<String> {
            catch_unwind(AssertUnwindSafe(|| format!("{:?}", self.0))).ok()
        }
    }

    pub trait ShownSerialised {
        fn shown(&self) -> Option<String>;
    }

    pub trait NotShown {
        fn shown(&mut self) -> Option<String> {
            None
        }
    }

    impl<T: ?Sized> NotShown for Of<'_, T> {}

    /// Two values of one type.
    pub struct Pair<'a, T: ?Sized>(pub &'a T, pub &'a T);

    impl<T: PartialEq + ?Sized> Pair<'_, T> {
        pub fn equal(&self) -> Option<bool> {
            Some(self.0 == self.1)
        }
    }

    pub trait ByText {
        fn equal(&self) -> Option<bool>;
    }

    impl<T: Debug + ?Sized> ByText for Pair<'_, T> {
        fn equal(&self) -> Option<bool> {
            Some(Of(self.0).shown() == Of(self.1).shown())
        }
    }

    pub trait BySerialised {
        fn equal(&self) -> Option<bool>;
    }

    pub trait NotCompared {
        fn equal(&mut self) -> Option<bool>;
    }

    impl<T: ?Sized> NotCompared for &Pair<'_, T> {
        fn equal(&mut self) -> Option<bool> {
            None
        }
    }

    // refit: serialised

    /// Where results cannot be compared it still is known whether there is one.
    pub fn panics<R>(old: &Ran<R>, new: &Ran<R>) -> Option<bool> {
        match (old, new) {
            (Ran::Gave(_), Ran::Gave(_)) => None,
            (Ran::Panicked(old), Ran::Panicked(new)) => Some(old == new),
            _ => Some(false),
        }
    }

    fn has_floats<T: ?Sized>() -> bool {
        let name = ::std::any::type_name::<T>();
        (name.contains("f64") || name.contains("f32")) && !name.contains("Hash")
    }

    /// How the old and the new form of one value compare.
    pub struct Same {
        equal: Option<bool>,
        old: Option<String>,
        new: Option<String>,
        controls: u8,
        is_random: bool,
    }

    /// Equal values may still differ in the sign of a zero, and a NaN is like no other: their texts tell.
    pub fn same<T: ?Sized>(of: &T, equal: Option<bool>, shown: impl FnOnce() -> (Option<String>, Option<String>)) -> Same {
        let mut same = Same { equal, old: None, new: None, controls: 0, is_random: false };
        if equal == Some(false) || (equal == Some(true) && has_floats::<T>()) {
            (same.old, same.new) = shown();
            if same.equal == Some(true) && same.old != same.new {
                same.equal = Some(false);
            }
        }
        same
    }

    impl Same {
        /// True if the old body is to run once more on the same arguments.
        pub fn asks_again(&self) -> bool {
            self.equal == Some(false) && !self.is_random && self.controls < CONTROLS
        }

        /// The old body against itself.
        pub fn control(&mut self, equal: Option<bool>, again: Option<String>) {
            self.controls += 1;
            if equal == Some(true) {
                return;
            }
            match (&self.old, again) {
                // Not even equal to itself, but its text is: a NaN.
                (Some(old), Some(again)) if *old == again => self.equal = Some(self.old == self.new),
                _ => self.is_random = true,
            }
        }
    }

    /// One call that is compared.
    pub struct Case {
        config: &'static Config,
        number: usize,
        began: Instant,
        is_compared: bool,
        differs: Option<(String, Same)>,
    }

    /// Begins a comparison, unless this call is part of one, or the time for them is used up.
    pub fn begin(number: usize) -> Option<Case> {
        if is_trial() || ::std::thread::panicking() || cfg!(panic = "abort") {
            return None;
        }
        let config = config()?;
        let (all, spent) = (config.began.elapsed().as_nanos() as u64, config.spent_ns.load(Relaxed));
        if !IS_PATIENT.load(Relaxed) && spent > (FREE_NS + all.saturating_sub(spent)).min(MOST_NS) {
            count(number, false);
            return None;
        }
        Some(Case { config, number, began: Instant::now(), is_compared: false, differs: None })
    }

    fn count(number: usize, is_compared: bool) {
        let _ = COUNTS.try_with(|counts| counts.borrow_mut().add(number, is_compared));
    }

    impl Case {
        /// Nothing can be compared here.
        pub fn cannot(&mut self, why: &str) {
            self.once('X', why);
        }

        fn once(&self, letter: char, what: &str) {
            let mut told = self.config.told.lock().unwrap_or_else(PoisonError::into_inner);
            while told.len() <= self.number {
                told.push(0);
            }
            if told[self.number] < TOLD {
                told[self.number] += 1;
                drop(told);
                write(format!("{letter}\t{}\t{}\n", self.number, one_line(what)));
            }
        }

        /// How one part of what came of the call compares: `its result`, or an argument that it changed.
        pub fn part(&mut self, what: &str, same: Same) {
            self.is_compared |= same.equal.is_some();
            match same.equal {
                _ if same.is_random => write(format!("R\t{}\t{what}\n", self.number)),
                None => self.once('P', what),
                Some(false) if self.differs.is_none() => self.differs = Some((what.into(), same)),
                Some(_) => {}
            }
        }

        /// True if the arguments are to be told.
        pub fn differs(&self) -> bool {
            self.differs.is_some()
        }

        /// Tells the call on which old and new differ.
        pub fn tell(&mut self, arguments: &[(&str, Option<String>)]) {
            let Some((what, same)) = self.differs.take() else { return };
            let shown = |text: &Option<String>| one_line(text.as_deref().unwrap_or("?"));
            LAST.set(Some((what.clone(), shown(&same.old), shown(&same.new))));
            let mut told = self.config.told.lock().unwrap_or_else(PoisonError::into_inner);
            while told.len() <= self.number {
                told.push(0);
            }
            told[self.number] += 1;
            if told[self.number] > TOLD {
                return;
            }
            drop(told);
            let arguments: Vec<String> = arguments.iter().map(|(name, text)| format!("{name} = {}", shown(text))).collect();
            let arguments = arguments.join(", ");
            write(format!("D\t{}\t{what}\t{arguments}\t{}\t{}\n", self.number, shown(&same.old), shown(&same.new)));
        }
    }

    impl Drop for Case {
        fn drop(&mut self) {
            count(self.number, self.is_compared);
            self.config.spent_ns.fetch_add(self.began.elapsed().as_nanos() as u64, Relaxed);
        }
    }

    fn one_line(text: &str) -> String {
        let mut line: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().count() > SHOWN {
            line.push_str("...");
        }
        line
    }
}
