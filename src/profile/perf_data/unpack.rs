//! Compressed records as `perf record -z` writes them in, the bytes of plain records out.

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

/// What one compressed record may unpack to; the kernel's buffers are far smaller.
const LARGEST: usize = 256 << 20;

/// One zstd stream that goes through all compressed records of a file.
#[derive(Default)]
pub struct Unpack {
    decoder: Option<Decoder<'static>>,
    /// The beginning of a record whose end is in the next compressed one.
    rest: Vec<u8>,
}

impl Unpack {
    /// Unpacks; the result begins with what was given back.
    ///
    /// # Errors
    /// A stream that is damaged, or too large to be true.
    pub fn take(&mut self, packed: &[u8]) -> Result<Vec<u8>, String> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(Decoder::new().map_err(|e| e.to_string())?),
        };
        let mut unpacked = std::mem::take(&mut self.rest);
        let mut input = InBuffer::around(packed);
        let mut piece = vec![0; 128 * 1024];
        loop {
            let mut output = OutBuffer::around(&mut piece[..]);
            let before = input.pos;
            decoder.run(&mut input, &mut output).map_err(|e| e.to_string())?;
            let written = output.pos();
            if written == 0 && input.pos == before && input.pos < packed.len() {
                return Err(String::from("the stream does not go on"));
            }
            unpacked.extend_from_slice(&piece[..written]);
            if unpacked.len() > LARGEST {
                return Err(String::from("one of them unpacks to more than 256 MiB"));
            }
            if input.pos == packed.len() && written < piece.len() {
                return Ok(unpacked);
            }
        }
    }

    /// Keeps what was unpacked and not used.
    pub fn give_back(&mut self, rest: Vec<u8>) {
        self.rest = rest;
    }
}
