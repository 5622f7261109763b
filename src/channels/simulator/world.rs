//! The simulated world: what people wrote, what was accepted for them, which webhooks are still on their way, and the
//! business's templates, files and limits.
//!
//! Pure: it changes by [`Record`]s only, and the journal is the list of them, so that reading the journal again makes
//! the same world.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::limits::{Limits, PAIR_EVERY_MS, Usage};
use super::media::Media;
use super::record::{Accepted, Record, Told, Written};
use super::templates::Library;

/// A webhook without a time: held back until somebody lets it go.
pub(super) const HELD: i64 = i64::MAX;

/// A message that waits for the one before it is looked at again after this long.
const BEHIND_ANOTHER_MS: i64 = 3;

pub(super) const WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Person,
    Business,
}

/// A message in a conversation, as the person's phone has it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) n: u64,
    pub(super) at_ms: i64,
    pub(super) by: By,
    pub(super) wamid: String,
    /// The element of the webhook, or the request.
    pub(super) content: Value,
    /// Of a template: what the person reads.
    pub(super) shown: Value,
    /// Webhook, time and word of each status; for a person's message, of its own webhook.
    pub(super) statuses: Vec<(u64, i64, String)>,
    pub(super) read: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    pub(super) name: Option<String>,
    pub(super) items: Vec<Item>,
    pub(super) last_written_ms: Option<i64>,
    /// When the service last said that it is writing an answer.
    pub(super) typing_ms: Option<i64>,
    /// The time up to which the pair's rate is used up.
    paid_until_ms: i64,
}

impl Conversation {
    pub(super) fn is_open(&self, now_ms: i64) -> bool {
        self.last_written_ms
            .is_some_and(|last| now_ms - last < WINDOW_MS)
    }

    pub(super) fn may_receive(&self, now_ms: i64, pair_burst: i64) -> bool {
        self.paid_until_ms - now_ms <= (pair_burst - 1) * PAIR_EVERY_MS
    }
}

#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) due_ms: i64,
    pub(super) body: Value,
    pub(super) attempts: u32,
    /// The message of a person that it brings, and whose.
    brings: Option<(String, String)>,
}

#[derive(Debug, Default)]
pub(super) struct World {
    /// The number of the next thing that happens.
    pub(super) next: u64,
    pub(super) conversations: BTreeMap<String, Conversation>,
    /// In whose conversation a message is.
    places: HashMap<String, String>,
    /// What went to nobody: a user id in the place of a phone number.
    pub(super) lost: Vec<Item>,
    /// Not taken by the service yet.
    pub(super) webhooks: BTreeMap<u64, Webhook>,
    /// Those of `webhooks` that are neither held back nor under way.
    queue: BTreeSet<(i64, u64)>,
    pub(super) webhooks_delivered: u64,
    /// By person, the webhooks that bring their messages and were not taken yet.
    bringing: HashMap<String, BTreeSet<u64>>,
    pub(super) library: Library,
    pub(super) media: HashMap<String, Media>,
    pub(super) limits: Limits,
    pub(super) usage: Usage,
    /// Who wants no marketing messages.
    pub(super) stopped: BTreeSet<String>,
}

