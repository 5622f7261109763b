//! `puisano conversations`, `reply`, `resolve`: what staff do until there is an inbox, by the same use cases.

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::cli::{Common, Exit, output, settings};
use crate::clock::Clock;
use crate::conversations::handoff;
use crate::model::ConversationId;
use crate::store::Store;
use crate::store::embedded::Embedded;

/// List the conversations that wait for staff, and why
///
/// Examples:
///   puisano conversations
///   puisano conversations --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// Answer a conversation as staff
///
/// The bot keeps silent in it until `puisano resolve`.
///
/// Examples:
///   puisano reply 0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77 "The team is on its way."
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Reply {
    /// The conversation, as `puisano conversations` shows it
    conversation: uuid::Uuid,
    /// What to answer
    text: String,
}

/// Give a conversation back to the bot
///
/// Examples:
///   puisano resolve 0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Resolve {
    /// The conversation, as `puisano conversations` shows it
    conversation: uuid::Uuid,
}

pub(super) fn list(common: &Common, list: &List) -> anyhow::Result<Exit> {
    with_store(common, async |store| {
        let waiting = handoff::waiting(store).await?;
        for item in &waiting {
            output::line(if list.json {
                as_json(item).to_string()
            } else {
                as_text(item)
            });
        }
        if waiting.is_empty() {
            output::say("Nobody is waiting.");
        }
        Ok(Exit::Fine)
    })
}

pub(super) fn reply(common: &Common, reply: &Reply) -> anyhow::Result<Exit> {
    with_store(common, async |store| {
        handoff::reply(
            store,
            &Clock::default(),
            ConversationId(reply.conversation),
            &reply.text,
        )
        .await?;
        output::say("Queued. The conversation is yours until `puisano resolve`.");
        Ok(Exit::Fine)
    })
}

pub(super) fn resolve(common: &Common, resolve: &Resolve) -> anyhow::Result<Exit> {
    with_store(common, async |store| {
        handoff::resolve(
            store,
            &Clock::default(),
            ConversationId(resolve.conversation),
        )
        .await?;
        output::say("Resolved. The bot answers again.");
        Ok(Exit::Fine)
    })
}

/// Runs `work` on the database of the settings. A private one is used beside the running server, or started for the time
/// of the command when no server runs.
pub(super) fn with_store(
    common: &Common,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let config = settings::load(common)?;
    settings::block_on(async {
        if let Some(url) = &config.database {
            return work(&open(url.expose()).await?).await;
        }
        if !Embedded::exists(&config.data) {
            bail!(
                "there is no database in {}: start `puisano serve` once, or name its folder with PUISANO_DATA",
                config.data.display()
            );
        }
        let embedded = Embedded::attach_or_start(&config.data).await?;
        let store = open(embedded.url()).await?;
        let exit = work(&store).await;
        store.close().await;
        embedded.stop().await;
        exit
    })
}

async fn open(url: &str) -> anyhow::Result<Store> {
    let store = Store::connect(url)?;
    store
        .migrate()
        .await
        .context("the database cannot be used")?;
    Ok(store)
}

fn as_text(item: &handoff::Waiting) -> String {
    let team = if item.team.is_empty() {
        "no team"
    } else {
        &item.team
    };
    let since = item.waiting_since.strftime("%Y-%m-%d %H:%M UTC");
    format!(
        "{}  {}  {}  since {since}  {}\n  why   {}\n  last  {}",
        item.conversation, team, item.priority, item.contact, item.reason, item.last_message
    )
}

fn as_json(item: &handoff::Waiting) -> serde_json::Value {
    json!({
        "conversation": item.conversation,
        "team": item.team,
        "priority": item.priority,
        "contact": item.contact,
        "waiting_since": item.waiting_since,
        "reason": item.reason,
        "last_message": item.last_message,
    })
}
