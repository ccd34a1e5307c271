//! The first line of a sample in `perf script` text in; thread, time, period, event and what follows out.

/// The parts of a header line.
#[derive(Debug, PartialEq)]
pub struct Header<'a> {
    /// Name of the thread.
    pub comm: &'a [u8],
    /// OS thread.
    pub tid: u64,
    /// Nanoseconds of the recording's clock.
    pub time_ns: u64,
    /// Weight, where it was printed.
    pub period: Option<u64>,
    /// Event with its modifiers; empty where it was not printed.
    pub event: &'a [u8],
    /// What follows: nothing, a frame, a tracepoint's fields or `PERF_RECORD_…`.
    pub payload: &'a [u8],
}

/// Where a header's timestamp stands, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor<'a> {
    /// Place of the decimal point.
    dot: usize,
    comm: &'a [u8],
    tid: u64,
}

/// The timestamp of a header: blank, digits, point, six to nine digits, colon, blank or end, with a thread id to the
/// left of it. A thread's name may hold everything else.
pub fn anchored(line: &[u8]) -> Option<Anchor<'_>> {
    let anchor = |dot| {
        let (comm, tid) = if is_timestamp(line, dot) { thread(line, dot)? } else { return None };
        Some(Anchor { dot, comm, tid })
    };
    memchr::memchr_iter(b'.', line).find_map(anchor)
}

/// Reads a header by its timestamp.
pub fn header<'a>(line: &'a [u8], anchor: Anchor<'a>) -> Option<Header<'a>> {
    let Anchor { dot, comm, tid } = anchor;
    let fraction_end = dot + 1 + digits(&line[dot + 1..]);
    let seconds = number(&line[seconds_start(line, dot)..dot])?;
    let fraction = &line[dot + 1..fraction_end];
    let nanoseconds = number(fraction)? * 10u64.pow(9 - fraction.len() as u32);
    let rest = line[fraction_end + 1..].trim_ascii();
    let (period, rest) = period(rest);
    let (event, payload) = event(rest);
    Some(Header {
        comm,
        tid,
        time_ns: seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)?,
        period,
        event,
        payload,
    })
}

/// The offset of CLOCK_MONOTONIC to the time of day, from the comment that `perf script --header` writes for recordings
/// with `-k`: `# reference time: 2026-11-22 00:00:00.5 = 1795305600.500000 (TOD) = 81297.250000 (monotonic)`.
pub fn unix_offset(comment: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(comment).ok()?;
    let (_, times) = text.strip_prefix("# reference time:")?.split_once(" = ")?;
    let (day, clock) = times.split_once(" (TOD) = ")?;
    let clock = clock.split(' ').next()?;
    seconds(day.trim())?.checked_sub(seconds(clock)?)
}

/// `81297.250000` in nanoseconds.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.')?;
    let fraction = format!("{fraction:0<9}");
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction.get(..9)?.parse().ok()?)
}

fn is_timestamp(line: &[u8], dot: usize) -> bool {
    let fraction = digits(&line[dot + 1..]);
    let end = dot + 1 + fraction;
    let start = seconds_start(line, dot);
    (6..=9).contains(&fraction)
        && line.get(end) == Some(&b':')
        && line.get(end + 1).is_none_or(u8::is_ascii_whitespace)
        && start < dot
        && start > 0
        && line[start - 1].is_ascii_whitespace()
}

fn seconds_start(line: &[u8], dot: usize) -> usize {
    dot - line[..dot].iter().rev().take_while(|b| b.is_ascii_digit()).count()
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// The thread's name and its id left of the timestamp: `tid`, `pid/tid`, each perhaps followed by `[cpu]`.
fn thread(line: &[u8], dot: usize) -> Option<(&[u8], u64)> {
    let left = line[..seconds_start(line, dot)].trim_ascii_end();
    let left = match left.strip_suffix(b"]") {
        Some(inner) => {
            let open = memchr::memrchr(b'[', inner)?;
            number(inner[open + 1..].trim_ascii())?;
            inner[..open].trim_ascii_end()
        }
        None => left,
    };
    let start = left.iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1);
    let (comm, token) = (left[..start].trim_ascii(), &left[start..]);
    // A perf that could not tell the process prints -1; it is no thread that a request could have run on.
    let tid = token.rsplit(|b| *b == b'/').next()?;
    Some((comm, number(tid).or_else(|| (tid == b"-1").then_some(0))?))
}

