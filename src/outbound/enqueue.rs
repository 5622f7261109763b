//! Makes outbox items of what is to be said; the store puts them into the outbox with what led to them, in one statement.
//!
//! It does not send, and it does not know why something is said.

use jiff::{SignedDuration, Timestamp};
use puisano_engine::{Card, Reply};

use crate::clock::Clock;
use crate::model::{ContactCard, ContactPhone, MediaKind, MediaSource, OutgoingContent, Wamid};
use crate::store::turns::NewItem;

/// WhatsApp takes free-form messages this long after the customer's last one.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// What an item is about.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The ownership epoch under which it may be sent.
    pub epoch: i64,
    /// The message that is answered, and when it was sent.
    pub answers: &'a Wamid,
    pub answers_sent_at: Timestamp,
    pub due_at: Timestamp,
}

/// An item that says `content`.
pub fn item(clock: &Clock, content: &OutgoingContent, occasion: Occasion<'_>) -> NewItem {
    NewItem {
        id: clock.new_id(),
        tag: random_tag(),
        epoch: occasion.epoch,
        content: serde_json::to_string(content).unwrap_or_default(),
        message_type: message_type(content),
        text: text_of(content).to_owned(),
        answers: occasion.answers.clone(),
        due_at: occasion.due_at,
        expires_at: occasion
            .answers_sent_at
            .saturating_add(WINDOW)
            .unwrap_or(Timestamp::MAX),
    }
}

/// A reply of the engine as a message.
pub fn content_of(reply: &Reply) -> OutgoingContent {
    match reply.clone() {
        Reply::Text { text } => OutgoingContent::Text { text },
        Reply::Buttons {
            header,
            text,
            footer,
            buttons,
        } => OutgoingContent::Buttons {
            header,
            text,
            footer,
            buttons,
        },
        Reply::List {
            header,
            text,
            footer,
            button,
            rows,
        } => OutgoingContent::List {
            header,
            text,
            footer,
            button,
            rows,
        },
        Reply::CtaUrl {
            header,
            text,
            footer,
            button,
            url,
        } => OutgoingContent::CtaUrl {
            header,
            text,
            footer,
            button,
            url,
        },
        Reply::AskLocation { text } => OutgoingContent::AskLocation { text },
        Reply::Media {
            kind,
            link,
            caption,
            filename,
        } => OutgoingContent::Media {
            kind: media_kind(kind),
            source: MediaSource::Link(link),
            caption,
            filename,
        },
        Reply::Location(place) => OutgoingContent::Location {
            latitude: place.latitude,
            longitude: place.longitude,
            name: place.name,
            address: place.address,
        },
        Reply::Contacts { contacts } => OutgoingContent::Contacts {
            contacts: contacts.into_iter().map(card_of).collect(),
        },
    }
}

fn media_kind(kind: puisano_engine::MediaKind) -> MediaKind {
    match kind {
        puisano_engine::MediaKind::Image => MediaKind::Image,
        puisano_engine::MediaKind::Video => MediaKind::Video,
        puisano_engine::MediaKind::Audio => MediaKind::Audio,
        puisano_engine::MediaKind::Document => MediaKind::Document,
        puisano_engine::MediaKind::Sticker => MediaKind::Sticker,
    }
}

/// WhatsApp asks for one more name beside the whole one.
fn card_of(card: Card) -> ContactCard {
    let phone = |phone| ContactPhone { phone, kind: None };
    ContactCard {
        first_name: Some(card.name.clone()),
        formatted_name: card.name,
        last_name: None,
        organisation: card.organisation,
        phones: card.phones.into_iter().map(phone).collect(),
        emails: card.emails,
    }
}

/// What cannot be guessed in an opaque id. Without a source of randomness statuses are joined by WhatsApp's id instead.
pub fn random_tag() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// As the record names it.
pub fn message_type(content: &OutgoingContent) -> &'static str {
    content.type_name()
}

