//! Several proposals taken as one change: no larger than a person can review, and what its proof came to.

use super::{Outcome, Problem, Rewrite, RewriteId, Verdict};

/// Lines that a change set may add and remove in all: beyond this, reviewers stop finding what is wrong.
pub const MOST_LINES: u32 = 400;

/// The id under which evidence of several proposals together is kept: it speaks of a tree, not of one proposal.
pub const STACK: &str = "stack";

impl Rewrite {
    /// Lines that it adds and removes, counted as `git diff --stat` counts them.
    pub fn changed_lines(&self) -> u32 {
        changed_lines(&self.diff)
    }
}

/// Added and removed lines of a unified diff; its own headings are no lines of a file.
fn changed_lines(diff: &str) -> u32 {
    let (mut changed, mut old, mut new) = (0, 0, 0);
    for line in diff.lines() {
        if old == 0 && new == 0 {
            if let Some((o, n)) = hunk_heading(line) {
                (old, new) = (o, n);
            }
            continue;
        }
        match line.as_bytes().first() {
            Some(b'-') => (old, changed) = (old.saturating_sub(1), changed + 1),
            Some(b'+') => (new, changed) = (new.saturating_sub(1), changed + 1),
            Some(b'\\') => {}
            _ => (old, new) = (old.saturating_sub(1), new.saturating_sub(1)),
        }
    }
    changed
}

/// The line counts of `@@ -12,3 +12,4 @@`; a count of one is left out.
fn hunk_heading(line: &str) -> Option<(u32, u32)> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let count = |range: &str| range.split_once(',').map_or(Some(1), |(_, n)| n.parse().ok());
    Some((count(old)?, count(new)?))
}

/// Proposals that are reviewed, proved and landed as one change; [`ChangeSet::new`] keeps it small enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    members: Vec<RewriteId>,
    lines: u32,
}

impl ChangeSet {
    /// Takes proposals as one change, in the order given.
    ///
    /// # Errors
    /// No proposal, one that is named twice, or more than [`MOST_LINES`] changed lines: then what to take out is said.
    pub fn new(rewrites: &[&Rewrite]) -> Result<ChangeSet, Problem> {
        if rewrites.is_empty() {
            return Err(Problem::error("the change set is empty").help("name the proposals that it shall hold"));
        }
        for (i, rewrite) in rewrites.iter().enumerate() {
            if rewrites[..i].iter().any(|r| r.id == rewrite.id) {
                return Err(Problem::error(format!("{} is in the change set twice", rewrite.id))
                    .help("name each proposal once"));
            }
        }
        let lines: u32 = rewrites.iter().map(|r| r.changed_lines()).sum();
        match lines > MOST_LINES {
            true => Err(too_large(rewrites, lines)),
            false => Ok(ChangeSet { members: rewrites.iter().map(|r| r.id.clone()).collect(), lines }),
        }
    }

    /// The proposals, in the order they land.
    pub fn members(&self) -> &[RewriteId] {
        &self.members
    }

    /// Lines added and removed in all.
    pub fn lines(&self) -> u32 {
        self.lines
    }
}

/// Names what to take out: the smallest that is enough by itself, else the largest ones until the rest fits.
fn too_large(rewrites: &[&Rewrite], lines: u32) -> Problem {
    let what = format!(
        "the change set changes {lines} lines, {} more than the {MOST_LINES} of one review",
        lines - MOST_LINES
    );
    let mut sized: Vec<(u32, &Rewrite)> = rewrites.iter().map(|r| (r.changed_lines(), *r)).collect();
    // Largest first; of equals the one that came later, for the dearest stand first.
    sized.reverse();
    sized.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let excess = lines - MOST_LINES;
    let out: Vec<(u32, &Rewrite)> = match sized.iter().filter(|(n, _)| *n >= excess).min_by_key(|(n, _)| *n) {
        Some(enough) => vec![*enough],
        None => {
            let mut gone = 0;
            let is_needed = |(n, _): &(u32, &Rewrite)| {
                let needed = gone < excess;
                gone += n;
                needed
            };
            sized.into_iter().take_while(is_needed).collect()
        }
    };
    let names: Vec<String> = out.iter().map(|(n, r)| format!("{} ({n} lines)", r.id)).collect();
    let left = lines - out.iter().map(|(n, _)| n).sum::<u32>();
    let rest = match out.len() == rewrites.len() {
        true => String::from("it cannot be in any set: review and land it by itself"),
        false => format!("that leaves {left} lines; prove what is left over as a set of its own"),
    };
    Problem::error(what).help(format!("take out {}: {rest}", names.join(" and ")))
}

