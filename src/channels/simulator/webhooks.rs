//! Webhooks as WhatsApp writes them: their shapes, their escapes, their signature.
//!
//! Shares nothing with the parser of the service, so that the two can disagree.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::Account;

/// The person a webhook is about.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// Digits.
    pub(super) phone: String,
    pub(super) name: Option<String>,
    /// A person with a username may hide the number.
    pub(super) hides_phone: bool,
}

impl Person {
    fn contact(&self, account: &Account) -> Value {
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| format!("Resident {}", tail(&self.phone)));
        let mut contact =
            json!({ "profile": { "name": name }, "user_id": user_id(account, &self.phone) });
        if self.hides_phone {
            contact["profile"]["username"] = json!(format!("@resident.{}", tail(&self.phone)));
        } else {
            contact["wa_id"] = json!(self.phone);
        }
        contact
    }
}

/// The user id of a phone number; the same as long as the account is the same.
pub(super) fn user_id(account: &Account, phone: &str) -> String {
    let digest = Sha256::digest(format!("{}:{phone}", account.app_secret));
    let number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("ZA.{number}")
}

/// The webhook for a message that `person` wrote.
pub(super) fn message(account: &Account, person: &Person, message: &Value) -> Value {
    let mut value = value(account);
    value["contacts"] = json!([person.contact(account)]);
    value["messages"] = json!([message]);
    envelope(account, &value)
}

/// A status of a message to `person`.
#[derive(Clone, Debug)]
pub(super) struct Status<'a> {
    pub(super) wamid: &'a str,
    pub(super) word: &'a str,
    pub(super) at_s: i64,
    pub(super) opaque: Option<&'a str>,
    /// For `failed`.
    pub(super) code: Option<i64>,
    /// Of a template, else `service`.
    pub(super) category: &'a str,
}

pub(super) fn status(account: &Account, person: &Person, status: &Status<'_>) -> Value {
    let mut element = json!({
        "id": status.wamid,
        "status": status.word,
        "timestamp": status.at_s.to_string(),
        "recipient_id": person.phone,
        "recipient_user_id": user_id(account, &person.phone),
    });
    if let Some(opaque) = status.opaque {
        element["biz_opaque_callback_data"] = json!(opaque);
    }
    if matches!(status.word, "sent" | "delivered") {
        let (kind, is_billed) = match status.category {
            "service" => ("free_customer_service", false),
            _ => ("regular", true),
        };
        element["pricing"] = json!({
            "billable": is_billed, "pricing_model": "PMP", "type": kind, "category": status.category,
        });
    }
    if let Some(code) = status.code {
        let title = super::graph_error::title(code);
        element["errors"] = json!([{
            "code": code, "title": title, "message": title, "error_data": { "details": "Simulated failure." },
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }]);
    }
    let mut value = value(account);
    if status.word != "failed" {
        value["contacts"] = json!([person.contact(account)]);
    }
    value["statuses"] = json!([element]);
    envelope(account, &value)
}

/// A webhook about the account, its templates or its people, of `field`.
pub(super) fn change(account: &Account, (field, at_ms): (&str, i64), value: &Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{
            "id": account.business_account_id, "time": at_ms / 1_000,
            "changes": [{ "field": field, "value": value }],
        }],
    })
}

/// A person stops or resumes marketing messages, inside WhatsApp.
pub(super) fn preference(account: &Account, person: &Person, (word, at_ms): (&str, i64)) -> Value {
    let mut value = value(account);
    value["contacts"] = json!([person.contact(account)]);
    let mut wish = json!({
        "user_id": user_id(account, &person.phone), "detail": format!("User requested to {word} marketing messages"),
        "category": "marketing_messages", "value": word, "timestamp": at_ms / 1_000,
    });
    if !person.hides_phone {
        wish["wa_id"] = json!(person.phone);
    }
    value["user_preferences"] = json!([wish]);
    change(account, ("user_preferences", at_ms), &value)
}

fn value(account: &Account) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": account.display_phone_number,
            "phone_number_id": account.phone_number_id,
        },
    })
}

fn envelope(account: &Account, value: &Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": account.business_account_id, "changes": [{ "field": "messages", "value": value }] }],
    })
}

/// The bytes on the wire: nothing but ASCII, `/` and `@` escaped too. Outside of strings JSON has neither.
pub(super) fn bytes(body: &Value) -> Vec<u8> {
    let mut out = String::new();
    for c in body.to_string().chars() {
        match c {
            '/' => out.push_str("\\/"),
            '@' => out.push_str("\\u0040"),
            c if c.is_ascii() => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a text cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.into_bytes()
}

pub(super) fn signature(account: &Account, bytes: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(account.app_secret.as_bytes()).expect("a key");
    mac.update(bytes);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn tail(phone: &str) -> &str {
    phone.get(phone.len().saturating_sub(4)..).unwrap_or(phone)
}
