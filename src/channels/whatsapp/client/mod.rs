//! Calls the Cloud API once and says what the call came to.
//!
//! Never retries: the outbox decides that, from the outcome. Never writes a token, a number or a text to a log.

mod call;
mod components;
mod describe;
mod media;
mod number;
mod parts;
mod release;
mod request;
mod templates;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use super::errors;
use crate::model::{FailureScope, Outgoing, OutgoingContent, SendFailure, SendOutcome, Wamid};
use crate::security::Secret;
pub use call::CallFailure;
pub use components::{TemplateButtonText, TemplateHeaderText, TemplateTexts, template_parameters};
pub use media::{Download, DownloadLimits, MediaLocation, Upload};
pub use number::NumberInfo;
use release::{Release, Timely};
pub use templates::{MetaTemplate, SubmittedTemplate, TemplateDraft, TemplatePage};

const USER_AGENT: &str = concat!("Puisano/", env!("CARGO_PKG_VERSION"));

/// Answers of the Cloud API are a few hundred bytes; what is longer is not one.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A code of its own in old versions.
const NOTHING_THERE: i64 = 33;

const WAMID_BYTES_MAX: usize = 512;
const IDLE_CONNECTION_S: u64 = 45;
const RETRY_AFTER_DEFAULT_MS: u64 = 1_000;
const RETRY_AFTER_MAX_MS: u64 = 60 * 60 * 1_000;

/// Where and as whom to call.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `https://graph.facebook.com` or what stands in its place; no trailing slash.
    pub api_url: String,
    /// `v24.0`.
    pub api_version: String,
    pub access_token: Secret,
}

/// How long the parts of a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Finding the address, connecting and TLS.
    pub connect: Duration,
    /// All of it, answer included.
    pub call: Duration,
    /// The message leaves within this of the call's begin, or not at all: a machine that was frozen in between must not
    /// send what another has sent meanwhile.
    pub release: Duration,
}

impl Deadlines {
    pub const CONNECT: Duration = Duration::from_secs(3);
    pub const CALL: Duration = Duration::from_secs(20);
    pub const RELEASE: Duration = Duration::from_millis(700);
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Self::CONNECT,
            call: Self::CALL,
            release: Self::RELEASE,
        }
    }
}

/// Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// For files; none where the API is on this machine.
    guarded: Option<reqwest::Client>,
    base: Url,
    api_version: String,
    authorization: HeaderValue,
    deadlines: Deadlines,
    warming_up: Arc<tokio::sync::Mutex<()>>,
}

impl Client {
    pub fn new(connection: Connection) -> anyhow::Result<Self> {
        Self::with_deadlines(connection, Deadlines::default())
    }

    pub fn with_deadlines(connection: Connection, deadlines: Deadlines) -> anyhow::Result<Self> {
        let base = Url::parse(&connection.api_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .context("WHATSAPP_API_URL is not a web address like https://graph.facebook.com")?;
        let mut authorization = HeaderValue::from_str(&format!(
            "Bearer {}",
            connection.access_token.expose()
        ))
        .context(
            "WHATSAPP_ACCESS_TOKEN holds characters that no token has, such as a line break",
        )?;
        authorization.set_sensitive(true);
        let unprepared =
            "could not prepare calls to WhatsApp; is the package ca-certificates installed?";
        let http = build_http(&base, deadlines).context(unprepared)?;
        let guarded = media::guarded(&base, deadlines).context(unprepared)?;
        Ok(Self {
            http,
            guarded,
            base,
            api_version: connection.api_version,
            authorization,
            deadlines,
            warming_up: Arc::default(),
        })
    }

    /// Makes one call and says what it came to; never an error, never a panic.
    ///
    /// The caller bounds how many calls are made at once: in a crowd they are late, and then not let go.
    pub async fn send(&self, outgoing: &Outgoing) -> SendOutcome {
        let release = Release::new(Instant::now(), self.deadlines.release);
        let body = Timely::new(request::body(outgoing).to_string().into(), release.clone());
        let call = self
            .http
            .post(self.messages_url(outgoing))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(reqwest::Body::wrap(body));
        let outcome = match call.send().await {
            Ok(response) => answered(response, &outgoing.content).await,
            Err(error) => broken(&error),
        };
        if release.was_refused() {
            self.warm_up().await;
        }
        if release.happened() {
            outcome
        } else {
            never_left(outcome)
        }
    }

    fn messages_url(&self, outgoing: &Outgoing) -> Url {
        self.url(&[outgoing.phone_number_id.as_str(), "messages"])
    }

    /// As segments, so that an odd id stays one segment.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&self.api_version).extend(segments);
        }
        url
    }

    /// Connecting took so long that the message was not let go, and its connection went with it. An idle one is left
    /// behind for the next try, or a slow network would never let a message go at all.
    async fn warm_up(&self) {
        // One is enough; where many are late at once, more calls would make them later.
        let Ok(_alone) = self.warming_up.try_lock() else {
            return;
        };
        let _ = self
            .http
            .head(self.base.clone())
            .timeout(self.deadlines.connect)
            .send()
            .await;
    }
}

fn build_http(base: &Url, deadlines: Deadlines) -> reqwest::Result<reqwest::Client> {
    // An error means that a provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(deadlines.connect)
        .timeout(deadlines.call)
        .pool_idle_timeout(Duration::from_secs(IDLE_CONNECTION_S))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false);
    // Without TLS no certificates are needed, and a bare machine has none.
    let builder = if base.scheme() == "http" {
        builder.tls_certs_only([])
    } else {
        builder
    };
    builder.build()
}

