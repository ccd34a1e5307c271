//! A program that is compiled here in; what stands at its addresses, inlined functions too, out.

use std::path::Path;
use std::process::Command;

use refit::model::AddressBase;
use refit::profile::symbols::{Asked, Image, Part, Parts, Table, look_up, look_up_symbols, look_up_with, parts_of};

const PROGRAM: &str = "\
#[inline(always)]
fn inner(n: u64) -> u64 {
    std::hint::black_box(n).wrapping_mul(7) ^ std::hint::black_box(3)
}

#[inline(never)]
#[unsafe(no_mangle)]
pub fn outer(n: u64) -> u64 {
    let once = inner(n);
    once + inner(once)
}

struct Of<T>(T);

impl Of<u8> {
    #[inline(never)]
    fn tree(&self) -> u64 {
        std::hint::black_box(u64::from(self.0))
    }
}

fn main() {
    println!(\"{}\", outer(std::env::args().count() as u64) + Of(3u8).tree());
}
";

fn compiled(folder: &Path, name: &str, flags: &[&str]) -> Vec<u8> {
    let (source, binary) = (folder.join("program.rs"), folder.join(name));
    std::fs::write(&source, PROGRAM).unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let fixed = ["--edition", "2024", "-O", "-C", "symbol-mangling-version=v0", "-o"];
    let made = Command::new(rustc).args(fixed).arg(&binary).args(flags).arg(&source).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(binary).unwrap()
}

/// All addresses of a function, and what stands at each: `symbol:line` from the inside out.
fn standing(bytes: &[u8], function: &str) -> Vec<Vec<String>> {
    let image = Image::parse(bytes).unwrap();
    let (_, start, size) = image.functions().find(|(name, ..)| name.contains(function)).expect("its symbol");
    let addresses: Vec<u64> = (start..start + size).collect();
    let mut table = Table::new(image.segments.clone());
    look_up(&image, &addresses, &mut table);
    let file = |file: &str| file.rsplit('/').next().unwrap_or_default().to_owned();
    let shown = |address| table.at(address).map(|(symbol, f, line)| format!("{symbol}@{}:{line}", file(f))).collect();
    addresses.into_iter().map(shown).collect()
}

#[test]
fn inlined_calls_are_expanded_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let all = standing(&compiled(folder.path(), "with-lines", &["-C", "debuginfo=1"]), "outer");
    assert!(
        all.iter().all(|s| s.last().is_some_and(|outermost| outermost.starts_with("outer@program.rs:"))),
        "{all:?}"
    );
    let of_inner = all.iter().filter(|s| s.iter().any(|f| f.contains("5inner@program.rs:3"))).count();
    assert!(of_inner * 2 > all.len(), "most of `outer` is `inner`: {all:?}");
    let callers: Vec<&String> = all.iter().filter(|s| s.len() > 1).filter_map(|s| s.last()).collect();
    assert!(callers.iter().any(|c| c.ends_with(":9")) && callers.iter().any(|c| c.ends_with(":10")), "{callers:?}");
}

