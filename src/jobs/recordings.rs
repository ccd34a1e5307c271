//! The `[[source]]` entries of `slo.toml` in; when and at which commit each was recorded out.

use std::path::Path;

use crate::effects::git::Repository;
use crate::effects::{clock, files};
use crate::model::{KnownBy, Recording, Source};

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
        _ => repository.newest_at(at?).map(|c| c.commit),
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
