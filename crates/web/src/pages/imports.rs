//! CSV files: upload, progress, what was bad.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use kernel::{MAX_PAGE_SIZE, PageRequest};
use platform::http::{Access, Api, IdempotencyKey, Paging, Path, Query};
use platform::imports::{self, IMPORTS_READ, IMPORTS_WRITE, Import, ImportState, Importer, NewImport, Registry};
use platform::tabular::MeasureKind;
use platform::{App, Result};
use uuid::Uuid;
use warehouse::facilities;

use super::visitor::{Form, Visitor, failed, refuse, show};
use crate::view::{Choice, Column, Errors, ImportInput, ImportKind, ImportList, ImportPage, ImportRow, RowProblem};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/imports", Access::Needs(IMPORTS_READ), get(list))
        .page(Method::POST, "/imports", Access::Needs(IMPORTS_WRITE), post(upload))
        .page(Method::GET, "/imports/{id}", Access::Needs(IMPORTS_READ), get(one))
        .page(Method::POST, "/imports/{id}/apply", Access::Needs(IMPORTS_WRITE), post(apply))
}

async fn list(visitor: Visitor, Extension(registry): Extension<Registry>, Query(paging): Query<Paging>) -> Result<Response> {
    show(&view(&visitor, &registry, paging.into(), ImportInput::default(), Errors::none()).await?)
}

async fn view(
    visitor: &Visitor,
    registry: &Registry,
    paging: PageRequest,
    input: ImportInput,
    errors: Errors,
) -> Result<ImportList> {
    let actor = &visitor.actor;
    let every = PageRequest { limit: Some(MAX_PAGE_SIZE), cursor: None };
    let (imports, known) = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            let imports = imports::list(connection, actor, None, &paging).await?;
            let known = facilities::list(connection, actor, &Default::default(), &every).await?;
            Ok((imports, known))
        })
        .await?;
    Ok(ImportList {
        facilities: known.items.into_iter().map(|facility| Choice::new(facility.code, facility.name)).collect(),
        kinds: registry.iter().map(|importer| kind(importer.as_ref())).collect(),
        input,
        errors,
        pager: visitor.pager(imports.next_cursor.as_ref()),
        imports: imports.items.into_iter().map(row).collect(),
        can_import: visitor.may(IMPORTS_WRITE),
        page: visitor.page("Imports"),
    })
}

fn kind(importer: &dyn Importer) -> ImportKind {
    let hint = match importer.kind() {
        "items" => "Codes, names, sizes, weights",
        "locations" => "Codes, types, sizes, coordinates",
        "stock" => "What lies where on the first day",
        "movements" => "A past with its own times",
        _ => "",
    };
    ImportKind { kind: importer.kind(), hint, columns: columns(importer) }
}

fn columns(importer: &dyn Importer) -> Vec<Column> {
    importer
        .columns()
        .iter()
        .map(|column| Column {
            name: column.name,
            label: column.name,
            is_required: column.required,
            measure: match column.measure {
                Some(MeasureKind::Length) => "length",
                Some(MeasureKind::Weight) => "weight",
                Some(MeasureKind::Volume) => "volume",
                None => "",
            },
            hint: column.meaning,
        })
        .collect()
}

fn row(import: Import) -> ImportRow {
    ImportRow {
        href: format!("/imports/{}", import.import_id),
        file_name: import.file_name,
        kind: import.kind,
        state: import.state.as_str().into(),
        is_dry_run: import.options.dry_run,
        rows_total: import.rows_total.unsigned_abs(),
        rows_bad: import.rows_bad.unsigned_abs(),
        by: import.created_by_name,
        at: import.created_at,
    }
}

