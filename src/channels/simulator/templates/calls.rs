//! The Graph API's calls that change templates: submitted, edited, unpaused, deleted; each by WhatsApp's rules.
//!
//! Reviews are decided when they begin, and end by the clock.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Review, Status, Template, rules, upper};
use crate::channels::simulator::graph_error::GraphError;
use crate::channels::simulator::limits::Outcome;
use crate::channels::simulator::record::Record;
use crate::channels::simulator::shared::{Due, Plan, Shared};
use crate::channels::simulator::webhooks;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const NAME_BLOCKED_MS: i64 = 30 * DAY_MS;
const MADE_IN_AN_HOUR_MAX: usize = 100;
const EDITS_IN_A_MONTH_MAX: usize = 10;
const TEMPLATES_MAX: usize = 6_000;

/// Ids of templates that were submitted are numbers of the journal after this one.
pub(super) const ID_BASE: u64 = 710_000_000_000_000;

type Answer = Result<Value, GraphError>;
type Query = HashMap<String, String>;

/// `POST /{business account id}/message_templates`.
pub(in crate::channels::simulator) async fn submit(shared: &Shared, body: &Value) -> Answer {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let (name, language) = (text("name"), text("language"));
    rules::name(&name)?;
    rules::language(&language)?;
    let category = rules::category(&text("category"))?;
    let is_named = upper(body, "parameter_format") == "NAMED";
    rules::components(&body["components"], is_named)?;
    let ttl_s = ttl(body, &category)?;
    shared
        .commit(|plan| {
            may_be_made(plan, (&name, &language))?;
            let mut template = Template {
                id: ID_BASE + plan.number(),
                name,
                language,
                category: category.clone(),
                is_named,
                components: body["components"].clone(),
                status: Status::Pending,
                review: None,
                quality: "UNKNOWN".to_owned(),
                reason: None,
                ttl_s,
                made_ms: plan.now_ms,
                edited_ms: Vec::new(),
            };
            begin_review(shared, plan, &mut template);
            let id = template.id.to_string();
            plan.push(Record::Template(Box::new(template)));
            Ok(json!({ "id": id, "status": "PENDING", "category": category }))
        })
        .await
}

fn ttl(body: &Value, category: &str) -> Result<Option<i64>, GraphError> {
    let ttl_s = body["message_send_ttl_seconds"].as_i64();
    ttl_s.map_or(Ok(()), |ttl_s| rules::ttl(category, ttl_s))?;
    Ok(ttl_s)
}

fn may_be_made(plan: &Plan<'_>, (name, language): (&str, &str)) -> Result<(), GraphError> {
    let library = &plan.world.library;
    if library.find(name, language).is_some() {
        let why = "There is already a template with this name in this language.";
        return Err(GraphError::template(2_388_024, why));
    }
    let key = (name.to_owned(), language.to_owned());
    if library
        .blocked
        .get(&key)
        .is_some_and(|until_ms| *until_ms > plan.now_ms)
    {
        let why = "A template with this name was deleted less than 30 days ago.";
        return Err(GraphError::template(2_388_023, why));
    }
    let recent = library.templates.values();
    let recent = recent
        .filter(|template| template.made_ms > plan.now_ms - HOUR_MS)
        .count();
    if recent >= MADE_IN_AN_HOUR_MAX {
        return Err(GraphError::new(
            80_007,
            "100 templates were made within an hour.",
        ));
    }
    if library.templates.len() >= TEMPLATES_MAX {
        return Err(GraphError::template(
            2_388_019,
            "The account has as many templates as it may.",
        ));
    }
    Ok(())
}

/// Plans the end of a review, and the webhook that tells of it.
fn begin_review(shared: &Shared, plan: &mut Plan<'_>, template: &mut Template) {
    let limits = &plan.world.limits;
    let (status, reason) = match limits.review {
        Outcome::Approve => (Status::Approved, None),
        Outcome::Reject => (Status::Rejected, Some("INVALID_FORMAT".to_owned())),
        Outcome::Never => return,
    };
    let at_ms = plan.now_ms + limits.review_ms;
    withdraw(plan, template);
    let told = told(status, reason.as_deref());
    template.review = Some(Review {
        at_ms,
        status,
        reason,
        webhook: announce(shared, plan, (template, at_ms), &told),
    });
}

/// The keys of the webhook about a status.
pub(super) fn told(status: Status, reason: Option<&str>) -> Value {
    json!({ "event": status.word(), "reason": reason.unwrap_or("NONE") })
}

/// What a review would have told is not told.
pub(super) fn withdraw(plan: &mut Plan<'_>, template: &mut Template) {
    if let Some(review) = template.review.take() {
        plan.push(Record::Withdrawn { n: review.webhook });
    }
}

/// A `message_template_status_update`, due at `at_ms`; returns its number.
pub(super) fn announce(
    shared: &Shared,
    plan: &mut Plan<'_>,
    (template, at_ms): (&Template, i64),
    more: &Value,
) -> u64 {
    let field = "message_template_status_update";
    tell(shared, plan, (field, template, at_ms), more)
}

