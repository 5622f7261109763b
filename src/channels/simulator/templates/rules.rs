//! What WhatsApp takes as a template: names, languages, lengths, samples, buttons.
//!
//! Knows nothing of reviews or of the other templates.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{component, parameters, upper};
use crate::channels::simulator::graph_error::GraphError;

const NAME_MAX: usize = 512;
const BODY_MAX: usize = 1_024;
const HEADER_MAX: usize = 60;
const FOOTER_MAX: usize = 60;
const BUTTONS_MAX: usize = 10;
const BUTTON_TEXT_MAX: usize = 25;
const URL_BUTTONS_MAX: usize = 2;
const URL_MAX: usize = 2_000;
const PHONE_MAX: usize = 20;

const LANGUAGES: &str = "af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da \
    prs_AF nl nl_BE en en_GB en_US en_AE en_AU en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil \
    fi fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk \
    ms ml mr nb ps_AF fa pl pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_HN es_MX es_PA \
    es_PE es_ES es_UY sw sv ta te th tr uk ur uz vi zu";

const TOO_LONG: i64 = 2_388_040;
const HEADER: i64 = 2_388_047;
const BODY: i64 = 2_388_072;
const FOOTER: i64 = 2_388_073;
const TOO_MANY_VARIABLES: i64 = 2_388_293;
const VARIABLE_AT_THE_END: i64 = 2_388_299;

type Checked<T = ()> = Result<T, GraphError>;

