//! One message of any kind to one person, now.
//!
//! Whether WhatsApp's 24-hour window allows it is known when it is sent: a text outside of it is rejected then, with the
//! reason. A template of the rules is a notification to one person: it goes as text or as template, and a reply to it is
//! understood.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use puisano_engine::{FieldProblem, Language, Template};

use super::{Caller, Desk, NoticeRequest, Refused, accept, problem};
use crate::channels::whatsapp::{TemplateTexts, template_parameters};
use crate::model::{Address, MediaKind, OutgoingContent, TemplateMessage, TemplateParameter};
use crate::outbound::enqueue::WINDOW;
use crate::store::idempotency::Answer;
use crate::store::notifications::{NewMessage, Queued};
use crate::store::templates::StoredTemplate;

/// How long one of WhatsApp's templates may wait to be sent.
const TEMPLATE_VALID_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Characters of a parameter.
const PARAMETER_CHARS_MAX: usize = 1_024;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct SendRequest {
    pub to: Address,
    pub content: Content,
    pub reply_to: Option<Quote>,
}

/// Our id or WhatsApp's of a message with the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote(pub String);

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Message(OutgoingContent),
    /// By the name in the rules, or by WhatsApp's.
    Template {
        name: String,
        /// Of the text; or WhatsApp's code.
        language: Option<String>,
        parameters: Parameters,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// In the order of the text.
    Placed(Vec<String>),
    Named(BTreeMap<String, String>),
}

/// One of WhatsApp's templates, as a caller may name it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownTemplate {
    meta_name: String,
    meta_language: String,
    /// The language of the text, where it is one of ours.
    language: Option<String>,
    status: String,
    is_named: bool,
    /// Of the body, in order of appearance: numbers or names.
    parameters: Vec<String>,
    body: String,
}

impl KnownTemplate {
    fn of((stored, language): (StoredTemplate, Option<String>)) -> Self {
        let body = TemplateTexts::read(&stored.components).body;
        Self {
            meta_name: stored.name,
            meta_language: stored.language,
            language,
            status: stored.status,
            is_named: stored.is_named,
            parameters: template_parameters(&body),
            body,
        }
    }
}

/// Accepts `request`; the answer has the id by which the message is asked for.
pub async fn send(desk: &Desk, caller: &Caller, request: SendRequest) -> Result<Answer, Refused> {
    let now = desk.clock.now();
    match request.content {
        Content::Message(content) => {
            let content = with_file(desk, content).await?;
            // The customer is there: they wrote less than a day ago, or it is not sent at all.
            let new = NewMessage {
                to: request.to,
                content,
                quotes: request.reply_to.map(|quote| quote.0),
                critical: true,
                phone_number_id: desk.phone_number_id.clone(),
                origin: desk.origin,
                due_at: now,
                expires_at: later(now, WINDOW),
            };
            queue(desk, caller, &new).await
        }
        Content::Template {
            name,
            language,
            parameters,
        } => {
            let live = desk.rules.current();
            let ours = live.ruleset.template(&name).and_then(|template| {
                let asked = language.as_deref().map(Language::parse);
                // A code of WhatsApp's, such as `en_ZA`, asks for WhatsApp's own template.
                let language = match asked {
                    None => None,
                    Some(Some(language)) if template.languages().contains(&language) => {
                        Some(language)
                    }
                    Some(_) => return None,
                };
                let fields = fields(template, &parameters)?;
                Some(NoticeRequest {
                    account: fields.get("account").cloned(),
                    fields,
                    language,
                    ..NoticeRequest::to_person(&name, request.to.clone())
                })
            });
            if let Some(notice) = ours {
                let answer = accept(desk, caller, notice).await?;
                return as_message(desk, answer).await;
            }
            let found = desk.store.known_templates(&name).await?;
            let known: Vec<KnownTemplate> = found.into_iter().map(KnownTemplate::of).collect();
            let message = filled(&known, (&name, language.as_deref()), &parameters)?;
            let new = NewMessage {
                to: request.to,
                content: OutgoingContent::Template(message),
                quotes: request.reply_to.map(|quote| quote.0),
                critical: false,
                phone_number_id: desk.phone_number_id.clone(),
                origin: desk.origin,
                due_at: now,
                expires_at: later(now, TEMPLATE_VALID_FOR),
            };
            queue(desk, caller, &new).await
        }
    }
}

