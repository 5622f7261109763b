//! Templates from submission to tap, as the service sees them.

use puisano_engine::{ButtonValue, Category, Language, Layout, LayoutButton, LayoutText};

use super::*;
use crate::channels::whatsapp::{
    CallFailure, MetaTemplate, TemplateDraft, TemplateTexts, template_parameters,
};
use crate::model::{
    AccountUpdate, DailyLimit, MarketingWish, TemplateButton, TemplateMessage, TemplateParameter,
};

fn template(name: &str, values: &[&str]) -> OutgoingContent {
    OutgoingContent::Template(TemplateMessage {
        name: name.to_owned(),
        language: "en".to_owned(),
        header: None,
        body: values
            .iter()
            .map(|text| TemplateParameter {
                name: None,
                text: (*text).to_owned(),
            })
            .collect(),
        buttons: Vec::new(),
        text: String::new(),
    })
}

fn query_response() -> OutgoingContent {
    template("query_response", &["Palesa", "Q-1182"])
}

fn layout(text: &str, samples: &[&str]) -> Layout {
    Layout {
        language: Language::ST,
        header: None,
        body: LayoutText {
            text: text.to_owned(),
            samples: samples.iter().map(|sample| (*sample).to_owned()).collect(),
        },
        footer: None,
        buttons: vec![LayoutButton::QuickReply {
            text: "I have paid".to_owned(),
        }],
    }
}

fn draft<'a>(name: &'a str, layout: &'a Layout) -> TemplateDraft<'a> {
    TemplateDraft {
        name,
        language: "en_ZA",
        category: Category::Utility,
        layout,
        header_media: None,
        ttl_s: Some(43_200),
    }
}

impl World {
    async fn templates(&self) -> Vec<MetaTemplate> {
        let account = &self.simulator.business_account_id;
        self.client().all_templates(account).await.unwrap()
    }

    async fn submit(&self, draft: &TemplateDraft<'_>) -> Result<String, CallFailure> {
        let account = &self.simulator.business_account_id;
        let submitted = self.client().create_template(account, draft).await?;
        Ok(submitted.id)
    }

    async fn status(&self, name: &str) -> String {
        let templates = self.templates().await;
        let template = templates.into_iter().find(|template| template.name == name);
        template.map_or("none".to_owned(), |template| template.status)
    }

    async fn news(&self, count: usize) -> Vec<AccountUpdate> {
        let news = |service: &Service| -> Vec<AccountUpdate> {
            let update = |event| match event {
                Event::Account(account) => account.update,
                _ => None,
            };
            service.events().into_iter().filter_map(update).collect()
        };
        self.service
            .wait("the news", |service| news(service).len() >= count)
            .await;
        news(&self.service)
    }
}

/// Submits a template to a simulator of another process; returns its id.
pub(super) async fn submit_to(account: &Account, round: i32) -> String {
    let layout = layout("We are closed today.", &[]);
    let name = format!("closed_{round}");
    let client = client_of(account);
    let draft = draft(&name, &layout);
    let submitted = client.create_template(&account.business_account_id, &draft);
    submitted.await.unwrap().id
}

#[tokio::test]
async fn a_fresh_world_has_the_customers_five() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let listed: Vec<_> = world
        .templates()
        .await
        .into_iter()
        .map(|template| {
            assert!(template.language == "en" && !template.is_named);
            let body = TemplateTexts::read(&template.components).body;
            let count = template_parameters(&body).len();
            format!(
                "{} {} {} {count}",
                template.name, template.status, template.category
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            "payment_reminder APPROVED UTILITY 4",
            "statement_notification APPROVED UTILITY 4",
            "payment_confirmation APPROVED UTILITY 5",
            "query_response APPROVED UTILITY 2",
            "service_interruption APPROVED UTILITY 5",
        ]
    );
}

