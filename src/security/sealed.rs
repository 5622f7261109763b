//! Encrypts what is stored and never shown again, with the key of the installation.
//!
//! Each value is bound to its name: a ciphertext that was moved to another name does not open.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::Secret;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// In the data folder.
const FILE: &str = "secret.key";
/// Nobody but the owner.
const FILE_MODE: u32 = 0o600;

/// Where the key of the installation comes from.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// From the settings; it wins.
    pub given: Option<SealingKey>,
    pub data: PathBuf,
}

impl KeySource {
    /// The key, if there is one already.
    pub fn existing(&self) -> anyhow::Result<Option<SealingKey>> {
        match &self.given {
            Some(key) => Ok(Some(key.clone())),
            None => read(&self.data.join(FILE)),
        }
    }

    /// The key; one is made where there is none.
    pub fn key(&self) -> anyhow::Result<SealingKey> {
        if let Some(key) = self.existing()? {
            return Ok(key);
        }
        let path = self.data.join(FILE);
        let key = SealingKey::random().context("there is no source of randomness")?;
        match write(&path, &key) {
            Ok(()) => {
                tracing::info!("a key for stored secrets was made: {}", path.display());
                Ok(key)
            }
            // Another was first.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                read(&path)?.with_context(|| format!("{} vanished", path.display()))
            }
            Err(error) => Err(error).with_context(|| format!("could not write {}", path.display())),
        }
    }
}

/// The key of the installation; it does not show itself.
#[derive(Clone)]
pub struct SealingKey([u8; KEY_BYTES]);

impl SealingKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text.trim()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// `secret`, readable only with this key and under this name.
    pub fn seal(&self, name: &str, secret: &Secret) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).context("there is no source of randomness")?;
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: name.as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow::anyhow!("{name} could not be encrypted"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed under `name` with this key; `None` for anything else.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: sealed,
            aad: name.as_bytes(),
        };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        String::from_utf8(opened).ok().map(Secret::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

fn read(path: &Path) -> anyhow::Result<Option<SealingKey>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("could not read {}", path.display()));
        }
    };
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("others may read {}: say `chmod 600` to it", path.display());
    }
    let key = SealingKey::parse(&text);
    let key = key.with_context(|| format!("{} holds no key of 64 digits", path.display()))?;
    Ok(Some(key))
}

/// Whole or not at all: a half-written key would lock every secret away.
fn write(path: &Path, key: &SealingKey) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    let mut file = options.mode(FILE_MODE).open(&draft)?;
    writeln!(file, "{}", hex::encode(key.0))?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_with_its_key_and_name_only() {
        let (key, other) = (SealingKey::random().unwrap(), SealingKey::random().unwrap());
        let sealed = key.seal("token", &Secret::new("oranges")).unwrap();
        assert_ne!(sealed, key.seal("token", &Secret::new("oranges")).unwrap());
        assert_eq!(key.open("token", &sealed), Some(Secret::new("oranges")));
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        for (key, name, sealed) in [
            (&other, "token", sealed.as_slice()),
            (&key, "word", &sealed),
            (&key, "token", &bent),
            (&key, "token", &sealed[..30]),
            (&key, "token", b""),
        ] {
            assert_eq!(key.open(name, sealed), None);
        }
    }

    #[test]
    fn the_key_file_is_made_once_for_its_owner_alone() {
        let data = std::env::temp_dir().join(format!("puisano-sealed-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let source = KeySource {
            given: None,
            data: data.clone(),
        };
        assert!(source.existing().unwrap().is_none());
        let first = source.key().unwrap();
        assert_eq!(source.key().unwrap().0, first.0);
        let path = data.join(FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, FILE_MODE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(source.key().unwrap_err().to_string().contains("chmod 600"));
        std::fs::remove_dir_all(&data).unwrap();
    }
}
