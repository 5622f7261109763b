//! A fake Cloud API on loopback: real HTTP, signed webhooks, statuses, scriptable faults, a journal that survives.
//!
//! It stands where WhatsApp would, and the service cannot tell the difference: requests are checked as WhatsApp checks
//! them, webhooks are signed and escaped as WhatsApp does, come at least once, a person's messages one after another
//! unless a fault says otherwise, statuses in no order. It shares no wire code
//! with the service, so that the two can disagree. What it accepted and what it has yet to deliver survives `kill -9`.
//! It has templates that are reviewed and checked when they are sent, and keeps files. It does not fetch files from links,
//! look into them, or know more than one business number.
//!
//! # For the service
//!
//! With the access token, under `/{version}/`: `POST {phone number id}/messages` and `/media`, `GET {phone number id}`,
//! `GET`, `POST` and `DELETE {business account id}/message_templates`, `GET` and `POST {template id}`,
//! `POST {template id}/unpause`, `GET` and `DELETE {media id}`, `POST {any app id}/uploads` and `POST upload:…`. A fresh
//! world has five approved templates in English. The address of a file lives for five minutes.
//!
//! # For people and tests, under `/_simulator/`
//!
//! | call | what it does |
//! |---|---|
//! | `POST messages` | A person writes: `{"from":"+27600000001","text":"no water"}`. Instead of `text` one of `button` and `list` (`{"id","title"}`), `image`, `video`, `document`, `audio`, `voice`, `sticker`, `location`, `contacts`, `reaction` (their object of the webhook, as far as given; a file with `bytes` in base64 can be fetched), `tap` (id or title of something that the business offered), or `message` (a whole element). Beside it `name`, `reply_to`, `age_s` (written so long ago), `hide_phone` (known by user id only). Answers `{"wamid","cursor","user_id"}`. |
//! | `GET conversations/{phone}?after=N&wait_ms=M` | What the person's phone shows after cursor `N`; waits up to `M` ms for something from the business. `{"phone","name","cursor","typing","messages":[…]}`; each message has `n`, `wamid`, `at`, `by` (`person`, `business`), `type`, `text`, `status`, and what its type brings. |
//! | `GET journal` | Everything, for checks: `accepted`, `lost`, `written`, `refused`, `webhooks`. |
//! | `POST faults` | Adds a fault: `{"fault":"timeout_after_accept"}` with `count` (endless without) or `probability` (0 to 1, with `seed`), and `to` for one person only. |
//! | `GET faults`, `DELETE faults` | Lists them with how often each struck; removes them all. |
//! | `POST release` | Lets webhooks go that are held back. |
//! | `POST handshake` | Asks the service as WhatsApp does when a webhook address is saved: `{"status":200,"echoed":true}`. |
//! | `GET limits`, `POST limits` | What is named changes: `pair_burst` (45 messages that a person may get at once), `tier` (100000 people in a day outside the window; null for no limit), `per_second` (null), `refusal` (`at_once` or `by_status`: how a closed window and a full tier are told), `review` (`approve`, `reject`, `never`) and `review_ms` (500) of templates. A change of `tier` is told to the service. |
//! | `GET templates` | All templates as they stand. |
//! | `POST templates/{name}` | Behind the service's back, with the webhook: `{"action":"pause"}`, or `approve`, `reject`, `disable`, `delete`, and with `to` the new `category`, `quality` or `edit` of the body. Beside it `language` (all without) and `reason`. |
//! | `POST webhooks` | Any other news of the account: `{"field":"account_update","value":{"event":"ACCOUNT_DELETED"}}`. |
//! | `POST preferences` | A person stops or resumes marketing messages: `{"from":"+27600000001","marketing":"stop"}`. |
//!
//! Faults live in memory only; all else survives. They are:
//!
//! | `fault` | what the service meets |
//! |---|---|
//! | `hang_before_accept` | No answer for `delay_ms` (a minute), and nothing accepted. |
//! | `timeout_after_accept` | Accepted, and no answer for `delay_ms` (a minute). |
//! | `error_before_accept`, `error_after_accept` | HTTP 500, and nothing accepted; HTTP 500 although it was accepted. |
//! | `ok_without_id`, `truncated_answer` | Accepted, and 200 without an id; accepted, and the connection breaks amid the answer. |
//! | `rate_limited` | HTTP 429 with `Retry-After: 1` and no body. |
//! | `refuse`, `failed_status` | Refused with `code`; accepted, and the only status is `failed` with `code`. |
//! | `duplicate_webhooks` | Webhooks come `copies` (2) times. |
//! | `reorder_webhooks` | Statuses come last first; a person's message comes `delay_ms` (500) late. |
//! | `hold_statuses` | Statuses come `delay_ms` late, without it not before `POST release`. |

