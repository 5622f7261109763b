//! Every route, on one screen. Each route that changes something says here what lets it in.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::get;

use super::{Door, guard, health, webhook};

/// Where WhatsApp's webhooks arrive.
pub const WEBHOOK_PATH: &str = "/api/whatsapp/webhook";

pub fn router(door: Door) -> Router {
    Router::new()
        // POST is let in by its signature, GET by the verify token.
        .route(WEBHOOK_PATH, get(webhook::handshake).post(webhook::receive))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") })
        .method_not_allowed_fallback(|| async {
            (
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not do that.\n",
            )
        })
        .layer(from_fn(guard::every_request))
        .with_state(door)
}
