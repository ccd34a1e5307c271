//! Whose processor time is asked, as for `getrusage`, in; user and system time in seconds out.

/// User and system time in seconds.
pub fn cpu_seconds(who: libc::c_int) -> f64 {
    // SAFETY: getrusage writes the whole structure, which is plain numbers.
    let usage = unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(who, &raw mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
