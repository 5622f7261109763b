//! How people and tests move the simulated world: they write as a person, look at a phone, make things go wrong.

use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Fault;
use super::shared::Shared;
use super::world::{By, Item, Record};
use super::{conversation, digits, writing};

const WAIT_MS_MAX: u64 = 60_000;
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/messages", post(writing::write))
        .route("/conversations/{phone}", get(read))
        .route("/journal", get(journal))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/release", post(release))
        .route("/handshake", post(handshake))
        .route("/limits", post(limits))
        .layer(middleware::from_fn(from_this_machine))
}

/// A page in a browser on this machine may be made to call us under another name; it stays outside.
async fn from_this_machine(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        next.run(request).await
    } else {
        problem(
            StatusCode::FORBIDDEN,
            "the simulator is for this machine only",
        )
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reading {
    after: u64,
    wait_ms: u64,
}

async fn read(
    State(shared): State<Shared>,
    Path(phone): Path<String>,
    Query(reading): Query<Reading>,
) -> Json<Value> {
    let phone = digits(&phone);
    let patience = tokio::time::sleep(Duration::from_millis(reading.wait_ms.min(WAIT_MS_MAX)));
    tokio::pin!(patience);
    let mut changes = shared.changed.subscribe();
    while !conversation::has_news(&shared.world(), &phone, reading.after) {
        tokio::select! {
            _ = changes.changed() => {}
            () = &mut patience => break,
            () = shared.stopping.cancelled() => break,
        }
    }
    Json(conversation::view(
        &shared.world(),
        &phone,
        (reading.after, shared.now_ms()),
    ))
}

async fn journal(State(shared): State<Shared>) -> Json<Value> {
    let world = shared.world();
    let show = |phone: Option<&str>, item: &Item| {
        json!({
            "n": item.n, "at": conversation::time(item.at_ms), "phone": phone.map(|phone| format!("+{phone}")),
            "wamid": item.wamid, "content": item.content,
        })
    };
    let by = |by: By| {
        let mut items: Vec<_> = world
            .conversations
            .iter()
            .flat_map(|(phone, conversation)| {
                conversation.items.iter().map(move |item| (phone, item))
            })
            .filter(|(_, item)| item.by == by)
            .collect();
        items.sort_by_key(|(_, item)| item.n);
        items
            .into_iter()
            .map(|(phone, item)| show(Some(phone), item))
            .collect::<Vec<_>>()
    };
    let refused = shared.refused().into_iter();
    let refused = refused.map(|(at_ms, error)| json!({ "at": conversation::time(at_ms), "code": error.code, "details": error.details }));
    Json(json!({
        "accepted": by(By::Business),
        "written": by(By::Person),
        "lost": world.lost.iter().map(|item| show(None, item)).collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
        "webhooks": {
            "delivered": world.webhooks_delivered, "pending": world.webhooks.len(), "held": world.held().len(),
            "attempts_max": world.webhooks.values().map(|webhook| webhook.attempts).max().unwrap_or(0),
        },
    }))
}

async fn faults(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "faults": shared.faults().list() }))
}

async fn add_fault(State(shared): State<Shared>, Json(fault): Json<Fault>) -> Response {
    match shared.faults().add(fault) {
        Ok(()) => Json(json!({ "success": true })).into_response(),
        Err(reason) => problem(StatusCode::BAD_REQUEST, &reason),
    }
}

async fn clear_faults(State(shared): State<Shared>) -> Json<Value> {
    shared.faults().clear();
    Json(json!({ "success": true }))
}

async fn release(State(shared): State<Shared>) -> Response {
    let released = shared
        .commit(|plan| {
            let held = plan.world.held();
            for n in &held {
                let due_ms = plan.now_ms;
                plan.push(Record::Due { n: *n, due_ms });
            }
            Ok(held.len())
        })
        .await;
    match released {
        Ok(count) => Json(json!({ "released": count })).into_response(),
        Err(error) => error.into_response(),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    pair_burst: u32,
}

async fn limits(State(shared): State<Shared>, Json(limits): Json<Limits>) -> Json<Value> {
    *shared.pair_burst() = i64::from(limits.pair_burst);
    Json(json!({ "success": true }))
}

/// The GET by which WhatsApp makes sure of a webhook address.
async fn handshake(State(shared): State<Shared>) -> Response {
    let challenge = shared.clock.new_id().simple().to_string();
    let query = [
        ("hub.mode", "subscribe"),
        ("hub.challenge", &challenge),
        ("hub.verify_token", &shared.account.verify_token),
    ];
    let call = shared
        .http
        .get(&shared.account.webhook_url)
        .query(&query)
        .send()
        .await;
    let Ok(answer) = call else {
        return problem(StatusCode::BAD_GATEWAY, "the service cannot be reached");
    };
    let status = answer.status().as_u16();
    let echoed = answer.text().await.is_ok_and(|text| text == challenge);
    Json(json!({ "status": status, "echoed": echoed })).into_response()
}

pub(super) fn problem(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}
