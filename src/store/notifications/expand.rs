//! Makes outbox items of the recipients of a notice to many: a batch at a time, by as many nodes as there are.
//!
//! There is no lease: a recipient without an item is work, its row is locked while the item is made, and a node that dies
//! leaves it as it was.

use std::collections::{BTreeMap, HashMap};

use puisano_engine::Consent;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::people::{House, Person, open_conversations, persons};
use super::{NewNotice, Terms, category_of, in_order, notice_to, put_notices};
use crate::clock::Clock;
use crate::model::{ContactId, Filling, Notice, Origin, PhoneNumberId};
use crate::store::{Store, StoreError, Topic, call, to_jiff};

/// What a batch takes at most.
const BATCH_RECIPIENTS_MAX: i64 = 500;

impl Store {
    /// Makes items of one batch of recipients; how many these were. None means that there is nothing to do, or that
    /// others are at it.
    pub async fn expand_notifications(
        &self,
        clock: &Clock,
        phone_number_id: &PhoneNumberId,
        origin: Origin,
    ) -> Result<usize, StoreError> {
        let mut call = self.call("spread a notification").await?;
        let house = House {
            clock,
            phone_number_id,
            origin,
        };
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let rows = sqlx::query(CLAIM)
                .bind(BATCH_RECIPIENTS_MAX)
                .fetch_all(&mut *transaction)
                .await?;
            for batch in by_notification(&rows)?.into_values() {
                batch.write(&mut transaction, house).await?;
            }
            transaction.commit().await?;
            Ok(rows.len())
        })
        .await;
        let spread = call.end(outcome)?;
        if spread > 0 {
            self.wake(Topic::Notices);
        }
        Ok(spread)
    }
}

/// The notification is held too, so that one that is being stopped waits for the items that are being made of it.
const CLAIM: &str = "
SELECT n.id, n.template, n.category, n.class, n.critical, n.on_unknown, n.language, n.fillings, n.send_at, n.expires_at,
       r.contact_id, r.account
FROM notification_recipients r
JOIN notifications n ON n.id = r.notification_id
WHERE r.outbox_id IS NULL AND r.skipped IS NULL AND n.stopped_at IS NULL
ORDER BY r.notification_id, r.contact_id
LIMIT $1
FOR UPDATE OF r SKIP LOCKED
FOR SHARE OF n SKIP LOCKED";

/// Recipients of one notification.
struct Batch<'r> {
    notification: &'r PgRow,
    /// With the account they are written to about.
    recipients: Vec<(Uuid, Option<String>)>,
}

fn by_notification(rows: &[PgRow]) -> Result<BTreeMap<Uuid, Batch<'_>>, sqlx::Error> {
    let mut batches = BTreeMap::new();
    for row in rows {
        let batch = batches.entry(row.try_get("id")?).or_insert_with(|| Batch {
            notification: row,
            recipients: Vec::new(),
        });
        batch
            .recipients
            .push((row.try_get("contact_id")?, row.try_get("account")?));
    }
    Ok(batches)
}

impl Batch<'_> {
    async fn write(self, db: &mut PgConnection, house: House<'_>) -> Result<(), sqlx::Error> {
        let contacts: Vec<Uuid> = self.recipients.iter().map(|(id, _)| *id).collect();
        open_conversations(db, &contacts, house).await?;
        let category =
            category_of(self.notification.try_get("category")?).unwrap_or(Consent::Marketing);
        let known = persons(db, &self.recipients, category, house).await?;
        let notices = self.notices(&known, (category, house.clock))?;
        put_notices(db, &notices).await?;
        self.mark(db, &notices, &known).await
    }

    /// For everybody who can be reached; consent is asked for again when it is sent.
    fn notices(
        &self,
        known: &HashMap<Uuid, Person>,
        (category, clock): (Consent, &Clock),
    ) -> Result<Vec<NewNotice>, sqlx::Error> {
        let row = self.notification;
        let fillings = row.try_get::<Json<Vec<Filling>>, _>("fillings")?.0;
        let asked: Option<&str> = row.try_get("language")?;
        let template: String = row.try_get("template")?;
        let terms = Terms {
            notification: row.try_get("id")?,
            class: row.try_get("class")?,
            category,
            critical: row.try_get("critical")?,
            on_unknown: row.try_get("on_unknown")?,
            due_at: to_jiff(row.try_get("send_at")?),
            expires_at: to_jiff(row.try_get("expires_at")?),
        };
        let mut notices = Vec::with_capacity(self.recipients.len());
        for (contact, account) in &self.recipients {
            let person = known.get(contact);
            let Some((person, conversation)) =
                person.and_then(|person| Some((person, person.conversation?)))
            else {
                continue;
            };
            let content = Notice {
                template: template.clone(),
                fillings: in_order(&fillings, &person.wishes(asked)),
            };
            let to = (ContactId(*contact), conversation);
            notices.push(notice_to(clock, to, content, (terms, account.clone())));
        }
        Ok(notices)
    }

    /// Whoever has no item by now cannot be reached.
    async fn mark(
        &self,
        db: &mut PgConnection,
        notices: &[NewNotice],
        known: &HashMap<Uuid, Person>,
    ) -> Result<(), sqlx::Error> {
        let items: HashMap<Uuid, Uuid> = notices
            .iter()
            .map(|notice| (notice.contact.0, notice.id.0))
            .collect();
        let of = |contact: &Uuid| known.get(contact).and_then(|person| person.conversation);
        let contacts: Vec<Uuid> = self.recipients.iter().map(|(id, _)| *id).collect();
        sqlx::query(
            "UPDATE notification_recipients r
             SET outbox_id = i.outbox_id, conversation_id = i.conversation_id,
                 skipped = CASE WHEN i.outbox_id IS NULL THEN 'no_address' END
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS i (contact_id, conversation_id, outbox_id)
             WHERE r.notification_id = $1 AND r.contact_id = i.contact_id",
        )
        .bind(self.notification.try_get::<Uuid, _>("id")?)
        .bind(&contacts)
        .bind(
            contacts
                .iter()
                .map(|id| of(id).map(|conversation| conversation.0))
                .collect::<Vec<_>>(),
        )
        .bind(
            contacts
                .iter()
                .map(|id| items.get(id).copied())
                .collect::<Vec<Option<Uuid>>>(),
        )
        .execute(db)
        .await
        .map(drop)
    }
}
