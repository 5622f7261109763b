//! Notices: what is sent beside the lanes. Writes the results of their calls, and claims those that are due.
//!
//! What the judge must know about an item is loaded here, and what he decides is written; the decision itself is not made
//! here. Nodes take turns: one at a time claims notices of a number, so that caps and tiers hold.

use std::collections::BTreeMap;

use jiff::Timestamp;
use puisano_engine::{Consent, Language};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::exchange::{
    CALL_LOST_SECONDS, ResultColumns, Send, SendResult, TRIES_MAX, address_of, column,
    join_parked_of,
};
use super::number::{Gate, Number, NumberPause};
use super::pace::Share;
use crate::model::{
    Class, ContactId, ConversationId, OnUnknown, OpaqueId, OutboxId, OutboxState, OutgoingContent,
};
use crate::store::notifications::category_of;
use crate::store::{Store, StoreError, call, to_jiff, to_sql};

/// Items that are looked at together.
const LOOK_MAX: i64 = 128;
/// What is looked at beyond twice what may be sent: some of it will have to wait.
const LOOK_MORE: i64 = 8;

/// Under which conditions notices are claimed.
#[derive(Clone, Copy, Debug)]
pub struct NoticeTerms<'a> {
    pub number: &'a Number,
    /// Calls that may be made now.
    pub sends_max: i64,
    /// How long an unknown item waits for a status.
    pub window_ms: u64,
}

/// An item that is due, with all that decides about it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, as the tables keep it"
)]
#[derive(Clone, Debug)]
pub struct NoticeCandidate {
    pub conversation: ConversationId,
    pub id: OutboxId,
    pub contact: ContactId,
    pub class: Class,
    /// What the contact can refuse; an unknown category is never sent.
    pub category: Option<Consent>,
    pub critical: bool,
    pub on_unknown: OnUnknown,
    pub state: OutboxState,
    pub resent: bool,
    /// Another notice is on its way to the same person.
    pub under_way: bool,
    pub sending_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// `None`: written by a newer version of the service.
    pub content: Option<OutgoingContent>,
    /// It was found that the window is closed.
    pub template_only: bool,
    /// Something the customer wrote opens the window; reactions do not.
    pub last_inbound_at: Option<Timestamp>,
    pub opted_out: bool,
    pub denied: Vec<Consent>,
    pub granted: Vec<Consent>,
    pub time_zone: Option<String>,
    /// Notices of the last 24 hours, and when the first of them was sent.
    pub sent_today: i64,
    pub first_today: Option<Timestamp>,
    /// Written to outside the window in the last 24 hours, so that it uses nothing of the tier.
    pub initiated: bool,
    /// When the pair's allowance is whole again; never before now.
    pub pair_tat: Timestamp,
    pub links: Vec<TemplateLink>,
    /// Of content that sends a file of ours.
    pub file: FileAt,
}

/// Where a file of ours is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAt {
    Nowhere,
    /// Here only.
    Here,
    /// WhatsApp has it too, under this id, for the number that sends.
    WhatsApp(String),
}

/// One of Meta's templates that is approved for ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateLink {
    pub language: Language,
    pub meta_name: String,
    pub meta_language: String,
    /// By part (`header`, `body`); none when parameters go by position.
    pub parameter_names: BTreeMap<String, Vec<String>>,
}

/// What stands around all items of one look.
#[derive(Clone, Copy, Debug)]
pub struct Docket {
    pub now: Timestamp,
    /// How many people may be written to first in these 24 hours; `None` is as many as we like.
    pub tier_left: Option<i64>,
    pub sends_max: i64,
}

