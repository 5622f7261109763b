//! A request's body that is let go in time or not at all.
//!
//! The moment that counts is the one in which the bytes are asked for, just before they are written: connecting may
//! take long, and a frozen machine may wake in the middle of it. The one system call that follows cannot be guarded.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const WAITING: u8 = 0;
const RELEASED: u8 = 1;
const REFUSED: u8 = 2;

/// Whether a body was let go, seen from outside.
#[derive(Clone, Debug)]
pub(super) struct Release {
    began: Instant,
    within: Duration,
    state: Arc<AtomicU8>,
}

impl Release {
    pub(super) fn new(began: Instant, within: Duration) -> Self {
        Self {
            began,
            within,
            state: Arc::new(AtomicU8::new(WAITING)),
        }
    }

    /// The bytes were handed over.
    pub(super) fn happened(&self) -> bool {
        self.state.load(Ordering::Acquire) == RELEASED
    }

    /// The bytes were asked for too late.
    pub(super) fn was_refused(&self) -> bool {
        self.state.load(Ordering::Acquire) == REFUSED
    }

    fn try_now(&self) -> bool {
        let in_time = self.began.elapsed() < self.within;
        self.state
            .store(if in_time { RELEASED } else { REFUSED }, Ordering::Release);
        in_time
    }
}

/// The bytes, of known length, in one piece.
#[derive(Debug)]
pub(super) struct Timely {
    bytes: Option<Bytes>,
    release: Release,
}

impl Timely {
    pub(super) fn new(bytes: Bytes, release: Release) -> Self {
        Self {
            bytes: Some(bytes),
            release,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the message was not let go in time")]
pub(super) struct TooLate;

impl Body for Timely {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(if self.release.try_now() {
            Ok(Frame::data(bytes))
        } else {
            Err(TooLate)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
