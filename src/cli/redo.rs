//! A project in, its newest undone operation done again out.

use super::answer::Outcome;
use super::context::Context;
use super::log;
use crate::jobs;

pub(super) fn run(context: &Context) -> Outcome {
    let workspace = context.open()?;
    jobs::redo(&workspace).map(|o| log::one(context, o)).map_err(|p| vec![p])
}
