//! One change to contacts, accounts or areas in one transaction, together with the answer its caller may ask for again.

use jiff::Timestamp;
use puisano_engine::Consent;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{ContactPatch, Hand, read, write};
use crate::model::{ContactId, PhoneNumber};
use crate::store::accounts::{self, AccountPatch, NewLink, Outcome};
use crate::store::areas::{self, Placed};
use crate::store::consents::{self, Said};
use crate::store::idempotency::{self, Answer, Earlier};
use crate::store::{Store, StoreError, call};

/// Attempts when somebody else creates the same at the same moment.
const ATTEMPTS_MAX: u32 = 5;
const OK: u16 = 200;
const CREATED: u16 = 201;

/// What is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Creates the contact of this number, or changes the one who has it.
    Contact {
        phone: PhoneNumber,
        patch: ContactPatch,
    },
    PatchContact {
        id: ContactId,
        patch: ContactPatch,
    },
    Consent {
        contact: ContactId,
        said: Vec<Said>,
    },
    /// Creates or changes the account of this number.
    Account {
        number: String,
        patch: AccountPatch,
    },
    Link {
        number: String,
        contact: ContactId,
        link: NewLink,
    },
    Unlink {
        number: String,
        contact: ContactId,
    },
    PlaceArea {
        key: String,
        parent: Option<String>,
    },
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// With the answer, now or as it was given the first time.
    Done(Answer),
    /// Another request came under the same idempotency key.
    OtherRequest,
    NoSuchContact,
    NoSuchAccount,
    NoSuchArea,
    /// The area would lie within itself.
    Circular,
    /// The contact denied the category personally; that stands until there is a proof of something newer.
    Overruled(Consent),
}

impl Store {
    /// Makes `change`, once for each idempotency key.
    pub async fn change_people(
        &self,
        hand: Hand<'_>,
        change: &Change,
    ) -> Result<Changed, StoreError> {
        let mut attempt = 1;
        loop {
            match self.try_change(hand, change).await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS_MAX => attempt += 1,
                other => return other,
            }
        }
    }

    async fn try_change(&self, hand: Hand<'_>, change: &Change) -> Result<Changed, StoreError> {
        let mut call = self.call("change contacts and accounts").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            match idempotency::earlier(&mut transaction, hand.once).await? {
                Earlier::Never => {}
                Earlier::Same(answer) => return Ok(Changed::Done(answer)),
                Earlier::Other => return Ok(Changed::OtherRequest),
            }
            let changed = make(&mut transaction, hand, change).await?;
            if let Changed::Done(answer) = &changed {
                let now: Timestamp = hand.clock.now();
                idempotency::remember(&mut transaction, hand.once, answer, now).await?;
                transaction.commit().await?;
            }
            Ok(changed)
        })
        .await;
        call.end(outcome)
    }
}

async fn make(
    db: &mut PgConnection,
    hand: Hand<'_>,
    change: &Change,
) -> Result<Changed, sqlx::Error> {
    match change {
        Change::Contact { phone, patch } => {
            let found = write::create_missing(db, hand, &[phone]).await?;
            let (id, is_new) = *found.first().ok_or(sqlx::Error::RowNotFound)?;
            write::patch(db, hand, &[(id, patch)]).await?;
            contact_answer(db, id, if is_new { CREATED } else { OK }).await
        }
        Change::PatchContact { id, patch } => {
            write::patch(db, hand, &[(*id, patch)]).await?;
            contact_answer(db, *id, OK).await
        }
        Change::Consent { contact, said } => consent(db, hand, (*contact, said)).await,
        Change::Account { number, patch } => {
            let patches = [(number.as_str(), patch.clone())].into_iter().collect();
            let written = accounts::upsert(db, hand, &patches).await?;
            let is_new = written
                .values()
                .any(|(_, outcome)| *outcome == Outcome::Created);
            account_answer(db, number, if is_new { CREATED } else { OK }).await
        }
        Change::Link {
            number,
            contact,
            link,
        } => {
            let Some(account) = accounts::account(db, number).await? else {
                return Ok(Changed::NoSuchAccount);
            };
            if read::contact(db, *contact).await?.is_none() {
                return Ok(Changed::NoSuchContact);
            }
            accounts::link(db, hand, &[(account.id, *contact, link)]).await?;
            account_answer(db, number, OK).await
        }
        Change::Unlink { number, contact } => {
            if accounts::unlink(db, number, *contact).await? {
                account_answer(db, number, OK).await
            } else {
                Ok(Changed::NoSuchContact)
            }
        }
        Change::PlaceArea { key, parent } => {
            let placed = areas::place(db, hand.clock, (key, parent.as_deref())).await?;
            Ok(match placed {
                Placed::Done => done(OK, json!({ "key": key, "parent": parent })),
                Placed::NoSuchArea => Changed::NoSuchArea,
                Placed::Circular => Changed::Circular,
            })
        }
    }
}

async fn consent(
    db: &mut PgConnection,
    hand: Hand<'_>,
    (contact, said): (ContactId, &[Said]),
) -> Result<Changed, sqlx::Error> {
    if read::contact(db, contact).await?.is_none() {
        return Ok(Changed::NoSuchContact);
    }
    let recorded = consents::record(db, hand, said).await?;
    match recorded.overruled.first() {
        Some((_, category)) => Ok(Changed::Overruled(*category)),
        None => contact_answer(db, contact, OK).await,
    }
}

async fn contact_answer(
    db: &mut PgConnection,
    id: ContactId,
    status: u16,
) -> Result<Changed, sqlx::Error> {
    let person = read::contact(db, id).await?;
    Ok(person.map_or(Changed::NoSuchContact, |person| done(status, json!(person))))
}

async fn account_answer(
    db: &mut PgConnection,
    number: &str,
    status: u16,
) -> Result<Changed, sqlx::Error> {
    let account = accounts::account(db, number).await?;
    Ok(account.map_or(Changed::NoSuchAccount, |account| {
        done(status, json!(account))
    }))
}

fn done(status: u16, body: serde_json::Value) -> Changed {
    Changed::Done(Answer { status, body })
}
