//! The `[[source]]` entries of `slo.toml` in; when and at which commit each was recorded, and what was changed since, out.

use std::collections::BTreeSet;
use std::path::Path;

use crate::effects::git::{Base, Repository};
use crate::effects::{clock, files};
use crate::model::{KnownBy, MovedLines, Profile, Recording, Since, Source};
use crate::source;

/// What is known of each source's age. What `slo.toml` names counts before what git knows, and that before the file's time.
pub(super) fn recordings(repository: &Repository, root: &Path, sources: &[Source]) -> Vec<Recording> {
    sources.iter().map(|source| recording(repository, root, source)).collect()
}

fn recording(repository: &Repository, root: &Path, source: &Source) -> Recording {
    let brought = repository.brought_by(&source.file);
    let (at, known_by) = match (source.recorded, &brought) {
        (Some(named), _) => (Some(named), KnownBy::Named),
        (None, Some(brought)) => (Some(brought.at), KnownBy::Commit),
        (None, None) => (files::modified(&root.join(&source.file)), KnownBy::FileTime),
    };
    let named = source.commit.as_ref().and_then(|name| repository.commit(name).ok().flatten());
    let commit = named.or_else(|| match (known_by, brought) {
        (KnownBy::Commit, Some(brought)) => Some(brought.commit),
        // A history that begins after the recording was made has nothing nearer than the commit that brought it.
        (_, brought) => repository.newest_at(at?).or(brought).map(|c| c.commit),
    });
    Recording {
        file: source.file.clone(),
        at,
        age: at.map(|at| clock::now().saturating_sub(at)),
        since: commit.as_ref().and_then(|c| repository.commits_since(c)),
        known_by: if source.commit.is_some() { KnownBy::Named } else { known_by },
        commit,
    }
}

/// What was changed since the samples were taken, of the files that they speak of; `None` where that is not known, or
/// nothing was.
pub(super) fn since(
    repository: &Repository,
    root: &Path,
    base: &Base,
    recordings: &[Recording],
    profile: &Profile,
) -> Option<Since> {
    let is_sampled = |r: &&Recording| profile.sources.iter().any(|s| s.file == r.file && s.samples > 0);
    let sampled: Vec<&Recording> = recordings.iter().filter(is_sampled).collect();
    let commits: BTreeSet<&String> = sampled.iter().filter_map(|r| r.commit.as_ref()).collect();
    // Frames of several recordings cannot be told apart any more: with two commits no line is sure.
    let (Some(first), Some(commit), 1) = (sampled.first(), commits.first(), commits.len()) else { return None };
    let changes = repository.changes(&repository.tree_of(commit).ok()?, &base.tree).ok()?;
    if changes.is_empty() {
        return None;
    }
    let spoken_of: BTreeSet<&str> = profile.frames.iter().filter(|f| f.line > 0).map(|f| last_name(&f.file)).collect();
    let changed = changes.iter().filter_map(|change| {
        let file = repository.from_git(&change.path).filter(|file| spoken_of.contains(last_name(file)))?;
        Some((file, change, [&change.before.as_ref()?.1, &change.after.as_ref()?.1]))
    });
    let changed: Vec<_> = changed.collect();
    let oids: Vec<&str> = changed.iter().flat_map(|(_, _, oids)| oids.map(String::as_str)).collect();
    let texts = repository.blobs(&oids).ok()?;
    let texts = texts.chunks(2).map(|pair| [0, 1].map(|i| String::from_utf8_lossy(&pair[i]).into_owned()));
    let moved = changed.into_iter().zip(texts).filter_map(|((file, change, _), [old, new])| {
        // A change of the checkout that is older than the recording was recorded with it.
        let recorded = base.dirty.contains(&change.path).then(|| recorded_text(root, &file, first.at)).flatten();
        let old = recorded.unwrap_or(old);
        (old != new).then(|| MovedLines { same: source::same_lines(&old, &new), file })
    });
    let moved: Vec<MovedLines> = moved.collect();
    let is_certain = first.known_by != KnownBy::FileTime;
    (!moved.is_empty()).then(|| Since { commit: (*commit).clone(), is_certain, moved })
}

fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The checkout's text of a file that was last written before that time.
fn recorded_text(root: &Path, file: &str, at: Option<u64>) -> Option<String> {
    let path = root.join(file);
    (files::modified(&path)? < at?).then(|| files::read_text(&path, file).ok()).flatten()
}
