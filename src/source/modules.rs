//! Crate roots and the modules that files declare in; where each file stands in its crate out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::FileRole;
use super::lexer::{self, Token, TokenKind};
use crate::model::{CrateRoot, Place, Problem};

/// Follows the `mod` declarations of every crate.
///
/// A file that no crate reaches has no role. A file reached twice keeps the role of the first crate (or of the first
/// path) and is marked [`FileRole::is_doubled`]; files that share one module path (cfg twins) are numbered by
/// [`FileRole::twin`]. Declarations without a file are told as notes: they are often behind a `cfg`.
pub fn roles(crates: &[CrateRoot], files: &impl Files) -> (BTreeMap<String, FileRole>, Vec<Problem>) {
    let mut walk = Walk { files, roles: BTreeMap::new(), problems: Vec::new(), paths: BTreeMap::new() };
    for root in crates {
        let role = FileRole {
            krate: root.name.clone(),
            edition: root.edition.clone(),
            rust_version: root.rust_version,
            width: root.width,
            is_test: root.is_test,
            ..FileRole::default()
        };
        let mut on_way = BTreeSet::new();
        if files.has(&root.root) {
            walk.file(&root.root, role, Owner::Dir(parent(&root.root)), &mut on_way);
        } else {
            walk.problems.push(
                Problem::warning(format!("the root of crate \"{}\" is not among the files", root.name))
                    .at(Place::file(&root.root)),
            );
        }
    }
    (walk.roles, walk.problems)
}

/// The files among which modules are looked for.
pub trait Files {
    /// True if there is such a file.
    fn has(&self, path: &str) -> bool;
    /// The modules that a file declares.
    fn modules(&self, path: &str) -> Cow<'_, [ModuleDecl]>;
}

/// Texts by their paths.
impl Files for BTreeMap<String, String> {
    fn has(&self, path: &str) -> bool {
        self.contains_key(path)
    }

    fn modules(&self, path: &str) -> Cow<'_, [ModuleDecl]> {
        Cow::Owned(self.get(path).map(|text| modules(text)).unwrap_or_default())
    }
}

/// Where the modules that a file declares have their files.
#[derive(Clone)]
enum Owner {
    /// `lib.rs`, `mod.rs`, or named by `#[path]`: beside it.
    Dir(String),
    /// `risk.rs`: in the folder `risk`.
    Named {
        /// Folder of the file itself: what `#[path]` counts from.
        dir: String,
        /// Its stem.
        stem: String,
    },
}

impl Owner {
    /// Folder for `mod x;`.
    fn children(&self) -> String {
        match self {
            Owner::Dir(dir) => dir.clone(),
            Owner::Named { dir, stem } => join(dir, stem),
        }
    }

    /// Folder that `#[path]` counts from, outside of inline modules.
    fn dir(&self) -> &str {
        match self {
            Owner::Dir(dir) | Owner::Named { dir, .. } => dir,
        }
    }
}

struct Walk<'a, F> {
    files: &'a F,
    roles: BTreeMap<String, FileRole>,
    problems: Vec<Problem>,
    /// Number of files per (crate, is it a test target, module path).
    paths: BTreeMap<(String, bool, Vec<String>), u32>,
}

impl<F: Files> Walk<'_, F> {
    fn file(&mut self, path: &str, mut role: FileRole, owner: Owner, on_way: &mut BTreeSet<String>) {
        if !self.files.has(path) || !on_way.insert(path.to_owned()) {
            return;
        }
        match self.roles.get_mut(path) {
            Some(known) => known.is_doubled |= known.krate != role.krate || known.modules != role.modules,
            None => {
                let count = self.paths.entry((role.krate.clone(), role.is_test, role.modules.clone())).or_insert(0);
                *count += 1;
                role.twin = *count;
                self.roles.insert(path.to_owned(), role.clone());
            }
        }
        let files = self.files;
        for declared in files.modules(path).iter() {
            self.follow(path, &role, &owner, declared, on_way);
        }
        on_way.remove(path);
    }

    fn follow(
        &mut self,
        from: &str,
        role: &FileRole,
        owner: &Owner,
        declared: &ModuleDecl,
        on_way: &mut BTreeSet<String>,
    ) {
        let folder = declared.inline.iter().fold(owner.children(), |dir, name| join(&dir, name));
        let candidates = match &declared.path {
            Some(path) if declared.inline.is_empty() => vec![(join(owner.dir(), path), None)],
            Some(path) => vec![(join(&folder, path), None)],
            None => vec![
                (join(&folder, &format!("{}.rs", declared.name)), Some(declared.name.clone())),
                (join(&folder, &format!("{}/mod.rs", declared.name)), None),
            ],
        };
        let mut child = role.clone();
        child.modules.extend(declared.inline.iter().cloned());
        child.modules.push(declared.name.clone());
        child.is_test |= declared.is_test;
        match candidates.iter().find(|(path, _)| self.files.has(path)) {
            Some((path, stem)) => {
                let dir = parent(path);
                let owner = stem.clone().map_or(Owner::Dir(dir.clone()), |stem| Owner::Named { dir, stem });
                self.file(path, child, owner, on_way);
            }
            None => self.problems.push(Problem::note(format!("no file for `mod {}`", declared.name)).at(Place::at(
                from,
                declared.line,
                0,
            ))),
        }
    }
}

