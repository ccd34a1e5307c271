//! The kernel's list of symbols in; what stands at addresses in the kernel out.

use super::table::{Standing, Table};

/// Looks up addresses in what `/proc/kallsyms` says: `ffffffff81000000 T _text [module]`.
pub fn kernel_table(list: &[u8], addresses: &[u64]) -> Table {
    let mut symbols: Vec<(u64, &[u8])> = Vec::with_capacity(list.len() / 40);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', list).chain([list.len()]) {
        symbols.extend(symbol(&list[start..end]));
        start = (end + 1).min(list.len());
    }
    // All but the modules stand in order, and sorting what is in order costs one pass.
    symbols.sort_by_key(|(address, _)| *address);
    let mut table = Table::default();
    for address in addresses {
        let after = symbols.partition_point(|(at, _)| at <= address);
        let found = after.checked_sub(1).map(|i| String::from_utf8_lossy(symbols[i].1).into_owned());
        let standing = found.map(|symbol| Standing { symbol, ..Standing::default() });
        table.insert(*address, standing.as_slice());
    }
    table
}

/// A function; where the kernel hides its addresses they are all zero.
fn symbol(line: &[u8]) -> Option<(u64, &[u8])> {
    let digits = line.iter().position(|b| *b == b' ')?;
    let [_, kind, b' ', name @ ..] = &line[digits..] else { return None };
    if !matches!(kind, b'T' | b't' | b'W' | b'w') {
        return None;
    }
    let hex = |value: u64, digit: &u8| Some(value << 4 | u64::from((*digit as char).to_digit(16)?));
    let address = line[..digits.min(16)].iter().try_fold(0, hex).filter(|address| *address != 0)?;
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
    fn of_several_names_of_one_address_the_last_is_said_as_perf_does() {
        let text = b"ffffffff81000000 T _stext\nffffffff81000000 T _text\n";
        let table = kernel_table(text, &[0xffff_ffff_8100_0004]);
        assert_eq!(table.at(0xffff_ffff_8100_0004).next().map(|(s, _, _)| s), Some("_text"));
    }
}
