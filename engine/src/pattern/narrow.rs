//! An expression narrowed to plain ASCII: equal on texts that are, and compiled a small part of the size, because the
//! thousands of letters and digits of other scripts fall away. Most messages are plain. Where capitals make no difference
//! to it, it is narrowed further, to texts in lower case.

use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};

/// The characters that a text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    Ascii,
    /// ASCII without capitals.
    Lower,
}

/// What `hir` means on a text of these characters.
pub(super) fn narrow(hir: &Hir, alphabet: Alphabet) -> Hir {
    let again = |sub| narrow(sub, alphabet);
    match hir.kind() {
        HirKind::Empty | HirKind::Class(Class::Bytes(_)) => hir.clone(),
        HirKind::Literal(literal) if literal.0.is_ascii() => hir.clone(),
        HirKind::Literal(_) => Hir::fail(),
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            if alphabet == Alphabet::Lower {
                class.difference(&ClassUnicode::new([ClassUnicodeRange::new('A', 'Z')]));
            }
            Hir::class(Class::Unicode(class))
        }
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => *other,
        }),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(again(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => Hir::capture(Capture {
            sub: Box::new(again(&capture.sub)),
            ..capture.clone()
        }),
        HirKind::Concat(subs) => Hir::concat(subs.iter().map(again).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(again).collect()),
    }
}

/// Whether `hir` matches a text of ASCII characters exactly where it matches the text in lower case.
pub(super) fn ignores_case(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => !literal.0.iter().any(u8::is_ascii_alphabetic),
        HirKind::Class(Class::Bytes(_)) => false,
        HirKind::Class(Class::Unicode(class)) => {
            let holds = |c: char| {
                class
                    .ranges()
                    .iter()
                    .any(|range| (range.start()..=range.end()).contains(&c))
            };
            ('a'..='z').all(|c| holds(c) == holds(c.to_ascii_uppercase()))
        }
        HirKind::Repetition(repetition) => ignores_case(&repetition.sub),
        HirKind::Capture(capture) => ignores_case(&capture.sub),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs.iter().all(ignores_case),
    }
}
