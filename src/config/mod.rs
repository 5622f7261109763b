//! Knows every setting: environment, then file, then default; what is missing or wrong is reported all together.
//!
//! The list of settings is [`table`], the page about them is made from it. Nothing here changes the environment, and
//! nothing else reads it.

mod reader;
pub mod table;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::media::BucketPlace;
use crate::model::PhoneNumberId;
use crate::security::Secret;
use crate::security::sealed::SealingKey;
use reader::Reader;

/// All that a process is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// The folder for everything this process keeps on disk.
    pub data: PathBuf,
    pub rules: PathBuf,
    pub lexicons: PathBuf,
    /// A PostgreSQL of the operator's; `None` is the embedded one.
    pub database: Option<DatabaseUrl>,
    /// `None` is the simulator, until the stored settings hold a connection.
    pub whatsapp: Option<WhatsApp>,
    pub graph: Graph,
    /// What stored secrets are sealed with; without it a key is kept in the data folder.
    pub secret_key: Option<SealingKey>,
    /// The bucket for files; `None` is the data folder.
    pub media: Option<BucketPlace>,
    pub api_per_minute: u32,
    pub number_per_second: u32,
    pub unknown_window_ms: u64,
    pub notices_per_day: u32,
    pub keep_envelopes_days: u32,
    pub connections_per_address_max: u32,
    pub log: Log,
    /// Harmless oddities, for the log: told once it exists.
    pub notes: Vec<String>,
}

/// A complete connection to WhatsApp.
#[derive(Clone, Debug)]
pub struct WhatsApp {
    pub phone_number_id: PhoneNumberId,
    pub business_account_id: String,
    pub access_token: Secret,
    pub verify_token: Secret,
    /// The current one first; during a rotation the previous one still counts.
    pub app_secrets: Vec<Secret>,
    /// Without a slash at the end.
    pub api_url: String,
    pub api_version: String,
}

/// Where the Cloud API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Without a slash at the end.
    pub api_url: String,
    pub api_version: String,
}