/// What is to be done with an item.
#[derive(Clone, Debug, PartialEq)]
pub enum NoticeAct {
    Send(Box<NoticeSend>),
    /// Looked at again then, at the latest.
    Wait {
        until: Timestamp,
        why: Option<WaitsFor>,
    },
    Cancel {
        why: &'static str,
    },
    /// The call never ended: nobody knows what came of it.
    Lose,
    /// Given up as unknown, and shown.
    Hold,
    /// No call is free: stays as it is.
    Leave,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NoticeSend {
    pub content: OutgoingContent,
    pub language: Option<Language>,
    /// Outside the window, to somebody who counts for the tier.
    pub initiates: bool,
    /// The pair's pace after it.
    pub pair_tat: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    QuietHours,
    Template,
    Tier,
    Cap,
    Pair,
    /// WhatsApp does not have the file yet.
    Upload,
}

impl WaitsFor {
    pub fn name(self) -> &'static str {
        match self {
            Self::QuietHours => "quiet_hours",
            Self::Template => "template",
            Self::Tier => "tier",
            Self::Cap => "cap",
            Self::Pair => "pair",
            Self::Upload => "upload",
        }
    }
}

#[derive(Clone, Debug)]
pub struct NoticeExchange {
    pub sends: Vec<Send>,
    /// There is more to look at, at once.
    pub again: bool,
    /// The pause that the calls are to end.
    pub pause: Option<NumberPause>,
    /// When to look again, if not woken before.
    pub next_at: Option<Timestamp>,
    /// The database's time.
    pub now: Timestamp,
}

impl Store {
    /// Writes `results`, then has `judge` decide about what is due, and writes what he says.
    pub async fn exchange_notices(
        &self,
        results: &[SendResult],
        terms: NoticeTerms<'_>,
        judge: impl FnOnce(Docket, &[NoticeCandidate]) -> Vec<NoticeAct>,
    ) -> Result<NoticeExchange, StoreError> {
        let mut call = self.call("exchange notices with the outbox").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            write_results(&mut transaction, results, terms.window_ms).await?;
            let mut claim = transaction.begin().await?;
            let exchange = match claim_notices(&mut claim, terms, judge).await? {
                Claimed::Whole(exchange) => {
                    claim.commit().await?;
                    exchange
                }
                // Replies have taken the places meanwhile; nothing of this look holds.
                Claimed::TooLate(exchange) => {
                    claim.rollback().await?;
                    exchange
                }
            };
            transaction.commit().await?;
            Ok(exchange)
        })
        .await;
        call.end(outcome)
    }

    /// Lets items that wait for `templates` be looked at at once.
    pub async fn look_at_templates_again(&self, templates: &[String]) -> Result<u64, StoreError> {
        let mut call = self.call("look again at what waits for a template").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "UPDATE outbox SET due_at = puisano_now()
                 WHERE state = 'pending' AND class IN ('notification', 'bulk') AND waits_for = 'template'
                   AND template = ANY($1)",
            )
            .bind(templates)
            .execute(call.db())
            .await
        })
        .await;
        let rows = call.end(outcome)?.rows_affected();
        self.wake(crate::store::Topic::Notices);
        Ok(rows)
    }
}

async fn write_results(
    db: &mut PgConnection,
    results: &[SendResult],
    window_ms: u64,
) -> Result<(), sqlx::Error> {
    if results.is_empty() {
        return Ok(());
    }
    let verdicts = column(results, |result| ResultColumns::of(&result.verdict));
    sqlx::query(include_str!("notice_results.sql"))
        .bind(column(results, |result| result.conversation.0))
        .bind(column(results, |result| result.id.0))
        .bind(column(results, |result| result.phone_number_id.0.clone()))
        .bind(column(results, |result| result.attempt))
        .bind(column(&verdicts, |verdict| verdict.verdict))
        .bind(column(&verdicts, |verdict| verdict.wamid.clone()))
        .bind(column(&verdicts, |verdict| verdict.code))
        .bind(column(&verdicts, |verdict| verdict.failure.clone()))
        .bind(column(&verdicts, |verdict| verdict.errors.clone()))
        .bind(column(&verdicts, |verdict| verdict.delay_ms))
        .bind(column(&verdicts, |verdict| verdict.counted))
        .bind(column(&verdicts, |verdict| verdict.slow_down))
        .bind(TRIES_MAX)
        .bind(i64::try_from(window_ms).unwrap_or(i64::MAX))
        .execute(&mut *db)
        .await?;
    join_parked_of(db, results).await
}

enum Claimed {
    Whole(NoticeExchange),
    TooLate(NoticeExchange),
}

