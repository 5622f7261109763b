//! The way in: a webhook's envelope and events become rows in one transaction, shared by webhooks that arrive together.
//!
//! Group commit without a timer: while one transaction is on its way, arrivals gather; when it is back, all of them are the
//! next one. A lone webhook waits for nothing. Nothing is accepted into memory: who is told `Ok` is in the database.

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::model::{EnvelopeId, Event, Origin};
use crate::store::intake::{Arrival, TakenIn};
use crate::store::{Store, StoreError, Topic};
use crate::tasks::Tasks;

/// Webhooks that may wait for the database; the next one is told to come again.
const QUEUE_ENVELOPES_MAX: usize = 1_024;
/// Webhooks that share one transaction.
const BATCH_ENVELOPES_MAX: usize = 256;
/// Elements that share one transaction; one webhook alone may hold more.
const BATCH_ELEMENTS_MAX: usize = 2_000;
/// Bytes that share one transaction; one webhook alone may hold more. Large webhooks that shared one could together take
/// longer than the database may, and would all come again, together.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// How often a batch is tried when other writers are in its way.
const TRIES_MAX: u32 = 3;

/// One authentic webhook.
#[derive(Debug)]
pub struct Envelope {
    pub received_at: Timestamp,
    pub body: Bytes,
    pub events: Vec<Event>,
    pub origin: Origin,
}

/// Nothing was accepted: answer 503 and WhatsApp will come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    #[error("the database did not take the webhook")]
    Unavailable,
    #[error("too many webhooks are waiting for the database")]
    Full,
}

/// A webhook and who waits for its fate.
#[derive(Debug)]
struct Waiting {
    envelope: Envelope,
    answer: oneshot::Sender<Result<(), IngestError>>,
}

/// Hands envelopes to the one writer that commits for all who arrive together.
#[derive(Clone, Debug)]
pub struct Intake {
    queue: mpsc::Sender<Waiting>,
}

impl Intake {
    pub fn start(store: Store, clock: Clock, tasks: &Tasks) -> Self {
        let (queue, arrivals) = mpsc::channel(QUEUE_ENVELOPES_MAX);
        store.follow_wakes(tasks);
        tasks.spawn(
            "intake",
            Writer { store, clock }.run(arrivals, tasks.stopping()),
        );
        Self { queue }
    }

    /// Returns when the envelope is durably in the database, and only then with `Ok`.
    pub async fn accept(&self, envelope: Envelope) -> Result<(), IngestError> {
        let (answer, fate) = oneshot::channel();
        self.queue
            .try_send(Waiting { envelope, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => IngestError::Full,
                mpsc::error::TrySendError::Closed(_) => IngestError::Unavailable,
            })?;
        // An answer that never comes means that the writer went down with the transaction: its fate is unknown.
        fate.await.unwrap_or(Err(IngestError::Unavailable))
    }
}

struct Writer {
    store: Store,
    clock: Clock,
}

impl Writer {
    /// Ends when it is asked to stop and those who were waiting by then are served. A transaction is never broken off.
    async fn run(self, mut arrivals: mpsc::Receiver<Waiting>, stopping: CancellationToken) {
        loop {
            let first = if let Some(first) = stopping.run_until_cancelled(arrivals.recv()).await {
                first
            } else {
                arrivals.close();
                arrivals.recv().await
            };
            let Some(first) = first else { return };
            let batch = gather(first, &mut arrivals);
            let results = self.write(&batch).await;
            for (waiting, result) in batch.into_iter().zip(results) {
                // Who no longer waits has closed the connection and will send again.
                let _ = waiting.answer.send(result);
            }
        }
    }

