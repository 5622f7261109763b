//! Puisano: WhatsApp messages become answers, or a person's work.
//!
//! The way of a message, the import rules and the invariants are in ARCHITECTURE.md.

pub mod app;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversations;
pub mod media;
pub mod model;
pub mod observability;
pub mod outbound;
pub mod people;
pub mod rulesets;
pub mod security;
pub mod settings;
pub mod store;
pub mod tasks;
pub mod web;
