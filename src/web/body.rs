//! Reads a body whole, under three limits: its own size, its time, and the room that all bodies have together; what comes
//! before a signature is checked may be anybody's.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Door;
use super::limits::BODY_BYTES_MAX;
use super::webhook::Refusal;

/// Most clients look for an answer only when they have written everything, and lose it if the connection breaks before.
const DISCARD_MAX: Duration = Duration::from_secs(2);
const DISCARD_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;

/// A whole body, exactly as it came, and the room it takes for as long as it is here.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) body: Bytes,
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

pub(super) async fn read(
    mut body: Body,
    headers: &HeaderMap,
    (door, bytes_max): (&Door, usize),
) -> Result<Whole, Refusal> {
    let whole = timeout(door.limits().body_read, collect(&mut body, door, bytes_max))
        .await
        .unwrap_or(Err(Refusal::TooSlow));
    let in_the_middle = matches!(whole, Err(Refusal::TooLarge | Refusal::Unavailable));
    // Who asks before sending has not sent anything yet.
    if in_the_middle && !headers.contains_key(EXPECT) {
        let _ = timeout(DISCARD_MAX, discard(body)).await;
    }
    whole
}

async fn collect(body: &mut Body, door: &Door, bytes_max: usize) -> Result<Whole, Refusal> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(Refusal::TooLarge);
    }
    let mut whole = BytesMut::new();
    let mut room: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::CutOff)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > bytes_max {
            return Err(Refusal::TooLarge);
        }
        let more = door.room_for(data.len()).ok_or(Refusal::Unavailable)?;
        match &mut room {
            Some(room) => room.merge(more),
            None => room = Some(more),
        }
        whole.extend_from_slice(&data);
    }
    Ok(Whole {
        body: whole.freeze(),
        _room: room,
    })
}

async fn discard(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > DISCARD_BYTES_MAX {
            return;
        }
    }
}
