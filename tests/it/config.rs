//! Settings: where they come from, what is refused, and that the page about them is current.

use std::path::{Path, PathBuf};

use puisano::config::{Config, ConfigError, DatabaseUrl, LogFormat, table};

const WHATSAPP: [(&str, &str); 5] = [
    ("WHATSAPP_PHONE_NUMBER_ID", "106540352242922"),
    ("WHATSAPP_BUSINESS_ACCOUNT_ID", "102290129340398"),
    ("WHATSAPP_ACCESS_TOKEN", "EAAtoken"),
    ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "a-word-of-ours"),
    ("WHATSAPP_APP_SECRET", "test_app_secret"),
];

fn with(more: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
    Config::from_pairs(WHATSAPP.into_iter().chain(more.iter().copied()))
}

/// The names of the settings that are complained about.
fn complaints(result: Result<Config, ConfigError>) -> Vec<String> {
    result
        .err()
        .map(|error| {
            error
                .problems
                .into_iter()
                .map(|problem| problem.name)
                .collect()
        })
        .unwrap_or_default()
}

#[test]
fn nothing_given_is_the_simulator_with_the_embedded_database() {
    let config = Config::from_pairs([("PATH", "/bin"), ("WHATSAPP_ACCESS_TOKEN", "  ")]).unwrap();
    assert!(config.whatsapp.is_none() && config.database.is_none() && config.notes.is_empty());
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data, Path::new("data"));
    assert_eq!(
        (config.number_per_second, config.unknown_window_ms),
        (80, 30_000)
    );
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn a_whole_connection_is_taken_as_it_is() {
    let whatsapp = with(&[("WHATSAPP_APP_SECRET_PREVIOUS", "old")])
        .unwrap()
        .whatsapp
        .unwrap();
    assert_eq!(whatsapp.phone_number_id.as_str(), "106540352242922");
    let secrets: Vec<&str> = whatsapp
        .app_secrets
        .iter()
        .map(puisano::security::Secret::expose)
        .collect();
    assert_eq!(secrets, ["test_app_secret", "old"]);
    assert_eq!(
        (&*whatsapp.api_url, &*whatsapp.api_version),
        ("https://graph.facebook.com", "v24.0")
    );
}

#[test]
fn a_version_in_the_address_counts() {
    for (url, version, expected) in [
        (
            "https://graph.facebook.com/v19.0",
            None,
            ("https://graph.facebook.com", "v19.0"),
        ),
        (
            "http://127.0.0.1:9000/",
            Some("v23.0"),
            ("http://127.0.0.1:9000", "v23.0"),
        ),
        (
            "http://127.0.0.1:9000/fake",
            None,
            ("http://127.0.0.1:9000/fake", "v24.0"),
        ),
    ] {
        let mut more = vec![("WHATSAPP_API_URL", url)];
        more.extend(version.map(|version| ("WHATSAPP_API_VERSION", version)));
        let whatsapp = with(&more).unwrap().whatsapp.unwrap();
        assert_eq!(
            (&*whatsapp.api_url, &*whatsapp.api_version),
            expected,
            "{url}"
        );
    }
}

#[test]
fn half_a_connection_is_refused_with_every_missing_part() {
    for (name, value) in WHATSAPP
        .into_iter()
        .chain([("WHATSAPP_APP_SECRET_PREVIOUS", "x")])
    {
        let missing: Vec<&str> = WHATSAPP
            .iter()
            .map(|(name, _)| *name)
            .filter(|other| *other != name)
            .collect();
        assert_eq!(
            complaints(Config::from_pairs([(name, value)])),
            missing,
            "only {name}"
        );
    }
}

#[test]
fn where_whatsapp_is_may_be_said_before_a_connection_is_given() {
    let given = [
        ("WHATSAPP_API_VERSION", "v25.0"),
        ("WHATSAPP_API_URL", "https://graph.example"),
    ];
    let config = Config::from_pairs(given).unwrap();
    assert!(config.whatsapp.is_none());
    assert_eq!(
        (&*config.graph.api_url, &*config.graph.api_version),
        ("https://graph.example", "v25.0")
    );
}

#[test]
fn everything_wrong_is_told_at_once_and_no_value_is_repeated() {
    let wrong = [
        ("PUISANO_LISTEN", "hunter2"),
        ("PUISANO_NUMBER_PER_SECOND", "0"),
        ("PUISANO_UNKNOWN_WINDOW_MS", "hunter2"),
        ("PUISANO_CONNECTIONS_PER_ADDRESS", "1001"),
        ("PUISANO_LOG", "hunter2=hunter2=hunter2"),
        ("PUISANO_LOG_FORMAT", "hunter2"),
        ("DATABASE_URL", "mysql://root:hunter2@localhost/db"),
        ("WHATSAPP_PHONE_NUMBER_ID", "+27600000001"),
        ("WHATSAPP_BUSINESS_ACCOUNT_ID", "hunter2"),
        ("WHATSAPP_ACCESS_TOKEN", "hunter2 hunter2"),
        ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "your_custom_verify_token"),
        ("WHATSAPP_API_URL", "graph.facebook.com/hunter2"),
        ("WHATSAPP_API_VERSION", "hunter2"),
    ];
    let error = Config::from_pairs(wrong).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("14 settings are missing or wrong:\n  "),
        "{text}"
    );
    assert!(
        !text.contains("hunter2") && !text.contains("27600000001"),
        "{text}"
    );
    let mut named = complaints(Err(error));
    named.sort();
    let mut expected: Vec<&str> = wrong
        .iter()
        .map(|(name, _)| *name)
        .chain(["WHATSAPP_APP_SECRET"])
        .collect();
    expected.sort_unstable();
    assert_eq!(named, expected);
}

