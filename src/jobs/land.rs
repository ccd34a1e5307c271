//! Sign-offs in, commits on a branch out, each operation snapshotted so that it can be undone.

use super::land_stack::{self, Step};
use super::{Ear, ProveOptions, Tests, Workspace, prove};
use crate::effects::git::{
    Base, Change, Draft, Entry, Lock, RefMove, Repository, TreeChange, to_redo, to_undo, undone,
};
use crate::model::{
    ChangeSet, Evidence, Operation, OperationKind, Outcome, Place, Problem, Progress, Rung, RungState, SignOff,
};

/// Lands signed proposals as commits on the workspace's branch, one each, without any change to the checkout.
///
/// Several proposals that were proved one by one, some of a batch, and one whose tests ran with counters in the code are
/// first proved as they land (compiled and tested, not timed).
///
/// # Errors
/// Nothing has changed then: a merge in progress, no commit yet, a file that changed since the proposal, overlap with
/// uncommitted lines, evidence of another tree, a role that has not signed, a hook that refuses.
pub fn apply(workspace: &Workspace, signed: &[SignOff], ear: &Ear) -> Result<Operation, Problem> {
    land(workspace, signed, Shape::Series, ear)
}

/// Lands signed proposals as one commit, which carries the evidence of each.
///
/// # Errors
/// As [`apply`]; more changed lines than a change set may have.
pub fn apply_set(workspace: &Workspace, signed: &[SignOff], ear: &Ear) -> Result<Operation, Problem> {
    ChangeSet::new(&signed.iter().map(SignOff::rewrite).collect::<Vec<_>>())?;
    land(workspace, signed, Shape::OneCommit, ear)
}

/// How several proposals land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A commit for each.
    Series,
    /// One commit.
    OneCommit,
}

fn land(workspace: &Workspace, signed: &[SignOff], shape: Shape, ear: &Ear) -> Result<Operation, Problem> {
    if signed.is_empty() {
        return Err(Problem::error("there is nothing to land").help("sign a proposal first"));
    }
    prove_together(workspace, signed, ear)?;
    let (repository, lock) = begin(workspace)?;
    let base = repository.base(&workspace.branch)?;
    check_branch(&repository, workspace, &base)?;
    let steps = land_stack::plan(workspace, &repository, &base, signed)?;
    if land_stack::is_open_together(&base, signed, &steps)? {
        return Err(Problem::error("exactly these proposals were never proved together on the present base")
            .help("land one, then prove the next on top of it"));
    }
    let steps = match shape {
        Shape::OneCommit if steps.len() > 1 => vec![land_stack::one_commit(workspace, &base, signed, steps)?],
        _ => steps,
    };
    let commits = commit_all(&repository, &base, &steps, ear)?;
    let name = format!("refs/heads/{}", workspace.branch);
    let moved = RefMove { name, before: base.branch.clone(), after: commits.last().cloned() };
    let noted = repository.note(&commits.into_iter().zip(steps.iter().map(note)).collect::<Vec<_>>())?;
    let draft = Draft {
        kind: OperationKind::Apply,
        title: title(workspace, signed),
        rewrites: signed.iter().map(|s| s.rewrite().id.clone()).collect(),
        target: None,
        change: Change { refs: vec![moved, noted], files: Vec::new() },
    };
    repository.perform(&lock, &draft)
}

/// What stands beside a commit in git's log.
fn note(step: &Step) -> String {
    let lines = step.attested.join("\n");
    format!("What was proved, a line for each proposal; `refit verify --replay COMMIT` looks at it again.\n{lines}\n")
}

/// Fast-forwards the checkout's branch to the landed branch; files with unrelated local changes stay as they are.
///
/// # Errors
/// Nothing has changed then: not a fast-forward, local changes that overlap, a merge in progress, HEAD on no branch.
pub fn land_here(workspace: &Workspace) -> Result<Operation, Problem> {
    let (repository, lock) = begin(workspace)?;
    let base = repository.base(&workspace.branch)?;
    let tip = fast_forward(workspace, &repository, &base)?;
    let here = repository.current_branch()?.ok_or_else(|| {
        Problem::error("HEAD is on no branch").help("switch to the branch that shall move: `git switch main`")
    })?;
    refuse_sparse(&repository, workspace)?;
    let changes = repository.changes(&base.head, &tip)?;
    check_overlap(&repository, &base, &changes)?;
    let files = repository.file_moves(&tip, &changes)?;
    let refs = vec![RefMove { name: here.clone(), before: Some(base.head.clone()), after: Some(tip) }];
    let short = here.strip_prefix("refs/heads/").unwrap_or(&here);
    let draft = Draft {
        kind: OperationKind::LandHere,
        title: format!("{} into {short}", workspace.branch),
        rewrites: Vec::new(),
        target: None,
        change: Change { refs, files },
    };
    repository.perform(&lock, &draft)
}

