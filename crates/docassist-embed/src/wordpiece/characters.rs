//! What becomes of one character.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::char::decompose_canonical;

/// The normaliser's settings.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// Control characters disappear, white space becomes a space.
    pub(super) clean: bool,
    /// CJK characters are words of their own.
    pub(super) split_cjk: bool,
    pub(super) lowercase: bool,
    pub(super) strip_accents: bool,
}

/// How a character stands in its word.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// It ends the word and is none itself.
    Space,
    /// It is a word of its own.
    Alone,
    /// It continues the word.
    Letter,
}

impl Rules {
    /// Calls `put` with what `character` becomes: nothing, itself, or several.
    pub(super) fn apply(self, character: char, mut put: impl FnMut(Kind, char)) {
        if character.is_ascii() {
            return self.apply_ascii(character, put);
        }
        if self.clean && (character == '\u{fffd}' || is_other(character)) {
            return;
        }
        let alone = self.split_cjk && is_cjk(character);
        let mut lower = |character: char| {
            let mut one = |character: char| put(kind(character), character);
            if self.lowercase {
                character.to_lowercase().for_each(&mut one);
            } else {
                one(character);
            }
        };
        // A CJK character stands between two spaces, so that what it is decomposed into is a word of its own.
        if alone {
            lower(' ');
        }
        // Marks are not sorted as a full normalisation would: those that are, are stripped.
        if self.strip_accents {
            decompose_canonical(character, |part| {
                if get_general_category(part) != GeneralCategory::NonspacingMark {
                    lower(part);
                }
            });
        } else {
            lower(character);
        }
        if alone {
            lower(' ');
        }
    }

    fn apply_ascii(self, character: char, mut put: impl FnMut(Kind, char)) {
        match character {
            // The vertical tab and the form feed are white space, and control characters that are cleaned away before.
            '\0' if self.clean => {}
            '\t' | '\n' | '\r' | ' ' => put(Kind::Space, ' '),
            control if control.is_ascii_control() && self.clean => {}
            other => put(kind(other), if self.lowercase { other.to_ascii_lowercase() } else { other }),
        }
    }
}

fn kind(character: char) -> Kind {
    if character.is_whitespace() {
        Kind::Space
    } else if character.is_ascii_punctuation() || (!character.is_ascii() && is_punctuation(character)) {
        Kind::Alone
    } else {
        Kind::Letter
    }
}

fn is_punctuation(character: char) -> bool {
    use GeneralCategory as G;
    matches!(
        get_general_category(character),
        G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
    )
}

/// What is cleaned away: control, format and private characters.
fn is_other(character: char) -> bool {
    use GeneralCategory as G;
    matches!(get_general_category(character), G::Control | G::Format | G::PrivateUse | G::Surrogate)
}

/// The ideographs that BERT's authors listed.
fn is_cjk(character: char) -> bool {
    matches!(u32::from(character),
        0x4e00..=0x9fff | 0x3400..=0x4dbf | 0x2_0000..=0x2_a6df | 0x2_a700..=0x2_b73f | 0x2_b740..=0x2_b81f
        | 0x2_b920..=0x2_ceaf | 0xf900..=0xfaff | 0x2_f800..=0x2_fa1f)
}
