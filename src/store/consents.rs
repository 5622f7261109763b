//! Consent: what contacts may be sent without having asked, by category, and where each grant and denial came from.
//!
//! `contacts` holds what counts now, `consent_events` how it came to be. Who has denied all categories has opted out. What
//! people say in a message is written by the statement that finishes their turn, see `turns/finish.sql`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use puisano_engine::Consent;
use serde::Serialize;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::people::{Hand, Page};
use super::{Store, StoreError, Times, call, to_jiff, to_sql};
use crate::model::{ContactId, Identity};

/// Said by the contact in a message of theirs.
pub const SOURCE_MESSAGE: &str = "message";
/// Said by the contact in WhatsApp's own menu.
pub const SOURCE_WHATSAPP: &str = "whatsapp";

/// From a file; what the file says about its source follows after a colon.
pub const SOURCE_IMPORT: &str = "import";

/// Whether a category was granted or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Granted,
    Denied,
}

/// A grant or denial to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    pub contact: ContactId,
    pub category: Consent,
    pub word: Word,
    /// Who or what said so; 1 to 64 characters.
    pub source: String,
    /// Where the proof is; 1 to 1,000 characters.
    pub proof: Option<String>,
}

/// One line of a contact's history.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ConsentEvent {
    pub id: Uuid,
    pub category: Consent,
    pub word: Word,
    pub source: String,
    pub proof: Option<String>,
    pub at: Timestamp,
}

/// What became of a list of grants and denials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Contacts about whom something new was written.
    pub(super) changed: BTreeSet<ContactId>,
    /// Grants that were not written: the contact had denied the category personally.
    pub(super) overruled: Vec<(ContactId, Consent)>,
}

impl Store {
    /// What a contact chose in WhatsApp's own menu, once for each `proof`. `false`: we do not know the contact.
    pub async fn apply_preference(
        &self,
        hand: Hand<'_>,
        identity: &Identity,
        (word, proof): (Word, &str),
    ) -> Result<bool, StoreError> {
        let mut call = self.call("write a preference").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let Some(contact) = contact_of(&mut transaction, identity).await? else {
                return Ok(false);
            };
            let said = Said {
                contact,
                category: Consent::Marketing,
                word,
                source: SOURCE_WHATSAPP.to_owned(),
                proof: Some(proof.to_owned()),
            };
            record(&mut transaction, hand, &[said]).await?;
            transaction.commit().await?;
            Ok(true)
        })
        .await;
        call.end(outcome)
    }

    /// A contact's grants and denials in the order in which they came.
    pub async fn consents_of(
        &self,
        contact: ContactId,
        page: Page,
    ) -> Result<Vec<ConsentEvent>, StoreError> {
        let mut call = self.call("read consents").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(
                "SELECT id, category, granted, source, proof, at FROM consent_events
                 WHERE contact_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
            )
            .bind(contact)
            .bind(page.after)
            .bind(page.limit())
            .fetch_all(call.db())
            .await?;
            let mut events = Vec::with_capacity(rows.len());
            for row in &rows {
                let category: &str = row.try_get("category")?;
                let granted: bool = row.try_get("granted")?;
                events.push(ConsentEvent {
                    id: row.try_get("id")?,
                    category: category_of(category).unwrap_or(Consent::Marketing),
                    word: if granted { Word::Granted } else { Word::Denied },
                    source: row.try_get("source")?,
                    proof: row.try_get("proof")?,
                    at: to_jiff(row.try_get("at")?),
                });
            }
            Ok(events)
        })
        .await;
        call.end(outcome)
    }
}

