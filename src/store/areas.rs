//! Places: seeded from the pack, ordered below each other by people.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::{PgConnection, Row};

use super::{Store, StoreError, call, to_jiff, to_sql};
use crate::clock::Clock;

/// Areas of one municipality; what is beyond is not read.
const AREAS_MAX: i64 = 20_000;

/// A place to which notices can go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Area {
    pub key: String,
    pub name: String,
    /// Folded, as people write it.
    pub aliases: Vec<String>,
    /// Key of the area it lies in.
    pub parent: Option<String>,
    pub updated_at: Timestamp,
}

/// A place as a pack brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaSeed {
    pub key: String,
    pub name: String,
    /// Folded.
    pub aliases: Vec<String>,
}

impl Store {
    /// Adds the areas of a pack and takes over their names; parents stay. Areas that the pack no longer has stay too,
    /// because people live there.
    pub async fn seed_areas(&self, clock: &Clock, seeds: &[AreaSeed]) -> Result<u64, StoreError> {
        if seeds.is_empty() {
            return Ok(0);
        }
        let mut call = self.call("write the areas of the pack").await?;
        let outcome = call::deadline(async {
            let written = sqlx::query(
                "INSERT INTO areas AS a (key, name, aliases, updated_at)
                 SELECT key, name, string_to_array(aliases, E'\\n'), $4
                 FROM unnest($1::text[], $2::text[], $3::text[]) AS s (key, name, aliases)
                 ORDER BY key
                 ON CONFLICT (key) DO UPDATE SET name = excluded.name, aliases = excluded.aliases, updated_at = $4
                 WHERE (a.name, a.aliases) IS DISTINCT FROM (excluded.name, excluded.aliases)",
            )
            .bind(seeds.iter().map(|seed| seed.key.as_str()).collect::<Vec<_>>())
            .bind(seeds.iter().map(|seed| seed.name.as_str()).collect::<Vec<_>>())
            // Folded text has no line breaks.
            .bind(seeds.iter().map(|seed| seed.aliases.join("\n")).collect::<Vec<_>>())
            .bind(to_sql(clock.now()))
            .execute(call.db())
            .await?;
            Ok(written.rows_affected())
        })
        .await;
        call.end(outcome)
    }

    pub async fn areas(&self) -> Result<Vec<Area>, StoreError> {
        let mut call = self.call("read the areas").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(
                "SELECT key, name, aliases, parent, updated_at FROM areas ORDER BY key LIMIT $1",
            )
            .bind(AREAS_MAX)
            .fetch_all(call.db())
            .await?;
            let mut areas = Vec::with_capacity(rows.len());
            for row in &rows {
                areas.push(Area {
                    key: row.try_get("key")?,
                    name: row.try_get("name")?,
                    aliases: row.try_get("aliases")?,
                    parent: row.try_get("parent")?,
                    updated_at: to_jiff(row.try_get("updated_at")?),
                });
            }
            Ok(areas)
        })
        .await;
        call.end(outcome)
    }
}

/// What became of putting an area below another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    Done,
    NoSuchArea,
    /// It would lie within itself.
    Circular,
}

/// Puts `key` below `parent`, or below none.
pub(super) async fn place(
    db: &mut PgConnection,
    clock: &Clock,
    (key, parent): (&str, Option<&str>),
) -> Result<Placed, sqlx::Error> {
    // Two who put areas below each other at the same moment must see each other.
    sqlx::query("LOCK TABLE areas IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *db)
        .await?;
    let is_circular: bool = sqlx::query_scalar(
        "WITH RECURSIVE above (key, parent) AS (
             SELECT key, parent FROM areas WHERE key = $2
             UNION
             SELECT a.key, a.parent FROM areas a JOIN above ON a.key = above.parent)
         SELECT EXISTS (SELECT FROM above WHERE key = $1)",
    )
    .bind(key)
    .bind(parent)
    .fetch_one(&mut *db)
    .await?;
    if is_circular {
        return Ok(Placed::Circular);
    }
    let placed = sqlx::query(
        "UPDATE areas SET parent = $2, updated_at = $3
         WHERE key = $1 AND ($2::text IS NULL OR EXISTS (SELECT FROM areas WHERE key = $2))",
    )
    .bind(key)
    .bind(parent)
    .bind(to_sql(clock.now()))
    .execute(db)
    .await?;
    let found = placed.rows_affected() > 0;
    Ok(if found {
        Placed::Done
    } else {
        Placed::NoSuchArea
    })
}
