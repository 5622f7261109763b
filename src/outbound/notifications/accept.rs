//! From a request to a notification that the store accepts: text in every language, whom it goes to, until when.

use jiff::{SignedDuration, Timestamp};
use puisano_engine::{Consent, FieldProblem, Template, Values, fold};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Audience, Caller, Desk, NoticeRequest, Refused, problem};
use crate::model::{Address, Class, Filling, NotificationId, OnUnknown};
use crate::rulesets::Live;
use crate::store::idempotency::{Answer, Earlier};
use crate::store::notifications::{Accepted, Area, NewNotification, Whom};

/// How far ahead something may be asked for.
const SEND_AHEAD_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long after it is due it may still be sent, where neither caller nor template says.
const VALID_FOR_DEFAULT: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Areas that are named when one is unknown.
const AREAS_NAMED_MAX: i64 = 20;
/// The field of a template that is the area.
const AREA_FIELD: &str = "area";
/// (template, what it makes pointless): about the same account, and not sent yet.
const MAKES_POINTLESS: &[(&str, &str)] = &[("payment_confirmation", "payment_reminder")];

/// What a request would send, and to how many.
#[derive(Clone, Debug)]
pub struct Preview {
    /// In the pack's order of languages, or the language that was asked for first.
    pub texts: Vec<Filling>,
    pub recipients: i64,
}

/// Accepts `request`: nothing is half done, and the answer is remembered with it.
pub async fn accept(
    desk: &Desk,
    caller: &Caller,
    request: NoticeRequest,
) -> Result<Answer, Refused> {
    // The first answer stands, whatever the rules say by now.
    match desk.store.answered(caller.once.as_ref()).await? {
        Earlier::Same(answer) => return Ok(answer),
        Earlier::Other => return Err(Refused::Conflict),
        Earlier::Never => {}
    }
    let live = desk.rules.current();
    let (new, whom) = prepare(desk, &live, (caller, &request)).await?;
    let accepted = desk
        .store
        .accept_notification(&desk.clock, caller.once.as_ref(), (&new, &whom))
        .await?;
    match accepted {
        Accepted::Answer(answer) => Ok(answer),
        Accepted::OtherRequest => Err(Refused::Conflict),
        Accepted::NoSuchContact => Err(Refused::Fields(vec![problem(
            "to",
            "there is no contact with this id",
        )])),
    }
}

/// What `request` would send now; nothing is written.
pub async fn preview(desk: &Desk, request: &NoticeRequest) -> Result<Preview, Refused> {
    let live = desk.rules.current();
    let caller = Caller {
        created_by: String::new(),
        once: None,
    };
    let (new, whom) = prepare(desk, &live, (&caller, request)).await?;
    let recipients = match &whom {
        Whom::Person(_) => 1,
        Whom::Area(key) => desk.store.people_in_area(key).await?,
    };
    let mut texts = new.fillings;
    if let Some(at) = texts
        .iter()
        .position(|filling| Some(filling.language) == new.language)
    {
        texts.swap(0, at);
    }
    Ok(Preview { texts, recipients })
}

async fn prepare(
    desk: &Desk,
    live: &Live,
    (caller, request): (&Caller, &NoticeRequest),
) -> Result<(NewNotification, Whom), Refused> {
    let Some(template) = live.ruleset.template(&request.template) else {
        return Err(Refused::NotFound(format!(
            "the rules have no template `{}`",
            request.template
        )));
    };
    let (whom, given) = whom(desk, template, request).await?;
    let mut problems = Vec::new();
    let times = times(desk.clock.now(), template, request, &mut problems);
    if let Some(language) = request.language
        && !template.languages().contains(&language)
    {
        let known: Vec<String> = template
            .languages()
            .iter()
            .map(ToString::to_string)
            .collect();
        let what = format!(
            "there is no text in `{language}`: choose among {}",
            known.join(", ")
        );
        problems.push(problem("language", what));
    }
    let values = template.read(&given);
    let made = values.and_then(|values| Ok((fillings(template, &values)?, values)));
    let (fillings, values) = match made {
        Ok(made) if problems.is_empty() => made,
        Ok(_) => return Err(Refused::Fields(problems)),
        Err(mut wrong) => {
            wrong.append(&mut problems);
            return Err(Refused::Fields(as_called(request, wrong)));
        }
    };
    let category = template.consent();
    let new = NewNotification {
        id: NotificationId(desk.clock.new_id()),
        template: request.template.clone(),
        category,
        class: match &whom {
            Whom::Person(_) => Class::Notification,
            Whom::Area(_) => Class::Bulk,
        },
        critical: request.critical,
        // A bill that comes twice worries people; an outage that nobody hears of hurts them.
        on_unknown: if category == Consent::Service {
            OnUnknown::Resend
        } else {
            OnUnknown::Hold
        },
        request_hash: hash(request, (&values, &whom)),
        fields: values,
        account: request.account.clone(),
        language: request.language,
        fillings,
        phone_number_id: desk.phone_number_id.clone(),
        origin: desk.origin,
        created_by: caller.created_by.clone(),
        ruleset: live.hash.clone(),
        send_at: times.0,
        expires_at: times.1,
        cancels: MAKES_POINTLESS
            .iter()
            .find(|(template, _)| *template == request.template && !request.keep_reminders)
            .map(|(_, pointless)| *pointless),
    };
    Ok((new, whom))
}

