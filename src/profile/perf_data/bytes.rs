//! Bytes of a record in; numbers, texts and slices in their order out, or nothing where the record is too short.

/// A position in a record, read in the byte order of the machine that recorded it.
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    rest: &'a [u8],
    big: bool,
}

impl<'a> Bytes<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8], big: bool) -> Bytes<'a> {
        Bytes { rest: bytes, big }
    }

    /// The next bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next bytes, whose count the file gives as a 64-bit number.
    pub fn take_u64(&mut self, count: u64) -> Option<&'a [u8]> {
        self.take(usize::try_from(count).ok()?)
    }

    /// Passes over this many words of eight bytes.
    pub fn skip_words(&mut self, count: u64) -> Option<()> {
        self.take_u64(count.checked_mul(8)?).map(|_| ())
    }

    /// The next 16-bit number.
    pub fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    /// The next 32-bit number.
    pub fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The next 64-bit number.
    pub fn u64(&mut self) -> Option<u64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// A 64-bit number if the condition holds, else the value given.
    pub fn u64_if(&mut self, condition: bool, otherwise: u64) -> Option<u64> {
        if condition { self.u64() } else { Some(otherwise) }
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Text up to the first zero byte; bytes that are not UTF-8 become U+FFFD.
pub fn text(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Bytes in hex: how build ids are written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
