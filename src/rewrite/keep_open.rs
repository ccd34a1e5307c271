//! A method that opens a file on every call in; a field that keeps the file open out.

use quote::ToTokens;

use super::{Draft, Recipe, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::{Placed, derives, head, items};
use crate::source::literals::literals;
use crate::source::names::{fresh, imports};
use crate::source::writers::{Opening, openings, reader};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("open-per-call"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = openings(file);
    let opening = all
        .iter()
        .find(|opening| file.range(&opening.block.stmts[opening.index]) == finding.range)
        .ok_or("the opening is no longer where it was found")?;
    let own = opening.function.self_ty.map(head).unwrap_or_default();
    if own.is_empty() || opening.path.is_none() {
        return Err("the path is not a field of a struct that could keep the file open".to_string());
    }
    let others = all.iter().filter(|other| other.function.self_ty.map(head).as_deref() == Some(own.as_str())).count();
    if others > 1 {
        return Err(format!("{others} methods of `{own}` open files: they would have to share one"));
    }
    let placed = items(&file.ast);
    let item =
        structure(&placed, &own).ok_or_else(|| format!("the struct `{own}` is not declared in {}", file.path))?;
    check_struct(file, item, &own)?;
    let shared = shares(opening)?;
    let field = fresh(&file.ast, "writer");
    let mut edits = vec![(file.path.clone(), opened_once(file, opening, &field, shared))];
    edits.push((file.path.clone(), declared(file, item, &field, shared)?));
    edits.extend(built(files, &own, &field, shared)?);
    Ok(Draft {
        title: format!("keep the file of {} open", short(&finding.function)),
        edits,
        touched: vec![finding.function.clone()],
        preconditions: vec![
            holds(format!("every place that builds `{own}` is seen, and it derives nothing that a file cannot")),
            holds(format!("`{own}` opens one file in one method, and reads, renames or removes none")),
            holds("every write reaches the file when it did before: nothing is buffered"),
        ],
        obligations: obligations(&own, shared),
        hunks_independent: false,
    })
}

fn obligations(own: &str, shared: bool) -> Vec<String> {
    let mut all = vec![format!(
        "a file that somebody moves or removes while the process runs is still written to by `{own}`; it is opened \
         again only at the next start, and one file handle stays in use"
    )];
    if shared {
        all.push("calls from several threads write one after another, under a lock".to_string());
    }
    all
}

fn structure<'a>(placed: &[Placed<'a>], own: &str) -> Option<&'a syn::ItemStruct> {
    placed.iter().find_map(|p| match p.item {
        syn::Item::Struct(item) if item.ident == own => Some(item),
        _ => None,
    })
}

fn check_struct(file: &SourceFile, item: &syn::ItemStruct, own: &str) -> Result<(), String> {
    if let Some(derive) = derives(&item.attrs).iter().find(|d| !["Debug", "Default"].contains(&d.as_str())) {
        return Err(format!("`{own}` derives `{derive}`, which an open file cannot follow"));
    }
    match reader(file, own) {
        Some(method) => {
            Err(format!("`{own}::{method}` reads, renames or removes files: it would go on writing to the old one"))
        }
        None => Ok(()),
    }
}

/// True behind `&self`: then a lock has to guard the file.
fn shares(opening: &Opening<'_>) -> Result<bool, String> {
    let receiver = opening.function.sig.inputs.iter().find_map(|input| match input {
        syn::FnArg::Receiver(receiver) => Some(receiver.to_token_stream().to_string()),
        syn::FnArg::Typed(_) => None,
    });
    match receiver.as_deref().map(|text| (text.starts_with('&'), text.contains("mut"))) {
        Some((true, mutable)) => Ok(!mutable),
        _ => Err("the method consumes its struct or has no `self`".to_string()),
    }
}

fn field_type(file: &SourceFile, shared: bool) -> String {
    let std_file = if imports(file, "File") == ["std::fs::File"] { "File" } else { "std::fs::File" };
    let option = format!("Option<{std_file}>");
    if shared { format!("{}<{option}>", mutex(file)) } else { option }
}

