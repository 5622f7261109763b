//! All sequences of a pack in one flat table, each under its anchor: the word, or pair of neighbouring words, that the
//! fewest sequences share. A message's words call up only what hangs on them.

use std::collections::HashMap;

use crate::text::hash;

use super::code::{Code, STEM};
use super::filter::Filter;
use super::matcher::REGEX;

/// Codes that a sequence can have.
pub(super) const CODES_MAX: usize = (1 << 12) - 1;

/// What a sequence hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Word(u32),
    Pair(u32, u32),
    List(u32),
    Entity(u32),
    /// Nothing in it is certain (`_` alone): tried everywhere.
    Anywhere,
}

impl Anchor {
    fn key(self) -> u64 {
        match self {
            Self::Word(atom) => u64::from(atom),
            Self::Pair(left, right) => 1 << 60 | u64::from(left) << 28 | u64::from(right),
            Self::List(list) => 2 << 60 | u64::from(list),
            Self::Entity(entity) => 3 << 60 | u64::from(entity),
            Self::Anywhere => 4 << 60,
        }
    }

    fn hash(self) -> u64 {
        hash::finish(hash::mix(0, self.key()))
    }
}

/// Sequences on their way into a table.
#[derive(Debug, Default)]
pub(super) struct TableBuilder {
    codes: Vec<Code>,
    /// Phrase and end in `codes`.
    sequences: Vec<(u32, usize)>,
}

impl TableBuilder {
    pub(super) fn add(&mut self, phrase: u32, codes: &[Code]) {
        self.codes.extend_from_slice(codes);
        self.sequences.push((phrase, self.codes.len()));
    }

    /// `entity_of` gives the entity of an entity slot; `renumber` the final number of an atom.
    pub(super) fn build(
        mut self,
        entity_of: impl Fn(u32) -> u32,
        renumber: impl Fn(u32) -> u32,
    ) -> Table {
        for code in &mut self.codes {
            if let Code::Word { atom, .. } = code {
                *atom = renumber(*atom);
            }
        }
        let anchored = self.anchored(&entity_of);
        Table::lay_out(&self, &anchored)
    }

    fn each(&self) -> impl Iterator<Item = (u32, &[Code])> {
        let mut start = 0;
        self.sequences.iter().map(move |&(phrase, end)| {
            let codes = self.codes.get(start..end).unwrap_or(&[]);
            start = end;
            (phrase, codes)
        })
    }

    /// The anchor of every sequence and its place in it, in an order that brings equal anchors together.
    fn anchored(&self, entity_of: &impl Fn(u32) -> u32) -> Vec<(Anchor, u32, usize)> {
        let mut shared: HashMap<u64, u32> = HashMap::new();
        for (phrase, codes) in self.each() {
            candidates(anchoring(phrase, codes), entity_of, |anchor, _| {
                *shared.entry(anchor.key()).or_default() += 1;
            });
        }
        let mut anchored = Vec::with_capacity(self.sequences.len());
        for (place, (phrase, codes)) in self.each().enumerate() {
            let mut best = (u32::MAX, Anchor::Anywhere, 0);
            candidates(anchoring(phrase, codes), entity_of, |anchor, at| {
                let weight = match anchor {
                    Anchor::List(_) | Anchor::Entity(_) => u32::MAX - 1,
                    _ => shared.get(&anchor.key()).copied().unwrap_or(0),
                };
                if weight < best.0
                    || weight == best.0
                        && matches!(anchor, Anchor::Pair(..))
                        && !matches!(best.1, Anchor::Pair(..))
                {
                    best = (weight, anchor, at);
                }
            });
            if best.1 == Anchor::Anywhere {
                best.2 = usize::from(codes.first() == Some(&Code::Start));
            }
            anchored.push((best.1, u32::try_from(place).unwrap_or(u32::MAX), best.2));
        }
        anchored.sort_by_key(|&(anchor, place, _)| (anchor.key(), place));
        anchored
    }
}

/// The codes that a sequence may hang on. An expression hangs on the word it begins with: what follows are its needs.
fn anchoring(phrase: u32, codes: &[Code]) -> &[Code] {
    match phrase & REGEX {
        0 => codes,
        _ => codes.get(..1).unwrap_or(codes),
    }
}

