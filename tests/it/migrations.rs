//! Migrations: applied once whoever starts first, safe to roll out beside the version before, harmless to data.

use puisano::model::RulesetHash;

use crate::database::Database;

#[tokio::test]
async fn nodes_that_start_together_migrate_once() {
    let database = Database::new().await;
    let (one, two) = tokio::join!(database.store.migrate(), database.store.migrate());
    one.unwrap();
    two.unwrap();
    let files = std::fs::read_dir("migrations").unwrap().flatten();
    let files = files
        .filter(|file| {
            file.path()
                .extension()
                .is_some_and(|extension| extension == "sql")
        })
        .count();
    let applied = database
        .number("SELECT count(*) FROM _sqlx_migrations WHERE success")
        .await;
    assert_eq!(usize::try_from(applied).unwrap(), files);
}

#[tokio::test]
async fn data_outlives_another_migration_run() {
    let database = Database::new().await;
    let hash = RulesetHash::from("abc");
    assert!(
        database
            .store
            .publish_ruleset(&database.clock, &hash, "{}")
            .await
            .unwrap()
    );
    database.store.migrate().await.unwrap();
    assert!(database.store.knows_ruleset(&hash).await.unwrap());
}

#[tokio::test]
async fn an_older_node_starts_on_a_newer_schema() {
    let database = Database::new().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999999, 'of a later release', true, '\\x00', 1)",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    database.store.migrate().await.unwrap();
    database.store.ping().await.unwrap();
}

#[tokio::test]
async fn the_last_published_rule_set_is_live_also_when_it_was_live_before() {
    let database = Database::new().await;
    let (store, clock) = (&database.store, &database.clock);
    assert_eq!(store.latest_ruleset().await.unwrap(), None);
    for (hash, is_new) in [("one", true), ("two", true), ("one", false)] {
        let (id, sources) = (RulesetHash::from(hash), format!("{{\"name\":\"{hash}\"}}"));
        assert_eq!(
            store.publish_ruleset(clock, &id, &sources).await.unwrap(),
            is_new,
            "{hash}"
        );
        assert_eq!(store.latest_ruleset().await.unwrap(), Some((id, sources)));
    }
}

#[test]
fn nothing_that_the_version_before_could_not_live_with() {
    for file in std::fs::read_dir("migrations").unwrap().flatten() {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let sql = std::fs::read_to_string(&path).unwrap();
            assert_eq!(
                unsafe_lines(&sql),
                Vec::<usize>::new(),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn what_is_unsafe_is_found() {
    for (sql, expected) in [
        ("ALTER TABLE a ADD COLUMN b int NOT NULL;", vec![1]),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0;", vec![]),
        ("ALTER TABLE a ADD COLUMN b int;", vec![]),
        ("\nALTER TABLE a RENAME COLUMN b TO c;", vec![2]),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint;", vec![1]),
        ("DROP TABLE a;", vec![1]),
        (
            "-- contract: nobody has read it since 1.4\nDROP TABLE a;",
            vec![],
        ),
    ] {
        assert_eq!(unsafe_lines(sql), expected, "{sql}");
    }
}

/// Lines, from 1, of what `migrations/README.md` refuses.
fn unsafe_lines(sql: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut excused = false;
    for (at, line) in sql.lines().enumerate() {
        let upper = line.to_uppercase();
        let adds = upper.contains("ADD COLUMN")
            && upper.contains("NOT NULL")
            && !upper.contains("DEFAULT");
        let changes = upper.contains("RENAME")
            || (upper.contains("ALTER COLUMN") && upper.contains(" TYPE "));
        let drops = upper.starts_with("DROP TABLE") || upper.contains("DROP COLUMN");
        if (adds || changes || drops) && !excused {
            found.push(at + 1);
        }
        excused = line.starts_with("-- contract:");
    }
    found
}
