//! Accounts, and who has to do with them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::contacts::given;
use super::{Areas, Desk, Problems, Refused, checked_fields, checks};
use crate::model::ContactId;
use crate::store::accounts::{AccountPatch, NewLink, Role};
use crate::store::idempotency::{Answer, Once};
use crate::store::people::Change;

/// What a caller says about an account. What is left out stays; what is null is taken away.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountInput {
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Option<String>>,
    /// Key, name or another spelling of an area.
    #[serde(default, deserialize_with = "given")]
    pub area: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub language: Option<Option<String>>,
    #[serde(default)]
    pub active: Option<bool>,
    #[serde(default)]
    pub fields: BTreeMap<String, Option<String>>,
}

/// What a caller says about a contact and an account.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkInput {
    pub contact: ContactId,
    /// `owner`, `tenant`, `payer` or `other`.
    #[serde(default)]
    pub role: Option<String>,
    /// How we know: `staff`, `code`, `document` or words of one's own.
    #[serde(default)]
    pub proof: Option<String>,
    /// The proof is good enough to speak about the account.
    #[serde(default)]
    pub verified: bool,
}

/// Creates the account of a number (201), or changes it (200).
pub async fn put_account(
    desk: &Desk,
    once: Option<&Once>,
    (number, input): (&str, &AccountInput),
) -> Result<Answer, Refused> {
    let mut problems = Problems::default();
    let number = problems.note("number", checks::account_number(number));
    let languages = desk.languages();
    let areas = match &input.area {
        Some(Some(_)) => Areas::read(&desk.store).await?,
        _ => Areas::default(),
    };
    let language = |text: &str| checks::language(text, &languages);
    let patch = AccountPatch {
        name: problems.note_change("name", input.name.as_ref(), checks::name),
        area: problems.note_change("area", input.area.as_ref(), |text| areas.check(text)),
        language: problems.note_change("language", input.language.as_ref(), language),
        active: input.active,
        fields: checked_fields(&mut problems, &input.fields),
    };
    problems.end()?;
    match number {
        Some(number) => desk.make(once, Change::Account { number, patch }).await,
        None => Err(Refused::NotFound("account")),
    }
}

/// Says that a contact has to do with an account.
pub async fn link(
    desk: &Desk,
    once: Option<&Once>,
    (number, input): (&str, &LinkInput),
) -> Result<Answer, Refused> {
    let mut problems = Problems::default();
    let role = input.role.as_deref().map_or(Ok(Role::Owner), checks::role);
    let role = problems.note("role", role).unwrap_or_default();
    let proof = input.proof.as_deref().map(checks::proof).transpose();
    let proof = problems.note("proof", proof).flatten();
    if input.verified && proof.is_none() {
        let missing = "is missing: how do we know?".to_owned();
        problems.note::<()>("proof", Err(missing));
    }
    problems.end()?;
    let change = Change::Link {
        number: number.to_owned(),
        contact: input.contact,
        link: NewLink {
            role,
            proof,
            verified_at: input.verified.then(|| desk.clock.now()),
        },
    };
    desk.make(once, change).await
}

/// Says that a contact has nothing to do with an account any more.
pub async fn unlink(
    desk: &Desk,
    once: Option<&Once>,
    (number, contact): (&str, ContactId),
) -> Result<Answer, Refused> {
    let number = number.to_owned();
    desk.make(once, Change::Unlink { number, contact }).await
}

/// Without values.
impl fmt::Debug for AccountInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountInput")
            .field("name", &self.name.is_some())
            .field("active", &self.active)
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}

/// Without the proof.
impl fmt::Debug for LinkInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkInput")
            .field("contact", &self.contact)
            .field("role", &self.role)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}
