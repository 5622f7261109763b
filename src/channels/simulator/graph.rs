//! The Cloud API's own calls: sending and marking as read, checked, accepted, answered.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};

use super::checks::{self, Call};
use super::faults::{Fault, Kind};
use super::graph_error::GraphError;
use super::record::{Accepted, Record};
use super::shared::{Plan, Shared};
use super::weather::{Sent, Weather};
use super::world::Conversation;
use super::{PHONE_DIGITS, digits, media, nodes, templates, webhooks};

const DELAY_DEFAULT_MS: u64 = 60_000;

const BEFORE: [Kind; 4] = [
    Kind::HangBeforeAccept,
    Kind::ErrorBeforeAccept,
    Kind::RateLimited,
    Kind::Refuse,
];
const AFTER: [Kind; 4] = [
    Kind::TimeoutAfterAccept,
    Kind::ErrorAfterAccept,
    Kind::OkWithoutId,
    Kind::TruncatedAnswer,
];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/{version}/{id}/messages", post(messages))
        .route("/{version}/{id}/media", post(media::upload))
        .route("/{version}/{id}/uploads", post(media::open_session))
        .route("/{version}/{id}/unpause", post(nodes::unpause))
        .route(
            "/{version}/{id}/message_templates",
            get(nodes::list_templates)
                .post(nodes::submit_template)
                .delete(nodes::delete_templates),
        )
        .route(
            "/{version}/{id}",
            get(nodes::show).post(nodes::change).delete(nodes::delete),
        )
        .route("/whatsapp_business/attachments/{id}", get(media::fetch))
        .layer(DefaultBodyLimit::max(media::REQUEST_BYTES_MAX))
        .fallback(|| async { GraphError::new(100, "Unknown path components.").into_response() })
}

async fn messages(
    State(shared): State<Shared>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = async {
        authorise(&shared, &headers)?;
        locate(&shared, &version, &id)?;
        take(&shared, &body).await
    };
    call.await.unwrap_or_else(|error: GraphError| {
        shared.remember_refusal(&error);
        error.into_response()
    })
}

pub(super) fn authorise(shared: &Shared, headers: &HeaderMap) -> Result<(), GraphError> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match given.and_then(|value| value.strip_prefix("Bearer ")) {
        None => Err(GraphError::new(104, "No access token was sent.")),
        Some(token) if token == shared.account.access_token => Ok(()),
        Some(_) => Err(GraphError::new(
            190,
            "The access token is not the simulator's.",
        )),
    }
}

/// Whether the path is one of our number's.
pub(super) fn locate(shared: &Shared, version: &str, id: &str) -> Result<(), GraphError> {
    check_version(version)?;
    if id == shared.account.phone_number_id {
        Ok(())
    } else {
        Err(GraphError::new(
            33,
            "There is no phone number with this id.",
        ))
    }
}

pub(super) fn check_version(version: &str) -> Result<(), GraphError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = version
        .strip_prefix('v')
        .and_then(|number| number.split_once('.'));
    if parts.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        Ok(())
    } else {
        Err(GraphError::new(
            100,
            "The path does not begin with a version such as v24.0.",
        ))
    }
}

async fn take(shared: &Shared, body: &[u8]) -> Result<Response, GraphError> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| GraphError::new(100, "The request's body is not JSON."))?;
    match checks::read(&request)? {
        Call::Read { wamid, typing } => {
            shared
                .commit(|plan| {
                    plan.push(Record::Read {
                        at_ms: plan.now_ms,
                        wamid,
                        typing,
                    });
                    Ok(())
                })
                .await?;
            Ok(Json(json!({ "success": true })).into_response())
        }
        Call::Message { to, recipient } => {
            let address = address(shared, to, recipient)?;
            message(shared, address, request).await
        }
    }
}

/// Whom a message is for.
#[derive(Clone, Debug)]
struct Address {
    input: String,
    /// Nobody's, when a user id stood in the place of a phone number: accepted and lost, as with WhatsApp.
    phone: Option<String>,
    by_user_id: bool,
}

fn address(
    shared: &Shared,
    to: Option<String>,
    recipient: Option<String>,
) -> Result<Address, GraphError> {
    let Some(to) = to else {
        let input = recipient.unwrap_or_default();
        let world = shared.world();
        let phone = world
            .conversations
            .keys()
            .find(|phone| webhooks::user_id(&shared.account, phone) == input);
        let phone = phone
            .ok_or_else(|| GraphError::new(131_026, "Nobody has this user id."))?
            .clone();
        return Ok(Address {
            input,
            phone: Some(phone),
            by_user_id: true,
        });
    };
    if looks_like_user_id(&to) {
        return Ok(Address {
            input: to,
            phone: None,
            by_user_id: false,
        });
    }
    let separators = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')');
    let phone = digits(&to);
    if !to.strip_prefix('+').unwrap_or(&to).chars().all(separators)
        || !PHONE_DIGITS.contains(&phone.len())
    {
        return Err(GraphError::new(
            131_009,
            "Parameter 'to' is not a phone number.",
        ));
    }
    if phone == shared.account.display_phone_number {
        return Err(GraphError::new(
            131_021,
            "Recipient phone number cannot be the sender's.",
        ));
    }
    Ok(Address {
        input: to,
        phone: Some(phone),
        by_user_id: false,
    })
}

fn looks_like_user_id(text: &str) -> bool {
    text.split_once('.').is_some_and(|(country, tail)| {
        country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && !tail.is_empty()
    })
}

