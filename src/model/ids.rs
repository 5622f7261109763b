//! Ids, each its own type.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )+};
}

uuid_id!(
    /// A customer as a person.
    ContactId,
    /// One (phone number id, contact), for ever.
    ConversationId,
    /// A message in a conversation; `UUIDv7` from the Clock, so ids of one node sort by time.
    MessageId,
    /// Something to be sent.
    OutboxId,
    /// A webhook as it came.
    EnvelopeId,
    /// One call of a billing system, or one notice to an area.
    NotificationId,
    /// An account of the municipality's.
    AccountId,
    /// Who calls the HTTP API.
    ApiKeyId,
);

text_id!(
    /// Graph's id of our business number; not a phone number.
    PhoneNumberId,
    /// WhatsApp's message id; opaque, at most 512 characters.
    Wamid,
    /// SHA-256 in hex over rules, lexicons and the engine's version.
    RulesetHash,
);

/// What we send along as `biz_opaque_callback_data` and get back with every status: conversation, outbox item and a
/// random tag, no personal data. Written `conversation.outbox.tag`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpaqueId {
    pub conversation: ConversationId,
    pub outbox: OutboxId,
    pub tag: u64,
}

impl fmt::Display for OpaqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{:016x}",
            self.conversation.0.simple(),
            self.outbox.0.simple(),
            self.tag
        )
    }
}

impl std::str::FromStr for OpaqueId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut uuid = || {
            parts
                .next()
                .and_then(|part| Uuid::try_parse(part).ok())
                .ok_or(())
        };
        let conversation = ConversationId(uuid()?);
        let outbox = OutboxId(uuid()?);
        let tag = parts.next().filter(|tag| tag.len() == 16).ok_or(())?;
        let tag = u64::from_str_radix(tag, 16).map_err(|_| ())?;
        if parts.next().is_some() {
            return Err(());
        }
        Ok(Self {
            conversation,
            outbox,
            tag,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_id_survives_the_round_trip_and_nothing_else_is_one() {
        let id = OpaqueId {
            conversation: ConversationId(Uuid::from_u128(7)),
            outbox: OutboxId(Uuid::from_u128(8)),
            tag: 9,
        };
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        for odd in [
            "",
            "a.b.c",
            "order-17",
            &format!("{id}.x"),
            &id.to_string()[1..],
        ] {
            assert_eq!(odd.parse::<OpaqueId>(), Err(()), "{odd}");
        }
    }
}
