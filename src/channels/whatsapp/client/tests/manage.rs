//! Managing: templates, the number, files, against a server that answers as scripted.

use bytes::Bytes;
use puisano_engine::{Category, Language, Layout, LayoutButton, LayoutText};
use serde_json::{Value, json};

use super::*;
use crate::channels::whatsapp::errors::Retry;
use crate::model::{DailyLimit, FailureScope, MediaKind};

/// A server that gives these answers one after another, the last one again and again.
struct Script {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn start(answers: &[Then]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tasks, requests) = (Tasks::default(), Arc::new(Mutex::new(Vec::new())));
        let (answers, seen) = (answers.to_vec(), requests.clone());
        tasks.spawn("server", async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                while let Some(request) = read_request(&mut stream).await {
                    let at = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request);
                        seen.len() - 1
                    };
                    let Then::Answer(answer) = &answers[at.min(answers.len() - 1)] else {
                        break;
                    };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Self { url, requests }
    }

    fn client(&self) -> Client {
        Client::with_deadlines(connection(&self.url), patient()).unwrap()
    }

    /// First lines of the requests.
    fn lines(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let line = |request: &String| {
            let line = request.lines().next().unwrap();
            line.trim_end_matches(" HTTP/1.1").to_owned()
        };
        requests.iter().map(line).collect()
    }

    fn body(&self, at: usize) -> Value {
        let requests = self.requests.lock().unwrap();
        serde_json::from_str(requests[at].split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

fn listed(id: &str) -> Value {
    json!({
        "id": id, "name": "outage", "language": "en-ZA", "status": "approved", "category": "UTILITY",
        "parameter_format": "NAMED", "quality_score": { "score": "GREEN", "date": 1 }, "rejected_reason": "NONE",
        "components": [{ "type": "BODY", "text": "No water in {{area}}" }],
    })
}

fn page(ids: &[&str], after: Option<&str>) -> Then {
    let data: Vec<Value> = ids.iter().map(|id| listed(id)).collect();
    let mut paging = json!({ "cursors": { "before": "B", "after": after.unwrap_or("LAST") } });
    if after.is_some() {
        paging["next"] = json!("https://graph.facebook.com/next");
    }
    ok(&json!({ "data": data, "paging": paging }))
}

#[tokio::test]
async fn all_pages_are_followed_and_nothing_after_the_last() {
    let script = Script::start(&[page(&["1", "2"], Some("A=")), page(&["3"], None)]).await;
    let templates = script.client().all_templates("77").await.unwrap();
    let ids: Vec<_> = templates.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    let expected = MetaTemplate {
        id: "1".to_owned(),
        name: "outage".to_owned(),
        language: "en_ZA".to_owned(),
        status: "APPROVED".to_owned(),
        category: "UTILITY".to_owned(),
        quality: Some("GREEN".to_owned()),
        rejected_reason: None,
        is_named: true,
        components: json!([{ "type": "BODY", "text": "No water in {{area}}" }]),
    };
    assert_eq!(templates[0], expected);
    let lines = script.lines();
    assert!(
        lines[0].starts_with("GET /v24.0/77/message_templates?fields=id%2Cname"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("&limit=100&after=A%3D"), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn a_lost_place_begins_the_listing_again() {
    let lost = graph_error("400 Bad Request", 131_059);
    let script = Script::start(&[
        page(&["1"], Some("A")),
        lost.clone(),
        page(&["1"], Some("A")),
        page(&["2"], None),
    ])
    .await;
    let templates = script.client().all_templates("77").await.unwrap();
    assert_eq!(templates.len(), 2, "nothing twice");
    let script = Script::start(&[lost]).await;
    let failure = script.client().all_templates("77").await.unwrap_err();
    assert_eq!(failure.retry, Retry::Backoff);
    assert_eq!(script.lines().len(), 3);
}

#[tokio::test]
async fn a_listing_that_turns_in_a_circle_ends() {
    let script = Script::start(&[page(&["1"], Some("A"))]).await;
    assert_eq!(script.client().all_templates("77").await.unwrap().len(), 2);
    let script = Script::start(&[ok(&json!({ "data": [], "paging": {} }))]).await;
    assert!(
        script
            .client()
            .all_templates("77")
            .await
            .unwrap()
            .is_empty()
    );
    let script = Script::start(&[ok(&json!({ "success": true }))]).await;
    assert!(script.client().all_templates("77").await.is_err());
}

fn layout() -> Layout {
    let text = |text: &str, samples: &[&str]| LayoutText {
        text: text.to_owned(),
        samples: samples.iter().map(|sample| (*sample).to_owned()).collect(),
    };
    Layout {
        language: Language::EN,
        header: Some(text("Water in {{1}}", &["Zastron"])),
        body: text("Dear {{1}}, off on {{2}} today.", &["Palesa", "3 December"]),
        footer: Some("Mohokare".to_owned()),
        buttons: vec![
            LayoutButton::QuickReply {
                text: "Report".to_owned(),
            },
            LayoutButton::Url {
                text: "Details".to_owned(),
                url: "https://example.gov.za/o/{{1}}".to_owned(),
                sample: Some("WO-1182".to_owned()),
            },
            LayoutButton::Phone {
                text: "Call us".to_owned(),
                phone: "+27510000000".to_owned(),
            },
        ],
    }
}

fn draft(layout: &Layout) -> TemplateDraft<'_> {
    TemplateDraft {
        name: "water_outage_notice_st",
        language: "en_ZA",
        category: Category::Utility,
        layout,
        header_media: None,
        ttl_s: Some(43_200),
    }
}

#[tokio::test]
async fn a_template_is_submitted_with_its_samples() {
    let layout = layout();
    let created = json!({ "id": "594425479261596", "status": "PENDING", "category": "MARKETING" });
    let script = Script::start(&[ok(&created)]).await;
    let submitted = script.client().create_template("77", &draft(&layout)).await;
    let expected = SubmittedTemplate {
        id: "594425479261596".to_owned(),
        status: "PENDING".to_owned(),
        category: Some("MARKETING".to_owned()),
    };
    assert_eq!(submitted, Ok(expected));
    assert_eq!(script.lines(), ["POST /v24.0/77/message_templates"]);
    let components = json!([
        { "type": "HEADER", "format": "TEXT", "text": "Water in {{1}}", "example": { "header_text": ["Zastron"] } },
        { "type": "BODY", "text": "Dear {{1}}, off on {{2}} today.", "example": { "body_text": [["Palesa", "3 December"]] } },
        { "type": "FOOTER", "text": "Mohokare" },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": "Report" },
            { "type": "URL", "text": "Details", "url": "https://example.gov.za/o/{{1}}", "example": ["WO-1182"] },
            { "type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+27510000000" },
        ] },
    ]);
    assert_eq!(
        script.body(0),
        json!({
            "name": "water_outage_notice_st", "language": "en_ZA", "category": "UTILITY",
            "parameter_format": "POSITIONAL", "message_send_ttl_seconds": 43_200, "components": components,
        })
    );
    let read = TemplateTexts::read(&components);
    assert_eq!(
        read.header,
        TemplateHeaderText::Text("Water in {{1}}".to_owned())
    );
    assert_eq!(read.body, layout.body.text);
    assert_eq!(read.footer, layout.footer);
    assert_eq!(read.buttons.len(), 3);
}

#[tokio::test]
async fn a_template_is_changed_within_its_rules() {
    let plain = Layout {
        header: None,
        footer: None,
        buttons: Vec::new(),
        body: LayoutText {
            text: "We are closed today.".to_owned(),
            samples: Vec::new(),
        },
        ..layout()
    };
    let draft = TemplateDraft {
        header_media: Some((MediaKind::Document, "4::aW")),
        ttl_s: Some(100_000),
        ..draft(&plain)
    };
    let script = Script::start(&[ok(&json!({ "success": true }))]).await;
    script
        .client()
        .edit_template("5", &draft, true)
        .await
        .unwrap();
    script
        .client()
        .edit_template("5", &draft, false)
        .await
        .unwrap();
    assert_eq!(script.lines(), ["POST /v24.0/5", "POST /v24.0/5"]);
    let components = json!([
        { "type": "HEADER", "format": "DOCUMENT", "example": { "header_handle": ["4::aW"] } },
        { "type": "BODY", "text": "We are closed today." },
    ]);
    assert_eq!(script.body(0), json!({ "components": components }));
    assert_eq!(
        script.body(1),
        json!({ "components": components, "category": "UTILITY" })
    );
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_what_whatsapp_wrote() {
    let error = json!({ "error": {
        "message": "Invalid parameter", "code": 100, "error_subcode": 2_388_299, "error_user_msg": "Variables can't be at the end.",
    }});
    let layout = layout();
    let script = Script::start(&[answer("400 Bad Request", "", &error.to_string())]).await;
    let failure = script
        .client()
        .create_template("77", &draft(&layout))
        .await
        .unwrap_err();
    assert_eq!(failure.code, Some(2_388_299));
    assert_eq!(failure.retry, Retry::Never);
    assert_eq!(
        failure.said.as_deref(),
        Some("Variables can't be at the end.")
    );
    for (then, code, retry) in [
        (
            graph_error("400 Bad Request", 80_007),
            Some(80_007),
            Retry::After(900),
        ),
        (
            graph_error("401 Unauthorized", 190),
            Some(190),
            Retry::Never,
        ),
        (graph_error("200 OK", 190), Some(190), Retry::Never),
        (nothing_there(), Some(33), Retry::Never),
        (
            answer("502 Bad Gateway", "", "<html>"),
            None,
            Retry::Backoff,
        ),
        (
            answer("429 Too Many Requests", "", ""),
            None,
            Retry::Backoff,
        ),
        (answer("404 Not Found", "", "<html>"), None, Retry::Never),
        (Then::Close, None, Retry::Few),
    ] {
        let script = Script::start(std::slice::from_ref(&then)).await;
        let failure = script
            .client()
            .list_templates("77", None)
            .await
            .unwrap_err();
        assert_eq!((failure.code, failure.retry), (code, retry), "{then:?}");
        assert!(failure.message.ends_with('.') && !failure.message.contains("2782"));
    }
}

fn nothing_there() -> Then {
    let error = r#"{"error":{"code":100,"error_subcode":33,"message":"x"}}"#;
    answer("400 Bad Request", "", error)
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let script = Script::start(&[nothing_there()]).await;
    let (client, number) = (script.client(), PhoneNumberId::from("109"));
    let layout = layout();
    let file = client.media_url(&number, "5").await.unwrap_err();
    let account = client.list_templates("77", None).await.unwrap_err();
    let template = client.edit_template("5", &draft(&layout), true).await;
    let number = client.number_info(&number).await.unwrap_err();
    for (failure, word, scope) in [
        (file, "seven days", FailureScope::Item),
        (
            account,
            "WHATSAPP_BUSINESS_ACCOUNT_ID",
            FailureScope::Operator,
        ),
        (template.unwrap_err(), "template", FailureScope::Item),
        (number, "WHATSAPP_PHONE_NUMBER_ID", FailureScope::Operator),
    ] {
        assert!(failure.message.contains(word), "{failure:?}");
        assert_eq!((failure.scope, failure.retry), (scope, Retry::Never));
    }
}

#[tokio::test]
async fn the_number_says_how_much_it_may_send() {
    let number = PhoneNumberId::from("109");
    let main = json!({
        "id": "109", "display_phone_number": "+27 51 000 0000", "verified_name": "Mohokare", "quality_rating": "GREEN",
        "status": "CONNECTED", "throughput": { "level": "STANDARD" },
    });
    let tier = json!({ "id": "109", "whatsapp_business_manager_messaging_limit": "TIER_2K" });
    let script = Script::start(&[ok(&main), ok(&tier)]).await;
    let info = script.client().number_info(&number).await.unwrap();
    let expected = NumberInfo {
        display_phone_number: "+27 51 000 0000".to_owned(),
        verified_name: "Mohokare".to_owned(),
        quality: Some("GREEN".to_owned()),
        status: Some("CONNECTED".to_owned()),
        name_status: None,
        per_second: Some(80),
        limit: Some(DailyLimit::Recipients(2_000)),
    };
    assert_eq!(info, expected);
    // An older version does not know the limit, and says so of the whole call.
    let script = Script::start(&[ok(&main), graph_error("400 Bad Request", 100)]).await;
    let info = script.client().number_info(&number).await.unwrap();
    assert_eq!(
        info,
        NumberInfo {
            limit: None,
            ..expected
        }
    );
    let script = Script::start(&[ok(&main), graph_error("401 Unauthorized", 190)]).await;
    assert!(script.client().number_info(&number).await.is_err());
}

fn upload() -> Upload {
    Upload {
        bytes: Bytes::from_static(b"%PDF-1.7"),
        mime: "application/pdf".to_owned(),
        filename: "notice.pdf".to_owned(),
    }
}

#[tokio::test]
async fn a_file_is_given_in_parts() {
    let number = PhoneNumberId::from("109");
    let script = Script::start(&[ok(&json!({ "id": "1013" }))]).await;
    let id = script.client().upload_media(&number, upload()).await;
    assert_eq!(id.as_deref(), Ok("1013"));
    let request = script.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /v24.0/109/media HTTP/1.1\r\n"));
    for part in [
        "authorization: Bearer EAAG-secret-token",
        "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
        "name=\"type\"\r\n\r\napplication/pdf\r\n",
        "name=\"file\"; filename=\"notice.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\r\n",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn a_sample_is_uploaded_in_a_session() {
    let script = Script::start(&[
        ok(&json!({ "id": "upload:MTphd==?sig=ARZq" })),
        ok(&json!({ "h": "4::aW" })),
    ])
    .await;
    let handle = script.client().upload_sample("12", upload()).await;
    assert_eq!(handle.as_deref(), Ok("4::aW"));
    assert_eq!(
        script.lines(),
        [
            "POST /v24.0/12/uploads?file_name=notice.pdf&file_length=8&file_type=application%2Fpdf",
            "POST /v24.0/upload:MTphd==?sig=ARZq",
        ]
    );
    let request = script.requests.lock().unwrap()[1].clone();
    assert!(request.contains("file_offset: 0") && request.ends_with("\r\n\r\n%PDF-1.7"));
}

async fn fetch(then: Then, bytes_max: u64) -> Result<Vec<u8>, CallFailure> {
    let script = Script::start(&[then]).await;
    let limits = DownloadLimits {
        bytes_max,
        time_max: Duration::from_secs(20),
    };
    let url = format!("{}/file?hash=x", script.url);
    let mut download = script.client().download(&url, limits).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = download.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(script.lines(), ["GET /file?hash=x"]);
    Ok(bytes)
}

#[tokio::test]
async fn a_file_is_fetched_within_its_limits() {
    assert_eq!(
        fetch(answer("200 OK", "", "12345"), 5).await.unwrap(),
        b"12345"
    );
    let chunked = |body: &str| {
        Then::Answer(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}"
        ))
    };
    let five = "3\r\n123\r\n2\r\n45\r\n0\r\n\r\n";
    assert_eq!(fetch(chunked(five), 5).await.unwrap(), b"12345");
    for (then, bytes_max, retry) in [
        (answer("200 OK", "", "12345"), 4, Retry::Never),
        (chunked(five), 4, Retry::Never),
        (answer("404 Not Found", "", ""), 5, Retry::Few),
        (answer("403 Forbidden", "", ""), 5, Retry::Never),
        (
            answer("500 Internal Server Error", "", ""),
            5,
            Retry::Backoff,
        ),
        (
            answer("302 Found", "location: http://169.254.169.254/\r\n", ""),
            5,
            Retry::Never,
        ),
    ] {
        let failure = fetch(then.clone(), bytes_max).await.unwrap_err();
        assert_eq!(failure.retry, retry, "{then:?}");
    }
}

#[tokio::test]
async fn no_other_address_is_called_and_no_token_leaves() {
    let (api, other) = (
        Script::start(&[answer("200 OK", "", "x")]).await,
        Script::start(&[answer("200 OK", "", "x")]).await,
    );
    let limits = DownloadLimits {
        bytes_max: 10,
        time_max: Duration::from_secs(20),
    };
    for url in [
        format!("{}/x", other.url),
        "http://169.254.169.254/latest".to_owned(),
        "https://lookaside.fbsbx.com/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "not an address".to_owned(),
    ] {
        let failure = api.client().download(&url, limits).await.unwrap_err();
        assert_eq!(failure.retry, Retry::Never, "{url}");
    }
    assert!(other.lines().is_empty());
}

#[test]
fn parameters_are_found_in_their_order() {
    for (text, expected) in [
        ("Hello {{1}}, R{{2}} on {{ 3 }}.", &["1", "2", "3"][..]),
        ("{{name}} owes {{amount}}, {{name}}", &["name", "amount"]),
        ("nothing", &[]),
        ("{{}} {{open", &[]),
        ("{{2}} {{1}}", &["2", "1"]),
    ] {
        assert_eq!(template_parameters(text), expected, "{text}");
    }
}
