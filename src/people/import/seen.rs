//! What stood in earlier rows of a file, in eight bytes for each: a file of a hundred megabytes has millions.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// New entries are kept apart until they are so many; then they join the sorted ones.
const RECENT_MAX: usize = 128 * 1024;

/// A set that only grows. Two different entries are taken for the same once in some ten million files of a million rows.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Sorted.
    settled: Vec<u64>,
    recent: HashSet<u64>,
}

impl Seen {
    pub(super) fn contains(&self, entry: &impl Hash) -> bool {
        let hash = hash(entry);
        self.recent.contains(&hash) || self.settled.binary_search(&hash).is_ok()
    }

    pub(super) fn insert(&mut self, entry: &impl Hash) {
        let hash = hash(entry);
        let is_new = self.settled.binary_search(&hash).is_err() && self.recent.insert(hash);
        if is_new && self.recent.len() >= RECENT_MAX {
            self.settle();
        }
    }

    /// Merges from behind, so that no second copy is needed.
    fn settle(&mut self) {
        let mut new: Vec<u64> = self.recent.drain().collect();
        new.sort_unstable();
        let mut left = self.settled.len();
        let mut place = left + new.len();
        self.settled.resize(place, 0);
        while let Some(last) = new.last().copied() {
            place -= 1;
            if left > 0 && self.settled[left - 1] > last {
                left -= 1;
                self.settled[place] = self.settled[left];
            } else {
                self.settled[place] = last;
                new.pop();
            }
        }
    }
}

fn hash(entry: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(entries in proptest::collection::vec((0_u8..200, any::<bool>()), 0..100)) {
            let (mut seen, mut twin) = (Seen::default(), HashSet::new());
            for (entry, settles) in entries {
                prop_assert_eq!(seen.contains(&entry), twin.contains(&entry));
                seen.insert(&entry);
                twin.insert(entry);
                if settles {
                    seen.settle();
                }
            }
            for entry in 0_u8..200 {
                prop_assert_eq!(seen.contains(&entry), twin.contains(&entry));
            }
            prop_assert!(seen.settled.is_sorted());
        }
    }
}
