//! Accepts a notification: recipients, items, cancellations and the remembered answer, whole or not at all.

use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, Row};

use super::people::{House, Person, contact_at, open_conversations, persons};
use super::{
    NewNotice, NewNotification, Terms, category_name, class_name, in_order, notice_to,
    on_unknown_name, put_notices, stop,
};
use crate::clock::Clock;
use crate::model::{Address, ContactId, ConversationId, Notice, NotificationId};
use crate::store::contacts::origin_name;
use crate::store::idempotency::{Answer, Earlier, Once, earlier, remember};
use crate::store::{Store, StoreError, Topic, call, to_sql};

/// How often accepting is tried when another writer is in the way.
const TRIES_MAX: u32 = 4;
/// The same call again within this time is flagged as a repetition.
const REPEAT_HOURS: i32 = 24;

/// To whom it goes.
#[derive(Clone, Debug)]
pub enum Whom {
    Person(Address),
    /// Key of the area: everybody in it and below it.
    Area(String),
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// This, or its first occurrence, was accepted.
    Answer(Answer),
    /// Another request was made with the same idempotency key.
    OtherRequest,
    NoSuchContact,
}

/// A place of the municipality's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub key: String,
    pub name: String,
}

impl Store {
    /// Accepts `new` for `whom`, unless `once` says that this was done before.
    pub async fn accept_notification(
        &self,
        clock: &Clock,
        once: Option<&Once>,
        (new, whom): (&NewNotification, &Whom),
    ) -> Result<Accepted, StoreError> {
        let mut tries = 1;
        loop {
            match self.try_accept(clock, once, (new, whom)).await {
                // Somebody wrote to us, or about the same person, at this very moment.
                Err(error) if error.is_conflict() && tries < TRIES_MAX => tries += 1,
                result => {
                    self.wake(Topic::Notices);
                    self.wake(Topic::Recipients);
                    return result;
                }
            }
        }
    }

    async fn try_accept(
        &self,
        clock: &Clock,
        once: Option<&Once>,
        (new, whom): (&NewNotification, &Whom),
    ) -> Result<Accepted, StoreError> {
        let mut call = self.call("accept a notification").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let db = &mut *transaction;
            match earlier(db, once).await? {
                Earlier::Same(answer) => return Ok(Accepted::Answer(answer)),
                Earlier::Other => return Ok(Accepted::OtherRequest),
                Earlier::Never => {}
            }
            let repeat_of = match once {
                Some(_) => None,
                None => repeated(db, new).await?,
            };
            insert(db, new, (whom, repeat_of)).await?;
            let goes_out = match whom {
                Whom::Area(key) => freeze(db, new, key).await?,
                Whom::Person(address) => match to_person(db, clock, (new, address)).await? {
                    Some(goes_out) => goes_out,
                    None => return Ok(Accepted::NoSuchContact),
                },
            };
            if let (Some(template), Some(account)) = (new.cancels, &new.account) {
                stop::cancel_account(db, template, account).await?;
            }
            let answer = answer(new.id, goes_out, repeat_of);
            remember(db, once, &answer, clock.now()).await?;
            transaction.commit().await?;
            Ok(Accepted::Answer(answer))
        })
        .await;
        call.end(outcome)
    }

    /// The answer to `once`, if it was given before.
    pub async fn answered(&self, once: Option<&Once>) -> Result<Earlier, StoreError> {
        if once.is_none() {
            return Ok(Earlier::Never);
        }
        let mut call = self.call("look for an earlier answer").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let found = earlier(&mut transaction, once).await?;
            transaction.rollback().await?;
            Ok(found)
        })
        .await;
        call.end(outcome)
    }

    /// The area that is called `text`, `folded` as the names of areas are: by its key, its name or another name.
    pub async fn area_called(&self, text: &str, folded: &str) -> Result<Option<Area>, StoreError> {
        let mut call = self.call("look up an area").await?;
        let outcome = call::deadline(async {
            let found: Option<(String, String)> = sqlx::query_as(
                "SELECT key, name FROM areas
                 WHERE key = $2 OR lower(name) = lower($1) OR $2 = ANY(aliases)
                 ORDER BY key = $2 DESC, key LIMIT 1",
            )
            .bind(text)
            .bind(folded)
            .fetch_optional(call.db())
            .await?;
            Ok(found.map(|(key, name)| Area { key, name }))
        })
        .await;
        call.end(outcome)
    }

    /// The names of all areas; what to choose from when one is unknown.
    pub async fn area_names(&self, at_most: i64) -> Result<Vec<String>, StoreError> {
        let mut call = self.call("list areas").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar("SELECT name FROM areas ORDER BY name LIMIT $1")
                .bind(at_most)
                .fetch_all(call.db())
                .await
        })
        .await;
        call.end(outcome)
    }

    /// How many people a notice to an area would reach now.
    pub async fn people_in_area(&self, key: &str) -> Result<i64, StoreError> {
        let mut call = self.call("count the people of an area").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "{IN_AREA} SELECT count(DISTINCT contact_id) FROM found"
            )))
            .bind(key)
            .fetch_one(call.db())
            .await
        })
        .await;
        call.end(outcome)
    }

    /// The name of the area in which somebody lives, as far as it is known.
    pub async fn area_of(&self, address: &Address) -> Result<Option<String>, StoreError> {
        let mut call = self.call("look up where somebody lives").await?;
        let (id, phone) = match address {
            Address::Contact(id) => (Some(id.0), None),
            Address::Phone(phone) => (None, Some(phone.as_str())),
        };
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, Option<String>>(
                "SELECT coalesce(a.name, k.area) FROM contacts k LEFT JOIN areas a ON a.key = k.area
                 WHERE k.id = coalesce($1, (SELECT contact_id FROM contact_identifiers WHERE kind = 'phone' AND value = $2))",
            )
            .bind(id)
            .bind(phone)
            .fetch_optional(call.db())
            .await
        })
        .await;
        Ok(call.end(outcome)?.flatten())
    }
}

