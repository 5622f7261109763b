//! Contacts written, many at once: found by phone number or created, and patched.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{ContactPatch, Hand};
use crate::model::{ContactId, PhoneNumber};
use crate::store::contacts::origin_name;
use crate::store::to_sql;

/// The contact of each number, and whether it was created for it. Numbers may come more than once. A contact that
/// somebody else creates meanwhile is a conflict: the caller does it all again.
pub(super) async fn create_missing(
    db: &mut PgConnection,
    hand: Hand<'_>,
    phones: &[&PhoneNumber],
) -> Result<Vec<(ContactId, bool)>, sqlx::Error> {
    let found: Vec<(String, ContactId)> = sqlx::query_as(
        "SELECT value, contact_id FROM contact_identifiers WHERE kind = 'phone' AND value = ANY ($1)",
    )
    .bind(phones.iter().map(|phone| phone.as_str()).collect::<Vec<_>>())
    .fetch_all(&mut *db)
    .await?;
    let mut holders: HashMap<String, (ContactId, bool)> = found
        .into_iter()
        .map(|(phone, contact)| (phone, (contact, false)))
        .collect();
    let (mut ids, mut values) = (Vec::new(), Vec::new());
    for phone in phones {
        holders.entry(phone.as_str().to_owned()).or_insert_with(|| {
            let id = ContactId(hand.clock.new_id());
            ids.push(id.0);
            values.push(phone.as_str());
            (id, true)
        });
    }
    if !ids.is_empty() {
        insert(db, hand, &ids, &values).await?;
    }
    let holder = |phone: &&PhoneNumber| holders.get(phone.as_str()).copied();
    phones
        .iter()
        .map(|phone| holder(phone).ok_or(sqlx::Error::RowNotFound))
        .collect()
}

async fn insert(
    db: &mut PgConnection,
    hand: Hand<'_>,
    ids: &[Uuid],
    phones: &[&str],
) -> Result<(), sqlx::Error> {
    let now = to_sql(hand.clock.now());
    sqlx::query(
        "INSERT INTO contacts (id, origin, created_at) SELECT id, $2, $3 FROM unnest($1::uuid[]) AS c (id)",
    )
    .bind(ids)
    .bind(origin_name(hand.origin))
    .bind(now)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO contact_identifiers (kind, value, contact_id, linked_at)
         SELECT 'phone', value, contact_id, $3 FROM unnest($1::text[], $2::uuid[]) AS i (value, contact_id)",
    )
    .bind(phones)
    .bind(ids)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

const PATCH: &str = "
WITH next AS MATERIALIZED (
    SELECT k.id,
           CASE WHEN p.patch ? 'name' THEN p.patch ->> 'name' ELSE k.name END AS name,
           CASE WHEN p.patch ? 'language' THEN p.patch ->> 'language' ELSE k.language END AS language,
           CASE WHEN p.patch ? 'area' THEN p.patch ->> 'area' ELSE k.area END AS area,
           CASE WHEN p.patch ? 'time_zone' THEN p.patch ->> 'time_zone' ELSE k.time_zone END AS time_zone,
           ARRAY(SELECT tag FROM jsonb_array_elements_text(coalesce(p.patch -> 'tags', to_jsonb(k.tags))) AS tag
                 UNION SELECT jsonb_array_elements_text(p.patch -> 'tag') ORDER BY 1) AS tags,
           jsonb_strip_nulls(k.fields || (p.patch -> 'fields')) AS fields
    FROM unnest($1::uuid[], $2::jsonb[]) AS p (id, patch)
    JOIN contacts k ON k.id = p.id
    ORDER BY k.id
    FOR NO KEY UPDATE OF k
)
UPDATE contacts k
SET name = n.name, language = n.language, area = n.area, time_zone = n.time_zone, tags = n.tags, fields = n.fields,
    updated_at = $3
FROM next n
WHERE k.id = n.id
  AND (k.name, k.language, k.area, k.time_zone, k.tags, k.fields)
      IS DISTINCT FROM (n.name, n.language, n.area, n.time_zone, n.tags, n.fields)
RETURNING k.id";

/// Changes contacts, each once, and says which were not already so.
pub(super) async fn patch(
    db: &mut PgConnection,
    hand: Hand<'_>,
    patches: &[(ContactId, &ContactPatch)],
) -> Result<BTreeSet<ContactId>, sqlx::Error> {
    if patches.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids: Vec<Uuid> = patches.iter().map(|(id, _)| id.0).collect();
    let json: Vec<serde_json::Value> = patches
        .iter()
        .map(|(_, patch)| serde_json::json!(patch))
        .collect();
    let changed: Vec<ContactId> = sqlx::query_scalar(PATCH)
        .bind(ids)
        .bind(json)
        .bind(to_sql(hand.clock.now()))
        .fetch_all(db)
        .await?;
    Ok(changed.into_iter().collect())
}
