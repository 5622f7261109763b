//! Tells operators how we are: the log.
//!
//! It goes to standard error, so that commands keep standard output for their data. A panic is told by its place only:
//! its message may hold what a customer wrote.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging for this process. A second call changes nothing.
pub fn init(log: &Log) {
    // The configuration has checked it.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // Fails only if logging was started before.
    let _ = match log.format {
        LogFormat::Json => builder.json().with_target(true).try_init(),
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
    };
    std::panic::set_hook(Box::new(|panic| tracing::error!("{}", describe(panic))));
}

/// What kind of panic and where.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let kind = if panic.payload_as_str().is_some() {
        "a panic"
    } else {
        "a panic with a value"
    };
    match panic.location() {
        Some(place) => format!(
            "{kind} at {}:{}:{}",
            place.file(),
            place.line(),
            place.column()
        ),
        None => format!("{kind} at an unknown place"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_panic_is_told_by_its_place_and_not_by_its_words() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let (heard, before) = (Arc::clone(&told), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            heard.lock().unwrap().push(describe(panic));
        }));
        let phone = String::from("+27600000001");
        let _ = std::panic::catch_unwind(|| panic!("cannot read {phone}"));
        std::panic::set_hook(before);
        let told = told.lock().unwrap();
        let ours = told
            .iter()
            .find(|text| text.starts_with("a panic at src/observability.rs:"))
            .unwrap();
        assert!(!ours.contains("2760"), "{ours}");
    }
}
