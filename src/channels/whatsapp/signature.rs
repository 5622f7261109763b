//! `X-Hub-Signature-256`: HMAC-SHA-256 over the raw bytes of a webhook.
//!
//! Works on bytes and nothing else: WhatsApp escapes its JSON in its own way, so a body that was parsed and written
//! again has another signature. The older `X-Hub-Signature` (SHA-1) is not looked at.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::security::Secret;

const PREFIX: &[u8] = b"sha256=";
const DIGEST_BYTES: usize = 32;
const HEADER_BYTES: usize = PREFIX.len() + 2 * DIGEST_BYTES;

/// Whether `header` signs `body` with one of `secrets` (two during a rotation). Constant time in the digest, and every
/// secret is tried whichever fits. An empty secret fits nothing.
pub fn verify(secrets: &[Secret], body: &[u8], header: Option<&[u8]>) -> bool {
    let Some(given) = header.and_then(read) else {
        return false;
    };
    secrets
        .iter()
        .filter(|secret| !secret.expose().is_empty())
        .fold(false, |fits, secret| {
            let same = digest(secret, body).ct_eq(&given);
            fits | bool::from(same)
        })
}

/// The header's value for `body`.
pub fn sign(secret: &Secret, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(digest(secret, body)))
}

/// Exactly `sha256=` and 64 lower-case hex digits, as WhatsApp writes it.
fn read(header: &[u8]) -> Option<[u8; DIGEST_BYTES]> {
    if header.len() != HEADER_BYTES || header.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut digest = [0; DIGEST_BYTES];
    hex::decode_to_slice(header.strip_prefix(PREFIX)?, &mut digest).ok()?;
    Some(digest)
}

fn digest(secret: &Secret, body: &[u8]) -> [u8; DIGEST_BYTES] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    const SPACED: &[u8] = br#"{"object": "whatsapp_business_account", "entry": []}"#;

    fn secrets(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|text| Secret::new(*text)).collect()
    }

    #[test]
    fn known_vectors() {
        for (secret, body, hex) in [
            (
                "test_app_secret",
                BODY,
                "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
            ),
            (
                "test_app_secret",
                SPACED,
                "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
            ),
            (
                "otro_secreto",
                BODY,
                "769b03d8c2ae6498f2d1e1f7299c0ba55448c69d741e7b0bb243d852d8a8d8c7",
            ),
        ] {
            let header = format!("sha256={hex}");
            assert_eq!(sign(&Secret::new(secret), body), header);
            assert!(verify(&secrets(&[secret]), body, Some(header.as_bytes())));
            assert!(
                verify(
                    &secrets(&["another", secret]),
                    body,
                    Some(header.as_bytes())
                ),
                "second of two"
            );
            assert!(
                verify(
                    &secrets(&[secret, "another"]),
                    body,
                    Some(header.as_bytes())
                ),
                "first of two"
            );
            assert!(!verify(
                &secrets(&["another"]),
                body,
                Some(header.as_bytes())
            ));
            assert!(!verify(&[], body, Some(header.as_bytes())));
        }
    }

    #[test]
    fn every_other_header_is_refused() {
        let secret = secrets(&["test_app_secret"]);
        let good = sign(&secret[0], BODY);
        let mut odd = vec![
            String::new(),
            "sha256=".to_owned(),
            good[7..].to_owned(),
            good.to_uppercase(),
            format!("sha256={}", good[7..].to_uppercase()),
            format!("sha1={}", &good[7..47]),
            format!("sha512={}", &good[7..71]),
            format!("SHA256={}", &good[7..]),
            good[..70].to_owned(),
            format!("{good}0"),
            format!(" {good}"),
            format!("{good} "),
            format!("{good},{good}"),
            format!("sha256= {}", &good[8..]),
            format!("sha256={}g", &good[7..70]),
        ];
        // Any single changed digit.
        odd.extend((7..good.len()).map(|at| {
            let other = if &good[at..=at] == "0" { "1" } else { "0" };
            format!("{}{other}{}", &good[..at], &good[at + 1..])
        }));
        for header in odd {
            assert!(
                !verify(&secret, BODY, Some(header.as_bytes())),
                "{header:?}"
            );
        }
        assert!(!verify(&secret, BODY, None));
        assert!(!verify(&secret, BODY, Some(&[0xff; HEADER_BYTES])));
        assert!(verify(&secret, BODY, Some(good.as_bytes())));
    }

    #[test]
    fn the_bytes_are_signed_not_the_meaning() {
        let secret = secrets(&["test_app_secret"]);
        let escaped = br#"{"a":"\u00e9\/"}"#;
        let header = sign(&secret[0], escaped);
        assert!(verify(&secret, escaped, Some(header.as_bytes())));
        for other in [
            "{\"a\":\"é/\"}".as_bytes(),
            &escaped[1..],
            b"",
            &[escaped.as_slice(), b"\n"].concat(),
        ] {
            assert!(!verify(&secret, other, Some(header.as_bytes())));
        }
    }

    #[test]
    fn an_empty_secret_opens_no_door() {
        let header = sign(&Secret::new(""), BODY);
        assert!(!verify(&secrets(&["", ""]), BODY, Some(header.as_bytes())));
    }
}
