//! Notifications: accepted once, in the right language, to the right people; taken back whole; understood when answered.

use jiff::SignedDuration;
use puisano::conversations::worker::Worker;
use puisano::model::{Address, ApiKeyId, ContactId, NotificationId, Origin, PhoneNumber};
use puisano::outbound::notifications::calls::{
    PaymentConfirmation, PaymentReminder, ServiceInterruption,
};
use puisano::outbound::notifications::{
    self, Caller, Desk, NoticeRequest, Refused, SendCall, SendRequest,
};
use puisano::outbound::templates::{self, Remote};
use puisano::rulesets::{Folders, LiveRules};
use puisano::store::idempotency::{Answer, Once};
use puisano::store::templates::{StoredTemplate, TemplateChange};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ingest::OUR_NUMBER;
use crate::road::{PALESA, Road};

const THABO: &str = "+27600000002";

/// The road, with a desk at its side.
struct Office {
    road: Road,
    desk: Desk,
}

impl Office {
    async fn new() -> Self {
        let road = Road::new().await;
        let folders = Folders {
            rules: concat!(env!("CARGO_MANIFEST_DIR"), "/rules").into(),
            lexicons: concat!(env!("CARGO_MANIFEST_DIR"), "/lexicons").into(),
        };
        let live = puisano::rulesets::compile(folders.load().unwrap())
            .live
            .expect("the shipped pack compiles");
        let desk = Desk {
            store: road.database.store.clone(),
            rules: LiveRules::new(live),
            clock: road.database.clock.clone(),
            phone_number_id: OUR_NUMBER.into(),
            origin: Origin::Live,
        };
        Self { road, desk }
    }

    async fn accept(&self, request: NoticeRequest) -> Answer {
        self.ask(None, request).await.unwrap()
    }

    async fn ask(&self, once: Option<Once>, request: NoticeRequest) -> Result<Answer, Refused> {
        let caller = Caller {
            created_by: "billing".to_owned(),
            once,
        };
        notifications::accept(&self.desk, &caller, request).await
    }

    async fn send(&self, call: Value) -> Result<Answer, Refused> {
        let caller = Caller {
            created_by: "billing".to_owned(),
            once: None,
        };
        notifications::send(&self.desk, &caller, message(call)).await
    }

    async fn state(&self, answer: &Answer) -> Value {
        notifications::state(&self.desk, id(answer)).await.unwrap()
    }

    async fn recipients(&self, answer: &Answer) -> Vec<Value> {
        let page = notifications::recipients(&self.desk, id(answer), None, 100)
            .await
            .unwrap();
        page["recipients"].as_array().unwrap().clone()
    }

    /// Makes items of everybody who waits for one, as a node would.
    async fn spread(&self) -> usize {
        let mut spread = 0;
        loop {
            let batch = self
                .desk
                .store
                .expand_notifications(&self.desk.clock, &self.desk.phone_number_id, Origin::Live)
                .await
                .unwrap();
            spread += batch;
            if batch == 0 {
                return spread;
            }
        }
    }

    /// As if WhatsApp had taken everything that is queued.
    async fn everything_is_sent(&self) {
        self.run(
            "UPDATE outbox SET state = 'sent', sending_at = puisano_now(), finished_at = puisano_now(),
                    wamid = 'wamid.' || id
             WHERE state = 'pending'",
        )
        .await;
        self.run("UPDATE messages SET status = 'sent', status_rank = 1, wamid = 'wamid.' || id WHERE author = 'system' AND status = 'queued'")
            .await;
    }

    async fn run(&self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&self.road.database.pool)
            .await
            .unwrap();
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        self.road.database.texts(sql).await
    }

    async fn number(&self, sql: &'static str) -> i64 {
        self.road.database.number(sql).await
    }
}

fn id(answer: &Answer) -> NotificationId {
    assert_eq!(answer.status, 202);
    NotificationId(answer.body["id"].as_str().unwrap().parse().unwrap())
}

