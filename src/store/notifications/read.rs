//! How far a notification is, and what became of it for each recipient.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::model::{ContactId, NotificationId, OutboxId, Wamid};
use crate::store::{Store, StoreError, call, to_jiff};

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Outcome {
    /// Not in the outbox yet, or not due.
    Waiting,
    Queued,
    Sent,
    Delivered,
    Read,
    Failed,
    /// It may have been sent; WhatsApp has not said.
    Unknown,
    /// Given up as unknown, shown to staff.
    Held,
    Cancelled,
    Skipped,
}

impl Outcome {
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Queued,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Unknown,
        Self::Held,
        Self::Cancelled,
        Self::Skipped,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// Whether it may still be sent, or is being sent.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Queued | Self::Unknown)
    }
}

/// A notification as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub id: NotificationId,
    pub template: String,
    pub category: String,
    pub critical: bool,
    pub account: Option<String>,
    pub area: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub send_at: Timestamp,
    pub expires_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    pub repeat_of: Option<NotificationId>,
    pub outcomes: BTreeMap<Outcome, i64>,
    /// Why nothing goes to those who are skipped.
    pub skipped: BTreeMap<String, i64>,
    /// What those that are due wait for.
    pub waits_for: BTreeMap<String, i64>,
    /// Why nothing at all is sent from the number now.
    pub paused: Option<String>,
    /// What stands between the template and sending, where something does.
    pub template_trouble: Option<String>,
    pub now: Timestamp,
}

/// A notification in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub id: NotificationId,
    pub template: String,
    pub area: Option<String>,
    pub account: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    pub recipients: i64,
}

/// One recipient's outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    pub contact: ContactId,
    pub name: Option<String>,
    /// A phone number, else a user id; empty when there is neither any more.
    pub address: String,
    pub account: Option<String>,
    pub outcome: Outcome,
    /// `opted_out`, `no_consent`, `no_address`, `stopped`, `cancelled`.
    pub skipped: Option<String>,
    pub waits_for: Option<String>,
    pub message: Option<OutboxId>,
    pub wamid: Option<Wamid>,
    pub failure_code: Option<i64>,
    pub failure: Option<String>,
    pub at: Option<Timestamp>,
}

/// The outcome of recipient `r` with item `o` and message `m`.
macro_rules! outcome {
    () => {
        "CASE WHEN r.skipped IN ('stopped', 'cancelled') THEN 'cancelled'
              WHEN r.skipped IS NOT NULL THEN 'skipped'
              WHEN r.outbox_id IS NULL THEN 'waiting'
              WHEN m.status = 'failed' OR o.state = 'rejected' THEN 'failed'
              WHEN m.status IN ('read', 'played') THEN 'read'
              WHEN m.status = 'delivered' THEN 'delivered'
              WHEN o.state IN ('unknown', 'held', 'cancelled', 'sent') THEN o.state
              WHEN m.status IN ('sent', 'accepted') THEN 'sent'
              WHEN o.state = 'pending' AND (o.due_at > clock.now OR o.waits_for IS NOT NULL) THEN 'waiting'
              ELSE 'queued' END"
    };
}

const PROGRESS: &str = "
SELECT n.id, n.template, n.category, n.critical, n.account, n.area, n.created_by, n.created_at, n.send_at, n.expires_at,
       n.stopped_at, n.repeat_of, clock.now,
       (SELECT s.pause_reason FROM number_states s
        WHERE s.paused_until > clock.now
          AND s.phone_number_id = (SELECT o.phone_number_id FROM notification_recipients r JOIN outbox o
                                   ON o.conversation_id = r.conversation_id AND o.id = r.outbox_id
                                   WHERE r.notification_id = n.id LIMIT 1)) AS paused,
       (SELECT l.explanation FROM template_links l WHERE l.template = n.template AND l.state <> 'approved'
        ORDER BY l.language = 'en' DESC, l.language LIMIT 1) AS template_trouble
FROM notifications n CROSS JOIN (SELECT puisano_now() AS now OFFSET 0) clock
WHERE n.id = $1";

const OUTCOMES: &str = concat!(
    "SELECT ",
    outcome!(),
    " AS outcome, r.skipped, CASE WHEN o.state = 'pending' AND o.due_at <= clock.now THEN o.waits_for END AS waits_for,
       count(*) AS people
FROM notification_recipients r
CROSS JOIN (SELECT puisano_now() AS now OFFSET 0) clock
LEFT JOIN outbox o ON o.conversation_id = r.conversation_id AND o.id = r.outbox_id
LEFT JOIN messages m ON m.conversation_id = r.conversation_id AND m.id = r.outbox_id
WHERE r.notification_id = $1
GROUP BY 1, 2, 3"
);

const RECIPIENTS: &str = concat!(
    "SELECT r.contact_id, k.name, coalesce(address.value, '') AS address, r.account, ",
    outcome!(),
    " AS outcome, r.skipped, o.waits_for, r.outbox_id, coalesce(m.wamid, o.wamid) AS wamid,
       coalesce(o.failure_code, (m.errors -> 0 ->> 'code')::bigint) AS failure_code,
       coalesce(o.failure, m.errors -> 0 ->> 'title') AS failure, coalesce(m.status_at, o.finished_at) AS at
FROM notification_recipients r
CROSS JOIN (SELECT puisano_now() AS now OFFSET 0) clock
JOIN contacts k ON k.id = r.contact_id
LEFT JOIN outbox o ON o.conversation_id = r.conversation_id AND o.id = r.outbox_id
LEFT JOIN messages m ON m.conversation_id = r.conversation_id AND m.id = r.outbox_id
LEFT JOIN LATERAL (
    SELECT coalesce(max(i.value) FILTER (WHERE i.kind = 'phone'),
                    max(i.value) FILTER (WHERE i.kind = 'user_id')) AS value
    FROM contact_identifiers i WHERE i.contact_id = r.contact_id) address ON true
WHERE r.notification_id = $1 AND ($2::uuid IS NULL OR r.contact_id > $2)
ORDER BY r.contact_id LIMIT $3"
);

