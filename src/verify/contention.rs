//! A file whose counters a proposal moves apart in; its text with a test that has threads write both forms at once out.

use super::change::Change;
use super::twin::Twin;
use crate::source::counters::{counters, is_atomic};
use crate::source::functions::items;
use crate::source::{FileRole, SourceFile};

/// Name of the test, as a filter for the test program.
pub const TEST: &str = "__refit_contention::run";

const HARNESS: &str = include_str!("../../templates/instrument/contention.rs");

/// The new text of the file with the harness in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contended {
    /// The text to build.
    pub text: String,
    /// The struct, as what is timed.
    pub twin: Twin,
}

/// Puts both forms of the struct beside each other; `None` where the change gives no counter another type.
pub fn contend(change: &Change) -> Option<Contended> {
    let role = FileRole::default();
    let old = SourceFile::parse(&change.file, change.old.as_str(), &role).ok()?;
    let new = SourceFile::parse(&change.file, change.new.as_str(), &role).ok()?;
    let before = counters(&old);
    let moved = |name: &str| -> Vec<String> {
        let field = |f: &&syn::Field| f.ident.is_some() && !is_atomic(&f.ty);
        let now = structs(&new).into_iter().find(|s| s.ident == name);
        let now = now.map(|s| s.fields.iter().filter(field).filter_map(|f| f.ident.clone()).collect::<Vec<_>>());
        now.unwrap_or_default().iter().map(ToString::to_string).collect()
    };
    let (counter, fields) = before.iter().find_map(|counter| {
        let now = moved(&counter.item.ident.to_string());
        let names = counter.fields.iter().filter_map(|f| f.ident.as_ref().map(ToString::to_string));
        let fields: Vec<String> = names.filter(|n| now.contains(n)).collect();
        (fields.len() > 1).then_some((counter, fields))
    })?;
    let name = counter.item.ident.to_string();
    let all: Vec<String> =
        counter.item.fields.iter().filter_map(|f| f.ident.as_ref().map(ToString::to_string)).collect();
    let declared: Vec<String> = counter
        .item
        .fields
        .iter()
        .filter_map(|f| Some(format!("{}: {}", f.ident.as_ref()?, old.text_of(&f.ty))))
        .collect();
    let made =
        |ty: &str| format!("{ty} {{ {} }}", each(&all, |f| format!("{f}: ::std::default::Default::default(), ")));
    let written = |ty: &str, arm: &str| {
        let arms: String =
            fields.iter().enumerate().map(|(i, f)| format!("{i} => {{ value.{f}.fetch_add(1, Relaxed); }} ")).collect();
        format!(
            "    #[inline(always)]\n    fn write_{arm}(value: &{ty}, field: usize) {{ match field {{ {arms}_ => {{}} }} }}\n"
        )
    };
    let forms = format!(
        "    struct __RefitOld {{ {} }}\n    fn make_old() -> __RefitOld {{ {} }}\n    fn make_new() -> {name} {{ {} }}\n    const FIELDS: usize = {};\n{}{}",
        declared.join(", "),
        made("__RefitOld"),
        made(&name),
        fields.len(),
        written("__RefitOld", "old"),
        written(&name, "new"),
    );
    let text = format!("{}\n{}", change.new, HARNESS.replace("    // refit: forms\n", &forms));
    Some(Contended { text, twin: Twin { number: 0, name: format!("a write of {name}"), matched: true } })
}

fn each(names: &[String], of: impl Fn(&String) -> String) -> String {
    names.iter().map(of).collect()
}

fn structs(file: &SourceFile) -> Vec<&syn::ItemStruct> {
    let all = items(&file.ast).into_iter();
    all.filter_map(|p| if let syn::Item::Struct(item) = p.item { Some(item) } else { None }).collect()
}

/// How many threads wrote at the same time, as the harness noted it.
pub fn threads(written: &str) -> Option<usize> {
    written.lines().find_map(|l| l.strip_prefix("N ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit, TextRange};
    use crate::source::hash;

    fn change(old: &str, edits: &[(&str, &str)]) -> Change {
        let edit = |(from, to): &(&str, &str)| {
            let start = old.find(from).unwrap();
            TextEdit { range: TextRange::new(start, start + from.len()), text: (*to).to_owned() }
        };
        let set = EditSet::new("a.rs", hash(old), edits.iter().map(edit).collect()).unwrap();
        let new = crate::source::apply(&set, old).unwrap();
        Change::new(&set, old, &new)
    }

    const OLD: &str =
        "pub struct C {\n    pub x: AtomicU64,\n    name: String,\n    y: AtomicUsize,\n    z: AtomicU64,\n}\n";

    #[test]
    fn padded_counters_stand_beside_their_old_form() {
        let padded = change(
            OLD,
            &[
                ("AtomicU64,\n    name", "CachePadded<AtomicU64>,\n    name"),
                ("AtomicUsize", "CachePadded<AtomicUsize>"),
            ],
        );
        let made = contend(&padded).unwrap();
        assert!(syn::parse_file(&made.text).is_ok(), "{}", made.text);
        let at = made.text.find("    struct __RefitOld").unwrap();
        let end = made.text.find("    /// Writes of each field").unwrap();
        insta::assert_snapshot!(made.text[at..end].trim_end(), @"
        struct __RefitOld { x: AtomicU64, name: String, y: AtomicUsize, z: AtomicU64 }
        fn make_old() -> __RefitOld { __RefitOld { x: ::std::default::Default::default(), name: ::std::default::Default::default(), y: ::std::default::Default::default(), z: ::std::default::Default::default(),  } }
        fn make_new() -> C { C { x: ::std::default::Default::default(), name: ::std::default::Default::default(), y: ::std::default::Default::default(), z: ::std::default::Default::default(),  } }
        const FIELDS: usize = 2;
        #[inline(always)]
        fn write_old(value: &__RefitOld, field: usize) { match field { 0 => { value.x.fetch_add(1, Relaxed); } 1 => { value.y.fetch_add(1, Relaxed); } _ => {} } }
        #[inline(always)]
        fn write_new(value: &C, field: usize) { match field { 0 => { value.x.fetch_add(1, Relaxed); } 1 => { value.y.fetch_add(1, Relaxed); } _ => {} } }
        ");
        assert_eq!(made.twin.name, "a write of C");
    }

    #[test]
    fn a_struct_that_only_changes_its_order_or_one_counter_is_not_contended() {
        assert_eq!(
            contend(&change(
                OLD,
                &[("    name: String,\n", ""), ("z: AtomicU64,\n", "z: AtomicU64,\n    name: String,\n")]
            )),
            None
        );
        assert_eq!(contend(&change(OLD, &[("AtomicUsize", "CachePadded<AtomicUsize>")])), None);
    }

    #[test]
    fn the_number_of_threads_is_read_back() {
        assert_eq!(threads("N 2\nT 0 1 5 1 1 1\n"), Some(2));
        assert_eq!(threads("T 0 1 5 1 1 1\n"), None);
    }
}
