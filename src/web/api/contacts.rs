//! `/api/v1/contacts`: people, what they agreed to, and which accounts they have to do with.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::accounts::Link;
use super::gate::Desk;
use super::input::{Asked, Input, Named};
use super::page::{Page, Which};
use super::problem::{FieldProblem, Problem};
use super::repeat;
use crate::model::{ContactId, PhoneNumber};
use crate::people::{self, ConsentInput, ContactInput, Refused};
use crate::store::people::Page as Rows;

/// A person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Contact {
    id: Uuid,
    #[schema(required = true, example = "+27600000001")]
    phone: Option<String>,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(required = true)]
    language: Option<String>,
    /// Key of the area.
    #[schema(required = true)]
    area: Option<String>,
    #[schema(required = true, example = "Africa/Johannesburg")]
    time_zone: Option<String>,
    tags: BTreeSet<String>,
    fields: BTreeMap<String, String>,
    /// Categories of messages that the person agreed to: `account`, `service`, `marketing`.
    granted: BTreeSet<String>,
    /// Categories that the person ended.
    denied: BTreeSet<String>,
    /// All messages were ended.
    opted_out: bool,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    opted_out_at: Option<Timestamp>,
    /// `live`, `simulated` or `demo`.
    origin: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// A person as they shall be; what is left out stays, what is null is taken away.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes what the use case reads")]
pub(super) struct ContactFields {
    /// E.164; only when a contact is created.
    #[schema(example = "+27600000001")]
    phone: Option<String>,
    name: Option<String>,
    language: Option<String>,
    /// Key, name or another spelling of an area.
    area: Option<String>,
    time_zone: Option<String>,
    /// All tags from now on.
    tags: Option<BTreeSet<String>>,
    /// Fields by name; with null they are forgotten.
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>, nullable = false)]
    fields: Option<BTreeMap<String, Option<String>>>,
}

/// What somebody agreed to or ended.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes what the use case reads")]
pub(super) struct ConsentFields {
    /// `account`, `service`, `marketing`.
    #[schema(nullable = false)]
    grant: Option<BTreeSet<String>>,
    #[schema(nullable = false)]
    deny: Option<BTreeSet<String>>,
    /// Who or what says so; `api` when left out.
    source: Option<String>,
    /// Where the proof is: a form's number, the words agreed to.
    proof: Option<String>,
}

/// A line of the history of consent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Consent {
    id: Uuid,
    category: String,
    /// `granted` or `denied`.
    word: String,
    source: String,
    #[schema(required = true)]
    proof: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Only the one with this phone number, `+27600000001`.
    phone: Option<String>,
    /// Items of the page.
    #[serde(
        default = "super::page::limit",
        deserialize_with = "super::page::read_limit"
    )]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: u16,
    /// `next` of the page before.
    #[param(value_type = Option<String>, format = Uuid)]
    after: Option<Uuid>,
}

/// List contacts, or find the one with a phone number.
#[utoipa::path(
    get, path = "/api/v1/contacts", tag = "contacts", operation_id = "list_contacts", params(Search),
    responses((status = 200, description = "Contacts.", body = Page<Contact>))
)]
pub(super) async fn list(
    desk: Desk,
    Asked(search): Asked<Search>,
) -> Result<Json<Page<Contact>>, Problem> {
    let which = Which {
        limit: search.limit,
        after: search.after,
    };
    let found = match &search.phone {
        None => desk.store().contacts(which.part()).await?,
        Some(phone) => {
            let phone = PhoneNumber::parse(phone).ok_or_else(|| {
                let what = "must be a phone number with its country code, such as +27600000001";
                Problem::field("phone", what)
            })?;
            match desk.store().contact_of_phone(&phone).await? {
                Some(id) => desk.store().contact(id).await?.into_iter().collect(),
                None => Vec::new(),
            }
        }
    };
    which.shown(found, |one| one.id.0).map(Json)
}

