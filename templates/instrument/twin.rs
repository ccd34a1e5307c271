#[doc(hidden)]
#[allow(warnings)]
pub mod __refit_twin {
    //! Old and new body of a function in one process: which one a call runs, and how long it takes.
    //!
    //! Lines written to the file that `REFIT_TWIN` names (`path` or `path;patient`):
    //! `T site matched calls old_ns new_ns again_ns`, one for each group of calls, where `again` is the old body a
    //! second time (the control), and `C site calls name old new again name old new again ...`: what calls that are not
    //! timed did, by the names below. The file is appended to, line by line: a killed process loses nothing.
    //!
    //! Sites of several proposals may stand in one program: those of proposal `p` have numbers from `256 p` on. While a
    //! function of one is timed, the functions of all others run their old bodies.

    use ::std::boxed::Box;
    use ::std::cell::Cell;
    use ::std::future::{Future, IntoFuture};
    use ::std::io::Write as _;
    use ::std::pin::Pin;
    use ::std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
    use ::std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
    use ::std::task::{Context, Poll};
    use ::std::time::Instant;
    use ::std::vec::Vec;
    use ::std::{format, option::Option, option::Option::*, result::Result, result::Result::*, string::String, vec};

    /// Replaced where a counting allocator is built in.
    const COUNTS_ALLOCATIONS: bool = false;

    /// What is counted, by its place in a tally. Times are nanoseconds.
    const NAMES: [&str; KINDS] = [
        "allocations", "bytes", "writes", "reads", "opens", "syncs", "folders", "locks", "exclusive", "held", "waited",
        "attempts", "pauses", "paused",
    ];
    const KINDS: usize = 14;
    const ALLOCATIONS: usize = 0;
    const BYTES: usize = 1;
    const WRITES: usize = 2;
    const READS: usize = 3;
    const OPENS: usize = 4;
    const SYNCS: usize = 5;
    const FOLDERS: usize = 6;
    const LOCKS: usize = 7;
    const EXCLUSIVE: usize = 8;
    const HELD: usize = 9;
    const WAITED: usize = 10;
    const ATTEMPTS: usize = 11;
    const PAUSES: usize = 12;
    const PAUSED: usize = 13;
    type Tally = [u64; KINDS];

    const NONE: u8 = 255;
    const OLD: u8 = 0;
    const NEW: u8 = 1;
    /// Old again: what the difference of two equal bodies looks like here.
    const AGAIN: u8 = 2;

    /// A group of calls is closed at this much time of the old body, or at this many calls.
    const GROUP_NS: u64 = 20_000;
    const GROUP_CALLS: u64 = 64;
    /// Patient mode repeats one call for this long, and all calls of a process together for at most so long.
    const REPEAT_NS: u64 = 2_000_000;
    const PATIENCE_NS: u64 = 10_000_000_000;
    /// Else the repeated calls take at most this share (1/n) of the time since the process began.
    const SHARE: u64 = 4;
    /// Each n-th group counts instead of being timed.
    const COUNTED: u64 = 16;

    thread_local! {
        /// The body that runs on this thread, of the outermost touched function.
        static ACTIVE: Cell<Active> = const { Cell::new(IDLE) };
        /// The body that the next call is to run, where the same call is repeated.
        static FORCED: Cell<u8> = const { Cell::new(NONE) };
        /// What the last repeated call took or counted.
        static LAST: Cell<Taken> = const { Cell::new(NOTHING) };
        static TALLY: [Cell<u64>; KINDS] = const { [const { Cell::new(0) }; KINDS] };
    }

    /// What runs: the body, whose proposal it is, and whether its time is taken, so that nothing else may disturb it.
    #[derive(Clone, Copy)]
    struct Active {
        arm: u8,
        proposal: usize,
        is_timed: bool,
        is_counted: bool,
    }

