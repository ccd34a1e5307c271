//! Sources with their quality and age in; the words that say so out.

use super::state::State;
use super::text::{bytes, count, duration, plural};
use super::theme::Tone;
use crate::model::{KnownBy, Recording, SourceQuality};

/// Age and commit of the recordings in a few words each.
#[derive(Default)]
pub struct Summary {
    /// `2 h ago`.
    pub age: Option<String>,
    /// `a1b2c3d`.
    pub commit: Option<String>,
    /// `+3 commits`; nothing where there are none.
    pub since: Option<String>,
}

/// The oldest recording speaks for all.
pub fn summary(state: &State) -> Summary {
    let recordings = state.analysis.iter().flat_map(|a| &a.recordings);
    let Some(oldest) = recordings.max_by_key(|r| (r.since, r.age)) else { return Summary::default() };
    Summary { age: oldest.age.map(|age| ago(state, age)), commit: commit(oldest), since: since(oldest) }
}

fn commit(recording: &Recording) -> Option<String> {
    Some(recording.commit.as_ref()?.chars().take(7).collect())
}

fn since(recording: &Recording) -> Option<String> {
    match recording.since? {
        0 => None,
        1 => Some(String::from("+1 commit")),
        n => Some(format!("+{} commits", count(n))),
    }
}

/// How long ago, now: the session may have been open for hours.
fn ago(state: &State, age: u64) -> String {
    let age = age + state.now.saturating_sub(state.analysed_at).as_secs();
    match age {
        0..60 => String::from("just now"),
        60..3600 => format!("{} min ago", age / 60),
        3600..172_800 => duration(age * 1000) + " ago",
        172_800..5_184_000 => format!("{} days ago", age / 86_400),
        _ => format!("{} months ago", age / 2_592_000),
    }
}

/// Every source in lines: what it is, what its quality is, when and where it was recorded. Indented lines belong to
/// the source above.
pub fn lines(state: &State) -> Vec<(usize, String, Tone)> {
    let Some(analysis) = &state.analysis else { return Vec::new() };
    let mut lines = Vec::new();
    for source in &analysis.sources {
        lines.push((0, source.file.clone(), Tone::Title));
        lines.push((2, kind(source), Tone::Text));
        lines.extend(faults(source).into_iter().map(|(text, tone)| (2, text, tone)));
        if let Some(recording) = analysis.recordings.iter().find(|r| r.file == source.file) {
            let tone = if recording.since.unwrap_or(0) > 0 { Tone::Warn } else { Tone::Dim };
            lines.push((2, recorded(state, recording), tone));
        }
    }
    lines
}

/// `perf script · 12,345 samples of cpu-clock · 14 MB`.
fn kind(source: &SourceQuality) -> String {
    let mut parts = vec![source.format.clone()];
    if source.samples > 0 {
        let of = if source.event.is_empty() { String::new() } else { format!(" of {}", source.event) };
        parts.push(format!("{} samples{of}", count(source.samples)));
    }
    if source.bytes > 0 {
        parts.push(bytes(source.bytes));
    }
    parts.join(" · ")
}

/// What is not as it should be, or that nothing is wrong.
fn faults(source: &SourceQuality) -> Vec<(String, Tone)> {
    let share = |n: u64| if source.samples > 0 { n as f64 / source.samples as f64 } else { 0.0 };
    let mut found = Vec::new();
    let mut say = |n: u64, (noun, one, many): (&str, &str, &str), bad: bool| {
        if n > 0 {
            let text = format!("{} {}", plural(n as usize, noun), if n == 1 { one } else { many });
            found.push((text, if bad { Tone::Warn } else { Tone::Dim }));
        }
    };
    say(source.lost, ("sample", "was lost by the kernel", "were lost by the kernel"), share(source.lost) > 0.01);
    let start = ("stack", "does not reach its thread's start", "do not reach their thread's start");
    say(source.truncated, start, share(source.truncated) > 0.1);
    say(source.unresolved, ("frame", "has no symbol", "have no symbol"), share(source.unresolved) > 1.0);
    say(source.malformed, ("line", "could not be read", "could not be read"), true);
    say(source.ignored, ("sample", "of another event is left out", "of other events are left out"), false);
    if found.is_empty() {
        found.push((String::from("nothing lost, nothing unreadable"), Tone::Good));
    }
    found
}

/// `recorded 2 h ago at a1b2c3d +3 commits (slo.toml says so)`.
fn recorded(state: &State, recording: &Recording) -> String {
    let when = recording.age.map_or(String::from("at an unknown time"), |age| ago(state, age));
    let at = [commit(recording).map(|c| format!(" at {c}")), since(recording).map(|s| format!(" {s}"))];
    let at: String = at.into_iter().flatten().collect();
    let about = if recording.known_by == KnownBy::FileTime { "about " } else { "" };
    format!("recorded {about}{when}{at} ({})", recording.known_by.words())
}
