//! A real repository in a temporary folder, untouched by the configuration of the machine it runs on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use refit::effects::git::Repository;

/// A repository; the project may be a subfolder of it.
pub struct Scene {
    dir: tempfile::TempDir,
    project: String,
}

/// Keeps the user's configuration and caches out of the test process and everything it starts.
pub fn hermetic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let own = own_folder();
        // SAFETY: the environment of this process is read through std alone, which locks it.
        unsafe {
            std::env::set_var("GIT_CONFIG_GLOBAL", "/dev/null");
            std::env::set_var("GIT_CONFIG_NOSYSTEM", "1");
            std::env::set_var("REFIT_CACHE_DIR", own.join("cache"));
            std::env::set_var("REFIT_DATA_DIR", own.join("data"));
            libc::atexit(remove_own_folder);
        }
    });
}

/// Where this process keeps what a user has in their home.
fn own_folder() -> PathBuf {
    std::env::temp_dir().join(format!("refit-test-{}", std::process::id()))
}

extern "C" fn remove_own_folder() {
    let _ = std::fs::remove_dir_all(own_folder());
}

impl Scene {
    /// An empty repository with a person configured.
    pub fn empty() -> Scene {
        Scene::in_folder("", &[])
    }

    /// An empty repository whose project stands in a subfolder; `init` are further arguments of `git init`.
    pub fn in_folder(project: &str, init: &[&str]) -> Scene {
        hermetic();
        let scene = Scene { dir: tempfile::tempdir().unwrap(), project: project.to_string() };
        scene.git(&[&["init", "-q", "-b", "main"], init].concat());
        scene.git(&["config", "user.name", "Maintainer"]);
        scene.git(&["config", "user.email", "maintainer@example.org"]);
        std::fs::create_dir_all(scene.root()).unwrap();
        scene
    }

    /// A repository with these files committed.
    pub fn with(files: &[(&str, &str)]) -> Scene {
        let scene = Scene::empty();
        scene.commit(files);
        scene
    }

    /// Top of the repository.
    pub fn top(&self) -> &Path {
        self.dir.path()
    }

    /// Folder of the project.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join(&self.project)
    }

    /// Writes a file (path from the top).
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.top().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Reads a file (path from the top) as text.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        String::from_utf8(std::fs::read(self.top().join(path)).unwrap()).unwrap()
    }

    /// Writes and commits files, with everything else that stands there.
    pub fn commit(&self, files: &[(&str, &str)]) {
        files.iter().for_each(|(path, text)| self.write(path, text));
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "start"]);
    }

    /// Runs git and returns its trimmed output.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let out = self.try_git(args);
        out.unwrap_or_else(|said| panic!("git {}: {said}", args.join(" ")))
    }

    /// Runs git; its words where it fails.
    pub fn try_git(&self, args: &[&str]) -> Result<String, String> {
        let out = Command::new("git").current_dir(self.top()).env("LC_ALL", "C").args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
    }

    /// The repository as Refit sees it.
    pub fn repository(&self) -> Repository {
        Repository::discover(&self.root()).unwrap()
    }

    /// Everything of the user's: files with their modes, index bytes, refs, HEAD, stash, config. Objects and Refit's own
    /// folder are not the user's.
    pub fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        everything(self.top())
    }
}

/// As [`Scene::everything`], of any folder.
pub fn everything(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(top, top, &mut found);
    found
}

fn collect(top: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = path.strip_prefix(top).unwrap().to_string_lossy().to_string();
        if name == ".git/objects" || name == ".git/refit" {
            continue;
        }
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            collect(top, &path, found);
        } else if meta.is_symlink() {
            found.insert(name, std::fs::read_link(&path).unwrap().to_string_lossy().as_bytes().to_vec());
        } else {
            let mut bytes = mode(&meta);
            bytes.extend(std::fs::read(&path).unwrap());
            found.insert(name, bytes);
        }
    }
}

#[cfg(unix)]
fn mode(meta: &std::fs::Metadata) -> Vec<u8> {
    use std::os::unix::fs::PermissionsExt;
    format!("{:o} ", meta.permissions().mode()).into_bytes()
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> Vec<u8> {
    Vec::new()
}
