//! Turns: which conversations are due, what the engine needs to know about them, and what it decided, as rows.
//!
//! A conversation is decided by whoever holds its lease. Everything a claim led to is written by one statement that takes
//! the messages by their ids and checks fence and epoch: a worker that lost its lease writes nothing, a message that
//! arrives meanwhile stays due.

mod claim;
mod columns;
mod finish;
mod load;
mod quarantine;

pub use claim::{Claim, Which};
pub(in crate::store) use finish::owner_name;
pub use finish::{
    ConsentChange, ContactChange, DecidedTurn, FinishedTurns, NewHandoff, NewItem, SessionSpan,
};
pub use load::{ContactFacts, DueMessage, DueTurns};
