//! What happens to an incoming message: stored, decided, answered or handed to a person.

pub mod handoff;
pub mod ingest;
pub mod turn;
pub mod worker;
