//! Recordings of one small program by perf 6.1 in; the same self times as `perf report`, owners, and no panic, out.
//!
//! `fixtures/profiles/gw` is the program; it ran as `/opt/my app/gw`. Beside each recording stands what
//! `perf report --no-children --no-demangle --no-inline -F overhead,period,sample,dso,sym -g none` said of it. Of the binary
//! there are the unwind tables (`gw.unwind`, everything else zeroed) and what its debug information says of the addresses
//! in the recordings (`gw.table`, as it is kept in the cache).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use refit::jobs::Ear;
use refit::model::{Attribution, ObjectFile, OffCpu, Problem, Profile, Source, Unit};
use refit::profile::symbols::{Image, Table, addresses_of, as_perf_names, look_up_symbols, symbolicate};
use refit::profile::{Reader, Whole};
use refit::{attribute, profile};

use super::profiles::items;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/profiles/perf-data/");
const BINARY: &str = "/opt/my app/gw";

pub fn fixture(name: &str) -> Vec<u8> {
    let packed = std::fs::read(format!("{FOLDER}{name}.zst")).unwrap();
    zstd::decode_all(&packed[..]).unwrap()
}

static UNWIND: LazyLock<Whole> = LazyLock::new(|| Arc::new(fixture("gw.unwind")));
static SYMBOLS: LazyLock<Table> = LazyLock::new(|| Table::decode(&fixture("gw.table")).unwrap());

/// Reads a recording, answering with what is known of the binary; names its frames.
pub fn read(bytes: &[u8], piece: usize, answer: bool) -> (Profile, Vec<Problem>) {
    let format = profile::sniff(bytes).expect("a known format");
    assert_eq!(format.name, "perf.data");
    let mut reader = (format.open)();
    let give = |reader: &mut dyn Reader| {
        while let (true, asked @ [_, ..]) = (answer, &reader.asks()[..]) {
            let give = |o: &ObjectFile| (o.path == BINARY).then_some(&*UNWIND);
            asked.iter().for_each(|object| reader.answer(object, give(object)));
        }
    };
    for part in bytes.chunks(piece) {
        reader.feed(part);
        give(&mut *reader);
    }
    reader.end();
    give(&mut *reader);
    let (profile, problems) = reader.finish();
    let tables: Vec<Option<&Table>> = profile.objects.iter().map(|o| (o.path == BINARY).then_some(&*SYMBOLS)).collect();
    (symbolicate(profile, &tables), problems)
}

fn recording(name: &str) -> (Profile, Vec<Problem>) {
    read(&fixture(&format!("{name}.data")), 4096, true)
}

/// Weight of each function that exists (inlined ones count for it), in percent.
fn self_shares(profile: &Profile) -> BTreeMap<String, f64> {
    let total: u64 = profile.samples.iter().map(|s| s.weight).sum();
    let mut shares = BTreeMap::new();
    for sample in profile.samples.iter() {
        let callers = std::iter::successors(sample.leaf, |n| profile.nodes[n.0 as usize].parent);
        let frames = callers.map(|n| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize]);
        let exists = frames.into_iter().find(|f| !f.inlined).expect("a stack");
        if exists.object == BINARY {
            *shares.entry(compared(&exists.symbol)).or_default() += sample.weight as f64 * 100.0 / total as f64;
        }
    }
    shares
}

/// The same from the text of `perf report`: the first event alone, exactly from its periods.
fn reported(name: &str) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(format!("{FOLDER}{name}.report.txt")).unwrap();
    let events: Vec<&str> = text.split("# Samples:").filter(|part| part.contains("of event 'cpu-clock")).collect();
    let [event] = events[..] else { panic!("one event is compared, and the report has {}", events.len()) };
    let rows: Vec<Vec<&str>> =
        event.lines().filter(|l| l.trim_start().starts_with(|c: char| c.is_ascii_digit())).map(words).collect();
    let rows: Vec<&Vec<&str>> = rows.iter().filter(|r| r[0].ends_with('%')).collect();
    let period = |row: &[&str]| row[1].parse::<f64>().unwrap();
    let total: f64 = rows.iter().map(|r| period(r)).sum();
    let mut shares = BTreeMap::new();
    for row in rows.iter().filter(|r| r[3] == "gw") {
        *shares.entry(compared(row.last().unwrap())).or_default() += period(row) * 100.0 / total;
    }
    shares
}

