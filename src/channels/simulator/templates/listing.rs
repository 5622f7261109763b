//! The Graph API's calls that show templates: one, or all of them in pages.
//!
//! Changes nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::{Library, Template};
use crate::channels::simulator::graph_error::GraphError;
use crate::channels::simulator::shared::Shared;

const PAGE_DEFAULT: usize = 25;
const PAGE_MAX: usize = 500;

const FIELDS: [&str; 12] = [
    "id",
    "name",
    "language",
    "status",
    "category",
    "previous_category",
    "parameter_format",
    "components",
    "quality_score",
    "rejected_reason",
    "message_send_ttl_seconds",
    "health_status",
];
const FIELDS_DEFAULT: &str = "name,parameter_format,components,language,status,category,id";

type Answer = Result<Value, GraphError>;
type Query = HashMap<String, String>;

/// `GET /{business account id}/message_templates`.
pub(in crate::channels::simulator) fn list(shared: &Shared, query: &Query) -> Answer {
    let now_ms = shared.now_ms();
    let fields = fields(query)?;
    let limit = match query.get("limit").map(|limit| limit.parse::<usize>()) {
        None => PAGE_DEFAULT,
        Some(Ok(limit)) if (1..=PAGE_MAX).contains(&limit) => limit,
        Some(_) => {
            return Err(GraphError::new(
                100,
                "limit must be a number from 1 to 500.",
            ));
        }
    };
    let world = shared.world();
    let place = |key: &str| match query.get(key) {
        None => Ok(None),
        Some(cursor) => read_cursor(&world.library, cursor).map(Some),
    };
    let (after, before) = (place("after")?, place("before")?);
    let chosen: Vec<&Template> = world
        .library
        .templates
        .values()
        .filter(|template| is_asked_for(template, (query, now_ms)))
        .filter(|template| after.is_none_or(|after| template.id > after))
        .filter(|template| before.is_none_or(|before| template.id < before))
        .collect();
    let rest = chosen.len().saturating_sub(limit);
    // Going back, the page is the last one before the place.
    let page = if before.is_some() {
        &chosen[rest..]
    } else {
        &chosen[..chosen.len() - rest]
    };
    let data: Vec<Value> = page
        .iter()
        .map(|template| described(template, (&fields, now_ms)))
        .collect();
    let mut answer = json!({ "data": data });
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        answer["paging"] =
            json!({ "cursors": { "before": cursor(first.id), "after": cursor(last.id) } });
        if rest > 0 && before.is_none() {
            answer["paging"]["next"] = json!(next(shared, query, last.id));
        }
    }
    Ok(answer)
}

fn fields(query: &Query) -> Result<Vec<String>, GraphError> {
    let asked = query.get("fields").map_or(FIELDS_DEFAULT, String::as_str);
    let mut fields: Vec<String> = asked
        .split(',')
        .map(|field| field.trim().to_owned())
        .collect();
    if let Some(odd) = fields
        .iter()
        .find(|field| !FIELDS.contains(&field.as_str()))
    {
        let why = format!(
            "Tried accessing nonexisting field ({odd}) on node type (WhatsAppMessageTemplate)"
        );
        return Err(GraphError::new(100, why));
    }
    fields.push("id".to_owned());
    Ok(fields)
}

fn is_asked_for(template: &Template, (query, now_ms): (&Query, i64)) -> bool {
    let is = |key: &str, found: &str| {
        query.get(key).is_none_or(|asked| {
            let asked = asked.trim_matches(['[', ']']);
            let mut words = asked.split(',').map(|word| word.trim().trim_matches('"'));
            words.any(|word| word.eq_ignore_ascii_case(found))
        })
    };
    is("name", &template.name)
        && is("language", &template.language)
        && is("category", &template.category)
        && is("status", template.status(now_ms).word())
        && is("quality_score", &template.quality)
}

fn described(template: &Template, (fields, now_ms): (&[String], i64)) -> Value {
    let of = |field: &str| match field {
        "id" => json!(template.id.to_string()),
        "name" => json!(template.name),
        "language" => json!(template.language),
        "status" => json!(template.status(now_ms).word()),
        "category" => json!(template.category),
        "parameter_format" => json!(if template.is_named {
            "NAMED"
        } else {
            "POSITIONAL"
        }),
        "components" => template.components.clone(),
        "quality_score" => json!({ "score": template.quality, "date": template.made_ms / 1_000 }),
        "rejected_reason" => json!(template.reason(now_ms).unwrap_or("NONE")),
        "message_send_ttl_seconds" => json!(template.ttl_s),
        "health_status" => json!({ "can_send_message": "AVAILABLE", "entities": [] }),
        _ => Value::Null,
    };
    let fields = fields.iter().map(|field| (field.clone(), of(field)));
    Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
}

/// Opaque on purpose: nobody should count on what is in it.
fn cursor(id: u64) -> String {
    hex::encode(format!("t{id}"))
}

fn read_cursor(library: &Library, cursor: &str) -> Result<u64, GraphError> {
    let text = hex::decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let id = text
        .as_deref()
        .and_then(|text| text.strip_prefix('t')?.parse().ok());
    id.filter(|id| library.templates.contains_key(id))
        .ok_or_else(|| GraphError::new(131_059, "The cursor is not valid any more."))
}

fn next(shared: &Shared, query: &Query, after: u64) -> String {
    let (api, account) = (&shared.account.api_url, &shared.account.business_account_id);
    let mut words: BTreeMap<&str, &str> = query
        .iter()
        .filter(|(key, _)| *key != "before")
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let after = cursor(after);
    words.insert("after", &after);
    let path = format!("{api}/v24.0/{account}/message_templates");
    reqwest::Url::parse_with_params(&path, &words).map_or(path, String::from)
}

/// `GET /{template id}`.
pub(in crate::channels::simulator) fn show_one(
    shared: &Shared,
    template: &Template,
    query: &Query,
) -> Answer {
    Ok(described(template, (&fields(query)?, shared.now_ms())))
}
