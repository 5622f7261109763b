//! Sends outbox items: `pending → sending [commit] → HTTP → sent | rejected | unknown`.
//!
//! One loop exchanges with the database: what calls have come to goes in, what is to be sent next comes out, in one
//! transaction. Calls run beside it, a bounded number at a time, with no transaction open.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::model::{FailureScope, Outgoing, SendFailure, SendOutcome};
use crate::outbound::pace::NumberPace;
use crate::outbound::pause::{Pause, Standstill};
use crate::outbound::retry::{Ruling, rule};
use crate::settings::Live;
use crate::store::outbox::{Send, SendResult, Terms, Verdict};
use crate::store::{Store, StoreError, Topic};
use crate::tasks::Tasks;

/// Calls that are made at the same time.
const CALLS_MAX: usize = 64;
/// A call that takes longer is left, and its outcome is unknown. Shorter than the time after which the store thinks it
/// lost.
const CALL_MAX: Duration = Duration::from_secs(25);
/// How long work may lie that no wake-up announced.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Pause after trouble with the database.
const PAUSE_AFTER_TROUBLE: Duration = Duration::from_millis(500);
/// A longer time between two looks means that this process or its database stood still, and that statuses may be waiting
/// outside.
const STANDSTILL: Duration = Duration::from_secs(4);
/// How often statuses that missed their message are looked for.
const JOIN_PARKED_EVERY: Duration = Duration::from_secs(5);

/// How the outbox sends.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Messages a second of the whole number; WhatsApp allows 80, or 1,000 after an upgrade.
    pub number_per_second: u32,
    /// How long an unknown message waits for a status before it is sent once more.
    pub unknown_window_ms: u64,
}

/// Starts the sender of this node.
pub fn start(store: Store, live: Live, pace: Pace, clock: Clock, tasks: &Tasks) {
    store.follow_wakes(tasks);
    let (done, results) = mpsc::channel(CALLS_MAX);
    let sender = Sender {
        number: NumberPace::new(pace.number_per_second, clock.now()),
        store,
        live,
        pace,
        clock,
        tasks: tasks.clone(),
        done,
        unwritten: Vec::new(),
        in_flight: 0,
        standstill: Standstill::default(),
        healthy_since: None,
        last_look: None,
        parked_joined: Instant::now(),
    };
    tasks.spawn("outbox", sender.run(results, tasks.stopping()));
}

/// A call that is over.
struct Called {
    send: Send,
    /// The pause in which it began.
    before: Option<Pause>,
    outcome: SendOutcome,
}

/// The state of the loop.
struct Sender {
    store: Store,
    live: Live,
    pace: Pace,
    clock: Clock,
    tasks: Tasks,
    number: NumberPace,
    done: mpsc::Sender<Called>,
    /// What calls have come to, and is not in the database yet.
    unwritten: Vec<SendResult>,
    in_flight: usize,
    standstill: Standstill,
    healthy_since: Option<Timestamp>,
    last_look: Option<Instant>,
    parked_joined: Instant,
}

impl Sender {
    async fn run(mut self, mut results: mpsc::Receiver<Called>, stopping: CancellationToken) {
        loop {
            while let Ok(called) = results.try_recv() {
                self.take_note(called);
            }
            let stop = stopping.is_cancelled();
            if stop && self.in_flight == 0 && self.unwritten.is_empty() {
                return;
            }
            match self.exchange(stop).await {
                Ok(true) => {}
                Ok(false) => self.wait(&mut results, &stopping).await,
                Err(error) => {
                    // Statuses could not come in either: the window begins anew.
                    self.healthy_since = None;
                    tracing::error!(%error, "the outbox is not served; trying again");
                    tokio::time::sleep(PAUSE_AFTER_TROUBLE).await;
                }
            }
        }
    }

    /// One look at the outbox. Whether there is more to do at once.
    async fn exchange(&mut self, stop: bool) -> Result<bool, StoreError> {
        self.notice_standstill();
        if self.parked_joined.elapsed() >= JOIN_PARKED_EVERY {
            self.parked_joined = Instant::now();
            self.store.join_parked_statuses().await?;
        }
        let terms = Terms {
            sends_max: if stop || !self.live.enabled() { 0 } else { self.sends_allowed() },
            window_ms: self.pace.unknown_window_ms,
            healthy_since: self.healthy_since,
        };
        let exchange = match self.store.exchange_sends(&self.unwritten, terms).await {
            Err(error) if error.is_refused() && !self.unwritten.is_empty() => {
                return self.write_one_by_one().await;
            }
            result => result?,
        };
        self.unwritten.clear();
        self.healthy_since.get_or_insert(exchange.now);
        self.number.used(exchange.sends.len());
        for send in exchange.sends {
            self.call(send);
        }
        Ok(exchange.again)
    }