#[test]
fn parts_of_the_debug_information_are_read_from_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["packed", "unpacked"] {
        let bytes = compiled(folder.path(), kind, &["-C", "debuginfo=1", "-C", &format!("split-debuginfo={kind}")]);
        let image = Image::parse(&bytes).unwrap();
        let (_, start, size) = image.functions().find(|(name, ..)| *name == "outer").expect("its symbol");
        let addresses: Vec<u64> = (start..start + size).collect();
        let wanted = parts_of(&image, &addresses);
        assert_eq!(wanted.len(), 1, "{kind}: {wanted:?}");
        let contents = match kind {
            "packed" => std::fs::read(folder.path().join("packed.dwp")).expect("the package"),
            _ => std::fs::read(&wanted[0].path).expect("the part"),
        };
        let part = Image::parse(&contents).unwrap();
        let parts = match kind {
            "packed" => Parts { package: Some(part), files: Vec::new() },
            _ => Parts { package: None, files: vec![(wanted[0].id, part)] },
        };
        let inlined = |parts: &Parts| {
            let mut table = Table::new(image.segments.clone());
            look_up_with(&image, parts, &addresses, &mut table);
            addresses
                .iter()
                .filter(|at| table.at(**at).any(|(symbol, _, line)| symbol.contains("5inner") && line == 3))
                .count()
        };
        let foreign = Part { id: wanted[0].id ^ 1, path: String::from("of another build") };
        assert!(parts.lacks(&wanted).is_empty() && parts.lacks(std::slice::from_ref(&foreign)).len() == 1, "{kind}");
        assert_eq!(Parts::default().lacks(&wanted).len(), 1);
        assert!(inlined(&parts) * 2 > addresses.len(), "{kind}: most of `outer` is `inner`");
        assert_eq!(inlined(&Parts::default()), 0, "{kind}: without its part nothing is known of what was inlined");
    }
}

#[test]
fn symbols_alone_name_what_exists() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = compiled(folder.path(), "rough", &["-C", "debuginfo=1"]);
    let image = Image::parse(&bytes).unwrap();
    let (_, start, _) = image.functions().find(|(name, ..)| *name == "outer").expect("its symbol");
    let mut table = Table::new(image.segments.clone());
    look_up_symbols(&image, None, &[start + 1], &mut table);
    assert_eq!(table.at(start + 1).collect::<Vec<_>>(), [("outer", "", 0)]);
}

#[test]
fn line_tables_alone_give_the_whole_name_of_what_exists() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = compiled(folder.path(), "line-tables", &["-C", "debuginfo=line-tables-only"]);
    let all = standing(&bytes, "4tree");
    assert!(all.iter().all(|s| s.last().is_some_and(|f| f.starts_with("_RNv"))), "{all:?}");
    assert!(all.iter().any(|s| s.last().is_some_and(|f| f.ends_with("program.rs:18"))), "{all:?}");
}

#[test]
fn without_debug_information_the_symbol_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let all = standing(&compiled(folder.path(), "bare", &["-C", "debuginfo=0"]), "4tree");
    assert!(all.iter().all(|s| s.len() == 1 && s[0].starts_with("_RNv") && s[0].ends_with("@:0")), "{all:?}");
}

#[test]
fn compressed_debug_information_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["-C", "debuginfo=1", "-C", "link-arg=-Wl,--compress-debug-sections=zlib"];
    let all = standing(&compiled(folder.path(), "packed", &flags), "outer");
    assert!(all.iter().flatten().any(|f| f.contains("5inner@program.rs:3")), "{all:?}");
}

#[test]
fn an_offset_in_a_real_file_leads_to_the_function_that_stands_there() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = compiled(folder.path(), "offsets", &["-C", "debuginfo=0"]);
    let image = Image::parse(&bytes).unwrap();
    let (_, start, _) = image.functions().find(|(name, ..)| *name == "outer").unwrap();
    let code = image.segments.iter().find(|s| s.code).unwrap();
    let offset = start - code.address + code.offset;
    let mut table = Table::new(image.segments.clone());
    let address = table.key(Asked { base: AddressBase::FileOffset, address: offset, is_callee: false }).unwrap();
    look_up(&image, &[address], &mut table);
    assert_eq!((address, table.at(address).next().unwrap().0), (start, "outer"));
}

#[test]
fn an_object_file_that_was_cut_is_told_or_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = compiled(folder.path(), "cut", &["-C", "debuginfo=1", "-C", "strip=symbols"]);
    for at in (0..bytes.len()).step_by(bytes.len() / 100) {
        if let Ok(image) = Image::parse(&bytes[..at]) {
            look_up(&image, &[0x1000, 0x20000], &mut Table::new(image.segments.clone()));
        }
    }
}
