//! Pieces of a stream in, whole lines out, wherever the pieces were cut.

/// Cuts a stream into lines; only a line that spans two pieces is copied.
#[derive(Clone, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Calls `line` with every line that ends in this piece, without its line end.
    pub fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.rest.extend_from_slice(bytes);
                return;
            };
            self.rest.extend_from_slice(&bytes[..end]);
            line(without_return(&self.rest));
            self.rest.clear();
            bytes = &bytes[end + 1..];
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            line(without_return(&bytes[start..end]));
            start = end + 1;
        }
        self.rest.extend_from_slice(&bytes[start..]);
    }

    /// The last line, where the stream did not end in a line end.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            line(without_return(&rest));
        }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_cut() {
        let text = b"one\r\n\ntwo words\nlast";
        for size in 1..=text.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for piece in text.chunks(size) {
                lines.feed(piece, |line| seen.push(line.to_vec()));
            }
            lines.finish(|line| seen.push(line.to_vec()));
            assert_eq!(
                seen,
                [b"one".to_vec(), b"".to_vec(), b"two words".to_vec(), b"last".to_vec()],
                "pieces of {size}"
            );
        }
    }
}
