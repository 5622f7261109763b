//! Sends notices, beside the lanes and behind them: in a loop of its own, with calls that replies do not need.
//!
//! What is due goes before the [`judge`]; what he lets through is written down as being sent, in the same transaction that
//! saw the customer's consent.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::outbound::calls::{Called, Calls, Hearing, Line, Who};
use crate::outbound::judge::{self, Law};
use crate::outbound::worker::{Outbox, PAUSE_AFTER_TROUBLE, patience};
use crate::rulesets::LiveRules;
use crate::store::outbox::{NoticeExchange, NoticeTerms, SendResult};
use crate::store::{StoreError, Topic};

/// How long a notice may lie that no wake-up announced.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at least, so that many answers are written together and replies find the database free.
const LOOK_EVERY: Duration = Duration::from_millis(60);

pub(super) fn start(line: &Line, outbox: &Outbox) {
    let (calls, results) = line.calls(Who::Notices);
    let sender = NoticeSender {
        line: line.clone(),
        calls,
        rules: outbox.rules.clone(),
        clock: outbox.clock.clone(),
        per_day: i64::from(outbox.pace.notices_per_day),
        unknown_window_ms: outbox.pace.unknown_window_ms,
        hearing: Hearing::default(),
        next_at: None,
    };
    let stopping = line.tasks.stopping();
    line.tasks.spawn("notices", sender.run(results, stopping));
}

/// The state of the loop.
struct NoticeSender {
    line: Line,
    calls: Calls,
    rules: LiveRules,
    clock: Clock,
    per_day: i64,
    unknown_window_ms: u64,
    hearing: Hearing,
    /// When there is something to look at.
    next_at: Option<Timestamp>,
}

impl NoticeSender {
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
                Ok(again) => {
                    if !again || self.calls.free() <= 0 {
                        self.wait(&mut results, &stopping).await;
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(error) => {
                    self.hearing.broke_off();
                    tracing::error!(%error, "notices are not served; trying again");
                    tokio::time::sleep(PAUSE_AFTER_TROUBLE).await;
                }
            }
        }
    }

    /// One look at what is due. Whether there is more to do at once.
    async fn exchange(&mut self, stop: bool) -> Result<bool, StoreError> {
        self.calls.tell_news().await?;
        let sends_max = if stop { 0 } else { self.calls.free() };
        let law = self.law();
        let exchange = match self.look(&self.calls.unwritten, law, sends_max).await {
            Err(error) if error.is_refused() && !self.calls.unwritten.is_empty() => {
                return self.write_one_by_one().await;
            }
            result => result?,
        };
        self.calls.unwritten.clear();
        self.hearing.goes_on(exchange.now);
        self.next_at = exchange.next_at;
        self.calls.begin(exchange.sends, exchange.pause.as_ref());
        Ok(exchange.again)
    }

    async fn look(
        &self,
        results: &[SendResult],
        law: Law,
        sends_max: i64,
    ) -> Result<NoticeExchange, StoreError> {
        let number = self.line.number();
        let terms = NoticeTerms {
            number: &number,
            sends_max,
            window_ms: self.unknown_window_ms,
        };
        self.line
            .store
            .exchange_notices(results, terms, |docket, candidates| {
                judge::sit(&law, docket, candidates)
            })
            .await
    }

    fn law(&mut self) -> Law {
        Law {
            per_day: self.per_day,
            town: self.rules.current().ruleset.timezone().clone(),
            unknown_window: SignedDuration::from_millis(
                i64::try_from(self.unknown_window_ms).unwrap_or(i64::MAX),
            ),
            healthy_since: self.hearing.since(),
        }
    }

    /// The database refuses a value of one result. That item's call is lost, and a status or the window decides.
    async fn write_one_by_one(&mut self) -> Result<bool, StoreError> {
        while let Some(result) = self.calls.unwritten.last().cloned() {
            let law = self.law();
            match self.look(std::slice::from_ref(&result), law, 0).await {
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
        let patience = patience(self.next_at, self.clock.now(), POLL_EVERY);
        tokio::select! {
            Some(called) = results.recv() => self.calls.end(called),
            () = self.line.store.woken(Topic::Notices) => {}
            () = tokio::time::sleep(patience) => {}
            () = stopping.cancelled(), if self.calls.none_under_way() => {}
        }
    }
}
