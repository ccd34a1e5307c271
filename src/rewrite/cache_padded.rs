//! Atomic counters that share a cache line in; the same counters on a line each out.

use super::{Draft, Recipe, borrow, file_of, holds};
use crate::model::{Finding, FunctionId, RuleId, TextEdit, TextRange};
use crate::source::counters::{Counters, counters, writes};
use crate::source::functions::{derives, head, items};
use crate::source::literals::{Literal, literals};
use crate::source::names::mentions;
use crate::source::{SourceFile, Template, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("contended-atomics"), derive };

/// Bytes of a line on x86-64 and most of AArch64.
const LINE: usize = 64;

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let found = counters(file);
    let counter = found
        .iter()
        .find(|counter| file.range(&counter.item.ident) == finding.range)
        .ok_or("the struct is no longer where it was found")?;
    let name = counter.item.ident.to_string();
    let derived = derives(&counter.item.attrs);
    if let Some(other) = derived.iter().find(|d| !["Debug", "Default"].contains(&d.as_str())) {
        return Err(format!("`{name}` derives `{other}`, which the padding would have to follow"));
    }
    let written = written(files, counter, &name);
    let mut edits = vec![(file.path.clone(), typed(file, &written))];
    edits.extend(built(files, &name, &written)?);
    let (padding, is_declared) = padding(file, counter.item)?;
    if !is_declared {
        edits.push((file.path.clone(), declared(file, counter.item, derived.iter().any(|d| d == "Debug"))));
    }
    let (before, after) = (8 * written.len(), LINE * written.len());
    Ok(Draft {
        title: format!("give each counter of {name} a cache line of its own"),
        edits: renamed(edits, padding),
        touched: writers(files, counter, &name),
        preconditions: vec![
            holds(format!("no code takes `{name}` apart by a pattern, and its layout is not fixed by `repr`")),
            borrow("every place that reaches a counter reaches it through `Deref`"),
        ],
        obligations: vec![
            format!("`{name}` grows: its {} written counters take {after} bytes instead of at most {before}", written.len()),
            "there is a single witness: false sharing shows only under threads that write at the same time, so the gain \
             stands on the timed run alone"
                .to_string(),
        ],
        hunks_independent: false,
    })
}

/// The fields that are written, in the order of the struct.
fn written<'a>(files: &[SourceFile], counter: &Counters<'a>, name: &str) -> Vec<&'a syn::Field> {
    let all: Vec<_> = files.iter().flat_map(writes).filter(|w| w.owner == name || w.owner.is_empty()).collect();
    let is_written = |field: &&&syn::Field| field.ident.as_ref().is_some_and(|f| all.iter().any(|w| *f == w.field));
    counter.fields.iter().filter(is_written).copied().collect()
}

fn writers(files: &[SourceFile], counter: &Counters<'_>, name: &str) -> Vec<FunctionId> {
    let mut found = Vec::new();
    for file in files {
        for write in writes(file) {
            let is_field = counter.fields.iter().any(|f| f.ident.as_ref().is_some_and(|f| *f == write.field));
            if is_field && (write.owner == name || write.owner.is_empty()) {
                found.extend(file.item_around(write.site).map(|item| item.id.clone()));
            }
        }
    }
    found.dedup();
    found
}

fn typed(file: &SourceFile, written: &[&syn::Field]) -> Vec<TextEdit> {
    let edits = written.iter().flat_map(|field| {
        let range = file.range(&field.ty);
        Template::new(file, range).text("CachePadded<").keep(range).text(">").edits()
    });
    edits.collect()
}

/// The places that build the struct, with each written counter wrapped.
fn built(files: &[SourceFile], name: &str, written: &[&syn::Field]) -> Result<Vec<(String, Vec<TextEdit>)>, String> {
    let mut all = Vec::new();
    for file in files {
        let mut edits = Vec::new();
        for literal in literals(file, name)? {
            for field in written.iter().filter_map(|f| f.ident.as_ref()) {
                edits.extend(wrapped(file, name, &literal, &field.to_string())?);
            }
        }
        if !edits.is_empty() {
            all.push((file.path.clone(), edits));
        }
    }
    if all.iter().map(|(path, _)| path).any(|path| !files.iter().any(|f| f.path == *path)) {
        return Err("a file that builds the struct is not among the files".to_string());
    }
    Ok(all)
}

