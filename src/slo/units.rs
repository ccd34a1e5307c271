//! A TOML value in; a duration, a size or a fraction in the unit of the model out, or what is wrong with it.

use toml::de::DeValue;

/// What is wrong with a value, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) help: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { what: what.into(), help: help.into() }
    }
}

/// A unit: its spelling and how many of the smallest unit it holds.
type Unit = (&'static str, u128);

const LATENCY_UNITS: &[Unit] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const WINDOW_UNITS: &[Unit] = &[("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

const SIZE_UNITS: &[Unit] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A latency or a granted time, `"200ms"`, in nanoseconds.
pub(super) fn latency(key: &str, value: &DeValue<'_>) -> Result<u64, Wrong> {
    quantity(key, value, "duration", "ms", LATENCY_UNITS)
}

/// A latency that is more than nothing.
pub(super) fn positive_latency(key: &str, value: &DeValue<'_>) -> Result<u64, Wrong> {
    match latency(key, value)? {
        0 => Err(Wrong::new(
            format!("`{key}` is zero"),
            "no request is served in no time: write a limit such as \"200ms\"",
        )),
        ns => Ok(ns),
    }
}

/// A moment, `2026-11-21T09:30:00Z`, in seconds since the epoch; without an offset it is UTC, without a time midnight.
pub(super) fn moment(key: &str, value: &DeValue<'_>) -> Result<u64, Wrong> {
    let help = format!("write it as RFC 3339: `{key} = 2026-11-21T09:30:00Z`");
    let parsed = match value {
        DeValue::Datetime(moment) => Some(*moment),
        other => other.as_str().and_then(|text| text.trim().parse::<toml::value::Datetime>().ok()),
    };
    let seconds = parsed.and_then(|moment| {
        let date = moment.date?;
        let time = moment
            .time
            .map_or(0, |t| i64::from(t.hour) * 3600 + i64::from(t.minute) * 60 + t.second.map_or(0, i64::from));
        let minutes = match moment.offset {
            Some(toml::value::Offset::Custom { minutes }) => i64::from(minutes),
            _ => 0,
        };
        let day = days_since_epoch(i64::from(date.year), i64::from(date.month), i64::from(date.day));
        u64::try_from(day * 86_400 + time - minutes * 60).ok()
    });
    seconds.ok_or_else(|| Wrong::new(format!("`{key}` is no moment since 1970"), help))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A time window, `"28d"`, in seconds. Months, quarters and years are refused: they have no fixed length.
pub(super) fn window(key: &str, value: &DeValue<'_>) -> Result<u64, Wrong> {
    if let Some(text) = value.as_str()
        && let Some(word @ ("M" | "Q" | "Y" | "y")) = text.trim_start_matches(|c: char| c.is_ascii_digit()).get(..)
    {
        return Err(Wrong::new(
            format!("`{key}` is \"{text}\", and `{word}` has no fixed number of days"),
            "write days or weeks, such as \"28d\" or \"4w\"",
        ));
    }
    match quantity(key, value, "time window", "d", WINDOW_UNITS)? {
        0 => Err(Wrong::new(format!("`{key}` is zero"), "write a window such as \"28d\"")),
        seconds => Ok(seconds),
    }
}

/// A size, `"120MiB"`, in bytes.
pub(super) fn size(key: &str, value: &DeValue<'_>) -> Result<u64, Wrong> {
    quantity(key, value, "size", "MiB", SIZE_UNITS)
}

/// A fraction strictly between 0 and 1: `0.99`, or `"99%"`.
pub(super) fn fraction(key: &str, value: &DeValue<'_>) -> Result<f64, Wrong> {
    let (number, shown) = match value {
        DeValue::Float(f) => (f.as_str().parse().unwrap_or(f64::NAN), f.as_str().to_owned()),
        DeValue::Integer(i) => (i.as_str().parse().unwrap_or(f64::NAN), i.as_str().to_owned()),
        DeValue::String(s) => (percent(key, s)?, format!("\"{s}\"")),
        other => return Err(wrong_type(key, other, "a fraction such as 0.99, or \"99%\"")),
    };
    if number > 0.0 && number < 1.0 {
        return Ok(number);
    }
    if number > 1.0 && number < 100.0 {
        let as_fraction = of_hundred(number);
        return Err(Wrong::new(
            format!("`{key}` is {shown}, a percentage where a fraction is meant"),
            format!("write `{key} = {as_fraction}` or `{key} = \"{number}%\"`"),
        ));
    }
    Err(Wrong::new(
        format!("`{key}` is {shown}, and must lie between 0 and 1"),
        format!("write `{key} = 0.99` or `{key} = \"99%\"`"),
    ))
}

fn percent(key: &str, text: &str) -> Result<f64, Wrong> {
    let digits = text.strip_suffix('%').map(str::trim_end).unwrap_or("");
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    match digits.parse::<f64>() {
        Ok(number) if plain => Ok(of_hundred(number)),
        _ => Err(Wrong::new(
            format!("`{key}` is \"{text}\", which is no percentage"),
            format!("write `{key} = \"1%\"` or `{key} = 0.01`"),
        )),
    }
}

/// A percentage as a fraction, without the binary dust that a plain division leaves on `99.9`.
pub(super) fn of_hundred(percent: f64) -> f64 {
    (percent * 1e10).round() / 1e12
}

/// The message for a value of another TOML type.
pub(super) fn wrong_type(key: &str, value: &DeValue<'_>, wanted: &str) -> Wrong {
    let article = if matches!(value.type_str(), "array" | "integer") { "an" } else { "a" };
    Wrong::new(format!("`{key}` is {article} {}", value.type_str()), format!("write {wanted}"))
}

fn quantity(key: &str, value: &DeValue<'_>, noun: &str, usual: &str, units: &[Unit]) -> Result<u64, Wrong> {
    let number = match value {
        DeValue::String(text) => return parse(key, text, noun, usual, units),
        DeValue::Integer(i) => i.as_str(),
        DeValue::Float(f) => f.as_str(),
        other => return Err(wrong_type(key, other, &format!("a {noun} such as `{key} = \"200{usual}\"`"))),
    };
    Err(Wrong::new(
        format!("`{key} = {number}` has no unit"),
        format!("write `{key} = \"{number}{usual}\"`, if {usual} is meant"),
    ))
}

/// One number and one unit, exactly: no signs, no spaces, no sums, no rounding.
fn parse(key: &str, text: &str, noun: &str, usual: &str, units: &[Unit]) -> Result<u64, Wrong> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let ill_formed = whole.is_empty() || number.ends_with('.') || !digits(decimals) || decimals.len() > 12;
    if ill_formed || whole.len() > 18 {
        return Err(Wrong::new(
            format!("`{key}` is \"{text}\", which is no {noun}"),
            format!("write a number and a unit, such as \"200{usual}\""),
        ));
    }
    if unit.is_empty() {
        return Err(Wrong::new(
            format!("`{key} = \"{text}\"` has no unit"),
            format!("write `{key} = \"{text}{usual}\"`, if {usual} is meant"),
        ));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(unknown_unit(key, number, unit, noun, units));
    };
    let scale = 10u128.pow(decimals.len() as u32);
    let scaled = (whole.parse::<u128>().unwrap_or(0) * scale + decimals.parse::<u128>().unwrap_or(0)) * factor;
    if !scaled.is_multiple_of(scale) {
        return Err(Wrong::new(
            format!("`{key}` is \"{text}\", finer than the smallest unit"),
            format!("write whole {}", units[0].0),
        ));
    }
    u64::try_from(scaled / scale)
        .map_err(|_| Wrong::new(format!("`{key}` is \"{text}\", which is too large"), "write a smaller value"))
}

fn unknown_unit(key: &str, number: &str, unit: &str, noun: &str, units: &[Unit]) -> Wrong {
    let trimmed = unit.trim();
    let same = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed));
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    let help = match same {
        Some((name, _)) => format!("write \"{number}{name}\""),
        None => format!("a {noun} is one number and one of {}", names.join(", ")),
    };
    let what = if trimmed == unit { format!("no unit of a {noun}") } else { String::from("a unit with spaces") };
    Wrong::new(format!("`{key}` is \"{number}{unit}\", and \"{unit}\" is {what}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> DeValue<'_> {
        DeValue::String(text.into())
    }

    #[test]
    fn reads_latencies_exactly() {
        for (text, ns) in [
            ("200ms", 200_000_000),
            ("1.5s", 1_500_000_000),
            ("0.1ms", 100_000),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("0ms", 0),
            ("1h", 3_600_000_000_000),
        ] {
            assert_eq!(latency("p99", &string(text)), Ok(ns), "{text}");
        }
        assert_eq!(window("duration", &string("28d")), Ok(28 * 86_400));
        assert_eq!(size("peak_rss", &string("1.5KiB")), Ok(1536));
        assert_eq!(size("peak_rss", &string("15MB")), Ok(15_000_000));
    }

    #[track_caller]
    fn refused(result: Result<u64, Wrong>) -> String {
        let wrong = result.expect_err("must be refused");
        format!("{}; {}", wrong.what, wrong.help)
    }

    #[test]
    fn says_what_is_wrong_with_look_alikes() {
        let texts = [
            "",
            "ms",
            "200",
            "200 ms",
            "-5ms",
            "1e3ms",
            "200Ms",
            "1h30m",
            "0.1ns",
            "1.ms",
            "1.2.3ms",
            "99999999999999999h",
            "2 fortnights",
        ];
        let all: Vec<String> = texts.iter().map(|t| refused(latency("p99", &string(t)))).collect();
        insta::assert_snapshot!(all.join("\n"), @r#"
        `p99` is "", which is no duration; write a number and a unit, such as "200ms"
        `p99` is "ms", which is no duration; write a number and a unit, such as "200ms"
        `p99 = "200"` has no unit; write `p99 = "200ms"`, if ms is meant
        `p99` is "200 ms", and " ms" is a unit with spaces; write "200ms"
        `p99` is "-5ms", which is no duration; write a number and a unit, such as "200ms"
        `p99` is "1e3ms", and "e3ms" is no unit of a duration; a duration is one number and one of ns, us, µs, ms, s, m, h
        `p99` is "200Ms", and "Ms" is no unit of a duration; write "200ms"
        `p99` is "1h30m", and "h30m" is no unit of a duration; a duration is one number and one of ns, us, µs, ms, s, m, h
        `p99` is "0.1ns", finer than the smallest unit; write whole ns
        `p99` is "1.ms", which is no duration; write a number and a unit, such as "200ms"
        `p99` is "1.2.3ms", which is no duration; write a number and a unit, such as "200ms"
        `p99` is "99999999999999999h", which is too large; write a smaller value
        `p99` is "2 fortnights", and " fortnights" is a unit with spaces; a duration is one number and one of ns, us, µs, ms, s, m, h
        "#);
    }

    #[test]
    fn refuses_windows_without_a_fixed_length() {
        insta::assert_snapshot!(refused(window("duration", &string("1M"))), @r#"`duration` is "1M", and `M` has no fixed number of days; write days or weeks, such as "28d" or "4w""#);
    }

    #[test]
    fn a_moment_is_read_from_toml_or_from_text() {
        let at = |text: &str| moment("recorded", &string(text));
        assert_eq!(at("1970-01-01"), Ok(0));
        assert_eq!(at("2026-11-21T09:30:00Z"), Ok(1_795_253_400));
        assert_eq!(at("2026-11-21T09:30:00+01:00"), Ok(1_795_253_400 - 3600));
        assert_eq!(at("2024-02-29 00:00:01"), Ok(1_709_164_801));
        for text in ["yesterday", "09:30:00", "1969-12-31"] {
            assert!(at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tells_a_fraction_from_a_percentage() {
        assert_eq!(fraction("min_effect", &string("1%")), Ok(0.01));
        assert_eq!(fraction("min_effect", &string("99.9 %")), Ok(0.999));
        for text in ["1", "%", "-1%", "nan%", "inf%", "0%", "100%", "150%"] {
            assert!(fraction("min_effect", &string(text)).is_err(), "{text}");
        }
    }
}
