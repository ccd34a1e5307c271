//! Rust text in; items with byte ranges, applied edits, diffs and printed fragments out.

use crate::model::{ContentHash, LineWidth};

mod apply;
pub mod bulk;
pub mod byte_maps;
pub mod calm;
pub mod cloned;
pub mod cold_fields;
pub mod comparisons;
pub mod conversions;
pub mod counters;
pub mod declarations;
pub mod dense_maps;
mod diff;
pub mod digits;
mod edges;
pub mod failures;
mod file;
mod find;
pub mod fixed_calls;
mod free_names;
pub mod functions;
pub mod grown;
mod highlight;

pub mod invariants;
mod join;
pub mod json;
pub mod json_compare;
pub mod json_steps;
mod lean;
pub mod lexer;
mod lines;
pub mod literals;
pub mod locks;
pub mod lookups;
pub mod made_in_loop;
mod modules;
pub mod mutexes;
pub mod names;
pub mod nests;
pub mod own_calls;
pub mod own_fields;
pub mod own_polls;
pub mod parsed;
pub mod passes;
pub mod polls;
pub mod prepared;
mod print;
pub mod pure;
pub mod queues;
pub mod regexes;
mod rounds;
pub mod shapes;
pub mod sizes;
pub mod small_io;
mod std_methods;
pub mod syncs;
pub mod tables;
mod template;
pub mod temporaries;
pub mod temporary_guards;
mod tests_in;
pub mod through_text;
mod told_apart;
pub mod too_early;
pub mod tree_fields;
pub mod types;
pub mod usage;
mod users;
pub mod visit;
pub mod walks;
pub mod wire;
pub mod words;
pub mod writers;
mod zones;

pub use apply::apply;
pub use diff::{diff, hunks, same_lines};
pub use file::{SourceFile, forget_spans, is_test_attribute};
pub use find::{Node, expr_at, function_body, path_to, signature, stmt_around, takes_self_mutably};
pub use highlight::{TokenClass, highlight, highlight_lines};
pub use join::join;
pub use lines::{LineIndex, lines};
pub use modules::{Files, ModuleDecl, modules, roles};
pub use print::{columns_before, eol_of, indent_of, indent_unit, print_statements, whole_lines};
pub use template::Template;
pub use told_apart::told_apart;
pub use users::{FieldOwners, spellings, users};
pub use zones::refusal;

/// Where a file stands in its crate, so that its items get their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRole {
    /// Crate name with underscores.
    pub krate: String,
    /// Module path of the file inside the crate.
    pub modules: Vec<String>,
    /// `2015`, `2018`, `2021`, `2024`.
    pub edition: String,
    /// Minor number of the oldest Rust that the package promises to build with; 0 where it promises none.
    pub rust_version: u32,
    /// How long the project's lines may be.
    pub width: LineWidth,
    /// True under `tests/`, `benches/`, `examples/` or in a `#[cfg(test)]` module file.
    pub is_test: bool,
    /// True if `[code] generated` or a marker names it.
    pub is_generated: bool,
    /// Which of several files with this module path it is, from 1 (cfg twins); 0 where nobody counted.
    pub twin: u32,
    /// True if more than one module path leads to it: an edit would change them all.
    pub is_doubled: bool,
}

/// Hash of a file's bytes.
pub fn hash(text: &str) -> ContentHash {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes());
    ContentHash(digest.iter().map(|b| format!("{b:02x}")).collect())
}

/// The nearest character boundary at or before an offset.
fn floor_boundary(text: &str, mut offset: usize) -> usize {
    offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
