//! Published rule sets: which one is live is decided here and nowhere else.

use super::{Store, StoreError, call};
use crate::clock::Clock;
use crate::model::RulesetHash;

impl Store {
    /// Makes the rule set `hash` the live one. `true` when the database had never seen it.
    pub async fn publish_ruleset(
        &self,
        clock: &Clock,
        hash: &RulesetHash,
        sources: &str,
    ) -> Result<bool, StoreError> {
        let mut call = self.call("publish a rule set").await?;
        let outcome = call::deadline(async {
            // `xmax` is zero in a row that this statement inserted.
            sqlx::query_scalar::<_, bool>(
                "INSERT INTO rulesets AS r (hash, seq, sources, published_at)
                 VALUES ($1, nextval('ruleset_seq'), $2::json, $3)
                 ON CONFLICT (hash) DO UPDATE SET seq = excluded.seq, published_at = excluded.published_at
                 RETURNING xmax = 0",
            )
            .bind(hash.as_str())
            .bind(sources)
            .bind(super::to_sql(clock.now()))
            .fetch_one(call.db())
            .await
        })
        .await;
        call.end(outcome)
    }

    /// The live rule set and its sources as JSON, if one was ever published.
    pub async fn latest_ruleset(&self) -> Result<Option<(RulesetHash, String)>, StoreError> {
        let mut call = self.call("read the live rule set").await?;
        let outcome = call::deadline(async {
            sqlx::query_as::<_, (String, String)>(
                "SELECT hash, sources::text FROM rulesets ORDER BY seq DESC LIMIT 1",
            )
            .fetch_optional(call.db())
            .await
        })
        .await;
        Ok(call
            .end(outcome)?
            .map(|(hash, sources)| (RulesetHash(hash), sources)))
    }

    /// The hash of the live rule set; cheap, for whoever watches for a change.
    pub async fn latest_ruleset_hash(&self) -> Result<Option<RulesetHash>, StoreError> {
        let mut call = self.call("look for a new rule set").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, String>("SELECT hash FROM rulesets ORDER BY seq DESC LIMIT 1")
                .fetch_optional(call.db())
                .await
        })
        .await;
        Ok(call.end(outcome)?.map(RulesetHash))
    }

    /// Whether `hash` was ever published.
    pub async fn knows_ruleset(&self, hash: &RulesetHash) -> Result<bool, StoreError> {
        let mut call = self.call("look for a rule set").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT 1 FROM rulesets WHERE hash = $1)")
                .bind(hash.as_str())
                .fetch_one(call.db())
                .await
        })
        .await;
        call.end(outcome)
    }
}