fn mutex(file: &SourceFile) -> &'static str {
    if imports(file, "Mutex") == ["std::sync::Mutex"] { "Mutex" } else { "std::sync::Mutex" }
}

/// The `let` that opens becomes one that opens at the first call.
fn opened_once(file: &SourceFile, opening: &Opening<'_>, field: &str, shared: bool) -> Vec<TextEdit> {
    let stmt = file.range(&opening.block.stmts[opening.index]);
    let init = file.range(opening.init);
    let name = opening.name;
    let place = if shared { format!("&mut *{field}") } else { format!("&mut self.{field}") };
    let lock = format!("let mut {field} = self.{field}.lock().unwrap_or_else(std::sync::PoisonError::into_inner);\n");
    let head = format!(
        "{}let {name} = match {place} {{\n    Some(writer) => writer,\n    none => none.insert(",
        if shared { lock.as_str() } else { "" }
    );
    Template::new(file, stmt).text(head).keep_moved(init, 1).text("),\n};").edits()
}

fn declared(file: &SourceFile, item: &syn::ItemStruct, field: &str, shared: bool) -> Result<Vec<TextEdit>, String> {
    let syn::Fields::Named(fields) = &item.fields else { return Err("the struct has no named fields".to_string()) };
    let last = fields.named.last().ok_or("the struct has no fields")?;
    let text = format!("{field}: {}", field_type(file, shared));
    Ok(appended(file, file.range(last), &text, "/// Opened at the first write and kept open.\n"))
}

fn built(files: &[SourceFile], own: &str, field: &str, shared: bool) -> Result<Vec<(String, Vec<TextEdit>)>, String> {
    let mut all = Vec::new();
    for file in files {
        for literal in literals(file, own)? {
            let (line, _) = file.line_column(file.range(literal.node).start);
            let last = literal.node.fields.last().filter(|_| literal.node.rest.is_none());
            let last =
                last.ok_or_else(|| format!("`{own}` is built from another value in {} line {line}", file.path))?;
            let value = if shared { format!("{}::new(None)", mutex(file)) } else { "None".to_string() };
            all.push((file.path.clone(), appended(file, file.range(last), &format!("{field}: {value}"), "")));
        }
    }
    if all.is_empty() {
        return Err(format!("no place that builds `{own}` field by field was found"));
    }
    Ok(all)
}

