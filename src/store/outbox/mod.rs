//! The outbox: what waits to be sent, what is being sent, and what became of it.
//!
//! One exchange writes what calls have come to and claims the next ones, in one transaction. Whoever changes an item on
//! behalf of a call names the call by its attempt, so that a sender that was thought dead changes nothing.

mod exchange;
mod read;

pub use exchange::{Exchange, Send, SendResult, Terms, Verdict};
pub use read::OutboxItem;