    /// One result for each of `batch`.
    async fn write(&self, batch: &[Waiting]) -> Vec<Result<(), IngestError>> {
        let arrivals: Vec<Arrival<'_>> = batch
            .iter()
            .map(|waiting| self.arrival(&waiting.envelope))
            .collect();
        match self.take_in(&arrivals).await {
            Ok(taken) => {
                self.wake(taken);
                vec![Ok(()); batch.len()]
            }
            Err(error) if error.is_refused() => self.write_one_by_one(&arrivals).await,
            Err(error) => {
                log_failure(&error, batch.len());
                vec![Err(IngestError::Unavailable); batch.len()]
            }
        }
    }

    /// One of many was refused: each has its own fate, and so has each of its elements.
    async fn write_one_by_one(&self, arrivals: &[Arrival<'_>]) -> Vec<Result<(), IngestError>> {
        let mut results = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let mut result = self.take_in(std::slice::from_ref(arrival)).await;
            if result.as_ref().is_err_and(StoreError::is_refused) {
                result = self.store.take_in_piecewise(&self.clock, arrival).await;
            }
            results.push(match result {
                Ok(taken) => {
                    self.wake(taken);
                    Ok(())
                }
                Err(error) => {
                    log_failure(&error, 1);
                    Err(IngestError::Unavailable)
                }
            });
        }
        results
    }

    async fn take_in(&self, arrivals: &[Arrival<'_>]) -> Result<TakenIn, StoreError> {
        let mut tries = 1;
        loop {
            match self.store.take_in(&self.clock, arrivals).await {
                Err(error) if error.is_conflict() && tries < TRIES_MAX => tries += 1,
                result => return result,
            }
        }
    }

    fn arrival<'a>(&self, envelope: &'a Envelope) -> Arrival<'a> {
        Arrival {
            id: EnvelopeId(self.clock.new_id()),
            received_at: envelope.received_at,
            origin: envelope.origin,
            body: &envelope.body,
            elements: envelope
                .events
                .iter()
                .map(|event| (self.clock.new_id(), event))
                .collect(),
        }
    }

    fn wake(&self, taken: TakenIn) {
        if taken.turns > 0 {
            self.store.wake(Topic::Turns);
        }
        if taken.settled > 0 {
            self.store.wake(Topic::Outbox);
        }
    }
}

/// Everything that waits by now, up to the limits.
fn gather(first: Waiting, arrivals: &mut mpsc::Receiver<Waiting>) -> Vec<Waiting> {
    let mut elements = first.envelope.events.len();
    let mut bytes = first.envelope.body.len();
    let mut batch = vec![first];
    while batch.len() < BATCH_ENVELOPES_MAX
        && elements < BATCH_ELEMENTS_MAX
        && bytes < BATCH_BYTES_MAX
    {
        let Ok(next) = arrivals.try_recv() else { break };
        elements += next.envelope.events.len();
        bytes += next.envelope.body.len();
        batch.push(next);
    }
    batch
}

fn log_failure(error: &StoreError, webhooks: usize) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, webhooks, "webhooks were not accepted; WhatsApp will send them again");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(body_bytes: usize) -> Waiting {
        Waiting {
            envelope: Envelope {
                received_at: Timestamp::UNIX_EPOCH,
                body: Bytes::from(vec![b' '; body_bytes]),
                events: Vec::new(),
                origin: Origin::Live,
            },
            answer: oneshot::channel().0,
        }
    }

    #[test]
    fn what_waits_shares_a_transaction_up_to_the_limits() {
        for (body_bytes, together) in [
            (10, BATCH_ENVELOPES_MAX),
            (BATCH_BYTES_MAX / 4, 4),
            (BATCH_BYTES_MAX * 3, 1),
        ] {
            let (queue, mut arrivals) = mpsc::channel(QUEUE_ENVELOPES_MAX);
            for _ in 0..BATCH_ENVELOPES_MAX + 4 {
                queue.try_send(waiting(body_bytes)).unwrap();
            }
            let first = arrivals.try_recv().unwrap();
            let batch = gather(first, &mut arrivals);
            assert_eq!(batch.len(), together, "{body_bytes}");
        }
    }
}
