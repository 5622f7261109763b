//! Brings texts to WhatsApp for review: what it does not have, and by name also what differs there.

use puisano_engine::{Language, Template};

use super::{Account, filed_under};
use crate::channels::whatsapp::{CallFailure, TemplateDraft};
use crate::rulesets::Live;
use crate::store::templates::{LinkState, StoredTemplate, TemplateLink};
use crate::store::{Store, StoreError};

/// What became of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    pub template: String,
    pub language: Language,
    pub meta_name: String,
    pub meta_language: String,
    pub outcome: Result<&'static str, CallFailure>,
}

/// Submits the texts of `names`, or all that WhatsApp does not have. With names, what differs or was rejected is changed at
/// WhatsApp. The links must be fresh.
pub async fn submit(
    store: &Store,
    account: &Account,
    (live, names): (&Live, &[String]),
) -> Result<Vec<Submitted>, StoreError> {
    let (links, remotes) = (store.template_links().await?, store.meta_templates().await?);
    let mut submitted = Vec::new();
    for template in live.ruleset.templates() {
        let wanted = names.is_empty() || names.iter().any(|name| name == template.name());
        for language in template.languages().into_iter().filter(|_| wanted) {
            let link = links.iter().find(|link| {
                link.template == template.name() && link.language == language.as_str()
            });
            let state = link.map_or(LinkState::Missing, |link| link.state);
            let change =
                !names.is_empty() && matches!(state, LinkState::Differs | LinkState::Rejected);
            if change {
                let remote = link.and_then(|link| remote_of(link, &remotes));
                submitted.extend(bring(account, (template, language), remote).await);
            } else if state == LinkState::Missing {
                submitted.extend(bring(account, (template, language), None).await);
            }
        }
    }
    Ok(submitted)
}

fn remote_of<'r>(link: &TemplateLink, remotes: &'r [StoredTemplate]) -> Option<&'r StoredTemplate> {
    remotes.iter().find(|remote| {
        Some(&remote.name) == link.meta_name.as_ref()
            && Some(&remote.language) == link.meta_language.as_ref()
    })
}

/// Submits one text, or changes `remote` to it.
async fn bring(
    account: &Account,
    (template, language): (&Template, Language),
    remote: Option<&StoredTemplate>,
) -> Option<Submitted> {
    let layout = template.layout(language)?;
    let (name, code) = filed_under(template.name(), language);
    let (meta_name, meta_language) = remote.map_or((name, code.to_owned()), |remote| {
        (remote.name.clone(), remote.language.clone())
    });
    let draft = TemplateDraft {
        name: &meta_name,
        language: &meta_language,
        category: template.category(),
        layout: &layout,
        header_media: None,
        ttl_s: template.valid_for().map(|valid_for| valid_for.as_secs()),
    };
    let outcome = match remote {
        Some(remote) => account
            .client
            .edit_template(&remote.meta_id, &draft, remote.status == "APPROVED")
            .await
            .map(|()| "changed"),
        None => account
            .client
            .create_template(&account.business_account, &draft)
            .await
            .map(|_| "submitted"),
    };
    Some(Submitted {
        template: template.name().to_owned(),
        language,
        meta_name,
        meta_language,
        outcome,
    })
}
