//! A sliding view of a stream: bytes from a mark onwards are kept while an element is scanned, so that a complete
//! element is one slice and a damaged one can be scanned again from a later line.

use std::io::{self, Read};

/// How much is asked for at once.
const CHUNK: usize = 64 * 1024;

/// Where something begins in the unpacked stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Its line, from 1.
    pub(super) line: u64,
    /// Bytes before it on its line.
    pub(super) column: u64,
}

/// The view. Memory is bounded by what is kept plus a few chunks.
#[derive(Debug)]
pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The valid part of `buffer` ends here.
    end: usize,
    /// The next byte.
    at: usize,
    /// Kept from here on.
    mark: usize,
    /// Whether `mark` stays while the window moves on.
    keep: bool,
    /// Offset in the stream of `buffer[0]`.
    base: u64,
    /// Line of `mark`, and the offset at which that line begins.
    line: u64,
    line_start: u64,
    ended: bool,
    failure: Option<io::Error>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            end: 0,
            at: 0,
            mark: 0,
            keep: false,
            base: 0,
            line: 1,
            line_start: 0,
            ended: false,
            failure: None,
        }
    }

    /// Puts the mark at the next byte and keeps everything from there on.
    pub(super) fn hold(&mut self) -> Position {
        self.move_mark();
        self.keep = true;
        self.marked()
    }

    /// Keeps nothing any more.
    pub(super) fn release(&mut self) {
        self.keep = false;
    }

    /// The position of the next byte, giving up what is kept.
    pub(super) fn position(&mut self) -> Position {
        self.release();
        self.move_mark();
        self.marked()
    }

    fn marked(&self) -> Position {
        let offset = self.base + self.mark as u64;
        Position { offset, line: self.line, column: offset - self.line_start }
    }

    /// What is kept; empty when nothing is.
    pub(super) fn kept(&self) -> &[u8] {
        if self.keep { &self.buffer[self.mark..self.at] } else { &[] }
    }

    /// Goes back to `at` within what is kept.
    pub(super) fn rewind(&mut self, at: usize) {
        if self.keep {
            self.at = (self.mark + at).min(self.at);
        }
    }

    /// The next byte.
    pub(super) fn peek(&mut self) -> Option<u8> {
        if self.at == self.end && !self.fill() {
            return None;
        }
        Some(self.buffer[self.at])
    }

    /// The bytes that can be had without a read; empty only at the end.
    pub(super) fn available(&mut self) -> &[u8] {
        if self.at == self.end {
            self.fill();
        }
        &self.buffer[self.at..self.end]
    }

    /// At least `count` of the next bytes, or all that are left.
    pub(super) fn ahead(&mut self, count: usize) -> &[u8] {
        while self.end - self.at < count && self.fill() {}
        &self.buffer[self.at..self.end]
    }

    /// Moves on by `count` of the available bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.at = (self.at + count).min(self.end);
    }

    /// The failure that ended the stream, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Moves the mark to the next byte and counts the lines passed. The mark only ever moves forward and each byte
    /// passes it once, so lines are counted once however often an element is scanned.
    fn move_mark(&mut self) {
        let passed = &self.buffer[self.mark..self.at];
        if let Some(last) = memchr::memrchr(b'\n', passed) {
            self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
            self.line_start = self.base + (self.mark + last + 1) as u64;
        }
        self.mark = self.at;
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if !self.keep {
            self.move_mark();
        }
        // Moving what is kept only when it is the smaller part makes the moves linear in total.
        if self.mark > 0 && self.mark >= self.end - self.mark {
            self.buffer.copy_within(self.mark..self.end, 0);
            self.base += self.mark as u64;
            self.at -= self.mark;
            self.end -= self.mark;
            self.mark = 0;
        }
        if self.buffer.len() - self.end < CHUNK {
            self.buffer.resize((self.end + CHUNK).next_power_of_two(), 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.end += count;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error);
                }
            }
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_columns_across_reads() {
        let text = "ab\ncd\n\nef".repeat(40_000);
        let mut window = Window::new(text.as_bytes());
        while window.peek() == Some(b'a') || window.position().offset < 9 * 39_999 + 7 {
            window.advance(1);
        }
        let position = window.position();
        assert_eq!(position, Position { offset: 9 * 39_999 + 7, line: 3 * 39_999 + 4, column: 0 });
    }

    #[test]
    fn what_is_held_survives_reads_and_can_be_gone_back_to() {
        let text: Vec<u8> = (0..300_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
        let mut window = Window::new(&text[..]);
        window.available();
        window.advance(1000);
        window.hold();
        while window.kept().len() < 250_000 {
            let count = window.available().len();
            window.advance(count);
        }
        let kept = window.kept().len();
        assert_eq!(window.kept(), &text[1000..1000 + kept]);
        window.rewind(10);
        assert_eq!(window.peek(), Some(text[1010]));
    }
}
