//! Contacts read: one, by id or phone number, and pages of all of them.

use std::collections::BTreeMap;

use puisano_engine::{Consent, Language};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::Person;
use crate::model::{ContactId, PhoneNumber};
use crate::store::consents::categories_of;
use crate::store::{Store, StoreError, call, to_jiff};

/// Rows of one page.
pub const PAGE_ROWS_MAX: i64 = 200;

/// A part of a list in the order of ids: what comes after `after`.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub after: Option<Uuid>,
    limit: i64,
}

impl Page {
    /// `limit` is brought between 1 and [`PAGE_ROWS_MAX`].
    pub fn new(after: Option<Uuid>, limit: i64) -> Self {
        Self {
            after,
            limit: limit.clamp(1, PAGE_ROWS_MAX),
        }
    }

    pub fn limit(&self) -> i64 {
        self.limit
    }
}

const CONTACTS: &str = "
SELECT k.id, k.name, k.language, k.area, k.time_zone, k.tags, k.fields, k.granted, k.denied, k.opted_out, k.opted_out_at,
       k.origin, k.created_at, k.updated_at, phone.value AS phone
FROM contacts k
LEFT JOIN LATERAL (
    SELECT max(i.value) AS value FROM contact_identifiers i WHERE i.contact_id = k.id AND i.kind = 'phone') phone ON true
WHERE ($1::uuid IS NULL OR k.id = $1) AND ($2::uuid IS NULL OR k.id > $2)
ORDER BY k.id
LIMIT $3";

impl Store {
    pub async fn contact(&self, id: ContactId) -> Result<Option<Person>, StoreError> {
        let mut call = self.call("read a contact").await?;
        let outcome = call::deadline(contact(call.db(), id)).await;
        call.end(outcome)
    }

    pub async fn contact_of_phone(
        &self,
        phone: &PhoneNumber,
    ) -> Result<Option<ContactId>, StoreError> {
        let mut call = self.call("find a contact").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar(
                "SELECT contact_id FROM contact_identifiers WHERE kind = 'phone' AND value = $1",
            )
            .bind(phone)
            .fetch_optional(call.db())
            .await
        })
        .await;
        call.end(outcome)
    }

    pub async fn contacts(&self, page: Page) -> Result<Vec<Person>, StoreError> {
        let mut call = self.call("list contacts").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(CONTACTS)
                .bind(None::<Uuid>)
                .bind(page.after)
                .bind(page.limit)
                .fetch_all(call.db())
                .await?;
            rows.iter().map(person_of).collect()
        })
        .await;
        call.end(outcome)
    }
}

pub(super) async fn contact(
    db: &mut PgConnection,
    id: ContactId,
) -> Result<Option<Person>, sqlx::Error> {
    let row = sqlx::query(CONTACTS)
        .bind(id)
        .bind(None::<Uuid>)
        .bind(1_i64)
        .fetch_optional(db)
        .await?;
    row.as_ref().map(person_of).transpose()
}

fn person_of(row: &PgRow) -> Result<Person, sqlx::Error> {
    let language: Option<String> = row.try_get("language")?;
    let phone: Option<String> = row.try_get("phone")?;
    let categories = |column: &str| -> Result<std::collections::BTreeSet<Consent>, sqlx::Error> {
        Ok(categories_of(&row.try_get::<Vec<String>, _>(column)?))
    };
    let time = |column: &str| -> Result<_, sqlx::Error> {
        Ok(row
            .try_get::<Option<jiff_sqlx::Timestamp>, _>(column)?
            .map(to_jiff))
    };
    Ok(Person {
        id: row.try_get("id")?,
        phone: phone.as_deref().and_then(PhoneNumber::parse),
        name: row.try_get("name")?,
        language: language.as_deref().and_then(Language::parse),
        area: row.try_get("area")?,
        time_zone: row.try_get("time_zone")?,
        tags: row.try_get::<Vec<String>, _>("tags")?.into_iter().collect(),
        fields: row
            .try_get::<Json<BTreeMap<String, String>>, _>("fields")?
            .0,
        granted: categories("granted")?,
        denied: categories("denied")?,
        opted_out: row.try_get("opted_out")?,
        opted_out_at: time("opted_out_at")?,
        origin: row.try_get("origin")?,
        created_at: to_jiff(row.try_get("created_at")?),
        updated_at: time("updated_at")?,
    })
}
