use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use uuid::Uuid;

use super::service::{ImportState, NewImport, check_options};
use super::{BAD_CELLS_KEPT, Counts, IMPORTS_WRITE, Importer, Options, Progress, Report, Source, store};
use crate::auth::Actor;
use crate::database::Tx;
use crate::events::Event;
use crate::tabular::{Layout, Record, Row, Table};
use crate::{App, Error, Result, audit};

/// Rows handed to an importer at once.
pub const CHUNK_ROWS: usize = 2_000;
const ATTEMPTS: u32 = 3;
/// Of one chunk, inside one transaction.
const CHUNK_ATTEMPTS: u32 = 8;

/// Imports a file now, in one transaction. An error means that the file as a whole cannot be read or its columns not be found;
/// bad rows are no error but stand in the report, which says whether anything was kept.
pub async fn run_import(
    app: &App,
    actor: &Actor,
    importer: &dyn Importer,
    source: Source,
    options: &Options,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Report> {
    execute(app, actor, importer, source, options, progress, None).await
}

/// `import_id` names the stored upload; a file that was not uploaded gets its line in the history when it is applied.
pub(super) async fn execute(
    app: &App,
    actor: &Actor,
    importer: &dyn Importer,
    source: Source,
    options: &Options,
    progress: &(dyn Fn(Progress) + Send + Sync),
    import_id: Option<Uuid>,
) -> Result<Report> {
    actor.require(IMPORTS_WRITE)?;
    actor.require(importer.permission())?;
    check_options(importer, options)?;
    let Source { name, content, limits } = source;
    let table = tokio::task::spawn_blocking(move || Table::read(content, limits)).await.map_err(Error::internal)??;
    let layout = Arc::new(Layout::find(&table, importer.columns(), &options.map, &options.units)?);
    let job = Run { app, actor, importer, options, table: &table, layout, file_name: &name, import_id, progress };
    let mut attempt = 1;
    loop {
        match job.attempt().await {
            Err(error) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}

struct Run<'a> {
    app: &'a App,
    actor: &'a Actor,
    importer: &'a dyn Importer,
    options: &'a Options,
    table: &'a Table,
    layout: Arc<Layout>,
    file_name: &'a str,
    import_id: Option<Uuid>,
    progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl Run<'_> {
    async fn attempt(&self) -> Result<Report> {
        let started = Instant::now();
        let mut report = self.empty_report();
        let mut tx = self.app.db.begin(self.actor.tenant()).await?;
        store::prepare(&mut tx, self.importer.kind()).await?;
        self.apply_all(&mut tx, &mut report).await?;
        report.milliseconds = started.elapsed().as_millis() as u64;
        report.applied = !self.options.dry_run && (report.rows_bad == 0 || self.options.skip_bad);
        if report.applied {
            self.record(&mut tx, &report).await?;
            tx.commit().await?;
        }
        Ok(report)
    }

    fn empty_report(&self) -> Report {
        Report {
            rows_total: self.table.rows_total,
            encoding: self.table.encoding.to_owned(),
            delimiter: self.table.delimiter().to_string(),
            columns: self.layout.uses(),
            ignored: self.layout.ignored.clone(),
            notes: self.table.notes.iter().chain(&self.layout.notes).cloned().collect(),
            dry_run: self.options.dry_run,
            ..Report::default()
        }
    }

    async fn apply_all(&self, tx: &mut Tx, report: &mut Report) -> Result<()> {
        // By key: the line of the first row, or how many there were of those that repeat.
        let mut seen: HashMap<String, u64> = HashMap::new();
        let mut records = self.table.records();
        let mut now = Progress { rows_total: report.rows_total, ..Progress::default() };
        loop {
            (self.progress)(now);
            let mut rows: Vec<Row> = records.by_ref().take(CHUNK_ROWS).map(|record| self.prepare(record, &mut seen)).collect();
            if rows.is_empty() {
                return Ok(());
            }
            let counts = self.apply_chunk(tx, &mut rows).await?;
            report.created += counts.created;
            report.updated += counts.updated;
            report.unchanged += counts.unchanged;
            now.rows_done += rows.len() as u64;
            for row in rows.into_iter().filter(Row::is_bad) {
                report.rows_bad += 1;
                let room = BAD_CELLS_KEPT.saturating_sub(report.bad.len());
                report.bad.extend(row.into_bad().into_iter().take(room));
            }
            now.rows_bad = report.rows_bad;
        }
    }

    /// A deadlock costs the chunk that met it, not the minutes of work before. The locks of earlier chunks stay, so somebody who waits
    /// for one of those may meet us again: after some attempts the whole begins anew.
    async fn apply_chunk(&self, tx: &mut Tx, rows: &mut Vec<Row>) -> Result<Counts> {
        let fresh = rows.clone();
        let mut attempt = 1;
        loop {
            let applied = tx
                .attempt(async |tx: &mut Tx| self.importer.apply(tx, self.actor, self.options, rows.as_mut_slice()).await)
                .await;
            match applied {
                Err(error) if error.is_transient() && attempt < CHUNK_ATTEMPTS => {
                    attempt += 1;
                    rows.clone_from(&fresh);
                }
                result => return result,
            }
        }
    }

    /// Finds what is wrong with a row before anybody asks what it means.
    fn prepare(&self, record: Record, seen: &mut HashMap<String, u64>) -> Row {
        let misshapen = self.table.misshapen(&record);
        let mut row = Row::new(record.line, record.cells, self.layout.clone());
        if let Some(bad) = misshapen {
            row.refuse_shape(bad);
        } else if let Some(key) = row.key() {
            if self.importer.repeats() {
                let above = seen.entry(key).or_default();
                row.occurrence = *above;
                *above += 1;
                return row;
            }
            match seen.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(row.line);
                }
                Entry::Occupied(first) => {
                    let column = self.importer.columns().iter().rfind(|column| column.key).map_or("", |column| column.name);
                    row.refuse_with(column, format!("stands on line {} already", first.get()), "remove one of the two rows");
                }
            }
        }
        row
    }

    /// In the import's own transaction: after a crash there is either the import with its record, or neither.
    async fn record(&self, tx: &mut Tx, report: &Report) -> Result<()> {
        let import_id = match self.import_id {
            Some(import_id) => import_id,
            None => {
                let import_id = self.actor.env.new_id();
                let new = NewImport {
                    kind: self.importer.kind().into(),
                    file_name: crate::tabular::excerpt(self.file_name, 200),
                    content: None,
                    options: self.options.clone(),
                };
                store::insert(tx, self.actor, import_id, &new).await?;
                import_id
            }
        };
        store::finish(tx, self.actor.tenant(), import_id, (ImportState::Done, self.actor.env.now()), report).await?;
        let summary = json!({
            "kind": self.importer.kind(), "file_name": self.file_name, "rows": report.rows_total,
            "created": report.created, "updated": report.updated, "unchanged": report.unchanged, "bad": report.rows_bad,
        });
        tx.audit(self.actor, audit::Entry::new("import.apply", "import", import_id).after(&summary));
        if report.created + report.updated > 0 {
            tx.publish(self.actor, Event::new(self.importer.event(), import_id, summary.clone()));
        }
        tx.publish(self.actor, Event::new("platform.import.changed", import_id, json!({ "state": ImportState::Done })));
        Ok(())
    }
}