#[test]
fn every_setting_of_the_table_is_really_read() {
    for setting in table::SECTIONS.iter().flat_map(|section| section.settings) {
        if ["PUISANO_DATA", "PUISANO_RULES", "PUISANO_LEXICONS"].contains(&setting.name) {
            let config = Config::from_pairs([(setting.name, "/some/where")]).unwrap();
            assert!(
                [config.data, config.rules, config.lexicons]
                    .contains(&PathBuf::from("/some/where"))
            );
        } else {
            let mut pairs = BUCKET.to_vec();
            pairs.push((setting.name, "\u{7}=/ not at all ,=,="));
            let wrong = with(&pairs);
            assert_eq!(complaints(wrong), [setting.name]);
        }
    }
}

const BUCKET: [(&str, &str); 3] = [
    ("PUISANO_MEDIA_URL", "s3://files/town?region=af-south-1"),
    ("PUISANO_MEDIA_KEY_ID", "our-key"),
    ("PUISANO_MEDIA_SECRET", "hunter2"),
];

#[test]
fn a_bucket_is_given_whole_or_not_at_all() {
    assert!(with(&[]).unwrap().media.is_none());
    assert_eq!(with(&BUCKET).unwrap().media.unwrap().bucket, "files");
    for missing in BUCKET {
        let rest: Vec<_> = BUCKET.into_iter().filter(|one| *one != missing).collect();
        assert_eq!(complaints(with(&rest)), [missing.0]);
    }
}

#[test]
fn nothing_secret_is_shown() {
    let mut pairs = BUCKET.to_vec();
    pairs.push((
        "DATABASE_URL",
        "postgres://bot:hunter2@db.example/town?password=hunter2",
    ));
    let config = with(&pairs).unwrap();
    let shown = format!("{config:?}");
    for secret in ["EAAtoken", "test_app_secret", "a-word-of-ours", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_database_shows_itself_without_its_password() {
    for (url, expected) in [
        (
            "postgres://bot:pa@ss@db.example:5432/town",
            "postgres://bot:…@db.example:5432/town",
        ),
        (
            "postgres://bot@db/town?sslmode=require&password=x",
            "postgres://bot@db/town",
        ),
        ("postgresql:///town", "postgresql:///town"),
        (
            "postgres://puisano@localhost/puisano?host=/srv/pg",
            "postgres://puisano@localhost/puisano?host=/srv/pg",
        ),
    ] {
        assert_eq!(DatabaseUrl::new(url).to_string(), expected);
    }
}

#[test]
fn a_file_gives_what_the_environment_does_not_and_its_slips_are_named() {
    let folder = std::env::temp_dir().join(format!("puisano-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("town.env");
    std::fs::write(
        &file,
        "# ours\nPUISANO_LISTEN=127.0.0.1:9999\nexport PUISANO_RULES='a b'\nOTHER=x\n",
    )
    .unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(
        (config.listen.port(), config.rules),
        (9999, PathBuf::from("a b"))
    );
    std::fs::write(
        &file,
        "PUISANO_LISTN=x\nWHATSAPP_ACCESS_TOKEN=hunter2 hunter2\nPUISANO_LOG_FORMAT=xml\n",
    )
    .unwrap();
    let text = Config::load(Some(&file)).unwrap_err().to_string();
    for expected in [
        "did you mean PUISANO_LISTEN?",
        "the line after PUISANO_LISTN",
        "must be text or json",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    let missing = Config::load(Some(&folder.join("none.env")))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.env: cannot be read"), "{missing}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_stranger_in_the_environment_is_a_note() {
    let config = Config::from_pairs([("PUISANO_LOGG", "x"), ("WHATSAPP_HOME", "/opt")]).unwrap();
    assert!(config.whatsapp.is_none());
    assert_eq!(
        config.notes,
        [
            "PUISANO_LOGG is not a setting; did you mean PUISANO_LOG?",
            "WHATSAPP_HOME is not a setting"
        ]
    );
}

#[test]
fn the_page_about_settings_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, table::page()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == table::page(),
        "docs/settings.md is not current: run `UPDATE=1 cargo test config`"
    );
}
