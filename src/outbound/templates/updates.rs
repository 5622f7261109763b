//! Carries out what WhatsApp tells about the account, its templates, its number and people's wishes.
//!
//! Each piece of news is applied once it is stored; applying it twice changes nothing, so nodes need not agree.

use crate::channels::whatsapp::account_update;
use crate::clock::Clock;
use crate::model::AccountUpdate;
use crate::store::templates::TemplateChange;
use crate::store::{Store, StoreError};

/// News that are applied in one round.
const NEWS_MAX: i64 = 100;

/// What a round of news means for templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Update {
    Nothing,
    /// One that we know stands differently now.
    Known,
    /// One that we do not know, or whose text changed: WhatsApp has to be asked.
    AskAgain,
}

/// Applies the news that have not been applied yet.
pub async fn apply(store: &Store, clock: &Clock) -> Result<Update, StoreError> {
    let news = store.unapplied_account_events(NEWS_MAX).await?;
    let mut outcome = Update::Nothing;
    for event in &news {
        if let Some(update) = account_update(&event.field, &event.raw) {
            outcome = outcome.max(apply_one(store, clock, update).await?);
        }
        store.account_event_applied(event.id).await?;
    }
    Ok(outcome)
}

async fn apply_one(
    store: &Store,
    _clock: &Clock,
    update: AccountUpdate,
) -> Result<Update, StoreError> {
    let (template, change) = match update {
        AccountUpdate::TemplateStatus {
            template,
            status,
            reason,
        } => {
            let status = match status.as_str() {
                "REINSTATED" | "UNARCHIVED" => "APPROVED".to_owned(),
                _ => status,
            };
            // What a flag means shows in the listing.
            if status == "FLAGGED" {
                return Ok(Update::AskAgain);
            }
            (template, TemplateChange::Status { status, reason })
        }
        AccountUpdate::TemplateQuality { template, quality } => {
            (template, TemplateChange::Quality(quality))
        }
        AccountUpdate::TemplateCategory {
            template, category, ..
        } => (template, TemplateChange::Category(category)),
        AccountUpdate::TemplateComponents { .. } => return Ok(Update::AskAgain),
        _ => return Ok(Update::Nothing),
    };
    let key = (template.name.as_str(), template.language.as_str());
    Ok(if store.change_template(key, &change).await? {
        Update::Known
    } else {
        Update::AskAgain
    })
}
