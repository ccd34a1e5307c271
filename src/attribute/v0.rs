//! A v0-mangled symbol in, its structure out, after RFC 2603.
//!
//! `rustc-demangle` yields text, and text drops the module of an impl; that module tells two impls apart.

use super::symbol::{Impl, Symbol};

/// Takes a v0 symbol apart; `None` if it is no v0 symbol or uses what this reader does not know.
pub fn parse(symbol: &str) -> Option<Symbol> {
    let mangled = symbol.strip_prefix("_R").or_else(|| symbol.strip_prefix("__R"))?;
    let mut parser = Parser { bytes: mangled.as_bytes(), at: 0, fuel: 20_000, depth: 0 };
    parser.skip_while(u8::is_ascii_digit);
    let path = parser.path()?;
    path.symbol()
}

/// A path that is being read.
#[derive(Clone, Debug, Default)]
struct Path {
    krate: String,
    names: Vec<String>,
    functions_from: Option<usize>,
    in_impl: Option<Impl>,
}

impl Path {
    /// Crate and names, as a type or trait is written.
    fn written(&self) -> Vec<String> {
        let mut all = match &self.in_impl {
            Some(i) => i.self_type.clone(),
            None => vec![self.krate.clone()],
        };
        all.extend(self.names.iter().cloned());
        all
    }

    fn symbol(self) -> Option<Symbol> {
        let named = !self.krate.is_empty() && !self.names.is_empty();
        named.then_some(Symbol {
            crates: vec![self.krate],
            path: self.names,
            functions_from: self.functions_from,
            in_impl: self.in_impl,
        })
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    /// References can nest without end in a damaged name.
    fuel: u32,
    depth: u32,
}

/// rustc's own demangler stops at 500; nothing that a person could read comes near.
const DEEPEST: u32 = 200;

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        self.fuel = self.fuel.checked_sub(1)?;
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_while(&mut self, holds: impl Fn(&u8) -> bool) {
        while self.peek().is_some_and(|b| holds(&b)) {
            self.at += 1;
        }
    }

    /// `_` is 0, otherwise digits plus 1.
    fn base62(&mut self) -> Option<u64> {
        let mut value: u64 = 0;
        if self.eat(b'_') {
            return Some(0);
        }
        loop {
            let digit = match self.next()? {
                b'_' => return value.checked_add(1),
                d @ b'0'..=b'9' => d - b'0',
                d @ b'a'..=b'z' => d - b'a' + 10,
                d @ b'A'..=b'Z' => d - b'A' + 36,
                _ => return None,
            };
            value = value.checked_mul(62)?.checked_add(u64::from(digit))?;
        }
    }

    fn disambiguator(&mut self) -> Option<()> {
        if self.eat(b's') {
            self.base62()?;
        }
        Some(())
    }

    fn identifier(&mut self) -> Option<String> {
        self.disambiguator()?;
        let punycode = self.eat(b'u');
        let start = self.at;
        self.skip_while(u8::is_ascii_digit);
        let length: usize = std::str::from_utf8(&self.bytes[start..self.at]).ok()?.parse().ok()?;
        self.eat(b'_');
        let name = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        let name = std::str::from_utf8(name).ok()?;
        Some(if punycode { format!("{name} (punycode)") } else { name.to_owned() })
    }

    /// Reads at an earlier place, which must lie before the reference itself.
    fn backward<T>(&mut self, from: usize, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let target = usize::try_from(self.base62()?).ok()?;
        if target >= from {
            return None;
        }
        let after = std::mem::replace(&mut self.at, target);
        let value = self.deeper(read);
        self.at = after;
        value
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let value = if self.depth > DEEPEST { None } else { read(self) };
        self.depth -= 1;
        value
    }

    fn path(&mut self) -> Option<Path> {
        self.deeper(Self::path_here)
    }

    fn path_here(&mut self) -> Option<Path> {
        let start = self.at;
        match self.next()? {
            b'C' => Some(Path { krate: self.identifier()?, ..Path::default() }),
            b'M' => self.implementation(false),
            b'X' => self.implementation(true),
            b'Y' => self.trait_item(),
            b'N' => self.nested(),
            b'I' => {
                let path = self.path()?;
                while !self.eat(b'E') {
                    self.generic_argument()?;
                }
                Some(path)
            }
            b'B' => self.backward(start, Self::path),
            _ => None,
        }
    }

    fn nested(&mut self) -> Option<Path> {
        let namespace = self.next()?;
        let mut path = self.path()?;
        let name = self.identifier()?;
        // Upper case marks what has no name of its own: closures and shims.
        if namespace.is_ascii_lowercase() {
            if namespace == b'v' {
                path.functions_from.get_or_insert(path.names.len());
            }
            path.names.push(name);
        }
        Some(path)
    }