/// What std was compiled to before is one entry: several of its names stand at one address, and any of them is right.
fn compared(symbol: &str) -> String {
    if symbol.contains("2gw") { symbol.to_owned() } else { "std".to_owned() }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[track_caller]
fn check_against_perf(name: &str, at_least: u64) {
    let (profile, _) = recording(name);
    assert!(profile.sources[0].samples >= at_least, "{:?}", profile.sources);
    let (ours, theirs) = (self_shares(&profile), reported(name));
    assert!(theirs.len() >= 5, "{theirs:?}");
    for symbol in ours.keys().chain(theirs.keys()) {
        let share = |of: &BTreeMap<String, f64>| of.get(symbol).copied().unwrap_or(0.0);
        let (here, there) = (share(&ours), share(&theirs));
        assert!((here - there).abs() < 0.1, "{name}: {symbol} has {here:.2} % here and {there:.2} % in perf report");
    }
}

#[test]
fn self_times_are_those_of_perf_report() {
    check_against_perf("fp", 200);
    check_against_perf("pipe", 200);
    check_against_perf("packed", 200);
    check_against_perf("several", 200);
    check_against_perf("dwarf", 30);
}

/// Answers with the two object files that `fixtures/profiles/perf-data/names.c` was built to, and names as perf does.
fn read_as_perf_names(name: &str) -> Profile {
    let file = |name| -> Whole { Arc::new(fixture(name)) };
    let objects = [("/opt/pd/names", file("names")), ("/opt/pd/libnames.so", file("libnames.so"))];
    let contents = |o: &ObjectFile| objects.iter().find(|(path, _)| *path == o.path).map(|(_, bytes)| bytes);
    let bytes = fixture(&format!("{name}.data"));
    let mut reader = (profile::sniff(&bytes).expect("a known format").open)();
    reader.feed(&bytes);
    // All of a short recording waits for its end: what follows could be older.
    reader.end();
    while let asked @ [_, ..] = &reader.asks()[..] {
        asked.iter().for_each(|object| reader.answer(object, contents(object)));
    }
    let (mut profile, _) = reader.finish();
    as_perf_names(&mut profile);
    let table = |(at, object): (usize, &ObjectFile)| {
        let image = Image::parse((**contents(object)?).as_ref()).unwrap();
        let mut table = Table::new(image.segments.clone());
        let addresses: Vec<u64> =
            addresses_of(&profile, at as u32).into_iter().filter_map(|asked| table.key(asked)).collect();
        look_up_symbols(&image, None, &addresses, &mut table);
        Some(table)
    };
    let tables: Vec<Option<Table>> = profile.objects.iter().enumerate().map(table).collect();
    symbolicate(profile, &tables.iter().map(Option::as_ref).collect::<Vec<_>>())
}

fn folded(profile: &Profile) -> BTreeMap<String, u64> {
    let mut table = BTreeMap::new();
    for sample in profile.samples.iter() {
        let callers = std::iter::successors(sample.leaf, |n| profile.nodes[n.0 as usize].parent);
        let names = callers.map(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.as_str());
        let stack: Vec<&str> = names.collect::<Vec<_>>().into_iter().rev().collect();
        *table.entry(format!("names;{}", stack.join(";"))).or_default() += sample.weight;
    }
    table
}

/// Beside each recording stands what `perf script --no-inline --no-demangle | inferno-collapse-perf` made of it.
#[track_caller]
fn check_same_table(name: &str, stacks: usize) {
    let text = std::fs::read_to_string(format!("{FOLDER}{name}.folded")).unwrap();
    let row = |line: &str| line.rsplit_once(' ').map(|(stack, weight)| (stack.to_owned(), weight.parse().unwrap()));
    let theirs: BTreeMap<String, u64> = text.lines().filter_map(row).collect();
    assert_eq!((folded(&read_as_perf_names(name)), theirs.len()), (theirs, stacks));
}

#[test]
fn the_table_of_symbols_is_that_of_perf_script_and_inferno() {
    // Several symbols of one address, a weak one, one without a size, a stub, and a call that never returns.
    check_same_table("names-fp", 8);
    check_same_table("names-dwarf", 8);
}

fn attributed(name: &str) -> Attribution {
    attribute::attribute(&recording(name).0, items(), &attribute::Options::default())
}

/// Percent of the weight that each function owns, rounded.
fn owned(attribution: &Attribution) -> BTreeMap<&str, f64> {
    let total: f64 = attribution.rows.iter().map(|r| r.cost.owned).sum();
    attribution.rows.iter().map(|r| (r.name.as_str(), (r.cost.owned * 100.0 / total).round())).collect()
}

#[test]
fn inlined_functions_own_their_time_and_two_of_one_name_are_told_apart() {
    let (fp, dwarf) = (attributed("fp"), attributed("dwarf"));
    let (fp, dwarf) = (owned(&fp), owned(&dwarf));
    // perf report gives `small`, which is always inlined, to `apply`, and what std sorts to std.
    assert_eq!((fp["gw::small"], fp["gw::spin"]), (14.0, 47.0), "{fp:?}");
    assert_eq!((fp["gw::risk::Pair::tree"], fp["gw::risk::Pair::tree#2"]), (6.0, 14.0), "{fp:?}");
    assert!(fp["gw::work"] > 15.0, "{fp:?}");
    assert_eq!((dwarf["gw::small"], dwarf["gw::risk::Pair::tree"]), (13.0, 3.0), "{dwarf:?}");
    assert_eq!((fp["gw::apply"], dwarf["gw::apply"]), (0.0, 0.0));
}

#[test]
fn dumped_stacks_are_unwound_to_the_start_of_their_thread() {
    let (profile, problems) = recording("dwarf");
    assert_eq!(problems, []);
    let callers = |leaf| std::iter::successors(leaf, |n: &refit::model::NodeId| profile.nodes[n.0 as usize].parent);
    let symbol = |n: refit::model::NodeId| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.as_str();
    let reach =
        |name: &str| profile.samples.iter().filter(|s| callers(s.leaf).any(|n| symbol(n).contains(name))).count();
    let samples = profile.samples.len();
    // Functions without frame pointers stand between the leaf and `work` in none of these; all are in the thread's closure.
    assert!(reach("4work") * 100 >= samples * 95, "{} of {samples}", reach("4work"));
    assert!(profile.sources[0].truncated * 20 <= samples as u64, "{:?}", profile.sources[0]);
    let deepest =
        profile.samples.iter().map(|s| callers(s.leaf).filter(|n| symbol(*n).contains("7recurse")).count()).max();
    assert_eq!(deepest, Some(12), "twelve calls of itself, and the last one jumps to `spin`");
}

#[test]
fn several_events_are_never_added_up() {
    let (profile, problems) = recording("several");
    assert_eq!((profile.unit, profile.sources[0].event.as_str()), (Unit::CpuNanoseconds, "cpu-clock"));
    assert_eq!((profile.sources[0].samples, profile.sources[0].ignored), (258, 5));
    assert_eq!(problems[0].what, "only samples of cpu-clock are used; left out: 5 samples of page-faults");
}

#[test]
fn switches_of_the_scheduler_tell_when_a_thread_was_off_the_processor() {
    let (profile, problems) = recording("switches");
    assert_eq!(problems, []);
    assert_eq!((profile.sources[0].event.as_str(), profile.sources[0].ignored), ("cpu-clock", 0));
    assert!(
        profile.off_cpu.len() > 20 && profile.off_cpu.iter().all(|o| o.start_ns <= o.end_ns),
        "{:?}",
        profile.off_cpu
    );
    // The worker never sleeps, it is pushed aside; its own thread alone was recorded, and so it is back when it is seen again.
    let worker = profile.threads.iter().find(|t| t.name == "worker: 1/2 w").expect("threads have names").tid;
    let (mine, others): (Vec<OffCpu>, Vec<OffCpu>) = profile.off_cpu.iter().partition(|o| o.tid == worker);
    assert!(mine.iter().filter(|o| o.runnable).count() * 10 > mine.len() * 9, "{mine:?}");
    assert_eq!(others.len(), 1, "the main thread sleeps until the end, and is not seen to wake: {others:?}");
}

#[test]
fn times_threads_and_the_distance_to_the_time_of_day_are_kept() {
    let (profile, _) = recording("fp");
    let times: Vec<u64> = profile.samples.iter().filter_map(|s| s.time_ns).collect();
    assert!(times.len() == profile.samples.len() && times.is_sorted());
    let year_2020 = 1_577_836_800_000_000_000;
    assert!(profile.unix_offset_ns.is_some_and(|o| o + times[0] > year_2020), "{:?}", profile.unix_offset_ns);
}

#[test]
fn the_profile_is_the_same_wherever_the_stream_is_cut() {
    for name in ["packed", "pipe", "fp"] {
        let bytes = fixture(&format!("{name}.data"));
        let whole = read(&bytes, usize::MAX, true);
        for piece in [1, 7, 1000] {
            assert!(read(&bytes, piece, true) == whole, "{name} in pieces of {piece}");
        }
    }
}

#[test]
fn a_recording_that_lies_in_memory_as_a_whole_is_read_as_one_that_comes_in_pieces() {
    for (name, rounds) in [("fp", 8), ("dwarf", 8), ("dwarf", 1000)] {
        let bytes = with_rounds(name, rounds);
        let whole: profile::Whole = std::sync::Arc::new(bytes.clone());
        for piece in [700, 4096, bytes.len()] {
            let mut reader = (profile::sniff(&bytes).expect("a known format").open)();
            assert!(reader.takes_whole());
            for start in (0..bytes.len()).step_by(piece) {
                reader.feed_part(&whole, start..(start + piece).min(bytes.len()));
                while let asked @ [_, ..] = &reader.asks()[..] {
                    asked.iter().for_each(|o| reader.answer(o, (o.path == BINARY).then_some(&*UNWIND)));
                }
            }
            reader.end();
            let tables =
                |p: &Profile| p.objects.iter().map(|o| (o.path == BINARY).then_some(&*SYMBOLS)).collect::<Vec<_>>();
            let profile = reader.finish().0;
            let tables = tables(&profile);
            assert_eq!(symbolicate(profile, &tables), read(&bytes, 4096, true).0, "{name}, pieces of {piece}");
        }
    }
}

/// Lets so many readers each have the whole recording; `None` where one has to take all.
fn read_by_shares(bytes: &[u8], of: usize) -> Option<(Profile, Vec<Problem>)> {
    let whole: Whole = Arc::new(bytes.to_vec());
    let mut readers = (0..of).map(|part| {
        let mut reader = (profile::sniff(bytes).expect("a known format").open)();
        reader.take_share(bytes, part, of).then(|| {
            reader.feed_part(&whole, 0..bytes.len());
            reader.end();
            while let asked @ [_, ..] = &reader.asks()[..] {
                asked.iter().for_each(|o| reader.answer(o, (o.path == BINARY).then_some(&*UNWIND)));
            }
            reader
        })
    });
    let mut first = readers.next()??;
    readers.for_each(|later| first.join(later.expect("all of them or none")));
    Some(first.finish())
}

#[test]
fn readers_that_share_the_samples_make_of_a_recording_what_one_makes_of_it() {
    for name in ["dwarf", "switches", "several", "packed", "pipe", "fp"] {
        let bytes = fixture(&format!("{name}.data"));
        assert_eq!(read_by_shares(&bytes, 2).is_some(), name == "dwarf", "{name}: only copied stacks are worth it");
    }
    let sound = with_rounds("dwarf", 8);
    let many = times_in_a_row(&sound, 12);
    let one = read_by_shares(&many, 1).expect("it copies stacks");
    assert!(one.0.samples.len() > 300, "{} samples", one.0.samples.len());
    for of in [2, 3, 5] {
        assert_eq!(read_by_shares(&many, of).as_ref(), Some(&one), "{of} readers");
    }
    let mut damaged = many.clone();
    for at in places(many.len(), 6).filter(|at| *at >= 104) {
        damaged[at] ^= 0xff;
        assert_eq!(read_by_shares(&damaged, 2), read_by_shares(&damaged, 1), "byte {at}");
        damaged[at] ^= 0xff;
    }
}

/// The recording with all of its records again and again.
fn times_in_a_row(bytes: &[u8], times: usize) -> Vec<u8> {
    let start = u64::from_le_bytes(bytes[40..48].try_into().expect("a word")) as usize;
    let mut all = bytes.to_vec();
    (1..times).for_each(|_| all.extend_from_slice(&bytes[start..]));
    let length = (all.len() - start) as u64;
    all[48..56].copy_from_slice(&length.to_le_bytes());
    all
}

/// Without frame pointers the kernel follows what stands in the register; it may look like one of its own marks.
#[test]
fn a_chain_that_runs_into_what_is_no_address_keeps_what_stands_before_and_its_weight() {
    let sound = fixture("fp.data");
    let (expected, problems) = read(&sound, 4096, true);
    let said = |problems: &[Problem]| problems.iter().any(|p| p.what.contains("runs into what is no address"));
    assert!(!said(&problems));
    let mut bytes = sound.clone();
    let start = u64::from_le_bytes(sound[40..48].try_into().expect("a word")) as usize;
    let (mut at, mut broken) = (start, 0);
    for record in records(&sound) {
        let word = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("a word"));
        // Head, address, thread, time, period; then the length of the chain, a mark, the leaf, its caller.
        if record[0] == 9 && word(40) >= 4 && word(48) == -512_i64 as u64 {
            bytes[at + 64..at + 72].copy_from_slice(&(-938_i64).to_le_bytes());
            broken += 1;
        }
        at += record.len();
    }
    assert!(broken > 10, "{broken} chains");
    let (profile, problems) = read(&bytes, 4096, true);
    let weight = |p: &Profile| p.samples.iter().map(|s| s.weight).sum::<u64>();
    assert_eq!((profile.samples.len(), weight(&profile)), (expected.samples.len(), weight(&expected)));
    assert_eq!(self_shares(&profile), self_shares(&expected), "the leaf is known");
    let problem = problems.iter().find(|p| p.what.contains("runs into what is no address")).expect("it is said");
    assert!(problem.what.starts_with(&format!("the call chain of {broken} samples (")), "{}", problem.what);
    let depth = |p: &Profile| {
        let callers =
            |leaf| std::iter::successors(leaf, |n: &refit::model::NodeId| p.nodes[n.0 as usize].parent).count();
        p.samples.iter().map(|s| callers(s.leaf)).sum::<usize>()
    };
    assert!(depth(&profile) < depth(&expected));
}

