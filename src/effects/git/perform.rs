//! A drafted operation in, carried out so that a crash at any moment leaves it to be finished or taken back, out.

use super::files::{Contents, Standing, changed, is};
use super::journal::{Journal, Lock, State};
use super::oplog::{Change, Draft, Entry, FileMove, Move, OPS, Side};
use super::refs::RefMove;
use super::repository::{Repository, TreeChange};
use crate::effects::{clock, failpoint};
use crate::model::{Operation, Place, Problem};

impl Repository {
    /// Snapshots what an operation will write, then does it.
    ///
    /// # Errors
    /// Files, index entries or refs that are not as the draft says: then nothing has changed.
    pub fn perform(&self, _lock: &Lock, draft: &Draft) -> Result<Operation, Problem> {
        let log_before = self.ref_at(OPS)?;
        let number = self.operations()?.last().map_or(1, |e| e.number + 1);
        let toplevel = self.toplevel().to_string_lossy().to_string();
        let entry = Entry::new(draft, number, self.head_name()?, toplevel, clock::now());
        let commit = self.write_entry(&entry, log_before.as_deref())?;
        failpoint::step("operation: objects written");
        let mut journal = Journal { state: State::Planned, commit, log_before, entry };
        self.write_journal(&journal)?;
        let begun = self.begin(&mut journal).and_then(|()| self.carry_out(&draft.change, &draft.title));
        if let Err(problem) = begun {
            self.take_back(&journal)?;
            return Err(problem);
        }
        journal.state = State::Landed;
        self.write_journal(&journal)?;
        self.end_journal()?;
        journal.entry.operation(false).ok_or_else(|| Problem::error("the operation has no kind"))
    }

    /// Finishes, or takes back, what a crash cut off; says which, if there was anything. Costs one look for a file.
    ///
    /// # Errors
    /// Someone changed the files since, so that neither way is open without losing that: what to do is said.
    pub fn recover(&self) -> Result<Option<Problem>, Problem> {
        if self.journal()?.is_none() {
            return Ok(None);
        }
        // Held: another Refit is at work, and the journal is its own.
        let Some(_lock) = self.try_lock()? else { return Ok(None) };
        let Some(journal) = self.journal()? else { return Ok(None) };
        let elsewhere = std::path::Path::new(&journal.entry.toplevel);
        if elsewhere != self.toplevel() && elsewhere.exists() {
            return Repository::discover(elsewhere)?.resume(&journal).map(Some);
        }
        self.resume(&journal).map(Some)
    }

    fn resume(&self, journal: &Journal) -> Result<Problem, Problem> {
        let change = journal.entry.change();
        self.sweep(&change.files);
        let title = &journal.entry.title;
        let logged = self.ref_at(OPS)?.as_deref() == Some(journal.commit.as_str());
        if journal.state == State::Planned && !logged {
            self.end_journal()?;
            return Ok(Problem::note(format!("nothing had changed yet when Refit was cut off: {title}")));
        }
        if journal.state == State::Landed || self.carry_out(&change, title).is_ok() {
            self.end_journal()?;
            return Ok(Problem::note(format!("finished what was cut off: {title}")).help("`refit undo` takes it back"));
        }
        self.take_back(journal).map_err(|problem| stuck(journal, &problem))?;
        Ok(Problem::note(format!("took back what was cut off: {title}")))
    }

    /// The snapshot becomes part of the log: from here on the operation can be finished or taken back.
    fn begin(&self, journal: &mut Journal) -> Result<(), Problem> {
        let logged =
            RefMove { name: OPS.into(), before: journal.log_before.clone(), after: Some(journal.commit.clone()) };
        self.move_refs(&[logged], &format!("refit: {}", journal.entry.title))?;
        failpoint::step("log: moved");
        journal.state = State::Snapshotted;
        self.write_journal(journal)
    }

    /// Everything back to before, the log too.
    fn take_back(&self, journal: &Journal) -> Result<(), Problem> {
        self.carry_out(&self.ours(&journal.entry.change().reversed())?, "taken back")?;
        if self.ref_at(OPS)?.as_deref() == Some(journal.commit.as_str()) {
            let back =
                RefMove { name: OPS.into(), before: Some(journal.commit.clone()), after: journal.log_before.clone() };
            self.move_refs(&[back], "refit: taken back")?;
        }
        self.end_journal()
    }

