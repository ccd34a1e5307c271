//! The rung *codegen*: old and new compiled with the measured profile in a slot; whether they are the same machine code out.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Found, faster};
use crate::effects::files;
use crate::effects::slots::Arm;
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Evidence, Power, Problem, Rewrite, Rung, RungState};
use crate::verify::change::Change;
use crate::verify::codegen::{self, Compared};

/// Climbs the rung: what is the same is equivalent, and refutes that it is faster.
///
/// # Errors
/// No cargo; a slot that cannot be written.
pub fn climb(yard: &Yard, rewrite: &Rewrite) -> Result<(Found, Option<Power>), Problem> {
    Ok((compared(yard, rewrite)?, None))
}

fn compared(yard: &Yard, rewrite: &Rewrite) -> Result<Found, Problem> {
    let undecided = |why: String| Found::new(RungState::Undecided, why);
    let changes = faster::changes(yard, rewrite)?;
    let mut names = BTreeSet::new();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for change in &changes {
        let (pairs, reshaped) = change.functions();
        if let Some(name) = reshaped.first() {
            return Ok(undecided(format!("the signature of {name} changes: there is no pair of bodies to compare")));
        }
        names.extend(pairs.iter().map(|(f, _)| f.name.clone()));
        let Change { file, .. } = change;
        old.push((file.clone(), codegen::kept_apart(&change.old, pairs.iter().map(|(f, _)| f.whole.start))));
        new.push((file.clone(), codegen::kept_apart(&change.new, pairs.iter().map(|(_, f)| f.whole.start))));
    }
    if names.is_empty() {
        return Ok(undecided(String::from("no function body changes: there is nothing to compare")));
    }
    let stand = yard.stand_beside(Arm::Twin)?;
    let packages: BTreeSet<String> =
        changes.iter().filter_map(|c| yard.package_of(&c.file).transpose()).collect::<Result<_, _>>()?;
    let mut made = Vec::new();
    for (which, texts) in [("old", old), ("new", new)] {
        stand.put(yard, &texts)?;
        yard.step(&format!("compiling the {which} code of {} to assembly", rewrite.id));
        match assembly(yard, &stand, &packages, which)? {
            Ok(text) => made.push(text),
            Err(said) => return Ok(undecided(format!("the {which} code does not build alone: {said}"))),
        }
    }
    Ok(judged(codegen::compare(&made[0], &made[1], &names), rewrite.kind.is_neutral()))
}

/// How what is said of the same machine code begins.
const SAME: &str = "old and new are the same ";

/// True for evidence that old and new are the same machine code.
pub fn says_same(evidence: &Evidence) -> bool {
    evidence.rung == Rung::Codegen && evidence.detail.starts_with(SAME)
}

fn judged(compared: Compared, is_neutral: bool) -> Found {
    match compared {
        Compared::Same { functions, instructions } => {
            let of = if functions == 1 { String::new() } else { format!(" in {functions} functions") };
            let same = format!("{SAME}{instructions} instructions{of}: they are equivalent");
            match is_neutral {
                true => Found::new(RungState::Passed, format!("{same}, and as fast as each other")),
                false => Found::new(RungState::Failed, format!("{same}, and nothing can be won")),
            }
        }
        Compared::Different(old, new) => {
            Found::new(RungState::Passed, format!("{old} instructions become {new}, which says nothing of their time"))
        }
        Compared::Absent(name) => Found::new(
            RungState::Undecided,
            format!("{name} has no machine code of its own in its crate: it is generic, or nothing calls it"),
        ),
    }
}

/// The assembly of all crates of these packages; `Err` has the compiler's words.
fn assembly(
    yard: &Yard,
    stand: &Stand,
    packages: &BTreeSet<String>,
    which: &str,
) -> Result<Result<String, String>, Problem> {
    let folder = stand.slot.dir.join(format!("assembly-{which}"));
    files::empty_folder(&folder)?;
    let wrapper = stand.slot.dir.join("assembly.sh");
    files::write_program(&wrapper, &script(&folder))?;
    let mut args = vec!["build", "--profile", faster::profile(yard)];
    args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
    let command = stand.cargo.command(&args).env("RUSTC_WORKSPACE_WRAPPER", wrapper.to_string_lossy());
    let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    if !ended.ok() {
        let said = ended.tail.lines().find(|l| l.starts_with("error"));
        return Ok(Err(said.map_or_else(|| ended.words(), String::from)));
    }
    files::texts_of(&folder).map(Ok)
}

/// One unit per crate, so that which functions share one does not differ; cargo asks rustc for its version, too.
fn script(folder: &Path) -> String {
    let emit = format!("--emit=asm=\"{}/$CARGO_CRATE_NAME-$$.s\"", folder.display());
    format!(
        "#!/bin/sh\n[ -z \"$CARGO_CRATE_NAME\" ] && exec \"$@\"\n\
         exec \"$@\" --cap-lints allow -Ccodegen-units=1 -Cdebuginfo=0 {emit}\n"
    )
}
