//! What sequences are made of, and how each step fits into one number. What the steps lead to is told in `walk` and, of
//! expressions, in `needs`.

use crate::text::WordId;

/// One step of a sequence. In the table each is 32 bits: four say which, the rest say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Code {
    /// A word the message must hold here: the number of a word, or of a stem with [`STEM`] added.
    Word {
        atom: u32,
        exact: bool,
    },
    /// Up to so many words that do not matter.
    Gap(u32),
    Any,
    /// An entry of the list.
    List {
        list: u32,
        exact: bool,
    },
    /// Place in the matcher's table of (entity, capture).
    Entity(u32),
    Start,
    End,
    /// Of an expression, what its matches need: one of so many texts that follow.
    OneOf(u32),
    /// One such text: so many words and marks that follow, all of them.
    AllOf(u32),
    Digit,
    /// A mark of the message, see [`super::needs::Marks`].
    Mark(u32),
}

/// Set in an atom that is a stem (`word~`) and not a word.
pub(super) const STEM: u32 = 1 << 27;
const PAYLOAD: u32 = (1 << 28) - 1;
impl Code {
    /// This very word, without typos.
    pub(super) fn word(word: WordId) -> Self {
        Self::Word {
            atom: word.0,
            exact: true,
        }
    }

    pub(super) fn pack(self) -> u32 {
        let (tag, payload) = match self {
            Self::Word { atom, exact } => (u32::from(exact), atom),
            Self::Gap(words) => (2, words),
            Self::Any => (3, 0),
            Self::List { list, exact } => (4 + u32::from(exact), list),
            Self::Entity(slot) => (6, slot),
            Self::Start => (7, 0),
            Self::End => (8, 0),
            Self::OneOf(texts) => (9, texts),
            Self::AllOf(needs) => (10, needs),
            Self::Mark(mark) => (11, mark),
            Self::Digit => (12, 0),
        };
        tag << 28 | payload & PAYLOAD
    }

    #[inline]
    pub(super) fn unpack(packed: u32) -> Self {
        let payload = packed & PAYLOAD;
        match packed >> 28 {
            0 => Self::Word {
                atom: payload,
                exact: false,
            },
            1 => Self::Word {
                atom: payload,
                exact: true,
            },
            2 => Self::Gap(payload),
            3 => Self::Any,
            4 => Self::List {
                list: payload,
                exact: false,
            },
            5 => Self::List {
                list: payload,
                exact: true,
            },
            6 => Self::Entity(payload),
            7 => Self::Start,
            8 => Self::End,
            9 => Self::OneOf(payload),
            10 => Self::AllOf(payload),
            11 => Self::Mark(payload),
            _ => Self::Digit,
        }
    }
}
