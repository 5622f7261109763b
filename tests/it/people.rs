//! The register of people: contacts, consent, accounts and areas by hand, by message and from files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Output;

use puisano::conversations::turn::decide_messages;
use puisano::model::{ContactId, Identity, Origin, PhoneNumber, SystemChange};
use puisano::people::import::{Import, ImportError, Kind, News, Summary};
use puisano::people::{
    AccountInput, Areas, ConsentInput, ContactInput, Desk, LinkInput, Refused, create_contact,
    link, place_area, put_account, say_consent, unlink, update_contact,
};
use puisano::rulesets::{self, Live, LiveRules};
use puisano::settings::Switches;
use puisano::store::consents::{SOURCE_WHATSAPP, Word};
use puisano::store::idempotency::{Answer, Once};
use puisano::store::people::{Hand, Keep, Page};
use puisano::store::turns::Which;
use puisano_engine::{Consent, Language, Source};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::Database;
use crate::ingest::phone;
use crate::road::{PALESA, Road};
use crate::world::Town;

const PACK: &str = r#"
pack: small
languages: [en, st, af]
timezone: Africa/Johannesburg
teams: [desk]
entities:
  area:
    values:
      zastron: [zastron, matlakeng]
      rouxville: { label: Rouxville town, spellings: [rouxville, roleleathunya] }
      smithfield:
rules:
  - when: { not_understood: { times: 1 } }
    then: [{ reply: "Please use other words." }]
"#;

fn live() -> Live {
    let checked = rulesets::compile(rulesets::Sources {
        rules: vec![Source {
            name: "pack.yaml".into(),
            text: PACK.into(),
        }],
        lexicons: Vec::new(),
    });
    checked
        .live
        .unwrap_or_else(|| panic!("{}", checked.findings.render(puisano_engine::Color::Never)))
}

async fn desk(database: &Database) -> Desk {
    let rules = LiveRules::new(live());
    let (store, clock) = (database.store.clone(), database.clock.clone());
    rulesets::areas::seed(&store, &clock, &rules.current().ruleset)
        .await
        .unwrap();
    Desk {
        store,
        rules,
        clock,
        origin: Origin::Live,
    }
}

fn input<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn create(desk: &Desk, value: Value) -> Answer {
    create_contact(desk, None, &input::<ContactInput>(value))
        .await
        .unwrap()
}

async fn contact(desk: &Desk, phone: &str) -> ContactId {
    let answer = create(desk, json!({ "phone": phone })).await;
    id_of(&answer)
}

fn id_of(answer: &Answer) -> ContactId {
    ContactId(answer.body["id"].as_str().unwrap().parse().unwrap())
}

/// The names of the fields that were refused.
fn fields<T: std::fmt::Debug>(refused: Result<T, Refused>) -> Vec<String> {
    let Err(Refused::Fields(problems)) = refused else {
        panic!("{refused:?}");
    };
    problems.into_iter().map(|problem| problem.field).collect()
}

fn page() -> Page {
    Page::new(None, 200)
}

#[tokio::test]
async fn a_contact_is_created_found_again_and_changed_field_by_field() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let first = create(
        &desk,
        json!({ "phone": PALESA, "name": " Palesa ", "language": "st", "area": "Matlakeng!",
                "time_zone": "Africa/Maseru", "tags": ["vip"], "fields": { "meter": "7", "ward": "3" } }),
    )
    .await;
    assert_eq!(first.status, 201);
    let id = id_of(&first);
    let again = create(&desk, json!({ "phone": PALESA, "name": null })).await;
    assert_eq!((again.status, id_of(&again)), (200, id));
    let change = json!({ "tags": [], "fields": { "meter": null, "ward": "4" }, "language": "en" });
    let changed = update_contact(&desk, None, (id, &input(change)))
        .await
        .unwrap();
    let shown = &changed.body;
    assert_eq!(
        [
            &shown["phone"],
            &shown["name"],
            &shown["language"],
            &shown["area"],
            &shown["tags"],
            &shown["fields"]
        ],
        [
            &json!(PALESA),
            &Value::Null,
            &json!("en"),
            &json!("zastron"),
            &json!([]),
            &json!({ "ward": "4" })
        ]
    );
    let stored = desk.store.contact(id).await.unwrap().unwrap();
    assert_eq!(stored.time_zone.as_deref(), Some("Africa/Maseru"));
    let missing = update_contact(
        &desk,
        None,
        (ContactId(Uuid::nil()), &ContactInput::default()),
    )
    .await;
    assert!(matches!(missing, Err(Refused::NotFound("contact"))));
}