pub(super) fn name(name: &str) -> Checked {
    let fits = (1..=NAME_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    fits.then_some(()).ok_or_else(|| {
        GraphError::new(
            100,
            "name has characters other than lower-case letters, digits and _.",
        )
    })
}

pub(super) fn language(code: &str) -> Checked {
    let is_known = LANGUAGES.split_whitespace().any(|known| known == code);
    is_known
        .then_some(())
        .ok_or_else(|| GraphError::new(100, "language is not one of the codes for templates."))
}

pub(super) fn category(category: &str) -> Checked<String> {
    let category = category.to_uppercase();
    if matches!(
        category.as_str(),
        "UTILITY" | "MARKETING" | "AUTHENTICATION"
    ) {
        Ok(category)
    } else {
        Err(GraphError::new(
            100,
            "category must be one of {AUTHENTICATION, MARKETING, UTILITY}.",
        ))
    }
}

pub(super) fn ttl(category: &str, ttl_s: i64) -> Checked {
    let range: RangeInclusive<i64> = match category {
        "UTILITY" => 30..=43_200,
        "AUTHENTICATION" => 30..=900,
        _ => 43_200..=2_592_000,
    };
    if ttl_s == -1 || range.contains(&ttl_s) {
        Ok(())
    } else {
        Err(GraphError::new(
            100,
            "message_send_ttl_seconds is out of the range of its category.",
        ))
    }
}

/// Whether these components make a template.
pub(super) fn components(components: &Value, is_named: bool) -> Checked {
    let list = components
        .as_array()
        .ok_or_else(|| GraphError::new(100, "components must be an array."))?;
    let mut seen = Vec::new();
    for part in list {
        let kind = upper(part, "type");
        if !matches!(kind.as_str(), "HEADER" | "BODY" | "FOOTER" | "BUTTONS")
            || seen.contains(&kind)
        {
            return Err(GraphError::new(
                100,
                "A component has an unknown type, or one twice.",
            ));
        }
        seen.push(kind);
    }
    if let Some(part) = component(components, "HEADER") {
        header(part, is_named)?;
    }
    let part = component(components, "BODY")
        .ok_or_else(|| GraphError::template(BODY, "A template must have a body."))?;
    body(part, is_named)?;
    if let Some(part) = component(components, "FOOTER") {
        footer(part)?;
    }
    component(components, "BUTTONS").map_or(Ok(()), buttons)
}

fn header(part: &Value, is_named: bool) -> Checked {
    let format = upper(part, "format");
    match format.as_str() {
        "TEXT" => {
            let text = part["text"].as_str().unwrap_or_default();
            length(text, HEADER_MAX, HEADER)?;
            let given = parameters(text);
            if given.len() > 1 {
                return Err(GraphError::template(
                    HEADER,
                    "The header may have one variable.",
                ));
            }
            samples(part, &given, ("header_text", is_named))
                .map_err(|()| GraphError::template(HEADER, "The header's variable needs a sample."))
        }
        "IMAGE" | "VIDEO" | "DOCUMENT" => {
            let handle = part["example"]["header_handle"][0].as_str();
            handle
                .filter(|handle| !handle.is_empty())
                .map(drop)
                .ok_or_else(|| GraphError::template(HEADER, "The header needs a sample file."))
        }
        "LOCATION" => Ok(()),
        _ => Err(GraphError::template(
            HEADER,
            "The header's format is not known.",
        )),
    }
}

fn body(part: &Value, is_named: bool) -> Checked {
    let text = part["text"].as_str().unwrap_or_default();
    length(text, BODY_MAX, TOO_LONG)?;
    let given = parameters(text);
    let trimmed = text.trim();
    if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
        return Err(GraphError::template(
            VARIABLE_AT_THE_END,
            "Variables can't be at the start or end of the template.",
        ));
    }
    let numbered = |number: &usize| given.contains(&number.to_string().as_str());
    let in_order = if is_named {
        given.iter().all(|name| is_name(name))
    } else {
        (1..=given.len()).all(|number| numbered(&number))
    };
    if !in_order {
        return Err(GraphError::template(
            BODY,
            "The body's variables are not numbered from 1, or not names.",
        ));
    }
    let words = text
        .split_whitespace()
        .filter(|word| !word.contains("{{"))
        .count();
    if !given.is_empty() && words <= given.len() {
        return Err(GraphError::template(
            TOO_MANY_VARIABLES,
            "This template has too many variables for its length.",
        ));
    }
    samples(part, &given, ("body_text", is_named))
        .map_err(|()| GraphError::template(BODY, "Every variable of the body needs a sample."))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// One sample for each variable: an array in the header, an array of arrays in the body, or by name.
fn samples(part: &Value, given: &[&str], (key, is_named): (&str, bool)) -> Result<(), ()> {
    if given.is_empty() {
        return Ok(());
    }
    let example = &part["example"];
    let has_text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let found = if is_named {
        let named = example[format!("{key}_named_params")]
            .as_array()
            .ok_or(())?;
        given
            .iter()
            .filter(|name| {
                named
                    .iter()
                    .any(|sample| sample["param_name"] == **name && has_text(&sample["example"]))
            })
            .count()
    } else {
        let list = if key == "body_text" {
            &example[key][0]
        } else {
            &example[key]
        };
        list.as_array()
            .ok_or(())?
            .iter()
            .filter(|sample| has_text(sample))
            .count()
    };
    if found == given.len() {
        Ok(())
    } else {
        Err(())
    }
}

fn footer(part: &Value) -> Checked {
    let text = part["text"].as_str().unwrap_or_default();
    length(text, FOOTER_MAX, FOOTER)?;
    if parameters(text).is_empty() {
        Ok(())
    } else {
        Err(GraphError::template(
            FOOTER,
            "The footer can't have variables.",
        ))
    }
}

fn buttons(part: &Value) -> Checked {
    let buttons = part["buttons"].as_array().map_or(&[][..], Vec::as_slice);
    if !(1..=BUTTONS_MAX).contains(&buttons.len()) {
        return Err(GraphError::new(
            100,
            "A template has 1 to 10 buttons, or none.",
        ));
    }
    let kinds: Vec<String> = buttons.iter().map(|button| upper(button, "type")).collect();
    let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    if count("URL") > URL_BUTTONS_MAX || count("PHONE_NUMBER") > 1 {
        return Err(GraphError::new(
            100,
            "A template has at most 2 addresses and 1 phone number.",
        ));
    }
    // Quick replies must stand together.
    let changes = kinds
        .windows(2)
        .filter(|pair| (pair[0] == "QUICK_REPLY") != (pair[1] == "QUICK_REPLY"))
        .count();
    if changes > 1 {
        return Err(GraphError::new(
            100,
            "Quick replies must not stand between other buttons.",
        ));
    }
    buttons
        .iter()
        .zip(&kinds)
        .try_for_each(|(button, kind)| one_button(button, kind))
}

fn one_button(button: &Value, kind: &str) -> Checked {
    let text = button["text"].as_str().unwrap_or_default();
    length(text, BUTTON_TEXT_MAX, TOO_LONG)?;
    match kind {
        "QUICK_REPLY" => Ok(()),
        "PHONE_NUMBER" => length(
            button["phone_number"].as_str().unwrap_or_default(),
            PHONE_MAX,
            TOO_LONG,
        ),
        "URL" => {
            let url = button["url"].as_str().unwrap_or_default();
            length(url, URL_MAX, TOO_LONG)?;
            let given = parameters(url);
            let has_sample = button["example"]
                .as_array()
                .is_some_and(|samples| !samples.is_empty());
            let fits = given.is_empty() || (given.len() == 1 && url.ends_with("}}") && has_sample);
            fits.then_some(()).ok_or_else(|| {
                GraphError::new(
                    100,
                    "An address has at most one variable, at its end, with a sample.",
                )
            })
        }
        _ => Err(GraphError::new(100, "A button has an unknown type.")),
    }
}

fn length(text: &str, most: usize, subcode: i64) -> Checked {
    if (1..=most).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(GraphError::template(
            subcode,
            format!("A text has 1 to {most} characters."),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(parts: &Value, expected: Option<i64>) {
        let is_named = parts.to_string().contains("param_name");
        let found = components(parts, is_named).err();
        let code = found.map(|error| error.subcode.unwrap_or(error.code));
        assert_eq!(code, expected, "{parts}");
    }

    fn body(text: &str, samples: &[&str]) -> Value {
        json!({ "type": "body", "text": text, "example": { "body_text": [samples] } })
    }

    #[test]
    fn bodies() {
        for (text, samples, expected) in [
            ("We are closed today.", &[][..], None),
            (
                "Dear {{1}}, water is off on {{2}} today.",
                &["P", "3 December"],
                None,
            ),
            ("Dear {{1}}, water is off.", &[], Some(BODY)),
            ("Dear {{1}}, water is off.", &[""], Some(BODY)),
            ("Dear {{1}}, water is off.", &["a", "b"], Some(BODY)),
            (
                "Off on {{2}}, dear {{1}}, and again on {{2}}.",
                &["P", "3 December"],
                None,
            ),
            ("Dear {{2}}, water is off.", &["a"], Some(BODY)),
            ("Dear {{name}}, water is off.", &["a"], Some(BODY)),
            ("{{1}}, water is off.", &["a"], Some(VARIABLE_AT_THE_END)),
            ("Water is off in {{1}}", &["a"], Some(VARIABLE_AT_THE_END)),
            (
                "A {{1}} {{2}} {{3}} b",
                &["a", "b", "c"],
                Some(TOO_MANY_VARIABLES),
            ),
            ("", &[], Some(TOO_LONG)),
            (&"x".repeat(1_025), &[], Some(TOO_LONG)),
        ] {
            check(&json!([body(text, samples)]), expected);
        }
        check(&json!([]), Some(BODY));
        check(&json!({}), Some(100));
        check(&json!([body("x", &[]), body("x", &[])]), Some(100));
        check(&json!([body("x", &[]), { "type": "HAT" }]), Some(100));
        let named = |name: &str| {
            json!([{ "type": "BODY", "text": "Dear {{area}}, no water.",
                "example": { "body_text_named_params": [{ "param_name": name, "example": "Ward 4" }] } }])
        };
        check(&named("area"), None);
        check(&named("town"), Some(BODY));
    }

    #[test]
    fn headers_footers_and_buttons() {
        let with = |part: Value| json!([body("We are closed.", &[]), part]);
        let header = |part: Value| {
            let mut part = part;
            part["type"] = json!("HEADER");
            with(part)
        };
        for (part, expected) in [
            (json!({ "format": "TEXT", "text": "Water" }), None),
            (
                json!({ "format": "text", "text": "In {{1}}", "example": { "header_text": ["Z"] } }),
                None,
            ),
            (
                json!({ "format": "TEXT", "text": "In {{1}}" }),
                Some(HEADER),
            ),
            (
                json!({ "format": "TEXT", "text": "{{1}} {{2}}", "example": { "header_text": ["Z", "Y"] } }),
                Some(HEADER),
            ),
            (
                json!({ "format": "TEXT", "text": "x".repeat(61) }),
                Some(HEADER),
            ),
            (
                json!({ "format": "DOCUMENT", "example": { "header_handle": ["4::a"] } }),
                None,
            ),
            (json!({ "format": "IMAGE" }), Some(HEADER)),
            (json!({ "format": "LOCATION" }), None),
            (json!({ "format": "SMELL" }), Some(HEADER)),
        ] {
            check(&header(part), expected);
        }
        check(&with(json!({ "type": "FOOTER", "text": "Mohokare" })), None);
        check(
            &with(json!({ "type": "FOOTER", "text": "x".repeat(61) })),
            Some(FOOTER),
        );
        check(
            &with(json!({ "type": "FOOTER", "text": "for {{1}} x" })),
            Some(FOOTER),
        );
        let buttons = |list: &[Value]| with(json!({ "type": "BUTTONS", "buttons": list }));
        let quick = json!({ "type": "QUICK_REPLY", "text": "Yes" });
        let url = |url: &str, example: Value| json!({ "type": "URL", "text": "Open", "url": url, "example": example });
        let phone =
            json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+27510000000" });
        let fixed = url("https://x.za/", Value::Null);
        check(
            &buttons(&[quick.clone(), fixed.clone(), phone.clone()]),
            None,
        );
        check(&buttons(&[url("https://x.za/{{1}}", json!(["a"]))]), None);
        for odd in [
            &[][..],
            &[quick.clone(), fixed.clone(), quick.clone()],
            &[phone.clone(), phone.clone()],
            &[fixed.clone(), fixed.clone(), fixed.clone()],
            &[url("https://x.za/{{1}}", Value::Null)],
            &[url("https://x.za/{{1}}/y", json!(["a"]))],
            &[json!({ "type": "TELEPATHY", "text": "x" })],
        ] {
            check(&buttons(odd), Some(100));
        }
        check(
            &buttons(&[json!({ "type": "QUICK_REPLY", "text": "x".repeat(26) })]),
            Some(TOO_LONG),
        );
    }

    #[test]
    fn names_languages_categories_and_times() {
        for (text, fits) in [
            ("outage_st", true),
            ("Outage", false),
            ("out age", false),
            ("", false),
        ] {
            assert_eq!(name(text).is_ok(), fits, "{text}");
        }
        for (code, fits) in [
            ("en", true),
            ("en_ZA", true),
            ("zu", true),
            ("st", false),
            ("xh", false),
            ("en-ZA", false),
        ] {
            assert_eq!(language(code).is_ok(), fits, "{code}");
        }
        assert_eq!(category("utility").as_deref(), Ok("UTILITY"));
        assert!(category("FUN").is_err());
        for (kind, ttl_s, fits) in [
            ("UTILITY", 43_200, true),
            ("UTILITY", 43_201, false),
            ("UTILITY", -1, true),
            ("AUTHENTICATION", 901, false),
            ("MARKETING", 43_199, false),
            ("MARKETING", 2_592_000, true),
        ] {
            assert_eq!(ttl(kind, ttl_s).is_ok(), fits, "{kind} {ttl_s}");
        }
    }
}
