//! The GET by which WhatsApp makes sure that a webhook address is ours. It carries no signature.
//!
//! The caller answers 200 with the challenge as `text/plain` and `nosniff`, or 403.

use crate::security::Secret;

/// WhatsApp's challenges are about ten digits; a longer one is somebody else's.
pub const CHALLENGE_CHARS_MAX: usize = 256;

/// The query of the handshake, each part as far as it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handshake<'a> {
    /// `hub.mode`.
    pub mode: Option<&'a str>,
    /// `hub.verify_token`.
    pub verify_token: Option<&'a str>,
    /// `hub.challenge`.
    pub challenge: Option<&'a str>,
}

/// What to answer: the challenge, unchanged, to one who knows the token; nothing to anybody else. The challenge is held
/// to harmless characters, so that a crafted link reflects nothing.
pub fn answer<'a>(verify_token: &Secret, handshake: Handshake<'a>) -> Option<&'a str> {
    let known = verify_token.matches(handshake.verify_token?.as_bytes());
    let challenge = handshake.challenge?;
    (known && handshake.mode == Some("subscribe") && is_harmless(challenge)).then_some(challenge)
}

fn is_harmless(challenge: &str) -> bool {
    (1..=CHALLENGE_CHARS_MAX).contains(&challenge.len())
        && challenge
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: &str, token: &str, challenge: &str) -> Option<String> {
        let handshake = Handshake {
            mode: Some(mode),
            verify_token: Some(token),
            challenge: Some(challenge),
        };
        answer(&Secret::new("friend"), handshake).map(str::to_owned)
    }

    #[test]
    fn only_who_knows_the_token_gets_the_challenge_back() {
        assert_eq!(
            check("subscribe", "friend", "1158201444").as_deref(),
            Some("1158201444")
        );
        assert_eq!(
            check("subscribe", "friend", "0012_a-B").as_deref(),
            Some("0012_a-B")
        );
        for (mode, token) in [
            ("subscribe", "Friend"),
            ("subscribe", ""),
            ("unsubscribe", "friend"),
            ("", "friend"),
        ] {
            assert_eq!(check(mode, token, "1"), None, "{mode} {token}");
        }
        assert_eq!(answer(&Secret::new("friend"), Handshake::default()), None);
        assert_eq!(
            answer(
                &Secret::new(""),
                Handshake {
                    verify_token: Some(""),
                    ..Handshake::default()
                }
            ),
            None
        );
    }

    #[test]
    fn the_challenge_reflects_nothing() {
        for odd in [
            "",
            "<script>",
            "a b",
            "a\n",
            "é",
            "%3C",
            &"1".repeat(CHALLENGE_CHARS_MAX + 1),
        ] {
            assert_eq!(check("subscribe", "friend", odd), None, "{odd}");
        }
        let longest = "1".repeat(CHALLENGE_CHARS_MAX);
        assert_eq!(check("subscribe", "friend", &longest), Some(longest));
    }
}