#[tokio::test]
async fn a_template_reaches_who_never_wrote_and_reads_filled_in() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    accepted(world.send(query_response()).await);
    let view = world.get(&format!("conversations/{PALESA}")).await;
    let shown = &view["messages"][0];
    assert_eq!(
        shown["text"],
        "Hello Palesa, we've responded to your query (Ref: Q-1182). Please check your customer portal or email for details."
    );
    assert_eq!(
        (&shown["type"], &shown["template"]),
        (&json!("template"), &json!("query_response"))
    );
    assert_eq!(
        line(&world.send(text("x")).await),
        "rejected 131047",
        "no window"
    );
    world
        .service
        .wait("delivered", |service| {
            service
                .statuses()
                .iter()
                .any(|status| status.status == DeliveryStatus::Delivered)
        })
        .await;
    let statuses = world.service.statuses();
    assert_eq!(statuses[0].raw["pricing"]["category"], "utility");
}

#[tokio::test]
async fn parameters_are_held_against_what_was_approved() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    for (content, expected) in [
        (template("query_response", &["Palesa"]), "rejected 132000"),
        (
            template("query_respons", &["Palesa", "Q"]),
            "rejected 132001",
        ),
        (
            template("query_response", &["Palesa", &"Q".repeat(1_000)]),
            "rejected 132005",
        ),
        (
            template("query_response", &["Palesa", "Q\n1"]),
            "rejected 132018",
        ),
        (
            template("query_response", &["Palesa", "Q     1"]),
            "rejected 132018",
        ),
        (
            template("query_response", &["Palesa", ""]),
            "rejected 131008",
        ),
        (
            template("query_response", &["Palesa", "Q    1"]),
            "accepted",
        ),
    ] {
        assert_eq!(
            line(&world.send(content.clone()).await),
            expected,
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn a_submission_is_reviewed_after_a_moment_and_its_button_can_be_tapped() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let layout = layout(
        "Dumela {{1}}, lefa pele ho {{2}} hle.",
        &["Palesa", "7 December"],
    );
    world.post("limits", json!({ "review_ms": 60_000 })).await;
    let id = world
        .submit(&draft("payment_reminder_st", &layout))
        .await
        .unwrap();
    assert_eq!(world.status("payment_reminder_st").await, "PENDING");
    let send = |value| {
        let OutgoingContent::Template(message) =
            template("payment_reminder_st", &["Palesa", "Labone"])
        else {
            panic!()
        };
        OutgoingContent::Template(TemplateMessage {
            language: "en_ZA".to_owned(),
            buttons: vec![TemplateButton { index: 0, value }],
            ..message
        })
    };
    let payload = || ButtonValue::Payload("paid:1044321".to_owned());
    assert_eq!(line(&world.send(send(payload())).await), "rejected 132001");
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.status("payment_reminder_st").await, "APPROVED");
    let news = world.news(1).await;
    assert!(
        matches!(&news[0], AccountUpdate::TemplateStatus { template, status, reason: None }
            if template.meta_id == id && template.language == "en_ZA" && status == "APPROVED"),
        "{news:?}"
    );
    let wamid = accepted(world.send(send(payload())).await);
    let view = world.get(&format!("conversations/{PALESA}")).await;
    let shown = &view["messages"][0];
    assert_eq!(shown["text"], "Dumela Palesa, lefa pele ho Labone hle.");
    assert_eq!(
        shown["buttons"],
        json!([{ "type": "quick_reply", "id": "paid:1044321", "title": "I have paid" }])
    );
    for chosen in ["paid:1044321", "I have paid"] {
        world
            .post("messages", json!({ "from": PALESA, "tap": chosen }))
            .await;
    }
    world
        .service
        .wait("the taps", |service| service.messages().len() == 2)
        .await;
    for message in world.service.messages() {
        assert_eq!(message.content.message_type, MessageType::Button);
        assert_eq!(message.content.button.as_deref(), Some("paid:1044321"));
        assert_eq!(message.content.text, "I have paid");
        assert_eq!(message.reply_to.as_ref(), Some(&wamid));
    }
    assert_eq!(
        line(&world.send(text("x")).await),
        "accepted",
        "a tap opens the window"
    );
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused_with_its_subcode() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let fine = layout("We are closed today.", &[]);
    let ends = layout("It is off in {{1}}", &["Zastron"]);
    let bare = layout("It is off in {{1}} today.", &[]);
    for (name, language, layout, expected) in [
        ("closed", "en_ZA", &ends, 2_388_299),
        ("closed", "en_ZA", &bare, 2_388_072),
        ("Closed", "en_ZA", &fine, 100),
        ("closed", "st", &fine, 100),
        ("query_response", "en", &fine, 2_388_024),
    ] {
        let draft = TemplateDraft {
            language,
            ..draft(name, layout)
        };
        let failure = world.submit(&draft).await.unwrap_err();
        assert_eq!(failure.code, Some(expected), "{name} {language}");
        assert!(expected == 100 || failure.said.is_some());
    }
    assert_eq!(world.templates().await.len(), 5);
}

