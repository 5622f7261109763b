//! Gives the first answer again to requests that come again.
//!
//! Use cases that must never do a thing twice remember the answer in their own transaction; what is here is for work that
//! comes to the same however often it is done.

use std::future::Future;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;
use crate::clock::Clock;
use crate::store::Store;
use crate::store::idempotency::{Answer, Earlier, Once};

/// Does `work`, unless the same request was answered before.
pub(super) async fn once(
    store: &Store,
    clock: &Clock,
    once: Option<&Once>,
    work: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Response, Problem> {
    let Some(once) = once else {
        return work.await.map(response);
    };
    match store.earlier_answer(once).await? {
        Earlier::Same(answer) => Ok(response(answer)),
        Earlier::Other => Err(Problem::key_reused()),
        Earlier::Never => {
            let answer = work.await?;
            store.remember_answer(once, &answer, clock.now()).await?;
            Ok(response(answer))
        }
    }
}

/// What a use case says, as the API describes it.
pub(super) fn read<T: DeserializeOwned>(said: Value) -> Result<T, Problem> {
    serde_json::from_value(said).map_err(|error| {
        tracing::error!(%error, "an answer is not as the API describes it");
        Problem::broken()
    })
}

/// What is stored, as the API describes it.
pub(super) fn shown<T: DeserializeOwned>(stored: &impl Serialize) -> Result<T, Problem> {
    read(serde_json::to_value(stored).unwrap_or_default())
}

/// An answer with a body.
pub(super) fn with(status: StatusCode, body: &impl Serialize) -> Answer {
    Answer {
        status: status.as_u16(),
        body: serde_json::to_value(body).unwrap_or_default(),
    }
}

/// An answer without one.
pub(super) fn nothing(status: StatusCode) -> Answer {
    Answer {
        status: status.as_u16(),
        body: Value::Null,
    }
}

/// An answer as it goes out, the first time and every other.
pub(super) fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if answer.body.is_null() {
        return status.into_response();
    }
    (status, Json(answer.body)).into_response()
}
