//! How commands speak: data on stdout, talk on stderr, colour only where a person looks.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use clap::ColorChoice;
use puisano_engine::Color;

static COLOR: OnceLock<ColorChoice> = OnceLock::new();

/// Chosen once, from `--color`.
pub(super) fn set_color(choice: ColorChoice) {
    let _ = COLOR.set(choice);
}

/// Whether to colour what a person reads.
pub(super) fn color() -> Color {
    let terminal = || {
        let stdout = std::io::stdout();
        stdout.is_terminal()
            && anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never
    };
    match COLOR.get().copied().unwrap_or(ColorChoice::Auto) {
        ColorChoice::Always => Color::Always,
        ColorChoice::Auto if terminal() => Color::Always,
        ColorChoice::Auto | ColorChoice::Never => Color::Never,
    }
}

/// A line of data. A reader that went away (`| head`) is no error.
pub(super) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line of talk.
pub(super) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What went wrong, with its causes.
pub(super) fn error(error: &anyhow::Error) {
    say(format_args!("Error: {error:#}"));
}

/// "1 error", "2 errors".
pub(super) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
