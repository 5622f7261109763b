//! From the folder to the database, and from the database to this node.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use puisano_engine::Color;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::rulesets::{
    Checked, Findings, Fingerprint, Folders, Live, LiveRules, LoadError, Sources, areas, compile,
};
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;

/// How often folder and database are looked at: a save is live on every node well within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the rules have errors")]
    Rejected(Box<Findings>),
    #[error("cannot read or write the published rules")]
    Store(#[source] anyhow::Error),
}

/// Loads and checks the folder, publishes it if the database has never seen it, makes live what the database says is
/// live, and keeps following both.
pub async fn open(
    store: Store,
    clock: Clock,
    folders: Folders,
    tasks: &Tasks,
) -> Result<LiveRules, OpenError> {
    let seen = folders.fingerprint();
    let sources = folders.load()?;
    let json = sources.to_json();
    let Checked { live, findings } = compile_aside(sources).await.map_err(OpenError::Store)?;
    let Some(own) = live else {
        return Err(OpenError::Rejected(Box::new(findings)));
    };
    let published = async {
        if !store.knows_ruleset(&own.hash).await? {
            store.publish_ruleset(&clock, &own.hash, &json).await?;
        }
        anyhow::Ok(store.latest_ruleset_hash().await?)
    };
    let latest = published.await.map_err(OpenError::Store)?;
    let follower = Follower {
        broken: AtomicBool::new(false),
        store,
        clock,
        folders,
        live: LiveRules::new(own),
    };
    if latest.is_some_and(|hash| hash != follower.live.current().hash) {
        warn!(
            "the folder holds rules that were published before; newer ones are live. Save a file to publish the folder's"
        );
        follower.follow().await.map_err(OpenError::Store)?;
    }
    follower
        .seed_areas()
        .await
        .map_err(|error| OpenError::Store(error.into()))?;
    let live = follower.live.clone();
    let stopping = tasks.stopping();
    tasks.spawn("rules", async move {
        stopping
            .run_until_cancelled(Box::pin(follower.run(seen)))
            .await;
    });
    Ok(live)
}

struct Follower {
    /// The folder's last state had errors, and whoever saved it knows that from the log.
    broken: AtomicBool,
    store: Store,
    clock: Clock,
    folders: Folders,
    live: LiveRules,
}

impl Follower {
    async fn run(self, mut seen: Fingerprint) {
        let mut failing = false;
        let mut seeded = self.live.current().hash.clone();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.folders.fingerprint();
            if now != seen && self.save().await {
                seen = now;
            }
            match self.follow().await {
                Ok(()) => failing = false,
                Err(reason) if !failing => {
                    failing = true;
                    warn!(
                        "cannot see which rules are published, the present ones stay: {reason:#}"
                    );
                }
                Err(_) => {}
            }
            let live = self.live.current().hash.clone();
            if live != seeded && self.seed_areas().await.is_ok() {
                seeded = live;
            }
        }
    }

    async fn seed_areas(&self) -> Result<u64, StoreError> {
        areas::seed(&self.store, &self.clock, &self.live.current().ruleset).await
    }

    /// The folder changed: checks and publishes it. Returns whether this state of the folder is dealt with.
    async fn save(&self) -> bool {
        let sources = match self.folders.load() {
            Ok(sources) => sources,
            Err(reason) => {
                error!("the rules were not reloaded, the old ones stay: {reason}");
                return true;
            }
        };
        match self.check_and_publish(sources).await {
            Ok(()) => true,
            Err(reason) => {
                warn!("the changed rules could not be published yet: {reason:#}");
                false
            }
        }
    }

    async fn check_and_publish(&self, sources: Sources) -> anyhow::Result<()> {
        let json = sources.to_json();
        let Checked { live, findings } = compile_aside(sources).await?;
        let Some(live) = live else {
            self.broken.store(true, Ordering::Relaxed);
            error!(
                "the changed rules have errors, the old ones stay:\n{}",
                findings.render(Color::Never)
            );
            return Ok(());
        };
        let mended = self.broken.swap(false, Ordering::Relaxed);
        if live.hash == self.live.current().hash {
            if mended {
                info!("the rules are in order again; they are the live ones");
            }
        } else {
            self.store
                .publish_ruleset(&self.clock, &live.hash, &json)
                .await?;
            self.swap(live);
        }
        Ok(())
    }

    /// Makes live what the database says is live.
    async fn follow(&self) -> anyhow::Result<()> {
        let latest = self.store.latest_ruleset_hash().await?;
        if latest.is_none_or(|latest| latest == self.live.current().hash) {
            return Ok(());
        }
        let Some((latest, json)) = self.store.latest_ruleset().await? else {
            return Ok(());
        };
        let Checked { live, findings } = compile_aside(Sources::from_json(&json)?).await?;
        let Some(live) = live else {
            anyhow::bail!(
                "the published rules do not compile here:\n{}",
                findings.render(Color::Never)
            );
        };
        // Another version of the engine may have given it its name.
        self.swap(Live {
            hash: latest,
            ..live
        });
        Ok(())
    }

    fn swap(&self, live: Live) {
        let hash = live.hash.as_str().get(..12).unwrap_or_default();
        let counts = live.ruleset.counts();
        info!(
            "rules are live: {} intents, {} rules, {hash}",
            counts.intents, counts.rules
        );
        self.live.replace(live);
    }
}

/// Compiling takes up to a second for the largest packs: not on the threads that answer webhooks.
async fn compile_aside(sources: Sources) -> anyhow::Result<Checked> {
    Ok(tokio::task::spawn_blocking(move || compile(sources)).await?)
}
