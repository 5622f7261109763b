//! Accounts of the municipality, and which contact has to do with which, as what, and how we know.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use jiff::Timestamp;
use puisano_engine::Language;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::people::{Hand, Page};
use super::{Store, StoreError, call, to_jiff, to_sql};
use crate::model::{AccountId, ContactId};

/// An account as staff and the API see it.
#[derive(Clone, PartialEq, Serialize)]
pub struct Account {
    pub id: AccountId,
    /// As the billing system writes it.
    pub number: String,
    pub name: Option<String>,
    /// Key of an area.
    pub area: Option<String>,
    pub language: Option<Language>,
    pub active: bool,
    pub fields: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is to be changed about an account; what is left out stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccountPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Option<Language>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Fields by name; without a value they are forgotten.
    pub fields: BTreeMap<String, Option<String>>,
}

/// What a contact has to do with an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    #[default]
    Owner,
    Tenant,
    Payer,
    Other,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Tenant, Self::Payer, Self::Other];

    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Tenant => "tenant",
            Self::Payer => "payer",
            Self::Other => "other",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// How a link is to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLink {
    pub role: Role,
    /// How we know; 1 to 200 characters. Nothing keeps what is known.
    pub proof: Option<String>,
    /// Whether the proof is good enough to speak about the account.
    pub verified_at: Option<Timestamp>,
}

/// A contact with an account.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub contact: ContactId,
    pub account: AccountId,
    pub account_number: String,
    pub role: Role,
    pub proof: Option<String>,
    pub verified_at: Option<Timestamp>,
    pub linked_at: Timestamp,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Unchanged,
    Updated,
    Created,
}

const ACCOUNTS: &str = "
SELECT id, number, name, area, language, active, fields, created_at, updated_at FROM accounts
WHERE ($1::text IS NULL OR number = $1) AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3";

const LINKS: &str = "
SELECT l.contact_id, l.account_id, a.number, l.role, l.proof, l.verified_at, l.linked_at
FROM account_contacts l JOIN accounts a ON a.id = l.account_id
WHERE ($1::text IS NULL OR a.number = $1) AND ($2::uuid IS NULL OR l.contact_id = $2)
ORDER BY l.account_id, l.contact_id LIMIT $3";

/// Contacts of one account, or accounts of one contact, that are shown.
const LINKS_MAX: i64 = 1_000;

impl Store {
    pub async fn account(&self, number: &str) -> Result<Option<Account>, StoreError> {
        let mut call = self.call("read an account").await?;
        let outcome = call::deadline(account(call.db(), number)).await;
        call.end(outcome)
    }

    pub async fn accounts(&self, page: Page) -> Result<Vec<Account>, StoreError> {
        let mut call = self.call("list accounts").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(ACCOUNTS)
                .bind(None::<String>)
                .bind(page.after)
                .bind(page.limit())
                .fetch_all(call.db())
                .await?;
            rows.iter().map(account_of).collect()
        })
        .await;
        call.end(outcome)
    }

    /// Who has to do with an account.
    pub async fn links_of_account(&self, number: &str) -> Result<Vec<Link>, StoreError> {
        self.links(Some(number), None).await
    }

    /// The accounts a contact has to do with.
    pub async fn links_of_contact(&self, contact: ContactId) -> Result<Vec<Link>, StoreError> {
        self.links(None, Some(contact)).await
    }

    async fn links(
        &self,
        number: Option<&str>,
        contact: Option<ContactId>,
    ) -> Result<Vec<Link>, StoreError> {
        let mut call = self.call("read who an account belongs to").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(LINKS)
                .bind(number)
                .bind(contact)
                .bind(LINKS_MAX)
                .fetch_all(call.db())
                .await?;
            rows.iter().map(link_of).collect()
        })
        .await;
        call.end(outcome)
    }
}

pub(super) async fn account(
    db: &mut PgConnection,
    number: &str,
) -> Result<Option<Account>, sqlx::Error> {
    let row = sqlx::query(ACCOUNTS)
        .bind(number)
        .bind(None::<Uuid>)
        .bind(1_i64)
        .fetch_optional(db)
        .await?;
    row.as_ref().map(account_of).transpose()
}