/// The records of a file, each with its head.
pub fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a word")) as usize;
    let (mut at, end) = (word(40), word(40) + word(48));
    let mut records = Vec::new();
    while at < end {
        let size = usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
        records.push(&bytes[at..at + size]);
        at += size;
    }
    records
}

#[test]
fn a_folder_of_several_threads_reads_as_the_file_would() {
    let whole = fixture("fp.data");
    let start = u64::from_le_bytes(whole[40..48].try_into().expect("a word")) as usize;
    let all = records(&whole);
    let is_sample = |record: &&&[u8]| record[0] == 9;
    // One thread of perf wrote the samples, and before all others; another what was mapped.
    let samples: Vec<u8> = all.iter().filter(is_sample).flat_map(|r| r.to_vec()).collect();
    let others: Vec<u8> = all.iter().filter(|r| !is_sample(r)).flat_map(|r| r.to_vec()).collect();
    let length = samples.len() + others.len();
    let mut data = [&whole[..start], &whole[start + length..]].concat();
    data[48..56].fill(0);
    for entry in
        0..whole[72..104].chunks(8).map(|w| u64::from_le_bytes(w.try_into().expect("a word")).count_ones()).sum::<u32>()
    {
        let at = start + entry as usize * 16;
        let moved = u64::from_le_bytes(data[at..at + 8].try_into().expect("a word")) - length as u64;
        data[at..at + 8].copy_from_slice(&moved.to_le_bytes());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("perf.data");
    std::fs::create_dir(&recording).expect("made");
    [("data", &data), ("data.0", &samples), ("data.1", &others)]
        .iter()
        .for_each(|(name, bytes)| std::fs::write(recording.join(name), bytes).expect("written"));
    let source = Source { file: "perf.data".into(), ..Source::default() };
    let (profile, problems) = refit::jobs::read_sources(folder.path(), &[source], &Ear::deaf()).expect("a recording");
    let expected = recording_without_names("fp");
    assert_eq!(profile.samples.len(), expected.samples.len(), "{problems:?}");
    assert_eq!(profile.sources[0].event, "cpu-clock");
    let objects = |p: &Profile| p.frames.iter().map(|f| f.object.clone()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(objects(&profile), objects(&expected));
    let times = |p: &Profile| p.samples.iter().map(|s| (s.time_ns, s.tid, s.weight)).collect::<Vec<_>>();
    assert_eq!(times(&profile), times(&expected));
}

fn recording_without_names(name: &str) -> Profile {
    let bytes = fixture(&format!("{name}.data"));
    let mut reader = (profile::sniff(&bytes).expect("a known format").open)();
    reader.feed(&bytes);
    symbolicate(reader.finish().0, &[])
}

/// The recording with the mark that perf sets when it has emptied all buffers once, behind every so many records.
fn with_rounds(name: &str, every: usize) -> Vec<u8> {
    let whole = fixture(&format!("{name}.data"));
    let start = u64::from_le_bytes(whole[40..48].try_into().expect("a word")) as usize;
    let round = [68, 0, 0, 0, 0, 0, 8, 0];
    let all: Vec<u8> = records(&whole).chunks(every).flat_map(|some| [&some.concat()[..], &round].concat()).collect();
    let mut bytes = whole[..start].to_vec();
    bytes[48..56].copy_from_slice(&(all.len() as u64).to_le_bytes());
    bytes.extend(all);
    bytes
}

#[test]
fn what_was_read_so_far_is_a_profile() {
    for (name, answer) in [("fp", false), ("dwarf", true)] {
        let bytes = with_rounds(name, 8);
        let mut reader = (profile::sniff(&bytes).expect("a known format").open)();
        let (mut seen, mut last) = (0, 0);
        for piece in bytes.chunks(bytes.len() / 16) {
            reader.feed(piece);
            while let (true, asked @ [_, ..]) = (answer, &reader.asks()[..]) {
                asked.iter().for_each(|o| reader.answer(o, (o.path == BINARY).then_some(&*UNWIND)));
            }
            let look = reader.snapshot();
            assert!(look.samples.len() >= last, "{name}: nothing is taken back");
            last = look.samples.len();
            let tables: Vec<_> = look.objects.iter().map(|o| (o.path == BINARY).then_some(&*SYMBOLS)).collect();
            let look = symbolicate(look, &tables);
            seen += usize::from(last > 0 && self_shares(&look).values().sum::<f64>() > 20.0);
        }
        assert!(seen >= 5, "{name}: {seen} of sixteen looks have names");
        assert!(last <= recording(name).0.samples.len());
    }
}

#[test]
fn without_the_binary_the_stacks_are_followed_by_frame_pointers() {
    let bytes = fixture("dwarf.data");
    let (with, without) = (read(&bytes, 4096, true).0, read(&bytes, 4096, false).0);
    assert_eq!(with.samples.len(), without.samples.len());
    assert_eq!(self_shares(&with), self_shares(&without), "the leaf needs no unwinding");
}

/// Places to damage: all of the beginning and the end, and so many in between.
fn places(length: usize, between: usize) -> impl Iterator<Item = usize> {
    let step = (length / between).max(1);
    (0..length).filter(move |at| *at < 120 || *at + 60 > length || at % step == 0)
}

#[test]
fn every_prefix_gives_a_profile_or_says_why_not() {
    for name in ["packed", "pipe", "dwarf", "switches"] {
        let bytes = fixture(&format!("{name}.data"));
        let all = read(&bytes, usize::MAX, true).0.samples.len();
        for at in places(bytes.len(), 40).filter(|at| *at >= 8) {
            let (profile, problems) = read(&bytes[..at], usize::MAX, true);
            // A pipe has no length; and what stands at the very end of a file is of no interest.
            let is_whole = profile.samples.len() == all;
            assert!(!problems.is_empty() || is_whole || name == "pipe", "{name} cut at {at} says nothing");
            assert!(!profile.samples.is_empty() || !problems.is_empty(), "{name} cut at {at}");
        }
    }
}

#[test]
fn a_flipped_byte_gives_a_profile_or_a_problem() {
    for (name, between) in [("packed", 150), ("pipe", 60), ("dwarf", 15), ("several", 40)] {
        let mut bytes = fixture(&format!("{name}.data"));
        for at in places(bytes.len(), between).filter(|at| *at >= 8) {
            bytes[at] ^= 0xff;
            let (profile, _) = read(&bytes, usize::MAX, true);
            assert_eq!(profile.sources[0].samples, profile.samples.len() as u64);
            bytes[at] ^= 0xff;
        }
    }
}
