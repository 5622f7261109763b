//! Writes what claims led to, all of it in the one fenced statement of `finish.sql`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use puisano_engine::Consent;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{DueTurns, columns};
use crate::model::{ConversationId, MessageId, Owner, RulesetHash, Wamid};
use crate::store::consents::Word;
use crate::store::notifications::cancel_contact;
use crate::store::{Store, StoreError, call};

/// What a claim led to.
#[derive(Clone, Debug)]
pub struct FinishedTurns<'a> {
    pub due: &'a DueTurns,
    /// The engine's state after the last message, as JSON.
    pub state: String,
    pub language: String,
    pub turns: Vec<DecidedTurn>,
    /// In the order in which they are to be sent.
    pub items: Vec<NewItem>,
    /// The conversation is handed to staff.
    pub handoff: Option<NewHandoff>,
    pub contact: ContactChange,
    /// Sessions that began.
    pub sessions: Vec<SessionSpan>,
    /// When the session that was going on before these ended, if it did.
    pub session_ended_at: Option<Timestamp>,
    /// Up to when the pack's replies a minute are used up.
    pub reply_tat: Option<Timestamp>,
}

/// One message and what was decided about it.
#[derive(Clone, Debug)]
pub struct DecidedTurn {
    pub message: MessageId,
    pub ruleset: RulesetHash,
    pub now: Timestamp,
    pub seed: u64,
    pub owner: Owner,
    /// JSON.
    pub decision: String,
    /// JSON.
    pub trace: String,
    pub sentiment: Option<f64>,
    pub sentiment_label: String,
    pub language: String,
    pub intent: Option<String>,
}

/// Something to be sent; its message has the same id.
#[derive(Clone, Debug)]
pub struct NewItem {
    pub id: Uuid,
    pub tag: u64,
    pub epoch: i64,
    /// [`crate::model::OutgoingContent`] as JSON.
    pub content: String,
    /// As it is recorded: `text`, `interactive`, `reaction`.
    pub message_type: &'static str,
    /// What people read in a list.
    pub text: String,
    /// The message that is answered.
    pub answers: Wamid,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct NewHandoff {
    pub id: Uuid,
    pub message: MessageId,
    pub team: String,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: String,
    pub reason: String,
    pub note: Option<String>,
}

/// What the turns changed about the contact; facts that others change meanwhile are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactChange {
    pub name: Option<String>,
    /// In the order in which they were said; the last word about a category counts.
    pub consents: Vec<ConsentChange>,
    pub set: BTreeMap<String, String>,
    pub forget: BTreeSet<String>,
    pub tag: BTreeSet<String>,
    pub untag: BTreeSet<String>,
    /// The first message of this contact was decided.
    pub first: bool,
    /// Notifications that what was said has made pointless.
    pub cancels: Vec<String>,
}

/// A category granted or denied in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentChange {
    pub id: Uuid,
    pub category: Consent,
    pub word: Word,
    /// The proof.
    pub message: MessageId,
}

#[derive(Clone, Debug)]
pub struct SessionSpan {
    pub id: Uuid,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Store {
    /// Writes all of `finished` whose fence and epoch still hold, and says which these were. The lease of those is over.
    pub async fn finish_turns(
        &self,
        finished: &[FinishedTurns<'_>],
    ) -> Result<Vec<ConversationId>, StoreError> {
        let mut call = self.call("write decisions").await?;
        let outcome = call::deadline(async {
            let mut written = Vec::new();
            for group in groups_of_distinct_contacts(finished) {
                written.extend(write(call.db(), &group).await?);
            }
            Ok(written)
        })
        .await;
        call.end(outcome)
    }
}

/// One statement changes a row once: two conversations of one contact go into two statements.
fn groups_of_distinct_contacts<'f, 'd>(
    finished: &'f [FinishedTurns<'d>],
) -> Vec<Vec<&'f FinishedTurns<'d>>> {
    let mut groups: Vec<(BTreeSet<Uuid>, Vec<&FinishedTurns<'_>>)> = Vec::new();
    for one in finished {
        let contact = one.due.contact.id.0;
        match groups
            .iter_mut()
            .find(|(contacts, _)| !contacts.contains(&contact))
        {
            Some((contacts, group)) => {
                contacts.insert(contact);
                group.push(one);
            }
            None => groups.push((BTreeSet::from([contact]), vec![one])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

async fn write(
    db: &mut PgConnection,
    finished: &[&FinishedTurns<'_>],
) -> Result<Vec<ConversationId>, sqlx::Error> {
    if finished.iter().all(|one| one.contact.cancels.is_empty()) {
        return write_turns(db, finished).await;
    }
    let mut transaction = db.begin().await?;
    let written = write_turns(&mut transaction, finished).await?;
    for one in finished
        .iter()
        .filter(|one| written.contains(&one.due.claim.conversation))
    {
        for template in &one.contact.cancels {
            cancel_contact(&mut transaction, template, one.due.contact.id).await?;
        }
    }
    transaction.commit().await?;
    Ok(written)
}

async fn write_turns(
    db: &mut PgConnection,
    finished: &[&FinishedTurns<'_>],
) -> Result<Vec<ConversationId>, sqlx::Error> {
    columns::bind(sqlx::query_scalar(include_str!("finish.sql")), finished)
        .fetch_all(db)
        .await
}

pub(in crate::store) fn owner_name(owner: Owner) -> &'static str {
    match owner {
        Owner::Bot => "bot",
        Owner::Waiting => "waiting",
        Owner::Person => "person",
    }
}
