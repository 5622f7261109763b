//! Claims conversations that have messages to decide, many at a time, and decides them in order under a lease and a fence.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;

use crate::clock::Clock;
use crate::conversations::turn::{Decided, decide_messages};
use crate::model::ConversationId;
use crate::rulesets::LiveRules;
use crate::settings::{Live, Switches};
use crate::store::turns::{Claim, DueTurns, FinishedTurns, Which};
use crate::store::{Store, StoreError, Topic};
use crate::tasks::Tasks;

/// Conversations that are decided and written together.
const CLAIM_CONVERSATIONS_MAX: i64 = 128;
/// Messages of one conversation that are decided in one claim; the others wait for the next.
const CLAIM_MESSAGES_MAX: i64 = 16;
/// Attempts at a message that takes the worker down each time; then staff gets it.
const ATTEMPTS_MAX: i16 = 3;
/// How often a write is tried when other writers are in its way.
const TRIES_MAX: u32 = 3;
/// How long work may lie that no wake-up announced.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Pause after trouble with the database.
const PAUSE_AFTER_TROUBLE: Duration = Duration::from_millis(500);
/// How long a conversation rests whose state only a newer program understands.
const REST_TOO_NEW_SECONDS: f64 = 1.0;

/// Starts the turn worker of this node.
pub fn start(worker: Worker, tasks: &Tasks) {
    worker.store.follow_wakes(tasks);
    let stopping = tasks.stopping();
    tasks.spawn("turns", async move {
        while !stopping.is_cancelled() {
            // A round is never broken off: what it has claimed it also finishes.
            match worker.round().await {
                Ok(0) => {
                    let woken = tokio::time::timeout(POLL_EVERY, worker.store.woken(Topic::Turns));
                    stopping.run_until_cancelled(woken).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "messages could not be decided; trying again"
                    );
                    stopping
                        .run_until_cancelled(tokio::time::sleep(PAUSE_AFTER_TROUBLE))
                        .await;
                }
            }
        }
    });
}

/// Decides what is due, round by round.
#[derive(Clone, Debug)]
pub struct Worker {
    store: Store,
    rules: LiveRules,
    clock: Clock,
    /// Without settings everything is switched on.
    settings: Option<Live>,
}

impl Worker {
    pub fn new(store: Store, rules: LiveRules, clock: Clock) -> Self {
        Self {
            store,
            rules,
            clock,
            settings: None,
        }
    }

    /// The same, with what is switched off and on at each moment.
    #[must_use]
    pub fn following(self, settings: Live) -> Self {
        Self {
            settings: Some(settings),
            ..self
        }
    }

    fn switches(&self) -> Switches {
        let settings = self.settings.as_ref().map(Live::current);
        settings.map_or_else(Switches::default, |current| current.switches.clone())
    }

    /// Decides messages of many conversations once; how many conversations these were.
    pub async fn round(&self) -> anyhow::Result<usize> {
        let claims = self
            .store
            .claim_turns(Which::Fresh, CLAIM_CONVERSATIONS_MAX)
            .await?;
        let fresh = claims.len();
        if fresh > 0 {
            self.work(claims, CLAIM_MESSAGES_MAX).await?;
        }
        if fresh < usize::try_from(CLAIM_CONVERSATIONS_MAX).unwrap_or(usize::MAX) {
            // There is time to look after those that went wrong, one by one and message by message.
            let suspects = self.store.claim_turns(Which::Suspect, 1).await?;
            let count = suspects.len();
            if count > 0 {
                self.work(suspects, 1).await?;
            }
            return Ok(fresh + count);
        }
        Ok(fresh)
    }

    async fn work(&self, claims: Vec<Claim>, messages_max: i64) -> anyhow::Result<()> {
        let outcome = self.decide_claims(&claims, messages_max).await;
        if outcome.is_err() {
            // The messages are not at fault. If this fails too, the leases run out.
            let _ = self.store.release_turns(&claims, 0.0).await;
        }
        outcome
    }

