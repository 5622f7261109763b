//! `/api/v1/notifications`: the five calls of a billing system, and what became of them. A key sees what was asked for
//! with it, or with an earlier key of the same name.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::gate::{Caller, Desk};
use super::input::{Asked, Bare, Input, Named};
use super::page::{Page, Which};
use super::problem::{FieldProblem, Problem};
use super::repeat;
use crate::model::{ContactId, NotificationId};
use crate::outbound::notifications::calls::{
    PaymentConfirmation, PaymentReminder, QueryResponse, ServiceInterruption, Statement,
};
use crate::outbound::notifications::{self, NoticeRequest, Refused};
use crate::store::idempotency::Once;

/// What was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    id: Uuid,
    /// `accepted`; `finished` when there is nobody it could go to.
    state: String,
    /// The same was asked for within a day, without an idempotency key; it is sent all the same.
    #[schema(nullable = false)]
    repeat_of: Option<Uuid>,
}

/// A notification and how far it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Notification {
    id: Uuid,
    /// `accepted`, `sending`, `paused`, `stopped` or `finished`.
    state: String,
    /// Why it does not go on, where it does not.
    #[schema(required = true)]
    reason: Option<String>,
    template: String,
    /// `account`, `service` or `marketing`.
    category: String,
    critical: bool,
    #[schema(required = true)]
    account: Option<String>,
    #[schema(required = true)]
    area: Option<String>,
    /// Name of the key that asked for it.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    send_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    stopped_at: Option<Timestamp>,
    #[schema(required = true)]
    repeat_of: Option<Uuid>,
    /// How many people it goes to.
    recipients: u64,
    /// People by outcome: `waiting`, `queued`, `sent`, `delivered`, `read`, `failed`, `unknown`, `held`, `cancelled`,
    /// `skipped`.
    counts: BTreeMap<String, u64>,
    /// Those who are skipped, by reason.
    skipped: BTreeMap<String, u64>,
    /// Those who wait although it is time, by what they wait for.
    waits_for: BTreeMap<String, u64>,
}

/// A notification in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Listed {
    id: Uuid,
    template: String,
    #[schema(required = true)]
    area: Option<String>,
    #[schema(required = true)]
    account: Option<String>,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    stopped_at: Option<Timestamp>,
    recipients: u64,
}

/// One person and what became of the notification there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Recipient {
    contact: Uuid,
    #[schema(required = true)]
    name: Option<String>,
    /// Phone number, else user id.
    #[schema(required = true)]
    to: Option<String>,
    #[schema(required = true)]
    account: Option<String>,
    /// `waiting`, `queued`, `sent`, `delivered`, `read`, `failed`, `unknown`, `held`, `cancelled` or `skipped`.
    outcome: String,
    /// Why it is skipped: `opted_out`, `no_consent`, `no_address`, `stopped` or `cancelled`.
    #[schema(required = true)]
    reason: Option<String>,
    #[schema(required = true)]
    explanation: Option<String>,
    /// WhatsApp's code of the error.
    #[schema(required = true)]
    error_code: Option<i64>,
    /// The message, once there is one.
    #[schema(required = true)]
    message: Option<Uuid>,
    #[schema(required = true)]
    wamid: Option<String>,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// Remind of a balance that is due.
#[utoipa::path(
    post, path = "/api/v1/notifications/payment-reminder", tag = "notifications", operation_id = "send_payment_reminder",
    request_body = PaymentReminder,
    responses((status = 202, description = "It will be sent.", body = Accepted))
)]
pub(super) async fn payment_reminder(
    desk: Desk,
    caller: Caller,
    input: Input<PaymentReminder>,
) -> Result<Response, Problem> {
    let request = NoticeRequest::try_from(&input.body).map_err(Refused::Fields);
    accept(&desk, caller, input.once, request).await
}

/// Tell that a statement is available.
#[utoipa::path(
    post, path = "/api/v1/notifications/statement", tag = "notifications", operation_id = "send_statement",
    request_body = Statement,
    responses((status = 202, description = "It will be sent.", body = Accepted))
)]
pub(super) async fn statement(
    desk: Desk,
    caller: Caller,
    input: Input<Statement>,
) -> Result<Response, Problem> {
    let request = NoticeRequest::try_from(&input.body).map_err(Refused::Fields);
    accept(&desk, caller, input.once, request).await
}

/// Confirm a payment; reminders for the account that were not sent yet are cancelled.
#[utoipa::path(
    post, path = "/api/v1/notifications/payment-confirmation", tag = "notifications",
    operation_id = "send_payment_confirmation", request_body = PaymentConfirmation,
    responses((status = 202, description = "It will be sent.", body = Accepted))
)]
pub(super) async fn payment_confirmation(
    desk: Desk,
    caller: Caller,
    input: Input<PaymentConfirmation>,
) -> Result<Response, Problem> {
    let request = NoticeRequest::try_from(&input.body).map_err(Refused::Fields);
    accept(&desk, caller, input.once, request).await
}

/// Tell that a query was answered.
#[utoipa::path(
    post, path = "/api/v1/notifications/query-response", tag = "notifications", operation_id = "send_query_response",
    request_body = QueryResponse,
    responses((status = 202, description = "It will be sent.", body = Accepted))
)]
pub(super) async fn query_response(
    desk: Desk,
    caller: Caller,
    input: Input<QueryResponse>,
) -> Result<Response, Problem> {
    let request = NoticeRequest::try_from(&input.body).map_err(Refused::Fields);
    accept(&desk, caller, input.once, request).await
}

