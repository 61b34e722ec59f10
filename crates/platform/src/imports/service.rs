use std::io::Cursor;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use kernel::{FieldError, Invalid, Page, PageRequest, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use super::run::execute;
use super::{IMPORTS_READ, IMPORTS_WRITE, Importer, Options, Progress, Registry, Report, Source, importer_of, store};
use crate::auth::{Actor, Principal, Role};
use crate::database::Tx;
use crate::events::Event;
use crate::jobs::{Job, Jobs, NewJob};
use crate::tabular::{BadCell, Limits};
use crate::{App, Error, Result, audit};

const JOB: &str = "import";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImportState {
    Queued,
    Running,
    /// Applied, or tried out when it was a dry run.
    Done,
    /// Nothing was kept, because of what stands in the file; the report says what.
    Refused,
    /// Nothing was kept, because something failed on our side.
    Failed,
}

impl ImportState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Refused => "REFUSED",
            Self::Failed => "FAILED",
        }
    }
}

impl std::str::FromStr for ImportState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Queued, Self::Running, Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Invalid(format!("{text} is not a state of an import")))
    }
}

/// A file that was, or will be, imported.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Import {
    pub import_id: Uuid,
    /// What it makes: `items`, `locations`.
    pub kind: String,
    pub file_name: String,
    pub options: Options,
    pub state: ImportState,
    pub rows_total: i64,
    pub rows_done: i64,
    pub rows_bad: i64,
    pub created: i64,
    pub updated: i64,
    /// When it has ended; not in lists.
    pub report: Option<Report>,
    pub created_by_name: String,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// A file to import later.
#[derive(Clone, Debug, Default)]
pub struct NewImport {
    pub kind: String,
    pub file_name: String,
    /// As it came, compressed or not.
    pub content: Option<Vec<u8>>,
    pub options: Options,
}

impl NewImport {
    fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        if !(1..=255).contains(&self.file_name.chars().count()) || self.file_name.contains('\0') {
            faults.push(FieldError::new("file_name", "must be 1 to 255 characters"));
        }
        if self.content.as_deref().is_none_or(<[u8]>::is_empty) {
            faults.push(FieldError::new("file", "must not be empty"));
        }
        let is_sane = |text: &String| text.chars().count() <= 300 && !text.contains('\0');
        if self.options.map.len() > 200 || !self.options.map.iter().all(|(ours, theirs)| is_sane(ours) && is_sane(theirs)) {
            faults.push(FieldError::new("map", "must be at most 200 pairs of at most 300 characters each"));
        }
        if self.options.facility.as_ref().is_some_and(|facility| !is_sane(facility)) {
            faults.push(FieldError::new("facility", "must be at most 300 characters"));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
    }
}

/// What an importer needs that the file itself cannot say.
pub(super) fn check_options(importer: &dyn Importer, options: &Options) -> Result<()> {
    let named = options.facility.as_deref().is_some_and(|facility| !facility.trim().is_empty());
    if importer.needs_facility() && !named {
        return Err(Error::field(
            "facility",
            format!("must name the facility that the {} belong to, by id or code", importer.kind()),
        ));
    }
    Ok(())
}

/// Stores the file and leaves the import to a job; watch [`get`] for how it goes.
pub async fn submit(tx: &mut Tx, actor: &Actor, registry: &[Arc<dyn Importer>], new: &NewImport) -> Result<Import> {
    actor.require(IMPORTS_WRITE)?;
    let importer = importer_of(registry, &new.kind)?;
    actor.require(importer.permission())?;
    check_options(importer, &new.options)?;
    new.check()?;
    let import_id = actor.env.new_id();
    store::insert(tx, actor, import_id, new).await?;
    let summary = json!({ "kind": new.kind, "file_name": new.file_name, "options": new.options });
    tx.audit(actor, audit::Entry::new("import.submit", "import", import_id).after(&summary));
    tx.publish(actor, Event::new("platform.import.changed", import_id, json!({ "state": "QUEUED" })));
    let payload = json!({ "import_id": import_id, "role": actor.principal.role });
    tx.enqueue(actor, NewJob { kind: JOB, payload, dedup_key: Some(import_id.to_string()) });
    get(tx, actor, import_id).await
}

pub async fn get(connection: &mut PgConnection, actor: &Actor, import_id: Uuid) -> Result<Import> {
    actor.require(IMPORTS_READ)?;
    let found = store::get(connection, actor.tenant(), import_id).await?;
    found.ok_or_else(|| Error::not_found(format_args!("import {import_id}")))
}

/// Imports for good what a trial run was tried out with, from the stored file.
pub async fn repeat(tx: &mut Tx, actor: &Actor, registry: &[Arc<dyn Importer>], import_id: Uuid) -> Result<Import> {
    actor.require(IMPORTS_WRITE)?;
    let tried = store::stored(tx, actor.tenant(), import_id).await?;
    let mut new = tried.ok_or_else(|| Error::not_found(format_args!("import {import_id}")))?;
    if new.content.is_none() {
        return Err(Error::conflict("the file is no longer stored; upload it again"));
    }
    new.options.dry_run = false;
    submit(tx, actor, registry, &new).await
}

