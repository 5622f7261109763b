//! How people and tests move the simulated world: they write as a person, look at a phone, make things go wrong.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Fault;
use super::graph_error::GraphError;
use super::record::Record;
use super::shared::{Due, Shared};
use super::webhooks::{self, Person};
use super::world::{By, Item};
use super::{PHONE_DIGITS, conversation, digits, media, templates, writing};

const WAIT_MS_MAX: u64 = 60_000;

/// The largest file, in base64.
const BODY_BYTES_MAX: usize = media::REQUEST_BYTES_MAX / 3 * 4 + 64 * 1024;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/messages", post(writing::write))
        .route("/conversations/{phone}", get(read))
        .route("/journal", get(journal))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/release", post(release))
        .route("/handshake", post(handshake))
        .route("/limits", get(limits).post(set_limits))
        .route("/templates", get(show_templates))
        .route("/templates/{name}", post(change_template))
        .route("/preferences", post(prefer))
        .route("/webhooks", post(tell))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
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
        let mut shown = json!({
            "n": item.n, "at": conversation::time(item.at_ms), "phone": phone.map(|phone| format!("+{phone}")),
            "wamid": item.wamid, "content": item.content,
        });
        if !item.shown.is_null() {
            shown["shown"] = item.shown.clone();
        }
        shown
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

async fn limits(State(shared): State<Shared>) -> Json<Value> {
    Json(json!(shared.world().limits))
}

async fn set_limits(State(shared): State<Shared>, Json(change): Json<Value>) -> Response {
    let limits = match shared.world().limits.changed(&change) {
        Ok(limits) => limits,
        Err(reason) => return problem(StatusCode::BAD_REQUEST, &reason),
    };
    let set = shared
        .commit(|plan| {
            if limits.tier != plan.world.limits.tier {
                let value = json!({
                    "max_daily_conversations_per_business": limits.tier_word(), "max_phone_numbers_per_business": 2,
                });
                let field = ("business_capability_update", plan.now_ms);
                let body = webhooks::change(&shared.account, field, &value);
                plan.webhook("", &now(plan.now_ms), &body);
            }
            plan.push(Record::Limits(limits));
            Ok(())
        })
        .await;
    done(set)
}

/// A webhook that goes at once.
fn now<'a>(at_ms: i64) -> Due<'a> {
    Due {
        at_ms,
        copies: 1,
        status: None,
    }
}

fn done<T>(made: Result<T, GraphError>) -> Response {
    match made {
        Ok(_) => Json(json!({ "success": true })).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn show_templates(State(shared): State<Shared>) -> Json<Value> {
    Json(templates::show(&shared))
}

async fn change_template(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Json(change): Json<templates::Change>,
) -> Response {
    match templates::change(&shared, &name, &change).await {
        Ok(0) => problem(StatusCode::NOT_FOUND, "there is no such template"),
        made => done(made),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct News {
    field: String,
    value: Value,
}

/// News of the account that the simulator itself makes nothing of.
async fn tell(State(shared): State<Shared>, Json(news): Json<News>) -> Response {
    let told = shared
        .commit(|plan| {
            let place = (news.field.as_str(), plan.now_ms);
            let body = webhooks::change(&shared.account, place, &news.value);
            plan.webhook("", &now(plan.now_ms), &body);
            Ok(())
        })
        .await;
    done(told)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preference {
    from: String,
    marketing: Wish,
    #[serde(default)]
    hide_phone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Stop,
    Resume,
}

async fn prefer(State(shared): State<Shared>, Json(preference): Json<Preference>) -> Response {
    let phone = digits(&preference.from);
    if !PHONE_DIGITS.contains(&phone.len()) {
        return problem(
            StatusCode::BAD_REQUEST,
            "`from` is a phone number such as +27600000001",
        );
    }
    let is_stopped = preference.marketing == Wish::Stop;
    let word = if is_stopped { "stop" } else { "resume" };
    let preferred = shared
        .commit(|plan| {
            let known = plan.world.conversations.get(&phone);
            let person = Person {
                phone: phone.clone(),
                name: known.and_then(|conversation| conversation.name.clone()),
                hides_phone: preference.hide_phone,
            };
            let body = webhooks::preference(&shared.account, &person, (word, plan.now_ms));
            plan.webhook("", &now(plan.now_ms), &body);
            plan.push(Record::Preference { phone, is_stopped });
            Ok(())
        })
        .await;
    done(preferred)
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
