//! Messages as rows: what a customer wrote, what a colleague sent from the phone, what WhatsApp said about a person.

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Arrival, TakeIn};
use crate::model::{
    ContactId, ConversationId, DeliveryStatus, Echo, Identity, InboundMessage, MessageContent,
    MessageType, PhoneNumberId, SystemChange, Wamid,
};
use crate::store::contacts::origin_name;
use crate::store::messages::{message_type_name, storable_text};
use crate::store::{Times, to_sql};

/// One column after the other, as `unnest` takes them.
#[derive(Debug, Default)]
pub(super) struct MessageRows<'a> {
    ids: Vec<Uuid>,
    conversations: Vec<Uuid>,
    contacts: Vec<Uuid>,
    phone_number_ids: Vec<&'a str>,
    origins: Vec<&'static str>,
    directions: Vec<&'static str>,
    authors: Vec<&'static str>,
    senders: Vec<String>,
    recipients: Vec<String>,
    profile_names: Vec<Option<String>>,
    wamids: Vec<&'a str>,
    types: Vec<&'static str>,
    contents: Vec<String>,
    buttons: Vec<Option<String>>,
    abouts: Vec<Option<&'a str>>,
    reply_tos: Vec<Option<&'a str>>,
    media_ids: Vec<Option<&'a str>>,
    group_ids: Vec<Option<&'a str>>,
    raws: Vec<String>,
    sent_ats: Times,
    received_ats: Times,
    statuses: Vec<&'static str>,
    ranks: Vec<i16>,
    hashes: Vec<i64>,
    /// Whether the engine is to decide it.
    due: Vec<bool>,
    /// Some message of the batch takes back or edits another.
    amends: bool,
}

/// What the three kinds have in common.
struct Common<'a> {
    of: (ConversationId, ContactId),
    id: Uuid,
    arrival: &'a Arrival<'a>,
    phone_number_id: &'a PhoneNumberId,
    wamid: &'a Wamid,
    sent_at: jiff::Timestamp,
    raw: &'a serde_json::Value,
}

impl<'a> MessageRows<'a> {
    pub(super) fn push_message(
        &mut self,
        of: (ConversationId, ContactId),
        id: Uuid,
        arrival: &'a Arrival<'a>,
        message: &'a InboundMessage,
    ) {
        let InboundMessage {
            phone_number_id,
            wamid,
            sent_at,
            raw,
            ..
        } = message;
        self.push_common(&Common {
            of,
            id,
            arrival,
            phone_number_id,
            wamid,
            sent_at: *sent_at,
            raw,
        });
        self.push_content(&message.content);
        self.directions.push("inbound");
        self.authors.push("contact");
        self.senders.push(address(&message.from));
        self.recipients.push(phone_number_id.as_str().to_owned());
        self.profile_names
            .push(message.from.name.as_deref().map(storable_text));
        self.reply_tos
            .push(message.reply_to.as_ref().map(Wamid::as_str));
        self.group_ids.push(message.group_id.as_deref());
        self.push_status("received", -1);
        self.due
            .push(message.group_id.is_none() && is_a_turn(&message.content));
    }

    pub(super) fn push_echo(
        &mut self,
        of: (ConversationId, ContactId),
        id: Uuid,
        arrival: &'a Arrival<'a>,
        echo: &'a Echo,
    ) {
        let Echo {
            phone_number_id,
            wamid,
            sent_at,
            raw,
            ..
        } = echo;
        self.push_common(&Common {
            of,
            id,
            arrival,
            phone_number_id,
            wamid,
            sent_at: *sent_at,
            raw,
        });
        self.push_content(&echo.content);
        self.directions.push("outbound");
        self.authors.push("phone_app");
        self.senders.push(phone_number_id.as_str().to_owned());
        self.recipients.push(address(&echo.to));
        self.profile_names.push(None);
        self.reply_tos.push(None);
        self.group_ids.push(None);
        self.push_status("sent", DeliveryStatus::Sent.rank());
        self.due.push(false);
    }

    pub(super) fn push_system(
        &mut self,
        of: (ConversationId, ContactId),
        id: Uuid,
        arrival: &'a Arrival<'a>,
        change: &'a SystemChange,
    ) {
        let SystemChange {
            phone_number_id,
            wamid,
            sent_at,
            raw,
            ..
        } = change;
        self.push_common(&Common {
            of,
            id,
            arrival,
            phone_number_id,
            wamid,
            sent_at: *sent_at,
            raw,
        });
        self.types.push(message_type_name(MessageType::System));
        self.contents.push(storable_text(&change.text));
        self.buttons.push(None);
        self.abouts.push(None);
        self.media_ids.push(None);
        self.directions.push("inbound");
        self.authors.push("whatsapp");
        let old = Identity {
            phone: change.old_phone.clone(),
            user_id: change.old_user_id.clone(),
            ..Identity::default()
        };
        self.senders.push(address(&old));
        self.recipients.push(phone_number_id.as_str().to_owned());
        self.profile_names.push(None);
        self.reply_tos.push(None);
        self.group_ids.push(None);
        self.push_status("received", -1);
        self.due.push(false);
    }

    fn push_common(&mut self, common: &Common<'a>) {
        self.ids.push(common.id);
        self.conversations.push(common.of.0.0);
        self.contacts.push(common.of.1.0);
        self.phone_number_ids.push(common.phone_number_id.as_str());
        self.origins.push(origin_name(common.arrival.origin));
        self.wamids.push(common.wamid.as_str());
        self.sent_ats.push(to_sql(common.sent_at));
        self.received_ats.push(to_sql(common.arrival.received_at));
        let raw = common.raw.to_string();
        self.hashes.push(fingerprint(&raw));
        self.raws.push(raw);
    }

