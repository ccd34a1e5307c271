//! A program that names the owner of every sample itself in; that Refit finds the same owner out.
//!
//! `fixtures/truth` interrupts itself and notes where it stood. From that a `perf.data` is made as `perf record
//! --call-graph fp` writes it, one for each owner, so that all weight that goes elsewhere shows.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use refit::model::{Attribution, Item, Profile, RowKind};
use refit::profile::symbols::{Image, Table, addresses_of, look_up, symbolicate};
use refit::source::{FileRole, SourceFile, told_apart};
use refit::{attribute, profile};

const MAIN: &str = include_str!("fixtures/truth/main.rs");
const SAMPLER: &str = include_str!("fixtures/truth/sampler.rs");
const SAMPLES: &str = "1500";

/// The owners by their numbers.
const OWNERS: [&str; 16] = [
    "truth::plain",
    "truth::generic",
    "truth::apply",
    "truth::with_closure",
    "truth::step",
    "truth::<Left as Task>::run",
    "truth::<Right as Task>::run",
    "truth::recurse",
    "truth::helper",
    "truth::calls_helper",
    "truth::sorts",
    "truth::prints",
    "truth::Of::tree",
    "truth::<Numbers as Iterator>::next",
    "truth::first::go",
    "truth::second::go",
];

fn items() -> Vec<Item> {
    items_of(&[("src/main.rs", MAIN, &[]), ("src/sampler.rs", SAMPLER, &["sampler"])])
}

/// The functions of files of the crate `truth`: path, text and modules of each.
pub fn items_of(files: &[(&str, &str, &[&str])]) -> Vec<Item> {
    let file = |(path, text, modules): &(&str, &str, &[&str])| {
        let modules = modules.iter().map(|m| m.to_string()).collect();
        let role = FileRole { krate: "truth".into(), modules, edition: "2024".into(), ..FileRole::default() };
        SourceFile::parse(path, text, &role).unwrap().items
    };
    let all: Vec<Item> = files.iter().flat_map(file).collect();
    told_apart(all)
}

/// What was mapped where: start, length, offset and file.
pub type Mapped = (u64, u64, u64, String);

/// A run of the program: samples by owner, and what was mapped where.
struct Run {
    samples: BTreeMap<usize, Vec<Vec<u64>>>,
    maps: Vec<Mapped>,
}

/// Code of a file that a line of `/proc/self/maps` speaks of, which stands behind an `M`.
pub fn mapped(words: &[&str]) -> Option<Mapped> {
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    match words[..] {
        ["M", range, rights, offset, _, _, path] if rights.contains('x') && path.starts_with('/') => {
            let (start, end) = range.split_once('-').unwrap();
            Some((hex(start), hex(end) - hex(start), hex(offset), path.to_owned()))
        }
        _ => None,
    }
}

