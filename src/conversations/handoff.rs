//! Handing a conversation to people and back: who waits and why, a person's reply, resolving.
//!
//! That the bot hands over is a turn's work; here is what people do.

use anyhow::{Context, bail, ensure};

use crate::clock::Clock;
use crate::model::{ConversationId, OutboxId, OutgoingContent};
use crate::outbound::enqueue;
use crate::store::handoffs::{Replied, StaffMessage};
use crate::store::{Store, Topic};

/// Characters of one WhatsApp text.
const TEXT_CHARS_MAX: usize = 4_096;

/// A conversation that waits for staff or is with them.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub conversation: ConversationId,
    pub team: String,
    pub priority: String,
    /// Name and number, as far as they are known.
    pub contact: String,
    pub waiting_since: jiff::Timestamp,
    pub reason: String,
    pub last_message: String,
}

/// Conversations that are with staff, longest waiting first.
pub async fn waiting(store: &Store) -> anyhow::Result<Vec<Waiting>> {
    let open = store.open_handoffs().await?;
    Ok(open
        .into_iter()
        .map(|handoff| Waiting {
            conversation: handoff.conversation,
            team: handoff.team,
            priority: handoff.priority,
            contact: match handoff.contact_name {
                Some(name) => format!("{name} ({})", handoff.contact_address),
                None => handoff.contact_address,
            },
            waiting_since: handoff.waiting_since,
            reason: handoff.reason,
            last_message: handoff.last_text,
        })
        .collect())
}

/// A member of staff answers: the conversation is a person's from now on.
pub async fn reply(
    store: &Store,
    clock: &Clock,
    conversation: ConversationId,
    text: &str,
) -> anyhow::Result<()> {
    let length = text.chars().count();
    ensure!(
        !text.trim().is_empty(),
        "there is nothing to send: the text is empty"
    );
    ensure!(
        length <= TEXT_CHARS_MAX,
        "the text has {length} characters; WhatsApp takes {TEXT_CHARS_MAX} at most"
    );
    let window_opened_after = clock
        .now()
        .checked_sub(enqueue::WINDOW)
        .context("the clock is out of range")?;
    let content = OutgoingContent::Text {
        text: text.to_owned(),
    };
    let message = StaffMessage {
        id: OutboxId(clock.new_id()),
        tag: enqueue::random_tag(),
        content: serde_json::to_string(&content).context("write the reply as JSON")?,
        text,
        window_opened_after,
        window_seconds: enqueue::WINDOW.as_secs_f64(),
    };
    match store.staff_reply(clock, conversation, &message).await? {
        Replied::Queued => {
            store.wake(Topic::Outbox);
            Ok(())
        }
        Replied::NoSuchConversation => {
            bail!("there is no conversation {conversation}; `puisano conversations` lists them")
        }
        Replied::WindowClosed {
            last_message_at: None,
        } => {
            bail!("the customer has never written; WhatsApp takes only templates until they do")
        }
        Replied::WindowClosed {
            last_message_at: Some(at),
        } => bail!(
            "the customer last wrote at {at}, more than 24 hours ago; WhatsApp takes only templates until they write again"
        ),
    }
}

/// Gives the conversation back to the bot.
pub async fn resolve(
    store: &Store,
    _clock: &Clock,
    conversation: ConversationId,
) -> anyhow::Result<()> {
    ensure!(
        store.resolve_handoff(conversation).await?,
        "conversation {conversation} is not with staff; `puisano conversations` lists those that are"
    );
    Ok(())
}
