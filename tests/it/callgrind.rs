//! What valgrind 3.19 counted of one small program in; the same counts as `callgrind_annotate` out.

use std::collections::BTreeMap;

use refit::model::{Profile, Unit};
use refit::profile;

/// `valgrind --tool=callgrind gw 1`, of `fixtures/profiles/gw`.
fn recorded() -> Profile {
    let packed = include_bytes!("fixtures/profiles/callgrind.out.zst");
    let text = zstd::decode_all(&packed[..]).unwrap();
    let format = profile::sniff(&text[..65_536]).expect("a known format");
    assert_eq!(format.name, "callgrind");
    let mut reader = (format.open)();
    text.chunks(1000).for_each(|piece| reader.feed(piece));
    let (profile, problems) = reader.finish();
    assert_eq!(problems, []);
    profile
}

/// Counts of each function by itself: of the innermost frame with a name.
fn by_function(profile: &Profile) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for sample in profile.samples.iter() {
        let callers = std::iter::successors(sample.leaf, |n| profile.nodes[n.0 as usize].parent);
        let mut symbols = callers.map(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.as_str());
        *counts.entry(symbols.find(|s| *s != "[unknown]").unwrap_or("[unknown]")).or_default() += sample.weight;
    }
    counts
}

#[test]
fn every_instruction_is_counted_once_and_for_its_function() {
    let profile = recorded();
    let counts = by_function(&profile);
    // callgrind_annotate --threshold=100: PROGRAM TOTALS, and the sum over files of gw::spin.
    assert_eq!(profile.samples.iter().map(|s| s.weight).sum::<u64>(), 93_242_713);
    assert_eq!(counts["gw::spin"], 49_005_880);
    assert_eq!(profile.unit, Unit::Events);
}
