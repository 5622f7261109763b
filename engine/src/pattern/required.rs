//! Which words an expression cannot match without, so that it is tried only on messages that hold one of them.
//!
//! It may miss some; it must never name a word that a match could do without. A word counts only when the expression
//! itself bounds it on both sides, for then it is a whole run of letters and digits of the raw text.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};
use regex_syntax::is_word_character;

use crate::text::{fold, fold_char};

/// Texts that one part of an expression may stand for; more is not enumerated.
const TEXTS_MAX: usize = 64;
/// Characters of a class that is enumerated.
const CLASS_CHARS_MAX: usize = 16;
/// Repetitions that are enumerated.
const REPEATS_MAX: u32 = 4;

/// What every match of an expression holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need<W> {
    /// One of these texts; of each text are told the folded words that a match of it holds, in order.
    OneOf(Vec<Vec<W>>),
    /// In a text of plain ASCII, a digit.
    Digit,
}

/// What every match of an expression holds, in order, for each stretch of the expression of which that can be told.
pub(super) fn required(hir: &Hir) -> Vec<Need<String>> {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    let mut sets = Vec::new();
    let mut run = Run::default();
    for part in parts {
        let Some(texts) = texts(part).filter(|texts| texts.len() * run.texts.len() <= TEXTS_MAX)
        else {
            run.close(bounds(part), &mut sets);
            inner(part, &mut sets);
            if is_digits(part) {
                sets.push(Need::Digit);
            }
            run = Run {
                bounded: bounds_behind(part),
                ..Run::default()
            };
            continue;
        };
        run.extend(&texts);
    }
    run.close(false, &mut sets);
    sets
}

/// For each stretch of an expression, texts of which every match holds one in a text of plain ASCII in lower case; none
/// is empty. They may be parts of words: they do not say where to look, but soon that looking is in vain. What `needs`
/// say already is left out.
pub(super) fn stretches(hir: &Hir, needs: &[Need<String>]) -> Vec<Vec<String>> {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    let mut stretches = Vec::new();
    let mut run = Run::default();
    for part in parts {
        let few = |texts: &BTreeSet<String>| texts.len() * run.texts.len() <= TEXTS_MAX;
        if let Some(texts) = texts(part).filter(few) {
            run.extend(&texts);
            continue;
        }
        run = run.end(&mut stretches);
    }
    run.end(&mut stretches);
    stretches.retain(|texts| !needs.iter().any(|need| need.says(texts)));
    stretches
}

impl Need<String> {
    /// Whether this is the need of one of `texts`, each a whole word.
    fn says(&self, texts: &[String]) -> bool {
        let Self::OneOf(words) = self else {
            return false;
        };
        let is = |(words, text): (&Vec<String>, &String)| words.iter().eq([text]);
        words.len() == texts.len() && words.iter().zip(texts).all(is)
    }
}

/// Whether `part` matches at least one character, and of ASCII only digits.
fn is_digits(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Class(Class::Unicode(class)) => class
            .ranges()
            .iter()
            .filter(|range| range.start().is_ascii())
            .all(|range| range.start() >= '0' && range.end() <= '9'),
        HirKind::Repetition(repetition) => repetition.min > 0 && is_digits(&repetition.sub),
        HirKind::Capture(capture) => is_digits(&capture.sub),
        _ => false,
    }
}

fn flatten<'a>(hir: &'a Hir, parts: &mut Vec<&'a Hir>) {
    match hir.kind() {
        HirKind::Capture(capture) => flatten(&capture.sub, parts),
        HirKind::Concat(subs) => subs.iter().for_each(|sub| flatten(sub, parts)),
        _ => parts.push(hir),
    }
}

/// A stretch of an expression whose texts can be enumerated.
struct Run {
    texts: BTreeSet<String>,
    /// No letter or digit can stand right before it.
    bounded: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            texts: BTreeSet::from([String::new()]),
            bounded: false,
        }
    }
}

impl Run {
    fn extend(&mut self, more: &BTreeSet<String>) {
        self.texts = product(&self.texts, more);
    }

    /// Files the texts of this run, if none is empty; the next run is empty.
    fn end(self, stretches: &mut Vec<Vec<String>>) -> Self {
        if !self.texts.contains("") {
            stretches.push(self.texts.into_iter().collect());
        }
        Self::default()
    }

    fn close(&self, bounded_behind: bool, sets: &mut Vec<Need<String>>) {
        let texts = self
            .texts
            .iter()
            .map(|text| bounded_words(text, self.bounded, bounded_behind));
        let texts: BTreeSet<Vec<String>> = texts.collect();
        if texts.iter().all(|words| !words.is_empty()) {
            sets.push(Need::OneOf(texts.into_iter().collect()));
        }
    }
}

