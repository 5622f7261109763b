//! Takes webhooks in: envelope, messages, statuses and everything else of a batch in one transaction, each at most once.
//!
//! It touches no row that a turn worker holds: conversations and contacts are added, never changed; what is due is a row
//! of its own. Whatever it does is harmless when done again.

mod asides;
mod messages;
mod statuses;

pub(super) use statuses::join_parked;

use jiff::Timestamp;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::contacts::{Birth, Directory, keys_of, keys_of_change, origin_name};
use super::{Store, StoreError, Times, call, to_sql};
use crate::clock::Clock;
use crate::model::{AccountEvent, EnvelopeId, Event, Origin, Unreadable};
use asides::{write_account_events, write_unreadable};
use messages::MessageRows;
use statuses::StatusRows;

/// A webhook with the ids its parts will have.
#[derive(Debug)]
pub struct Arrival<'a> {
    pub id: EnvelopeId,
    pub received_at: Timestamp,
    pub origin: Origin,
    pub body: &'a [u8],
    /// In the order of the webhook; the ids ascend.
    pub elements: Vec<(Uuid, &'a Event)>,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Messages that were not there before.
    pub messages: u64,
    /// Messages that are now due to be decided.
    pub turns: u64,
    /// Outbox items whose fate a status has told.
    pub settled: u64,
}

/// What an element becomes, sorted by table.
#[derive(Debug, Default)]
struct Rows<'a> {
    messages: MessageRows<'a>,
    statuses: StatusRows,
    account: Vec<(Uuid, &'a Arrival<'a>, &'a AccountEvent)>,
    unreadable: Vec<(Uuid, &'a Arrival<'a>, Unreadable)>,
}

/// What is to be written together.
struct Batch<'a> {
    envelopes: &'a [Arrival<'a>],
    directory: Directory,
    rows: Rows<'a>,
}

type Element<'a> = (&'a Arrival<'a>, (Uuid, &'a Event));

/// `take_in.sql`, on its way to having all its parameters.
type TakeIn<'q> = sqlx::query::QueryAs<'q, sqlx::Postgres, (i64, i64), sqlx::postgres::PgArguments>;

impl Store {
    /// Stores a batch whole or not at all.
    pub async fn take_in(
        &self,
        clock: &Clock,
        arrivals: &[Arrival<'_>],
    ) -> Result<TakenIn, StoreError> {
        let mut call = self.call("take webhooks in").await?;
        let outcome = call::deadline(async {
            let elements = arrivals
                .iter()
                .flat_map(|arrival| arrival.elements.iter().map(move |part| (arrival, *part)));
            let batch = Batch::read(call.db(), clock, arrivals, elements.collect()).await?;
            if batch.only_adds() {
                // The one statement is the transaction.
                return batch.write(call.db(), clock).await;
            }
            let mut transaction = call.db().begin().await?;
            let taken = batch.write(&mut transaction, clock).await?;
            transaction.commit().await?;
            Ok(taken)
        })
        .await;
        call.end(outcome)
    }

    /// Stores one webhook element by element: those that the database refuses are kept as unreadable, the others live.
    pub async fn take_in_piecewise(
        &self,
        clock: &Clock,
        arrival: &Arrival<'_>,
    ) -> Result<TakenIn, StoreError> {
        let mut call = self.call("take a webhook in piece by piece").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let envelope = std::slice::from_ref(arrival);
            let mut taken = write_now(&mut transaction, clock, envelope, Vec::new()).await?;
            for (id, event) in &arrival.elements {
                let mut piece = transaction.begin().await?;
                match write_now(&mut piece, clock, &[], vec![(arrival, (*id, *event))]).await {
                    Ok(more) => {
                        piece.commit().await?;
                        taken = taken.and(more);
                    }
                    Err(error) => {
                        piece.rollback().await?;
                        set_aside(&mut transaction, arrival, *id, event, error).await?;
                    }
                }
            }
            transaction.commit().await?;
            Ok(taken)
        })
        .await;
        call.end(outcome)
    }
}

impl TakenIn {
    fn and(self, more: Self) -> Self {
        Self {
            messages: self.messages + more.messages,
            turns: self.turns + more.turns,
            settled: self.settled + more.settled,
        }
    }
}

async fn write_now<'a>(
    db: &mut PgConnection,
    clock: &Clock,
    envelopes: &'a [Arrival<'a>],
    elements: Vec<Element<'a>>,
) -> Result<TakenIn, sqlx::Error> {
    let batch = Batch::read(db, clock, envelopes, elements).await?;
    batch.write(db, clock).await
}

