//! A proposal in, what the person made of one file's new text in the editor out.

use super::Workspace;
use crate::effects::editor;
use crate::model::{Place, Problem, Rewrite};
use crate::source;

/// Opens the new text of a file in the person's editor; `None` if it was left as it was. Needs the terminal.
///
/// # Errors
/// A file that is not part of the proposal or has changed since; an editor that cannot be started.
pub fn edit_in_editor(
    workspace: &Workspace,
    rewrite: &Rewrite,
    file: &str,
    line: u32,
) -> Result<Option<String>, Problem> {
    let edits = rewrite
        .edits
        .iter()
        .find(|e| e.file() == file)
        .ok_or_else(|| Problem::error(format!("{} does not change this file", rewrite.id)).at(Place::file(file)))?;
    let proposed = source::apply(edits, &workspace.text(file)?)?;
    let written = editor::edit(&proposed, file, line)?;
    Ok((written != proposed).then_some(written))
}
