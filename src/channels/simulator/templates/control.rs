//! What happens to templates behind the service's back: WhatsApp rejects, pauses, files them elsewhere; somebody edits.

use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::{announce, tell, told, withdraw};
use super::{Status, Template};
use crate::channels::simulator::graph_error::GraphError;
use crate::channels::simulator::record::Record;
use crate::channels::simulator::shared::{Plan, Shared};

/// `POST /_simulator/templates/{name}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::channels::simulator) struct Change {
    /// All of them without.
    language: Option<String>,
    action: Action,
    /// Of a rejection, pause or switching off.
    reason: Option<String>,
    /// The new body, category or quality.
    to: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Approve,
    Reject,
    Pause,
    Disable,
    Category,
    Quality,
    Edit,
    Delete,
}

/// `GET /_simulator/templates`.
pub(in crate::channels::simulator) fn show(shared: &Shared) -> Value {
    let now_ms = shared.now_ms();
    let world = shared.world();
    let show = |template: &Template| {
        json!({
            "id": template.id.to_string(), "name": template.name, "language": template.language,
            "status": template.status(now_ms).word(), "reason": template.reason(now_ms),
            "category": template.category, "quality": template.quality, "ttl_s": template.ttl_s,
            "components": template.components,
        })
    };
    json!({ "templates": world.library.templates.values().map(show).collect::<Vec<_>>() })
}

/// Changes the templates of a name and tells the service; how many those were.
pub(in crate::channels::simulator) async fn change(
    shared: &Shared,
    name: &str,
    change: &Change,
) -> Result<usize, GraphError> {
    shared
        .commit(|plan| {
            let is_meant = |template: &&Template| {
                let language = change.language.as_ref();
                template.name == name && language.is_none_or(|code| template.language == *code)
            };
            let templates: Vec<Template> = plan
                .world
                .library
                .templates
                .values()
                .filter(is_meant)
                .map(|template| template.settled(plan.now_ms))
                .collect();
            let count = templates.len();
            for template in templates {
                change_one(shared, plan, (template, change))?;
            }
            Ok(count)
        })
        .await
}

fn change_one(
    shared: &Shared,
    plan: &mut Plan<'_>,
    (mut template, change): (Template, &Change),
) -> Result<(), GraphError> {
    let now_ms = plan.now_ms;
    let to = || {
        let to = change.to.clone();
        to.ok_or_else(|| GraphError::new(100, "This action needs `to`."))
    };
    match change.action {
        Action::Approve => set(shared, plan, (&mut template, change), Status::Approved),
        Action::Reject => set(shared, plan, (&mut template, change), Status::Rejected),
        Action::Pause => set(shared, plan, (&mut template, change), Status::Paused),
        Action::Disable => set(shared, plan, (&mut template, change), Status::Disabled),
        Action::Category => {
            let previous = std::mem::replace(&mut template.category, to()?.to_uppercase());
            let told = json!({ "previous_category": previous, "new_category": template.category });
            tell(
                shared,
                plan,
                ("template_category_update", &template, now_ms),
                &told,
            );
        }
        Action::Quality => {
            let previous = std::mem::replace(&mut template.quality, to()?.to_uppercase());
            let told = json!({ "previous_quality_score": previous, "new_quality_score": template.quality });
            let field = "message_template_quality_update";
            tell(shared, plan, (field, &template, now_ms), &told);
        }
        Action::Edit => {
            let text = to()?;
            let parts = template.components.as_array_mut().into_iter().flatten();
            for part in parts.filter(|part| super::upper(part, "type") == "BODY") {
                part["text"] = json!(text);
            }
            let field = "message_template_components_update";
            let told = json!({ "message_template_element": text });
            tell(shared, plan, (field, &template, now_ms), &told);
        }
        Action::Delete => {
            withdraw(plan, &mut template);
            let told = json!({ "event": "DELETED", "reason": "NONE" });
            announce(shared, plan, (&template, now_ms), &told);
            plan.push(Record::TemplateGone {
                id: template.id,
                blocked_until_ms: None,
            });
            return Ok(());
        }
    }
    plan.push(Record::Template(Box::new(template)));
    Ok(())
}

fn set(
    shared: &Shared,
    plan: &mut Plan<'_>,
    (template, change): (&mut Template, &Change),
    status: Status,
) {
    withdraw(plan, template);
    template.status = status;
    template.reason.clone_from(&change.reason);
    let told = told(status, change.reason.as_deref());
    announce(shared, plan, (template, plan.now_ms), &told);
}
