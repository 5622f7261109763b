//! Short ways to bring a conversation to where a test begins: messages in, decisions written, calls answered.

use jiff::{SignedDuration, Timestamp};
use puisano::conversations::ingest::{Envelope, Intake};
use puisano::model::{
    ConversationId, Event, Identity, MessageId, Origin, OutboxId, OutgoingContent, PhoneNumber,
};
use puisano::outbound::enqueue::{self, Occasion};
use puisano::store::outbox::{Exchange, Number, Send, SendResult, Terms, Verdict};
use puisano::store::turns::{
    Claim, ContactChange, DecidedTurn, DueTurns, FinishedTurns, NewHandoff, Which,
};
use puisano::tasks::Tasks;

use crate::database::Database;
use crate::ingest::{OUR_NUMBER, envelope, phone, says};

pub(crate) const PALESA: &str = "+27600000001";
pub(crate) const WINDOW_SECONDS: i64 = 30;

/// A database with the statements of the road in front of it, driven step by step.
pub(crate) struct Road {
    pub(crate) database: Database,
    intake: Intake,
    healthy_since: Timestamp,
}

impl Road {
    pub(crate) async fn new() -> Self {
        let database = Database::new().await;
        let intake = Intake::start(
            database.store.clone(),
            database.clock.clone(),
            &Tasks::default(),
        );
        let healthy_since = database.store.now().await.unwrap();
        Self {
            database,
            intake,
            healthy_since,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.database.clock.now()
    }

    pub(crate) async fn webhook(&self, events: Vec<Event>) {
        let envelope: Envelope = envelope(&self.database, events);
        assert_eq!(envelope.origin, Origin::Live);
        self.intake.accept(envelope).await.unwrap();
    }

    /// `number` writes `texts`, one webhook each.
    pub(crate) async fn says(&self, number: &str, texts: &[&str]) {
        for text in texts {
            self.says_as(phone(number), text, self.now()).await;
        }
    }

    pub(crate) async fn says_as(&self, from: Identity, text: &str, sent_at: Timestamp) {
        let wamid = format!("wamid.{}", self.database.clock.new_id().simple());
        self.webhook(vec![says(from, &wamid, text, sent_at)]).await;
    }

    /// Claims and loads everything that is due.
    pub(crate) async fn due(&self) -> Vec<DueTurns> {
        let claims = self.claims(Which::Fresh).await;
        self.database.store.load_turns(&claims, 100).await.unwrap()
    }

    pub(crate) async fn claims(&self, which: Which) -> Vec<Claim> {
        self.database.store.claim_turns(which, 100).await.unwrap()
    }

    pub(crate) async fn finish(&self, finished: &[FinishedTurns<'_>]) -> Vec<ConversationId> {
        self.database.store.finish_turns(finished).await.unwrap()
    }

    /// Answers everything that is due with `texts`.
    pub(crate) async fn answers(&self, texts: &[&str]) {
        let due = self.due().await;
        let finished: Vec<_> = due.iter().map(|due| self.decided(due, texts)).collect();
        assert_eq!(self.finish(&finished).await.len(), due.len());
    }

    /// `number` writes something and is answered with `texts`.
    pub(crate) async fn exchange_words(&self, number: &str, texts: &[&str]) -> ConversationId {
        self.says(number, &["hello"]).await;
        self.answers(texts).await;
        self.conversation_of(number).await
    }

    pub(crate) async fn conversation_of(&self, number: &str) -> ConversationId {
        let number = PhoneNumber::parse(number).unwrap();
        self.database.store.messages_of(&number).await.unwrap()[0].conversation
    }

    /// What a worker that says `texts` would write.
    pub(crate) fn decided<'a>(&self, due: &'a DueTurns, texts: &[&str]) -> FinishedTurns<'a> {
        let answered = due.messages.last().expect("a message");
        let items = texts.iter().map(|text| {
            let content = OutgoingContent::Text {
                text: (*text).to_owned(),
            };
            let occasion = Occasion {
                epoch: due.epoch,
                answers: &answered.wamid,
                answers_sent_at: answered.sent_at,
                due_at: due.now,
            };
            enqueue::item(&self.database.clock, &content, occasion)
        });
        let turns = due.messages.iter().map(|message| DecidedTurn {
            message: message.id,
            ruleset: "hash".into(),
            now: self.now(),
            seed: 7,
            owner: due.owner,
            decision: "{\"text\": \"\\u0000\"}".to_owned(),
            trace: "{}".to_owned(),
            sentiment: Some(-0.6),
            sentiment_label: "angry".to_owned(),
            language: "st".to_owned(),
            intent: Some("water_outage".to_owned()),
        });
        FinishedTurns {
            due,
            state: "{\"version\": 1}".to_owned(),
            language: "st".to_owned(),
            turns: turns.collect(),
            items: items.collect(),
            handoff: None,
            contact: ContactChange::default(),
            sessions: Vec::new(),
            session_ended_at: None,
            reply_tat: None,
        }
    }

