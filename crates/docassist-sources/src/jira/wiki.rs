//! Jira's wiki markup as Markdown. Linear in the text: every search for an end either finds it and goes on from there,
//! or remembers that there is none. What is code is never touched.

mod blocks;
mod inline;
mod segments;

/// Converts wiki markup to Markdown.
///
/// Ticket keys survive as they are, so references can be looked for in the result.
#[must_use]
pub fn to_markdown(markup: &str) -> String {
    let unified;
    let text = if markup.contains('\r') {
        unified = markup.replace("\r\n", "\n").replace('\r', "\n");
        &unified
    } else {
        markup
    };
    blocks::convert(text)
}

#[cfg(test)]
mod tests;
