//! Refusals in the words and shape of the Graph API.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

const NOTHING_THERE: i64 = 33;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GraphError {
    pub(super) code: i64,
    /// Where the code does not say enough.
    pub(super) subcode: Option<i64>,
    pub(super) details: String,
}

impl GraphError {
    pub(super) fn new(code: i64, details: impl Into<String>) -> Self {
        Self {
            code,
            subcode: None,
            details: details.into(),
        }
    }

    /// There is no such thing, or it is none of the caller's business.
    pub(super) fn nothing_there(id: &str) -> Self {
        let why = format!("Unsupported request. Object with ID '{id}' does not exist.");
        Self {
            subcode: Some(NOTHING_THERE),
            ..Self::new(100, why)
        }
    }

    /// Why a template was refused.
    pub(super) fn template(subcode: i64, details: impl Into<String>) -> Self {
        Self {
            subcode: Some(subcode),
            ..Self::new(100, details)
        }
    }

    fn http(&self) -> StatusCode {
        match self.code {
            0 | 104 | 190 => StatusCode::UNAUTHORIZED,
            3 | 131_000 | 131_016 | 131_045 | 131_057 => StatusCode::INTERNAL_SERVER_ERROR,
            2 | 133_004 => StatusCode::SERVICE_UNAVAILABLE,
            10 | 200..=299 | 368 | 130_497 | 131_005 | 131_031 => StatusCode::FORBIDDEN,
            132_001 => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let title = title(self.code);
        let message = if self.code == 190 {
            title.to_owned()
        } else {
            format!("(#{}) {title}", self.code)
        };
        let mut error = json!({
            "message": message,
            "type": "OAuthException",
            "code": self.code,
            "error_data": { "messaging_product": "whatsapp", "details": self.details },
            "fbtrace_id": "Simulated",
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
            if subcode != NOTHING_THERE {
                error["error_user_title"] = json!("Template not accepted");
                error["error_user_msg"] = json!(self.details);
            }
        }
        (self.http(), Json(json!({ "error": error }))).into_response()
    }
}

pub(super) fn title(code: i64) -> &'static str {
    match code {
        33 | 100 => "Invalid parameter",
        104 => "An access token is required",
        190 => "Invalid OAuth access token - Cannot parse access token",
        130_429 => "Rate limit hit",
        131_000 => "Something went wrong",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_021 => "Recipient cannot be sender",
        131_026 => "Message undeliverable",
        131_047 => "Re-engagement message",
        131_048 => "Spam rate limit hit",
        131_050 => "Unable to deliver the message: the recipient stopped marketing messages",
        131_053 => "Media upload error",
        132_000 => "Number of parameters does not match the expected number of params",
        132_001 => "Template name does not exist in the translation",
        132_005 => "Translated text too long",
        132_012 => "Parameter format does not match format in the created template",
        132_015 => "Template is paused",
        132_016 => "Template is disabled",
        132_018 => "There's an issue with the parameters in your template",
        131_051 => "Unsupported message type",
        131_056 => "(Business Account, Consumer Account) pair rate limit hit",
        _ => "Error",
    }
}