    /// The parts of a change that stand as before it. Every part moves whole, so a part that stands otherwise was
    /// changed by someone else, and stays theirs.
    fn ours(&self, change: &Change) -> Result<Change, Problem> {
        let contents = self.contents(&change.files)?;
        let paths: Vec<&str> = change.files.iter().map(|f| f.path.as_str()).collect();
        let entries = self.index_entries(&paths).unwrap_or_default();
        let mut ours = Change::default();
        for moved in &change.refs {
            if self.ref_at(&moved.name)? == moved.before {
                ours.refs.push(moved.clone());
            }
        }
        for part in &change.files {
            let now = self.standing(&part.path);
            let file = part.file.clone().filter(|m| now.as_ref().is_ok_and(|n| is(n, &m.before, &contents)));
            let index = part.index.clone().filter(|m| m.before.as_ref() == entries.get(&part.path));
            if file.is_some() || index.is_some() {
                ours.files.push(FileMove { path: part.path.clone(), file, index });
            }
        }
        Ok(ours)
    }

    /// Brings files, index and refs from before to after; what is as after already is left alone.
    ///
    /// The refs move last: cut off before that, the checkout shows the landed change as staged, which is harmless
    /// to commit; the other way round it would show as taken back.
    fn carry_out(&self, change: &Change, title: &str) -> Result<(), Problem> {
        let contents = self.contents(&change.files)?;
        self.check_files(&change.files, &contents)?;
        let moves = self.open_moves(&change.refs)?;
        if change.files.is_empty() {
            return self.move_all(&moves, title);
        }
        let held = self.lock_index()?;
        failpoint::step("index: locked");
        self.check_index(&change.files)?;
        let files = change.files.iter().filter_map(|f| Some((&f.path, f.file.as_ref()?)));
        let (gone, there): (Vec<_>, Vec<_>) = files.partition(|(_, moved)| moved.after.is_none());
        gone.into_iter().chain(there).try_for_each(|(path, moved)| self.put(path, moved, &contents))?;
        self.write_index(&held, &change.files)?;
        self.move_all(&moves, title)?;
        drop(held);
        failpoint::step("index: unlocked");
        Ok(())
    }

    fn move_all(&self, moves: &[RefMove], title: &str) -> Result<(), Problem> {
        if moves.is_empty() {
            return Ok(());
        }
        failpoint::step("refs: before");
        self.move_refs(moves, &format!("refit: {title}"))?;
        failpoint::step("refs: moved");
        Ok(())
    }

    /// The refs that are not as after yet.
    fn open_moves(&self, refs: &[RefMove]) -> Result<Vec<RefMove>, Problem> {
        let mut open = Vec::new();
        for moved in refs {
            let now = self.ref_at(&moved.name)?;
            if now == moved.after {
                continue;
            }
            if now != moved.before {
                return Err(ref_changed(&moved.name, now.as_deref()));
            }
            open.push(moved.clone());
        }
        Ok(open)
    }

    fn check_files(&self, files: &[FileMove], contents: &Contents) -> Result<(), Problem> {
        for (path, moved) in files.iter().filter_map(|f| Some((&f.path, f.file.as_ref()?))) {
            let now = self.standing(path)?;
            if !is(&now, &moved.before, contents) && !is(&now, &moved.after, contents) {
                return Err(changed(path));
            }
        }
        Ok(())
    }

    fn check_index(&self, files: &[FileMove]) -> Result<(), Problem> {
        let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
        let entries = self.index_entries(&paths)?;
        for (path, moved) in files.iter().filter_map(|f| Some((&f.path, f.index.as_ref()?))) {
            let now = entries.get(path).cloned();
            if now != moved.before && now != moved.after {
                return Err(Problem::error("other changes of this file are staged, and would be lost")
                    .at(Place::file(path))
                    .help(format!("unstage them with `git restore --staged {path}` or commit them")));
            }
        }
        Ok(())
    }

    /// The branch that HEAD names, or the commit it stands on.
    pub(super) fn head_name(&self) -> Result<String, Problem> {
        let answer = self.git.ask(&["symbolic-ref", "-q", "HEAD"], b"")?;
        match answer.ok() {
            true => Ok(String::from_utf8_lossy(&answer.stdout).trim().to_string()),
            false => Ok(self.ref_at("HEAD")?.unwrap_or_default()),
        }
    }

