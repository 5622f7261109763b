//! Who an element is about: what it says itself, and what the webhook's `contacts` add.
//!
//! A phone number and a user id may each be missing, empty, or stand in the other's place.

use serde_json::Value;

use super::{first_said, said};
use crate::model::{Identity, PhoneNumber, UserId};

/// A profile name is free text; people read it in lists.
const NAME_CHARS_MAX: usize = 256;

/// The `contacts` of one webhook.
#[derive(Debug)]
pub(super) struct Contacts {
    known: Vec<Identity>,
    messages: usize,
}

impl Contacts {
    /// `messages` is how many messages came beside these contacts.
    pub(super) fn new(contacts: &[Value], messages: usize) -> Self {
        Self {
            known: contacts.iter().map(contact).collect(),
            messages,
        }
    }

    /// `person` with what the matching contact adds. A lone contact beside a lone message, or beside one that names
    /// nobody, is its sender even when the numbers differ: they do in some countries.
    pub(super) fn complete(&self, person: Identity) -> Identity {
        let lone = self.known.len() == 1 && (self.messages == 1 || !person.is_known());
        let matching = self.known.iter().find(|contact| is_same(contact, &person));
        match matching.or(self.known.first().filter(|_| lone)) {
            Some(contact) => merge(person, contact.clone()),
            None => person,
        }
    }
}

/// What `value` says of a person under these keys; the phone's key may hold a user id.
pub(super) fn person(value: &Value, phone: &str, user_id: &str, parent_user_id: &str) -> Identity {
    let phone = said(value, phone);
    Identity {
        user_id: UserId::parse(&said(value, user_id)).or_else(|| UserId::parse(&phone)),
        parent_user_id: UserId::parse(&said(value, parent_user_id)),
        phone: PhoneNumber::parse(&phone),
        username: None,
        name: None,
    }
}

fn contact(value: &Value) -> Identity {
    let profile = &value["profile"];
    let username = [profile, value]
        .into_iter()
        .map(|place| said(place, "username"))
        .find(|text| !text.is_empty());
    Identity {
        username: username
            .map(|text| text.trim_start_matches('@').to_owned())
            .filter(|text| !text.is_empty()),
        name: Some(first_said(profile, &["name"]))
            .filter(|text| !text.is_empty())
            .map(|text| cut(&text)),
        ..person(value, "wa_id", "user_id", "parent_user_id")
    }
}

fn cut(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

fn is_same(a: &Identity, b: &Identity) -> bool {
    (a.phone.is_some() && a.phone == b.phone) || (a.user_id.is_some() && a.user_id == b.user_id)
}

fn merge(person: Identity, contact: Identity) -> Identity {
    Identity {
        phone: person.phone.or(contact.phone),
        user_id: person.user_id.or(contact.user_id),
        parent_user_id: person.parent_user_id.or(contact.parent_user_id),
        username: contact.username,
        name: contact.name,
    }
}