/// The same call of the last day. Two that come together wait for each other, so that one of them is flagged.
async fn repeated(
    db: &mut PgConnection,
    new: &NewNotification,
) -> Result<Option<NotificationId>, sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 1))")
        .bind(new.request_hash.as_slice())
        .execute(&mut *db)
        .await?;
    sqlx::query_scalar(
        "SELECT id FROM notifications
         WHERE request_hash = $1 AND created_at > puisano_now() - make_interval(hours => $2)
         ORDER BY created_at DESC LIMIT 1",
    )
    .bind(new.request_hash.as_slice())
    .bind(REPEAT_HOURS)
    .fetch_optional(db)
    .await
}

async fn insert(
    db: &mut PgConnection,
    new: &NewNotification,
    (whom, repeat_of): (&Whom, Option<NotificationId>),
) -> Result<(), sqlx::Error> {
    let area = match whom {
        Whom::Area(key) => Some(key.as_str()),
        Whom::Person(_) => None,
    };
    sqlx::query(
        "INSERT INTO notifications (id, template, category, class, critical, fields, language, fillings, account, area,
                                    on_unknown, origin, created_by, repeat_of, request_hash, ruleset_hash, created_at,
                                    send_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, puisano_now(), $17, $18)",
    )
    .bind(new.id)
    .bind(&new.template)
    .bind(category_name(new.category))
    .bind(class_name(new.class))
    .bind(new.critical)
    .bind(Json(&new.fields))
    .bind(new.language.map(|language| language.as_str().to_owned()))
    .bind(Json(&new.fillings))
    .bind(&new.account)
    .bind(area)
    .bind(on_unknown_name(new.on_unknown))
    .bind(origin_name(new.origin))
    .bind(&new.created_by)
    .bind(repeat_of)
    .bind(new.request_hash.as_slice())
    .bind(&new.ruleset)
    .bind(to_sql(new.send_at))
    .bind(to_sql(new.expires_at))
    .execute(db)
    .await
    .map(drop)
}