/// What people read in a list.
pub fn text_of(content: &OutgoingContent) -> &str {
    content.text()
}

/// Spreads replies of one conversation so that no minute has more than the pack allows. It delays and never drops.
///
/// The generic cell rate algorithm: one time stands for all that was sent before.
#[derive(Clone, Copy, Debug)]
pub struct ReplyPace {
    interval: SignedDuration,
    burst: SignedDuration,
    now: Timestamp,
    /// When the allowance is whole again.
    tat: Timestamp,
}

impl ReplyPace {
    const MINUTE_MS: i64 = 60_000;

    /// `tat` is what [`ReplyPace::tat`] said after the last reply.
    pub fn new(replies_per_minute: u32, now: Timestamp, tat: Option<Timestamp>) -> Self {
        let interval_ms = Self::MINUTE_MS / i64::from(replies_per_minute.max(1));
        Self {
            interval: SignedDuration::from_millis(interval_ms),
            burst: SignedDuration::from_millis(Self::MINUTE_MS - interval_ms),
            now,
            tat: tat.unwrap_or(now).max(now),
        }
    }

    /// Takes the place of one reply: when it may be sent.
    pub fn take(&mut self) -> Timestamp {
        let due_at = self
            .tat
            .saturating_sub(self.burst)
            .unwrap_or(self.now)
            .max(self.now);
        self.tat = self
            .tat
            .saturating_add(self.interval)
            .unwrap_or(Timestamp::MAX);
        due_at
    }

    pub fn tat(&self) -> Timestamp {
        self.tat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_every_kind_are_messages() {
        let check = |reply: &str, message: &str| {
            let reply: Reply = serde_json::from_str(reply).unwrap();
            let content = content_of(&reply);
            assert_eq!(serde_json::to_string(&content).unwrap(), message);
        };
        check(
            r#"{"type":"cta_url","text":"Pay here","button":"Pay","url":"https://example.org"}"#,
            r#"{"type":"cta_url","text":"Pay here","button":"Pay","url":"https://example.org"}"#,
        );
        check(
            r#"{"type":"ask_location","text":"Where?"}"#,
            r#"{"type":"ask_location","text":"Where?"}"#,
        );
        check(
            r#"{"type":"media","kind":"document","link":"https://example.org/t.pdf","caption":"Tariffs","filename":"t.pdf"}"#,
            r#"{"type":"media","kind":"document","source":{"link":"https://example.org/t.pdf"},"caption":"Tariffs","filename":"t.pdf"}"#,
        );
        check(
            r#"{"type":"location","latitude":"-30.29","longitude":"27.08","name":"Office"}"#,
            r#"{"type":"location","latitude":"-30.29","longitude":"27.08","name":"Office"}"#,
        );
        check(
            r#"{"type":"contacts","contacts":[{"name":"Office","phones":["+27510000000"]}]}"#,
            r#"{"type":"contacts","contacts":[{"formatted_name":"Office","first_name":"Office","phones":[{"phone":"+27510000000"}]}]}"#,
        );
    }

    #[test]
    fn a_minute_has_no_more_replies_than_allowed() {
        let now = Timestamp::UNIX_EPOCH;
        let mut pace = ReplyPace::new(20, now, None);
        let delays: Vec<i64> = (0..25)
            .map(|_| pace.take().duration_since(now).as_secs())
            .collect();
        assert_eq!(delays[..20], [0; 20]);
        assert_eq!(delays[20..], [3, 6, 9, 12, 15]);
        // What was used up stays used up for the next turn, and comes back with time.
        let later = now + SignedDuration::from_secs(10);
        let mut resumed = ReplyPace::new(20, later, Some(pace.tat()));
        assert_eq!(resumed.take().duration_since(now).as_secs(), 18);
        let mut rested = ReplyPace::new(20, now + SignedDuration::from_mins(5), Some(pace.tat()));
        assert_eq!(rested.take(), now + SignedDuration::from_mins(5));
    }
}
