//! The judge's decisions, case by case, and what must hold whatever he is given.

use jiff::civil::date;
use proptest::prelude::*;
use puisano_engine::Filled;
use uuid::Uuid;

use super::*;
use crate::model::{Class, MediaKind, OutboxId};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Wednesday, ten in the morning in the Free State.
fn now() -> Timestamp {
    "2026-11-25T08:00:00Z".parse().unwrap()
}

fn town() -> TimeZone {
    TimeZone::get("Africa/Johannesburg").unwrap()
}

fn law() -> Law {
    Law {
        per_day: 5,
        town: town(),
        unknown_window: SignedDuration::from_secs(30),
        healthy_since: Some(now() - DAY),
    }
}

fn docket() -> Docket {
    Docket {
        now: now(),
        tier_left: None,
        sends_max: 10,
    }
}

fn filling(language: Language, text: &str) -> Filling {
    Filling {
        language,
        text: text.to_owned(),
        filled: Filled {
            header: vec!["Bill".to_owned()],
            body: vec!["Palesa".to_owned(), "120.00".to_owned()],
            ..Filled::default()
        },
    }
}

fn link(language: Language) -> TemplateLink {
    TemplateLink {
        language,
        meta_name: format!("reminder_{language}"),
        meta_language: "en_ZA".to_owned(),
        parameter_names: BTreeMap::from([(
            "body".to_owned(),
            vec!["name".to_owned(), "amount".to_owned()],
        )]),
    }
}

/// A reminder in Sesotho and English, due now, to somebody who never wrote.
fn candidate() -> NoticeCandidate {
    NoticeCandidate {
        conversation: ConversationId(Uuid::from_u128(1)),
        id: OutboxId(Uuid::from_u128(2)),
        contact: ContactId(Uuid::from_u128(3)),
        class: Class::Notification,
        category: Some(Consent::Account),
        critical: false,
        on_unknown: OnUnknown::Hold,
        state: OutboxState::Pending,
        resent: false,
        under_way: false,
        sending_at: None,
        expires_at: now() + DAY,
        content: Some(OutgoingContent::Notice(Notice {
            template: "payment_reminder".to_owned(),
            fillings: vec![
                filling(Language::ST, "Lefa."),
                filling(Language::EN, "Pay."),
            ],
        })),
        template_only: false,
        last_inbound_at: None,
        opted_out: false,
        denied: Vec::new(),
        granted: Vec::new(),
        time_zone: None,
        sent_today: 0,
        first_today: None,
        initiated: false,
        pair_tat: now(),
        links: vec![link(Language::EN)],
        file: FileAt::Nowhere,
    }
}

/// The act in a word, and what it waits for.
fn word(act: &NoticeAct) -> String {
    match act {
        NoticeAct::Send(send) => match &send.content {
            OutgoingContent::Text { text } => format!("text {text}"),
            OutgoingContent::Template(message) => format!("template {}", message.name),
            _ => "other".to_owned(),
        },
        NoticeAct::Wait { until, why } => format!(
            "wait {} {}",
            why.map_or("outcome", WaitsFor::name),
            until.duration_since(now()).as_secs()
        ),
        NoticeAct::Cancel { .. } => "cancel".to_owned(),
        NoticeAct::Lose => "lose".to_owned(),
        NoticeAct::Hold => "hold".to_owned(),
        NoticeAct::Leave => "leave".to_owned(),
    }
}

type Change = fn(&mut NoticeCandidate);

