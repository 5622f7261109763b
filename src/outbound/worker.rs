//! Sends outbox items: `pending → sending [commit] → HTTP → sent | rejected | unknown`.
//!
//! One loop exchanges with the database: what calls have come to goes in, what is to be sent next comes out, in one
//! transaction. Calls run beside it, a bounded number at a time, with no transaction open. Notices have a loop of their
//! own, see [`notices`].

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::outbound::calls::{Called, Calls, Hearing, Line, Who};
use crate::outbound::notices;
use crate::rulesets::LiveRules;
use crate::settings::Live;
use crate::store::outbox::Terms;
use crate::store::{Store, StoreError, Topic};
use crate::tasks::Tasks;

/// How long work may lie that no wake-up announced.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Pause after trouble with the database.
pub(super) const PAUSE_AFTER_TROUBLE: Duration = Duration::from_millis(500);
/// How often statuses that missed their message are looked for.
const JOIN_PARKED_EVERY: Duration = Duration::from_secs(5);

/// How the outbox sends.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Messages a second of the whole number; WhatsApp allows 80, or 1,000 after an upgrade.
    pub number_per_second: u32,
    /// How long an unknown message waits for a status before it is sent once more.
    pub unknown_window_ms: u64,
    /// Notices to one person in 24 hours; critical ones are not counted out.
    pub notices_per_day: u32,
}

/// What the outbox sends with.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub store: Store,
    /// Which number sends, and whether anything is sent.
    pub live: Live,
    /// For the town's time zone.
    pub rules: LiveRules,
    pub pace: Pace,
    pub clock: Clock,
}

/// Starts the senders of this node: one for replies, one for notices.
pub fn start(outbox: Outbox, tasks: &Tasks) {
    outbox.store.follow_wakes(tasks);
    let line = Line::new(
        outbox.store.clone(),
        outbox.live.clone(),
        outbox.pace.number_per_second,
        tasks.clone(),
    );
    let (calls, results) = line.calls(Who::Replies);
    let sender = Sender {
        line: line.clone(),
        calls,
        unknown_window_ms: outbox.pace.unknown_window_ms,
        clock: outbox.clock.clone(),
        hearing: Hearing::default(),
        free_at: None,
        parked_joined: Instant::now(),
    };
    tasks.spawn("outbox", sender.run(results, tasks.stopping()));
    notices::start(&line, &outbox);
}

/// The state of the loop.
struct Sender {
    line: Line,
    calls: Calls,
    unknown_window_ms: u64,
    clock: Clock,
    hearing: Hearing,
    /// When the number may send again.
    free_at: Option<Timestamp>,
    parked_joined: Instant,
}

impl Sender {
    async fn run(mut self, mut results: mpsc::Receiver<Called>, stopping: CancellationToken) {
        loop {
            while let Ok(called) = results.try_recv() {
                self.calls.end(called);
            }
            let stop = stopping.is_cancelled();
            if stop && self.calls.are_over() {
                return;
            }
            match self.exchange(stop).await {
                Ok(true) => {}
                Ok(false) => self.wait(&mut results, &stopping).await,
                Err(error) => {
                    // Statuses could not come in either: the window begins anew.
                    self.hearing.broke_off();
                    tracing::error!(%error, "the outbox is not served; trying again");
                    tokio::time::sleep(PAUSE_AFTER_TROUBLE).await;
                }
            }
        }
    }

    /// One look at the outbox. Whether there is more to do at once.
    async fn exchange(&mut self, stop: bool) -> Result<bool, StoreError> {
        if self.parked_joined.elapsed() >= JOIN_PARKED_EVERY {
            self.parked_joined = Instant::now();
            self.line.store.join_parked_statuses().await?;
        }
        self.calls.tell_news().await?;
        let number = self.line.number();
        let terms = Terms {
            number: &number,
            sends_max: if stop { 0 } else { self.calls.free() },
            window_ms: self.unknown_window_ms,
            healthy_since: self.hearing.since(),
        };
        let exchange = match self
            .line
            .store
            .exchange_sends(&self.calls.unwritten, terms)
            .await
        {
            Err(error) if error.is_refused() && !self.calls.unwritten.is_empty() => {
                return self.write_one_by_one().await;
            }
            result => result?,
        };
        self.calls.unwritten.clear();
        self.hearing.goes_on(exchange.now);
        self.free_at = exchange.free_at;
        self.calls.begin(exchange.sends, exchange.pause.as_ref());
        Ok(exchange.again)
    }

    /// The database refuses a value of one result. That item's call is lost, and a status or the window decides.
    async fn write_one_by_one(&mut self) -> Result<bool, StoreError> {
        let number = self.line.number();
        let terms = Terms {
            number: &number,
            sends_max: 0,
            window_ms: self.unknown_window_ms,
            healthy_since: self.hearing.since(),
        };
        while let Some(result) = self.calls.unwritten.last() {
            match self
                .line
                .store
                .exchange_sends(std::slice::from_ref(result), terms)
                .await
            {
                Err(error) if error.is_refused() => {
                    tracing::error!(%error, item = %result.id, "the outcome of a call could not be stored");
                }
                outcome => drop(outcome?),
            }
            self.calls.unwritten.pop();
        }
        Ok(true)
    }

    /// Until there may be something to do.
    async fn wait(&mut self, results: &mut mpsc::Receiver<Called>, stopping: &CancellationToken) {
        let patience = patience(self.free_at, self.clock.now(), POLL_EVERY);
        tokio::select! {
            Some(called) = results.recv() => self.calls.end(called),
            () = self.line.store.woken(Topic::Outbox) => {}
            () = tokio::time::sleep(patience) => {}
            () = stopping.cancelled(), if self.calls.none_under_way() => {}
        }
    }
}

/// How long to wait until `at`, and never longer than `most`.
pub(super) fn patience(at: Option<Timestamp>, now: Timestamp, most: Duration) -> Duration {
    /// Less would only ask the database more often.
    const LEAST: Duration = Duration::from_millis(5);
    at.map_or(most, |at| {
        Duration::try_from(at.duration_since(now))
            .unwrap_or_default()
            .clamp(LEAST, most)
    })
}
