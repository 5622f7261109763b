//! HTTP in, HTTP out: every route, the rules of the door, and the server with its limits.
//!
//! It decides nothing about messages; it lets authentic ones in and says what became of them.

mod api;
mod body;
mod connections;
mod door;
mod guard;
mod health;
mod limits;
mod patience;
pub mod router;
mod server;
mod webhook;

pub use door::{Door, Road};
pub use limits::Limits;
pub use router::router;
pub use server::serve;