/// Takes back the newest operation that is not undone.
///
/// # Errors
/// Nothing to undo; files or refs that changed since in a way that would be lost.
pub fn undo(workspace: &Workspace) -> Result<Operation, Problem> {
    let (repository, lock) = begin(workspace)?;
    let entries = repository.operations()?;
    let target = to_undo(&entries).ok_or_else(|| Problem::error("there is nothing to undo"))?;
    replay(&repository, &lock, OperationKind::Undo, target, target.change().reversed())
}

/// Does the newest undone operation again.
///
/// # Errors
/// As [`undo`].
pub fn redo(workspace: &Workspace) -> Result<Operation, Problem> {
    let (repository, lock) = begin(workspace)?;
    let entries = repository.operations()?;
    let target = to_redo(&entries).ok_or_else(|| Problem::error("there is nothing to redo"))?;
    replay(&repository, &lock, OperationKind::Redo, target, target.change())
}

/// All operations, newest first.
///
/// # Errors
/// The repository cannot be read.
pub fn log(workspace: &Workspace) -> Result<Vec<Operation>, Problem> {
    let entries = workspace.repository()?.operations()?;
    let undone = undone(&entries);
    Ok(entries.iter().rev().filter_map(|e| e.operation(undone.contains(&e.number))).collect())
}

/// Finishes, or takes back, what a crash cut off; says what it did, if there was anything.
///
/// # Errors
/// Neither is possible without losing a change that was made since; what to do is said.
pub fn recover(workspace: &Workspace) -> Result<Option<Problem>, Problem> {
    workspace.repository()?.recover()
}

/// What every change of a repository begins with: what was cut off is settled, and nobody else is at work.
fn begin(workspace: &Workspace) -> Result<(Repository, Lock), Problem> {
    let repository = workspace.repository()?;
    repository.recover()?;
    let lock = repository.lock()?;
    if let Some(what) = repository.in_progress()? {
        return Err(Problem::error(format!("a {what} is in progress here")).help(format!(
            "finish it, or end it with `git {what} {}`",
            if what == "bisect" { "reset" } else { "--abort" }
        )));
    }
    Ok((repository, lock))
}

/// Proves a stack of proposals whose evidence speaks of each alone, once; the lock is free meanwhile.
fn prove_together(workspace: &Workspace, signed: &[SignOff], ear: &Ear) -> Result<(), Problem> {
    let (repository, lock) = begin(workspace)?;
    let base = repository.base(&workspace.branch)?;
    check_branch(&repository, workspace, &base)?;
    let steps = land_stack::plan(workspace, &repository, &base, signed)?;
    drop(lock);
    if !land_stack::is_open_together(&base, signed, &steps)? {
        return Ok(());
    }
    // What is known of each by itself need not be asked again of one that lands alone.
    let tests = if signed.len() == 1 { Tests::PlainAlone } else { Tests::Plain };
    let options = ProveOptions { no_measurement: true, fresh: true, tests, ..ProveOptions::default() };
    let differs = |e: &Evidence| e.state == RungState::Failed && e.rung == Rung::TwinsAgree;
    let holds = |e: &Evidence| e.state != RungState::Failed || differs(e);
    let is_forced = |s: &SignOff| s.forced().is_some();
    let verdicts = prove(workspace, &[land_stack::together(&repository, &base, signed)?], &options, ear)?;
    match verdicts.first() {
        _ if ear.cancel.is_cancelled() => Err(Problem::error("landing was cancelled; nothing has landed")),
        // Who overrode the evidence of one accepted that it does something else; but not that a test fails by it.
        Some(verdict)
            if verdict.evidence().iter().any(differs)
                && verdict.evidence().iter().all(holds)
                && signed.iter().any(is_forced) =>
        {
            Ok(())
        }
        Some(verdict) if verdict.outcome() == Outcome::Refuted => Err(Problem::error(format!(
            "{}: {}",
            match signed.len() {
                1 => "it holds in its batch or with counters in the code, but not as it would land",
                _ => "each proposal holds by itself, but not together",
            },
            verdict.by()
        ))
        .help("land one, then propose and prove the others on top of it")),
        _ => Ok(()),
    }
}