fn number(bytes: &[u8]) -> Option<u64> {
    let digit = |n: u64, b: &u8| n.checked_mul(10)?.checked_add(u64::from(b.is_ascii_digit().then(|| b - b'0')?));
    if bytes.is_empty() { None } else { bytes.iter().try_fold(0, digit) }
}

/// A leading number that is followed by a blank (or alone).
fn period(rest: &[u8]) -> (Option<u64>, &[u8]) {
    let count = digits(rest);
    match rest.get(count) {
        Some(b) if count > 0 && b.is_ascii_whitespace() => (number(&rest[..count]), rest[count..].trim_ascii_start()),
        None if count > 0 => (number(rest), b""),
        _ => (None, rest),
    }
}

/// The event's name ends at a colon that is followed by a blank or the end (`sched:sched_switch:`, `cycles:u:`).
fn event(rest: &[u8]) -> (&[u8], &[u8]) {
    if rest.starts_with(b"PERF_RECORD_") {
        return (b"", rest);
    }
    let blank = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    match rest[..blank].strip_suffix(b":") {
        Some(name) => (name, rest[blank..].trim_ascii()),
        None => (b"", rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(line: &str) -> Header<'_> {
        header(line.as_bytes(), anchored(line.as_bytes()).expect("a timestamp")).expect("a header")
    }

    fn of(tid: u64, time_ns: u64, period: Option<u64>, event: &'static str, payload: &'static str) -> Header<'static> {
        Header { comm: b"gw", tid, time_ns, period, event: event.as_bytes(), payload: payload.as_bytes() }
    }

    #[test]
    fn a_plain_header_gives_thread_time_period_and_event() {
        assert_eq!(
            read("gw 14775  1577.582598:    2004008 cpu-clock: "),
            of(14775, 1_577_582_598_000, Some(2_004_008), "cpu-clock", "")
        );
    }

    #[test]
    fn a_thread_name_may_hold_blanks_colons_brackets_and_numbers() {
        let header = read("svc: pool/3 [w] 7 1.5: 99/11999 [001]   649.547554123:  1 cycles:ppp: ");
        assert_eq!((header.comm, header.tid), (&b"svc: pool/3 [w] 7 1.5:"[..], 11999));
        assert_eq!(read("worker 1.234567: x 42 3.000001: cpu-clock:u: ").tid, 42);
        assert_eq!(read("              gw 14775  1577.582598: 1 page-faults: ").tid, 14775);
    }

    #[test]
    fn a_tracepoint_keeps_its_fields_apart_from_the_event() {
        let header = read("gw 7 [000] 12.000001: sched:sched_switch: prev_comm=a b prev_pid=7 ==> next_comm=c (d)");
        assert_eq!(header.event, b"sched:sched_switch");
        assert_eq!(header.payload, b"prev_comm=a b prev_pid=7 ==> next_comm=c (d)");
        assert_eq!(header.period, None);
    }

    #[test]
    fn the_reference_time_gives_the_distance_of_the_clocks() {
        let line = b"# reference time: 2026-11-22 00:00:00.500000 = 1795305600.500000 (TOD) = 81297.25 (monotonic)";
        assert_eq!(unix_offset(line), Some(1_795_305_600_500_000_000 - 81_297_250_000_000));
        assert_eq!(unix_offset(b"# clockid: monotonic (1)"), None);
        assert_eq!(unix_offset(b"# reference time: x = 1.5 (TOD) = 2.5 (monotonic)"), None);
    }

    #[test]
    fn fields_may_be_missing() {
        assert_eq!(read("gw 7 12.000001:"), of(7, 12_000_001_000, None, "", ""));
        assert_eq!(read("gw 7 12.000001: 55"), of(7, 12_000_001_000, Some(55), "", ""));
        assert_eq!(read("gw 7 12.000001: cpu/event=0x3c,umask=1/: ").event, b"cpu/event=0x3c,umask=1/");
    }

    #[test]
    fn lines_without_a_timestamp_are_no_headers() {
        for line in [
            "",
            "\t  1807d core::f+0x1 (/a/b)",
            "gw 1.5: x",
            "1577.582598: cpu-clock:",
            "a.b.c 7 12.34: x",
            "gw x 12.000001: e:",
        ] {
            assert_eq!(anchored(line.as_bytes()), None, "{line}");
        }
    }
}
