//! How large an expression becomes when compiled, at most, without compiling it: packs hold thousands, and most are
//! small. Only its classes are compiled, each once for all expressions.

use std::collections::HashMap;

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};

use crate::text::hash;

/// Bytes of one state of a compiled expression, without those of classes; rounded up.
const STATE_BYTES: usize = 48;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) states: usize,
    pub(super) bytes: usize,
}

impl Size {
    const FAR_TOO_LARGE: Self = Self {
        states: usize::MAX,
        bytes: usize::MAX,
    };

    fn of_states(states: usize) -> Self {
        Self {
            states,
            bytes: states.saturating_mul(STATE_BYTES),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            states: self.states.saturating_add(other.states),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn times(self, count: usize) -> Self {
        Self {
            states: self.states.saturating_mul(count),
            bytes: self.bytes.saturating_mul(count),
        }
    }
}

/// Measures expressions, and remembers their classes.
#[derive(Debug, Default)]
pub(super) struct Measure {
    classes: HashMap<u64, Size>,
}

impl Measure {
    pub(super) fn size(&mut self, hir: &Hir) -> Size {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Size::of_states(1),
            HirKind::Literal(literal) => Size::of_states(literal.0.len()),
            HirKind::Class(Class::Bytes(class)) => Size::of_states(1 + class.ranges().len()),
            HirKind::Class(Class::Unicode(class)) => self.class(class),
            HirKind::Repetition(repetition) => {
                let copies = repetition
                    .max
                    .unwrap_or(repetition.min.saturating_add(1))
                    .max(1);
                self.size(&repetition.sub)
                    .plus(Size::of_states(2))
                    .times(copies as usize)
            }
            HirKind::Capture(capture) => self.size(&capture.sub).plus(Size::of_states(2)),
            HirKind::Concat(subs) | HirKind::Alternation(subs) => {
                subs.iter().fold(Size::of_states(2), |sum, sub| {
                    sum.plus(self.size(sub)).plus(Size::of_states(1))
                })
            }
        }
    }

    fn class(&mut self, class: &ClassUnicode) -> Size {
        if class.ranges().iter().all(|range| range.end().is_ascii()) {
            return Size::of_states(1 + class.ranges().len());
        }
        let key = class.ranges().iter().fold(0, |key, range| {
            hash::mix(
                hash::mix(key, u64::from(range.start())),
                u64::from(range.end()),
            )
        });
        *self.classes.entry(hash::finish(key)).or_insert_with(|| {
            let compiled = super::regexes::compile_nfa(&Hir::class(Class::Unicode(class.clone())));
            compiled.map_or(Size::FAR_TOO_LARGE, |nfa| Size {
                states: nfa.states().len(),
                bytes: nfa.memory_usage(),
            })
        })
    }
}
