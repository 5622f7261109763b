//! How much anybody may take of us over HTTP.

use std::time::Duration;

pub(super) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
pub(super) const HEADER_BYTES_MAX: usize = 16 * 1024;
pub(super) const HEADER_COUNT_MAX: usize = 64;
/// What is read at a time, and so how far a head without an end can get.
pub(super) const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// All bodies that are being read or stored, together.
const BODIES_BYTES_MAX: usize = 128 * 1024 * 1024;
const CONNECTIONS_MAX: u32 = 1_000;
const CONNECTIONS_PER_ADDRESS_MAX: u32 = 50;
const HEADER_READ_MAX: Duration = Duration::from_secs(3);
const IDLE_MAX: Duration = Duration::from_secs(75);
const BODY_READ_MAX: Duration = Duration::from_secs(10);
const WEBHOOK_MAX: Duration = Duration::from_secs(5);
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// JSON of the API.
pub(super) const API_BODY_BYTES_MAX: usize = 256 * 1024;
/// A file that is uploaded, and what the form around it may take besides.
pub(super) const UPLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
pub(super) const FORM_BYTES_MAX: usize = 16 * 1024;
pub(super) const JSON_DEPTH_MAX: usize = 32;
/// From a request of the API to its answer.
pub(super) const API_MAX: Duration = Duration::from_secs(15);
const API_PER_MINUTE: u32 = 600;

/// The limits that tests and settings change; the rest is constant.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connections_max: u32,
    /// This machine's own addresses are not counted: behind a proxy here, everybody comes from one of them.
    pub connections_per_address_max: u32,
    pub bodies_bytes_max: usize,
    /// From the first byte of a request's head to its last, and from connecting to the first byte.
    pub header_read: Duration,
    /// Between two requests of one connection. Longer than what proxies keep, so that they close first and no request
    /// meets a connection that is just closing.
    pub idle: Duration,
    pub body_read: Duration,
    /// From a webhook's last byte to its answer.
    pub webhook: Duration,
    /// Requests a minute of one API key.
    pub api_per_minute: u32,
    /// How long requests under way may take once we are asked to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            bodies_bytes_max: BODIES_BYTES_MAX,
            header_read: HEADER_READ_MAX,
            idle: IDLE_MAX,
            body_read: BODY_READ_MAX,
            webhook: WEBHOOK_MAX,
            api_per_minute: API_PER_MINUTE,
            drain: DRAIN_MAX,
        }
    }
}
