//! The rule set that turns are decided with, and making one from texts.

use std::sync::Arc;

use arc_swap::ArcSwap;
use puisano_engine::{Lexicons, Ruleset, Source};
use sha2::{Digest, Sha256};

use crate::model::RulesetHash;
use crate::rulesets::{Findings, Sources};

/// A compiled rule set with the hash that decisions record.
#[derive(Debug)]
pub struct Live {
    pub hash: RulesetHash,
    pub ruleset: Ruleset,
}

/// What compiling came to: a rule set if there were no errors, and every finding either way.
#[derive(Debug)]
pub struct Checked {
    pub live: Option<Live>,
    pub findings: Findings,
}

/// Compiles a pack with its lexicons.
pub fn compile(sources: Sources) -> Checked {
    let (lexicons, found) = Lexicons::parse(&sources.lexicons);
    let compiled = puisano_engine::compile(&sources.rules, &lexicons);
    let ruleset = compiled.ruleset.filter(|_| !found.has_errors());
    let live = ruleset.map(|ruleset| Live {
        hash: hash(&sources),
        ruleset,
    });
    Checked {
        live,
        findings: Findings {
            sources,
            lexicons: found,
            rules: compiled.diagnostics,
        },
    }
}

/// Names a rule set by what it depends on: rules, lexicons and the engine's version.
pub fn hash(sources: &Sources) -> RulesetHash {
    let mut digest = Sha256::new();
    put(&mut digest, puisano_engine::VERSION);
    for list in [&sources.rules, &sources.lexicons] {
        put(&mut digest, &list.len().to_string());
        for Source { name, text } in list {
            put(&mut digest, name);
            put(&mut digest, text);
        }
    }
    RulesetHash(hex::encode(digest.finalize()))
}

/// Length first, so that no two lists of texts look alike.
fn put(digest: &mut Sha256, text: &str) {
    digest.update((text.len() as u64).to_be_bytes());
    digest.update(text.as_bytes());
}

/// The rule set in force; cheap to read, swapped whole.
#[derive(Clone, Debug)]
pub struct LiveRules {
    current: Arc<ArcSwap<Live>>,
}

impl LiveRules {
    pub fn new(live: Live) -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(live)),
        }
    }

    /// One message is decided with one of these.
    pub fn current(&self) -> Arc<Live> {
        self.current.load_full()
    }

    pub fn replace(&self, live: Live) {
        self.current.store(Arc::new(live));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(rules: &[(&str, &str)]) -> Sources {
        let source = |(name, text): &(&str, &str)| Source {
            name: (*name).into(),
            text: (*text).into(),
        };
        Sources {
            rules: rules.iter().map(source).collect(),
            lexicons: Vec::new(),
        }
    }

    #[test]
    fn the_hash_tells_apart_what_differs_anywhere() {
        let all = [
            sources(&[("a.yaml", "x")]),
            sources(&[("a.yaml", "y")]),
            sources(&[("b.yaml", "x")]),
            sources(&[("a.yaml", "x"), ("b.yaml", "")]),
            sources(&[("a.yamlx", "")]),
        ];
        let hashes: std::collections::BTreeSet<_> = all.iter().map(hash).collect();
        assert_eq!(hashes.len(), all.len());
        assert_eq!(hash(&all[0]), hash(&all[0].clone()));
    }
}
