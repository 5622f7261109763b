//! Accepts connections and serves HTTP/1.1 on them under deadlines and limits, until asked to stop; then it finishes what
//! is under way.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::Limits;
use super::connections::{Connections, Place};
use super::limits::{BUFFER_BYTES_MAX, HEADER_BYTES_MAX, HEADER_COUNT_MAX};
use super::patience::Patient;
use crate::tasks::Tasks;

/// When the system has no descriptor left, the next try is better a little later.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves until `tasks` stops, then drains; resolves when all connections are closed or the drain is over.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, tasks: &Tasks) {
    let server = Server {
        router,
        limits,
        connections: Connections::new(limits),
        graceful: GracefulShutdown::new(),
    };
    let stopping = tasks.stopping();
    stopping
        .run_until_cancelled(server.accept(&listener, tasks))
        .await;
    // Nobody waits in a queue that is not served any more.
    drop(listener);
    if tokio::time::timeout(limits.drain, server.graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "some requests did not end within {} s",
            limits.drain.as_secs()
        );
    }
}

struct Server {
    router: Router,
    limits: Limits,
    connections: Connections,
    graceful: GracefulShutdown,
}

impl Server {
    async fn accept(&self, listener: &TcpListener, tasks: &Tasks) {
        let mut refused: u64 = 0;
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            if let Some(place) = self.connections.place(peer.ip()) {
                tasks.spawn("connection", self.connection(stream, place));
                continue;
            }
            refused += 1;
            if refused.is_power_of_two() {
                tracing::warn!(refused, "a connection was refused: too many are open");
            }
        }
    }

    /// One connection, from its first request to its end.
    fn connection(&self, stream: TcpStream, place: Place) -> impl Future<Output = ()> + use<> {
        // Answers are small and somebody waits for them.
        let _ = stream.set_nodelay(true);
        let (stream, progress) = Patient::new(stream, self.limits);
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (router, progress) = (router.clone(), progress.clone());
            progress.serving();
            async move {
                let answer = router.oneshot(request).await;
                progress.idle();
                answer
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_headers(HEADER_COUNT_MAX)
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            // The stream itself keeps the time of heads and of pauses.
            .header_read_timeout(None)
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let watched = self.graceful.watch(connection);
        async move {
            // What goes wrong on a connection is the other side's business and was answered as far as it could be.
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        }
    }
}
