//! Webhooks about the account, its templates, its number and people's wishes: what they change for us.
//!
//! Goes by the keys as well as by the name of the field, which some of WhatsApp's own examples get wrong. Does not act.

use serde_json::{Value, json};

use super::{first_said, people, said, time};
use crate::model::{
    AccountUpdate, DailyLimit, MarketingWish, PhoneNumber, PhoneNumberId, Standing, TemplateRef,
};

/// Preferences of one webhook that are read one by one; WhatsApp sends a thousand elements at most.
const PREFERENCES_MAX: usize = 2_000;

/// After `THROUGHPUT_UPGRADE`; before it a number has 80.
const UPGRADED_PER_SECOND: u32 = 1_000;

/// What a webhook of `field` tells us; `raw` is the entry it came in, with one change. Nothing when we do not act on it.
pub fn account_update(field: &str, raw: &Value) -> Option<AccountUpdate> {
    let value = &raw["changes"][0]["value"];
    if !value.is_object() {
        return None;
    }
    match field {
        "account_update" => standing(value),
        "account_review_update" => review(value),
        "business_capability_update" => tier(value).map(|limit| AccountUpdate::NumberTier {
            number: None,
            limit,
        }),
        "phone_number_quality_update" => number(value),
        "user_preferences" => preference(value),
        _ => template(value),
    }
}

/// One change for each person's preference, so that each is an event of its own; other changes stay whole.
pub(super) fn split(field: &str, change: Value) -> Vec<Value> {
    let wishes = match change["value"]["user_preferences"].as_array() {
        Some(wishes) if field == "user_preferences" && wishes.len() > 1 => wishes.clone(),
        _ => return vec![change],
    };
    if wishes.len() > PREFERENCES_MAX {
        return vec![change];
    }
    let alone = |wish: Value| {
        let mut alone = change.clone();
        // Of the people only the one it is about is looked up.
        alone["value"]["user_preferences"] = json!([wish]);
        alone
    };
    wishes.into_iter().map(alone).collect()
}

fn template(value: &Value) -> Option<AccountUpdate> {
    let template = TemplateRef {
        name: some(value, "message_template_name")?,
        language: said(value, "message_template_language").replace('-', "_"),
        meta_id: said(value, "message_template_id"),
    };
    if let Some(quality) = some(value, "new_quality_score") {
        return Some(AccountUpdate::TemplateQuality { template, quality });
    }
    if let Some(category) = some(value, "new_category") {
        let coming = some(value, "correct_category");
        return Some(AccountUpdate::TemplateCategory {
            template,
            category,
            coming,
        });
    }
    if let Some(body) = some(value, "message_template_element") {
        return Some(AccountUpdate::TemplateComponents {
            template,
            body,
            header: some(value, "message_template_title"),
            footer: some(value, "message_template_footer"),
        });
    }
    Some(AccountUpdate::TemplateStatus {
        template,
        status: some(value, "event")?.to_uppercase(),
        reason: status_reason(value),
    })
}

fn status_reason(value: &Value) -> Option<String> {
    let told = [
        some(&value["rejection_info"], "reason"),
        some(value, "reason").filter(|reason| reason != "NONE"),
        some(&value["other_info"], "description"),
        some(&value["other_info"], "title"),
    ];
    told.into_iter().flatten().next()
}

fn number(value: &Value) -> Option<AccountUpdate> {
    let number = PhoneNumber::parse(&said(value, "display_phone_number"));
    let limit = tier(value);
    match said(value, "event").as_str() {
        "THROUGHPUT_UPGRADE" => Some(AccountUpdate::NumberThroughput {
            number,
            per_second: UPGRADED_PER_SECOND,
            limit,
        }),
        event @ ("FLAGGED" | "UNFLAGGED") => Some(AccountUpdate::NumberQuality {
            number,
            is_flagged: event == "FLAGGED",
            limit,
        }),
        _ => limit.map(|limit| AccountUpdate::NumberTier { number, limit }),
    }
}

