//! Functions of the source: their paths, places and extents.

use super::TextRange;

/// The path of a function: `payment_gateway::risk::Scorer::score`, `crate::<Type as Trait>::method`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub String);

impl std::fmt::Display for FunctionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A function, method or closure-bearing item of the workspace, with where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its path; unique in the index (a `#n` is added for doubles such as cfg twins).
    pub id: FunctionId,
    /// Crate name with underscores.
    pub krate: String,
    /// Module path inside the crate, without the crate.
    pub modules: Vec<String>,
    /// Head of the self type for methods (`Scorer`); empty for free functions.
    pub self_type: String,
    /// Head of the trait for trait impls; empty otherwise.
    pub trait_name: String,
    /// The function's own name.
    pub name: String,
    /// Path relative to the project root.
    pub file: String,
    /// Whole item with attributes and docs, bytes of the file.
    pub range: TextRange,
    /// Body block, bytes of the file.
    pub body: TextRange,
    /// First line of the signature, from 1.
    pub line: u32,
    /// Last line, from 1.
    pub end_line: u32,
    /// True for `async fn`.
    pub is_async: bool,
    /// True inside `#[cfg(test)]` or under `tests/`, `benches/`.
    pub is_test: bool,
    /// True in files that `[code] generated` or a marker names.
    pub is_generated: bool,
    /// True for a method whose self type is declared in the module of the `impl`: types of that name elsewhere are others.
    pub is_beside_type: bool,
}

/// A crate of the workspace: where its module tree begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrateRoot {
    /// Crate name with underscores.
    pub name: String,
    /// Name of the package it belongs to, as cargo's `-p` takes it.
    pub package: String,
    /// Root file relative to the project root.
    pub root: String,
    /// `2015`, `2018`, `2021`, `2024`.
    pub edition: String,
    /// Minor number of the oldest Rust that the package promises to build with (`65` of `1.65`); 0 where it promises none.
    pub rust_version: u32,
    /// How long the project's lines may be.
    pub width: LineWidth,
    /// True for targets under `tests/`, `benches/`, `examples/` and build scripts.
    pub is_test: bool,
}

/// Columns that rustfmt lets a line have (`max_width`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineWidth(pub usize);

/// What rustfmt allows where nothing is said.
impl Default for LineWidth {
    fn default() -> LineWidth {
        LineWidth(100)
    }
}
