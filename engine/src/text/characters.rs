//! What single characters are to the reader of messages: emoji, marks to strip, characters without width.
//!
//! Ranges instead of full Unicode tables: they name the blocks people write with, and what they leave out is read as a
//! separator, which is harmless.

/// A character that stands alone as a picture.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{1F000}'..='\u{1F0FF}' | '\u{1F170}'..='\u{1F1FF}' | '\u{1F201}'..='\u{1FAFF}'
        | '\u{2600}'..='\u{27BF}' | '\u{2300}'..='\u{23FF}' | '\u{2B00}'..='\u{2BFF}'
        | '\u{2190}'..='\u{21FF}' | '\u{25A0}'..='\u{25FF}' | '\u{3030}' | '\u{303D}')
        && !is_skin_tone(c)
}

pub(super) fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

pub(super) fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}

/// Belongs to the emoji before it and changes only its looks: variation selectors, skin tones, tags, keycaps.
pub(super) fn decorates_emoji(c: char) -> bool {
    is_skin_tone(c)
        || matches!(
            c,
            '\u{FE0E}' | '\u{FE0F}' | '\u{20E3}' | '\u{E0020}'..='\u{E007F}'
        )
}

pub(super) const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Characters nobody sees: they neither are nor separate words.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
        || is_skin_tone(c)
}

/// Marks on letters that people leave out when they type in a hurry: accents, Hebrew and Arabic points. Vowel signs of
/// Indic scripts are letters in all but name and stay.
pub(super) fn is_diacritic(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}' | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}' | '\u{05C2}' | '\u{05C4}'
        | '\u{05C5}' | '\u{05C7}' | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}')
}

/// Every character people type for an apostrophe.
pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '\u{00B4}' | '\u{02B9}'
            ..='\u{02BC}'
                | '\u{02C8}'
                | '\u{02CA}'
                | '\u{02CB}'
                | '\u{2018}'
                | '\u{2019}'
                | '\u{201B}'
                | '\u{2032}'
                | '\u{2035}'
                | '\u{A78C}'
                | '\u{FF07}'
    )
}

/// Joins two digits into one number: "12:30", "1,200.50", "1⁄2".
pub(super) fn joins_digits(c: char) -> bool {
    matches!(c, '.' | ',' | ':' | '\u{2044}')
}
