//! Decides about a notice that is due: sent now and how, later, or not at all. Pure: all that counts is given.
//!
//! Refusals by the customer come before everything else but the outcome of a call that was made; nothing lifts them.

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use puisano_engine::{Consent, Language};

use crate::model::{
    ContactId, ConversationId, Filling, MediaSource, Notice, OnUnknown, OutboxState,
    OutgoingContent, TemplateButton, TemplateHeader, TemplateMessage, TemplateParameter,
};
use crate::store::outbox::{
    Docket, FileAt, NoticeAct, NoticeCandidate, NoticeSend, TemplateLink, WaitsFor,
};

/// Nothing that is not critical is sent from the evening to the morning, by the customer's clock.
const QUIET_FROM: Time = Time::constant(20, 0, 0, 0);
const QUIET_UNTIL: Time = Time::constant(7, 0, 0, 0);
/// WhatsApp's window without the time that a message may be on its way.
const WINDOW: SignedDuration = SignedDuration::from_mins(24 * 60 - 5);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// WhatsApp's pace for one recipient: one message in six seconds, and 45 at once.
const PAIR_INTERVAL: SignedDuration = SignedDuration::from_secs(6);
const PAIR_BURST: SignedDuration = SignedDuration::from_secs(6 * 44);
/// A call that has not ended by now never will.
const CALL_LOST: SignedDuration = SignedDuration::from_secs(30);
/// How often something is looked at again that waits for others to act.
const TEMPLATE_AGAIN: SignedDuration = SignedDuration::from_mins(1);
const UPLOAD_AGAIN: SignedDuration = SignedDuration::from_secs(10);
const TIER_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// What is said to one person leaves one after the other, or it could arrive in another order.
const ANOTHER_AGAIN: SignedDuration = SignedDuration::from_millis(150);

/// What the judge goes by, the same for all items.
#[derive(Clone, Debug)]
pub(super) struct Law {
    /// Notices that are not critical, to one person in 24 hours.
    pub(super) per_day: i64,
    /// Where the customer's own zone is not known.
    pub(super) town: TimeZone,
    /// How long an unknown item waits for a status.
    pub(super) unknown_window: SignedDuration,
    /// Since when statuses could have reached us without a break.
    pub(super) healthy_since: Option<Timestamp>,
}

/// Decides about all items of one look. What has been let through counts for the items after it.
pub(super) fn sit(law: &Law, docket: Docket, candidates: &[NoticeCandidate]) -> Vec<NoticeAct> {
    let mut tally = Tally::default();
    candidates
        .iter()
        .map(|candidate| {
            let candidate = tally.with(docket, candidate);
            let docket = tally.rest(docket);
            let act = judge(law, docket, &candidate);
            if let NoticeAct::Send(send) = &act {
                tally.count(&candidate, send);
            }
            act
        })
        .collect()
}

/// What has been let through in one look.
#[derive(Default)]
struct Tally {
    sends: i64,
    initiated: BTreeMap<ContactId, bool>,
    sent: BTreeMap<ContactId, i64>,
    pair_tats: BTreeMap<ConversationId, Timestamp>,
}

impl Tally {
    fn with(&self, docket: Docket, candidate: &NoticeCandidate) -> NoticeCandidate {
        let mut candidate = candidate.clone();
        if let Some(sent) = self.sent.get(&candidate.contact) {
            candidate.sent_today += sent;
            candidate.first_today.get_or_insert(docket.now);
        }
        candidate.initiated |= self.initiated.contains_key(&candidate.contact);
        if let Some(tat) = self.pair_tats.get(&candidate.conversation) {
            candidate.pair_tat = *tat;
            candidate.under_way = true;
        }
        candidate
    }

    fn rest(&self, docket: Docket) -> Docket {
        let initiated = i64::try_from(self.initiated.len()).unwrap_or(i64::MAX);
        Docket {
            sends_max: docket.sends_max - self.sends,
            tier_left: docket.tier_left.map(|left| left - initiated),
            ..docket
        }
    }

    fn count(&mut self, candidate: &NoticeCandidate, send: &NoticeSend) {
        self.sends += 1;
        *self.sent.entry(candidate.contact).or_default() += 1;
        if send.initiates {
            self.initiated.insert(candidate.contact, true);
        }
        self.pair_tats.insert(candidate.conversation, send.pair_tat);
    }
}

