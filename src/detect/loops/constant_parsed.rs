//! Functions in; the constant texts that they parse anew on each call, out.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::parsed::parsed;
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("constant-parsed"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "constant text parsed anew on each call",
    explain: EXPLAIN,
    triggers: &["from_str", "from_slice", "parse", "parse_str"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds a `let` that parses a constant text (a literal, `include_str!`, a `const`) into a value that is only read:
`serde_json::from_str(RULES).expect(\"…\")`, `toml::from_str(include_str!(\"…\")).unwrap()`, `Url::parse(\"…\").unwrap()`,
`\"…\".parse::<Version>().unwrap()`.

## Why it costs

Each call reads the whole text, allocates every key, list and text in it, and frees them again, for a value that is the same
each time.

## Before

```rust
let rules: Rules = serde_json::from_str(RULES_JSON).expect(\"embedded\");
rules.by_country.get(country).cloned()
```

## After

```rust
static RULES: std::sync::LazyLock<Rules> =
    std::sync::LazyLock::new(|| serde_json::from_str(RULES_JSON).expect(\"embedded\"));
RULES.by_country.get(country).cloned()
```

It is parsed at the first use and lives as long as the program. A part that was moved out is cloned.

## When it is refused

The text is no constant; the failure is handled (then it is told to somebody); the value is changed, moved or returned; a part
that is moved out is of a type that is not declared in the workspace; the type speaks of the function's generics; it parses
in a few nanoseconds (numbers, addresses); the function builds its own type, or is `main`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        if function.is_test || function.sig.constness.is_some() {
            continue;
        }
        for parsed in parsed(file, &function) {
            let message = format!("`{}` is parsed from a constant text on each call", parsed.name);
            found.push(Fact::at(file, file.range(parsed.local)).note("message", message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    #[track_caller]
    fn fires_on(site: &str, rest: &str) {
        check_sites(&RULE, &format!("use url::Url; fn f(k: &str) -> bool {{ {site} {rest} }}"), &[site]);
    }

    #[track_caller]
    fn ignores_body(body: &str) {
        check_ignores(&RULE, &[&format!("use url::Url; fn f(k: &str) -> bool {{ {body} }}")]);
    }

    #[test]
    fn fires_on_constant_texts_that_are_parsed() {
        fires_on("let r: Rules = serde_json::from_str(RULES).expect(\"embedded\");", "r.names.contains(k)");
        fires_on("let r: Rules = serde_json::from_str(crate::cfg::RULES_2).unwrap();", "check(&r)");
        fires_on("let r = serde_json::from_str::<Rules>(include_str!(\"r.json\")).unwrap();", "r.get(k).is_some()");
        fires_on("let r: Rules = toml::from_str(include_str!(\"r.toml\")).unwrap();", "r.limit > k.len()");
        fires_on(
            "let r: Vec<String> = serde_json::from_slice(include_bytes!(\"r\")).unwrap();",
            "r.iter().any(|x| x == k)",
        );
        fires_on("let u = Url::parse(\"https://a.b\").unwrap();", "u.path() == k");
        fires_on("let v = \"1.2.3\".parse::<Version>().unwrap();", "v.major == 1");
        fires_on(
            "let r: Rules = serde_json::from_str(RULES).unwrap();",
            "match r.by.get(k) { Some(x) => g(x.clone()), None => g(r.other) }",
        );
        fires_on("let r: serde_json::Value = serde_json::from_str(\"{}\").unwrap();", "r[k].is_null()");
    }

    #[test]
    fn ignores_texts_that_are_no_constants() {
        ignores_body("let r: Rules = serde_json::from_str(k).unwrap(); r.a");
        ignores_body("let r: Rules = serde_json::from_str(&text).unwrap(); r.a");
        ignores_body("let r: Rules = serde_json::from_str(&read(PATH)).unwrap(); r.a");
        ignores_body("let r: Rules = serde_json::from_str(Self::text()).unwrap(); r.a");
        ignores_body("let r: Rules = load(RULES).unwrap(); r.a");
    }

    #[test]
    fn ignores_what_is_changed_moved_or_returned() {
        ignores_body("let mut r: Rules = serde_json::from_str(RULES).unwrap(); r.a = 1; r.a");
        ignores_body("let r: Rules = serde_json::from_str(RULES).unwrap(); g(r)");
        ignores_body("let r: Rules = serde_json::from_str(RULES).unwrap(); S { r }.ok()");
        ignores_body("let r: Vec<u8> = serde_json::from_str(RULES).unwrap(); for x in r { g(x); } true");
        ignores_body("let r: Rules = serde_json::from_str(RULES).unwrap(); r.into_map().ok()");
        ignores_body("let r: Rules = serde_json::from_str(RULES).unwrap(); send!(r)");
        ignores_body("let r: Rules = serde_json::from_str(RULES).unwrap(); println!(\"{r}\"); true");
    }

    #[test]
    fn ignores_failures_that_are_told_and_cheap_parsers() {
        ignores_body("let r: Rules = serde_json::from_str(RULES)?; r.a");
        ignores_body("let r: Rules = serde_json::from_str(RULES).unwrap_or_default(); r.a");
        ignores_body("let n: u64 = \"10\".parse().unwrap(); n > 1");
        ignores_body("let a = \"127.0.0.1\".parse::<IpAddr>().unwrap(); a.is_loopback()");
    }

    #[test]
    fn ignores_what_runs_once() {
        check_ignores(
            &RULE,
            &[
                "fn main() { let r: Rules = serde_json::from_str(RULES).unwrap(); serve(&r); }",
                "fn f() { static R: OnceLock<u8> = OnceLock::new(); R.get_or_init(|| { let r: Rules = serde_json::from_str(RULES).unwrap(); r.a }); }",
                "impl Rules { fn new() -> Self { let r: Raw = serde_json::from_str(RULES).unwrap(); Rules { a: r.a } } }",
                "impl Rules { fn load() -> Result<Rules, E> { let r: Raw = serde_json::from_str(RULES).unwrap(); Ok(Rules { a: r.a }) } }",
                "fn f<T: DeserializeOwned>() -> u8 { let r: T = serde_json::from_str(RULES).unwrap(); r.len() }",
                "#[test] fn f() { let r: Rules = serde_json::from_str(RULES).unwrap(); g(&r); }",
            ],
        );
    }
}