    /// The branch that is checked out here; `None` where HEAD is on no branch.
    ///
    /// # Errors
    /// git cannot run.
    pub fn current_branch(&self) -> Result<Option<String>, Problem> {
        Ok(Some(self.head_name()?).filter(|name| name.starts_with("refs/heads/")))
    }

    /// True if git keeps files out of this checkout.
    ///
    /// # Errors
    /// git cannot run.
    pub fn is_sparse(&self) -> Result<bool, Problem> {
        Ok(self.git.ask(&["config", "--type=bool", "--get", "core.sparseCheckout"], b"")?.stdout.starts_with(b"true"))
    }

    /// Paths whose index entry differs from HEAD.
    ///
    /// # Errors
    /// git cannot run.
    pub fn staged(&self) -> Result<Vec<String>, Problem> {
        let out = self.git.run(&["diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD", "--"])?;
        let paths = out.split(|b| *b == 0).filter(|p| !p.is_empty());
        Ok(paths.map(|p| String::from_utf8_lossy(p).to_string()).collect())
    }

    /// How the checkout's files and index entries move between two commits, with every file snapshotted as it
    /// stands and as git would check it out.
    ///
    /// # Errors
    /// A new file that would overwrite an untracked one; a link or submodule that cannot be read.
    pub fn file_moves(&self, to: &str, changes: &[TreeChange]) -> Result<Vec<FileMove>, Problem> {
        let scratch = self.scratch()?;
        let git = self.git.with_index(&scratch.join("index"));
        git.run(&["read-tree", to])?;
        let wanted = changes.iter().filter(|c| c.after.as_ref().is_some_and(|(mode, _)| mode != "160000"));
        let list: String = wanted.map(|c| format!("{}\0", c.path)).collect();
        let prefix = format!("--prefix={}/", scratch.join("out").display());
        git.feed(&["checkout-index", "-q", "-z", "--stdin", &prefix], list.as_bytes())?;
        changes.iter().map(|change| self.file_move(change, &scratch.join("out"))).collect()
    }

    fn file_move(&self, change: &TreeChange, staged: &std::path::Path) -> Result<FileMove, Problem> {
        let side = |side: &Option<(String, String)>| {
            side.as_ref().map(|(mode, blob)| Side { mode: mode.clone(), blob: blob.clone() })
        };
        let index = Move { before: side(&change.before), after: side(&change.after) };
        let is_module = |s: &Option<Side>| s.as_ref().is_some_and(|s| s.mode == "160000");
        let module = is_module(&index.before) || is_module(&index.after);
        let file = if module { None } else { Some(self.snapshot(change, staged)?) };
        Ok(FileMove { path: change.path.clone(), file, index: Some(index) })
    }

    /// The file as it stands, and as git would check it out.
    fn snapshot(&self, change: &TreeChange, staged: &std::path::Path) -> Result<Move, Problem> {
        let keep = |s: Standing| Ok(Side { mode: s.mode.into(), blob: self.write_blob(&s.bytes)? });
        let before = self.standing(&change.path)?;
        if before.is_some() && change.before.is_none() {
            return Err(Problem::error("an untracked file stands where the landed branch has a file of its own")
                .at(Place::file(&change.path))
                .help("move it away, then try again"));
        }
        let after = if change.after.is_some() { self.at_top(staged).standing(&change.path)? } else { None };
        if after.is_none() && change.after.is_some() {
            return Err(Problem::error(format!("git did not check out {}", change.path)));
        }
        Ok(Move { before: before.map(keep).transpose()?, after: after.map(keep).transpose()? })
    }
}

fn ref_changed(name: &str, now: Option<&str>) -> Problem {
    let short = name.strip_prefix("refs/heads/").unwrap_or(name);
    let at = now.map_or(String::from("it is gone"), |o| format!("it is at {}", &o[..o.len().min(10)]));
    Problem::error(format!("{short} has moved since ({at}), and that would be lost"))
        .help(format!("look at it with `git log {short}`; move it back yourself, or keep it and go on from there"))
}

/// Neither way is open: say by hand what Refit cannot do without losing something.
fn stuck(journal: &Journal, problem: &Problem) -> Problem {
    let commit = &journal.commit;
    Problem::error(format!(
        "what was cut off ({}) can be neither finished nor taken back: {}",
        journal.entry.title, problem.what
    ))
    .help(format!(
        "the files before are `git show {commit}:before-00000` and so on, named in `git show {commit}:op.json`; \
             put aside your changes of these files and start refit again"
    ))
}