mod account;
mod checks;
mod control;
mod conversation;
mod delivery;
mod faults;
mod graph;
mod graph_error;
mod journal;
mod limits;
mod media;
mod nodes;
mod parts;
mod record;
mod shared;
mod templates;
#[cfg(test)]
mod tests;
mod weather;
mod webhooks;
mod world;
mod writing;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use axum::Router;
use axum::serve::ListenerExt;

use crate::clock::Clock;
use crate::model::PhoneNumberId;
use crate::security::Secret;
use crate::tasks::Tasks;
use account::Account;
use journal::Journal;
use shared::Shared;
use world::World;

#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// On loopback; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Keeps `simulator.json`, `simulator.journal` and `simulator.media`.
    pub data: PathBuf,
    /// Where the service takes webhooks.
    pub webhook_url: String,
    pub clock: Clock,
    pub tasks: Tasks,
}

/// A running simulator: what the service needs to be connected to it.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub api_url: String,
    pub app_secret: Secret,
    pub verify_token: Secret,
    pub access_token: Secret,
    pub phone_number_id: PhoneNumberId,
    pub business_account_id: String,
    /// `simulator.json`, where the command line finds it.
    pub file: PathBuf,
}

impl Simulator {
    /// Starts it as a task; it stops with the others.
    pub async fn start(config: SimulatorConfig) -> anyhow::Result<Self> {
        ensure!(
            config.listen.ip().is_loopback(),
            "the simulator listens on loopback only, not on {}",
            config.listen
        );
        fs::create_dir_all(&config.data)
            .with_context(|| format!("could not make {}", config.data.display()))?;
        let (journal, records) = Journal::open(&config.data)?;
        let mut account = Account::open(&config.data)?;
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("the simulator cannot listen on {}", config.listen))?;
        account.api_url = format!("http://{}", listener.local_addr()?);
        account.webhook_url = config.webhook_url;
        let file = account.save(&config.data)?;
        let simulator = Self {
            api_url: account.api_url.clone(),
            app_secret: Secret::new(&account.app_secret),
            verify_token: Secret::new(&account.verify_token),
            access_token: Secret::new(&account.access_token),
            phone_number_id: PhoneNumberId(account.phone_number_id.clone()),
            business_account_id: account.business_account_id.clone(),
            file,
        };
        let shared = Shared::new(
            account,
            (journal, World::from_records(records)),
            (config.clock, &config.data),
            config.tasks.stopping(),
        )?;
        config.tasks.spawn(
            "simulator webhooks",
            delivery::run(shared.clone(), config.tasks.clone()),
        );
        config.tasks.spawn("simulator", serve(listener, shared));
        Ok(simulator)
    }
}

async fn serve(listener: tokio::net::TcpListener, shared: Shared) {
    let stopping = shared.stopping.clone();
    let router = Router::new()
        .merge(graph::router())
        .nest("/_simulator", control::router())
        .with_state(shared);
    let listener = listener.tap_io(|stream| {
        // Small answers should not wait for more; if that cannot be set, they do.
        let _ = stream.set_nodelay(true);
    });
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the simulator stopped serving");
    }
}

/// Digits of a phone number with its country code.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// The digits of a phone number, however it is written.
fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}