/// Whom it goes to, and the values with the area's name among them where the text needs it.
async fn whom(
    desk: &Desk,
    template: &Template,
    request: &NoticeRequest,
) -> Result<(Whom, Values), Refused> {
    let mut given = request.fields.clone();
    let needs_area = template
        .fields()
        .iter()
        .any(|field| field.name == AREA_FIELD)
        && !given.contains_key(AREA_FIELD);
    let (whom, area) = match &request.to {
        Audience::Person(address) if needs_area => {
            let area = desk.store.area_of(address).await?.ok_or_else(|| {
                let what = "is missing: we do not know in which area this person lives";
                Refused::Fields(vec![problem(AREA_FIELD, what)])
            })?;
            (Whom::Person(address.clone()), Some(area))
        }
        Audience::Person(address) => (Whom::Person(address.clone()), None),
        Audience::Area { area, to } => {
            let found = desk.store.area_called(area, &fold(area)).await?;
            match (to, found) {
                // For one person the area is a word in the text.
                (Some(address), found) => {
                    let name = found.map_or_else(|| area.clone(), |area| area.name);
                    (Whom::Person(address.clone()), Some(name))
                }
                (None, Some(Area { key, name })) => (Whom::Area(key), Some(name)),
                (None, None) => return Err(unknown_area(desk, area).await?),
            }
        }
    };
    if let Some(area) = area.filter(|_| needs_area) {
        given.insert(AREA_FIELD.to_owned(), area);
    }
    Ok((whom, given))
}

async fn unknown_area(desk: &Desk, area: &str) -> Result<Refused, Refused> {
    let names = desk.store.area_names(AREAS_NAMED_MAX).await?;
    let what = if names.is_empty() {
        format!("no area is called `{area}`: there are no areas yet")
    } else {
        format!("no area is called `{area}`; there is {}", names.join(", "))
    };
    Ok(Refused::Fields(vec![problem(AREA_FIELD, what)]))
}

/// When it is sent, and until when it may be.
fn times(
    now: Timestamp,
    template: &Template,
    request: &NoticeRequest,
    problems: &mut Vec<FieldProblem>,
) -> (Timestamp, Timestamp) {
    let after = |start: Timestamp, by| start.saturating_add(by).unwrap_or(Timestamp::MAX);
    let send_at = request.send_at.map_or(now, |at| at.max(now));
    if send_at > after(now, SEND_AHEAD_MAX) {
        let days = SEND_AHEAD_MAX.as_hours() / 24;
        problems.push(problem("send_at", format!("must be within {days} days")));
    }
    let valid_for = template.valid_for().unwrap_or(VALID_FOR_DEFAULT);
    let expires_at = request
        .expires_at
        .unwrap_or_else(|| after(send_at, valid_for));
    if expires_at <= send_at {
        problems.push(problem(
            "expires_at",
            "must be after the time at which it is sent",
        ));
    }
    (send_at, expires_at)
}

/// The text in every language; the problems when it does not fit somewhere.
fn fillings(template: &Template, values: &Values) -> Result<Vec<Filling>, Vec<FieldProblem>> {
    let (mut fillings, mut problems) = (Vec::new(), Vec::new());
    for language in template.languages() {
        match template.render(language, values) {
            Some(Ok(rendered)) => fillings.push(Filling {
                language,
                text: rendered.text,
                filled: rendered.filled,
            }),
            Some(Err(found)) => problems.extend(found),
            None => {}
        }
    }
    if !problems.is_empty() || fillings.is_empty() {
        problems.dedup();
        return Err(problems);
    }
    Ok(fillings)
}

/// Names the fields as the caller does.
fn as_called(request: &NoticeRequest, mut problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
    for problem in &mut problems {
        if let Some((_, called)) = request
            .called
            .iter()
            .find(|(field, _)| *field == problem.field)
        {
            (*called).clone_into(&mut problem.field);
        }
    }
    problems
}

/// The same for two requests that ask for the same.
fn hash(request: &NoticeRequest, (values, whom): (&Values, &Whom)) -> [u8; 32] {
    let to = match whom {
        Whom::Person(Address::Phone(phone)) => json!({ "phone": phone }),
        Whom::Person(Address::Contact(id)) => json!({ "contact": id }),
        Whom::Area(key) => json!({ "area": key }),
    };
    let asked = json!({
        "template": request.template,
        "to": to,
        "account": request.account,
        "values": values,
        "language": request.language,
        "send_at": request.send_at,
        "expires_at": request.expires_at,
        "critical": request.critical,
    });
    Sha256::digest(asked.to_string().as_bytes()).into()
}