async fn queue(desk: &Desk, caller: &Caller, new: &NewMessage) -> Result<Answer, Refused> {
    let wrong = |field: &str, what: &str| Err(Refused::Fields(vec![problem(field, what)]));
    match desk
        .store
        .queue_message(&desk.clock, caller.once.as_ref(), new)
        .await?
    {
        Queued::Answer(answer) => Ok(answer),
        Queued::OtherRequest => Err(Refused::Conflict),
        Queued::NoSuchContact => wrong("to", "there is no contact with this id"),
        Queued::NoAddress => wrong(
            "to",
            "this contact has neither a phone number nor a user id",
        ),
        Queued::NoSuchFile => wrong("media_id", NO_SUCH_FILE),
        Queued::NoSuchQuote => wrong(
            "reply_to",
            "there is no such message with this person, or WhatsApp does not know it yet",
        ),
    }
}

const NO_SUCH_FILE: &str = "there is no such file for this person; upload it first";

/// A message with a file of ours has one that is here and of the right type; a document has the file's name.
async fn with_file(desk: &Desk, mut content: OutgoingContent) -> Result<OutgoingContent, Refused> {
    let wrong = |what: String| Refused::Fields(vec![problem("media_id", what)]);
    let Some((owner, hash)) = content.stored_file().and_then(|file| file.split_once('/')) else {
        return Ok(content);
    };
    let file = desk.store.media_file(owner, hash).await?;
    let file = file.ok_or_else(|| wrong(NO_SUCH_FILE.to_owned()))?;
    if let OutgoingContent::Media { kind, filename, .. } = &mut content {
        if !fits(*kind, &file.mime) {
            let what = format!("this file is {}, which cannot be sent as such", file.mime);
            return Err(wrong(what));
        }
        if *kind == MediaKind::Document && filename.is_none() {
            filename.clone_from(&file.filename);
        }
    }
    Ok(content)
}

/// Whether WhatsApp takes a file of this type as such a message.
fn fits(kind: MediaKind, mime: &str) -> bool {
    match kind {
        MediaKind::Image => matches!(mime, "image/jpeg" | "image/png"),
        MediaKind::Video => mime.starts_with("video/"),
        MediaKind::Audio => mime.starts_with("audio/"),
        MediaKind::Voice => mime == "audio/ogg",
        MediaKind::Sticker => mime == "image/webp",
        MediaKind::Document => mime.starts_with("application/") || mime == "text/plain",
    }
}