/// A `mod x;`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleDecl {
    /// Its name without `r#`.
    pub name: String,
    /// Where its file lies, if `#[path]` says so.
    pub path: Option<String>,
    /// Inline modules around it.
    pub inline: Vec<String>,
    /// True if it is there for tests alone.
    pub is_test: bool,
    /// Its line, from 1.
    pub line: u32,
}

/// The modules that a text declares to have files of their own.
///
/// Reads `mod` declarations from tokens: a full parse of every file would cost as much as the analysis itself, and
/// declarations inside `cfg_if!` are only tokens anyway.
pub fn modules(text: &str) -> Vec<ModuleDecl> {
    if !may_declare(text) {
        return Vec::new();
    }
    let tokens: Vec<Token> = lexer::tokens(text).into_iter().filter(|t| !t.is_comment()).collect();
    let lines = super::LineIndex::new(text);
    let word = |i: usize| tokens.get(i).map_or("", |t| t.text(text));
    let mut out = Vec::new();
    let mut open: Vec<Option<(String, bool)>> = Vec::new();
    let mut attributes: Vec<String> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match word(i) {
            "#" if word(i + 1) == "[" => {
                let end = closing(text, &tokens, i + 1);
                let bytes = tokens[i].range.start as usize..tokens[end.min(tokens.len() - 1)].range.end as usize;
                attributes.push(text[bytes].to_owned());
                i = end;
            }
            "mod" if tokens.get(i + 1).is_some_and(|t| t.kind == TokenKind::Ident) => {
                let name = word(i + 1).trim_start_matches("r#").to_owned();
                let is_test = attributes.iter().any(|a| super::file::says_test(a));
                if word(i + 2) == "{" {
                    open.push(Some((name, is_test)));
                    i += 2;
                } else if word(i + 2) == ";" {
                    out.push(ModuleDecl {
                        name,
                        path: attributes.iter().find_map(|a| path_value(a)),
                        inline: open.iter().flatten().map(|(n, _)| n.clone()).collect(),
                        is_test: is_test || open.iter().flatten().any(|(_, t)| *t),
                        line: lines.line(tokens[i].range.start),
                    });
                }
                attributes.clear();
            }
            "{" => open.push(None),
            "}" => {
                open.pop();
            }
            _ => {}
        }
        if matches!(word(i), ";" | "{" | "}") {
            attributes.clear();
        }
        i += 1;
    }
    out
}

/// False where no `mod` of the text is followed by a name and a semicolon, which most files can tell without tokens.
fn may_declare(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, b"mod").any(|at| {
        let rest = &text[at + 3..];
        let is_name = |c: char| c == '_' || c == '#' || c.is_alphanumeric();
        let name = rest.trim_start();
        // A comment may stand between the words: then the tokens decide.
        let after = name.trim_start_matches(is_name).trim_start();
        name.starts_with('/') || (name.len() < rest.len() && (after.starts_with(';') || after.starts_with('/')))
    })
}

/// Index of the bracket that closes the one at `open`.
fn closing(text: &str, tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text(text) {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    tokens.len() - 1
}

/// The value of `#[path = "…"]`.
fn path_value(attribute: &str) -> Option<String> {
    let parsed = syn::parse::Parser::parse_str(syn::Attribute::parse_outer, attribute).ok()?;
    let value = &parsed.iter().find(|a| a.path().is_ident("path"))?.meta.require_name_value().ok()?.value;
    match value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value().replace('\\', "/")),
        _ => None,
    }
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or(String::new(), |(dir, _)| dir.to_owned())
}

