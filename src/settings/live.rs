//! What is in force now: which number we are, who may speak to us, and what is switched on. Read on every request, swapped
//! whole.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::channels::whatsapp::Client;
use crate::model::{Origin, PhoneNumberId};
use crate::security::Secret;

/// Who may come in.
#[derive(Clone, Debug)]
pub struct Access {
    /// Each of these signs; two during a rotation.
    pub app_secrets: Vec<Secret>,
    /// Each of these is taken in the handshake; without one none succeeds.
    pub verify_tokens: Vec<Secret>,
    /// Our number; messages for any other are kept aside.
    pub phone_number_id: PhoneNumberId,
    pub origin: Origin,
}

/// How we speak to customers, and who may speak to us.
#[derive(Clone, Debug)]
pub struct Channel {
    pub access: Access,
    pub client: Client,
    pub business_account_id: String,
}

/// What the customer's portal switches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Off: nothing is stored and nothing is sent.
    pub enabled: bool,
    /// Off: everybody is handed to staff.
    pub auto_reply_enabled: bool,
    /// Said in place of the first answer to what was not understood.
    pub auto_reply_message: Option<String>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            enabled: true,
            auto_reply_enabled: true,
            auto_reply_message: None,
        }
    }
}

/// Settings of one moment.
#[derive(Clone, Debug)]
pub struct Current {
    /// Of the stored settings; -1 before they were read.
    pub version: i64,
    pub switches: Switches,
    pub channel: Arc<Channel>,
}

/// The settings in force; cheap to clone and to read.
#[derive(Clone, Debug)]
pub struct Live {
    /// What the process started with: the environment's connection, or the simulator.
    first: Arc<Channel>,
    current: Arc<ArcSwap<Current>>,
}

impl Live {
    pub fn new(channel: Channel) -> Self {
        let first = Arc::new(channel);
        let current = Current {
            version: -1,
            switches: Switches::default(),
            channel: Arc::clone(&first),
        };
        Self {
            first,
            current: Arc::new(ArcSwap::from_pointee(current)),
        }
    }

    pub fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// Whether anything is stored and sent.
    pub fn enabled(&self) -> bool {
        self.current.load().switches.enabled
    }

    /// Who speaks for `number`: what was queued for the simulator's number does not go to WhatsApp.
    pub fn client_for(&self, number: &PhoneNumberId) -> Client {
        if *number == self.first.access.phone_number_id {
            return self.first.client.clone();
        }
        self.current.load().channel.client.clone()
    }

    /// Takes stored settings into force; without a channel of theirs, the first one stays.
    pub(super) fn apply(&self, version: i64, switches: Switches, channel: Option<Channel>) {
        let channel = channel.map_or_else(|| Arc::clone(&self.first), Arc::new);
        let before = self.current();
        let (old, new) = (
            &before.channel.access.phone_number_id,
            &channel.access.phone_number_id,
        );
        if old != new {
            tracing::info!("the number is now {new}");
        }
        if before.switches.enabled != switches.enabled {
            let word = if switches.enabled { "on" } else { "off" };
            tracing::warn!("WhatsApp is switched {word}");
        }
        self.current.store(Arc::new(Current {
            version,
            switches,
            channel,
        }));
    }

    /// Lets nothing in or out: what is stored cannot be read, and to go on as somebody else would be worse.
    pub(super) fn shut(&self, version: i64) {
        let before = self.current();
        let channel = Channel {
            access: Access {
                app_secrets: Vec::new(),
                verify_tokens: Vec::new(),
                ..before.channel.access.clone()
            },
            ..(*before.channel).clone()
        };
        self.current.store(Arc::new(Current {
            version,
            switches: Switches {
                enabled: false,
                ..before.switches.clone()
            },
            channel: Arc::new(channel),
        }));
    }
}