async fn message(
    shared: &Shared,
    address: Address,
    request: Value,
) -> Result<Response, GraphError> {
    let strike = |kinds: &[Kind]| shared.faults().strike(kinds, address.phone.as_deref());
    if let Some(fault) = strike(&BEFORE) {
        return before(shared, &fault).await;
    }
    let wamid = shared.new_wamid();
    let mut weather = Weather {
        failed: strike(&[Kind::FailedStatus]).and_then(|fault| fault.code),
        held: strike(&[Kind::HoldStatuses]),
        reordered: strike(&[Kind::ReorderWebhooks]),
        doubled: strike(&[Kind::DuplicateWebhooks]),
    };
    shared
        .commit(|plan| {
            let shown = shown(plan, &request)?;
            let category = shown["category"].as_str();
            if let Some(phone) = &address.phone {
                let later = may_write(plan, phone, (&request, category))?;
                weather.failed = weather.failed.or(later);
            }
            let n = plan.number();
            plan.push(Record::Accepted(Accepted {
                n,
                at_ms: plan.now_ms,
                phone: address.phone.clone(),
                wamid: wamid.clone(),
                request: request.clone(),
                shown: shown.clone(),
            }));
            if let Some(phone) = &address.phone {
                let sent = Sent {
                    phone,
                    wamid: &wamid,
                    request: &request,
                    category,
                };
                weather.statuses(shared, plan, &sent);
            }
            Ok(())
        })
        .await?;
    let answer = answer(shared, &address, &wamid);
    match strike(&AFTER) {
        Some(fault) => Ok(after(shared, &fault, answer).await),
        None => Ok(Json(answer).into_response()),
    }
}

/// What a template says to the person; nothing for other messages, which say it themselves.
fn shown(plan: &Plan<'_>, request: &Value) -> Result<Value, GraphError> {
    if request["type"] == "template" {
        templates::fill(&plan.world.library, &request["template"], plan.now_ms)
    } else {
        Ok(Value::Null)
    }
}

/// An error, or the code with which the message fails after it was accepted.
fn may_write(
    plan: &Plan<'_>,
    phone: &str,
    (request, category): (&Value, Option<&str>),
) -> Result<Option<i64>, GraphError> {
    let (world, limits) = (plan.world, &plan.world.limits);
    let known = Conversation::default();
    let conversation = world.conversations.get(phone).unwrap_or(&known);
    let is_open = conversation.is_open(plan.now_ms);
    let unusable = media::usable(world, request, plan.now_ms)?;
    if !is_open && category.is_none() {
        return limits.refuse(GraphError::new(
            131_047,
            "More than 24 hours have passed since the customer last replied.",
        ));
    }
    if !is_open && !world.usage.has_room(phone, (limits, plan.now_ms)) {
        return limits.refuse(GraphError::new(
            131_048,
            "The business has written to as many people today as it may.",
        ));
    }
    if !world.usage.is_slow_enough((limits, plan.now_ms)) {
        return Err(GraphError::new(
            130_429,
            "Cloud API message throughput has been reached.",
        ));
    }
    if !conversation.may_receive(plan.now_ms, limits.pair_burst) {
        return Err(GraphError::new(
            131_056,
            "Too many messages to this person in a short time.",
        ));
    }
    let is_unwanted = category == Some("MARKETING") && world.stopped.contains(phone);
    Ok(unusable.or(is_unwanted.then_some(131_050)))
}

fn answer(shared: &Shared, address: &Address, wamid: &str) -> Value {
    let mut contact = json!({ "input": address.input });
    match &address.phone {
        Some(phone) if address.by_user_id => {
            contact["user_id"] = json!(webhooks::user_id(&shared.account, phone));
        }
        Some(phone) => contact["wa_id"] = json!(phone),
        None => {}
    }
    json!({
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [{ "id": wamid, "message_status": "accepted" }],
    })
}

async fn before(shared: &Shared, fault: &Fault) -> Result<Response, GraphError> {
    match fault.kind {
        Kind::HangBeforeAccept => {
            hang(shared, fault).await;
            Err(GraphError::new(
                131_016,
                "Simulated: no answer, and nothing accepted.",
            ))
        }
        Kind::RateLimited => {
            Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response())
        }
        Kind::Refuse => Err(GraphError::new(
            fault.code.unwrap_or(131_000),
            "Simulated refusal.",
        )),
        _ => Err(GraphError::new(
            131_000,
            "Simulated: failed, and nothing accepted.",
        )),
    }
}

async fn after(shared: &Shared, fault: &Fault, answer: Value) -> Response {
    match fault.kind {
        Kind::TimeoutAfterAccept => {
            hang(shared, fault).await;
            Json(answer).into_response()
        }
        Kind::OkWithoutId => Json(json!({ "messaging_product": "whatsapp" })).into_response(),
        Kind::TruncatedAnswer => truncated(&answer.to_string()),
        _ => GraphError::new(131_000, "Simulated: failed after it was accepted.").into_response(),
    }
}

async fn hang(shared: &Shared, fault: &Fault) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(DELAY_DEFAULT_MS))) => {}
        () = shared.stopping.cancelled() => {}
    }
}

fn truncated(answer: &str) -> Response {
    let half = answer.chars().take(answer.len() / 2).collect::<String>();
    let parts = [
        Ok(half),
        Err(std::io::Error::other("simulated: the connection breaks")),
    ];
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, answer.len().to_string()),
    ];
    (headers, Body::from_stream(stream::iter(parts))).into_response()
}
