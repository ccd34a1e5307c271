//! `cargo run --no-default-features --bin mutate [-- SECONDS [SEED]]`: golden files, changed at random but by a seed, in;
//! how many each format survived out. For machines without cargo-fuzz.

use std::path::Path;
use std::time::{Duration, Instant};

use refit::profile::{REGISTRY, sniff};
use refit_fuzz::drive;

fn main() {
    let number = |at: usize| std::env::args().nth(at).and_then(|n| n.parse::<u64>().ok());
    let (seconds, seed) = (number(1).unwrap_or(60), number(2).unwrap_or(1));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../it/fixtures/profiles/golden");
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(&golden).expect("the golden files").flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        seeds.push(std::fs::read(path).expect("a golden file"));
    }
    let each = Duration::from_secs(seconds) / REGISTRY.len() as u32;
    for format in REGISTRY {
        let own: Vec<&Vec<u8>> = seeds.iter().filter(|s| sniff(s).is_some_and(|f| f.name == format.name)).collect();
        let (begun, mut random, mut runs) = (Instant::now(), Random(seed), 0u64);
        while begun.elapsed() < each {
            let start = match own.is_empty() {
                true => seeds[random.below(seeds.len())].clone(),
                false => own[random.below(own.len())].clone(),
            };
            let bytes = mutated(start, &seeds, &mut random);
            // What made a reader fail can be made again: the bytes stand in the file.
            let last = std::env::temp_dir().join("refit-mutate.last");
            if runs % 64 == 0 {
                let _ = std::fs::write(&last, format!("{} seed {seed} run {runs}", format.name));
            }
            drive(format, &bytes);
            runs += 1;
        }
        println!("{:<24} {runs:>9} inputs in {:.0} s", format.name, begun.elapsed().as_secs_f64());
    }
}

/// Between one and eight changes, of the kinds that damage and malice make.
fn mutated(mut bytes: Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    const TOKENS: &[&[u8]] = &[
        b"18446744073709551615",
        b"-1",
        b"1e308",
        b"\"",
        b"{",
        b"[",
        b"}",
        b"]",
        b"\n",
        b"\r\n",
        b"\n\n",
        b";",
        b"\\",
        b"\0",
        b"\xff\xff\xff\xff\x0f",
        b"0.000001: ",
        b" ==> ",
        b"null",
        b"(",
        b" (deleted)",
        b"+0x",
    ];
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(40)).min(bytes.len());
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..to)),
            3 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
            4 => {
                let again = bytes[at..to].to_vec();
                for _ in 0..random.below(20) {
                    bytes.splice(at..at, again.iter().copied());
                }
            }
            5 => drop(bytes.splice(at..to, TOKENS[random.below(TOKENS.len())].iter().copied())),
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                bytes.splice(at..to, other[from..(from + random.below(200)).min(other.len())].iter().copied());
            }
        }
    }
    bytes
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}