/// An entry after the last of a list in braces: on a line of its own where the last one has one.
fn appended(file: &SourceFile, last: TextRange, entry: &str, doc: &str) -> Vec<TextEdit> {
    let line_start = file.text[..last.start as usize].rfind('\n').map_or(0, |n| n + 1);
    let own_line = file.text[line_start..last.start as usize].trim().is_empty();
    let at = TextRange { start: last.end, end: last.end };
    if !own_line {
        return vec![TextEdit { range: at, text: format!(", {entry}") }];
    }
    // A comma behind the last entry now stands behind the new one; a comment behind it would too, so go past both.
    let line_end = file.text[last.end as usize..].find('\n').map_or(file.text.len(), |n| last.end as usize + n);
    let rest = file.text[last.end as usize..line_end].trim_end_matches('\r');
    if let Some(tail) = rest.strip_prefix(',') {
        let end = last.end as usize + 1 + tail.len();
        return Template::new(file, TextRange::new(end, end)).text(format!("\n{doc}{entry},")).edits();
    }
    Template::new(file, at).text(format!(",\n{doc}{entry}")).edits()
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "open-per-call";

    #[test]
    fn a_file_behind_a_shared_self_is_kept_open_under_a_lock() {
        let rewrite = check(
            RULE,
            "use std::fs::{File, OpenOptions};\n\npub struct DayBook {\n    path: PathBuf,\n}\n\nimpl DayBook {\n    pub fn new(path: &Path) -> Self {\n        DayBook { path: path.to_path_buf() }\n    }\n\n    pub fn enter(&self, what: &str) -> io::Result<()> {\n        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;\n        writeln!(file, \"{what}\")?; // one line\n        file.flush()?;\n        Ok(())\n    }\n}\n",
            "use std::fs::{File, OpenOptions};\n\npub struct DayBook {\n    path: PathBuf,\n    /// Opened at the first write and kept open.\n    writer: std::sync::Mutex<Option<File>>,\n}\n\nimpl DayBook {\n    pub fn new(path: &Path) -> Self {\n        DayBook { path: path.to_path_buf(), writer: std::sync::Mutex::new(None) }\n    }\n\n    pub fn enter(&self, what: &str) -> io::Result<()> {\n        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);\n        let file = match &mut *writer {\n            Some(writer) => writer,\n            none => none.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),\n        };\n        writeln!(file, \"{what}\")?; // one line\n        file.flush()?;\n        Ok(())\n    }\n}\n",
        );
        assert_eq!(rewrite.title, "keep the file of DayBook::enter open");
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn a_file_behind_an_exclusive_self_needs_no_lock() {
        check(
            RULE,
            "struct B {\n    writer: u8,\n    path: PathBuf // where\n}\n\nimpl B {\n    fn new(path: PathBuf) -> B {\n        B {\n            writer: 1,\n            path,\n        }\n    }\n\n    fn enter(&mut self) -> io::Result<()> {\n        let mut f = std::fs::OpenOptions::new()\n            .append(true)\n            .open(&self.path)?;\n        f.write_all(b\"a\")\n    }\n}\n",
            "struct B {\n    writer: u8,\n    path: PathBuf,\n    /// Opened at the first write and kept open.\n    writer_2: Option<std::fs::File> // where\n}\n\nimpl B {\n    fn new(path: PathBuf) -> B {\n        B {\n            writer: 1,\n            path,\n            writer_2: None,\n        }\n    }\n\n    fn enter(&mut self) -> io::Result<()> {\n        let f = match &mut self.writer_2 {\n            Some(writer) => writer,\n            none => none.insert(std::fs::OpenOptions::new()\n                .append(true)\n                .open(&self.path)?),\n        };\n        f.write_all(b\"a\")\n    }\n}\n",
        );
    }

    const ENTER: &str =
        "fn enter(&self) -> R { let mut f = OpenOptions::new().append(true).open(&self.path)?; writeln!(f, \"a\") }";
    const NEW: &str = "fn new(path: PathBuf) -> B { B { path } }";

    #[test]
    fn a_path_that_no_struct_owns_refuses() {
        check_refuses(
            RULE,
            "fn log(path: &Path) -> R { let mut f = OpenOptions::new().append(true).open(path)?; writeln!(f, \"a\") }",
            "the path is not a field of a struct that could keep the file open",
        );
    }

    #[test]
    fn a_struct_that_cannot_hold_a_file_refuses() {
        check_refuses(
            RULE,
            &format!("#[derive(Clone)]\nstruct B {{ path: PathBuf }}\nimpl B {{ {NEW} {ENTER} }}"),
            "`B` derives `Clone`, which an open file cannot follow",
        );
        check_refuses(
            RULE,
            &format!(
                "struct B {{ path: PathBuf }}\nimpl B {{ {NEW} {ENTER} fn rotate(&self) {{ std::fs::rename(&self.path, \"old\").unwrap(); }} }}"
            ),
            "`B::rotate` reads, renames or removes files: it would go on writing to the old one",
        );
    }

    #[test]
    fn a_struct_that_is_built_out_of_sight_refuses() {
        check_refuses(
            RULE,
            &format!("struct B {{ path: PathBuf }}\nimpl B {{ {ENTER} }}"),
            "no place that builds `B` field by field was found",
        );
        check_refuses(
            RULE,
            &format!(
                "struct B {{ path: PathBuf }}\nimpl B {{ {NEW} {ENTER} fn path(self) -> PathBuf {{ let B {{ path }} = self; path }} }}"
            ),
            "a pattern takes `B` apart in src/lib.rs",
        );
    }
}
