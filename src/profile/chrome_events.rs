//! Pieces of a Chrome trace in, the text of one event after another out.

/// Cuts the array of events into its objects without reading them, wherever the pieces were cut.
#[derive(Clone, Default)]
pub struct Events {
    /// Open brackets.
    depth: u32,
    /// How deep inside of the array of events one is; 0 outside of it.
    array: u32,
    in_string: bool,
    escaped: bool,
    /// The event that is being read.
    event: Vec<u8>,
    /// The last text at depth 1: the key that an array stands under.
    key: Vec<u8>,
    ended: bool,
}

impl Events {
    /// Calls `event` with every event that ends in this piece. One that is broken off is handed over as it is.
    pub fn feed(&mut self, bytes: &[u8], mut event: impl FnMut(&[u8])) {
        for byte in bytes {
            if self.ended {
                return;
            }
            if self.in_string {
                self.inside_string(*byte, &mut event);
            } else {
                self.outside_string(*byte, &mut event);
            }
        }
    }

    /// True if the last event did not end.
    pub fn ends_inside(&self) -> bool {
        !self.event.is_empty()
    }

    fn is_in_event(&self) -> bool {
        self.array > 0 && self.depth > self.array
    }

    fn inside_string(&mut self, byte: u8, event: &mut impl FnMut(&[u8])) {
        match byte {
            // A string holds no line end: the quote that would have closed it is damaged, and so is its event.
            b'\n' | b'\r' => {
                self.in_string = false;
                self.escaped = false;
                self.break_off(event);
                return;
            }
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
        if self.is_in_event() {
            self.event.push(byte);
        } else if self.in_string && self.key.len() < 32 {
            self.key.push(byte);
        }
    }

    fn outside_string(&mut self, byte: u8, event: &mut impl FnMut(&[u8])) {
        match byte {
            b'"' => {
                self.in_string = true;
                if !self.is_in_event() {
                    self.key.clear();
                }
            }
            b'{' | b'[' => {
                self.depth += 1;
                let is_events = self.depth == 1 || self.depth == 2 && self.key == b"traceEvents";
                if byte == b'[' && self.array == 0 && is_events {
                    self.array = self.depth;
                }
            }
            b'}' | b']' => self.close(byte, event),
            _ => {}
        }
        if self.is_in_event() {
            self.event.push(byte);
        }
    }

    fn close(&mut self, byte: u8, event: &mut impl FnMut(&[u8])) {
        self.depth = self.depth.saturating_sub(1);
        if self.array == 0 {
            return;
        }
        if self.depth == self.array {
            self.event.push(byte);
            event(&self.event);
            self.event.clear();
        } else if self.depth < self.array {
            // What stands behind the events describes the trace.
            self.ended = true;
        }
    }

    fn break_off(&mut self, event: &mut impl FnMut(&[u8])) {
        if self.is_in_event() {
            event(&self.event);
            self.event.clear();
            self.depth = self.array;
        }
    }
}
