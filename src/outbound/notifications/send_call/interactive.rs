//! Buttons, lists, links and the question for a place: WhatsApp's JSON of them, read strictly.

use puisano_engine::{Button, Row};
use serde_json::Value;

use super::{BODY_UNITS_MAX, LINK_UNITS_MAX, list, optional, text};
use crate::model::OutgoingContent;
use crate::outbound::notifications::given::Reader;

const HEADER_UNITS_MAX: usize = 60;
const FOOTER_UNITS_MAX: usize = 60;
const BUTTONS_MAX: usize = 3;
const BUTTON_TITLE_UNITS_MAX: usize = 20;
const BUTTON_ID_UNITS_MAX: usize = 256;
const ROWS_MAX: usize = 10;
const ROW_TITLE_UNITS_MAX: usize = 24;
const ROW_DESCRIPTION_UNITS_MAX: usize = 72;
const ROW_ID_UNITS_MAX: usize = 200;

pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<OutgoingContent> {
    let kind = value["type"].as_str().unwrap_or_default();
    let body = text(
        reader,
        "interactive.body.text",
        (&value["body"]["text"], BODY_UNITS_MAX),
    );
    let footer = optional(
        reader,
        "interactive.footer.text",
        (&value["footer"]["text"], FOOTER_UNITS_MAX),
    );
    let header = header(reader, &value["header"]);
    let action = &value["action"];
    match kind {
        "button" => {
            let buttons = buttons(reader, &action["buttons"]);
            Some(OutgoingContent::Buttons {
                header: header?,
                text: body?,
                footer: footer?,
                buttons: buttons?,
            })
        }
        "list" => {
            let button = text(
                reader,
                "interactive.action.button",
                (&action["button"], BUTTON_TITLE_UNITS_MAX),
            );
            let rows = rows(reader, &action["sections"]);
            Some(OutgoingContent::List {
                header: header?,
                text: body?,
                footer: footer?,
                button: button?,
                rows: rows?,
            })
        }
        "cta_url" => {
            let link = link(reader, &action["parameters"]);
            let (button, url) = link?;
            Some(OutgoingContent::CtaUrl {
                header: header?,
                text: body?,
                footer: footer?,
                button,
                url,
            })
        }
        "location_request_message" => Some(OutgoingContent::AskLocation { text: body? }),
        _ => {
            reader.wrong(
                "interactive.type",
                "must be button, list, cta_url or location_request_message",
            );
            None
        }
    }
}

/// The title of the one button, and where it leads.
fn link(reader: &mut Reader, parameters: &Value) -> Option<(String, String)> {
    let button = text(
        reader,
        "interactive.action.parameters.display_text",
        (&parameters["display_text"], BUTTON_TITLE_UNITS_MAX),
    );
    let field = "interactive.action.parameters.url";
    let url = text(reader, field, (&parameters["url"], LINK_UNITS_MAX))?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        reader.wrong(field, "write a whole link that begins with https://");
        return None;
    }
    Some((button?, url))
}

#[expect(
    clippy::option_option,
    reason = "the outer one says whether it could be read, the inner one whether it is there"
)]
fn header(reader: &mut Reader, value: &Value) -> Option<Option<String>> {
    match value["type"].as_str() {
        None if value.is_null() => Some(None),
        Some("text") => text(
            reader,
            "interactive.header.text",
            (&value["text"], HEADER_UNITS_MAX),
        )
        .map(Some),
        _ => {
            reader.wrong("interactive.header.type", "must be text");
            None
        }
    }
}

fn buttons(reader: &mut Reader, value: &Value) -> Option<Vec<Button>> {
    let field = "interactive.action.buttons";
    let items = list(reader, field, (value, BUTTONS_MAX))?;
    let mut buttons: Vec<Button> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let reply = &item["reply"];
        let place = format!("{field}[{at}].reply");
        let id = text(
            reader,
            &format!("{place}.id"),
            (&reply["id"], BUTTON_ID_UNITS_MAX),
        );
        let title = text(
            reader,
            &format!("{place}.title"),
            (&reply["title"], BUTTON_TITLE_UNITS_MAX),
        );
        let (Some(id), Some(title)) = (id, title) else {
            continue;
        };
        if buttons
            .iter()
            .any(|other| other.title == title || other.id == id)
        {
            reader.wrong(&place, "another button has the same id or title");
        }
        buttons.push(Button { id, title });
    }
    (buttons.len() == items.len()).then_some(buttons)
}

/// The rows of the one section.
fn rows(reader: &mut Reader, value: &Value) -> Option<Vec<Row>> {
    let section = "interactive.action.sections";
    let [only] = list(reader, section, (value, 1))? else {
        return None;
    };
    let field = format!("{section}[0].rows");
    let items = list(reader, &field, (&only["rows"], ROWS_MAX))?;
    let mut rows: Vec<Row> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let place = format!("{field}[{at}]");
        let id = text(
            reader,
            &format!("{place}.id"),
            (&item["id"], ROW_ID_UNITS_MAX),
        );
        let title = text(
            reader,
            &format!("{place}.title"),
            (&item["title"], ROW_TITLE_UNITS_MAX),
        );
        let description = optional(
            reader,
            &format!("{place}.description"),
            (&item["description"], ROW_DESCRIPTION_UNITS_MAX),
        );
        let (Some(id), Some(title), Some(description)) = (id, title, description) else {
            continue;
        };
        if rows.iter().any(|other| other.id == id) {
            reader.wrong(&format!("{place}.id"), "another row has the same id");
        }
        rows.push(Row {
            id,
            title,
            description,
        });
    }
    (rows.len() == items.len()).then_some(rows)
}
