//! Assembly that rustc made of old and new in, in the form of the GNU assembler; whether both are the same machine code out.
//!
//! Compared are the touched functions and all that they reach in the same file, closures and generic instances among them,
//! after names that carry no meaning (numbered labels, constants named by a hash) are replaced by what they stand for.

use std::collections::{BTreeMap, BTreeSet};

/// What comes of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same instructions on the same constants.
    Same {
        /// Functions that were compared.
        functions: usize,
        /// Instructions in them.
        instructions: usize,
    },
    /// Instructions of the old and the new code.
    Different(usize, usize),
    /// A touched function that has no code of its own here.
    Absent(String),
}

/// Compares the touched functions of these names and what they reach.
pub fn compare(old: &str, new: &str, names: &BTreeSet<String>) -> Compared {
    let (old, new) = (Assembly::read(old), Assembly::read(new));
    for name in names {
        if old.named(name).is_empty() || new.named(name).is_empty() {
            return Compared::Absent(name.clone());
        }
    }
    let roots = |of: &Assembly| -> BTreeSet<String> { names.iter().flat_map(|n| of.named(n)).collect() };
    let (before, after) = (old.reached(roots(&old)), new.reached(roots(&new)));
    let count = |bodies: &BTreeMap<String, Body>| bodies.values().map(|b| b.instructions).sum::<usize>();
    let lines = |bodies: &BTreeMap<String, Body>| -> Vec<(String, Vec<String>)> {
        bodies.iter().map(|(name, body)| (name.clone(), body.lines.clone())).collect()
    };
    match lines(&before) == lines(&after) {
        true => Compared::Same { functions: before.len(), instructions: count(&before) },
        false => Compared::Different(count(&before), count(&after)),
    }
}

/// The text with `#[inline(never)]` on the functions that begin at these bytes, so that each has code of its own.
pub fn kept_apart(text: &str, starts: impl IntoIterator<Item = u32>) -> String {
    let mut starts: Vec<usize> = starts.into_iter().map(|s| s as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let mut new = text.to_owned();
    for start in starts.into_iter().rev() {
        new.insert_str(start, "#[inline(never)] ");
        if let Some((from, to)) = inline_before(&new[..start]) {
            new.replace_range(from..to, &" ".repeat(to - from));
        }
    }
    new
}

/// An `#[inline…]` among the attributes that end this text.
fn inline_before(head: &str) -> Option<(usize, usize)> {
    let mut end = head.trim_end().len();
    while head[..end].ends_with(']') {
        let start = head[..end].rfind("#[")?;
        if head[start..end].starts_with("#[inline") {
            return Some((start, end));
        }
        end = head[..start].trim_end().len();
    }
    None
}

/// Functions and constants of an assembly file by their labels.
#[derive(Default)]
struct Assembly<'t> {
    blocks: BTreeMap<&'t str, Vec<&'t str>>,
    functions: BTreeSet<&'t str>,
    /// Labels inside of blocks, with the block.
    homes: BTreeMap<&'t str, &'t str>,
    /// Functions that the compiler merged with an equal one.
    aliases: BTreeMap<&'t str, &'t str>,
}

/// A function with the constants that it uses, in its own names.
struct Body {
    lines: Vec<String>,
    instructions: usize,
    calls: BTreeSet<String>,
}

/// Labels of places inside of a function or of its unwinding table.
const INNER: [&str; 6] = [".LBB", ".Ltmp", ".Lfunc_", ".Lexception", ".Lcst_", ".Lttbase"];
/// Directives that make data; all others say where and how, and not what.
const DATA: [&str; 13] = [
    ".byte", ".short", ".value", ".long", ".quad", ".octa", ".ascii", ".asciz", ".zero", ".uleb128", ".sleb128",
    ".float", ".double",
];

