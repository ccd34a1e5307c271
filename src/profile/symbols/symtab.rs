//! The symbol tables of an ELF file in; the function that holds an address out, by the name that perf gives it too.

use std::borrow::Cow;

use object::read::elf::{ElfFile, FileHeader, SectionHeader, Sym};
use object::{Endianness, StringTable, elf};

use super::stubs::{Stub, stubs};

/// How many symbols that begin before an address are looked at: functions written in assembly hold labels of their own.
const NESTED: usize = 16;

/// Names of the symbols that a debugger wants and of those that the loader wants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a>([StringTable<'a>; 2]);

/// Functions by address, one for each; without their names, so that they can be kept apart from the file.
#[derive(Clone, Debug, Default)]
pub struct Symbols(Vec<Symbol>);

/// A symbol; its name is read when somebody asks for it, because few of a binary's names are ever asked for.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    address: u64,
    /// 0 where nothing tells: then it reaches as far as the next one begins.
    size: u64,
    name: u32,
    kind: Kind,
    binding: u8,
    /// Assembly may name a place without saying that it is a function (`_dl_start_user`).
    is_label: bool,
}

/// Where a symbol's name stands, and what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The table for debuggers.
    Plain,
    /// The table for the loader.
    Dynamic,
    /// A stub through which a function of another object file is called; the name is that function's.
    Stub,
}

impl<'a> Names<'a> {
    /// Those of a file.
    pub fn of<H: FileHeader<Endian = Endianness>>(file: &ElfFile<'a, H>) -> Names<'a> {
        Names([file.elf_symbol_table().strings(), file.elf_dynamic_symbol_table().strings()])
    }

    fn written(&self, symbol: &Symbol) -> Option<&'a str> {
        let name = self.0[usize::from(symbol.kind != Kind::Plain)].get(symbol.name).ok()?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }
}

impl Symbols {
    /// Reads both tables and the stubs of imports.
    pub fn of<H: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, H>) -> Symbols {
        let endian = file.endian();
        let flags = file.elf_section_table().iter().map(|section| section.sh_flags(endian).into());
        let executable: Vec<bool> = flags.map(|flags: u64| flags & u64::from(elf::SHF_EXECINSTR) != 0).collect();
        let tables = [
            (file.elf_symbol_table().symbols(), Kind::Plain),
            (file.elf_dynamic_symbol_table().symbols(), Kind::Dynamic),
        ];
        let mut all = Vec::with_capacity(tables[0].0.len());
        for (symbols, kind) in tables {
            all.extend(symbols.iter().filter(|s| is_code(*s, &executable, endian)).map(|s| Symbol {
                address: s.st_value(endian).into(),
                size: s.st_size(endian).into(),
                name: s.st_name(endian),
                kind,
                binding: s.st_bind(),
                is_label: s.st_type() == elf::STT_NOTYPE,
            }));
        }
        let stub = |Stub { address, size, name }| Symbol {
            address,
            size,
            name,
            kind: Kind::Stub,
            binding: elf::STB_GLOBAL,
            is_label: false,
        };
        all.extend(stubs(file).into_iter().map(stub));
        let names = Names::of(file);
        // `$x` and the like tell disassemblers of arm what follows.
        all.retain(|s| !s.is_label || names.written(s).is_some_and(|name| !name.starts_with('$')));
        Symbols(best(all, names))
    }

    /// The name of the function that holds an address; that of a stub is the function's that it calls, and `@plt`.
    pub fn at<'a>(&self, address: u64, names: Names<'a>) -> Option<Cow<'a, str>> {
        let after = self.0.partition_point(|s| s.address <= address);
        let near = &self.0[after.saturating_sub(NESTED)..after];
        let mut functions = near.iter().rev().filter(|s| !s.is_label);
        // What says nothing of its size reaches as far as the next one begins.
        let nearest = functions.next().filter(|s| s.size == 0 || address - s.address < s.size);
        let around = || functions.find(|s| address - s.address < s.size);
        let symbol = nearest.or_else(around).or_else(|| near.last().filter(|s| s.is_label))?;
        match symbol.kind {
            Kind::Stub => Some(format!("{}@plt", names.written(symbol).unwrap_or_default()).into()),
            Kind::Plain | Kind::Dynamic => Some(names.written(symbol)?.into()),
        }
    }

    /// True if a function begins at exactly this address.
    pub fn begin_at(&self, address: u64) -> bool {
        self.0.binary_search_by_key(&address, |s| s.address).is_ok_and(|at| !self.0[at].is_label)
    }

    /// The functions that stand here with their address and size, in order.
    pub fn functions<'a>(&self, names: Names<'a>) -> impl Iterator<Item = (&'a str, u64, u64)> {
        let own = self.0.iter().filter(|s| s.kind != Kind::Stub && !s.is_label);
        own.filter_map(move |s| Some((names.written(s)?, s.address, s.size)))
    }
}