/// Everything a sequence could hang on, with its place in the sequence.
fn candidates(
    codes: &[Code],
    entity_of: &impl Fn(u32) -> u32,
    mut each: impl FnMut(Anchor, usize),
) {
    for (at, code) in codes.iter().enumerate() {
        match (code, codes.get(at + 1)) {
            (Code::Word { atom, .. }, next) => {
                each(Anchor::Word(*atom), at);
                if let Some(Code::Word { atom: right, .. }) = next {
                    each(Anchor::Pair(*atom, *right), at);
                }
            }
            (Code::List { list, .. }, _) => each(Anchor::List(*list), at),
            (Code::Entity(slot), _) => each(Anchor::Entity(entity_of(*slot)), at),
            _ => {}
        }
    }
}

/// A sequence called up by its anchor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence<'a> {
    pub(super) phrase: u32,
    /// Place of the anchor in `codes`.
    pub(super) anchor: usize,
    pub(super) codes: &'a [u32],
}

/// What hangs on a word or stem: whether it is part of pairs, and where the sequences stand that hang on it alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Roles(u32);

const LEFT_OF_PAIR: u32 = 1 << 31;
const RIGHT_OF_PAIR: u32 = 1 << 30;
/// The other bits: place in [`Table::stream`] plus one, 0 for nowhere.
const ALONE: u32 = RIGHT_OF_PAIR - 1;

impl Roles {
    #[inline]
    pub(super) fn begins_pairs(self) -> bool {
        self.0 & LEFT_OF_PAIR != 0
    }

    #[inline]
    pub(super) fn ends_pairs(self) -> bool {
        self.0 & RIGHT_OF_PAIR != 0
    }
}

/// Set in a sequence's second number when another with the same anchor follows.
const MORE: u32 = 1 << 31;

#[derive(Debug, Default)]
pub(super) struct Table {
    /// Roles of words and of stems, by number.
    words: Box<[Roles]>,
    stems: Box<[Roles]>,
    /// Place in `stream` plus one of the sequences that hang on nothing.
    anywhere: u32,
    /// The other anchors. High half: a tag of the anchor's hash; low half: place in `stream` plus one, 0 in an empty
    /// slot.
    slots: Box<[u64]>,
    /// Most pairs of words are no anchor.
    pairs: Filter,
    /// For each sequence: its phrase; its anchor's place, its length and [`MORE`]; its codes.
    stream: Box<[u32]>,
}

/// Slots for each anchor, in halves.
const HALF_SLOTS_PER_ANCHOR: usize = 3;

impl Table {
    fn lay_out(builder: &TableBuilder, anchored: &[(Anchor, u32, usize)]) -> Self {
        let starts: Vec<usize> = std::iter::once(0)
            .chain(builder.sequences.iter().map(|&(_, end)| end))
            .collect();
        let (mut stream, mut anchors) = (Vec::new(), Vec::new());
        for (place, &(anchor, sequence, at)) in anchored.iter().enumerate() {
            let same =
                |other: Option<&(Anchor, u32, usize)>| other.is_some_and(|other| other.0 == anchor);
            if place == 0 || !same(anchored.get(place - 1)) {
                anchors.push((anchor, stream.len()));
            }
            let Some(&(phrase, end)) = builder.sequences.get(sequence as usize) else {
                continue;
            };
            let start = starts.get(sequence as usize).copied().unwrap_or(end);
            let codes = builder.codes.get(start..end).unwrap_or(&[]);
            let more = if same(anchored.get(place + 1)) {
                MORE
            } else {
                0
            };
            let shape = u32::try_from(at << 12 | codes.len()).unwrap_or(0);
            stream.push(phrase);
            stream.push(shape | more);
            stream.extend(codes.iter().map(|code| code.pack()));
        }
        let mut table = Self {
            stream: stream.into(),
            ..Self::default()
        };
        table.file(&anchors);
        table
    }