#[tokio::test]
async fn who_wrote_before_is_the_same_contact() {
    let road = Road::new().await;
    road.says(PALESA, &["hello"]).await;
    let desk = desk(&road.database).await;
    assert_eq!(create(&desk, json!({ "phone": PALESA })).await.status, 200);
    let other = contact(&desk, "+27600000002").await;
    road.says("+27600000002", &["hello"]).await;
    assert_eq!(
        road.database.number("SELECT count(*) FROM contacts").await,
        2
    );
    let conversation = road.conversation_of("+27600000002").await;
    let holder: Uuid = sqlx::query_scalar("SELECT contact_id FROM conversations WHERE id = $1")
        .bind(conversation)
        .fetch_one(&road.database.pool)
        .await
        .unwrap();
    assert_eq!(holder, other.0);
}

#[tokio::test]
async fn every_bad_value_is_named_by_its_field_and_nothing_is_written() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let bad = json!({ "phone": "0821234567", "name": "a\nb", "language": "fr", "area": "Paris", "time_zone": "Mars",
                      "tags": [""], "fields": { "Meter": "7" } });
    let refused = create_contact(&desk, None, &input(bad)).await;
    assert_eq!(
        fields(refused),
        [
            "phone",
            "name",
            "language",
            "area",
            "time_zone",
            "tags",
            "fields.Meter"
        ]
    );
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 0);
    let id = contact(&desk, PALESA).await;
    let moved = update_contact(
        &desk,
        None,
        (id, &input(json!({ "phone": "+27600000009" }))),
    )
    .await;
    assert_eq!(fields(moved), ["phone"]);
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_time_and_another_one_is_refused() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let once = Once {
        api_key: puisano::model::ApiKeyId(database.clock.new_id()),
        key: "k".to_owned(),
        request_hash: [1; 32],
    };
    let given: ContactInput = input(json!({ "phone": PALESA, "name": "A" }));
    let first = create_contact(&desk, Some(&once), &given).await.unwrap();
    create(&desk, json!({ "phone": PALESA, "name": "B" })).await;
    let again = create_contact(&desk, Some(&once), &given).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &first.body));
    let name = "SELECT name FROM contacts";
    assert_eq!(database.texts(name).await, ["B"], "nothing is done twice");
    let other = Once {
        request_hash: [2; 32],
        ..once
    };
    let refused = create_contact(&desk, Some(&other), &given).await;
    assert!(matches!(refused, Err(Refused::Conflict)));
}

#[tokio::test]
async fn contacts_and_accounts_are_listed_in_pages() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let mut ids = Vec::new();
    for last in 1..=5 {
        ids.push(contact(&desk, &format!("+2760000000{last}")).await);
        put_account(&desk, None, (&format!("A{last}"), &AccountInput::default()))
            .await
            .unwrap();
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let contacts = desk.store.contacts(Page::new(after, 2)).await.unwrap();
        let Some(last) = contacts.last() else { break };
        after = Some(last.id.0);
        listed.extend(contacts.into_iter().map(|contact| contact.id));
    }
    assert_eq!(listed, ids);
    let accounts = desk.store.accounts(page()).await.unwrap();
    let numbers: Vec<&str> = accounts
        .iter()
        .map(|account| account.number.as_str())
        .collect();
    assert_eq!(numbers, ["A1", "A2", "A3", "A4", "A5"]);
    assert_eq!(Page::new(None, 10_000).limit(), 200);
}