#[test]
fn each_case_has_its_act() {
    let cases: &[(&str, Change, &str)] = &[
        ("as it is", |_| {}, "template reminder_en"),
        (
            "its first language",
            |c| c.links.push(link(Language::ST)),
            "template reminder_st",
        ),
        (
            "window open",
            |c| c.last_inbound_at = Some(now() - MINUTE * 60),
            "text Lefa.",
        ),
        (
            "window closing",
            |c| c.last_inbound_at = Some(now() - DAY + MINUTE * 5),
            "template reminder_en",
        ),
        (
            "just open",
            |c| c.last_inbound_at = Some(now() - DAY + MINUTE * 6),
            "text Lefa.",
        ),
        (
            "WhatsApp says closed",
            |c| {
                c.last_inbound_at = Some(now());
                c.template_only = true;
            },
            "template reminder_en",
        ),
        ("no template", |c| c.links.clear(), "wait template 60"),
        (
            "no template needed",
            |c| {
                c.links.clear();
                c.last_inbound_at = Some(now());
            },
            "text Lefa.",
        ),
        ("expired", |c| c.expires_at = now(), "cancel"),
        ("denied", |c| c.denied = vec![Consent::Account], "cancel"),
        (
            "denied, and critical",
            |c| {
                c.denied = vec![Consent::Account];
                c.critical = true;
            },
            "cancel",
        ),
        (
            "denied another",
            |c| c.denied = vec![Consent::Marketing],
            "template reminder_en",
        ),
        ("opted out", |c| c.opted_out = true, "cancel"),
        (
            "opted out but for these",
            |c| {
                c.opted_out = true;
                c.granted = vec![Consent::Account];
            },
            "template reminder_en",
        ),
        (
            "marketing unasked",
            |c| c.category = Some(Consent::Marketing),
            "cancel",
        ),
        (
            "marketing agreed to",
            |c| {
                c.category = Some(Consent::Marketing);
                c.granted = vec![Consent::Marketing];
            },
            "template reminder_en",
        ),
        ("no category", |c| c.category = None, "cancel"),
        ("unreadable", |c| c.content = None, "cancel"),
        // It is midnight in Los Angeles.
        (
            "their night",
            |c| c.time_zone = Some("America/Los_Angeles".to_owned()),
            "wait quiet_hours 25200",
        ),
        (
            "their night, and critical",
            |c| {
                c.time_zone = Some("America/Los_Angeles".to_owned());
                c.critical = true;
            },
            "template reminder_en",
        ),
        (
            "their night, until it expires",
            |c| {
                c.time_zone = Some("America/Los_Angeles".to_owned());
                c.expires_at = now() + MINUTE;
            },
            "wait quiet_hours 60",
        ),
        (
            "no such zone",
            |c| c.time_zone = Some("Mars/Olympus".to_owned()),
            "template reminder_en",
        ),
        (
            "the sixth today",
            |c| {
                c.sent_today = 5;
                c.first_today = Some(now() - MINUTE * 60);
            },
            "wait cap 82800",
        ),
        (
            "the sixth today, and critical",
            |c| {
                c.sent_today = 5;
                c.critical = true;
            },
            "template reminder_en",
        ),
        (
            "the pair's burst is used up",
            |c| c.pair_tat = now() + PAIR_BURST + MINUTE,
            "wait pair 60",
        ),
        (
            "the last of the burst",
            |c| c.pair_tat = now() + PAIR_BURST,
            "template reminder_en",
        ),
        (
            "free words outside the window",
            |c| {
                c.content = Some(OutgoingContent::Text {
                    text: "Hi".to_owned(),
                });
            },
            "cancel",
        ),
        (
            "free words inside",
            |c| {
                c.content = Some(OutgoingContent::Text {
                    text: "Hi".to_owned(),
                });
                c.last_inbound_at = Some(now());
            },
            "text Hi",
        ),
        (
            "being sent",
            |c| {
                c.state = OutboxState::Sending;
                c.sending_at = Some(now() - SignedDuration::from_secs(10));
            },
            "wait outcome 20",
        ),
        (
            "never ended",
            |c| {
                c.state = OutboxState::Sending;
                c.sending_at = Some(now() - SignedDuration::from_secs(30));
            },
            "lose",
        ),
        (
            "unknown, listened for",
            |c| {
                c.state = OutboxState::Unknown;
                c.sending_at = Some(now() - SignedDuration::from_secs(10));
            },
            "wait outcome 20",
        ),
        (
            "unknown, to be held",
            |c| {
                c.state = OutboxState::Unknown;
                c.sending_at = Some(now() - MINUTE);
            },
            "hold",
        ),
        (
            "unknown, to be sent once more",
            |c| {
                c.state = OutboxState::Unknown;
                c.sending_at = Some(now() - MINUTE);
                c.on_unknown = OnUnknown::Resend;
            },
            "template reminder_en",
        ),
        (
            "unknown for the second time",
            |c| {
                c.state = OutboxState::Unknown;
                c.sending_at = Some(now() - MINUTE);
                c.on_unknown = OnUnknown::Resend;
                c.resent = true;
            },
            "hold",
        ),
        (
            "unknown, and refused since",
            |c| {
                c.state = OutboxState::Unknown;
                c.sending_at = Some(now() - MINUTE);
                c.on_unknown = OnUnknown::Resend;
                c.opted_out = true;
            },
            "hold",
        ),
    ];
    for (what, change, expected) in cases {
        let mut candidate = candidate();
        change(&mut candidate);
        assert_eq!(
            word(&judge(&law(), docket(), &candidate)),
            *expected,
            "{what}"
        );
    }
}

