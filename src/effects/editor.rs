//! A text in, the person's editor on it in the foreground, the text as it was left out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::files;
use crate::model::Problem;

/// Opens `text` as a file called `name` at `line` in `$VISUAL` or `$EDITOR`, and returns what it was saved as.
///
/// The editor gets the terminal; the caller has given it up before.
///
/// # Errors
/// No editor, one that cannot be started or ends with an error, a file that cannot be written or read back.
pub fn edit(text: &str, name: &str, line: u32) -> Result<String, Problem> {
    let words = editor(|name| std::env::var(name).ok())?;
    let folder = Folder::new()?;
    let file = folder.0.join(Path::new(name).file_name().unwrap_or_else(|| "edit.rs".as_ref()));
    files::write_new(&file, text.as_bytes())?;
    let status = Command::new(&words[0]).args(&words[1..]).args(at_line(&words[0], &file, line)).status();
    match status {
        Err(e) => Err(Problem::error(format!("the editor `{}` cannot be started: {e}", words[0]))
            .help("set $EDITOR to an editor that is installed")),
        Ok(status) if !status.success() => {
            Err(Problem::error(format!("the editor `{}` ended with {status}; its text is not taken over", words[0])))
        }
        Ok(_) => files::read_text(&file, name),
    }
}

/// A folder of our own for the time of an edit.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, Problem> {
        use std::os::unix::fs::DirBuilderExt;
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("refit-edit-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        // Creating it fails if anything stands there already: nobody else can have put a link in its place.
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|e| {
            Problem::error(format!("no folder for the edit can be made at {}: {e}", path.display()))
                .help("set TMPDIR to a folder that can be written")
        })?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The editor's words: `$VISUAL`, `$EDITOR`, else `vi`. No shell reads them, so a path in them cannot run anything.
fn editor(var: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, Problem> {
    let said = ["VISUAL", "EDITOR"].iter().find_map(|n| var(n).filter(|v| !v.trim().is_empty()));
    let said = said.unwrap_or_else(|| String::from("vi"));
    match split(&said) {
        Some(words) if !words.is_empty() => Ok(words),
        _ => Err(Problem::error(format!("$EDITOR cannot be read: {said}")).help("a quote in it is not closed")),
    }
}

/// Splits at blanks; quotes and backslashes keep blanks together. `None` if a quote is not closed.
fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut open, mut begun) = (Vec::new(), String::new(), None, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, open) {
            (c, Some(quote)) if c == quote => open = None,
            ('\\', None | Some('"')) => word.extend(chars.next()),
            ('"' | '\'', None) => (open, begun) = (Some(c), true),
            (c, None) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (c, _) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    open.is_none().then_some(words)
}

/// How an editor is told the line to start at.
fn at_line(program: &str, file: &Path, line: u32) -> Vec<String> {
    let path = file.display().to_string();
    let name = Path::new(program).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    match name.as_str() {
        "vi" | "vim" | "nvim" | "view" | "nano" | "emacs" | "emacsclient" | "kak" | "micro" | "joe" | "jed" => {
            vec![format!("+{line}"), path]
        }
        "hx" | "helix" | "subl" | "zed" => vec![format!("{path}:{line}")],
        "code" | "codium" | "cursor" => vec![String::from("--wait"), String::from("--goto"), format!("{path}:{line}")],
        _ => vec![path],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_is_words_and_never_a_shell_line() {
        let words = |v: &str| editor(|name| (name == "EDITOR").then(|| v.to_string())).ok();
        assert_eq!(words("code --wait").unwrap(), ["code", "--wait"]);
        assert_eq!(words("'/opt/my editor/ed' -n").unwrap(), ["/opt/my editor/ed", "-n"]);
        assert_eq!(words("vi; rm -rf x").unwrap(), ["vi;", "rm", "-rf", "x"]);
        assert_eq!(words("'open"), None);
        assert_eq!(words("  ").unwrap(), ["vi"]);
    }

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        let file = Path::new("/tmp/a.rs");
        assert_eq!(at_line("/usr/bin/nvim", file, 7), ["+7", "/tmp/a.rs"]);
        assert_eq!(at_line("hx", file, 7), ["/tmp/a.rs:7"]);
        assert_eq!(at_line("own-editor", file, 7), ["/tmp/a.rs"]);
    }
}