    /// The database refuses a value of one result. That item's call is lost, and a status or the window decides.
    async fn write_one_by_one(&mut self) -> Result<bool, StoreError> {
        let terms = Terms {
            sends_max: 0,
            window_ms: self.pace.unknown_window_ms,
            healthy_since: self.healthy_since,
        };
        while let Some(result) = self.unwritten.last() {
            match self
                .store
                .exchange_sends(std::slice::from_ref(result), terms)
                .await
            {
                Err(error) if error.is_refused() => {
                    tracing::error!(%error, item = %result.id, "the outcome of a call could not be stored");
                }
                outcome => drop(outcome?),
            }
            self.unwritten.pop();
        }
        Ok(true)
    }

    /// While this process stands still, statuses gather outside; a window that went on meanwhile would be too short.
    fn notice_standstill(&mut self) {
        let now = Instant::now();
        if self
            .last_look
            .is_some_and(|last| now.duration_since(last) > STANDSTILL)
        {
            self.healthy_since = None;
        }
        self.last_look = Some(now);
    }

    fn sends_allowed(&mut self) -> i64 {
        let now = self.clock.now();
        let free = CALLS_MAX.saturating_sub(self.in_flight);
        let allowed = self.standstill.allowed(now, free);
        i64::try_from(allowed.min(self.number.allowed(now))).unwrap_or(0)
    }

    fn call(&mut self, send: Send) {
        self.in_flight += 1;
        let before = self.standstill.begin();
        let client = self.live.client_for(&send.phone_number_id);
        let done = self.done.clone();
        self.tasks.spawn("send", async move {
            let outcome = match outgoing(&send) {
                Ok(outgoing) => tokio::time::timeout(CALL_MAX, client.send(&outgoing))
                    .await
                    .unwrap_or_else(|_| no_answer()),
                Err(failure) => SendOutcome::Rejected(failure),
            };
            // The loop outlives its calls.
            let called = Called {
                send,
                before,
                outcome,
            };
            let _ = done.send(called).await;
        });
    }

    fn take_note(&mut self, called: Called) {
        let Called {
            send,
            before,
            outcome,
        } = called;
        self.in_flight = self.in_flight.saturating_sub(1);
        let Ruling { verdict, pause } = rule(&send, outcome, self.clock.now(), before);
        if let Some(asked) = pause {
            if let Some(begun) = self.standstill.end_paused(before, asked) {
                tracing::warn!(until = %begun.until, why = begun.why(), "sending pauses; nothing is lost");
            }
        } else if matches!(verdict, Verdict::Sent { .. }) {
            self.standstill.end_sent(before);
        } else {
            self.standstill.end(before);
        }
        self.unwritten.push(SendResult {
            conversation: send.opaque.conversation,
            id: send.opaque.outbox,
            phone_number_id: send.phone_number_id,
            attempt: send.attempt,
            verdict,
        });
    }

    /// Until there may be something to do.
    async fn wait(&mut self, results: &mut mpsc::Receiver<Called>, stopping: &CancellationToken) {
        let patience = self.number.wait(self.clock.now()).min(POLL_EVERY);
        tokio::select! {
            Some(called) = results.recv() => self.take_note(called),
            () = self.store.woken(Topic::Outbox) => {}
            () = tokio::time::sleep(patience) => {}
            () = stopping.cancelled(), if self.in_flight == 0 => {}
        }
    }
}

fn outgoing(send: &Send) -> Result<Outgoing, SendFailure> {
    let failure = |message: &str| SendFailure {
        code: None,
        message: message.to_owned(),
        retry_after_ms: None,
        scope: FailureScope::Item,
    };
    Ok(Outgoing {
        phone_number_id: send.phone_number_id.clone(),
        to: send.to.clone().ok_or_else(|| {
            failure("The contact has neither a phone number nor a user id any more.")
        })?,
        content: serde_json::from_value(send.content.clone()).map_err(|_| {
            failure("What is to be sent was written by a newer version of the service.")
        })?,
        reply_to: send.reply_to.clone(),
        opaque: send.opaque.clone(),
    })
}

fn no_answer() -> SendOutcome {
    SendOutcome::Unknown(SendFailure {
        code: None,
        message: "WhatsApp did not answer in time.".to_owned(),
        retry_after_ms: None,
        scope: FailureScope::Item,
    })
}
