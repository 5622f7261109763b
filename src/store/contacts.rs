//! Who is who: contacts and the identifiers by which they are found again.
//!
//! [`Directory`] is the rule as a pure value: the part of the tables that a batch of webhooks mentions is read into it, the
//! batch is walked in order, and what has changed is written back. A user id beats a phone number; where they disagree
//! the phone number moves, history never does. Contacts are not merged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Clock;
use crate::model::{ContactId, ConversationId, Identity, Origin, PhoneNumberId, SystemChange};

/// By what a contact can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Phone,
    UserId,
    ParentUserId,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Phone, Self::UserId, Self::ParentUserId];

    fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::UserId => "user_id",
            Self::ParentUserId => "parent_user_id",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

pub(super) type Key = (Kind, String);

/// The contacts and conversations that a batch is about, with what the batch changes about them.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// As the database has it.
    stored: BTreeMap<Key, ContactId>,
    /// As it is after what has been walked so far.
    holders: BTreeMap<Key, ContactId>,
    /// One identifier of a kind per contact.
    held: HashMap<(ContactId, Kind), String>,
    conversations: HashMap<(PhoneNumberId, ContactId), ConversationId>,
    new_contacts: Vec<NewContact>,
    new_conversations: Vec<NewConversation>,
}

#[derive(Debug)]
struct NewContact {
    id: ContactId,
    origin: Origin,
    name: Option<String>,
    username: Option<String>,
}

#[derive(Debug)]
struct NewConversation {
    id: ConversationId,
    phone_number_id: PhoneNumberId,
    contact: ContactId,
    origin: Origin,
}

/// New rows, one column after the other, as `unnest` takes them.
#[derive(Debug, Default)]
pub(super) struct Additions<'d> {
    pub(super) contacts: Vec<Uuid>,
    pub(super) contact_origins: Vec<&'static str>,
    pub(super) names: Vec<Option<String>>,
    pub(super) usernames: Vec<Option<&'d str>>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) values: Vec<&'d str>,
    pub(super) holders: Vec<Uuid>,
    pub(super) conversations: Vec<Uuid>,
    pub(super) phone_number_ids: Vec<&'d str>,
    pub(super) conversation_contacts: Vec<Uuid>,
    pub(super) conversation_origins: Vec<&'static str>,
}

/// What ids and origin new rows get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Birth<'a> {
    pub(super) clock: &'a Clock,
    pub(super) origin: Origin,
}

