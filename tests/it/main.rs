//! The one integration test binary: everything that needs the whole program or a real database.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "in a test an unwrap is the complaint, and nobody imports a test binary"
)]

mod api;
mod architecture;
mod bucket;
mod chaos;
mod cli;
mod config;
mod database;
mod door;
mod embedded;
mod ingest;
mod media;
mod migrations;
mod notifications;
mod outbox;
mod outbox_nodes;
mod outbox_notices;
mod outbox_town;
mod people;
mod road;
mod turn;
mod world;
