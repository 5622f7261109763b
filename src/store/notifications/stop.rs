//! Takes back what is not sent yet: a whole notification, an account's, or what a customer's answer made pointless.

use sqlx::{Connection, PgConnection};

use crate::model::{ContactId, NotificationId};
use crate::store::{Store, StoreError, call};

impl Store {
    /// Stops a notification: nothing of it that is not being sent this moment is sent any more. `false` when there is no
    /// such notification. Stopping twice changes nothing.
    pub async fn stop_notification(&self, id: NotificationId) -> Result<bool, StoreError> {
        let mut call = self.call("stop a notification").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            // Whoever is making items of it right now finishes first, so that theirs are seen below.
            let found = sqlx::query(
                "UPDATE notifications SET stopped_at = coalesce(stopped_at, puisano_now()) WHERE id = $1",
            )
            .bind(id)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(STOP)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(found.rows_affected() > 0)
        })
        .await;
        call.end(outcome)
    }
}

const STOP: &str = "
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
recipient AS MATERIALIZED (
    SELECT contact_id, conversation_id, outbox_id FROM notification_recipients
    WHERE notification_id = $1 AND skipped IS NULL
),
cancelled AS (
    UPDATE outbox o
    SET state = 'cancelled', finished_at = clock.now, failure = 'The notification was stopped.'
    FROM recipient r CROSS JOIN clock
    WHERE o.conversation_id = r.conversation_id AND o.id = r.outbox_id AND o.state = 'pending'
    RETURNING o.conversation_id, o.id, o.contact_id
),
said AS (
    UPDATE messages m SET status = 'cancelled', status_at = clock.now
    FROM cancelled c CROSS JOIN clock
    WHERE m.conversation_id = c.conversation_id AND m.id = c.id AND m.status = 'queued'
)
UPDATE notification_recipients r SET skipped = 'stopped'
WHERE r.notification_id = $1 AND r.skipped IS NULL
  AND (r.outbox_id IS NULL OR r.contact_id IN (SELECT contact_id FROM cancelled))";

/// Takes back the items that `which` names, with what they are part of.
macro_rules! cancel {
    ($which:literal) => {
        concat!(
            "WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
             cancelled AS (
                 UPDATE outbox o
                 SET state = 'cancelled', finished_at = clock.now,
                     failure = 'What came in the meantime has made it pointless.'
                 FROM clock
                 WHERE o.state = 'pending' AND o.class IN ('notification', 'bulk') AND o.template = $1 AND ",
            $which,
            " RETURNING o.conversation_id, o.id, o.contact_id, o.notification_id
             ),
             said AS (
                 UPDATE messages m SET status = 'cancelled', status_at = clock.now
                 FROM cancelled c CROSS JOIN clock
                 WHERE m.conversation_id = c.conversation_id AND m.id = c.id AND m.status = 'queued'
             )
             UPDATE notification_recipients r SET skipped = 'cancelled'
             FROM cancelled c
             WHERE r.notification_id = c.notification_id AND r.contact_id = c.contact_id"
        )
    };
}

/// Cancels the unsent notices of a template about an account, whoever they are for.
pub(super) async fn cancel_account(
    db: &mut PgConnection,
    template: &str,
    account: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(cancel!("o.account = $2"))
        .bind(template)
        .bind(account)
        .execute(db)
        .await
        .map(drop)
}

/// Cancels the unsent notices of a template to a contact.
pub(in crate::store) async fn cancel_contact(
    db: &mut PgConnection,
    template: &str,
    contact: ContactId,
) -> Result<(), sqlx::Error> {
    sqlx::query(cancel!("o.contact_id = $2"))
        .bind(template)
        .bind(contact)
        .execute(db)
        .await
        .map(drop)
}
