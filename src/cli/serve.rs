//! `puisano serve`: the service.

use anyhow::Context;

use crate::cli::{Common, Exit, output, settings};
use crate::observability;
use crate::rulesets::OpenError;

pub(super) fn run(common: &Common) -> anyhow::Result<Exit> {
    let config = settings::load(common)?;
    observability::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start threads")?;
    match runtime.block_on(crate::app::serve(config)) {
        Ok(()) => Ok(Exit::Fine),
        Err(error) => {
            if let Some(OpenError::Rejected(findings)) = error.downcast_ref() {
                output::say(findings.render(output::color()));
            }
            Err(error)
        }
    }
}