#[tokio::test]
async fn accounts_and_contacts_are_linked_many_to_many() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let (palesa, thabo) = (
        contact(&desk, PALESA).await,
        contact(&desk, "+27600000002").await,
    );
    let account: AccountInput = input(
        json!({ "name": "P. Mokoena", "area": "rouxville town", "fields": { "meter": "7" } }),
    );
    for number in ["A1", "A2"] {
        assert_eq!(
            put_account(&desk, None, (number, &account))
                .await
                .unwrap()
                .status,
            201
        );
    }
    let closed = put_account(&desk, None, ("A2", &input(json!({ "active": false }))))
        .await
        .unwrap();
    assert_eq!(
        (closed.status, &closed.body["active"], &closed.body["area"]),
        (200, &json!(false), &json!("rouxville"))
    );
    for (number, contact, role) in [
        ("A1", palesa, "owner"),
        ("A1", thabo, "tenant"),
        ("A2", palesa, "payer"),
    ] {
        let given = json!({ "contact": contact, "role": role, "proof": "document", "verified": role == "owner" });
        link(&desk, None, (number, &input::<LinkInput>(given)))
            .await
            .unwrap();
    }
    let of_account = desk.store.links_of_account("A1").await.unwrap();
    assert_eq!(of_account.len(), 2);
    assert_eq!(
        of_account
            .iter()
            .filter(|link| link.verified_at.is_some())
            .count(),
        1
    );
    let of_palesa = desk.store.links_of_contact(palesa).await.unwrap();
    let numbers: BTreeSet<&str> = of_palesa
        .iter()
        .map(|link| link.account_number.as_str())
        .collect();
    assert_eq!(numbers, BTreeSet::from(["A1", "A2"]));
    unlink(&desk, None, ("A1", palesa)).await.unwrap();
    assert_eq!(desk.store.links_of_account("A1").await.unwrap().len(), 1);
    let nobody = input::<LinkInput>(json!({ "contact": Uuid::nil() }));
    assert!(matches!(
        link(&desk, None, ("A1", &nobody)).await,
        Err(Refused::NotFound("contact"))
    ));
    assert!(matches!(
        link(&desk, None, ("A9", &nobody)).await,
        Err(Refused::NotFound("account"))
    ));
    let unproven =
        input::<LinkInput>(json!({ "contact": palesa, "role": "lord", "verified": true }));
    assert_eq!(
        fields(link(&desk, None, ("A1", &unproven)).await),
        ["role", "proof"]
    );
}

#[tokio::test]
async fn areas_come_from_the_pack_and_are_ordered_by_people() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let shown = "SELECT concat_ws('|', key, name, aliases, parent) FROM areas ORDER BY key";
    assert_eq!(
        database.texts(shown).await,
        [
            "rouxville|Rouxville town|{roleleathunya,rouxville}",
            "smithfield|Smithfield|{}",
            "zastron|Zastron|{matlakeng,zastron}"
        ]
    );
    place_area(&desk, None, ("zastron", Some("rouxville")))
        .await
        .unwrap();
    place_area(&desk, None, ("smithfield", Some("zastron")))
        .await
        .unwrap();
    for (key, parent) in [("rouxville", "smithfield"), ("zastron", "zastron")] {
        assert_eq!(
            fields(place_area(&desk, None, (key, Some(parent))).await),
            ["parent"]
        );
    }
    for (key, parent) in [("zastron", "paris"), ("paris", "zastron")] {
        let refused = place_area(&desk, None, (key, Some(parent))).await;
        assert!(matches!(refused, Err(Refused::NotFound("area"))));
    }
    let again = rulesets::areas::seed(&desk.store, &desk.clock, &live().ruleset)
        .await
        .unwrap();
    assert_eq!(again, 0, "nothing new");
    let parents = "SELECT parent FROM areas WHERE parent IS NOT NULL ORDER BY key";
    assert_eq!(database.texts(parents).await, ["zastron", "rouxville"]);
    let areas = Areas::read(&desk.store).await.unwrap();
    assert_eq!(areas.find("ROLELEATHUNYA"), Some("rouxville"));
}

