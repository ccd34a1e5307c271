//! A table of literals that a function builds on each call in; a static that builds it once out.

use super::lazy_regex::{free_name, is_local, preconditions, static_head};
use super::{Draft, Recipe, file_of, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::{Function, functions};
use crate::source::names::{Use, screaming};
use crate::source::tables::{Table, is_whole, likely_type, tables, told_type};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("constant-table-rebuilt"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_rust(file, 80, "`LazyLock`")?;
    let all = functions(file);
    let mut found = all.iter().flat_map(|function| tables(function.block).into_iter().map(move |t| (function, t)));
    let (function, table) = found
        .find(|(_, table)| file.range(table.binding) == finding.range)
        .ok_or("the table is no longer built where it was found")?;
    let ty = type_of(file, function, &table)?;
    let mut edits = built_once(file, &table, &ty);
    let name = free_name(file, finding.range, &screaming(&table.name.to_string()));
    for found in &table.uses {
        let text = match found.how {
            Use::Borrow | Use::Format => format!("*{name}"),
            _ => name.clone(),
        };
        edits.push(TextEdit { range: file.range(&found.ident), text });
    }
    Ok(Draft {
        title: format!("build the table {} of {} once", table.name, short(&finding.function)),
        edits: vec![(finding.file.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: preconditions(file, "every entry is a literal or a constant, and nothing changes the table"),
        ..Draft::default()
    })
}

fn type_of(file: &SourceFile, function: &Function<'_>, table: &Table<'_>) -> Result<String, String> {
    let ty = match table.annotation {
        Some(ty) if is_whole(ty, &table.collection) => Some(file.text_of(ty).to_string()),
        Some(_) => None,
        None => told_type(table).or_else(|| likely_type(table, &function.sig.output)),
    };
    let name = table.name;
    let ty = ty.ok_or_else(|| {
        format!("the type of `{name}` is not written down, and its literals do not tell it: annotate the `let`")
    })?;
    if is_local(function, &ty) {
        return Err(format!("the type of `{name}` speaks of what only the function knows: `{ty}`"));
    }
    Ok(ty)
}

fn built_once(file: &SourceFile, table: &Table<'_>, ty: &str) -> Vec<TextEdit> {
    let binding = file.range(table.binding);
    let name = free_name(file, binding, &screaming(&table.name.to_string()));
    let head = |value: &str| static_head(file, binding, &name, ty, value);
    let Some(last) = table.fills.last() else {
        let init = file.range(table.init);
        let template = Template::new(file, binding);
        return if file.slice(init).contains('\n') {
            template.text(format!("{}{{\n    ", head("\n"))).keep_moved(init, 1).text("\n});").edits()
        } else {
            template.text(head(file.slice(init))).keep(init).text(");").edits()
        };
    };
    let filled = TextRange { start: binding.start, end: file.range(*last).end };
    let value = format!("\n    {}\n}});", table.name);
    Template::new(file, filled).text(format!("{}{{\n    ", head("\n"))).keep_moved(filled, 1).text(value).edits()
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "constant-table-rebuilt";

    #[test]
    fn a_table_on_one_line_becomes_a_static() {
        let rewrite = check(
            RULE,
            "fn f(key: &str) -> Option<u8> {\n    let zones: HashMap<&str, u8> = HashMap::from([(\"a\", 1), (\"b\", 2)]);\n    zones.get(key).copied()\n}\n",
            "fn f(key: &str) -> Option<u8> {\n    static ZONES: std::sync::LazyLock<HashMap<&str, u8>> =\n        std::sync::LazyLock::new(|| HashMap::from([(\"a\", 1), (\"b\", 2)]));\n    ZONES.get(key).copied()\n}\n",
        );
        assert_eq!(rewrite.title, "build the table zones of pay::f once");
    }

    #[test]
    fn a_table_on_several_lines_keeps_its_comments_and_moves_inwards() {
        check(
            RULE,
            "fn f(key: &str) -> bool {\n    // Inside the customs border.\n    let inside = HashSet::from([\n        \"AT\", // Austria\n        \"BE\",\n    ]);\n    !inside.contains(key)\n}\n",
            "fn f(key: &str) -> bool {\n    // Inside the customs border.\n    static INSIDE: std::sync::LazyLock<HashSet<&str>> = std::sync::LazyLock::new(|| {\n        HashSet::from([\n            \"AT\", // Austria\n            \"BE\",\n        ])\n    });\n    !INSIDE.contains(key)\n}\n",
        );
    }

    #[test]
    fn a_table_filled_by_inserts_keeps_every_line() {
        check(
            RULE,
            "fn f(key: &str) -> Option<f64> {\n    let mut rates: HashMap<&str, f64> = HashMap::new();\n    rates.insert(\"AUD\", 0.6);\n\n    // Dear.\n    rates.insert(\"CHF\", 1.1);\n    show(&rates);\n    for (name, rate) in &rates {\n        println!(\"{name} {rate} {:?}\", rates);\n    }\n    Some(rates[key])\n}\n",
            "fn f(key: &str) -> Option<f64> {\n    static RATES: std::sync::LazyLock<HashMap<&str, f64>> = std::sync::LazyLock::new(|| {\n        let mut rates: HashMap<&str, f64> = HashMap::new();\n        rates.insert(\"AUD\", 0.6);\n\n        // Dear.\n        rates.insert(\"CHF\", 1.1);\n        rates\n    });\n    show(&*RATES);\n    for (name, rate) in &*RATES {\n        println!(\"{name} {rate} {:?}\", *RATES);\n    }\n    Some(RATES[key])\n}\n",
        );
    }

    #[test]
    fn a_list_whose_literals_tell_its_type_needs_no_annotation() {
        check(
            RULE,
            "fn f(key: &str) -> bool {\n    let names = vec![\"a\", \"b\"];\n    names.iter().any(|name| *name == key)\n}\n",
            "fn f(key: &str) -> bool {\n    static NAMES: std::sync::LazyLock<Vec<&str>> = std::sync::LazyLock::new(|| vec![\"a\", \"b\"]);\n    NAMES.iter().any(|name| *name == key)\n}\n",
        );
    }

    #[test]
    fn numbers_are_of_the_type_that_the_function_gives_back() {
        check(
            RULE,
            "fn minor(currency: &str) -> Option<u32> {
    let mut table = HashMap::new();
    table.insert(\"USD\", 2);
    table.insert(\"JPY\", 0);
    table.get(currency).copied()
}
",
            "fn minor(currency: &str) -> Option<u32> {
    static TABLE: std::sync::LazyLock<HashMap<&str, u32>> = std::sync::LazyLock::new(|| {
        let mut table = HashMap::new();
        table.insert(\"USD\", 2);
        table.insert(\"JPY\", 0);
        table
    });
    TABLE.get(currency).copied()
}
",
        );
    }

    #[test]
    fn a_list_of_regexes_is_compiled_once() {
        check(
            RULE,
            "fn lint(text: &str) -> bool {
    let checks = [
        (Regex::new(\"^A\").unwrap(), true),
        (Regex::new(\"B$\").unwrap(), false),
    ];
    for (re, wanted) in &checks {
        if re.is_match(text) != *wanted {
            return false;
        }
    }
    true
}
",
            "fn lint(text: &str) -> bool {
    static CHECKS: std::sync::LazyLock<[(Regex, bool); 2]> = std::sync::LazyLock::new(|| {
        [
            (Regex::new(\"^A\").unwrap(), true),
            (Regex::new(\"B$\").unwrap(), false),
        ]
    });
    for (re, wanted) in &*CHECKS {
        if re.is_match(text) != *wanted {
            return false;
        }
    }
    true
}
",
        );
    }

    #[test]
    fn a_type_that_nothing_tells_is_refused() {
        check_refuses(
            RULE,
            "fn f(key: &str) -> bool {\n    let t = HashMap::from([(\"a\".into(), 1), (\"b\".into(), 2)]);\n    t.contains_key(key)\n}\n",
            "the type of `t` is not written down, and its literals do not tell it: annotate the `let`",
        );
    }

    #[test]
    fn a_type_of_the_function_is_refused() {
        check_refuses(
            RULE,
            "fn f<'a, T>(key: &'a str) -> bool {\n    let t: HashMap<&'a str, u8> = HashMap::from([(\"a\", 1), (\"b\", 2)]);\n    t.contains_key(key)\n}\n",
            "the type of `t` speaks of what only the function knows: `HashMap<&'a str, u8>`",
        );
    }
}
