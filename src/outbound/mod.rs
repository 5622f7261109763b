//! What happens to an outgoing message: queued, paced, sent, and followed until its fate is known.

pub mod enqueue;
pub mod notifications;
mod pace;
mod pause;
mod retry;
pub mod templates;
pub mod worker;