impl<'t> Assembly<'t> {
    fn read(text: &'t str) -> Assembly<'t> {
        let mut assembly = Assembly::default();
        let mut block = "";
        for line in text.lines() {
            let bare = line.trim();
            if let Some(label) = line.strip_suffix(':').filter(|l| !l.starts_with(char::is_whitespace)) {
                let label = label.trim_matches('"');
                if INNER.iter().any(|inner| label.starts_with(inner)) {
                    assembly.homes.insert(label, block);
                    assembly.blocks.entry(block).or_default().push(bare);
                } else {
                    block = label;
                    assembly.homes.insert(label, label);
                    assembly.blocks.entry(block).or_default();
                }
            } else if let Some(typed) = bare.strip_prefix(".type") {
                if let Some((name, "@function" | "%function")) =
                    typed.split_once(',').map(|(n, t)| (n.trim(), t.trim()))
                {
                    assembly.functions.insert(name.trim_matches('"'));
                }
            } else if let Some((name, of)) = bare.strip_prefix(".set").and_then(|set| set.split_once(',')) {
                assembly.aliases.insert(name.trim().trim_matches('"'), of.trim().trim_matches('"'));
            } else if is_content(bare) {
                assembly.blocks.entry(block).or_default().push(bare);
            }
        }
        assembly
    }

    /// Symbols of functions of this name and of closures in them.
    fn named(&self, name: &str) -> Vec<String> {
        let aliases = self.aliases.keys().filter(|a| self.resolved(a).is_some_and(|f| self.functions.contains(f)));
        let all = self.functions.iter().chain(aliases);
        all.filter(|symbol| own_name(&format!("{:#}", rustc_demangle::demangle(symbol))) == name)
            .map(|symbol| (*symbol).to_owned())
            .collect()
    }

    fn resolved(&self, symbol: &str) -> Option<&'t str> {
        let mut at = symbol;
        for _ in 0..8 {
            match self.aliases.get(at) {
                Some(of) => at = of,
                None => break,
            }
        }
        self.blocks.get_key_value(at).map(|(name, _)| *name)
    }

    /// These functions and all that they reach in this file.
    fn reached(&self, roots: BTreeSet<String>) -> BTreeMap<String, Body> {
        let mut waiting: Vec<String> = roots.into_iter().collect();
        let mut found = BTreeMap::new();
        while let Some(symbol) = waiting.pop() {
            if found.contains_key(&symbol) {
                continue;
            }
            let Some(block) = self.resolved(&symbol) else { continue };
            let body = Reading { assembly: self, places: BTreeMap::new(), data: Vec::new() }.body(block);
            waiting.extend(body.calls.iter().cloned());
            found.insert(symbol, body);
        }
        found
    }
}

/// Replaces names that mean nothing, in the order in which they come.
struct Reading<'a, 't> {
    assembly: &'a Assembly<'t>,
    /// Places of the function, by their numbers.
    places: BTreeMap<&'t str, usize>,
    /// Constants, by their numbers.
    data: Vec<&'t str>,
}

