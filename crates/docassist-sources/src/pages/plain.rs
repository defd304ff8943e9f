//! Text without markup.

use super::collector::Collector;

/// Scans every line; lines underlined with `=` or `-` are headings by a custom older than any markup.
pub(super) fn scan(collector: &mut Collector<'_>) {
    let mut above = "";
    for (number, line) in (1_u32..).zip(collector.text.split('\n')) {
        let content = line.trim_end();
        if let Some(level) = level_of_underline(content)
            && !above.trim().is_empty()
            && level_of_underline(above).is_none()
            && content.len() * 2 >= above.trim().len()
            && above.len() < 200
        {
            collector.heading(level, above, number - 1);
        } else {
            collector.prose(content, number);
        }
        above = content;
    }
}

fn level_of_underline(line: &str) -> Option<u8> {
    let first = *line.as_bytes().first()?;
    let level = match first {
        b'=' => 1,
        b'-' => 2,
        _ => return None,
    };
    (line.len() >= 3 && line.bytes().all(|byte| byte == first)).then_some(level)
}
