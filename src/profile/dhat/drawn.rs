//! A DHAT file in; a small one with the points of some of its blocks, and how often each was drawn, out.
//!
//! A few points have most of the blocks, and which ones is known only when all were counted. So all counts are read, which needs
//! no look at stacks, and blocks are drawn: one from each of so many equal parts of all of them, as they stand in the file.

/// So many blocks are drawn: a share of a half is then known to within 0.7 %.
const DRAWS: u64 = 20_000;

/// A document with the points of the blocks that were drawn, and how many of the blocks of each; `None` where nothing can be drawn.
pub fn drawn(bytes: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    let names = memchr::memmem::rfind(bytes, b"\"ftbl\"")?;
    let points = points(&bytes[..names]);
    let whole = points.iter().fold(0, |sum: u64, (_, blocks)| sum.saturating_add(*blocks));
    let (mut small, mut draws) = (b"{\"pps\":[".to_vec(), Vec::new());
    let (mut before, mut number) = (0_u64, 0);
    for (at, blocks) in points {
        let end = before.saturating_add(blocks);
        let first = number;
        while number < DRAWS.min(whole) && place(number, whole) < end {
            number += 1;
        }
        before = end;
        if number > first {
            if !draws.is_empty() {
                small.push(b',');
            }
            small.extend_from_slice(around(&bytes[..names], at)?);
            draws.push((number - first) as usize);
        }
    }
    small.extend_from_slice(b"],");
    small.extend_from_slice(&bytes[names..]);
    (!draws.is_empty()).then_some((small, draws))
}

/// Where the count of each point stands, and how many blocks it counts.
fn points(bytes: &[u8]) -> Vec<(usize, u64)> {
    const KEY: &[u8] = b"\"tbk\":";
    let count = |at: usize| {
        let digits = bytes[at + KEY.len()..].trim_ascii_start();
        let digits = digits.iter().take_while(|b| b.is_ascii_digit());
        (at, digits.fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
    };
    memchr::memmem::find_iter(bytes, KEY).map(count).collect()
}

/// The object that holds the byte; points hold no other objects.
fn around(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let start = memchr::memrchr(b'{', &bytes[..at])?;
    let length = memchr::memchr(b'}', &bytes[at..])?;
    Some(&bytes[start..=at + length])
}

/// The block that is drawn from one of equal parts of all blocks: anywhere in it, by chance that is the same each time.
fn place(number: u64, whole: u64) -> u64 {
    let draws = DRAWS.min(whole);
    let chance = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let part = |n: u64| (u128::from(whole) * u128::from(n) / u128::from(draws)) as u64;
    let (start, end) = (part(number), part(number + 1));
    start + ((u128::from(end - start) * u128::from(chance)) >> 32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(blocks: impl Iterator<Item = u64>) -> String {
        let point = |blocks: u64| format!(r#"{{"tb":8,"tbk":{blocks},"fs":[{}]}}"#, blocks % 7);
        let points: Vec<String> = blocks.map(point).collect();
        format!(r#"{{"mode":"rust-heap","pps":[{}],"ftbl":["[root]","a: \"ftb\\","\"tbk\": 7"]}}"#, points.join(","))
    }

    #[test]
    fn points_are_drawn_as_often_as_they_have_blocks() {
        let text = document((0..100_000).map(|n| if n == 77_777 { 100_000 } else { 1 + n % 2 }));
        let (small, draws) = drawn(text.as_bytes()).expect("a sound document");
        let small: serde_json::Value = serde_json::from_slice(&small).expect("JSON");
        let points = small["pps"].as_array().expect("points");
        assert_eq!((points.len(), draws.iter().sum::<usize>()), (draws.len(), 20_000));
        let of = |wanted: u64| {
            let all = points.iter().zip(&draws).filter(|(p, _)| p["tbk"] == wanted);
            all.map(|(_, draws)| *draws as f64).sum::<f64>() / 20_000.0
        };
        // 250,000 blocks are drawn from: 100,000 of one point, 50,000 of points with one, 100,000 of those with two.
        for (wanted, share) in [(100_000, 0.4), (1, 0.2), (2, 0.4)] {
            assert!((of(wanted) - share).abs() < 0.01, "{wanted}: {}", of(wanted));
        }
        assert_eq!(small["ftbl"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn of_few_blocks_each_is_drawn() {
        let (small, draws) = drawn(document([3, 0, 2].into_iter()).as_bytes()).expect("a sound document");
        let small: serde_json::Value = serde_json::from_slice(&small).expect("JSON");
        assert_eq!((draws, small["pps"][1]["tbk"].as_u64()), (vec![3, 2], Some(2)));
        assert!(drawn(document([0].into_iter()).as_bytes()).is_none() && drawn(b"").is_none());
    }

    #[test]
    fn counts_beyond_all_numbers_do_not_overflow() {
        let text = document([u64::MAX, 5, u64::MAX - 1].into_iter());
        let (_, draws) = drawn(text.as_bytes()).expect("a sound document");
        assert_eq!(draws.iter().sum::<usize>(), 20_000);
    }
}