/// Writes what was said, in order. The same again, from the same source with the same proof, is nothing new. A denial of the
/// contact's own is taken back by the contact, or by staff with a proof that was not seen before; never by a file: a list
/// that is imported every night must not undo a STOP.
pub(super) async fn record(
    db: &mut PgConnection,
    hand: Hand<'_>,
    said: &[Said],
) -> Result<Recorded, sqlx::Error> {
    let mut recorded = Recorded::default();
    if said.is_empty() {
        return Ok(recorded);
    }
    let mut latest = Latest::read(db, said).await?;
    let mut new = Vec::new();
    for one in said {
        match latest.verdict(one) {
            Verdict::New => {
                latest.learn(one);
                recorded.changed.insert(one.contact);
                new.push(one);
            }
            Verdict::Known => {}
            Verdict::Overruled => recorded.overruled.push((one.contact, one.category)),
        }
    }
    if !new.is_empty() {
        insert_events(db, hand, &new).await?;
        update_contacts(db, hand, &new).await?;
    }
    Ok(recorded)
}

enum Verdict {
    New,
    Known,
    Overruled,
}

/// What was last said about each contact and category, and what has been said under which proof.
struct Latest {
    last: BTreeMap<(ContactId, Consent), (Word, String)>,
    all: BTreeSet<(ContactId, Consent, Word, String, Option<String>)>,
}

impl Latest {
    /// Locks the contacts first, so that nobody says anything in between.
    async fn read(db: &mut PgConnection, said: &[Said]) -> Result<Self, sqlx::Error> {
        let contacts: BTreeSet<Uuid> = said.iter().map(|one| one.contact.0).collect();
        let contacts: Vec<Uuid> = contacts.into_iter().collect();
        sqlx::query("SELECT id FROM contacts WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE")
            .bind(&contacts)
            .execute(&mut *db)
            .await?;
        let rows = sqlx::query(
            "SELECT contact_id, category, granted, source, proof FROM consent_events
             WHERE contact_id = ANY ($1) ORDER BY contact_id, id",
        )
        .bind(&contacts)
        .fetch_all(db)
        .await?;
        let mut latest = Self {
            last: BTreeMap::new(),
            all: BTreeSet::new(),
        };
        for row in &rows {
            let Some(category) = category_of(row.try_get("category")?) else {
                continue;
            };
            let granted: bool = row.try_get("granted")?;
            latest.learn(&Said {
                contact: row.try_get("contact_id")?,
                category,
                word: if granted { Word::Granted } else { Word::Denied },
                source: row.try_get("source")?,
                proof: row.try_get("proof")?,
            });
        }
        Ok(latest)
    }

    fn learn(&mut self, said: &Said) {
        let key = (said.contact, said.category);
        self.last.insert(key, (said.word, said.source.clone()));
        self.all.insert(entry(said));
    }

    fn verdict(&self, said: &Said) -> Verdict {
        let Some((word, source)) = self.last.get(&(said.contact, said.category)) else {
            return Verdict::New;
        };
        if *word == said.word && self.all.contains(&entry(said)) {
            return Verdict::Known;
        }
        let takes_back = said.word == Word::Granted && *word == Word::Denied && is_personal(source);
        if takes_back && !self.may_take_back(said) {
            Verdict::Overruled
        } else {
            Verdict::New
        }
    }

    fn may_take_back(&self, said: &Said) -> bool {
        let is_new_proof = said.proof.is_some() && !self.all.contains(&entry(said));
        is_personal(&said.source) || (!said.source.starts_with(SOURCE_IMPORT) && is_new_proof)
    }
}

fn entry(said: &Said) -> (ContactId, Consent, Word, String, Option<String>) {
    let (source, proof) = (said.source.clone(), said.proof.clone());
    (said.contact, said.category, said.word, source, proof)
}

/// Whether `source` is the contact's own word.
pub fn is_personal(source: &str) -> bool {
    [SOURCE_MESSAGE, SOURCE_WHATSAPP].contains(&source)
}

