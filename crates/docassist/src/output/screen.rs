//! A terminal that is drawn again and again.

use std::io::Write as _;

use super::streams;

/// Another screen, without a cursor: what was on the terminal before comes back at the end.
const BEGIN: &str = "\u{1b}[?1049h\u{1b}[?25l";
const END: &str = "\u{1b}[?25h\u{1b}[?1049l";
const HOME: &str = "\u{1b}[H";
const TO_THE_END_OF_THE_LINE: &str = "\u{1b}[K";
const TO_THE_END_OF_THE_SCREEN: &str = "\u{1b}[J";

/// The terminal, until it is dropped.
pub(crate) struct Screen(());

impl Screen {
    /// The terminal that stdout is; none where it is something else.
    pub(crate) fn take() -> std::io::Result<Option<Self>> {
        if !streams::stdout_is_terminal() {
            return Ok(None);
        }
        streams::print(BEGIN)?;
        Ok(Some(Self(())))
    }

    /// Shows a text in the place of the last one; what does not fit is left out. Nothing is cleared first, so that nothing
    /// flickers.
    pub(crate) fn draw(&mut self, text: &str) -> std::io::Result<()> {
        let rows = terminal_size::terminal_size().map_or(usize::MAX, |(_, rows)| usize::from(rows.0));
        streams::print(&frame(text, rows))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody can be told.
        let mut out = streams::stdout();
        let _ = out.write_all(END.as_bytes()).and_then(|()| out.flush());
    }
}

fn frame(text: &str, rows: usize) -> String {
    let mut frame = HOME.to_owned();
    let lines = text.lines().count();
    // The last row stays empty: a line feed in it would scroll.
    let shown = rows.saturating_sub(1).max(1);
    for line in text.lines().take(if lines > shown { shown - 1 } else { shown }) {
        frame.push_str(line);
        frame.push_str(TO_THE_END_OF_THE_LINE);
        frame.push_str("\r\n");
    }
    if lines > shown {
        frame.push_str(&format!("… {} more lines{TO_THE_END_OF_THE_LINE}\r\n", lines - shown + 1));
    }
    frame.push_str(TO_THE_END_OF_THE_SCREEN);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let lines = |rows| frame("a\nb\nc\nd\n", rows).matches("\r\n").count();
        assert_eq!((lines(10), lines(5), lines(4)), (4, 4, 3));
        assert!(frame("a\nb\nc\nd\n", 4).contains("… 2 more lines"));
        assert!(!frame("a\nb\n", 10).contains("more"));
    }
}
