//! The feature sets that the manifests allow: what the compiler says of the base in each in, and what a candidate adds, out.

use super::{Climb, Found, compiles};
use crate::effects::cargo::{self, Features};
use crate::effects::files;
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Diagnostic, Problem, RungState};
use crate::verify::diagnostics;

/// Checks the base with all features and with none, where the packages have any; what it does not compile with is not asked
/// of a candidate either.
///
/// # Errors
/// No cargo.
pub fn check_base(yard: &Yard, base: &Stand, packages: &[String]) -> Result<(), Problem> {
    let mut known = Vec::new();
    for features in allowed(yard, packages)? {
        if yard.ear.cancel.is_cancelled() {
            return Ok(());
        }
        if let Some(said) = of_base(yard, base, packages, &features)? {
            known.push((features, said));
        }
    }
    let _ = yard.sets.set(known);
    Ok(())
}

fn allowed(yard: &Yard, packages: &[String]) -> Result<Vec<Features>, Problem> {
    let (mut sets, chosen) = (Vec::new(), &yard.workspace.slo.code.features);
    if yard.packages_named(packages)?.any(|p| p.has_features) {
        sets.push(Features::All);
    }
    if yard.packages_named(packages)?.any(|p| p.has_defaults) || chosen.iter().any(|f| f != "default") {
        sets.push(Features::None);
    }
    Ok(sets)
}

/// What the compiler says of the base; `None` where it does not compile. A tree that was asked about is not asked again.
fn of_base(
    yard: &Yard,
    base: &Stand,
    packages: &[String],
    features: &Features,
) -> Result<Option<Vec<Diagnostic>>, Problem> {
    let of = format!("{} {} {features:?} {packages:?}", yard.base.tree, yard.compiler()?);
    let kept = yard.slots.dir().join(format!("checked-{}", &files::hash(of.as_bytes()).0[..16]));
    let read = |text: String| match text.split_once('\n') {
        Some(("compiles", out)) => Some(Some(cargo::diagnostics(out, &base.cargo.prefix))),
        Some(("does not compile", _)) => Some(None),
        _ => None,
    };
    if let Some(known) = files::read_text(&kept, "kept diagnostics").ok().and_then(read) {
        return Ok(known);
    }
    yard.step(&format!("cargo check with {} (base)", features.word()));
    let checked = yard.check_with(features, base, packages)?;
    let is_known = diagnostics::machine_fault(&format!("{}{}", checked.ended.out, checked.ended.tail)).is_none();
    if is_known && !yard.ear.cancel.is_cancelled() {
        let word = if checked.ended.ok() { "compiles" } else { "does not compile" };
        files::write_atomic(&kept, format!("{word}\n{}", checked.ended.out).as_bytes())?;
    }
    Ok(checked.ended.ok().then_some(checked.diagnostics))
}

/// What the compiler has against the candidate that stands in its slot, in the first set in which it has anything.
///
/// # Errors
/// No cargo.
pub fn refuted(climb: &Climb, packages: &[String]) -> Result<Option<Found>, Problem> {
    let yard = climb.yard;
    for (features, base) in yard.sets.get().into_iter().flatten() {
        if yard.ear.cancel.is_cancelled() {
            break;
        }
        yard.step(&format!("cargo check with {} ({})", features.word(), climb.rewrite.id));
        let checked = yard.check_with(features, climb.candidate, packages)?;
        if let Some(found) = compiles::refuted(&diagnostics::added(base, &checked.diagnostics), &checked) {
            let detail = match found.state {
                RungState::Failed => format!("with {}: {}", features.word(), found.detail),
                _ => found.detail.clone(),
            };
            return Ok(Some(Found { detail, ..found }));
        }
    }
    Ok(None)
}

/// What is said beside evidence of a candidate that compiles: the other sets in which it does.
pub fn said(yard: &Yard) -> String {
    let words: Vec<&str> = yard.sets.get().into_iter().flatten().map(|(features, _)| features.word()).collect();
    if words.is_empty() { String::new() } else { format!(", with {} too", words.join(" and with ")) }
}