/// Joins and resolves `.` and `..`.
fn join(dir: &str, path: &str) -> String {
    let mut parts: Vec<&str> = dir.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect()
    }

    fn root(name: &str, root: &str) -> CrateRoot {
        CrateRoot { name: name.into(), root: root.into(), edition: "2024".into(), ..CrateRoot::default() }
    }

    fn shown(roles: &BTreeMap<String, FileRole>) -> Vec<String> {
        let mark = |on: bool, word: &str| if on { format!(" {word}") } else { String::new() };
        roles
            .iter()
            .map(|(path, r)| {
                let twin = mark(r.twin > 1, &format!("twin {}", r.twin));
                format!(
                    "{path} = {}::{}{}{}{twin}",
                    r.krate,
                    r.modules.join("::"),
                    mark(r.is_test, "test"),
                    mark(r.is_doubled, "doubled")
                )
            })
            .collect()
    }

    #[test]
    fn module_files_are_found_beside_below_and_by_path() {
        let texts = texts(&[
            ("src/lib.rs", "mod a; pub(crate) mod b; #[path = \"odd/place.rs\"] mod c; mod i { mod j; }"),
            ("src/a.rs", "mod x; #[path = \"y_file.rs\"] mod y; mod k { #[path = \"z.rs\"] mod z; }"),
            ("src/a/x.rs", ""),
            ("src/y_file.rs", ""),
            ("src/a/k/z.rs", ""),
            ("src/b/mod.rs", "mod x;"),
            ("src/b/x.rs", ""),
            ("src/odd/place.rs", "mod near;"),
            ("src/odd/near.rs", ""),
            ("src/i/j.rs", ""),
            ("src/orphan.rs", ""),
        ]);
        let (roles, problems) = roles(&[root("pay", "src/lib.rs")], &texts);
        assert_eq!(
            shown(&roles),
            [
                "src/a.rs = pay::a",
                "src/a/k/z.rs = pay::a::k::z",
                "src/a/x.rs = pay::a::x",
                "src/b/mod.rs = pay::b",
                "src/b/x.rs = pay::b::x",
                "src/i/j.rs = pay::i::j",
                "src/lib.rs = pay::",
                "src/odd/near.rs = pay::c::near",
                "src/odd/place.rs = pay::c",
                "src/y_file.rs = pay::a::y",
            ]
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn tests_twins_and_doubled_files_are_marked() {
        let texts = texts(&[
            (
                "src/lib.rs",
                "#[cfg(unix)] #[path = \"unix.rs\"] mod sys;\n#[cfg(windows)] #[path = \"win.rs\"] mod sys;
                 #[cfg(test)] mod tests; mod shared;",
            ),
            ("src/main.rs", "mod shared;"),
            ("src/unix.rs", ""),
            ("src/win.rs", ""),
            ("src/tests.rs", ""),
            ("src/shared.rs", ""),
        ]);
        let (roles, _) = roles(&[root("pay", "src/lib.rs"), root("pay_bin", "src/main.rs")], &texts);
        assert_eq!(
            shown(&roles),
            [
                "src/lib.rs = pay::",
                "src/main.rs = pay_bin::",
                "src/shared.rs = pay::shared doubled",
                "src/tests.rs = pay::tests test",
                "src/unix.rs = pay::sys",
                "src/win.rs = pay::sys twin 2",
            ]
        );
    }

    #[test]
    fn a_declaration_is_found_however_it_is_spaced() {
        for text in ["mod a;", "mod\ta ;", "mod/* x */a;", "mod a // x\n;", "mod\n r#a\n;", "x! { mod a; }"] {
            assert_eq!(modules(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn comments_strings_and_names_are_no_declarations() {
        let texts = texts(&[
            ("src/lib.rs", "// mod a;\nconst S: &str = \"mod b;\"; fn f(r#mod: u8) {}\ncfg_if! { if x { mod d; } }"),
            ("src/d.rs", ""),
        ]);
        let (roles, problems) = roles(&[root("pay", "src/lib.rs")], &texts);
        assert_eq!(roles.keys().map(String::as_str).collect::<Vec<_>>(), ["src/d.rs", "src/lib.rs"]);
        assert_eq!(problems, []);
    }

    #[test]
    fn missing_files_and_circles_end_in_notes() {
        let texts = texts(&[("src/lib.rs", "\nmod gone;\n#[path = \"lib.rs\"] mod me;")]);
        let (roles, problems) = roles(&[root("pay", "src/lib.rs"), root("x", "nowhere.rs")], &texts);
        assert_eq!(roles.len(), 1);
        let shown: Vec<_> = problems.iter().map(|p| p.to_string()).collect();
        assert_eq!(
            shown,
            [
                "note: no file for `mod gone`\n  --> src/lib.rs:2",
                "warning: the root of crate \"x\" is not among the files\n  --> nowhere.rs",
            ]
        );
    }
}
