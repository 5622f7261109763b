//! Plain nouns of the service: ids, phone numbers, what arrives, what is sent, what became of it.
//!
//! No SQL, no HTTP, no vendor JSON.

mod conversation;
mod delivery;
mod event;
mod identity;
mod ids;
mod notice;
mod outgoing;

pub use conversation::{Origin, Owner};
pub use delivery::{DeliveryStatus, OutboxState};
pub use event::{
    AccountEvent, AccountUpdate, DailyLimit, Echo, Event, InboundMessage, MarketingWish,
    MessageContent, MessageType, Standing, StatusError, StatusUpdate, SystemChange, TemplateRef,
    Unreadable,
};
pub use identity::{Identity, PhoneNumber, UserId};
pub use ids::{
    AccountId, ApiKeyId, ContactId, ConversationId, EnvelopeId, MessageId, NotificationId,
    OpaqueId, OutboxId, PhoneNumberId, RulesetHash, Wamid,
};
pub use notice::{Address, Class, Filling, Notice, OnUnknown};
pub use outgoing::{
    ContactCard, ContactPhone, FailureScope, MediaKind, MediaSource, Outgoing, OutgoingContent,
    Recipient, SendFailure, SendOutcome, TemplateButton, TemplateHeader, TemplateMessage,
    TemplateParameter,
};