    /// `M` and `X`: the impl's own path comes first.
    fn implementation(&mut self, of_trait: bool) -> Option<Path> {
        self.disambiguator()?;
        let place = self.path()?;
        let self_type = self.kind()?;
        let trait_path = if of_trait { Some(self.path()?.written()) } else { None };
        let in_impl = Some(Impl { module: Some(place.names), self_type, trait_path });
        Some(Path { krate: place.krate, in_impl, ..Path::default() })
    }

    /// `Y`: a method of a trait for a type, which is the trait's own default or stands in an impl elsewhere.
    fn trait_item(&mut self) -> Option<Path> {
        let self_type = self.kind()?;
        let of = self.path()?;
        let krate = of.krate.clone();
        let in_impl = Some(Impl { module: None, self_type, trait_path: Some(of.written()) });
        Some(Path { krate, in_impl, ..Path::default() })
    }

    fn generic_argument(&mut self) -> Option<()> {
        match self.peek()? {
            b'L' => {
                self.at += 1;
                self.base62().map(|_| ())
            }
            b'K' => {
                self.at += 1;
                self.constant()
            }
            _ => self.kind().map(|_| ()),
        }
    }

    /// A type: the path of its head, or a mark for types without one.
    fn kind(&mut self) -> Option<Vec<String>> {
        self.deeper(Self::kind_here)
    }

    fn kind_here(&mut self) -> Option<Vec<String>> {
        let start = self.at;
        let tag = self.next()?;
        if let Some(name) = basic(tag) {
            return Some(vec![name.into()]);
        }
        match tag {
            b'A' => {
                self.kind()?;
                self.constant()?;
                Some(vec!["[]".into()])
            }
            b'S' => self.kind().map(|_| vec!["[]".into()]),
            b'T' => {
                while !self.eat(b'E') {
                    self.kind()?;
                }
                Some(vec!["()".into()])
            }
            b'R' | b'Q' => {
                if self.eat(b'L') {
                    self.base62()?;
                }
                self.kind()
            }
            b'P' | b'O' => self.kind(),
            b'F' => self.function_type(),
            b'D' => self.trait_object(),
            b'B' => self.backward(start, Self::kind),
            _ => {
                self.at = start;
                self.path().map(|p| p.written())
            }
        }
    }

    fn binder(&mut self) -> Option<()> {
        if self.eat(b'G') {
            self.base62()?;
        }
        Some(())
    }

    fn function_type(&mut self) -> Option<Vec<String>> {
        self.binder()?;
        self.eat(b'U');
        if self.eat(b'K') && !self.eat(b'C') {
            self.identifier()?;
        }
        while !self.eat(b'E') {
            self.kind()?;
        }
        self.kind()?;
        Some(vec!["fn".into()])
    }

    fn trait_object(&mut self) -> Option<Vec<String>> {
        self.binder()?;
        let mut first = None;
        while !self.eat(b'E') {
            let path = self.path()?;
            first.get_or_insert_with(|| path.written());
            while self.eat(b'p') {
                self.identifier()?;
                self.generic_argument()?;
            }
        }
        if !self.eat(b'L') {
            return None;
        }
        self.base62()?;
        Some(first.unwrap_or_else(|| vec!["dyn".into()]))
    }

    /// A constant argument: a placeholder, a reference, or a basic value in hexadecimal.
    fn constant(&mut self) -> Option<()> {
        let start = self.at;
        match self.next()? {
            b'p' => Some(()),
            b'B' => self.backward(start, Self::constant),
            b'R' | b'Q' if self.peek() != Some(b'e') => self.deeper(Self::constant),
            b'R' => {
                self.at += 1;
                self.hexadecimal()
            }
            tag if basic(tag).is_some() => {
                self.eat(b'n');
                self.hexadecimal()
            }
            b'A' | b'T' => {
                while !self.eat(b'E') {
                    self.deeper(Self::constant)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn hexadecimal(&mut self) -> Option<()> {
        self.skip_while(u8::is_ascii_hexdigit);
        self.eat(b'_').then_some(())
    }
}

fn basic(tag: u8) -> Option<&'static str> {
    Some(match tag {
        b'a' => "i8",
        b'b' => "bool",
        b'c' => "char",
        b'd' => "f64",
        b'e' => "str",
        b'f' => "f32",
        b'h' => "u8",
        b'i' => "isize",
        b'j' => "usize",
        b'l' => "i32",
        b'm' => "u32",
        b'n' => "i128",
        b'o' => "u128",
        b's' => "i16",
        b't' => "u16",
        b'u' => "()",
        b'v' => "...",
        b'x' => "i64",
        b'y' => "u64",
        b'z' => "!",
        b'p' => "_",
        _ => return None,
    })
}
