//! `/api/v1/conversations`: who waits for staff, what was said, a reply, and giving back to the bot.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::gate::Desk;
use super::input::{Asked, Bare, Input, Named};
use super::media::MessageFile;
use super::page::{Page, Which};
use super::problem::Problem;
use super::repeat;
use crate::conversations::handoff::{self, HandoffError};
use crate::model::{ConversationId, MessageId};
use crate::store::messages;

/// A conversation that is with staff.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AtStaff {
    id: Uuid,
    team: String,
    /// `low`, `normal`, `high` or `urgent`.
    priority: String,
    /// Name and number, as far as they are known.
    contact: String,
    #[schema(value_type = String, format = DateTime)]
    waiting_since: Timestamp,
    /// Why it was handed over.
    reason: String,
    /// What the customer wrote last.
    last_message: String,
}

/// A message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Said {
    id: Uuid,
    /// `inbound` or `outbound`.
    direction: String,
    /// `contact`, `bot`, `staff`, `system`, `phone_app` or `whatsapp`.
    author: String,
    #[serde(rename = "type")]
    kind: String,
    /// Empty when the customer took the message back.
    text: String,
    /// WhatsApp's id.
    #[schema(required = true)]
    wamid: Option<String>,
    /// WhatsApp's id of the message that is quoted.
    #[schema(required = true)]
    reply_to: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
    /// `received`, `queued`, `accepted`, `sent`, `delivered`, `read`, `failed`, `unknown`, `held`, `cancelled` …
    status: String,
    /// `angry`, `negative`, `neutral`, `positive`; null for what was not judged.
    #[schema(required = true)]
    sentiment: Option<String>,
    #[schema(required = true)]
    language: Option<String>,
    #[schema(required = true)]
    intent: Option<String>,
    /// The file that was sent with it.
    #[schema(required = true)]
    media: Option<MessageFile>,
}

/// What staff answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    #[schema(min_length = 1, max_length = 4096, example = "The team is on its way.")]
    text: String,
}

/// A message that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queued {
    id: Uuid,
}

/// List the conversations that are with staff, longest waiting first.
#[utoipa::path(
    get, path = "/api/v1/conversations", tag = "conversations", operation_id = "list_conversations",
    params(Which),
    responses((status = 200, description = "Who waits.", body = Page<AtStaff>))
)]
pub(super) async fn list(
    desk: Desk,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<AtStaff>>, Problem> {
    let waiting = handoff::waiting(desk.store()).await?;
    let from = which.after.map_or(0, |after| {
        // Who is not waiting any more is no place to go on from: then it begins anew.
        let at = waiting.iter().position(|one| one.conversation.0 == after);
        at.map_or(0, |at| at + 1)
    });
    let rows = waiting
        .into_iter()
        .skip(from)
        .take(usize::from(which.limit) + 1);
    let show = |one: handoff::Waiting| AtStaff {
        id: one.conversation.0,
        team: one.team,
        priority: one.priority,
        contact: one.contact,
        waiting_since: one.waiting_since,
        reason: one.reason,
        last_message: one.last_message,
    };
    Ok(Json(
        which.page(rows.collect(), (|one| one.conversation.0, show)),
    ))
}

/// List what was said in a conversation, newest first.
#[utoipa::path(
    get, path = "/api/v1/conversations/{id}/messages", tag = "conversations", operation_id = "list_conversation_messages",
    params(("id" = Uuid, Path, description = "The conversation."), Which),
    responses((status = 200, description = "Its messages.", body = Page<Said>))
)]
pub(super) async fn messages(
    desk: Desk,
    Named(id): Named<Uuid>,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<Said>>, Problem> {
    let before = which.after.map(MessageId);
    let rows = desk
        .store()
        .messages_in(ConversationId(id), before, which.rows());
    let rows = rows.await?.ok_or_else(no_such_conversation)?;
    Ok(Json(which.page(rows, (|row| row.id.0, said))))
}

/// Answer a conversation as staff: it is a person's from then on, and the bot is silent in it.
#[utoipa::path(
    post, path = "/api/v1/conversations/{id}/reply", tag = "conversations", operation_id = "reply_to_conversation",
    params(("id" = Uuid, Path, description = "The conversation.")),
    request_body = Reply,
    responses((status = 202, description = "The reply is queued.", body = Queued))
)]
pub(super) async fn reply(
    desk: Desk,
    Named(id): Named<Uuid>,
    input: Input<Reply>,
) -> Result<Response, Problem> {
    desk.enabled()?;
    let reply = (ConversationId(id), input.body.text.as_str());
    let queued =
        handoff::reply_once(desk.store(), desk.clock(), reply, input.once.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(Queued { id: queued.0 })).into_response())
}

/// Give a conversation back to the bot.
#[utoipa::path(
    post, path = "/api/v1/conversations/{id}/resolve", tag = "conversations", operation_id = "resolve_conversation",
    params(("id" = Uuid, Path, description = "The conversation.")),
    responses((status = 204, description = "The bot answers again."))
)]
pub(super) async fn resolve(
    desk: Desk,
    Named(id): Named<Uuid>,
    Bare { once }: Bare,
) -> Result<Response, Problem> {
    repeat::once(desk.store(), desk.clock(), once.as_ref(), async {
        let conversation = ConversationId(id);
        handoff::resolve(desk.store(), desk.clock(), conversation).await?;
        Ok(repeat::nothing(StatusCode::NO_CONTENT))
    })
    .await
}

pub(super) fn said(message: messages::Message) -> Said {
    Said {
        id: message.id.0,
        direction: message.direction,
        author: message.author,
        kind: message.message_type,
        text: message.content,
        wamid: message.wamid.map(|wamid| wamid.0),
        reply_to: message.reply_to.map(|wamid| wamid.0),
        sent_at: message.sent_at,
        status: message.status,
        sentiment: message
            .sentiment_label
            .filter(|label| label != "not_judged"),
        language: message.language,
        intent: message.intent,
        media: message.media.map(MessageFile::from),
    }
}

fn no_such_conversation() -> Problem {
    Problem::not_found("There is no such conversation.")
}

impl From<HandoffError> for Problem {
    fn from(error: HandoffError) -> Self {
        match error {
            HandoffError::EmptyText => Self::field("text", "is empty"),
            HandoffError::LongText(length) => Self::field(
                "text",
                &format!("has {length} characters; WhatsApp takes 4096 at most"),
            ),
            HandoffError::NoSuchConversation(_) => no_such_conversation(),
            HandoffError::NeverWritten => Self::conflict(
                "The customer has never written; WhatsApp takes only templates until they do.",
            ),
            HandoffError::WindowClosed(at) => Self::conflict(&format!(
                "The customer last wrote at {at}, more than 24 hours ago; WhatsApp takes only templates until they \
                 write again."
            )),
            HandoffError::NotWithStaff(_) => {
                Self::conflict("This conversation is not with staff, or does not exist.")
            }
            HandoffError::KeyReused => Self::key_reused(),
            HandoffError::Store(error) => error.into(),
        }
    }
}