#[test]
fn quiet_hours_are_from_eight_to_seven_by_the_towns_clock() {
    for (time, minutes) in [
        ((19, 59), None),
        ((20, 0), Some(660)),
        ((23, 59), Some(421)),
        ((0, 0), Some(420)),
        ((6, 59), Some(1)),
        ((7, 0), None),
        ((12, 0), None),
    ] {
        let local = date(2026, 11, 25).at(time.0, time.1, 0, 0);
        let now = local.to_zoned(town()).unwrap().timestamp();
        let wait = quiet_until(now, town()).map(|until| until.duration_since(now).as_mins());
        assert_eq!(wait, minutes, "{time:?}");
    }
}

#[test]
fn the_window_listens_anew_after_a_standstill() {
    let mut unknown = candidate();
    unknown.state = OutboxState::Unknown;
    unknown.sending_at = Some(now() - DAY);
    for (healthy_since, expected) in [
        (None, "wait outcome 30"),
        (
            Some(now() - SignedDuration::from_secs(10)),
            "wait outcome 20",
        ),
        (Some(now() - DAY), "hold"),
    ] {
        let law = Law {
            healthy_since,
            ..law()
        };
        assert_eq!(word(&judge(&law, docket(), &unknown)), expected);
    }
}

#[test]
fn a_template_carries_metas_names_and_what_the_customer_reads() {
    let NoticeAct::Send(send) = judge(&law(), docket(), &candidate()) else {
        panic!("sent")
    };
    let OutgoingContent::Template(message) = &send.content else {
        panic!("a template")
    };
    assert_eq!((&*message.language, &*message.text), ("en_ZA", "Pay."));
    let Some(TemplateHeader::Text(header)) = &message.header else {
        panic!("a header")
    };
    assert_eq!((&header[0].name, &*header[0].text), (&None, "Bill"));
    let names: Vec<_> = message.body.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(names, [Some("name"), Some("amount")]);
    assert_eq!(send.language, Some(Language::EN));
    assert!(send.initiates);
    assert_eq!(send.pair_tat, now() + PAIR_INTERVAL);
}

#[test]
fn the_tier_counts_people_outside_the_window_once() {
    let docket = Docket {
        tier_left: Some(1),
        ..docket()
    };
    let person = |number: u128, change: Change| {
        let mut one = candidate();
        one.contact = ContactId(Uuid::from_u128(number));
        one.conversation = ConversationId(Uuid::from_u128(number));
        change(&mut one);
        one
    };
    let people = [
        person(1, |c| c.last_inbound_at = Some(now())),
        person(2, |c| c.initiated = true),
        person(3, |_| {}),
        // To the same person from another number of ours.
        person(3, |c| {
            c.conversation = ConversationId(Uuid::from_u128(33));
        }),
        person(4, |_| {}),
        person(5, |c| c.last_inbound_at = Some(now())),
    ];
    let words: Vec<_> = sit(&law(), docket, &people).iter().map(word).collect();
    assert_eq!(
        words,
        [
            "text Lefa.",
            "template reminder_en",
            "template reminder_en",
            "template reminder_en",
            "wait tier 600",
            "text Lefa.",
        ]
    );
}

#[test]
fn what_is_said_to_one_person_leaves_one_after_the_other() {
    let acts = sit(&law(), docket(), &vec![candidate(); 3]);
    let soon = NoticeAct::Wait {
        until: now() + ANOTHER_AGAIN,
        why: None,
    };
    assert_eq!(word(&acts[0]), "template reminder_en");
    assert_eq!(acts[1..], [soon.clone(), soon.clone()]);
    let mut behind = candidate();
    behind.under_way = true;
    assert_eq!(sit(&law(), docket(), &[behind]), [soon]);
}

#[test]
fn what_is_let_through_counts_for_the_next() {
    let all: Vec<_> = (0..8)
        .map(|number| NoticeCandidate {
            conversation: ConversationId(Uuid::from_u128(number)),
            ..candidate()
        })
        .collect();
    let words: Vec<_> = sit(&law(), docket(), &all).iter().map(word).collect();
    assert_eq!(words[..5], ["template reminder_en"; 5]);
    assert_eq!(words[5..], ["wait cap 86400"; 3]);
    let few = Docket {
        sends_max: 2,
        ..docket()
    };
    let words: Vec<_> = sit(&law(), few, &all).iter().map(word).collect();
    assert_eq!(words[1..3], ["template reminder_en", "leave"]);
}