impl<'a> Batch<'a> {
    /// Reads what is known about the people of `elements`, and sorts these by what they become.
    async fn read(
        db: &mut PgConnection,
        clock: &Clock,
        envelopes: &'a [Arrival<'a>],
        elements: Vec<Element<'a>>,
    ) -> Result<Self, sqlx::Error> {
        let mentioned = elements.iter().flat_map(|(_, (_, event))| match event {
            Event::Message(message) => keys_of(&message.from),
            Event::Echo(echo) => keys_of(&echo.to),
            Event::System(change) => keys_of_change(change),
            Event::Status(_) | Event::Account(_) | Event::Unreadable(_) => Vec::new(),
        });
        let mut directory = Directory::read(db, mentioned).await?;
        let mut rows = Rows::default();
        for (arrival, (id, event)) in elements {
            let birth = Birth {
                clock,
                origin: arrival.origin,
            };
            rows.sort(arrival, id, event, &mut directory, birth);
        }
        Ok(Self {
            envelopes,
            directory,
            rows,
        })
    }

    /// Whether one statement writes all of it. Noting that a message came again with another body does not count: who
    /// misses that note by dying before it has not answered, so that the message comes again once more.
    fn only_adds(&self) -> bool {
        let Rows {
            messages,
            statuses,
            account,
            unreadable,
        } = &self.rows;
        let others = statuses.len() + account.len() + unreadable.len();
        others == 0 && !messages.amends() && !self.directory.moves()
    }

    async fn write(self, db: &mut PgConnection, clock: &Clock) -> Result<TakenIn, sqlx::Error> {
        let now = to_sql(clock.now());
        let (messages, turns) = self.add(db, now).await?;
        // An identifier may move to somebody new.
        self.directory.write_moves(db, now).await?;
        let rows = self.rows;
        if messages < rows.messages.len() {
            rows.messages.note_mismatches(db).await?;
        }
        if rows.messages.amends() {
            rows.messages.amend(db).await?;
        }
        write_account_events(db, &rows.account).await?;
        write_unreadable(db, &rows.unreadable).await?;
        let settled = rows.statuses.write(db).await?;
        Ok(TakenIn {
            messages,
            turns,
            settled,
        })
    }

    /// How many messages were new, and how many of these are due.
    async fn add(
        &self,
        db: &mut PgConnection,
        now: jiff_sqlx::Timestamp,
    ) -> Result<(u64, u64), sqlx::Error> {
        let new = self.directory.additions();
        let query = self
            .rows
            .messages
            .bind(sqlx::query_as(include_str!("take_in.sql")));
        let (messages, turns) = bind_envelopes(query, self.envelopes)
            .bind(&new.contacts)
            .bind(&new.contact_origins)
            .bind(&new.names)
            .bind(&new.usernames)
            .bind(&new.kinds)
            .bind(&new.values)
            .bind(&new.holders)
            .bind(&new.conversations)
            .bind(&new.phone_number_ids)
            .bind(&new.conversation_contacts)
            .bind(&new.conversation_origins)
            .bind(now)
            .fetch_one(db)
            .await?;
        Ok((messages.unsigned_abs(), turns.unsigned_abs()))
    }
}

impl<'a> Rows<'a> {
    fn sort(
        &mut self,
        arrival: &'a Arrival<'a>,
        id: Uuid,
        event: &'a Event,
        directory: &mut Directory,
        birth: Birth<'_>,
    ) {
        let nobody = |raw: &serde_json::Value| Unreadable {
            reason: "neither a phone number nor a user id".to_owned(),
            raw: raw.clone(),
        };
        match event {
            Event::Message(message) if !message.from.is_known() => {
                self.unreadable.push((id, arrival, nobody(&message.raw)));
            }
            Event::Echo(echo) if !echo.to.is_known() => {
                self.unreadable.push((id, arrival, nobody(&echo.raw)));
            }
            Event::System(change) if keys_of_change(change).is_empty() => {
                self.unreadable.push((id, arrival, nobody(&change.raw)));
            }
            Event::Message(message) => {
                let contact = directory.contact(&message.from, birth);
                let conversation = directory.conversation(&message.phone_number_id, contact, birth);
                self.messages
                    .push_message((conversation, contact), id, arrival, message);
            }
            Event::Echo(echo) => {
                let contact = directory.contact(&echo.to, birth);
                let conversation = directory.conversation(&echo.phone_number_id, contact, birth);
                self.messages
                    .push_echo((conversation, contact), id, arrival, echo);
            }
            Event::System(change) => {
                let contact = directory.relink(change, birth);
                let conversation = directory.conversation(&change.phone_number_id, contact, birth);
                self.messages
                    .push_system((conversation, contact), id, arrival, change);
            }
            Event::Status(status) => self.statuses.push(arrival.received_at, status),
            Event::Account(event) => self.account.push((id, arrival, event)),
            Event::Unreadable(unreadable) => {
                self.unreadable.push((id, arrival, unreadable.clone()));
            }
        }
    }
}

fn bind_envelopes<'q>(query: TakeIn<'q>, arrivals: &'q [Arrival<'q>]) -> TakeIn<'q> {
    let elements =
        |arrival: &Arrival<'_>| i32::try_from(arrival.elements.len()).unwrap_or(i32::MAX);
    let received_at = |arrival: &Arrival<'_>| to_sql(arrival.received_at);
    let origin = |arrival: &Arrival<'_>| origin_name(arrival.origin);
    let each = arrivals.iter();
    query
        .bind(each.clone().map(|arrival| arrival.id.0).collect::<Vec<_>>())
        .bind(each.clone().map(received_at).collect::<Times>())
        .bind(each.clone().map(origin).collect::<Vec<_>>())
        .bind(each.clone().map(elements).collect::<Vec<_>>())
        .bind(each.map(|arrival| arrival.body).collect::<Vec<_>>())
}

/// Keeps an element that the database refused. Any other trouble concerns the whole webhook and is passed on.
async fn set_aside(
    db: &mut PgConnection,
    arrival: &Arrival<'_>,
    id: Uuid,
    event: &Event,
    error: sqlx::Error,
) -> Result<(), sqlx::Error> {
    let error = StoreError::classify("store an element", error);
    if !error.is_refused() {
        return Err(error.into_cause());
    }
    let reason = "the database refuses a value of it".to_owned();
    let unreadable = Unreadable {
        reason,
        raw: raw_of(event).clone(),
    };
    write_unreadable(db, &[(id, arrival, unreadable)]).await
}

fn raw_of(event: &Event) -> &serde_json::Value {
    match event {
        Event::Message(message) => &message.raw,
        Event::Status(status) => &status.raw,
        Event::Echo(echo) => &echo.raw,
        Event::System(change) => &change.raw,
        Event::Account(event) => &event.raw,
        Event::Unreadable(unreadable) => &unreadable.raw,
    }
}
