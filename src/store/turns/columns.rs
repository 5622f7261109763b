//! Finished turns as columns, one after the other, as `unnest` takes them in `finish.sql`.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::finish::{ConsentChange, ContactChange, FinishedTurns, owner_name};
use crate::model::ConversationId;
use crate::store::consents::{Word, name_of};
use crate::store::messages::storable_text;
use crate::store::{Times, to_sql};

pub(super) type Query<'q> =
    sqlx::query::QueryScalar<'q, sqlx::Postgres, ConversationId, sqlx::postgres::PgArguments>;

/// Binds everything in the order of the statement's parameters.
pub(super) fn bind<'q>(query: Query<'q>, finished: &[&FinishedTurns<'_>]) -> Query<'q> {
    let query = Claims::of(finished).bind(query);
    let query = Turns::of(finished).bind(query);
    let query = Items::of(finished).bind(query);
    let query = Contacts::of(finished).bind(query);
    let query = Handoffs::of(finished).bind(query);
    Sessions::of(finished).bind(query)
}

/// Columns of the claims themselves.
#[derive(Default)]
struct Claims {
    ids: Vec<Uuid>,
    fences: Vec<i64>,
    epochs: Vec<i64>,
    states: Vec<String>,
    languages: Vec<String>,
    last_message_ats: Vec<Option<jiff_sqlx::Timestamp>>,
    escalated: Vec<bool>,
    returned_seen: Vec<bool>,
    items: Vec<i64>,
    first_due_ats: Vec<Option<jiff_sqlx::Timestamp>>,
    reply_tats: Vec<Option<jiff_sqlx::Timestamp>>,
}

impl Claims {
    fn of(finished: &[&FinishedTurns<'_>]) -> Self {
        let mut columns = Self::default();
        for one in finished {
            columns.ids.push(one.due.claim.conversation.0);
            columns.fences.push(one.due.claim.fence);
            columns.epochs.push(one.due.epoch);
            columns.states.push(one.state.clone());
            columns.languages.push(one.language.clone());
            columns.last_message_ats.push(
                one.due
                    .messages
                    .iter()
                    .map(|message| message.sent_at)
                    .max()
                    .map(to_sql),
            );
            columns.escalated.push(one.handoff.is_some());
            columns.returned_seen.push(one.due.returned);
            columns
                .items
                .push(i64::try_from(one.items.len()).unwrap_or(i64::MAX));
            columns
                .first_due_ats
                .push(one.items.iter().map(|item| item.due_at).min().map(to_sql));
            columns.reply_tats.push(one.reply_tat.map(to_sql));
        }
        columns
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.ids)
            .bind(self.fences)
            .bind(self.epochs)
            .bind(self.states)
            .bind(self.languages)
            .bind(self.last_message_ats)
            .bind(self.escalated)
            .bind(self.returned_seen)
            .bind(self.items)
            .bind(self.first_due_ats)
            .bind(self.reply_tats)
    }
}

#[derive(Default)]
struct Turns {
    conversations: Vec<Uuid>,
    messages: Vec<Uuid>,
    rulesets: Vec<String>,
    nows: Times,
    seeds: Vec<i64>,
    owners: Vec<&'static str>,
    decisions: Vec<String>,
    traces: Vec<String>,
    sentiments: Vec<Option<f64>>,
    labels: Vec<String>,
    languages: Vec<String>,
    intents: Vec<Option<String>>,
}

impl Turns {
    fn of(finished: &[&FinishedTurns<'_>]) -> Self {
        let mut columns = Self::default();
        for (one, turn) in finished
            .iter()
            .flat_map(|one| one.turns.iter().map(move |turn| (one, turn)))
        {
            columns.conversations.push(one.due.claim.conversation.0);
            columns.messages.push(turn.message.0);
            columns.rulesets.push(turn.ruleset.as_str().to_owned());
            columns.nows.push(to_sql(turn.now));
            columns.seeds.push(turn.seed.cast_signed());
            columns.owners.push(owner_name(turn.owner));
            columns.decisions.push(turn.decision.clone());
            columns.traces.push(turn.trace.clone());
            columns.sentiments.push(turn.sentiment);
            columns.labels.push(turn.sentiment_label.clone());
            columns.languages.push(turn.language.clone());
            columns.intents.push(turn.intent.clone());
        }
        columns
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.conversations)
            .bind(self.messages)
            .bind(self.rulesets)
            .bind(self.nows)
            .bind(self.seeds)
            .bind(self.owners)
            .bind(self.decisions)
            .bind(self.traces)
            .bind(self.sentiments)
            .bind(self.labels)
            .bind(self.languages)
            .bind(self.intents)
    }
}

#[derive(Default)]
struct Items {
    conversations: Vec<Uuid>,
    ids: Vec<Uuid>,
    places: Vec<i64>,
    tags: Vec<i64>,
    contacts: Vec<Uuid>,
    phone_number_ids: Vec<String>,
    epochs: Vec<i64>,
    contents: Vec<String>,
    answers: Vec<String>,
    due_ats: Times,
    expires_ats: Times,
    origins: Vec<String>,
    recipients: Vec<String>,
    types: Vec<&'static str>,
    texts: Vec<String>,
}

impl Items {
    fn of(finished: &[&FinishedTurns<'_>]) -> Self {
        let mut columns = Self::default();
        for one in finished {
            for (item, place) in one.items.iter().zip(1..) {
                columns.conversations.push(one.due.claim.conversation.0);
                columns.ids.push(item.id);
                columns.places.push(place);
                columns.tags.push(item.tag.cast_signed());
                columns.contacts.push(one.due.contact.id.0);
                columns
                    .phone_number_ids
                    .push(one.due.phone_number_id.as_str().to_owned());
                columns.epochs.push(item.epoch);
                columns.contents.push(item.content.clone());
                columns.answers.push(item.answers.as_str().to_owned());
                columns.due_ats.push(to_sql(item.due_at));
                columns.expires_ats.push(to_sql(item.expires_at));
                columns.origins.push(one.due.origin.clone());
                columns.recipients.push(one.due.address.clone());
                columns.types.push(item.message_type);
                columns.texts.push(storable_text(&item.text));
            }
        }
        columns
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.conversations)
            .bind(self.ids)
            .bind(self.places)
            .bind(self.tags)
            .bind(self.contacts)
            .bind(self.phone_number_ids)
            .bind(self.epochs)
            .bind(self.contents)
            .bind(self.answers)
            .bind(self.due_ats)
            .bind(self.expires_ats)
            .bind(self.origins)
            .bind(self.recipients)
            .bind(self.types)
            .bind(self.texts)
    }
}

#[derive(Default)]
struct Contacts {
    conversations: Vec<Uuid>,
    ids: Vec<Uuid>,
    names: Vec<Option<String>>,
    consents: Vec<Option<String>>,
    changes: Vec<String>,
}

impl Contacts {
    fn of(finished: &[&FinishedTurns<'_>]) -> Self {
        let mut columns = Self::default();
        for one in finished
            .iter()
            .filter(|one| one.contact != ContactChange::default())
        {
            let change = &one.contact;
            columns.conversations.push(one.due.claim.conversation.0);
            columns.ids.push(one.due.contact.id.0);
            columns
                .names
                .push(change.name.as_deref().map(storable_text));
            columns.consents.push(consents_json(&change.consents));
            let json = json!({"set": change.set, "forget": change.forget, "tag": change.tag, "untag": change.untag});
            columns.changes.push(json.to_string());
        }
        columns
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.conversations)
            .bind(self.ids)
            .bind(self.names)
            .bind(self.consents)
            .bind(self.changes)
    }
}

/// What counts in the end, and how it came to be; nothing when nothing was said.
fn consents_json(said: &[ConsentChange]) -> Option<String> {
    let last: BTreeMap<&str, Word> = said
        .iter()
        .map(|one| (name_of(one.category), one.word))
        .collect();
    let with = |wanted: Word| -> Vec<&str> {
        let chosen = last.iter().filter(|(_, word)| **word == wanted);
        chosen.map(|(category, _)| *category).collect()
    };
    let event = |one: &ConsentChange| {
        json!({
            "id": one.id,
            "category": name_of(one.category),
            "granted": one.word == Word::Granted,
            "proof": one.message,
        })
    };
    let json = || {
        json!({
            "granted": with(Word::Granted),
            "denied": with(Word::Denied),
            "events": said.iter().map(event).collect::<Vec<_>>(),
        })
    };
    (!said.is_empty()).then(|| json().to_string())
}

#[derive(Default)]
struct Handoffs {
    conversations: Vec<Uuid>,
    ids: Vec<Uuid>,
    messages: Vec<Uuid>,
    teams: Vec<String>,
    priorities: Vec<String>,
    reasons: Vec<String>,
    notes: Vec<Option<String>>,
}

impl Handoffs {
    fn of(finished: &[&FinishedTurns<'_>]) -> Self {
        let mut columns = Self::default();
        for (one, handoff) in finished
            .iter()
            .filter_map(|one| Some((one, one.handoff.as_ref()?)))
        {
            columns.conversations.push(one.due.claim.conversation.0);
            columns.ids.push(handoff.id);
            columns.messages.push(handoff.message.0);
            columns.teams.push(handoff.team.clone());
            columns.priorities.push(handoff.priority.clone());
            columns.reasons.push(storable_text(&handoff.reason));
            columns
                .notes
                .push(handoff.note.as_deref().map(storable_text));
        }
        columns
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.conversations)
            .bind(self.ids)
            .bind(self.messages)
            .bind(self.teams)
            .bind(self.priorities)
            .bind(self.reasons)
            .bind(self.notes)
    }
}

#[derive(Default)]
struct Sessions {
    ended: Vec<Uuid>,
    ended_ats: Times,
    begun: Vec<Uuid>,
    ids: Vec<Uuid>,
    started_ats: Times,
    begun_ended_ats: Vec<Option<jiff_sqlx::Timestamp>>,
}

impl Sessions {
    fn of(finished: &[&FinishedTurns<'_>]) -> Self {
        let mut columns = Self::default();
        for one in finished {
            let conversation = one.due.claim.conversation.0;
            if let Some(ended_at) = one.session_ended_at {
                columns.ended.push(conversation);
                columns.ended_ats.push(to_sql(ended_at));
            }
            for session in &one.sessions {
                columns.begun.push(conversation);
                columns.ids.push(session.id);
                columns.started_ats.push(to_sql(session.started_at));
                columns.begun_ended_ats.push(session.ended_at.map(to_sql));
            }
        }
        columns
    }

    fn bind(self, query: Query<'_>) -> Query<'_> {
        query
            .bind(self.ended)
            .bind(self.ended_ats)
            .bind(self.begun)
            .bind(self.ids)
            .bind(self.started_ats)
            .bind(self.begun_ended_ats)
    }
}
