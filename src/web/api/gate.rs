//! Lets a request of the API in: a key, its scope, its share of requests, and a deadline. Whatever happens inside, the
//! answer is one of ours.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::problem::Problem;
use crate::clock::Clock;
use crate::media::Library;
use crate::model::ApiKeyId;
use crate::outbound::{notifications, templates};
use crate::people;
use crate::rulesets::Live;
use crate::security::api_key::{KeyText, Scope};
use crate::settings::Settings;
use crate::store::Store;
use crate::store::rate_limits::{Rate, Taken};
use crate::web::limits::API_MAX;
use crate::web::{Door, Road};

const WINDOW: Duration = Duration::from_mins(1);
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Who calls.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) key: ApiKeyId,
    /// The key's name, which stays when the key is rotated.
    pub(super) name: String,
    scopes: Vec<String>,
}

impl Caller {
    /// What not every key that may call an operation may see.
    pub(super) fn needs(&self, scope: Scope) -> Result<(), Problem> {
        holds(&self.scopes, scope)
            .then_some(())
            .ok_or_else(|| Problem::out_of_scope(scope.as_str()))
    }
}

fn holds(scopes: &[String], scope: Scope) -> bool {
    scopes.iter().any(|held| held == scope.as_str())
}

/// What a route asks of those who call it.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) door: Door,
    /// Any of these opens.
    pub(super) scopes: &'static [Scope],
}

pub(super) async fn gate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    answer(pass(&gate, request, next)).await
}

/// Under the deadline, and with a panic inside caught: it is one failed request and not more.
async fn answer(work: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(API_MAX, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(response)) => response,
        // The panic hook has told the log where.
        Ok(Err(_)) => Problem::broken().into_response(),
        Err(_) => Problem::unavailable().into_response(),
    }
}

async fn pass(gate: &Gate, mut request: Request, next: Next) -> Response {
    let (caller, taken) = match admit(gate, request.headers()).await {
        Ok(admitted) => admitted,
        Err(problem) => return problem.into_response(),
    };
    let limits = gate.door.limits();
    let mut response = if taken.allowed {
        request.extensions_mut().insert(caller);
        next.run(request).await
    } else {
        Problem::too_many(whole_seconds(taken.wait)).into_response()
    };
    state_limits(response.headers_mut(), limits.api_per_minute, taken);
    response
}

async fn admit(gate: &Gate, headers: &HeaderMap) -> Result<(Caller, Taken), Problem> {
    let road = gate.door.road().ok_or_else(Problem::unavailable)?;
    let text = bearer(headers)?;
    let unknown = || Problem::no_key("This key is not known, has expired or was revoked.");
    let hash = KeyText::parse(text).ok_or_else(unknown)?.hash();
    let key = road.store.use_api_key(&hash).await?.ok_or_else(unknown)?;
    if !gate.scopes.iter().any(|scope| holds(&key.scopes, *scope)) {
        let needed: Vec<&str> = gate.scopes.iter().map(|scope| scope.as_str()).collect();
        return Err(Problem::out_of_scope(&needed.join("` or `")));
    }
    let rate = Rate {
        count: gate.door.limits().api_per_minute,
        window: WINDOW,
    };
    let taken = road
        .store
        .take_rate(&format!("api {}", key.id), rate)
        .await?;
    let caller = Caller {
        key: key.id,
        name: key.name,
        scopes: key.scopes,
    };
    Ok((caller, taken))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::no_key("Send the header Authorization: Bearer KEY, once.");
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(missing());
    };
    let (scheme, key) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(key.trim())
    } else {
        Err(missing())
    }
}

/// As the IETF's draft has it: what is allowed, and what is left of it.
fn state_limits(headers: &mut HeaderMap, per_minute: u32, taken: Taken) {
    let policy = format!("\"key\";q={per_minute};w={}", WINDOW.as_secs());
    let left = format!(
        "\"key\";r={};t={}",
        taken.remaining,
        whole_seconds(taken.wait)
    );
    for (name, text) in [(POLICY, policy), (LIMIT, left)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl FromRequestParts<Door> for Caller {
    type Rejection = Problem;

    /// The gate has put it there.
    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Problem::broken)
    }
}

/// What handlers work with.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    door: Door,
    road: Road,
}

impl Desk {
    pub(super) fn store(&self) -> &Store {
        &self.road.store
    }

    pub(super) fn clock(&self) -> &Clock {
        self.door.clock()
    }

    pub(super) fn library(&self) -> &Library {
        &self.road.library
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.road.settings
    }

    /// What notifications and messages are accepted with.
    pub(super) fn outbound(&self) -> notifications::Desk {
        let current = self.door.current();
        let access = &current.channel.access;
        notifications::Desk {
            store: self.road.store.clone(),
            rules: self.road.rules.clone(),
            clock: self.clock().clone(),
            phone_number_id: access.phone_number_id.clone(),
            origin: access.origin,
        }
    }

    /// What the register of people works with.
    pub(super) fn people(&self) -> people::Desk {
        people::Desk {
            store: self.road.store.clone(),
            rules: self.road.rules.clone(),
            clock: self.clock().clone(),
            origin: self.door.current().channel.access.origin,
        }
    }

    /// The account at WhatsApp whose templates they are.
    pub(super) fn account(&self) -> templates::Account {
        let current = self.door.current();
        templates::Account {
            client: current.channel.client.clone(),
            business_account: current.channel.business_account_id.clone(),
            phone_number_id: current.channel.access.phone_number_id.clone(),
        }
    }

    /// The rules of this moment.
    pub(super) fn rules(&self) -> Arc<Live> {
        self.road.rules.current()
    }

    /// While WhatsApp is switched off, nothing may come in that is to be sent.
    pub(super) fn enabled(&self) -> Result<(), Problem> {
        let enabled = self.door.current().switches.enabled;
        enabled.then_some(()).ok_or_else(Problem::switched_off)
    }
}

impl FromRequestParts<Door> for Desk {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let road = door.road().cloned().ok_or_else(Problem::unavailable)?;
        Ok(Self {
            door: door.clone(),
            road,
        })
    }
}