/// No answer came.
fn broken(error: &reqwest::Error) -> SendOutcome {
    if error.is_connect() {
        let message =
            "WhatsApp could not be reached: no connection. Check the network and WHATSAPP_API_URL.";
        let scope = FailureScope::Number;
        return SendOutcome::NotSent(SendFailure {
            scope,
            ..failure(message)
        });
    }
    SendOutcome::Unknown(failure(if error.is_timeout() {
        "WhatsApp did not answer in time. The message may have been sent."
    } else {
        "The connection to WhatsApp broke before the answer. The message may have been sent."
    }))
}

async fn answered(response: Response, content: &OutgoingContent) -> SendOutcome {
    let (status, retry_after_ms) = (response.status(), retry_after_ms(&response));
    let body = read_answer(response, ANSWER_BYTES_MAX).await;
    if status.is_success() {
        return accepted(body.ok().as_ref(), content);
    }
    if status.is_redirection() {
        return SendOutcome::Rejected(failure(
            "The address of the WhatsApp API answered with a redirect, which is not followed. Check WHATSAPP_API_URL.",
        ));
    }
    let code = body.as_ref().ok().and_then(error_code);
    if !status.is_client_error() {
        return SendOutcome::Unknown(server_failure(code));
    }
    match code {
        Some(code) => refused(code, retry_after_ms),
        None if status == StatusCode::TOO_MANY_REQUESTS => SendOutcome::NotSent(SendFailure {
            retry_after_ms: retry_after_ms.or(Some(RETRY_AFTER_DEFAULT_MS)),
            scope: FailureScope::Number,
            ..failure("WhatsApp asks for slower calls. It is tried again by itself.")
        }),
        // The refusal is certain, its reason got lost on the way.
        None if body.is_err_and(|error| error == AnswerError::Broken) => SendOutcome::NotSent(
            failure("WhatsApp refused the call, and the connection broke before it said why."),
        ),
        None => SendOutcome::Rejected(failure(&format!(
            "Whoever answers in WhatsApp's place refused the call (HTTP {}). Check WHATSAPP_API_URL and proxies.",
            status.as_u16()
        ))),
    }
}

fn accepted(body: Option<&Value>, content: &OutgoingContent) -> SendOutcome {
    if matches!(content, OutgoingContent::Read { .. }) {
        return SendOutcome::Accepted { wamid: None };
    }
    let id = body.and_then(|body| body["messages"][0]["id"].as_str());
    match id.filter(|id| (1..=WAMID_BYTES_MAX).contains(&id.len())) {
        Some(id) => SendOutcome::Accepted {
            wamid: Some(Wamid::from(id)),
        },
        None => SendOutcome::Unknown(failure("WhatsApp said yes without naming the message.")),
    }
}

/// A refusal with a code: the table says what it means.
fn refused(code: i64, retry_after_ms: Option<u64>) -> SendOutcome {
    let meaning = errors::meaning(code);
    let failure = SendFailure {
        code: Some(code),
        message: meaning.sentence(),
        retry_after_ms: meaning.wait_ms().max(retry_after_ms),
        scope: meaning.scope,
    };
    if meaning.keeps_message() {
        SendOutcome::NotSent(failure)
    } else {
        SendOutcome::Rejected(SendFailure {
            retry_after_ms: None,
            ..failure
        })
    }
}

fn server_failure(code: Option<i64>) -> SendFailure {
    let message = "WhatsApp's server failed. The message may have been sent.";
    let scope = code.map_or(FailureScope::Item, |code| errors::meaning(code).scope);
    SendFailure {
        code,
        scope,
        ..failure(message)
    }
}

/// The body was never let go: whatever else happened, nothing was sent.
fn never_left(outcome: SendOutcome) -> SendOutcome {
    match outcome {
        SendOutcome::Unknown(unknown) => SendOutcome::NotSent(SendFailure {
            message: "The connection to WhatsApp took too long, and the message was not let go."
                .to_owned(),
            ..unknown
        }),
        other => other,
    }
}

fn failure(message: &str) -> SendFailure {
    SendFailure {
        code: None,
        message: message.to_owned(),
        retry_after_ms: None,
        scope: FailureScope::Item,
    }
}

fn retry_after_ms(response: &Response) -> Option<u64> {
    let seconds: u64 = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(seconds.saturating_mul(1_000).min(RETRY_AFTER_MAX_MS))
}

/// The code of a refusal. Only one subcode counts: with it, WhatsApp has nothing under the id that was called.
fn error_code(body: &Value) -> Option<i64> {
    let number = |key: &str| {
        let found = &body["error"][key];
        found.as_i64().or_else(|| found.as_str()?.parse().ok())
    };
    match (number("code"), number("error_subcode")) {
        (Some(100), Some(NOTHING_THERE)) => Some(NOTHING_THERE),
        (code, _) => code,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerError {
    /// The connection ended before the answer did.
    Broken,
    /// Not an answer of the Cloud API's.
    Unreadable,
}

async fn read_answer(mut response: Response, bytes_max: usize) -> Result<Value, AnswerError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| AnswerError::Broken)? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(AnswerError::Unreadable);
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|_| AnswerError::Unreadable)
}
