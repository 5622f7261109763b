//! A template that is sent: whether its parameters fit what was approved, and what the person reads.
//!
//! Refuses with WhatsApp's own codes.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Library, Status, Template, parameters, upper};
use crate::channels::simulator::checks::only;
use crate::channels::simulator::graph_error::GraphError;

const BODY_MAX: usize = 1_024;
const HEADER_MAX: usize = 60;
const PAYLOAD_MAX: usize = 256;

/// More consecutive spaces than this are refused in a parameter.
const SPACES_MAX: usize = 4;

type Checked<T = ()> = Result<T, GraphError>;

/// The `template` of a request, checked and filled in: `text`, `header`, `footer`, `buttons`, `category`, as the phone
/// shows them.
pub(in crate::channels::simulator) fn fill(
    library: &Library,
    part: &Value,
    now_ms: i64,
) -> Checked<Value> {
    only(part, &["name", "language", "components", "namespace"])?;
    only(&part["language"], &["code", "policy"])?;
    let template = find(library, part, now_ms)?;
    let given = Given::read(&part["components"])?;
    let mut shown = json!({
        "template": template.name, "language": template.language, "category": template.category,
        "text": body(template, &given)?,
    });
    if let Some((key, header)) = header(template, &given)? {
        shown[key] = header;
    }
    if let Some(footer) = template.component("FOOTER") {
        shown["footer"] = footer["text"].clone();
    }
    let buttons = buttons(template, &given)?;
    if !buttons.is_empty() {
        shown["buttons"] = json!(buttons);
    }
    Ok(shown)
}

fn find<'a>(library: &'a Library, part: &Value, now_ms: i64) -> Checked<&'a Template> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, language) = (word(&part["name"]), word(&part["language"]["code"]));
    let missing = |why: &str| {
        GraphError::new(
            132_001,
            format!("template name ({name}) {why} in {language}"),
        )
    };
    let template = library
        .find(&name, &language)
        .ok_or_else(|| missing("does not exist"))?;
    match template.status(now_ms) {
        Status::Approved => Ok(template),
        Status::Pending | Status::Rejected => Err(missing("is not approved")),
        Status::Paused => Err(GraphError::new(
            132_015,
            "The template is paused due to low quality.",
        )),
        Status::Disabled => Err(GraphError::new(
            132_016,
            "The template is disabled due to low quality.",
        )),
    }
}

/// The components of a request.
#[derive(Default)]
struct Given<'a> {
    header: &'a [Value],
    body: &'a [Value],
    /// By index.
    buttons: HashMap<usize, &'a Value>,
}

impl<'a> Given<'a> {
    fn read(components: &'a Value) -> Checked<Self> {
        let mut given = Self::default();
        let list = match components {
            Value::Null => return Ok(given),
            Value::Array(list) => list,
            _ => return Err(GraphError::new(100, "components must be an array.")),
        };
        for part in list {
            only(part, &["type", "sub_type", "index", "parameters"])?;
            let parameters = part["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            match upper(part, "type").as_str() {
                "HEADER" => given.header = parameters,
                "BODY" => given.body = parameters,
                "BUTTON" => {
                    let index = match &part["index"] {
                        Value::String(text) => text.parse().ok(),
                        number => number
                            .as_u64()
                            .and_then(|number| usize::try_from(number).ok()),
                    };
                    let index = index
                        .ok_or_else(|| GraphError::new(131_008, "A button needs its index."))?;
                    given.buttons.insert(index, part);
                }
                _ => return Err(GraphError::new(100, "A component has an unknown type.")),
            }
        }
        Ok(given)
    }
}

fn body(template: &Template, given: &Given<'_>) -> Checked<String> {
    let text = template
        .component("BODY")
        .and_then(|body| body["text"].as_str())
        .unwrap_or_default();
    filled(text, given.body, (template.is_named, "body"), BODY_MAX)
}