/// The answer about the one message of a notification: the message's id in the place of the notification's.
async fn as_message(desk: &Desk, mut answer: Answer) -> Result<Answer, Refused> {
    let id = answer.body["id"]
        .as_str()
        .and_then(|id| uuid::Uuid::try_parse(id).ok());
    if let Some(id) = id {
        let notification = crate::model::NotificationId(id);
        let recipients = desk
            .store
            .notification_recipients(notification, None, 1)
            .await?;
        answer.body["notification"] = serde_json::json!(notification);
        if let Some(message) = recipients.first().and_then(|one| one.message) {
            answer.body["id"] = serde_json::json!(message);
        }
    }
    Ok(answer)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The values of our template by field, when `parameters` are such values. Parameters that are printed already ("7 December")
/// are none: they go to WhatsApp's template as they are.
fn fields(template: &Template, parameters: &Parameters) -> Option<BTreeMap<String, String>> {
    match parameters {
        Parameters::Named(named) => Some(named.clone()),
        Parameters::Placed(values) => {
            let names = template.fields().iter().map(|field| field.name.clone());
            let fields: BTreeMap<String, String> = names.zip(values.iter().cloned()).collect();
            let fits = values.len() == template.fields().len() && template.read(&fields).is_ok();
            fits.then_some(fields)
        }
    }
}

/// One of WhatsApp's templates with `parameters`; the problems where they do not fit.
fn filled(
    known: &[KnownTemplate],
    (name, language): (&str, Option<&str>),
    parameters: &Parameters,
) -> Result<TemplateMessage, Refused> {
    let found = known.iter().find(|one| {
        language.is_none_or(|wanted| {
            one.meta_language == wanted || one.language.as_deref() == Some(wanted)
        })
    });
    let Some(found) = found else {
        return Err(Refused::Fields(vec![missing(known, (name, language))]));
    };
    if found.status != "APPROVED" {
        let what = format!(
            "WhatsApp does not send `{}` in `{}` now: its status is {}",
            found.meta_name,
            found.meta_language,
            found.status.to_lowercase()
        );
        return Err(Refused::Fields(vec![problem("template", what)]));
    }
    let body = body(found, parameters).map_err(Refused::Fields)?;
    let text = body
        .iter()
        .zip(&found.parameters)
        .fold(found.body.clone(), |text, (parameter, name)| {
            text.replace(&format!("{{{{{name}}}}}"), &parameter.text)
        });
    Ok(TemplateMessage {
        name: found.meta_name.clone(),
        language: found.meta_language.clone(),
        header: None,
        body,
        buttons: Vec::new(),
        text,
    })
}

fn missing(known: &[KnownTemplate], (name, language): (&str, Option<&str>)) -> FieldProblem {
    if known.is_empty() {
        return problem(
            "template",
            format!("neither the rules nor WhatsApp have a template `{name}`"),
        );
    }
    let languages: Vec<&str> = known.iter().map(|one| one.meta_language.as_str()).collect();
    let asked = language.unwrap_or_default();
    problem(
        "language",
        format!(
            "WhatsApp has `{name}` in {}, not in `{asked}`",
            languages.join(", ")
        ),
    )
}

fn body(
    found: &KnownTemplate,
    parameters: &Parameters,
) -> Result<Vec<TemplateParameter>, Vec<FieldProblem>> {
    let (mut body, mut problems) = (Vec::new(), Vec::new());
    let given: Vec<Option<&String>> = match parameters {
        Parameters::Placed(values) => values.iter().map(Some).collect(),
        Parameters::Named(values) => {
            for unknown in values
                .keys()
                .filter(|name| !found.parameters.contains(name))
            {
                problems.push(problem(
                    &format!("parameters.{unknown}"),
                    "the template has no such parameter",
                ));
            }
            found
                .parameters
                .iter()
                .map(|name| values.get(name))
                .collect()
        }
    };
    if given.len() != found.parameters.len() {
        let what = format!(
            "the template takes {} parameters, and {} are given",
            found.parameters.len(),
            given.len()
        );
        return Err(vec![problem("parameters", what)]);
    }
    for (name, value) in found.parameters.iter().zip(given) {
        let field = format!("parameters.{name}");
        match value.map(|value| parameter(value)) {
            None => problems.push(problem(&field, "is missing")),
            Some(Err(what)) => problems.push(problem(&field, what)),
            Some(Ok(text)) => body.push(TemplateParameter {
                name: found.is_named.then(|| name.clone()),
                text,
            }),
        }
    }
    if problems.is_empty() {
        Ok(body)
    } else {
        Err(problems)
    }
}

/// WhatsApp takes no line breaks, no tabs and no long runs of spaces in a parameter, and none that is empty.
fn parameter(value: &str) -> Result<String, String> {
    let text = value.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = text.encode_utf16().count();
    match length {
        0 => Err("must not be empty".to_owned()),
        _ if length > PARAMETER_CHARS_MAX => Err(format!(
            "has {length} characters; WhatsApp takes {PARAMETER_CHARS_MAX}"
        )),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(parameters: &[&str], is_named: bool) -> KnownTemplate {
        KnownTemplate {
            meta_name: "appointment".to_owned(),
            meta_language: "en_ZA".to_owned(),
            language: None,
            status: "APPROVED".to_owned(),
            is_named,
            parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
            body: parameters
                .iter()
                .map(|name| format!("[{{{{{name}}}}}]"))
                .collect::<Vec<_>>()
                .concat(),
        }
    }

    fn problems(result: Result<TemplateMessage, Refused>) -> Vec<String> {
        match result {
            Err(Refused::Fields(problems)) => {
                problems.into_iter().map(|problem| problem.field).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parameters_fit_the_template_or_are_named() {
        let placed = |values: &[&str]| {
            Parameters::Placed(values.iter().map(|value| (*value).to_owned()).collect())
        };
        let named = |values: &[(&str, &str)]| {
            let pairs = values
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Parameters::Named(pairs.collect())
        };
        let by_place = [known(&["1", "2"], false)];
        let message = filled(
            &by_place,
            ("appointment", None),
            &placed(&["Thandi", "two\n lines"]),
        )
        .unwrap();
        assert_eq!(message.text, "[Thandi][two lines]");
        assert_eq!(message.body[0].name, None);
        let by_name = [known(&["name"], true)];
        let message = filled(
            &by_name,
            ("appointment", Some("en_ZA")),
            &named(&[("name", "Thandi")]),
        )
        .unwrap();
        assert_eq!(message.body[0].name.as_deref(), Some("name"));
        for (templates, language, parameters, expected) in [
            (&by_place, None, placed(&["one"]), "parameters"),
            (&by_place, None, placed(&["one", " "]), "parameters.2"),
            (&by_place, Some("af"), placed(&["one", "two"]), "language"),
            (&by_name, None, named(&[]), "parameters.name"),
        ] {
            let found = problems(filled(
                templates.as_slice(),
                ("appointment", language),
                &parameters,
            ));
            assert_eq!(found, [expected]);
        }
        assert_eq!(
            problems(filled(&[], ("appointment", None), &placed(&[]))),
            ["template"]
        );
        let mut paused = known(&[], false);
        paused.status = "PAUSED".to_owned();
        assert_eq!(
            problems(filled(&[paused], ("appointment", None), &placed(&[]))),
            ["template"]
        );
    }
}
