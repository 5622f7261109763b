//! One row of a file: its cells checked, and what they say together.

use std::collections::BTreeMap;

use puisano_engine::{Consent, Language};
use serde::Serialize;

use super::columns::{Column, Columns};
use super::{Kind, Seen};
use crate::model::PhoneNumber;
use crate::people::{Areas, checks, phone};
use crate::store::accounts::{AccountPatch, NewLink, Role};
use crate::store::consents::{SOURCE_IMPORT, Word};
use crate::store::people::{ContactPatch, ImportRow};

/// Characters of a value that is repeated in a complaint.
const SHOWN_CHARS_MAX: usize = 24;
/// How a link is known when the file does not say.
const PROOF: &str = "imported";
/// What a spreadsheet takes for the beginning of a formula, in both widths.
const FORMULA: &[char] = &[
    '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// What is wrong with a cell, or with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellProblem {
    /// As a spreadsheet numbers it; the header is row 1.
    pub row: u64,
    /// As the file calls it; none when it is the row itself.
    pub column: Option<String>,
    /// Only where it says nothing about a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub problem: String,
}

impl std::fmt::Display for CellProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        match &self.value {
            Some(value) => write!(f, ": `{value}` {}", self.problem),
            None => write!(f, ": {}", self.problem),
        }
    }
}

/// What rows are read against.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) kind: Kind,
    pub(super) columns: &'a Columns,
    pub(super) languages: &'a [Language],
    pub(super) areas: &'a Areas,
}

/// What the cells of a row say, before it is known what they make together.
#[derive(Default)]
struct Draft {
    phone: Option<PhoneNumber>,
    account: Option<String>,
    name: Option<String>,
    language: Option<Language>,
    area: Option<String>,
    time_zone: Option<String>,
    tags: std::collections::BTreeSet<String>,
    consents: Vec<(Consent, Word)>,
    consent_source: Option<String>,
    consent_proof: Option<String>,
    active: Option<bool>,
    role: Option<Role>,
    proof: Option<String>,
    fields: BTreeMap<String, Option<String>>,
}

impl Reader<'_> {
    /// What row number `row` says; `None` when all its cells are empty. Rows that are taken are remembered in `seen`.
    pub(super) fn read(
        &self,
        row: u64,
        cells: &[&str],
        seen: &mut Seen,
    ) -> Result<Option<ImportRow>, Vec<CellProblem>> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(None);
        }
        let whole = |problem: String| CellProblem {
            row,
            column: None,
            value: None,
            problem,
        };
        if cells.len() != self.columns.columns.len() {
            return Err(vec![whole(format!(
                "has {} cells where the first row has {}: values with a comma or a line break need quotes around them",
                cells.len(),
                self.columns.columns.len()
            ))]);
        }
        let (mut draft, mut problems) = (Draft::default(), Vec::new());
        for ((title, column), cell) in self.columns.columns.iter().zip(cells) {
            let Some(column) = column else { continue };
            if let Err(problem) = self.cell(&mut draft, column, cell) {
                problems.push(CellProblem {
                    row,
                    column: Some(title.clone()),
                    value: shown(column, cell),
                    problem,
                });
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let made = match self.kind {
            Kind::Contacts => contact(draft, seen),
            Kind::Accounts => account(draft, seen),
        };
        made.map(Some).map_err(|(column, problem)| {
            vec![CellProblem {
                column: Some(self.title(&column)),
                ..whole(problem)
            }]
        })
    }

    fn cell(&self, draft: &mut Draft, column: &Column, cell: &str) -> Result<(), String> {
        let text = without_formula(column, cell)?;
        if text.is_empty() {
            return Ok(());
        }
        match column {
            Column::Phone => draft.phone = Some(phone::written(text)?),
            Column::Account => draft.account = Some(checks::account_number(text)?),
            Column::Name => draft.name = Some(checks::name(text)?),
            Column::Language => draft.language = Some(checks::language(text, self.languages)?),
            Column::Area => draft.area = Some(self.areas.check(text)?),
            Column::TimeZone => draft.time_zone = Some(checks::time_zone(text)?),
            Column::Tags => draft.tags = tags(text)?,
            Column::Consent(category) => {
                let word = if checks::yes_no(text)? {
                    Word::Granted
                } else {
                    Word::Denied
                };
                draft.consents.push((*category, word));
            }
            Column::ConsentSource => draft.consent_source = Some(checks::source(text)?),
            Column::ConsentProof => draft.consent_proof = Some(checks::proof(text)?),
            Column::Active => draft.active = Some(checks::yes_no(text)?),
            Column::Balance => draft.set("balance", checks::amount(text)?),
            Column::DueDate => draft.set("due_date", checks::date(text)?),
            Column::Role => draft.role = Some(checks::role(text)?),
            Column::Proof => draft.proof = Some(checks::proof(text)?),
            Column::Field(name) => draft.set(name, checks::field_value(text)?),
        }
        Ok(())
    }

    /// What the file calls a column; our own name for one that it does not have.
    fn title(&self, column: &Column) -> String {
        let found = self
            .columns
            .columns
            .iter()
            .find(|(_, known)| known.as_ref() == Some(column));
        found.map_or_else(
            || match column {
                Column::ConsentSource => "consent_source".to_owned(),
                _ => "phone".to_owned(),
            },
            |(title, _)| title.clone(),
        )
    }
}

