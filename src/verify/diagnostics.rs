//! The compiler's messages on base and candidate in; what the candidate adds out.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Diagnostic;

/// What the candidate says that the base does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Errors, each once.
    pub errors: Vec<Diagnostic>,
    /// Warnings, each once.
    pub warnings: Vec<Diagnostic>,
}

impl Added {
    /// True if nothing was added.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.warnings.is_empty()
    }
}

/// Compares by code and message, not by place: an edit moves what stands below it. A message that comes once more than
/// before is new: each place where the base says nothing like it, else the place that the base does not name.
pub fn added(base: &[Diagnostic], candidate: &[Diagnostic]) -> Added {
    let (before, after) = (counted(base), counted(candidate));
    let mut added = Added::default();
    for (key, places) in after {
        let known = before.get(&key).map_or(&[][..], |p| &p[..]);
        if places.len() <= known.len() {
            continue;
        }
        let elsewhere = places.iter().find(|d| !known.iter().any(|k| (&k.file, k.line) == (&d.file, d.line)));
        let new = match known.is_empty() {
            true => &places[..],
            false => std::slice::from_ref(elsewhere.unwrap_or(&places[places.len() - 1])),
        };
        let (errors, warnings): (Vec<Diagnostic>, Vec<Diagnostic>) =
            new.iter().map(|d| (*d).clone()).partition(Diagnostic::is_error);
        added.errors.extend(errors);
        added.warnings.extend(warnings);
    }
    let by_place = |d: &Diagnostic| (d.file.clone(), d.line, d.column);
    added.errors.sort_by_key(by_place);
    added.warnings.sort_by_key(by_place);
    added
}

type Key<'a> = (&'a str, &'a str, &'a str);

/// Messages by level, code and text, each place once: cargo builds a library for itself and for its tests.
fn counted(diagnostics: &[Diagnostic]) -> BTreeMap<Key<'_>, Vec<&Diagnostic>> {
    let mut seen = BTreeSet::new();
    let mut found: BTreeMap<Key<'_>, Vec<&Diagnostic>> = BTreeMap::new();
    for d in diagnostics.iter().filter(|d| !is_summary(d)) {
        if seen.insert((&d.level, &d.code, &d.message, &d.file, d.range)) {
            found.entry((&d.level, &d.code, &d.message)).or_default().push(d);
        }
    }
    found
}

/// `3 warnings emitted`, `aborting due to 2 previous errors`, `For more information …`: no message of their own.
fn is_summary(d: &Diagnostic) -> bool {
    let counts = d.message.contains("warning emitted") || d.message.contains("warnings emitted");
    let is_low = !d.is_error() && d.level != "warning";
    d.file.is_empty() && (counts || d.message.starts_with("aborting due to")) || is_low
}

/// The first words of the system that say that this machine, and not the code, is at fault: a disk that takes no more, a
/// folder that the compiler may not write. What a test of the project prints of its own files is no such thing.
pub fn machine_fault(output: &str) -> Option<&'static str> {
    const FAULTS: [(&str, &str); 6] = [
        ("No space left on device", "No space left on device"),
        ("Disk quota exceeded", "Disk quota exceeded"),
        ("Read-only file system", "Read-only file system"),
        ("File too large (os error", "File too large"),
        ("link failed: File too large", "File too large"),
        // A linker that maps its output learns of a full disk by a signal.
        ("ld terminated with signal 7", "the linker could not write its output"),
    ];
    let full = FAULTS.into_iter().find(|(said, _)| output.contains(said)).map(|(_, fault)| fault);
    full.or_else(|| output.lines().any(is_denied).then_some("Permission denied"))
}

/// True for a line in which cargo, rustc (in words or as JSON) or a linker says that it may not write.
fn is_denied(line: &str) -> bool {
    const DENIED: &str = "Permission denied (os error 13)";
    let line = line.trim();
    let is_error = line.starts_with("error") || line.contains("\"rendered\":\"error: ");
    line == DENIED || (is_error && line.contains(DENIED)) || line.contains("ld: cannot open output file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextRange;

    fn warning(message: &str, line: u32) -> Diagnostic {
        Diagnostic {
            level: "warning".into(),
            code: "unused".into(),
            message: message.into(),
            file: "src/lib.rs".into(),
            line,
            range: TextRange::new(line as usize * 10, line as usize * 10 + 1),
            ..Diagnostic::default()
        }
    }

    #[test]
    fn a_warning_that_only_moved_is_not_new() {
        assert!(added(&[warning("unused x", 3)], &[warning("unused x", 9)]).is_empty());
    }

    #[test]
    fn the_same_warning_at_a_second_place_is_new_and_named_there() {
        let found = added(&[warning("unused x", 3)], &[warning("unused x", 3), warning("unused x", 9)]);
        assert_eq!(found.warnings.iter().map(|d| d.line).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn what_the_base_does_not_say_at_all_is_named_at_each_place() {
        let found = added(&[], &[warning("unused x", 3), warning("unused x", 9)]);
        assert_eq!(found.warnings.iter().map(|d| d.line).collect::<Vec<_>>(), [3, 9]);
    }

    #[test]
    fn the_library_and_its_tests_say_it_twice_and_it_counts_once() {
        let twice = [warning("unused x", 3), warning("unused x", 3)];
        assert!(added(&[warning("unused x", 3)], &twice).is_empty());
    }

    #[test]
    fn summaries_and_notes_are_no_messages() {
        let summary =
            Diagnostic { level: "warning".into(), message: "1 warning emitted".into(), ..Diagnostic::default() };
        let note = Diagnostic { level: "note".into(), message: "see here".into(), ..Diagnostic::default() };
        assert!(added(&[], &[summary, note]).is_empty());
    }

    #[test]
    fn an_error_is_told_apart() {
        let error =
            Diagnostic { level: "error".into(), code: "E0382".into(), message: "moved".into(), ..warning("", 4) };
        let found = added(&[], &[error]);
        assert_eq!(found.errors[0].line_for_people(), "error[E0382] src/lib.rs:4: moved");
    }

    #[test]
    fn a_folder_that_the_compiler_may_not_write_is_no_fault_of_the_code_and_one_of_a_test_is() {
        let faults = [
            "error: incremental compilation: could not create session directory lock file: Permission denied (os error 13)\n",
            "{\"message\":{\"rendered\":\"error: could not write: Permission denied (os error 13)\\n\"}}\n",
            "error: failed to open: target/debug/.cargo-lock\n\nCaused by:\n  Permission denied (os error 13)\n",
            "  = note: /usr/bin/ld: cannot open output file target/debug/x: Permission denied\n",
        ];
        for said in faults {
            assert!(machine_fault(said).is_some(), "{said}");
        }
        let of_the_code = [
            "called `Result::unwrap()` on an `Err` value: Os { code: 13, message: \"Permission denied\" }",
            "thread 't' panicked: cannot read the key: Permission denied (os error 13)",
            "test permission_denied_is_told ... FAILED",
        ];
        for said in of_the_code {
            assert_eq!(machine_fault(said), None, "{said}");
        }
    }

    #[test]
    fn a_disk_that_takes_no_more_is_no_fault_of_the_code() {
        let said = "error: failed to write to `x.rmeta`: No space left on device (os error 28)";
        assert_eq!(machine_fault(said), Some("No space left on device"));
        assert_eq!(machine_fault("error[E0308]: mismatched types: File too large for it"), None);
    }
}
