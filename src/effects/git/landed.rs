//! The commits of a repository that carry Refit's trailers in; what their messages say out.

use super::Repository;
use crate::model::Problem;

/// A commit that Refit landed, as its message tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandedCommit {
    /// Commit id.
    pub commit: String,
    /// First line of the message.
    pub subject: String,
    /// Trailers in their order: name and value.
    pub trailers: Vec<(String, String)>,
}

/// What is asked of git's log, as [`commit`] reads it.
const FORMAT: &str = "--format=%H%x1f%s%x1f%(trailers:only,unfold,separator=%x1e)";

impl LandedCommit {
    /// The values of all trailers of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.trailers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of the first trailer of that name; empty if there is none.
    pub fn trailer(&self, name: &str) -> &str {
        self.trailers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// One for each proposal that it carries: a change set's trailers begin anew with each rule. What stands after the
    /// last one's own (objective, reviewer) speaks of all of them.
    pub fn apart(&self) -> Vec<LandedCommit> {
        let is_rule = |(name, _): &(String, String)| name.eq_ignore_ascii_case("Refit-Rule");
        let starts: Vec<usize> = (0..self.trailers.len()).filter(|i| is_rule(&self.trailers[*i])).collect();
        if starts.len() < 2 {
            return vec![self.clone()];
        }
        let ends = starts[1..].iter().copied().chain([self.trailers.len()]);
        let of = |(start, end): (&usize, usize)| {
            let own = self.trailers[*start..end].iter();
            let shared = self.trailers[end..].iter().filter(|(name, _)| name.eq_ignore_ascii_case("Reviewed-by"));
            LandedCommit { trailers: own.chain(shared).cloned().collect(), ..self.clone() }
        };
        starts.iter().zip(ends).map(of).collect()
    }
}

impl Repository {
    /// Commits with a `Refit-Rule:` trailer that the branch or the checked-out commit reaches, oldest first.
    ///
    /// # Errors
    /// git cannot run.
    pub fn landed(&self, branch: &str) -> Result<Vec<LandedCommit>, Problem> {
        let branch = format!("refs/heads/{branch}");
        let found = self.resolve(&["HEAD", &branch])?;
        let tips: Vec<&str> = found.iter().flatten().map(String::as_str).collect();
        if tips.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["log", "-z", "--reverse", "--topo-order", "--grep=^Refit-Rule: ", FORMAT];
        let out = self.git.run(&[&args[..], &tips, &["--"]].concat())?;
        let text = String::from_utf8_lossy(&out).into_owned();
        let commits = text.split('\0').filter_map(commit);
        Ok(commits.filter(|c| !c.trailer("Refit-Rule").is_empty()).collect())
    }

    /// One commit, whether Refit landed it or not.
    ///
    /// # Errors
    /// No such commit.
    pub fn commit_told(&self, name: &str) -> Result<LandedCommit, Problem> {
        let none = || {
            Problem::error(format!("there is no commit \"{name}\""))
                .help("`git log --grep Refit-Rule` lists what Refit landed")
        };
        let id = self.commit(name)?.ok_or_else(none)?;
        let out = self.git.run(&["log", "-z", "--no-walk", FORMAT, &id, "--"])?;
        commit(String::from_utf8_lossy(&out).trim_end_matches('\0')).ok_or_else(none)
    }
}

fn commit(record: &str) -> Option<LandedCommit> {
    let mut fields = record.trim_start_matches('\n').splitn(3, '\u{1f}');
    let (commit, subject, trailers) = (fields.next()?, fields.next()?, fields.next()?);
    let trailer = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.trim().to_owned()));
    let trailers = trailers.split('\u{1e}').filter_map(trailer).collect();
    Some(LandedCommit { commit: commit.to_owned(), subject: subject.to_owned(), trailers })
}