    const IDLE: Active = Active { arm: NONE, proposal: 0, is_timed: false, is_counted: false };
    const PER_PROPOSAL: usize = 256;
    const PROPOSALS: usize = 64;
    /// Whether functions of a proposal call those of others: then only half of their calls are taken.
    static HOLDS_OTHERS: [AtomicBool; PROPOSALS] = [const { AtomicBool::new(false) }; PROPOSALS];

    /// What a call inside of another touched function has to run; none where it is free to be measured itself.
    fn follows(number: usize) -> Option<u8> {
        let (active, proposal) = (ACTIVE.get(), number / PER_PROPOSAL);
        match active.arm {
            NONE => None,
            arm if active.proposal == proposal => Some(arm),
            _ => {
                HOLDS_OTHERS[active.proposal % PROPOSALS].store(true, Relaxed);
                if active.is_timed { Some(OLD) } else { None }
            }
        }
    }

    #[derive(Clone, Copy)]
    struct Taken {
        ns: u64,
        counts: Tally,
    }

    const NOTHING: Taken = Taken { ns: 0, counts: [0; KINDS] };

    struct Config {
        file: Mutex<::std::fs::File>,
        is_patient: bool,
        began: Instant,
        repeated_ns: AtomicU64,
        /// Functions whose calls are repeated.
        repeating: AtomicU64,
        sites: Mutex<Vec<Site>>,
    }

    /// Calls of one function that wait for their group to be complete.
    #[derive(Default)]
    struct Site {
        order: Vec<u8>,
        next: usize,
        group: u64,
        calls: u64,
        seen: u64,
        spent: u64,
        random: u64,
        open: Vec<Group>,
        matched: Group,
        matched_groups: u64,
        repeated_ns: u64,
    }

    #[derive(Clone, Default)]
    struct Group {
        id: u64,
        calls: u64,
        is_counted: bool,
        is_broken: bool,
        given: [u64; 3],
        ns: [u64; 3],
        counts: [Tally; 3],
    }

