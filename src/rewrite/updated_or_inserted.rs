//! A value that is looked up, changed and inserted in; one `entry` out.

use super::contains_then_get::one_of;
use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextRange};
use crate::source::{SourceFile, Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("updated-or-inserted"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, key) = (captured("map")?, captured("key")?);
    if !lexer::comments(file.slice(finding.range)).is_empty() {
        return Err("a comment stands in it".to_owned());
    }
    let shown = file.on_one_line(map);
    let entry = format!("{shown}.entry({})", file.on_one_line(key));
    let text = match finding.capture("pushed") {
        Some(pushed) => format!("{entry}.or_insert_with(Vec::new).push({});", file.on_one_line(pushed)),
        None => stepped(file, finding, &shown, &entry, captured("op")?, captured("operand")?)?,
    };
    Ok(Draft {
        title: format!("look once into {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), Template::new(file, finding.range).text(text).edits())],
        preconditions: vec![
            holds("the same key of the same map is looked up and inserted, and nothing happens in between"),
            std_types::is_one(file, map, &std_types::MAP),
            borrow("the key may be given to the entry, and the value changes by the operator in place"),
        ],
        ..Draft::default()
    })
}

fn stepped(
    file: &SourceFile,
    finding: &Finding,
    shown: &str,
    entry: &str,
    op: TextRange,
    operand: TextRange,
) -> Result<String, String> {
    let (op, operand) = (file.slice(op), file.on_one_line(operand));
    let named = finding.capture("named").map(|name| file.slice(name));
    let name = place::fresh_name(file, finding.range, &one_of(shown));
    let first = match (finding.capture("before"), finding.capture("after")) {
        (Some(before), _) => format!("or_insert({})", file.on_one_line(before)),
        (_, Some(after)) => {
            let after = file.on_one_line(after);
            let is_count = op == "+" && after == operand && operand.bytes().all(|b| b.is_ascii_digit());
            if !is_count {
                let modified = format!("{entry}.and_modify(|{name}| *{name} {op}= {operand}).or_insert({after})");
                return Ok(match named {
                    Some(named) => format!("let {named} = *{modified};"),
                    None => format!("{modified};"),
                });
            }
            "or_insert(0)".to_owned()
        }
        (None, None) => "or_default()".to_owned(),
    };
    Ok(match named {
        Some(named) => {
            format!("let {name} = {entry}.{first};\n*{name} {op}= {operand};\nlet {named} = *{name};")
        }
        None => format!("*{entry}.{first} {op}= {operand};"),
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "updated-or-inserted";

    #[test]
    fn a_counter_looks_once() {
        check(
            RULE,
            "impl S {
    fn f(&mut self, job: u64) -> bool {
        // Once more.
        let next = match self.attempts.get(&job) {
            Some(n) => *n + 1,
            None => 1,
        };
        self.attempts.insert(job, next);
        next > 5
    }
}
",
            "impl S {
    fn f(&mut self, job: u64) -> bool {
        // Once more.
        let attempt = self.attempts.entry(job).or_insert(0);
        *attempt += 1;
        let next = *attempt;
        next > 5
    }
}
",
        );
        check(
            RULE,
            "fn f(m: &mut HashMap<String, u64>, k: &str, cents: u64) {
    let sum = m.get(k).copied().unwrap_or(0) + cents;
    m.insert(k.to_string(), sum);
}
",
            "fn f(m: &mut HashMap<String, u64>, k: &str, cents: u64) {
    *m.entry(k.to_string()).or_insert(0) += cents;
}
",
        );
    }

    #[test]
    fn a_step_that_differs_from_the_first_value_is_a_modification() {
        check(
            RULE,
            "fn f(weights: &mut HashMap<u8, u64>, k: u8) {
    if let Some(w) = weights.get_mut(&k) {
        *w *= 2;
    } else {
        weights.insert(k, 10);
    }
}
",
            "fn f(weights: &mut HashMap<u8, u64>, k: u8) {
    weights.entry(k).and_modify(|weight| *weight *= 2).or_insert(10);
}
",
        );
    }

    #[test]
    fn a_group_gets_its_list_and_the_element() {
        check(
            RULE,
            "fn f(groups: &mut BTreeMap<u8, Vec<u64>>, k: u8, x: u64) {
    match groups.get_mut(&k) {
        Some(list) => list.push(x),
        None => {
            groups.insert(k, vec![x]);
        }
    }
}
",
            "fn f(groups: &mut BTreeMap<u8, Vec<u64>>, k: u8, x: u64) {
    groups.entry(k).or_insert_with(Vec::new).push(x);
}
",
        );
    }

    #[test]
    fn a_comment_in_it_refuses() {
        check_refuses(
            RULE,
            "fn f(m: &mut M, k: u8) {\n    let n = m.get(&k).copied().unwrap_or(0) + 1;\n    // Kept.\n    m.insert(k, n);\n}\n",
            "a comment stands in it",
        );
    }
}
