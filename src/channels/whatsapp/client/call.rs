//! Calls that manage rather than send: asked once, answered with JSON or with what a person can do about it.
//!
//! Never retries, and never repeats what WhatsApp wrote in a sentence of its own: that stands apart, in `said`.

use reqwest::header::AUTHORIZATION;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use super::{AnswerError, Client, NOTHING_THERE, error_code, read_answer};
use crate::channels::whatsapp::errors::{self, Retry};
use crate::model::FailureScope;

/// A page of a hundred long templates stays well under this.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What WhatsApp writes for the operator is a sentence or two.
const SAID_CHARS_MAX: usize = 500;

/// Subcodes that say more than their code: why a template was refused.
const TEMPLATE_SUBCODES: std::ops::RangeInclusive<i64> = 2_388_000..=2_388_999;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallFailure {
    /// Graph's code, or the subcode where that says more.
    pub code: Option<i64>,
    /// For people: what happened and what to do.
    pub message: String,
    pub retry: Retry,
    pub scope: FailureScope,
    /// What WhatsApp wrote about it, for the operator's eyes; not for a log.
    pub said: Option<String>,
}

impl CallFailure {
    /// The same, said of the thing that was asked for.
    pub(super) fn when_nothing_there(self, scope: FailureScope, message: &str) -> Self {
        if self.code == Some(NOTHING_THERE) {
            Self {
                message: message.to_owned(),
                scope,
                ..self
            }
        } else {
            self
        }
    }

    pub(super) fn new(retry: Retry, message: &str) -> Self {
        Self {
            code: None,
            message: message.to_owned(),
            retry,
            scope: FailureScope::Item,
            said: None,
        }
    }
}

impl Client {
    /// Calls with our token and reads the answer.
    pub(super) async fn ask(&self, call: RequestBuilder) -> Result<Value, CallFailure> {
        let call = call.header(AUTHORIZATION, self.authorization.clone());
        self.ask_as_is(call).await
    }

    pub(super) async fn ask_as_is(&self, call: RequestBuilder) -> Result<Value, CallFailure> {
        let response = call.send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        match read_answer(response, ANSWER_BYTES_MAX).await {
            Ok(body) if status.is_success() && body.get("error").is_none() => Ok(body),
            Ok(body) => Err(refused(status, &body)),
            Err(AnswerError::Broken) => Err(CallFailure::new(
                Retry::Few,
                "The connection to WhatsApp broke during its answer.",
            )),
            Err(AnswerError::Unreadable) => Err(not_whatsapp(status)),
        }
    }
}

pub(super) fn broken(error: &reqwest::Error) -> CallFailure {
    let (retry, message) = if error.is_connect() {
        (
            Retry::Backoff,
            "WhatsApp could not be reached: no connection. Check the network and WHATSAPP_API_URL.",
        )
    } else if error.is_timeout() {
        (Retry::Few, "WhatsApp did not answer in time.")
    } else {
        (
            Retry::Few,
            "The connection to WhatsApp broke before the answer.",
        )
    };
    let scope = FailureScope::Number;
    CallFailure {
        scope,
        ..CallFailure::new(retry, message)
    }
}

pub(super) fn refused(status: StatusCode, body: &Value) -> CallFailure {
    let subcode = body["error"]["error_subcode"].as_i64();
    let subcode = subcode.filter(|subcode| TEMPLATE_SUBCODES.contains(subcode));
    let Some(code) = subcode.or_else(|| error_code(body)) else {
        return not_whatsapp(status);
    };
    let meaning = errors::meaning(code);
    CallFailure {
        code: Some(code),
        message: meaning.sentence(),
        retry: meaning.retry,
        scope: meaning.scope,
        said: said(&body["error"]),
    }
}

fn said(error: &Value) -> Option<String> {
    let texts = [
        &error["error_user_msg"],
        &error["error_data"]["details"],
        &error["message"],
    ];
    let text = texts
        .into_iter()
        .filter_map(Value::as_str)
        .find(|text| !text.trim().is_empty())?;
    Some(text.trim().chars().take(SAID_CHARS_MAX).collect())
}

fn not_whatsapp(status: StatusCode) -> CallFailure {
    let retry = if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        Retry::Backoff
    } else {
        Retry::Never
    };
    CallFailure::new(
        retry,
        &format!(
            "What answered in WhatsApp's place is not WhatsApp (HTTP {}). Check WHATSAPP_API_URL and proxies.",
            status.as_u16()
        ),
    )
}

/// The text under `key`; numbers are written out.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    match &value[key] {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An answer without what it must have.
pub(super) fn incomplete() -> CallFailure {
    CallFailure::new(
        Retry::Never,
        "WhatsApp said yes and left out what was asked for. Check WHATSAPP_API_URL.",
    )
}
