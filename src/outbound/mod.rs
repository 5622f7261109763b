//! What happens to an outgoing message: queued, paced, sent, and followed until its fate is known.

mod calls;
pub mod enqueue;
mod judge;
mod notices;
pub mod notifications;
mod retry;
pub mod templates;
pub mod worker;
