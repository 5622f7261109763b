//! Settings that people change while the service runs, effective in every node within a second.
//!
//! What stands in the environment wins and cannot be changed here. The rest is in the database, secrets sealed. A
//! connection may be given piece by piece; only a whole one that WhatsApp has answered to takes the simulator's place.

mod change;
mod live;
mod stored;

pub use change::{Change, Refused};
pub use live::{Access, Channel, Current, Live, Switches};
pub use stored::{SecretState, View};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::Graph;
use crate::security::sealed::KeySource;
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;
use stored::{Draft, KEY, Words};

/// How often the database is asked whether anything changed: well within a second everywhere.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What settings start from: the environment.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The environment brings the connection, so it cannot be changed here.
    pub locked: bool,
    /// Where the Cloud API is, and its version where none was chosen.
    pub graph: Graph,
    pub key: KeySource,
}

/// The settings of the installation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Settings {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    live: Live,
    surroundings: Surroundings,
    /// Complained already that the settings cannot be read.
    troubled: AtomicBool,
    /// When a secret's overlap is over, in milliseconds.
    again_at_ms: AtomicI64,
}

impl Settings {
    /// Makes live what is stored, and keeps following it. Secrets that cannot be read switch sending off until they can.
    pub async fn open(
        (store, clock): (Store, Clock),
        live: Live,
        surroundings: Surroundings,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let settings = Self {
            inner: Arc::new(Inner {
                store,
                clock,
                live,
                surroundings,
                troubled: AtomicBool::new(false),
                again_at_ms: AtomicI64::new(i64::MAX),
            }),
        };
        settings.load().await?;
        let (follower, stopping) = (settings.clone(), tasks.stopping());
        tasks.spawn("settings", async move {
            stopping
                .run_until_cancelled(Box::pin(follower.follow()))
                .await;
        });
        Ok(settings)
    }

    pub fn live(&self) -> &Live {
        &self.inner.live
    }

    /// The settings as they may be shown.
    pub async fn view(&self) -> Result<View, StoreError> {
        let stored = self.inner.store.stored_settings(KEY).await?;
        Ok(stored::view(
            &stored,
            &self.inner.surroundings,
            &self.inner.live.current(),
        ))
    }

    async fn follow(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            // Whoever needs the database notices that it is gone, too, and says so.
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "cannot see whether settings changed");
            }
        }
    }

    /// Loads again when there is something new, or when a secret's overlap is over.
    async fn look(&self) -> Result<(), StoreError> {
        let version = self.inner.store.settings_version(KEY).await?;
        let again_at_ms = self.inner.again_at_ms.load(Ordering::Relaxed);
        let over = again_at_ms <= self.inner.clock.now().as_millisecond();
        let troubled = self.inner.troubled.load(Ordering::Relaxed);
        if version != self.inner.live.current().version || over || troubled {
            self.load().await?;
        }
        Ok(())
    }

    /// Makes live what is stored.
    async fn load(&self) -> Result<(), StoreError> {
        let stored = self.inner.store.stored_settings(KEY).await?;
        let now = self.inner.clock.now();
        let overlaps = stored
            .secrets
            .iter()
            .filter_map(|secret| secret.previous_until)
            .filter(|until| *until > now);
        let again_at_ms = overlaps.map(Timestamp::as_millisecond).min();
        let again_at_ms = again_at_ms.unwrap_or(i64::MAX);
        self.inner.again_at_ms.store(again_at_ms, Ordering::Relaxed);
        let draft = Draft::read(stored.value.as_ref());
        let connected = if self.inner.surroundings.locked {
            Ok(None)
        } else {
            self.channel(&draft, &stored.secrets)
        };
        let live = &self.inner.live;
        match connected {
            Ok(channel) => {
                if self.inner.troubled.swap(false, Ordering::Relaxed) {
                    tracing::info!("the stored settings can be read again");
                }
                live.apply(stored.version, draft.switches(), channel);
            }
            Err(reason) => {
                if !self.inner.troubled.swap(true, Ordering::Relaxed) {
                    tracing::error!("nothing is sent or received: {reason:#}");
                }
                live.shut(stored.version);
            }
        }
        Ok(())
    }

    /// The connection that is stored, if it is whole.
    fn channel(
        &self,
        draft: &Draft,
        secrets: &[crate::store::secrets::SealedSecret],
    ) -> anyhow::Result<Option<Channel>> {
        if secrets.is_empty() {
            return Ok(None);
        }
        let key = self.inner.surroundings.key.existing()?.context(
            "there are stored secrets, and no key to open them; give the key that they were stored with as \
             PUISANO_SECRET_KEY",
        )?;
        let words = Words::open(&key, secrets, self.inner.clock.now())?;
        stored::channel(draft, &words, &self.inner.surroundings.graph)
    }
}
