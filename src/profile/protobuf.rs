//! Bytes in the wire form of protocol buffers in; fields with their numbers out, or nothing where they break off.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number of any size.
    Number(u64),
    /// Eight bytes.
    Fixed(u64),
    /// Bytes, a text, a message within, or numbers one after the other.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    pub fn number(self) -> Option<u64> {
        match self {
            Value::Number(n) | Value::Fixed(n) => Some(n),
            Value::Bytes(_) => None,
        }
    }

    /// Adds what a repeated number holds, which may be one or many.
    pub fn numbers(self, into: &mut Vec<u64>) {
        match self {
            Value::Number(n) | Value::Fixed(n) => into.push(n),
            Value::Bytes(packed) => {
                let mut fields = Fields::new(packed);
                while let Some(n) = fields.varint() {
                    into.push(n);
                }
            }
        }
    }
}

/// The fields of one message in their order.
#[derive(Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// True once something could not be read.
    pub broken: bool,
}

impl<'a> Fields<'a> {
    /// Starts at the first field.
    pub fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes, broken: false }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Some(value);
            }
        }
        self.broken |= !self.rest.is_empty();
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|n| *n > 0)?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Fixed(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.broken {
            return None;
        }
        let field = self.field();
        self.broken |= field.is_none();
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_until_they_break_off() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 1, 0, 0, 0];
        let all: Vec<_> = Fields::new(&bytes).collect();
        assert_eq!(all, [(1, Value::Number(150)), (2, Value::Bytes(b"hi")), (3, Value::Fixed(1))]);
        for at in [1, 2, 4, 6, 8, 11] {
            let mut fields = Fields::new(&bytes[..at]);
            fields.by_ref().for_each(drop);
            assert!(fields.broken, "cut at {at}");
        }
    }

    #[test]
    fn repeated_numbers_are_packed_or_not() {
        let mut all = Vec::new();
        Value::Bytes(&[1, 0x80, 1]).numbers(&mut all);
        Value::Number(7).numbers(&mut all);
        assert_eq!(all, [1, 128, 7]);
    }

    #[test]
    fn a_number_without_an_end_is_none() {
        let mut fields = Fields::new(&[0xff; 30]);
        assert_eq!((fields.next(), fields.broken), (None, true));
    }
}
