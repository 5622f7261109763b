//! What WhatsApp says of our number: its quality, how fast it may send and to how many people.

use serde_json::Value;

use super::call::{incomplete, text};
use super::{CallFailure, Client};
use crate::channels::whatsapp::webhook::daily_limit;
use crate::model::{DailyLimit, PhoneNumberId};

const FIELDS: &str =
    "id,display_phone_number,verified_name,quality_rating,name_status,status,throughput";

/// Not every version knows it, and one unknown field fails the whole call.
const LIMIT_FIELD: &str = "whatsapp_business_manager_messaging_limit";

/// Graph's code for a field that it does not know.
const UNKNOWN_FIELD: i64 = 100;

const STANDARD_PER_SECOND: u32 = 80;
const HIGH_PER_SECOND: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberInfo {
    pub display_phone_number: String,
    pub verified_name: String,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN` or `NA`.
    pub quality: Option<String>,
    /// `CONNECTED` when all is well.
    pub status: Option<String>,
    /// Whether the display name is approved.
    pub name_status: Option<String>,
    /// As far as WhatsApp says.
    pub per_second: Option<u32>,
    pub limit: Option<DailyLimit>,
}

impl Client {
    pub async fn number_info(&self, number: &PhoneNumberId) -> Result<NumberInfo, CallFailure> {
        let body = self.ask_fields(number, FIELDS).await?;
        let limit = match self.ask_fields(number, LIMIT_FIELD).await {
            Ok(body) => text(&body, LIMIT_FIELD).and_then(|text| daily_limit(&text)),
            Err(failure) if failure.code == Some(UNKNOWN_FIELD) => None,
            Err(failure) => return Err(failure),
        };
        Ok(NumberInfo {
            display_phone_number: text(&body, "display_phone_number").ok_or_else(incomplete)?,
            verified_name: text(&body, "verified_name").unwrap_or_default(),
            quality: text(&body, "quality_rating"),
            status: text(&body, "status"),
            name_status: text(&body, "name_status"),
            per_second: per_second(&body["throughput"]),
            limit,
        })
    }

    async fn ask_fields(&self, number: &PhoneNumberId, fields: &str) -> Result<Value, CallFailure> {
        let mut url = self.url(&[number.as_str()]);
        url.query_pairs_mut().append_pair("fields", fields);
        self.ask(self.http.get(url)).await
    }
}

fn per_second(throughput: &Value) -> Option<u32> {
    match throughput["level"].as_str()?.to_uppercase().as_str() {
        "STANDARD" => Some(STANDARD_PER_SECOND),
        "HIGH" => Some(HIGH_PER_SECOND),
        _ => None,
    }
}
