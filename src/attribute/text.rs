//! A demangled name in, its structure out, whoever demangled it and however far.

use super::symbol::{Impl, Symbol};

/// Takes a written-out path apart. Never fails: what has no crate comes out bare.
pub fn parse(name: &str) -> Symbol {
    let name = undecorated(&decoded(name));
    let segments = split(&name);
    let mut symbol = Symbol::default();
    let mut before: Vec<String> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        match segment.strip_prefix('<').and_then(|s| s.strip_suffix('>')) {
            Some(inner) if symbol.in_impl.is_none() && (index == 0 || inner.starts_with("impl ")) && !last => {
                symbol.in_impl = Some(implementation(inner, &before));
            }
            Some(_) => {}
            None => before.extend(plain(segment).map(str::to_owned)),
        }
    }
    match &symbol.in_impl {
        Some(found) => {
            let module = found.module.as_ref().map_or(0, |m| m.len() + 1);
            symbol.crates = if module > 0 { vec![before[0].clone()] } else { crates_mentioned(&name) };
            symbol.path = before.split_off(module.min(before.len()));
        }
        None if before.len() > 1 && segments.len() > 1 => {
            symbol.crates = vec![before.remove(0)];
            symbol.path = before;
        }
        None => symbol.path = before,
    }
    if symbol.path.is_empty() { Symbol::default() } else { symbol }
}

/// `A as B`, `A`, `impl B for A`, `impl A`; the names before it are crate and module of an `impl`.
fn implementation(inner: &str, before: &[String]) -> Impl {
    let written = inner.strip_prefix("impl ");
    let module = written.and(before.split_first()).map(|(_, module)| module.to_vec());
    let inner = written.unwrap_or(inner);
    let (self_type, of) = match (top_level(inner, " as "), top_level(inner, " for ")) {
        (Some(at), _) => (&inner[..at], Some(&inner[at + 4..])),
        (None, Some(at)) if written.is_some() => (&inner[at + 5..], Some(&inner[..at])),
        _ => (inner, None),
    };
    Impl { module, self_type: head(self_type), trait_path: of.map(head) }
}

/// The name of a plain segment; `None` for closures and shims.
fn plain(segment: &str) -> Option<&str> {
    let end = segment.find(['<', '(', '[', '{', ' ']).unwrap_or(segment.len());
    let name = &segment[..end];
    (!name.is_empty()).then_some(name)
}

/// The path of a type's head, without references and generic arguments.
fn head(kind: &str) -> Vec<String> {
    let mut kind = kind.trim();
    while let Some(rest) = ["&", "mut ", "*const ", "*mut ", "dyn ", "impl "].iter().find_map(|p| kind.strip_prefix(p))
    {
        kind = rest.trim_start();
    }
    match kind.as_bytes().first() {
        Some(b'[') => vec!["[]".into()],
        Some(b'(') => vec!["()".into()],
        _ => split(kind).iter().filter_map(|s| plain(s)).map(str::to_owned).collect(),
    }
}

/// Every crate that a path in the text starts with.
fn crates_mentioned(name: &str) -> Vec<String> {
    let mut crates: Vec<String> = Vec::new();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + bytes[at..].iter().take_while(|b| is_word(**b)).count();
        let heads_a_path = end > at && name[end..].starts_with("::") && (at == 0 || !name[..at].ends_with("::"));
        if heads_a_path && !crates.iter().any(|c| *c == name[at..end]) {
            crates.push(name[at..end].to_owned());
        }
        at = end.max(at + 1);
    }
    crates
}

/// Splits at `::` outside of brackets; the `>` of `->` closes nothing.
fn split(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let (mut parts, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for at in 0..bytes.len() {
        depth += step(bytes, at);
        if depth == 0 && bytes[at] == b':' && bytes.get(at + 1) == Some(&b':') && at >= start {
            parts.push(&name[start..at]);
            start = at + 2;
        }
    }
    parts.push(name.get(start..).unwrap_or(""));
    parts
}

fn top_level(text: &str, word: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0;
    (0..bytes.len()).find(|at| {
        depth += step(bytes, *at);
        depth == 0 && bytes[*at..].starts_with(word.as_bytes())
    })
}

fn step(bytes: &[u8], at: usize) -> i32 {
    match bytes[at] {
        b'<' | b'(' | b'[' | b'{' => 1,
        b'>' if at > 0 && bytes[at - 1] == b'-' => 0,
        b'>' | b')' | b']' | b'}' => -1,
        _ => 0,
    }
}

/// Undoes the escapes of legacy names that nobody demangled (`$LT$`, `..`, the leading `_` before `<`).
fn decoded(name: &str) -> String {
    const ESCAPES: [(&str, &str); 16] = [
        ("$LT$", "<"),
        ("$GT$", ">"),
        ("$RF$", "&"),
        ("$BP$", "*"),
        ("$LP$", "("),
        ("$RP$", ")"),
        ("$C$", ","),
        ("$SP$", "@"),
        ("$u20$", " "),
        ("$u27$", "'"),
        ("$u5b$", "["),
        ("$u5d$", "]"),
        ("$u7b$", "{"),
        ("$u7d$", "}"),
        ("$u3b$", ";"),
        ("$u2b$", "+"),
    ];
    let mut text = name.to_owned();
    let escaped = text.contains('$') || text.starts_with("_<");
    if escaped {
        for (from, to) in ESCAPES {
            text = text.replace(from, to);
        }
        text = text.replace("..", "::");
    }
    text.strip_prefix('_').filter(|rest| rest.starts_with('<')).map(str::to_owned).unwrap_or(text)
}

/// Without what linkers, compilers and profilers add: `.llvm.123`, `.cold`, `::h0123456789abcdef`, ` [clone .part.0]`, `_[k]`.
fn undecorated(name: &str) -> String {
    let mut name = name.trim();
    for mark in ["_[k]", "_[i]", "_[j]"] {
        name = name.strip_suffix(mark).unwrap_or(name);
    }
    name = name.split(" [clone ").next().unwrap_or(name);
    for mark in [".llvm.", ".cold", ".part.", ".isra.", ".constprop.", ".lto_priv."] {
        if let Some(at) = name.rfind(mark).filter(|at| !name[*at..].contains("::")) {
            name = &name[..at];
        }
    }
    match name.rsplit_once("::h") {
        Some((rest, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => rest.to_owned(),
        _ => name.to_owned(),
    }
}
