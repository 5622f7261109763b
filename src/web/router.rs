//! Every route outside of the API, whose own are in `api`. Each that changes something says what lets it in.

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Door, api, guard, health, webhook};

/// Where WhatsApp's webhooks arrive.
pub const WEBHOOK_PATH: &str = "/api/whatsapp/webhook";

pub fn router(door: Door) -> Router {
    Router::new()
        // POST is let in by its signature, GET by the verify token.
        .route(WEBHOOK_PATH, get(webhook::handshake).post(webhook::receive))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        // Each operation is let in by a key with its scope.
        .merge(api::router(&door))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(guard::every_request))
        .with_state(door)
}

async fn nothing(uri: Uri) -> Response {
    let plain = || (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response();
    api::nothing_at(uri.path()).unwrap_or_else(plain)
}

async fn wrong_method(uri: Uri) -> Response {
    let plain = || {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        (status, "This address does not do that.\n").into_response()
    };
    api::wrong_method_at(uri.path()).unwrap_or_else(plain)
}
