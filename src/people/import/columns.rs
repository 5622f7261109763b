//! The header of a file: which column holds what, by the names people give them.

use puisano_engine::Consent;

use super::Kind;
use crate::people::checks;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Phone,
    Account,
    Name,
    Language,
    Area,
    TimeZone,
    Tags,
    Consent(Consent),
    ConsentSource,
    ConsentProof,
    Active,
    Balance,
    DueDate,
    Role,
    Proof,
    Field(String),
}

/// A column with the names it goes by; the first is the one we use ourselves.
type Known = (Column, &'static [&'static str]);

const PHONE: Known = (
    Column::Phone,
    &[
        "phone",
        "phone_number",
        "phone_no",
        "cell",
        "cellphone",
        "cell_phone",
        "cell_number",
        "cell_no",
        "mobile",
        "mobile_number",
        "mobile_phone",
        "telephone",
        "tel",
        "msisdn",
        "whatsapp",
        "whatsapp_number",
        "contact_number",
        "selfoon",
    ],
);
const LANGUAGE: Known = (
    Column::Language,
    &[
        "language",
        "lang",
        "preferred_language",
        "taal",
        "puo",
        "ulwimi",
    ],
);
const AREA: Known = (
    Column::Area,
    &["area", "town", "place", "suburb", "location", "dorp"],
);

/// The columns of a file of contacts.
const CONTACTS: &[Known] = &[
    PHONE,
    (
        Column::Name,
        &[
            "name",
            "full_name",
            "contact_name",
            "contact",
            "customer",
            "customer_name",
            "naam",
        ],
    ),
    LANGUAGE,
    AREA,
    (Column::TimeZone, &["time_zone", "timezone"]),
    (Column::Tags, &["tags", "tag", "labels", "groups"]),
    (Column::Consent(Consent::Account), &["consent_account"]),
    (Column::Consent(Consent::Service), &["consent_service"]),
    (Column::Consent(Consent::Marketing), &["consent_marketing"]),
    (Column::ConsentSource, &["consent_source"]),
    (Column::ConsentProof, &["consent_proof"]),
];

/// The columns of a file of accounts.
const ACCOUNTS: &[Known] = &[
    (
        Column::Account,
        &[
            "account",
            "account_number",
            "account_no",
            "acc",
            "acc_no",
            "acc_number",
            "number",
            "rekening",
            "rekeningnommer",
        ],
    ),
    (
        Column::Name,
        &[
            "name",
            "account_name",
            "account_holder",
            "holder",
            "customer",
            "customer_name",
            "naam",
        ],
    ),
    AREA,
    LANGUAGE,
    (Column::Active, &["active", "is_active"]),
    (
        Column::Balance,
        &["balance", "amount_due", "amount", "balans"],
    ),
    (Column::DueDate, &["due_date", "due", "pay_by"]),
    PHONE,
    (Column::Role, &["role", "relation"]),
    (Column::Proof, &["proof"]),
];

/// How columns of one's own are called: `field.meter_number`.
const FIELD_PREFIX: &str = "field.";

/// The columns of one file, in its order.
#[derive(Debug)]
pub(super) struct Columns {
    /// As the file calls them; nothing behind those that are left out.
    pub(super) columns: Vec<(String, Option<Column>)>,
    /// About columns that are left out.
    pub(super) warnings: Vec<String>,
}

impl Columns {
    /// Reads the header, or says everything that is wrong with it.
    pub(super) fn read<'c>(
        kind: Kind,
        header: impl Iterator<Item = &'c str>,
    ) -> Result<Self, Vec<String>> {
        let (mut columns, mut warnings, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (place, title) in header.enumerate() {
            let title = title.trim();
            match column(kind, title) {
                Ok(Some(column)) => {
                    if let Some(twin) = titles_of(&columns, &column) {
                        problems.push(format!(
                            "columns `{twin}` and `{}` hold the same",
                            shown(title)
                        ));
                    }
                    columns.push((title.to_owned(), Some(column)));
                }
                Ok(None) => {
                    if !title.is_empty() {
                        warnings.push(unknown(kind, title));
                    }
                    columns.push((name_or_place(title, place), None));
                }
                Err(problem) => problems.push(format!("column `{}` {problem}", shown(title))),
            }
        }
        let (required, name) = kind.required();
        if problems.is_empty() && titles_of(&columns, &required).is_none() {
            let titles: Vec<String> = columns.iter().map(|(title, _)| shown(title)).collect();
            problems.push(format!(
                "the column `{name}` is missing; the first row has {}",
                titles.join(", ")
            ));
        }
        if problems.is_empty() {
            Ok(Self { columns, warnings })
        } else {
            Err(problems)
        }
    }
}

