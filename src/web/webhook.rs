//! The door for WhatsApp: the handshake, and webhooks, whose 200 means that they are in the database.
//!
//! Nothing is read from a body before its signature is known to be good.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::timeout;

use super::Door;
use super::body::{self, Whole};
use super::limits::BODY_BYTES_MAX;
use crate::channels::whatsapp::handshake::Handshake;
use crate::channels::whatsapp::{self, signature};
use crate::conversations::ingest::{Envelope, IngestError};

const SIGNATURE: &str = "x-hub-signature-256";
/// WhatsApp comes again by itself, at once and then ever more slowly; others are asked for this.
const RETRY_AFTER_SECONDS: &str = "5";

/// The handshake's query, as far as it came.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    verify_token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

/// `GET`: WhatsApp makes sure that the address is ours.
pub(super) async fn handshake(
    State(door): State<Door>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    // A query that cannot be read is nobody's handshake.
    let Query(asked) = asked.unwrap_or_default();
    let handshake = Handshake {
        mode: asked.mode.as_deref(),
        verify_token: asked.verify_token.as_deref(),
        challenge: asked.challenge.as_deref(),
    };
    let current = door.current();
    let mut tokens = current.channel.access.verify_tokens.iter();
    match tokens.find_map(|token| whatsapp::handshake::answer(token, handshake)) {
        Some(challenge) => {
            tracing::info!("WhatsApp has verified the webhook address");
            challenge.to_owned().into_response()
        }
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

/// `POST`: takes a webhook in.
pub(super) async fn receive(State(door): State<Door>, headers: HeaderMap, body: Body) -> Response {
    match take(&door, &headers, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Why a webhook was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    TooLarge,
    TooSlow,
    CutOff,
    NotSigned,
    NotJson,
    Unavailable,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Where the body was not read to its end, the connection cannot go on.
        match self {
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, [(CONNECTION, "close")]).into_response()
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")]).into_response(),
            Self::CutOff => (StatusCode::BAD_REQUEST, [(CONNECTION, "close")]).into_response(),
            Self::NotSigned => StatusCode::UNAUTHORIZED.into_response(),
            Self::NotJson => (StatusCode::BAD_REQUEST, "The body is not JSON.\n").into_response(),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(RETRY_AFTER, RETRY_AFTER_SECONDS)],
            )
                .into_response(),
        }
    }
}

async fn take(door: &Door, headers: &HeaderMap, body: Body) -> Result<(), Refusal> {
    let Whole { body, _room } = body::read(body, headers, (door, BODY_BYTES_MAX)).await?;
    let current = door.current();
    let access = &current.channel.access;
    let signature = headers.get(SIGNATURE).map(HeaderValue::as_bytes);
    let signed = headers.get_all(SIGNATURE).iter().count() == 1
        && signature::verify(&access.app_secrets, &body, signature);
    if !signed {
        door.refuse();
        return Err(Refusal::NotSigned);
    }
    let events = whatsapp::parse(&body).map_err(|_| Refusal::NotJson)?;
    if !current.switches.enabled {
        // Whoever switches WhatsApp off wants nothing stored, and WhatsApp must not come again with it.
        return Ok(());
    }
    let road = door.road().ok_or(Refusal::Unavailable)?;
    let envelope = Envelope {
        received_at: door.clock().now(),
        events: Door::keep_ours(&access.phone_number_id, events),
        origin: access.origin,
        body,
    };
    // A commit that was cut off here may have happened: WhatsApp comes again, and duplicates are recognised.
    match timeout(door.limits().webhook, road.intake.accept(envelope)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(IngestError::Unavailable | IngestError::Full)) | Err(_) => Err(Refusal::Unavailable),
    }
}
