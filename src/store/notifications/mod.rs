//! Notifications and whom they go to: accepting them whole, making items of them, how far they are, stopping them.

mod accept;
mod expand;
mod people;
mod put;
mod read;
mod single;
mod stop;

use std::collections::BTreeMap;

use jiff::Timestamp;
use puisano_engine::{Consent, Language};
use uuid::Uuid;

pub use accept::{Accepted, Area, Whom};
pub use put::NewNotice;
use put::put_notices;
pub(in crate::store) use put::{category_name, category_of};
pub use read::{Listed, Outcome, Progress, Recipient};
pub use single::{Event, NewMessage, Queued, StoredMessage};
pub(in crate::store) use stop::cancel_contact;

use crate::clock::Clock;
use crate::model::{
    Class, ContactId, ConversationId, Filling, Notice, NotificationId, OnUnknown, Origin, OutboxId,
    OutgoingContent, PhoneNumberId, RulesetHash,
};

/// A notification as it is accepted.
#[derive(Clone, Debug)]
pub struct NewNotification {
    pub id: NotificationId,
    pub template: String,
    pub category: Consent,
    pub class: Class,
    pub critical: bool,
    pub on_unknown: OnUnknown,
    /// In normal form.
    pub fields: BTreeMap<String, String>,
    pub account: Option<String>,
    /// The language that was asked for.
    pub language: Option<Language>,
    /// The text in every language, the pack's default first; never empty.
    pub fillings: Vec<Filling>,
    pub phone_number_id: PhoneNumberId,
    pub origin: Origin,
    pub created_by: String,
    /// Of everything that was asked for: two with the same hash are the same call.
    pub request_hash: [u8; 32],
    pub ruleset: RulesetHash,
    pub send_at: Timestamp,
    pub expires_at: Timestamp,
    /// Unsent notices of this template about the same account are cancelled.
    pub cancels: Option<&'static str>,
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Reply => "reply",
        Class::Staff => "staff",
        Class::Notification => "notification",
        Class::Bulk => "bulk",
    }
}

fn on_unknown_name(on_unknown: OnUnknown) -> &'static str {
    match on_unknown {
        OnUnknown::Resend => "resend",
        OnUnknown::Hold => "hold",
    }
}

/// `fillings` with the first of `wishes` that there is a text in at the front.
fn in_order(fillings: &[Filling], wishes: &[Option<&str>]) -> Vec<Filling> {
    let found = wishes.iter().flatten().find_map(|wish| {
        fillings
            .iter()
            .position(|filling| filling.language.as_str() == *wish)
    });
    let mut ordered = fillings.to_vec();
    if let Some(at) = found {
        let first = ordered.remove(at);
        ordered.insert(0, first);
    }
    ordered
}

/// What the items of one notification have in common.
#[derive(Clone, Copy, Debug)]
struct Terms {
    notification: NotificationId,
    class: Class,
    category: Consent,
    critical: bool,
    on_unknown: OnUnknown,
    due_at: Timestamp,
    expires_at: Timestamp,
}

/// The item that brings `notice` to a contact.
fn notice_to(
    clock: &Clock,
    (contact, conversation): (ContactId, ConversationId),
    notice: Notice,
    (terms, account): (Terms, Option<String>),
) -> NewNotice {
    let template = notice.template.clone();
    let content = OutgoingContent::Notice(notice);
    NewNotice {
        id: OutboxId(clock.new_id()),
        tag: random_tag(),
        conversation,
        contact,
        class: terms.class,
        category: terms.category,
        critical: terms.critical,
        on_unknown: terms.on_unknown,
        notification: Some(terms.notification),
        template: Some(template),
        account,
        message_type: content.type_name(),
        text: content.text().to_owned(),
        content,
        reply_to: None,
        due_at: terms.due_at,
        expires_at: terms.expires_at,
    }
}

/// What cannot be guessed in an opaque id. Without a source of randomness statuses are joined by WhatsApp's id instead.
fn random_tag() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// A new id of the clock's, as many as there are `things`.
fn ids(clock: &Clock, things: usize) -> Vec<Uuid> {
    (0..things).map(|_| clock.new_id()).collect()
}

#[cfg(test)]
mod tests {
    use puisano_engine::Filled;

    use super::*;

    #[test]
    fn the_first_language_that_there_is_goes_to_the_front() {
        let fillings: Vec<Filling> = ["en", "st", "af"]
            .iter()
            .map(|code| Filling {
                language: Language::parse(code).unwrap(),
                text: (*code).to_owned(),
                filled: Filled::default(),
            })
            .collect();
        for (wishes, expected) in [
            (&[None, None][..], "en st af"),
            (&[Some("af"), Some("st")], "af en st"),
            (&[Some("zu"), Some("st")], "st en af"),
            (&[Some(""), None], "en st af"),
        ] {
            let found: Vec<String> = in_order(&fillings, wishes)
                .into_iter()
                .map(|filling| filling.text)
                .collect();
            assert_eq!(found.join(" "), expected);
        }
    }
}
