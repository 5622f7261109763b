//! Decides which rules are live: loads a pack from a folder, checks it, publishes it to the database, follows what is
//! published there, and swaps the live rule set whole.
//!
//! The database is the authority. A watched folder publishes what is saved; a start publishes only what the database
//! has never seen, so that an old node cannot roll the rules back.

pub mod areas;
mod findings;
mod folder;
mod live;
mod publish;

pub use findings::Findings;
pub use folder::{Fingerprint, Folders, LoadError, Sources};
pub use live::{Checked, Live, LiveRules, compile, hash};
pub use publish::{OpenError, open};
