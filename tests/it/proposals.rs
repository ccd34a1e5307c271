//! Proposals made by hand for a scene, so that landing and review are tested without any rule.

use refit::jobs::{self, Ear, Workspace};
use refit::model::*;

use crate::scene::Scene;

/// The workspace of a scene, on `refit/latency`.
pub fn workspace(scene: &Scene) -> Workspace {
    Workspace {
        root: scene.root(),
        config: scene.root().join("slo.toml"),
        slo: Slo { service: "gateway".into(), ..Slo::default() },
        problems: Vec::new(),
        branch: "refit/latency".into(),
        earlier: None,
    }
}

/// A proposal that replaces the first occurrence of `old` in a file of the base tree.
#[track_caller]
pub fn propose(workspace: &Workspace, file: &str, old: &str, new: &str) -> Rewrite {
    let text = workspace.text(file).unwrap();
    let at = text.find(old).unwrap_or_else(|| panic!("{old:?} is not in {file}"));
    let edit = TextEdit { range: TextRange::new(at, at + old.len()), text: new.into() };
    let set = EditSet::new(file, refit::source::hash(&text), vec![edit]).unwrap();
    let rule = RuleId("quadratic-membership");
    Rewrite {
        id: refit::rewrite::id(rule, std::slice::from_ref(&set)),
        rule,
        eye: Eye::Loops,
        kind: Kind::Quadratic,
        class: Class::A,
        file: file.into(),
        line: 1,
        end_line: 1,
        function: FunctionId("gateway::risk::score".into()),
        title: format!("put {} for {}", new.trim(), old.trim()),
        finding: String::new(),
        diff: refit::source::diff(file, &text, &refit::source::apply(&set, &text).unwrap()),
        edits: vec![set],
        touched: Vec::new(),
        preconditions: Vec::new(),
        obligations: Vec::new(),
        hunks_independent: false,
        cost: None,
    }
}

/// Accepts every hunk of a proposal, one by one.
pub fn accept(workspace: &Workspace, rewrite: &Rewrite) {
    let reviewed = jobs::load_reviews(workspace, std::slice::from_ref(rewrite)).unwrap();
    for hunk in &reviewed[0].hunks {
        jobs::decide(workspace, rewrite, hunk.index, Decision::Accepted).unwrap();
    }
}

/// Accepts and signs without evidence, with a recorded reason.
#[track_caller]
pub fn force(workspace: &Workspace, rewrite: &Rewrite) -> SignOff {
    accept(workspace, rewrite);
    jobs::sign(workspace, rewrite, None, "", Some("tried by hand".into())).unwrap()
}

/// Accepts and signs with a verdict whose evidence says that `tree` passed everything.
#[track_caller]
pub fn sign_proved(workspace: &Workspace, rewrite: &Rewrite, tree: &str) -> SignOff {
    accept(workspace, rewrite);
    jobs::sign(workspace, rewrite, Some(verdict(&rewrite.id, tree)), "", None).unwrap()
}

/// A verdict in which every rung passed on `tree`.
pub fn verdict(id: &RewriteId, tree: &str) -> Verdict {
    let evidence = Rung::ALL.iter().map(|rung| Evidence {
        rung: *rung,
        state: RungState::Passed,
        detail: "passed".into(),
        ms: 1,
        log: String::new(),
        cached: false,
    });
    Verdict::judge(id.clone(), tree.into(), evidence.collect(), None, false)
}

/// Proposes, forces and lands one replacement.
#[track_caller]
pub fn land(workspace: &Workspace, file: &str, old: &str, new: &str) -> Operation {
    let rewrite = propose(workspace, file, old, new);
    let signed = force(workspace, &rewrite);
    jobs::apply(workspace, &[signed], &deaf()).unwrap()
}

/// An ear for which nobody listens.
pub fn deaf() -> Ear {
    Ear::deaf()
}
