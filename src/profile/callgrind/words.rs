//! A line of numbers in; its words, and the numbers that they are, out. There are ten million such lines in a hundred megabytes.

/// The words of a line, parted by blanks.
pub struct Words<'l>(pub &'l [u8]);

impl<'l> Iterator for Words<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        let start = self.0.iter().position(|b| !is_blank(*b))?;
        let rest = &self.0[start..];
        let length = rest.iter().position(|b| is_blank(*b)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(length);
        self.0 = rest;
        Some(word)
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// A number in decimal digits.
pub fn number(word: &[u8]) -> Option<u64> {
    let add = |sum: u64, digit: &u8| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    };
    if word.is_empty() { None } else { word.iter().try_fold(0, add) }
}

/// The cost in the first of these lines, where it is nothing but words that say where and numbers, and the lines behind it. What is
/// written in any other way is left to who reads lines word by word.
pub fn cost(lines: &[u8], places: usize) -> Option<(u64, &[u8])> {
    // As many digits as never overflow.
    const DIGITS: usize = 19;
    if !matches!(lines.first()?, b'0'..=b'9' | b'+' | b'-' | b'*') {
        return None;
    }
    let mut rest = lines;
    for _ in 0..places {
        let length = rest.iter().position(|b| *b <= b' ')?;
        (length > 0 && rest[length] == b' ').then_some(())?;
        rest = &rest[length + 1..];
    }
    let (mut sum, mut digits) = (0_u64, 0);
    for digit in rest.iter().take(DIGITS + 1).take_while(|b| b.is_ascii_digit()) {
        (sum, digits) = (sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')), digits + 1);
    }
    let rest = rest.get(digits..).filter(|_| (1..=DIGITS).contains(&digits))?;
    match rest.first()? {
        b'\n' => Some((sum, &rest[1..])),
        // Other events.
        b' ' => Some((sum, &rest[memchr::memchr(b'\n', rest)? + 1..])),
        _ => None,
    }
}

/// `+3`, `-3` and `*` are relative to the number before; addresses are written as `0x…`.
pub fn relative(before: u64, word: &[u8]) -> Option<u64> {
    match word {
        b"*" => Some(before),
        [b'+', by @ ..] => before.checked_add(of_any_base(by)?),
        [b'-', by @ ..] => before.checked_sub(of_any_base(by)?),
        _ => of_any_base(word),
    }
}

fn of_any_base(word: &[u8]) -> Option<u64> {
    match word.strip_prefix(b"0x") {
        Some(hex) => u64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok(),
        None => number(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_by_any_blanks() {
        let words = |line: &'static str| -> Vec<&'static [u8]> { Words(line.as_bytes()).collect() };
        assert_eq!(words("+3 12\t7"), [&b"+3"[..], b"12", b"7"]);
        assert_eq!(words("  *   0  "), [&b"*"[..], b"0"]);
        assert_eq!(words(" "), Vec::<&[u8]>::new());
    }

    #[test]
    fn a_line_is_nothing_but_a_place_and_costs_or_left_alone() {
        let of = |lines: &'static str, places| {
            let found = cost(lines.as_bytes(), places);
            found.map(|(cost, behind)| (cost, std::str::from_utf8(behind).unwrap()))
        };
        assert_eq!(of("+3 12\nfn=x\n", 1), Some((12, "fn=x\n")));
        assert_eq!(of("0x40 * 12 7 8\n", 2), Some((12, "")));
        assert_eq!(of("9 9999999999999999999\n", 1), Some((9_999_999_999_999_999_999, "")));
        for other in [
            "fn=x\n",
            "\n",
            "",
            "5\n",
            "5 12",
            "5 12\r\n",
            "5  12\n",
            "5\t12\n",
            "5 \n",
            "5 x\n",
            "5 1x\n",
            "5 10000000000000000000\n",
        ] {
            assert_eq!(of(other, 1), None, "{other:?}");
        }
    }

    #[test]
    fn places_are_read_alone_and_relative() {
        let of = |word: &str| relative(100, word.as_bytes());
        assert_eq!([of("7"), of("+3"), of("-3"), of("*"), of("0x1f")].map(Option::unwrap), [7, 103, 97, 100, 31]);
        for wrong in
            ["", "+", "-101", "x", "1x", "0x", "0xg", "**", "-", "+18446744073709551615", "18446744073709551616"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
    }
}
