//! Consent given or taken back through staff or another system, with the proof of it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use super::{Desk, Problems, Refused, checks};
use crate::model::ContactId;
use crate::store::consents::{Said, Word};
use crate::store::idempotency::{Answer, Once};
use crate::store::people::Change;

/// Where it came from when the caller does not say.
const SOURCE: &str = "api";

#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentInput {
    /// `account`, `service`, `marketing`.
    #[serde(default)]
    pub grant: BTreeSet<String>,
    #[serde(default)]
    pub deny: BTreeSet<String>,
    /// Who or what says so; `api` when left out.
    #[serde(default)]
    pub source: Option<String>,
    /// Where the proof is: a form's number, the words agreed to.
    #[serde(default)]
    pub proof: Option<String>,
}

/// Writes what a contact agreed to or ended. What the contact ended personally is granted again only with a proof that
/// was not seen before.
pub async fn say_consent(
    desk: &Desk,
    once: Option<&Once>,
    (contact, input): (ContactId, &ConsentInput),
) -> Result<Answer, Refused> {
    let mut problems = Problems::default();
    let source = input
        .source
        .as_deref()
        .map_or(Ok(SOURCE.to_owned()), source);
    let source = problems.note("source", source).unwrap_or_default();
    let proof = input.proof.as_deref().map(checks::proof).transpose();
    let proof = problems.note("proof", proof).flatten();
    let mut said = Vec::new();
    for (field, names, word) in [
        ("grant", &input.grant, Word::Granted),
        ("deny", &input.deny, Word::Denied),
    ] {
        for name in names {
            if let Some(category) = problems.note(field, checks::category(name)) {
                said.push(Said {
                    contact,
                    category,
                    word,
                    source: source.clone(),
                    proof: proof.clone(),
                });
            }
        }
    }
    if input.grant.intersection(&input.deny).next().is_some() {
        let both = "names a category that is granted too".to_owned();
        problems.note::<()>("deny", Err(both));
    }
    if input.grant.is_empty() && input.deny.is_empty() {
        let missing = "is missing: name a category to grant or to deny".to_owned();
        problems.note::<()>("grant", Err(missing));
    }
    problems.end()?;
    desk.make(once, Change::Consent { contact, said }).await
}

/// Nobody speaks for the contact or for a file.
fn source(text: &str) -> Result<String, String> {
    use crate::store::consents::{SOURCE_IMPORT, is_personal};
    let text = checks::source(text)?;
    if is_personal(&text) || text.starts_with(SOURCE_IMPORT) {
        return Err("is a name that is used here already: choose another".to_owned());
    }
    Ok(text)
}

/// Without the proof.
impl fmt::Debug for ConsentInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentInput")
            .field("grant", &self.grant)
            .field("deny", &self.deny)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