/// `granted|denied|opted_out`, and how many events led to it.
async fn consent(database: &Database) -> (String, i64) {
    let counts =
        "SELECT concat_ws('|', granted, denied, opted_out, opted_out_at IS NOT NULL) FROM contacts";
    let events = database.number("SELECT count(*) FROM consent_events").await;
    (database.texts(counts).await.remove(0), events)
}

#[tokio::test]
async fn consent_is_kept_by_category_with_its_history() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let id = contact(&desk, PALESA).await;
    let say =
        async |value: Value| say_consent(&desk, None, (id, &input::<ConsentInput>(value))).await;
    say(json!({ "grant": ["marketing"], "source": "form", "proof": "F-1" }))
        .await
        .unwrap();
    assert_eq!(
        consent(&database).await,
        ("{marketing}|{}|f|f".to_owned(), 1)
    );
    say(json!({ "grant": ["marketing"], "source": "form", "proof": "F-1" }))
        .await
        .unwrap();
    assert_eq!(
        consent(&database).await.1,
        1,
        "the same again is nothing new"
    );
    say(json!({ "deny": ["marketing", "account", "service"] }))
        .await
        .unwrap();
    assert_eq!(
        consent(&database).await,
        ("{}|{account,service,marketing}|t|t".to_owned(), 4)
    );
    say(json!({ "grant": ["service"] })).await.unwrap();
    assert_eq!(
        consent(&database).await,
        ("{service}|{account,marketing}|f|f".to_owned(), 5)
    );
    let history = desk.store.consents_of(id, page()).await.unwrap();
    let told: Vec<String> = history
        .iter()
        .map(|event| {
            format!(
                "{:?} {:?} {} {:?}",
                event.category, event.word, event.source, event.proof
            )
        })
        .collect();
    assert_eq!(told[0], "Marketing Granted form Some(\"F-1\")");
    assert_eq!(told[4], "Service Granted api None");
    assert_eq!(fields(say(json!({})).await), ["grant"]);
    assert_eq!(
        fields(say(json!({ "grant": ["sms"], "source": "message" })).await),
        ["source", "grant"]
    );
    assert_eq!(
        fields(say(json!({ "grant": ["service"], "deny": ["service"] })).await),
        ["deny"]
    );
}

