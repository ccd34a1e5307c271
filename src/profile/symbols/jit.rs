//! The list that a runtime keeps of the code it makes (`/tmp/perf-PID.map`) in; what stands at addresses in it out.

use super::table::{Standing, Table};

/// Looks up addresses in lines of `START SIZE NAME`, both numbers in hex; of two that overlap the later one is newer.
pub fn jit_table(text: &str, addresses: &[u64]) -> Table {
    let made: Vec<(u64, u64, &str)> = text.lines().filter_map(made).collect();
    let mut order: Vec<usize> = (0..made.len()).collect();
    order.sort_by_key(|at| (made[*at].0, *at));
    let mut table = Table::default();
    for address in addresses {
        let before = order.partition_point(|at| made[*at].0 <= *address);
        let holds = |at: &&usize| made[**at].0 + made[**at].1 > *address;
        // Code is made again at addresses that were given back: a few of the nearest are looked at, and the newest holds.
        let found = order[..before].iter().rev().take(64).filter(holds).max();
        let standing = found.map(|at| Standing { symbol: made[*at].2.to_owned(), ..Standing::default() });
        table.insert(*address, standing.as_slice());
    }
    table
}

fn made(line: &str) -> Option<(u64, u64, &str)> {
    let (start, rest) = line.trim_end().split_once(' ')?;
    let (size, name) = rest.split_once(' ')?;
    let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let (start, size) = (hex(start)?, hex(size)?);
    (!name.is_empty() && start.checked_add(size).is_some()).then_some((start, size, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, address: u64) -> Option<String> {
        let table = jit_table(text, &[address]);
        table.at(address).next().map(|(symbol, _, _)| symbol.to_owned())
    }

    #[test]
    fn the_newest_function_at_an_address_is_named() {
        let text = "7f00 40 wasm[0]::function[1]\n7f40 10 a name with blanks\nbroken\n7f00 20 made again\n0xffffffffffffffff 2 x\n";
        assert_eq!(at(text, 0x7f10).as_deref(), Some("made again"));
        assert_eq!(at(text, 0x7f30).as_deref(), Some("wasm[0]::function[1]"));
        assert_eq!(at(text, 0x7f4f).as_deref(), Some("a name with blanks"));
        assert_eq!((at(text, 0x7f50), at(text, 0x6000)), (None, None));
    }
}
