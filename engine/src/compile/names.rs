//! The names of a pack: what they stand for, which of them something uses, and what was meant by a wrong one.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::sections::Named;
use crate::pattern;
use crate::ruleset::{EntityId, IntentId, ListId, ResponseId};
use crate::source::Span;

/// The names of one kind of thing, numbered in order of appearance.
#[derive(Default)]
pub(super) struct Table<'a> {
    numbers: HashMap<&'a str, u32>,
    names: Vec<(&'a str, Span)>,
    used: Vec<Cell<bool>>,
}

impl<'a> Table<'a> {
    /// The number of `name`, new or not.
    pub(super) fn declare(&mut self, name: &'a str, at: Span) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.names.push((name, at));
            self.used.push(Cell::new(false));
        }
        number
    }

    pub(super) fn declare_all(&mut self, named: &[Named<'a>]) {
        for thing in named {
            self.declare(thing.name, thing.at);
        }
    }

    /// The number of `name`, without using it.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// Where `name` was first given.
    pub(super) fn place(&self, name: &str) -> Option<Span> {
        let number = self.find(name)?;
        self.names.get(number as usize).map(|(_, at)| *at)
    }

    /// The number of `name`, which is used from now on.
    pub(super) fn use_name(&self, name: &str) -> Option<u32> {
        let number = self.find(name)?;
        if let Some(used) = self.used.get(number as usize) {
            used.set(true);
        }
        Some(number)
    }

    /// All names, to find the one that was meant.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.names.iter().map(|(name, _)| *name)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Name, place, and whether anything uses it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, Span, bool)> {
        self.names
            .iter()
            .zip(&self.used)
            .map(|((name, at), used)| (*name, *at, used.get()))
    }
}

/// All names of a pack.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) lists: Table<'a>,
    pub(super) entities: Table<'a>,
    pub(super) intents: Table<'a>,
    pub(super) responses: Table<'a>,
    /// Names that patterns capture entities under, besides the entities' own.
    pub(super) captures: RefCell<HashSet<String>>,
}

impl Names<'_> {
    pub(super) fn intent(&self, name: &str) -> Option<IntentId> {
        self.intents.find(name).map(IntentId)
    }

    pub(super) fn response(&self, name: &str) -> Option<ResponseId> {
        self.responses.use_name(name).map(ResponseId)
    }

    /// Whether a value may be found under `name`: an entity's own name or one that a pattern gives. Uses it.
    pub(super) fn is_value(&self, name: &str) -> bool {
        self.entities.use_name(name).is_some() || self.captures.borrow().contains(name)
    }
}

impl pattern::Names for Names<'_> {
    fn list(&self, name: &str) -> Option<ListId> {
        self.lists.use_name(name).map(ListId)
    }

    fn entity(&self, name: &str) -> Option<EntityId> {
        self.entities.use_name(name).map(EntityId)
    }
}