/// The words of `text` that are bounded on both sides, folded.
fn bounded_words(text: &str, bounded_before: bool, bounded_behind: bool) -> Vec<String> {
    let mut words: Vec<&str> = text.split(|c| !is_word_character(c)).collect();
    if !bounded_behind {
        words.pop();
    }
    let words = words
        .into_iter()
        .skip(usize::from(!bounded_before))
        .map(fold);
    words
        .filter(|word| !word.is_empty() && !word.contains(' '))
        .collect()
}

/// Sets that hold whatever stands around `part`.
fn inner(part: &Hir, sets: &mut Vec<Need<String>>) {
    match part.kind() {
        HirKind::Alternation(branches) => {
            let best = |branch| {
                let needs = required(branch).into_iter();
                let texts = needs.filter_map(|need| match need {
                    Need::OneOf(texts) => Some(texts),
                    Need::Digit => None,
                });
                texts.min_by_key(Vec::len)
            };
            let words: Option<Vec<Vec<Vec<String>>>> = branches.iter().map(best).collect();
            if let Some(words) =
                words.filter(|words| words.iter().map(Vec::len).sum::<usize>() <= TEXTS_MAX)
            {
                sets.push(Need::OneOf(words.concat()));
            }
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            sets.extend(required(&repetition.sub));
        }
        _ => {}
    }
}

/// Whether no letter or digit can follow right before `part`.
fn bounds(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Look(look) => matches!(
            look,
            Look::End
                | Look::EndLF
                | Look::EndCRLF
                | Look::WordUnicode
                | Look::WordEndUnicode
                | Look::WordEndHalfUnicode
        ),
        _ => separates(part),
    }
}

/// Whether no letter or digit can stand right before what follows `part`.
fn bounds_behind(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Look(look) => matches!(
            look,
            Look::Start
                | Look::StartLF
                | Look::StartCRLF
                | Look::WordUnicode
                | Look::WordStartUnicode
                | Look::WordStartHalfUnicode
        ),
        _ => separates(part),
    }
}

/// Whether `part` matches at least one character, and none that is part of a word.
fn separates(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class.clone();
            letters.intersect(word_class());
            !class.ranges().is_empty() && letters.ranges().is_empty()
        }
        HirKind::Repetition(repetition) => repetition.min > 0 && separates(&repetition.sub),
        HirKind::Capture(capture) => separates(&capture.sub),
        _ => false,
    }
}

/// `\w`, as `\b` understands it.
fn word_class() -> &'static ClassUnicode {
    static WORD: OnceLock<ClassUnicode> = OnceLock::new();
    WORD.get_or_init(|| match regex_syntax::parse(r"\w").map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        // Everything is a letter then, and no expression is bound by a class: slower, never wrong.
        _ => ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]),
    })
}

/// Every text `hir` can match, folded letter by letter, if they are few.
fn texts(hir: &Hir) -> Option<BTreeSet<String>> {
    match hir.kind() {
        HirKind::Empty => Some(BTreeSet::from([String::new()])),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let folded: Option<String> = text.chars().map(fold_letter).collect();
            Some(BTreeSet::from([folded?]))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut folded = BTreeSet::new();
            let chars = class
                .ranges()
                .iter()
                .flat_map(|range| range.start()..=range.end());
            for (count, c) in chars.enumerate() {
                if count == CLASS_CHARS_MAX {
                    return None;
                }
                folded.insert(fold_letter(c)?);
            }
            Some(folded).filter(|folded| !folded.is_empty())
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.filter(|&most| most <= REPEATS_MAX)?;
            let once = texts(&repetition.sub)?;
            let mut all = BTreeSet::new();
            let mut some = BTreeSet::from([String::new()]);
            for count in 0..=most {
                if count >= repetition.min {
                    all.extend(some.iter().cloned());
                }
                some = product(&some, &once);
                if all.len() > TEXTS_MAX || some.len() > TEXTS_MAX * TEXTS_MAX {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Capture(capture) => texts(&capture.sub),
        HirKind::Concat(subs) => {
            subs.iter()
                .try_fold(BTreeSet::from([String::new()]), |all, sub| {
                    let more = texts(sub)?;
                    (all.len() * more.len() <= TEXTS_MAX).then(|| product(&all, &more))
                })
        }
        HirKind::Alternation(subs) => {
            let mut all = BTreeSet::new();
            for sub in subs {
                all.extend(texts(sub)?);
                if all.len() > TEXTS_MAX {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) => None,
    }
}

/// `c` as messages are folded; `None` where folding makes something else than letters of a letter.
fn fold_letter(c: char) -> Option<String> {
    if !is_word_character(c) {
        return Some(c.to_string());
    }
    let mut folded = String::new();
    fold_char(c, |part| folded.push(part));
    folded.chars().all(is_word_character).then_some(folded)
}

fn product(left: &BTreeSet<String>, right: &BTreeSet<String>) -> BTreeSet<String> {
    left.iter()
        .flat_map(|first| right.iter().map(move |second| format!("{first}{second}")))
        .collect()
}
