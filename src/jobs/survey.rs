//! A base in; its files out, with what each tells by itself: looked at by all cores, or kept from the last time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::open::{Code, Workspace, is_code, not_utf8};
use crate::effects::git::{Base, Repository};
use crate::effects::surveys::{self, Key, Shelf};
use crate::model::Problem;
use crate::pipeline::{Depth, FileSurvey, InputFile, Surveyor, kept};
use crate::source::{self, Files, ModuleDecl};

/// The parser and the rules are recursive: as much stack as the main thread has, and some more.
const STACK: usize = 16 << 20;

/// Fewer bytes than this are looked at sooner than another thread has started.
const WORTH_A_THREAD: usize = 64 * 1024;

/// The files of a base, and what each tells.
pub(super) struct Looked {
    /// Its files; those that are as they were the last time have no text, unless somebody needed it.
    pub code: Code,
    /// What they tell, in the same order.
    pub told: Vec<FileSurvey>,
}

/// Looks at every file of a base. A file that is as it was the last time is not parsed, and not even read where nobody
/// `needs_texts`.
///
/// # Errors
/// A tree that cannot be read.
pub(super) fn look(workspace: &Workspace, base: &Base, depth: Depth, needs_texts: bool) -> Result<Looked, Problem> {
    let repository = workspace.repository()?;
    let shelf = Shelf::open(&workspace.root, &format!("{depth:?}"));
    let mut tree = Tree::list(&repository, &base.tree, &shelf)?;
    let is_needed = |(path, file): &(&String, &Listed)| needs_texts || file.modules.is_none() || !path.ends_with(".rs");
    let needed: Vec<String> = tree.files.iter().filter(is_needed).map(|(path, _)| path.clone()).collect();
    let mut problems = tree.read(&repository, &needed)?;
    let (crates, roles, found) = workspace.places(&tree.texts, &tree)?;
    problems.extend(found);
    let file = |(path, role)| InputFile { text: tree.texts.get(&path).cloned().unwrap_or_default(), path, role };
    let mut files: Vec<InputFile> = roles.into_iter().map(file).collect();
    let mut told = on_all_cores(&files, |file| kept::survey(shelf.get(&tree.files[&file.path].key)?, file));
    let new: Vec<usize> = (0..files.len()).filter(|at| told[*at].is_none()).collect();
    tree.read_rest(&repository, &mut files, &new)?;
    let surveyor = Surveyor::new(depth);
    let anew: Vec<&InputFile> = new.iter().map(|at| &files[*at]).collect();
    let seen = on_all_cores(&anew, |file| {
        let survey = surveyor.look(file);
        // No tree is left on this thread.
        source::forget_spans();
        Some((kept::encode(&source::modules(&file.text), Some((&file.role, &survey))), survey))
    });
    let mut bytes = BTreeMap::new();
    for (at, seen) in new.iter().zip(seen) {
        let (kept, survey) = seen.expect("every file was looked at");
        // What has problems is looked at each time, and kept once.
        if shelf.get(&tree.files[&files[*at].path].key) != Some(&kept[..]) {
            bytes.insert(files[*at].path.as_str(), kept);
        }
        told[*at] = Some(survey);
    }
    tree.keep(&shelf, bytes);
    let told = told.into_iter().map(|survey| survey.expect("every file was looked at")).collect();
    Ok(Looked { code: Code { crates, files, problems }, told })
}

/// A file of a tree.
struct Listed {
    oid: String,
    key: Key,
    /// The modules that it declares, if that was kept.
    modules: Option<Vec<ModuleDecl>>,
}

/// The files of a tree that are Rust or say what is.
struct Tree {
    files: BTreeMap<String, Listed>,
    /// The texts of all files; empty for what was not read.
    texts: BTreeMap<String, String>,
}

impl Files for Tree {
    fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    fn modules(&self, path: &str) -> Cow<'_, [ModuleDecl]> {
        match self.files.get(path).and_then(|file| file.modules.as_deref()) {
            Some(kept) => Cow::Borrowed(kept),
            None => self.texts.modules(path),
        }
    }
}

