//! SPDX licence expressions, as crates write them: `MIT OR Apache-2.0`, `(A AND B) OR C WITH exception`, and the old `A/B`.

use std::collections::BTreeSet;
use std::iter::Peekable;

use anyhow::{Result, bail};

/// Whether the allowed licences satisfy the expression.
pub(super) fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let answer = any(&mut words, allowed)?;
    match words.next() {
        None => Ok(answer),
        Some(word) => bail!("`{word}` is out of place in the licence `{expression}`"),
    }
}

fn any<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut answer = all(words, allowed)?;
    while words.next_if(|word| word.eq_ignore_ascii_case("or")).is_some() {
        answer |= all(words, allowed)?;
    }
    Ok(answer)
}

fn all<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut answer = one(words, allowed)?;
    while words.next_if(|word| word.eq_ignore_ascii_case("and")).is_some() {
        answer &= one(words, allowed)?;
    }
    Ok(answer)
}

fn one<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> Result<bool> {
    let Some(word) = words.next() else { bail!("a licence expression ends too early") };
    if word == "(" {
        let answer = any(words, allowed)?;
        if words.next() != Some(")") {
            bail!("a licence expression lacks a `)`");
        }
        return Ok(answer);
    }
    if word == ")" || ["or", "and", "with"].iter().any(|operator| word.eq_ignore_ascii_case(operator)) {
        bail!("`{word}` stands where a licence should");
    }
    if words.next_if(|word| word.eq_ignore_ascii_case("with")).is_some() {
        let Some(exception) = words.next() else { bail!("`WITH` is followed by nothing") };
        // An exception only adds permissions, but which ones is for the list to say, as for cargo-deny.
        return Ok(allowed.contains(&format!("{word} WITH {exception}")));
    }
    Ok(allowed.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> bool {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        satisfied(expression, &BTreeSet::from(allowed)).unwrap()
    }

    #[test]
    fn expressions_are_evaluated() {
        assert!(check("MIT"));
        assert!(!check("GPL-3.0-only"));
        assert!(check("GPL-3.0-only OR MIT"));
        assert!(!check("GPL-3.0-only AND MIT"));
        assert!(check("GPL-2.0/MIT") && check("GPL-2.0 / MIT"));
        assert!(check("Apache-2.0 WITH LLVM-exception") && !check("MIT WITH odd-exception"));
        assert!(check("GPL-2.0 AND Apache-2.0 OR MIT"), "AND binds closer");
        assert!(!check("GPL-2.0 AND (Apache-2.0 OR MIT)"));
        assert!(check("(MIT OR GPL-2.0) AND Apache-2.0"));
    }

    #[test]
    fn nonsense_is_an_error() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT MIT", "AND MIT", "MIT WITH"] {
            assert!(satisfied(expression, &BTreeSet::new()).is_err(), "{expression}");
        }
    }
}