    fn file(&mut self, anchors: &[(Anchor, usize)]) {
        if anchors.is_empty() {
            return;
        }
        let (mut words, mut stems) = (Vec::new(), Vec::new());
        let mut note = |atom: u32, role: u32| match atom & STEM {
            0 => add(&mut words, atom, role),
            _ => add(&mut stems, atom & !STEM, role),
        };
        let is_slot =
            |anchor: &&(Anchor, usize)| !matches!(anchor.0, Anchor::Word(_) | Anchor::Anywhere);
        let slots = anchors.iter().filter(is_slot).count();
        self.slots = vec![0; slots * HALF_SLOTS_PER_ANCHOR / 2 + 1].into_boxed_slice();
        self.pairs = Filter::new(slots);
        for &(anchor, place) in anchors {
            let place = u32::try_from(place + 1).map_or(ALONE, |place| place.min(ALONE));
            match anchor {
                Anchor::Word(atom) => note(atom, place),
                Anchor::Anywhere => self.anywhere = place,
                Anchor::Pair(left, right) => {
                    note(left, LEFT_OF_PAIR);
                    note(right, RIGHT_OF_PAIR);
                    self.pairs.add(anchor.key());
                    self.file_slot(anchor, place);
                }
                Anchor::List(_) | Anchor::Entity(_) => self.file_slot(anchor, place),
            }
        }
        (self.words, self.stems) = (words.into(), stems.into());
    }

    fn file_slot(&mut self, anchor: Anchor, place: u32) {
        let hash = anchor.hash();
        let mut at = hash::place(hash, self.slots.len());
        while self.slots.get(at).is_some_and(|&slot| slot != 0) {
            at = if at + 1 == self.slots.len() {
                0
            } else {
                at + 1
            };
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = (hash >> 32 << 32) | u64::from(place);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stream.is_empty()
    }

    /// What hangs on a word or stem.
    #[inline]
    pub(super) fn roles(&self, atom: u32) -> Roles {
        let roles = if atom & STEM == 0 {
            self.words.get(atom as usize)
        } else {
            self.stems.get((atom & !STEM) as usize)
        };
        roles.copied().unwrap_or_default()
    }

    /// Calls `each` with every sequence that hangs on nothing.
    #[inline]
    pub(super) fn anywhere<'a>(&'a self, each: impl FnMut(Sequence<'a>)) {
        self.read(self.anywhere, each);
    }

    /// Calls `each` with every sequence that hangs on the word or stem of these roles alone.
    #[inline]
    pub(super) fn alone<'a>(&'a self, roles: Roles, each: impl FnMut(Sequence<'a>)) {
        self.read(roles.0 & ALONE, each);
    }

    /// Calls `each` with every sequence that may hang on these two words or stems side by side.
    #[inline]
    pub(super) fn pair<'a>(&'a self, left: u32, right: u32, each: impl FnMut(Sequence<'a>)) {
        let anchor = Anchor::Pair(left, right);
        if self.pairs.may_hold(anchor.key()) {
            self.under(anchor, each);
        }
    }

    /// Calls `each` with every sequence that may hang on a pair, list or entity; a sequence of another anchor may slip
    /// in, and verifying it will tell.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half of the slot is meant"
    )]
    pub(super) fn under<'a>(&'a self, anchor: Anchor, mut each: impl FnMut(Sequence<'a>)) {
        if self.slots.is_empty() {
            return;
        }
        let hash = anchor.hash();
        let mut at = hash::place(hash, self.slots.len());
        loop {
            let slot = self.slots.get(at).copied().unwrap_or(0);
            if slot == 0 {
                return;
            }
            if slot >> 32 == hash >> 32 {
                self.read(slot as u32, &mut each);
            }
            at = if at + 1 == self.slots.len() {
                0
            } else {
                at + 1
            };
        }
    }

    /// Calls `each` with the sequences from `place` minus one on that share an anchor; with none from 0.
    #[inline]
    fn read<'a>(&'a self, place: u32, mut each: impl FnMut(Sequence<'a>)) {
        let Some(mut place) = (place as usize).checked_sub(1) else {
            return;
        };
        while let Some(&[phrase, shape]) = self
            .stream
            .get(place..place + 2)
            .and_then(|head| head.as_array::<2>())
        {
            let (anchor, length) = ((shape & !MORE) >> 12, shape as usize & CODES_MAX);
            let codes = self
                .stream
                .get(place + 2..place + 2 + length)
                .unwrap_or(&[]);
            each(Sequence {
                phrase,
                anchor: anchor as usize,
                codes,
            });
            if shape & MORE == 0 {
                return;
            }
            place += 2 + length;
        }
    }
}

/// Gives the word or stem of this number one more role.
fn add(roles: &mut Vec<Roles>, number: u32, role: u32) {
    let place = number as usize;
    if roles.len() <= place {
        roles.resize(place + 1, Roles::default());
    }
    if let Some(roles) = roles.get_mut(place) {
        roles.0 |= role;
    }
}
