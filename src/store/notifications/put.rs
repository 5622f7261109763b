//! Notices on their way into the outbox: beside their conversation's lane, which they never block.
//!
//! Whether and how each of them is sent is judged when it is due, see [`crate::store::outbox`].

use jiff::Timestamp;
use puisano_engine::Consent;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::model::{
    Class, ContactId, ConversationId, NotificationId, OnUnknown, OutboxId, OutgoingContent, Wamid,
};
use crate::store::messages::storable_text;
use crate::store::{Store, StoreError, Topic, call, to_sql};

/// Something to be sent that answers nobody.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Also the id of the message it makes: a `UUIDv7` of now.
    pub id: OutboxId,
    /// Random; see [`crate::model::OpaqueId`].
    pub tag: u64,
    pub conversation: ConversationId,
    pub contact: ContactId,
    /// `Notification` or `Bulk`.
    pub class: Class,
    /// What the contact can refuse.
    pub category: Consent,
    pub critical: bool,
    pub on_unknown: OnUnknown,
    pub notification: Option<NotificationId>,
    /// For what is cancelled together.
    pub template: Option<String>,
    pub account: Option<String>,
    pub content: OutgoingContent,
    /// As the record names the content.
    pub message_type: &'static str,
    /// What people read in a list.
    pub text: String,
    pub reply_to: Option<Wamid>,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Store {
    /// Puts `notices` into the outbox, all or none.
    pub async fn put_notices(&self, notices: &[NewNotice]) -> Result<(), StoreError> {
        let mut call = self.call("put notices into the outbox").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            put_notices(&mut transaction, notices).await?;
            transaction.commit().await
        })
        .await;
        call.end(outcome)?;
        self.wake(Topic::Notices);
        Ok(())
    }
}

/// Puts `notices` into the outbox, inside the transaction of what led to them. Whoever commits wakes
/// [`Topic::Notices`].
pub(in crate::store) async fn put_notices(
    db: &mut PgConnection,
    notices: &[NewNotice],
) -> Result<(), sqlx::Error> {
    if notices.is_empty() {
        return Ok(());
    }
    let contents: Vec<String> = column(notices, |notice| {
        storable_json(serde_json::to_value(&notice.content).unwrap_or_default()).to_string()
    });
    sqlx::query(PUT_NOTICES)
        .bind(column(notices, |notice| notice.conversation.0))
        .bind(column(notices, |notice| notice.id.0))
        .bind(column(notices, |notice| notice.tag.cast_signed()))
        .bind(column(notices, |notice| notice.contact.0))
        .bind(column(notices, |notice| notice.class))
        .bind(column(notices, |notice| category_name(notice.category)))
        .bind(column(notices, |notice| notice.critical))
        .bind(column(notices, |notice| notice.on_unknown))
        .bind(column(notices, |notice| {
            notice.notification.map(|notification| notification.0)
        }))
        .bind(column(notices, |notice| notice.template.clone()))
        .bind(column(notices, |notice| notice.account.clone()))
        .bind(contents)
        .bind(column(notices, |notice| notice.message_type))
        .bind(column(notices, |notice| storable_text(&notice.text)))
        .bind(column(notices, |notice| {
            notice.reply_to.as_ref().map(|wamid| wamid.0.clone())
        }))
        .bind(column(notices, |notice| to_sql(notice.due_at)))
        .bind(column(notices, |notice| to_sql(notice.expires_at)))
        .execute(db)
        .await
        .map(drop)
}

/// A conversation that nothing was sent in yet has no lane; notices need one, for the pace of the pair.
const PUT_NOTICES: &str = "
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
item AS MATERIALIZED (
    SELECT n.*, c.phone_number_id, c.origin, c.epoch,
           coalesce((SELECT i.value FROM contact_identifiers i
                     WHERE i.contact_id = c.contact_id AND i.kind <> 'parent_user_id' ORDER BY i.kind LIMIT 1), '') AS address
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::int8[], $4::uuid[], $5::text[], $6::text[], $7::bool[], $8::text[], $9::uuid[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::timestamptz[])
    AS n (conversation_id, id, tag, contact_id, class, category, critical, on_unknown, notification_id, template, account,
          content, message_type, text, reply_to, due_at, expires_at)
    JOIN conversations c ON c.id = n.conversation_id
),
queued AS (
    INSERT INTO outbox (conversation_id, id, seq, tag, contact_id, phone_number_id, author, epoch, content, reply_to, state,
                        due_at, expires_at, created_at, class, category, critical, on_unknown, notification_id, template,
                        account)
    SELECT conversation_id, id, 0, tag, contact_id, phone_number_id, 'system', epoch, content::jsonb, reply_to, 'pending',
           due_at, expires_at, clock.now, class, category, critical, on_unknown, notification_id, template, account
    FROM item CROSS JOIN clock
),
said AS (
    INSERT INTO messages (conversation_id, id, contact_id, phone_number_id, origin, direction, author, sender, recipient,
                          message_type, content, reply_to, raw, sent_at, received_at, status)
    SELECT conversation_id, id, contact_id, phone_number_id, origin, 'outbound', 'system', phone_number_id, address,
           message_type, text, reply_to, content::json, clock.now, clock.now, 'queued'
    FROM item CROSS JOIN clock
)
INSERT INTO lanes (conversation_id, epoch, ready_at)
SELECT DISTINCT conversation_id, epoch, 'infinity'::timestamptz FROM item ORDER BY conversation_id
ON CONFLICT (conversation_id) DO NOTHING";

/// The column `category` and the columns of consent write it so.
pub(in crate::store) fn category_name(category: Consent) -> &'static str {
    match category {
        Consent::Account => "account",
        Consent::Service => "service",
        Consent::Marketing => "marketing",
    }
}

pub(in crate::store) fn category_of(name: &str) -> Option<Consent> {
    Consent::ALL
        .into_iter()
        .find(|category| category_name(*category) == name)
}

/// `jsonb` cannot hold the character zero.
fn storable_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', " ")),
        Value::Array(items) => items.into_iter().map(storable_json).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, storable_json(value)))
            .collect(),
        other => other,
    }
}

/// One column of `rows`, as `unnest` takes it.
fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