/// Decides about one item.
pub(super) fn judge(law: &Law, docket: Docket, candidate: &NoticeCandidate) -> NoticeAct {
    if let Some(act) = after_a_call(law, docket.now, candidate) {
        return act;
    }
    let may_have_been_sent = candidate.state != OutboxState::Pending;
    if let Some(why) = refused(docket.now, candidate) {
        // What may be on the customer's phone already is not called cancelled.
        return if may_have_been_sent {
            NoticeAct::Hold
        } else {
            NoticeAct::Cancel { why }
        };
    }
    if let Some((until, why)) = too_soon(law, docket.now, candidate) {
        return NoticeAct::Wait {
            until: until.min(candidate.expires_at),
            why: Some(why),
        };
    }
    if candidate.under_way {
        return NoticeAct::Wait {
            until: later(docket.now, ANOTHER_AGAIN),
            why: None,
        };
    }
    let (content, language) = match form(docket.now, candidate) {
        Form::As(content, language) => (content, language),
        Form::Wait(again, why) => {
            return NoticeAct::Wait {
                until: later(docket.now, again).min(candidate.expires_at),
                why: Some(why),
            };
        }
        Form::Never(why) => return NoticeAct::Cancel { why },
    };
    let initiates = !window_is_open(docket.now, candidate);
    if initiates && !candidate.initiated && docket.tier_left.is_some_and(|left| left <= 0) {
        return NoticeAct::Wait {
            until: later(docket.now, TIER_AGAIN).min(candidate.expires_at),
            why: Some(WaitsFor::Tier),
        };
    }
    if docket.sends_max <= 0 {
        return NoticeAct::Leave;
    }
    NoticeAct::Send(Box::new(NoticeSend {
        content,
        language,
        initiates: initiates && !candidate.initiated,
        pair_tat: later(candidate.pair_tat.max(docket.now), PAIR_INTERVAL),
    }))
}

/// A call was made: as long as its outcome may still come, nothing else counts.
fn after_a_call(law: &Law, now: Timestamp, candidate: &NoticeCandidate) -> Option<NoticeAct> {
    let sending_at = candidate.sending_at.unwrap_or(now);
    let wait = |until| Some(NoticeAct::Wait { until, why: None });
    match candidate.state {
        OutboxState::Pending => None,
        OutboxState::Sending => {
            let lost_at = later(sending_at, CALL_LOST);
            if lost_at > now {
                wait(lost_at)
            } else {
                Some(NoticeAct::Lose)
            }
        }
        OutboxState::Unknown => {
            let listening_since = sending_at.max(law.healthy_since.unwrap_or(now));
            let heard_out_at = later(listening_since, law.unknown_window);
            let once_more = candidate.on_unknown == OnUnknown::Resend && !candidate.resent;
            if heard_out_at > now {
                wait(heard_out_at)
            } else {
                (!once_more).then_some(NoticeAct::Hold)
            }
        }
        // Nobody claims what is finished.
        _ => Some(NoticeAct::Leave),
    }
}

/// Why it is not sent any more.
fn refused(now: Timestamp, candidate: &NoticeCandidate) -> Option<&'static str> {
    let Some(category) = candidate.category else {
        return Some("It says of no category that the customer could agree to.");
    };
    let granted = candidate.granted.contains(&category);
    if candidate.denied.contains(&category) {
        Some("The customer does not want messages of this kind.")
    } else if candidate.opted_out && !granted {
        Some("The customer does not want messages.")
    } else if category == Consent::Marketing && !granted {
        Some("The customer has not agreed to marketing.")
    } else if candidate.expires_at <= now {
        Some("It could not be sent in time.")
    } else {
        None
    }
}

/// Until when it has to wait, and for what.
fn too_soon(
    law: &Law,
    now: Timestamp,
    candidate: &NoticeCandidate,
) -> Option<(Timestamp, WaitsFor)> {
    if !candidate.critical {
        if let Some(until) = quiet_until(now, zone(law, candidate)) {
            return Some((until, WaitsFor::QuietHours));
        }
        if candidate.sent_today >= law.per_day {
            let first = candidate.first_today.unwrap_or(now);
            return Some((
                later(first, DAY).max(later(now, TEMPLATE_AGAIN)),
                WaitsFor::Cap,
            ));
        }
    }
    let pair_free_at = candidate.pair_tat.saturating_sub(PAIR_BURST).unwrap_or(now);
    (pair_free_at > now).then_some((pair_free_at, WaitsFor::Pair))
}

