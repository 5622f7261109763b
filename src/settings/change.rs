//! Changing settings: everything is checked first, a whole connection by asking WhatsApp, and then written at once or not
//! at all.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Settings;
use super::stored::{self, ACCESS_TOKEN, APP_SECRET, Draft, KEY, VERIFY_TOKEN, View, Words};
use crate::config;
use crate::security::Secret;
use crate::store::StoreError;
use crate::store::secrets::{NewSecret, SettingsChange, StoredSettings};

/// How long a replaced secret still counts: Meta's side is changed by hand, before or after.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// How long WhatsApp may take to say whose number it is.
const TEST_MAX: Duration = Duration::from_secs(10);
/// Characters of one WhatsApp text.
const MESSAGE_CHARS_MAX: usize = 4_096;

/// What is to be different; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub enabled: Option<bool>,
    pub phone_number_id: Option<String>,
    pub business_account_id: Option<String>,
    pub access_token: Option<Secret>,
    pub webhook_verify_token: Option<Secret>,
    pub app_secret: Option<Secret>,
    pub api_version: Option<String>,
    pub auto_reply_enabled: Option<bool>,
    /// An empty one takes it away.
    pub auto_reply_message: Option<String>,
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum Refused {
    /// Field and problem.
    Fields(Vec<(&'static str, String)>),
    /// Somebody else changed the settings at the same time.
    Conflict,
    Store(StoreError),
    /// The key for secrets, or what was sealed with it.
    Key(anyhow::Error),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Settings {
    /// Changes what `change` names; in force here when this returns, and everywhere within a second.
    pub async fn change(&self, change: Change) -> Result<View, Refused> {
        let problems = self.problems(&change);
        if !problems.is_empty() {
            return Err(Refused::Fields(problems));
        }
        let stored = self.inner.store.stored_settings(KEY).await?;
        let now = self.inner.clock.now();
        let mut words = self.words(&stored, now)?;
        let draft = merged(Draft::read(stored.value.as_ref()), &change);
        let fresh = fresh_words(&change, &mut words);
        if change.is_about_the_connection() {
            self.test(&draft, &words).await?;
        }
        let secrets = self.sealed(&stored, &fresh, now)?;
        let written = SettingsChange {
            key: KEY,
            version: stored.version,
            value: serde_json::to_value(draft).unwrap_or(Value::Null),
            secrets,
        };
        if !self.inner.store.change_settings(written).await? {
            return Err(Refused::Conflict);
        }
        self.load().await?;
        Ok(self.view().await?)
    }

    fn problems(&self, change: &Change) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.inner.surroundings.locked {
            let locked = stored::CONNECTION
                .into_iter()
                .filter(|name| change.names(name));
            problems.extend(locked.map(|name| {
                (
                    name,
                    "stands in the environment, which wins; change it there".to_owned(),
                )
            }));
        }
        let mut check = |name, wrong: Option<&'static str>| {
            problems.extend(wrong.map(|what| (name, what.to_owned())));
        };
        let text = |given: &Option<String>, read: fn(&str) -> Result<String, &'static str>| {
            given.as_deref().and_then(|text| read(text).err())
        };
        let word = |given: &Option<Secret>| match given.as_ref().map(Secret::expose) {
            Some("") => Some("is empty"),
            Some(word) => config::secret(word).err(),
            None => None,
        };
        check("phone_number_id", text(&change.phone_number_id, filled_id));
        check(
            "business_account_id",
            text(&change.business_account_id, filled_id),
        );
        check(
            "api_version",
            text(&change.api_version, config::api_version),
        );
        check("access_token", word(&change.access_token));
        check("webhook_verify_token", word(&change.webhook_verify_token));
        check("app_secret", word(&change.app_secret));
        let long = |text: &String| text.chars().count() > MESSAGE_CHARS_MAX || text.contains('\0');
        let message = change.auto_reply_message.as_ref().filter(|text| long(text));
        check(
            "auto_reply_message",
            message.map(|_| "is no text of at most 4096 characters"),
        );
        problems
    }

    fn words(&self, stored: &StoredSettings, now: Timestamp) -> Result<Words, Refused> {
        if stored.secrets.is_empty() {
            return Ok(Words::default());
        }
        let key = self.inner.surroundings.key.key().map_err(Refused::Key)?;
        Words::open(&key, &stored.secrets, now).map_err(Refused::Key)
    }

    /// A connection that is whole must work; one that is not yet is a draft.
    async fn test(&self, draft: &Draft, words: &Words) -> Result<(), Refused> {
        let channel = stored::channel(draft, words, &self.inner.surroundings.graph);
        let Some(channel) = channel.map_err(Refused::Key)? else {
            return Ok(());
        };
        let asked = channel.client.describe(&channel.access.phone_number_id);
        let answer = tokio::time::timeout(TEST_MAX, asked).await;
        let answer = answer.unwrap_or_else(|_| Err("WhatsApp did not answer in time".to_owned()));
        match answer {
            Ok(number) => {
                tracing::info!("WhatsApp knows the number: {number}");
                Ok(())
            }
            Err(reason) => Err(Refused::Fields(vec![(
                "access_token",
                format!("does not work together with phone_number_id and api_version: {reason}"),
            )])),
        }
    }

    fn sealed(
        &self,
        stored: &StoredSettings,
        fresh: &[(&'static str, Secret)],
        now: Timestamp,
    ) -> Result<Vec<NewSecret>, Refused> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.inner.surroundings.key.key().map_err(Refused::Key)?;
        let seal = |(name, word): &(&'static str, Secret)| {
            let known = stored.secrets.iter().any(|secret| secret.name == *name);
            // A token is ours alone; the others must match what stands at Meta.
            let overlaps = known && *name != ACCESS_TOKEN;
            Ok(NewSecret {
                name: (*name).to_owned(),
                ciphertext: key.seal(name, word).map_err(Refused::Key)?,
                previous_until: overlaps.then(|| now.saturating_add(OVERLAP).unwrap_or(now)),
            })
        };
        fresh.iter().map(seal).collect()
    }
}

impl Change {
    fn names(&self, field: &str) -> bool {
        match field {
            "phone_number_id" => self.phone_number_id.is_some(),
            "business_account_id" => self.business_account_id.is_some(),
            "access_token" => self.access_token.is_some(),
            "webhook_verify_token" => self.webhook_verify_token.is_some(),
            "app_secret" => self.app_secret.is_some(),
            "api_version" => self.api_version.is_some(),
            _ => false,
        }
    }

    fn is_about_the_connection(&self) -> bool {
        stored::CONNECTION.iter().any(|field| self.names(field))
    }
}

fn filled_id(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    config::graph_id(text)
}

fn merged(draft: Draft, change: &Change) -> Draft {
    let message = match &change.auto_reply_message {
        Some(text) if text.trim().is_empty() => None,
        Some(text) => Some(text.clone()),
        None => draft.auto_reply_message,
    };
    Draft {
        enabled: change.enabled.or(draft.enabled),
        phone_number_id: change.phone_number_id.clone().or(draft.phone_number_id),
        business_account_id: change
            .business_account_id
            .clone()
            .or(draft.business_account_id),
        api_version: change.api_version.clone().or(draft.api_version),
        auto_reply_enabled: change.auto_reply_enabled.or(draft.auto_reply_enabled),
        auto_reply_message: message,
    }
}

/// The secrets that are new, which from here on are the first among `words`.
fn fresh_words(change: &Change, words: &mut Words) -> Vec<(&'static str, Secret)> {
    let given = [
        (ACCESS_TOKEN, &change.access_token),
        (VERIFY_TOKEN, &change.webhook_verify_token),
        (APP_SECRET, &change.app_secret),
    ];
    let mut fresh = Vec::new();
    for (name, word) in given {
        let (Some(word), Some(place)) = (word, words.place(name)) else {
            continue;
        };
        // The same again is no rotation, and must not push the one before out.
        if place.first() != Some(word) {
            place.insert(0, word.clone());
            fresh.push((name, word.clone()));
        }
    }
    fresh
}
