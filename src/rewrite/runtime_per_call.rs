//! A runtime that a function builds on each call in; one that all its calls share out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("runtime-per-call"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let value = finding.capture("value").ok_or("the finding has no \"value\"")?;
    place::require_rust(file, 70, "`OnceLock`")?;
    let edits = match (finding.capture("name"), finding.capture("before")) {
        (Some(name), _) => shared(file, finding.range, file.slice(name), value).edits(),
        (None, Some(before)) => {
            if !lexer::comments(file.slice(value)).is_empty() {
                return Err("a comment stands where the runtime is built".to_owned());
            }
            let name = place::fresh_name(file, value, "rt");
            let at = TextRange { start: before.start, end: before.start };
            let mut edits = shared(file, at, &name, value).text("\n").edits();
            edits.push(TextEdit { range: value, text: name });
            place::merged(edits)
        }
        _ => return Err("the finding has no \"before\"".to_owned()),
    };
    Ok(Draft {
        title: format!("build the runtime of {} once", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the runtime is built of constants, and nothing but one `block_on` uses it"),
            holds("the future starts no task"),
            borrow("the runtime can be shared by the calls"),
        ],
        obligations: vec![
            "the runtime and its threads live as long as the process, and all calls share them".to_owned(),
            "what a call leaves open on the runtime goes on after it".to_owned(),
        ],
        ..Draft::default()
    })
}

/// The static, and its runtime under a name: built by the first call that needs it, and failing as before.
fn shared<'a>(file: &'a SourceFile, at: TextRange, name: &str, value: TextRange) -> Template<'a> {
    let spelled = |path: &[&str]| {
        if place::is_named(file, value, path) { path[path.len() - 1].to_owned() } else { path.join("::") }
    };
    let (once, ty) = (spelled(&["std", "sync", "OnceLock"]), spelled(&["tokio", "runtime", "Runtime"]));
    let kept = place::fresh_name(file, value, "RUNTIME");
    let made = place::fresh_name(file, value, "made");
    Template::new(file, at)
        .text(format!(
            "static {kept}: {once}<{ty}> = {once}::new();
let {name} = match {kept}.get() {{
    Some({name}) => {name},
    None => {{
        let {made} = "
        ))
        .keep_moved(value, 2)
        .text(format!(
            ";
        {kept}.get_or_init(|| {made})
    }}
}};"
        ))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "runtime-per-call";

    #[test]
    fn a_runtime_with_a_name_is_kept() {
        let rewrite = check(
            RULE,
            "use tokio::runtime::Runtime;

pub fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    // Of its own.
    let runtime = Runtime::new()?; // threads
    runtime.block_on(lookup(host))
}
",
            "use tokio::runtime::Runtime;

pub fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    // Of its own.
    static RUNTIME: std::sync::OnceLock<Runtime> = std::sync::OnceLock::new();
    let runtime = match RUNTIME.get() {
        Some(runtime) => runtime,
        None => {
            let made = Runtime::new()?;
            RUNTIME.get_or_init(|| made)
        }
    }; // threads
    runtime.block_on(lookup(host))
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_runtime_without_a_name_gets_one() {
        check(
            RULE,
            "pub fn total(ids: &[u64]) -> u64 {
    let sum = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect(\"runtime\")
        .block_on(add(ids));
    sum + 1
}
",
            "pub fn total(ids: &[u64]) -> u64 {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    let rt = match RUNTIME.get() {
        Some(rt) => rt,
        None => {
            let made = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect(\"runtime\");
            RUNTIME.get_or_init(|| made)
        }
    };
    let sum = rt
        .block_on(add(ids));
    sum + 1
}
",
        );
    }

    #[test]
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "fn f() -> u8 { tokio::runtime::Runtime::new() /* big */ .unwrap().block_on(g()) }",
            "a comment stands where the runtime is built",
        );
    }
}