fn reminder_to(to: &str) -> NoticeRequest {
    let call: PaymentReminder = serde_json::from_value(json!({
        "to": to, "name": "Palesa", "account": "10012345", "amount": "1250.50", "due_date": "2026-12-07",
    }))
    .unwrap();
    NoticeRequest::try_from(&call).unwrap()
}

fn confirmation_to(to: &str) -> NoticeRequest {
    let call: PaymentConfirmation = serde_json::from_value(json!({
        "to": to, "name": "Palesa", "amount": "1250.50", "account": "10012345", "payment_date": "2026-12-01",
        "receipt": "R-1",
    }))
    .unwrap();
    NoticeRequest::try_from(&call).unwrap()
}

fn interruption(changes: Value) -> NoticeRequest {
    let mut call = json!({
        "area": "Zastron", "service": "Water", "start": "2026-12-07T06:00:00Z", "end": "2026-12-07T16:00:00+02:00",
        "reason": "repairs",
    });
    let Value::Object(changes) = changes else {
        panic!("an object")
    };
    for (field, value) in changes {
        call[field] = value;
    }
    let call: ServiceInterruption = serde_json::from_value(call).unwrap();
    NoticeRequest::try_from(&call).unwrap()
}

fn message(call: Value) -> SendRequest {
    let call: SendCall = serde_json::from_value(call).unwrap();
    SendRequest::try_from(&call).unwrap()
}

fn once(key: &str, request: u8) -> Once {
    Once {
        api_key: ApiKeyId(Uuid::nil()),
        key: key.to_owned(),
        request_hash: [request; 32],
    }
}