#[tokio::test]
async fn what_somebody_ended_personally_needs_a_new_proof_to_be_granted_again() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let id = contact(&desk, PALESA).await;
    let grant = json!({ "grant": ["marketing"], "proof": "F-1" });
    let say = async |value: &Value| {
        say_consent(&desk, None, (id, &input::<ConsentInput>(value.clone()))).await
    };
    say(&grant).await.unwrap();
    let stops = Identity {
        phone: PhoneNumber::parse(PALESA),
        ..Identity::default()
    };
    let hand = Hand {
        clock: &desk.clock,
        origin: Origin::Live,
        once: None,
    };
    for _ in 0..2 {
        assert!(
            desk.store
                .apply_preference(hand, &stops, (Word::Denied, "event 1"))
                .await
                .unwrap()
        );
    }
    assert_eq!(
        consent(&database).await,
        ("{}|{marketing}|f|f".to_owned(), 2)
    );
    assert_eq!(fields(say(&grant).await), ["proof"]);
    assert_eq!(
        fields(say(&json!({ "grant": ["marketing"] })).await),
        ["proof"]
    );
    say(&json!({ "grant": ["marketing"], "proof": "F-2" }))
        .await
        .unwrap();
    assert!(
        desk.store
            .apply_preference(hand, &stops, (Word::Denied, "event 2"))
            .await
            .unwrap()
    );
    assert!(
        desk.store
            .apply_preference(hand, &stops, (Word::Granted, "event 3"))
            .await
            .unwrap()
    );
    assert_eq!(
        consent(&database).await,
        ("{marketing}|{}|f|f".to_owned(), 5)
    );
    let sources: Vec<String> = desk
        .store
        .consents_of(id, page())
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.source)
        .collect();
    assert_eq!(
        sources,
        [
            "api",
            SOURCE_WHATSAPP,
            "api",
            SOURCE_WHATSAPP,
            SOURCE_WHATSAPP
        ]
    );
    assert!(
        !desk
            .store
            .apply_preference(hand, &phone("+27699999999"), (Word::Denied, "event 4"))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn stop_in_a_message_ends_everything_in_the_turns_own_statement() {
    let road = Road::new().await;
    let live = live();
    let turn = async |text: &str| {
        road.says(PALESA, &[text]).await;
        for due in &road.due().await {
            let decided =
                decide_messages(due, &live, &road.database.clock, &Switches::default()).unwrap();
            assert_eq!(road.finish(&[decided.finished]).await.len(), 1);
        }
    };
    turn("STOP").await;
    let (state, events) = consent(&road.database).await;
    assert_eq!(
        (state.as_str(), events),
        ("{}|{account,service,marketing}|t|t", 3)
    );
    let proofs = "SELECT DISTINCT e.source || ' ' || m.content FROM consent_events e JOIN messages m ON m.id::text = e.proof";
    assert_eq!(road.database.texts(proofs).await, ["message STOP"]);
    road.says(PALESA, &["hello"]).await;
    assert!(road.due().await[0].contact.opted_out);
}

#[tokio::test]
async fn the_last_word_of_a_claim_counts_and_a_lost_lease_says_nothing() {
    let road = Road::new().await;
    let live = live();
    road.says(PALESA, &["STOP", "START"]).await;
    let due = road.due().await;
    let decided =
        decide_messages(&due[0], &live, &road.database.clock, &Switches::default()).unwrap();
    let said = decided.finished.contact.consents.clone();
    assert!(
        said.iter().any(|one| one.word == Word::Denied)
            && said.iter().any(|one| one.word == Word::Granted)
    );
    road.advance(60).await;
    assert_eq!(road.claims(Which::Suspect).await.len(), 1);
    assert!(road.finish(&[decided.finished]).await.is_empty());
    assert_eq!(consent(&road.database).await, ("{}|{}|f|f".to_owned(), 0));
}

#[tokio::test]
async fn a_number_change_does_not_carry_verification_over() {
    let road = Road::new().await;
    let desk = desk(&road.database).await;
    let (new, other) = ("+27600000007", "+27600000008");
    put_account(&desk, None, ("A1", &AccountInput::default()))
        .await
        .unwrap();
    for number in [PALESA, other] {
        let given =
            json!({ "contact": contact(&desk, number).await, "proof": "code", "verified": true });
        link(&desk, None, ("A1", &input::<LinkInput>(given)))
            .await
            .unwrap();
    }
    let change = SystemChange {
        phone_number_id: "106540352242922".into(),
        wamid: "wamid.change".into(),
        sent_at: road.now(),
        old_phone: PhoneNumber::parse(PALESA),
        old_user_id: None,
        new_phone: PhoneNumber::parse(new),
        new_user_id: None,
        text: String::new(),
        raw: json!({}),
    };
    road.webhook(vec![puisano::model::Event::System(change)])
        .await;
    let links = desk.store.links_of_account("A1").await.unwrap();
    let moved = desk
        .store
        .contact_of_phone(&PhoneNumber::parse(new).unwrap())
        .await
        .unwrap()
        .unwrap();
    for link in links {
        let is_known = link.verified_at.is_some() && link.proof.is_some();
        assert_eq!(
            is_known,
            link.contact != moved,
            "only who kept the number is still known"
        );
    }
    // Without a message from WhatsApp: the number turns up with another user id, so it has gone to somebody else.
    let id = |text: &str| puisano::model::UserId::parse(text);
    let with_id = |user_id| Identity {
        phone: PhoneNumber::parse(other),
        user_id,
        ..Identity::default()
    };
    road.says_as(with_id(id("ZA.1")), "hello", road.now()).await;
    road.says_as(with_id(id("ZA.2")), "hello", road.now()).await;
    let left =
        "SELECT count(*) FROM account_contacts WHERE verified_at IS NOT NULL OR proof IS NOT NULL";
    assert_eq!(road.database.number(left).await, 0);
}

/// A file that is gone afterwards.
struct Csv(PathBuf);

impl Csv {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("puisano-{}-{name}.csv", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Csv {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Imports and tells what was said about it.
async fn import(
    desk: &Desk,
    (kind, keep): (Kind, Keep),
    file: &Csv,
) -> (Result<Summary, ImportError>, Vec<String>) {
    let areas = Areas::read(&desk.store).await.unwrap();
    let run = Import {
        kind,
        store: &desk.store,
        clock: &desk.clock,
        origin: Origin::Live,
        languages: &[Language::EN, Language::ST, Language::AF],
        areas: &areas,
        keep,
    };
    let mut said = Vec::new();
    let outcome = run
        .run(&file.0, &mut |news| match news {
            News::Warning(text) => said.push(text),
            News::Problem(problem) | News::Note(problem) => said.push(problem.to_string()),
            News::Progress { .. } => {}
        })
        .await;
    (outcome, said)
}

fn summary([rows, created, updated, unchanged, refused]: [u64; 5]) -> Summary {
    Summary {
        rows,
        created,
        updated,
        unchanged,
        refused,
    }
}

#[tokio::test]
async fn a_file_is_imported_once_however_often_it_is_run() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    contact(&desk, "+27820000001").await;
    let mut text = "\u{feff}Cell;Name;Shoe size;Tags\r\n".to_owned();
    for number in 0..2_500 {
        let _ = write!(text, "082{number:07};Name {number};38;a\r\n");
    }
    let file = Csv::new("once", text);
    let kind = (Kind::Contacts, Keep::DryRun);
    let (dry, said) = import(&desk, kind, &file).await;
    assert_eq!(dry.unwrap(), summary([2_500, 2_499, 1, 0, 0]), "{said:?}");
    assert!(
        said.len() == 1 && said[0].contains("`Shoe size` is left out"),
        "{said:?}"
    );
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 1);
    let kind = (Kind::Contacts, Keep::Yes);
    assert_eq!(
        import(&desk, kind, &file).await.0.unwrap(),
        summary([2_500, 2_499, 1, 0, 0])
    );
    assert_eq!(
        import(&desk, kind, &file).await.0.unwrap(),
        summary([2_500, 0, 0, 2_500, 0])
    );
    assert_eq!(
        database
            .number("SELECT count(*) FROM contacts WHERE name LIKE 'Name %' AND tags = '{a}'")
            .await,
        2_500
    );
}

#[tokio::test]
async fn an_import_that_was_broken_off_is_simply_run_again() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let mut text = "phone,tags\n".to_owned();
    for number in 0..2_500 {
        let _ = writeln!(text, "082{number:07},a");
    }
    let file = Csv::new("broken-off", text);
    let areas = Areas::default();
    let run = Import {
        kind: Kind::Contacts,
        store: &desk.store,
        clock: &desk.clock,
        origin: Origin::Live,
        languages: &[],
        areas: &areas,
        keep: Keep::Yes,
    };
    // The first batch is written; the second is on its way when the process ends.
    let (break_off, broken_off) = tokio::sync::oneshot::channel();
    let mut break_off = Some(break_off);
    let mut watch = |news| {
        if let (News::Progress { .. }, Some(break_off)) = (news, break_off.take()) {
            let _ = break_off.send(());
        }
    };
    tokio::select! {
        ended = run.run(&file.0, &mut watch) => panic!("{ended:?}"),
        _ = broken_off => {}
    }
    let again = import(&desk, (Kind::Contacts, Keep::Yes), &file)
        .await
        .0
        .unwrap();
    assert_eq!((again.rows, again.refused, again.updated), (2_500, 0, 0));
    assert!(again.unchanged >= 1_000 && again.created > 0, "{again:?}");
    assert_eq!(
        database.number("SELECT count(*) FROM contacts").await,
        2_500
    );
}

#[tokio::test]
async fn rows_are_numbered_as_a_spreadsheet_does() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    for end in ["\n", "\r\n"] {
        let lines = [
            "phone,name",
            "0821234567,\"a",
            "b\"",
            "",
            "082,bad",
            "0827654321,good",
            "0827654321,again",
        ];
        let file = Csv::new("rows", lines.join(end));
        let (outcome, said) = import(&desk, (Kind::Contacts, Keep::DryRun), &file).await;
        let rows: Vec<&str> = said
            .iter()
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(
            rows,
            ["row 2, name", "row 4, phone", "row 6, phone"],
            "{said:?}"
        );
        assert_eq!(outcome.unwrap(), summary([4, 1, 0, 0, 3]));
    }
}