impl Directory {
    /// Reads everything the database knows about the contacts that `identities` mention.
    pub(super) async fn read(
        connection: &mut PgConnection,
        identities: impl IntoIterator<Item = Key>,
    ) -> Result<Self, sqlx::Error> {
        let mentioned: BTreeSet<Key> = identities.into_iter().collect();
        let mut directory = Self::default();
        if mentioned.is_empty() {
            return Ok(directory);
        }
        let (kinds, values): (Vec<&str>, Vec<&str>) = mentioned
            .iter()
            .map(|(kind, value)| (kind.name(), value.as_str()))
            .unzip();
        let rows: Vec<(Uuid, String, String, Option<Uuid>)> = sqlx::query_as(
            "WITH found AS MATERIALIZED (
                 SELECT DISTINCT i.contact_id
                 FROM unnest($1::text[], $2::text[]) AS m (kind, value)
                 JOIN contact_identifiers i ON i.kind = m.kind AND i.value = m.value
             )
             SELECT i.contact_id, i.kind, i.value, NULL::uuid
             FROM found JOIN contact_identifiers i USING (contact_id)
             UNION ALL
             SELECT c.contact_id, 'conversation', c.phone_number_id, c.id
             FROM found JOIN conversations c USING (contact_id)",
        )
        .bind(kinds)
        .bind(values)
        .fetch_all(connection)
        .await?;
        for (contact, kind, value, conversation) in rows {
            match (Kind::parse(&kind), conversation) {
                (Some(kind), _) => directory.know((kind, value), ContactId(contact)),
                (None, Some(conversation)) => {
                    let key = (PhoneNumberId(value), ContactId(contact));
                    directory
                        .conversations
                        .insert(key, ConversationId(conversation));
                }
                (None, None) => {}
            }
        }
        Ok(directory)
    }

    fn know(&mut self, key: Key, contact: ContactId) {
        self.held.insert((contact, key.0), key.1.clone());
        self.stored.insert(key.clone(), contact);
        self.holders.insert(key, contact);
    }

    /// The contact that `identity` speaks of, made if there is none; what is newly said about it is linked.
    pub(super) fn contact(&mut self, identity: &Identity, birth: Birth<'_>) -> ContactId {
        let keys = keys_of(identity);
        let contact = self
            .find(&keys)
            .unwrap_or_else(|| self.create(identity, birth));
        for key in keys {
            self.hold(contact, key);
        }
        contact
    }

    /// A number or a user id changed hands from a person's old one to their new one. The contact stays, without anything
    /// that was verified about the old one.
    pub(super) fn relink(&mut self, change: &SystemChange, birth: Birth<'_>) -> ContactId {
        let old = Identity {
            phone: change.old_phone.clone(),
            user_id: change.old_user_id.clone(),
            ..Identity::default()
        };
        let new = Identity {
            phone: change.new_phone.clone(),
            user_id: change.new_user_id.clone(),
            ..Identity::default()
        };
        let Some(contact) = self.find(&keys_of(&old)) else {
            return self.contact(if new.is_known() { &new } else { &old }, birth);
        };
        if new.phone.is_some() && new.user_id.is_none() {
            // With the number WhatsApp gives the person a new user id, which we shall learn from their next message.
            self.let_go(contact, Kind::UserId);
        }
        for key in keys_of(&new) {
            self.hold(contact, key);
        }
        contact
    }

    /// The conversation of `contact` with our number, made if there is none.
    pub(super) fn conversation(
        &mut self,
        phone_number_id: &PhoneNumberId,
        contact: ContactId,
        birth: Birth<'_>,
    ) -> ConversationId {
        let key = (phone_number_id.clone(), contact);
        if let Some(known) = self.conversations.get(&key) {
            return *known;
        }
        let id = ConversationId(birth.clock.new_id());
        self.conversations.insert(key, id);
        let phone_number_id = phone_number_id.clone();
        self.new_conversations.push(NewConversation {
            id,
            phone_number_id,
            contact,
            origin: birth.origin,
        });
        id
    }

    fn find(&self, keys: &[Key]) -> Option<ContactId> {
        let holder = |wanted: Kind| {
            let key = keys.iter().find(|(kind, _)| *kind == wanted)?;
            self.holders.get(key).copied()
        };
        let user_id = keys
            .iter()
            .find(|(kind, _)| *kind == Kind::UserId)
            .map(|(_, value)| value);
        // A phone number whose holder has another user id has gone to somebody else.
        let contradicts = |contact: &ContactId| {
            let held = self.held.get(&(*contact, Kind::UserId));
            user_id.is_some_and(|user_id| held.is_some_and(|held| held != user_id))
        };
        holder(Kind::UserId)
            .or_else(|| holder(Kind::ParentUserId))
            .or_else(|| holder(Kind::Phone).filter(|contact| !contradicts(contact)))
    }

    fn create(&mut self, identity: &Identity, birth: Birth<'_>) -> ContactId {
        let id = ContactId(birth.clock.new_id());
        let (name, username) = (identity.name.clone(), identity.username.clone());
        self.new_contacts.push(NewContact {
            id,
            origin: birth.origin,
            name,
            username,
        });
        id
    }

    fn hold(&mut self, contact: ContactId, key: Key) {
        if self.holders.get(&key) == Some(&contact) {
            return;
        }
        self.let_go(contact, key.0);
        if let Some(loser) = self.holders.insert(key.clone(), contact) {
            self.held.remove(&(loser, key.0));
        }
        self.held.insert((contact, key.0), key.1);
    }

    fn let_go(&mut self, contact: ContactId, kind: Kind) {
        if let Some(value) = self.held.remove(&(contact, kind)) {
            self.holders.remove(&(kind, value));
        }
    }

    /// Whether something is to be changed, not only added.
    pub(super) fn moves(&self) -> bool {
        self.stored
            .iter()
            .any(|(key, was)| self.holders.get(key) != Some(was))
    }

    /// Changes what is to be changed. If somebody else changed the same since it was read, it fails as a conflict and the
    /// whole batch is read and walked again.
    pub(super) async fn write_moves(
        &self,
        db: &mut PgConnection,
        now: jiff_sqlx::Timestamp,
    ) -> Result<(), sqlx::Error> {
        let gone = self
            .stored
            .iter()
            .filter(|(key, _)| !self.holders.contains_key(*key));
        write_links(db, "DELETE FROM contact_identifiers i
             USING unnest($1::text[], $2::text[], $3::uuid[]) AS d (kind, value, contact_id)
             WHERE i.kind = d.kind AND i.value = d.value AND i.contact_id = d.contact_id AND $4::timestamptz IS NOT NULL", gone, now).await?;
        let moved = self
            .holders
            .iter()
            .filter(|(key, holder)| self.stored.get(*key).is_some_and(|was| was != *holder));
        write_links(db, "UPDATE contact_identifiers i SET contact_id = m.contact_id, linked_at = $4, verified_at = NULL
             FROM unnest($1::text[], $2::text[], $3::uuid[]) AS m (kind, value, contact_id)
             WHERE i.kind = m.kind AND i.value = m.value", moved, now).await
    }

    /// What is to be added. What somebody else added since it was read is a conflict too.
    pub(super) fn additions(&self) -> Additions<'_> {
        let mut columns = Additions::default();
        for contact in &self.new_contacts {
            columns.contacts.push(contact.id.0);
            columns.contact_origins.push(origin_name(contact.origin));
            let name = super::messages::storable(contact.name.as_deref());
            columns.names.push(name);
            columns.usernames.push(contact.username.as_deref());
        }
        for (key, holder) in &self.holders {
            if !self.stored.contains_key(key) {
                columns.kinds.push(key.0.name());
                columns.values.push(&key.1);
                columns.holders.push(holder.0);
            }
        }
        for conversation in &self.new_conversations {
            let phone_number_id = conversation.phone_number_id.as_str();
            columns.conversations.push(conversation.id.0);
            columns.phone_number_ids.push(phone_number_id);
            columns.conversation_contacts.push(conversation.contact.0);
            columns
                .conversation_origins
                .push(origin_name(conversation.origin));
        }
        columns
    }
}

