use std::collections::BTreeMap;
use std::io::Read as _;

use axum::Extension;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, FromRequestParts as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use kernel::{ErrorCode, FieldError, LengthUnit, MassUnit, VolumeUnit};
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;
use uuid::Uuid;

use super::service::{self, Import, NewImport};
use super::{IMPORTS_READ, IMPORTS_WRITE, Importer, Options, Registry};
use crate::auth::Actor;
use crate::http::{Access, Api, IdempotencyKey, PageDto, Paging, Path, Problem, Query, UPLOAD_LIMIT_BYTES, mutate};
use crate::{App, Error, Result};

type Importers = Extension<Registry>;

/// `/api/v1/imports`: upload a file, see how it goes, and what may be imported.
pub fn api(registry: Registry) -> Api {
    let registry: Importers = Extension(registry);
    let (schemas, paths, upload) = routes!(upload_import);
    let upload = (schemas, paths, upload.layer(registry.clone()));
    let (schemas, paths, kinds) = routes!(list_import_kinds);
    let kinds = (schemas, paths, kinds.layer(registry));
    Api::new()
        .route(Access::Needs(IMPORTS_WRITE), upload)
        .route(Access::Needs(IMPORTS_READ), routes!(list_imports))
        .route(Access::Needs(IMPORTS_READ), kinds)
        .route(Access::Needs(IMPORTS_READ), routes!(get_import))
}

/// What accompanies an uploaded file: query parameters of a raw body, or fields of a form.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadFields {
    /// What to import: see `/api/v1/imports/kinds`.
    pub kind: String,
    /// For the history; a form's file brings its own.
    pub file_name: Option<String>,
    /// `OURS=THEIRS` pairs with commas between, for columns that are called otherwise in the file.
    pub map: Option<String>,
    /// Unit of lengths whose header names none: mm, cm, m, in, ft.
    pub length_unit: Option<String>,
    /// Unit of weights whose header names none: g, kg, lb, oz, t.
    pub weight_unit: Option<String>,
    /// Unit of volumes whose header names none: cm3, l, m3, ft3, in3.
    pub volume_unit: Option<String>,
    /// `true` tries everything and keeps nothing.
    pub dry_run: Option<String>,
    /// `true` takes the good rows although others are bad.
    pub skip_bad: Option<String>,
    /// Id or code of the facility, for locations.
    pub facility: Option<String>,
}

impl UploadFields {
    fn into_import(self, content: Vec<u8>, mapped: BTreeMap<String, String>) -> Result<NewImport> {
        let mut faults = Vec::new();
        let mut options =
            Options { map: mapped, facility: self.facility.filter(|text| !text.trim().is_empty()), ..Options::default() };
        match Options::parse_map(&self.map.unwrap_or_default()) {
            Ok(map) => options.map.extend(map),
            Err(invalid) => faults.push(invalid.at("map")),
        }
        options.units.length_unit = given(self.length_unit, LengthUnit::parse, "length_unit", &mut faults);
        options.units.weight_unit = given(self.weight_unit, MassUnit::parse, "weight_unit", &mut faults);
        options.units.volume_unit = given(self.volume_unit, VolumeUnit::parse, "volume_unit", &mut faults);
        options.dry_run = given(self.dry_run, flag, "dry_run", &mut faults).unwrap_or(false);
        options.skip_bad = given(self.skip_bad, flag, "skip_bad", &mut faults).unwrap_or(false);
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let file_name = self.file_name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("{}.csv", self.kind));
        Ok(NewImport { kind: self.kind, file_name, content: Some(content), options })
    }
}

fn given<T>(
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, kernel::Invalid>,
    field: &str,
    faults: &mut Vec<FieldError>,
) -> Option<T> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    parse(&text).map_err(|invalid| faults.push(invalid.at(field))).ok()
}

/// A browser sends `on` for a ticked box and nothing for the other.
fn flag(text: &str) -> Result<bool, kernel::Invalid> {
    match text.trim() {
        "true" | "on" | "1" | "yes" => Ok(true),
        "false" | "off" | "0" | "no" => Ok(false),
        _ => Err(kernel::Invalid("must be true or false".into())),
    }
}

/// Reads an upload: a form (`multipart/form-data` with the file in `file`, and `map.COLUMN` as another way to say `map`), or the file
/// itself as the body with everything else in the query. Fields of the form that are not about imports come back beside it.
pub async fn read_upload(app: &App, request: Request) -> Result<(NewImport, BTreeMap<String, String>)> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("multipart/form-data") {
        return read_form(app, request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Query(fields) = Query::<UploadFields>::from_request_parts(&mut parts, app).await?;
    let content = to_bytes(body, UPLOAD_LIMIT_BYTES).await.map_err(|_| too_large())?;
    Ok((fields.into_import(content.into(), BTreeMap::new())?, BTreeMap::new()))
}

async fn read_form(app: &App, mut request: Request) -> Result<(NewImport, BTreeMap<String, String>)> {
    DefaultBodyLimit::max(UPLOAD_LIMIT_BYTES).apply(&mut request);
    let malformed = |text: String| Error::new(ErrorCode::MalformedBody, text);
    let mut form = Multipart::from_request(request, app).await.map_err(|rejection| malformed(rejection.body_text()))?;
    let mut fields = UploadFields::default();
    let (mut content, mut mapped, mut rest) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    while let Some(part) = form.next_field().await.map_err(|error| form_error(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            if let Some(file_name) = part.file_name().filter(|file_name| !file_name.is_empty()) {
                fields.file_name = Some(file_name.to_owned());
            }
            content = part.bytes().await.map_err(|error| form_error(&error))?.into();
            continue;
        }
        if mapped.len() + rest.len() > 300 {
            return Err(Error::field("form", "must have at most 300 fields"));
        }
        let value = part.text().await.map_err(|error| form_error(&error))?;
        let slot = match name.as_str() {
            "kind" => {
                fields.kind = value;
                continue;
            }
            "file_name" => &mut fields.file_name,
            "map" => &mut fields.map,
            "length_unit" => &mut fields.length_unit,
            "weight_unit" => &mut fields.weight_unit,
            "volume_unit" => &mut fields.volume_unit,
            "dry_run" => &mut fields.dry_run,
            "skip_bad" => &mut fields.skip_bad,
            "facility" => &mut fields.facility,
            other => {
                match other.strip_prefix("map.") {
                    Some(_) if value.trim().is_empty() => None,
                    Some(ours) => mapped.insert(ours.to_owned(), value),
                    None => rest.insert(other.to_owned(), value),
                };
                continue;
            }
        };
        *slot = Some(value);
    }
    Ok((fields.into_import(content, mapped)?, rest))
}

fn form_error(error: &axum::extract::multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Error::new(ErrorCode::MalformedBody, error.body_text())
    }
}