    /// As `decided`, and handing over: the words are said under the new epoch.
    pub(crate) fn handed_over<'a>(&self, due: &'a DueTurns, texts: &[&str]) -> FinishedTurns<'a> {
        let mut finished = self.decided(due, texts);
        for item in &mut finished.items {
            item.epoch += 1;
        }
        let message: MessageId = due.messages[0].id;
        finished.handoff = Some(NewHandoff {
            id: self.database.clock.new_id(),
            message,
            team: "water".to_owned(),
            priority: "high".to_owned(),
            reason: "asked for a person".to_owned(),
            note: None,
        });
        finished
    }

    pub(crate) async fn exchange(&self, results: &[SendResult]) -> Exchange {
        let window_ms = u64::try_from(WINDOW_SECONDS * 1_000).unwrap();
        let terms = Terms {
            number: &number(),
            sends_max: 100,
            window_ms,
            healthy_since: Some(self.healthy_since),
        };
        self.database
            .store
            .exchange_sends(results, terms)
            .await
            .unwrap()
    }

    /// Writes `results` and claims what is to be sent, looking until nothing moves any more.
    pub(crate) async fn sends(&self, results: &[SendResult]) -> Vec<Send> {
        let mut exchange = self.exchange(results).await;
        let mut sends = std::mem::take(&mut exchange.sends);
        while exchange.again {
            exchange = self.exchange(&[]).await;
            sends.append(&mut exchange.sends);
        }
        sends
    }

    /// States of a conversation's items, in the order of its lane.
    pub(crate) async fn states(&self, conversation: ConversationId) -> Vec<String> {
        let items = self.database.store.outbox_of(conversation).await.unwrap();
        items
            .iter()
            .map(|item| format!("{:?}", item.state).to_lowercase())
            .collect()
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        self.database.advance(seconds).await;
    }

    pub(crate) fn long_ago(&self, hours: i64) -> Timestamp {
        self.now() - SignedDuration::from_hours(hours)
    }
}

/// Our number, with a pace that keeps nobody waiting.
pub(crate) fn number() -> Number {
    Number {
        id: OUR_NUMBER.into(),
        per_second: 1_000_000,
    }
}

pub(crate) fn text_of(send: &Send) -> &str {
    send.content["text"].as_str().unwrap()
}

pub(crate) fn texts_of(sends: &[Send]) -> Vec<&str> {
    sends.iter().map(text_of).collect()
}

pub(crate) fn result(send: &Send, verdict: Verdict) -> SendResult {
    SendResult {
        conversation: send.opaque.conversation,
        id: OutboxId(send.opaque.outbox.0),
        phone_number_id: send.phone_number_id.clone(),
        attempt: send.attempt,
        verdict,
    }
}

pub(crate) fn sent(send: &Send) -> SendResult {
    let wamid = format!("out.{}.{}", send.opaque.outbox.0.simple(), send.attempt);
    result(
        send,
        Verdict::Sent {
            wamid: Some(wamid.as_str().into()),
        },
    )
}

pub(crate) fn unknown(send: &Send) -> SendResult {
    result(
        send,
        Verdict::Unknown {
            code: None,
            failure: "no answer".to_owned(),
        },
    )
}

pub(crate) fn retry(send: &Send, delay_ms: u64, slow_down: bool) -> SendResult {
    let failure = "try again".to_owned();
    result(
        send,
        Verdict::Retry {
            delay_ms,
            counted: true,
            slow_down,
            code: Some(131_056),
            failure,
        },
    )
}
