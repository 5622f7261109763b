//! A batch of rows of a file, written whole or not at all; or, in a dry run, written and taken back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use puisano_engine::Consent;
use sqlx::{Connection, PgConnection};

use super::{ContactPatch, Hand, write};
use crate::model::{AccountId, ContactId, PhoneNumber};
use crate::store::accounts::{self, AccountPatch, NewLink, Outcome};
use crate::store::consents::{self, Said, Word};
use crate::store::{Store, StoreError, call};

/// Attempts when somebody else creates the same at the same moment.
const ATTEMPTS_MAX: u32 = 5;

/// What a row of a file says.
#[derive(Clone, PartialEq, Eq)]
pub enum ImportRow {
    /// Every number once in a batch.
    Contact {
        phone: PhoneNumber,
        patch: ContactPatch,
        consents: Vec<(Consent, Word)>,
        source: String,
        proof: Option<String>,
    },
    /// An account may stand in several rows, each time with another contact; every pair once.
    Account {
        number: String,
        /// Nothing when an earlier row of the file has told it.
        patch: Option<AccountPatch>,
        contact: Option<(PhoneNumber, NewLink)>,
    },
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRow {
    pub outcome: Outcome,
    /// Categories that stay denied, because the contact said so.
    pub overruled: Vec<Consent>,
}

/// Whether a batch is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Yes,
    DryRun,
}

impl Store {
    /// Writes a batch; the answer has the order of `rows`.
    pub async fn import_people(
        &self,
        hand: Hand<'_>,
        rows: &[ImportRow],
        keep: Keep,
    ) -> Result<Vec<ImportedRow>, StoreError> {
        let mut attempt = 1;
        loop {
            match self.try_import(hand, rows, keep).await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS_MAX => attempt += 1,
                other => return other,
            }
        }
    }

    async fn try_import(
        &self,
        hand: Hand<'_>,
        rows: &[ImportRow],
        keep: Keep,
    ) -> Result<Vec<ImportedRow>, StoreError> {
        let mut call = self.call("import a batch").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let batch = Batch {
                hand,
                contacts: contacts_of(&mut transaction, hand, rows).await?,
            };
            let contacts = batch.contacts(&mut transaction, rows).await?;
            let accounts = batch.accounts(&mut transaction, rows).await?;
            match keep {
                Keep::Yes => transaction.commit().await?,
                Keep::DryRun => transaction.rollback().await?,
            }
            Ok(batch.outcomes(rows, (&contacts, &accounts)))
        })
        .await;
        call.end(outcome)
    }
}

/// The contacts that a batch mentions, by number, and whether they are new.
struct Batch<'h> {
    hand: Hand<'h>,
    contacts: HashMap<String, (ContactId, bool)>,
}

#[derive(Default)]
struct ContactsWritten {
    changed: HashSet<ContactId>,
    overruled: HashMap<ContactId, Vec<Consent>>,
}

#[derive(Default)]
struct AccountsWritten {
    outcomes: HashMap<String, (AccountId, Outcome)>,
    linked: HashSet<(AccountId, ContactId)>,
}

async fn contacts_of(
    db: &mut PgConnection,
    hand: Hand<'_>,
    rows: &[ImportRow],
) -> Result<HashMap<String, (ContactId, bool)>, sqlx::Error> {
    let phones: Vec<&PhoneNumber> = rows.iter().filter_map(ImportRow::phone).collect();
    let found = write::create_missing(db, hand, &phones).await?;
    let numbers = phones.iter().map(|phone| phone.as_str().to_owned());
    Ok(numbers.zip(found).collect())
}

