//! What the parts of the simulator share, and the one way in which its world changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::faults::Faults;
use super::graph_error::GraphError;
use super::journal::Journal;
use super::record::{Record, Told};
use super::world::World;
use crate::clock::Clock;

const WEBHOOK_CONNECT: Duration = Duration::from_secs(3);
const WEBHOOK_ANSWER: Duration = Duration::from_secs(20);

/// Refusals that are remembered for `GET /_simulator/journal`.
const REFUSED_MAX: usize = 10_000;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    inner: Arc<Inner>,
    pub(super) stopping: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) account: Account,
    pub(super) clock: Clock,
    pub(super) http: reqwest::Client,
    /// Told when something is due.
    pub(super) due: Notify,
    /// Told when a conversation changed.
    pub(super) changed: watch::Sender<()>,
    journal: Journal,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    refused: Mutex<Vec<(i64, GraphError)>>,
    /// Where files are kept.
    pub(super) files: PathBuf,
}

impl std::ops::Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Shared {
    pub(super) fn new(
        account: Account,
        (journal, world): (Journal, World),
        (clock, data): (Clock, &Path),
        stopping: CancellationToken,
    ) -> anyhow::Result<Self> {
        // An error means that a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent("facebookexternalua")
            .connect_timeout(WEBHOOK_CONNECT)
            .timeout(WEBHOOK_ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let inner = Inner {
            account,
            clock,
            // Webhooks stay on this machine: no certificates.
            http: builder.tls_certs_only([]).build()?,
            due: Notify::new(),
            changed: watch::Sender::new(()),
            journal,
            world: world.into(),
            faults: Mutex::default(),
            refused: Mutex::default(),
            files: super::media::folder(data),
        };
        Ok(Self {
            inner: Arc::new(inner),
            stopping,
        })
    }

    /// Changes the world: `plan` sees it as it is and says what happens. Returns when that is on the disk.
    pub(super) async fn commit<T>(
        &self,
        plan: impl FnOnce(&mut Plan<'_>) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let made = {
            let mut world = self.world();
            let next = world.next;
            let mut planned = Plan {
                world: &world,
                now_ms: self.now_ms(),
                next,
                records: Vec::new(),
            };
            let made = plan(&mut planned)?;
            let records = planned.records;
            if records.is_empty() {
                return Ok(made);
            }
            self.journal
                .append(&records)
                .map_err(|error| disk(&error))?;
            for record in records {
                world.apply(record);
            }
            made
        };
        // Before the wait: whoever called may hang up during it, and what happened has happened.
        self.due.notify_one();
        self.changed.send_replace(());
        self.journal.sync().await.map_err(|error| disk(&error))?;
        Ok(made)
    }

    /// Like [`Shared::commit`], for what may be forgotten in a power cut, because it would only be done again.
    pub(super) fn note(&self, record: Record) {
        let mut world = self.world();
        if let Err(error) = self.journal.append(std::slice::from_ref(&record)) {
            tracing::error!(%error, "the simulator cannot write its journal");
        }
        world.apply(record);
    }
}

impl Inner {
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    pub(super) fn new_wamid(&self) -> String {
        format!(
            "wamid.HBgL{}=",
            self.clock.new_id().simple().to_string().to_uppercase()
        )
    }

    /// An id as Graph gives them: fifteen digits.
    pub(super) fn new_number(&self) -> String {
        let number = self.clock.new_id().as_u128() % 1_000_000_000_000_000;
        format!("{number:015}")
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember_refusal(&self, error: &GraphError) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < REFUSED_MAX {
            refused.push((self.now_ms(), error.clone()));
        }
    }

    pub(super) fn refused(&self) -> Vec<(i64, GraphError)> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What is about to happen together.
pub(super) struct Plan<'a> {
    pub(super) world: &'a World,
    pub(super) now_ms: i64,
    next: u64,
    records: Vec<Record>,
}

impl Plan<'_> {
    /// The number of one more thing.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    pub(super) fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// `copies` webhooks with the same body; the number of the last.
    pub(super) fn webhook(&mut self, about: &str, due: &Due<'_>, body: &Value) -> u64 {
        let mut n = 0;
        for _ in 0..due.copies.max(1) {
            n = self.number();
            let record = Record::Webhook(Told {
                n,
                due_ms: due.at_ms,
                about: about.to_owned(),
                status: due.status.map(str::to_owned),
                body: body.clone(),
            });
            self.push(record);
        }
        n
    }
}

/// When a webhook goes, how often, and of which status it tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due<'a> {
    pub(super) at_ms: i64,
    pub(super) copies: u32,
    pub(super) status: Option<&'a str>,
}

fn disk(error: &std::io::Error) -> GraphError {
    tracing::error!(%error, "the simulator cannot write its journal");
    GraphError::new(131_016, "The simulator cannot write its journal.")
}
