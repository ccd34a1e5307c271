//! A project in, its newest operation taken back out.

use super::answer::Outcome;
use super::context::Context;
use super::log;
use crate::jobs;

pub(super) fn run(context: &Context) -> Outcome {
    let workspace = context.open()?;
    jobs::undo(&workspace).map(|o| log::one(context, o)).map_err(|p| vec![p])
}
