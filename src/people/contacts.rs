//! Contacts created, found and changed by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::{Areas, Desk, Problems, Refused, checked_fields, checks, phone};
use crate::model::ContactId;
use crate::store::idempotency::{Answer, Once};
use crate::store::people::{Change, ContactPatch};

/// What a caller says about a contact. What is left out stays; what is null is taken away.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactInput {
    /// E.164; only when a contact is created.
    #[serde(default)]
    pub phone: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub language: Option<Option<String>>,
    /// Key, name or another spelling of an area.
    #[serde(default, deserialize_with = "given")]
    pub area: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub time_zone: Option<Option<String>>,
    /// All tags from now on.
    #[serde(default)]
    pub tags: Option<BTreeSet<String>>,
    #[serde(default)]
    pub fields: BTreeMap<String, Option<String>>,
}

/// Tells null from what is not there.
#[expect(
    clippy::option_option,
    reason = "left out, null and a value are three things"
)]
pub(super) fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Creates the contact of a phone number (201), or changes the one who has it (200).
pub async fn create_contact(
    desk: &Desk,
    once: Option<&Once>,
    input: &ContactInput,
) -> Result<Answer, Refused> {
    let mut problems = Problems::default();
    let missing = || Err("is missing: E.164, such as +27821234567".to_owned());
    let read = input.phone.as_deref().map_or_else(missing, phone::strict);
    let phone = problems.note("phone", read);
    let patch = patch(desk, &mut problems, input).await?;
    problems.end()?;
    match phone {
        Some(phone) => desk.make(once, Change::Contact { phone, patch }).await,
        None => Err(Refused::Fields(Vec::new())),
    }
}

/// Changes a contact. The number is not changed by hand: it moves when WhatsApp says so.
pub async fn update_contact(
    desk: &Desk,
    once: Option<&Once>,
    (id, input): (ContactId, &ContactInput),
) -> Result<Answer, Refused> {
    let mut problems = Problems::default();
    if input.phone.is_some() {
        let fixed = "is not changed by hand: it follows what WhatsApp says".to_owned();
        problems.note::<()>("phone", Err(fixed));
    }
    let patch = patch(desk, &mut problems, input).await?;
    problems.end()?;
    desk.make(once, Change::PatchContact { id, patch }).await
}

/// Puts an area below another, or below none.
pub async fn place_area(
    desk: &Desk,
    once: Option<&Once>,
    (key, parent): (&str, Option<&str>),
) -> Result<Answer, Refused> {
    let (key, parent) = (key.to_owned(), parent.map(str::to_owned));
    desk.make(once, Change::PlaceArea { key, parent }).await
}

async fn patch(
    desk: &Desk,
    problems: &mut Problems,
    input: &ContactInput,
) -> Result<ContactPatch, Refused> {
    let languages = desk.languages();
    let areas = match &input.area {
        Some(Some(_)) => Areas::read(&desk.store).await?,
        _ => Areas::default(),
    };
    let language = |text: &str| checks::language(text, &languages);
    Ok(ContactPatch {
        name: problems.note_change("name", input.name.as_ref(), checks::name),
        language: problems.note_change("language", input.language.as_ref(), language),
        area: problems.note_change("area", input.area.as_ref(), |text| areas.check(text)),
        time_zone: problems.note_change("time_zone", input.time_zone.as_ref(), checks::time_zone),
        tags: input.tags.as_ref().map(|tags| checked_tags(problems, tags)),
        tag: BTreeSet::new(),
        fields: checked_fields(problems, &input.fields),
    })
}

fn checked_tags(problems: &mut Problems, tags: &BTreeSet<String>) -> BTreeSet<String> {
    if tags.len() > checks::TAGS_MAX {
        let many = format!(
            "are {}: a contact has at most {}",
            tags.len(),
            checks::TAGS_MAX
        );
        problems.note::<()>("tags", Err(many));
        return BTreeSet::new();
    }
    tags.iter()
        .filter_map(|tag| problems.note("tags", checks::tag(tag)))
        .collect()
}

/// Without values.
impl fmt::Debug for ContactInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactInput")
            .field("phone", &self.phone.is_some())
            .field("name", &self.name.is_some())
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}
