//! Files in both directions, and what else a phone shows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;
use crate::channels::whatsapp::{CallFailure, DownloadLimits, Upload};
use crate::model::{ContactCard, MediaKind, MediaSource};

const PDF: &[u8] = b"%PDF-1.7 simulated";

fn upload(mime: &str, bytes: &[u8]) -> Upload {
    Upload {
        bytes: Bytes::copy_from_slice(bytes),
        mime: mime.to_owned(),
        filename: "notice.pdf".to_owned(),
    }
}

impl World {
    async fn upload(&self, mime: &str, bytes: &[u8]) -> Result<String, CallFailure> {
        let number = &self.simulator.phone_number_id;
        self.client()
            .upload_media(number, upload(mime, bytes))
            .await
    }

    async fn address(&self, media_id: &str) -> Result<String, CallFailure> {
        let number = &self.simulator.phone_number_id;
        Ok(self.client().media_url(number, media_id).await?.url)
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        let limits = DownloadLimits {
            bytes_max: 1_000,
            time_max: PATIENCE,
        };
        let failed = |failure: CallFailure| failure.message;
        let mut download = self.client().download(url, limits).await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = download.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Uploads a file to a simulator of another process; returns its id.
pub(super) async fn upload_to(account: &Account) -> String {
    let number = PhoneNumberId(account.phone_number_id.clone());
    let uploaded = client_of(account);
    let uploaded = uploaded.upload_media(&number, upload("application/pdf", PDF));
    uploaded.await.unwrap()
}

fn file(kind: MediaKind, id: &str) -> OutgoingContent {
    OutgoingContent::Media {
        kind,
        source: MediaSource::Id(id.to_owned()),
        caption: None,
        filename: None,
    }
}

#[tokio::test]
async fn an_uploaded_file_is_sent_found_and_taken_away() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let id = world.upload("application/pdf", PDF).await.unwrap();
    let location = world
        .client()
        .media_url(&world.simulator.phone_number_id, &id)
        .await
        .unwrap();
    assert_eq!(location.mime.as_deref(), Some("application/pdf"));
    assert_eq!(location.bytes, Some(18));
    assert_eq!(world.fetch(&location.url).await.unwrap(), PDF);
    assert_eq!(
        line(&world.send(file(MediaKind::Document, &id)).await),
        "accepted"
    );
    assert_eq!(
        line(&world.send(file(MediaKind::Document, "1")).await),
        "rejected 131009"
    );
    let service = world.stop().await;
    let world = World::restart(&folder, service).await;
    assert_eq!(
        world
            .fetch(&world.address(&id).await.unwrap())
            .await
            .unwrap(),
        PDF
    );
    world.clock.advance(SignedDuration::from_mins(5));
    let gone = world.address(&id).await.unwrap();
    world.client().delete_media(&id).await.unwrap();
    assert_eq!(world.address(&id).await.unwrap_err().code, Some(33));
    assert!(world.fetch(&gone).await.is_err());
}

#[tokio::test]
async fn an_address_lives_for_five_minutes_and_for_us_only() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let id = world.upload("application/pdf", PDF).await.unwrap();
    let url = world.address(&id).await.unwrap();
    let bare = world.http.get(&url).send().await.unwrap().status();
    assert_eq!(bare.as_u16(), 401, "without a token");
    let forged = url.replace("hash=", "hash=0");
    assert!(
        world
            .fetch(&forged)
            .await
            .unwrap_err()
            .contains("no longer valid")
    );
    world.clock.advance(SignedDuration::from_mins(4));
    assert!(world.fetch(&url).await.is_ok());
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(
        world
            .fetch(&url)
            .await
            .unwrap_err()
            .contains("no longer valid")
    );
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    assert!(world.address(&id).await.is_err(), "kept for 30 days");
}

