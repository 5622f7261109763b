//! Rows of files: what is taken, what is refused and in which words.

use proptest::prelude::*;

use super::*;
use crate::store::areas::Area;

fn areas() -> Areas {
    Areas::new(&[Area {
        key: "zastron".to_owned(),
        name: "Zastron".to_owned(),
        aliases: vec!["matlakeng".to_owned()],
        parent: None,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    }])
}

/// Reads rows under one header, cells parted by `|`.
fn read(
    kind: Kind,
    header: &str,
    rows: &[&str],
) -> Vec<Result<Option<ImportRow>, Vec<CellProblem>>> {
    let columns = Columns::read(kind, header.split('|')).unwrap();
    let (areas, mut seen) = (areas(), Seen::default());
    let reader = Reader {
        kind,
        columns: &columns,
        languages: &[Language::EN, Language::ST],
        areas: &areas,
    };
    let mut read = Vec::new();
    for (number, row) in (2..).zip(rows) {
        let cells: Vec<&str> = row.split('|').collect();
        read.push(reader.read(number, &cells, &mut seen));
    }
    read
}

fn problem(kind: Kind, header: &str, rows: &[&str], expected: &str) {
    let last = read(kind, header, rows).pop().unwrap();
    let problems = last.expect_err(expected);
    let shown: Vec<String> = problems.iter().map(CellProblem::to_string).collect();
    assert!(shown.join("\n").contains(expected), "{shown:?}");
}

#[test]
fn every_problem_names_row_column_and_what_to_do() {
    let contacts =
        |header, rows: &[&str], expected| problem(Kind::Contacts, header, rows, expected);
    contacts(
        "Cell",
        &["082123456"],
        "row 2, Cell: is a phone number of 9 digits",
    );
    contacts(
        "phone|name",
        &["0821234567|=cmd()"],
        "row 2, name: begins with `=`",
    );
    contacts("phone|name", &["0821234567|\tx"], "begins with a tab");
    contacts("phone|name", &["0821234567|＠x"], "begins with `＠`");
    contacts("phone|name", &["0821234567| +x"], "begins with `+`");
    contacts("phone", &["+27 82 x"], "not part of a phone number");
    contacts("phone", &["=27821234567"], "begins with `=`");
    contacts(
        "phone|language",
        &["0821234567|fr"],
        "row 2, language: `fr` is not one of the languages here: en, st",
    );
    contacts(
        "phone|area",
        &["0821234567|Paris"],
        "`Paris` is not an area here",
    );
    contacts(
        "phone|tags",
        &["0821234567|a; =b"],
        "row 2, tags: begins with `=`",
    );
    contacts(
        "phone|name",
        &["0821234567"],
        "row 2: has 1 cells where the first row has 2",
    );
    contacts("phone|name", &["|Palesa"], "row 2, phone: is empty");
    contacts(
        "phone|consent_service",
        &["0821234567|maybe"],
        "`maybe` must be yes or no",
    );
    contacts(
        "phone|consent_service",
        &["0821234567|yes"],
        "row 2, consent_source: is empty",
    );
    contacts(
        "phone",
        &["0821234567", "+27 82 123 4567"],
        "row 3, phone: stands in an earlier row",
    );
    let accounts =
        |header, rows: &[&str], expected| problem(Kind::Accounts, header, rows, expected);
    accounts(
        "account|balance",
        &["1|R1.234,50"],
        "row 2, balance: `R1.234,50` is not an amount",
    );
    accounts(
        "account|due_date",
        &["1|2026-02-30"],
        "`2026-02-30` does not exist in the calendar",
    );
    accounts(
        "account|role",
        &["1|landlord"],
        "`landlord` is not one of owner, tenant",
    );
    accounts(
        "account|name",
        &["1|A", "1|B"],
        "row 3, account: stands in an earlier row of this file with the same",
    );
    accounts(
        "account|phone|name",
        &["1|0821234567|A", "1|0827654321|B"],
        "says something else about it",
    );
}

#[test]
fn all_problems_of_a_row_are_named_and_nothing_personal_is_repeated() {
    let read = read(
        Kind::Contacts,
        "phone|name|language",
        &["08212345|@Palesa|xx"],
    );
    let problems = read[0].clone().unwrap_err();
    assert_eq!(problems.len(), 3);
    let shown = serde_json::to_string(&problems).unwrap();
    assert!(
        !shown.contains("Palesa") && !shown.contains("08212345"),
        "{shown}"
    );
}

#[test]
fn good_rows_are_taken() {
    let header = "phone|name|language|area|tags|consent_service|consent_source|field.meter";
    let read = read(
        Kind::Contacts,
        header,
        &[
            "082 123 4567|Palesa|ST|Matlakeng|vip, ward 3|Yes|counter|M-1",
            "| | ||||| ",
        ],
    );
    let Ok(Some(ImportRow::Contact {
        phone,
        patch,
        consents,
        source,
        ..
    })) = &read[0]
    else {
        panic!("{read:?}");
    };
    assert_eq!(phone.as_str(), "+27821234567");
    assert_eq!(
        serde_json::json!(patch),
        serde_json::json!({"name": "Palesa", "language": "st", "area": "zastron", "tag": ["vip", "ward 3"], "fields": {"meter": "M-1"}})
    );
    assert_eq!(consents, &[(Consent::Service, Word::Granted)]);
    assert_eq!(source, "import: counter");
    assert_eq!(read[1], Ok(None));
}

#[test]
fn an_account_with_several_people_is_told_once() {
    let rows = ["1|A|0821234567", "1|A|0827654321", "1||0831112222"];
    let read = read(Kind::Accounts, "account|name|phone", &rows);
    let told: Vec<bool> = read
        .iter()
        .map(|row| matches!(row, Ok(Some(ImportRow::Account { patch: Some(_), .. }))))
        .collect();
    assert_eq!(told, [true, false, false]);
    assert!(read.iter().all(Result::is_ok));
}

proptest! {
    #[test]
    fn what_a_spreadsheet_would_run_does_not_survive(
        cells in proptest::collection::vec("[=+@\t\r＝＋－＠ a0-9,;-]{0,12}", 6)
    ) {
        let columns = Columns::read(Kind::Contacts, "name|tags|field.a|consent_source|phone|area".split('|')).unwrap();
        let areas = areas();
        let reader = Reader { kind: Kind::Contacts, columns: &columns, languages: &[], areas: &areas };
        let mut cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        cells[4] = "0821234567";
        cells[5] = "";
        if let Ok(Some(ImportRow::Contact { patch, source, .. })) = reader.read(2, &cells, &mut Seen::default()) {
            let own = source.strip_prefix("import: ").unwrap_or_default().to_owned();
            let texts = patch.name.into_iter().flatten().chain(patch.tag).chain(patch.fields.into_values().flatten()).chain([own]);
            for text in texts {
                prop_assert!(!text.starts_with(FORMULA), "{:?}", text);
            }
        }
    }

    #[test]
    fn nothing_breaks_it(cells in proptest::collection::vec("\\PC{0,20}|[\\t\\r\\n\\x00-\\x1f]{0,3}", 0..9)) {
        let columns = Columns::read(Kind::Accounts, "account|name|area|language|active|balance|due_date|phone".split('|')).unwrap();
        let areas = areas();
        let reader = Reader { kind: Kind::Accounts, columns: &columns, languages: &[], areas: &areas };
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let _ = reader.read(2, &cells, &mut Seen::default());
    }
}