#[tokio::test]
async fn a_file_does_not_undo_what_a_person_said() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let file = Csv::new(
        "consent",
        format!(
            "phone,consent_service,consent_marketing,consent_source,consent_proof\n{PALESA},yes,yes,form,F-1\n+27600000002,yes,no,form,F-2\n"
        ),
    );
    let kind = (Kind::Contacts, Keep::Yes);
    assert_eq!(
        import(&desk, kind, &file).await.0.unwrap(),
        summary([2, 2, 0, 0, 0])
    );
    let hand = Hand {
        clock: &desk.clock,
        origin: Origin::Live,
        once: None,
    };
    desk.store
        .apply_preference(hand, &phone(PALESA), (Word::Denied, "event"))
        .await
        .unwrap();
    let (again, said) = import(&desk, kind, &file).await;
    assert_eq!(again.unwrap(), summary([2, 0, 0, 2, 0]));
    assert_eq!(
        said,
        ["row 2, consent_marketing: stays ended: this person said so personally"]
    );
    let palesa = desk
        .store
        .contact_of_phone(&PhoneNumber::parse(PALESA).unwrap())
        .await
        .unwrap()
        .unwrap();
    let person = desk.store.contact(palesa).await.unwrap().unwrap();
    assert_eq!(
        (person.granted, person.denied),
        (
            BTreeSet::from([Consent::Service]),
            BTreeSet::from([Consent::Marketing])
        )
    );
    let sources = "SELECT DISTINCT source FROM consent_events WHERE source LIKE 'import%'";
    assert_eq!(database.texts(sources).await, ["import: form"]);
}