impl Batch<'_> {
    fn contact(&self, phone: &PhoneNumber) -> Option<(ContactId, bool)> {
        self.contacts.get(phone.as_str()).copied()
    }

    async fn contacts(
        &self,
        db: &mut PgConnection,
        rows: &[ImportRow],
    ) -> Result<ContactsWritten, sqlx::Error> {
        let (mut patches, mut said) = (Vec::new(), Vec::new());
        for row in rows {
            let ImportRow::Contact {
                phone,
                patch,
                consents,
                source,
                proof,
            } = row
            else {
                continue;
            };
            let Some((contact, _)) = self.contact(phone) else {
                continue;
            };
            patches.push((contact, patch));
            said.extend(consents.iter().map(|(category, word)| Said {
                contact,
                category: *category,
                word: *word,
                source: source.clone(),
                proof: proof.clone(),
            }));
        }
        let mut written = ContactsWritten::default();
        written
            .changed
            .extend(write::patch(db, self.hand, &patches).await?);
        let recorded = consents::record(db, self.hand, &said).await?;
        written.changed.extend(recorded.changed);
        for (contact, category) in recorded.overruled {
            written.overruled.entry(contact).or_default().push(category);
        }
        Ok(written)
    }

    async fn accounts(
        &self,
        db: &mut PgConnection,
        rows: &[ImportRow],
    ) -> Result<AccountsWritten, sqlx::Error> {
        let mut patches: BTreeMap<&str, AccountPatch> = BTreeMap::new();
        for row in rows {
            if let ImportRow::Account { number, patch, .. } = row {
                let told = patches.entry(number).or_default();
                if let Some(patch) = patch {
                    *told = patch.clone();
                }
            }
        }
        if patches.is_empty() {
            return Ok(AccountsWritten::default());
        }
        let outcomes = accounts::upsert(db, self.hand, &patches).await?;
        let mut links = Vec::new();
        for row in rows {
            if let ImportRow::Account {
                number,
                contact: Some((phone, link)),
                ..
            } = row
                && let Some((account, _)) = outcomes.get(number)
                && let Some((contact, _)) = self.contact(phone)
            {
                links.push((*account, contact, link));
            }
        }
        let linked = accounts::link(db, self.hand, &links).await?;
        Ok(AccountsWritten {
            outcomes,
            linked: linked.into_iter().collect(),
        })
    }

    fn outcomes(
        &self,
        rows: &[ImportRow],
        (contacts, accounts): (&ContactsWritten, &AccountsWritten),
    ) -> Vec<ImportedRow> {
        rows.iter()
            .map(|row| match row {
                ImportRow::Contact { phone, .. } => self.contact_outcome(phone, contacts),
                ImportRow::Account {
                    number,
                    patch,
                    contact,
                } => {
                    let phone = contact.as_ref().map(|(phone, _)| phone);
                    self.account_outcome((number, patch.is_some()), phone, accounts)
                }
            })
            .collect()
    }

    fn contact_outcome(&self, phone: &PhoneNumber, written: &ContactsWritten) -> ImportedRow {
        let (outcome, overruled) = match self.contact(phone) {
            Some((_, true)) => (Outcome::Created, Vec::new()),
            Some((contact, false)) => {
                let outcome = if written.changed.contains(&contact) {
                    Outcome::Updated
                } else {
                    Outcome::Unchanged
                };
                let overruled = written.overruled.get(&contact).cloned();
                (outcome, overruled.unwrap_or_default())
            }
            None => (Outcome::Unchanged, Vec::new()),
        };
        ImportedRow { outcome, overruled }
    }

    /// Only the row that tells about an account can have created it; the others bring people.
    fn account_outcome(
        &self,
        (number, tells): (&str, bool),
        phone: Option<&PhoneNumber>,
        written: &AccountsWritten,
    ) -> ImportedRow {
        let account = written.outcomes.get(number);
        let own = account.map_or(Outcome::Unchanged, |(_, outcome)| *outcome);
        let own = if tells { own } else { Outcome::Unchanged };
        let contact = phone.and_then(|phone| self.contact(phone));
        let is_linked = account
            .zip(contact)
            .is_some_and(|((account, _), (contact, _))| {
                written.linked.contains(&(*account, contact))
            });
        let linked = if is_linked {
            Outcome::Updated
        } else {
            Outcome::Unchanged
        };
        ImportedRow {
            outcome: own.max(linked),
            overruled: Vec::new(),
        }
    }
}

impl ImportRow {
    fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Contact { phone, .. } => Some(phone),
            Self::Account { contact, .. } => contact.as_ref().map(|(phone, _)| phone),
        }
    }
}

/// Without anything personal.
impl fmt::Debug for ImportRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Contact { .. } => "Contact",
            Self::Account { .. } => "Account",
        };
        f.debug_struct(name)
            .field("phone", &self.phone())
            .finish_non_exhaustive()
    }
}
