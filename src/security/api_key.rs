//! Keys of the HTTP API: what they look like, what they allow, and by what they are recognised.
//!
//! A key is shown once and never kept: it has 256 random bits, so a plain hash is enough to find it by and gives nothing away.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::Secret;

/// So that scanners for leaked secrets know one when they see it.
const MARK: &str = "psk_";
const RANDOM_BYTES: usize = 32;
/// What lists show of a key: enough to tell two apart, nothing to guess from.
const SHOWN_CHARS: usize = 12;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Notifications and messages, and reading one's own.
    Send,
    /// Contacts, accounts and consent.
    Contacts,
    Conversations,
    Templates,
    Settings,
}

impl Scope {
    pub const ALL: [Self; 5] = [
        Self::Send,
        Self::Contacts,
        Self::Conversations,
        Self::Templates,
        Self::Settings,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Contacts => "contacts",
            Self::Conversations => "conversations",
            Self::Templates => "templates",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("is not a scope; there are {names}")
        })
    }
}

/// A key as its holder has it.
#[derive(Clone, Debug)]
pub struct KeyText(Secret);

impl KeyText {
    /// A new one. Fails only without a source of randomness.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(Secret::new(format!("{MARK}{}", hex::encode(bytes)))))
    }

    /// What somebody gives as a key, if it looks like one.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(MARK)?;
        let fits = random.len() == 2 * RANDOM_BYTES
            && random
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(Secret::new(text)))
    }

    /// The key itself, for the one moment it is shown.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// By what it is found.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }

    /// What lists show of it.
    pub fn prefix(&self) -> &str {
        self.expose().get(..SHOWN_CHARS).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_nothing_else_is_a_key() {
        let (key, other) = (KeyText::new().unwrap(), KeyText::new().unwrap());
        assert_ne!(key.expose(), other.expose());
        assert_eq!(
            KeyText::parse(key.expose()).unwrap().hash(),
            key.hash(),
            "the same key has the same hash"
        );
        assert_eq!((key.expose().len(), key.prefix().len()), (68, 12));
        let shouted = key.expose().to_uppercase();
        for odd in [
            "",
            "psk_",
            "psk_1234",
            &shouted,
            &key.expose()[4..],
            &format!("{} ", key.expose()),
        ] {
            assert!(KeyText::parse(odd).is_none(), "{odd}");
        }
        assert_eq!(format!("{key:?}"), "KeyText(Secret(…))");
    }

    #[test]
    fn scopes_are_read_by_their_names() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!("admin".parse::<Scope>().unwrap_err().contains("send"));
    }
}
