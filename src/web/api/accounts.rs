//! `/api/v1/accounts` and `/api/v1/areas`: accounts of the municipality, who has to do with them, and where they are.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::gate::Desk;
use super::input::{Asked, Input, Named};
use super::page::{Page, Which};
use super::problem::Problem;
use super::repeat;
use crate::people::{self, AccountInput, LinkInput};

/// An account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Account {
    id: Uuid,
    /// As the billing system writes it.
    #[schema(example = "MK-1042")]
    number: String,
    #[schema(required = true)]
    name: Option<String>,
    /// Key of the area.
    #[schema(required = true)]
    area: Option<String>,
    #[schema(required = true)]
    language: Option<String>,
    /// Closed accounts get no notices.
    active: bool,
    fields: BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// An account as it shall be; what is left out stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "what is null and what is not there are two things"
)]
pub(super) struct AccountFields {
    #[schema(example = "MK-1042")]
    number: String,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// Key, name or another spelling of an area.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    area: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    #[serde(default)]
    active: Option<bool>,
    /// Fields by name; with null they are forgotten.
    #[serde(default)]
    fields: BTreeMap<String, Option<String>>,
}

/// Tells null from what is not there.
#[expect(
    clippy::option_option,
    reason = "what is null and what is not there are two things"
)]
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What a contact has to do with an account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Link {
    contact: Uuid,
    account: Uuid,
    account_number: String,
    /// `owner`, `tenant`, `payer` or `other`.
    role: String,
    #[schema(required = true)]
    proof: Option<String>,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    linked_at: Timestamp,
}

/// What a contact shall have to do with an account.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes what the use case reads")]
pub(super) struct LinkFields {
    contact: Uuid,
    /// `owner` (when left out), `tenant`, `payer` or `other`.
    role: Option<String>,
    /// How we know: `staff`, `code`, `document` or words of one's own.
    proof: Option<String>,
    /// The proof is good enough to speak about the account.
    #[schema(nullable = false)]
    verified: Option<bool>,
}

/// A place to which notices can go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Area {
    key: String,
    name: String,
    /// Folded, as people write it.
    aliases: Vec<String>,
    /// Key of the area it lies in.
    #[schema(required = true)]
    parent: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// Where an area lies now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Placed {
    key: String,
    #[schema(required = true)]
    parent: Option<String>,
}

/// Where an area lies.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Placement {
    /// Key of the area it lies in; null for none.
    parent: Option<String>,
}

/// List accounts.
#[utoipa::path(
    get, path = "/api/v1/accounts", tag = "accounts", operation_id = "list_accounts", params(Which),
    responses((status = 200, description = "Accounts.", body = Page<Account>))
)]
pub(super) async fn list(
    desk: Desk,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<Account>>, Problem> {
    let found = desk.store().accounts(which.part()).await?;
    which.shown(found, |one| one.id.0).map(Json)
}

/// Create an account (201), or change the one with the number (200).
#[utoipa::path(
    post, path = "/api/v1/accounts", tag = "accounts", operation_id = "put_account", request_body = AccountFields,
    responses(
        (status = 200, description = "There was one, as it is now.", body = Account),
        (status = 201, description = "The new account.", body = Account),
    )
)]
pub(super) async fn put(desk: Desk, input: Input<AccountFields>) -> Result<Response, Problem> {
    let AccountFields {
        number,
        name,
        area,
        language,
        active,
        fields,
    } = input.body;
    let account = AccountInput {
        name,
        area,
        language,
        active,
        fields,
    };
    let put = (number.as_str(), &account);
    let answer = people::put_account(&desk.people(), input.once.as_ref(), put).await?;
    Ok(repeat::response(answer))
}

/// Read an account.
#[utoipa::path(
    get, path = "/api/v1/accounts/{number}", tag = "accounts", operation_id = "read_account",
    params(("number" = String, Path, description = "As the billing system writes it.")),
    responses((status = 200, description = "The account.", body = Account))
)]
pub(super) async fn one(
    desk: Desk,
    Named(number): Named<String>,
) -> Result<Json<Account>, Problem> {
    let found = desk.store().account(&number).await?;
    repeat::shown(&found.ok_or_else(no_account)?).map(Json)
}

/// List who has to do with an account.
#[utoipa::path(
    get, path = "/api/v1/accounts/{number}/contacts", tag = "accounts", operation_id = "list_contacts_of_account",
    params(("number" = String, Path, description = "As the billing system writes it.")),
    responses((status = 200, description = "Links, all of them.", body = Page<Link>))
)]
pub(super) async fn contacts(
    desk: Desk,
    Named(number): Named<String>,
) -> Result<Json<Page<Link>>, Problem> {
    desk.store()
        .account(&number)
        .await?
        .ok_or_else(no_account)?;
    Page::all(&desk.store().links_of_account(&number).await?).map(Json)
}

/// Link a contact with an account.
#[utoipa::path(
    post, path = "/api/v1/accounts/{number}/contacts", tag = "accounts", operation_id = "link_contact",
    params(("number" = String, Path, description = "As the billing system writes it.")), request_body = LinkFields,
    responses(
        (status = 200, description = "They were linked, as it is now.", body = Link),
        (status = 201, description = "The new link.", body = Link),
    )
)]
pub(super) async fn link(
    desk: Desk,
    Named(number): Named<String>,
    input: Input<LinkInput>,
) -> Result<Response, Problem> {
    let link = (number.as_str(), &input.body);
    let answer = people::link(&desk.people(), input.once.as_ref(), link).await?;
    Ok(repeat::response(answer))
}

/// List the areas.
#[utoipa::path(
    get, path = "/api/v1/areas", tag = "accounts", operation_id = "list_areas",
    responses((status = 200, description = "Areas, all of them.", body = Page<Area>))
)]
pub(super) async fn areas(desk: Desk) -> Result<Json<Page<Area>>, Problem> {
    Page::all(&desk.store().areas().await?).map(Json)
}

/// Put an area into another: a notice to that one reaches it, too.
#[utoipa::path(
    put, path = "/api/v1/areas/{key}", tag = "accounts", operation_id = "place_area",
    params(("key" = String, Path, description = "The area's key.")), request_body = Placement,
    responses((status = 200, description = "Where it lies now.", body = Placed))
)]
pub(super) async fn place(
    desk: Desk,
    Named(key): Named<String>,
    input: Input<Placement>,
) -> Result<Response, Problem> {
    let place = (key.as_str(), input.body.parent.as_deref());
    let answer = people::place_area(&desk.people(), None, place).await?;
    Ok(repeat::response(answer))
}

fn no_account() -> Problem {
    Problem::not_found("There is no such account.")
}
