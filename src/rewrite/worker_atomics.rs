//! A list of counters, one for each worker, in; the same with a cache line for each out.

use super::{Draft, Recipe, borrow, cache_padded, file_of, holds};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::{derives, items};
use crate::source::literals::literals;
use crate::source::names::plain_name;
use crate::source::writers::let_of;
use crate::source::{self, SourceFile, shapes, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("worker-atomics"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let atomic = finding.capture("atomic").ok_or("the finding has no \"atomic\"")?;
    let field = file.slice(finding.range);
    let item = struct_around(file, finding.range).ok_or("the struct is no longer where it was found")?;
    let name = item.ident.to_string();
    let mut edits = vec![(file.path.clone(), around(atomic, "CachePadded<", ">").to_vec())];
    for other in files.iter().filter(|f| f.role.krate == file.role.krate) {
        let mut built = Vec::new();
        for literal in literals(other, &name)? {
            let Some(value) = literal.value(field).and_then(|value| built_as(other, value)) else {
                if literal.value(field).is_some() {
                    return Err(format!("the counters of `{field}` are built where it cannot be seen"));
                }
                continue;
            };
            let news: Vec<&syn::Expr> = shapes::exprs_in(value).into_iter().filter(|e| is_new(e)).collect();
            let is_default = other.text_of(value).ends_with("Default::default()");
            if news.is_empty() && !is_default {
                return Err(format!("the counters of `{field}` are built where it cannot be seen"));
            }
            built.extend(news.into_iter().flat_map(|new| around(other.range(new), "CachePadded(", ")")));
        }
        edits.push((other.path.clone(), built));
    }
    let (padding, is_declared) = cache_padded::padding(file, item)?;
    if !is_declared {
        let has_debug = derives(&item.attrs).iter().any(|d| d == "Debug");
        edits.push((file.path.clone(), cache_padded::declared(file, item, has_debug)));
    }
    Ok(Draft {
        title: format!("give each worker's counter in {name} a cache line of its own"),
        edits: cache_padded::renamed(edits, padding),
        preconditions: vec![
            holds(format!("no code takes `{name}` apart by a pattern, and its layout is not fixed by `repr`")),
            borrow("every place that reaches a counter reaches it through `Deref`"),
        ],
        obligations: vec![
            format!("`{name}` grows: each counter of `{field}` takes 64 bytes instead of at most 8"),
            "false sharing shows only under threads that write at the same time, so the gain stands on the timed run alone"
                .to_owned(),
        ],
        ..Draft::default()
    })
}

/// The value itself, or what the one `let` binds that names it: `None` where the name is used for anything else as well.
fn built_as<'a>(file: &'a SourceFile, value: &'a syn::Expr) -> Option<&'a syn::Expr> {
    let Some(name) = plain_name(value).map(ToString::to_string) else { return Some(value) };
    let body = source::function_body(file, file.range(value))?;
    let is_only_use = usage::uses(file, body, &name).len() == 1;
    let_of(body, &name).filter(|_| is_only_use)
}

fn around(range: TextRange, before: &str, after: &str) -> [TextEdit; 2] {
    let at = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    [at(range.start, before), at(range.end, after)]
}

fn struct_around(file: &SourceFile, field: TextRange) -> Option<&syn::ItemStruct> {
    items(&file.ast).into_iter().find_map(|placed| match placed.item {
        syn::Item::Struct(item) if file.range(item).contains(field) => Some(item),
        _ => None,
    })
}

/// `AtomicU64::new(0)`.
fn is_new(expr: &syn::Expr) -> bool {
    let syn::Expr::Call(call) = expr else { return false };
    let syn::Expr::Path(path) = &*call.func else { return false };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    matches!(segments.as_slice(), [.., owner, name] if owner.starts_with("Atomic") && name == "new")
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "worker-atomics";
    const PADDED: &str = "\n\n/// Keeps a value on a cache line of its own, so that threads that write its neighbours do not slow it.\n#[derive(Default)]\n#[repr(align(64))]\nstruct CachePadded<T>(T);\n\nimpl<T> std::ops::Deref for CachePadded<T> {\n    type Target = T;\n\n    fn deref(&self) -> &T {\n        &self.0\n    }\n}";

    #[test]
    fn each_counter_gets_a_line() {
        let rewrite = check(
            RULE,
            "struct WorkerStats {
    // One each.
    handled: Vec<AtomicU64>,
}
impl WorkerStats {
    fn new(n: usize) -> WorkerStats {
        WorkerStats { handled: (0..n).map(|_| AtomicU64::new(0)).collect() }
    }
    fn bump(&self, worker: usize) {
        self.handled[worker].fetch_add(1, Ordering::Relaxed);
    }
}
",
            &format!(
                "struct WorkerStats {{
    // One each.
    handled: Vec<CachePadded<AtomicU64>>,
}}{PADDED}
impl WorkerStats {{
    fn new(n: usize) -> WorkerStats {{
        WorkerStats {{ handled: (0..n).map(|_| CachePadded(AtomicU64::new(0))).collect() }}
    }}
    fn bump(&self, worker: usize) {{
        self.handled[worker].fetch_add(1, Ordering::Relaxed);
    }}
}}
"
            ),
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn counters_that_a_let_names_are_seen() {
        check(
            RULE,
            "struct WorkerSlots {
    busy: Vec<AtomicU64>,
}
fn made(n: usize) -> WorkerSlots {
    let busy = (0..n).map(|_| AtomicU64::new(0)).collect();
    WorkerSlots { busy }
}
fn bump(w: &WorkerSlots) {
    w.busy[0].fetch_add(1, Ordering::Relaxed);
}
",
            &format!(
                "struct WorkerSlots {{
    busy: Vec<CachePadded<AtomicU64>>,
}}{PADDED}
fn made(n: usize) -> WorkerSlots {{
    let busy = (0..n).map(|_| CachePadded(AtomicU64::new(0))).collect();
    WorkerSlots {{ busy }}
}}
fn bump(w: &WorkerSlots) {{
    w.busy[0].fetch_add(1, Ordering::Relaxed);
}}
"
            ),
        );
        check_refuses(
            RULE,
            "struct WorkerStats { handled: Vec<AtomicU64> } fn f() -> WorkerStats { let handled = vec![AtomicU64::new(0)]; show(&handled); handled[0].swap(1, R); WorkerStats { handled } }",
            "the counters of `handled` are built where it cannot be seen",
        );
    }

    #[test]
    fn counters_that_come_from_elsewhere_refuse() {
        check_refuses(
            RULE,
            "struct WorkerStats { handled: Vec<AtomicU64> } fn f(handled: Vec<AtomicU64>) -> WorkerStats { handled[0].swap(1, R); WorkerStats { handled } }",
            "the counters of `handled` are built where it cannot be seen",
        );
        check_refuses(
            RULE,
            "struct WorkerStats { handled: Vec<AtomicU64> } fn f(w: WorkerStats) { let WorkerStats { handled } = w; handled[0].swap(1, R); }",
            "a pattern takes `WorkerStats` apart in src/lib.rs",
        );
    }
}
