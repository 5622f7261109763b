//! Every setting: its name, its default, what it means. `docs/settings.md` is this table as a page.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub default: Option<&'static str>,
    pub about: &'static str,
}

/// Settings that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub title: &'static str,
    pub about: &'static str,
    pub settings: &'static [Setting],
}

const fn required(name: &'static str, about: &'static str) -> Setting {
    Setting {
        name,
        default: None,
        about,
    }
}

const fn setting(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting {
        name,
        default: Some(default),
        about,
    }
}

pub const SECTIONS: [Section; 5] = [
    Section {
        title: "WhatsApp",
        about: "Give all that have no default, or none at all; with some but not all Puisano does not start. With \
                none, it talks to its own simulator of WhatsApp until a connection is given over the API \
                (`PUT /api/whatsapp/settings`). What stands here cannot be changed there.",
        settings: &[
            required(
                "WHATSAPP_PHONE_NUMBER_ID",
                "Id of your business phone number (App Dashboard → WhatsApp → API Setup). Digits; not the phone number.",
            ),
            required(
                "WHATSAPP_BUSINESS_ACCOUNT_ID",
                "Id of your WhatsApp Business Account, on the same page.",
            ),
            required(
                "WHATSAPP_ACCESS_TOKEN",
                "A system user's token with `whatsapp_business_messaging`.",
            ),
            required(
                "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
                "A word of your own; the same is entered in the App Dashboard beside the webhook's address.",
            ),
            required(
                "WHATSAPP_APP_SECRET",
                "App Dashboard → App settings → Basic. Every webhook is signed with it; unsigned ones are refused.",
            ),
            setting(
                "WHATSAPP_APP_SECRET_PREVIOUS",
                "",
                "While you change the secret: the old one, which still counts until you take it out here.",
            ),
            setting(
                "WHATSAPP_API_URL",
                "https://graph.facebook.com",
                "Where the Cloud API is. A version at its end goes before `WHATSAPP_API_VERSION`.",
            ),
            setting("WHATSAPP_API_VERSION", "v24.0", "The Graph API's version."),
        ],
    },
    Section {
        title: "Database",
        about: "",
        settings: &[
            setting(
                "DATABASE_URL",
                "",
                "A PostgreSQL (14 or newer) of yours: `postgres://user:password@host/database`. Without it Puisano \
                 runs a private PostgreSQL in the data folder.",
            ),
            setting(
                "PUISANO_KEEP_ENVELOPES_DAYS",
                "7",
                "How many days webhooks are kept as they came. The messages in them are kept apart from that.",
            ),
            setting(
                "PUISANO_DATA",
                "data",
                "The folder for the private database and everything else this process keeps. One process per folder.",
            ),
        ],
    },
    Section {
        title: "Files",
        about: "What customers send and what is sent to them lies in `media` in the data folder, or in a bucket of a store \
                that speaks S3. Give all three, or none. Nodes on several machines need a bucket.",
        settings: &[
            setting(
                "PUISANO_MEDIA_URL",
                "",
                "`s3://bucket/prefix?endpoint=https://s3.example.org&region=af-south-1`. Without `endpoint` it is \
                 Amazon's; the prefix may be left out.",
            ),
            setting(
                "PUISANO_MEDIA_KEY_ID",
                "",
                "The id of a key that may read, write, list and delete there.",
            ),
            setting("PUISANO_MEDIA_SECRET", "", "The key itself."),
        ],
    },
    Section {
        title: "Server",
        about: "",
        settings: &[
            setting(
                "PUISANO_LISTEN",
                "127.0.0.1:8080",
                "Address and port; `0.0.0.0:8080` for all interfaces.",
            ),
            setting(
                "PUISANO_CONNECTIONS_PER_ADDRESS",
                "50",
                "How many connections one IP address may have open. This machine's own addresses are not counted; \
                 raise it when a proxy on another machine stands in front.",
            ),
            setting(
                "PUISANO_API_PER_MINUTE",
                "600",
                "Requests a minute that one API key may make, all nodes together; more are answered by 429.",
            ),
            setting(
                "PUISANO_SECRET_KEY",
                "",
                "64 hexadecimal digits (`openssl rand -hex 32`) that stored secrets are sealed with. Without it a key is \
                 kept in `secret.key` in the data folder. Nodes that share a database share this key.",
            ),
            setting("PUISANO_RULES", "rules", "The folder of the pack."),
            setting("PUISANO_LEXICONS", "lexicons", "The folder of word lists."),
            setting(
                "PUISANO_NUMBER_PER_SECOND",
                "80",
                "Messages a second that your number may send; WhatsApp allows 80, or 1000 after an upgrade.",
            ),
            setting(
                "PUISANO_NOTICES_PER_DAY",
                "5",
                "How many notifications one person gets in 24 hours; more wait. Critical ones are not held back.",
            ),
            setting(
                "PUISANO_UNKNOWN_WINDOW_MS",
                "30000",
                "How long a message whose sending was interrupted waits for a sign of life before it is sent once more.",
            ),
        ],
    },
    Section {
        title: "Log",
        about: "Goes to standard error. It holds no message texts, no phone numbers and no tokens.",
        settings: &[
            setting(
                "PUISANO_LOG",
                "info",
                "`error`, `warn`, `info`, `debug`, `trace`, or by part: `info,puisano::web=debug`.",
            ),
            setting(
                "PUISANO_LOG_FORMAT",
                "text",
                "`text` for people, `json` for machines.",
            ),
        ],
    },
];

pub fn find(name: &str) -> Option<&'static Setting> {
    SECTIONS
        .iter()
        .flat_map(|section| section.settings)
        .find(|setting| setting.name == name)
}

/// The page about settings.
pub fn page() -> String {
    let sections = SECTIONS.iter().map(section_text);
    PAGE_HEAD.to_owned() + &sections.collect::<String>()
}

fn section_text(section: &Section) -> String {
    let about = if section.about.is_empty() {
        String::new()
    } else {
        format!("\n{}\n", section.about)
    };
    let rows: Vec<String> = section.settings.iter().map(row).collect();
    format!(
        "\n## {}\n{about}\n| setting | default | meaning |\n|---|---|---|\n{}",
        section.title,
        rows.concat()
    )
}

fn row(
    Setting {
        name,
        default,
        about,
    }: &Setting,
) -> String {
    let default = match default {
        None => "required".to_owned(),
        Some("") => "–".to_owned(),
        Some(text) => format!("`{text}`"),
    };
    format!("| `{name}` | {default} | {about} |\n")
}

const PAGE_HEAD: &str = "\
# Settings

<!-- Made from src/config/table.rs; `UPDATE=1 cargo test config` writes it anew. -->

Settings are read once, at the start: from the environment, then from a file, then the default. The file is
`puisano.env` or `.env` in the working folder, or the one named with `--config FILE`, one `NAME=value` a line. A value
with `$`, spaces or quotes stands in single quotes. An empty value counts as none. All that is missing or wrong is
reported together, and the program ends with status 2.
";