/// One person: the item goes into the outbox at once. Whether anything goes out; `None` when there is no such contact.
async fn to_person(
    db: &mut PgConnection,
    clock: &Clock,
    (new, address): (&NewNotification, &Address),
) -> Result<Option<bool>, sqlx::Error> {
    let house = House {
        clock,
        phone_number_id: &new.phone_number_id,
        origin: new.origin,
    };
    let Some(contact) = contact_at(db, address, house).await? else {
        return Ok(None);
    };
    open_conversations(db, &[contact.0], house).await?;
    let known = persons(db, &[(contact.0, new.account.clone())], new.category, house).await?;
    let person = known.get(&contact.0).cloned().unwrap_or_default();
    let notice = person
        .conversation
        .filter(|_| person.may_not.is_none() && person.has_address)
        .map(|conversation| notice_of(new, clock, (contact, conversation, &person)));
    let skipped = match &notice {
        Some(_) => None,
        None => Some(person.may_not.unwrap_or("no_address")),
    };
    sqlx::query(
        "INSERT INTO notification_recipients (notification_id, contact_id, conversation_id, outbox_id, account, skipped)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(contact)
    .bind(person.conversation)
    .bind(notice.as_ref().map(|notice| notice.id))
    .bind(&new.account)
    .bind(skipped)
    .execute(&mut *db)
    .await?;
    put_notices(db, notice.as_slice()).await?;
    Ok(Some(skipped.is_none()))
}

fn notice_of(
    new: &NewNotification,
    clock: &Clock,
    (contact, conversation, person): (ContactId, ConversationId, &Person),
) -> NewNotice {
    let asked = new.language.map(|language| language.as_str().to_owned());
    let content = Notice {
        template: new.template.clone(),
        fillings: in_order(&new.fillings, &person.wishes(asked.as_deref())),
    };
    let terms = Terms {
        notification: new.id,
        class: new.class,
        category: new.category,
        critical: new.critical,
        on_unknown: new.on_unknown,
        due_at: new.send_at,
        expires_at: new.expires_at,
    };
    notice_to(
        clock,
        (contact, conversation),
        content,
        (terms, new.account.clone()),
    )
}

/// Contacts in an area or below it, and those of active accounts there.
const IN_AREA: &str = "
WITH RECURSIVE below AS (
    SELECT key FROM areas WHERE key = $1
    UNION
    SELECT a.key FROM areas a JOIN below ON a.parent = below.key
),
found AS (
    SELECT k.id AS contact_id, NULL::text AS account FROM contacts k JOIN below ON k.area = below.key
    UNION ALL
    SELECT ac.contact_id, a.number
    FROM accounts a JOIN below ON a.area = below.key JOIN account_contacts ac ON ac.account_id = a.id
    WHERE a.active
)";

/// Writes down everybody the notice goes to, once each; whether there is anybody.
async fn freeze(
    db: &mut PgConnection,
    new: &NewNotification,
    area: &str,
) -> Result<bool, sqlx::Error> {
    let sql = format!(
        "{IN_AREA}
         INSERT INTO notification_recipients (notification_id, contact_id, account, skipped)
         SELECT $2, k.id, one.account,
                CASE WHEN $3 = ANY(k.denied) OR (k.opted_out AND cardinality(k.denied) = 0) THEN 'opted_out'
                     WHEN $3 = 'marketing' AND NOT $3 = ANY(k.granted) THEN 'no_consent'
                     WHEN NOT EXISTS (SELECT FROM contact_identifiers i
                                      WHERE i.contact_id = k.id AND i.kind <> 'parent_user_id') THEN 'no_address' END
         FROM (SELECT contact_id, min(account) AS account FROM found GROUP BY contact_id) one
         JOIN contacts k ON k.id = one.contact_id
         RETURNING skipped"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(area)
        .bind(new.id)
        .bind(category_name(new.category))
        .fetch_all(db)
        .await?;
    let mut anybody = false;
    for row in &rows {
        anybody |= row.try_get::<Option<&str>, _>("skipped")?.is_none();
    }
    Ok(anybody)
}

fn answer(id: NotificationId, goes_out: bool, repeat_of: Option<NotificationId>) -> Answer {
    let state = if goes_out { "accepted" } else { "finished" };
    let mut body: Value = json!({ "id": id, "state": state });
    if let Some(first) = repeat_of {
        body["repeat_of"] = json!(first);
    }
    Answer { status: 202, body }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_repetition_names_the_first_one() {
        let (id, first) = (NotificationId(Uuid::nil()), NotificationId(Uuid::max()));
        assert_eq!(answer(id, true, None).body["state"], "accepted");
        assert_eq!(answer(id, false, None).body["state"], "finished");
        assert_eq!(
            answer(id, true, Some(first)).body["repeat_of"],
            json!(first)
        );
    }
}