#[tokio::test]
async fn a_hundred_in_an_hour_and_pages_of_any_size() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let layout = layout("We are closed today.", &[]);
    for n in 0..100 {
        world
            .submit(&draft(&format!("closed_{n}"), &layout))
            .await
            .unwrap();
    }
    let failure = world
        .submit(&draft("closed_100", &layout))
        .await
        .unwrap_err();
    assert_eq!(failure.code, Some(80_007));
    let templates = world.templates().await;
    let names: std::collections::BTreeSet<_> = templates.iter().map(|t| t.name.clone()).collect();
    assert_eq!(
        (templates.len(), names.len()),
        (105, 105),
        "over two pages, none twice"
    );
    let list = |query: &str| {
        let url = format!(
            "{}/v24.0/{}/message_templates?{query}",
            world.simulator.api_url, world.simulator.business_account_id
        );
        let call = world
            .http
            .get(url)
            .bearer_auth(world.simulator.access_token.expose());
        async move {
            let bytes = call.send().await.unwrap().bytes().await.unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()
        }
    };
    let first = list("limit=2&fields=name&status=APPROVED").await;
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        first["data"][0].as_object().unwrap().len(),
        2,
        "name and id"
    );
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let second = list(&format!("limit=2&fields=name&after={after}")).await;
    assert_eq!(second["data"][0]["name"], "payment_confirmation");
    let before = second["paging"]["cursors"]["before"].as_str().unwrap();
    assert_eq!(
        list(&format!("limit=2&fields=name&before={before}")).await["data"],
        first["data"]
    );
    assert_eq!(
        list("name=query_response").await["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(
        list("name=query_response").await["paging"]
            .get("next")
            .is_none()
    );
    assert_eq!(list("category=MARKETING").await["data"], json!([]));
    for (query, code) in [
        ("after=00", 131_059),
        ("fields=name,shoe_size", 100),
        ("limit=0", 100),
    ] {
        assert_eq!(list(query).await["error"]["code"], code, "{query}");
    }
}

#[tokio::test]
async fn an_approved_template_is_changed_once_a_day() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let id = world.templates().await[0].id.clone();
    let changed = layout("Hello {{1}}, please pay soon.", &["Palesa"]);
    let client = world.client();
    let draft = draft("payment_reminder", &changed);
    client.edit_template(&id, &draft, true).await.unwrap();
    assert_eq!(
        line(&world.send(template("payment_reminder", &["Palesa"])).await),
        "accepted"
    );
    let failure = client.edit_template(&id, &draft, true).await.unwrap_err();
    assert_eq!(failure.code, Some(2_388_039));
    world.clock.advance(SignedDuration::from_hours(25));
    client.edit_template(&id, &draft, true).await.unwrap();
    world.clock.advance(SignedDuration::from_hours(25));
    let marketing = TemplateDraft {
        category: Category::Marketing,
        ttl_s: None,
        ..draft
    };
    let failure = client
        .edit_template(&id, &marketing, false)
        .await
        .unwrap_err();
    assert_eq!(
        failure.code,
        Some(2_388_039),
        "the category of an approved one is fixed"
    );
}

