//! The kernel's list of symbols in; what stands at addresses in the kernel out.

use super::table::{Standing, Table};

/// Looks up addresses in what `/proc/kallsyms` says: `ffffffff81000000 T _text [module]`.
///
/// The kernel keeps its own functions in the order of their addresses, and a place in a hundred thousand lines is found by
/// looking at twenty; those of modules stand behind them as modules were loaded.
pub fn kernel_table(list: &[u8], addresses: &[u64]) -> Table {
    let module = memchr::memmem::find(list, b"\t[").map(|at| line_start(list, at));
    let (own, others) = list.split_at(module.unwrap_or(list.len()));
    let mut modules: Vec<(u64, &[u8])> = others.split(|b| *b == b'\n').filter_map(symbol).collect();
    modules.sort_by_key(|(address, _)| *address);
    let mut table = Table::default();
    // In order, because most addresses stand in the function of the one before, or soon behind it.
    let mut sorted = addresses.to_vec();
    sorted.sort_unstable();
    let mut begin = 0;
    for address in &sorted {
        begin = behind(own, begin, *address);
        let after = modules.partition_point(|(at, _)| at <= address);
        let of_module = after.checked_sub(1).map(|at| modules[at]);
        // Of two at one address the one behind is said.
        let found = function_before(own, begin).into_iter().chain(of_module).max_by_key(|(at, _)| *at);
        let symbol = found.map(|(_, name)| String::from_utf8_lossy(name).into_owned());
        let standing = symbol.map(|symbol| Standing { symbol, ..Standing::default() });
        table.insert(*address, standing.as_slice());
    }
    table
}

/// Where the first line of a list in order stands that is of a place behind an address, from `begin` on: sought near by first,
/// twice as far each time, and then by halves.
fn behind(list: &[u8], begin: usize, address: u64) -> usize {
    const NEAR: usize = 256;
    let (mut low, mut high, mut step) = (begin, list.len(), NEAR);
    let is_before = |line: &Told| line.address.is_some_and(|at| at <= address);
    while low + step < high {
        let line = told(list, low + step, high);
        if !is_before(&line) {
            high = line.start.max(low);
            break;
        }
        (low, step) = (line.end, 2 * step);
    }
    while low < high {
        let line = told(list, low + (high - low) / 2, high);
        if is_before(&line) { low = line.end } else { high = line.start.max(low) }
    }
    low
}

/// Lines of which the last tells an address, unless all lines before `high` tell none.
struct Told {
    start: usize,
    end: usize,
    address: Option<u64>,
}

/// The line that holds a byte, with those behind it up to one that tells an address.
fn told(list: &[u8], byte: usize, high: usize) -> Told {
    let start = line_start(list, byte);
    let (mut end, mut address) = (start, None);
    while address.is_none() && end < high {
        let line = &list[end..line_end(list, end)];
        address = address_of(line);
        end = (end + line.len() + 1).min(list.len());
    }
    Told { start, end, address }
}

/// The last function that stands before a place of a list.
fn function_before(list: &[u8], mut end: usize) -> Option<(u64, &[u8])> {
    while end > 0 {
        let start = line_start(list, end - 1);
        let line = list[start..end].trim_ascii_end();
        if let Some(found) = symbol(line) {
            return Some(found);
        }
        // Before addresses that are hidden no other stands.
        if address_of(line) == Some(0) {
            return None;
        }
        end = start;
    }
    None
}

/// Where the line begins that holds a byte, or ends with it.
fn line_start(list: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', &list[..at]).map_or(0, |end| end + 1)
}

fn line_end(list: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &list[from..]).map_or(list.len(), |length| from + length)
}

/// The address that a line begins with.
fn address_of(line: &[u8]) -> Option<u64> {
    let digits = line.iter().position(|b| *b == b' ')?;
    let hex = |value: u64, digit: &u8| Some(value << 4 | u64::from((*digit as char).to_digit(16)?));
    line[..digits.min(16)].iter().try_fold(0, hex)
}

/// A function; where the kernel hides its addresses they are all zero.
fn symbol(line: &[u8]) -> Option<(u64, &[u8])> {
    let digits = line.iter().position(|b| *b == b' ')?;
    let [_, kind, b' ', name @ ..] = &line[digits..] else { return None };
    if !matches!(kind, b'T' | b't' | b'W' | b'w') {
        return None;
    }
    let address = address_of(line).filter(|address| *address != 0)?;
    let name = name.split(|b| b.is_ascii_whitespace()).next().filter(|name| !name.is_empty())?;
    Some((address, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_that_begins_before_an_address_holds_it() {
        let text = b"ffffffff81000000 T _text\nffffffff81000100 t do_idle\nffffffff81000180 d data\nbroken\n\nxyz T q\nffffffff81000100 t \nffffffffc0000000 t probe\t[mod]";
        let at = |address| kernel_table(text, &[address]).at(address).map(|(s, _, _)| s.to_owned()).collect::<Vec<_>>();
        assert_eq!(at(0xffff_ffff_8100_01ff), ["do_idle"]);
        assert_eq!(at(0xffff_ffff_c000_0000), ["probe"]);
        assert_eq!(at(0x1000), Vec::<String>::new());
        assert!(kernel_table(b"0000000000000000 T _text\n", &[5]).at(5).next().is_none(), "hidden addresses");
    }

    #[test]
    fn every_place_of_a_long_list_is_found_as_by_reading_all_of_it() {
        let mut text = String::from("0000000000000000 D percpu\n");
        let begins = |n: u64| 0xffff_ffff_8100_0000 + n * 0x40;
        for n in 0..1000 {
            let kind = if n % 7 == 3 { 'd' } else { 't' };
            text += &format!("{:x} {kind} function_{n}\n", begins(n));
        }
        text += "ffffffffc0000100 t later\t[b]\nffffffffc0000000 t probe\t[a]\n";
        let at = |address| kernel_table(text.as_bytes(), &[address]).at(address).next().map(|(s, _, _)| s.to_owned());
        for n in 0..1000 {
            let function = if n % 7 == 3 { n - 1 } else { n };
            for address in [begins(n), begins(n) + 0x3f] {
                assert_eq!(at(address), Some(format!("function_{function}")), "{n}");
            }
        }
        // All at once, the last ones first and each of them twice.
        let all: Vec<u64> = (0..2000).rev().map(|n| begins(n / 2) + 5).collect();
        let table = kernel_table(text.as_bytes(), &all);
        assert!(all.iter().all(|address| table.at(*address).next().map(|(s, _, _)| s.to_owned()) == at(*address)));
        assert_eq!((at(begins(0) - 1), at(0), at(u64::MAX)), (None, None, Some("later".into())));
        assert_eq!(at(0xffff_ffff_c000_0050).as_deref(), Some("probe"));
        assert_eq!(kernel_table(b"", &[5]).at(5).next(), None);
    }

    #[test]
    fn of_several_names_of_one_address_the_last_is_said_as_perf_does() {
        let text = b"ffffffff81000000 T _stext\nffffffff81000000 T _text\n";
        let table = kernel_table(text, &[0xffff_ffff_8100_0004]);
        assert_eq!(table.at(0xffff_ffff_8100_0004).next().map(|(s, _, _)| s), Some("_text"));
    }
}