/// Tell everybody in an area, or one person, that a service will be interrupted.
#[utoipa::path(
    post, path = "/api/v1/notifications/service-interruption", tag = "notifications",
    operation_id = "send_service_interruption", request_body = ServiceInterruption,
    responses((status = 202, description = "It will be sent.", body = Accepted))
)]
pub(super) async fn service_interruption(
    desk: Desk,
    caller: Caller,
    input: Input<ServiceInterruption>,
) -> Result<Response, Problem> {
    let request = NoticeRequest::try_from(&input.body).map_err(Refused::Fields);
    accept(&desk, caller, input.once, request).await
}

/// List this key's notifications, newest first.
#[utoipa::path(
    get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_notifications",
    params(Which),
    responses((status = 200, description = "Notifications.", body = Page<Listed>))
)]
pub(super) async fn list(
    desk: Desk,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<Listed>>, Problem> {
    let before = which.after.map(NotificationId);
    let outbound = desk.outbound();
    let listed =
        notifications::list_of(&outbound, Some(&caller.name), before, which.limit.into()).await?;
    Page::of(listed, "notifications").map(Json)
}

/// Read a notification: its state, and how many people are at which outcome.
#[utoipa::path(
    get, path = "/api/v1/notifications/{id}", tag = "notifications", operation_id = "read_notification",
    params(("id" = Uuid, Path, description = "The notification.")),
    responses((status = 200, description = "The notification.", body = Notification))
)]
pub(super) async fn one(
    desk: Desk,
    caller: Caller,
    Named(id): Named<Uuid>,
) -> Result<Json<Notification>, Problem> {
    own(&desk, &caller, id).await.map(Json)
}

/// List the people a notification goes to, each with the outcome.
#[utoipa::path(
    get, path = "/api/v1/notifications/{id}/recipients", tag = "notifications", operation_id = "list_recipients",
    params(("id" = Uuid, Path, description = "The notification."), Which),
    responses((status = 200, description = "Recipients.", body = Page<Recipient>))
)]
pub(super) async fn recipients(
    desk: Desk,
    caller: Caller,
    Named(id): Named<Uuid>,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<Recipient>>, Problem> {
    own(&desk, &caller, id).await?;
    let (id, after) = (NotificationId(id), which.after.map(ContactId));
    let outbound = desk.outbound();
    let found = notifications::recipients(&outbound, id, after, which.limit.into()).await?;
    Page::of(found, "recipients").map(Json)
}

/// Stop a notification: whoever it was not sent to yet does not get it.
#[utoipa::path(
    post, path = "/api/v1/notifications/{id}/stop", tag = "notifications", operation_id = "stop_notification",
    params(("id" = Uuid, Path, description = "The notification.")),
    responses((status = 200, description = "The notification as it is now.", body = Notification))
)]
pub(super) async fn stop(
    desk: Desk,
    caller: Caller,
    Named(id): Named<Uuid>,
    Bare { once }: Bare,
) -> Result<Response, Problem> {
    own(&desk, &caller, id).await?;
    repeat::once(desk.store(), desk.clock(), once.as_ref(), async {
        let stopped = notifications::stop(&desk.outbound(), NotificationId(id)).await?;
        Ok(repeat::with(axum::http::StatusCode::OK, &stopped))
    })
    .await
}

async fn accept(
    desk: &Desk,
    caller: Caller,
    once: Option<Once>,
    request: Result<NoticeRequest, Refused>,
) -> Result<Response, Problem> {
    desk.enabled()?;
    let caller = caller.of(once);
    let answer = notifications::accept(&desk.outbound(), &caller, request?).await?;
    Ok(repeat::response(answer))
}

/// The notification, if it was asked for with this key; else there is none.
async fn own(desk: &Desk, caller: &Caller, id: Uuid) -> Result<Notification, Problem> {
    let state = notifications::state(&desk.outbound(), NotificationId(id)).await?;
    let notification: Notification = repeat::read(state)?;
    if notification.created_by == caller.name {
        return Ok(notification);
    }
    Err(Problem::not_found("There is no notification with this id."))
}

/// Whether the notification was asked for with this key.
pub(super) async fn is_own(desk: &Desk, caller: &Caller, id: Uuid) -> Result<bool, Problem> {
    let state = notifications::state(&desk.outbound(), NotificationId(id)).await?;
    Ok(state["created_by"] == caller.name.as_str())
}

impl Caller {
    /// As outbound knows who asks.
    pub(super) fn of(self, once: Option<Once>) -> notifications::Caller {
        notifications::Caller {
            created_by: self.name,
            once,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fields(fields) => {
                let named = fields.into_iter().map(|one| FieldProblem {
                    field: one.field,
                    problem: one.problem,
                });
                Self::invalid(named.collect())
            }
            Refused::Conflict => Self::key_reused(),
            Refused::NotFound(what) => Self::not_found(&sentence(&what)),
            Refused::Store(error) => error.into(),
        }
    }
}

/// Use cases speak in half sentences.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str().trim_end_matches('.')
    )
}