/// Under which key the phone shows the header, and the header.
fn header(template: &Template, given: &Given<'_>) -> Checked<Option<(&'static str, Value)>> {
    let Some(header) = template.component("HEADER") else {
        return if given.header.is_empty() {
            Ok(None)
        } else {
            Err(count("header", given.header.len(), 0))
        };
    };
    let format = upper(header, "format");
    if format == "TEXT" {
        let text = header["text"].as_str().unwrap_or_default();
        let text = filled(
            text,
            given.header,
            (template.is_named, "header"),
            HEADER_MAX,
        )?;
        return Ok(Some(("header", json!(text))));
    }
    let [parameter] = given.header else {
        return Err(count("header", given.header.len(), 1));
    };
    let kind = format.to_lowercase();
    if parameter["type"] != json!(kind) || !parameter[&kind].is_object() {
        return Err(GraphError::new(
            132_012,
            format!("header: Format mismatch, expected {format}"),
        ));
    }
    Ok(Some(("header_media", parameter.clone())))
}

fn filled(
    text: &str,
    given: &[Value],
    (is_named, place): (bool, &str),
    most: usize,
) -> Checked<String> {
    let expected = parameters(text);
    if given.len() != expected.len() {
        return Err(count(place, given.len(), expected.len()));
    }
    let mut values = HashMap::new();
    for (at, parameter) in given.iter().enumerate() {
        let value = value(parameter, place)?;
        let name = parameter["parameter_name"].as_str();
        let key = match (is_named, name) {
            (true, Some(name)) if expected.contains(&name) => name.to_owned(),
            (true, None) => {
                return Err(GraphError::new(100, "Parameter name is missing or empty."));
            }
            (false, None) => (at + 1).to_string(),
            (_, Some(name)) => {
                return Err(GraphError::new(
                    132_000,
                    format!("{place}: no parameter is named {name}"),
                ));
            }
        };
        values.insert(key, value);
    }
    let text = replaced(text, &values);
    if text.chars().count() > most {
        return Err(GraphError::new(
            132_005,
            format!("{place}: the translated text is too long"),
        ));
    }
    Ok(text)
}

/// The text of a parameter.
fn value<'a>(parameter: &'a Value, place: &str) -> Checked<&'a str> {
    only(parameter, &["type", "text", "parameter_name"]).map_err(|_| format_of(place))?;
    if parameter["type"] != "text" {
        return Err(format_of(place));
    }
    let text = parameter["text"].as_str().unwrap_or_default();
    if text.is_empty() {
        return Err(GraphError::new(
            131_008,
            "Parameter of type text is missing text value.",
        ));
    }
    let too_many = " ".repeat(SPACES_MAX + 1);
    if text.contains(['\n', '\r', '\t']) || text.contains(&too_many) {
        return Err(GraphError::new(
            132_018,
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        ));
    }
    Ok(text)
}

fn format_of(place: &str) -> GraphError {
    GraphError::new(132_012, format!("{place}: Parameter format does not match"))
}

/// In one go, so that braces in a value stay as they are.
fn replaced(text: &str, values: &HashMap<String, &str>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        out.push_str(values.get(name.trim()).copied().unwrap_or_default());
        rest = after;
    }
    out + rest
}

fn buttons(template: &Template, given: &Given<'_>) -> Checked<Vec<Value>> {
    let list = template
        .component("BUTTONS")
        .and_then(|part| part["buttons"].as_array());
    let list = list.map_or(&[][..], Vec::as_slice);
    if let Some(index) = given.buttons.keys().find(|index| **index >= list.len()) {
        return Err(count("button", index + 1, list.len()));
    }
    list.iter()
        .enumerate()
        .map(|(index, button)| one_button(button, given.buttons.get(&index).copied()))
        .collect()
}