/// One symbol of each address, in order. The sort is stable: of equals the first one of the file stays.
fn best(mut all: Vec<Symbol>, names: Names) -> Vec<Symbol> {
    all.sort_by_key(|s| s.address);
    let mut best: Vec<Symbol> = Vec::with_capacity(all.len());
    for symbol in all {
        match best.last_mut().filter(|last| last.address == symbol.address) {
            Some(last) if is_better(&symbol, last, names) => *last = symbol,
            Some(_) => {}
            None => best.push(symbol),
        }
    }
    best
}

/// Which of two symbols of one address is named is the rule of perf, so that both say the same of a recording: one that has
/// a size, then one that is no label, then one that is not weak, then a global one, then the one with fewer underscores before it, then the longer one
/// (`choose_best_symbol` in `tools/perf/util/symbol.c` of Linux).
fn is_better(new: &Symbol, old: &Symbol, names: Names) -> bool {
    let by_table = |s: &Symbol| (s.size > 0, !s.is_label, s.binding != elf::STB_WEAK, s.binding == elf::STB_GLOBAL);
    let by_name = |s: &Symbol| {
        let name = names.written(s).unwrap_or_default();
        let underscores = name.bytes().take_while(|b| *b == b'_').count();
        (std::cmp::Reverse(underscores), name.len())
    };
    by_table(new).cmp(&by_table(old)).then_with(|| by_name(new).cmp(&by_name(old))).is_gt()
}

/// True for a function, and for a label in code.
fn is_code<S: Sym<Endian = Endianness>>(symbol: &S, executable: &[bool], endian: Endianness) -> bool {
    let section = symbol.st_shndx(endian);
    let is_here = !matches!(section, elf::SHN_UNDEF | elf::SHN_ABS);
    let is_code = match symbol.st_type() {
        elf::STT_FUNC | elf::STT_GNU_IFUNC => true,
        elf::STT_NOTYPE => {
            let is_hidden = matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL);
            !is_hidden && executable.get(usize::from(section)).is_some_and(|code| *code)
        }
        _ => false,
    };
    is_code && is_here && symbol.st_name(endian) != 0 && symbol.st_value(endian).into() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbols by address, size, whether it is a label, binding and name; and the names at some addresses.
    #[track_caller]
    fn check(symbols: &[(u64, u64, bool, u8, &str)], expected: &[(u64, &str)]) {
        let mut text = vec![0];
        let mut all = Vec::new();
        for (address, size, is_label, binding, name) in symbols.iter().copied() {
            let start = text.len() as u32;
            text.extend(name.bytes().chain([0]));
            all.push(Symbol { address, size, name: start, kind: Kind::Plain, binding, is_label });
        }
        let names = Names([StringTable::new(&text[..], 0, text.len() as u64), StringTable::default()]);
        let symbols = Symbols(best(all, names));
        for (address, name) in expected {
            assert_eq!(symbols.at(*address, names).as_deref().unwrap_or("-"), *name, "{address:#x}");
        }
    }

    #[test]
    fn of_several_symbols_of_one_address_one_is_said() {
        let (local, global, weak) = (elf::STB_LOCAL, elf::STB_GLOBAL, elf::STB_WEAK);
        check(&[(16, 8, false, weak, "memcpy"), (16, 8, false, local, "inner")], &[(16, "inner")]);
        check(&[(16, 8, false, local, "much_longer"), (16, 8, false, global, "f")], &[(16, "f")]);
        check(&[(16, 0, false, global, "longer"), (16, 8, false, weak, "w")], &[(16, "w")]);
        check(&[(16, 8, false, global, "__clone3"), (16, 8, false, global, "clone3")], &[(16, "clone3")]);
        check(&[(16, 8, false, global, "ab"), (16, 8, false, global, "abc")], &[(16, "abc")]);
        check(&[(16, 8, false, global, "first"), (16, 8, false, global, "later")], &[(16, "first")]);
    }

    #[test]
    fn a_stub_is_named_after_what_it_calls_or_said_to_be_one() {
        let text = b"\0memcpy\0";
        let names = Names([StringTable::default(), StringTable::new(&text[..], 0, text.len() as u64)]);
        let stub = |address, name| Symbol {
            address,
            size: 16,
            name,
            kind: Kind::Stub,
            binding: elf::STB_GLOBAL,
            is_label: false,
        };
        let symbols = Symbols(best(vec![stub(16, 1), stub(32, 0)], names));
        assert_eq!(symbols.at(20, names).as_deref(), Some("memcpy@plt"));
        assert_eq!(symbols.at(32, names).as_deref(), Some("@plt"));
    }

    #[test]
    fn a_place_is_in_the_innermost_function_that_holds_it() {
        let global = elf::STB_GLOBAL;
        check(
            &[(16, 64, false, global, "outer"), (32, 8, false, global, "inner"), (96, 0, false, global, "endless")],
            &[(15, "-"), (16, "outer"), (32, "inner"), (39, "inner"), (40, "outer"), (80, "-"), (5000, "endless")],
        );
    }

    #[test]
    fn a_label_names_what_no_function_holds() {
        let global = elf::STB_GLOBAL;
        check(
            &[(16, 32, false, global, "f"), (24, 0, true, global, "label"), (64, 0, true, global, "_start")],
            &[(20, "f"), (24, "f"), (40, "f"), (48, "label"), (64, "_start"), (70, "_start")],
        );
    }
}
