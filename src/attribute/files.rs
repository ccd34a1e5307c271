//! A source place as a profile writes it in, the item that stands there out.

use std::collections::HashMap;

use crate::model::Item;

/// Workspace files by their last name, and their items by line.
pub struct Files<'a> {
    items: &'a [Item],
    by_name: HashMap<&'a str, Vec<&'a str>>,
    /// Items of a file in the order in which they begin; an item inside another comes after it.
    by_file: HashMap<&'a str, Vec<u32>>,
}

/// How a written path matches a workspace file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match<'a> {
    /// The written path ends in the whole workspace path; `root` is what stands before.
    Whole {
        /// The workspace file.
        file: &'a str,
        /// What stands before it in the written path.
        root: String,
    },
    /// The written path is shorter (perf prints bare file names), and one workspace file alone ends in it.
    Tail(&'a str),
    /// No file of the workspace, or more than one.
    None,
}

/// `#[instrument]` gives the line of the attribute, which stands at most so many lines above its function.
pub const MOST_ATTRIBUTES: u32 = 12;

impl<'a> Files<'a> {
    /// Indexes the items.
    pub fn new(items: &'a [Item]) -> Files<'a> {
        let mut files = Files { items, by_name: HashMap::new(), by_file: HashMap::new() };
        for (at, item) in items.iter().enumerate() {
            files.by_file.entry(&item.file).or_default().push(at as u32);
        }
        for (file, list) in &mut files.by_file {
            list.sort_by_key(|i| (items[*i as usize].range.start, items[*i as usize].line));
            files.by_name.entry(last_name(file)).or_default().push(file);
        }
        files.by_name.values_mut().for_each(|l| l.sort_unstable());
        files
    }

    /// The workspace file that a written path means.
    pub fn find(&self, written: &str) -> Match<'a> {
        let written = tidy(written);
        if is_foreign(&written) {
            return Match::None;
        }
        let Some(same_name) = self.by_name.get(last_name(&written)) else { return Match::None };
        let whole = same_name.iter().filter(|file| ends_in(&written, file)).max_by_key(|file| file.len());
        if let Some(file) = whole {
            return Match::Whole { file, root: written[..written.len() - file.len()].to_owned() };
        }
        let mut longer = same_name.iter().filter(|file| ends_in(file, &written));
        match (longer.next(), longer.next()) {
            (Some(file), None) => Match::Tail(file),
            _ => Match::None,
        }
    }

    /// True if a written path is no path of std or a dependency, and ends in the last name of a workspace file.
    pub fn has_last_name_of(&self, written: &str, file: &str) -> bool {
        let written = tidy(written);
        !is_foreign(&written) && last_name(&written) == last_name(file)
    }

    /// True for paths of std and of dependencies.
    pub fn is_foreign(&self, written: &str) -> bool {
        is_foreign(&tidy(written))
    }

    /// The innermost item around a line, from 1.
    pub fn at(&self, file: &str, line: u32) -> Option<u32> {
        let list = self.by_file.get(file)?;
        let begun = list.partition_point(|i| self.items[*i as usize].line <= line);
        list[..begun].iter().rev().copied().find(|i| line <= self.items[*i as usize].end_line)
    }

    /// The item whose signature begins on a line.
    pub fn begins_at(&self, file: &str, line: u32) -> Option<u32> {
        self.by_file.get(file)?.iter().copied().find(|i| self.items[*i as usize].line == line)
    }

    /// How many lines a line is away from the beginning of the function of this name that holds it, or that begins within the
    /// lines that attributes above it take.
    pub fn distance_to(&self, name: &str, file: &str, line: u32) -> Option<u32> {
        let first = || (line..line + MOST_ATTRIBUTES).find_map(|l| self.begins_at(file, l));
        let item = &self.items[self.at(file, line).or_else(first)? as usize];
        (item.name == name).then(|| item.line.abs_diff(line))
    }

    /// True if two items of one file begin and end on the same lines.
    pub fn same_lines(&self, one: u32, other: u32) -> bool {
        let place =
            |i: u32| (&self.items[i as usize].file, self.items[i as usize].line, self.items[i as usize].end_line);
        place(one) == place(other)
    }

    /// True if the item's text holds the line.
    pub fn holds(&self, item: u32, file: &str, line: u32) -> bool {
        let item = &self.items[item as usize];
        item.file == file && (item.line..=item.end_line).contains(&line)
    }
}

fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// True if a path is another one, or ends in all of it.
pub fn ends_in(path: &str, tail: &str) -> bool {
    path.strip_suffix(tail).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Forward slashes, without `.` and `x/..`.
fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let path = path.replace('\\', "/");
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|p| !p.is_empty() && *p != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Paths of std as rustc writes them, and of sources that cargo fetched.
fn is_foreign(path: &str) -> bool {
    path.starts_with("/rustc/")
        || ["/registry/src/", "/git/checkouts/", "/lib/rustlib/src/rust/"].iter().any(|mark| path.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FunctionId;

    fn item(file: &str, line: u32, end_line: u32) -> Item {
        Item {
            id: FunctionId(format!("{file}:{line}")),
            krate: "gw".into(),
            name: "f".into(),
            file: file.into(),
            range: crate::model::TextRange::new(line as usize * 10, end_line as usize * 10),
            line,
            end_line,
            ..Item::default()
        }
    }

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let items = [item("src/risk.rs", 1, 9), item("src/lib.rs", 1, 2), item("risk/src/lib.rs", 1, 2)];
        let found = match Files::new(&items).find(written) {
            Match::Whole { file, root } => format!("{root}|{file}"),
            Match::Tail(file) => format!("..{file}"),
            Match::None => "none".into(),
        };
        assert_eq!(found, expected, "{written}");
    }

    #[test]
    fn the_longest_suffix_wins_and_the_root_is_known() {
        check("/home/me/pay/src/risk.rs", "/home/me/pay/|src/risk.rs");
        check("/home/me/pay/risk/src/lib.rs", "/home/me/pay/|risk/src/lib.rs");
        check("/home/me/pay/./x/../src/lib.rs", "/home/me/pay/|src/lib.rs");
        check("src/risk.rs", "|src/risk.rs");
        check("/home/me/mysrc/risk.rs", "none");
    }

    #[test]
    fn a_bare_name_counts_only_if_one_file_has_it() {
        check("risk.rs", "..src/risk.rs");
        check("lib.rs", "none");
    }

    #[test]
    fn std_and_dependencies_are_foreign_although_their_files_have_the_same_names() {
        check("/rustc/59807616e1fa/library/core/src/lib.rs", "none");
        check("/root/.cargo/registry/src/index.crates.io-6f17/tokio-1.0.0/src/lib.rs", "none");
        check("/root/.cargo/git/checkouts/hyper-1/abc/src/lib.rs", "none");
    }

    #[test]
    fn a_line_belongs_to_the_innermost_item() {
        let items = [item("a.rs", 1, 20), item("a.rs", 5, 8), item("a.rs", 30, 40)];
        let files = Files::new(&items);
        assert_eq!([4, 5, 8, 9, 25].map(|l| files.at("a.rs", l)), [Some(0), Some(1), Some(1), Some(0), None]);
    }
}
