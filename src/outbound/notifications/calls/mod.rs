//! The five calls of a billing system, as typed requests.
//!
//! They become [`NoticeRequest`]s once everything in them is right; every problem is named with its field, all at once.

use std::collections::BTreeMap;

use puisano_engine::FieldProblem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::given::Reader;
use super::{Audience, Given, NoticeRequest};

/// Characters of an area's name.
const AREA_CHARS_MAX: usize = 100;

/// "Your account has an outstanding balance, due on …"
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentReminder {
    /// Phone number in E.164 (`+27600000001`) or a contact's id
    #[schema(value_type = String, required = true)]
    pub to: Given,
    #[schema(value_type = String, required = true)]
    pub name: Given,
    #[schema(value_type = String, required = true)]
    pub account: Given,
    /// Rand, with a dot: `1250.50`
    #[schema(value_type = String, required = true)]
    pub amount: Given,
    /// `2026-12-07`
    #[schema(value_type = String, format = Date, required = true)]
    pub due_date: Given,
    #[schema(value_type = Option<String>)]
    pub language: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Given,
}

/// "Your monthly statement is available."
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Statement {
    /// Phone number in E.164 (`+27600000001`) or a contact's id
    #[schema(value_type = String, required = true)]
    pub to: Given,
    #[schema(value_type = String, required = true)]
    pub name: Given,
    #[schema(value_type = String, required = true)]
    pub account: Given,
    /// `2026-11-30`
    #[schema(value_type = String, format = Date, required = true)]
    pub statement_date: Given,
    /// Begins with `https://`
    #[schema(value_type = String, required = true)]
    pub statement_url: Given,
    #[schema(value_type = Option<String>)]
    pub language: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Given,
}

/// "We have received your payment." Reminders for the account that are not sent yet are cancelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentConfirmation {
    /// Phone number in E.164 (`+27600000001`) or a contact's id
    #[schema(value_type = String, required = true)]
    pub to: Given,
    #[schema(value_type = String, required = true)]
    pub name: Given,
    /// Rand, with a dot: `1250.50`
    #[schema(value_type = String, required = true)]
    pub amount: Given,
    #[schema(value_type = String, required = true)]
    pub account: Given,
    /// `2026-12-01`
    #[schema(value_type = String, format = Date, required = true)]
    pub payment_date: Given,
    #[schema(value_type = String, required = true)]
    pub receipt: Given,
    /// Leaves the account's reminders in place
    #[schema(value_type = Option<bool>)]
    pub keep_reminders: Given,
    #[schema(value_type = Option<String>)]
    pub language: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Given,
}

/// "We have responded to your query."
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueryResponse {
    /// Phone number in E.164 (`+27600000001`) or a contact's id
    #[schema(value_type = String, required = true)]
    pub to: Given,
    #[schema(value_type = String, required = true)]
    pub name: Given,
    #[schema(value_type = String, required = true)]
    pub reference: Given,
    #[schema(value_type = Option<String>)]
    pub language: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Given,
}

/// "The service will be interrupted." To everybody in an area and below it; with `to`, to that person only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceInterruption {
    /// Key or name of an area; may be left out with `to`, where the area is the person's own
    #[schema(value_type = Option<String>)]
    pub area: Given,
    /// Phone number in E.164 (`+27600000001`) or a contact's id
    #[schema(value_type = Option<String>)]
    pub to: Given,
    /// What is interrupted: `Water`
    #[schema(value_type = String, required = true)]
    pub service: Given,
    /// With its zone: `2026-12-07T08:00:00+02:00`
    #[schema(value_type = String, format = DateTime, required = true)]
    pub start: Given,
    /// After `start`
    #[schema(value_type = String, format = DateTime, required = true)]
    pub end: Given,
    #[schema(value_type = String, required = true)]
    pub reason: Given,
    /// Also in quiet hours, and beyond the daily cap
    #[schema(value_type = Option<bool>)]
    pub critical: Given,
    #[schema(value_type = Option<String>)]
    pub language: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Given,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Given,
}

/// What every call may have beside its own fields.
struct Options<'a> {
    language: &'a Given,
    send_at: &'a Given,
    expires_at: &'a Given,
}

impl Options<'_> {
    fn read(&self, reader: &mut Reader, request: &mut NoticeRequest) {
        request.language = reader.language("language", self.language);
        request.send_at = reader.timestamp("send_at", self.send_at);
        request.expires_at = reader.timestamp("expires_at", self.expires_at);
    }
}