/// The landing branch must stand on HEAD (or be behind it), and be checked out nowhere.
fn check_branch(repository: &Repository, workspace: &Workspace, base: &Base) -> Result<(), Problem> {
    let branch = &workspace.branch;
    if let Some(path) = repository.checked_out(branch)? {
        return Err(Problem::error(format!(
            "the branch {branch} is checked out in {path}, whose files would not follow"
        ))
        .help("switch that checkout to another branch: `git switch -`"));
    }
    let Some(at) = &base.branch else { return Ok(()) };
    if base.tip != *at && !repository.is_ancestor(at, &base.tip)? {
        return Err(Problem::error(format!("the branch {branch} does not stand on HEAD"))
            .help(format!("bring it up to date (`git rebase HEAD {branch}`, then `git switch -`), or delete it")));
    }
    Ok(())
}

fn commit_all(repository: &Repository, base: &Base, steps: &[Step], ear: &Ear) -> Result<Vec<String>, Problem> {
    let mut commits: Vec<String> = Vec::new();
    for (done, step) in steps.iter().enumerate() {
        if ear.cancel.is_cancelled() {
            return Err(Problem::error("landing was cancelled; nothing has landed"));
        }
        let what = format!("commit {} of {}", done + 1, steps.len());
        ear.tell(Progress::Step { what, done: done as u64, total: steps.len() as u64 });
        let tip = commits.last().unwrap_or(&base.tip);
        commits.push(repository.make_commit(&step.plan.branch, tip, &step.tree, &step.plan.message, &ear.cancel)?);
    }
    Ok(commits)
}

fn title(workspace: &Workspace, signed: &[SignOff]) -> String {
    match signed {
        [one] => format!("{} on {}", one.rewrite().title, workspace.branch),
        many => format!("{} proposals on {}", many.len(), workspace.branch),
    }
}

/// The commit to which HEAD can move without losing one.
fn fast_forward(workspace: &Workspace, repository: &Repository, base: &Base) -> Result<String, Problem> {
    let branch = &workspace.branch;
    let at = base.branch.clone().ok_or_else(|| {
        Problem::error(format!("there is no branch {branch} yet")).help("land a signed proposal first")
    })?;
    if repository.is_ancestor(&at, &base.head)? {
        return Err(Problem::error(format!("HEAD has everything of {branch} already")));
    }
    if !repository.is_ancestor(&base.head, &at)? {
        return Err(Problem::error(format!("HEAD and {branch} have gone apart, so this is no fast-forward")).help(
            format!("merge it with `git merge {branch}`, or bring it up to date with `git rebase HEAD {branch}`"),
        ));
    }
    Ok(at)
}

/// Files that git keeps out of the checkout need git's own hands.
fn refuse_sparse(repository: &Repository, workspace: &Workspace) -> Result<(), Problem> {
    if !repository.is_sparse()? {
        return Ok(());
    }
    Err(Problem::error("this checkout is sparse: Refit does not know which files git keeps out of it")
        .help(format!("let git do it: `git merge --ff-only {}`", workspace.branch)))
}

fn check_overlap(repository: &Repository, base: &Base, changes: &[TreeChange]) -> Result<(), Problem> {
    let staged = repository.staged()?;
    let touched = |path: &String| base.dirty.contains(path) || staged.contains(path);
    match changes.iter().find(|c| touched(&c.path)) {
        Some(change) => Err(Problem::error("this file has uncommitted changes, and the landed branch changes it too")
            .at(Place::file(&change.path))
            .help("commit them, or stash them with `git stash`, then land again")),
        None => Ok(()),
    }
}

/// Undo and redo: an operation's change once more, in this or the other direction.
fn replay(
    repository: &Repository,
    lock: &Lock,
    kind: OperationKind,
    target: &Entry,
    change: Change,
) -> Result<Operation, Problem> {
    for moved in &change.refs {
        let short = moved.name.strip_prefix("refs/heads/").unwrap_or(&moved.name);
        let here = repository.current_branch()?.as_ref() == Some(&moved.name);
        match repository.checked_out(short)? {
            Some(path) if change.files.is_empty() || !here => {
                return Err(Problem::error(format!("the branch {short} is checked out in {path}"))
                    .help("switch that checkout to another branch: `git switch -`"));
            }
            None if !change.files.is_empty() => {
                return Err(Problem::error(format!(
                    "this was done to the branch {short}, which is not checked out now"
                ))
                .help(format!("switch to it with `git switch {short}`")));
            }
            _ => {}
        }
    }
    let draft = Draft {
        kind,
        title: format!("{} of {} ({})", kind.word(), target.number, target.title),
        rewrites: target.rewrites(),
        target: Some(target.number),
        change,
    };
    repository.perform(lock, &draft)
}