#[tokio::test]
async fn types_and_sizes_are_checked_and_a_wrong_kind_fails_later() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let large = vec![0; 5 * 1024 * 1024 + 1];
    for (mime, bytes, fits) in [
        ("image/jpeg", &large[1..], true),
        ("image/jpeg", &large[..], false),
        ("audio/ogg; codecs=opus", PDF, true),
        ("image/webp", &large[..=500 * 1024], false),
        ("application/x-msdownload", PDF, false),
        ("text/html", PDF, false),
        ("image/svg+xml", PDF, false),
        ("application/pdf", b"", false),
    ] {
        let answer = world.upload(mime, bytes).await;
        assert_eq!(answer.is_ok(), fits, "{mime} {}", bytes.len());
        assert!(fits || answer.unwrap_err().code == Some(100));
    }
    let id = world.upload("application/pdf", PDF).await.unwrap();
    accepted(world.send(file(MediaKind::Image, &id)).await);
    let failed = |service: &Service| -> Vec<i64> {
        service
            .statuses()
            .iter()
            .flat_map(|s| s.errors.iter().map(|e| e.code))
            .collect()
    };
    world
        .service
        .wait("the failure", |service| !failed(service).is_empty())
        .await;
    assert_eq!(failed(&world.service), [131_053]);
}

#[tokio::test]
async fn a_persons_file_can_be_fetched_for_a_week() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let image = json!({ "bytes": BASE64.encode(b"\xff\xd8\xff simulated"), "caption": "leak" });
    world
        .post("messages", json!({ "from": PALESA, "image": image }))
        .await;
    world
        .service
        .wait("the image", |service| !service.messages().is_empty())
        .await;
    let message = world.service.messages().remove(0);
    assert_eq!(message.content.message_type, MessageType::Image);
    assert_eq!(message.content.text, "leak");
    let id = message.content.media_id.unwrap();
    let part = &message.raw["image"];
    assert!(part.get("bytes").is_none());
    assert_eq!(part["mime_type"], "image/jpeg");
    assert_eq!(
        world.fetch(part["url"].as_str().unwrap()).await.unwrap(),
        b"\xff\xd8\xff simulated"
    );
    world.clock.advance(SignedDuration::from_hours(7 * 24 - 1));
    let url = world.address(&id).await.unwrap();
    assert_eq!(world.fetch(&url).await.unwrap(), b"\xff\xd8\xff simulated");
    world.clock.advance(SignedDuration::from_hours(1));
    assert!(world.address(&id).await.is_err());
    let odd = json!({ "from": PALESA, "image": { "bytes": "***" } });
    let (status, _) = world
        .control(reqwest::Method::POST, "messages", Some(odd))
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_sample_for_a_template_is_taken() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let sample = upload("application/pdf", PDF);
    let handle = world.client().upload_sample("12345", sample).await.unwrap();
    assert!(handle.starts_with("4::"), "{handle}");
}

#[tokio::test]
async fn links_places_people_and_questions_are_shown() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let contents = [
        OutgoingContent::CtaUrl {
            header: Some("Statement".to_owned()),
            text: "It is ready".to_owned(),
            footer: None,
            button: "Open".to_owned(),
            url: "https://example.gov.za/s".to_owned(),
        },
        OutgoingContent::AskLocation {
            text: "Where is the leak?".to_owned(),
        },
        OutgoingContent::Location {
            latitude: "-30.3006".to_owned(),
            longitude: "27.0844".to_owned(),
            name: Some("Office".to_owned()),
            address: None,
        },
        OutgoingContent::Contacts {
            contacts: vec![ContactCard {
                formatted_name: "Emergency desk".to_owned(),
                ..ContactCard::default()
            }],
        },
        OutgoingContent::Media {
            kind: MediaKind::Document,
            source: MediaSource::Link("https://example.gov.za/a.pdf".to_owned()),
            caption: Some("Notice".to_owned()),
            filename: Some("notice.pdf".to_owned()),
        },
    ];
    for content in contents {
        accepted(world.send(content).await);
    }
    let view = world.get(&format!("conversations/{PALESA}")).await;
    let shown = view["messages"].as_array().unwrap();
    assert_eq!(
        (&shown[1]["text"], &shown[1]["header"], &shown[1]["link"]),
        (
            &json!("It is ready"),
            &json!("Statement"),
            &json!({ "title": "Open", "url": "https://example.gov.za/s" })
        )
    );
    assert_eq!(
        (&shown[2]["text"], &shown[2]["asks"]),
        (&json!("Where is the leak?"), &json!("location"))
    );
    assert_eq!(
        (&shown[3]["text"], &shown[3]["location"]["latitude"]),
        (&json!("Office"), &json!("-30.3006"))
    );
    assert_eq!(
        shown[4]["contacts"][0]["name"]["formatted_name"],
        "Emergency desk"
    );
    assert_eq!(
        (&shown[5]["text"], &shown[5]["document"]["filename"]),
        (&json!("Notice"), &json!("notice.pdf"))
    );
}
