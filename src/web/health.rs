//! Whether we are alive, and whether we can take work. Nothing about how we are built leaves here.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Door;

/// The process answers.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    database: bool,
    rules: bool,
}

/// Webhooks would be taken now.
pub(super) async fn ready(State(door): State<Door>) -> Response {
    let (database, rules) = match door.road() {
        Some(road) => (road.store.ping().await.is_ok(), true),
        None => (false, false),
    };
    let ready = database && rules;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready,
            database,
            rules,
        }),
    )
        .into_response()
}
