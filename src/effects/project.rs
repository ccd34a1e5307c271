//! The manifests of a base tree in, the crates of the workspace with their root files out; executes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CrateRoot, LineWidth, Place, Problem};

/// The crates that the manifests below `cargo_root` declare, sorted, and what could not be read.
///
/// `files` maps every path of the base tree to its text (only manifests need one). Cargo's rules for targets are
/// those of the Cargo reference, "Target auto-discovery"; `cargo metadata` is not asked because opening a project
/// must not run anything.
pub fn crates(files: &BTreeMap<String, String>, cargo_root: &str) -> (Vec<CrateRoot>, Vec<Problem>) {
    let root = normal(cargo_root);
    let mut problems = Vec::new();
    let Some(top) = manifest(files, &root, &mut problems) else {
        problems.push(
            Problem::error(format!("no Cargo.toml in {}", if root.is_empty() { "." } else { &root }))
                .help("name the Cargo root in slo.toml: `[code] root = \"services/gateway\"`"),
        );
        return (Vec::new(), problems);
    };
    let mut found = BTreeSet::new();
    for dir in members(files, &root, &top) {
        if let Some(table) = manifest(files, &dir, &mut problems) {
            found.extend(targets(files, &dir, &table, &top));
        }
    }
    (found.into_iter().collect(), problems)
}

fn normal(path: &str) -> String {
    let path = path.trim_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path == "." { String::new() } else { path.to_string() }
}

fn join(dir: &str, path: &str) -> String {
    let mut parts: Vec<&str> = dir.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn manifest(files: &BTreeMap<String, String>, dir: &str, problems: &mut Vec<Problem>) -> Option<toml::Table> {
    let path = join(dir, "Cargo.toml");
    let text = files.get(&path)?;
    match text.parse::<toml::Table>() {
        Ok(table) => Some(table),
        Err(error) => {
            problems.push(
                Problem::warning(format!("this manifest cannot be read: {}", error.message()))
                    .at(Place::file(path))
                    .help("its crates are left out until it parses"),
            );
            None
        }
    }
}

/// Folders of the packages: the root if it is one, `workspace.members` with globs, and path dependencies inside the root.
fn members(files: &BTreeMap<String, String>, root: &str, top: &toml::Table) -> Vec<String> {
    let mut dirs = BTreeSet::new();
    if top.contains_key("package") {
        dirs.insert(root.to_string());
    }
    let workspace = top.get("workspace").and_then(|w| w.as_table());
    let strings = |key: &str| -> Vec<String> {
        let list = workspace.and_then(|w| w.get(key)).and_then(|v| v.as_array());
        list.into_iter().flatten().filter_map(|v| v.as_str()).map(|s| join(root, s)).collect()
    };
    let (wanted, unwanted) = (strings("members"), strings("exclude"));
    for path in files.keys().filter(|p| *p == "Cargo.toml" || p.ends_with("/Cargo.toml")) {
        let dir = path.strip_suffix("Cargo.toml").unwrap_or_default().trim_end_matches('/');
        let is_member = wanted.iter().any(|pattern| glob(pattern, dir));
        if is_member && !unwanted.iter().any(|pattern| glob(pattern, dir)) {
            dirs.insert(dir.to_string());
        }
    }
    if workspace.is_some() || top.contains_key("package") {
        path_dependencies(files, root, &mut dirs);
    }
    dirs.into_iter().collect()
}

/// Path dependencies of members are members too if they lie below the workspace root (Cargo reference, "members").
fn path_dependencies(files: &BTreeMap<String, String>, root: &str, dirs: &mut BTreeSet<String>) {
    let mut queue: Vec<String> = dirs.iter().cloned().collect();
    while let Some(dir) = queue.pop() {
        let Some(table) = manifest(files, &dir, &mut Vec::new()) else { continue };
        for key in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (_, dependency) in table.get(key).and_then(|d| d.as_table()).into_iter().flatten() {
                let Some(path) = dependency.get("path").and_then(|p| p.as_str()) else { continue };
                let target = join(&dir, path);
                let inside = root.is_empty() || target.starts_with(&format!("{root}/"));
                if inside && files.contains_key(&join(&target, "Cargo.toml")) && dirs.insert(target.clone()) {
                    queue.push(target);
                }
            }
        }
    }
}