    fn config() -> Option<&'static Config> {
        static CONFIG: OnceLock<Option<Config>> = OnceLock::new();
        CONFIG
            .get_or_init(|| {
                let value = ::std::env::var("REFIT_TWIN").ok()?;
                let (path, mode) = value.split_once(';').unwrap_or((&value, ""));
                let file = ::std::fs::OpenOptions::new().append(true).create(true).open(path).ok()?;
                Some(Config {
                    file: Mutex::new(file),
                    is_patient: mode == "patient",
                    began: Instant::now(),
                    repeated_ns: AtomicU64::new(0),
                    repeating: AtomicU64::new(0),
                    sites: Mutex::new(Vec::new()),
                })
            })
            .as_ref()
    }

    fn site<T>(config: &Config, number: usize, with: impl FnOnce(&mut Site) -> T) -> T {
        let mut sites = config.sites.lock().unwrap_or_else(PoisonError::into_inner);
        while sites.len() <= number {
            let random = 0x9E37_79B9_7F4A_7C15 ^ config.began.elapsed().as_nanos() as u64 ^ sites.len() as u64;
            sites.push(Site { random: random | 1, calls: 1, ..Site::default() });
        }
        with(&mut sites[number])
    }

    impl Site {
        fn below(&mut self, n: u64) -> u64 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            self.random % n
        }

        fn shuffle(&mut self, order: &mut [u8]) {
            for i in (1..order.len()).rev() {
                let j = self.below(i as u64 + 1) as usize;
                order.swap(i, j);
            }
        }

        /// The body for the next call: a group holds as many calls of each, in random order.
        fn take(&mut self) -> (u8, u64, bool) {
            if self.next == self.order.len() {
                if self.seen >= 24 && self.spent > 0 {
                    self.calls = (GROUP_NS * self.seen / self.spent).clamp(1, GROUP_CALLS);
                }
                let mut order: Vec<u8> = (0..self.calls * 3).map(|i| (i % 3) as u8).collect();
                self.shuffle(&mut order);
                self.order = order;
                self.next = 0;
                self.group += 1;
                let is_counted = self.group % COUNTED == 3;
                if self.open.len() > 64 {
                    self.open.remove(0);
                }
                self.open.push(Group { id: self.group, calls: self.calls, is_counted, ..Group::default() });
            }
            self.next += 1;
            let group = self.open.last().map_or((self.group, false), |g| (g.id, g.is_counted));
            (self.order[self.next - 1], group.0, group.1)
        }

        /// What a call took; a complete group comes back.
        fn give(&mut self, group: u64, arm: u8, taken: Option<Taken>) -> Option<Group> {
            let at = self.open.iter().position(|g| g.id == group)?;
            let open = &mut self.open[at];
            open.given[arm as usize] += 1;
            match taken {
                Some(taken) => {
                    open.add(arm, taken);
                    if !open.is_counted {
                        self.seen += 1;
                        self.spent += taken.ns;
                    }
                }
                None => open.is_broken = true,
            }
            let open = &self.open[at];
            (open.given == [open.calls; 3]).then(|| self.open.remove(at))
        }
    }

    impl Group {
        fn add(&mut self, arm: u8, taken: Taken) {
            self.ns[arm as usize] += taken.ns;
            for (sum, n) in self.counts[arm as usize].iter_mut().zip(taken.counts) {
                *sum += n;
            }
        }

        fn write(&self, config: &Config, number: usize, matched: u8) {
            if self.is_broken || self.calls == 0 {
                return;
            }
            let line = if self.is_counted {
                let mut line = format!("C {number} {}", self.calls);
                for (kind, name) in NAMES.iter().enumerate() {
                    let of = self.counts.map(|tally| tally[kind]);
                    let is_known = kind > BYTES || COUNTS_ALLOCATIONS;
                    if is_known && (kind <= BYTES || of != [0; 3]) {
                        line.push_str(&format!(" {name} {} {} {}", of[0], of[1], of[2]));
                    }
                }
                line + "\n"
            } else {
                format!("T {number} {matched} {} {} {} {}\n", self.calls, self.ns[0], self.ns[1], self.ns[2])
            };
            let mut file = config.file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(line.as_bytes());
        }
    }

    /// How a call is measured.
    #[derive(Clone, Copy, PartialEq)]
    enum Way {
        /// Inside of another touched function: it only follows that one's body.
        Follows,
        /// The call that counts for the caller, after its repetitions.
        Plain,
        /// One of the repetitions.
        Forced,
        /// One of a group of different calls.
        Pooled,
    }

    /// Lives as long as the body runs.
    pub struct Guard {
        number: usize,
        own: Active,
        outer: Active,
        group: u64,
        way: Way,
        is_counted: bool,
        /// What a counted call has come to on the threads that it ran on, and the counts of this thread when it went on.
        counts: Mutex<(Tally, Tally)>,
        spent: AtomicU64,
        /// Nanoseconds at which it went on; 0 while it waits.
        since: AtomicU64,
    }

    /// Chooses the body of a call that cannot be repeated.
    pub fn enter(number: usize) -> Guard {
        begin(number, false)
    }

    /// Chooses the body of a call whose repetitions [`matched`] makes.
    pub fn enter_matched(number: usize) -> Guard {
        begin(number, true)
    }

    fn begin(number: usize, is_matched: bool) -> Guard {
        let outer = ACTIVE.get();
        let forced = FORCED.get();
        let (arm, group, way, is_counted) = match (follows(number), config()) {
            (Some(arm), _) => (arm, 0, Way::Follows, false),
            (None, None) => (OLD, 0, Way::Follows, false),
            (None, Some(_)) if is_matched && forced != NONE => (forced & 3, 0, Way::Forced, forced & 4 != 0),
            (None, Some(_)) if is_matched => (OLD, 0, Way::Plain, false),
            (None, Some(config)) if passes(config, number) => (OLD, 0, Way::Plain, false),
            (None, Some(config)) => {
                let (arm, group, is_counted) = site(config, number, |s| s.take());
                (arm, group, Way::Pooled, is_counted)
            }
        };
        let of_outer = way == Way::Follows && outer.is_counted;
        let own = Active {
            arm,
            proposal: number / PER_PROPOSAL,
            is_timed: way != Way::Plain,
            is_counted: is_counted || of_outer,
        };
        if way != Way::Follows {
            ACTIVE.set(own);
        }
        if is_counted {
            COUNTING.fetch_add(1, Relaxed);
        }
        let counts = Mutex::new(([0; KINDS], if is_counted { begun() } else { [0; KINDS] }));
        Guard {
            number,
            own,
            outer,
            group,
            way,
            is_counted,
            counts,
            spent: AtomicU64::new(0),
            since: AtomicU64::new(now()),
        }
    }

    /// True for a call that leaves its turn to the functions of other proposals inside of it.
    fn passes(config: &'static Config, number: usize) -> bool {
        let holds = HOLDS_OTHERS[number / PER_PROPOSAL % PROPOSALS].load(Relaxed);
        holds && site(config, number, |s| s.below(2) == 0)
    }

    /// More than none while a call on some thread is counted.
    static COUNTING: AtomicU64 = AtomicU64::new(0);

    /// Adds to what this thread did, while a call on some thread is counted.
    fn tally(kind: usize, n: u64) {
        if COUNTING.load(Relaxed) > 0 {
            let _ = TALLY.try_with(|tally| tally[kind].set(tally[kind].get() + n));
        }
    }

    fn tallied() -> Tally {
        TALLY.try_with(|tally| ::std::array::from_fn(|kind| tally[kind].get())).unwrap_or([0; KINDS])
    }

    /// Calls of the kernel by this thread, writing and reading, without a heap: to ask is to open and to read.
    fn kernel() -> (u64, u64) {
        use ::std::io::Read as _;
        let mut text = [0; 512];
        let read = ::std::fs::File::open("/proc/thread-self/io").and_then(|mut file| file.read(&mut text));
        let text = ::std::str::from_utf8(&text[..read.unwrap_or(0)]).unwrap_or("");
        let of = |name| text.lines().find_map(|l| l.strip_prefix(name)?.parse().ok()).unwrap_or(0);
        (of("syscw: "), of("syscr: "))
    }

    /// The counts of this thread, before what is to be counted.
    fn begun() -> Tally {
        let (writes, reads) = kernel();
        let mut tally = tallied();
        // What was read here counts from here on.
        (tally[WRITES], tally[READS]) = (writes, reads + 1);
        tally
    }

    /// What this thread did since.
    fn since(before: Tally) -> Tally {
        let mut tally = tallied();
        (tally[WRITES], tally[READS]) = kernel();
        ::std::array::from_fn(|kind| tally[kind].saturating_sub(before[kind]))
    }

    fn now() -> u64 {
        config().map_or(1, |c| c.began.elapsed().as_nanos() as u64 + 1)
    }

    impl Guard {
        /// True if this call runs the new body.
        pub fn is_new(&self) -> bool {
            self.own.arm == NEW
        }

        /// True if this call is counted, and not timed.
        pub fn is_counted(&self) -> bool {
            self.own.is_counted
        }

        fn add_counts(&self) {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let (sum, before) = &mut *counts;
            for (sum, n) in sum.iter_mut().zip(since(*before)) {
                *sum += n;
            }
        }

        fn pause(&self) {
            let since = self.since.swap(0, Relaxed);
            if since != 0 && self.way != Way::Follows {
                self.spent.fetch_add(now() - since, Relaxed);
                ACTIVE.set(IDLE);
                // The counters belong to a thread, and the task may go on on another.
                if self.is_counted {
                    self.add_counts();
                }
            }
        }

        fn resume(&self) {
            if self.since.load(Relaxed) == 0 {
                if self.way != Way::Follows {
                    ACTIVE.set(self.own);
                    if self.is_counted {
                        self.counts.lock().unwrap_or_else(PoisonError::into_inner).1 = begun();
                    }
                }
                self.since.store(now(), Relaxed);
            }
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            let since = *self.since.get_mut();
            let ns = if since == 0 { 0 } else { *self.spent.get_mut() + (now() - since) };
            if self.way == Way::Follows {
                return;
            }
            if self.is_counted {
                if since != 0 {
                    self.add_counts();
                }
                COUNTING.fetch_sub(1, Relaxed);
            }
            let taken = Taken { ns, counts: self.counts.get_mut().unwrap_or_else(PoisonError::into_inner).0 };
            let is_whole = since != 0 && !::std::thread::panicking();
            ACTIVE.set(self.outer);
            match self.way {
                Way::Forced => LAST.set(taken),
                Way::Pooled => {
                    if let Some(config) = config() {
                        let taken = if is_whole { Some(taken) } else { None };
                        let done = site(config, self.number, |s| s.give(self.group, self.own.arm, taken));
                        if let Some(group) = done {
                            group.write(config, self.number, 0);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A future that is awaited inside of a body: while it waits the clock stands.
    pub struct Polled<'a, F> {
        guard: &'a Guard,
        inner: Pin<Box<F>>,
    }

    /// Wraps what a body awaits.
    pub fn polled<F: IntoFuture>(guard: &Guard, future: F) -> Polled<'_, F::IntoFuture> {
        let future = future.into_future();
        let heap = [ALLOCATIONS, BYTES].map(|kind| (kind, TALLY.with(|tally| tally[kind].get())));
        let inner = Box::pin(future);
        // The box is no part of the body.
        for (kind, n) in heap {
            TALLY.with(|tally| tally[kind].set(n));
        }
        Polled { guard, inner }
    }

    impl<F: Future> Future for Polled<'_, F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            self.guard.resume();
            let polled = self.inner.as_mut().poll(context);
            if polled.is_pending() {
                self.guard.pause();
            }
            polled
        }
    }

    /// Repetitions of one call: all three bodies on the same arguments, in random order.
    pub struct Matched {
        config: &'static Config,
        number: usize,
        order: [u8; 3],
        at: usize,
        is_counted: bool,
        sums: [Taken; 3],
        began: u64,
        rounds: u64,
    }

    /// Starts repetitions, unless this call is one itself or the time for them is used up.
    pub fn matched(number: usize) -> Option<Matched> {
        if FORCED.get() != NONE || follows(number).is_some() {
            return None;
        }
        let config = config()?;
        let all = config.repeated_ns.load(Relaxed);
        let (own, is_first) = site(config, number, |s| (s.repeated_ns, s.matched_groups == 0));
        let sharing = config.repeating.fetch_add(is_first as u64, Relaxed) + is_first as u64;
        // Many functions share more time than one; none takes what another could use.
        let allowed = match (config.is_patient, sharing) {
            (true, sharing) => PATIENCE_NS * sharing,
            (false, 0 | 1) => 50_000_000 + now() / SHARE,
            (false, _) => 50_000_000 + 2 * now() / SHARE,
        };
        if all > allowed || own > allowed / sharing.max(1) {
            return None;
        }
        let (order, sums) = ([OLD, NEW, AGAIN], [NOTHING; 3]);
        let mut matched = Matched { config, number, order, at: 3, is_counted: false, sums, began: now(), rounds: 0 };
        matched.deal();
        Some(matched)
    }

    impl Matched {
        fn deal(&mut self) {
            let mut order = self.order;
            let groups = site(self.config, self.number, |s| {
                s.shuffle(&mut order);
                s.matched_groups += 1;
                s.matched_groups
            });
            self.order = order;
            self.at = 0;
            self.is_counted = groups % (COUNTED * 4) == 3;
        }

        /// True if the call is to be made (again).
        pub fn next(&mut self) -> bool {
            if self.at > 0 {
                self.sums[self.order[self.at - 1] as usize] = LAST.get();
            }
            if self.at == 3 {
                self.close();
                if !self.goes_on() {
                    return false;
                }
                self.deal();
            }
            FORCED.set(self.order[self.at] | if self.is_counted { 4 } else { 0 });
            self.at += 1;
            true
        }

        fn goes_on(&self) -> bool {
            let spent = now() - self.began;
            self.config.is_patient && spent < REPEAT_NS && self.rounds < 4096
        }

        /// Adds the three calls to the open group of the function, and writes it when it is large enough.
        fn close(&mut self) {
            self.rounds += 1;
            // The first round of a repeated call warms the caches for the others.
            if self.config.is_patient && self.rounds == 1 && self.goes_on() {
                return;
            }
            let (sums, is_counted) = (self.sums, self.is_counted);
            let done = site(self.config, self.number, |s| {
                let mut counted = Group { is_counted: true, ..Group::default() };
                let group = if is_counted { &mut counted } else { &mut s.matched };
                group.calls += 1;
                for arm in [OLD, NEW, AGAIN] {
                    group.add(arm, sums[arm as usize]);
                }
                if is_counted {
                    return Some(counted);
                }
                // By the time of one body alone groups would end where it happens to be slow.
                let is_full = group.ns.iter().sum::<u64>() >= 3 * GROUP_NS || group.calls >= GROUP_CALLS;
                is_full.then(|| ::std::mem::take(&mut s.matched))
            });
            if let Some(group) = done {
                group.write(self.config, self.number, 1);
            }
        }
    }

    impl Drop for Matched {
        fn drop(&mut self) {
            FORCED.set(NONE);
            let spent = now() - self.began;
            self.config.repeated_ns.fetch_add(spent, Relaxed);
            site(self.config, self.number, |s| s.repeated_ns += spent);
        }
    }

    /// One call of an owner that lives in three forms, old, new and old again: each runs it, in random order.
    pub struct Shadow {
        config: Option<&'static Config>,
        number: usize,
        order: [u8; 3],
        at: usize,
        since: u64,
        ns: [u64; 3],
    }

    /// Begins a call; where nothing is measured only the old form runs it.
    pub fn shadow(number: usize) -> Shadow {
        let config = config();
        let mut order = [OLD, NEW, AGAIN];
        if let Some(config) = config {
            site(config, number, |s| s.shuffle(&mut order));
        }
        Shadow { config, number, order, at: 0, since: 0, ns: [0; 3] }
    }

    /// Calls that a group of such an owner holds at most: each runs once only, so there are fewer of them.
    const SHADOW_CALLS: u64 = 12;

    impl Shadow {
        /// The form to run next.
        pub fn next(&mut self) -> Option<u8> {
            let forms = if self.config.is_some() { 3 } else { 1 };
            self.at += 1;
            if self.at > forms { None } else { Some(self.order[self.at - 1]) }
        }

        /// Starts the clock of that form.
        pub fn begin(&mut self) {
            self.since = now();
        }

        /// Stops it.
        pub fn end(&mut self) {
            self.ns[self.order[self.at - 1] as usize] = (now() - self.since).max(1);
        }
    }

    impl Drop for Shadow {
        fn drop(&mut self) {
            let Some(config) = self.config else { return };
            if self.ns.contains(&0) || ::std::thread::panicking() {
                return;
            }
            let done = site(config, self.number, |s| {
                s.matched.calls += 1;
                for arm in [OLD, NEW, AGAIN] {
                    s.matched.ns[arm as usize] += self.ns[arm as usize];
                }
                let is_full = s.matched.ns.iter().sum::<u64>() >= 3 * GROUP_NS || s.matched.calls >= SHADOW_CALLS;
                is_full.then(|| ::std::mem::take(&mut s.matched))
            });
            if let Some(group) = done {
                group.write(config, self.number, 1);
            }
        }
    }

    // refit: tallies
    // refit: allocator
}
