//! The Cloud API's own calls: sending and marking as read, checked, accepted, answered.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};

use super::checks::{self, Call};
use super::faults::{Fault, Kind};
use super::graph_error::GraphError;
use super::shared::{Plan, Shared};
use super::weather::{Sent, Weather};
use super::webhooks;
use super::world::{Accepted, Record};
use super::{PHONE_DIGITS, digits};

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
        .route("/{version}/{id}", get(number))
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

async fn number(
    State(shared): State<Shared>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, GraphError> {
    authorise(&shared, &headers)?;
    locate(&shared, &version, &id)?;
    Ok(Json(json!({
        "id": id,
        "display_phone_number": shared.account.display_phone_number,
        "verified_name": "Simulated number",
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "account_mode": "SANDBOX",
        "throughput": { "level": "STANDARD" },
    })))
}

fn authorise(shared: &Shared, headers: &HeaderMap) -> Result<(), GraphError> {
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

fn locate(shared: &Shared, version: &str, id: &str) -> Result<(), GraphError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = version
        .strip_prefix('v')
        .and_then(|number| number.split_once('.'));
    if !parts.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        return Err(GraphError::new(
            100,
            "The path does not begin with a version such as v24.0.",
        ));
    }
    if id != shared.account.phone_number_id {
        return Err(GraphError::new(
            33,
            "There is no phone number with this id.",
        ));
    }
    Ok(())
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
    let weather = Weather {
        failed: strike(&[Kind::FailedStatus]),
        held: strike(&[Kind::HoldStatuses]),
        reordered: strike(&[Kind::ReorderWebhooks]),
        doubled: strike(&[Kind::DuplicateWebhooks]),
    };
    let pair_burst = *shared.pair_burst();
    shared
        .commit(|plan| {
            if let Some(phone) = &address.phone {
                may_write(plan, phone, pair_burst)?;
            }
            let n = plan.number();
            plan.push(Record::Accepted(Accepted {
                n,
                at_ms: plan.now_ms,
                phone: address.phone.clone(),
                wamid: wamid.clone(),
                request: request.clone(),
            }));
            if let Some(phone) = &address.phone {
                weather.statuses(
                    shared,
                    plan,
                    &Sent {
                        phone,
                        wamid: &wamid,
                        request: &request,
                    },
                );
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

fn may_write(plan: &Plan<'_>, phone: &str, pair_burst: i64) -> Result<(), GraphError> {
    let conversation = plan.world.conversations.get(phone);
    let Some(conversation) = conversation.filter(|conversation| conversation.is_open(plan.now_ms))
    else {
        return Err(GraphError::new(
            131_047,
            "More than 24 hours have passed since the customer last replied.",
        ));
    };
    if !conversation.may_receive(plan.now_ms, pair_burst) {
        return Err(GraphError::new(
            131_056,
            "Too many messages to this person in a short time.",
        ));
    }
    Ok(())
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
