//! The settings for commands that work with the database or a server.

use crate::cli::Common;
use crate::config::Config;

/// Environment, file, then the options of the command line, which win.
pub(super) fn load(common: &Common) -> anyhow::Result<Config> {
    let mut config = Config::load(common.config.as_deref())?;
    if let Some(rules) = &common.rules {
        config.rules.clone_from(rules);
    }
    if let Some(lexicons) = &common.lexicons {
        config.lexicons.clone_from(lexicons);
    }
    Ok(config)
}

/// Runs a command's asynchronous part on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