#[tokio::test]
async fn an_account_of_several_people_is_imported_with_all_of_them() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let file = Csv::new(
        "accounts",
        "account,name,balance,due date,phone,role,town\nA1,P,\"R1,250.50\",2026-12-07,0821234567,owner,matlakeng\nA1,,,,0827654321,tenant,\nA2,,,,0821234567,,\n",
    );
    let kind = (Kind::Accounts, Keep::Yes);
    assert_eq!(
        import(&desk, kind, &file).await.0.unwrap(),
        summary([3, 2, 1, 0, 0])
    );
    assert_eq!(
        import(&desk, kind, &file).await.0.unwrap(),
        summary([3, 0, 0, 3, 0])
    );
    let account = desk.store.account("A1").await.unwrap().unwrap();
    assert_eq!(
        (account.area.as_deref(), account.fields),
        (
            Some("zastron"),
            BTreeMap::from([
                ("balance".to_owned(), "1250.50".to_owned()),
                ("due_date".to_owned(), "2026-12-07".to_owned())
            ])
        )
    );
    let links = "SELECT concat_ws(' ', a.number, i.value, l.role, l.proof, l.verified_at) FROM account_contacts l
                 JOIN accounts a ON a.id = l.account_id JOIN contact_identifiers i USING (contact_id) ORDER BY 1";
    assert_eq!(
        database.texts(links).await,
        [
            "A1 +27821234567 owner imported",
            "A1 +27827654321 tenant imported",
            "A2 +27821234567 owner imported"
        ]
    );
}

