//! What `word~` allows before and behind a word, per language: a closed table, at most two affixes.
//!
//! It strips letters, it knows no grammar: sound changes (`-ng` for `-ini`, umlauts) are written as words of their own.

use std::sync::OnceLock;

use crate::language::Language;

/// Affixes that one form may have.
pub(super) const AFFIXES_MAX: u8 = 2;
/// A word shorter than this has no forms but itself: almost every word contains one.
pub(super) const STEM_BYTES_MIN: usize = 3;

/// Languages as a bit each, in the order of [`LANGUAGES`].
pub(super) type Mask = u8;

pub(super) const ALL: Mask = Mask::MAX;

struct Affixes {
    language: Language,
    prefixes: &'static [&'static str],
    suffixes: &'static [&'static str],
}

const LANGUAGES: [Affixes; 4] = [
    Affixes {
        language: Language::EN,
        prefixes: &["un", "re", "non"],
        // Plural, possessive, tenses, comparison, the doer.
        suffixes: &["s", "es", "'s", "d", "ed", "ing", "er", "ers", "ly"],
    },
    Affixes {
        language: Language::ST,
        // Noun classes; subject and object concords, negation and "with, at, of" where people write them attached.
        prefixes: &[
            "mo", "ba", "bo", "me", "le", "ma", "se", "di", "ho", "m", "n", "ke", "o", "re", "a",
            "e", "i", "ha", "ka", "ko", "wa", "la", "sa", "tsa", "ya", "ntse", "tla", "itse",
        ],
        // Locative, diminutive, augmentative, perfect, passive, applicative, causative, plural command.
        suffixes: &[
            "ng", "eng", "ong", "nyana", "ana", "hadi", "ile", "itse", "wa", "uwa", "ilwe", "ela",
            "isa", "ang",
        ],
    },
    Affixes {
        language: Language::AF,
        prefixes: &["ge", "be", "ver", "on", "her", "ont"],
        // Plural, attributive, past and participle, diminutives, the doer, nouns of action.
        suffixes: &[
            "s", "'s", "e", "es", "te", "de", "er", "ers", "ing", "ings", "heid", "ie", "ies",
            "tjie", "tjies", "jie", "jies", "pie", "pies", "kie", "kies", "etjie", "etjies",
        ],
    },
    Affixes {
        language: Language::XH,
        // Noun classes with and without their first vowel; subject concords and their negatives; "of", "with", "by",
        // "at" as they melt with that vowel; the copula.
        prefixes: &[
            "u", "um", "umu", "ubu", "uku", "ulu", "aba", "abe", "ama", "ame", "imi", "ili", "isi",
            "izi", "iin", "iim", "in", "im", "i", "o", "oo", "a", "e", "m", "ba", "ma", "mi", "li",
            "si", "zi", "bu", "ku", "lu", "ndi", "ni", "andi", "aku", "aka", "asi", "ani", "ayi",
            "ali", "azi", "wa", "la", "sa", "za", "ya", "ka", "kwa", "lwa", "bwa", "we", "be",
            "le", "se", "ze", "ye", "ke", "kwe", "wo", "bo", "lo", "so", "zo", "yo", "ko", "kwi",
            "nga", "nge", "ngo", "na", "ne", "no", "ng", "yi",
        ],
        // Locative, diminutive, augmentative, perfect, passive, applicative, causative, negative.
        suffixes: &[
            "ni", "ini", "eni", "wini", "weni", "ana", "yana", "kazi", "ile", "wa", "iwe", "ela",
            "isa", "anga",
        ],
    },
];

/// The affixes that apply to a phrase: its language's, or all when it has none or one without a table.
pub(super) fn mask(language: Option<Language>) -> Mask {
    let place = language.and_then(|language| {
        LANGUAGES
            .iter()
            .position(|affixes| affixes.language == language)
    });
    place.map_or(ALL, |place| 1 << place)
}