fn too_large() -> Error {
    let limit = UPLOAD_LIMIT_BYTES >> 20;
    Error::new(
        ErrorCode::BodyTooLarge,
        format!("the file is larger than {limit} MiB; compress it with gzip or zstd, or import it on the command line"),
    )
}

/// Upload a file to import
///
/// The answer comes at once; the import runs as a job. Look at it by its id until its state is DONE, REFUSED or FAILED.
#[utoipa::path(
    post, path = "/api/v1/imports", tag = "imports", params(UploadFields),
    request_body(
        content_type = "text/csv",
        description = "CSV, plain or compressed with gzip or zstd, at most 64 MiB; or multipart/form-data with the file in `file` and the query parameters as fields",
        content = String,
    ),
    responses(
        (status = 202, body = Import, description = "accepted; it runs in the background"),
        (status = 413, body = Problem, description = "the file is too large"),
        (status = 422, body = Problem, description = "an unknown kind or option"),
    )
)]
async fn upload_import(
    State(app): State<App>,
    Extension(registry): Importers,
    actor: Actor,
    request: Request,
) -> Result<(StatusCode, axum::Json<Import>)> {
    let header = request.headers().get("idempotency-key").cloned();
    let (new, rest) = read_upload(&app, request).await?;
    if let Some(unknown) = rest.keys().next() {
        return Err(Error::field(unknown.clone(), "is not a field of an import"));
    }
    let key = header.map(|value| key_of(&value, &new)).transpose()?;
    let import = mutate(&app, &actor, key.as_ref(), async |tx| service::submit(tx, &actor, &registry, &new).await).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(import)))
}

/// A form's boundary differs each time, so the fingerprint is taken of what was sent in it.
fn key_of(value: &axum::http::HeaderValue, new: &NewImport) -> Result<IdempotencyKey> {
    let key = value.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
    let key = key.ok_or_else(|| Error::field("Idempotency-Key", "must be 1 to 200 visible ASCII characters"))?;
    let options = serde_json::to_vec(&(&new.kind, &new.file_name, &new.options)).map_err(Error::internal)?;
    let mut body = Vec::new();
    options.as_slice().chain(new.content.as_deref().unwrap_or_default()).read_to_end(&mut body).map_err(Error::internal)?;
    Ok(IdempotencyKey::new(key, "POST /api/v1/imports", &body))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListFilter {
    /// Only imports of this kind.
    kind: Option<String>,
    /// Rows at most, 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List imports, newest first
#[utoipa::path(
    get, path = "/api/v1/imports", tag = "imports", params(ListFilter),
    responses((status = 200, body = PageDto<Import>), (status = 422, body = Problem))
)]
async fn list_imports(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<ListFilter>,
) -> Result<axum::Json<PageDto<Import>>> {
    let page = Paging { limit: filter.limit, cursor: filter.cursor }.into();
    let kind = filter.kind.as_deref();
    let page = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor, kind, &page).await).await?;
    Ok(axum::Json(page.into()))
}

/// One import with its report
#[utoipa::path(
    get, path = "/api/v1/imports/{import}", tag = "imports", params(("import" = Uuid, Path, description = "id of the import")),
    responses((status = 200, body = Import), (status = 404, body = Problem))
)]
async fn get_import(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Import>> {
    Ok(axum::Json(app.db.read(actor.tenant(), async |connection| service::get(connection, &actor, id).await).await?))
}

/// Something that can be imported, and the columns that it takes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImportKind {
    pub kind: String,
    pub needs_facility: bool,
    pub columns: Vec<ImportColumn>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImportColumn {
    pub name: String,
    pub required: bool,
    pub meaning: String,
}

impl From<&dyn Importer> for ImportKind {
    fn from(importer: &dyn Importer) -> Self {
        let columns = importer.columns().iter().map(|column| ImportColumn {
            name: column.name.into(),
            required: column.required,
            meaning: column.meaning.into(),
        });
        Self { kind: importer.kind().into(), needs_facility: importer.needs_facility(), columns: columns.collect() }
    }
}

/// What can be imported, and from which columns
#[utoipa::path(get, path = "/api/v1/imports/kinds", tag = "imports", responses((status = 200, body = Vec<ImportKind>)))]
async fn list_import_kinds(Extension(registry): Importers) -> axum::Json<Vec<ImportKind>> {
    axum::Json(registry.iter().map(|importer| ImportKind::from(importer.as_ref())).collect())
}
