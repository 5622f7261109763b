//! Contacts as a register of people: read, created and changed by callers that are no message.
//!
//! Who is found by which identifier when a webhook comes is `store::contacts`. What may be written is decided by the use
//! cases in `people`; here a change is written whole or not at all, with the answer its caller may ask for again.

mod change;
mod import;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use puisano_engine::{Consent, Language};
use serde::Serialize;

use crate::clock::Clock;
use crate::model::{ContactId, Origin, PhoneNumber};
use crate::store::idempotency::Once;

pub use change::{Change, Changed};
pub use import::{ImportRow, ImportedRow, Keep};
pub use read::{PAGE_ROWS_MAX, Page};

/// Who writes: on what clock, of what origin new contacts are, and whether the request may come again.
#[derive(Clone, Copy, Debug)]
pub struct Hand<'a> {
    pub clock: &'a Clock,
    pub origin: Origin,
    pub once: Option<&'a Once>,
}

/// A contact as staff and the API see it.
#[derive(Clone, PartialEq, Serialize)]
pub struct Person {
    pub id: ContactId,
    pub phone: Option<PhoneNumber>,
    pub name: Option<String>,
    pub language: Option<Language>,
    /// Key of an area.
    pub area: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    pub tags: BTreeSet<String>,
    pub fields: BTreeMap<String, String>,
    pub granted: BTreeSet<Consent>,
    pub denied: BTreeSet<Consent>,
    pub opted_out: bool,
    pub opted_out_at: Option<Timestamp>,
    pub origin: String,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// What is to be changed about a contact; what is left out stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContactPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Option<Language>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Option<String>>,
    /// All tags from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
    /// Further tags.
    pub tag: BTreeSet<String>,
    /// Fields by name; without a value they are forgotten.
    pub fields: BTreeMap<String, Option<String>>,
}

/// Without anything personal.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("id", &self.id)
            .field("phone", &self.phone)
            .field("opted_out", &self.opted_out)
            .finish_non_exhaustive()
    }
}

/// Without values.
impl fmt::Debug for ContactPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactPatch")
            .field("name", &self.name.is_some())
            .field("language", &self.language)
            .field("area", &self.area)
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}