/// A proposal that could not stay in its set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallen {
    /// The proposal.
    pub rewrite: RewriteId,
    /// The rung that it fails, in words.
    pub why: String,
    /// With which others it fails; empty where it fails by itself.
    pub with: Vec<RewriteId>,
}

/// What the proof of a change set came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SetVerdict {
    /// What holds together; may be empty.
    pub set: ChangeSet,
    /// Git tree id with exactly these proposals, which compiled and passed its tests.
    pub tree: String,
    /// What holds it together, in words: `compiles; 61 tests, the same 61 pass`.
    pub by: String,
    /// What fell out, and why.
    pub fallen: Vec<Fallen>,
    /// The verdict of each proposal that was asked about.
    pub verdicts: Vec<Verdict>,
}

impl SetVerdict {
    /// True if nothing fell out and every member is verified.
    pub fn is_whole(&self) -> bool {
        self.fallen.is_empty() && self.verdicts.iter().all(|v| v.outcome() == Outcome::Verified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, Eye, FunctionId, Kind, RuleId};

    fn rewrite(id: &str, lines: u32) -> Rewrite {
        let body: String = (0..lines).map(|i| format!("+line {i}\n")).collect();
        Rewrite {
            id: RewriteId(id.into()),
            rule: RuleId("some-rule"),
            eye: Eye::Loops,
            kind: Kind::Quadratic,
            class: Class::A,
            file: "src/lib.rs".into(),
            line: 1,
            end_line: 1,
            function: FunctionId("svc::f".into()),
            title: id.into(),
            finding: String::new(),
            edits: Vec::new(),
            touched: Vec::new(),
            diff: format!("--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -0,0 +1,{lines} @@\n{body}"),
            preconditions: Vec::new(),
            obligations: Vec::new(),
            hunks_independent: false,
            cost: None,
        }
    }

    fn refused(sizes: &[u32]) -> (String, String) {
        let all: Vec<Rewrite> = sizes.iter().enumerate().map(|(i, n)| rewrite(&format!("r{}", i + 1), *n)).collect();
        let problem = ChangeSet::new(&all.iter().collect::<Vec<_>>()).expect_err("it is too large");
        (problem.what, problem.help)
    }

    #[test]
    fn lines_of_files_are_counted_and_headings_of_the_diff_are_not() {
        let diff = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n same\n--- a removed list item\n+++ an added one\n same\n@@ -9 +9,2 @@\n same\n+more\n\\ No newline at end of file\n";
        assert_eq!(changed_lines(diff), 3);
        assert_eq!(changed_lines(""), 0);
        assert_eq!(changed_lines("--- a/x\n+++ b/x\n@@ -4 +3,0 @@\n-gone\n--- a/y\n+++ b/y\n@@ -0,0 +1 @@\n+new\n"), 2);
    }

    #[test]
    fn four_hundred_lines_are_a_set_and_one_more_is_not() {
        let (a, b) = (rewrite("r1", 300), rewrite("r2", 100));
        let set = ChangeSet::new(&[&a, &b]).expect("it is small enough");
        assert_eq!((set.lines(), set.members().len()), (400, 2));
        let (what, help) = refused(&[300, 101]);
        assert_eq!(what, "the change set changes 401 lines, 1 more than the 400 of one review");
        assert_eq!(help, "take out r2 (101 lines): that leaves 300 lines; prove what is left over as a set of its own");
    }

    #[test]
    fn what_to_take_out_is_as_little_as_is_enough() {
        assert!(
            refused(&[200, 30, 150, 40]).1.starts_with("take out r2 (30 lines): that leaves 390"),
            "the smallest enough"
        );
        assert!(refused(&[160, 160, 160]).1.starts_with("take out r3 (160 lines): "), "of equals the last");
        assert!(
            refused(&[350, 350, 350]).1.starts_with("take out r3 (350 lines) and r2 (350 lines): that leaves 350"),
            "as many as are needed"
        );
        assert!(refused(&[500]).1.ends_with("review and land it by itself"));
    }

    #[test]
    fn a_set_names_each_proposal_once() {
        let a = rewrite("r1", 3);
        assert_eq!(ChangeSet::new(&[&a, &a]).expect_err("twice").what, "r1 is in the change set twice");
        assert_eq!(ChangeSet::new(&[]).expect_err("nothing").what, "the change set is empty");
    }
}
