//! Settings as they are stored, and as they are shown: a draft that may be partial, and words that stay sealed.

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Surroundings;
use super::live::{Access, Channel, Current, Switches};
use crate::channels::whatsapp::{Client, Connection};
use crate::config::Graph;
use crate::model::{Origin, PhoneNumberId};
use crate::security::Secret;
use crate::security::sealed::SealingKey;
use crate::store::secrets::{SealedSecret, StoredSettings};

/// The group's name in the database; its secrets are called `whatsapp.…`.
pub(super) const KEY: &str = "whatsapp";
pub(super) const ACCESS_TOKEN: &str = "whatsapp.access_token";
pub(super) const VERIFY_TOKEN: &str = "whatsapp.webhook_verify_token";
pub(super) const APP_SECRET: &str = "whatsapp.app_secret";

/// What is stored in the open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub(super) enabled: Option<bool>,
    pub(super) phone_number_id: Option<String>,
    pub(super) business_account_id: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) auto_reply_enabled: Option<bool>,
    pub(super) auto_reply_message: Option<String>,
}

impl Draft {
    /// What cannot be read (a newer version wrote it) counts as not set.
    pub(super) fn read(value: Option<&Value>) -> Self {
        value
            .and_then(|value| Self::deserialize(value).ok())
            .unwrap_or_default()
    }

    pub(super) fn switches(&self) -> Switches {
        Switches {
            enabled: self.enabled.unwrap_or(true),
            auto_reply_enabled: self.auto_reply_enabled.unwrap_or(true),
            auto_reply_message: self.auto_reply_message.clone(),
        }
    }
}

/// The stored secrets, opened. Where one is being changed, the previous one stands behind it.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) access_token: Vec<Secret>,
    pub(super) verify_token: Vec<Secret>,
    pub(super) app_secret: Vec<Secret>,
}

impl Words {
    pub(super) fn open(
        key: &SealingKey,
        secrets: &[SealedSecret],
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let mut words = Self::default();
        for secret in secrets {
            let Some(place) = words.place(&secret.name) else {
                continue;
            };
            let current = key.open(&secret.name, &secret.ciphertext).with_context(|| {
                format!(
                    "the stored {} was sealed with another key than PUISANO_SECRET_KEY or the data folder's secret.key",
                    secret.name
                )
            })?;
            place.push(current);
            let overlaps = secret.previous_until.is_some_and(|until| until > now);
            let previous = secret.previous.as_deref().filter(|_| overlaps);
            place.extend(previous.and_then(|sealed| key.open(&secret.name, sealed)));
        }
        Ok(words)
    }

    pub(super) fn place(&mut self, name: &str) -> Option<&mut Vec<Secret>> {
        match name {
            ACCESS_TOKEN => Some(&mut self.access_token),
            VERIFY_TOKEN => Some(&mut self.verify_token),
            APP_SECRET => Some(&mut self.app_secret),
            _ => None,
        }
    }
}

/// The connection that draft and words make, if it is whole.
pub(super) fn channel(
    draft: &Draft,
    words: &Words,
    graph: &Graph,
) -> anyhow::Result<Option<Channel>> {
    let (Some(phone_number_id), Some(business_account_id), Some(access_token)) = (
        draft.phone_number_id.clone(),
        draft.business_account_id.clone(),
        words.access_token.first().cloned(),
    ) else {
        return Ok(None);
    };
    if words.verify_token.is_empty() || words.app_secret.is_empty() {
        return Ok(None);
    }
    let version = draft.api_version.as_ref().unwrap_or(&graph.api_version);
    let client = Client::new(Connection {
        api_url: graph.api_url.clone(),
        api_version: version.clone(),
        access_token,
    })?;
    Ok(Some(Channel {
        access: Access {
            app_secrets: words.app_secret.clone(),
            verify_tokens: words.verify_token.clone(),
            phone_number_id: PhoneNumberId(phone_number_id),
            origin: Origin::Live,
        },
        client,
        business_account_id,
    }))
}

/// What may be known of a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretState {
    pub set: bool,
    pub updated_at: Option<Timestamp>,
    /// Until then the one before counts too.
    pub previous_until: Option<Timestamp>,
}

/// The settings as they may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub version: i64,
    pub enabled: bool,
    pub phone_number_id: Option<String>,
    pub business_account_id: Option<String>,
    pub access_token: SecretState,
    pub webhook_verify_token: SecretState,
    pub app_secret: SecretState,
    pub api_version: String,
    pub auto_reply_enabled: bool,
    pub auto_reply_message: Option<String>,
    /// Messages go to WhatsApp; else to the simulator.
    pub connected: bool,
    /// Of a connection: what is still to be given.
    pub missing: Vec<&'static str>,
    /// What the environment holds.
    pub locked: Vec<&'static str>,
}

/// Fields that make a connection.
pub(super) const CONNECTION: [&str; 6] = [
    "phone_number_id",
    "business_account_id",
    "access_token",
    "webhook_verify_token",
    "app_secret",
    "api_version",
];

pub(super) fn view(
    stored: &StoredSettings,
    surroundings: &Surroundings,
    current: &Current,
) -> View {
    let draft = Draft::read(stored.value.as_ref());
    let state = |name: &str| {
        if surroundings.locked {
            return SecretState {
                set: true,
                ..SecretState::default()
            };
        }
        let secret = stored.secrets.iter().find(|secret| secret.name == name);
        secret.map_or(SecretState::default(), |secret| SecretState {
            set: true,
            updated_at: Some(secret.updated_at),
            previous_until: secret.previous_until,
        })
    };
    let channel = &current.channel;
    let locked = |value: &str| surroundings.locked.then(|| value.to_owned());
    let mut view = View {
        version: stored.version,
        enabled: current.switches.enabled,
        phone_number_id: locked(channel.access.phone_number_id.as_str()).or(draft.phone_number_id),
        business_account_id: locked(&channel.business_account_id).or(draft.business_account_id),
        access_token: state(ACCESS_TOKEN),
        webhook_verify_token: state(VERIFY_TOKEN),
        app_secret: state(APP_SECRET),
        api_version: locked(&surroundings.graph.api_version)
            .or(draft.api_version)
            .unwrap_or_else(|| surroundings.graph.api_version.clone()),
        auto_reply_enabled: draft.auto_reply_enabled.unwrap_or(true),
        auto_reply_message: draft.auto_reply_message,
        connected: channel.access.origin == Origin::Live,
        missing: Vec::new(),
        locked: Vec::new(),
    };
    if surroundings.locked {
        view.locked = CONNECTION.to_vec();
    }
    view.missing = missing(&view);
    view
}

fn missing(view: &View) -> Vec<&'static str> {
    let given = [
        ("phone_number_id", view.phone_number_id.is_some()),
        ("business_account_id", view.business_account_id.is_some()),
        ("access_token", view.access_token.set),
        ("webhook_verify_token", view.webhook_verify_token.set),
        ("app_secret", view.app_secret.set),
    ];
    let missing = given.iter().filter(|(_, given)| !given);
    missing.map(|(name, _)| *name).collect()
}