impl<'t> Reading<'_, 't> {
    fn body(mut self, block: &'t str) -> Body {
        let mut body = Body { lines: Vec::new(), instructions: 0, calls: BTreeSet::new() };
        for line in &self.assembly.blocks[block] {
            body.instructions += usize::from(!line.starts_with('.'));
            self.line(line, block, &mut body);
        }
        let mut at = 0;
        while at < self.data.len() {
            let constant = self.data[at];
            body.lines.push(format!("constant {at}:"));
            match self.is_location(constant) {
                true => body.lines.push(String::from("a place in the source, for messages")),
                false => self.assembly.blocks[constant].iter().for_each(|line| self.line(line, constant, &mut body)),
            }
            at += 1;
        }
        body
    }

    /// Where a panic stands moves with the lines above it.
    fn is_location(&self, constant: &str) -> bool {
        let [file, numbers] = self.assembly.blocks[constant][..] else { return false };
        let is_path = |label: &str| {
            let text = self.assembly.blocks.get(label).and_then(|lines| lines.first());
            text.is_some_and(|t| t.ends_with(".rs\"") && t.starts_with(".asc"))
        };
        let numbers = numbers.starts_with(".asciz") || numbers.starts_with(".ascii");
        numbers && file.strip_prefix(".quad").is_some_and(|label| is_path(label.trim()))
    }

    fn line(&mut self, line: &'t str, block: &str, body: &mut Body) {
        let (mut new, mut rest) = (String::with_capacity(line.len()), line);
        if line.starts_with(".asc") {
            body.lines.push(line.to_owned());
            return;
        }
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            if end == 0 {
                new.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
            let (word, after) = rest.split_at(end);
            new += &self.word(word, block, body);
            rest = after;
        }
        body.lines.push(new);
    }

    fn word(&mut self, word: &'t str, block: &str, body: &mut Body) -> String {
        let assembly = self.assembly;
        if assembly.functions.contains(word) || assembly.aliases.contains_key(word) {
            body.calls.insert(word.to_owned());
            return word.to_owned();
        }
        if !word.starts_with(".L") && !word.starts_with("GCC_except_table") {
            return word.to_owned();
        }
        let home = assembly.homes.get(word).copied();
        match home.filter(|home| *home != block && !assembly.functions.contains(home)) {
            Some(home) => {
                let at = self.data.iter().position(|d| *d == home).unwrap_or_else(|| {
                    self.data.push(home);
                    self.data.len() - 1
                });
                format!("constant {at}")
            }
            None => {
                let next = self.places.len();
                format!("place {}", self.places.entry(word).or_insert(next))
            }
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$')
}

/// Instructions, data, and which table a function unwinds by.
fn is_content(line: &str) -> bool {
    let directive = line.split_whitespace().next().unwrap_or_default();
    match directive.starts_with('.') {
        true => DATA.contains(&directive) || directive == ".cfi_lsda",
        false => !directive.is_empty() && !directive.starts_with('#'),
    }
}

/// `sum` of `tiny::sum`, `<tiny::Set as Trait>::sum`, `tiny::sum::<u64>` and `tiny::sum::{closure#0}`.
fn own_name(path: &str) -> &str {
    let mut path = path;
    loop {
        if let Some(outer) = path.strip_suffix('}').and_then(|p| p.rfind("::{").map(|at| &path[..at])) {
            path = outer;
        } else if let Some(outer) = path.strip_suffix('>').and_then(|_| without_arguments(path)) {
            path = outer;
        } else {
            return path.rsplit("::").next().unwrap_or(path);
        }
    }
}

/// The path before its last `::<…>`.
fn without_arguments(path: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, c) in path.char_indices().rev() {
        match c {
            '>' if !path[..at].ends_with('-') => depth += 1,
            '<' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return path[..at].strip_suffix("::");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rustc makes of a library, optimised.
    fn assembly(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (source, out) = (folder.path().join("lib.rs"), folder.path().join("lib.s"));
        std::fs::write(&source, text).unwrap();
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let args = ["--edition=2024", "--crate-type=lib", "--crate-name=tiny", "-Copt-level=3", "-Ccodegen-units=1"];
        let said = std::process::Command::new(rustc)
            .args(args)
            .arg(format!("--emit=asm={}", out.display()))
            .arg(&source)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        std::fs::read_to_string(out).unwrap()
    }

    #[track_caller]
    fn compared(old: &str, new: &str, name: &str) -> Compared {
        let apart = |text: &str| {
            let start = text.find(&format!("pub fn {name}")).unwrap() as u32;
            assembly(&kept_apart(text, [start]))
        };
        compare(&apart(old), &apart(new), &BTreeSet::from([name.to_owned()]))
    }

    const LADDER: &str = "pub fn next(v: &[u32]) -> Option<u32> {\n    \
         let n = match v.first() {\n        Some(n) => n,\n        None => return None,\n    };\n    n.checked_add(1)\n}\n";
    const QUESTION: &str =
        "// Moved.\n\npub fn next(v: &[u32]) -> Option<u32> {\n    let n = v.first()?;\n    n.checked_add(1)\n}\n";

    #[test]
    fn a_ladder_and_a_question_mark_are_the_same_machine_code() {
        let found = compared(LADDER, QUESTION, "next");
        assert!(matches!(found, Compared::Same { functions: 1.., instructions: 5.. }), "{found:?}");
    }

    #[test]
    fn a_panic_that_only_moved_in_the_file_is_the_same() {
        let old = "pub fn at(v: &[u64], i: usize) -> u64 {\n    v[i]\n}\n";
        let moved = "// One line.\n// Another.\npub fn at(v: &[u64], i: usize) -> u64 {\n        v[i]\n}\n";
        assert!(matches!(compared(old, moved, "at"), Compared::Same { .. }));
    }

    #[test]
    fn another_constant_or_another_text_is_another_code() {
        let by = |n: u64| format!("pub fn times(v: &[u64]) -> u64 {{\n    v.iter().map(|x| x * {n}).sum()\n}}\n");
        assert!(matches!(compared(&by(3), &by(5), "times"), Compared::Different(..)));
        let says = |word: &str| {
            format!("pub fn word(n: u32) -> &'static str {{\n    if n == 0 {{ \"{word}\" }} else {{ \"many\" }}\n}}\n")
        };
        assert!(matches!(compared(&says("none"), &says("zero"), "word"), Compared::Different(..)));
        assert!(matches!(compared(&says("none"), &says("none"), "word"), Compared::Same { .. }));
    }

    #[test]
    fn a_difference_in_a_closure_that_is_called_out_of_line_counts() {
        let by = |n: u64| {
            format!(
                "#[inline(never)]\nfn each(v: &[u64], f: impl Fn(u64) -> u64) -> u64 {{\n    v.iter().map(|x| f(*x)).sum()\n}}\n\
                 pub fn total(v: &[u64]) -> u64 {{\n    each(v, |x| x ^ {n})\n}}\n"
            )
        };
        assert!(matches!(compared(&by(3), &by(5), "total"), Compared::Different(..)));
        assert!(matches!(compared(&by(3), &by(3), "total"), Compared::Same { functions: 2.., .. }));
    }

    #[test]
    fn a_saved_copy_is_fewer_instructions() {
        let old =
            "pub fn all(v: &[String]) -> usize {\n    let w = v.to_vec();\n    w.iter().map(|s| s.len()).sum()\n}\n";
        let new = "pub fn all(v: &[String]) -> usize {\n    v.iter().map(|s| s.len()).sum()\n}\n";
        let Compared::Different(before, after) = compared(old, new, "all") else { panic!("they differ") };
        assert!(after < before, "{before} {after}");
    }

    #[test]
    fn a_generic_function_has_no_code_of_its_own_here() {
        let text = "pub fn any<T: Clone>(v: &[T]) -> Vec<T> {\n    v.to_vec()\n}\n";
        assert_eq!(compared(text, text, "any"), Compared::Absent("any".into()));
    }

    #[test]
    fn an_inline_that_stood_there_gives_way() {
        let text = "/// Doc.\n#[inline]\n#[must_use]\npub fn f() -> u8 {\n    1\n}\n";
        let start = text.find("pub fn").unwrap() as u32;
        let new = kept_apart(text, [start]);
        assert_eq!(new, "/// Doc.\n         \n#[must_use]\n#[inline(never)] pub fn f() -> u8 {\n    1\n}\n");
    }

    #[test]
    fn names_are_read_from_paths_of_every_form() {
        for path in [
            "tiny::sum",
            "<tiny::Set as tiny::Trait<u8>>::sum",
            "tiny::sum::<alloc::vec::Vec<u64>>",
            "tiny::sum::{closure#0}",
            "tiny::sum::{{closure}}::{{closure}}",
            "tiny::sum::<fn(u8) -> u8>::{closure#1}",
        ] {
            assert_eq!(own_name(path), "sum", "{path}");
        }
    }
}
