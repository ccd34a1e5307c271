//! A guard of a small value that is only read in; a copy of the value, made under the lock, out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("copy-under-guard"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, start, next) = (captured("name")?, captured("start")?, captured("next")?);
    let shown = file.slice(name);
    let mut edits = vec![TextEdit { range: start, text: "*".to_owned() }];
    for reached in finding.captures_named("reached") {
        let text = file.slice(reached);
        if text != format!("*{shown}") {
            return Err(format!("`{text}` reaches through the guard"));
        }
        edits.push(TextEdit { range: TextRange { start: reached.start, end: reached.start + 1 }, text: String::new() });
    }
    Ok(Draft {
        title: format!("copy {shown} out of its lock in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is only read, and no other lock is taken meanwhile")),
            std_types::is_one_at(file, name, next.start, &std_types::GUARD),
            borrow("what the lock guards is `Copy`"),
        ],
        obligations: vec!["lock scope: what follows goes on with the values as they were when it began".to_owned()],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "copy-under-guard";

    #[test]
    fn the_value_is_copied_out() {
        let rewrite = check(
            RULE,
            "#[derive(Clone, Copy)]
struct Stats {
    kills: u32,
}
struct Board {
    stats: Mutex<Stats>,
}
impl Board {
    fn banner(&self) -> String {
        // As it is now.
        let s = self.stats.lock().unwrap(); // shared
        format!(\"{} kills\", s.kills)
    }
}
",
            "#[derive(Clone, Copy)]
struct Stats {
    kills: u32,
}
struct Board {
    stats: Mutex<Stats>,
}
impl Board {
    fn banner(&self) -> String {
        // As it is now.
        let s = *self.stats.lock().unwrap(); // shared
        format!(\"{} kills\", s.kills)
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
        check(
            RULE,
            "fn f(most: &Mutex<u64>, xs: &[u64]) -> u64 {\n    let m = most.lock().unwrap();\n    xs.iter().filter(|x| **x < *m).sum()\n}\n",
            "fn f(most: &Mutex<u64>, xs: &[u64]) -> u64 {\n    let m = *most.lock().unwrap();\n    xs.iter().filter(|x| **x < m).sum()\n}\n",
        );
    }

    #[test]
    fn what_reaches_through_the_guard_stays() {
        check_refuses(
            RULE,
            "fn f(most: &Mutex<u64>, xs: &[u64]) -> u64 {\n    let m = most.lock().unwrap();\n    xs.iter().filter(|x| **x < (*m)).sum()\n}\n",
            "`(*m)` reaches through the guard",
        );
    }
}