/// Calls `each` with every part of `word` that is left when at least one and at most [`AFFIXES_MAX`] affixes are taken
/// away, and the languages whose affixes they were. May call it twice with the same part. Parts that `begins` denies are
/// left out.
pub(super) fn stems<'a>(
    word: &'a str,
    scratch: &mut Cuts,
    begins: impl Fn(usize) -> bool,
    mut each: impl FnMut(&'a str, Mask),
) {
    let table = table();
    let bytes = word.as_bytes();
    scratch.fronts.strip(0, |from| {
        let rest = bytes.get(from..).unwrap_or(&[]);
        let affixes = table.prefixes.under(rest.first().copied());
        affixes
            .iter()
            .filter(|affix| rest.starts_with(affix.text))
            .map(move |affix| (from + affix.text.len(), affix.mask))
    });
    scratch.fronts.cuts.retain(|front| begins(front.at));
    if scratch.fronts.cuts.is_empty() {
        return;
    }
    scratch.backs.strip(bytes.len(), |to| {
        let rest = bytes.get(..to).unwrap_or(&[]);
        let affixes = table.suffixes.under(rest.last().copied());
        affixes
            .iter()
            .filter(|affix| rest.ends_with(affix.text))
            .map(move |affix| (to - affix.text.len(), affix.mask))
    });
    for front in &scratch.fronts.cuts {
        for back in &scratch.backs.cuts {
            let (mask, taken) = (front.mask & back.mask, front.taken + back.taken);
            let fits = mask != 0
                && (1..=AFFIXES_MAX).contains(&taken)
                && front.at + STEM_BYTES_MIN <= back.at;
            if let Some(stem) = word.get(front.at..back.at).filter(|_| fits) {
                each(stem, mask);
            }
        }
    }
}

/// Where a word may be cut; reused from word to word.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    fronts: Side,
    backs: Side,
}

#[derive(Clone, Debug, Default)]
struct Side {
    cuts: Vec<Cut>,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    at: usize,
    /// Affixes taken away, and the languages that have them all.
    taken: u8,
    mask: Mask,
}

impl Side {
    /// Cuts at `uncut` and wherever taking away affixes, as `affixes` finds them at a cut, leads from there.
    fn strip<F: Iterator<Item = (usize, Mask)>>(
        &mut self,
        uncut: usize,
        affixes: impl Fn(usize) -> F,
    ) {
        self.cuts.clear();
        self.cuts.push(Cut {
            at: uncut,
            taken: 0,
            mask: ALL,
        });
        let mut done = 0;
        for taken in 1..=AFFIXES_MAX {
            let to = self.cuts.len();
            for place in done..to {
                let Some(&cut) = self.cuts.get(place) else {
                    continue;
                };
                let next = affixes(cut.at).map(|(at, mask)| Cut {
                    at,
                    taken,
                    mask: mask & cut.mask,
                });
                self.cuts.extend(next.filter(|next| next.mask != 0));
            }
            done = to;
        }
    }
}

/// The affixes of all languages, by their outermost letter.
struct Table {
    prefixes: Filed,
    suffixes: Filed,
}

#[derive(Clone, Copy)]
struct Affix {
    text: &'static [u8],
    mask: Mask,
}

#[derive(Default)]
struct Filed {
    affixes: Vec<Vec<Affix>>,
}

impl Filed {
    fn under(&self, letter: Option<u8>) -> &[Affix] {
        letter
            .and_then(|letter| self.affixes.get(usize::from(letter)))
            .map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, letter: Option<&u8>, text: &'static str, mask: Mask) {
        let Some(letter) = letter.map(|&letter| usize::from(letter)) else {
            return;
        };
        self.affixes
            .resize(self.affixes.len().max(letter + 1), Vec::new());
        let Some(own) = self.affixes.get_mut(letter) else {
            return;
        };
        match own.iter_mut().find(|affix| affix.text == text.as_bytes()) {
            Some(known) => known.mask |= mask,
            None => own.push(Affix {
                text: text.as_bytes(),
                mask,
            }),
        }
    }
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table {
            prefixes: Filed::default(),
            suffixes: Filed::default(),
        };
        for (place, language) in LANGUAGES.iter().enumerate() {
            for prefix in language.prefixes {
                table
                    .prefixes
                    .add(prefix.as_bytes().first(), prefix, 1 << place);
            }
            for suffix in language.suffixes {
                table
                    .suffixes
                    .add(suffix.as_bytes().last(), suffix, 1 << place);
            }
        }
        table
    })
}

/// Whether `word` is a form of `stem`, the plain way: what [`stems`] must agree with.
#[cfg(test)]
pub(super) fn is_form(word: &str, stem: &str, mask: Mask) -> bool {
    let languages = LANGUAGES
        .iter()
        .enumerate()
        .filter(|(place, _)| mask & (1 << place) != 0);
    let mut derived = languages.map(|(_, language)| is_derived(word, stem, language, AFFIXES_MAX));
    word == stem || stem.len() >= STEM_BYTES_MIN && derived.any(|derived| derived)
}

#[cfg(test)]
fn is_derived(word: &str, stem: &str, language: &Affixes, left: u8) -> bool {
    let again =
        |rest: Option<&str>| rest.is_some_and(|rest| is_derived(rest, stem, language, left - 1));
    word == stem
        || left > 0
            && (language
                .prefixes
                .iter()
                .any(|prefix| again(word.strip_prefix(prefix)))
                || language
                    .suffixes
                    .iter()
                    .any(|suffix| again(word.strip_suffix(suffix))))
}
