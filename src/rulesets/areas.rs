//! The places of a pack, brought into the database: notices go to them, contacts and accounts lie in them.

use puisano_engine::{Ruleset, fold};

use crate::clock::Clock;
use crate::store::areas::AreaSeed;
use crate::store::{Store, StoreError};

/// The entity whose values are places.
const ENTITY: &str = "area";
/// Bytes of a key in the database.
const KEY_BYTES_MAX: usize = 64;

/// Brings the places of `ruleset` into the database.
pub async fn seed(store: &Store, clock: &Clock, ruleset: &Ruleset) -> Result<u64, StoreError> {
    store.seed_areas(clock, &seeds(ruleset)).await
}

/// The places of a pack.
pub fn seeds(ruleset: &Ruleset) -> Vec<AreaSeed> {
    let fits = |key: &str| key.len() <= KEY_BYTES_MAX;
    ruleset
        .values_of(ENTITY)
        .filter(|value| fits(value.key))
        .map(|value| {
            let mut aliases: Vec<String> = value.spellings.iter().map(|text| fold(text)).collect();
            aliases.retain(|alias| !alias.is_empty());
            aliases.sort();
            aliases.dedup();
            AreaSeed {
                key: value.key.to_owned(),
                name: value.label.to_owned(),
                aliases,
            }
        })
        .collect()
}
