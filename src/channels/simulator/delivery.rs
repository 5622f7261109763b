//! Brings webhooks to the service: at least once, again until it says 200, many at a time and in no order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::record::Record;
use super::shared::Shared;
use super::webhooks;
use crate::tasks::Tasks;

/// Webhooks under way at once.
const CONCURRENT_MAX: usize = 32;

/// The first repetition comes at once, the following ever later.
const RETRY_FIRST_MS: i64 = 100;
const RETRY_MAX_MS: i64 = 5_000;
const DOUBLINGS_MAX: u32 = 20;

/// The clock may jump in tests, so a wait is never longer than this.
const NAP_MS_MAX: u64 = 50;

pub(super) async fn run(shared: Shared, tasks: Tasks) {
    let under_way = Arc::new(AtomicUsize::new(0));
    while !shared.stopping.is_cancelled() {
        while under_way.load(Ordering::Acquire) < CONCURRENT_MAX {
            let Some((n, body)) = shared.world().take_due(shared.now_ms()) else {
                break;
            };
            under_way.fetch_add(1, Ordering::AcqRel);
            let (shared, under_way) = (shared.clone(), under_way.clone());
            tasks.spawn("simulator webhook", async move {
                bring(&shared, n, &body).await;
                under_way.fetch_sub(1, Ordering::AcqRel);
                shared.due.notify_one();
            });
        }
        let nap = shared
            .world()
            .next_due_ms()
            .map(|_| Duration::from_millis(NAP_MS_MAX));
        tokio::select! {
            () = shared.stopping.cancelled() => {}
            () = shared.due.notified() => {}
            () = tokio::time::sleep(nap.unwrap_or_default()), if nap.is_some() => {}
        }
    }
}

async fn bring(shared: &Shared, n: u64, body: &Value) {
    let bytes = webhooks::bytes(body);
    let call = shared
        .http
        .post(&shared.account.webhook_url)
        .header("content-type", "application/json")
        .header(
            "x-hub-signature-256",
            webhooks::signature(&shared.account, &bytes),
        )
        .body(bytes);
    let answer = tokio::select! {
        answer = call.send() => answer,
        // It stays in the journal as not delivered.
        () = shared.stopping.cancelled() => return,
    };
    if answer.is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK) {
        shared.note(Record::Delivered { n });
        shared.changed.send_replace(());
    } else {
        let now_ms = shared.now_ms();
        shared.world().put_back(n, now_ms, retry_ms);
    }
}

fn retry_ms(attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(2).min(DOUBLINGS_MAX);
    if attempts <= 1 {
        0
    } else {
        (RETRY_FIRST_MS << doublings).min(RETRY_MAX_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_come_at_once_then_ever_later() {
        let waits: Vec<_> = [1, 2, 3, 4, 5, 8, 9, 60, 1_000, u32::MAX]
            .map(retry_ms)
            .to_vec();
        assert_eq!(
            waits,
            [0, 100, 200, 400, 800, 5_000, 5_000, 5_000, 5_000, 5_000]
        );
    }
}