async fn upload(
    State(app): State<App>,
    visitor: Visitor,
    Extension(registry): Extension<Registry>,
    request: Request,
) -> Result<Response> {
    let (mut new, rest) = match imports::read_upload(&app, request).await {
        Ok(upload) => upload,
        Err(error) => {
            let view = view(&visitor, &registry, PageRequest::default(), ImportInput::default(), Errors::none()).await?;
            return refuse(error, |errors| ImportList { errors, ..view });
        }
    };
    take_mapping(&mut new, &rest);
    let key = rest
        .get("idempotency_key")
        .map(|key| IdempotencyKey::new(key, "POST /imports", new.content.as_deref().unwrap_or_default()));
    let submitted = visitor.change(key.as_ref(), async |tx| imports::submit(tx, &visitor.actor, &registry, &new).await).await;
    match submitted {
        Ok(import) => Ok(Redirect::to(&format!("/imports/{}", import.import_id)).into_response()),
        Err(error) => {
            let view = view(&visitor, &registry, PageRequest::default(), input_of(&new), Errors::none()).await?;
            refuse(error, |errors| ImportList { errors, ..view })
        }
    }
}

/// The table of the form names its fields `column:KIND:COLUMN`, for every kind; only the chosen kind counts.
fn take_mapping(new: &mut NewImport, rest: &std::collections::BTreeMap<String, String>) {
    for (name, theirs) in rest {
        if let Some((kind, ours)) = name.strip_prefix("column:").and_then(|name| name.split_once(':'))
            && kind == new.kind
            && !theirs.trim().is_empty()
        {
            new.options.map.insert(ours.to_owned(), theirs.trim().to_owned());
        }
    }
}

fn input_of(new: &NewImport) -> ImportInput {
    let options = &new.options;
    let map: Vec<String> = options.map.iter().map(|(ours, theirs)| format!("{ours}={theirs}")).collect();
    ImportInput {
        kind: new.kind.clone(),
        facility: options.facility.clone().unwrap_or_default(),
        map: map.join(", "),
        length_unit: options.units.length_unit.map_or("", |unit| unit.symbol()).into(),
        weight_unit: options.units.weight_unit.map_or("", |unit| unit.symbol()).into(),
        dry_run: options.dry_run,
        skip_bad: options.skip_bad,
        ..ImportInput::default()
    }
}

async fn one(visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response> {
    let actor = &visitor.actor;
    let import = visitor.app.db.read(actor.tenant(), async |connection| imports::get(connection, actor, id).await).await?;
    let report = import.report.unwrap_or_default();
    let is_running = matches!(import.state, ImportState::Queued | ImportState::Running);
    let may_apply = import.options.dry_run && import.state == ImportState::Done && visitor.may(IMPORTS_WRITE);
    let rows_bad = import.rows_bad.unsigned_abs();
    let done_percent = if import.rows_total > 0 { import.rows_done as f64 / import.rows_total as f64 * 100.0 } else { 0.0 };
    show(&ImportPage {
        page: visitor.page(&import.file_name),
        file_name: import.file_name,
        kind: import.kind,
        state: import.state.as_str().into(),
        is_running,
        is_dry_run: import.options.dry_run,
        is_skip_bad: import.options.skip_bad,
        rows_total: import.rows_total.unsigned_abs(),
        rows_done: import.rows_done.unsigned_abs(),
        rows_bad,
        done_percent,
        created_count: report.created,
        updated_count: report.updated,
        problems_left_out: rows_bad.saturating_sub(report.bad.len() as u64),
        failure: (import.state == ImportState::Failed)
            .then(|| report.bad.first().map_or_else(String::new, |cell| cell.reason.clone())),
        problems: report
            .bad
            .into_iter()
            .map(|cell| RowProblem {
                line: cell.line,
                column: cell.column.unwrap_or_default(),
                value: cell.value,
                reason: cell.reason,
                mend: cell.mend,
            })
            .collect(),
        by: import.created_by_name,
        at: import.created_at,
        finished_at: import.finished_at,
        apply_href: may_apply.then(|| format!("/imports/{id}/apply")),
    })
}

async fn apply(
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Extension(registry): Extension<Registry>,
    form: Form<Nothing>,
) -> Result<Response> {
    let repeated = visitor.change(form.key.as_ref(), async |tx| imports::repeat(tx, &visitor.actor, &registry, id).await).await;
    Ok(match repeated {
        Ok(import) => Redirect::to(&format!("/imports/{}", import.import_id)).into_response(),
        Err(error) => failed(&format!("/imports/{id}"), &error),
    })
}

/// A form that is only a button.
#[derive(serde::Deserialize)]
struct Nothing {}