fn wrapped(file: &SourceFile, name: &str, literal: &Literal<'_>, field: &str) -> Result<Vec<TextEdit>, String> {
    let Some(value) = literal.value(field) else {
        return match &literal.node.rest {
            Some(_) => Ok(Vec::new()),
            None => Err(format!("a `{name}` is built without its field `{field}`")),
        };
    };
    let range = file.range(value);
    if file.slice(range).ends_with("Default::default()") || file.slice(range) == "Default::default()" {
        return Ok(Vec::new());
    }
    if !mentions(value, "new") {
        let (line, _) = file.line_column(range.start);
        return Err(format!("the counter `{field}` is not built by `new` in {} line {line}", file.path));
    }
    if literal.is_shorthand(field) {
        return Err(format!("`{field}` is built outside of the struct's literal"));
    }
    Ok(Template::new(file, range).text("CachePadded(").keep(range).text(")").edits())
}

/// The name of the padding, and whether the module declares it already, from an earlier rewrite.
///
/// # Errors
/// The file has a padding from elsewhere, or both names are taken.
pub(super) fn padding(file: &SourceFile, own: &syn::ItemStruct) -> Result<(&'static str, bool), String> {
    let placed = items(&file.ast);
    let module = placed.iter().find(|p| matches!(p.item, syn::Item::Struct(s) if std::ptr::eq(s, own)));
    let same = placed.iter().find_map(|p| match p.item {
        syn::Item::Struct(item) if item.ident == "CachePadded" => {
            Some((p.module, matches!(item.fields, syn::Fields::Unnamed(_))))
        }
        _ => None,
    });
    let leads = placed.iter().any(|p| match p.item {
        syn::Item::Impl(i) => {
            i.trait_.as_ref().is_some_and(|(path, _)| shapes::ends_with(path, &["Deref"]))
                && head(&i.self_ty) == "CachePadded"
        }
        _ => false,
    });
    match (same, module) {
        (Some((at, true)), Some(own)) if at == own.module && leads => Ok(("CachePadded", true)),
        (None, _) if !mentions(&file.ast, "CachePadded") => Ok(("CachePadded", false)),
        // Theirs has another form, or is reached in another way.
        (Some(_), _) if !mentions(&file.ast, "LinePadded") => Ok(("LinePadded", false)),
        _ => Err("the file has a `CachePadded` of another form: pad the counters with it by hand".to_string()),
    }
}

/// The edits with the name of the padding.
pub(super) fn renamed(edits: Vec<(String, Vec<TextEdit>)>, name: &str) -> Vec<(String, Vec<TextEdit>)> {
    let rename = |edit: TextEdit| TextEdit { text: edit.text.replace("CachePadded", name), ..edit };
    edits.into_iter().map(|(path, edits)| (path, edits.into_iter().map(rename).collect())).collect()
}

/// Where the type is declared: after the first struct of counters of the module, the same place for all of them, so that
/// two proposals show as alternatives instead of declaring it twice.
fn anchor(file: &SourceFile, item: &syn::ItemStruct) -> u32 {
    let placed = items(&file.ast);
    let module_of = |item: &syn::ItemStruct| {
        placed.iter().find(|p| matches!(p.item, syn::Item::Struct(s) if std::ptr::eq(s, item))).map(|p| p.module)
    };
    let own = module_of(item);
    let all = counters(file);
    let first = all.iter().find(|other| module_of(other.item) == own).map_or(item, |other| other.item);
    file.range(first).end
}