impl Tree {
    fn list(repository: &Repository, tree: &str, shelf: &Shelf) -> Result<Tree, Problem> {
        let listed = repository.list_files(tree, is_code)?;
        let texts = listed.iter().map(|(path, _)| (path.clone(), String::new())).collect();
        let file = |(path, oid): (String, String)| {
            let key = surveys::key(&[path.as_bytes(), oid.as_bytes()]);
            let modules = shelf.get(&key).and_then(kept::modules);
            (path, Listed { oid, key, modules })
        };
        Ok(Tree { files: listed.into_iter().map(file).collect(), texts })
    }

    /// Reads files; one that is not UTF-8 is left out, with a problem that says so.
    fn read(&mut self, repository: &Repository, paths: &[String]) -> Result<Vec<Problem>, Problem> {
        let oids: Vec<&str> = paths.iter().map(|path| self.files[path].oid.as_str()).collect();
        let mut problems = Vec::new();
        for (path, bytes) in paths.iter().zip(repository.blobs(&oids)?) {
            match String::from_utf8(bytes) {
                Ok(text) => drop(self.texts.insert(path.clone(), text)),
                Err(_) => {
                    self.texts.remove(path);
                    problems.push(not_utf8(path));
                }
            }
        }
        Ok(problems)
    }

    /// Gives those of the files their texts that were not read, because their modules were kept and their surveys were not.
    fn read_rest(&self, repository: &Repository, files: &mut [InputFile], places: &[usize]) -> Result<(), Problem> {
        let unread: Vec<usize> = places.iter().copied().filter(|at| files[*at].text.is_empty()).collect();
        let oids: Vec<&str> = unread.iter().map(|at| self.files[&files[*at].path].oid.as_str()).collect();
        for (at, bytes) in unread.into_iter().zip(repository.blobs(&oids)?) {
            // Modules are kept of texts alone.
            files[at].text = String::from_utf8(bytes).unwrap_or_default();
        }
        Ok(())
    }

    /// Keeps what was found out anew, and of all other files what was kept of them.
    fn keep<'a>(&'a self, shelf: &Shelf, mut new: BTreeMap<&'a str, Vec<u8>>) {
        for (path, file) in &self.files {
            // A file that no crate reaches has modules and tells nothing.
            if file.modules.is_none() && !new.contains_key(path.as_str()) && self.has(path) {
                new.insert(path, kept::encode(&self.modules(path), None));
            }
        }
        let kept: Vec<Key> =
            self.files.iter().filter(|(path, _)| !new.contains_key(path.as_str())).map(|(_, file)| file.key).collect();
        let new: Vec<(Key, &[u8])> =
            new.iter().map(|(path, bytes)| (self.files[*path].key, bytes.as_slice())).collect();
        shelf.keep(&kept, &new);
    }
}

/// Asks something of every file; the answers in their order.
fn on_all_cores<F: std::borrow::Borrow<InputFile> + Sync, T: Send>(
    files: &[F],
    ask: impl Fn(&InputFile) -> Option<T> + Sync,
) -> Vec<Option<T>> {
    // Large files first, so that no core is left with one at the end.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(files[*at].borrow().text.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut seen = Vec::new();
        while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            seen.push((*at, ask(files[*at].borrow())));
        }
        seen
    };
    let bytes: usize = files.iter().map(|f| f.borrow().text.len().max(WORTH_A_THREAD / 64)).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(bytes / WORTH_A_THREAD).max(1);
    let mut answers: Vec<(usize, Option<T>)> = std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let started: Vec<_> = (0..threads).filter_map(|n| start(n).ok()).collect();
        // Where not one thread could be started, this one does the work.
        let own = if started.is_empty() { work() } else { Vec::new() };
        let rest = started.into_iter().flat_map(|t| t.join().expect("rules that panic are caught one by one"));
        own.into_iter().chain(rest).collect()
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