impl World {
    pub(super) fn from_records(records: Vec<Record>) -> Self {
        let mut world = Self {
            next: 1,
            ..Self::default()
        };
        for record in records {
            world.apply(record);
        }
        world
    }

    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Written(written) => self.written(written),
            Record::Accepted(accepted) => self.accepted(accepted),
            Record::Read {
                at_ms,
                wamid,
                typing,
            } => self.read(at_ms, &wamid, typing),
            Record::Webhook(told) => self.told(told),
            Record::Due { n, due_ms } => self.due(n, due_ms),
            Record::Delivered { n } => {
                if let Some(webhook) = self.webhooks.remove(&n) {
                    self.queue.remove(&(webhook.due_ms, n));
                    self.webhooks_delivered += 1;
                    self.brought(n, &webhook);
                }
            }
            Record::Withdrawn { n } => {
                if let Some(webhook) = self.webhooks.remove(&n) {
                    self.queue.remove(&(webhook.due_ms, n));
                }
            }
            other => self.account_changed(other),
        }
    }

    fn account_changed(&mut self, record: Record) {
        match record {
            Record::Template(template) => {
                self.next = self.next.max(template.number() + 1);
                self.library.put(*template);
            }
            Record::TemplateGone {
                id,
                blocked_until_ms,
            } => self.library.remove(id, blocked_until_ms),
            Record::Media(media) => {
                self.media.insert(media.id.clone(), media);
            }
            Record::MediaGone { id } => {
                self.media.remove(&id);
            }
            Record::Limits(limits) => self.limits = limits,
            Record::Preference { phone, is_stopped } => {
                if is_stopped {
                    self.stopped.insert(phone);
                } else {
                    self.stopped.remove(&phone);
                }
            }
            // The others are about messages.
            _ => {}
        }
    }

    fn accepted(&mut self, accepted: Accepted) {
        self.next = self.next.max(accepted.n + 1);
        let item = item(accepted.n, accepted.at_ms, accepted.wamid, accepted.request);
        let item = Item {
            by: By::Business,
            shown: accepted.shown,
            ..item
        };
        self.usage.accepted(item.at_ms);
        let Some(phone) = accepted.phone else {
            return self.lost.push(item);
        };
        self.places.insert(item.wamid.clone(), phone.clone());
        let conversation = self.conversations.entry(phone.clone()).or_default();
        if !conversation.is_open(item.at_ms) {
            self.usage.reached(&phone, item.at_ms);
        }
        conversation.paid_until_ms = conversation.paid_until_ms.max(item.at_ms) + PAIR_EVERY_MS;
        conversation.typing_ms = None;
        conversation.items.push(item);
    }

    fn told(&mut self, told: Told) {
        self.next = self.next.max(told.n + 1);
        let brings = match told.status {
            None => self
                .places
                .get(&told.about)
                .map(|phone| (phone.clone(), told.about.clone())),
            Some(_) => None,
        };
        if let Some((phone, _)) = &brings {
            self.bringing
                .entry(phone.clone())
                .or_default()
                .insert(told.n);
        }
        if let Some(item) = self.item_mut(&told.about) {
            let word = told.status.unwrap_or_else(|| "delivered".to_owned());
            item.statuses.push((told.n, told.due_ms, word));
        }
        self.webhooks.insert(
            told.n,
            Webhook {
                due_ms: told.due_ms,
                body: told.body,
                attempts: 0,
                brings,
            },
        );
        self.enqueue(told.n, told.due_ms);
    }

    fn written(&mut self, written: Written) {
        self.next = self.next.max(written.n + 1);
        let wamid = written.message["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.places.insert(wamid.clone(), written.phone.clone());
        let conversation = self.conversations.entry(written.phone).or_default();
        conversation.name = written.name.or(conversation.name.take());
        // Whether a reaction opens the window is not documented: nobody should count on it.
        if written.message["type"] != "reaction" {
            conversation.last_written_ms = conversation.last_written_ms.max(Some(written.at_ms));
        }
        conversation
            .items
            .push(item(written.n, written.at_ms, wamid, written.message));
    }

    fn read(&mut self, at_ms: i64, wamid: &str, typing: bool) {
        let Some(conversation) = self.conversation_of(wamid) else {
            return;
        };
        conversation.typing_ms = typing.then_some(at_ms).or(conversation.typing_ms);
        // Earlier messages count as read as well.
        let last = conversation
            .items
            .iter()
            .rposition(|item| item.wamid == wamid)
            .map_or(0, |at| at + 1);
        for item in conversation
            .items
            .iter_mut()
            .take(last)
            .filter(|item| item.by == By::Person)
        {
            item.read = true;
        }
    }

    fn due(&mut self, n: u64, due_ms: i64) {
        let Some(webhook) = self.webhooks.get_mut(&n) else {
            return;
        };
        self.queue.remove(&(webhook.due_ms, n));
        webhook.due_ms = due_ms;
        self.enqueue(n, due_ms);
        let statuses = self
            .conversations
            .values_mut()
            .flat_map(|c| &mut c.items)
            .flat_map(|item| &mut item.statuses);
        for status in statuses.filter(|status| status.0 == n) {
            status.1 = due_ms;
        }
    }

    fn enqueue(&mut self, n: u64, due_ms: i64) {
        if due_ms != HELD {
            self.queue.insert((due_ms, n));
        }
    }

    /// Takes a webhook that is due out of the queue; it is under way until it is delivered or comes back. A person's
    /// message waits for the one before it, as it does at WhatsApp when all is well; faults let it pass.
    pub(super) fn take_due(&mut self, now_ms: i64) -> Option<(u64, Value)> {
        while let Some(&(due_ms, n)) = self.queue.first()
            && due_ms <= now_ms
        {
            self.queue.pop_first();
            if self.must_wait(n, now_ms) {
                self.put_off(n, now_ms + BEHIND_ANOTHER_MS);
            } else if let Some(webhook) = self.webhooks.get(&n) {
                return Some((n, webhook.body.clone()));
            }
        }
        None
    }

    /// Whether an earlier message of the same person is on its way and was not taken.
    fn must_wait(&self, n: u64, now_ms: i64) -> bool {
        let brings = |n: u64| {
            self.webhooks
                .get(&n)
                .and_then(|webhook| webhook.brings.as_ref())
        };
        let Some((phone, message)) = brings(n) else {
            return false;
        };
        let held_back = |webhook: &Webhook| webhook.attempts == 0 && webhook.due_ms > now_ms;
        let earlier = self
            .bringing
            .get(phone)
            .into_iter()
            .flat_map(|all| all.range(..n));
        earlier
            .filter(|earlier| brings(**earlier).is_some_and(|(_, other)| other != message))
            .filter_map(|earlier| self.webhooks.get(earlier))
            .any(|webhook| !held_back(webhook))
    }

    fn put_off(&mut self, n: u64, due_ms: i64) {
        if let Some(webhook) = self.webhooks.get_mut(&n) {
            webhook.due_ms = due_ms;
            self.enqueue(n, due_ms);
        }
    }

    fn brought(&mut self, n: u64, webhook: &Webhook) {
        let Some((phone, _)) = &webhook.brings else {
            return;
        };
        if let Some(all) = self.bringing.get_mut(phone) {
            all.remove(&n);
            if all.is_empty() {
                self.bringing.remove(phone);
            }
        }
    }

    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.queue.first().map(|(due_ms, _)| *due_ms)
    }

    /// The service did not take it: `wait` says for how long to leave it, by the number of attempts.
    pub(super) fn put_back(&mut self, n: u64, now_ms: i64, wait: impl FnOnce(u32) -> i64) {
        let Some(webhook) = self.webhooks.get_mut(&n) else {
            return;
        };
        webhook.attempts += 1;
        webhook.due_ms = now_ms + wait(webhook.attempts);
        let due_ms = webhook.due_ms;
        self.enqueue(n, due_ms);
    }

    pub(super) fn held(&self) -> Vec<u64> {
        self.webhooks
            .iter()
            .filter(|(_, webhook)| webhook.due_ms == HELD)
            .map(|(n, _)| *n)
            .collect()
    }

    fn item_mut(&mut self, wamid: &str) -> Option<&mut Item> {
        // Almost always one of the last.
        self.conversation_of(wamid)?
            .items
            .iter_mut()
            .rfind(|item| item.wamid == wamid)
    }

    fn conversation_of(&mut self, wamid: &str) -> Option<&mut Conversation> {
        let phone = self.places.get(wamid)?;
        self.conversations.get_mut(phone)
    }
}

fn item(n: u64, at_ms: i64, wamid: String, content: Value) -> Item {
    Item {
        n,
        at_ms,
        by: By::Person,
        wamid,
        content,
        shown: Value::Null,
        statuses: Vec::new(),
        read: false,
    }
}
