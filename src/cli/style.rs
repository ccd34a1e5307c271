//! Words and what they mean in; the same words with terminal styling out, where styling is wanted.

/// Whether to style, decided once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    on: bool,
}

impl Style {
    pub(super) fn new(on: bool) -> Style {
        Style { on }
    }

    /// Headings and names.
    pub(super) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What is beside the point.
    pub(super) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Met, proved, there.
    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Doubtful.
    pub(super) fn doubtful(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Over budget, refuted, missing.
    pub(super) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// Commands and code.
    pub(super) fn code(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A unified diff: removed and added lines keep their signs, so colour only repeats them.
    pub(super) fn diff(self, diff: &str) -> String {
        let line = |l: &str| match l.as_bytes().first() {
            Some(b'+') => self.good(l),
            Some(b'-') => self.bad(l),
            Some(b'@') => self.code(l),
            _ => l.to_owned(),
        };
        diff.lines().map(|l| line(l) + "\n").collect()
    }
}
