//! Functions in; the tables of literals out that they build anew each time they are called and only read.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::declarations::Known;
use crate::source::functions::Function;
use crate::source::tables::{Table, tables};
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("constant-table-rebuilt"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "table of literals built anew on each call",
    explain: EXPLAIN,
    triggers: &["HashMap", "HashSet", "BTreeMap", "BTreeSet", "Vec", "vec", "Regex"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds a local `HashMap`, `HashSet`, `BTreeMap`, `BTreeSet` or `Vec` that is filled with nothing but literals, by
`from([…])`, by `vec![…]`, or by `insert`s and `push`es right after `new()`, and is only read afterwards.

## Why it costs

Each call allocates the table, hashes every key and frees it again, for one or two look-ups.

## Before

```rust
let decimals: HashMap<&str, u32> = HashMap::from([(\"EUR\", 2), (\"JPY\", 0)]);
decimals.get(currency).copied()
```

## After

```rust
static DECIMALS: std::sync::LazyLock<HashMap<&str, u32>> =
    std::sync::LazyLock::new(|| HashMap::from([(\"EUR\", 2), (\"JPY\", 0)]));
DECIMALS.get(currency).copied()
```

It is built at the first use and lives as long as the program. The static stands where the `let` stood. The iteration
order of a hash map is then one order for the whole run instead of one for each call; it was never specified.

## When it is refused

An entry is not a literal, an enum variant or a constant; the table is changed, moved or returned later; its type is not
written down and its literals do not tell it; its type speaks of the function's generics or of `Self`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        if function.is_test || function.sig.constness.is_some() || runs_once(&function) {
            continue;
        }
        for table in tables(function.block) {
            found.push(fact(file, &table));
        }
    }
    found
}

/// `main` builds its tables once.
fn runs_once(function: &Function<'_>) -> bool {
    function.sig.ident == "main" && function.self_ty.is_none()
}

fn fact(file: &SourceFile, table: &Table<'_>) -> Fact {
    let first = file.range(table.binding);
    let mut fact = Fact::at(file, first);
    fact.captures.push(("binding", first));
    fact.notes.push(("collection", table.collection.clone()));
    fact.notes.push(("entries", table.entries.to_string()));
    fact
}

fn judge(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
    let one = |file: &FileFacts, fact: &Fact| {
        let (collection, entries) =
            (fact.word("collection").unwrap_or_default(), fact.word("entries").unwrap_or_default());
        let what = if collection == "Vec" { "allocated and filled" } else { "allocated, filled and hashed" };
        rule.finding(&file.file, fact, format!("a {collection} of {entries} literals is {what} on each call"))
    };
    facts.iter().flat_map(|file| file.facts.iter().map(move |fact| one(file, fact))).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    #[track_caller]
    fn fires_on(body: &str, site: &str) {
        check_sites(&RULE, &format!("fn f(key: &str) -> bool {{ {body} }}"), &[site]);
    }

    #[track_caller]
    fn ignores_body(body: &str) {
        check_ignores(&RULE, &[&format!("fn f(key: &str) -> bool {{ {body} }}")]);
    }

    #[test]
    fn fires_on_from_vec_and_inserts_of_literals() {
        let from = r#"let t: HashMap<&str, u32> = HashMap::from([("a", 1), ("b", 2)]);"#;
        fires_on(&format!(r#"{from} t.contains_key(key)"#), from);
        let set = r#"let t = HashSet::from(["a", "b"]);"#;
        fires_on(&format!("{set} !t.contains(key)"), set);
        let collected = r#"let t: HashSet<&str> = ["a", "b"].into_iter().collect();"#;
        fires_on(&format!("{collected} t.contains(key)"), collected);
        let list = r#"let t = vec!["a", "b"];"#;
        fires_on(&format!("{list} t.iter().any(|x| *x == key)"), list);
        let filled = "let mut t: HashMap<&str, f64> = HashMap::new();";
        fires_on(&format!(r#"{filled} t.insert("a", 1.0); t.insert("b", -2.0); t.get(key).is_some()"#), filled);
    }

    #[test]
    fn fires_on_variants_and_owned_texts_of_literals() {
        let from = r#"let t: HashMap<String, Zone> = HashMap::from([("a".to_string(), Zone::Near), (String::from("b"), Zone::Far)]);"#;
        fires_on(&format!("{from} t.contains_key(key)"), from);
    }

    #[test]
    fn ignores_entries_that_are_computed() {
        ignores_body(r#"let t = HashMap::from([("a", 1), (key, 2)]); t.contains_key(key)"#);
        ignores_body(r#"let t = HashMap::from([("a", g()), ("b", 2)]); t.contains_key(key)"#);
        ignores_body(r#"let mut t = HashMap::new(); t.insert("a", 1); t.insert(key, 2); t.contains_key(key)"#);
        ignores_body("let t = vec![0.0; key.len()]; t.is_empty()");
        ignores_body(r#"let t: HashSet<&str> = ["a", key].into_iter().collect(); t.contains(key)"#);
        ignores_body(r#"let t: HashSet<String> = ["a", "b"].iter().map(f).collect(); t.contains(key)"#);
    }

    #[test]
    fn ignores_tables_that_change_later() {
        ignores_body(r#"let mut t = HashMap::from([("a", 1), ("b", 2)]); t.insert(key, 2); t.contains_key(key)"#);
        ignores_body(r#"let mut t = HashMap::from([("a", 1), ("b", 2)]); t.remove(key); t.is_empty()"#);
        ignores_body(r#"let mut t = vec!["a", "b"]; g(&mut t); t.is_empty()"#);
        ignores_body(r#"let mut t = vec!["a", "b"]; t[0] = key; t.is_empty()"#);
        ignores_body(
            r#"let mut t = HashMap::new(); t.insert("a", 1); t.insert("b", 2); for k in ks { t.insert(k, 3); } t.is_empty()"#,
        );
    }

    #[test]
    fn ignores_tables_that_are_given_away() {
        ignores_body(r#"let t = vec!["a", "b"]; g(t)"#);
        ignores_body(r#"let t = vec!["a", "b"]; for x in t { g(x); } true"#);
        ignores_body(r#"let t = vec!["a", "b"]; t.into_iter().any(|x| x == key)"#);
        ignores_body(r#"let t = vec!["a", "b"]; S { t }.ok()"#);
        ignores_body(r#"let t = vec!["a", "b"]; select!(t)"#);
    }

    #[test]
    fn ignores_accumulators_and_tiny_tables() {
        ignores_body("let mut t = Vec::new(); for x in xs { t.push(x); } t.is_empty()");
        ignores_body("let t: Vec<u8> = vec![]; t.is_empty()");
        ignores_body(r#"let t = vec!["a"]; t.contains(&key)"#);
    }

    #[test]
    fn ignores_arrays_statics_main_and_tests() {
        ignores_body(r#"let t = ["a", "b"]; t.contains(&key)"#);
        ignores_body(
            r#"static T: LazyLock<HashSet<&str>> = LazyLock::new(|| { let t = HashSet::from(["a", "b"]); t }); T.contains(key)"#,
        );
        check_ignores(&RULE, &[r#"fn main() { let t = HashSet::from(["a", "b"]); t.contains("a"); }"#]);
        check_ignores(&RULE, &[r#"#[test] fn f() { let t = HashSet::from(["a", "b"]); t.contains("a"); }"#]);
    }
}
