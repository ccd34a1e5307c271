//! The kernel's list of symbols as text in; what stands at addresses in the kernel out.

use super::table::{Standing, Table};

/// Looks up addresses in the text of `/proc/kallsyms`: `ffffffff81000000 T _text [module]`.
pub fn kernel_table(text: &str, addresses: &[u64]) -> Table {
    let mut symbols: Vec<(u64, &str)> = text.lines().filter_map(symbol).collect();
    symbols.sort_by_key(|(address, _)| *address);
    let mut table = Table::default();
    for address in addresses {
        let after = symbols.partition_point(|(at, _)| at <= address);
        let found = after.checked_sub(1).map(|i| symbols[i].1);
        let standing = found.map(|name| Standing { symbol: name.to_owned(), ..Standing::default() });
        table.insert(*address, standing.as_slice());
    }
    table
}

/// A function; where the kernel hides its addresses they are all zero.
fn symbol(line: &str) -> Option<(u64, &str)> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok().filter(|a| *a != 0)?;
    let is_code = matches!(words.next()?, "T" | "t" | "W" | "w");
    is_code.then_some((address, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_that_begins_before_an_address_holds_it() {
        let text = "ffffffff81000000 T _text\nffffffff81000100 t do_idle\nffffffff81000180 d data\nbroken\nffffffffc0000000 t probe\t[mod]\n";
        let at = |address| kernel_table(text, &[address]).at(address).map(|(s, _, _)| s.to_owned()).collect::<Vec<_>>();
        assert_eq!(at(0xffff_ffff_8100_01ff), ["do_idle"]);
        assert_eq!(at(0xffff_ffff_c000_0000), ["probe"]);
        assert_eq!(at(0x1000), Vec::<String>::new());
        assert!(kernel_table("0000000000000000 T _text\n", &[5]).at(5).next().is_none(), "hidden addresses");
    }
}
