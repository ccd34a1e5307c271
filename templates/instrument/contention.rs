#[cfg(test)]
#[allow(warnings)]
mod __refit_contention {
    //! Old and new form of a struct of counters under threads that write it at the same time.
    //!
    //! Writes `T site 1 writes old_ns new_ns again_ns` lines to the file that `REFIT_TWIN` names, one for each round of
    //! three slices in random order, where `again` is the old form a second time (the control). A slice during which a
    //! thread was off its core, or in which the threads did not run beside one another, is thrown away with its round.

    use super::*;
    use ::std::io::Write as _;
    use ::std::sync::atomic::{AtomicUsize, Ordering::*};
    use ::std::time::{Duration, Instant};

    // refit: forms

    /// Writes of each field by its thread in a slice, and how many of them are timed together to see interruptions.
    const ROUNDS: usize = 2_000;
    const STEP: usize = 100;
    /// A step takes a few microseconds; one this long was interrupted.
    const INTERRUPTED: Duration = Duration::from_micros(60);
    /// Enough rounds, and the time after which fewer must do.
    const ENOUGH: usize = 480;
    const PATIENCE: Duration = Duration::from_secs(20);
    const MOST_THREADS: usize = 4;

    /// Nanoseconds that all threads together spent in one slice; none where it was disturbed.
    fn slice<S: Sync>(value: &S, threads: usize, write: impl Fn(&S, usize) + Sync) -> Option<u64> {
        let ready = AtomicUsize::new(0);
        let base = Instant::now();
        let run = |thread: usize| {
            ready.fetch_add(1, SeqCst);
            while ready.load(SeqCst) < threads {
                ::std::hint::spin_loop();
            }
            let began = base.elapsed();
            let (mut last, mut is_whole) = (began, true);
            for _ in 0..ROUNDS / STEP {
                for _ in 0..STEP {
                    let mut field = thread;
                    while field < FIELDS {
                        write(value, field);
                        field += threads;
                    }
                }
                let now = base.elapsed();
                is_whole &= now - last < INTERRUPTED;
                last = now;
            }
            if is_whole { Some((began, last)) } else { None }
        };
        let spans: Vec<Option<(Duration, Duration)>> = ::std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|t| scope.spawn({ let run = &run; move || run(t) })).collect();
            all.into_iter().map(|t| t.join().ok().flatten()).collect()
        });
        let spans: Vec<(Duration, Duration)> = spans.into_iter().collect::<Option<_>>()?;
        let (first, last) = (spans.iter().map(|s| s.0).min()?, spans.iter().map(|s| s.1).max()?);
        let (both, none) = (spans.iter().map(|s| s.0).max()?, spans.iter().map(|s| s.1).min()?);
        let beside = none.checked_sub(both)?;
        if beside.as_nanos() * 10 < (last - first).as_nanos() * 6 {
            return None;
        }
        Some(spans.iter().map(|s| (s.1 - s.0).as_nanos() as u64).sum())
    }

    #[test]
    fn run() {
        let Ok(variable) = ::std::env::var("REFIT_TWIN") else { return };
        let path = variable.split(';').next().unwrap_or_default();
        let cores = ::std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = cores.min(FIELDS).min(MOST_THREADS);
        let mut file = ::std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "N {threads}").unwrap();
        if threads < 2 {
            return;
        }
        let mut random = 0x9E37_79B9_7F4A_7C15u64 ^ ::std::process::id() as u64;
        let mut below = |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % n) as usize
        };
        let (began, mut whole) = (Instant::now(), 0);
        while whole < ENOUGH && began.elapsed() < PATIENCE {
            let (old, new) = (Box::new(make_old()), Box::new(make_new()));
            let mut order = [0, 1, 2];
            for i in (1..3).rev() {
                order.swap(i, below(i as u64 + 1));
            }
            let mut ns = [0; 3];
            for arm in order {
                let taken = if arm == 1 { slice(&*new, threads, write_new) } else { slice(&*old, threads, write_old) };
                match taken {
                    Some(taken) => ns[arm] = taken,
                    None => break,
                }
            }
            if ns.iter().all(|n| *n > 0) {
                whole += 1;
                writeln!(file, "T 0 1 {} {} {} {}", FIELDS * ROUNDS, ns[0], ns[1], ns[2]).unwrap();
            }
        }
    }
}