async fn insert_events(
    db: &mut PgConnection,
    hand: Hand<'_>,
    said: &[&Said],
) -> Result<(), sqlx::Error> {
    let now = to_sql(hand.clock.now());
    let times: Times = said.iter().map(|_| now).collect();
    sqlx::query(
        "INSERT INTO consent_events (contact_id, id, category, granted, source, proof, at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::timestamptz[])",
    )
    .bind(said.iter().map(|one| one.contact.0).collect::<Vec<_>>())
    .bind(said.iter().map(|_| hand.clock.new_id()).collect::<Vec<_>>())
    .bind(said.iter().map(|one| name_of(one.category)).collect::<Vec<_>>())
    .bind(said.iter().map(|one| one.word == Word::Granted).collect::<Vec<_>>())
    .bind(said.iter().map(|one| one.source.as_str()).collect::<Vec<_>>())
    .bind(said.iter().map(|one| one.proof.as_deref()).collect::<Vec<_>>())
    .bind(times)
    .execute(db)
    .await
    .map(drop)
}

/// The last word about a category counts.
async fn update_contacts(
    db: &mut PgConnection,
    hand: Hand<'_>,
    said: &[&Said],
) -> Result<(), sqlx::Error> {
    let mut words: BTreeMap<ContactId, BTreeMap<Consent, Word>> = BTreeMap::new();
    for one in said {
        let of_contact = words.entry(one.contact).or_default();
        of_contact.insert(one.category, one.word);
    }
    let joined = |wanted: Word| -> Vec<String> {
        let names = |of_contact: &BTreeMap<Consent, Word>| {
            let chosen = of_contact.iter().filter(|(_, word)| **word == wanted);
            let names: Vec<&str> = chosen.map(|(category, _)| name_of(*category)).collect();
            names.join(",")
        };
        words.values().map(names).collect()
    };
    sqlx::query(
        "WITH next AS (
             SELECT k.id,
                    puisano_categories(k.granted, s.granted, s.denied) AS granted,
                    puisano_categories(k.denied, s.denied, s.granted) AS denied
             FROM (SELECT id, string_to_array(granted, ',') AS granted, string_to_array(denied, ',') AS denied
                   FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u (id, granted, denied)) s
             JOIN contacts k ON k.id = s.id)
         UPDATE contacts k
         SET granted = n.granted, denied = n.denied, opted_out = cardinality(n.denied) = 3,
             opted_out_at = CASE WHEN cardinality(n.denied) < 3 THEN NULL ELSE coalesce(k.opted_out_at, $4) END,
             updated_at = $4
         FROM next n WHERE k.id = n.id",
    )
    .bind(words.keys().map(|id| id.0).collect::<Vec<_>>())
    .bind(joined(Word::Granted))
    .bind(joined(Word::Denied))
    .bind(to_sql(hand.clock.now()))
    .execute(db)
    .await
    .map(drop)
}

/// A user id beats a phone number.
async fn contact_of(
    db: &mut PgConnection,
    identity: &Identity,
) -> Result<Option<ContactId>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT contact_id FROM contact_identifiers
         WHERE (kind, value) IN (('user_id', $1), ('parent_user_id', $2), ('phone', $3))
         ORDER BY array_position(ARRAY['user_id', 'parent_user_id', 'phone'], kind) LIMIT 1",
    )
    .bind(&identity.user_id)
    .bind(&identity.parent_user_id)
    .bind(&identity.phone)
    .fetch_optional(db)
    .await
}

/// As the schema and the API write it.
pub fn name_of(category: Consent) -> &'static str {
    match category {
        Consent::Account => "account",
        Consent::Service => "service",
        Consent::Marketing => "marketing",
    }
}

pub fn category_of(name: &str) -> Option<Consent> {
    Consent::ALL
        .into_iter()
        .find(|category| name_of(*category) == name)
}

pub(super) fn categories_of(names: &[String]) -> BTreeSet<Consent> {
    names.iter().filter_map(|name| category_of(name)).collect()
}

/// Without the proof, which may hold anything.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said")
            .field("contact", &self.contact)
            .field("category", &self.category)
            .field("word", &self.word)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Without the proof, which may hold anything.
impl fmt::Debug for ConsentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentEvent")
            .field("id", &self.id)
            .field("category", &self.category)
            .field("word", &self.word)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