/// Matches a member pattern: `*` and `?` inside one path segment.
fn glob(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(p, s)| segment(p.as_bytes(), s.as_bytes()))
}

fn segment(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => segment(&pattern[1..], text) || (!text.is_empty() && segment(pattern, &text[1..])),
        (Some(b'?'), Some(_)) => segment(&pattern[1..], &text[1..]),
        (Some(p), Some(t)) if p == t => segment(&pattern[1..], &text[1..]),
        _ => false,
    }
}

fn targets(files: &BTreeMap<String, String>, dir: &str, table: &toml::Table, top: &toml::Table) -> Vec<CrateRoot> {
    let Some(package) = table.get("package").and_then(|p| p.as_table()) else { return Vec::new() };
    let name = package.get("name").and_then(|n| n.as_str()).unwrap_or_default();
    let edition = inherited(package, top, "edition").unwrap_or("2015").to_string();
    let rust_version = inherited(package, top, "rust-version").map_or(0, minor);
    let width = width(files, dir);
    let root = |name: &str, path: String, is_test: bool| CrateRoot {
        name: name.replace('-', "_"),
        package: package.get("name").and_then(|n| n.as_str()).unwrap_or_default().to_string(),
        root: path,
        edition: edition.clone(),
        rust_version,
        width,
        is_test,
    };
    let mut found = Vec::new();
    let lib = table.get("lib").and_then(|l| l.as_table());
    let lib_path = lib.and_then(|l| l.get("path")).and_then(|p| p.as_str()).unwrap_or("src/lib.rs");
    let lib_name = lib.and_then(|l| l.get("name")).and_then(|p| p.as_str()).unwrap_or(name);
    found.push(root(lib_name, join(dir, lib_path), false));
    found.push(root(name, join(dir, "src/main.rs"), false));
    found.push(root("build", join(dir, "build.rs"), true));
    for (key, folder, is_test) in
        [("bin", "src/bin", false), ("test", "tests", true), ("bench", "benches", true), ("example", "examples", true)]
    {
        for (target, path) in declared(table, key, dir).into_iter().chain(discovered(files, dir, folder)) {
            found.push(root(&target, path, is_test));
        }
    }
    found.retain(|c| files.contains_key(&c.root));
    let mut seen = BTreeSet::new();
    found.retain(|c| seen.insert(c.root.clone()));
    found
}

/// A key of the package, or of the workspace where the package says `key.workspace = true`.
fn inherited<'a>(package: &'a toml::Table, top: &'a toml::Table, key: &str) -> Option<&'a str> {
    let own = package.get(key)?;
    let of_workspace = || top.get("workspace")?.get("package")?.get(key)?.as_str();
    own.as_str().or_else(of_workspace)
}

/// `65` of `1.65` and `1.65.0`.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
}

/// The `max_width` of the nearest `rustfmt.toml` from a folder upwards, as rustfmt looks for it.
fn width(files: &BTreeMap<String, String>, dir: &str) -> LineWidth {
    let above = std::iter::successors(Some(dir), |dir| match dir.rsplit_once('/') {
        Some((outer, _)) => Some(outer),
        None => (!dir.is_empty()).then_some(""),
    });
    let named = |dir: &str| ["rustfmt.toml", ".rustfmt.toml"].map(|name| files.get(&join(dir, name)));
    let text = above.flat_map(named).flatten().next();
    let table: toml::Table = text.and_then(|text| text.parse().ok()).unwrap_or_default();
    let said = table.get("max_width").and_then(|v| v.as_integer()).and_then(|n| usize::try_from(n).ok());
    said.map_or_else(LineWidth::default, LineWidth)
}

fn declared(table: &toml::Table, key: &str, dir: &str) -> Vec<(String, String)> {
    let list = table.get(key).and_then(|v| v.as_array());
    let of = |target: &toml::Value| {
        let name = target.get("name")?.as_str()?.to_string();
        let path = target.get("path")?.as_str()?;
        Some((name, join(dir, path)))
    };
    list.into_iter().flatten().filter_map(of).collect()
}