#[tokio::test]
async fn files_that_are_no_tables_are_refused_whole() {
    let database = Database::new().await;
    let desk = desk(&database).await;
    let endless = format!(
        "phone,name\n0821234567,a\n0827654321,\"{}",
        "x\n".repeat(200_000)
    );
    for (content, expected) in [
        (&b"phone,name\n0821234567,Andr\xE9\n"[..], "Latin-1"),
        (b"\xFF\xFEp\0", "UTF-16"),
        (b"", "empty"),
        (b"name,area\n", "the column `phone` is missing"),
        (b"phone,cell\n", "hold the same"),
        (endless.as_bytes(), "row 3 is longer"),
    ] {
        let (outcome, _) = import(
            &desk,
            (Kind::Contacts, Keep::Yes),
            &Csv::new("odd", content),
        )
        .await;
        let problem = outcome.unwrap_err().to_string();
        assert!(problem.contains(expected), "{problem}");
    }
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 0);
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Blocks of `docs/import.md` that are marked with `name`.
fn blocks(name: &str) -> Vec<String> {
    let manual = include_str!("../../docs/import.md");
    let blocks = manual.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| {
            Some(
                block
                    .strip_prefix(name)?
                    .trim_start_matches('\n')
                    .to_owned(),
            )
        })
        .collect()
}

/// The command beside a running server, with everything `docs/import.md` shows.
#[tokio::test]
async fn the_manuals_examples_are_imported_and_its_complaints_are_real() {
    let mut town = Town::open("import").await;
    let pack = std::fs::read_to_string(town.rules()).unwrap();
    std::fs::write(
        town.rules(),
        pack.replace("languages: [en]", "languages: [en, st, af]")
            + "\nentities:\n  area: { values: { zastron: [zastron], rouxville: [rouxville] } }\n",
    )
    .unwrap();
    town.kill();
    town.start().await;
    for what in ["contacts", "accounts"] {
        let example = blocks(&format!("csv {what}")).remove(0);
        let rows = example.lines().count() - 1;
        let file = Csv::new(&format!("manual-{what}"), example);
        let dry = town.command(&["import", what, file.path(), "--json", "--dry-run"]);
        assert_eq!(
            dry.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&dry.stdout)
        );
        let first = json_lines(&town.command(&["import", what, file.path(), "--json"])).remove(0);
        assert_eq!(
            (&first["type"], &first["rows"], &first["refused"]),
            (&json!("summary"), &json!(rows), &json!(0))
        );
        assert_eq!(&json_lines(&dry)[0]["created"], &first["created"]);
        let second = json_lines(&town.command(&["import", what, file.path(), "--json"])).remove(0);
        assert_eq!(second["unchanged"], json!(rows));
    }
    let bad = Csv::new(
        "bad",
        "account,phone,balance,due_date\n1,821234567,,\n2,,\"R1.234,50\",\n3,,,2026-02-30\n4,,,\n",
    );
    let refused = town.command(&["import", "accounts", bad.path()]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(refused.stdout).unwrap(),
        blocks("text problems").remove(0)
    );
    assert!(
        String::from_utf8_lossy(&refused.stderr)
            .contains("4 rows: 1 created, 0 updated, 0 unchanged, 3 refused.")
    );
    let missing = town.command(&["import", "accounts", "/nowhere.csv"]);
    assert_eq!(missing.status.code(), Some(2));
    let latin = Csv::new("latin", b"account,name\n1,Andr\xE9\n");
    let refused = town.command(&["import", "accounts", latin.path(), "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        json_lines(&refused)[0]["problem"]
            .as_str()
            .unwrap()
            .contains("Latin-1")
    );
}