fn fields<const N: usize>(values: [(&str, String); N]) -> BTreeMap<String, String> {
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// One message to `to` about `template`; what is wrong with the address is remembered in `reader`.
fn to_person(reader: &mut Reader, template: &str, to: &Given) -> Option<NoticeRequest> {
    reader
        .address("to", to)
        .map(|address| NoticeRequest::to_person(template, address))
}

/// Puts together what was read; the order of problems is the order of the fields.
fn finish(
    mut reader: Reader,
    request: Option<NoticeRequest>,
    options: &Options<'_>,
) -> Result<NoticeRequest, Vec<FieldProblem>> {
    // The options are read even when the address is wrong, so that all problems are named.
    let nobody = crate::model::Address::Contact(crate::model::ContactId(uuid::Uuid::nil()));
    let found = request.is_some();
    let mut request = request.unwrap_or_else(|| NoticeRequest::to_person("", nobody));
    options.read(&mut reader, &mut request);
    reader.finish(found.then_some(request))
}

impl TryFrom<&PaymentReminder> for NoticeRequest {
    type Error = Vec<FieldProblem>;

    fn try_from(call: &PaymentReminder) -> Result<Self, Self::Error> {
        let mut reader = Reader::default();
        let request = to_person(&mut reader, "payment_reminder", &call.to);
        let name = reader.text("name", &call.name);
        let account = reader.number("account", &call.account);
        let balance = reader.amount("amount", &call.amount);
        let due = reader.date("due_date", &call.due_date);
        let request = request.map(|request| Self {
            account: Some(account.clone()),
            fields: fields([
                ("name", name),
                ("account", account),
                ("balance", balance),
                ("due", due),
            ]),
            called: &[("balance", "amount"), ("due", "due_date")],
            ..request
        });
        let options = Options {
            language: &call.language,
            send_at: &call.send_at,
            expires_at: &call.expires_at,
        };
        finish(reader, request, &options)
    }
}

impl TryFrom<&Statement> for NoticeRequest {
    type Error = Vec<FieldProblem>;

    fn try_from(call: &Statement) -> Result<Self, Self::Error> {
        let mut reader = Reader::default();
        let request = to_person(&mut reader, "statement_notification", &call.to);
        let name = reader.text("name", &call.name);
        let account = reader.number("account", &call.account);
        let date = reader.date("statement_date", &call.statement_date);
        let link = reader.link("statement_url", &call.statement_url);
        let request = request.map(|request| Self {
            account: Some(account.clone()),
            fields: fields([
                ("name", name),
                ("account", account),
                ("date", date),
                ("link", link),
            ]),
            called: &[("date", "statement_date"), ("link", "statement_url")],
            ..request
        });
        let options = Options {
            language: &call.language,
            send_at: &call.send_at,
            expires_at: &call.expires_at,
        };
        finish(reader, request, &options)
    }
}

impl TryFrom<&PaymentConfirmation> for NoticeRequest {
    type Error = Vec<FieldProblem>;

    fn try_from(call: &PaymentConfirmation) -> Result<Self, Self::Error> {
        let mut reader = Reader::default();
        let request = to_person(&mut reader, "payment_confirmation", &call.to);
        let name = reader.text("name", &call.name);
        let amount = reader.amount("amount", &call.amount);
        let account = reader.number("account", &call.account);
        let date = reader.date("payment_date", &call.payment_date);
        let receipt = reader.number("receipt", &call.receipt);
        let keep_reminders = reader.flag("keep_reminders", &call.keep_reminders);
        let request = request.map(|request| Self {
            account: Some(account.clone()),
            keep_reminders,
            fields: fields([
                ("name", name),
                ("amount", amount),
                ("account", account),
                ("date", date),
                ("receipt", receipt),
            ]),
            called: &[("date", "payment_date")],
            ..request
        });
        let options = Options {
            language: &call.language,
            send_at: &call.send_at,
            expires_at: &call.expires_at,
        };
        finish(reader, request, &options)
    }
}

impl TryFrom<&QueryResponse> for NoticeRequest {
    type Error = Vec<FieldProblem>;

    fn try_from(call: &QueryResponse) -> Result<Self, Self::Error> {
        let mut reader = Reader::default();
        let request = to_person(&mut reader, "query_response", &call.to);
        let name = reader.text("name", &call.name);
        let reference = reader.number("reference", &call.reference);
        let request = request.map(|request| Self {
            fields: fields([("name", name), ("reference", reference)]),
            ..request
        });
        let options = Options {
            language: &call.language,
            send_at: &call.send_at,
            expires_at: &call.expires_at,
        };
        finish(reader, request, &options)
    }
}

impl TryFrom<&ServiceInterruption> for NoticeRequest {
    type Error = Vec<FieldProblem>;

    fn try_from(call: &ServiceInterruption) -> Result<Self, Self::Error> {
        let mut reader = Reader::default();
        let audience = audience(&mut reader, call);
        let service = reader.text("service", &call.service);
        let (start, end) = (
            reader.moment("start", &call.start),
            reader.moment("end", &call.end),
        );
        if ends_before_it_begins(&start, &end) {
            reader.wrong("end", "must be after `start`");
        }
        let reason = reader.text("reason", &call.reason);
        let critical = reader.flag("critical", &call.critical);
        let request = audience.map(|to| Self {
            template: "service_interruption".to_owned(),
            to,
            account: None,
            fields: fields([
                ("service", service),
                ("from", start),
                ("to", end),
                ("reason", reason),
            ]),
            language: None,
            send_at: None,
            expires_at: None,
            critical,
            keep_reminders: false,
            called: &[("from", "start"), ("to", "end")],
        });
        let options = Options {
            language: &call.language,
            send_at: &call.send_at,
            expires_at: &call.expires_at,
        };
        finish(reader, request, &options)
    }
}

fn audience(reader: &mut Reader, call: &ServiceInterruption) -> Option<Audience> {
    let area = reader.optional("area", &call.area, |text| {
        super::given::sentence_part(text, AREA_CHARS_MAX)
    });
    let to = reader.optional("to", &call.to, crate::model::Address::parse);
    match (area, to) {
        (Some(area), to) => Some(Audience::Area { area, to }),
        (None, Some(to)) => Some(Audience::Person(to)),
        (None, None) if call.area.is_missing() && call.to.is_missing() => {
            reader.wrong("area", "is missing: name an area, or a person in `to`");
            None
        }
        (None, None) => None,
    }
}

/// Only where both are of the same kind can it be told.
fn ends_before_it_begins(start: &str, end: &str) -> bool {
    let moments = (
        start.parse::<jiff::Timestamp>(),
        end.parse::<jiff::Timestamp>(),
    );
    let local = (
        start.parse::<jiff::civil::DateTime>(),
        end.parse::<jiff::civil::DateTime>(),
    );
    match (moments, local) {
        ((Ok(start), Ok(end)), _) => end <= start,
        (_, (Ok(start), Ok(end))) => end <= start,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
