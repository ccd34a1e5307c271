//! A value that is copied out of a map, changed and inserted again in; the value changed in the map out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("copied-out-of-map"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (map, key, mutable, back) = (captured("map")?, captured("key")?, captured("mut")?, captured("back")?);
    if [finding.range, back].iter().any(|range| !lexer::comments(file.slice(*range)).is_empty()) {
        return Err("a comment stands where the value is copied or inserted".to_owned());
    }
    let (shown, key) = (file.on_one_line(map), file.slice(key));
    let made = match finding.capture("otherwise") {
        Some(made) => format!("or_insert_with({})", file.slice(made)),
        None => "or_default()".to_owned(),
    };
    let edits = vec![
        TextEdit { range: mutable, text: String::new() },
        TextEdit { range: finding.range, text: format!("{shown}.entry({key}).{made}") },
        TextEdit { range: hoist::whole_lines(file, back), text: String::new() },
    ];
    Ok(Draft {
        title: format!("change the value in {shown} where it stands in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("nothing leaves before the value is inserted, and nothing looks at `{shown}` meanwhile")),
            std_types::is_one(file, map, &std_types::MAP),
            probe(file, format!("cloning what `{shown}` holds copies plain data"), map, ProbeQuestion::PlainClone),
            borrow(format!("`{shown}` may be borrowed mutably as long as the value is changed")),
        ],
        obligations: vec![
            "if a statement in between panics and somebody goes on, the value is half changed".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "copied-out-of-map";

    #[test]
    fn the_value_is_changed_in_the_map() {
        let rewrite = check(
            RULE,
            "impl Quotas {
    fn note(&mut self, client: u64, requests: u32) -> usize {
        // As it is.
        let mut usage = self.usage.get(&client).cloned().unwrap_or_default(); // or new
        usage.days.push(requests);
        let days = usage.days.len();
        self.usage.insert(client, usage);
        days
    }
}
",
            "impl Quotas {
    fn note(&mut self, client: u64, requests: u32) -> usize {
        // As it is.
        let usage = self.usage.entry(client).or_default(); // or new
        usage.days.push(requests);
        let days = usage.days.len();
        days
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 4));
        check(
            RULE,
            "fn f(m: &mut HashMap<String, V>, k: &str) {\n    let mut v = m.get(k).cloned().unwrap_or_else(V::new);\n    v.n += 1;\n    m.insert(k.to_string(), v);\n}\n",
            "fn f(m: &mut HashMap<String, V>, k: &str) {\n    let v = m.entry(k.to_string()).or_insert_with(V::new);\n    v.n += 1;\n}\n",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(m: &mut M, k: u8) { let mut v = m.get(&k /* own */).cloned().unwrap_or_default(); v.n += 1; m.insert(k, v); }",
            "a comment stands where the value is copied or inserted",
        );
    }
}