fn run(folder: &Path, flags: &[&str]) -> Run {
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/main.rs"), MAIN).unwrap();
    std::fs::write(folder.join("src/sampler.rs"), SAMPLER).unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let fixed = ["--edition", "2024", "--crate-name", "truth", "-O", "-C", "force-frame-pointers=yes"];
    let made = Command::new(rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .args(fixed)
        .args(flags)
        .args(["-o", "truth", "src/main.rs"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let ran = Command::new(folder.join("truth")).arg(SAMPLES).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut run = Run { samples: BTreeMap::new(), maps: Vec::new() };
    for line in String::from_utf8(ran.stdout).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["S", owner, ref addresses @ ..] => {
                let stack = addresses.iter().map(|a| a.parse().unwrap()).collect();
                run.samples.entry(owner.parse().unwrap()).or_default().push(stack);
            }
            _ => run.maps.extend(mapped(&words)),
        }
    }
    run
}

/// A sample as it was taken.
pub struct Taken {
    pub tid: u32,
    pub time_ns: u64,
    pub stack: Vec<u64>,
}

const PID: u32 = 77;

/// What perf would have written of these stacks: a file header, one event, mappings and samples.
pub fn perf_data(maps: &[Mapped], taken: &[Taken], period_ns: u64) -> Vec<u8> {
    let words = |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let pair = |a: u32, b: u32| u64::from(a) | u64::from(b) << 32;
    let mut data = Vec::new();
    let mut record = |kind: u32, body: Vec<u8>| {
        data.extend_from_slice(&kind.to_le_bytes());
        data.extend_from_slice(&(u32::from(2u16) | (8 + body.len() as u32) << 16).to_le_bytes());
        data.extend(body);
    };
    for (start, length, offset, path) in maps {
        let mut body = words(&[pair(PID, PID), *start, *length, *offset, 0, 0, 0, pair(5, 2)]);
        body.extend_from_slice(path.as_bytes());
        body.extend(vec![0; 8 - path.len() % 8]);
        record(10, body);
    }
    for Taken { tid, time_ns, stack } in taken {
        // What perf tells to begin the addresses of the program itself.
        const USER: u64 = -512i64 as u64;
        let mut body = vec![stack[0], pair(PID, *tid), *time_ns, period_ns, stack.len() as u64 + 1, USER];
        body.extend(stack);
        record(9, words(&body));
    }
    // cpu-clock; address, thread, time, callers and period.
    let mut attr = words(&[pair(1, 128), 0, period_ns, 1 | 2 | 4 | 32 | 256, 0, 0]);
    attr.resize(128, 0);
    attr.extend(words(&[0, 0]));
    let begin = 104 + attr.len() as u64;
    let header = [104, attr.len() as u64, 104, attr.len() as u64, begin, data.len() as u64, 0, 0, 0, 0, 0, 0];
    let mut file = b"PERFILE2".to_vec();
    file.extend(words(&header));
    file.extend(attr);
    file.extend(data);
    file
}

fn attributed(stacks: &[Vec<u64>], maps: &[Mapped], items: &[Item]) -> Attribution {
    let taken = |(n, stack): (u64, &Vec<u64>)| Taken { tid: PID, time_ns: 1_000_000 * n, stack: stack.clone() };
    let taken: Vec<Taken> = (1..).zip(stacks).map(taken).collect();
    let profile = profile_of(&perf_data(maps, &taken, 1_000_000));
    attribute::attribute(&profile, items, &attribute::Options::default())
}

/// Reads a recording and looks its addresses up.
pub fn profile_of(bytes: &[u8]) -> Profile {
    let mut reader = (profile::sniff(bytes).expect("a known format").open)();
    reader.feed(bytes);
    for object in reader.asks() {
        reader.answer(&object, None);
    }
    let (read, problems) = reader.finish();
    assert!(!read.samples.is_empty(), "{problems:?}");
    let table = |(index, object): (usize, &refit::model::ObjectFile)| {
        let image = std::fs::read(&object.path).ok()?;
        let image = Image::parse(&image).ok()?;
        let mut table = Table::new(image.segments.clone());
        let asked = addresses_of(&read, index as u32);
        let addresses: Vec<u64> = asked.into_iter().filter_map(|asked| table.key(asked)).collect();
        look_up(&image, &addresses, &mut table);
        Some(table)
    };
    let tables: Vec<Option<Table>> = read.objects.iter().enumerate().map(table).collect();
    let tables: Vec<Option<&Table>> = tables.iter().map(Option::as_ref).collect();
    symbolicate(read, &tables)
}

/// Percent of the weight on the right item, on a wrong one, and in rows that say that they are no item: C code leaves
/// stacks in which no function of the program is left.
struct Found {
    right: f64,
    wrong: f64,
    unplaced: f64,
    said: BTreeMap<String, f64>,
}

fn found(flags: &[&str]) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), flags);
    let items = items();
    let all = run.samples.values().map(Vec::len).sum::<usize>() as f64 / 100.0;
    let mut found = Found { right: 0.0, wrong: 0.0, unplaced: 0.0, said: BTreeMap::new() };
    for (owner, stacks) in &run.samples {
        let right = OWNERS[owner - 1];
        for row in attributed(stacks, &run.maps, &items).rows {
            let share = row.cost.owned / 1e6 / all;
            match row.kind {
                _ if share == 0.0 => {}
                _ if row.name == right => found.right += share,
                RowKind::Function => {
                    found.wrong += share;
                    *found.said.entry(format!("{right} as {}", row.name)).or_default() += share;
                }
                _ => {
                    found.unplaced += share;
                    *found.said.entry(format!("{right} in {}", row.name)).or_default() += share;
                }
            }
        }
    }
    assert!((found.right + found.wrong + found.unplaced - 100.0).abs() < 0.1, "no weight is lost or made");
    found
}

#[track_caller]
fn check(flags: &[&str], at_least: f64) {
    let Found { right, wrong, unplaced, said } = found(flags);
    let of_placed = right * 100.0 / (right + wrong);
    assert!(
        of_placed >= at_least && unplaced < 5.0,
        "right {right:.1} %, wrong {wrong:.1} %, without a place {unplaced:.1} %: {said:#.1?}"
    );
}

const V0: [&str; 2] = ["-C", "symbol-mangling-version=v0"];
/// Symbols cannot tell what was inlined: most functions stand apart.
const APART: [&str; 2] = ["--cfg", "apart"];

#[test]
fn with_line_tables_99_percent_go_to_their_owner() {
    check(&[&V0[..], &["-C", "debuginfo=line-tables-only"]].concat(), 99.0);
}

#[test]
fn by_v0_symbols_alone_95_percent_do() {
    check(&[&V0[..], &APART].concat(), 95.0);
}

#[test]
fn by_legacy_symbols_80_percent_do() {
    let legacy = ["-Z", "unstable-options", "-C", "symbol-mangling-version=legacy"];
    check(&[&legacy[..], &APART].concat(), 80.0);
}
