//! The register of people: contacts, their consent, their accounts, the places they live in.
//!
//! Use cases for staff, the API and files. What is given is checked here, every problem named by its field; how it is
//! written is the store's. Who writes to us by WhatsApp is registered by `conversations::ingest`.

mod accounts;
mod areas;
pub mod checks;
mod consents;
mod contacts;
pub mod import;
pub mod phone;

use puisano_engine::{Consent, FieldProblem, Language};

use crate::clock::Clock;
use crate::model::Origin;
use crate::rulesets::LiveRules;
use crate::store::consents::name_of;
use crate::store::idempotency::{Answer, Once};
use crate::store::people::{Change, Changed, Hand};
use crate::store::{Store, StoreError};

pub use accounts::{AccountInput, LinkInput, link, put_account, unlink};
pub use areas::Areas;
pub use consents::{ConsentInput, say_consent};
pub use contacts::{ContactInput, create_contact, place_area, update_contact};

/// What the use cases work with.
#[derive(Clone, Debug)]
pub struct Desk {
    pub store: Store,
    pub rules: LiveRules,
    pub clock: Clock,
    /// Of contacts that are created here.
    pub origin: Origin,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("some of the given values cannot be taken")]
    Fields(Vec<FieldProblem>),
    #[error("another request came under the same idempotency key")]
    Conflict,
    /// What there is not.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Desk {
    async fn make(&self, once: Option<&Once>, change: Change) -> Result<Answer, Refused> {
        let hand = Hand {
            clock: &self.clock,
            origin: self.origin,
            once,
        };
        match self.store.change_people(hand, &change).await? {
            Changed::Done(answer) => Ok(answer),
            Changed::OtherRequest => Err(Refused::Conflict),
            Changed::NoSuchContact => Err(Refused::NotFound("contact")),
            Changed::NoSuchAccount => Err(Refused::NotFound("account")),
            Changed::NoSuchArea => Err(Refused::NotFound("area")),
            Changed::Circular => Err(problem("parent", "lies in this area itself")),
            Changed::Overruled(category) => Err(overruled(category)),
        }
    }

    fn languages(&self) -> Vec<Language> {
        self.rules.current().ruleset.languages().to_vec()
    }
}

fn overruled(category: Consent) -> Refused {
    let problem = format!(
        "is needed, and a new one: the contact ended {} messages personally",
        name_of(category)
    );
    self::problem("proof", &problem)
}

fn problem(field: &str, problem: &str) -> Refused {
    Refused::Fields(vec![FieldProblem {
        field: field.to_owned(),
        problem: problem.to_owned(),
    }])
}

/// Collects what is wrong, so that everything is said at once.
#[derive(Debug, Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    /// The value, or a note about it.
    fn note<T>(&mut self, field: &str, checked: Result<T, String>) -> Option<T> {
        checked
            .map_err(|problem| {
                self.0.push(FieldProblem {
                    field: field.to_owned(),
                    problem,
                });
            })
            .ok()
    }

    /// A value that may be left out or taken away.
    #[expect(
        clippy::option_option,
        reason = "left out, null and a value are three things"
    )]
    fn note_change<T>(
        &mut self,
        field: &str,
        given: Option<&Option<String>>,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match given? {
            None => Some(None),
            Some(text) => self.note(field, check(text)).map(Some),
        }
    }

    fn end(self) -> Result<(), Refused> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Refused::Fields(self.0))
        }
    }
}

/// Fields by name, each checked.
fn checked_fields(
    problems: &mut Problems,
    given: &std::collections::BTreeMap<String, Option<String>>,
) -> std::collections::BTreeMap<String, Option<String>> {
    if given.len() > checks::FIELDS_MAX {
        let many = format!(
            "are {}: at most {} at once",
            given.len(),
            checks::FIELDS_MAX
        );
        problems.note::<()>("fields", Err(many));
        return std::collections::BTreeMap::new();
    }
    let mut fields = std::collections::BTreeMap::new();
    for (name, value) in given {
        let at = format!("fields.{name}");
        let name = problems.note(&at, checks::field_name(name));
        let value = problems.note_change(&at, Some(value), checks::field_value);
        if let (Some(name), Some(value)) = (name, value) {
            fields.insert(name, value);
        }
    }
    fields
}
