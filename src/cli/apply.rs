//! Ids of signed proposals in, commits on a branch out.

use clap::Args;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json;
use super::log;
use super::review;
use crate::jobs;
use crate::model::Problem;

#[derive(Args)]
pub(super) struct Options {
    /// Ids of proposals, in the order they land
    #[arg(value_name = "ID", required_unless_present = "here")]
    ids: Vec<String>,
    /// Branch to land on, below refit/
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Land without full evidence, for this reason, which is recorded as FORCED
    #[arg(long = "override", value_name = "REASON")]
    reason: Option<String>,
    /// All of them as one commit, which carries the evidence of each
    #[arg(long)]
    set: bool,
    /// Then fast-forward the checked-out branch to it
    #[arg(long)]
    here: bool,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let mut workspace = context.open()?;
    if let Some(branch) = &options.branch {
        workspace.branch = branch_name(branch).map_err(|p| vec![p])?;
    }
    let mut operations = Vec::new();
    if !options.ids.is_empty() {
        let reason = options.reason.as_deref();
        let (_, signed) = review::sign(context, &workspace, &options.ids, "", false, reason)?;
        if signed.len() > 1 {
            // Proposals that were proved one by one are compiled and tested together first.
            context.agree(&workspace).map_err(|p| vec![p])?;
        }
        let listener = context.ear();
        let land = if options.set { jobs::apply_set } else { jobs::apply };
        operations.push(land(&workspace, &signed, listener.ear()).map_err(|p| vec![p])?);
    }
    if options.here {
        operations.push(jobs::land_here(&workspace).map_err(|p| vec![p])?);
    }
    let text = || log::lines(&operations, context.style) + "take it back with `refit undo`\n";
    Ok(Answer::new(context, || json::Operations::from(&operations[..]), text))
}

/// `sprint` and `refit/sprint` are the same branch; nothing lands outside `refit/`.
fn branch_name(branch: &str) -> Result<String, Problem> {
    let name = branch.strip_prefix("refit/").unwrap_or(branch);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let ill_formed = name.is_empty() || name.contains(odd) || name.contains("..") || name.contains("//");
    if ill_formed || name.starts_with(['-', '/', '.']) || name.ends_with(['/', '.']) || name.ends_with(".lock") {
        let help = "write letters, digits, `-`, `_` and `/`";
        return Err(Problem::error(format!("\"{branch}\" is no name of a branch")).help(help));
    }
    Ok(format!("refit/{name}"))
}

#[cfg(test)]
mod tests {
    use super::branch_name;

    #[test]
    fn branches_stay_below_refit() {
        assert_eq!(branch_name("sprint"), Ok("refit/sprint".into()));
        assert_eq!(branch_name("refit/sprint"), Ok("refit/sprint".into()));
        for odd in ["", "a b", "a..b", "-x", "x.lock", "a:b", "refit/"] {
            assert!(branch_name(odd).is_err(), "{odd}");
        }
    }
}
