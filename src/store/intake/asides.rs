//! What is neither a message nor a status: webhooks about the account, and elements that nobody can read. They are kept, no
//! more.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Arrival;
use crate::model::{AccountEvent, Unreadable};
use crate::store::{Times, to_sql};

pub(super) async fn write_account_events(
    db: &mut PgConnection,
    events: &[(Uuid, &Arrival<'_>, &AccountEvent)],
) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO account_events (id, envelope_id, received_at, field, raw)
         SELECT id, envelope_id, received_at, field, raw::json
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[])
              AS e (id, envelope_id, received_at, field, raw)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(events.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(
        events
            .iter()
            .map(|(_, arrival, _)| arrival.id.0)
            .collect::<Vec<_>>(),
    )
    .bind(
        events
            .iter()
            .map(|(_, arrival, _)| to_sql(arrival.received_at))
            .collect::<Times>(),
    )
    .bind(
        events
            .iter()
            .map(|(_, _, event)| event.field.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        events
            .iter()
            .map(|(_, _, event)| event.raw.to_string())
            .collect::<Vec<_>>(),
    )
    .execute(db)
    .await
    .map(drop)
}

pub(super) async fn write_unreadable(
    db: &mut PgConnection,
    elements: &[(Uuid, &Arrival<'_>, Unreadable)],
) -> Result<(), sqlx::Error> {
    if elements.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO unreadable_elements (id, envelope_id, received_at, reason, raw)
         SELECT id, envelope_id, received_at, reason, raw::json
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[])
              AS e (id, envelope_id, received_at, reason, raw)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(elements.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(
        elements
            .iter()
            .map(|(_, arrival, _)| arrival.id.0)
            .collect::<Vec<_>>(),
    )
    .bind(
        elements
            .iter()
            .map(|(_, arrival, _)| to_sql(arrival.received_at))
            .collect::<Times>(),
    )
    .bind(
        elements
            .iter()
            .map(|(.., element)| element.reason.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        elements
            .iter()
            .map(|(.., element)| element.raw.to_string())
            .collect::<Vec<_>>(),
    )
    .execute(db)
    .await
    .map(drop)
}
