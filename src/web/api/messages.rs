//! `/api/whatsapp/send` and `/api/whatsapp/messages`: one message of any kind to one person, and what became of it.

use axum::Json;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::conversations::Said;
use super::gate::{Caller, Desk};
use super::input::{Asked, Input, Named};
use super::media::MessageFile;
use super::page::{Page, Which};
use super::problem::Problem;
use super::repeat;
use crate::model::{MessageId, PhoneNumber};
use crate::outbound::notifications::{self, Refused, SendCall, SendRequest};

/// A message that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queued {
    /// By it the message is asked for.
    id: Uuid,
    state: String,
    /// A template of the rules is a notification, too.
    #[schema(nullable = false)]
    notification: Option<Uuid>,
    /// The same was asked for within a day, without an idempotency key; it is sent all the same.
    #[schema(nullable = false)]
    repeat_of: Option<Uuid>,
}

/// What became of a message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Message {
    id: Uuid,
    #[schema(required = true)]
    wamid: Option<String>,
    /// `outbound`.
    direction: String,
    #[serde(rename = "type")]
    kind: String,
    /// `queued`, `accepted`, `sent`, `delivered`, `read`, `failed`, `unknown`, `held`, `cancelled` …
    status: String,
    /// What that means, and what to do.
    #[schema(required = true)]
    explanation: Option<String>,
    /// WhatsApp's code of the error.
    #[schema(required = true)]
    error_code: Option<i64>,
    /// Errors as WhatsApp names them.
    #[schema(required = true, value_type = Option<Vec<Object>>)]
    errors: Option<Value>,
    #[schema(required = true)]
    notification: Option<Uuid>,
    /// The file that is sent with it, if it is one of ours.
    #[schema(required = true)]
    media: Option<MessageFile>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    status_at: Option<Timestamp>,
    history: Vec<Happened>,
}

/// A status that WhatsApp told us.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Happened {
    status: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(required = true, value_type = Option<Vec<Object>>)]
    errors: Option<Value>,
}

/// Whose messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// The contact's phone number, `+27600000001`.
    phone: String,
    /// Messages of the page.
    #[serde(
        default = "super::page::limit",
        deserialize_with = "super::page::read_limit"
    )]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: u16,
    /// `next` of the page before.
    #[param(value_type = Option<String>, format = Uuid)]
    after: Option<Uuid>,
}

/// Send one message of any kind.
///
/// Text, media, interactive messages, locations and contacts go out while WhatsApp's 24-hour window is open: the person
/// wrote within the last day. A template always does.
#[utoipa::path(
    post, path = "/api/whatsapp/send", tag = "messages", operation_id = "send_message",
    request_body = SendCall,
    responses((status = 202, description = "It will be sent.", body = Queued))
)]
pub(super) async fn send(
    desk: Desk,
    caller: Caller,
    input: Input<SendCall>,
) -> Result<Response, Problem> {
    desk.enabled()?;
    let request = SendRequest::try_from(&input.body).map_err(Refused::Fields)?;
    let caller = caller.of(input.once);
    let answer = notifications::send(&desk.outbound(), &caller, request).await?;
    Ok(repeat::response(answer))
}

/// Read what became of a message that was sent, with its history.
#[utoipa::path(
    get, path = "/api/whatsapp/messages/{id}", tag = "messages", operation_id = "read_message",
    params(("id" = String, Path, description = "Our id of the message, or WhatsApp's (`wamid.…`).")),
    responses((status = 200, description = "The message.", body = Message))
)]
pub(super) async fn one(
    desk: Desk,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Json<Message>, Problem> {
    let found = notifications::message(&desk.outbound(), &id).await?;
    let message: Message = repeat::read(found)?;
    let nothing = || Problem::not_found("There is no message of yours with this id.");
    if message.direction != "outbound" {
        return Err(nothing());
    }
    if let Some(notification) = message.notification
        && !super::notifications::is_own(&desk, &caller, notification).await?
    {
        return Err(nothing());
    }
    Ok(Json(message))
}

/// List the messages with a contact, newest first.
#[utoipa::path(
    get, path = "/api/whatsapp/messages", tag = "messages", operation_id = "list_messages",
    params(Whose),
    responses((status = 200, description = "Messages.", body = Page<Said>))
)]
pub(super) async fn list(
    desk: Desk,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Page<Said>>, Problem> {
    let phone = PhoneNumber::parse(&whose.phone).ok_or_else(|| {
        Problem::field(
            "phone",
            "must be a phone number with its country code, such as +27600000001",
        )
    })?;
    let which = Which {
        limit: whose.limit,
        after: whose.after,
    };
    let before = which.after.map(MessageId);
    let rows = desk
        .store()
        .messages_with(&phone, before, which.rows())
        .await?;
    let said = super::conversations::said;
    Ok(Json(which.page(rows, (|row| row.id.0, said))))
}
