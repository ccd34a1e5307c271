//! A file in; the types and fields that it declares out, which rules know by their names wherever they stand.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::SourceFile;
use super::bulk::{Bulk, Declared, declared};
use super::types::{FieldDecl, struct_fields};

/// What one file declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declarations {
    /// Its structs, enums and aliases without type parameters.
    pub types: Vec<Declared>,
    /// The named fields of its structs.
    pub fields: Vec<FieldDecl>,
}

/// What a file declares.
pub fn declarations(file: &SourceFile) -> Declarations {
    Declarations { types: declared(file).to_vec(), fields: struct_fields(file).to_vec() }
}

/// What all files of a workspace declare; what is asked for is found out once.
#[derive(Default)]
pub struct Known<'a> {
    files: Vec<&'a Declarations>,
    bulk: OnceCell<Bulk<'a>>,
    /// How the types of the fields of a name are written.
    by_field: OnceCell<HashMap<&'a str, HashSet<&'a str>>>,
}

impl<'a> Known<'a> {
    /// Learns from what files declare.
    pub fn of(files: impl IntoIterator<Item = &'a Declarations>) -> Known<'a> {
        Known { files: files.into_iter().collect(), ..Known::default() }
    }

    /// The types.
    pub fn types(&self) -> &Bulk<'a> {
        self.bulk.get_or_init(|| Bulk::of(self.files.iter().flat_map(|file| &file.types)))
    }

    /// True if there are fields of that name, and all have such a type.
    pub fn all_fields(&self, name: &str, is_such: impl Fn(&syn::Type) -> bool) -> bool {
        let types = self.by_field.get_or_init(|| self.fields()).get(name);
        types.is_some_and(|types| types.iter().all(|ty| syn::parse_str(ty).is_ok_and(|ty| is_such(&ty))))
    }

    fn fields(&self) -> HashMap<&'a str, HashSet<&'a str>> {
        let mut by_field: HashMap<&str, HashSet<&str>> = HashMap::new();
        for field in self.files.iter().flat_map(|file| &file.fields) {
            by_field.entry(&field.name).or_default().insert(&field.ty);
        }
        by_field
    }
}
