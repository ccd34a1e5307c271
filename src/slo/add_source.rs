//! The text of an `slo.toml` and a recording in; the same text with an entry for the recording out, else unchanged to the byte.

use super::parse;

/// One recording to be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSource {
    /// Path relative to `slo.toml`.
    pub file: String,
    /// The binary it was recorded from; empty where unknown.
    pub binary: String,
    /// The commit it was recorded at; empty where unknown.
    pub commit: String,
}

/// Adds a `[[source]]` behind the last one, or at the end. `None` if the file is named already.
///
/// The entry's commit is then the one of the older recording; [`NewSource::commit`] is only written with a new entry.
pub fn add_source(text: &str, source: &NewSource) -> Option<String> {
    let known = parse("slo.toml", text).value.sources;
    if known.iter().any(|s| s.file == source.file) {
        return None;
    }
    let at = behind_last_source(text);
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (before, after) = text.split_at(at);
    let gap = if before.is_empty() || before.ends_with("\n\n") || before.ends_with("\r\n\r\n") { "" } else { end };
    let closed = if before.is_empty() || before.ends_with('\n') { "" } else { end };
    let behind = if after.is_empty() { "" } else { end };
    Some(format!("{before}{closed}{gap}{}{behind}{after}", entry(source, end)))
}

fn entry(source: &NewSource, end: &str) -> String {
    let mut lines = vec!["[[source]]".to_owned(), format!("file = {}", quoted(&source.file))];
    if !source.binary.is_empty() {
        lines.push(format!("binary = {}", quoted(&source.binary)));
    }
    if !source.commit.is_empty() {
        lines.push(format!("commit = {}", quoted(&source.commit)));
    }
    lines.iter().map(|line| format!("{line}{end}")).collect()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Where the table after the last `[[source]]` begins, with the comments that stand right before it; the end if none follows.
fn behind_last_source(text: &str) -> usize {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |at: usize| text[at..].lines().next().unwrap_or_default().trim();
    let Some(last) = starts.iter().rposition(|at| line(*at).starts_with("[[source]]")) else { return text.len() };
    let Some(next) = (last + 1..starts.len()).find(|n| line(starts[*n]).starts_with('[')) else { return text.len() };
    let before = |n: &usize| line(starts[n - 1]).starts_with('#');
    let first = std::iter::successors(Some(next), |n| (*n > last + 1 && before(n)).then(|| n - 1)).last();
    starts[first.unwrap_or(next)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewSource {
        NewSource { file: "perf/gw.perf.data".into(), binary: "target/release/gw".into(), commit: String::new() }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let added = add_source(text, &new()).expect("it was not named yet");
        assert_eq!(added, expected);
        assert!(parse("slo.toml", &added).value.sources.iter().any(|s| s.file == "perf/gw.perf.data"));
        assert_eq!(add_source(&added, &new()), None, "once is enough");
    }

    #[test]
    fn it_stands_behind_the_last_source_and_before_the_comment_of_what_follows() {
        check(
            "[[source]] # old\nfile = \"a\"\n\n# The promise.\n[[slo]]\nname = \"x\"\n",
            "[[source]] # old\nfile = \"a\"\n\n[[source]]\nfile = \"perf/gw.perf.data\"\nbinary = \"target/release/gw\"\n\n# The promise.\n[[slo]]\nname = \"x\"\n",
        );
    }

    #[test]
    fn without_a_source_it_stands_at_the_end() {
        check(
            "[service]\nname = \"x\"",
            "[service]\nname = \"x\"\n\n[[source]]\nfile = \"perf/gw.perf.data\"\nbinary = \"target/release/gw\"\n",
        );
        check("", "[[source]]\nfile = \"perf/gw.perf.data\"\nbinary = \"target/release/gw\"\n");
    }

    #[test]
    fn line_ends_stay_what_they_are() {
        let added = add_source("[[source]]\r\nfile = \"a\"\r\n", &new()).unwrap();
        assert!(added.lines().count() > 4 && added.matches('\n').count() == added.matches("\r\n").count(), "{added:?}");
    }

    #[test]
    fn names_are_quoted() {
        let odd = NewSource { file: "a \"b\\c".into(), ..NewSource::default() };
        let added = add_source("", &odd).unwrap();
        assert_eq!(parse("slo.toml", &added).value.sources[0].file, "a \"b\\c");
    }
}