async fn write_links(
    db: &mut PgConnection,
    sql: &'static str,
    links: impl Iterator<Item = (&Key, &ContactId)>,
    now: jiff_sqlx::Timestamp,
) -> Result<(), sqlx::Error> {
    let (mut kinds, mut values, mut contacts) = (Vec::new(), Vec::new(), Vec::new());
    for ((kind, value), contact) in links {
        kinds.push(kind.name());
        values.push(value.as_str());
        contacts.push(contact.0);
    }
    if kinds.is_empty() {
        return Ok(());
    }
    let expected = kinds.len() as u64;
    let done = sqlx::query(sql)
        .bind(kinds)
        .bind(values)
        .bind(contacts)
        .bind(now)
        .execute(db)
        .await?;
    // Somebody else moved one of them: read again.
    if done.rows_affected() == expected {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// Everything by which `identity` can be found.
pub(super) fn keys_of(identity: &Identity) -> Vec<Key> {
    let phone = identity
        .phone
        .as_ref()
        .map(|phone| (Kind::Phone, phone.as_str().to_owned()));
    let user_id = identity
        .user_id
        .as_ref()
        .map(|id| (Kind::UserId, id.as_str().to_owned()));
    let parent = identity
        .parent_user_id
        .as_ref()
        .map(|id| (Kind::ParentUserId, id.as_str().to_owned()));
    [phone, user_id, parent].into_iter().flatten().collect()
}

/// Everything that a change of number or user id mentions.
pub(super) fn keys_of_change(change: &SystemChange) -> Vec<Key> {
    let phones = [&change.old_phone, &change.new_phone].into_iter().flatten();
    let user_ids = [&change.old_user_id, &change.new_user_id]
        .into_iter()
        .flatten();
    phones
        .map(|phone| (Kind::Phone, phone.as_str().to_owned()))
        .chain(user_ids.map(|id| (Kind::UserId, id.as_str().to_owned())))
        .collect()
}

pub(super) fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Live => "live",
        Origin::Simulated => "simulated",
        Origin::Demo => "demo",
    }
}