fn known(kind: Kind) -> &'static [Known] {
    match kind {
        Kind::Contacts => CONTACTS,
        Kind::Accounts => ACCOUNTS,
    }
}

fn column(kind: Kind, title: &str) -> Result<Option<Column>, String> {
    let lower = title.to_lowercase();
    if let Some(field) = lower.strip_prefix(FIELD_PREFIX) {
        return checks::field_name(field).map(|name| Some(Column::Field(name)));
    }
    let name = normal(&lower);
    let found = known(kind)
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()));
    Ok(found.map(|(column, _)| column.clone()))
}

/// `Account No.` is `account_no`.
fn normal(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_")
}

fn titles_of(columns: &[(String, Option<Column>)], wanted: &Column) -> Option<String> {
    columns
        .iter()
        .find(|(_, column)| column.as_ref() == Some(wanted))
        .map(|(title, _)| shown(title))
}

fn unknown(kind: Kind, title: &str) -> String {
    let names: Vec<&str> = known(kind)
        .iter()
        .filter_map(|(_, names)| names.first().copied())
        .collect();
    format!(
        "the column `{}` is left out: known are {}, and field.NAME for others",
        shown(title),
        names.join(", ")
    )
}

/// A file without a header has people in its first row: what looks like a value is not repeated.
fn shown(title: &str) -> String {
    const TITLE_CHARS_MAX: usize = 40;
    if title.chars().any(|c| c.is_ascii_digit())
        && title.chars().filter(char::is_ascii_digit).count() > 4
    {
        return "(a number)".to_owned();
    }
    title
        .chars()
        .filter(|c| !c.is_control())
        .take(TITLE_CHARS_MAX)
        .collect()
}

fn name_or_place(title: &str, place: usize) -> String {
    if title.is_empty() {
        format!("number {}", place + 1)
    } else {
        title.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, header: &str, expected: Result<usize, &str>) {
        let read = Columns::read(kind, header.split(','));
        match expected {
            Ok(warnings) => assert_eq!(read.unwrap().warnings.len(), warnings, "{header}"),
            Err(part) => {
                let problems = read.unwrap_err().join("; ");
                assert!(problems.contains(part), "{header}: {problems}");
            }
        }
    }

    #[test]
    fn columns_are_known_by_many_names() {
        check(Kind::Contacts, "phone,name", Ok(0));
        check(Kind::Contacts, "Cell No., FULL NAME ,Town,TimeZone", Ok(0));
        check(Kind::Contacts, "Mobile Number,field.Meter_Number,", Ok(0));
        check(Kind::Contacts, "phone,shoe size,balance", Ok(2));
        check(
            Kind::Contacts,
            "name,area",
            Err("`phone` is missing; the first row has name, area"),
        );
        check(
            Kind::Contacts,
            "phone,Cell",
            Err("`phone` and `Cell` hold the same"),
        );
        check(
            Kind::Contacts,
            "phone,field.1",
            Err("column `field.1` must be a name"),
        );
        check(
            Kind::Contacts,
            "0821234567,Palesa",
            Err("(a number), Palesa"),
        );
        check(
            Kind::Accounts,
            "Account No,Cellphone,Amount due,Due date",
            Ok(0),
        );
        check(Kind::Accounts, "phone", Err("`account` is missing"));
    }

    #[test]
    fn no_name_stands_for_two_columns() {
        for kind in [Kind::Contacts, Kind::Accounts] {
            let mut names: Vec<&str> = known(kind)
                .iter()
                .flat_map(|(_, names)| *names)
                .copied()
                .collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }
}
