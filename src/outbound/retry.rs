//! What an answer means for the item and for the others: sent, refused, unknown, or again and when.
//!
//! Which answers are safe to repeat is the channel's knowledge; here is only how.

use sha2::{Digest, Sha256};

use crate::model::{FailureScope, SendFailure, SendOutcome};
use crate::store::outbox::{NumberPause, Said, Send, Verdict};

/// The first pause before an item is tried again; it doubles.
const BACKOFF_FIRST_MS: u64 = 1_000;
const BACKOFF_MAX_MS: u64 = 300_000;
/// How often a queue that waits for an operator is tried.
const PROBE_EVERY_MS: u64 = 30_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    /// What it says about the number.
    pub(super) said: Said,
}

/// What `outcome` means; `before` is the pause in which the call began.
pub(super) fn rule(send: &Send, outcome: SendOutcome, before: Option<&NumberPause>) -> Ruling {
    let alone = |verdict| Ruling {
        verdict,
        said: Said::Nothing,
    };
    match outcome {
        SendOutcome::Accepted { wamid } => Ruling {
            verdict: Verdict::Sent { wamid },
            said: Said::Passed,
        },
        SendOutcome::Unknown(failure) => alone(Verdict::Unknown {
            code: failure.code,
            failure: failure.message,
        }),
        // What the operator can mend is kept, whatever the channel thinks of the item.
        SendOutcome::NotSent(failure) | SendOutcome::Rejected(failure)
            if failure.scope == FailureScope::Operator =>
        {
            wait_for_all(failure, PROBE_EVERY_MS)
        }
        SendOutcome::Rejected(failure) => alone(Verdict::Rejected {
            code: failure.code,
            failure: failure.message,
        }),
        SendOutcome::NotSent(failure) if failure.scope == FailureScope::Number => {
            let count = before.map_or(1, |pause| pause.count + 1);
            let delay_ms = backoff_ms(send, count)
                .max(BACKOFF_FIRST_MS)
                .max(failure.retry_after_ms.unwrap_or(0));
            wait_for_all(failure, delay_ms)
        }
        SendOutcome::NotSent(failure) => {
            let tries = u32::try_from(send.tries).unwrap_or(0);
            alone(Verdict::Retry {
                delay_ms: backoff_ms(send, tries).max(failure.retry_after_ms.unwrap_or(0)),
                // Who never reached WhatsApp goes on trying until the item expires: an outage must not cost messages.
                counted: failure.code.is_some(),
                slow_down: failure.scope == FailureScope::Recipient,
                code: failure.code,
                failure: failure.message,
            })
        }
    }
}

fn wait_for_all(failure: SendFailure, delay_ms: u64) -> Ruling {
    let verdict = Verdict::Retry {
        // The pause keeps all calls back; the item itself is ready when the pause is over.
        delay_ms: 0,
        counted: false,
        slow_down: false,
        code: failure.code,
        failure: failure.message.clone(),
    };
    Ruling {
        verdict,
        said: Said::Paused {
            delay_ms,
            scope: failure.scope,
            code: failure.code,
            reason: failure.message,
        },
    }
}

/// Full jitter: anything up to the doubled pause, always the same for the same item and try.
fn backoff_ms(send: &Send, tries: u32) -> u64 {
    let most = BACKOFF_FIRST_MS
        .saturating_mul(1 << tries.min(20))
        .min(BACKOFF_MAX_MS);
    let mut hasher = Sha256::new();
    hasher.update(send.opaque.outbox.0.as_bytes());
    hasher.update(tries.to_be_bytes());
    let hash = hasher
        .finalize()
        .iter()
        .take(8)
        .fold(0_u64, |hash, byte| (hash << 8) | u64::from(*byte));
    hash % most
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{ConversationId, OpaqueId, OutboxId};

    fn send(tries: i16) -> Send {
        Send {
            phone_number_id: "1".into(),
            opaque: OpaqueId {
                conversation: ConversationId(Uuid::from_u128(1)),
                outbox: OutboxId(Uuid::from_u128(2)),
                tag: 3,
            },
            to: None,
            content: serde_json::Value::Null,
            reply_to: None,
            attempt: 1,
            tries,
        }
    }

    fn failure(code: Option<i64>, scope: FailureScope) -> SendFailure {
        SendFailure {
            code,
            message: "no".to_owned(),
            retry_after_ms: None,
            scope,
        }
    }

    #[test]
    fn an_item_that_was_not_sent_waits_longer_each_time_and_says_whether_it_counts() {
        for tries in 0..6 {
            let outcome = SendOutcome::NotSent(failure(Some(131_000), FailureScope::Item));
            let Ruling {
                verdict:
                    Verdict::Retry {
                        delay_ms, counted, ..
                    },
                said: Said::Nothing,
            } = rule(&send(tries), outcome, None)
            else {
                panic!("a retry")
            };
            assert!(delay_ms < 1_000 << tries, "{tries}: {delay_ms}");
            assert!(counted);
        }
        let mut asked = failure(None, FailureScope::Item);
        asked.retry_after_ms = Some(7_000_000);
        let ruling = rule(&send(5), SendOutcome::NotSent(asked), None);
        assert!(matches!(
            ruling.verdict,
            Verdict::Retry {
                delay_ms: 7_000_000,
                counted: false,
                ..
            }
        ));
    }

    #[test]
    fn trouble_of_the_number_or_the_operator_stops_all_and_costs_nothing() {
        for (outcome, first_ms) in [
            (
                SendOutcome::NotSent(failure(Some(130_429), FailureScope::Number)),
                1_000..2_000,
            ),
            (
                SendOutcome::NotSent(failure(Some(190), FailureScope::Operator)),
                30_000..30_001,
            ),
            (
                SendOutcome::Rejected(failure(Some(131_031), FailureScope::Operator)),
                30_000..30_001,
            ),
        ] {
            let ruling = rule(&send(0), outcome, None);
            assert!(
                matches!(ruling.verdict, Verdict::Retry { counted: false, .. }),
                "{ruling:?}"
            );
            let Said::Paused { delay_ms, .. } = ruling.said else {
                panic!("a pause")
            };
            assert!(first_ms.contains(&delay_ms), "{delay_ms}");
        }
    }

    #[test]
    fn what_is_final_or_unknown_concerns_the_item_alone() {
        let words = "no".to_owned();
        for (outcome, verdict) in [
            (
                SendOutcome::Accepted {
                    wamid: Some("w".into()),
                },
                Verdict::Sent {
                    wamid: Some("w".into()),
                },
            ),
            (
                SendOutcome::Rejected(failure(Some(131_047), FailureScope::Item)),
                Verdict::Rejected {
                    code: Some(131_047),
                    failure: words.clone(),
                },
            ),
            (
                SendOutcome::Unknown(failure(None, FailureScope::Item)),
                Verdict::Unknown {
                    code: None,
                    failure: words,
                },
            ),
        ] {
            let said = if matches!(verdict, Verdict::Sent { .. }) {
                Said::Passed
            } else {
                Said::Nothing
            };
            assert_eq!(rule(&send(0), outcome, None), Ruling { verdict, said });
        }
    }
}