/// The limit of recipients, under its new name or its old one.
fn tier(value: &Value) -> Option<DailyLimit> {
    let keys = [
        "max_daily_conversations_per_business",
        "max_daily_conversation_per_phone",
        "current_limit",
    ];
    daily_limit(&first_said(value, &keys))
}

/// Reads `TIER_2K`, `TIER_UNLIMITED`, `2000`; `-1` is unlimited too.
pub(in crate::channels::whatsapp) fn daily_limit(text: &str) -> Option<DailyLimit> {
    let tier = text.trim().to_uppercase();
    let tier = tier.strip_prefix("TIER_").unwrap_or(&tier);
    if matches!(tier, "UNLIMITED" | "-1") {
        return Some(DailyLimit::Unlimited);
    }
    let (digits, times) = match tier.strip_suffix('K') {
        Some(digits) => (digits, 1_000),
        None => (tier, 1),
    };
    let number: u32 = digits.parse().ok()?;
    number.checked_mul(times).map(DailyLimit::Recipients)
}

fn preference(value: &Value) -> Option<AccountUpdate> {
    let element = &value["user_preferences"][0];
    if said(element, "category") != "marketing_messages" {
        return None;
    }
    let wish = match said(element, "value").as_str() {
        "stop" => MarketingWish::Stop,
        "resume" | "signup" => MarketingWish::Resume,
        _ => return None,
    };
    let contacts = value["contacts"].as_array().map_or(&[][..], Vec::as_slice);
    let person = people::person(element, "wa_id", "user_id", "parent_user_id");
    // A lone contact is meant only where the preference names nobody itself: others may have stood beside it.
    let identity = people::Contacts::new(contacts, 0).complete(person);
    identity.is_known().then(|| AccountUpdate::Preference {
        phone_number_id: PhoneNumberId(said(&value["metadata"], "phone_number_id")),
        identity,
        wish,
        at: time(element),
    })
}

fn standing(value: &Value) -> Option<AccountUpdate> {
    let event = some(value, "event")?;
    let standing = match event.as_str() {
        "ACCOUNT_DELETED" | "ACCOUNT_OFFBOARDED" => Standing::Disabled,
        "ACCOUNT_RECONNECTED" => Standing::Good,
        "ACCOUNT_RESTRICTION" => restriction(&value["restriction_info"]),
        "DISABLED_UPDATE" => match said(&value["ban_info"], "waba_ban_state").as_str() {
            "REINSTATE" => Standing::Good,
            "SCHEDULE_FOR_DISABLE" => Standing::Noted,
            _ => Standing::Disabled,
        },
        _ => Standing::Noted,
    };
    Some(AccountUpdate::Account { event, standing })
}

