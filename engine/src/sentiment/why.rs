//! Why a word counts what it counts, as a set of reasons that costs nothing while scoring and reads well afterwards.

/// A set of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Why(u16);

impl Why {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const LEXICON: Self = Self(1);
    pub(super) const CAPITALS: Self = Self(1 << 1);
    pub(super) const INTENSIFIED: Self = Self(1 << 2);
    pub(super) const DAMPENED: Self = Self(1 << 3);
    pub(super) const NEGATED: Self = Self(1 << 4);
    pub(super) const NEVER_SO: Self = Self(1 << 5);
    pub(super) const IDIOM: Self = Self(1 << 6);
    pub(super) const MISSING: Self = Self(1 << 7);
    pub(super) const BEFORE_BUT: Self = Self(1 << 8);
    pub(super) const AFTER_BUT: Self = Self(1 << 9);
    pub(super) const PUNCTUATION: Self = Self(1 << 10);
    const NEGATED_AGAIN: Self = Self(1 << 11);

    const WORDS: [(Self, &'static str); 12] = [
        (Self::LEXICON, "lexicon"),
        (Self::CAPITALS, "capitals"),
        (Self::INTENSIFIED, "intensified"),
        (Self::DAMPENED, "dampened"),
        (Self::NEGATED, "negated"),
        (Self::NEGATED_AGAIN, "negated again"),
        (Self::NEVER_SO, "strengthened by \"so\" or \"this\""),
        (Self::IDIOM, "idiom"),
        (Self::MISSING, "said to be missing"),
        (Self::BEFORE_BUT, "before \"but\""),
        (Self::AFTER_BUT, "after \"but\""),
        (Self::PUNCTUATION, "punctuation"),
    ];

    pub(super) fn add(&mut self, reason: Self) {
        self.0 |= reason.0;
    }

    /// Adds a negation; two of them nearly cancel each other, which a reader must see.
    pub(super) fn negate(&mut self) {
        self.add(if self.has(Self::NEGATED) {
            Self::NEGATED_AGAIN
        } else {
            Self::NEGATED
        });
    }

    pub(super) fn has(self, reason: Self) -> bool {
        self.0 & reason.0 != 0
    }

    /// The reasons in words, with commas.
    pub(super) fn words(self) -> String {
        let reasons: Vec<&str> = Self::WORDS
            .iter()
            .filter(|(reason, _)| self.has(*reason))
            .map(|(_, words)| *words)
            .collect();
        reasons.join(", ")
    }
}
