//! `cargo bench --bench perf_data -- RECORDING [BINARY]`: how fast a `perf.data` becomes a table of named stacks, beside
//! `perf script | inferno-collapse-perf` where both are installed, and how fast 100,000 addresses of a binary are looked up.
//!
//! All times are of one run on one machine; their ratio is what counts. Nothing is asserted.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use refit::model::{ObjectFile, Profile};
use refit::profile;
use refit::profile::symbols::{Image, Table, addresses_of, look_up, symbolicate};

/// Addresses that are looked up.
const ADDRESSES: usize = 100_000;

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    match named.as_slice() {
        [] => println!("name a recording: cargo bench --bench perf_data -- perf.data [BINARY]"),
        [recording, rest @ ..] => {
            let ours = read(recording);
            peer(recording, ours);
            rest.iter().for_each(|binary| addresses(Path::new(binary)));
        }
    }
}

/// From the bytes on disk to stacks with names, one thread, nothing cached.
fn read(recording: &str) -> Duration {
    let began = Instant::now();
    let bytes = std::fs::read(recording).expect("a recording");
    let format = profile::sniff(&bytes[..bytes.len().min(65_536)]).expect("a known format");
    let mut reader = (format.open)();
    for piece in bytes.chunks(256 * 1024) {
        reader.feed(piece);
        loop {
            let asked = reader.asks();
            if asked.is_empty() {
                break;
            }
            for object in asked {
                let bytes = std::fs::read(&object.path).ok();
                reader.answer(&object, bytes.as_deref());
            }
        }
    }
    let (profile, problems) = reader.finish();
    say("records", began.elapsed(), &format!("{} samples, {} nodes", profile.samples.len(), profile.nodes.len()));
    let (count, tables) = tables(&profile);
    say("and symbols", began.elapsed(), &format!("{count} addresses"));
    let tables: Vec<Option<&Table>> = tables.iter().map(Option::as_ref).collect();
    let profile = symbolicate(profile, &tables);
    let stacks = folded(&profile);
    let whole = began.elapsed();
    say("and stacks", whole, &format!("{stacks} distinct stacks, {:.1} MB read", bytes.len() as f64 / 1e6));
    problems.iter().for_each(|p| println!("  {p}"));
    whole
}

fn tables(profile: &Profile) -> (usize, Vec<Option<Table>>) {
    let mut count = 0;
    let table = |(index, object): (usize, &ObjectFile)| {
        let bytes = std::fs::read(&object.path).ok()?;
        let image = Image::parse(&bytes).ok()?;
        let mut table = Table::new(image.segments.clone());
        let wanted = addresses_of(profile, index as u32);
        let mut addresses: Vec<u64> = wanted.iter().filter_map(|asked| table.key(*asked)).collect();
        addresses.sort_unstable();
        look_up(&image, &addresses, &mut table);
        count += addresses.len();
        Some(table)
    };
    let tables = profile.objects.iter().enumerate().map(table).collect();
    (count, tables)
}

/// The number of distinct stacks, made as inferno makes them: one text each with its weight.
fn folded(profile: &Profile) -> usize {
    let mut by_leaf: BTreeMap<u32, u64> = BTreeMap::new();
    profile.samples.iter().for_each(|s| *by_leaf.entry(s.leaf.map_or(u32::MAX, |n| n.0)).or_default() += s.weight);
    let mut stacks: BTreeMap<String, u64> = BTreeMap::new();
    for (leaf, weight) in by_leaf.into_iter().filter(|(leaf, _)| *leaf != u32::MAX) {
        let callers = std::iter::successors(Some(leaf), |n| profile.nodes[*n as usize].parent.map(|p| p.0));
        let symbols = callers.map(|n| profile.frames[profile.nodes[n as usize].frame.0 as usize].symbol.as_str());
        let mut symbols: Vec<&str> = symbols.collect();
        symbols.reverse();
        *stacks.entry(symbols.join(";")).or_default() += weight;
    }
    stacks.len()
}

fn peer(recording: &str, ours: Duration) {
    let began = Instant::now();
    let mut script = Command::new("perf");
    script.args(["script", "--no-inline", "-i", recording]).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut script) = script.spawn() else { return println!("perf is not here: no peer") };
    let text = script.stdout.take().expect("a pipe");
    let collapse =
        Command::new("inferno-collapse-perf").stdin(text).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(collapse) = collapse else {
        let _ = script.kill();
        return println!("inferno-collapse-perf is not here (cargo install inferno): no peer");
    };
    let output = collapse.wait_with_output().expect("it ends");
    let _ = script.wait();
    let theirs = began.elapsed();
    let stacks = output.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty()).count();
    say("peer", theirs, &format!("perf script --no-inline | inferno-collapse-perf: {stacks} distinct stacks"));
    println!("{:>12} {:.1}", "ratio", theirs.as_secs_f64() / ours.as_secs_f64());
}

/// Distinct addresses spread evenly over all functions, looked up by one thread and by two, kept, and read back.
fn addresses(binary: &Path) {
    let bytes = std::fs::read(binary).expect("a binary");
    let image = Image::parse(&bytes).expect("an object file");
    let code: u64 = image.functions().map(|(_, _, size)| size).sum();
    let step = (code / ADDRESSES as u64).max(1) as usize;
    let all = image.functions().flat_map(|(_, at, size)| (at..at + size).step_by(step));
    let mut addresses: Vec<u64> = all.take(ADDRESSES).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let began = Instant::now();
    let image = Image::parse(&bytes).expect("an object file");
    let mut table = Table::new(image.segments.clone());
    look_up(&image, &addresses, &mut table);
    let functions: usize = addresses.iter().map(|at| table.at(*at).count()).sum();
    let found = format!("{} addresses, {functions} functions with inlined ones", addresses.len());
    say("cold, one", began.elapsed(), &found);
    let began = Instant::now();
    let (low, high) = addresses.split_at(addresses.len() / 2);
    let mut one = Table::new(image.segments.clone());
    let other = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut other = Table::default();
            look_up(&image, high, &mut other);
            other
        });
        look_up(&image, low, &mut one);
        other.join().expect("no panic")
    });
    one.join(&other);
    say("cold, two", began.elapsed(), "two threads");
    let kept = table.encode();
    let began = Instant::now();
    let read = Table::decode(&kept).expect("what was kept");
    let known = addresses.iter().filter(|at| read.knows(**at)).count();
    say("cached", began.elapsed(), &format!("{known} addresses from {:.1} MB", kept.len() as f64 / 1e6));
}

fn say(what: &str, time: Duration, detail: &str) {
    println!("{what:>12} {:8.1} ms  {detail}", time.as_secs_f64() * 1e3);
}