/// Restricted as long as the last of the restrictions, or for good when one has no end.
fn restriction(info: &Value) -> Standing {
    let restrictions = match info {
        Value::Array(items) => items.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let end = |restriction: &Value| {
        let at = time(&json!({ "timestamp": restriction["expiration"] }));
        (at != jiff::Timestamp::UNIX_EPOCH).then_some(at)
    };
    let ends: Option<Vec<_>> = restrictions.iter().map(end).collect();
    Standing::Restricted {
        until: ends.and_then(|ends| ends.into_iter().max()),
    }
}

fn review(value: &Value) -> Option<AccountUpdate> {
    let decision = some(value, "decision")?.to_uppercase();
    let standing = match decision.as_str() {
        "APPROVED" => Standing::Good,
        "REJECTED" => Standing::Disabled,
        _ => Standing::Noted,
    };
    let event = format!("ACCOUNT_REVIEW_{decision}");
    Some(AccountUpdate::Account { event, standing })
}

fn some(value: &Value, key: &str) -> Option<String> {
    Some(said(value, key)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn read(field: &str, value: &Value) -> Option<AccountUpdate> {
        account_update(
            field,
            &json!({ "id": "1", "changes": [{ "field": field, "value": value }] }),
        )
    }

    fn named(name: &str, language: &str, id: &str) -> TemplateRef {
        TemplateRef {
            name: name.to_owned(),
            language: language.to_owned(),
            meta_id: id.to_owned(),
        }
    }

    #[test]
    fn limits_are_read_in_every_form() {
        for (text, expected) in [
            ("TIER_50", Some(DailyLimit::Recipients(50))),
            ("TIER_250", Some(DailyLimit::Recipients(250))),
            ("TIER_2K", Some(DailyLimit::Recipients(2_000))),
            ("tier_10k", Some(DailyLimit::Recipients(10_000))),
            ("TIER_100K", Some(DailyLimit::Recipients(100_000))),
            ("TIER_UNLIMITED", Some(DailyLimit::Unlimited)),
            ("-1", Some(DailyLimit::Unlimited)),
            ("2000", Some(DailyLimit::Recipients(2_000))),
            ("TIER_NOT_SET", None),
            ("", None),
            ("K", None),
            ("99999999999", None),
            ("9999999K", None),
        ] {
            assert_eq!(daily_limit(text), expected, "{text}");
        }
    }

    #[test]
    fn templates() {
        let base = json!({
            "message_template_id": 64_244_916_695_i64, "message_template_name": "outage",
            "message_template_language": "en-US",
        });
        let template = || named("outage", "en_US", "64244916695");
        let with = |more: Value| {
            let mut value = base.clone();
            for (key, part) in more.as_object().unwrap() {
                value[key] = part.clone();
            }
            value
        };
        let status = |status: &str, reason: Option<&str>| {
            Some(AccountUpdate::TemplateStatus {
                template: template(),
                status: status.to_owned(),
                reason: reason.map(str::to_owned),
            })
        };
        let field = "message_template_status_update";
        for (more, expected) in [
            (
                json!({ "event": "APPROVED", "reason": "NONE" }),
                status("APPROVED", None),
            ),
            (
                json!({ "event": "APPROVED", "reason": null }),
                status("APPROVED", None),
            ),
            (
                json!({ "event": "REJECTED", "reason": "INVALID_FORMAT" }),
                status("REJECTED", Some("INVALID_FORMAT")),
            ),
            (
                json!({ "event": "REJECTED", "reason": "NONE", "rejection_info": { "reason": "Wrong sample" } }),
                status("REJECTED", Some("Wrong sample")),
            ),
            (
                json!({ "event": "PAUSED", "other_info": { "title": "FIRST_PAUSE", "description": "3 hours" } }),
                status("PAUSED", Some("3 hours")),
            ),
            (json!({}), None),
        ] {
            assert_eq!(read(field, &with(more.clone())), expected, "{more}");
        }
        let quality = json!({ "previous_quality_score": "GREEN", "new_quality_score": "RED" });
        for field in ["message_template_quality_update", field, ""] {
            let expected = AccountUpdate::TemplateQuality {
                template: template(),
                quality: "RED".to_owned(),
            };
            assert_eq!(
                read(field, &with(quality.clone())),
                Some(expected),
                "{field}"
            );
        }
        let done = json!({ "previous_category": "UTILITY", "new_category": "MARKETING" });
        assert_eq!(
            read("template_category_update", &with(done)),
            Some(AccountUpdate::TemplateCategory {
                template: template(),
                category: "MARKETING".to_owned(),
                coming: None,
            })
        );
        let text = json!({ "message_template_element": "No water in {{1}}", "message_template_footer": "F" });
        assert_eq!(
            read("message_template_components_update", &with(text)),
            Some(AccountUpdate::TemplateComponents {
                template: template(),
                body: "No water in {{1}}".to_owned(),
                header: None,
                footer: Some("F".to_owned()),
            })
        );
    }

    #[test]
    fn numbers_and_the_account() {
        let number = PhoneNumber::parse("27510001234");
        let said = |event: &str, more: Value| {
            let mut value = json!({ "display_phone_number": "27510001234", "event": event });
            for (key, part) in more.as_object().unwrap() {
                value[key] = part.clone();
            }
            read("phone_number_quality_update", &value)
        };
        let tier = |limit| {
            let number = number.clone();
            Some(AccountUpdate::NumberTier { number, limit })
        };
        let two_thousand = DailyLimit::Recipients(2_000);
        assert_eq!(
            said("ONBOARDING", json!({ "current_limit": "TIER_2K" })),
            tier(two_thousand)
        );
        let both =
            json!({ "current_limit": "TIER_250", "max_daily_conversations_per_business": 2_000 });
        assert_eq!(said("UPGRADE", both), tier(two_thousand));
        assert_eq!(said("ONBOARDING", json!({})), None);
        assert_eq!(
            said("FLAGGED", json!({})),
            Some(AccountUpdate::NumberQuality {
                number: number.clone(),
                is_flagged: true,
                limit: None
            })
        );
        assert_eq!(
            said(
                "THROUGHPUT_UPGRADE",
                json!({ "current_limit": "TIER_UNLIMITED" })
            ),
            Some(AccountUpdate::NumberThroughput {
                number: number.clone(),
                per_second: 1_000,
                limit: Some(DailyLimit::Unlimited)
            })
        );
        let end = Timestamp::from_second(1_792_000_000).unwrap();
        let restriction =
            |info: Value| json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": info });
        for (value, expected) in [
            (
                restriction(
                    json!([{ "expiration": 1_791_000_000 }, { "expiration": "1792000000" }]),
                ),
                Standing::Restricted { until: Some(end) },
            ),
            (
                restriction(json!([{ "expiration": 1_792_000_000 }, {}])),
                Standing::Restricted { until: None },
            ),
            (
                json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE" } }),
                Standing::Disabled,
            ),
            (
                json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "REINSTATE" } }),
                Standing::Good,
            ),
            (
                json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "SCHEDULE_FOR_DISABLE" } }),
                Standing::Noted,
            ),
            (
                json!({ "event": "ACCOUNT_VIOLATION", "violation_info": { "violation_type": "X" } }),
                Standing::Noted,
            ),
            (json!({ "event": "ACCOUNT_DELETED" }), Standing::Disabled),
        ] {
            let Some(AccountUpdate::Account { standing, .. }) = read("account_update", &value)
            else {
                panic!("{value}");
            };
            assert_eq!(standing, expected, "{value}");
        }
    }

    #[test]
    fn every_preference_is_an_event_of_its_own() {
        let wish = |phone: &str, word: &str, category: &str| json!({ "wa_id": phone, "category": category, "value": word, "timestamp": 1_791_900_000 });
        let change = json!({ "field": "user_preferences", "value": {
            "metadata": { "phone_number_id": "109" },
            "contacts": [{ "wa_id": "27820001111", "user_id": "ZA.1" }, { "wa_id": "27830002222", "user_id": "ZA.2" }],
            "user_preferences": [
                wish("27820001111", "stop", "marketing_messages"), wish("27830002222", "resume", "marketing_messages"),
                wish("27830002222", "stop", "weather"), wish("", "stop", "marketing_messages"),
            ],
        }});
        let wishes: Vec<_> = split("user_preferences", change)
            .into_iter()
            .map(|change| account_update("user_preferences", &json!({ "changes": [change] })))
            .map(|update| match update {
                Some(AccountUpdate::Preference { identity, wish, .. }) => {
                    Some((identity.user_id.unwrap().as_str().to_owned(), wish))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            wishes,
            [
                Some(("ZA.1".to_owned(), MarketingWish::Stop)),
                Some(("ZA.2".to_owned(), MarketingWish::Resume)),
                None,
                None
            ]
        );
    }

    #[test]
    fn what_is_not_known_changes_nothing() {
        for (field, value) in [
            ("weather_update", json!({ "rain": true })),
            ("security", json!({ "event": "PIN_CHANGED" })),
            ("flows", json!({ "event": "FLOW_STATUS_CHANGE" })),
            ("", json!({ "event": "PARTNER_APP_INSTALLED" })),
            ("account_update", json!([])),
            ("account_update", json!({})),
            ("user_preferences", json!({ "user_preferences": "none" })),
        ] {
            assert_eq!(read(field, &value), None, "{field}: {value}");
        }
        assert_eq!(account_update("account_update", &json!(5)), None);
    }
}