/// A webhook about a template.
pub(super) fn tell(
    shared: &Shared,
    plan: &mut Plan<'_>,
    (field, template, at_ms): (&str, &Template, i64),
    more: &Value,
) -> u64 {
    let mut value = json!({
        "message_template_id": template.id, "message_template_name": template.name,
        // With a hyphen, as WhatsApp writes it here and nowhere else.
        "message_template_language": template.language.replace('_', "-"),
        "message_template_category": template.category,
    });
    for (key, part) in more.as_object().into_iter().flatten() {
        value[key] = part.clone();
    }
    let due = Due {
        at_ms,
        copies: 1,
        status: None,
    };
    let body = webhooks::change(&shared.account, (field, at_ms), &value);
    plan.webhook("", &due, &body)
}

/// `POST /{template id}`: components are replaced whole.
pub(in crate::channels::simulator) async fn edit_one(
    shared: &Shared,
    id: u64,
    body: &Value,
) -> Answer {
    shared
        .commit(|plan| {
            let mut template = current(plan, id)?;
            may_be_edited(&template, plan.now_ms)?;
            if let Some(category) = body["category"].as_str() {
                let category = rules::category(category)?;
                if template.status == Status::Approved && category != template.category {
                    let why = "The category of an approved template can't be changed.";
                    return Err(GraphError::template(2_388_039, why));
                }
                template.category = category;
            }
            if !body["components"].is_null() {
                rules::components(&body["components"], template.is_named)?;
                template.components = body["components"].clone();
            }
            template.ttl_s = ttl(body, &template.category)?.or(template.ttl_s);
            template.edited_ms.push(plan.now_ms);
            // An approved one stays so while its new text is looked at.
            if template.status != Status::Approved {
                template.status = Status::Pending;
            }
            begin_review(shared, plan, &mut template);
            plan.push(Record::Template(Box::new(template)));
            Ok(json!({ "success": true }))
        })
        .await
}

fn may_be_edited(template: &Template, now_ms: i64) -> Result<(), GraphError> {
    let refused = |why: &str| Err(GraphError::template(2_388_039, why));
    match template.status {
        Status::Pending | Status::Disabled => {
            return refused("Only approved, rejected and paused templates can be edited.");
        }
        Status::Rejected | Status::Paused => return Ok(()),
        Status::Approved => {}
    }
    let since = |ms: i64| {
        template
            .edited_ms
            .iter()
            .filter(|at| **at > now_ms - ms)
            .count()
    };
    if since(DAY_MS) >= 1 || since(30 * DAY_MS) >= EDITS_IN_A_MONTH_MAX {
        return refused(
            "An approved template can be edited once in 24 hours and 10 times in 30 days.",
        );
    }
    Ok(())
}

/// `POST /{template id}/unpause`.
pub(in crate::channels::simulator) async fn unpause_one(shared: &Shared, id: u64) -> Answer {
    shared
        .commit(|plan| {
            let mut template = current(plan, id)?;
            if template.status != Status::Paused {
                return Err(GraphError::new(100, "The template is not paused."));
            }
            template.status = Status::Approved;
            let told = told(Status::Approved, None);
            announce(shared, plan, (&template, plan.now_ms), &told);
            plan.push(Record::Template(Box::new(template)));
            Ok(json!({ "success": true }))
        })
        .await
}

fn current(plan: &Plan<'_>, id: u64) -> Result<Template, GraphError> {
    let template = plan.world.library.templates.get(&id);
    template
        .map(|template| template.settled(plan.now_ms))
        .ok_or_else(|| GraphError::new(100, "There is no template with this id."))
}

/// `DELETE /{business account id}/message_templates`: every language of a name, or one by `hsm_id` and `name`.
pub(in crate::channels::simulator) async fn delete(shared: &Shared, query: &Query) -> Answer {
    let name = query
        .get("name")
        .ok_or_else(|| GraphError::new(100, "The parameter name is required."))?;
    let id: Option<u64> = query.get("hsm_id").map(|id| id.parse().unwrap_or(0));
    shared
        .commit(|plan| {
            let chosen: Vec<(u64, Status)> = plan
                .world
                .library
                .templates
                .values()
                .filter(|template| template.name == *name && id.is_none_or(|id| template.id == id))
                .map(|template| (template.id, template.status(plan.now_ms)))
                .collect();
            if chosen.is_empty() {
                return Err(GraphError::new(100, "There is no such template."));
            }
            if chosen.iter().any(|(_, status)| *status == Status::Disabled) {
                return Err(GraphError::new(
                    100,
                    "A disabled template can't be deleted.",
                ));
            }
            for (id, status) in chosen {
                let mut template = current(plan, id)?;
                withdraw(plan, &mut template);
                let is_approved = status == Status::Approved;
                plan.push(Record::TemplateGone {
                    id,
                    blocked_until_ms: is_approved.then_some(plan.now_ms + NAME_BLOCKED_MS),
                });
            }
            Ok(json!({ "success": true }))
        })
        .await
}
