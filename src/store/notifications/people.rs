//! The people behind addresses: found or made, with what decides whether and in which language they are written to.

use std::collections::HashMap;

use puisano_engine::Consent;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::category_name;
use crate::clock::Clock;
use crate::model::{Address, ContactId, ConversationId, Origin, PhoneNumber, PhoneNumberId};
use crate::store::contacts::origin_name;
use crate::store::to_sql;

/// From which number, and as what kind of traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct House<'a> {
    pub(super) clock: &'a Clock,
    pub(super) phone_number_id: &'a PhoneNumberId,
    pub(super) origin: Origin,
}

/// What is known of somebody before they are written to.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) conversation: Option<ConversationId>,
    pub(super) has_address: bool,
    /// What they asked for, what they were last certain to write, and what the account says.
    pub(super) language: Option<String>,
    pub(super) spoken: Option<String>,
    pub(super) account_language: Option<String>,
    pub(super) may_not: Option<&'static str>,
}

impl Person {
    /// The languages to write in, best first; `asked` is what the caller wants.
    pub(super) fn wishes<'a>(&'a self, asked: Option<&'a str>) -> [Option<&'a str>; 4] {
        [
            asked,
            self.language.as_deref(),
            self.spoken.as_deref(),
            self.account_language.as_deref(),
        ]
    }
}

/// The contact at `address`; a phone number that nobody has yet makes one. `None` when there is no such contact.
pub(super) async fn contact_at(
    db: &mut PgConnection,
    address: &Address,
    house: House<'_>,
) -> Result<Option<ContactId>, sqlx::Error> {
    match address {
        Address::Contact(id) => {
            sqlx::query_scalar("SELECT id FROM contacts WHERE id = $1")
                .bind(id)
                .fetch_optional(db)
                .await
        }
        Address::Phone(phone) => by_phone(db, phone, house).await.map(Some),
    }
}

/// Whoever holds a phone number, made if there is nobody. If somebody else makes them at the same moment, it fails as a
/// conflict and is tried again.
async fn by_phone(
    db: &mut PgConnection,
    phone: &PhoneNumber,
    house: House<'_>,
) -> Result<ContactId, sqlx::Error> {
    let found = sqlx::query_scalar(
        "SELECT contact_id FROM contact_identifiers WHERE kind = 'phone' AND value = $1",
    )
    .bind(phone.as_str())
    .fetch_optional(&mut *db)
    .await?;
    if let Some(contact) = found {
        return Ok(contact);
    }
    sqlx::query_scalar(
        "WITH made AS (INSERT INTO contacts (id, origin, created_at) VALUES ($1, $2, $3))
         INSERT INTO contact_identifiers (kind, value, contact_id, linked_at) VALUES ('phone', $4, $1, $3)
         RETURNING contact_id",
    )
    .bind(house.clock.new_id())
    .bind(origin_name(house.origin))
    .bind(to_sql(house.clock.now()))
    .bind(phone.as_str())
    .fetch_one(db)
    .await
}

/// Sees to it that each of `contacts` has a conversation with our number, unless there is no way to reach them.
pub(super) async fn open_conversations(
    db: &mut PgConnection,
    contacts: &[Uuid],
    house: House<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO conversations (id, phone_number_id, contact_id, origin, created_at)
         SELECT n.id, $3, n.contact_id, $4, $5
         FROM unnest($1::uuid[], $2::uuid[]) AS n (id, contact_id)
         WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.phone_number_id = $3 AND c.contact_id = n.contact_id)
           AND EXISTS (SELECT FROM contact_identifiers i WHERE i.contact_id = n.contact_id AND i.kind <> 'parent_user_id')
         ORDER BY n.contact_id
         ON CONFLICT (phone_number_id, contact_id) DO NOTHING",
    )
    .bind(super::ids(house.clock, contacts.len()))
    .bind(contacts)
    .bind(house.phone_number_id)
    .bind(origin_name(house.origin))
    .bind(to_sql(house.clock.now()))
    .execute(db)
    .await
    .map(drop)
}

/// What is known of `contacts`, each with the account it is written to about; `category` is what they are written to for.
pub(super) async fn persons(
    db: &mut PgConnection,
    contacts: &[(Uuid, Option<String>)],
    category: Consent,
    house: House<'_>,
) -> Result<HashMap<Uuid, Person>, sqlx::Error> {
    let (ids, accounts): (Vec<Uuid>, Vec<Option<String>>) = contacts.iter().cloned().unzip();
    let rows = sqlx::query(PERSONS)
        .bind(ids)
        .bind(accounts)
        .bind(house.phone_number_id)
        .bind(category_name(category))
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| {
            let person = Person {
                conversation: row.try_get("conversation_id")?,
                has_address: row.try_get("has_address")?,
                language: row.try_get("language")?,
                spoken: row.try_get("spoken")?,
                account_language: row.try_get("account_language")?,
                may_not: may_not(row.try_get("denied")?, row.try_get("granted")?, category),
            };
            Ok((row.try_get("id")?, person))
        })
        .collect()
}

const PERSONS: &str = "
SELECT k.id, c.id AS conversation_id, k.language, c.language AS spoken, a.language AS account_language,
       EXISTS (SELECT FROM contact_identifiers i WHERE i.contact_id = k.id AND i.kind <> 'parent_user_id') AS has_address,
       $4 = ANY(k.denied) OR (k.opted_out AND cardinality(k.denied) = 0) AS denied, $4 = ANY(k.granted) AS granted
FROM unnest($1::uuid[], $2::text[]) AS n (contact_id, account)
JOIN contacts k ON k.id = n.contact_id
LEFT JOIN conversations c ON c.contact_id = k.id AND c.phone_number_id = $3
LEFT JOIN accounts a ON a.number = n.account";

/// Unknown permits what is about one's own account and services, never marketing.
fn may_not(denied: bool, granted: bool, category: Consent) -> Option<&'static str> {
    if denied {
        return Some("opted_out");
    }
    (category == Consent::Marketing && !granted).then_some("no_consent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_permits_everything_but_marketing() {
        for (denied, granted, category, expected) in [
            (false, false, Consent::Account, None),
            (false, false, Consent::Service, None),
            (false, false, Consent::Marketing, Some("no_consent")),
            (false, true, Consent::Marketing, None),
            (true, false, Consent::Service, Some("opted_out")),
            (true, true, Consent::Marketing, Some("opted_out")),
        ] {
            assert_eq!(may_not(denied, granted, category), expected);
        }
    }
}
