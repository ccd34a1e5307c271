//! The `[[source]]` entries of `slo.toml` in; when and at which commit each was recorded, and what was changed since, out.

use std::collections::BTreeSet;
use std::path::Path;

use crate::effects::git::{Base, Repository, TreeChange};
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

/// What was changed since a recording was made, of the files that its frames and spans speak of; `None` where that is not
/// known, or nothing was.
pub(super) fn since(
    repository: &Repository,
    root: &Path,
    base: &Base,
    recording: &Recording,
    profile: &Profile,
) -> Option<Since> {
    let commit = recording.commit.as_ref()?;
    let frames = profile.frames.iter().filter(|f| f.line > 0).map(|f| f.file.as_str());
    let spans = profile.spans.iter().filter(|s| s.line > 0).map(|s| s.file.as_str());
    let spoken_of: BTreeSet<&str> = frames.chain(spans).map(last_name).collect();
    if spoken_of.is_empty() {
        return None;
    }
    let tree = repository.tree_of(commit).ok()?;
    let changed = changed(repository, &tree, base, &spoken_of)?;
    let oids: Vec<&str> = changed.iter().flat_map(|c| c.oids.iter().map(String::as_str)).collect();
    let texts = repository.blobs(&oids).ok()?;
    let texts = texts.chunks(2).map(|pair| [0, 1].map(|i| String::from_utf8_lossy(&pair[i]).into_owned()));
    let moved = changed.into_iter().zip(texts).filter_map(|(changed, [old, new])| {
        // A change of the checkout that is older than the recording was recorded with it.
        let is_dirty = base.dirty.contains(&changed.path) && changed.was.is_empty();
        let recorded = is_dirty.then(|| recorded_text(root, &changed.file, recording.at)).flatten();
        let old = recorded.unwrap_or(old);
        let (same, is_other) = (source::same_lines(&old, &new), old != new || !changed.was.is_empty());
        is_other.then_some(MovedLines { file: changed.file, was: changed.was, same })
    });
    let moved: Vec<MovedLines> = moved.collect();
    let is_certain = recording.known_by != KnownBy::FileTime;
    (!moved.is_empty()).then(|| Since { commit: commit.clone(), is_certain, moved })
}

/// A file that has another text or another name now.
struct Changed {
    /// From the top of the repository.
    path: String,
    /// From the project.
    file: String,
    /// What it was called; empty where it has its name still.
    was: String,
    /// The old and the new text.
    oids: [String; 2],
}

fn changed(repository: &Repository, tree: &str, base: &Base, spoken_of: &BTreeSet<&str>) -> Option<Vec<Changed>> {
    let speaks_of = |file: &String| spoken_of.contains(last_name(file));
    let changes = repository.changes(tree, &base.tree).ok()?;
    // Only a file that has gone can have another name now.
    let is_gone = |c: &&TreeChange| c.after.is_none() && spoken_of.contains(last_name(&c.path));
    let renames = match changes.iter().any(|c| is_gone(&c)) {
        true => repository.renames(tree, &base.tree).ok()?,
        false => Vec::new(),
    };
    let renamed = renames.into_iter().filter_map(|rename| {
        let was = repository.from_git(&rename.from).filter(speaks_of)?;
        let file = repository.from_git(&rename.to)?;
        Some(Changed { path: rename.to, file, was, oids: rename.oids })
    });
    let edited = changes.iter().filter_map(|change| {
        let file = repository.from_git(&change.path).filter(speaks_of)?;
        let oids = [change.before.as_ref()?.1.clone(), change.after.as_ref()?.1.clone()];
        Some(Changed { path: change.path.clone(), file, was: String::new(), oids })
    });
    Some(edited.chain(renamed).collect())
}

fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The checkout's text of a file that was last written before that time.
fn recorded_text(root: &Path, file: &str, at: Option<u64>) -> Option<String> {
    let path = root.join(file);
    (files::modified(&path)? < at?).then(|| files::read_text(&path, file).ok()).flatten()
}
