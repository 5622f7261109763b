//! Tells the time. Everything that needs `now` takes it from here, so that tests can let time pass without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use uuid::{ContextV7, Timestamp as UuidTimestamp, Uuid};

/// The process's clock: the system's time plus an offset that only tests set.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    ids: Arc<std::sync::Mutex<Option<ContextV7>>>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.offset_ms.load(Ordering::Relaxed));
        let now = Timestamp::now();
        now.checked_add(offset).unwrap_or(now)
    }

    /// For tests: lets `by` pass.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Milliseconds this clock is ahead of the system's; the database's clock function takes the same.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// A new `UUIDv7` of this moment; ids of one process never go backwards.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        let mut ids = self
            .ids
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let context = ids.get_or_insert_with(ContextV7::new);
        Uuid::new_v7(UuidTimestamp::from_unix(&*context, seconds, nanos))
    }
}