pub(super) fn declared(file: &SourceFile, item: &syn::ItemStruct, debug: bool) -> Vec<TextEdit> {
    let visibility = file.text_of(&item.vis);
    let visible = if visibility.is_empty() { String::new() } else { format!("{visibility} ") };
    let mut text = format!(
        "

/// Keeps a value on a cache line of its own, so that threads that write its neighbours do not slow it.
#[derive(Default)]
#[repr(align({LINE}))]
{visible}struct CachePadded<T>({visible}T);

impl<T> std::ops::Deref for CachePadded<T> {{
    type Target = T;

    fn deref(&self) -> &T {{
        &self.0
    }}
}}"
    );
    if debug {
        text.push_str(
            "

impl<T: std::fmt::Debug> std::fmt::Debug for CachePadded<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}",
        );
    }
    let end = anchor(file, item);
    Template::new(file, TextRange { start: end, end }).text(text).edits()
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "contended-atomics";
    const WRITERS: &str = "\nimpl C {\n    fn a(&self) {\n        self.x.fetch_add(1, Relaxed);\n    }\n\n    fn b(&self) {\n        self.y.fetch_add(1, Relaxed);\n    }\n}\n";
    const PADDED: &str = "\n\n/// Keeps a value on a cache line of its own, so that threads that write its neighbours do not slow it.\n#[derive(Default)]\n#[repr(align(64))]\nstruct CachePadded<T>(T);\n\nimpl<T> std::ops::Deref for CachePadded<T> {\n    type Target = T;\n\n    fn deref(&self) -> &T {\n        &self.0\n    }\n}";

    #[test]
    fn counters_are_padded_where_they_are_declared_and_built() {
        let rewrite = check(
            RULE,
            &format!(
                "struct C {{\n    /// Requests.\n    x: AtomicU64,\n    name: String, // shown\n    y: AtomicU64,\n    z: AtomicU64,\n}}\n{WRITERS}\nstatic ALL: C = C {{ x: AtomicU64::new(0), name: String::new(), y: AtomicU64::new(7), z: AtomicU64::new(0) }};\n"
            ),
            &format!(
                "struct C {{\n    /// Requests.\n    x: CachePadded<AtomicU64>,\n    name: String, // shown\n    y: CachePadded<AtomicU64>,\n    z: AtomicU64,\n}}{PADDED}\n{WRITERS}\nstatic ALL: C = C {{ x: CachePadded(AtomicU64::new(0)), name: String::new(), y: CachePadded(AtomicU64::new(7)), z: AtomicU64::new(0) }};\n"
            ),
        );
        assert_eq!(rewrite.title, "give each counter of C a cache line of its own");
        assert!(rewrite.obligations[1].contains("single witness"));
        let touched: Vec<_> = rewrite.touched.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(touched, ["pay::C::a", "pay::C::b"]);
    }

    #[test]
    fn a_derived_default_stays_and_a_derived_debug_shows_the_same_text() {
        let debug = "\n\nimpl<T: std::fmt::Debug> std::fmt::Debug for CachePadded<T> {\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n        self.0.fmt(f)\n    }\n}";
        let padded = PADDED.replace("struct CachePadded<T>(T)", "pub struct CachePadded<T>(pub T)");
        check(
            RULE,
            &format!("#[derive(Debug, Default)]\npub struct C {{\n    x: AtomicU64,\n    y: AtomicU64,\n}}\n{WRITERS}"),
            &format!(
                "#[derive(Debug, Default)]\npub struct C {{\n    x: CachePadded<AtomicU64>,\n    y: CachePadded<AtomicU64>,\n}}{padded}{debug}\n{WRITERS}"
            ),
        );
    }

    #[test]
    fn a_padding_that_the_module_has_is_used_again() {
        let has = "struct CachePadded<T>(T);\nimpl<T> std::ops::Deref for CachePadded<T> {\n    type Target = T;\n}\n";
        check(
            RULE,
            &format!("{has}struct C {{\n    x: AtomicU64,\n    y: AtomicU64,\n}}\n{WRITERS}"),
            &format!("{has}struct C {{\n    x: CachePadded<AtomicU64>,\n    y: CachePadded<AtomicU64>,\n}}\n{WRITERS}"),
        );
    }

    #[test]
    fn a_padding_that_is_reached_in_another_way_is_left_alone() {
        let has = "struct CachePadded<T>(T);\n";
        let padded = PADDED.replace("CachePadded", "LinePadded");
        check(
            RULE,
            &format!("{has}struct C {{\n    x: AtomicU64,\n    y: AtomicU64,\n}}\n{WRITERS}"),
            &format!(
                "{has}struct C {{\n    x: LinePadded<AtomicU64>,\n    y: LinePadded<AtomicU64>,\n}}{padded}\n{WRITERS}"
            ),
        );
    }

    #[test]
    fn what_cannot_be_followed_refuses() {
        let fields = "{\n    x: AtomicU64,\n    y: AtomicU64,\n}\n";
        check_refuses(
            RULE,
            &format!("#[derive(Serialize)]\nstruct C {fields}{WRITERS}"),
            "`C` derives `Serialize`, which the padding would have to follow",
        );
        check_refuses(
            RULE,
            &format!("struct C {fields}{WRITERS}fn f(c: C) {{ let C {{ x, y }} = c; }}"),
            "a pattern takes `C` apart in src/lib.rs",
        );
        check_refuses(
            RULE,
            &format!("struct C {fields}{WRITERS}fn f(x: AtomicU64) -> C {{ C {{ x, y: AtomicU64::new(0) }} }}"),
            "the counter `x` is not built by `new` in src/lib.rs line 15",
        );
        check_refuses(
            RULE,
            &format!("use crossbeam_utils::CachePadded;\nstruct C {fields}{WRITERS}"),
            "the file has a `CachePadded` of another form: pad the counters with it by hand",
        );
    }
}