/// `src/bin/x.rs` and `src/bin/x/main.rs`, likewise under `tests`, `benches`, `examples`.
fn discovered(files: &BTreeMap<String, String>, dir: &str, folder: &str) -> Vec<(String, String)> {
    let prefix = format!("{}/", join(dir, folder));
    let below = files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
    let target = |path: &str| {
        let rest = &path[prefix.len()..];
        let name = match rest.split_once('/') {
            None => rest.strip_suffix(".rs")?,
            Some((name, "main.rs")) => name,
            Some(_) => return None,
        };
        Some((name.to_string(), path.to_string()))
    };
    below.filter_map(|(path, _)| target(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(p, t)| (p.to_string(), t.to_string())).collect()
    }

    fn roots(found: &[CrateRoot]) -> Vec<String> {
        found.iter().map(|c| format!("{} {} {} {}", c.name, c.package, c.root, c.edition)).collect()
    }

    #[test]
    fn targets_are_found_as_cargo_finds_them() {
        let files = tree(&[
            ("Cargo.toml", "[package]\nname = \"pay-gate\"\nedition = \"2024\"\n"),
            ("src/lib.rs", ""),
            ("src/main.rs", ""),
            ("src/bin/load.rs", ""),
            ("src/bin/tool/main.rs", ""),
            ("src/bin/tool/other.rs", ""),
            ("tests/api.rs", ""),
        ]);
        let (found, problems) = crates(&files, ".");
        assert_eq!(problems, []);
        assert_eq!(
            roots(&found),
            [
                "api pay-gate tests/api.rs 2024",
                "load pay-gate src/bin/load.rs 2024",
                "pay_gate pay-gate src/lib.rs 2024",
                "pay_gate pay-gate src/main.rs 2024",
                "tool pay-gate src/bin/tool/main.rs 2024",
            ]
        );
    }

    #[test]
    fn members_come_from_globs_and_path_dependencies_below_a_cargo_root_in_a_subfolder() {
        let files = tree(&[
            (
                "server/Cargo.toml",
                "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/old\"]\n[workspace.package]\nedition = \"2021\"\n",
            ),
            (
                "server/crates/a/Cargo.toml",
                "[package]\nname = \"a\"\nedition.workspace = true\n[dependencies]\nb = { path = \"../../b\" }\n",
            ),
            ("server/crates/a/src/lib.rs", ""),
            ("server/crates/old/Cargo.toml", "[package]\nname = \"old\"\n"),
            ("server/crates/old/src/lib.rs", ""),
            ("server/b/Cargo.toml", "[package]\nname = \"b\"\n[lib]\nname = \"bee\"\npath = \"bee.rs\"\n"),
            ("server/b/bee.rs", ""),
            ("elsewhere/Cargo.toml", "[package]\nname = \"c\"\n"),
            ("elsewhere/src/lib.rs", ""),
        ]);
        let (found, _) = crates(&files, "./server");
        assert_eq!(roots(&found), ["a a server/crates/a/src/lib.rs 2021", "bee b server/b/bee.rs 2015"]);
    }

    #[test]
    fn the_line_width_is_that_of_the_nearest_rustfmt_toml() {
        let manifest = "[package]\nname = \"a\"\n";
        let of = |files: &[(&str, &str)]| {
            let package = [("svc/a/Cargo.toml", manifest), ("svc/a/src/lib.rs", "")];
            crates(&tree(&[files, &package].concat()), "svc/a").0[0].width.0
        };
        let wide = "max_width = 120\nuse_small_heuristics = \"Max\"\n";
        assert_eq!(of(&[]), 100);
        assert_eq!(of(&[("rustfmt.toml", wide)]), 120);
        assert_eq!(of(&[("rustfmt.toml", wide), ("svc/a/.rustfmt.toml", "")]), 100);
        assert_eq!(of(&[("rustfmt.toml", wide), ("svc/rustfmt.toml", "max_width = 110\n")]), 110);
        assert_eq!(of(&[("other/rustfmt.toml", wide)]), 100);
        assert_eq!(of(&[("rustfmt.toml", "max_width = ")]), 100, "what cannot be read says nothing");
    }

    #[test]
    fn a_missing_or_broken_manifest_is_told_with_its_path() {
        let (_, problems) = crates(&tree(&[("src/lib.rs", "")]), "svc");
        assert_eq!(problems[0].what, "no Cargo.toml in svc");
        let files = tree(&[("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"), ("a/Cargo.toml", "[package\n")]);
        let (found, problems) = crates(&files, "");
        assert!(found.is_empty());
        assert_eq!(problems[0].place, Some(Place::file("a/Cargo.toml")));
    }
}