fn one_button(button: &Value, given: Option<&Value>) -> Checked<Value> {
    let kind = upper(button, "type").to_lowercase();
    if given.is_some_and(|given| upper(given, "sub_type").to_lowercase() != kind) {
        return Err(format_of("button"));
    }
    let parameters = given.and_then(|given| given["parameters"].as_array());
    let parameter = match parameters.map_or(&[][..], Vec::as_slice) {
        [] => None,
        [one] => Some(one),
        more => return Err(count("button", more.len(), 1)),
    };
    let title = &button["text"];
    match kind.as_str() {
        "quick_reply" => {
            let payload = match parameter {
                Some(parameter) if parameter["type"] != "payload" => {
                    return Err(format_of("button"));
                }
                Some(parameter) => &parameter["payload"],
                None => title,
            };
            let payload = payload
                .as_str()
                .filter(|payload| (1..=PAYLOAD_MAX).contains(&payload.len()))
                .ok_or_else(|| format_of("button"))?;
            Ok(json!({ "type": kind, "id": payload, "title": title }))
        }
        "url" => {
            let url = button["url"].as_str().unwrap_or_default();
            let url = match (parameters_of(url), parameter) {
                (false, None) => url.to_owned(),
                (true, Some(parameter)) => {
                    let suffix = value(parameter, "button")?;
                    replaced(url, &HashMap::from([("1".to_owned(), suffix)]))
                }
                (true, None) => {
                    return Err(GraphError::new(
                        131_008,
                        "Button of type Url requires a parameter",
                    ));
                }
                (false, Some(_)) => return Err(count("button", 1, 0)),
            };
            Ok(json!({ "type": kind, "title": title, "url": url }))
        }
        _ => Ok(json!({ "type": kind, "title": title, "phone": button["phone_number"] })),
    }
}

fn parameters_of(url: &str) -> bool {
    !parameters(url).is_empty()
}