/// The customer's zone, if it is one.
fn zone(law: &Law, candidate: &NoticeCandidate) -> TimeZone {
    let own = candidate.time_zone.as_deref();
    own.and_then(|name| TimeZone::get(name).ok())
        .unwrap_or_else(|| law.town.clone())
}

/// The end of the quiet hours, if `now` is in them.
fn quiet_until(now: Timestamp, zone: TimeZone) -> Option<Timestamp> {
    let local = now.to_zoned(zone);
    let morning = if local.time() >= QUIET_FROM {
        local.tomorrow().ok()?
    } else if local.time() < QUIET_UNTIL {
        local.clone()
    } else {
        return None;
    };
    let end = morning.with().time(QUIET_UNTIL).build().ok()?.timestamp();
    // Where clocks are put forward over it, seven o'clock may be now.
    (end > now).then_some(end)
}

fn window_is_open(now: Timestamp, candidate: &NoticeCandidate) -> bool {
    !candidate.template_only
        && candidate
            .last_inbound_at
            .is_some_and(|at| later(at, WINDOW) > now)
}

enum Form {
    As(OutgoingContent, Option<Language>),
    /// No template for it is approved, or WhatsApp does not have its file.
    Wait(SignedDuration, WaitsFor),
    Never(&'static str),
}

/// As what it is sent: words inside the window, a template outside.
fn form(now: Timestamp, candidate: &NoticeCandidate) -> Form {
    let open = window_is_open(now, candidate);
    match &candidate.content {
        None => Form::Never("What is to be sent was written by a newer version of the service."),
        Some(OutgoingContent::Notice(notice)) if open => match notice.fillings.first() {
            Some(filling) => Form::As(
                OutgoingContent::Text {
                    text: filling.text.clone(),
                },
                Some(filling.language),
            ),
            None => Form::Never("There is nothing in it."),
        },
        Some(OutgoingContent::Notice(notice)) => match approved(notice, &candidate.links) {
            Some((filling, link)) => Form::As(
                OutgoingContent::Template(template(filling, link)),
                Some(filling.language),
            ),
            None => Form::Wait(TEMPLATE_AGAIN, WaitsFor::Template),
        },
        Some(content @ OutgoingContent::Template(_)) => Form::As(content.clone(), None),
        Some(content) if open => as_it_is(content, &candidate.file),
        Some(_) => Form::Never(
            "More than 24 hours have passed since the customer last wrote; only a template can be sent.",
        ),
    }
}

/// With WhatsApp's id of the file, where it sends one of ours.
fn as_it_is(content: &OutgoingContent, file: &FileAt) -> Form {
    let mut content = content.clone();
    if content.stored_file().is_none() {
        return Form::As(content, None);
    }
    match file {
        FileAt::Nowhere => Form::Never("The file is not here any more."),
        FileAt::Here => Form::Wait(UPLOAD_AGAIN, WaitsFor::Upload),
        FileAt::WhatsApp(id) => {
            if let OutgoingContent::Media { source, .. } = &mut content {
                *source = MediaSource::Id(id.clone());
            }
            Form::As(content, None)
        }
    }
}

/// The first language that WhatsApp has approved.
fn approved<'a>(
    notice: &'a Notice,
    links: &'a [TemplateLink],
) -> Option<(&'a Filling, &'a TemplateLink)> {
    notice.fillings.iter().find_map(|filling| {
        let link = links
            .iter()
            .find(|link| link.language == filling.language)?;
        Some((filling, link))
    })
}

fn template(filling: &Filling, link: &TemplateLink) -> TemplateMessage {
    let parameters = |part: &str, texts: &[String]| -> Vec<TemplateParameter> {
        let names = link
            .parameter_names
            .get(part)
            .map_or(&[][..], Vec::as_slice);
        texts
            .iter()
            .enumerate()
            .map(|(at, text)| TemplateParameter {
                name: names.get(at).cloned(),
                text: text.clone(),
            })
            .collect()
    };
    let header = &filling.filled.header;
    TemplateMessage {
        name: link.meta_name.clone(),
        language: link.meta_language.clone(),
        header: (!header.is_empty()).then(|| TemplateHeader::Text(parameters("header", header))),
        body: parameters("body", &filling.filled.body),
        buttons: filling
            .filled
            .buttons
            .iter()
            .map(|button| TemplateButton {
                index: button.index,
                value: button.value.clone(),
            })
            .collect(),
        text: filling.text.clone(),
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
