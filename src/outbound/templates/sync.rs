//! Looks at what WhatsApp has, and links it with what the rules have: at the start, every quarter of an hour, when the rules
//! change, and when WhatsApp says that something changed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::updates::{self, Update};
use super::{Account, Remote, links};
use crate::channels::whatsapp::{CallFailure, MetaTemplate};
use crate::clock::Clock;
use crate::rulesets::{Live, LiveRules};
use crate::store::templates::{LinkState, StoredTemplate, TemplateLink};
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;

/// How often the rules and WhatsApp's news are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often WhatsApp is asked for all of it.
const SYNC_EVERY_S: i64 = 15 * 60;
/// After a failure.
const SYNC_AGAIN_AFTER_S: i64 = 30;

/// Why WhatsApp's templates could not be compared with ours.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    WhatsApp(#[from] CallFailure),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Templates at WhatsApp.
    pub remote: usize,
    /// Ours, each language counted, by state.
    pub ours: BTreeMap<&'static str, usize>,
    /// Whether anything is different from before.
    pub changed: bool,
}

/// Asks WhatsApp for all its templates and links them with those of the rules.
pub async fn sync(
    store: &Store,
    account: &Account,
    (live, clock): (&Live, &Clock),
) -> Result<Summary, SyncError> {
    let found = account
        .client
        .all_templates(&account.business_account)
        .await?;
    let stored: Vec<StoredTemplate> = found.into_iter().map(stored).collect();
    store
        .replace_templates(&account.business_account, &stored, clock.now())
        .await?;
    Ok(relink(store, live, clock).await?)
}

/// Links what WhatsApp had when it was last asked with the templates of the rules.
pub async fn relink(store: &Store, live: &Live, clock: &Clock) -> Result<Summary, StoreError> {
    let remotes: Vec<Remote> = store
        .meta_templates()
        .await?
        .into_iter()
        .map(Remote::of)
        .collect();
    let links = links(live.ruleset.templates(), &remotes);
    let changed = store.replace_template_links(&links, clock.now()).await?;
    if changed {
        // What waited for a template may go now.
        store.wake(crate::store::Topic::Notices);
    }
    Ok(Summary {
        remote: remotes.len(),
        ours: by_state(&links),
        changed,
    })
}

fn stored(template: MetaTemplate) -> StoredTemplate {
    StoredTemplate {
        name: template.name,
        language: template.language,
        meta_id: template.id,
        status: template.status,
        category: template.category,
        quality: template.quality,
        rejected_reason: template.rejected_reason,
        is_named: template.is_named,
        components: template.components,
    }
}

fn by_state(links: &[TemplateLink]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for link in links {
        *counts.entry(link.state.name()).or_default() += 1;
    }
    counts
}

/// Starts this node's worker. `account` says whose templates they are now; it also carries out WhatsApp's other news about
/// the account.
pub fn start(
    store: Store,
    (rules, clock): (LiveRules, Clock),
    account: impl Fn() -> Account + Send + Sync + 'static,
    tasks: &Tasks,
) {
    let stopping = tasks.stopping();
    let mut watch = Watch {
        store,
        rules,
        clock,
        linked: None,
        due_at_s: i64::MIN,
    };
    tasks.spawn("templates", async move {
        while !stopping.is_cancelled() {
            let account = account();
            stopping.run_until_cancelled(watch.round(&account)).await;
            stopping
                .run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
                .await;
        }
    });
}

struct Watch {
    store: Store,
    rules: LiveRules,
    clock: Clock,
    /// The rules whose templates are linked.
    linked: Option<crate::model::RulesetHash>,
    /// When WhatsApp is asked again.
    due_at_s: i64,
}

impl Watch {
    async fn round(&mut self, account: &Account) {
        match updates::apply(&self.store, &self.clock).await {
            Ok(Update::Nothing) => {}
            Ok(Update::Known) => self.linked = None,
            Ok(Update::AskAgain) => self.due_at_s = i64::MIN,
            Err(error) => tracing::warn!(%error, "news of the account could not be applied"),
        }
        let live = self.rules.current();
        let now_s = self.clock.now().as_second();
        if now_s >= self.due_at_s {
            self.sync(account, (&live, now_s)).await;
        } else if self.linked.as_ref() != Some(&live.hash) {
            match relink(&self.store, &live, &self.clock).await {
                Ok(summary) => self.linked_to(&live, &summary),
                Err(error) => tracing::warn!(%error, "templates could not be linked"),
            }
        }
    }

    async fn sync(&mut self, account: &Account, (live, now_s): (&Live, i64)) {
        match sync(&self.store, account, (live, &self.clock)).await {
            Ok(summary) => {
                self.due_at_s = now_s + SYNC_EVERY_S;
                self.linked_to(live, &summary);
            }
            Err(error) => {
                self.due_at_s = now_s + SYNC_AGAIN_AFTER_S;
                tracing::warn!(%error, "WhatsApp's templates could not be fetched; trying again");
            }
        }
    }

    fn linked_to(&mut self, live: &Live, summary: &Summary) {
        self.linked = Some(live.hash.clone());
        if !summary.changed {
            return;
        }
        let count = |state: LinkState| summary.ours.get(state.name()).copied().unwrap_or(0);
        let approved = count(LinkState::Approved);
        let all: usize = summary.ours.values().sum();
        tracing::info!(
            "templates: {approved} of {all} texts are approved by WhatsApp (`puisano template list` shows them)"
        );
    }
}