async fn claim_notices(
    db: &mut PgConnection,
    terms: NoticeTerms<'_>,
    judge: impl FnOnce(Docket, &[NoticeCandidate]) -> Vec<NoticeAct>,
) -> Result<Claimed, sqlx::Error> {
    let mut gate = Gate::open(db, terms.number, Share::Notices).await?;
    let mut exchange = NoticeExchange {
        sends: Vec::new(),
        again: false,
        pause: gate.pause.clone(),
        next_at: gate.free_at(Share::Notices),
        now: gate.now,
    };
    let sends_max = terms.sends_max.min(gate.allowed(Share::Notices));
    if sends_max <= 0 {
        return Ok(Claimed::Whole(exchange));
    }
    if !take_turn(db, terms.number).await? {
        exchange.next_at = Some(gate.now);
        return Ok(Claimed::Whole(exchange));
    }
    let look = (2 * sends_max + LOOK_MORE).min(LOOK_MAX);
    let held = hold_due(db, look).await?;
    let (rows, candidates) = load(db, &held).await?;
    if candidates.is_empty() {
        exchange.next_at = next_due(db).await?;
        return Ok(Claimed::Whole(exchange));
    }
    let docket = Docket {
        now: gate.now,
        tier_left: tier_left(db, gate.tier_limit).await?,
        sends_max,
    };
    let acts = judge(docket, &candidates);
    exchange.again = acts.iter().any(|act| *act != NoticeAct::Leave);
    exchange.sends = write_acts(db, &rows, &acts).await?;
    let calls = i64::try_from(exchange.sends.len()).unwrap_or(i64::MAX);
    if calls > 0 && !gate.take(db, terms.number, calls).await? {
        exchange.sends.clear();
        exchange.again = true;
        return Ok(Claimed::TooLate(exchange));
    }
    exchange.next_at = gate.free_at(Share::Notices);
    Ok(Claimed::Whole(exchange))
}

/// Until the transaction ends, no other node claims notices of the number.
async fn take_turn(db: &mut PgConnection, number: &Number) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended('notices of ' || $1, 0))")
        .bind(&number.id)
        .fetch_one(db)
        .await
}

/// Holds the lanes and contacts of what is due, so that neither the pair's pace nor consent changes until it is sent.
/// Whoever is being changed at this moment is left for the next look: nobody is waited for.
async fn hold_due(db: &mut PgConnection, look: i64) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let mut held = Vec::new();
    for class in [Class::Notification, Class::Bulk] {
        let room = look - i64::try_from(held.len()).unwrap_or(look);
        let more: Vec<(Uuid, Uuid)> = sqlx::query_as(HOLD_DUE)
            .bind(class)
            .bind(room)
            .fetch_all(&mut *db)
            .await?;
        held.extend(more);
    }
    Ok(held)
}

const HOLD_DUE: &str = "
WITH due AS MATERIALIZED (
    SELECT conversation_id, id, contact_id, due_at FROM outbox
    WHERE class = $1 AND class IN ('notification', 'bulk') AND state IN ('pending', 'sending', 'unknown')
      AND due_at <= puisano_now()
    ORDER BY due_at, id LIMIT $2
)
SELECT due.conversation_id, due.id
FROM due
JOIN lanes l ON l.conversation_id = due.conversation_id
JOIN contacts k ON k.id = due.contact_id
ORDER BY due.due_at, due.id
FOR UPDATE OF l SKIP LOCKED
FOR SHARE OF k SKIP LOCKED";

/// When the next item is due.
async fn next_due(db: &mut PgConnection) -> Result<Option<Timestamp>, sqlx::Error> {
    let at: Option<jiff_sqlx::Timestamp> = sqlx::query_scalar(
        "SELECT min(at) FROM (
             (SELECT due_at AS at FROM outbox WHERE class = 'notification' AND state IN ('pending', 'sending', 'unknown')
              ORDER BY due_at LIMIT 1)
             UNION ALL
             (SELECT due_at FROM outbox WHERE class = 'bulk' AND state IN ('pending', 'sending', 'unknown')
              ORDER BY due_at LIMIT 1)) AS first",
    )
    .fetch_one(db)
    .await?;
    Ok(at.map(to_jiff))
}

