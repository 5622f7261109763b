//! The WhatsApp Cloud API: signatures, webhooks in, messages out, and what its errors mean.

mod client;
pub mod errors;
pub mod handshake;
pub mod signature;
mod webhook;

pub use client::{Client, Connection, Deadlines};
pub use webhook::{ELEMENT_DEPTH_MAX, ELEMENTS_PER_PORTION_MAX, ParseError, parse};
