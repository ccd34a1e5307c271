//! What the cache is to lose in; what it held, what went and what stays out.

use std::path::{Path, PathBuf};

use crate::effects::slots::{self, Cached};
use crate::effects::{evidence, surveys};
use crate::model::Problem;

/// Whose scratch checkouts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Nobody's: the cache is only looked at.
    Nothing,
    /// Those of the project in this folder.
    Project(PathBuf),
    /// Everybody's.
    Everything,
}

/// What became of the scratch checkouts of one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They stay, because nobody asked for them to go.
    Kept,
    /// They are gone.
    Removed,
    /// They stay, because another Refit proves in them, or because a file cannot be removed.
    InUse,
}

impl Fate {
    /// The word in JSON and in listings.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::Removed => "removed",
            Fate::InUse => "in use",
        }
    }
}

/// The cache, project by project.
#[derive(Clone, Debug)]
pub struct Cleaned {
    /// The folder of the cache.
    pub dir: PathBuf,
    /// Scratch checkouts with their bytes before, longest unused first.
    pub slots: Vec<(Cached, Fate)>,
    /// Bytes of kept verdicts, and what became of them.
    pub evidence: (u64, Fate),
    /// Bytes of what files told by themselves, and what became of them: they go with everything else.
    pub surveys: (u64, Fate),
}

impl Cleaned {
    /// Bytes that were given back.
    pub fn freed(&self) -> u64 {
        self.sum(|fate| fate == Fate::Removed)
    }

    /// Bytes that the cache still holds.
    pub fn held(&self) -> u64 {
        self.sum(|fate| fate != Fate::Removed)
    }

    fn sum(&self, counts: impl Fn(Fate) -> bool) -> u64 {
        let slots = self.slots.iter().map(|(cached, fate)| (cached.bytes, *fate));
        slots.chain([self.evidence, self.surveys]).filter(|(_, fate)| counts(*fate)).map(|(bytes, _)| bytes).sum()
    }
}

/// Looks at the cache and removes what is asked for; whatever goes can be made again. Verdicts go only with
/// `with_evidence`, for they cost minutes, and those of all projects stand together.
///
/// # Errors
/// No cache folder is known.
pub fn clean(sweep: &Sweep, with_evidence: bool) -> Result<Cleaned, Problem> {
    let dir = evidence::cache_dir()?;
    let slots = slots::cached()?.into_iter().map(|cached| {
        let fate = if is_meant(&cached, sweep) { removed(slots::remove(&cached.dir)) } else { Fate::Kept };
        (cached, fate)
    });
    let slots = slots.collect();
    let bytes = evidence::held();
    let fate = if with_evidence && bytes > 0 { removed(evidence::forget()) } else { Fate::Kept };
    let kept = surveys::held();
    let goes = matches!(sweep, Sweep::Everything) && kept > 0;
    let surveys = (kept, if goes { removed(surveys::forget()) } else { Fate::Kept });
    Ok(Cleaned { dir, slots, evidence: (bytes, fate), surveys })
}

fn removed(gone: bool) -> Fate {
    if gone { Fate::Removed } else { Fate::InUse }
}

fn is_meant(cached: &Cached, sweep: &Sweep) -> bool {
    match sweep {
        Sweep::Nothing => false,
        Sweep::Everything => true,
        Sweep::Project(root) => is_of(&cached.dir, root),
    }
}

fn is_of(dir: &Path, root: &Path) -> bool {
    dir.file_name().is_some_and(|name| name == slots::folder_name(root).as_str())
}
