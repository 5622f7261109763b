//! Carries out what WhatsApp tells about the account, its templates, its number and people's wishes.
//!
//! Each piece of news is applied once it is stored; applying it twice changes nothing, so nodes need not agree.

use crate::channels::whatsapp::account_update;
use crate::clock::Clock;
use crate::model::{
    AccountUpdate, DailyLimit, MarketingWish, Origin, PhoneNumberId, Standing, TemplateRef,
};
use crate::store::consents::Word;
use crate::store::outbox::NumberUpdate;
use crate::store::people::Hand;
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

/// Applies the news that have not been applied yet; `number` is ours.
pub async fn apply(
    store: &Store,
    clock: &Clock,
    number: &PhoneNumberId,
) -> Result<Update, StoreError> {
    let news = store.unapplied_account_events(NEWS_MAX).await?;
    let mut outcome = Update::Nothing;
    for event in &news {
        let update = account_update(&event.field, &event.raw);
        outcome = outcome.max(match update {
            None => Update::Nothing,
            Some(AccountUpdate::Preference { identity, wish, .. }) => {
                let word = match wish {
                    MarketingWish::Stop => Word::Denied,
                    MarketingWish::Resume => Word::Granted,
                };
                let hand = Hand {
                    clock,
                    origin: Origin::Live,
                    once: None,
                };
                let proof = event.id.to_string();
                store
                    .apply_preference(hand, &identity, (word, &proof))
                    .await?;
                Update::Nothing
            }
            Some(update) => match about_a_template(update) {
                Ok(News::Changed(template, change)) => {
                    let key = (template.name.as_str(), template.language.as_str());
                    if store.change_template(key, &change).await? {
                        Update::Known
                    } else {
                        Update::AskAgain
                    }
                }
                Ok(News::Unclear) => Update::AskAgain,
                Err(update) => {
                    about_the_number(store, number, *update).await?;
                    Update::Nothing
                }
            },
        });
        store.account_event_applied(event.id).await?;
    }
    Ok(outcome)
}

/// News of a template.
enum News {
    Changed(TemplateRef, TemplateChange),
    /// What it means shows in the listing.
    Unclear,
}

/// What `update` says about a template; itself when it is about something else.
fn about_a_template(update: AccountUpdate) -> Result<News, Box<AccountUpdate>> {
    Ok(match update {
        AccountUpdate::TemplateStatus {
            template,
            status,
            reason,
        } => match status.as_str() {
            "FLAGGED" => News::Unclear,
            "REINSTATED" | "UNARCHIVED" => {
                let status = "APPROVED".to_owned();
                News::Changed(template, TemplateChange::Status { status, reason })
            }
            _ => News::Changed(template, TemplateChange::Status { status, reason }),
        },
        AccountUpdate::TemplateQuality { template, quality } => {
            News::Changed(template, TemplateChange::Quality(quality))
        }
        AccountUpdate::TemplateCategory {
            template, category, ..
        } => News::Changed(template, TemplateChange::Category(category)),
        AccountUpdate::TemplateComponents { .. } => News::Unclear,
        other => return Err(Box::new(other)),
    })
}

async fn about_the_number(
    store: &Store,
    number: &PhoneNumberId,
    update: AccountUpdate,
) -> Result<(), StoreError> {
    let mut told = Vec::new();
    let limit = match update {
        AccountUpdate::NumberTier { limit, .. } => Some(limit),
        AccountUpdate::NumberThroughput {
            per_second, limit, ..
        } => {
            told.push(NumberUpdate::Throughput { per_second });
            limit
        }
        AccountUpdate::NumberQuality {
            is_flagged, limit, ..
        } => {
            let quality = if is_flagged { "RED" } else { "GREEN" }.to_owned();
            told.push(NumberUpdate::Quality { quality });
            limit
        }
        AccountUpdate::Account { event, standing } => {
            // Sending itself finds out, and pauses with what to do about it.
            if standing != Standing::Good {
                tracing::warn!(
                    "WhatsApp has news about the account: {event}; see its page in the WhatsApp Manager"
                );
            }
            None
        }
        _ => None,
    };
    told.extend(limit.map(|limit| match limit {
        DailyLimit::Recipients(people) => NumberUpdate::Tier {
            name: people.to_string(),
            limit: Some(people),
        },
        DailyLimit::Unlimited => NumberUpdate::Tier {
            name: "unlimited".to_owned(),
            limit: None,
        },
    }));
    for update in &told {
        store.apply_number_update(number, update).await?;
    }
    Ok(())
}