async fn tier_left(db: &mut PgConnection, limit: Option<i32>) -> Result<Option<i64>, sqlx::Error> {
    let Some(limit) = limit.map(i64::from) else {
        return Ok(None);
    };
    let used: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT FROM initiations WHERE at > puisano_now() - interval '24 hours' LIMIT $1) AS recent",
    )
    .bind(limit)
    .fetch_one(db)
    .await?;
    Ok(Some(limit - used))
}

/// Reads what is held, as it is now that it is held.
async fn load(
    db: &mut PgConnection,
    held: &[(Uuid, Uuid)],
) -> Result<(Vec<PgRow>, Vec<NoticeCandidate>), sqlx::Error> {
    if held.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let rows = sqlx::query(include_str!("notice_facts.sql"))
        .bind(column(held, |(conversation, _)| *conversation))
        .bind(column(held, |(_, id)| *id))
        .fetch_all(db)
        .await?;
    let candidates = rows.iter().map(candidate_of).collect::<Result<_, _>>()?;
    Ok((rows, candidates))
}

fn candidate_of(row: &PgRow) -> Result<NoticeCandidate, sqlx::Error> {
    let time = |name| {
        row.try_get::<Option<jiff_sqlx::Timestamp>, _>(name)
            .map(|at| at.map(to_jiff))
    };
    let consents = |name| {
        row.try_get::<Vec<String>, _>(name)
            .map(|names| names.iter().filter_map(|name| category_of(name)).collect())
    };
    let category: Option<String> = row.try_get("category")?;
    Ok(NoticeCandidate {
        conversation: row.try_get("conversation_id")?,
        id: row.try_get("id")?,
        contact: row.try_get("contact_id")?,
        class: row.try_get("class")?,
        category: category.as_deref().and_then(category_of),
        critical: row.try_get("critical")?,
        on_unknown: row.try_get("on_unknown")?,
        state: row.try_get("state")?,
        resent: row.try_get("resent")?,
        under_way: row.try_get("under_way")?,
        sending_at: time("sending_at")?,
        expires_at: to_jiff(row.try_get("expires_at")?),
        content: serde_json::from_value(row.try_get("content")?).ok(),
        template_only: row.try_get("template_only")?,
        last_inbound_at: time("last_inbound_at")?,
        opted_out: row.try_get("opted_out")?,
        denied: consents("denied")?,
        granted: consents("granted")?,
        time_zone: row.try_get("time_zone")?,
        sent_today: row.try_get("sent_today")?,
        first_today: time("first_today")?,
        initiated: row.try_get("initiated")?,
        pair_tat: to_jiff(row.try_get("pair_tat")?),
        links: links_of(row.try_get("links")?),
        file: file_of(row)?,
    })
}

fn file_of(row: &PgRow) -> Result<FileAt, sqlx::Error> {
    let is_here: bool = row.try_get("file_is_here")?;
    let id: Option<String> = row.try_get("uploaded_id")?;
    let here = if is_here {
        FileAt::Here
    } else {
        FileAt::Nowhere
    };
    Ok(id.map_or(here, FileAt::WhatsApp))
}

fn links_of(links: Option<Value>) -> Vec<TemplateLink> {
    let Some(Value::Array(links)) = links else {
        return Vec::new();
    };
    let text = |link: &Value, key: &str| link[key].as_str().map(str::to_owned);
    let link = |link: &Value| {
        Some(TemplateLink {
            language: Language::parse(link["language"].as_str()?)?,
            meta_name: text(link, "meta_name")?,
            meta_language: text(link, "meta_language")?,
            parameter_names: serde_json::from_value(link["parameter_names"].clone())
                .unwrap_or_default(),
        })
    };
    links.iter().filter_map(link).collect()
}

/// One item's act in columns.
struct ActColumns<'a> {
    row: &'a PgRow,
    act: &'a NoticeAct,
}

