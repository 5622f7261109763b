//! Keeps secrets secret: they do not show themselves, and comparing them tells nothing by its time.
//!
//! Does not read them (config does) and does not sign with them (channels do).

pub mod addresses;
pub mod api_key;
pub mod sealed;

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A text that never shows itself.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this secret. The time taken depends neither on where the two differ nor on how long they are:
    /// their hashes are compared. An empty secret is no secret and matches nothing.
    pub fn matches(&self, given: &[u8]) -> bool {
        let same = Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(given));
        !self.0.is_empty() && bool::from(same)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes()) || (self.0.is_empty() && other.0.is_empty())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_itself_only_and_shows_nothing() {
        let secret = Secret::new("oranges and lemons");
        assert!(secret.matches(b"oranges and lemons"));
        for other in [
            "",
            "oranges and lemon",
            "oranges and lemons ",
            "Oranges and lemons",
        ] {
            assert!(!secret.matches(other.as_bytes()), "{other}");
            assert_ne!(secret, Secret::new(other));
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn an_empty_secret_matches_nothing() {
        assert!(!Secret::new("").matches(b""));
        assert_eq!(Secret::new(""), Secret::new(""));
    }
}
