//! All sequences of a pack in one flat table, each under its anchor: the word, or pair of neighbouring words, that the
//! fewest sequences share. A message's words call up only what hangs on them.

use std::collections::HashMap;

use crate::text::hash;

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
}

/// Set in an atom that is a stem (`word~`) and not a word.
pub(super) const STEM: u32 = 1 << 27;
const PAYLOAD: u32 = (1 << 28) - 1;

impl Code {
    fn pack(self) -> u32 {
        let (tag, payload) = match self {
            Self::Word { atom, exact } => (u32::from(exact), atom),
            Self::Gap(words) => (2, words),
            Self::Any => (3, 0),
            Self::List { list, exact } => (4 + u32::from(exact), list),
            Self::Entity(slot) => (6, slot),
            Self::Start => (7, 0),
            Self::End => (8, 0),
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
            _ => Self::End,
        }
    }
}

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
        let key = self.key();
        hash::finish(hash::mix(hash::mix(0, key >> 32), key & 0xffff_ffff))
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
        for (_, codes) in self.each() {
            candidates(codes, entity_of, |anchor, _| {
                *shared.entry(anchor.key()).or_default() += 1;
            });
        }
        let mut anchored = Vec::with_capacity(self.sequences.len());
        for (place, (_, codes)) in self.each().enumerate() {
            let mut best = (u32::MAX, Anchor::Anywhere, 0);
            candidates(codes, entity_of, |anchor, at| {
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

/// What hangs on a word: bits of [`Table::roles`].
pub(super) const ALONE: u8 = 1;
pub(super) const LEFT_OF_PAIR: u8 = 2;
pub(super) const RIGHT_OF_PAIR: u8 = 4;

/// Set in a sequence's second number when another with the same anchor follows.
const MORE: u32 = 1 << 31;

#[derive(Debug, Default)]
pub(super) struct Table {
    /// Roles of words, by number: the first look at a word, so it is kept small.
    words: Box<[u8]>,
    stems: Box<[u8]>,
    /// High half: a tag of the anchor's hash; low half: place in `stream` plus one, 0 in an empty slot.
    slots: Box<[u64]>,
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
        let (mut stream, mut anchors, mut roles) = (Vec::new(), Vec::new(), Roles::default());
        for (place, &(anchor, sequence, at)) in anchored.iter().enumerate() {
            let same =
                |other: Option<&(Anchor, u32, usize)>| other.is_some_and(|other| other.0 == anchor);
            if place == 0 || !same(anchored.get(place - 1)) {
                anchors.push((anchor, stream.len()));
                roles.note(anchor);
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
            words: roles.words.into(),
            stems: roles.stems.into(),
            slots: Box::default(),
            stream: stream.into(),
        };
        table.file(&anchors);
        table
    }

    fn file(&mut self, anchors: &[(Anchor, usize)]) {
        if anchors.is_empty() {
            return;
        }
        self.slots = vec![0; anchors.len() * HALF_SLOTS_PER_ANCHOR / 2 + 1].into_boxed_slice();
        for &(anchor, place) in anchors {
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
                *slot = (hash >> 32 << 32) | (place as u64 + 1);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stream.is_empty()
    }

    /// Differs, for all practical purposes, between different tables.
    pub(super) fn stamp(&self) -> u64 {
        self.stream
            .iter()
            .fold(0, |stamp, &number| hash::mix(stamp, u64::from(number)))
    }

    /// What hangs on a word or stem.
    #[inline]
    pub(super) fn roles(&self, atom: u32) -> u8 {
        let roles = if atom & STEM == 0 {
            self.words.get(atom as usize)
        } else {
            self.stems.get((atom & !STEM) as usize)
        };
        roles.copied().unwrap_or(0)
    }

    /// Calls `each` with every sequence that may hang on `anchor`; a sequence of another anchor may slip in, and
    /// verifying it will tell.
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
                self.read(slot as u32 as usize - 1, &mut each);
            }
            at = if at + 1 == self.slots.len() {
                0
            } else {
                at + 1
            };
        }
    }

    #[inline]
    fn read<'a>(&'a self, mut place: usize, each: &mut impl FnMut(Sequence<'a>)) {
        while let Some(&[phrase, shape]) = self
            .stream
            .get(place..place + 2)
            .and_then(|head| head.as_array::<2>())
        {
            let (anchor, length) = ((shape & !MORE) >> 12, (shape & 0xfff) as usize);
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

#[derive(Default)]
struct Roles {
    words: Vec<u8>,
    stems: Vec<u8>,
}

impl Roles {
    fn note(&mut self, anchor: Anchor) {
        match anchor {
            Anchor::Word(atom) => self.add(atom, ALONE),
            Anchor::Pair(left, right) => {
                self.add(left, LEFT_OF_PAIR);
                self.add(right, RIGHT_OF_PAIR);
            }
            Anchor::List(_) | Anchor::Entity(_) | Anchor::Anywhere => {}
        }
    }

    fn add(&mut self, atom: u32, role: u8) {
        let (roles, place) = if atom & STEM == 0 {
            (&mut self.words, atom as usize)
        } else {
            (&mut self.stems, (atom & !STEM) as usize)
        };
        if roles.len() <= place {
            roles.resize(place + 1, 0);
        }
        if let Some(roles) = roles.get_mut(place) {
            *roles |= role;
        }
    }
}
