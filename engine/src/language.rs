//! The code of a language, as packs write it (`en`, `st`, `nso`).
//!
//! Which language a message is in is decided in `text::identify`.

use serde::{Deserialize, Serialize};

/// An ISO 639 code of two or three lower-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 3]);

impl Language {
    pub const EN: Self = Self(*b"en\0");
    pub const ST: Self = Self(*b"st\0");
    pub const AF: Self = Self(*b"af\0");
    pub const XH: Self = Self(*b"xh\0");

    /// Reads a code; `None` unless it is two or three lower-case ASCII letters.
    pub fn parse(code: &str) -> Option<Self> {
        match *code.as_bytes() {
            [a, b] if [a, b].iter().all(u8::is_ascii_lowercase) => Some(Self([a, b, 0])),
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_lowercase) => Some(Self([a, b, c])),
            _ => None,
        }
    }

    pub fn as_str(&self) -> &str {
        let length = if self.0[2] == 0 { 2 } else { 3 };
        self.0
            .get(..length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or("")
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Language {
    type Error = String;
    fn try_from(code: String) -> Result<Self, String> {
        Self::parse(&code).ok_or_else(|| format!("`{code}` is not a language code"))
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.as_str().to_owned()
    }
}
