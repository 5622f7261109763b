//! Turns text into words of plain letters, and words into the table slots of their character n-grams.
//!
//! It knows nothing of languages. The command that learns the table compiles this very file, so that learning and
//! reading can never differ.

/// Characters of a text that are read. The limit for this work is 512; the language of a text shows in half of them.
pub(crate) const READ_CHARS_MAX: usize = 256;

/// Lengths of the n-grams that are looked up, in letters and word edges. Single letters add nothing to the others.
pub(crate) const GRAM_LENGTHS: [u32; 4] = [2, 3, 4, 5];

/// The table has two to this power slots.
pub(crate) const SLOT_BITS: u32 = 16;

/// Bits of one letter in [`Trail`]; 0 is the edge of a word, 1 to 26 are a to z.
const LETTER_BITS: u32 = 5;
const LETTER_MASK: u32 = (1 << LETTER_BITS) - 1;

/// The last letters read, newest in the lowest bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail(u32);

impl Trail {
    /// The trail with one more letter, or with the edge of a word.
    pub(crate) fn then(self, letter: u32) -> Self {
        Self(self.0 << LETTER_BITS | letter & LETTER_MASK)
    }

    /// The slots of all n-grams that end here.
    pub(crate) fn slots(self) -> [usize; GRAM_LENGTHS.len()] {
        GRAM_LENGTHS.map(|length| {
            let letters = self.0 & ((1 << (LETTER_BITS * length)) - 1);
            // Fibonacci hashing of the letters and how many they are: an edge at the front is not the same as nothing.
            let mixed = (letters | length << 27).wrapping_mul(0x9E37_79B1);
            (mixed >> (u32::BITS - SLOT_BITS)) as usize
        })
    }
}

/// What a character is to the n-grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// 1 to 26, its diacritics dropped: people on telephones leave them out, and so must the table.
    Letter(u32),
    /// A letter of another script: part of a word that says nothing.
    Foreign,
    /// Dropped inside a word: "didn't" and "didnt" are one.
    Apostrophe,
    Edge,
}

impl Sign {
    pub(crate) fn of(c: char) -> Self {
        match c {
            'a'..='z' => Self::Letter(c as u32 - 'a' as u32 + 1),
            'A'..='Z' => Self::Letter(c as u32 - 'A' as u32 + 1),
            '\'' | '’' | '‘' | 'ʼ' | '`' | '´' => Self::Apostrophe,
            _ if c.is_ascii() => Self::Edge,
            _ => Self::beyond_ascii(c),
        }
    }

    fn beyond_ascii(c: char) -> Self {
        let plain = match c {
            'à'..='å' | 'À'..='Å' => 'a',
            'ç' | 'Ç' => 'c',
            'è'..='ë' | 'È'..='Ë' | 'ē' | 'ě' => 'e',
            'ì'..='ï' | 'Ì'..='Ï' => 'i',
            'ñ' | 'Ñ' | 'ṅ' | 'Ṅ' => 'n',
            'ò'..='ö' | 'Ò'..='Ö' | 'ō' => 'o',
            'š' | 'Š' => 's',
            'ù'..='ü' | 'Ù'..='Ü' | 'ū' => 'u',
            'ý' | 'ÿ' | 'Ý' => 'y',
            'ž' | 'Ž' => 'z',
            // Marks of letters written in two parts.
            '\u{300}'..='\u{36F}' => return Self::Apostrophe,
            _ if c.is_alphabetic() => return Self::Foreign,
            _ => return Self::Edge,
        };
        Self::Letter(plain as u32 - 'a' as u32 + 1)
    }
}
