//! Turns the recipients of notices to many into items of the outbox, a batch at a time.

use std::time::Duration;

use crate::clock::Clock;
use crate::model::{Origin, PhoneNumberId};
use crate::store::{Store, Topic};
use crate::tasks::Tasks;

/// How long work may lie that no wake-up announced.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Pause after trouble with the database.
const PAUSE_AFTER_TROUBLE: Duration = Duration::from_millis(500);

/// Starts this node's worker. `number` says from which of our numbers it goes out now.
pub fn start(
    store: Store,
    clock: Clock,
    number: impl Fn() -> (PhoneNumberId, Origin) + Send + Sync + 'static,
    tasks: &Tasks,
) {
    store.follow_wakes(tasks);
    let stopping = tasks.stopping();
    tasks.spawn("notices", async move {
        while !stopping.is_cancelled() {
            let (number, origin) = number();
            // A batch is never broken off; one that was, by a crash, is made again as if for the first time.
            match store.expand_notifications(&clock, &number, origin).await {
                Ok(0) => {
                    let woken = tokio::time::timeout(POLL_EVERY, store.woken(Topic::Recipients));
                    stopping.run_until_cancelled(woken).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "a notice could not be spread; trying again"
                    );
                    stopping
                        .run_until_cancelled(tokio::time::sleep(PAUSE_AFTER_TROUBLE))
                        .await;
                }
            }
        }
    });
}
