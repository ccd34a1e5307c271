//! A mutex that is mostly taken to look in; a lock that lets readers in side by side out.

use super::{Draft, Recipe, borrow, file_of, holds, place};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, names};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("mutex-mostly-read"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let field = finding.capture("field").ok_or("the finding has no \"field\"")?;
    let name = file.slice(field);
    place::refuse_other_users(files, file, name)?;
    let imported = names::imports(file, "Mutex").pop().unwrap_or_default();
    let module: Vec<&str> = imported.split("::").filter(|word| *word != "Mutex").collect();
    let words: Vec<TextRange> = finding.captures_named("word").into_iter().filter(|r| r.start < r.end).collect();
    let mut edits = place::renamed(file, finding.range, &module, ["Mutex", "RwLock"], &words);
    for kind in ["read", "write"] {
        let calls = finding.captures_named(kind).into_iter();
        edits.extend(calls.map(|range| TextEdit { range, text: kind.to_owned() }));
    }
    Ok(Draft {
        title: format!("let look-ups in {name} run side by side"),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{name}` is private, and every use of it takes the lock")),
            holds("more places look than change"),
            borrow("what only looks needs no more, and several threads may look at once"),
        ],
        obligations: vec![
            "it is looked at much more often than changed: a change waits until all who look are done".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::check;

    const RULE: &str = "mutex-mostly-read";

    #[test]
    fn readers_run_side_by_side() {
        let rewrite = check(
            RULE,
            "use parking_lot::{Mutex, RwLock};

/// By name.
#[derive(Default)]
pub struct Table {
    rows: Mutex<HashMap<String, Arc<Row>>>, // all
}

impl Table {
    pub fn get(&self, name: &str) -> Option<Arc<Row>> {
        self.rows.lock().get(name).cloned()
    }
    pub fn knows(&self, name: &str) -> bool {
        self.rows.lock().contains_key(name)
    }
    pub fn put(&self, row: Row) {
        self.rows.lock().insert(row.name.clone(), Arc::new(row));
    }
}
",
            "use parking_lot::RwLock;

/// By name.
#[derive(Default)]
pub struct Table {
    rows: RwLock<HashMap<String, Arc<Row>>>, // all
}

impl Table {
    pub fn get(&self, name: &str) -> Option<Arc<Row>> {
        self.rows.read().get(name).cloned()
    }
    pub fn knows(&self, name: &str) -> bool {
        self.rows.read().contains_key(name)
    }
    pub fn put(&self, row: Row) {
        self.rows.write().insert(row.name.clone(), Arc::new(row));
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
        check(
            RULE,
            "use std::sync::Mutex;\nstruct T {\n    rows: Mutex<Vec<u8>>,\n}\nfn new() -> T {\n    T { rows: Mutex::new(Vec::new()) }\n}\nfn sum(t: &T) -> u32 {\n    let rows = t.rows.lock().unwrap();\n    rows.iter().map(|r| u32::from(*r)).sum()\n}\nfn len(t: &T) -> usize {\n    t.rows.lock().unwrap().len()\n}\nfn put(t: &T) {\n    let mut rows = t.rows.lock().unwrap();\n    rows.push(1);\n}\n",
            "use std::sync::RwLock;\nstruct T {\n    rows: RwLock<Vec<u8>>,\n}\nfn new() -> T {\n    T { rows: RwLock::new(Vec::new()) }\n}\nfn sum(t: &T) -> u32 {\n    let rows = t.rows.read().unwrap();\n    rows.iter().map(|r| u32::from(*r)).sum()\n}\nfn len(t: &T) -> usize {\n    t.rows.read().unwrap().len()\n}\nfn put(t: &T) {\n    let mut rows = t.rows.write().unwrap();\n    rows.push(1);\n}\n",
        );
    }
}