    fn push_content(&mut self, content: &'a MessageContent) {
        self.types.push(message_type_name(content.message_type));
        self.contents.push(storable_text(&content.text));
        self.buttons
            .push(content.button.as_deref().map(storable_text));
        self.abouts.push(content.about.as_ref().map(Wamid::as_str));
        self.media_ids.push(content.media_id.as_deref());
        self.amends |= matches!(
            content.message_type,
            MessageType::Edit | MessageType::Revoke
        );
    }

    fn push_status(&mut self, status: &'static str, rank: i16) {
        self.statuses.push(status);
        self.ranks.push(rank);
    }

    pub(super) fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Whether more than adding them is to be done.
    pub(super) fn amends(&self) -> bool {
        self.amends
    }

    pub(super) fn bind<'q>(&'q self, query: TakeIn<'q>) -> TakeIn<'q> {
        query
            .bind(&self.ids)
            .bind(&self.conversations)
            .bind(&self.contacts)
            .bind(&self.phone_number_ids)
            .bind(&self.origins)
            .bind(&self.directions)
            .bind(&self.authors)
            .bind(&self.senders)
            .bind(&self.recipients)
            .bind(&self.profile_names)
            .bind(&self.wamids)
            .bind(&self.types)
            .bind(&self.contents)
            .bind(&self.buttons)
            .bind(&self.abouts)
            .bind(&self.reply_tos)
            .bind(&self.media_ids)
            .bind(&self.group_ids)
            .bind(&self.raws)
            .bind(&self.sent_ats)
            .bind(&self.received_ats)
            .bind(&self.statuses)
            .bind(&self.ranks)
            .bind(&self.hashes)
            .bind(&self.due)
    }

    /// The same id with another body is worth knowing about; the first one stands.
    pub(super) async fn note_mismatches(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let noted = sqlx::query(
            "UPDATE inbound_keys k SET mismatched_at = g.received_at
             FROM unnest($1::text[], $2::text[], $3::int8[], $4::timestamptz[])
                  AS g (phone_number_id, wamid, body_hash, received_at)
             WHERE k.phone_number_id = g.phone_number_id AND k.wamid = g.wamid
               AND k.body_hash <> g.body_hash AND k.mismatched_at IS NULL",
        )
        .bind(&self.phone_number_ids)
        .bind(&self.wamids)
        .bind(&self.hashes)
        .bind(&self.received_ats)
        .execute(db)
        .await?;
        if noted.rows_affected() > 0 {
            tracing::warn!(
                messages = noted.rows_affected(),
                "a message came again with another body; the first one stands"
            );
        }
        Ok(())
    }

    /// Carries out edits and revokes on what they are about, wherever it is; a revoke also on what has yet to come.
    pub(super) async fn amend(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(AMEND)
            .bind(&self.conversations)
            .bind(&self.ids)
            .execute(db)
            .await
            .map(drop)
    }
}

const AMEND: &str = "
WITH amendment AS MATERIALIZED (
    SELECT m.phone_number_id, m.about, m.message_type, m.content, m.sent_at, k.conversation_id, k.message_id
    FROM unnest($1::uuid[], $2::uuid[]) AS own (conversation_id, id)
    JOIN messages m ON m.conversation_id = own.conversation_id AND m.id = own.id
    LEFT JOIN inbound_keys k ON k.phone_number_id = m.phone_number_id AND k.wamid = m.about
    WHERE m.message_type IN ('edit', 'revoke') AND m.about IS NOT NULL
),
remembered AS (
    INSERT INTO revocations (phone_number_id, wamid, revoked_at)
    SELECT phone_number_id, about, sent_at FROM amendment WHERE message_type = 'revoke'
    ON CONFLICT DO NOTHING
),
latest AS (
    SELECT conversation_id, message_id,
           max(sent_at) FILTER (WHERE message_type = 'revoke') AS revoked_at,
           max(sent_at) FILTER (WHERE message_type = 'edit') AS edited_at,
           (array_agg(content ORDER BY sent_at DESC) FILTER (WHERE message_type = 'edit'))[1] AS edited_content
    FROM amendment WHERE message_id IS NOT NULL GROUP BY 1, 2
)
UPDATE messages m
SET revoked_at = coalesce(m.revoked_at, latest.revoked_at),
    edited_content = CASE WHEN latest.edited_at >= coalesce(m.edited_at, '-infinity')
                          THEN latest.edited_content ELSE m.edited_content END,
    edited_at = greatest(m.edited_at, latest.edited_at)
FROM latest
WHERE m.conversation_id = latest.conversation_id AND m.id = latest.message_id";

/// Reactions, edits and the like are stored and shown; the bot does not answer them.
fn is_a_turn(content: &MessageContent) -> bool {
    let beside_writing = matches!(
        content.message_type,
        MessageType::Reaction
            | MessageType::Edit
            | MessageType::Revoke
            | MessageType::System
            | MessageType::CallPermission
    );
    !beside_writing && !content.quiet
}

fn address(identity: &Identity) -> String {
    let phone = identity
        .phone
        .as_ref()
        .map(|phone| phone.as_str().to_owned());
    let user_id = identity.user_id.as_ref().map(|id| id.as_str().to_owned());
    phone.or(user_id).unwrap_or_default()
}

/// The first eight bytes of the SHA-256.
fn fingerprint(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0_i64, |hash, byte| (hash << 8) | i64::from(*byte))
}
