//! Loads the pack for commands that need only the engine.

use puisano_engine::Lexicons;

use crate::cli::{Common, Exit, output};
use crate::config;
use crate::rulesets::{Checked, Folders, Live, compile};

/// Where the pack is. Commands of the engine need no other setting, so that a half-set connection does not stop them.
pub(super) fn folders(common: &Common) -> Folders {
    let (rules, lexicons) = config::pack_folders(common.config.as_deref());
    Folders {
        rules: common.rules.clone().unwrap_or(rules),
        lexicons: common.lexicons.clone().unwrap_or(lexicons),
    }
}

/// Compiles the pack and prints what is wrong with it; `Err` holds how the command must end.
pub(super) fn load(common: &Common) -> anyhow::Result<Result<Live, Exit>> {
    let Checked { live, findings } = compile(folders(common).load()?);
    Ok(live.ok_or_else(|| {
        output::say(findings.render(output::color()));
        let (errors, _) = findings.counts();
        output::say(format_args!(
            "The pack has {}: nothing was run.",
            output::count(errors, "error")
        ));
        Exit::ProblemsFound
    }))
}

/// The lexicons alone.
pub(super) fn lexicons(common: &Common) -> anyhow::Result<Lexicons> {
    let sources = folders(common).load_lexicons()?;
    let (lexicons, found) = Lexicons::parse(&sources);
    if found.has_errors() {
        let texts = found
            .iter()
            .map(|found| puisano_engine::render(found, &sources, output::color()));
        anyhow::bail!(
            "the lexicons have errors\n{}",
            texts.collect::<Vec<_>>().join("\n")
        );
    }
    Ok(lexicons)
}