/// What is logged, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// In the language of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// An address of a database. It shows itself without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    pub fn new(url: &str) -> Self {
        Self(Secret::new(url))
    }

    /// The address with its password, for the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, parameters) = self.expose().split_once('?').unwrap_or((self.expose(), ""));
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        // The last @ before the path: a password may hold one as well.
        let (user, place) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(user, place)| (Some(user), place));
        write!(f, "{scheme}://")?;
        if let Some(user) = user {
            let (name, password) = user
                .split_once(':')
                .map_or((user, None), |(name, word)| (name, Some(word)));
            write!(f, "{name}{}@", if password.is_some() { ":…" } else { "" })?;
        }
        f.write_str(place)?;
        // Parameters can hold a password or the place of a key; only the socket's folder helps a reader.
        match parameters
            .split('&')
            .find(|parameter| parameter.starts_with("host="))
        {
            Some(host) => write!(f, "?{host}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Every missing or wrong setting, each with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

/// One setting that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name, or the file's.
    pub name: String,
    pub what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(
            f,
            "{count} setting{} missing or wrong:",
            if count == 1 { " is" } else { "s are" }
        )?;
        for Problem { name, what } in &self.problems {
            write!(f, "\n  {name}: {what}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the environment and `file`; without one, `puisano.env` or `.env` in the working folder if there is one.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::read(Reader::from_surroundings(file))
    }

    /// Reads settings given as pairs, as if they stood in the environment.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        Self::read(Reader::from_pairs(pairs))
    }

    fn read(mut from: Reader) -> Result<Self, ConfigError> {
        let listen = from.parsed(
            "PUISANO_LISTEN",
            "an address and a port, like 127.0.0.1:8080",
        );
        let data = from.path("PUISANO_DATA");
        let rules = from.path("PUISANO_RULES");
        let lexicons = from.path("PUISANO_LEXICONS");
        let database = from.checked("DATABASE_URL", |url| {
            let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
            known
                .then(|| DatabaseUrl::new(url))
                .ok_or("must look like postgres://user:password@host/database")
        });
        let graph = Graph::read(&mut from);
        let whatsapp = WhatsApp::read(&mut from, graph.as_ref());
        let secret_key = from.checked("PUISANO_SECRET_KEY", |text| {
            SealingKey::parse(text)
                .ok_or("must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them")
        });
        let media = media_place(&mut from);
        let api_per_minute = from.number("PUISANO_API_PER_MINUTE", 1..=1_000_000);
        let number_per_second = from.number("PUISANO_NUMBER_PER_SECOND", 1..=100_000);
        let unknown_window_ms = from.number("PUISANO_UNKNOWN_WINDOW_MS", 1_000..=3_600_000);
        let notices_per_day = from.number("PUISANO_NOTICES_PER_DAY", 1..=1_000);
        let keep_envelopes_days = from.number("PUISANO_KEEP_ENVELOPES_DAYS", 1..=3_650);
        let connections_per_address_max = from.number("PUISANO_CONNECTIONS_PER_ADDRESS", 1..=1_000);
        let log = Log::read(&mut from);
        let notes = from.finish()?;
        // Whatever has no value here has been reported as a problem.
        let complete = || {
            Some(Self {
                listen: listen?,
                data,
                rules,
                lexicons,
                database,
                whatsapp,
                graph: graph?,
                secret_key,
                media,
                api_per_minute: u32::try_from(api_per_minute?).ok()?,
                number_per_second: u32::try_from(number_per_second?).ok()?,
                unknown_window_ms: unknown_window_ms?,
                notices_per_day: u32::try_from(notices_per_day?).ok()?,
                keep_envelopes_days: u32::try_from(keep_envelopes_days?).ok()?,
                connections_per_address_max: u32::try_from(connections_per_address_max?).ok()?,
                log: log?,
                notes,
            })
        };
        complete().ok_or_else(|| ConfigError {
            problems: Vec::new(),
        })
    }
}

/// All of it or none of it.
fn media_place(from: &mut Reader) -> Option<BucketPlace> {
    if !from.any_given("PUISANO_MEDIA_") {
        return None;
    }
    let parts = from.required("PUISANO_MEDIA_URL", BucketPlace::parse);
    let key_id = from.required("PUISANO_MEDIA_KEY_ID", secret);
    let secret_key = from.required("PUISANO_MEDIA_SECRET", secret);
    Some(BucketPlace {
        key_id: key_id?,
        secret: secret_key?,
        ..parts?
    })
}

/// The folders of the pack and of the lexicons, whatever the other settings are.
pub fn pack_folders(file: Option<&Path>) -> (PathBuf, PathBuf) {
    let mut from = Reader::from_surroundings(file);
    (from.path("PUISANO_RULES"), from.path("PUISANO_LEXICONS"))
}

impl WhatsApp {
    /// All of it or none of it: half a connection would receive and not answer, or answer and not receive.
    fn read(from: &mut Reader, graph: Option<&Graph>) -> Option<Self> {
        // Where WhatsApp is may be said alone: the rest can stand in the stored settings.
        let names = [
            "WHATSAPP_PHONE",
            "WHATSAPP_BUSINESS",
            "WHATSAPP_ACCESS",
            "WHATSAPP_WEBHOOK",
            "WHATSAPP_APP",
        ];
        if !names.iter().any(|name| from.any_given(name)) {
            return None;
        }
        let phone_number_id = from.required("WHATSAPP_PHONE_NUMBER_ID", graph_id);
        let business_account_id = from.required("WHATSAPP_BUSINESS_ACCOUNT_ID", graph_id);
        let access_token = from.required("WHATSAPP_ACCESS_TOKEN", secret);
        let verify_token = from.required("WHATSAPP_WEBHOOK_VERIFY_TOKEN", secret);
        let app_secret = from.required("WHATSAPP_APP_SECRET", secret);
        let previous = from.checked("WHATSAPP_APP_SECRET_PREVIOUS", secret);
        let Graph {
            api_url,
            api_version,
        } = graph?.clone();
        Some(Self {
            phone_number_id: PhoneNumberId(phone_number_id?),
            business_account_id: business_account_id?,
            access_token: access_token?,
            verify_token: verify_token?,
            app_secrets: std::iter::once(app_secret?).chain(previous).collect(),
            api_url,
            api_version,
        })
    }
}

impl Graph {
    fn read(from: &mut Reader) -> Option<Self> {
        let url = from.checked("WHATSAPP_API_URL", api_url);
        let version = from.checked("WHATSAPP_API_VERSION", api_version);
        let (api_url, version_in_url) = url?;
        Some(Self {
            api_url,
            api_version: version_in_url.or(version)?,
        })
    }
}

impl Log {
    fn read(from: &mut Reader) -> Option<Self> {
        let filter = from.checked("PUISANO_LOG", |text| {
            let known = tracing_subscriber::EnvFilter::try_new(text).is_ok();
            known
                .then(|| text.to_owned())
                .ok_or("must be error, warn, info, debug, trace, or like info,puisano::web=debug")
        });
        let format = from.checked("PUISANO_LOG_FORMAT", |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("must be text or json"),
        });
        Some(Self {
            filter: filter?,
            format: format?,
        })
    }
}

/// Graph's ids are digits; a phone number with its plus is the usual mistake.
pub(crate) fn graph_id(text: &str) -> Result<String, &'static str> {
    const DIGITS_MAX: usize = 32;
    let fits = text.len() <= DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.to_owned()).ok_or(
        "must be the id that Meta's App Dashboard shows, digits only; it is not a phone number",
    )
}

pub(crate) fn secret(text: &str) -> Result<Secret, &'static str> {
    if text.starts_with("your_") {
        return Err("still holds the example text: put the value from Meta's App Dashboard here");
    }
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(text))
        .ok_or("holds a space or an odd character: copy it once more")
}

/// The address, and the version where it stands at its end (`https://graph.facebook.com/v19.0`).
fn api_url(text: &str) -> Result<(String, Option<String>), &'static str> {
    let url = text.trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.contains([' ', '?', '#', '@'])) {
        return Err("must look like https://graph.facebook.com");
    }
    match url.rsplit_once('/') {
        Some((rest, version)) if api_version(version).is_ok() => {
            Ok((rest.to_owned(), Some(version.to_owned())))
        }
        _ => Ok((url.to_owned(), None)),
    }
}

pub(crate) fn api_version(text: &str) -> Result<String, &'static str> {
    let digits = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let fits = parts.is_some_and(|(major, minor)| digits(major) && digits(minor));
    fits.then(|| text.to_owned()).ok_or("must look like v24.0")
}