    async fn decide_claims(&self, claims: &[Claim], messages_max: i64) -> anyhow::Result<()> {
        let due = self.store.load_turns(claims, messages_max).await?;
        let (mut finished, mut idle, mut too_new) = (Vec::new(), Vec::new(), Vec::new());
        for turns in &due {
            let Some(first) = turns.messages.first() else {
                idle.push(turns.claim);
                continue;
            };
            if turns.claim.attempts > ATTEMPTS_MAX {
                self.quarantine(turns, "it took the service down").await?;
                continue;
            }
            // Whatever is published meanwhile, one message is decided with one rule set.
            let live = self.rules.current();
            match decide_messages(turns, &live, &self.clock, &self.switches()) {
                Ok(Decided {
                    broken: Some(broken),
                    ..
                }) if broken == first.id => {
                    self.quarantine(turns, "the engine failed on it").await?;
                }
                Ok(Decided { finished: done, .. }) => finished.push(done),
                Err(error) => {
                    tracing::warn!(%error, "a conversation was left to a newer node");
                    too_new.push(turns.claim);
                }
            }
        }
        self.give_back(&idle, 0.0).await?;
        self.give_back(&too_new, REST_TOO_NEW_SECONDS).await?;
        self.write(&finished).await
    }

    async fn quarantine(&self, turns: &DueTurns, cause: &str) -> anyhow::Result<()> {
        let Some(message) = turns.messages.first() else {
            return Ok(());
        };
        let taken = self
            .store
            .quarantine_turn(&self.clock, turns.claim, message.id, cause)
            .await?;
        if taken {
            let conversation = turns.claim.conversation;
            tracing::error!(%conversation, message = %message.id, cause, "a message was quarantined and handed to staff");
        }
        Ok(())
    }

    async fn give_back(&self, claims: &[Claim], rest_seconds: f64) -> anyhow::Result<()> {
        if claims.is_empty() {
            return Ok(());
        }
        Ok(self.store.release_turns(claims, rest_seconds).await?)
    }

    async fn write(&self, finished: &[FinishedTurns<'_>]) -> anyhow::Result<()> {
        if finished.is_empty() {
            return Ok(());
        }
        let written = match self.finish(finished).await {
            Err(error) if error.is_refused() => self.finish_one_by_one(finished).await?,
            result => result.context("nothing of this round was written")?,
        };
        if finished.iter().any(|one| !one.items.is_empty()) {
            self.store.wake(Topic::Outbox);
        }
        // Somebody else has it by now, or its owner changed; what is still ours is decided again with the new facts.
        let lost = finished
            .iter()
            .map(|one| one.due.claim)
            .filter(|claim| !written.contains(&claim.conversation));
        self.give_back(&lost.collect::<Vec<_>>(), 0.0).await
    }

    async fn finish(
        &self,
        finished: &[FinishedTurns<'_>],
    ) -> Result<HashSet<ConversationId>, StoreError> {
        let mut tries = 1;
        loop {
            match self.store.finish_turns(finished).await {
                Err(error) if error.is_conflict() && tries < TRIES_MAX => tries += 1,
                result => return result.map(|written| written.into_iter().collect()),
            }
        }
    }

    /// The database refuses a value of one of many. That one keeps its attempts, so that staff gets it in the end.
    async fn finish_one_by_one(
        &self,
        finished: &[FinishedTurns<'_>],
    ) -> anyhow::Result<HashSet<ConversationId>> {
        let mut written = HashSet::new();
        for one in finished {
            match self.finish(std::slice::from_ref(one)).await {
                Ok(done) => written.extend(done),
                Err(error) if error.is_refused() => {
                    let conversation = one.due.claim.conversation;
                    tracing::error!(%error, %conversation, "a decision could not be stored");
                    written.insert(conversation);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(written)
    }
}
