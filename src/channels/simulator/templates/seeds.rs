//! The templates that a fresh world has: the customer's five, in English, approved.

use serde_json::json;

use super::{Status, Template};

const FIRST_ID: u64 = 700_000_000_000_001;

/// Name, text and samples.
const APPROVED: [(&str, &str, &[&str]); 5] = [
    (
        "payment_reminder",
        "Hello {{1}}, this is a reminder that your account {{2}} has an outstanding balance of R{{3}} due on {{4}}. \
         Please make payment to avoid service interruption.",
        &["Palesa", "1044321", "1 250.50", "7 December 2026"],
    ),
    (
        "statement_notification",
        "Hello {{1}}, your monthly statement for account {{2}} dated {{3}} is now available. You can view it here: {{4}}",
        &[
            "Palesa",
            "1044321",
            "30 November 2026",
            "https://example.gov.za/s/1",
        ],
    ),
    (
        "payment_confirmation",
        "Hello {{1}}, we've received your payment of R{{2}} for account {{3}} on {{4}}. Your receipt number is {{5}}. \
         Thank you!",
        &["Palesa", "1 250.50", "1044321", "3 December 2026", "R-2231"],
    ),
    (
        "query_response",
        "Hello {{1}}, we've responded to your query (Ref: {{2}}). Please check your customer portal or email for details.",
        &["Palesa", "Q-1182"],
    ),
    (
        "service_interruption",
        "NOTICE: {{1}} service in {{2}} area will be interrupted from {{3}} to {{4}} due to {{5}}. We apologize for any \
         inconvenience.",
        &["Water", "Zastron", "08:00", "16:00", "a burst pipe"],
    ),
];

pub(super) fn templates() -> impl Iterator<Item = Template> {
    (FIRST_ID..)
        .zip(APPROVED)
        .map(|(id, (name, text, samples))| Template {
            id,
            name: name.to_owned(),
            language: "en".to_owned(),
            category: "UTILITY".to_owned(),
            is_named: false,
            components: json!([{ "type": "BODY", "text": text, "example": { "body_text": [samples] } }]),
            status: Status::Approved,
            review: None,
            quality: "GREEN".to_owned(),
            reason: None,
            ttl_s: None,
            made_ms: 0,
            edited_ms: Vec::new(),
        })
}