fn any_candidate() -> impl Strategy<Value = NoticeCandidate> {
    let consents = || proptest::sample::subsequence(Consent::ALL.to_vec(), 0..=3);
    let category = proptest::option::weighted(0.9, proptest::sample::select(Consent::ALL.to_vec()));
    let state = proptest::sample::select(vec![
        OutboxState::Pending,
        OutboxState::Sending,
        OutboxState::Unknown,
        OutboxState::Sent,
    ]);
    let zone = proptest::option::of(proptest::sample::select(vec![
        "Africa/Johannesburg",
        "America/New_York",
        "Pacific/Kiritimati",
        "nonsense",
    ]));
    (
        (
            consents(),
            consents(),
            category,
            any::<bool>(),
            any::<bool>(),
        ),
        (state, zone, 0_i64..8, -90_000_i64..90_000, 0_i64..600),
        (
            any::<bool>(),
            any::<bool>(),
            0_u128..4,
            any::<bool>(),
            any::<bool>(),
        ),
    )
        .prop_map(
            |(
                (denied, granted, category, critical, opted_out),
                (state, zone, sent_today, at, pair),
                flags,
            )| {
                let (resent, template_only, person, linked, wrote) = flags;
                let mut candidate = candidate();
                let seconds = SignedDuration::from_secs;
                candidate.conversation = ConversationId(Uuid::from_u128(person));
                candidate.contact = ContactId(Uuid::from_u128(person));
                candidate.denied = denied;
                candidate.granted = granted;
                candidate.category = category;
                candidate.critical = critical;
                candidate.opted_out = opted_out;
                candidate.state = state;
                candidate.time_zone = zone.map(str::to_owned);
                candidate.sent_today = sent_today;
                candidate.first_today = (sent_today > 0).then_some(now());
                candidate.expires_at = now() + seconds(at);
                candidate.sending_at = Some(now() - seconds(at.abs()));
                candidate.last_inbound_at = wrote.then_some(now() - seconds(at.abs()));
                candidate.pair_tat = now() + seconds(pair);
                candidate.resent = resent;
                candidate.template_only = template_only;
                if !linked {
                    candidate.links.clear();
                }
                candidate
            },
        )
}

proptest! {
    #[test]
    fn nothing_goes_against_the_customers_will_or_beyond_a_limit(
        candidates in proptest::collection::vec(any_candidate(), 0..40),
        tier_left in proptest::option::of(-1_i64..5),
        sends_max in 0_i64..20,
    ) {
        let docket = Docket { now: now(), tier_left, sends_max };
        let acts = sit(&law(), docket, &candidates);
        prop_assert_eq!(acts.len(), candidates.len());
        let (mut sends, mut initiations) = (0, 0);
        for (candidate, act) in candidates.iter().zip(&acts) {
            if let NoticeAct::Wait { until, .. } = act {
                prop_assert!(*until > now(), "looked at over and over");
            }
            let NoticeAct::Send(send) = act else { continue };
            sends += 1;
            initiations += i64::from(send.initiates);
            let category = candidate.category.unwrap();
            let granted = candidate.granted.contains(&category);
            prop_assert!(!candidate.denied.contains(&category));
            prop_assert!(!candidate.opted_out || granted);
            prop_assert!(category != Consent::Marketing || granted);
            prop_assert!(candidate.expires_at > now());
            prop_assert!(candidate.critical || candidate.sent_today < 5);
            let words = matches!(send.content, OutgoingContent::Text { .. });
            prop_assert!(!words || window_is_open(now(), candidate));
            prop_assert!(send.pair_tat <= now() + PAIR_BURST + PAIR_INTERVAL);
        }
        prop_assert!(sends <= sends_max);
        prop_assert!(tier_left.is_none_or(|left| initiations <= left.max(0)));
    }
}

#[test]
fn a_file_of_ours_is_sent_when_whatsapp_has_it() {
    let mut candidate = candidate();
    candidate.critical = true;
    candidate.last_inbound_at = Some(now());
    candidate.content = Some(OutgoingContent::Media {
        kind: MediaKind::Image,
        source: MediaSource::Stored("shared/00".to_owned()),
        caption: None,
        filename: None,
    });
    let docket = Docket {
        now: now(),
        tier_left: None,
        sends_max: 1,
    };
    candidate.file = FileAt::Here;
    let NoticeAct::Wait {
        until,
        why: Some(WaitsFor::Upload),
    } = judge(&law(), docket, &candidate)
    else {
        panic!("it waits");
    };
    assert!(until > now() && until < candidate.expires_at);
    candidate.file = FileAt::WhatsApp("77".to_owned());
    let NoticeAct::Send(send) = judge(&law(), docket, &candidate) else {
        panic!("it is sent");
    };
    assert!(matches!(
        send.content,
        OutgoingContent::Media { source: MediaSource::Id(id), .. } if id == "77"
    ));
    candidate.file = FileAt::Nowhere;
    assert!(matches!(
        judge(&law(), docket, &candidate),
        NoticeAct::Cancel { .. }
    ));
}