/// Newest first; without reports.
pub async fn list(connection: &mut PgConnection, actor: &Actor, kind: Option<&str>, page: &PageRequest) -> Result<Page<Import>> {
    actor.require(IMPORTS_READ)?;
    let after: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = store::list(connection, actor.tenant(), kind, after, page).await?;
    Ok(Page::cut(rows, page, |import| import.import_id))
}

/// The job that works on uploaded files.
pub fn jobs(registry: Registry) -> Jobs {
    Jobs::default().handle(JOB, move |app, job| perform(app, job, registry.clone()))
}

#[derive(Deserialize)]
struct Payload {
    import_id: Uuid,
    /// What the uploader was allowed at the time.
    role: Role,
}

async fn perform(app: App, job: Job, registry: Arc<[Arc<dyn Importer>]>) -> Result<()> {
    let Payload { import_id, role } = serde_json::from_value(job.payload.clone()).map_err(Error::internal)?;
    let started = app.db.read(&job.tenant, async |connection| store::start(connection, &job.tenant, import_id).await).await?;
    // An earlier run may have committed without living to say so.
    let Some((new, created_by_name)) = started else { return Ok(()) };
    let actor = Actor {
        principal: Principal {
            tenant: job.tenant.clone(),
            user: UserId(job.created_by.0),
            name: created_by_name,
            email: String::new(),
            role,
            expires_at: None,
        },
        request_id: import_id.simple().to_string(),
        env: app.env.clone(),
    };
    let (sender, receiver) = watch::channel(Progress::default());
    let work = async {
        let outcome = run(&app, &actor, &registry, new, import_id, &sender).await;
        drop(sender);
        outcome
    };
    let (outcome, ()) = tokio::join!(work, show_progress(&app, &actor, import_id, receiver));
    let Err(error) = outcome else { return Ok(()) };
    let is_ours = error.code.status() >= 500;
    let state = if is_ours { ImportState::Failed } else { ImportState::Refused };
    close(&app, &actor, import_id, state, &refused_as_a_whole(&error)).await?;
    if is_ours { Err(error) } else { Ok(()) }
}

async fn run(
    app: &App,
    actor: &Actor,
    registry: &[Arc<dyn Importer>],
    new: NewImport,
    import_id: Uuid,
    progress: &watch::Sender<Progress>,
) -> Result<()> {
    let importer = importer_of(registry, &new.kind)?;
    let content = new.content.ok_or_else(|| Error::conflict("the file is no longer stored; upload it again"))?;
    let source = Source { name: new.file_name, content: Box::new(Cursor::new(content)), limits: Limits::UPLOAD };
    let tell = |now: Progress| {
        progress.send_replace(now);
    };
    let report = execute(app, actor, importer, source, &new.options, &tell, Some(import_id)).await?;
    if report.applied {
        return Ok(());
    }
    let state = if report.rows_bad == 0 || new.options.skip_bad { ImportState::Done } else { ImportState::Refused };
    close(app, actor, import_id, state, &report).await
}

/// Outside the import's transaction, so that others see it.
async fn show_progress(app: &App, actor: &Actor, import_id: Uuid, mut receiver: watch::Receiver<Progress>) {
    while receiver.changed().await.is_ok() {
        let now = *receiver.borrow_and_update();
        let shown = app
            .db
            .read(actor.tenant(), async |connection| store::progress(connection, actor.tenant(), import_id, now).await)
            .await;
        if let Err(error) = shown {
            tracing::warn!(%error, import = %import_id, "the progress of an import could not be stored");
        }
    }
}

async fn close(app: &App, actor: &Actor, import_id: Uuid, state: ImportState, report: &Report) -> Result<()> {
    let mut tx = app.db.begin(actor.tenant()).await?;
    let tenant = actor.tenant();
    store::finish(&mut tx, tenant, import_id, (state, actor.env.now()), report).await?;
    tx.publish(actor, Event::new("platform.import.changed", import_id, json!({ "state": state })));
    tx.commit().await
}

/// The header, the options or the file itself is at fault: as if each fault stood on the first line.
fn refused_as_a_whole(error: &Error) -> Report {
    let bad = |column: Option<String>, reason: String| BadCell {
        line: 1,
        column,
        value: String::new(),
        reason,
        mend: error.code.mend().into(),
    };
    let cells: Vec<BadCell> = if error.fields.is_empty() {
        vec![bad(None, error.detail.clone())]
    } else {
        error.fields.iter().map(|field| bad(Some(field.field.clone()), field.message.clone())).collect()
    };
    Report { bad: cells, ..Report::default() }
}