impl Draft {
    fn set(&mut self, field: &str, value: String) {
        self.fields.insert(field.to_owned(), Some(value));
    }
}

type Unfit = (Column, String);

fn contact(draft: Draft, seen: &mut Seen) -> Result<ImportRow, Unfit> {
    let Some(phone) = draft.phone else {
        return Err((Column::Phone, "is empty".to_owned()));
    };
    let grants = draft
        .consents
        .iter()
        .any(|(_, word)| *word == Word::Granted);
    if grants && draft.consent_source.is_none() {
        let problem = "is empty: where did this person agree?".to_owned();
        return Err((Column::ConsentSource, problem));
    }
    if seen.contains(&phone.as_str()) {
        let problem = "stands in an earlier row of this file too".to_owned();
        return Err((Column::Phone, problem));
    }
    seen.insert(&phone.as_str());
    let source = draft.consent_source;
    Ok(ImportRow::Contact {
        phone,
        patch: ContactPatch {
            name: draft.name.map(Some),
            language: draft.language.map(Some),
            area: draft.area.map(Some),
            time_zone: draft.time_zone.map(Some),
            tags: None,
            tag: draft.tags,
            fields: draft.fields,
        },
        consents: draft.consents,
        source: source.map_or_else(
            || SOURCE_IMPORT.to_owned(),
            |source| format!("{SOURCE_IMPORT}: {source}"),
        ),
        proof: draft.consent_proof,
    })
}

fn account(draft: Draft, seen: &mut Seen) -> Result<ImportRow, Unfit> {
    let Some(number) = draft.account else {
        return Err((Column::Account, "is empty".to_owned()));
    };
    let pair = (&number, draft.phone.as_ref().map(PhoneNumber::as_str));
    if seen.contains(&pair) {
        let problem = "stands in an earlier row of this file with the same phone number".to_owned();
        return Err((Column::Account, problem));
    }
    let patch = AccountPatch {
        name: draft.name.map(Some),
        area: draft.area.map(Some),
        language: draft.language.map(Some),
        active: draft.active,
        fields: draft.fields,
    };
    let facts = (&number, serde_json::json!(patch).to_string());
    let (is_told, is_silent) = (seen.contains(&number), patch == AccountPatch::default());
    if is_told && !is_silent && !seen.contains(&facts) {
        let problem =
            "stands in an earlier row of this file, which says something else about it".to_owned();
        return Err((Column::Account, problem));
    }
    seen.insert(&pair);
    seen.insert(&number);
    if !is_silent {
        seen.insert(&facts);
    }
    let link = NewLink {
        role: draft.role.unwrap_or_default(),
        proof: Some(draft.proof.unwrap_or_else(|| PROOF.to_owned())),
        verified_at: None,
    };
    Ok(ImportRow::Account {
        patch: (!is_told).then_some(patch),
        contact: draft.phone.map(|phone| (phone, link)),
        number,
    })
}

/// The text of a cell. What a spreadsheet would run when the data comes back to one is refused; only phone numbers may
/// begin with `+`.
fn without_formula<'c>(column: &Column, cell: &'c str) -> Result<&'c str, String> {
    let text = cell.trim();
    let is_phone = *column == Column::Phone && text.starts_with('+');
    match cell
        .chars()
        .next()
        .into_iter()
        .chain(text.chars().next())
        .find(|c| FORMULA.contains(c))
    {
        Some(c) if !is_phone && !text.is_empty() => Err(format!(
            "begins with {}, as formulas do: take it away",
            match c {
                '\t' => "a tab".to_owned(),
                '\r' => "a line break".to_owned(),
                c => format!("`{c}`"),
            }
        )),
        _ => Ok(text),
    }
}

fn tags(text: &str) -> Result<std::collections::BTreeSet<String>, String> {
    let parts = text.split([',', ';', '|']).map(str::trim);
    let tags: Result<std::collections::BTreeSet<String>, String> = parts
        .filter(|part| !part.is_empty())
        .map(|part| without_formula(&Column::Tags, part).and_then(checks::tag))
        .collect();
    let tags = tags?;
    if tags.len() > checks::TAGS_MAX {
        return Err(format!(
            "holds {} tags: at most {}",
            tags.len(),
            checks::TAGS_MAX
        ));
    }
    Ok(tags)
}

/// The value, where it is short and no personal data.
fn shown(column: &Column, cell: &str) -> Option<String> {
    let is_harmless = match column {
        Column::Language
        | Column::Area
        | Column::TimeZone
        | Column::Consent(_)
        | Column::Active
        | Column::Balance
        | Column::DueDate
        | Column::Role => true,
        Column::Phone
        | Column::Account
        | Column::Name
        | Column::Tags
        | Column::ConsentSource
        | Column::ConsentProof
        | Column::Proof
        | Column::Field(_) => false,
    };
    let text = cell.trim();
    let fits = text.chars().count() <= SHOWN_CHARS_MAX && !text.chars().any(char::is_control);
    (is_harmless && fits && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
