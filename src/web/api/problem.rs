//! What is told when something cannot be done: RFC 9457 problem details, each field that is wrong by its name.
//!
//! Nothing of how we are built leaves here; what only the operator should know goes to the log.

use axum::Json;
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;
use crate::web::webhook::Refusal;

const RETRY_AFTER_SECONDS: u64 = 5;

/// What went wrong (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Names the kind of problem, for programs.
    #[serde(rename = "type")]
    #[schema(example = "urn:puisano:problem:invalid-fields")]
    kind: &'static str,
    /// The kind of problem, for people.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time, and what to do.
    detail: String,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    #[serde(skip)]
    wait_s: Option<u64>,
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// The field's name; parts of a path are separated by dots. A header or a parameter of the query has its own name.
    #[schema(example = "amount")]
    pub(super) field: String,
    #[schema(example = "must be an amount with a decimal point, such as 1234.50")]
    pub(super) problem: String,
}

impl Problem {
    fn new(status: StatusCode, kind: (&'static str, &'static str), detail: &str) -> Self {
        Self {
            kind: kind.0,
            title: kind.1,
            status: status.as_u16(),
            detail: detail.to_owned(),
            errors: Vec::new(),
            wait_s: None,
        }
    }

    pub(super) fn malformed(detail: &str) -> Self {
        let kind = (
            "urn:puisano:problem:malformed",
            "The request cannot be read",
        );
        Self::new(StatusCode::BAD_REQUEST, kind, detail)
    }

    pub(super) fn no_key(detail: &str) -> Self {
        let kind = ("urn:puisano:problem:no-key", "A valid API key is needed");
        Self::new(StatusCode::UNAUTHORIZED, kind, detail)
    }

    pub(super) fn out_of_scope(scope: &str) -> Self {
        let kind = (
            "urn:puisano:problem:out-of-scope",
            "The key does not allow this",
        );
        let detail = format!("This needs a key with the scope `{scope}`.");
        Self::new(StatusCode::FORBIDDEN, kind, &detail)
    }

    pub(super) fn not_found(detail: &str) -> Self {
        let kind = ("urn:puisano:problem:not-found", "There is nothing here");
        Self::new(StatusCode::NOT_FOUND, kind, detail)
    }

    pub(super) fn wrong_method() -> Self {
        let kind = (
            "urn:puisano:problem:wrong-method",
            "This address does not do that",
        );
        let detail = "The header Allow says what it does.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, kind, detail)
    }

    pub(super) fn conflict(detail: &str) -> Self {
        let kind = (
            "urn:puisano:problem:conflict",
            "The present state does not allow this",
        );
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    pub(super) fn switched_off() -> Self {
        let kind = (
            "urn:puisano:problem:switched-off",
            "WhatsApp is switched off",
        );
        let detail =
            "Nothing is stored and nothing is sent until the setting `enabled` is true again.";
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    pub(super) fn key_reused() -> Self {
        let kind = (
            "urn:puisano:problem:idempotency-key-reused",
            "This idempotency key belongs to another request",
        );
        let detail =
            "Give each request a key of its own, and the same key only to its repetitions.";
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, detail);
        problem.with("Idempotency-Key", "was used for another request")
    }

    pub(super) fn not_json() -> Self {
        let kind = ("urn:puisano:problem:not-json", "The body must be JSON");
        let detail = "Send the header Content-Type: application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, kind, detail)
    }

    pub(super) fn not_a_form() -> Self {
        let kind = ("urn:puisano:problem:not-a-form", "The body must be a form");
        let detail = "Send the file as the field `file` of multipart/form-data.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, kind, detail)
    }

    pub(super) fn file_too_large() -> Self {
        let kind = ("urn:puisano:problem:too-large", "The body is too large");
        let detail = "A file may have 16 MiB.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail)
    }

    pub(super) fn invalid(errors: Vec<FieldProblem>) -> Self {
        let kind = (
            "urn:puisano:problem:invalid-fields",
            "Some fields are wrong",
        );
        let detail = "Nothing was done. `errors` names each field and what is wrong with it.";
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, detail)
        }
    }

    pub(super) fn field(field: &str, problem: &str) -> Self {
        Self::invalid(Vec::new()).with(field, problem)
    }

    pub(super) fn too_many(wait_s: u64) -> Self {
        let kind = ("urn:puisano:problem:too-many-requests", "Too many requests");
        let detail = "This key has used up its share for now. The header Retry-After says when to come again.";
        Self {
            wait_s: Some(wait_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, kind, detail)
        }
    }

    pub(super) fn unavailable() -> Self {
        let kind = ("urn:puisano:problem:unavailable", "Not now");
        let detail = "The service cannot do this at the moment. With the same Idempotency-Key it is safe to try again.";
        Self {
            wait_s: Some(RETRY_AFTER_SECONDS),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail)
        }
    }

    /// The log knows more.
    pub(super) fn broken() -> Self {
        let kind = ("urn:puisano:problem:broken", "This went wrong on our side");
        let detail = "The operator finds the reason in the log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, kind, detail)
    }

    fn with(mut self, field: &str, problem: &str) -> Self {
        self.errors.push(FieldProblem {
            field: field.to_owned(),
            problem: problem.to_owned(),
        });
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooLarge => {
                let kind = ("urn:puisano:problem:too-large", "The body is too large");
                let detail = "JSON may have 256 KiB.";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail)
            }
            Refusal::TooSlow => {
                let kind = ("urn:puisano:problem:too-slow", "The body took too long");
                let detail = "A body must be here within ten seconds.";
                Self::new(StatusCode::REQUEST_TIMEOUT, kind, detail)
            }
            Refusal::CutOff => Self::malformed("The body was cut off."),
            Refusal::NotJson => Self::malformed("The body is not JSON."),
            Refusal::NotSigned => Self::no_key("The request is not signed."),
            Refusal::Unavailable => Self::unavailable(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TimedOut { .. } | StoreError::Unavailable { .. } => {
                tracing::warn!(%error, "a request of the API had to wait");
                Self::unavailable()
            }
            StoreError::Conflict { .. } => {
                Self::conflict("Somebody else changed the same thing at this moment. Try again.")
            }
            // A value that the schema does not take should have been refused before.
            StoreError::Refused { .. } => {
                tracing::error!(
                    error = error.cause(),
                    "the API let a value through that cannot be stored"
                );
                Self::malformed("One of the values cannot be stored.")
            }
            StoreError::Failed { .. } => {
                tracing::error!(error = error.cause(), "a request of the API failed");
                Self::broken()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait_s = self.wait_s;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(wait_s) = wait_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait_s));
        }
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // Where the body was not read to its end, the connection cannot go on.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