const UPSERT: &str = "
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) AS g (id, number, patch)
)
INSERT INTO accounts AS a (id, number, name, area, language, active, fields, created_at, updated_at)
SELECT id, number, patch ->> 'name', patch ->> 'area', patch ->> 'language', coalesce((patch ->> 'active')::bool, true),
       jsonb_strip_nulls(patch -> 'fields'), $4, $4
FROM given ORDER BY number
ON CONFLICT (number) DO NOTHING
RETURNING number";

const PATCH: &str = "
WITH next AS MATERIALIZED (
    SELECT a.id,
           CASE WHEN p.patch ? 'name' THEN p.patch ->> 'name' ELSE a.name END AS name,
           CASE WHEN p.patch ? 'area' THEN p.patch ->> 'area' ELSE a.area END AS area,
           CASE WHEN p.patch ? 'language' THEN p.patch ->> 'language' ELSE a.language END AS language,
           coalesce((p.patch ->> 'active')::bool, a.active) AS active,
           jsonb_strip_nulls(a.fields || (p.patch -> 'fields')) AS fields
    FROM unnest($1::text[], $2::jsonb[]) AS p (number, patch)
    JOIN accounts a ON a.number = p.number
    ORDER BY a.id
    FOR NO KEY UPDATE OF a
)
UPDATE accounts a
SET name = n.name, area = n.area, language = n.language, active = n.active, fields = n.fields, updated_at = $3
FROM next n
WHERE a.id = n.id
  AND (a.name, a.area, a.language, a.active, a.fields) IS DISTINCT FROM (n.name, n.area, n.language, n.active, n.fields)
RETURNING a.number";

/// Creates or changes accounts, each number once.
pub(super) async fn upsert(
    db: &mut PgConnection,
    hand: Hand<'_>,
    patches: &BTreeMap<&str, AccountPatch>,
) -> Result<HashMap<String, (AccountId, Outcome)>, sqlx::Error> {
    let numbers: Vec<&str> = patches.keys().copied().collect();
    let json: Vec<serde_json::Value> = patches
        .values()
        .map(|patch| serde_json::json!(patch))
        .collect();
    let now = to_sql(hand.clock.now());
    let ids: Vec<Uuid> = patches.iter().map(|_| hand.clock.new_id()).collect();
    let created: HashSet<String> = sqlx::query_scalar(UPSERT)
        .bind(ids)
        .bind(&numbers)
        .bind(&json)
        .bind(now)
        .fetch_all(&mut *db)
        .await?
        .into_iter()
        .collect();
    let updated: HashSet<String> = sqlx::query_scalar(PATCH)
        .bind(&numbers)
        .bind(&json)
        .bind(now)
        .fetch_all(&mut *db)
        .await?
        .into_iter()
        .collect();
    let all: Vec<(String, AccountId)> =
        sqlx::query_as("SELECT number, id FROM accounts WHERE number = ANY ($1)")
            .bind(&numbers)
            .fetch_all(db)
            .await?;
    let outcome = |number: &String| match number {
        number if created.contains(number) => Outcome::Created,
        number if updated.contains(number) => Outcome::Updated,
        _ => Outcome::Unchanged,
    };
    Ok(all
        .into_iter()
        .map(|(number, id)| {
            let outcome = outcome(&number);
            (number, (id, outcome))
        })
        .collect())
}

