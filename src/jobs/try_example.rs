//! The name of an example and a folder in; a new repository with the example, agreed to, out.

use std::path::Path;

use super::Workspace;
use crate::effects::example::{self, Example};
use crate::model::Problem;

/// Names of the examples inside the binary.
pub fn example_names() -> Vec<&'static str> {
    example::ALL.iter().map(|e| e.name).collect()
}

/// Unpacks an example into a new folder and remembers that its commands may run: they came out of this binary.
///
/// # Errors
/// No such example, a folder that is not empty, no git.
pub fn try_example(name: &str, folder: &Path) -> Result<(), Vec<Problem>> {
    named(name)?.unpack(folder).map_err(|p| vec![p])?;
    let workspace = Workspace::open(folder, Path::new("slo.toml"))?;
    workspace.agree().map_err(|p| vec![p])
}

/// Looks whether an example can be unpacked into a folder, without writing anything; returns its name.
///
/// # Errors
/// No such example, a folder that is not empty.
pub fn can_try(name: &str, folder: &Path) -> Result<&'static str, Vec<Problem>> {
    let example = named(name)?;
    example::refuse_occupied(folder).map_err(|p| vec![p])?;
    Ok(example.name)
}

fn named(name: &str) -> Result<&'static Example, Vec<Problem>> {
    example::ALL.iter().find(|e| e.name == name).ok_or_else(|| {
        let names = example_names().join(", ");
        vec![Problem::error(format!("there is no example \"{name}\"")).help(format!("there is: {names}"))]
    })
}