const LIST: &str = "
SELECT n.id, n.template, n.area, n.account, n.created_by, n.created_at, n.stopped_at,
       (SELECT count(*) FROM notification_recipients r WHERE r.notification_id = n.id) AS recipients
FROM notifications n
WHERE ($1::uuid IS NULL OR n.id < $1) AND ($3::text IS NULL OR n.created_by = $3)
ORDER BY n.id DESC LIMIT $2";

impl Store {
    /// How far a notification is; `None` when there is no such one.
    pub async fn notification_progress(
        &self,
        id: NotificationId,
    ) -> Result<Option<Progress>, StoreError> {
        let mut call = self.call("read a notification").await?;
        let outcome = call::deadline(async {
            let Some(row) = sqlx::query(PROGRESS)
                .bind(id)
                .fetch_optional(call.db())
                .await?
            else {
                return Ok(None);
            };
            let mut progress = progress_of(&row)?;
            for row in &sqlx::query(OUTCOMES).bind(id).fetch_all(call.db()).await? {
                count(&mut progress, row)?;
            }
            Ok(Some(progress))
        })
        .await;
        call.end(outcome)
    }

    /// Recipients in the order of their ids, those after `after`.
    pub async fn notification_recipients(
        &self,
        id: NotificationId,
        after: Option<ContactId>,
        at_most: i64,
    ) -> Result<Vec<Recipient>, StoreError> {
        let mut call = self.call("list recipients").await?;
        let outcome = call::deadline(async {
            sqlx::query(RECIPIENTS)
                .bind(id)
                .bind(after)
                .bind(at_most)
                .fetch_all(call.db())
                .await?
                .iter()
                .map(recipient_of)
                .collect()
        })
        .await;
        call.end(outcome)
    }

    /// Notifications, newest first, those before `before`.
    pub async fn notifications(
        &self,
        before: Option<NotificationId>,
        at_most: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        self.notifications_of(None, before, at_most).await
    }

    /// Notifications that `created_by` asked for, or all.
    pub async fn notifications_of(
        &self,
        created_by: Option<&str>,
        before: Option<NotificationId>,
        at_most: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut call = self.call("list notifications").await?;
        let outcome = call::deadline(async {
            sqlx::query(LIST)
                .bind(before)
                .bind(at_most)
                .bind(created_by)
                .fetch_all(call.db())
                .await?
                .iter()
                .map(listed_of)
                .collect()
        })
        .await;
        call.end(outcome)
    }
}

fn progress_of(row: &PgRow) -> Result<Progress, sqlx::Error> {
    Ok(Progress {
        id: row.try_get("id")?,
        template: row.try_get("template")?,
        category: row.try_get("category")?,
        critical: row.try_get("critical")?,
        account: row.try_get("account")?,
        area: row.try_get("area")?,
        created_by: row.try_get("created_by")?,
        created_at: to_jiff(row.try_get("created_at")?),
        send_at: to_jiff(row.try_get("send_at")?),
        expires_at: to_jiff(row.try_get("expires_at")?),
        stopped_at: row
            .try_get::<Option<jiff_sqlx::Timestamp>, _>("stopped_at")?
            .map(to_jiff),
        repeat_of: row.try_get("repeat_of")?,
        outcomes: BTreeMap::new(),
        skipped: BTreeMap::new(),
        waits_for: BTreeMap::new(),
        paused: row.try_get("paused")?,
        template_trouble: row.try_get("template_trouble")?,
        now: to_jiff(row.try_get("now")?),
    })
}

fn count(progress: &mut Progress, row: &PgRow) -> Result<(), sqlx::Error> {
    let people: i64 = row.try_get("people")?;
    *progress
        .outcomes
        .entry(row.try_get("outcome")?)
        .or_default() += people;
    if let Some(why) = row.try_get::<Option<String>, _>("skipped")? {
        *progress.skipped.entry(why).or_default() += people;
    }
    if let Some(what) = row.try_get::<Option<String>, _>("waits_for")? {
        *progress.waits_for.entry(what).or_default() += people;
    }
    Ok(())
}

fn recipient_of(row: &PgRow) -> Result<Recipient, sqlx::Error> {
    Ok(Recipient {
        contact: row.try_get("contact_id")?,
        name: row.try_get("name")?,
        address: row.try_get("address")?,
        account: row.try_get("account")?,
        outcome: row.try_get("outcome")?,
        skipped: row.try_get("skipped")?,
        waits_for: row.try_get("waits_for")?,
        message: row.try_get::<Option<Uuid>, _>("outbox_id")?.map(OutboxId),
        wamid: row.try_get("wamid")?,
        failure_code: row.try_get("failure_code")?,
        failure: row.try_get("failure")?,
        at: row
            .try_get::<Option<jiff_sqlx::Timestamp>, _>("at")?
            .map(to_jiff),
    })
}

fn listed_of(row: &PgRow) -> Result<Listed, sqlx::Error> {
    Ok(Listed {
        id: row.try_get("id")?,
        template: row.try_get("template")?,
        area: row.try_get("area")?,
        account: row.try_get("account")?,
        created_by: row.try_get("created_by")?,
        created_at: to_jiff(row.try_get("created_at")?),
        stopped_at: row
            .try_get::<Option<jiff_sqlx::Timestamp>, _>("stopped_at")?
            .map(to_jiff),
        recipients: row.try_get("recipients")?,
    })
}
