//! A pause behind each try in; a pause behind each but the last out.

use super::{Draft, Recipe, file_of, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::names::peel;
use crate::source::{self, SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("pause-after-last-try"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (pattern, range) = (captured("pattern")?, captured("range")?);
    let written = file.slice(pattern);
    let is_named = !written.starts_with('_');
    let name = if is_named { written.to_owned() } else { place::fresh_name(file, finding.range, "attempt") };
    let expr = source::expr_at(file, range).ok_or("the loop changed")?;
    let condition = condition(file, expr, &name).ok_or("the number of tries is not known")?;
    let template = Template::new(file, finding.range).text(format!("if {condition} {{\n    "));
    let mut edits = template.keep_moved(finding.range, 1).text("\n}").edits();
    if !is_named {
        edits.push(TextEdit { range: pattern, text: name });
    }
    Ok(Draft {
        title: format!("do not pause behind the last try of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("nothing but a failure follows the loop, and nothing is tried behind its last pause"),
            holds("the length of the pause is computed without an effect"),
        ],
        obligations: vec!["the failure is told one pause sooner: nobody relies on the wait".to_owned()],
        ..Draft::default()
    })
}

/// True in every round but the last.
fn condition(file: &SourceFile, range: &syn::Expr, name: &str) -> Option<String> {
    let syn::Expr::Range(range) = peel(range) else { return None };
    let end = range.end.as_deref()?;
    let shown = file.text_of(end);
    if matches!(range.limits, syn::RangeLimits::Closed(_)) {
        return Some(format!("{name} < {shown}"));
    }
    match end {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) => {
            let last = n.base10_parse::<u64>().ok()?.checked_sub(1)?;
            Some(format!("{name} < {last}"))
        }
        _ => Some(format!("{name} + 1 < {shown}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "pause-after-last-try";

    #[test]
    fn the_last_pause_is_left_out() {
        check(
            RULE,
            "async fn deliver() -> Result<()> {
    let mut pause = Duration::from_millis(100);
    for attempt in 1..=3u32 {
        if once().await? {
            return Ok(());
        }
        // Give it time.
        tokio::time::sleep(pause).await; // longer each time
        pause *= 2;
    }
    Err(Error::Busy)
}
",
            "async fn deliver() -> Result<()> {
    let mut pause = Duration::from_millis(100);
    for attempt in 1..=3u32 {
        if once().await? {
            return Ok(());
        }
        // Give it time.
        if attempt < 3u32 {
            tokio::time::sleep(pause).await;
        } // longer each time
        pause *= 2;
    }
    Err(Error::Busy)
}
",
        );
        check(
            RULE,
            "fn f() -> R {
    for _ in 0..TRIES {
        match once() {
            Ok(v) => return Ok(v),
            Err(e) => {
                warn!(\"{e}\");
                std::thread::sleep(PAUSE);
            }
        }
    }
    Err(Error::Busy)
}
",
            "fn f() -> R {
    for attempt in 0..TRIES {
        match once() {
            Ok(v) => return Ok(v),
            Err(e) => {
                warn!(\"{e}\");
                if attempt + 1 < TRIES {
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }
    Err(Error::Busy)
}
",
        );
    }

    #[test]
    fn no_tries_at_all_are_refused() {
        check_refuses(
            RULE,
            "fn f() -> R { for n in 0..0 { if ok() { return Ok(()); } std::thread::sleep(P); } Err(E) }",
            "the number of tries is not known",
        );
    }
}
