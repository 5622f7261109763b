//! Webhooks as WhatsApp writes them, signed, ready to be sent.

use std::net::SocketAddr;

use puisano::channels::whatsapp::signature;
use puisano::security::Secret;

use super::cloud::Accepted;
use super::wire::Wire;

pub(crate) const PHONE_NUMBER_ID: &str = "100000000000001";
pub(crate) const APP_SECRET: &str = "bench";
/// Customers; enough that no one writes more often than the pack and WhatsApp allow to answer.
pub(crate) const CUSTOMERS: u64 = 1_000_000;

/// What customers write: the shipped pack answers each with one message and keeps the conversation.
const TEXTS: [&str; 10] = [
    "Good morning, there is no water in Zastron since last night",
    "How much do I owe on my account?",
    "My refuse was not collected this week",
    "I want to send my meter reading, how does that work",
    "The power is off in Rouxville",
    "Ke kolota bokae?",
    "Hoeveel skuld ek?",
    "Daar is geen water in Smithfield nie",
    "Akukho manzi apha ekuhlaleni",
    "Where can I pay my account?",
];

/// A signed webhook.
pub(crate) struct Webhook {
    head: String,
    body: String,
}

/// The phone number, with `+`, of the customer who writes message `number`.
pub(crate) fn phone(number: u64) -> String {
    format!("+276{:08}", number % CUSTOMERS)
}

/// Message `number` of all, about 900 bytes long, from one of so many customers.
pub(crate) fn message(number: u64, customers: u64) -> Webhook {
    let phone = phone(number % customers);
    let digits = &phone[1..];
    let place = usize::try_from(number).unwrap_or(0) % TEXTS.len();
    signed(&format!(
        r#""contacts":[{{"profile":{{"name":"Resident {digits}"}},"wa_id":"{digits}","user_id":"ZA.9{digits}"}}],"messages":[{{"from":"{digits}","from_user_id":"ZA.9{digits}","id":"wamid.HBgLMjc2MDAwMDAwMDAVAgASGBQzQTk4{number:032}","timestamp":"{}","type":"text","text":{{"body":"{}"}}}}]"#,
        now_s(),
        TEXTS[place],
    ))
}

/// The three statuses of an accepted message, each as a webhook of its own.
pub(crate) fn statuses(phone: &str, accepted: &Accepted) -> [Webhook; 3] {
    let digits = phone.trim_start_matches('+');
    let Accepted { wamid, opaque } = accepted;
    ["sent", "delivered", "read"].map(|status| {
        signed(&format!(
            r#""contacts":[{{"profile":{{"name":"Resident {digits}"}},"wa_id":"{digits}","user_id":"ZA.9{digits}"}}],"statuses":[{{"id":"{wamid}","status":"{status}","timestamp":"{}","recipient_id":"{digits}","recipient_user_id":"ZA.9{digits}","biz_opaque_callback_data":"{opaque}","pricing":{{"billable":false,"pricing_model":"PMP","type":"free_customer_service","category":"service"}}}}]"#,
            now_s(),
        ))
    })
}

impl Webhook {
    /// Waits until the webhook is durably stored.
    pub(crate) async fn post(&self, wire: &mut Wire) {
        wire.send(&self.head, self.body.as_bytes())
            .await
            .expect("the door is open");
        let (status, _) = wire.receive().await.expect("an answer");
        assert_eq!(status, "http/1.1 200 ok");
    }
}

/// Connections to the door.
pub(crate) async fn connections(door: SocketAddr, count: usize) -> Vec<Wire> {
    let mut wires = Vec::with_capacity(count);
    for _ in 0..count {
        wires.push(Wire::connect(door).await.expect("the door is open"));
    }
    wires
}

fn signed(value: &str) -> Webhook {
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"200000000000002","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"27510000000","phone_number_id":"{PHONE_NUMBER_ID}"}},{value}}}}}]}}]}}"#
    );
    let signature = signature::sign(&Secret::new(APP_SECRET), body.as_bytes());
    let head = format!(
        "POST /api/whatsapp/webhook HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nx-hub-signature-256: {signature}\r\n"
    );
    Webhook { head, body }
}

fn now_s() -> i64 {
    puisano::clock::Clock::default().now().as_second()
}
