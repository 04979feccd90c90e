//! Tables and entities.

use super::Account;
use super::entity::Stored;
use super::failure::Failure;
use super::filter::Filter;
use crate::storage::{Entity, StorageError, Tables, names};
use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use std::io;

#[async_trait]
impl Tables for Account {
    async fn create(&self, table: &str) -> Result<bool, StorageError> {
        names::table(table)?;
        self.create_named("INSERT INTO tables (name) VALUES (?) ON CONFLICT DO NOTHING", table, self.quota.of_tables()).await
    }

    async fn delete_table(&self, table: &str) -> Result<bool, StorageError> {
        names::table(table)?;
        let table = table.to_owned();
        self.writer.write(move |db| Ok(db.prepare_cached("DELETE FROM tables WHERE name = ?")?.execute([table])? > 0)).await
    }

    async fn tables(&self) -> Result<Vec<String>, StorageError> {
        let select = "SELECT name FROM tables ORDER BY name";
        self.readers.read(move |db| Ok(db.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)).await
    }

    async fn get(&self, table: &str, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StorageError> {
        names::table(table)?;
        let keys = [table.to_owned(), partition_key.to_owned(), row_key.to_owned()];
        let select =
            "SELECT content FROM entities WHERE in_table = (SELECT id FROM tables WHERE name = ?) AND partition_key = ? AND row_key = ?";
        let work = move |db: &Connection| {
            let content = db.prepare_cached(select)?.query_row(keys, |row| row.get::<_, String>(0)).optional()?;
            content.map(|content| parse(&content)).transpose()
        };
        self.readers.read(work).await
    }

    /// Reads and filters all entities of the partition, or of the table.
    async fn query(
        &self,
        table: &str,
        partition_key: Option<&str>,
        filter: Option<&str>,
        take: Option<usize>,
    ) -> Result<Vec<Entity>, StorageError> {
        names::table(table)?;
        // A blank filter lets all through, as in Azure.
        let filter = filter.filter(|filter| !filter.trim().is_empty()).map(Filter::parse).transpose()?;
        let (table, partition_key) = (table.to_owned(), partition_key.map(str::to_owned));
        let take = take.unwrap_or(usize::MAX);
        self.readers.read(move |db| query(db, &table, partition_key.as_deref(), filter.as_ref(), take)).await
    }

    async fn insert(&self, table: &str, entity: &Entity) -> Result<(), StorageError> {
        put(self, table, entity, "INSERT INTO entities (in_table, partition_key, row_key, content) VALUES (?1, ?2, ?3, ?4)").await
    }

    async fn upsert(&self, table: &str, entity: &Entity) -> Result<(), StorageError> {
        let replace = "INSERT INTO entities (in_table, partition_key, row_key, content) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (in_table, partition_key, row_key) DO UPDATE SET content = ?4";
        put(self, table, entity, replace).await
    }

    async fn delete(&self, table: &str, partition_key: &str, row_key: &str) -> Result<bool, StorageError> {
        names::table(table)?;
        let keys = [table.to_owned(), partition_key.to_owned(), row_key.to_owned()];
        let delete = "DELETE FROM entities WHERE in_table = (SELECT id FROM tables WHERE name = ?) AND partition_key = ? AND row_key = ?";
        self.writer.write(move |db| Ok(db.prepare_cached(delete)?.execute(keys)? > 0)).await
    }
}

async fn put(account: &Account, table: &str, entity: &Entity, statement: &'static str) -> Result<(), StorageError> {
    names::table(table)?;
    let stored = Stored::new(entity)?;
    let (table, share) = (table.to_owned(), account.quota.of_tables());
    let work = move |db: &Connection| {
        let Some(id) = id(db, &table)? else { return Err(Failure::missing("table", &table)) };
        match db.prepare_cached(statement)?.execute(params![id, stored.partition_key, stored.row_key, stored.content]) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                let Stored { partition_key, row_key, .. } = &stored;
                Err(Failure::conflict(format!("there is an entity {row_key:?} in the partition {partition_key:?} of {table} already")))
            }
            result => {
                result?;
                share.check(db)
            }
        }
    };
    account.writer.write(work).await
}

/// A table's number.
fn id(db: &Connection, table: &str) -> Result<Option<i64>, rusqlite::Error> {
    db.prepare_cached("SELECT id FROM tables WHERE name = ?")?.query_row([table], |row| row.get(0)).optional()
}

fn query(db: &Connection, table: &str, partition: Option<&str>, filter: Option<&Filter>, take: usize) -> Result<Vec<Entity>, Failure> {
    let Some(id) = id(db, table)? else { return Ok(Vec::new()) };
    // Two statements, as one for both cases would not use the index.
    let mut select = db.prepare_cached(match partition {
        Some(_) => "SELECT content FROM entities WHERE in_table = ?1 AND partition_key = ?2 ORDER BY row_key",
        None => "SELECT content FROM entities WHERE in_table = ?1 AND ?2 IS NULL ORDER BY partition_key, row_key",
    })?;
    let mut rows = select.query(params![id, partition])?;
    let mut found = Vec::new();
    while found.len() < take
        && let Some(row) = rows.next()?
    {
        let entity = parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        if filter.is_none_or(|filter| filter.lets_through(&entity)) {
            found.push(entity);
        }
    }
    Ok(found)
}

fn parse(content: &str) -> Result<Entity, Failure> {
    Ok(serde_json::from_str(content).map_err(io::Error::from)?)
}