/// Links contacts with accounts, each pair once, and says which were not already so.
pub(super) async fn link(
    db: &mut PgConnection,
    hand: Hand<'_>,
    links: &[(AccountId, ContactId, &NewLink)],
) -> Result<Vec<(AccountId, ContactId)>, sqlx::Error> {
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let verified: Vec<Option<jiff_sqlx::Timestamp>> = links
        .iter()
        .map(|(_, _, link)| link.verified_at.map(to_sql))
        .collect();
    sqlx::query_as(
        "INSERT INTO account_contacts AS l (account_id, contact_id, role, proof, verified_at, linked_at)
         SELECT account_id, contact_id, role, proof, verified_at, $6
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
              AS n (account_id, contact_id, role, proof, verified_at)
         ORDER BY account_id, contact_id
         ON CONFLICT (account_id, contact_id) DO UPDATE
         SET role = excluded.role, proof = coalesce(excluded.proof, l.proof),
             verified_at = coalesce(l.verified_at, excluded.verified_at)
         WHERE (l.role, l.proof, l.verified_at) IS DISTINCT FROM (
             excluded.role, coalesce(excluded.proof, l.proof), coalesce(l.verified_at, excluded.verified_at))
         RETURNING account_id, contact_id",
    )
    .bind(links.iter().map(|(account, _, _)| account.0).collect::<Vec<_>>())
    .bind(links.iter().map(|(_, contact, _)| contact.0).collect::<Vec<_>>())
    .bind(links.iter().map(|(_, _, link)| link.role.name()).collect::<Vec<_>>())
    .bind(links.iter().map(|(_, _, link)| link.proof.as_deref()).collect::<Vec<_>>())
    .bind(verified)
    .bind(to_sql(hand.clock.now()))
    .fetch_all(db)
    .await
}

/// Takes a contact off an account. `false`: they had nothing to do with each other.
pub(super) async fn unlink(
    db: &mut PgConnection,
    number: &str,
    contact: ContactId,
) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query(
        "DELETE FROM account_contacts l USING accounts a
         WHERE a.id = l.account_id AND a.number = $1 AND l.contact_id = $2",
    )
    .bind(number)
    .bind(contact)
    .execute(db)
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// These contacts have lost their phone number: whoever answers under it next may be anybody, and they under another
/// number too.
pub(super) async fn forget_proofs(
    db: &mut PgConnection,
    contacts: &[Uuid],
) -> Result<(), sqlx::Error> {
    if contacts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE account_contacts SET verified_at = NULL, proof = NULL
         WHERE contact_id = ANY ($1) AND (verified_at IS NOT NULL OR proof IS NOT NULL)",
    )
    .bind(contacts)
    .execute(db)
    .await
    .map(drop)
}

fn account_of(row: &PgRow) -> Result<Account, sqlx::Error> {
    let language: Option<String> = row.try_get("language")?;
    Ok(Account {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        area: row.try_get("area")?,
        language: language.as_deref().and_then(Language::parse),
        active: row.try_get("active")?,
        fields: row
            .try_get::<Json<BTreeMap<String, String>>, _>("fields")?
            .0,
        created_at: to_jiff(row.try_get("created_at")?),
        updated_at: to_jiff(row.try_get("updated_at")?),
    })
}

fn link_of(row: &PgRow) -> Result<Link, sqlx::Error> {
    let role: &str = row.try_get("role")?;
    Ok(Link {
        contact: row.try_get("contact_id")?,
        account: row.try_get("account_id")?,
        account_number: row.try_get("number")?,
        role: Role::parse(role).unwrap_or(Role::Other),
        proof: row.try_get("proof")?,
        verified_at: row
            .try_get::<Option<jiff_sqlx::Timestamp>, _>("verified_at")?
            .map(to_jiff),
        linked_at: to_jiff(row.try_get("linked_at")?),
    })
}

/// Without the holder and the values of fields.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// Without values.
impl fmt::Debug for AccountPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountPatch")
            .field("name", &self.name.is_some())
            .field("area", &self.area)
            .field("active", &self.active)
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}

/// Without the proof.
impl fmt::Debug for NewLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLink")
            .field("role", &self.role)
            .field("verified_at", &self.verified_at)
            .finish_non_exhaustive()
    }
}

/// Without the account's number and the proof.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("contact", &self.contact)
            .field("account", &self.account)
            .field("role", &self.role)
            .field("verified_at", &self.verified_at)
            .finish_non_exhaustive()
    }
}