fn count(place: &str, given: usize, expected: usize) -> GraphError {
    GraphError::new(
        132_000,
        format!(
            "{place}: number of localizable_params ({given}) does not match the expected number of params ({expected})"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> Library {
        let mut library = Library::default();
        let seed = library.find("payment_reminder", "en").unwrap().clone();
        let mut put = |id: u64, name: &str, components: Value| {
            library.put(Template {
                id,
                name: name.to_owned(),
                is_named: name == "named",
                components,
                ..seed.clone()
            });
        };
        put(
            1,
            "named",
            json!([{ "type": "BODY", "text": "Dear {{area}}, off on {{date}} there." }]),
        );
        put(
            2,
            "whole",
            json!([
                { "type": "HEADER", "format": "TEXT", "text": "In {{1}}" },
                { "type": "BODY", "text": "Off on {{1}} there." },
                { "type": "FOOTER", "text": "Mohokare" },
                { "type": "BUTTONS", "buttons": [
                    { "type": "QUICK_REPLY", "text": "Report" }, { "type": "URL", "text": "More", "url": "https://x.za/{{1}}" },
                    { "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+2751" },
                ] },
            ]),
        );
        put(
            3,
            "file",
            json!([{ "type": "HEADER", "format": "DOCUMENT" }, { "type": "BODY", "text": "Your statement." }]),
        );
        library
    }

    fn texts(values: &[&str]) -> Vec<Value> {
        values
            .iter()
            .map(|text| json!({ "type": "text", "text": text }))
            .collect()
    }

    fn part(name: &str, components: &[Value]) -> Value {
        json!({ "name": name, "language": { "code": "en" }, "components": components })
    }

    fn body_of(parameters: &[Value]) -> Value {
        json!({ "type": "body", "parameters": parameters })
    }

    #[track_caller]
    fn refused(expected: i64, parts: &[Value]) {
        for part in parts {
            let found = fill(&library(), part, 0).err().map(|error| error.code);
            assert_eq!(found, Some(expected), "{part}");
        }
    }

    #[test]
    fn what_fits_is_filled_in() {
        let four = body_of(&texts(&["Palesa {{2}}", "104", "1 250.50", "7 December"]));
        let shown = fill(&library(), &part("payment_reminder", &[four]), 0).unwrap();
        assert_eq!(
            shown["text"],
            "Hello Palesa {{2}}, this is a reminder that your account 104 has an outstanding balance of R1 250.50 due on \
             7 December. Please make payment to avoid service interruption."
        );
        let named = |name: &str, text: &str| json!({ "type": "text", "parameter_name": name, "text": text });
        let two = body_of(&[named("date", "Monday"), named("area", "Ward 4")]);
        let shown = fill(&library(), &part("named", &[two]), 0).unwrap();
        assert_eq!(shown["text"], "Dear Ward 4, off on Monday there.");
        let whole = [
            json!({ "type": "header", "parameters": texts(&["Zastron"]) }),
            body_of(&texts(&["Monday"])),
            json!({ "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{ "type": "payload", "payload": "r:1" }] }),
            json!({ "type": "button", "sub_type": "url", "index": 1, "parameters": texts(&["W-1"]) }),
        ];
        let shown = fill(&library(), &part("whole", &whole), 0).unwrap();
        assert_eq!(
            (&shown["header"], &shown["footer"]),
            (&json!("In Zastron"), &json!("Mohokare"))
        );
        assert_eq!(
            shown["buttons"],
            json!([
                { "type": "quick_reply", "id": "r:1", "title": "Report" },
                { "type": "url", "title": "More", "url": "https://x.za/W-1" },
                { "type": "phone_number", "title": "Call", "phone": "+2751" },
            ])
        );
        let file = json!({ "type": "header", "parameters": [{ "type": "document", "document": { "id": "1" } }] });
        let shown = fill(&library(), &part("file", &[file]), 0).unwrap();
        assert_eq!(shown["header_media"]["document"]["id"], "1");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let reminder = |values: &[&str]| part("payment_reminder", &[body_of(&texts(values))]);
        let named = |name: Value| json!({ "type": "text", "parameter_name": name, "text": "x" });
        let whole = |button: Value| {
            let header = json!({ "type": "header", "parameters": texts(&["Z"]) });
            part("whole", &[header, body_of(&texts(&["M"])), button])
        };
        let button = |kind: &str, index: &str, parameter: Value| json!({ "type": "button", "sub_type": kind, "index": index, "parameters": [parameter] });
        refused(
            132_000,
            &[
                reminder(&["a", "b", "c"]),
                reminder(&["a", "b", "c", "d", "e"]),
                part("payment_reminder", &[]),
                part(
                    "named",
                    &[body_of(&[named(json!("town")), named(json!("date"))])],
                ),
                part(
                    "payment_reminder",
                    &[
                        json!({ "type": "header", "parameters": texts(&["x"]) }),
                        body_of(&texts(&["a", "b", "c", "d"])),
                    ],
                ),
                part("file", &[]),
                whole(button("url", "3", json!({ "type": "text", "text": "x" }))),
            ],
        );
        let missing =
            |name: &str, code: &str| json!({ "name": name, "language": { "code": code } });
        refused(
            132_001,
            &[
                missing("unheard_of", "en"),
                missing("payment_reminder", "en_ZA"),
            ],
        );
        refused(132_005, &[reminder(&["a", "b", "c", &"x".repeat(1_000)])]);
        refused(
            132_012,
            &[
                part(
                    "payment_reminder",
                    &[body_of(
                        &[texts(&["a", "b", "c"]), vec![json!({ "type": "currency" })]].concat(),
                    )],
                ),
                part(
                    "file",
                    &[
                        json!({ "type": "header", "parameters": [{ "type": "image", "image": { "id": "1" } }] }),
                    ],
                ),
                whole(button("url", "0", json!({ "type": "text", "text": "x" }))),
            ],
        );
        refused(
            131_008,
            &[
                reminder(&["", "b", "c", "d"]),
                whole(button(
                    "quick_reply",
                    "0",
                    json!({ "type": "payload", "payload": "p" }),
                )),
            ],
        );
        for odd in ["a\nb", "a\tb", "a     b", "a\r\nb"] {
            refused(132_018, &[reminder(&[odd, "b", "c", "d"])]);
        }
        assert!(fill(&library(), &reminder(&["a    b", "b", "c", "d"]), 0).is_ok());
        refused(
            100,
            &[part(
                "named",
                &[body_of(&[named(Value::Null), named(json!("date"))])],
            )],
        );
    }

    #[test]
    fn only_an_approved_template_is_sent() {
        for (status, expected) in [
            (Status::Approved, None),
            (Status::Pending, Some(132_001)),
            (Status::Rejected, Some(132_001)),
            (Status::Paused, Some(132_015)),
            (Status::Disabled, Some(132_016)),
        ] {
            let mut library = library();
            let template = library.find("file", "en").unwrap().clone();
            let components = json!([{ "type": "BODY", "text": "Closed." }]);
            library.put(Template {
                components,
                status,
                ..template
            });
            let found = fill(&library, &part("file", &[]), 0).err();
            assert_eq!(found.map(|error| error.code), expected, "{status:?}");
        }
    }
}
