//! A connection that loses patience: with a head that does not end, and with a silence between requests.
//!
//! The two need different times, and hyper has one for both: short, it would cut a proxy's idle connection at the very
//! moment the next webhook comes; long, it would let slow heads pile up. Bodies have their own deadline, in the handler.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

const NEW: u8 = 0;
const HEAD: u8 = 1;
const SERVING: u8 = 2;
const IDLE: u8 = 3;

/// Tells the connection where its request is.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// The head is complete; what follows has deadlines of its own.
    pub(super) fn serving(&self) {
        self.0.store(SERVING, Ordering::Relaxed);
    }

    /// The answer is on its way; the next request may take its time.
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Patient {
    stream: TcpStream,
    progress: Progress,
    /// The phase that `timer` was set for.
    timed: u8,
    timer: Pin<Box<Sleep>>,
    limits: Limits,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, limits: Limits) -> (Self, Progress) {
        let progress = Progress(Arc::new(AtomicU8::new(NEW)));
        let timer = Box::pin(sleep(limits.header_read));
        (
            Self {
                stream,
                progress: progress.clone(),
                timed: NEW,
                timer,
                limits,
            },
            progress,
        )
    }

    fn phase(&self) -> u8 {
        self.progress.0.load(Ordering::Relaxed)
    }

    /// Whether patience is at its end; if not, the task is woken when it is.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let phase = self.phase();
        if phase == SERVING {
            self.timed = SERVING;
            return Poll::Pending;
        }
        if phase != self.timed {
            self.timed = phase;
            let patience = if phase == IDLE {
                self.limits.idle
            } else {
                self.limits.header_read
            };
            self.timer.as_mut().reset(Instant::now() + patience);
        }
        self.timer.as_mut().poll(cx)
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before && matches!(self.phase(), NEW | IDLE) {
                self.progress.0.store(HEAD, Ordering::Relaxed);
            }
            // A head that never pauses must not outrun the clock either.
            return match self.poll_patience(cx) {
                Poll::Ready(()) if self.phase() == HEAD => {
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
                _ => Poll::Ready(read),
            };
        }
        ready!(self.poll_patience(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // After an answer the connection may not be read again until something arrives: the clock starts here.
        let _ = self.poll_patience(cx);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