/// Create a contact (201), or change the one who has the number (200).
#[utoipa::path(
    post, path = "/api/v1/contacts", tag = "contacts", operation_id = "create_contact", request_body = ContactFields,
    responses(
        (status = 200, description = "There was one, as it is now.", body = Contact),
        (status = 201, description = "The new contact.", body = Contact),
    )
)]
pub(super) async fn create(desk: Desk, input: Input<ContactInput>) -> Result<Response, Problem> {
    let answer = people::create_contact(&desk.people(), input.once.as_ref(), &input.body).await?;
    Ok(repeat::response(answer))
}

/// Read a contact.
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}", tag = "contacts", operation_id = "read_contact",
    params(("id" = Uuid, Path, description = "The contact.")),
    responses((status = 200, description = "The contact.", body = Contact))
)]
pub(super) async fn one(desk: Desk, Named(id): Named<Uuid>) -> Result<Json<Contact>, Problem> {
    let found = desk.store().contact(ContactId(id)).await?;
    repeat::shown(&found.ok_or_else(nobody)?).map(Json)
}

/// Change a contact.
#[utoipa::path(
    patch, path = "/api/v1/contacts/{id}", tag = "contacts", operation_id = "change_contact",
    params(("id" = Uuid, Path, description = "The contact.")), request_body = ContactFields,
    responses((status = 200, description = "The contact as it is now.", body = Contact))
)]
pub(super) async fn change(
    desk: Desk,
    Named(id): Named<Uuid>,
    input: Input<ContactInput>,
) -> Result<Response, Problem> {
    let change = (ContactId(id), &input.body);
    let answer = people::update_contact(&desk.people(), None, change).await?;
    Ok(repeat::response(answer))
}

/// List what a contact agreed to and ended, in order.
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}/consents", tag = "contacts", operation_id = "list_consents",
    params(("id" = Uuid, Path, description = "The contact."), Which),
    responses((status = 200, description = "The history.", body = Page<Consent>))
)]
pub(super) async fn consents(
    desk: Desk,
    Named(id): Named<Uuid>,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<Consent>>, Problem> {
    let id = ContactId(id);
    desk.store().contact(id).await?.ok_or_else(nobody)?;
    let found = desk.store().consents_of(id, which.part()).await?;
    which.shown(found, |one| one.id).map(Json)
}

/// Record what a contact agreed to or ended, with the proof of it.
#[utoipa::path(
    post, path = "/api/v1/contacts/{id}/consents", tag = "contacts", operation_id = "record_consent",
    params(("id" = Uuid, Path, description = "The contact.")), request_body = ConsentFields,
    responses((status = 200, description = "The contact as it is now.", body = Contact))
)]
pub(super) async fn say_consent(
    desk: Desk,
    Named(id): Named<Uuid>,
    input: Input<ConsentInput>,
) -> Result<Response, Problem> {
    let said = (ContactId(id), &input.body);
    let answer = people::say_consent(&desk.people(), input.once.as_ref(), said).await?;
    Ok(repeat::response(answer))
}

/// List the accounts a contact has to do with.
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}/accounts", tag = "contacts", operation_id = "list_accounts_of_contact",
    params(("id" = Uuid, Path, description = "The contact.")),
    responses((status = 200, description = "Links, all of them.", body = Page<Link>))
)]
pub(super) async fn accounts(
    desk: Desk,
    Named(id): Named<Uuid>,
) -> Result<Json<Page<Link>>, Problem> {
    let id = ContactId(id);
    desk.store().contact(id).await?.ok_or_else(nobody)?;
    Page::all(&desk.store().links_of_contact(id).await?).map(Json)
}

fn nobody() -> Problem {
    Problem::not_found("There is no such contact.")
}

impl Which {
    /// One row more than is shown.
    pub(super) fn part(&self) -> Rows {
        Rows::new(self.after, self.rows())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fields(fields) => {
                let named = fields.into_iter().map(|one| FieldProblem {
                    field: one.field,
                    problem: one.problem,
                });
                Self::invalid(named.collect())
            }
            Refused::Conflict => Self::key_reused(),
            Refused::NotFound(what) => Self::not_found(&format!("There is no such {what}.")),
            Refused::Store(error) => error.into(),
        }
    }
}
