//! Places, found as people write them. They come from the pack, see `rulesets::areas`.

use std::collections::HashMap;

use puisano_engine::fold;

use crate::store::areas::Area;
use crate::store::{Store, StoreError};

/// All places, by what people call them.
#[derive(Debug, Default)]
pub struct Areas {
    keys: HashMap<String, String>,
    names: Vec<String>,
}

impl Areas {
    pub fn new(areas: &[Area]) -> Self {
        let mut index = Self::default();
        // A key beats a name, a name beats an alias; the earlier beats the later.
        for area in areas {
            index.put(&area.key, &area.key);
        }
        for area in areas {
            index.put(&area.name, &area.key);
            index.names.push(area.name.clone());
        }
        for area in areas {
            for alias in &area.aliases {
                index.put(alias, &area.key);
            }
        }
        index
    }

    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self::new(&store.areas().await?))
    }

    fn put(&mut self, text: &str, key: &str) {
        self.keys
            .entry(fold(text))
            .or_insert_with(|| key.to_owned());
    }

    /// The key of the place that `text` names, however it is spelled.
    pub fn find(&self, text: &str) -> Option<&str> {
        let folded = fold(text);
        let found = self.keys.get(&folded).filter(|_| !folded.is_empty());
        found.map(String::as_str)
    }

    /// Like [`Areas::find`], with a complaint that says what there is.
    pub fn check(&self, text: &str) -> Result<String, String> {
        const SHOWN_MAX: usize = 10;
        if let Some(key) = self.find(text) {
            return Ok(key.to_owned());
        }
        let shown: Vec<&str> = self
            .names
            .iter()
            .take(SHOWN_MAX)
            .map(String::as_str)
            .collect();
        let more = if self.names.len() > SHOWN_MAX {
            " and others"
        } else {
            ""
        };
        Err(if shown.is_empty() {
            "is not known: the pack has no areas (entity `area`)".to_owned()
        } else {
            format!("is not an area here; there are {}{more}", shown.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(key: &str, name: &str, aliases: &[&str]) -> Area {
        Area {
            key: key.to_owned(),
            name: name.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            parent: None,
            updated_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn places_are_found_by_key_name_and_alias_in_this_order() {
        let areas = Areas::new(&[
            area("extension_2", "Extension 2", &["ext 2", "zastron"]),
            area("zastron", "Zastron", &["matlakeng"]),
        ]);
        for (text, expected) in [
            ("zastron", Some("zastron")),
            (" ZASTRON! ", Some("zastron")),
            ("Matlakeng", Some("zastron")),
            ("extension_2", Some("extension_2")),
            ("Extension 2", Some("extension_2")),
            ("Ext. 2", Some("extension_2")),
            ("Bloemfontein", None),
            ("", None),
            ("?!", None),
        ] {
            assert_eq!(areas.find(text), expected, "{text}");
        }
        let problem = areas.check("Bloemfontein").unwrap_err();
        assert!(problem.contains("Extension 2, Zastron"), "{problem}");
    }
}
