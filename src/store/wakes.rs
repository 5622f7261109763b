//! Tells workers that there is something to do: at once in this process, by `NOTIFY` in the others.
//!
//! A wake-up is a hint. What is to be done stands in tables, and workers look there each second anyway. `NOTIFY` is sent
//! outside the transaction that made the work, because transactions that notify commit one after the other; while one is
//! on its way, all further ones become the next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::Notify;

use super::{Store, StoreError, call};
use crate::tasks::Tasks;

const CHANNEL: &str = "puisano_wakes";
/// Pause before the listener connects again.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Turns,
    Outbox,
    /// What is sent beside the lanes.
    Notices,
    /// To whom a notice to many goes.
    Recipients,
}

#[derive(Debug, Default)]
struct Bell {
    here: Notify,
    to_announce: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Wakes {
    turns: Bell,
    outbox: Bell,
    notices: Bell,
    recipients: Bell,
    announce: Notify,
    started: AtomicBool,
}

impl Topic {
    const ALL: [Self; 4] = [Self::Turns, Self::Outbox, Self::Notices, Self::Recipients];

    fn name(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Outbox => "outbox",
            Self::Notices => "notices",
            Self::Recipients => "recipients",
        }
    }
}

impl Wakes {
    fn bell(&self, topic: Topic) -> &Bell {
        match topic {
            Topic::Turns => &self.turns,
            Topic::Outbox => &self.outbox,
            Topic::Notices => &self.notices,
            Topic::Recipients => &self.recipients,
        }
    }
}

impl Store {
    /// Wakes the workers for `topic`, here and elsewhere. Never waits.
    pub fn wake(&self, topic: Topic) {
        let bell = self.wakes.bell(topic);
        bell.here.notify_one();
        if !bell.to_announce.swap(true, Ordering::AcqRel) {
            self.wakes.announce.notify_one();
        }
    }

    /// Resolves when there may be something to do for `topic`. Safe to drop and to call again.
    pub async fn woken(&self, topic: Topic) {
        self.wakes.bell(topic).here.notified().await;
    }

    /// Starts to pass wake-ups between this process and the others; once per process, whoever asks first.
    pub fn follow_wakes(&self, tasks: &Tasks) {
        if self.wakes.started.swap(true, Ordering::AcqRel) {
            return;
        }
        let (announcer, listener, stopping) = (self.clone(), self.clone(), tasks.stopping());
        let stop_listening = stopping.clone();
        tasks.spawn("announce", async move {
            stopping.run_until_cancelled(announcer.announce()).await;
        });
        tasks.spawn("listen", async move {
            stop_listening.run_until_cancelled(listener.listen()).await;
        });
    }

    async fn announce(&self) {
        loop {
            self.wakes.announce.notified().await;
            for topic in Topic::ALL {
                if self
                    .wakes
                    .bell(topic)
                    .to_announce
                    .swap(false, Ordering::AcqRel)
                    && let Err(error) = self.notify(topic).await
                {
                    // The others look by themselves within a second.
                    tracing::debug!(error = %error, "a wake-up was not sent");
                }
            }
        }
    }

    async fn notify(&self, topic: Topic) -> Result<(), StoreError> {
        let mut call = self.call("send a wake-up").await?;
        let outcome = call::deadline(async {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(CHANNEL)
                .bind(topic.name())
                .execute(call.db())
                .await
                .map(drop)
        })
        .await;
        call.end(outcome)
    }

    async fn listen(&self) {
        loop {
            if let Err(error) = self.listen_once().await {
                tracing::debug!(error = %error, "wake-ups from other nodes are not heard");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn listen_once(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        loop {
            let heard = listener.recv().await?;
            for topic in Topic::ALL
                .into_iter()
                .filter(|topic| topic.name() == heard.payload())
            {
                self.wakes.bell(topic).here.notify_one();
            }
        }
    }
}