#[tokio::test]
async fn what_happens_behind_our_back_is_told_and_holds() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let path = "templates/query_response";
    for (action, expected) in [
        (
            json!({ "action": "pause", "reason": "Low quality" }),
            "not sent 132015",
        ),
        (json!({ "action": "approve" }), "accepted"),
        (
            json!({ "action": "reject", "reason": "ABUSIVE_CONTENT" }),
            "rejected 132001",
        ),
        (json!({ "action": "disable" }), "rejected 132016"),
        (json!({ "action": "approve" }), "accepted"),
        (json!({ "action": "quality", "to": "RED" }), "accepted"),
        (
            json!({ "action": "edit", "to": "Hello {{1}}." }),
            "rejected 132000",
        ),
        (
            json!({ "action": "category", "to": "MARKETING", "language": "en" }),
            "rejected 132000",
        ),
        (json!({ "action": "delete" }), "rejected 132001"),
    ] {
        world.post(path, action.clone()).await;
        assert_eq!(
            line(&world.send(query_response()).await),
            expected,
            "{action}"
        );
    }
    let news = world.news(9).await;
    let has =
        |wanted: &dyn Fn(&AccountUpdate) -> bool| assert!(news.iter().any(wanted), "{news:?}");
    for wanted in ["PAUSED", "APPROVED", "REJECTED", "DISABLED", "DELETED"] {
        has(
            &|update| matches!(update, AccountUpdate::TemplateStatus { status, .. } if status == wanted),
        );
    }
    has(
        &|update| matches!(update, AccountUpdate::TemplateQuality { quality, .. } if quality == "RED"),
    );
    has(
        &|update| matches!(update, AccountUpdate::TemplateCategory { category, .. } if category == "MARKETING"),
    );
    has(
        &|update| matches!(update, AccountUpdate::TemplateComponents { body, .. } if body == "Hello {{1}}."),
    );
    let (status, _) = world
        .control(
            reqwest::Method::POST,
            path,
            Some(json!({ "action": "pause" })),
        )
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_rejection_before_the_review_ends_is_the_last_word_even_over_a_restart() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let layout = layout("We are closed today.", &[]);
    world.post("limits", json!({ "review_ms": 60_000 })).await;
    world.submit(&draft("closed", &layout)).await.unwrap();
    world
        .post(
            "templates/closed",
            json!({ "action": "reject", "reason": "SCAM" }),
        )
        .await;
    world.submit(&draft("open", &layout)).await.unwrap();
    world.news(1).await;
    let service = world.stop().await;
    let world = World::restart(&folder, service).await;
    assert_eq!(world.status("closed").await, "REJECTED");
    assert_eq!(world.status("open").await, "PENDING");
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.status("closed").await, "REJECTED");
    assert_eq!(world.status("open").await, "APPROVED");
    let news = world.news(2).await;
    let lines: Vec<_> = news
        .iter()
        .map(|update| match update {
            AccountUpdate::TemplateStatus {
                template,
                status,
                reason,
            } => {
                format!("{} {status} {reason:?}", template.name)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        lines,
        ["closed REJECTED Some(\"SCAM\")", "open APPROVED None"]
    );
    world.all_delivered().await;
    assert_eq!(
        world.news(2).await.len(),
        2,
        "the withdrawn approval never comes"
    );
}

#[tokio::test]
async fn a_deleted_name_is_free_again_after_30_days() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let delete = |query: &'static str| {
        let url = format!(
            "{}/v24.0/{}/message_templates?{query}",
            world.simulator.api_url, world.simulator.business_account_id
        );
        let call = world
            .http
            .delete(url)
            .bearer_auth(world.simulator.access_token.expose());
        async move { call.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(delete("name=query_response").await, 200);
    assert_eq!(delete("name=query_response").await, 400);
    assert_eq!(delete("name=payment_reminder&hsm_id=1").await, 400);
    assert_eq!(line(&world.send(query_response()).await), "rejected 132001");
    let layout = layout("We are closed today.", &[]);
    let again = TemplateDraft {
        language: "en",
        ..draft("query_response", &layout)
    };
    assert_eq!(
        world.submit(&again).await.unwrap_err().code,
        Some(2_388_023)
    );
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    assert!(world.submit(&again).await.is_ok());
}

#[tokio::test]
async fn a_full_tier_and_a_closed_window_are_told_as_wished() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.post("limits", json!({ "tier": 1 })).await;
    let news = world.news(1).await;
    let limit = DailyLimit::Recipients(250);
    assert_eq!(
        news[0],
        AccountUpdate::NumberTier {
            number: None,
            limit
        }
    );
    let info = world
        .client()
        .number_info(&world.simulator.phone_number_id)
        .await
        .unwrap();
    assert_eq!((info.limit, info.per_second), (Some(limit), Some(80)));
    let to = |phone: &str, content| Outgoing {
        to: Recipient::Phone(PhoneNumber::parse(phone).unwrap()),
        ..world.outgoing(content)
    };
    let client = world.client();
    let send = |outgoing: Outgoing| {
        let client = client.clone();
        async move { line(&client.send(&outgoing).await) }
    };
    assert_eq!(send(to(PALESA, query_response())).await, "accepted");
    assert_eq!(
        send(to(PALESA, query_response())).await,
        "accepted",
        "counted once"
    );
    assert_eq!(send(to(THABO, query_response())).await, "not sent 131048");
    world
        .post("limits", json!({ "refusal": "by_status" }))
        .await;
    assert_eq!(send(to(THABO, query_response())).await, "accepted");
    assert_eq!(send(to(THABO, text("x"))).await, "accepted");
    let failed = |service: &Service| -> Vec<i64> {
        let failed = service.statuses().into_iter();
        let mut codes: Vec<_> = failed
            .filter_map(|s| s.errors.first().map(|e| e.code))
            .collect();
        codes.sort_unstable();
        codes
    };
    world
        .service
        .wait("the failures", |service| failed(service).len() == 2)
        .await;
    assert_eq!(failed(&world.service), [131_047, 131_048]);
    world
        .post(
            "limits",
            json!({ "tier": null, "refusal": "at_once", "per_second": 0 }),
        )
        .await;
    assert_eq!(send(to(PALESA, query_response())).await, "not sent 130429");
    let (status, _) = world
        .control(
            reqwest::Method::POST,
            "limits",
            Some(json!({ "tier": "many" })),
        )
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn who_stopped_marketing_gets_none() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let prefer = |word: &str| json!({ "from": PALESA, "marketing": word });
    world.post("preferences", prefer("stop")).await;
    let news = world.news(1).await;
    let AccountUpdate::Preference {
        identity,
        wish,
        phone_number_id,
        ..
    } = &news[0]
    else {
        panic!("{news:?}")
    };
    assert_eq!(*wish, MarketingWish::Stop);
    assert_eq!(
        identity.phone.as_ref().map(PhoneNumber::as_str),
        Some(PALESA)
    );
    assert!(identity.user_id.is_some());
    assert_eq!(*phone_number_id, world.simulator.phone_number_id);
    accepted(world.send(query_response()).await);
    world
        .post(
            "templates/query_response",
            json!({ "action": "category", "to": "MARKETING" }),
        )
        .await;
    accepted(world.send(query_response()).await);
    let codes = |service: &Service| -> Vec<i64> {
        service
            .statuses()
            .iter()
            .flat_map(|s| s.errors.iter().map(|e| e.code))
            .collect()
    };
    world
        .service
        .wait("the failure", |service| !codes(service).is_empty())
        .await;
    assert_eq!(
        codes(&world.service),
        [131_050],
        "of the marketing message only"
    );
    world.post("preferences", prefer("resume")).await;
    accepted(world.send(query_response()).await);
    world.all_delivered().await;
    assert_eq!(codes(&world.service), [131_050]);
}

#[tokio::test]
async fn any_other_news_can_be_told() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let value = json!({ "display_phone_number": "27510000000", "event": "THROUGHPUT_UPGRADE" });
    let field = "phone_number_quality_update";
    world
        .post("webhooks", json!({ "field": field, "value": value }))
        .await;
    let news = world.news(1).await;
    assert!(
        matches!(
            news[0],
            AccountUpdate::NumberThroughput {
                per_second: 1_000,
                ..
            }
        ),
        "{news:?}"
    );
}
