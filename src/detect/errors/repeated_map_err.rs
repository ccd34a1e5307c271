//! Conversions spelled out by hand in; those out that one `impl From` would say once.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::SourceFile;
use crate::source::conversions::{Clue, Conversion, What, clues, join};
use crate::source::declarations::Known;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("repeated-map-err"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "the same error wrapped by hand in several places",
    explain: EXPLAIN,
    triggers: &["map_err", "Err", "From"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds the same `.map_err(MyError::Json)?`, `.map_err(|e| MyError::Json(e))?` or
`match … { Ok(v) => v, Err(e) => return Err(MyError::Json(e)) }` two or more times in the workspace, where the variant
holds just the source error; once is enough where the `impl From` (or thiserror's `#[from]`) exists. One proposal adds the `impl`
and changes all places; where it exists, each function has a proposal of its own.

## Why it costs

It costs no time: the rewrite is neutral in speed and is never counted as a saving. One `impl From` says what the places
repeat, and the places then read as what they do.

## Before

```rust
let order = serde_json::from_slice(&body).map_err(GatewayError::Json)?;
let rules = serde_json::from_str(&text).map_err(|e| GatewayError::Json(e))?;
```

## After

```rust
impl From<serde_json::Error> for GatewayError {
    fn from(error: serde_json::Error) -> Self {
        GatewayError::Json(error)
    }
}

let order = serde_json::from_slice(&body)?;
let rules = serde_json::from_str(&text)?;
```

Where that `impl From` stands already, only the places change. A new `From` for a public error adds to its interface.

## When it is refused

Another variant holds the same source type (two meanings, one `From`); an `impl From` for it does something else, or is
generic; the closure adds context; the function returns another error than the enum; the enum is generic, or another enum
of the workspace has its name; a comment between the call and `?` would be lost.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    clues(file).iter().map(|clue| fact(file, clue)).collect()
}

fn fact(file: &SourceFile, clue: &Clue) -> Fact {
    let word = What::WORDS.iter().find(|(what, _)| *what == clue.what).map_or("", |(_, word)| word);
    let mut fact = Fact::at(file, clue.site);
    fact.captures = vec![("kept", clue.kept)];
    fact.notes = vec![
        ("what", word.to_string()),
        ("target", clue.target.clone()),
        ("variant", clue.variant.clone()),
        ("source", clue.source.clone()),
        ("canonical", clue.canonical.clone()),
    ];
    fact
}

fn clue(fact: &Fact) -> Option<Clue> {
    let what = What::WORDS.iter().find(|(_, word)| *word == fact.word("what").unwrap_or_default())?.0;
    Some(Clue {
        what,
        site: fact.site,
        kept: fact.captures.iter().find(|(name, _)| *name == "kept")?.1,
        target: fact.word("target").unwrap_or_default().to_string(),
        variant: fact.word("variant").unwrap_or_default().to_string(),
        source: fact.word("source").unwrap_or_default().to_string(),
        canonical: fact.word("canonical").unwrap_or_default().to_string(),
    })
}

fn judge(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
    let files: Vec<Vec<Clue>> = facts.iter().map(|file| file.facts.iter().filter_map(clue).collect()).collect();
    join(&files).iter().flat_map(|conversion| findings(rule, facts, conversion)).collect()
}

/// One finding stands for all places, reported at the first; where the `From` exists, each function has its own.
fn findings(rule: &Rule, facts: &[FileFacts], conversion: &Conversion) -> Vec<Finding> {
    let fact_of = |(index, site): &(usize, Clue)| {
        let fact = facts[*index].facts.iter().find(|fact| clue(fact).as_ref() == Some(site))?;
        Some((*index, site.kept, fact))
    };
    let sites: Vec<(usize, TextRange, &Fact)> = conversion.sites.iter().filter_map(fact_of).collect();
    let is_same = |a: &(usize, TextRange, &Fact), b: &(usize, TextRange, &Fact)| {
        !conversion.exists || (a.0 == b.0 && a.2.function == b.2.function)
    };
    let firsts = sites.iter().enumerate().filter(|(at, site)| !sites[..*at].iter().any(|before| is_same(before, site)));
    firsts
        .map(|(_, first)| {
            let count = sites.iter().filter(|site| is_same(first, site)).count();
            let mut fact = first.2.clone();
            fact.captures = vec![("fallible", first.1)];
            rule.finding(&facts[first.0].file, &fact, message(conversion, count))
        })
        .collect()
}

fn message(conversion: &Conversion, count: usize) -> String {
    let Conversion { target, variant, .. } = conversion;
    let once = if conversion.exists { "the `From` that exists says it" } else { "one `impl From` says it once" };
    let places = if count == 1 { "one place".to_owned() } else { format!("{count} places") };
    format!("an error is wrapped in `{target}::{variant}` by hand in {places}: {once}")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    const ERROR: &str = "enum E { Io(io::Error), Json(serde_json::Error) }";

    #[track_caller]
    fn fires_on(rest: &str, first: &str) {
        check_sites(&RULE, &format!("{ERROR} {rest}"), &[first]);
    }

    #[track_caller]
    fn ignores_text(text: &str) {
        check_ignores(&RULE, &[text]);
    }

    fn twice(error: &str, conversion: &str) -> String {
        format!("{error} fn f() -> Result<u8, E> {{ let a = g(){conversion}?; let b = g(){conversion}?; Ok(a + b) }}")
    }

    #[test]
    fn fires_on_paths_closures_and_matches_alike() {
        let body = "fn f() -> Result<u8, E> { a().map_err(E::Io)?; b().map_err(|e| E::Io(e))?; Ok(1) }";
        fires_on(body, "a().map_err(E::Io)");
        let ladder = "match a() { Ok(v) => v, Err(e) => return Err(E::Io(e)) }";
        fires_on(&format!("fn f() -> Result<u8, E> {{ let v = {ladder}; b().map_err(E::Io)?; Ok(v) }}"), ladder);
    }

    #[test]
    fn fires_through_an_alias_of_result_and_in_annotated_closures() {
        fires_on(
            "type Result<T> = std::result::Result<T, E>; fn f() -> Result<u8> { a().map_err(E::Io)?; b().map_err(E::Io)?; Ok(1) }",
            "a().map_err(E::Io)",
        );
        fires_on(
            "fn f() { let c = || -> Result<u8, E> { a().map_err(E::Io)?; b().map_err(E::Io)?; Ok(1) }; }",
            "a().map_err(E::Io)",
        );
    }

    #[test]
    fn fires_where_the_trivial_from_exists_already() {
        let from = "impl From<io::Error> for E { fn from(e: io::Error) -> Self { E::Io(e) } }";
        check_sites(&RULE, &twice(&format!("{ERROR} {from}"), ".map_err(E::Io)"), &["g().map_err(E::Io)"]);
    }

    #[test]
    fn fires_on_a_single_place_where_the_from_exists() {
        let derived = "#[derive(thiserror::Error)] enum E { #[error(\"io\")] Io(#[from] io::Error), Text(String) }";
        check_sites(
            &RULE,
            &format!("{derived} fn f() -> Result<u8, E> {{ Ok(a().map_err(E::Io)?) }}"),
            &["a().map_err(E::Io)"],
        );
        let ladder = "match a(&mut b) { Ok(_) => {} Err(e) => return Err(E::Io(e)) }";
        check_sites(&RULE, &format!("{derived} fn f() -> Result<u8, E> {{ {ladder} Ok(1) }}"), &[ladder]);
        let looked_for = "if let Err(e) = a(&mut b) { return Err(E::Io(e)); }";
        check_sites(&RULE, &format!("{derived} fn f() -> Result<u8, E> {{ {looked_for} Ok(1) }}"), &[looked_for]);
        ignores_text(&format!("{derived} fn f() -> Result<u8, E> {{ Ok(a().map_err(|e| E::Text(e.to_string()))?) }}"));
        ignores_text(&format!(
            "{derived} fn f() -> Result<u8, E> {{ let r = a(); if let Err(e) = r {{ return Err(E::Io(e)); }} Ok(1) }}"
        ));
    }

    #[test]
    fn fires_in_each_function_where_the_from_exists() {
        let derived = "#[derive(thiserror::Error)] enum E { #[error(\"io\")] Io(#[from] io::Error), Text(String) }";
        let functions = "fn f() -> Result<u8, E> { a().map_err(E::Io)?; b().map_err(E::Io)?; Ok(1) } \
                         fn g() -> Result<u8, E> { c().map_err(|e| E::Io(e))?; Ok(1) }";
        let expected = ["a().map_err(E::Io)", "c().map_err(|e| E::Io(e))"];
        check_sites(&RULE, &format!("{derived} {functions}"), &expected);
        // One `impl` is one change.
        let plain = "enum E { Io(io::Error), Text(String) }";
        check_sites(&RULE, &format!("{plain} {functions}"), &["a().map_err(E::Io)"]);
    }

    #[test]
    fn ignores_a_single_place() {
        ignores_text(&format!("{ERROR} fn f() -> Result<u8, E> {{ Ok(a().map_err(E::Io)?) }}"));
        ignores_text(&format!("{ERROR} fn f() -> Result<u8, E> {{ a().map_err(E::Io)?; Ok(b().map_err(E::Json)?) }}"));
    }

    #[test]
    fn ignores_two_variants_of_one_source() {
        ignores_text(&twice("enum E { Io(io::Error), Net(std::io::Error) }", ".map_err(E::Io)"));
        ignores_text(&twice("use std::io::Error; enum E { Io(io::Error), Net(Error) }", ".map_err(E::Io)"));
    }

    #[test]
    fn ignores_a_from_that_does_something_else() {
        let other = "impl From<std::io::Error> for E { fn from(e: std::io::Error) -> Self { E::Text(e.to_string()) } }";
        ignores_text(&twice(&format!("enum E {{ Io(io::Error), Text(String) }} {other}"), ".map_err(E::Io)"));
        let generic = "impl<T: Display> From<T> for E { fn from(e: T) -> Self { E::Text(e.to_string()) } }";
        ignores_text(&twice(&format!("enum E {{ Io(io::Error), Text(String) }} {generic}"), ".map_err(E::Io)"));
    }

    #[test]
    fn ignores_context_and_other_shapes() {
        ignores_text(&twice(
            "enum E { Io { path: PathBuf, source: io::Error } }",
            ".map_err(|e| E::Io { path, source: e })",
        ));
        ignores_text(&twice("enum E { Io(&'static str, io::Error) }", ".map_err(|e| E::Io(\"read\", e))"));
        ignores_text(&twice(ERROR, ".map_err(|_| E::Io(other))"));
        ignores_text(&twice("enum E { Io(io::ErrorKind) }", ".map_err(|e| E::Io(e.kind()))"));
    }

    #[test]
    fn ignores_functions_that_return_another_error() {
        ignores_text(&format!(
            "{ERROR} fn f() -> Result<u8, Outer> {{ a().map_err(E::Io)?; b().map_err(E::Io)?; Ok(1) }}"
        ));
        ignores_text(&format!(
            "{ERROR} fn f() {{ let c = async {{ a().map_err(E::Io)?; b().map_err(E::Io)?; Ok(1) }}; }}"
        ));
    }

    #[test]
    fn ignores_a_result_that_is_handed_on_whole() {
        ignores_text(&format!(
            "{ERROR} fn f() -> Result<u8, E> {{ a().map_err(E::Io) }} fn h() -> Result<u8, E> {{ b().map_err(E::Io) }}"
        ));
    }

    #[test]
    fn ignores_two_enums_of_one_name() {
        ignores_text(&twice(
            "mod a { enum E { Io(io::Error) } } mod b { enum E { Io(io::Error) } }",
            ".map_err(E::Io)",
        ));
    }

    #[test]
    fn ignores_tests() {
        ignores_text(&twice(ERROR, ".map_err(E::Io)").replace("fn f()", "#[test] fn f()"));
    }
}
