//! The functions of all files in; look-ups by place and by path out.

use std::collections::{BTreeMap, HashMap};

use crate::model::{FunctionId, Item};

/// All functions of the workspace.
#[derive(Clone, Debug, Default)]
pub struct Index {
    items: Vec<Item>,
    by_id: HashMap<FunctionId, usize>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Per file, indices in the order in which the functions begin.
    by_file: HashMap<String, Vec<usize>>,
}

impl Index {
    /// Indexes the functions; two of the same id in different files are told apart by a `#n`.
    pub fn new(items: impl IntoIterator<Item = Item>) -> Index {
        let mut index = Index::default();
        for mut item in items {
            let mut count = 1;
            let id = item.id.clone();
            while index.by_id.contains_key(&item.id) {
                count += 1;
                item.id = FunctionId(format!("{id}#{count}"));
            }
            let at = index.items.len();
            index.by_id.insert(item.id.clone(), at);
            index.by_name.entry(item.name.clone()).or_default().push(at);
            index.by_file.entry(item.file.clone()).or_default().push(at);
            index.items.push(item);
        }
        for list in index.by_file.values_mut() {
            list.sort_by_key(|i| index.items[*i].range.start);
        }
        index
    }

    /// All functions, in the order given.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// All functions, in the order given.
    pub fn into_items(self) -> Vec<Item> {
        self.items
    }

    /// The innermost function around a line (from 1) of a file.
    ///
    /// Where two functions share a line, the one that begins on it last is taken.
    pub fn at(&self, file: &str, line: u32) -> Option<&Item> {
        let list = self.by_file.get(file)?;
        let begun = list.partition_point(|i| self.first_line(*i) <= line);
        list[..begun].iter().rev().map(|i| &self.items[*i]).find(|item| line <= item.end_line)
    }

    fn first_line(&self, item: usize) -> u32 {
        self.items[item].line
    }

    /// The function of exactly this path.
    pub fn by_id(&self, id: &FunctionId) -> Option<&Item> {
        self.by_id.get(id).map(|i| &self.items[*i])
    }

    /// The function of exactly this path, given as text.
    pub fn by_path(&self, path: &str) -> Option<&Item> {
        self.by_id(&FunctionId(path.to_owned()))
    }

    /// Every function of this plain name, in the order given.
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.by_name.get(name).into_iter().flatten().map(|i| &self.items[*i])
    }

    /// Functions of a file in the order in which they begin.
    pub fn of_file<'a>(&'a self, file: &str) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.by_file.get(file).into_iter().flatten().map(|i| &self.items[*i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileRole, SourceFile};

    fn index(files: &[(&str, &str)]) -> Index {
        let role = FileRole { krate: "pay".into(), ..FileRole::default() };
        Index::new(files.iter().flat_map(|(path, text)| SourceFile::parse(path, text, &role).unwrap().items))
    }

    #[test]
    fn a_line_belongs_to_its_innermost_function() {
        let index = index(&[("a.rs", "fn a() {\n  fn b() {\n    1\n  }\n  2\n}\n\nfn c() {}")]);
        let at = |line| index.at("a.rs", line).map(|i| i.name.as_str());
        assert_eq!(
            [at(1), at(3), at(5), at(7), at(8), at(9)],
            [Some("a"), Some("b"), Some("a"), None, Some("c"), None]
        );
        assert!(index.at("b.rs", 1).is_none());
    }

    #[test]
    fn doubles_across_files_are_numbered_and_found_by_name() {
        let index = index(&[("unix.rs", "fn now() {}"), ("windows.rs", "fn now() {}")]);
        assert_eq!(index.by_path("pay::now").map(|i| i.file.as_str()), Some("unix.rs"));
        assert_eq!(index.by_path("pay::now#2").map(|i| i.file.as_str()), Some("windows.rs"));
        assert_eq!(index.named("now").count(), 2);
        assert_eq!(index.of_file("unix.rs").count(), 1);
    }
}
