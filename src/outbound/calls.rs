//! Calls under way: a bounded number of them, of which notices leave some to replies. What they come to is kept until it is
//! written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::model::{FailureScope, Outgoing, SendFailure, SendOutcome};
use crate::outbound::retry::{Ruling, rule};
use crate::settings::Live;
use crate::store::outbox::{Number, NumberNews, NumberPause, Said, Send, SendResult};
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;

/// Calls of this process that are made at the same time.
const CALLS_MAX: usize = 64;
/// How many of them are kept free for replies.
const CALLS_FOR_REPLIES: usize = 16;
/// A call that takes longer is left, and its outcome is unknown. Shorter than the time after which the store thinks it
/// lost.
const CALL_MAX: Duration = Duration::from_secs(25);
/// A longer time between two looks means that this process or its database stood still, and that statuses may be waiting
/// outside.
const STANDSTILL: Duration = Duration::from_secs(4);

/// What the two senders of a process share.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) store: Store,
    pub(super) live: Live,
    per_second: u32,
    pub(super) tasks: Tasks,
    in_flight: Arc<AtomicUsize>,
}

/// Who makes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Replies,
    Notices,
}

/// A call that is over.
#[derive(Debug)]
pub(super) struct Called {
    send: Send,
    /// The pause in which it began.
    before: Option<NumberPause>,
    outcome: SendOutcome,
}

/// The calls of one sender.
#[derive(Debug)]
pub(super) struct Calls {
    line: Line,
    who: Who,
    done: mpsc::Sender<Called>,
    /// What calls have come to, and is not in the database yet.
    pub(super) unwritten: Vec<SendResult>,
    news: Vec<NumberNews>,
    own_in_flight: usize,
}

impl Line {
    pub(super) fn new(store: Store, live: Live, per_second: u32, tasks: Tasks) -> Self {
        Self {
            store,
            live,
            per_second,
            tasks,
            in_flight: Arc::default(),
        }
    }

    /// The number of this moment.
    pub(super) fn number(&self) -> Number {
        let current = self.live.current();
        Number {
            id: current.channel.access.phone_number_id.clone(),
            per_second: self.per_second,
        }
    }

    /// Calls of `who`, and where they end.
    pub(super) fn calls(&self, who: Who) -> (Calls, mpsc::Receiver<Called>) {
        let (done, results) = mpsc::channel(CALLS_MAX);
        let calls = Calls {
            line: self.clone(),
            who,
            done,
            unwritten: Vec::new(),
            news: Vec::new(),
            own_in_flight: 0,
        };
        (calls, results)
    }
}

impl Calls {
    /// How many may be begun.
    pub(super) fn free(&self) -> i64 {
        if !self.line.live.enabled() {
            return 0;
        }
        let all = CALLS_MAX.saturating_sub(self.line.in_flight.load(Ordering::Acquire));
        let free = match self.who {
            Who::Replies => all,
            Who::Notices => all.saturating_sub(CALLS_FOR_REPLIES),
        };
        i64::try_from(free).unwrap_or(0)
    }

    /// Nothing is under way, and everything is written down.
    pub(super) fn are_over(&self) -> bool {
        self.none_under_way() && self.unwritten.is_empty()
    }

    pub(super) fn none_under_way(&self) -> bool {
        self.own_in_flight == 0
    }

    pub(super) fn begin(&mut self, sends: Vec<Send>, before: Option<&NumberPause>) {
        for send in sends {
            self.call(send, before.cloned());
        }
    }

    fn call(&mut self, send: Send, before: Option<NumberPause>) {
        self.own_in_flight += 1;
        self.line.in_flight.fetch_add(1, Ordering::AcqRel);
        let client = self.line.live.client_for(&send.phone_number_id);
        let done = self.done.clone();
        self.line.tasks.spawn("send", async move {
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

    /// A call is over.
    pub(super) fn end(&mut self, called: Called) {
        let Called {
            send,
            before,
            outcome,
        } = called;
        self.own_in_flight = self.own_in_flight.saturating_sub(1);
        self.line.in_flight.fetch_sub(1, Ordering::AcqRel);
        let Ruling { verdict, said } = rule(&send, outcome, before.as_ref());
        if before.is_some() || matches!(said, Said::Paused { .. }) {
            self.news.push(NumberNews { before, said });
        }
        self.unwritten.push(SendResult {
            conversation: send.opaque.conversation,
            id: send.opaque.outbox,
            phone_number_id: send.phone_number_id,
            attempt: send.attempt,
            verdict,
        });
    }

    /// Writes down what calls said about the number; before anything is claimed, or the pause would come too late.
    pub(super) async fn tell_news(&mut self) -> Result<(), StoreError> {
        // Calls that fail together are one event.
        if let Some(reason) = self.news.iter().find_map(pause_reason) {
            tracing::warn!(%reason, "sending pauses; nothing is lost");
        }
        if !self.news.is_empty() {
            let number = &self.line.number().id;
            self.line.store.hear_of_number(number, &self.news).await?;
            self.news.clear();
        }
        Ok(())
    }
}

fn pause_reason(news: &NumberNews) -> Option<&str> {
    match &news.said {
        Said::Paused { reason, .. } => Some(reason),
        Said::Passed | Said::Nothing => None,
    }
}

/// Since when statuses could have reached us without a break: while this process or its database stands still, they gather
/// outside, and a window that went on meanwhile would be too short.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hearing {
    since: Option<Timestamp>,
    last_look: Option<Instant>,
}

impl Hearing {
    pub(super) fn since(&mut self) -> Option<Timestamp> {
        let now = Instant::now();
        let stood_still = |last: Instant| now.duration_since(last) > STANDSTILL;
        if self.last_look.is_some_and(stood_still) {
            self.since = None;
        }
        self.last_look = Some(now);
        self.since
    }

    /// The database answered; its time is `now`.
    pub(super) fn goes_on(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    pub(super) fn broke_off(&mut self) {
        self.since = None;
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