fn fields_of(refused: Refused) -> Vec<String> {
    match refused {
        Refused::Fields(problems) => problems.into_iter().map(|problem| problem.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reminder_becomes_contact_conversation_item_and_message() {
    let office = Office::new().await;
    let answer = office.accept(reminder_to(PALESA)).await;
    assert_eq!(answer.body["state"], "accepted");
    assert_eq!(
        office
            .texts("SELECT concat_ws(' ', class, category, on_unknown, template, account, state, critical) FROM outbox")
            .await,
        ["notification account hold payment_reminder 10012345 pending f"]
    );
    assert_eq!(
        office
            .texts("SELECT content FROM messages WHERE author = 'system'")
            .await,
        [
            "Hello Palesa, this is a reminder that your account 10012345 has an outstanding balance of R1 250.50 due on 7 December 2026. Please make payment to avoid service interruption."
        ]
    );
    // Every language is there, so that the one that is approved can go.
    assert_eq!(
        office
            .texts("SELECT f ->> 'language' FROM outbox, jsonb_array_elements(content -> 'fillings') AS f")
            .await,
        ["en", "st", "af", "xh"]
    );
    let state = office.state(&answer).await;
    assert_eq!(
        (&state["state"], &state["recipients"]),
        (&json!("accepted"), &json!(1))
    );
    assert_eq!(state["counts"]["queued"], 1);
    office.everything_is_sent().await;
    let state = office.state(&answer).await;
    assert_eq!(
        (&state["state"], &state["counts"]["sent"]),
        (&json!("finished"), &json!(1))
    );
    let recipients = office.recipients(&answer).await;
    assert_eq!(
        (&recipients[0]["to"], &recipients[0]["outcome"]),
        (&json!(PALESA), &json!("sent"))
    );
    // The person is the same one next time, and when they write.
    office.accept(reminder_to(PALESA)).await;
    office.road.says(PALESA, &["hello"]).await;
    assert_eq!(office.number("SELECT count(*) FROM contacts").await, 1);
    assert_eq!(office.number("SELECT count(*) FROM conversations").await, 1);
}

#[tokio::test]
async fn a_repetition_is_flagged_for_a_day() {
    let office = Office::new().await;
    let first = office.accept(reminder_to(PALESA)).await;
    assert!(first.body["repeat_of"].is_null());
    let second = office.accept(reminder_to(PALESA)).await;
    assert_eq!(second.body["repeat_of"], first.body["id"]);
    let other = office.accept(reminder_to(THABO)).await;
    assert!(other.body["repeat_of"].is_null());
    office.road.advance(25 * 3_600).await;
    let next_day = office.accept(reminder_to(PALESA)).await;
    assert!(next_day.body["repeat_of"].is_null());
    assert_eq!(office.number("SELECT count(*) FROM outbox").await, 4);
}

#[tokio::test]
async fn a_key_makes_one_notification_however_many_ask() {
    let office = Office::new().await;
    let asked = (0..8).map(|_| office.ask(Some(once("k", 1)), reminder_to(PALESA)));
    let answers = futures_util::future::join_all(asked).await;
    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first);
    }
    assert_eq!(office.number("SELECT count(*) FROM notifications").await, 1);
    assert_eq!(office.number("SELECT count(*) FROM outbox").await, 1);
    let other = office.ask(Some(once("k", 2)), reminder_to(THABO)).await;
    assert!(matches!(other, Err(Refused::Conflict)));
    assert_eq!(office.number("SELECT count(*) FROM contacts").await, 1);
}

#[tokio::test]
async fn the_language_is_asked_for_spoken_or_the_accounts() {
    let office = Office::new().await;
    let language = |request: NoticeRequest| async {
        office.accept(request).await;
        let found = office
            .texts("SELECT content -> 'fillings' -> 0 ->> 'language' FROM outbox ORDER BY id DESC LIMIT 1")
            .await;
        found[0].clone()
    };
    assert_eq!(language(reminder_to(PALESA)).await, "en");
    office
        .run("INSERT INTO accounts (id, number, language, created_at, updated_at) VALUES (gen_random_uuid(), '10012345', 'af', now(), now())")
        .await;
    assert_eq!(language(reminder_to(PALESA)).await, "af");
    office.run("UPDATE conversations SET language = 'xh'").await;
    assert_eq!(language(reminder_to(PALESA)).await, "xh");
    office.run("UPDATE contacts SET language = 'st'").await;
    assert_eq!(language(reminder_to(PALESA)).await, "st");
    let mut request = reminder_to(PALESA);
    request.language = puisano_engine::Language::parse("en");
    assert_eq!(language(request.clone()).await, "en");
    request.language = puisano_engine::Language::parse("zu");
    let refused = office.ask(None, request).await.unwrap_err();
    assert_eq!(fields_of(refused), ["language"]);
}

#[tokio::test]
async fn who_said_no_is_skipped_with_the_reason() {
    let office = Office::new().await;
    office.accept(reminder_to(PALESA)).await;
    office
        .run("UPDATE contacts SET denied = ARRAY['account']")
        .await;
    let answer = office.accept(reminder_to(PALESA)).await;
    assert_eq!(answer.body["state"], "finished");
    let state = office.state(&answer).await;
    assert_eq!(
        (&state["counts"]["skipped"], &state["skipped"]["opted_out"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(office.recipients(&answer).await[0]["reason"], "opted_out");
    assert_eq!(office.number("SELECT count(*) FROM outbox").await, 1);
    // Service goes on.
    let answer = office.accept(interruption(json!({ "to": PALESA }))).await;
    assert_eq!(office.state(&answer).await["counts"]["queued"], 1);
    office.run("DELETE FROM contact_identifiers").await;
    let contact = office.texts("SELECT id::text FROM contacts").await;
    let answer = office
        .accept(interruption(json!({ "to": contact[0] })))
        .await;
    assert_eq!(office.recipients(&answer).await[0]["reason"], "no_address");
}

#[tokio::test]
async fn bad_requests_leave_nothing() {
    let office = Office::new().await;
    let nobody = Address::Contact(ContactId(Uuid::nil()));
    let mut unknown = reminder_to(PALESA);
    unknown.to = puisano::outbound::notifications::Audience::Person(nobody);
    assert_eq!(
        fields_of(office.ask(None, unknown).await.unwrap_err()),
        ["to"]
    );
    let mut expired = reminder_to(PALESA);
    expired.expires_at = Some(office.road.now());
    expired.send_at = Some(office.road.now() + SignedDuration::from_hours(24 * 60));
    assert_eq!(
        fields_of(office.ask(None, expired).await.unwrap_err()),
        ["send_at", "expires_at"]
    );
    let mut long = reminder_to(PALESA);
    long.fields
        .insert("balance".to_owned(), "R1.234,50".to_owned());
    long.fields
        .insert("due".to_owned(), "2026-02-30".to_owned());
    let mut wrong = fields_of(office.ask(None, long).await.unwrap_err());
    wrong.sort();
    assert_eq!(wrong, ["amount", "due_date"]);
    let mut missing = reminder_to(PALESA);
    missing.template = "no_such_template".to_owned();
    assert!(matches!(
        office.ask(None, missing).await,
        Err(Refused::NotFound(_))
    ));
    let nowhere = interruption(json!({ "area": "Atlantis" }));
    assert_eq!(
        fields_of(office.ask(None, nowhere).await.unwrap_err()),
        ["area"]
    );
    let homeless = interruption(json!({ "area": null, "to": PALESA }));
    assert_eq!(
        fields_of(office.ask(None, homeless).await.unwrap_err()),
        ["area"]
    );
    for table in [
        "SELECT count(*) FROM notifications",
        "SELECT count(*) FROM contacts",
        "SELECT count(*) FROM outbox",
    ] {
        assert_eq!(office.number(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_confirmation_takes_back_the_accounts_reminders() {
    let office = Office::new().await;
    let mut later = reminder_to(PALESA);
    later.send_at = Some(office.road.now() + SignedDuration::from_hours(5));
    let own = office.accept(later).await;
    let partner = office.accept(reminder_to(THABO)).await;
    let mut other = reminder_to(PALESA);
    other.account = Some("99".to_owned());
    let other = office.accept(other).await;
    let mut keeping = confirmation_to(PALESA);
    keeping.keep_reminders = true;
    office.accept(keeping).await;
    assert_eq!(office.state(&own).await["counts"]["waiting"], 1);
    let confirmation = office.accept(confirmation_to(PALESA)).await;
    for reminder in [&own, &partner] {
        let state = office.state(reminder).await;
        assert_eq!(
            (&state["state"], &state["counts"]["cancelled"]),
            (&json!("finished"), &json!(1))
        );
        let recipients = office.recipients(reminder).await;
        assert_eq!(recipients[0]["outcome"], "cancelled");
        assert!(
            recipients[0]["explanation"]
                .as_str()
                .unwrap()
                .contains("pointless")
        );
    }
    assert_eq!(office.state(&other).await["counts"]["queued"], 1);
    assert_eq!(office.state(&confirmation).await["counts"]["queued"], 1);
    assert_eq!(
        office
            .number("SELECT count(*) FROM messages WHERE status = 'cancelled'")
            .await,
        2
    );
}

/// Zastron with Matlakeng below it, 1,200 people in it, 30 of them by account only, and others elsewhere.
async fn town(office: &Office) {
    office
        .run("INSERT INTO areas (key, name, aliases, updated_at) VALUES
                  ('zastron', 'Zastron', '{zas town}', now()), ('rouxville', 'Rouxville', '{}', now())
              ON CONFLICT DO NOTHING")
        .await;
    office
        .run("INSERT INTO areas (key, name, parent, updated_at) VALUES ('matlakeng', 'Matlakeng', 'zastron', now())
              ON CONFLICT (key) DO UPDATE SET parent = excluded.parent")
        .await;
    office
        .run("INSERT INTO contacts (id, origin, area, language, created_at)
              SELECT md5(n::text)::uuid, 'live',
                     CASE WHEN n <= 600 THEN 'zastron' WHEN n <= 1170 THEN 'matlakeng' WHEN n > 1200 THEN 'rouxville' END,
                     CASE WHEN n % 2 = 0 THEN 'st' END, now()
              FROM generate_series(1, 1300) AS n")
        .await;
    office
        .run("INSERT INTO contact_identifiers (kind, value, contact_id, linked_at)
              SELECT 'phone', '+2761' || lpad(n::text, 7, '0'), md5(n::text)::uuid, now() FROM generate_series(1, 1300) AS n")
        .await;
    // Some are in the area and hold an account there too; one account is not active any more.
    office
        .run("INSERT INTO accounts (id, number, area, active, created_at, updated_at)
              SELECT md5('a' || n)::uuid, n::text, 'matlakeng', n <> 1300, now(), now() FROM generate_series(1151, 1300) AS n
              WHERE n <= 1200 OR n = 1300")
        .await;
    office
        .run(
            "INSERT INTO account_contacts (account_id, contact_id, role, linked_at)
              SELECT a.id, md5(a.number)::uuid, 'owner', now() FROM accounts a",
        )
        .await;
    office
        .run("UPDATE contacts SET denied = ARRAY['service'] WHERE id IN (md5('7')::uuid, md5('8')::uuid)")
        .await;
}

#[tokio::test]
async fn a_notice_to_an_area_reaches_everybody_in_it_and_below_once() {
    let office = Office::new().await;
    town(&office).await;
    let answer = office
        .accept(interruption(json!({ "area": " ZAS  town " })))
        .await;
    let state = office.state(&answer).await;
    assert_eq!(
        (&state["recipients"], &state["counts"]["waiting"]),
        (&json!(1_200), &json!(1_198))
    );
    assert_eq!(state["skipped"]["opted_out"], 2);
    // Who moves there now is not told: the list is frozen.
    office
        .run("UPDATE contacts SET area = 'zastron' WHERE area = 'rouxville'")
        .await;
    // Two nodes at once, and one of them dies in the middle of a batch.
    let mut dying = office.road.database.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM notification_recipients WHERE outbox_id IS NULL AND skipped IS NULL ORDER BY contact_id LIMIT 300 FOR UPDATE")
        .execute(&mut *dying)
        .await
        .unwrap();
    let (one, two) = tokio::join!(office.spread(), office.spread());
    assert_eq!(one + two, 898);
    dying.rollback().await.unwrap();
    assert_eq!(office.spread().await, 300);
    assert_eq!(office.number("SELECT count(*) FROM outbox").await, 1_198);
    assert_eq!(
        office
            .number("SELECT count(DISTINCT contact_id) FROM outbox")
            .await,
        1_198
    );
    assert_eq!(
        office
            .texts("SELECT DISTINCT concat_ws(' ', class, category, on_unknown) FROM outbox")
            .await,
        ["bulk service resend"]
    );
    assert_eq!(
        office
            .texts("SELECT content -> 'fillings' -> 0 ->> 'language' || ' ' || count(*) FROM outbox GROUP BY content -> 'fillings' -> 0 ->> 'language' ORDER BY 1")
            .await,
        ["en 599", "st 599"]
    );
    let text = office
        .texts("SELECT content FROM messages WHERE content LIKE 'NOTICE%' LIMIT 1")
        .await;
    assert!(
        text[0].contains("Water service in Zastron area"),
        "{}",
        text[0]
    );
    assert_eq!(office.state(&answer).await["counts"]["queued"], 1_198);
    // Pages of recipients join without gaps.
    let (mut seen, mut after) = (0, None);
    loop {
        let page = notifications::recipients(&office.desk, id(&answer), after, 500)
            .await
            .unwrap();
        seen += page["recipients"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => after = Some(ContactId(next.parse().unwrap())),
            None => break,
        }
    }
    assert_eq!(seen, 1_200);
}

#[tokio::test]
async fn stopping_takes_back_all_that_is_not_sent() {
    let office = Office::new().await;
    town(&office).await;
    let answer = office.accept(interruption(json!({}))).await;
    office
        .desk
        .store
        .expand_notifications(
            &office.desk.clock,
            &office.desk.phone_number_id,
            Origin::Live,
        )
        .await
        .unwrap();
    office
        .run("UPDATE outbox SET state = 'sent', finished_at = now() WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT 10)")
        .await;
    for _ in 0..2 {
        let state = notifications::stop(&office.desk, id(&answer))
            .await
            .unwrap();
        assert_eq!(state["state"], "stopped");
        assert_eq!(
            (&state["counts"]["sent"], &state["counts"]["cancelled"]),
            (&json!(10), &json!(1_188))
        );
    }
    assert_eq!(office.spread().await, 0);
    assert_eq!(
        office
            .number("SELECT count(*) FROM outbox WHERE state = 'pending'")
            .await,
        0
    );
    let unknown = NotificationId(Uuid::nil());
    assert!(matches!(
        notifications::stop(&office.desk, unknown).await,
        Err(Refused::NotFound(_))
    ));
    // What is asked for later stands first in the list.
    let newer = office.accept(reminder_to(PALESA)).await;
    let page = notifications::list(&office.desk, None, 1).await.unwrap();
    assert_eq!(page["notifications"][0]["id"], newer.body["id"]);
    let next = NotificationId(page["next"].as_str().unwrap().parse().unwrap());
    let page = notifications::list(&office.desk, Some(next), 1)
        .await
        .unwrap();
    assert_eq!(page["notifications"][0]["id"], answer.body["id"]);
}

#[tokio::test]
async fn stopping_and_spreading_at_once_leaves_nothing_to_send() {
    let office = Office::new().await;
    town(&office).await;
    let answer = office.accept(interruption(json!({}))).await;
    let (_, stopped, _) = tokio::join!(
        office.spread(),
        notifications::stop(&office.desk, id(&answer)),
        office.spread()
    );
    stopped.unwrap();
    office.spread().await;
    assert_eq!(
        office
            .number("SELECT count(*) FROM outbox WHERE state = 'pending'")
            .await,
        0
    );
    let state = office.state(&answer).await;
    assert_eq!(state["counts"]["cancelled"], 1_198);
}

#[tokio::test]
async fn an_answer_knows_the_notification_it_is_about() {
    let office = Office::new().await;
    office.accept(reminder_to(PALESA)).await;
    office.road.says(PALESA, &["before it was sent"]).await;
    let notification = || async {
        let due = office.road.due().await;
        let found = due[0].messages.last().unwrap().notification.clone();
        office
            .road
            .database
            .store
            .release_turns(&[due[0].claim], 0.0)
            .await
            .unwrap();
        found
    };
    assert!(notification().await.is_none());
    office.everything_is_sent().await;
    office.road.advance(60).await;
    office.road.says(PALESA, &["I have already paid"]).await;
    let found = notification().await.unwrap();
    assert_eq!(
        (found.template.as_str(), found.fields["balance"].as_str()),
        ("payment_reminder", "1250.50")
    );
    // A later one is the one that is meant, unless the earlier one is quoted.
    office.accept(confirmation_to(PALESA)).await;
    office.everything_is_sent().await;
    office.road.advance(60).await;
    office.road.says(PALESA, &["what is this"]).await;
    assert_eq!(
        notification().await.unwrap().template,
        "payment_confirmation"
    );
    office
        .run(
            "UPDATE messages m SET reply_to = o.wamid FROM outbox o
              WHERE o.template = 'payment_reminder' AND m.content = 'what is this'",
        )
        .await;
    assert_eq!(notification().await.unwrap().template, "payment_reminder");
    // After three days it is not an answer any more.
    office.road.advance(73 * 3_600).await;
    office.road.says(PALESA, &["hello"]).await;
    assert!(notification().await.is_none());
    let worker = Worker::new(
        office.desk.store.clone(),
        office.desk.rules.clone(),
        office.desk.clock.clone(),
    );
    assert_eq!(worker.round().await.unwrap(), 1);
}

#[tokio::test]
async fn an_answer_to_a_reminder_is_understood() {
    let office = Office::new().await;
    office.accept(reminder_to(PALESA)).await;
    office.everything_is_sent().await;
    let mut next = reminder_to(PALESA);
    next.send_at = Some(office.road.now() + SignedDuration::from_hours(24));
    let next = office.accept(next).await;
    office.road.advance(60).await;
    office.road.says(PALESA, &["I have already paid"]).await;
    let worker = Worker::new(
        office.desk.store.clone(),
        office.desk.rules.clone(),
        office.desk.clock.clone(),
    );
    assert_eq!(worker.round().await.unwrap(), 1);
    let replies = office
        .texts("SELECT content FROM messages WHERE author = 'bot' ORDER BY id")
        .await;
    assert!(replies[0].contains("payment"), "{replies:?}");
    assert_eq!(office.state(&next).await["counts"]["cancelled"], 1);
}

#[tokio::test]
async fn any_message_is_queued_and_its_fate_told() {
    let office = Office::new().await;
    office.road.exchange_words(PALESA, &["Hello!"]).await;
    let answer = office
        .send(json!({ "to": PALESA, "text": "Your pipe is fixed." }))
        .await
        .unwrap();
    let id = answer.body["id"].as_str().unwrap().to_owned();
    let told = notifications::message(&office.desk, &id).await.unwrap();
    assert_eq!(
        (&told["status"], &told["explanation"]),
        (&json!("queued"), &json!("It waits to be sent."))
    );
    office.everything_is_sent().await;
    let told = notifications::message(&office.desk, &id).await.unwrap();
    assert_eq!(told["status"], "sent");
    // The customer's own message can be quoted, by either id; somebody else's cannot.
    let theirs = office
        .texts("SELECT wamid FROM messages WHERE direction = 'inbound'")
        .await;
    let quoting = json!({ "to": PALESA, "text": "This one.", "reply_to": theirs[0] });
    office.send(quoting).await.unwrap();
    assert_eq!(
        office
            .texts("SELECT reply_to FROM outbox WHERE author = 'system' AND state = 'pending'")
            .await,
        theirs
    );
    let reaction = json!({ "to": PALESA, "reaction": { "message_id": theirs[0], "emoji": "👍" } });
    office.send(reaction).await.unwrap();
    let strange = json!({ "to": THABO, "text": "This one.", "reply_to": theirs[0] });
    assert_eq!(
        fields_of(office.send(strange).await.unwrap_err()),
        ["reply_to"]
    );
    assert_eq!(office.number("SELECT count(*) FROM contacts").await, 1);
    assert!(matches!(
        notifications::message(&office.desk, "wamid.none").await,
        Err(Refused::NotFound(_))
    ));
}

#[tokio::test]
async fn a_template_is_sent_by_our_name_or_whatsapps() {
    let office = Office::new().await;
    approve_all(&office).await;
    let ours = json!({ "to": PALESA, "template": "payment_reminder", "language": "st", "parameters": ["Palesa", "1", "5.00", "2026-12-07"] });
    let answer = office.send(ours).await.unwrap();
    let told = notifications::message(&office.desk, answer.body["id"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(told["notification"], answer.body["notification"]);
    // Values that are printed already go as they are.
    let printed = json!({ "to": PALESA, "template": "payment_reminder", "language": "en", "parameters": ["Palesa", "1", "5", "Friday"] });
    office.send(printed).await.unwrap();
    assert_eq!(
        office
            .texts("SELECT content ->> 'type' FROM outbox ORDER BY id")
            .await,
        ["notice", "template"]
    );
    let missing = json!({ "to": PALESA, "template": "nothing", "parameters": [] });
    assert_eq!(
        fields_of(office.send(missing).await.unwrap_err()),
        ["template"]
    );
    let short = json!({ "to": PALESA, "template": "payment_reminder", "language": "en", "parameters": ["Palesa"] });
    assert_eq!(
        fields_of(office.send(short).await.unwrap_err()),
        ["parameters"]
    );
}

/// WhatsApp has the five templates in English.
async fn approve_all(office: &Office) {
    let live = office.desk.rules.current();
    let stored: Vec<StoredTemplate> = live
        .ruleset
        .templates()
        .iter()
        .map(|template| StoredTemplate {
            name: template.name().to_owned(),
            language: "en".to_owned(),
            meta_id: template.name().to_owned(),
            status: "APPROVED".to_owned(),
            category: "UTILITY".to_owned(),
            quality: None,
            rejected_reason: None,
            is_named: false,
            components: json!([{
                "type": "BODY",
                "text": template.layout(puisano_engine::Language::EN).unwrap().body.text,
            }]),
        })
        .collect();
    office
        .desk
        .store
        .replace_templates("1", &stored, office.road.now())
        .await
        .unwrap();
    templates::relink(&office.desk.store, &live, &office.desk.clock)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_five_texts_of_the_customer_are_linked_word_for_word() {
    let office = Office::new().await;
    let texts = [
        (
            "payment_reminder",
            "Hello {{1}}, this is a reminder that your account {{2}} has an outstanding balance of R{{3}} due on {{4}}. Please make payment to avoid service interruption.",
        ),
        (
            "statement_notification",
            "Hello {{1}}, your monthly statement for account {{2}} dated {{3}} is now available. You can view it here: {{4}}",
        ),
        (
            "payment_confirmation",
            "Hello {{1}}, we've received your payment of R{{2}} for account {{3}} on {{4}}. Your receipt number is {{5}}. Thank you!",
        ),
        (
            "query_response",
            "Hello {{1}}, we've responded to your query (Ref: {{2}}). Please check your customer portal or email for details.",
        ),
        (
            "service_interruption",
            "NOTICE: {{1}} service in {{2}} area will be interrupted from {{3}} to {{4}} due to {{5}}. We apologize for any inconvenience.",
        ),
    ];
    let remotes: Vec<Remote> = texts
        .iter()
        .map(|(name, body)| {
            Remote::of(StoredTemplate {
                name: (*name).to_owned(),
                language: "en".to_owned(),
                meta_id: String::new(),
                status: "APPROVED".to_owned(),
                category: "UTILITY".to_owned(),
                quality: None,
                rejected_reason: None,
                is_named: false,
                components: json!([{ "type": "BODY", "text": body }]),
            })
        })
        .collect();
    let live = office.desk.rules.current();
    let links = templates::links(live.ruleset.templates(), &remotes);
    let english: Vec<String> = links
        .iter()
        .filter(|link| link.language == "en")
        .map(|link| format!("{} {}", link.template, link.state.name()))
        .collect();
    let expected: Vec<String> = texts
        .iter()
        .map(|(name, _)| format!("{name} approved"))
        .collect();
    assert_eq!(english, expected);
    assert!(
        links
            .iter()
            .filter(|link| link.language != "en")
            .all(|link| link.state.name() == "missing")
    );
}

#[tokio::test]
async fn news_of_a_template_changes_how_it_stands() {
    let office = Office::new().await;
    approve_all(&office).await;
    let state = || async {
        let links = office.desk.store.template_links().await.unwrap();
        let link = links
            .into_iter()
            .find(|link| link.template == "payment_reminder" && link.language == "en");
        link.unwrap().state.name()
    };
    assert_eq!(state().await, "approved");
    office
        .run("INSERT INTO account_events (id, envelope_id, received_at, field, raw) VALUES
                  (gen_random_uuid(), gen_random_uuid(), now(), 'message_template_status_update',
                   '{\"changes\": [{\"value\": {\"event\": \"PAUSED\", \"message_template_id\": 1,
                     \"message_template_name\": \"payment_reminder\", \"message_template_language\": \"en\"}}]}')")
        .await;
    let (store, clock) = (&office.desk.store, &office.desk.clock);
    assert_eq!(
        templates::updates::apply(store, clock, &office.desk.phone_number_id)
            .await
            .unwrap(),
        templates::updates::Update::Known
    );
    assert_eq!(
        templates::updates::apply(store, clock, &office.desk.phone_number_id)
            .await
            .unwrap(),
        templates::updates::Update::Nothing
    );
    templates::relink(store, &office.desk.rules.current(), clock)
        .await
        .unwrap();
    assert_eq!(state().await, "paused");
    let change = TemplateChange::Quality("RED".to_owned());
    assert!(
        !store
            .change_template(("unknown", "en"), &change)
            .await
            .unwrap()
    );
    let phone = PhoneNumber::parse(PALESA).unwrap();
    assert!(store.messages_of(&phone).await.unwrap().is_empty());
}