impl ActColumns<'_> {
    fn send(&self) -> Option<&NoticeSend> {
        match self.act {
            NoticeAct::Send(send) => Some(send),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self.act {
            NoticeAct::Send(_) => "send",
            NoticeAct::Wait { .. } => "wait",
            NoticeAct::Cancel { .. } => "cancel",
            NoticeAct::Lose => "lose",
            NoticeAct::Hold => "hold",
            NoticeAct::Leave => "leave",
        }
    }

    fn due_at(&self) -> Option<jiff_sqlx::Timestamp> {
        match self.act {
            NoticeAct::Wait { until, .. } => Some(to_sql(*until)),
            _ => None,
        }
    }

    fn waits_for(&self) -> Option<&'static str> {
        match self.act {
            NoticeAct::Wait { why, .. } => why.map(WaitsFor::name),
            _ => None,
        }
    }

    fn why(&self) -> Option<&'static str> {
        match self.act {
            NoticeAct::Cancel { why } => Some(why),
            _ => None,
        }
    }

    fn content(&self) -> Option<Value> {
        self.send()
            .map(|send| serde_json::to_value(&send.content).unwrap_or_default())
    }
}

/// Writes all acts at once; what is to be sent comes back, without what was stopped at this moment.
async fn write_acts(
    db: &mut PgConnection,
    rows: &[PgRow],
    acts: &[NoticeAct],
) -> Result<Vec<Send>, sqlx::Error> {
    let acts: Vec<ActColumns<'_>> = rows
        .iter()
        .zip(acts)
        .filter(|(_, act)| **act != NoticeAct::Leave)
        .map(|(row, act)| ActColumns { row, act })
        .collect();
    let get_id = |name: &'static str| -> Result<Vec<Uuid>, sqlx::Error> {
        acts.iter().map(|act| act.row.try_get(name)).collect()
    };
    let is_template = |send: &NoticeSend| matches!(send.content, OutgoingContent::Template(_));
    let text = |send: &NoticeSend| text_of(&send.content).to_owned();
    let changed: Vec<(Uuid, i16, i64)> = sqlx::query_as(include_str!("notice_acts.sql"))
        .bind(get_id("conversation_id")?)
        .bind(get_id("id")?)
        .bind(column(&acts, ActColumns::name))
        .bind(column(&acts, ActColumns::due_at))
        .bind(column(&acts, ActColumns::waits_for))
        .bind(column(&acts, ActColumns::why))
        .bind(column(&acts, ActColumns::content))
        .bind(column(&acts, |act| act.send().map(is_template)))
        .bind(column(&acts, |act| act.send().map(text)))
        .bind(column(&acts, |act| {
            act.send()
                .and_then(|send| send.language)
                .map(|language| language.as_str().to_owned())
        }))
        .bind(column(&acts, |act| {
            act.send().is_some_and(|send| send.initiates)
        }))
        .bind(column(&acts, |act| {
            act.send().map(|send| to_sql(send.pair_tat))
        }))
        .bind(CALL_LOST_SECONDS)
        .bind(
            acts.iter()
                .map(|act| act.row.try_get("attempt"))
                .collect::<Result<Vec<i16>, _>>()?,
        )
        .fetch_all(db)
        .await?;
    let claimed: BTreeMap<Uuid, (i16, i64)> = changed
        .into_iter()
        .map(|(id, attempt, tag)| (id, (attempt, tag)))
        .collect();
    let mut sends = Vec::new();
    for act in &acts {
        let id: OutboxId = act.row.try_get("id")?;
        if let (Some(content), Some((attempt, tag))) = (act.content(), claimed.get(&id.0)) {
            sends.push(Send {
                phone_number_id: act.row.try_get("phone_number_id")?,
                opaque: OpaqueId {
                    conversation: act.row.try_get("conversation_id")?,
                    outbox: id,
                    tag: tag.cast_unsigned(),
                },
                to: address_of(act.row)?,
                content,
                reply_to: act.row.try_get("reply_to")?,
                attempt: *attempt,
                tries: act.row.try_get("tries")?,
            });
        }
    }
    Ok(sends)
}

/// What a notice reads like as it is sent; other content keeps the words it was put in with.
fn text_of(content: &OutgoingContent) -> &str {
    match content {
        OutgoingContent::Text { text } => text,
        OutgoingContent::Template(message) => &message.text,
        _ => "",
    }
}
