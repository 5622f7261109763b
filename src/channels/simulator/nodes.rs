//! `/{version}/{id}`: whatever has an id is asked about, changed and deleted at the same path.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::graph::{authorise, check_version};
use super::graph_error::GraphError;
use super::shared::Shared;
use super::{media, templates};

type Answer = Result<Json<Value>, GraphError>;
type Place = Path<(String, String)>;
type Words = Query<HashMap<String, String>>;

const FIELDS_DEFAULT: &str = "id,display_phone_number,verified_name,quality_rating";

const UPLOAD: &str = "upload:";

/// What an id stands for.
enum Node {
    Number,
    Account,
    Template(Box<templates::Template>),
    Media(media::Media),
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    Query(query): Words,
    headers: HeaderMap,
) -> Answer {
    authorise(&shared, &headers)?;
    check_version(&version)?;
    let answer = match node(&shared, &id)? {
        Node::Number => number(&shared, &query),
        Node::Account => Ok(json!({ "id": id, "name": "Simulated account" })),
        Node::Template(template) => templates::show_one(&shared, &template, &query),
        Node::Media(media) => {
            let own = &shared.account.phone_number_id;
            if query
                .get("phone_number_id")
                .is_some_and(|number| number != own)
            {
                return Err(GraphError::new(100, "The file belongs to another number."));
            }
            Ok(media::describe(&shared, &media))
        }
    };
    answer.map(Json)
}

pub(super) async fn change(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    Query(query): Words,
    (headers, body): (HeaderMap, Bytes),
) -> Answer {
    authorise(&shared, &headers)?;
    check_version(&version)?;
    if id.starts_with(UPLOAD) {
        return media::end_session(&shared, &id, (&query, &body)).map(Json);
    }
    match node(&shared, &id)? {
        Node::Template(template) => {
            let body = json(&body)?;
            templates::edit_one(&shared, template.id, &body)
                .await
                .map(Json)
        }
        _ => Err(GraphError::new(100, "This cannot be changed here.")),
    }
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    headers: HeaderMap,
) -> Answer {
    authorise(&shared, &headers)?;
    check_version(&version)?;
    match node(&shared, &id)? {
        Node::Media(media) => media::delete(&shared, &media.id).await.map(Json),
        _ => Err(GraphError::new(100, "This cannot be deleted here.")),
    }
}

pub(super) async fn unpause(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    headers: HeaderMap,
) -> Answer {
    authorise(&shared, &headers)?;
    check_version(&version)?;
    match node(&shared, &id)? {
        Node::Template(template) => templates::unpause_one(&shared, template.id).await.map(Json),
        _ => Err(GraphError::new(100, "Only templates are unpaused.")),
    }
}

pub(super) async fn list_templates(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    Query(query): Words,
    headers: HeaderMap,
) -> Answer {
    account(&shared, (&version, &id), &headers)?;
    templates::list(&shared, &query).map(Json)
}

pub(super) async fn submit_template(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    account(&shared, (&version, &id), &headers)?;
    let body = json(&body)?;
    templates::submit(&shared, &body).await.map(Json)
}

pub(super) async fn delete_templates(
    State(shared): State<Shared>,
    Path((version, id)): Place,
    Query(query): Words,
    headers: HeaderMap,
) -> Answer {
    account(&shared, (&version, &id), &headers)?;
    templates::delete(&shared, &query).await.map(Json)
}

fn account(
    shared: &Shared,
    (version, id): (&str, &str),
    headers: &HeaderMap,
) -> Result<(), GraphError> {
    authorise(shared, headers)?;
    check_version(version)?;
    if id == shared.account.business_account_id {
        Ok(())
    } else {
        Err(GraphError::nothing_there(id))
    }
}

fn node(shared: &Shared, id: &str) -> Result<Node, GraphError> {
    if id == shared.account.phone_number_id {
        return Ok(Node::Number);
    }
    if id == shared.account.business_account_id {
        return Ok(Node::Account);
    }
    let world = shared.world();
    if let Some(template) = world.library.get(id) {
        return Ok(Node::Template(Box::new(template.clone())));
    }
    if let Some(media) = world.media(id, shared.now_ms()) {
        return Ok(Node::Media(media.clone()));
    }
    Err(GraphError::nothing_there(id))
}

fn number(shared: &Shared, query: &HashMap<String, String>) -> Result<Value, GraphError> {
    let tier = shared.world().limits.tier_word();
    let known = json!({
        "id": shared.account.phone_number_id,
        "display_phone_number": shared.account.display_phone_number,
        "verified_name": "Simulated number",
        "quality_rating": "GREEN",
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "status": "CONNECTED",
        "platform_type": "CLOUD_API",
        "account_mode": "SANDBOX",
        "throughput": { "level": "STANDARD" },
        "webhook_configuration": { "application": shared.account.webhook_url },
        "whatsapp_business_manager_messaging_limit": tier,
        "health_status": { "can_send_message": "AVAILABLE", "entities": [] },
    });
    let asked = query.get("fields").map_or(FIELDS_DEFAULT, String::as_str);
    let mut answer = json!({ "id": known["id"] });
    for field in asked.split(',').map(str::trim) {
        let Some(found) = known.get(field) else {
            let why =
                format!("Tried accessing nonexisting field ({field}) on node type (PhoneNumber)");
            return Err(GraphError::new(100, why));
        };
        answer[field] = found.clone();
    }
    Ok(answer)
}

fn json(body: &[u8]) -> Result<Value, GraphError> {
    serde_json::from_slice(body)
        .map_err(|_| GraphError::new(100, "The request's body is not JSON."))
}
